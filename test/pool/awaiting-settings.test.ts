/** Connections that take no request for another reason than a stall: without SETTINGS, or at a limit of 0. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { bodyOf, never, poolHarness, type Answer, type Pending, type PoolHarness } from '../support/pool-harness.js';

/** Nothing is answered on a connection before its SETTINGS. */
const long: Answer = (peer, id, fields) => {
  if (!['/long', '/lost'].includes(fields.get(':path') ?? '')) peer.ok(id);
};

const statuses = (calls: readonly Pending[]): Set<unknown> => new Set(calls.map(({ status }) => status));

const many = (p: PoolHarness, count: number, path = '/g'): Pending[] =>
  Array.from({ length: count }, () => p.get(path));

test('a connection at a limit of 0 keeps nobody from a dial while another is full', async () => {
  const p = poolHarness({ answer: long, peer: { maxConcurrentStreams: 5 } });
  many(p, 10, '/long');
  await p.settle();
  assert.equal(p.dials, 2);
  p.peer(0).greet({ maxConcurrentStreams: 0 });
  const one = p.get('/g');
  await p.settle();
  assert.deepEqual([one.status, p.dials], [200, 3]);
  const calls = many(p, 20);
  await p.settle();
  assert.deepEqual(statuses(calls), new Set([200]));
  assert.ok(p.dials <= 6, `${p.dials} dials`);
});

test('a connection at a limit of 0 keeps nobody from a way around a stalled one', async () => {
  const p = poolHarness({ answer: long, peer: { maxConcurrentStreams: 1 } });
  many(p, 2, '/long');
  await p.settle();
  assert.equal(p.dials, 2);
  p.peer(0).greet({ maxConcurrentStreams: 0 });
  p.peer(1).ok(1);
  await p.settle();
  p.peer(1).stallNow();
  p.post('/up', bodyOf(1 << 20));
  await p.clock.advance(100);
  const call = p.get('/g');
  await p.settle();
  assert.deepEqual([call.status, p.dials], [200, 3]);
  p.transport.destroy();
});

test('where every new connection is at a limit of 0, as many are dialled as would have been needed, then ever fewer', async () => {
  const peer = { maxConcurrentStreams: 2 };
  const p = poolHarness({ answer: never, peer });
  many(p, 2);
  await p.settle();
  peer.maxConcurrentStreams = 0; // what those that follow say
  const calls = many(p, 6);
  await p.clock.advance(2_000);
  assert.equal(p.dials, 4);
  await p.clock.advance(58_000);
  assert.ok(p.dials <= 7, `${p.dials} dials`);
  p.peer(0).answerAll();
  await p.settle();
  assert.equal(calls.filter(({ state }) => state === 'failed').length, 0);
  p.transport.destroy();
});

test('a connection without SETTINGS counts as a dial, and keeps nobody from those that are needed beside it', async () => {
  const peer = { maxConcurrentStreams: 5 };
  const p = poolHarness({ answer: long, peer });
  many(p, 5, '/long');
  await p.settle();
  peer.maxConcurrentStreams = -1;
  p.get('/lost');
  await p.settle();
  assert.deepEqual(p.peer(1).requests, ['/lost'], 'one may go before them');
  peer.maxConcurrentStreams = 5;
  const calls = many(p, 20);
  await p.settle();
  assert.deepEqual(statuses(calls), new Set([200]));
  assert.equal(p.dials, 5, 'four for 20 requests, and one of these is there already');
  p.transport.destroy();
});

test('a server that is silent before its SETTINGS is gone around by one further dial', async () => {
  const p = poolHarness({ answer: never, peer: { maxConcurrentStreams: -1 }, connectTimeout: 10_000 });
  p.get('/lost');
  const calls = many(p, 20);
  await p.clock.advance(999);
  assert.equal(p.dials, 1, 'the SETTINGS may be on their way');
  await p.clock.advance(1);
  assert.equal(p.dials, 2);
  await p.clock.advance(50);
  p.peer(1).greet({});
  calls.push(p.get('/late'));
  await p.settle();
  p.peer(1).answerAll();
  await p.settle();
  assert.deepEqual(statuses(calls), new Set([200]));
  assert.deepEqual([p.dials, p.peer(0).requests], [2, ['/lost']], 'the silent one gets nothing more');
  p.transport.destroy();
});

test('where that one is silent as well there is a further one, and the wait for the next doubles', async () => {
  const peer = { maxConcurrentStreams: -1 };
  const p = poolHarness({ answer: never, peer, connectTimeout: 0, readIdleTimeout: 0 });
  const calls = many(p, 20);
  const at: number[] = [];
  for (let tenths = 0; tenths < 300; tenths++) {
    await p.settle();
    while (at.length < p.dials) at.push(tenths / 10);
    await p.clock.advance(100);
  }
  assert.deepEqual(at, [0, 1, 2, 3, 4, 5.6, 8.8, 15.2, 28]);
  p.peer(1).greet({});
  await p.settle();
  p.peer(1).answerAll();
  await p.settle();
  assert.equal(calls.filter(({ status }) => status === 200).length, 20 - 8);
  p.transport.destroy();
});

test('beside a full connection, those that are silent cause one dial more, all together, and the wait for the next doubles', async () => {
  const peer = { maxConcurrentStreams: 5 };
  const p = poolHarness({ answer: never, peer, connectTimeout: 0, readIdleTimeout: 0 });
  many(p, 5, '/long');
  await p.settle();
  peer.maxConcurrentStreams = -1;
  many(p, 20);
  const at: number[] = [];
  for (let tenths = 0; tenths < 300; tenths++) {
    await p.settle();
    while (at.length < p.dials) at.push(tenths / 10);
    await p.clock.advance(100);
  }
  assert.deepEqual(at, [0, 0, 0, 0, 0, 1, 2, 3, 4, 5, 6.6, 9.8, 16.2, 29]);
  p.transport.destroy();
});

test('a silent connection that nobody has sent a request on gets none while there is another way', async () => {
  const peer = { maxConcurrentStreams: -1 };
  const p = poolHarness({ peer });
  void p.transport.preconnect('https://test.example').catch(() => undefined);
  await p.clock.advance(1_200);
  peer.maxConcurrentStreams = 100;
  const call = p.get('/g');
  await p.settle();
  assert.deepEqual([call.status, p.dials, p.peer(0).requests.length], [200, 2, 0]);
  p.transport.destroy();
});

test('where a round trip is long, SETTINGS have four dials’ time to come', async () => {
  const p = poolHarness({ dialTime: 300, answer: long, peer: { maxConcurrentStreams: -1 } });
  p.get('/lost');
  const calls = many(p, 20);
  await p.clock.advance(300);
  await p.clock.advance(1_199);
  assert.equal(p.dials, 1);
  p.peer(0).greet({});
  await p.settle();
  assert.deepEqual(statuses(calls), new Set([200]));
  assert.equal(p.dials, 1);
});

test('with one connection for the origin its SETTINGS are waited for', async () => {
  const p = poolHarness({ answer: long, peer: { maxConcurrentStreams: -1 }, maxConnectionsPerOrigin: 1 });
  p.get('/lost');
  const calls = many(p, 20);
  await p.clock.advance(5_000);
  p.peer(0).greet({});
  await p.settle();
  assert.deepEqual([p.dials, ...statuses(calls)], [1, 200]);
});
