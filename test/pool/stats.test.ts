/** What a snapshot of a transport says. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { originOf } from '../../dist/pool/index.js';
import { submit } from '../../dist/transport.js';
import { Pending, poolHarness } from '../support/pool-harness.js';

test('an origin with a pool for HTTP/1.1 beside that for all is one entry, which has what waits and is dialled in both', async () => {
  const p = poolHarness({ dialTime: 50 });
  const calls = [p.get('/a'), p.get('/b')];
  const options = { method: 'GET' };
  const parts = {
    origin: originOf(new URL('https://test.example')),
    path: '/c',
    fields: [],
    options,
    hooks: undefined,
  };
  const apart = new Promise<never>((resolve, reject) => {
    submit(p.transport, { ...parts, upgrade: 'only' }, resolve as () => void, reject);
  });
  calls.push(new Pending(apart));
  await p.settle();
  const [one, ...others] = p.transport.stats().origins;
  assert.deepEqual([one?.queued, one?.dialling, others.length], [3, 2, 0]);
  p.transport.destroy();
  await p.settle();
  assert.deepEqual(
    calls.map(({ state }) => state),
    ['failed', 'failed', 'failed'],
  );
});
