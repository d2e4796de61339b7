/** Many uploads over a slow link share a few connections, and leave the others to small requests. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { uint32 } from '../support/harness.js';
import { bodyOf, poolHarness, type Answer, type Pending, type PoolHarness } from '../support/pool-harness.js';
import { type as frameType } from '../support/raw-server.js';

const answer: Answer = (peer, id, fields) => {
  if (fields.get(':method') === 'GET') peer.ok(id);
};

/** An upload whose writes the link takes piece by piece: it blocks the connection at `index`. */
async function block(p: PoolHarness, index: number): Promise<void> {
  p.peer(index).send(frameType.windowUpdate, 0, 0, uint32(1 << 30));
  p.peer(index).stallNow(100_000);
  p.post('/up', bodyOf(10 << 20));
  await p.clock.advance(100);
  assert.equal(p.transport.stats().origins[0]?.connections[index]?.state, 'stalled');
}

/** Three connections that uploads block, and one for GETs. */
async function slow(): Promise<PoolHarness> {
  const peer = { initialWindowSize: 1 << 30, maxConcurrentStreams: 20 };
  const p = poolHarness({ answer, peer, readIdleTimeout: 0, probeAfter: 0, writeTimeout: 0 });
  p.get('/g');
  await p.settle();
  for (let index = 0; index < 3; index++) {
    await block(p, index);
    p.get('/g');
    await p.settle();
  }
  assert.equal(p.dials, 4);
  return p;
}

const uploads = (p: PoolHarness, count: number): Pending[] =>
  Array.from({ length: count }, () => p.post('/more', bodyOf(1 << 20)));
const arrived = (p: PoolHarness, path: string): number[] =>
  p.peers.map(({ requests }) => requests.filter((one) => one === path).length);

test('uploads that find three connections slow go out on those as their writes end, and GETs have the fourth', async () => {
  const p = await slow();
  uploads(p, 30);
  const small = Array.from({ length: 5 }, () => p.post('/small', Buffer.alloc(1_000)));
  await p.clock.advance(500);
  assert.deepEqual(arrived(p, '/more'), [0, 0, 0, 0], 'their sockets are full');
  assert.deepEqual(arrived(p, '/small'), [0, 0, 0, 5], 'a short body is no bulk');
  for (let round = 0; round < 4; round++) {
    for (const index of [0, 1, 2]) p.peer(index).takeMore(200_000);
    await p.clock.advance(500);
    const get = p.get('/g');
    await p.settle();
    assert.equal(get.status, 200);
  }
  assert.equal(arrived(p, '/more').at(-1), 0);
  assert.equal(
    arrived(p, '/more').reduce((sum, one) => sum + one),
    30,
    'all have begun',
  );
  assert.deepEqual([p.dials, small.length], [4, 5]);
  p.transport.destroy();
});

test('once the writes of slow connections do not end any more, uploads go elsewhere', async () => {
  const p = await slow();
  uploads(p, 3);
  await p.clock.advance(1_500);
  assert.deepEqual([p.dials, arrived(p, '/more')], [4, [0, 0, 0, 0]]);
  await p.clock.advance(2_000);
  assert.equal(arrived(p, '/more').at(-1), 3, 'they are no slow link, as far as anybody can tell');
  p.transport.destroy();
});

test('slow connections at their stream limit are not waited for', async () => {
  const p = await slow();
  for (const index of [0, 1, 2]) p.peer(index).greet({ initialWindowSize: 1 << 30, maxConcurrentStreams: 1 });
  uploads(p, 3);
  await p.settle();
  assert.equal(arrived(p, '/more').at(3), 3);
  p.transport.destroy();
});
