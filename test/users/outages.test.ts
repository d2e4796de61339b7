/** What extra attempts are for, and what bounds them: a connection that freezes, an outage, answers that ask for patience. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type Answer, type Peer, type Pending, poolHarness, type PoolHarness } from '../support/pool-harness.js';

const received = (p: PoolHarness): number => p.peers.reduce((sum, peer) => sum + peer.requests.length, 0);

/** Latencies, in milliseconds, of 200 idempotent requests a second while the first connection freezes for 1 s every 5 s. */
async function beside(
  hedge: { after: number } | undefined,
): Promise<{ p: PoolHarness; at: (share: number) => number }> {
  const answer: Answer = (peer, id) => {
    p.clock.setTimer(5, () => peer.ok(id));
  };
  const p = poolHarness({ hedge, answer });
  const latencies: number[] = [];
  for (let now = 0; now < 7_000; now += 5) {
    if (now % 5_000 === 1_000) p.peer(0).holdsBack = true;
    if (now % 5_000 === 2_000) p.peer(0).read();
    const sentAt = p.clock.now();
    void p.get('/', { idempotent: true }).settled.then(() => latencies.push(p.clock.now() - sentAt));
    await p.clock.advance(5);
  }
  p.peer(0).read();
  await p.clock.advance(100);
  assert.equal(latencies.length, 1_400);
  latencies.sort((a, b) => a - b);
  return { p, at: (share) => latencies[Math.ceil(share * latencies.length) - 1]! };
}

test('one connection that freezes for a second every five costs a hedged request its wait and no more', async () => {
  const { p, at } = await beside({ after: 50 });
  assert.ok(at(0.999) <= 2 * at(0.5) + 50, `p50 ${at(0.5)}, p99.9 ${at(0.999)}`);
  assert.ok(received(p) <= 1.05 * 1_400, `${received(p)} received`);
  const without = await beside(undefined);
  assert.ok(without.at(0.999) > 900, 'without it, requests that the connection held wait for it');
});

interface Outage {
  readonly made: number;
  readonly received: number;
  /** What became of requests that were made once the server was there again. */
  readonly after: readonly Pending[];
}

/** A server that refuses everything for so long, under 500 requests a second. */
async function outage(seconds: number, budget: number | undefined): Promise<Outage> {
  let down = true;
  const answer: Answer = (peer: Peer, id) => {
    if (down) peer.reset(id, 7);
    else peer.ok(id);
  };
  const p = poolHarness({ retry: { budget }, answer });
  let made = 0;
  for (; made < 500 * seconds; made += 250) {
    for (let i = 0; i < 250; i++) p.get('/');
    await p.clock.advance(500);
  }
  down = false;
  const before = received(p);
  await p.clock.advance(100);
  const after = [p.get('/'), p.get('/')];
  await p.clock.advance(100);
  p.transport.destroy();
  return { made, received: before, after };
}

test('a server that refuses everything for a while gets at most a quarter more than is made, and new requests as ever after', async () => {
  const bounded = await outage(10, undefined);
  assert.ok(bounded.received <= 1.25 * bounded.made, `${bounded.received} received of ${bounded.made}`);
  assert.deepEqual(
    bounded.after.map((call) => [call.status, call.response?.attempts]),
    [
      [200, 1],
      [200, 1],
    ],
  );
  const unbounded = await outage(4, Infinity);
  assert.ok(unbounded.received > 2 * unbounded.made, `${unbounded.received} without a budget`);
});

test('a server that answers every second request with 503 for five seconds fails none that may be sent again', async () => {
  let turn = 0;
  const p = poolHarness({
    retry: { statuses: [503] },
    answer: (peer, id) => {
      if (p.clock.now() > busyUntil || turn++ % 2 === 0) return peer.ok(id);
      peer.headers(id, 503, { fields: [['retry-after', '1']] });
      peer.data(id, 'busy', true);
    },
  });
  const busyUntil = p.clock.now() + 5_000;
  const calls: Pending[] = [];
  for (let i = 0; i < 100; i++) {
    calls.push(p.get('/'));
    await p.clock.advance(50);
  }
  await p.clock.advance(10_000);
  assert.deepEqual(new Set(calls.map((call) => call.status)), new Set([200]));
  assert.equal(p.dials, 1);
});
