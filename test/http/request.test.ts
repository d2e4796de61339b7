import assert from 'node:assert/strict';
import { AsyncLocalStorage } from 'node:async_hooks';
import type { EventEmitter } from 'node:events';
import { getEventListeners, once } from 'node:events';
import { Agent, type ClientRequest, type IncomingMessage } from 'node:http';
import { Readable } from 'node:stream';
import { buffer, text } from 'node:stream/consumers';
import { pipeline } from 'node:stream/promises';
import { after, before, describe, test } from 'node:test';
import type { Http2ServerRequest, Http2ServerResponse } from 'node:http2';
import { Transport, TransportError } from '../../dist/index.js';
import { createRequest, get as sharedGet, type RequestFunction } from '../../dist/http/index.js';
import { closedPort } from '../support/closed-port.js';
import { askingOrigin } from '../support/continue.js';
import { endpoints, pattern } from '../support/endpoints.js';
import { startOrigin, type TestOrigin } from '../support/origin.js';

function handler(request: Http2ServerRequest, response: Http2ServerResponse): void {
  const { pathname } = new URL(request.url, 'http://origin');
  switch (pathname) {
    case '/hints':
      response.writeEarlyHints({ link: '</style.css>; rel=preload' });
      response.end('done');
      return;
    case '/many':
      response.stream.respond({ ':status': 200, 'x-one': ['a', 'b'], 'set-cookie': ['c=1', 'd=2'] });
      response.stream.end('x');
      return;
    case '/early':
      // Answers before the request has ended, and wants no more of it.
      response.stream.respond({ ':status': 413 });
      response.stream.end('too much', () => response.stream.close(0));
      return;
    default:
      endpoints(request, response);
  }
}

/** The names of events, in the order in which they come. */
function record(emitter: EventEmitter, prefix: string, names: readonly string[], into: string[]): void {
  for (const name of names) emitter.on(name, () => into.push(`${prefix} ${name}`));
}

/** Unlike `once`, whatever errors come before. */
const closed = (emitter: EventEmitter): Promise<void> => new Promise((resolve) => emitter.once('close', resolve));

