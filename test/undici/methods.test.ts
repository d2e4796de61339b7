/** The dispatcher's own methods, and what it tells of itself. */
import assert from 'node:assert/strict';
import { connect as connectSession, createServer as createHttp2, type ServerHttp2Stream } from 'node:http2';
import { connect as connectSocket, type Socket } from 'node:net';
import { text } from 'node:stream/consumers';
import { PassThrough } from 'node:stream';
import { test, type TestContext } from 'node:test';
import { Transport } from '../../dist/index.js';
import { H2Dispatcher, type DispatchHandler, type DispatchOptions } from '../../dist/undici/index.js';
import { pattern } from '../support/endpoints.js';
import { startOrigin, type OriginOptions, type TestOrigin } from '../support/origin.js';

async function place(
  t: TestContext,
  options?: OriginOptions,
): Promise<{ origin: TestOrigin; dispatcher: H2Dispatcher }> {
  const origin = await startOrigin(options);
  const dispatcher = new H2Dispatcher({ cleartext: 'h2c' });
  t.after(async () => {
    await dispatcher.destroy();
    await origin.close();
  });
  return { origin, dispatcher };
}

/** The names of the handler's methods in the order in which they are called. */
function dispatched(dispatcher: H2Dispatcher, options: DispatchOptions, handler: DispatchHandler): Promise<string[]> {
  const calls: string[] = [];
  return new Promise((resolve) => {
    const recorded = new Proxy(handler, {
      get(target, key: keyof DispatchHandler) {
        const method = target[key] as ((...args: unknown[]) => unknown) | undefined;
        if (method === undefined) return undefined;
        return (...args: unknown[]) => {
          calls.push(key);
          const result = method.apply(target, args);
          if (/Complete|End|Error$/.test(key)) resolve(calls);
          return result;
        };
      },
    });
    dispatcher.dispatch(options, recorded);
  });
}

const ignore = (): void => undefined;

test('a handler of the newer kind is called in undici\u2019s order', async (t) => {
  const { origin, dispatcher } = await place(t);
  const options = { origin: origin.origin, path: '/echo', method: 'POST', body: 'x' };
  const calls = await dispatched(dispatcher, options, {
    onRequestStart: ignore,
    onBodySent: ignore,
    onRequestSent: ignore,
    onResponseStarted: ignore,
    onResponseStart: ignore,
    onResponseData: ignore,
    onResponseEnd: ignore,
    onResponseError: ignore,
  });
  assert.deepEqual(calls, [
    'onRequestStart',
    'onBodySent',
    'onRequestSent',
    'onResponseStarted',
    'onResponseStart',
    'onResponseData',
    'onResponseEnd',
  ]);
});

test('a handler of the older kind is called in undici\u2019s order, with bytes', async (t) => {
  const { origin, dispatcher } = await place(t);
  const options = { origin: origin.origin, path: '/hello.txt', method: 'GET' };
  let raw: Buffer[] = [];
  const calls = await dispatched(dispatcher, options, {
    onConnect: ignore,
    onBodySent: ignore,
    onRequestSent: ignore,
    onResponseStarted: ignore,
    onHeaders(status, headers) {
      assert.equal(status, 200);
      raw = headers;
      return true;
    },
    onData: () => true,
    onComplete: ignore,
    onError: ignore,
  });
  assert.deepEqual(calls, ['onConnect', 'onRequestSent', 'onResponseStarted', 'onHeaders', 'onData', 'onComplete']);
  assert.ok(raw.every((one) => Buffer.isBuffer(one)));
});

test('an error that a handler throws ends its request and comes back to it, once', async (t) => {
  const { origin, dispatcher } = await place(t);
  const mine = new Error('mine');
  for (const at of ['onRequestStart', 'onResponseStart', 'onResponseData', 'onResponseEnd'] as const) {
    const errors: Error[] = [];
    const handler: DispatchHandler = {
      onRequestStart: ignore,
      onResponseStart: ignore,
      onResponseData: ignore,
      onResponseEnd: ignore,
      onResponseError: (_, error) => void errors.push(error),
      [at]: () => {
        throw mine;
      },
    };
    await dispatched(dispatcher, { origin: origin.origin, path: '/hello.txt', method: 'GET' }, handler);
    await new Promise((resolve) => setImmediate(resolve));
    assert.deepEqual(errors, [mine], at);
  }
});

