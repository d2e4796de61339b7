/** How long a request may wait for a connection, on a virtual clock. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Transport } from '../../dist/index.js';
import { H2Dispatcher } from '../../dist/undici/index.js';
import { poolHarness, type PoolHarness } from '../support/pool-harness.js';

const limit = 300_000;

/** One connection at its limit of no stream, and no other allowed. */
async function full(headersTimeout: number): Promise<{ p: PoolHarness; dispatcher: H2Dispatcher }> {
  const p = poolHarness({
    answer: () => undefined,
    peer: { maxConcurrentStreams: 1 },
    strictMaxConcurrentStreams: true,
    headersTimeout,
    idleTimeout: 0,
    readIdleTimeout: 0,
    probeAfter: 0,
  });
  p.get('/long', { headersTimeout: 0 });
  await p.settle();
  p.peer(0).greet({ maxConcurrentStreams: 0 });
  await p.settle();
  return { p, dispatcher: new H2Dispatcher(p.transport as Transport) };
}

/** What a request has ended with so far. */
class Outcome {
  error: NodeJS.ErrnoException | undefined = undefined;

  get code(): string | undefined {
    return this.error?.code;
  }
}

function wait(dispatcher: H2Dispatcher, options: object = {}): Outcome {
  const outcome = new Outcome();
  dispatcher
    .request({ origin: 'https://test.example', path: '/g', method: 'GET', ...options })
    .catch((error: unknown) => {
      outcome.error = error as NodeJS.ErrnoException;
    });
  return outcome;
}

test('a request that waits for a connection ends by headersTimeout, as one that no answer comes to does', async () => {
  const { p, dispatcher } = await full(limit);
  const waiting = wait(dispatcher);
  const patient = wait(dispatcher, { headersTimeout: 0 });
  const upload = wait(dispatcher, { method: 'POST', body: 'some', headersTimeout: 1_000 });
  await p.clock.advance(1_000);
  await p.settle();
  assert.deepEqual([waiting.code, upload.code], [undefined, 'UND_ERR_HEADERS_TIMEOUT']);
  await p.clock.advance(limit - 1_001);
  await p.settle();
  assert.equal(waiting.code, undefined);
  await p.clock.advance(1);
  await p.settle();
  assert.equal(waiting.code, 'UND_ERR_HEADERS_TIMEOUT');
  assert.match(waiting.error?.message ?? '', /waiting for a connection/);
  assert.equal((waiting.error?.cause as { unprocessed?: boolean }).unprocessed, true);
  assert.equal(patient.code, undefined);
  assert.deepEqual(p.peer(0).requests, ['/long']);
  p.transport.destroy();
});

test('a request that waited has all of headersTimeout for its answer once it is sent', async () => {
  const { p, dispatcher } = await full(1_000);
  const late = wait(dispatcher);
  await p.clock.advance(900);
  p.peer(0).greet({ maxConcurrentStreams: 10 });
  await p.settle();
  assert.deepEqual(p.peer(0).requests, ['/long', '/g']);
  await p.clock.advance(999);
  await p.settle();
  assert.equal(late.code, undefined);
  await p.clock.advance(1);
  await p.settle();
  assert.equal(late.code, 'UND_ERR_HEADERS_TIMEOUT');
  p.transport.destroy();
});
