/** What the dispatcher takes of handlers, headers and bodies, and what it refuses in undici's words. */
import assert from 'node:assert/strict';
import { PassThrough, Writable } from 'node:stream';
import { test, type TestContext } from 'node:test';
import { TransportError } from '../../dist/index.js';
import { H2Dispatcher, install, type DispatchHandler, type DispatchOptions } from '../../dist/undici/index.js';
import { toUndiciError } from '../../dist/undici/undici-error.js';
import { startOrigin } from '../support/origin.js';

async function place(t: TestContext) {
  const server = await startOrigin();
  const dispatcher = new H2Dispatcher({ cleartext: 'h2c' });
  t.after(async () => {
    await dispatcher.destroy();
    await server.close();
  });
  return { server, dispatcher, at: (path: string) => ({ origin: server.origin, path, method: 'GET' }) };
}

const ignore = (): void => undefined;

test('what is neither a transport nor options is refused, and so is anything else in the place of options', () => {
  for (const wrong of [null, [], 5, 'http://a.test', new URL('http://a.test')] as never[]) {
    assert.throws(() => new H2Dispatcher(wrong), { code: 'UND_ERR_INVALID_ARG', message: /takes a Transport, or/ });
    assert.throws(() => install(wrong), { code: 'UND_ERR_INVALID_ARG', message: /takes a Transport, or/ });
    assert.throws(() => new H2Dispatcher({}, wrong), { code: 'UND_ERR_INVALID_ARG', message: /must be an object/ });
  }
});

test('a handler that could not be told of a failure is refused, by an exception', async (t) => {
  const { dispatcher, at } = await place(t);
  const refused: [unknown, string][] = [
    [undefined, 'handler must be an object'],
    [null, 'handler must be an object'],
    [{ onRequestStart: ignore }, 'invalid onResponseError method'],
    [{ onConnect: ignore }, 'invalid onError method'],
  ];
  for (const [handler, message] of refused)
    assert.throws(() => dispatcher.dispatch(at('/'), handler as DispatchHandler), {
      code: 'UND_ERR_INVALID_ARG',
      message,
    });
});

test('what is wrong with the options goes to handlers of both kinds', async (t) => {
  const { dispatcher, at, server } = await place(t);
  const good = at('/');
  const refused: [unknown, string][] = [
    [null, 'opts must be an object.'],
    [{ ...good, path: 5 }, 'path must be a string'],
    [{ ...good, method: 5 }, 'method must be a string'],
    [{ ...good, upgrade: true }, 'upgrade must be a string'],
    [{ ...good, maxRedirections: 1 }, 'maxRedirections is not supported, use the redirect interceptor'],
    [{ ...good, bodyTimeout: NaN }, 'invalid bodyTimeout'],
    [{ ...good, headers: 'a: b' }, 'headers must be an object or an array'],
    [{ ...good, headers: [['a']] }, 'headers array must be even'],
    [{ ...good, headers: new Map([[5, 'a']]) }, 'invalid header key'],
    [{ ...good, headers: new Set(['a']) }, 'headers must be in key-value pair format'],
    [{ ...good, headers: { a: {} } }, 'invalid a header'],
    [{ ...good, headers: { 'Keep-Alive': 'timeout=5' } }, 'invalid keep-alive header'],
    [{ ...good, headers: { Upgrade: 'websocket' } }, 'invalid upgrade header'],
  ];
  for (const [options, message] of refused) {
    const told: [string, string][] = [];
    const current = {
      onRequestStart: ignore,
      onResponseError: (_: unknown, error: Error) => told.push(['new', error.message]),
    };
    const legacy = { onConnect: ignore, onError: (error: Error) => told.push(['old', error.message]) };
    for (const handler of [current, legacy])
      assert.equal(dispatcher.dispatch(options as DispatchOptions, handler as never), false);
    assert.deepEqual(told, [
      ['new', message],
      ['old', message],
    ]);
  }
  const missing = await new Promise<Error>((resolve) => dispatcher.dispatch(good, { onError: resolve }));
  assert.equal(missing.message, 'invalid onConnect method');
  assert.equal(server.streamCount, 0);
});

test('names and values of headers may be bytes, and values numbers, bigints and booleans', async (t) => {
  const { dispatcher, at } = await place(t);
  const headers = [Buffer.from('x-bytes'), Buffer.from('b'), 'x-number', 1.5, 'x-big', 12n, 'x-bool', false];
  const { body } = await dispatcher.request({ ...at('/headers'), headers: headers as never });
  const seen = (await body.json()) as Record<string, string>;
  assert.deepEqual([seen['x-bytes'], seen['x-number'], seen['x-big'], seen['x-bool']], ['b', '1.5', '12', 'false']);
});

