/** How long a pooled connection lives: idle time, draining, early ends. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { TransportError } from '../../dist/errors.js';
import { poolHarness, type Answer } from '../support/pool-harness.js';

const never: Answer = () => undefined;

test('the idle time runs while there is no stream and no reservation, and begins anew after each', async () => {
  const p = poolHarness({ idleTimeout: 1_000, probeAfter: 0, readIdleTimeout: 0, answer: never });
  p.get('/1');
  await p.clock.advance(5_000);
  assert.equal(p.peer(0).ended, false, 'a stream is open');
  p.peer(0).ok(1);
  await p.clock.advance(900);
  p.get('/2');
  await p.clock.advance(5_000);
  assert.equal(p.peer(0).ended, false, 'the request stopped the idle time');
  p.peer(0).ok(3);
  await p.clock.advance(999);
  assert.equal(p.peer(0).ended, false);
  await p.clock.advance(1);
  assert.equal(p.peer(0).ended, true, 'a second after the last stream');
  assert.deepEqual(p.peer(0).goAways, [], 'without GOAWAY');
  assert.equal(p.clock.size, 0, 'no timer is left');
});

test('a connection that never had a request closes after idleTimeout; with 0 it stays', async () => {
  for (const idleTimeout of [1_000, 0]) {
    const p = poolHarness({ idleTimeout });
    await Promise.all([p.transport.preconnect('https://test.example'), p.settle()]);
    await p.clock.advance(100_000);
    assert.equal(p.peer(0).ended, idleTimeout > 0);
  }
});

test('a reservation keeps an idle connection open', async () => {
  const p = poolHarness({ idleTimeout: 1_000 });
  const [conn] = await Promise.all([p.transport.connect('https://test.example'), p.settle()]);
  assert.ok(conn.reserveNewRequest());
  await p.clock.advance(5_000);
  assert.equal(conn.state().closed, false);
  conn.releaseReservation();
  await p.clock.advance(999);
  assert.equal(conn.state().closed, false, 'idle from then on');
  await p.clock.advance(1);
  assert.equal(conn.state().closed, true);
});

test('a connection that was idle too long by the wall clock is not used, though its timer has not fired', async () => {
  const p = poolHarness({ idleTimeout: 10_000 });
  p.get('/1');
  await p.settle();
  p.clock.sleep(60_000);
  const call = p.get('/2');
  await p.settle();
  assert.equal(call.status, 200);
  assert.deepEqual([p.peer(0).requests, p.peer(1).requests], [['/1'], ['/2']]);
});

test('with maxRequestsPerConnection 1 every request has a connection of its own, closed after it', async () => {
  const p = poolHarness({ maxRequestsPerConnection: 1 });
  const calls = [p.get('/1'), p.get('/2'), p.get('/3')];
  await p.settle();
  await p.settle();
  assert.deepEqual(
    calls.map((call) => call.status),
    [200, 200, 200],
  );
  assert.deepEqual(
    p.peers.map((peer) => peer.requests.length),
    [1, 1, 1],
  );
  assert.ok(p.peers.every((peer) => peer.ended));
});

test('with maxRequestsPerConnection as many connections are dialled at once as those who wait will take', async () => {
  const p = poolHarness({ maxRequestsPerConnection: 2 });
  const calls = ['/1', '/2', '/3', '/4', '/5'].map((path) => p.get(path));
  assert.equal(p.transport.stats().origins[0]?.dialling, 3);
  await p.settle();
  assert.deepEqual(
    calls.map((call) => call.status),
    [200, 200, 200, 200, 200],
  );
  assert.equal(p.peers.length, 3);
});

test('after a GOAWAY the connection closes with its last stream, and takes nothing new before', async () => {
  const p = poolHarness({
    answer: (peer, id) => {
      if (peer.index > 0) peer.ok(id);
    },
  });
  p.get('/1');
  await p.settle();
  p.peer(0).goAway(1);
  const next = p.get('/2');
  await p.settle();
  assert.equal(next.status, 200);
  assert.deepEqual([p.peer(0).requests, p.peer(0).ended], [['/1'], false]);
  p.peer(0).ok(1);
  await p.settle();
  assert.equal(p.peer(0).ended, true);
});

test('a request is not failed by a connection that died unused before it came', async () => {
  const p = poolHarness();
  await Promise.all([p.transport.preconnect('https://test.example'), p.settle()]);
  p.peer(0).drop(new Error('ECONNRESET'));
  assert.equal(p.transport.stats().connections, 0, 'it is out of the pool at once');
  const call = p.get('/1');
  await p.settle();
  assert.equal(call.status, 200);
  assert.deepEqual([p.dials, call.response?.attempts], [2, 1]);
});

test('a connection that has said GOAWAY, or has ended, is no candidate from the next request on', async () => {
  for (const end of ['goAway', 'drop'] as const) {
    const p = poolHarness();
    p.get('/1');
    await p.settle();
    if (end === 'goAway') p.peer(0).goAway(1);
    else p.peer(0).drop();
    const call = p.get('/2');
    await p.settle();
    assert.equal(call.status, 200);
    assert.deepEqual([p.peer(0).requests, p.peer(1).requests], [['/1'], ['/2']]);
  }
});

test('connections of a closing transport end with their last stream', async () => {
  const p = poolHarness({ answer: never });
  const call = p.get('/1');
  await p.settle();
  const closed = p.transport.close();
  await p.settle();
  assert.equal(p.peer(0).ended, false);
  p.peer(0).ok(1);
  await closed;
  assert.equal(call.status, 200);
  const late = p.get('/2');
  await p.settle();
  assert.equal((late.error as TransportError).code, 'ERR_PASSINGLANE_TRANSPORT_CLOSED');
});
