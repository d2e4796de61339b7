/** Redirects (Fetch Standard, section 4.4, "HTTP-redirect fetch"). */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { startOrigin } from '../support/origin.js';
import { origin, seen, setup, client } from './support.js';

const to = (status: number, url: string): string => `/redirect/${status}?to=${encodeURIComponent(url)}`;

describe('redirect: follow', () => {
  for (const status of [301, 302, 303, 307, 308])
    test(`${status} is followed, and the response says so`, async (t) => {
      const { fetch, at } = await setup(t);
      const response = await fetch(at + to(status, '/inspect?a#part'));
      assert.deepEqual([response.redirected, response.url, response.type], [true, `${at}/inspect?a`, 'basic']);
      assert.equal((await seen(response)).method, 'GET');
    });

  for (const status of [300, 304, 305, 306])
    test(`${status} is an answer like others`, async (t) => {
      const { fetch, at } = await setup(t);
      const response = await fetch(at + to(status, '/inspect'));
      assert.deepEqual([response.status, response.redirected], [status, false]);
    });

  test('without a location the response is the answer', async (t) => {
    const { fetch, at } = await setup(t);
    const response = await fetch(`${at}/redirect/302`);
    assert.deepEqual([response.status, await response.text()], [302, 'elsewhere']);
  });

  test('a location counts behind a field whose value is that word, too', async (t) => {
    const { fetch, at } = await setup(t);
    const response = await fetch(`${at + to(302, '/inspect')}&exposed=location`);
    assert.deepEqual([response.status, response.url], [200, `${at}/inspect`]);
  });

  test('a relative location is relative to the URL that redirected', async (t) => {
    const { fetch, at } = await setup(t);
    assert.equal((await fetch(`${at}/redirect/302?to=../inspect?x`)).url, `${at}/inspect?x`);
  });

  test('a URL that its owner changes meanwhile leads no redirect elsewhere', async (t) => {
    const { fetch, at } = await setup(t);
    const other = await origin(t);
    const url = new URL(at + to(302, '/inspect'));
    const pending = fetch(url, { headers: { authorization: 'secret' } });
    url.port = String(other.port);
    assert.equal((await seen(await pending)).headers['authorization'], 'secret');
    assert.equal(other.streamCount, 0);
  });

  test('twenty are followed, one more is a failure', async (t) => {
    const { fetch, at } = await setup(t);
    assert.equal((await fetch(`${at}/loop/20`)).redirected, true);
    await assert.rejects(fetch(`${at}/loop/21`), { name: 'TypeError', message: 'fetch failed' });
  });

  const kept = ['POST', 'POST', 'body', 'text/plain;charset=UTF-8'];
  for (const [status, method, after, body, type] of [
    [301, 'POST', 'GET', '', undefined],
    [302, 'POST', 'GET', '', undefined],
    [303, 'POST', 'GET', '', undefined],
    [303, 'PUT', 'GET', '', undefined],
    [301, 'PUT', 'PUT', 'body', 'text/plain;charset=UTF-8'],
    [302, 'DELETE', 'DELETE', 'body', 'text/plain;charset=UTF-8'],
    [307, ...kept],
    [308, ...kept],
  ] as [number, string, string, string, string | undefined][])
    test(`${method} goes on as ${after} after ${status}, ${body === '' ? 'without' : 'with'} its body`, async (t) => {
      const { fetch, at } = await setup(t);
      const headers = { 'content-language': 'de', 'x-own': '1' };
      const sent = await seen(await fetch(at + to(status, '/inspect'), { method, body: 'body', headers }));
      assert.deepEqual([sent.method, sent.body, sent.headers['content-type']], [after, body, type]);
      assert.equal(sent.headers['content-language'], body === '' ? undefined : 'de');
      assert.equal(sent.headers['x-own'], '1');
    });

  test('HEAD stays HEAD after 303', async (t) => {
    const { fetch, at } = await setup(t);
    const response = await fetch(at + to(303, '/redirect/303?to=/hello.txt'), { method: 'HEAD' });
    assert.deepEqual([response.status, response.body, response.url], [200, null, `${at}/hello.txt`]);
  });

  const credentials = { authorization: 'a', 'proxy-authorization': 'b', cookie: 'c=1', 'x-own': 'd' };

  test('to the same origin, credentials go along', async (t) => {
    const { fetch, at } = await setup(t);
    const { headers } = await seen(await fetch(at + to(302, '/inspect'), { headers: credentials }));
    assert.deepEqual([headers['authorization'], headers['cookie'], headers['x-own']], ['a', 'c=1', 'd']);
  });

  test("to another origin they do not, nor does host, and the response's type is cors", async (t) => {
    const { fetch, at } = await setup(t);
    const other = await origin(t);
    const given = { ...credentials, host: 'first.example', Authorization: 'a' };
    const response = await fetch(at + to(307, `${other.origin}/inspect`), {
      method: 'POST',
      body: 'x',
      headers: given,
    });
    assert.equal(response.type, 'cors');
    const { headers, body } = await seen(response);
    assert.deepEqual(
      [headers['authorization'], headers['proxy-authorization'], headers['cookie'], headers['x-own'], body],
      [undefined, undefined, undefined, 'd', 'x'],
    );
    assert.equal(headers[':authority'], `127.0.0.1:${other.port}`);
  });

  test("to another origin is a failure where mode is 'same-origin', and nothing is sent there", async (t) => {
    const { fetch, at } = await setup(t);
    const other = await origin(t);
    const url = at + to(302, `${other.origin}/inspect`);
    const mode = 'same-origin';
    for (const call of [() => fetch(url, { mode }), () => fetch(new Request(url, { mode }))])
      await assert.rejects(call(), { name: 'TypeError', message: 'fetch failed' });
    assert.equal(other.streamCount, 0);
    assert.equal((await fetch(at + to(302, '/inspect'), { mode })).status, 200);
  });

  test('a body that was a stream cannot go along, except where none goes along', async (t) => {
    const { fetch, at } = await setup(t);
    const post = (status: number): Promise<Response> => {
      const body = new Blob(['x']).stream();
      return fetch(at + to(status, '/inspect'), { method: 'POST', body, duplex: 'half' });
    };
    await assert.rejects(post(307), { name: 'TypeError', message: 'fetch failed' });
    await assert.rejects(post(302), TypeError);
    assert.equal((await seen(await post(303))).method, 'GET');
  });

  test('the body of a Request goes along where it was given as text', async (t) => {
    const { fetch, at } = await setup(t);
    const request = new Request(at + to(308, '/inspect'), { method: 'POST', body: 'again' });
    assert.equal((await seen(await fetch(request))).body, 'again');
  });

  for (const location of ['http://', 'data:,x', 'ftp://127.0.0.1/', 'http://user@127.0.0.1/', 'file:///'])
    test(`to ${location} is a failure`, async (t) => {
      const { fetch, at } = await setup(t);
      await assert.rejects(fetch(at + to(302, location)), { name: 'TypeError', message: 'fetch failed' });
    });

  test('to a URL with credentials sends nothing there', async (t) => {
    const server = await origin(t);
    const { fetch } = client(t);
    for (const userinfo of ['user@', ':password@']) {
      const location = server.origin.replace('//', `//${userinfo}`);
      await assert.rejects(fetch(server.origin + to(302, location)), { name: 'TypeError', message: 'fetch failed' });
    }
    assert.equal(server.streamCount, 2);
  });

  test('the response that redirected is given up, so that it holds no stream', async (t) => {
    const server = await origin(t);
    const { fetch } = client(t);
    await (await fetch(server.origin + to(302, '/hello.txt'))).text();
    while (server.openStreams > 0) await new Promise(setImmediate);
  });
});