test('bodies may be buffers and views of any kind, and iterables of pieces', async (t) => {
  const { dispatcher, at } = await place(t);
  const bytes = Uint8Array.of(104, 105);
  const bodies: [unknown, string][] = [
    [bytes.buffer, 'hi'],
    [new DataView(bytes.buffer), 'hi'],
    [new Uint16Array(bytes.buffer), 'hi'],
    [['h', 'i'], 'hi'],
    [new ArrayBuffer(0), ''],
    [new Uint16Array(0), ''],
  ];
  for (const [body, said] of bodies) {
    const response = await dispatcher.request({ ...at('/echo'), method: 'PUT', body: body });
    assert.equal(await response.body.text(), said);
  }
});

test('dump takes a limit of 0 and more, and ends with its signal', async (t) => {
  const { dispatcher, at, server } = await place(t);
  const ask = async () => {
    const { body } = await dispatcher.request(at('/endless'));
    return body.on('error', ignore);
  };
  const first = await ask();
  await assert.rejects(first.dump({ limit: -1 }), { message: 'limit must be a non-negative number' });
  await first.dump({ limit: 0 });
  const mine = new Error('mine');
  await assert.rejects((await ask()).dump({ signal: AbortSignal.abort(mine) }), mine);
  const controller = new AbortController();
  const dumping = (await ask()).dump({ signal: controller.signal });
  controller.abort(mine);
  await assert.rejects(dumping, mine);
  const destroyed = await ask();
  destroyed.destroy(mine);
  await assert.rejects(destroyed.text(), mine);
  (await ask()).destroy();
  while (server.openStreams > 1) await new Promise(setImmediate); // of the one whose signal had been aborted before
});

test('stream fails with what its writable fails with, and destroys that where the response breaks off', async (t) => {
  const { dispatcher, at, server } = await place(t);
  await assert.rejects(
    dispatcher.stream(at('/hello.txt'), () => ({ write: ignore, end: ignore }) as never),
    { code: 'UND_ERR_INVALID_RETURN_VALUE', message: 'expected Writable' },
  );
  const mine = new Error('mine');
  const failing = new Writable({ write: (_chunk, _encoding, done) => done(mine) });
  await assert.rejects(
    dispatcher.stream(at('/endless'), () => failing),
    mine,
  );
  while (server.openStreams > 0) await new Promise(setImmediate);
  const sink = new PassThrough();
  await assert.rejects(
    dispatcher.stream(at('/reset/2'), () => sink),
    { code: 'UND_ERR_SOCKET' },
  );
  assert.equal(sink.destroyed, true);
});

test('errors have the codes that undici’s users know, whatever is behind them', () => {
  const failed = (code: 'ERR_PASSINGLANE_CONNECTION_LOST' | 'ERR_PASSINGLANE_CONNECT_FAILED', cause?: unknown) =>
    (
      toUndiciError(
        new TransportError(code, 'it failed', { scope: 'connection', initiator: 'remote', cause }),
      ) as NodeJS.ErrnoException
    ).code;
  const coded = (code: string, rest: object = {}, message = 'x'): Error =>
    Object.assign(new Error(message), { code, ...rest });
  const lost = 'ERR_PASSINGLANE_CONNECTION_LOST';
  assert.equal(failed(lost), 'UND_ERR_SOCKET');
  assert.equal(failed(lost, coded('ECONNRESET', {}, 'socket hang up')), 'UND_ERR_SOCKET');
  assert.equal(failed(lost, coded('ECONNRESET', { syscall: 'read' }, 'socket hang up')), 'ECONNRESET');
  assert.equal(failed(lost, coded('ECONNRESET')), 'ECONNRESET');
  assert.equal(failed(lost, coded('EPIPE', {}, 'socket hang up')), 'EPIPE');
  assert.equal(failed('ERR_PASSINGLANE_CONNECT_FAILED'), 'UND_ERR_INFO');
  const several = new AggregateError([coded('EHOSTUNREACH'), coded('ECONNREFUSED')]);
  assert.equal(failed('ERR_PASSINGLANE_CONNECT_FAILED', new Error('all', { cause: several })), 'ECONNREFUSED');
  const reason = { because: 'of that' };
  const aborted = toUndiciError(reason) as NodeJS.ErrnoException;
  assert.deepEqual([aborted.code, aborted.cause], ['UND_ERR_ABORTED', reason]);
  for (const code of ['ERR_INVALID_ARG_VALUE', 'ERR_INVALID_URL']) {
    const wrong = toUndiciError(coded(code)) as NodeJS.ErrnoException;
    assert.deepEqual([wrong.code, wrong.message], ['UND_ERR_INVALID_ARG', 'x']);
  }
  const theirs = coded('E_THEIRS');
  assert.equal(toUndiciError(theirs), theirs);
});
