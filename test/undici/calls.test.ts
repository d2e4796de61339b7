/** The dispatcher's request, stream, pipeline, connect and upgrade beside undici's: what differs from it is a fault. */
import assert from 'node:assert/strict';
import { EventEmitter, getEventListeners, once } from 'node:events';
import type { Http2ServerRequest, Http2ServerResponse } from 'node:http2';
import { PassThrough, Readable, Writable, type Duplex } from 'node:stream';
import { text } from 'node:stream/consumers';
import { test, type TestContext } from 'node:test';
import { H2Dispatcher, type Interceptor } from '../../dist/undici/index.js';
import { startOrigin } from '../support/origin.js';

/** `/hints` sends 103 first, `/silent` nothing, `/headers` the request's fields, `/cut` a part; all else the path. */
function handler(request: Http2ServerRequest, response: Http2ServerResponse): void {
  if (request.url === '/silent') return;
  if (request.url === '/cut') return void response.write('part', () => request.stream.close(2));
  if (request.url === '/headers') return void response.end(JSON.stringify(request.headers));
  if (request.url === '/hints') response.writeEarlyHints({ link: '</style.css>; rel=preload' });
  request.resume();
  response.end(request.url);
}

async function place(t: TestContext): Promise<{ dispatcher: H2Dispatcher; origin: string }> {
  const server = await startOrigin({ handler });
  const dispatcher = new H2Dispatcher({ cleartext: 'h2c' });
  t.after(async () => {
    await dispatcher.destroy();
    await server.close();
  });
  return { dispatcher, origin: server.origin };
}

/** A server that answers with the request's x-mine. */
async function startEcho(t: TestContext): Promise<{ origin: string }> {
  const server = await startOrigin({
    handler: (request, response) => void response.end(String(request.headers['x-mine'])),
  });
  t.after(() => server.close());
  return server;
}

async function failureOf(stream: Duplex): Promise<Error> {
  const [error] = (await once(stream, 'error')) as [Error];
  return error;
}

test('a body that is cut before anybody reads it ends no process, and tells whoever reads it then', async (t) => {
  const { dispatcher, origin } = await place(t);
  const { body } = await dispatcher.request({ origin, path: '/cut', method: 'GET' });
  await new Promise((resolve) => body.on('close', resolve)); // not by once(), which listens to 'error' too
  await assert.rejects(body.text(), { code: 'UND_ERR_SOCKET' });
});

test('what a pipeline\u2019s handler throws is the error of its stream', async (t) => {
  const { dispatcher, origin } = await place(t);
  const mine = new Error('mine');
  const stream = dispatcher.pipeline({ origin, path: '/', method: 'PUT' }, () => {
    throw mine;
  });
  stream.end('x');
  assert.equal(await failureOf(stream), mine);
});

test('a pipeline whose handler returns no stream says so', async (t) => {
  const { dispatcher, origin } = await place(t);
  const stream = dispatcher.pipeline({ origin, path: '/', method: 'PUT' }, () => undefined as unknown as Readable);
  stream.end('x');
  const error = await failureOf(stream);
  assert.equal((error as NodeJS.ErrnoException).code, 'UND_ERR_INVALID_RETURN_VALUE');
});

test('a pipeline that is destroyed before its end fails as an aborted request', async (t) => {
  const { dispatcher, origin } = await place(t);
  const stream = dispatcher.pipeline({ origin, path: '/', method: 'PUT' }, ({ body }) => body);
  stream.destroy();
  assert.equal(((await failureOf(stream)) as NodeJS.ErrnoException).code, 'UND_ERR_ABORTED');
});

test('stream and pipeline tell of 1xx responses, as request does', async (t) => {
  const { dispatcher, origin } = await place(t);
  const seen: [string, number, unknown][] = [];
  const options = (name: string) => ({
    origin,
    path: '/hints',
    method: 'GET',
    onInfo: (info: { statusCode: number; headers: Record<string, string | string[]> }) => {
      seen.push([name, info.statusCode, info.headers['link']]);
    },
  });
  const { body } = await dispatcher.request(options('request'));
  assert.equal(await body.text(), '/hints');
  const sink = new PassThrough();
  await dispatcher.stream(options('stream'), () => sink);
  assert.equal(await text(sink), '/hints');
  assert.equal(await text(dispatcher.pipeline(options('pipeline'), (data) => data.body).end()), '/hints');
  const link = '</style.css>; rel=preload';
  assert.deepEqual(seen, [
    ['request', 103, link],
    ['stream', 103, link],
    ['pipeline', 103, link],
  ]);
});