test('what is wrong with a request goes to its handler, and nothing goes out', async (t) => {
  const { origin, dispatcher } = await place(t);
  const good: DispatchOptions = { origin: origin.origin, path: '/', method: 'GET' };
  const bad: [DispatchOptions, string][] = [
    [{ path: '/', method: 'GET' }, 'UND_ERR_INVALID_ARG'],
    [{ ...good, method: 'B AD' }, 'UND_ERR_INVALID_ARG'],
    [{ ...good, path: 'no-slash' }, 'UND_ERR_INVALID_ARG'],
    [{ ...good, headers: ['odd'] }, 'UND_ERR_INVALID_ARG'],
    [{ ...good, headers: { 'x-a': 'line\nbreak' } }, 'UND_ERR_INVALID_ARG'],
    [{ ...good, headers: { 'transfer-encoding': 'chunked' } }, 'UND_ERR_INVALID_ARG'],
    [{ ...good, headers: { expect: '100-continue' } }, 'UND_ERR_NOT_SUPPORTED'],
    [{ ...good, path: '/?a', query: { b: 1 } }, 'UND_ERR_INVALID_ARG'],
    [{ ...good, headersTimeout: -1 }, 'UND_ERR_INVALID_ARG'],
    [{ ...good, upgrade: 'h3' }, 'UND_ERR_INVALID_ARG'],
    [{ ...good, body: 5 }, 'UND_ERR_INVALID_ARG'],
    [
      { ...good, method: 'POST', body: 'four', headers: { 'content-length': '5' } },
      'UND_ERR_REQ_CONTENT_LENGTH_MISMATCH',
    ],
  ];
  for (const [options, code] of bad) {
    const error = await new Promise<Error>((resolve) => {
      const handler = { onRequestStart: ignore, onResponseError: (_: unknown, given: Error) => resolve(given) };
      dispatcher.dispatch(options, handler);
    });
    assert.equal((error as NodeJS.ErrnoException).code, code, JSON.stringify(options));
  }
  assert.equal(origin.streamCount, 0);
  await assert.rejects(dispatcher.request({ ...good, method: 'B AD' }), { code: 'UND_ERR_INVALID_ARG' });
});

test('request, stream and pipeline do what undici\u2019s do, and call back where asked to', async (t) => {
  const {
    origin: { origin },
    dispatcher,
  } = await place(t);
  const at = (path: string, method = 'GET'): DispatchOptions => ({ origin, path, method });
  const { body, opaque } = await dispatcher.request({ ...at('/echo', 'POST'), body: '{"a":1}', opaque: 'mine' });
  assert.equal(opaque, 'mine');
  assert.deepEqual(await body.json(), { a: 1 });
  assert.equal(body.bodyUsed, true);
  await assert.rejects(body.text(), TypeError);

  const called = await new Promise<string>((resolve, reject) => {
    dispatcher.request(at('/hello.txt'), (error, data) => {
      if (error === null) data.body.text().then(resolve, reject);
      else reject(error);
    });
  });
  assert.equal(called, 'hello\n');

  const sink = new PassThrough();
  const written = text(sink);
  await dispatcher.stream(at('/bytes/100000'), () => sink);
  assert.equal((await written).length > 0, true);

  const piped = dispatcher.pipeline(at('/echo', 'PUT'), (data) => data.body.pipe(new PassThrough()));
  piped.end(pattern(200_000));
  let size = 0;
  for await (const chunk of piped) size += (chunk as Buffer).length;
  assert.equal(size, 200_000);

  const raw = await dispatcher.request({ ...at('/hello.txt'), responseHeaders: 'raw' });
  assert.ok(Array.isArray(raw.headers));
  await raw.body.dump();
});

test('a body that is destroyed, or dumped beyond its limit, cancels its stream', async (t) => {
  const { origin, dispatcher } = await place(t);
  const options = { origin: origin.origin, method: 'GET' };
  const first = await dispatcher.request({ ...options, path: '/endless' });
  first.body.on('error', ignore).destroy();
  const second = await dispatcher.request({ ...options, path: '/bytes/5000000' });
  await second.body.dump({ limit: 1_000 });
  while (origin.openStreams > 0) await new Promise((resolve) => setImmediate(resolve));
  assert.equal(origin.sessionCount, 1);
});