test('a redirect that is not followed gives its stream back, whatever more of it would come', async (t) => {
  const server = await startOrigin({
    handler: (request, response) => {
      response.writeHead(302, { location: request.url === '/far' ? 'ftp://a.test/' : '/hello.txt' });
      response.write('endless');
    },
  });
  t.after(() => server.close());
  const { fetch } = client(t);
  for (const [path, init] of [
    ['/', { redirect: 'error' }],
    ['/far', {}],
  ] as [string, RequestInit][]) {
    await assert.rejects(fetch(server.origin + path, init), TypeError);
    while (server.openStreams > 0) await new Promise(setImmediate);
  }
});

test('redirect: error fails at a redirect, and at nothing else', async (t) => {
  const { fetch, at } = await setup(t);
  const init = { redirect: 'error' } as const;
  await assert.rejects(fetch(at + to(302, '/inspect'), init), { name: 'TypeError', message: 'fetch failed' });
  assert.equal((await fetch(`${at}/hello.txt`, init)).status, 200);
});

test('redirect: manual gives the redirect itself, with its location, as Node does', async (t) => {
  const { fetch, at } = await setup(t);
  const response = await fetch(at + to(302, '/inspect'), { redirect: 'manual' });
  assert.deepEqual(
    [response.status, response.headers.get('location'), response.redirected, await response.text()],
    [302, '/inspect', false, 'elsewhere'],
  );
});
