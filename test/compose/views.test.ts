/** Views of a transport: what they give to requests, and where those may go. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Transport, type RequestOptions, type TransportError, type ViewOptions } from '../../dist/index.js';
import { client, origin as startOrigin, type Seen } from '../fetch/support.js';

test('a view shares the connections of its transport', async (t) => {
  const transport = client(t);
  const origin = await startOrigin(t);
  const view = transport.with({ baseURL: origin.origin });
  await (await transport.request(`${origin.origin}/inspect`)).text();
  await (await view.request('/inspect')).text();
  await (await view.with({}).fetch('/inspect')).text();
  assert.equal(origin.sessionCount, 1);
  assert.equal(transport.stats().totals.requests, 3);
});

test('a path is joined to baseURL with one slash, by request as by fetch', async (t) => {
  const transport = client(t);
  const origin = await startOrigin(t);
  const at = `${origin.origin}/inspect/v1`;
  for (const [base, given, path] of [
    [at, 'users', '/inspect/v1/users'],
    [at, '/users', '/inspect/v1/users'],
    [`${at}/`, '/users?a=b:c#d', '/inspect/v1/users?a=b:c'],
    [at, '', '/inspect/v1'],
    [at, '?q=1', '/inspect/v1?q=1'],
    [at, '//elsewhere.test/x', '/inspect/v1//elsewhere.test/x'],
    [at, 'users/7:tags', '/inspect/v1/users/7:tags'],
    [at, `${origin.origin}/inspect/next`, '/inspect/next'],
    [origin.origin, 'inspect', '/inspect'],
    [new URL(at), 'users', '/inspect/v1/users'],
  ] as const) {
    const view = transport.with({ baseURL: base });
    for (const call of [view.request, view.fetch])
      assert.equal(((await (await call(given)).json()) as Seen).path, path, `${String(base)} and ${given}`);
  }
  const inner = transport.with({ baseURL: at }).with({ baseURL: 'users' });
  assert.equal(((await (await inner.request('/7')).json()) as Seen).path, '/inspect/v1/users/7');
});

test('a path that climbs out of baseURL is refused, also where the server would undo its escapes first', async (t) => {
  const transport = client(t);
  const origin = await startOrigin(t);
  const view = transport.with({ baseURL: `${origin.origin}/inspect/v1`, headers: { authorization: 'Bearer secret' } });
  for (const path of [
    '../admin',
    '/../v1-other/secret',
    'users/../../admin',
    '%2e%2e/admin',
    'users/%2E./.%2e/admin',
    '..%2fadmin',
    'users%2F..%2F..%2Fadmin',
    '..\\admin',
    '..%5Cadmin',
    '..?secret',
  ])
    for (const call of [
      view.request,
      view.fetch,
      (base: string) =>
        transport
          .with({ baseURL: origin.origin + '/inspect' })
          .with({ baseURL: base })
          .request(''),
    ])
      await assert.rejects(
        async () => call(path),
        (error: Error & { code?: string }) => {
          assert.equal(error.code, 'ERR_INVALID_ARG_VALUE', path);
          assert.match(error.message, /a path that stays under baseURL, http:\/\/127\.0\.0\.1:\d+\/inspect/);
          assert.doesNotMatch(error.message, /secret/);
          return true;
        },
      );
  assert.equal(origin.streamCount, 0);
  for (const [path, sent] of [
    ['users/../orders', '/inspect/v1/orders'],
    ['a%2fb..c', '/inspect/v1/a%2fb..c'],
    ['users/..', '/inspect/v1/'],
  ] as const)
    assert.equal(((await (await view.request(path)).json()) as Seen).path, sent);
});

test('a view that asks for timing has it on what fetch gives, and on its errors', async (t) => {
  const transport = client(t);
  const origin = await startOrigin(t);
  const view = transport.with({ baseURL: origin.origin, timing: true });
  const response = await view.fetch('/inspect');
  await response.text();
  assert.ok(response.timing !== undefined && response.timing.total > 0);
  assert.equal((await transport.with({}).fetch(`${origin.origin}/inspect`)).timing, undefined);
  const failure = await view
    .with({ timeout: 20 })
    .fetch('/silent')
    .catch((error: unknown) => error as Error);
  assert.ok(((failure as Error).cause as TransportError).timing?.total);
});

test('a whole URL of another origin is refused by a view with a baseURL, and nothing is sent', async (t) => {
  const transport = client(t);
  const origin = await startOrigin(t);
  const view = transport.with({ baseURL: origin.origin, headers: { authorization: 'Bearer secret' } });
  for (const url of [
    'https://elsewhere.test/?token=secret',
    new URL('ftp://127.0.0.1/'),
    'data:,x',
    'blob:x',
    'users:7',
  ])
    for (const call of [view.request, view.fetch])
      await assert.rejects(call(url), (error: Error & { code?: string }) => {
        assert.equal(error.code, 'ERR_INVALID_ARG_VALUE', String(url));
        assert.match(error.message, /Allowed: a path under baseURL, or a URL of its origin, http:\/\/127\.0\.0\.1/);
        assert.doesNotMatch(error.message, /secret/);
        return true;
      });
  await assert.rejects(view.fetch(new Request('https://elsewhere.test/')), { code: 'ERR_INVALID_ARG_VALUE' });
  await assert.rejects(view.request(undefined as unknown as string), /^TypeError: Invalid url: undefined\./);
  assert.equal(origin.streamCount, 0);
});

test('the headers of a view go out unless the request names them, in any case, or as undefined', async (t) => {
  const transport = client(t);
  const origin = await startOrigin(t);
  const url = `${origin.origin}/inspect`;
  const view = transport
    .with({ headers: { 'X-Api': 'one', accept: 'text/plain', 'x-two': ['a', 'b'] } })
    .with({ headers: { 'x-api': 'inner' } });
  const seen = async (headers?: RequestOptions['headers']): Promise<unknown[]> => {
    const sent = ((await (await view.request(url, headers && { headers })).json()) as Seen).headers;
    return [sent['x-api'], sent['accept'], sent['x-two']];
  };
  assert.deepEqual(await seen(), ['inner', 'text/plain', 'a, b']);
  assert.deepEqual(await seen({ 'X-API': 'mine', Accept: undefined }), ['mine', undefined, 'a, b']);
  assert.deepEqual(await seen(new Headers({ 'x-two': 'c' })), ['inner', 'text/plain', 'c']);
  const fetched = (await (await view.fetch(url, { headers: { 'x-api': 'mine' } })).json()) as Seen;
  assert.deepEqual([fetched.headers['x-api'], fetched.headers['accept']], ['mine', 'text/plain']);
  const asked = new Request(url, { headers: { 'x-two': 'of the Request' } });
  assert.equal(((await (await view.fetch(asked)).json()) as Seen).headers['x-two'], 'of the Request');
});

test('the options of a view are the defaults of its requests and fetches', async (t) => {
  const transport = client(t);
  const origin = await startOrigin(t);
  const view = transport.with({ baseURL: origin.origin, timeout: 20 });
  const timedOut = { code: 'ERR_PASSINGLANE_TIMEOUT' };
  await assert.rejects(view.request('/silent'), timedOut);
  await assert.rejects(view.request('/silent', { timeout: undefined }), timedOut);
  await assert.rejects(view.fetch('/silent'), (error: Error) => {
    assert.equal((error.cause as { code?: string }).code, 'ERR_PASSINGLANE_TIMEOUT');
    return error.message === 'fetch failed';
  });
  assert.equal((await view.with({ timeout: 0 }).request('/delay/40')).status, 200);
  assert.equal((await view.request('/delay/40', { timeout: 0 })).status, 200);
});

test('the options of a view are checked when it is made, and name no secret', () => {
  const transport = new Transport();
  for (const [options, message] of [
    [{ baseUrl: 'https://x.test' }, /option 'baseUrl'.*Allowed: baseURL, headers, timeout/],
    [{ body: 'x' }, /option 'body'/],
    [{ timeout: -1 }, /option 'timeout': -1/],
    [{ headers: 'secret' }, /option 'headers'/],
    [{ baseURL: '/relative' }, /option 'baseURL'.*an https: or http: URL without query and fragment/],
    [{ baseURL: 'https://x.test/?key=secret' }, /option 'baseURL'/],
    [{ baseURL: 'ftp://x.test/' }, /option 'baseURL'/],
    [{ baseURL: 7 }, /option 'baseURL'/],
    [null, /Invalid options: null/],
  ] as [unknown, RegExp][])
    assert.throws(
      () => transport.with(options as ViewOptions),
      (error: Error & { code?: string }) => {
        assert.equal(error.code, 'ERR_INVALID_ARG_VALUE');
        assert.match(error.message, message);
        assert.doesNotMatch(error.message, /secret/);
        return true;
      },
    );
});

test('what is wrong with a request of a view rejects, as it does without', async (t) => {
  const transport = client(t);
  const origin = await startOrigin(t);
  const view = transport.with({ timeout: 1_000 });
  for (const options of [{ color: 'red' }, { timeout: -1 }, null, { headers: 5 }] as unknown as RequestOptions[])
    await assert.rejects(view.request(`${origin.origin}/inspect`, options), { code: 'ERR_INVALID_ARG_VALUE' });
  await assert.rejects(view.request('nowhere'), { code: 'ERR_INVALID_URL' });
  await assert.rejects(view.fetch('nowhere'), TypeError);
});

test('headers that no request could have are refused when a view is made, and their values are not told', () => {
  const transport = new Transport();
  const wrong: [headers: ViewOptions['headers'], names: RegExp][] = [
    [{ 'a b': 'secret' }, /"a b"/],
    [{ 'x-token': 'secret\n' + 'x' }, /"x-token"/],
    [[['te', 'secret']], /"te"/],
    [{ ':path': '/secret' }, /":path"/],
    [{ upgrade: 'secret' }, /"upgrade"/],
    [{ host: 'secret@host' }, /"host"/],
    [{ 'x-object': {} as string }, /"x-object"/],
  ];
  for (const [headers, names] of wrong)
    assert.throws(
      () => transport.with({ headers }),
      (error: Error & { code?: string }) => {
        assert.ok(error instanceof TypeError);
        assert.equal(error.code, 'ERR_INVALID_ARG_VALUE');
        assert.match(error.message, /^Invalid option 'headers': /);
        assert.match(error.message, names);
        assert.doesNotMatch(error.message, /secret/);
        return true;
      },
    );
  transport.with({ headers: { connection: 'keep-alive', 'content-length': '3', host: 'other.test:1', a: undefined } });
});