test('close is done only when what runs is over, and the connections of a transport of its own with it', async (t) => {
  const { origin } = await place(t);
  const sockets: Socket[] = [];
  const createConnection = ({ hostname, port }: { hostname: string; port: number }): Socket => {
    const socket = connectSocket(port, hostname);
    sockets.push(socket);
    return socket;
  };
  const own = new H2Dispatcher({ cleartext: 'h2c', createConnection });
  const transport = new Transport({ cleartext: 'h2c' });
  t.after(() => transport.destroy());
  for (const dispatcher of [own, new H2Dispatcher(transport)]) {
    const running = await dispatcher.request({ origin: origin.origin, path: '/endless', method: 'GET' });
    let closed = false;
    const closing = dispatcher.close().then(() => (closed = true));
    for (let turns = 0; turns < 20; turns++) await new Promise((resolve) => setImmediate(resolve));
    assert.deepEqual(
      [closed, dispatcher.closed, dispatcher.destroyed],
      [false, true, false],
      'a response is under way',
    );
    running.body.on('error', ignore).destroy();
    await closing;
    assert.equal(dispatcher.destroyed, true);
  }
  assert.deepEqual(
    sockets.map((socket) => socket.writableEnded),
    [true],
  );
  assert.equal(transport.stats().connections, 1, "the caller's is left open");
});

test('close waits for what runs and refuses what comes; destroy ends what runs', async (t) => {
  const { origin, dispatcher } = await place(t);
  const options = { origin: origin.origin, path: '/delay/50', method: 'GET' };
  const running = dispatcher.request(options);
  const closing = dispatcher.close();
  await assert.rejects(dispatcher.request(options), { code: 'UND_ERR_CLOSED' });
  assert.equal(await (await running).body.text(), 'hello\n');
  await closing;
  assert.equal(dispatcher.destroyed, true);
  while (origin.sessions.size > 0) await new Promise((resolve) => setImmediate(resolve));

  const other = new H2Dispatcher({ cleartext: 'h2c' });
  const silent = other.request({ ...options, path: '/silent' });
  while (origin.openStreams === 0) await new Promise((resolve) => setImmediate(resolve));
  await new Promise<void>((resolve) => other.destroy(() => resolve()));
  await assert.rejects(silent, { code: 'UND_ERR_DESTROYED' });
  await assert.rejects(other.request(options), { code: 'UND_ERR_DESTROYED' });
  await assert.rejects(other.close(), { code: 'UND_ERR_DESTROYED' });
});

test('a transport of the caller\u2019s is used with its options, and left open', async (t) => {
  const origin = await startOrigin();
  const transport = new Transport({ cleartext: 'h2c', userAgent: 'mine/1' });
  t.after(async () => {
    transport.destroy();
    await origin.close();
  });
  const dispatcher = new H2Dispatcher(transport);
  const { body } = await dispatcher.request({ origin: origin.origin, path: '/headers', method: 'GET' });
  assert.equal(((await body.json()) as Record<string, string>)['user-agent'], 'mine/1');
  await dispatcher.close();
  const response = await transport.request(`${origin.origin}/hello.txt`);
  assert.equal(await response.body.text(), 'hello\n');
});

test('connections that open, fail and close are events', async (t) => {
  const { origin, dispatcher } = await place(t);
  const events: [string, string][] = [];
  for (const name of ['connect', 'disconnect', 'connectionError'])
    dispatcher.on(name, (at: URL) => void events.push([name, at.origin]));
  await (await dispatcher.request({ origin: origin.origin, path: '/hello.txt', method: 'GET' })).body.dump();
  const nobody = 'http://127.0.0.1:1';
  await assert.rejects(dispatcher.request({ origin: nobody, path: '/', method: 'GET' }), { code: 'ECONNREFUSED' });
  await dispatcher.close();
  await new Promise((resolve) => setImmediate(resolve));
  assert.deepEqual(events, [
    ['connect', origin.origin],
    ['connectionError', nobody],
    ['disconnect', origin.origin],
  ]);
});