describe('request', () => {
  let origin: TestOrigin;
  let transport: Transport;
  let request: RequestFunction;
  let get: RequestFunction;

  before(async () => {
    origin = await startOrigin({ handler });
    transport = new Transport({ cleartext: 'h2c', retry: { maxAttempts: 1 } });
    ({ request, get } = createRequest(transport));
  });

  after(async () => {
    await transport.close({ timeout: 1_000 });
    await origin.close();
  });

  const at = (path: string): string => `${origin.origin}${path}`;
  const answer = async (sent: ClientRequest): Promise<IncomingMessage> => {
    const [response] = (await once(sent, 'response')) as [IncomingMessage];
    return response;
  };
  const quiet = async (): Promise<void> => {
    while (origin.openStreams > 0) await new Promise((resolve) => setTimeout(resolve, 5));
  };

  test('events come in the order of node:http', async () => {
    const events: string[] = [];
    const sent = request(at('/echo'), { method: 'POST' });
    record(sent, 'request', ['socket', 'finish', 'response', 'error', 'close'], events);
    sent.on('response', (response: IncomingMessage) => {
      record(response, 'response', ['end', 'aborted', 'error', 'close'], events);
      response.resume();
    });
    sent.end('hello');
    await once(sent, 'close');
    await new Promise(setImmediate);
    assert.deepEqual(events.toSorted(), ['request socket', 'request finish', 'request response', 'response end', 'request close', 'response close'].toSorted()); // prettier-ignore
    const before = (first: string, second: string): void => {
      assert.ok(events.indexOf(first) < events.indexOf(second), `${first} before ${second}: ${events.join(', ')}`);
    };
    before('request socket', 'request finish');
    before('request response', 'response end');
    before('response end', 'request close');
  });

  test('the arguments are those of node:http', async () => {
    const { hostname, port } = new URL(origin.origin);
    const url = new URL(at('/headers'));
    const forms: (() => ClientRequest)[] = [
      () => get(at('/headers')),
      () => get(url),
      () => get({ hostname, port, path: '/headers' }),
      () => get(at('/wrong'), { path: '/headers' }),
      () => request({ host: hostname, port: Number(port), path: '/headers', protocol: 'http:' }).end(),
    ];
    for (const form of forms) {
      const response = await answer(form());
      assert.equal(response.statusCode, 200);
      response.resume();
    }
    const called = await new Promise<IncomingMessage>((resolve) => get(at('/hello.txt'), resolve));
    assert.equal(await text(called), 'hello\n');
    const both = await new Promise<IncomingMessage>((resolve) => get(at('/x'), { path: '/hello.txt' }, resolve));
    assert.equal(await text(both), 'hello\n');
  });

  test('headers are set, read, changed and removed until they are sent', async () => {
    const sent = request(at('/headers'), { headers: { 'X-One': '1', 'x-gone': 'x' }, auth: 'user:pass' });
    sent.setHeader('X-Two', ['a', 'b']);
    sent.removeHeader('X-Gone');
    assert.equal(sent.getHeader('x-one'), '1');
    assert.equal(sent.hasHeader('x-gone'), false);
    assert.deepEqual(sent.getHeaderNames(), ['x-one', 'authorization', 'x-two']);
    assert.equal(sent.headersSent, false);
    sent.end();
    assert.equal(sent.headersSent, true);
    assert.throws(() => sent.setHeader('x', 'y'), { code: 'ERR_HTTP_HEADERS_SENT' });
    const seen = JSON.parse(await text(await answer(sent))) as Record<string, string>;
    assert.equal(seen['x-one'], '1');
    assert.equal(seen['x-two'], 'a, b');
    assert.equal(seen['authorization'], `Basic ${Buffer.from('user:pass').toString('base64')}`);
    assert.equal(seen['x-gone'], undefined);
  });

  test('a body known as a whole has a length, and one in pieces has none', async () => {
    const whole = request(at('/headers'), { method: 'POST' });
    whole.end('12345');
    const one = JSON.parse(await text(await answer(whole))) as Record<string, string>;
    assert.equal(one['content-length'], '5');
    const pieces = request(at('/headers'), { method: 'POST' });
    pieces.write('123');
    pieces.end('45');
    const two = JSON.parse(await text(await answer(pieces))) as Record<string, string>;
    assert.equal(two['content-length'], undefined);
  });

  test('request and response run at the same time', async () => {
    const sent = request(at('/echo'), { method: 'POST' });
    sent.write('one');
    const response = await answer(sent);
    const chunks = response[Symbol.asyncIterator]() as AsyncIterator<Buffer>;
    const heard = async (): Promise<string> => ((await chunks.next()) as { value: Buffer }).value.toString();
    assert.equal(await heard(), 'one', 'it came back before the request ended');
    sent.write('two');
    assert.equal(await heard(), 'two', 'and so did the next');
    sent.end();
    assert.equal((await chunks.next()).done, true);
  });

  test('an empty body has finished when the request is on its way, and not before', async () => {
    const refused = request({ host: '127.0.0.1', port: closedPort, method: 'POST' });
    await assert.rejects(pipeline(Readable.from([]), refused), { code: 'ECONNREFUSED' });
    assert.equal(refused.writableFinished, false);
    const waits = request(at('/silent'), { method: 'POST' }).end();
    await once(waits, 'finish');
    waits.on('error', () => undefined).destroy();
    await quiet();
  });

  test('large bodies are held back by whoever is slower', async () => {
    const bytes = pattern(5_000_000);
    const sent = request(at('/echo'), { method: 'POST' });
    const [echoed] = await Promise.all([
      answer(sent).then((response) => buffer(response)),
      pipeline(async function* () {
        for (let at = 0; at < bytes.length; at += 50_000) yield await Promise.resolve(bytes.subarray(at, at + 50_000));
      }, sent),
    ]);
    assert.deepEqual(echoed, bytes);
  });

  test('fields come joined, distinct and raw, as node:http has them', async () => {
    const response = await answer(get(at('/many')));
    response.resume();
    assert.equal(response.headers['x-one'], 'a, b');
    assert.deepEqual(response.headers['set-cookie'], ['c=1', 'd=2']);
    assert.deepEqual(response.headersDistinct['x-one'], ['a', 'b']);
    const at0 = response.rawHeaders.indexOf('x-one');
    assert.equal(response.rawHeaders[at0 + 1], 'a');
    assert.equal(response.rawHeaders.length % 2, 0);
    assert.deepEqual([response.httpVersionMajor, response.httpVersionMinor], [2, 0]);
  });

  test('trailers go out and come in', async () => {
    const sent = request(at('/trailers'), { method: 'POST' });
    sent.addTrailers({ 'x-sum': '42' });
    sent.end('body');
    const response = await answer(sent);
    assert.equal(await text(response), 'body');
    assert.equal(response.trailers['x-sum'], '42');
    assert.deepEqual(response.rawTrailers, ['x-sum', '42']);
    assert.equal(response.complete, true);
  });

  test('1xx responses are told of before the response', async () => {
    const sent = get(at('/hints'));
    const [[hint], response] = await Promise.all([
      once(sent, 'information') as Promise<[{ statusCode: number; headers: Record<string, string> }]>,
      answer(sent),
    ]);
    assert.equal(hint.statusCode, 103);
    assert.match(hint.headers['link'] ?? '', /style\.css/);
    assert.equal(await text(response), 'done');
  });

  test('who expects 100 writes when it has come', async () => {
    const sent = request(at('/echo'), { method: 'POST', headers: { expect: '100-continue' } });
    await once(sent, 'continue');
    sent.end('now');
    assert.equal(await text(await answer(sent)), 'now');
  });

  test('a body that is there at once waits for 100 where it is expected', async (t) => {
    const sent = request(await askingOrigin(t), { method: 'POST', headers: { expect: '100-continue' } });
    sent.end('wanted');
    assert.equal(await text(await answer(sent)), 'held back: wanted');
    const free = request(await askingOrigin(t), { method: 'POST' });
    free.end('wanted');
    assert.equal(await text(await answer(free)), 'at once');
  });

  test('a request destroyed before its response hangs up, here and there', async () => {
    const sent = get(at('/silent'));
    while (origin.openStreams === 0) await new Promise((resolve) => setTimeout(resolve, 5));
    sent.destroy();
    const [error] = (await once(sent, 'error')) as [NodeJS.ErrnoException];
    assert.deepEqual([error.code, error.message], ['ECONNRESET', 'socket hang up']);
    await quiet();
  });

  test('abort says so, and hangs up', async () => {
    const sent = get(at('/silent'));
    const events: string[] = [];
    record(sent, 'request', ['abort', 'error', 'close'], events);
    sent.abort();
    await closed(sent);
    assert.deepEqual(events.toSorted(), ['request abort', 'request close', 'request error']);
    assert.equal(sent.aborted, true);
    await quiet();
  });

  test('a request destroyed with an error emits it, and ends the response with it', async () => {
    const sent = get(at('/endless'));
    const response = await answer(sent);
    const reason = new Error('enough');
    const errors: unknown[] = [];
    sent.on('error', (error) => errors.push(error));
    response.on('error', (error) => errors.push(error));
    sent.destroy(reason);
    await closed(response);
    assert.deepEqual(errors, [reason, reason]);
    await quiet();
  });

  test('a response that is destroyed resets the stream, and closes the request', async () => {
    const sent = get(at('/endless'));
    const response = await answer(sent);
    response.destroy();
    await once(sent, 'close');
    assert.equal(response.complete, false);
    await quiet();
  });

  test('a response that is destroyed without an error has none, as in node:http', async () => {
    const response = await answer(get(at('/endless')));
    const events: string[] = [];
    record(response, 'response', ['error', 'aborted'], events);
    response.destroy();
    await closed(response);
    await quiet();
    assert.deepEqual(events, ['response aborted']);
  });

  test('it is told of in the context in which the request was made, whoever ends it', async () => {
    const storage = new AsyncLocalStorage<string>();
    const seen = new Set<string | undefined>();
    const note = (): void => void seen.add(storage.getStore());
    const sent = storage.run('maker', () => request(at('/echo'), { method: 'POST' }));
    sent.once('response', (response: IncomingMessage) => {
      note();
      response.on('data', note).on('end', note);
    });
    storage.run('writer', () => sent.end('x'));
    await new Promise((resolve) => sent.on('close', resolve));
    assert.deepEqual([...seen], ['maker']);
  });

  test('headers are a plain object, and a list of values has none that is undefined', async () => {
    const sent = get(at('/hello.txt'));
    const { headers } = (await answer(sent)).resume();
    assert.equal(Object.getPrototypeOf(headers), Object.prototype);
    const values = ['a', undefined] as string[];
    const refused = { code: 'ERR_HTTP_INVALID_HEADER_VALUE' };
    assert.throws(() => sent.setHeader('x-list', values), { code: 'ERR_HTTP_HEADERS_SENT' });
    assert.throws(() => request(at('/'), { headers: { 'x-list': values } }), refused);
    await closed(sent);
  });

  test('a response that nobody listens to is read and dropped', async () => {
    const sent = get(at('/bytes/1000000'));
    await once(sent, 'close');
    await quiet();
  });

  test('a signal destroys the request with an AbortError', async () => {
    const controller = new AbortController();
    const sent = get(at('/silent'), { signal: controller.signal });
    controller.abort();
    const [error] = (await once(sent, 'error')) as [NodeJS.ErrnoException];
    assert.deepEqual([error.name, error.code], ['AbortError', 'ABORT_ERR']);
  });

  test('a signal that many requests share holds none that is over', async () => {
    const { signal } = new AbortController();
    for (let i = 0; i < 3; i++) await closed(get(at('/hello.txt'), { signal }));
    assert.equal(getEventListeners(signal, 'abort').length, 0);
  });

  test('a time-out is told of, and ends nothing', async () => {
    const sent = get(at('/delay/150'), { timeout: 30 });
    await once(sent, 'timeout');
    assert.equal(sent.destroyed, false);
    assert.equal(await text(await answer(sent)), 'hello\n');
  });

  test('a time-out that is set on the response is told of there and on the request, and ends nothing', async () => {
    const sent = request(at('/echo'), { method: 'POST' });
    sent.write('one ');
    const response = await answer(sent);
    await Promise.all([once(sent, 'timeout'), new Promise<void>((resolve) => response.setTimeout(30, resolve))]);
    sent.end('two');
    assert.equal(await text(response), 'one two');
  });

  test('a body that is cut gives what has come, then ECONNRESET with our error as its cause', async () => {
    const response = await answer(get(at('/reset/8')));
    let got = '';
    response.on('data', (chunk: Buffer) => (got += chunk.toString('latin1')));
    const [error] = (await once(response, 'error')) as [NodeJS.ErrnoException];
    assert.equal(got.length, 1);
    assert.equal(error.code, 'ECONNRESET');
    assert.ok(TransportError.isInstance(error.cause));
    assert.equal(error.cause.errorCode, 'CANCEL');
    assert.deepEqual([response.complete, response.aborted], [false, true]);
    assert.equal(response.socket.destroyed, true);
  });

  test('the socket of a response that was read to its end is not destroyed, as one that is kept', async () => {
    const sent = get(at('/hello.txt'));
    const response = await answer(sent);
    assert.equal(await text(response), 'hello\n');
    if (!sent.closed) await once(sent, 'close');
    assert.deepEqual([sent.destroyed, response.socket.destroyed], [true, false]);
  });

  test('an answer before the end of the request lets go of whoever writes', async () => {
    const sent = request(at('/early'), { method: 'POST' });
    sent.on('error', assert.fail);
    sent.write('x');
    const response = await answer(sent);
    assert.equal(response.statusCode, 413);
    assert.equal(await text(response), 'too much');
    for (const piece of ['never read', 'nor this']) await new Promise((resolve) => sent.write(piece, resolve));
    sent.end('nor that');
    await once(sent, 'close');
  });

  test('a socket stands in that knows where the response came from', async () => {
    const sent = get(at('/hello.txt'));
    const [socket] = (await once(sent, 'socket')) as [{ remoteAddress?: string; connecting: boolean }];
    assert.equal(socket.connecting, false);
    const response = await answer(sent);
    response.resume();
    assert.equal(response.socket.remoteAddress, '127.0.0.1');
    assert.equal(response.socket.remotePort, origin.port);
    assert.equal(socket.remoteAddress, '127.0.0.1');
  });

  test('a request says whether its connection had carried another, and says no where it got none', async () => {
    const refused = get({ host: '127.0.0.1', port: closedPort });
    await once(refused, 'error');
    const first = get(at('/hello.txt'));
    await closed(first);
    const second = get(at('/hello.txt'));
    await closed(second);
    assert.deepEqual([refused.reusedSocket, second.reusedSocket], [false, true]);
  });

  test("the caller's faults keep our code, so that nobody tries them again", async () => {
    const sent = get(at('/'), { headers: { upgrade: 'websocket' } });
    const [error] = (await once(sent, 'error')) as [NodeJS.ErrnoException];
    assert.equal(error.code, 'ERR_PASSINGLANE_INVALID_HEADER');
  });

  test('a time-out of the transport is ETIMEDOUT', async (t) => {
    const hasty = new Transport({ cleartext: 'h2c', headersTimeout: 30, retry: { maxAttempts: 1 } });
    t.after(() => hasty.close());
    const sent = createRequest(hasty).get(at('/silent'));
    const [error] = (await once(sent, 'error')) as [NodeJS.ErrnoException];
    assert.equal(error.code, 'ETIMEDOUT');
  });

  test('an agent is refused rather than passed over, and so are tunnels', () => {
    assert.throws(() => sharedGet(at('/'), { agent: new Agent() }), {
      name: 'TypeError',
      code: 'ERR_INVALID_ARG_VALUE',
      message: /agent.*Transport/,
    });
    assert.throws(() => get(at('/'), { ca: 'x' }), { code: 'ERR_INVALID_ARG_VALUE', message: /'ca'/ });
    assert.throws(() => request(at('/'), { method: 'CONNECT' }), { code: 'ERR_INVALID_ARG_VALUE', message: /method/ });
  });
});
