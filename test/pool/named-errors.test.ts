/** Errors name the request that they ended. */
import assert from 'node:assert/strict';
import { Readable } from 'node:stream';
import { test } from 'node:test';
import { gzipSync } from 'node:zlib';
import { sentenceOf as message, type TransportError } from '../../dist/errors.js';
import { originOf } from '../../dist/pool/index.js';
import { submit } from '../../dist/transport.js';
import { never, Pending, poolHarness } from '../support/pool-harness.js';

test('an error names method, origin and path of its request, also in its stack, and never the query', async () => {
  const p = poolHarness({ answer: (peer, id) => peer.reset(id, 2) });
  const call = p.post('/orders/7?token=secret', 'x');
  await p.settle();
  const text = 'POST https://test.example/orders/7: The server reset the stream: INTERNAL_ERROR';
  assert.equal(message(call.error), text);
  assert.ok(
    (call.error as Error).stack?.startsWith(`TransportError: ${text} (docs/errors.md#err_passinglane_stream_reset)\n`),
  );
  assert.doesNotMatch(String((call.error as Error).stack), /secret/);
});

test('requests that one failure ends are each named by their own error', async () => {
  const p = poolHarness({ answer: never });
  const calls = ['/a', '/b'].map((path) => p.get(path));
  await p.settle();
  p.peer(0).drop();
  await p.settle();
  for (const [i, path] of ['/a', '/b'].entries())
    assert.match(message(calls[i]?.error), new RegExp(`^GET https://test.example${path}: The server closed`));
});

test('a time-out between two attempts says what the one before it failed with', async () => {
  const p = poolHarness({ answer: (peer, id) => peer.reset(id, 7), retry: { jitter: 0 } });
  const call = p.get('/', { timeout: 2_500 });
  await p.settle();
  await p.clock.advance(2_500);
  assert.equal(
    message(call.error),
    'GET https://test.example/: The request to https://test.example took longer than 2500 ms (timeout), while waiting to be sent ' +
      'again. What it failed with before: The server reset the stream: REFUSED_STREAM',
  );
  assert.equal((call.error as TransportError).unprocessed, true);
});

test('a long path is cut in the message', async () => {
  const p = poolHarness({ answer: (peer, id) => peer.reset(id, 2) });
  const call = p.get(`/${'x'.repeat(5_000)}`);
  await p.settle();
  assert.match(message(call.error), /^GET https:\/\/test\.example\/x{100,200}\.\.\.: The server/);
});

test('an error that a body brings from another request goes on naming that one', async () => {
  const p = poolHarness({
    answer: (peer, id, fields) => {
      if (fields.get(':path') === '/from') peer.headers(id, 200);
    },
  });
  const from = p.get('/from');
  await p.settle();
  const to = p.post('/to', from.response!.body.stream());
  await p.settle();
  p.peer(0).reset(1, 2);
  await p.settle();
  assert.match(message(to.error), /^GET https:\/\/test\.example\/from: The server reset/);
});

const unreached = (): never => assert.fail('it is refused by an exception');

test('a body that is refused before anything is sent is refused by the name of its request, by the facades too', async () => {
  const p = poolHarness({ answer: never });
  const detached = new Uint8Array(8);
  structuredClone(detached, { transfer: [detached.buffer] });
  const locked = new ReadableStream();
  locked.getReader();
  const read = Readable.from(['x']);
  await read.toArray();
  const text =
    /^POST https:\/\/test\.example\/orders\/7: The (request body was detached|body stream (is locked|was read))/;
  const origin = originOf(new URL('https://test.example'));
  for (const body of [detached, locked, read]) {
    const call = p.post('/orders/7?token=secret', body);
    await p.settle();
    assert.match(message(call.error), text);
    const parts = {
      origin,
      path: '/orders/7?token=secret',
      fields: [],
      options: { method: 'POST', body },
      hooks: undefined,
    };
    const submitted = (): unknown => submit(p.transport, parts, unreached, unreached);
    assert.throws(submitted, (error) => text.test(message(error)));
  }
  assert.equal(p.dials, 0);
});

test('the reason of an abort stays as its owner made it', async () => {
  const p = poolHarness({ answer: (peer, id) => peer.reset(id, 2) });
  const other = p.get('/other');
  await p.settle();
  const text = message(other.error);
  const call = p.get('/', { signal: AbortSignal.abort(other.error) });
  await p.settle();
  assert.equal(call.error, other.error);
  assert.equal(message(call.error), text);
});

test('what is wrong with a request before it is sent, and with the reading of its response, is named too', async () => {
  const p = poolHarness({
    maxResponseSize: 8,
    decompress: true,
    answer: (peer, id, fields) => {
      const coded = fields.get(':path')?.startsWith('/coded') === true;
      peer.headers(id, 200, coded ? { fields: [['content-encoding', 'gzip']] } : {});
      peer.data(id, coded ? gzipSync('abc').subarray(0, 12) : '0123456789', true);
    },
  });
  const failure = async (path: string): Promise<string> => {
    const call = p.get(path);
    await p.settle();
    const error: unknown = await call.response!.body.text().catch((reason: unknown) => reason);
    assert.equal((error as TransportError).attempts, 1, 'it was sent');
    return message(error);
  };
  assert.match(await failure('/large?q'), /^GET https:\/\/test\.example\/large: The response body exceeds 8 bytes/);
  assert.match(
    await failure('/coded?q'),
    /^GET https:\/\/test\.example\/coded: The response body could not be decoded/,
  );
  const wrong = p.get('/wrong?q', { headers: { 'a b': 'c' } });
  await p.settle();
  assert.match(message(wrong.error), /^GET https:\/\/test\.example\/wrong: /);
  p.transport.destroy();
  const late = p.get('/late?q');
  await p.settle();
  assert.match(message(late.error), /^GET https:\/\/test\.example\/late: This transport is closed/);
});

test('an error of OPTIONS * names the server that it asked, and its response has that URL', async () => {
  const p = poolHarness({ answer: (peer, id) => (id === 1 ? peer.ok(id) : peer.reset(id, 2)) });
  const parts = { origin: originOf(new URL('https://test.example')), path: '*', fields: [], hooks: undefined };
  const send = (): Pending =>
    new Pending(
      new Promise((resolve, reject) => {
        submit(p.transport, { ...parts, options: { method: 'OPTIONS' } }, resolve, reject);
      }),
    );
  const [answered, failed] = [send(), send()];
  await p.settle();
  assert.deepEqual([answered.status, answered.response?.url], [200, 'https://test.example']);
  assert.equal(p.peer(0).blocks(1)[0]?.[':path'], '*');
  assert.match(message(failed.error), /^OPTIONS \* of https:\/\/test\.example: The server reset the stream/);
  p.transport.destroy();
});
