/** Interceptors around request and fetch. */
import assert from 'node:assert/strict';
import { Readable } from 'node:stream';
import { test, type TestContext } from 'node:test';
import { Transport, type ClientResponse, type FetchInit, type Interceptor } from '../../dist/index.js';
import { client, origin as startOrigin, type Seen } from '../fetch/support.js';

const seen = async (response: { json(): Promise<unknown> }): Promise<Seen> => (await response.json()) as Seen;

async function start(t: TestContext): Promise<{ transport: Transport; url: string; streams: () => number }> {
  const transport = client(t);
  const origin = await startOrigin(t);
  return { transport, url: origin.origin, streams: () => origin.streamCount };
}

const adding =
  (name: string, value: string): Interceptor =>
  (request, next) => {
    request.headers.append(name, value);
    return next(request);
  };

test('interceptors are around each request and fetch, the first outermost, those of a view around all', async (t) => {
  const { transport, url } = await start(t);
  const view = transport.with().use(adding('x-order', 'view'));
  transport.use(adding('x-order', 'first')).use(adding('x-order', 'second'));
  for (const call of [transport.request, transport.fetch])
    assert.equal((await seen(await call(`${url}/inspect`))).headers['x-order'], 'first, second');
  for (const call of [view.request, view.fetch, view.with().request])
    assert.equal((await seen(await call(`${url}/inspect`))).headers['x-order'], 'view, first, second');
});

test('an interceptor sees the request as it is sent, and may hand on another', async (t) => {
  const { transport, url } = await start(t);
  const told: unknown[] = [];
  const view = transport.with({ timeout: 5_000 }).use(async (request, next) => {
    const { method, headers, body, timeout } = request;
    told.push([method, request.url, headers.get('content-type'), headers.get('authorization'), body, timeout]);
    return next({ ...request, url: `${url}/inspect?changed`, method: 'PUT', body: 'changed' });
  });
  const withCredentials = url.replace('//', '//ada:lovelace@');
  const sent = await seen(await view.request(`${withCredentials}/first`, { method: 'post', json: { a: 1 } }));
  assert.deepEqual(told, [['POST', `${url}/first`, 'application/json', 'Basic YWRhOmxvdmVsYWNl', '{"a":1}', 5_000]]);
  assert.deepEqual([sent.method, sent.path, sent.body], ['PUT', '/inspect?changed', 'changed']);
  const fetched = await seen(await view.fetch(`${url}/other`, { method: 'POST', body: 'given' }));
  assert.deepEqual([fetched.method, fetched.path, fetched.body], ['PUT', '/inspect?changed', 'changed']);
});

/** Signs in again, once, where the server says 401. */
const refreshing: Interceptor = async (request, next) => {
  const response = await next(request);
  if (response.status !== 401) return response;
  response.body.cancel();
  request.headers.set('authorization', 'new');
  return next({ ...request, url: request.url.replace('/status/401', '/inspect') });
};

test('an interceptor may send a second time what can be had again', async (t) => {
  const { transport, url } = await start(t);
  transport.use(refreshing);
  for (const body of ['text', Buffer.from('text'), new Blob(['text']), () => Readable.from(['text'])]) {
    const sent = await seen(await transport.request(`${url}/status/401`, { method: 'POST', body }));
    assert.deepEqual([sent.headers['authorization'], sent.body], ['new', 'text']);
  }
  const fetched = await transport.fetch(`${url}/status/401`, { method: 'POST', body: 'text' });
  assert.equal((await seen(fetched)).body, 'text');
});

test('a stream that an interceptor hands on a second time is refused, and never sent short', async (t) => {
  const { transport, url, streams } = await start(t);
  transport.use(refreshing);
  async function* pieces(): AsyncGenerator<string> {
    yield await Promise.resolve('text');
  }
  for (const body of [pieces(), Readable.from(['text']), ReadableStream.from(['text'])])
    await assert.rejects(transport.request(`${url}/status/401`, { method: 'POST', body }), {
      code: 'ERR_PASSINGLANE_REQUEST_BODY',
      message: /^POST \S+: .*handed on a second time.*a function that makes the body/,
    });
  const body = ReadableStream.from([Buffer.from('text')]);
  const init: FetchInit = { method: 'POST', body, duplex: 'half' };
  await assert.rejects(transport.fetch(`${url}/status/401`, init), { code: 'ERR_PASSINGLANE_REQUEST_BODY' });
  assert.equal(streams(), 4, 'each was sent once');
});

test('a stream that no interceptor hands on is closed, and may fail meanwhile', async (t) => {
  const { transport, url, streams } = await start(t);
  const refused = new Error('signed out');
  transport.use(async () => {
    await new Promise(setImmediate);
    throw refused;
  });
  const body = new Readable({ read() {} });
  const sent = transport.request(`${url}/echo`, { method: 'POST', body });
  body.destroy(new Error('its file is gone'));
  await assert.rejects(sent, refused);
  const other = Readable.from(['text']);
  await assert.rejects(transport.request(`${url}/echo`, { method: 'POST', body: other }), refused);
  assert.equal(other.destroyed, true);
  const wrong = Readable.from(['text']);
  await assert.rejects(transport.request('nowhere', { method: 'POST', body: wrong }), { code: 'ERR_INVALID_URL' });
  assert.equal(wrong.destroyed, true);
  assert.equal(streams(), 0);
});