test('an error that onInfo throws ends the stream call with it', async (t) => {
  const { dispatcher, origin } = await place(t);
  const mine = new Error('mine');
  const onInfo = (): never => {
    throw mine;
  };
  const call = dispatcher.stream({ origin, path: '/hints', method: 'GET', onInfo }, () => new PassThrough());
  await assert.rejects(call, mine);
});

test('stream waits for a writable that is full when it is made', async (t) => {
  const { dispatcher, origin } = await place(t);
  const roomAtWrite: boolean[] = [];
  await dispatcher.stream({ origin, path: '/after', method: 'GET' }, () => {
    // Long enough for the body to be there before there is room.
    const full = new Writable({ highWaterMark: 1, write: (_chunk, _encoding, done) => void setTimeout(done, 50) });
    full.write('before');
    const write = full.write.bind(full);
    full.write = (chunk: unknown) => {
      roomAtWrite.push(!full.writableNeedDrain);
      return write(chunk);
    };
    return full;
  });
  assert.deepEqual(roomAtWrite, [true]);
});

test('a callback learns of its opaque with an error as well', async (t) => {
  const { dispatcher } = await place(t);
  const wrong = { origin: 'http://127.0.0.1:1', path: '/', method: 'GET', opaque: 'mine' };
  type Called = (error: Error | null, data: { opaque: unknown }) => void;
  const calls: Record<string, (callback: Called) => void> = {
    request: (callback) => dispatcher.request(wrong, callback),
    stream: (callback) => dispatcher.stream(wrong, () => new PassThrough(), callback),
    connect: (callback) => dispatcher.connect({ ...wrong, path: 'a.test:1' }, callback),
    upgrade: (callback) => dispatcher.upgrade({ ...wrong, opaque: 'mine' as unknown as null }, callback),
  };
  for (const [name, call] of Object.entries(calls)) {
    const opaque = await new Promise((resolve) => {
      call((error, data) => {
        resolve(error !== null && data.opaque);
      });
    });
    assert.equal(opaque, 'mine', name);
  }
});

test('what undici refuses in a call is refused, before anything goes out', async (t) => {
  const { dispatcher, origin } = await place(t);
  const good = { origin, path: '/', method: 'GET' };
  const sink = (): Writable => new PassThrough();
  const refused: [string, () => Promise<unknown>][] = [
    ['invalid opts', () => dispatcher.request(null as never)],
    ['invalid opts', () => dispatcher.upgrade(null as never)],
    ['invalid method', () => dispatcher.request({ ...good, method: 'CONNECT' })],
    ['invalid method', () => dispatcher.stream({ ...good, method: 'CONNECT' }, sink)],
    ['invalid onInfo callback', () => dispatcher.request({ ...good, onInfo: 1 as never })],
    ['invalid highWaterMark', () => dispatcher.request({ ...good, highWaterMark: -1 })],
    ['signal must be an EventEmitter or EventTarget', () => dispatcher.request({ ...good, signal: {} })],
    ['invalid factory', () => dispatcher.stream(good, undefined as never)],
    ['invalid handler', () => failureOf(dispatcher.pipeline(good, undefined as never)).then((e) => Promise.reject(e))],
    [
      'invalid method',
      () =>
        failureOf(dispatcher.pipeline({ ...good, method: 'CONNECT' }, sink as never)).then((e) => Promise.reject(e)),
    ],
  ];
  for (const [message, call] of refused) await assert.rejects(call, { code: 'UND_ERR_INVALID_ARG', message });
  assert.throws(() => dispatcher.request(good, 'no function' as never), { message: 'invalid callback' });
});

test('a call that is refused has its body destroyed, of which nothing comes but the refusal', async (t) => {
  const { dispatcher, origin } = await place(t);
  const good = { origin, path: '/', method: 'POST' };
  const sink = (): Writable => new PassThrough();
  const unread = (): Readable => new Readable({ read: () => undefined });
  const refused: ((body: Readable) => unknown)[] = [
    (body) => dispatcher.request({ ...good, body }, null as never),
    (body) => dispatcher.stream({ ...good, body }, sink, null as never),
    (body) => dispatcher.request({ ...good, body, highWaterMark: -1 }),
    (body) => dispatcher.stream({ ...good, body }, undefined as never),
    (body) => dispatcher.request({ ...good, body, signal: AbortSignal.abort() }),
  ];
  for (const call of refused) {
    const body = unread();
    await assert.rejects(async () => call(body));
    if (!body.closed) await once(body, 'close');
    assert.ok(body.destroyed);
  }
  assert.throws(() => dispatcher.upgrade(null as never, null as never), { message: 'invalid opts' });
});