test('an origin is a scheme, a host and a port, and the path a path', async (t) => {
  const { origin, dispatcher } = await place(t);
  const { host } = new URL(origin.origin);
  const refused = async (options: Partial<DispatchOptions>): Promise<void> => {
    const call = dispatcher.request({ origin: origin.origin, path: '/', method: 'GET', ...options });
    await assert.rejects(call, { code: 'UND_ERR_INVALID_ARG' });
  };
  for (const rest of ['/prefix', '?x=1', '#x', '/\t/x']) {
    await refused({ origin: origin.origin + rest });
    await refused({ origin: new URL(origin.origin + rest) });
  }
  await refused({ origin: `http://meant.test@${host}` });
  for (const path of ['@evil.test/', '.evil.test/', ':1/', 'x', '', '\t/', '/a b']) await refused({ path });
  assert.equal(origin.sessionCount, 0);
  const { body } = await dispatcher.request({ origin: new URL(origin.origin), path: '/hello.txt', method: 'GET' });
  assert.equal(await body.text(), 'hello\n');
});

test("an error of the caller's own check of the server is none that is tried again", async (t) => {
  const { origin, ca } = await place(t, { tls: true }).then((one) => one.origin);
  const found = new Error('not the one');
  const dispatcher = new H2Dispatcher({ tls: { ca, checkServerIdentity: () => found } });
  t.after(() => dispatcher.destroy());
  await assert.rejects(dispatcher.request({ origin, path: '/', method: 'GET' }), (error: NodeJS.ErrnoException) => {
    assert.equal(error.code, 'UND_ERR_INFO');
    assert.equal((error.cause as Error).cause, found);
    return true;
  });
});

test('an observer among the options hears of connections, requests and frames', async (t) => {
  const origin = await startOrigin();
  const heard = new Set<string>();
  const dispatcher = new H2Dispatcher({
    cleartext: 'h2c',
    observer: {
      connection: () => void heard.add('connection'),
      request: () => void heard.add('request'),
      frame: () => void heard.add('frame'),
    },
  });
  t.after(async () => {
    await dispatcher.destroy();
    await origin.close();
  });
  await (await dispatcher.request({ origin: origin.origin, path: '/hello.txt', method: 'GET' })).body.dump();
  assert.deepEqual([...heard].sort(), ['connection', 'frame', 'request']);
});

test('connect opens a tunnel to where its path says, of two directions', async (t) => {
  const proxy = createHttp2();
  const seen: string[] = [];
  proxy.on('stream', (stream: ServerHttp2Stream, headers) => {
    seen.push(`${String(headers[':method'])} ${String(headers[':authority'])}`);
    const socket = connectSocket(target.port, '127.0.0.1');
    stream.respond({ ':status': 200 });
    stream.pipe(socket).pipe(stream);
  });
  const target = await startOrigin();
  await new Promise<void>((resolve) => proxy.listen(0, '127.0.0.1', resolve));
  const { port } = proxy.address() as { port: number };
  const dispatcher = new H2Dispatcher({ cleartext: 'h2c' });
  t.after(async () => {
    await dispatcher.destroy();
    await target.close();
    proxy.close();
  });
  const { socket, statusCode } = await dispatcher.connect({
    origin: `http://127.0.0.1:${port}`,
    path: `127.0.0.1:${target.port}`,
  });
  assert.equal(statusCode, 200);
  const session = connectSession(target.origin, { createConnection: () => socket });
  const stream = session.request({ ':path': '/hello.txt' });
  assert.equal(await text(stream), 'hello\n');
  await new Promise<void>((resolve) => session.close(resolve));
  assert.deepEqual(seen, [`CONNECT 127.0.0.1:${target.port}`]);
});

test('what is no Transport and no options makes no dispatcher', () => {
  const nonsense: readonly unknown[] = [
    'https://example.test',
    new URL('https://example.test'),
    1,
    true,
    () => undefined,
  ];
  for (const given of nonsense)
    assert.throws(() => new H2Dispatcher(given as undefined), {
      code: 'UND_ERR_INVALID_ARG',
      message: /takes a Transport/,
    });
});
