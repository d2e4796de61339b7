/** A server whose event loop is blocked by turns is alive: nothing is gained by another connection to it. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { bodyOf, poolHarness, type Answer, type Pending } from '../support/pool-harness.js';

const answer: Answer = (peer, id, fields) => {
  if (fields.get(':path') !== '/endless') peer.ok(id);
};

test('a server that hears nothing for half a second in every two gets no second connection, no PING, and answers all', async () => {
  const p = poolHarness({ answer, peer: { maxConcurrentStreams: 100 } });
  const calls: Pending[] = [p.get('/')];
  p.get('/endless'); // streams are open all the time
  await p.settle();
  for (let round = 0; round < 10; round++) {
    p.peer(0).holdsBack = true; // its kernel takes what comes
    for (let i = 0; i < 20; i++) {
      calls.push(i % 4 === 0 ? p.post('/', bodyOf(1_000)()) : p.get('/'));
      await p.clock.advance(25);
    }
    p.peer(0).read();
    for (let i = 0; i < 20; i++) {
      calls.push(p.get('/'));
      await p.clock.advance(75);
    }
  }
  assert.deepEqual(new Set(calls.map(({ status, state }) => status ?? state)), new Set([200]));
  assert.deepEqual([p.dials, p.peer(0).pings, p.peer(0).questions], [1, 0, 0]);
  assert.deepEqual([p.peer(0).resets, p.transport.stats().totals.failed], [[], 0]);
  p.transport.destroy();
});

test('one that hears nothing for longer than probeAfter answers its PING late, and is used again: PINGs stay within their budget', async () => {
  const p = poolHarness({ answer, peer: { maxConcurrentStreams: 100 } });
  const calls: Pending[] = [p.get('/')];
  p.get('/endless');
  await p.settle();
  for (let round = 0; round < 20; round++) {
    for (const peer of p.peers) peer.holdsBack = true;
    for (let i = 0; i < 10; i++) {
      calls.push(p.get('/'));
      await p.clock.advance(150);
    }
    for (const peer of p.peers) peer.read();
    calls.push(p.get('/'));
    await p.clock.advance(500);
  }
  assert.deepEqual(new Set(calls.map(({ status, state }) => status ?? state)), new Set([200]));
  assert.deepEqual([p.dials, p.peers.map(({ questions }) => questions)], [2, [0, 0]], 'one way around, once');
  for (const { pings } of p.peers) assert.ok(pings <= 20, `${pings} PINGs: one for each time that it was silent`);
  assert.equal(p.transport.stats().totals.failed, 0);
  p.transport.destroy();
});
