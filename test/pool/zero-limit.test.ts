/** A server that lowers its stream limit to 0 takes no new request on that connection, and says nothing of others. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { bodyOf, type Answer, type Pending, poolHarness, type PoolHarness } from '../support/pool-harness.js';

const long: Answer = (peer, id, fields) => {
  if (fields.get(':path') !== '/long') peer.ok(id);
};

const many = (p: PoolHarness, count: number): Pending[] => Array.from({ length: count }, () => p.get('/g'));
const statuses = (calls: readonly Pending[]): unknown[] => [...new Set(calls.map(({ status }) => status))];

/** A request that is not sent before the SETTINGS, since its body can be had once only. */
const waiting = (p: PoolHarness, options?: Parameters<PoolHarness['post']>[2]): Pending =>
  p.post('/g', bodyOf(10)(), options);

/** One connection that carries a request, and whose limit is lowered to 0 then; `peer` is what new ones say. */
async function lowered(options: Parameters<typeof poolHarness>[0] = {}): Promise<{
  p: PoolHarness;
  peer: { maxConcurrentStreams: number };
  running: Pending;
}> {
  const peer = { maxConcurrentStreams: 100 };
  const p = poolHarness({ answer: long, peer, readIdleTimeout: 0, probeAfter: 0, idleTimeout: 0, ...options });
  const running = p.get('/long');
  await p.settle();
  p.peer(0).greet({ maxConcurrentStreams: 0 });
  await p.settle();
  return { p, peer, running };
}

test('requests that find the limit lowered to 0 share one new connection, dialled at once, and what runs goes on', async () => {
  const { p, running } = await lowered();
  const calls = many(p, 20);
  await p.settle();
  assert.deepEqual([statuses(calls), p.dials], [[200], 2]);
  p.peer(0).answerAll();
  await p.settle();
  assert.equal(running.status, 200);
  assert.deepEqual([statuses(many(p, 1)), p.dials], [[undefined], 2]);
  await p.settle();
  assert.equal(p.dials, 2, 'the new connection serves all that follows');
  p.transport.destroy();
});

test('requests that wait when the limit is lowered to 0 are dialled for as well', async () => {
  const peer = { maxConcurrentStreams: 1 };
  const p = poolHarness({ answer: long, peer, maxConnectionsPerOrigin: 2, idleTimeout: 0 });
  p.get('/long');
  await p.settle();
  p.get('/long');
  await p.settle();
  const calls = many(p, 3);
  await p.settle();
  for (const index of [0, 1]) p.peer(index).greet({ maxConcurrentStreams: 0 });
  p.peer(0).goAway(1); // it makes room for one connection more
  p.peer(0).answerAll();
  await p.settle();
  assert.deepEqual([statuses(calls), p.dials], [[200], 3]);
  p.transport.destroy();
});

test('each new connection that is at 0 too doubles the wait for the next, until one allows a stream', async () => {
  const { p, peer } = await lowered();
  peer.maxConcurrentStreams = 0;
  const call = waiting(p);
  const at: number[] = [];
  for (let second = 0; second < 29; second++) {
    await p.settle();
    while (at.length < p.dials - 1) at.push(second);
    await p.clock.advance(1_000);
  }
  assert.deepEqual(at, [0, 2, 6, 14]);
  assert.equal(call.state, 'pending');
  peer.maxConcurrentStreams = 100;
  await p.clock.advance(1_000);
  assert.deepEqual([call.status, p.dials], [200, 6], 'sixteen seconds after the one before');
  p.transport.destroy();
});

test('a wait between connections at 0 is kept where they are closed for want of requests meanwhile', async () => {
  const peer = { maxConcurrentStreams: 0 };
  const p = poolHarness({ peer, idleTimeout: 100, maxRequestsPerConnection: 1, retry: { maxAttempts: 4 } });
  const calls = [waiting(p), waiting(p), waiting(p)];
  await p.settle();
  const first = p.dials;
  await p.clock.advance(900);
  assert.equal(p.dials, first, 'a second has not passed');
  assert.deepEqual([p.dials <= 3, p.peers.every(({ ended }) => ended)], [true, true]);
  await p.clock.advance(120_000);
  for (const { error } of calls)
    assert.match((error as Error).message, /test\.example allowed no request on \d new connections/);
  assert.ok(p.dials <= first + 3, `${p.dials} dials`);
  assert.equal(p.clock.size, 0);
});

test('a limit that is raised again serves those who wait, and nothing more is dialled', async () => {
  const { p, peer } = await lowered();
  peer.maxConcurrentStreams = 0;
  const calls = many(p, 5);
  await p.settle();
  p.peer(0).greet({ maxConcurrentStreams: 100 });
  await p.settle();
  const dials = p.dials;
  await p.clock.advance(60_000);
  assert.equal(statuses(calls).includes(undefined), false);
  assert.equal(p.dials, dials);
  p.transport.destroy();
});

