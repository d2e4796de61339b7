/** What a connection remembers of stalls, how often it looks for silence, its turns, what it tells, and its last words. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { BufferBudget } from '../../dist/protocol/index.js';
import { ConnectionDriver } from '../../dist/conn/connection-driver.js';
import { Silence } from '../../dist/conn/silence.js';
import { StallLog } from '../../dist/conn/stall-log.js';
import { connected, never, Peer } from '../support/pool-harness.js';
import { type as frameType } from '../support/raw-server.js';
import { VirtualClock } from '../support/virtual-clock.js';

test('the last sixteen stalls are told of, each for the part of it that is asked for', () => {
  const log = new StallLog();
  for (let i = 0; i < 17; i++) {
    log.began(i * 100);
    log.ended(i * 100 + 10);
  }
  assert.equal(log.within(0, 10_000, Infinity), 160);
  assert.equal(log.within(1_505, 1_605, Infinity), 10, 'half of one and half of the next');
  assert.equal(log.within(0, 10_000, 1_550), 150, 'without one that began later');
});

test('however often a silence is noticed, it is looked at again once', async () => {
  const clock = new VirtualClock();
  let looks = 0;
  const silence = new Silence(clock, () => looks++);
  for (let i = 0; i < 3; i++) silence.noticed();
  await clock.settle();
  assert.equal(looks, 1);
  silence.noticed();
  await clock.settle();
  assert.equal(looks, 2);
});

test('a request that is made while a read is worked off does not go before one that waits', async () => {
  const { p, send } = await connected({ answer: never, peer: { maxConcurrentStreams: 2 } });
  send('/ends');
  send('/hinted', { onInformational: () => void send('/late') });
  send('/waits');
  await p.settle();
  p.peer(0).inOneRead(() => {
    p.peer(0).ok(1);
    p.peer(0).headers(3, 103);
  });
  await p.settle();
  p.peer(0).ok(3);
  await p.settle();
  assert.deepEqual(p.peer(0).requests, ['/ends', '/hinted', '/waits', '/late']);
});

test('a stream that was promised can be had, however long ago that was', async () => {
  const { p, conn, send } = await connected({ idleTimeout: 1_000 });
  assert.equal(conn.reserveNewRequest(), true);
  await p.clock.advance(5_000);
  assert.equal(conn.canTakeNewRequest(), true);
  const call = send('/');
  await p.settle();
  assert.equal(call.status, 200);
  const { lastIdle } = conn.state();
  conn.reserveNewRequest();
  await p.clock.advance(5_000);
  conn.releaseReservation();
  assert.deepEqual([conn.canTakeNewRequest(), conn.state().lastIdle], [true, lastIdle], 'it rests from then on');
  await p.clock.advance(1_100);
  assert.equal(conn.state().closed, true);
});

test('without an idleTimeout a connection waits for its next request for ever', async () => {
  const { p, send } = await connected({ idleTimeout: 0 });
  p.clock.sleep(86_400_000);
  const call = send('/');
  await p.settle();
  assert.equal(call.status, 200);
});

test('a peer that broke the rules is told which before the socket ends', async () => {
  const { p } = await connected({ answer: never });
  const peer = p.peer(0);
  peer.send(frameType.data, 0, 0, Buffer.from('of no stream')); // RFC 9113 section 6.1
  await p.settle();
  assert.deepEqual([peer.goAways, peer.ended, peer.destroyed], [[1], true, false]);
});

test('its owner is told once that a connection takes no more requests, and at its end of the time of that', async () => {
  const clock = new VirtualClock();
  const peer = new Peer(0, {}, never);
  const told: (string | number)[] = [];
  const config = {
    id: 1,
    observer: undefined,
    origin: 'https://test.example',
    headerTableSize: 4_096,
    encoderTableSize: 4_096,
    initialStreamWindow: 262_144,
    maxStreamWindow: 262_144,
    maxConnectionWindow: 1_048_576,
    maxFrameSize: 16_384,
    maxHeaderListSize: 65_536,
    budget: new BufferBudget(1_048_576),
    maxRequests: 0,
    stallTimeout: 100,
    probeAfter: 0,
    readIdleTimeout: 0,
    pingTimeout: 0,
    writeTimeout: 0,
    idleTimeout: 0,
    maxAge: 0,
    pingSeed: 7,
  };
  const driver = new ConnectionDriver(peer, config, clock, {
    onCapacity: () => undefined,
    onTooManyPings: () => undefined,
    onDraining: () => told.push('draining'),
    onClosed: () => told.push('closed', driver.now),
  });
  driver.start(() => told.push('ready'));
  await clock.settle();
  assert.equal(driver.idle, true);
  driver.reserve(); // so that it lives on
  assert.equal(driver.idle, false);
  peer.goAway(99);
  await clock.advance(1_000);
  peer.greet({});
  await clock.advance(5_000);
  peer.drop();
  await clock.settle();
  assert.deepEqual(told, ['ready', 'draining', 'closed', clock.now()]);
});