test('what undici refuses among the fields and options of a request is refused in its words', async (t) => {
  const { dispatcher, origin } = await place(t);
  const good = { origin, path: '/', method: 'GET' };
  const refused: [string, object][] = [
    ['duplicate host header', { headers: ['Host', 'a.test', 'host', 'b.test'] }],
    ['duplicate content-length header', { headers: ['content-length', '1', 'Content-Length', '2'], body: 'x' }],
    ['invalid connection header', { headers: { connection: 'no token' } }],
    ['invalid connection header', { headers: { connection: ['close', 'te'] } }],
    ['invalid upgrade header', { upgrade: 'websocket\r\nx: y' }],
    ['invalid expectContinue', { expectContinue: 0 }],
  ];
  for (const [message, wrong] of refused)
    await assert.rejects(dispatcher.request({ ...good, ...wrong }), { code: 'UND_ERR_INVALID_ARG', message });
});

test('a record of headers is one, whatever iterator somebody has given to all objects', async (t) => {
  const { dispatcher } = await place(t);
  const { origin } = await startEcho(t);
  const all = Object.prototype as { [Symbol.iterator]?: unknown };
  all[Symbol.iterator] = function* () {};
  t.after(() => Reflect.deleteProperty(all, Symbol.iterator));
  const { body } = await dispatcher.request({ origin, path: '/', method: 'GET', headers: { 'x-mine': 'here' } });
  assert.equal(await body.text(), 'here');
});

test('an abort of any kind of signal ends the call, and nobody listens to the signal after it', async (t) => {
  const { dispatcher, origin } = await place(t);
  const at = (path: string): { origin: string; path: string; method: string } => ({ origin, path, method: 'GET' });
  const emitter = new EventEmitter();
  const controller = new AbortController();
  const heard = (): number[] => [emitter.listenerCount('abort'), getEventListeners(controller.signal, 'abort').length];
  for (const signal of [emitter, controller.signal]) {
    const { body } = await dispatcher.request({ ...at('/'), signal });
    assert.equal(await body.text(), '/');
    const sink = new PassThrough();
    sink.resume();
    await dispatcher.stream({ ...at('/'), signal }, () => sink);
    await assert.rejects(dispatcher.request({ ...at('/'), origin: 'http://127.0.0.1:1', signal }));
    assert.deepEqual(heard(), [0, 0]);
  }
  const calls = [emitter, controller.signal].map((signal) => dispatcher.request({ ...at('/silent'), signal }));
  emitter.emit('abort');
  controller.abort('a reason that is no error');
  for (const call of calls) await assert.rejects(call, { code: 'UND_ERR_ABORTED' });
  assert.deepEqual(heard(), [0, 0]);
  const mine = new Error('mine');
  await assert.rejects(dispatcher.request({ ...at('/'), signal: AbortSignal.abort(mine) }), mine);
});

test('a header of null goes out empty, and one of undefined does not go out', async (t) => {
  const { dispatcher, origin } = await place(t);
  const headers = { 'x-null': null, 'x-absent': undefined, 'x-list': ['a', null, 1, true] };
  const given = { origin, path: '/headers', method: 'GET', headers: headers as never };
  const { body } = await dispatcher.request(given);
  const seen = (await body.json()) as Record<string, string>;
  assert.deepEqual([seen['x-null'], seen['x-absent'], seen['x-list']], ['', undefined, 'a, , 1, true']);
});

test('close and destroy call back, with the error where there is one', async (t) => {
  const { dispatcher } = await place(t);
  const called = (call: (callback: (...args: unknown[]) => void) => void): Promise<unknown[]> =>
    new Promise((resolve) => {
      call((...args) => resolve(args));
    });
  assert.deepEqual(await called((callback) => dispatcher.destroy(new Error('mine'), callback)), [null, null]);
  const [error, data] = await called((callback) => dispatcher.close(callback));
  assert.equal((error as NodeJS.ErrnoException).code, 'UND_ERR_DESTROYED');
  assert.equal(data, null);
  const other = new H2Dispatcher();
  assert.deepEqual(await called((callback) => other.close(callback)), [null, null]);
});

test('an interceptor gives back a function of two arguments, and what is none in the list is passed over', async (t) => {
  const { dispatcher, origin } = await place(t);
  const bad = [() => undefined, () => () => true, () => (options: unknown) => options, () => 'text'];
  for (const one of bad) assert.throws(() => dispatcher.compose(one as never), { message: 'invalid interceptor' });
  assert.throws(() => dispatcher.compose(5 as never), { message: /expected function received number/ });
  const seen: string[] = [];
  const note =
    (name: string): Interceptor =>
    (dispatch) =>
    (options, handler) => {
      seen.push(name);
      return dispatch(options, handler);
    };
  const composed = dispatcher.compose([note('inner'), null as never, undefined as never, note('outer')]);
  await (await composed.request({ origin, path: '/', method: 'GET' })).body.dump();
  assert.deepEqual(seen, ['outer', 'inner']);
});