test('an aborted call ends at once, whatever an interceptor waits for', async (t) => {
  const { transport, url, streams } = await start(t);
  const controller = new AbortController();
  const reason = new Error('enough');
  let go: (() => void) | undefined;
  let late: Promise<ClientResponse> | undefined;
  const view = transport.with().use(async (request, next) => {
    await new Promise<void>((resolve) => (go = resolve));
    return (late = next(request));
  });
  for (const call of [view.request, view.fetch]) {
    const controllerOfCall = call === view.request ? controller : new AbortController();
    const body = 'text';
    const sent = call(`${url}/echo`, { method: 'POST', body, signal: controllerOfCall.signal });
    setImmediate(() => {
      controllerOfCall.abort(reason);
    });
    await assert.rejects(sent, reason);
    go?.();
    await new Promise(setImmediate);
    await assert.rejects(late ?? Promise.resolve(), reason, 'what it hands on later is not sent');
  }
  await assert.rejects(view.request(`${url}/echo`, { signal: controller.signal }), reason);
  assert.equal(streams(), 0);
});

test('what an interceptor throws is what the caller gets, of fetch as well', async (t) => {
  const { transport, url } = await start(t);
  const own = new TypeError('mine');
  const view = transport.with().use(() => Promise.reject(own));
  for (const call of [view.request, view.fetch]) await assert.rejects(call(url), (error) => error === own);
  const bad = transport.with().use(async (request, next) => {
    await next(request);
    return undefined as unknown as ClientResponse;
  });
  for (const call of [bad.request, bad.fetch])
    await assert.rejects(call(`${url}/status/200`), {
      message: /^GET \S+\/status\/200: .*must return the response that next\(\) gave it/,
    });
});

test('an interceptor of fetch meets the error of the transport, and the caller that of fetch', async (t) => {
  const { transport, url } = await start(t);
  const met: unknown[] = [];
  transport.use((request, next) =>
    next(request).catch((error: unknown) => {
      met.push((error as { code?: unknown }).code);
      throw error;
    }),
  );
  await assert.rejects(transport.fetch(`${url}/reset/2`).then((response) => response.text()));
  await assert.rejects(transport.fetch('http://127.0.0.1:1/'), (error: Error) => {
    assert.equal(error.message, 'fetch failed');
    return (error.cause as { code?: string }).code === 'ERR_PASSINGLANE_CONNECT_FAILED';
  });
  assert.deepEqual(met, ['ERR_PASSINGLANE_CONNECT_FAILED']);
});

test('around a fetch an interceptor is called once, and what it signs does not follow a redirect elsewhere', async (t) => {
  const { transport, url } = await start(t);
  const other = await start(t);
  let calls = 0;
  const view = transport.with().use(async (request, next) => {
    calls++;
    request.headers.set('authorization', 'secret');
    request.headers.set('x-mine', 'yes');
    const response = await next(request);
    assert.equal(response.status, 200, 'redirects were followed');
    return response;
  });
  const response = await view.fetch(`${url}/redirect/307?to=${encodeURIComponent(`${other.url}/inspect`)}`);
  assert.equal(response.redirected, true);
  assert.equal(response.url, `${other.url}/inspect`);
  const { headers } = await seen(response);
  assert.deepEqual([headers['authorization'], headers['x-mine'], calls], [undefined, 'yes', 1]);
});

test('a transport that closes waits for a call whose interceptor has not sent yet', async (t) => {
  const { transport, url } = await start(t);
  let go: (() => void) | undefined;
  transport.use(async (request, next) => {
    await new Promise<void>((resolve) => (go = resolve));
    return next(request);
  });
  const sent = transport.request(`${url}/hello.txt`);
  await new Promise(setImmediate);
  const closed = transport.close();
  go?.();
  assert.equal(await (await sent).text(), 'hello\n');
  await closed;
});

test('what is no interceptor is refused', () => {
  const transport = new Transport();
  for (const given of [undefined, {}, 'log'])
    assert.throws(() => transport.use(given as unknown as Interceptor), { code: 'ERR_INVALID_ARG_VALUE' });
});

test('a next that is given no request, and a value that is not shown, are refused in words', async (t) => {
  const { transport, url } = await start(t);
  const forgetful = transport.with().use((_request, next) => (next as () => Promise<ClientResponse>)());
  const code = 'ERR_INVALID_ARG_VALUE';
  await assert.rejects(forgetful.request(url), { code, message: /^Invalid request of next\(\): undefined/ });
  assert.throws(() => transport.with({ baseURL: '/orders' }), {
    code,
    message: /^Invalid option 'baseURL': a string\./,
  });
});
