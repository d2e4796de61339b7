/** Parts of the Connect transport by themselves: compression, codes of failures, and the client's body. */
import assert from 'node:assert/strict';
import { brotliCompressSync, gzipSync } from 'node:zlib';
import { test } from 'node:test';
import { Code, ConnectError } from '@connectrpc/connect';
import {
  compressionBrotli,
  compressionGzip,
  createConnectTransport,
  createHttpClient,
} from '../../dist/connect/index.js';
import { toConnectError } from '../../dist/connect/connect-errors.js';
import { TransportError, type TransportErrorInit } from '../../dist/errors.js';
import { Transport } from '../../dist/index.js';
import { startOrigin } from '../support/origin.js';

test('a compressed message comes out whole, and an empty one is none', async () => {
  const said = Buffer.from('said '.repeat(100));
  for (const [compression, pack] of [
    [compressionGzip, gzipSync],
    [compressionBrotli, brotliCompressSync],
  ] as const) {
    assert.deepEqual(Buffer.from(await compression.decompress(pack(said), 1_000)), said);
    assert.deepEqual(Buffer.from(await compression.decompress(await compression.compress(said), 1_000)), said);
    assert.equal((await compression.decompress(new Uint8Array(0), 1_000)).length, 0);
  }
});

test('what cannot be decompressed says whose fault that is', async () => {
  const codeOf = async (work: Promise<unknown>): Promise<Code> => {
    const error: unknown = await work.then(
      () => undefined,
      (reason: unknown) => reason,
    );
    assert.ok(error instanceof ConnectError);
    assert.ok(error.cause instanceof Error);
    return error.code;
  };
  const nonsense = Buffer.from('neither of the two');
  for (const [compression, pack] of [
    [compressionGzip, gzipSync],
    [compressionBrotli, brotliCompressSync],
  ] as const) {
    assert.equal(await codeOf(compression.decompress(nonsense, 1_000)), Code.InvalidArgument);
    assert.equal(await codeOf(compression.decompress(pack(Buffer.alloc(1_000)), 999)), Code.ResourceExhausted);
    const cut = pack(Buffer.from('cut off in the middle of it')).subarray(0, 10);
    assert.equal(await codeOf(compression.decompress(cut, 1_000)), Code.Internal);
  }
});

test('a failure that nobody has acted on is unavailable, unless it is the caller’s', () => {
  const codeOf = (init: Partial<TransportErrorInit>): Code =>
    toConnectError(
      new TransportError('ERR_PASSINGLANE_PROTOCOL', 'it failed', { scope: 'request', initiator: 'remote', ...init }),
    ).code;
  assert.equal(codeOf({}), Code.Internal);
  assert.equal(codeOf({ scope: 'connection' }), Code.Unavailable);
  assert.equal(codeOf({ unprocessed: true }), Code.Unavailable);
  assert.equal(codeOf({ unprocessed: true, initiator: 'user' }), Code.Internal);
  assert.equal(codeOf({ unprocessed: true, initiator: 'user', scope: 'connection' }), Code.Unavailable);
});

test('a body that is left, or thrown out of, gives its stream back at once', async (t) => {
  const origin = await startOrigin();
  const transport = new Transport({ cleartext: 'h2c' });
  t.after(async () => {
    transport.destroy();
    await origin.close();
  });
  const client = createHttpClient(transport);
  const ask = async (): Promise<AsyncIterator<Uint8Array>> => {
    const { body } = await client({
      method: 'GET',
      url: `${origin.origin}/endless`,
      header: new Headers(),
    });
    return body[Symbol.asyncIterator]();
  };
  const quiet = async (): Promise<void> => {
    while (origin.openStreams > 0) await new Promise(setImmediate);
  };
  const left = await ask();
  assert.equal(origin.openStreams, 1);
  assert.deepEqual(await left.return?.(), { done: true, value: undefined });
  await quiet();
  const thrown = await ask();
  const mine = new Error('mine');
  await assert.rejects(thrown.throw?.(mine) ?? Promise.resolve(), mine);
  await quiet();
});

test('a default transport is for HTTP/2, or HTTP/1.1 where that is asked for, and nothing else', () => {
  const baseUrl = 'http://a.test';
  for (const httpVersion of ['2', '1.1', undefined] as const) createConnectTransport({ baseUrl, httpVersion });
  assert.throws(() => createConnectTransport({ baseUrl, httpVersion: '3' as never }), {
    code: 'ERR_INVALID_ARG_VALUE',
    message: /httpVersion/,
  });
});