test('where as many new connections as a request has attempts are at 0, those who wait are told', async () => {
  const { p, peer, running } = await lowered({ retry: { maxAttempts: 3 } });
  peer.maxConcurrentStreams = 0;
  const calls = [waiting(p), waiting(p)];
  await p.clock.advance(2_000 + 4_000 + 7_999);
  assert.ok(calls.every(({ state }) => state === 'pending'));
  await p.clock.advance(1);
  for (const { error } of calls) {
    const { code, unprocessed, message } = error as { code: string; unprocessed: boolean; message: string };
    assert.deepEqual([code, unprocessed], ['ERR_PASSINGLANE_CONNECT_FAILED', true]);
    assert.match(message, /test\.example allowed no request on 3 new connections.*MAX_CONCURRENT_STREAMS/);
  }
  assert.equal(p.dials, 4);
  p.peer(0).answerAll();
  await p.settle();
  assert.equal(running.status, 200, 'what ran before is none of its business');
  peer.maxConcurrentStreams = 100;
  const next = waiting(p);
  await p.clock.advance(8_000);
  assert.equal(next.status, 200, 'the next request has its own chances');
  p.transport.destroy();
});

test('a time-out ends the wait for a connection that allows a stream', async () => {
  const { p, peer } = await lowered();
  peer.maxConcurrentStreams = 0;
  const call = waiting(p, { timeout: 1_500 });
  await p.clock.advance(1_500);
  assert.equal(call.code, 'ERR_PASSINGLANE_TIMEOUT');
  p.transport.destroy();
});

test('with strictMaxConcurrentStreams requests wait until the limit is raised', async () => {
  const { p } = await lowered({ strictMaxConcurrentStreams: true });
  const call = p.get('/g');
  await p.clock.advance(60_000);
  assert.deepEqual([call.state, p.dials], ['pending', 1]);
  p.peer(0).greet({ maxConcurrentStreams: 1 });
  p.peer(0).answerAll();
  await p.settle();
  assert.equal(call.status, 200);
  p.transport.destroy();
});

test('beside a connection that is full for ever, one at 0 from the start is dialled around as well', async () => {
  const peer = { maxConcurrentStreams: 1 };
  const p = poolHarness({ answer: long, peer, readIdleTimeout: 0, probeAfter: 0, idleTimeout: 0 });
  p.get('/long');
  await p.settle();
  peer.maxConcurrentStreams = 0;
  const call = waiting(p);
  await p.settle();
  assert.equal(p.dials, 2);
  peer.maxConcurrentStreams = 1;
  await p.clock.advance(1_999);
  assert.equal(p.dials, 2);
  await p.clock.advance(1);
  assert.deepEqual([call.status, p.dials], [200, 3]);
  p.transport.destroy();
});

test('a stalled connection beside one whose limit was lowered to 0 keeps nobody from a dial', async () => {
  const { p } = await lowered();
  const up = waiting(p);
  await p.settle();
  assert.deepEqual([up.status, p.dials], [200, 2]);
  p.peer(1).stallNow();
  p.post('/long', Buffer.alloc(100_000));
  await p.clock.advance(200);
  const call = p.get('/g');
  await p.settle();
  assert.deepEqual([call.status, p.dials], [200, 3]);
  p.transport.destroy();
});

test('where connections at 0 take up all the room, one that carries nothing is closed for another', async () => {
  const { p, running } = await lowered({ maxConnectionsPerOrigin: 1 });
  const call = p.get('/g');
  await p.clock.advance(10_000);
  assert.deepEqual([call.state, p.dials], ['pending', 1], 'the only connection is in use');
  p.peer(0).answerAll();
  await p.clock.advance(900);
  assert.deepEqual([running.status, call.state, p.dials], [200, 'pending', 1], 'the limit may be raised in a moment');
  await p.clock.advance(2_000);
  assert.deepEqual([call.status, p.dials], [200, 2]);
  p.transport.destroy();
});

test('where all the room is at 0 for ever, those who wait get an error of their own in the end', async () => {
  const { p, peer } = await lowered({ maxConnectionsPerOrigin: 1 });
  peer.maxConcurrentStreams = 0;
  p.peer(0).answerAll();
  const call = waiting(p);
  await p.clock.advance(300_000);
  assert.equal(call.code, 'ERR_PASSINGLANE_CONNECT_FAILED');
  assert.ok(p.dials <= 10, `${p.dials} dials`);
  p.transport.destroy();
});
