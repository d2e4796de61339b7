/** What an error says of a request that was not out when it ended: its own attempts, and whether any may have counted. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { TransportError } from '../../dist/errors.js';
import { never, poolHarness, type Pending, type PoolHarness } from '../support/pool-harness.js';

const truth = (call: Pending): readonly unknown[] => {
  const { code, unprocessed, attempts, cause } = call.error as TransportError;
  return [code, unprocessed, attempts, cause];
};

const refused = (p: PoolHarness, streamId: number): void => {
  p.peer(0).reset(streamId, 7);
};

const ends: Readonly<Record<string, (p: PoolHarness, why: Error) => unknown>> = {
  'destroy()': (p, why) => {
    p.transport.destroy(why);
  },
  'the timeout of close()': (p) => {
    void p.transport.close({ timeout: 10 });
    return p.clock.advance(10);
  },
};

for (const [how, end] of Object.entries(ends)) {
  test(`${how} tells each request its own: queued, in back-off, and out`, async () => {
    const why = new Error('enough');
    const p = poolHarness({ answer: never, peer: { maxConcurrentStreams: 2 }, maxConnectionsPerOrigin: 1 });
    const idle = p.get('/refused');
    await p.settle();
    refused(p, 1);
    await p.settle();
    refused(p, 3); // the second time, so that it waits
    await p.settle();
    const exposed = p.get('/exposed', { idempotent: true });
    await p.settle();
    p.peer(0).reset(5, 2);
    await p.settle();
    p.peer(0).reset(7, 2);
    await p.settle();
    const out = [p.get('/out'), p.get('/out')];
    await p.settle();
    const queued = [p.post('/queued', 'x'), p.get('/queued')];
    await p.settle();
    assert.deepEqual(p.peer(0).requests, ['/refused', '/refused', '/exposed', '/exposed', '/out', '/out']);
    await end(p, why);
    await p.settle();
    const code = 'ERR_PASSINGLANE_TRANSPORT_CLOSED';
    const cause = how === 'destroy()' ? why : (out[0]?.error as Error).cause;
    assert.deepEqual(truth(idle), [code, true, 2, cause], 'the peer refused it twice');
    assert.deepEqual(truth(exposed), [code, false, 2, cause], 'it may have been acted on');
    for (const call of queued) assert.deepEqual(truth(call), [code, true, 0, cause], 'it was never sent');
    for (const call of out) assert.deepEqual(truth(call), [code, false, 1, cause], 'it is with the peer');
    assert.notEqual(queued[0]?.error, queued[1]?.error, 'an error of its own');
  });
}

test('destroy() while the connection is dialled leaves requests that were never sent', async () => {
  const p = poolHarness({ dialTime: 1_000 });
  const call = p.post('/', 'x');
  await p.settle();
  p.transport.destroy();
  await p.settle();
  assert.deepEqual(truth(call).slice(0, 3), ['ERR_PASSINGLANE_TRANSPORT_CLOSED', true, 0]);
});

test('a dial that fails does not tell a request which may have been acted on before that it was not', async () => {
  const refusal = new TransportError('ERR_PASSINGLANE_CONNECT_FAILED', 'refused', {
    scope: 'connection',
    initiator: 'remote',
    unprocessed: true,
  });
  const p = poolHarness({
    answer: never,
    peer: { maxConcurrentStreams: 1 },
    dialErrors: [undefined, refusal],
    retry: { maxAttempts: 2 },
  });
  const call = p.get('/', { idempotent: true });
  await p.settle();
  p.peer(0).drop();
  const other = p.get('/other');
  await p.settle();
  assert.equal(p.dials, 2);
  assert.deepEqual(truth(call).slice(0, 3), ['ERR_PASSINGLANE_CONNECT_FAILED', false, 1]);
  assert.deepEqual(truth(other).slice(0, 3), ['ERR_PASSINGLANE_CONNECT_FAILED', true, 0]);
});

test('a time-out in back-off says unprocessed where every attempt was refused, and not where one may have counted', async () => {
  for (const [code, unprocessed] of [
    [7, true],
    [2, false],
  ] as const) {
    const p = poolHarness({ answer: never, retry: { baseDelay: 5_000 } });
    const call = p.get('/', { timeout: 300, idempotent: true });
    await p.settle();
    p.peer(0).reset(1, code);
    await p.settle();
    p.peer(0).reset(3, code);
    await p.clock.advance(300);
    assert.deepEqual(truth(call).slice(0, 3), ['ERR_PASSINGLANE_TIMEOUT', unprocessed, 2]);
    assert.equal((call.error as TransportError).streamId, undefined);
  }
});

test('a time-out while an attempt is out says nothing of what the peer did, however often it refused before', async () => {
  const p = poolHarness({ answer: never });
  const call = p.get('/', { timeout: 300 });
  await p.settle();
  p.peer(0).reset(1, 7);
  await p.clock.advance(300);
  assert.deepEqual(truth(call).slice(0, 3), ['ERR_PASSINGLANE_TIMEOUT', false, 2]);
});
