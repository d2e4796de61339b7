/** What an init may say (Fetch Standard, section 5.4), and what of it is sent. */
import assert from 'node:assert/strict';
import { Agent as HttpAgent } from 'node:http';
import { Agent as HttpsAgent } from 'node:https';
import { describe, test, type TestContext } from 'node:test';
import { seen, setup } from './support.js';

describe('the init', () => {
  test('members that fetch does not know are ignored', async (t) => {
    const { fetch, at } = await setup(t);
    assert.equal((await fetch(`${at}/hello.txt`, { nonsense: 1 } as RequestInit)).status, 200);
  });

  test('undefined and null are no init', async (t) => {
    const { fetch, at } = await setup(t);
    assert.equal((await fetch(`${at}/hello.txt`, undefined)).status, 200);
    assert.equal((await fetch(`${at}/hello.txt`, null as unknown as RequestInit)).status, 200);
    await assert.rejects(fetch(`${at}/hello.txt`, 'x' as unknown as RequestInit), TypeError);
  });

  for (const init of [
    { redirect: 'sometimes' },
    { mode: 'navigate' },
    { mode: 'no-cors', method: 'PUT' },
    { mode: null },
    { credentials: 'all' },
    { cache: 'sometimes' },
    { cache: 'only-if-cached' },
    { cache: 'only-if-cached', mode: 'cors' },
    { priority: 'urgent' },
    { priority: { urgency: 1 } },
    { referrerPolicy: 'none' },
    { referrer: '/relative' },
    { referrer: 'http://' },
    { signal: 'stop' },
    { signal: {} },
    { signal: { aborted: false } },
    { signal: { addEventListener: 1 } },
    { window: {} },
    { duplex: 'full', method: 'POST', body: 'x' },
  ])
    test(`${JSON.stringify(init)} rejects with a TypeError that is no failed fetch`, async (t) => {
      const { fetch, at } = await setup(t);
      await assert.rejects(fetch(`${at}/hello.txt`, init as unknown as RequestInit), (error: Error) => {
        assert.ok(error instanceof TypeError);
        assert.notEqual(error.message, 'fetch failed');
        return true;
      });
    });

  for (const init of [
    { priority: 'high' },
    { referrerPolicy: '' },
    { referrerPolicy: 'origin' },
    { referrer: '' },
    { referrer: 'about:client' },
    { mode: 'no-cors', method: 'POST', body: 'x' },
    { cache: 'force-cache' },
    { cache: 'only-if-cached', mode: 'same-origin' },
    { dispatcher: null },
    { dispatcher: undefined },
    { agent: null },
    { agent: undefined },
    { agent: false },
  ])
    test(`${JSON.stringify(init)} is taken`, async (t) => {
      const { fetch, at } = await setup(t);
      assert.equal((await fetch(`${at}/inspect`, init as unknown as RequestInit)).status, 200);
    });
});

describe('the cache mode', () => {
  const none = [undefined, undefined];
  for (const [init, sent] of [
    [{}, none],
    [{ cache: 'default' }, none],
    [{ cache: 'force-cache' }, none],
    [{ cache: 'no-store' }, ['no-cache', 'no-cache']],
    [{ cache: 'reload' }, ['no-cache', 'no-cache']],
    [{ cache: 'no-cache' }, ['max-age=0', undefined]],
    [{ cache: 'no-cache', headers: { 'Cache-Control': 'max-age=5' } }, ['max-age=5', undefined]],
    [{ cache: 'no-store', headers: { 'Cache-Control': 'private' } }, ['private', 'no-cache']],
    [{ cache: 'no-store', headers: { Pragma: 'x' } }, ['no-cache', 'x']],
    [{ headers: { 'If-None-Match': '"1"' } }, ['no-cache', 'no-cache']],
    [{ cache: 'force-cache', headers: { 'If-None-Match': '"1"' } }, none],
  ] as [RequestInit, (string | undefined)[]][])
    test(`of ${JSON.stringify(init)} sends cache-control and pragma ${JSON.stringify(sent)}`, async (t) => {
      const { fetch, at } = await setup(t);
      for (const response of [await fetch(`${at}/inspect`, init), await fetch(new Request(`${at}/inspect`, init))]) {
        const { headers } = await seen(response);
        assert.deepEqual([headers['cache-control'], headers['pragma']], sent);
      }
    });
});

describe('what others connect by', () => {
  const refused = async (t: TestContext, init: object): Promise<void> => {
    const { fetch, at } = await setup(t);
    await assert.rejects(fetch(`${at}/hello.txt`, init), { name: 'TypeError', code: 'ERR_INVALID_ARG_VALUE' });
  };

  test('a dispatcher is refused, since a proxy may stand behind it', async (t) => {
    await refused(t, { dispatcher: { dispatch: () => assert.fail('the dispatcher was asked') } });
  });

  test('so is the dispatcher of a Request, where Node shows it', async (t) => {
    const dispatcher = { dispatch: () => assert.fail('the dispatcher was asked') };
    const { fetch, at } = await setup(t);
    const request = new Request(`${at}/hello.txt`, { dispatcher } as unknown as RequestInit);
    const shown = Object.getOwnPropertySymbols(request).some(({ description }) => description === 'dispatcher');
    if (shown) await assert.rejects(fetch(request), { name: 'TypeError', code: 'ERR_INVALID_ARG_VALUE' });
    else assert.equal((await fetch(request)).status, 200);
  });

  class HttpsProxyAgent extends HttpAgent {}
  const named = new HttpsProxyAgent();
  const showing = Object.assign(new HttpAgent(), { proxy: new URL('http://127.0.0.1:1') });
  const tunnel = Object.assign(new HttpAgent(), { proxyOptions: { host: '127.0.0.1' } });
  for (const [what, agent] of [
    ["a proxy's by its class", named],
    ['one that shows its proxy', showing],
    ["a tunnel's", tunnel],
    ['one with a CA', new HttpsAgent({ ca: 'pem' })],
    ['one with a client certificate', new HttpsAgent({ cert: 'pem', key: 'pem' })],
    ['one that trusts everybody', new HttpsAgent({ rejectUnauthorized: false })],
    ['one with a look-up of its own', new HttpAgent({ lookup: () => undefined })],
    ['a dispatcher', { dispatch: () => undefined }],
    ["a function that gives a proxy's", () => showing],
  ] as const)
    test(`as agent, ${what} is refused`, (t) => refused(t, { agent }));

  test('the URL that a function for the agent is given is its own to change', async (t) => {
    const { fetch, at } = await setup(t);
    const agent = (url: URL): undefined => void (url.pathname = '/no-such-page');
    for (let i = 0; i < 2; i++) {
      const response = await fetch(`${at}/hello.txt`, { agent } as unknown as RequestInit);
      assert.deepEqual([response.status, response.url], [200, `${at}/hello.txt`]);
    }
  });

  test('an agent that only pools is ignored, and the process is warned once', async (t) => {
    const { fetch, at } = await setup(t);
    const warnings: (Error & { code?: string })[] = [];
    const note = (warning: Error): void => void warnings.push(warning);
    process.on('warning', note);
    t.after(() => process.off('warning', note));
    for (const agent of [
      new HttpAgent({ keepAlive: true }),
      new HttpsAgent({ rejectUnauthorized: true }),
      () => undefined,
    ])
      assert.equal((await fetch(`${at}/hello.txt`, { agent } as unknown as RequestInit)).status, 200);
    await new Promise(setImmediate);
    assert.deepEqual(
      warnings.map(({ code }) => code),
      ['PASSINGLANE_AGENT_IGNORED'],
    );
  });
});
