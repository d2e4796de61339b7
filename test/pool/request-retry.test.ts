/** How one request is sent again, where it says otherwise than its transport. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { RequestOptions } from '../../dist/request/request-options.js';
import { poolHarness, type PoolHarness } from '../support/pool-harness.js';

function refusing(): PoolHarness {
  return poolHarness({ answer: (peer, id) => peer.reset(id, 7), retry: { jitter: 0, baseDelay: 10, maxAttempts: 3 } });
}

async function attempts(p: PoolHarness, options?: RequestOptions): Promise<number> {
  const call = p.get('/refused', options);
  for (let i = 0; i < 20; i++) await p.clock.advance(100);
  assert.equal(call.state, 'failed');
  return (call.error as { attempts: number }).attempts;
}

test('a request is sent as often as it says, and others as often as their transport does', async () => {
  assert.equal(await attempts(refusing(), { retry: { maxAttempts: 2 } }), 2);
  assert.equal(await attempts(refusing(), { retry: { maxAttempts: undefined } }), 3);
  assert.equal(await attempts(refusing()), 3);
});

test('a request waits out the statuses that it names, and others get the answer', async () => {
  const p = poolHarness({
    answer: (peer, id) => peer.headers(id, peer.requests.length < 3 ? 503 : 200, { end: true }),
  });
  const other = p.get('/other');
  const patient = p.get('/patient', { retry: { statuses: [503] } });
  for (let i = 0; i < 4; i++) await p.clock.advance(1_000);
  assert.equal(other.status, 503);
  assert.equal(patient.status, 200);
  assert.equal(patient.response?.attempts, 2);
});
