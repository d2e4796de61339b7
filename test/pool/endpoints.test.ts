/** What a pool remembers of the addresses that its origin's name stands for: where its next dial goes. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Endpoint } from '../../dist/pool/endpoint.js';
import type { PooledConnection } from '../../dist/ports/index.js';
import { uint32 } from '../support/harness.js';
import { type as frameType } from '../support/raw-server.js';
import { VirtualClock } from '../support/virtual-clock.js';
import { bodyOf, poolHarness, type Answer, type PoolHarness } from '../support/pool-harness.js';

const [first, second] = ['192.0.2.1', '192.0.2.2'];
const addresses = [first, second];

const states = (p: PoolHarness): unknown =>
  p.transport.stats().origins[0]?.addresses?.map(({ address, state }) => `${address} ${state}`);

/** Answers but to /hold. */
const held: Answer = (peer, id, fields) => {
  if (fields.get(':path') !== '/hold') peer.ok(id);
};

/** The connection is gone, and the next request dials. */
async function closeIdle(p: PoolHarness): Promise<void> {
  p.transport.closeIdleConnections();
  await p.settle();
}

test('a machine that freezes costs a probe and a dial, and no later dial goes there while the other answers', async () => {
  const p = poolHarness({ addresses, peer: { maxConcurrentStreams: 5 }, answer: held });
  p.get('/warm');
  await p.settle();
  p.peer(0).holdsBack = true;
  const lost = p.get('/lost');
  await p.clock.advance(1_000);
  const calls = Array.from({ length: 4 }, () => p.get('/x'));
  await p.clock.advance(100);
  assert.deepEqual(
    calls.map(({ status }) => status),
    [200, 200, 200, 200],
  );
  assert.deepEqual([p.dialled, lost.state], [[first, second], 'pending']);
  assert.deepEqual(states(p), [`${first} failed`, `${second} ready`]);
  for (let i = 0; i < 12; i++) p.get('/hold');
  await p.settle();
  assert.deepEqual(p.dialled.slice(2), [second, second], 'what is dialled at the limit goes there too');
  await p.clock.advance(40_000); // the frozen one's connection has been closed
  for (let i = 0; i < 5; i++) p.get('/hold');
  await p.settle();
  assert.deepEqual(new Set(p.dialled.slice(4)), new Set([second]));
});

test('an address that refuses goes last for a second, and for twice as long each time', async () => {
  const p = poolHarness({ addresses, refusing: new Set([first]) });
  const tried = async (): Promise<(string | undefined)[]> => {
    const before = p.dialled.length;
    p.get('/');
    await p.settle();
    await closeIdle(p);
    return p.dialled.slice(before);
  };
  assert.deepEqual(await tried(), [first, second]);
  await p.clock.advance(999);
  assert.deepEqual(await tried(), [second]);
  await p.clock.advance(1);
  assert.deepEqual(await tried(), [first, second]);
  await p.clock.advance(1_999);
  assert.deepEqual(await tried(), [second]);
  await p.clock.advance(1);
  assert.deepEqual(await tried(), [first, second]);
});

test('an address is as good as ever once a dial there has come to an answer', async () => {
  const refusing = new Set([first, second]);
  const p = poolHarness({ addresses, refusing, retry: { maxAttempts: 1 } });
  p.get('/');
  await p.settle();
  refusing.clear();
  p.get('/');
  await p.settle();
  await closeIdle(p);
  p.get('/');
  await p.settle();
  assert.deepEqual(p.dialled, [first, second, first, first], 'both were bad, so that the order was as if none were');
});

test('an address that takes a connection and never sends SETTINGS is gone around', async () => {
  const p = poolHarness({ addresses, mute: new Set([first]), answer: held });
  p.get('/hold');
  const call = p.get('/');
  await p.clock.advance(1_000);
  assert.deepEqual([call.status, p.dialled], [200, [first, second]]);
});

test('an address whose dial was silent until one elsewhere came to a connection goes last', async () => {
  const p = poolHarness({ addresses, dialTimes: [Infinity], peer: { maxConcurrentStreams: 1 }, answer: held });
  const call = p.get('/');
  await p.clock.advance(1_000);
  assert.deepEqual([call.status, p.dialled, p.abortedDials], [200, [first, second], 1]);
  assert.deepEqual(states(p), [`${first} failed`, `${second} ready`]);
  await p.clock.advance(5_000);
  for (let i = 0; i < 3; i++) p.get('/hold');
  await p.settle();
  assert.deepEqual(new Set(p.dialled.slice(2)), new Set([second]));
});

test('an address that has just come to a connection is not held for silent because of a younger dial', async () => {
  const dialTimes = [0, 900, 900];
  const p = poolHarness({ addresses, dialTimes, peer: { maxConcurrentStreams: 1 }, answer: held });
  p.get('/hold');
  await p.settle();
  p.get('/hold');
  await p.clock.advance(500);
  p.get('/hold');
  await p.clock.advance(600); // the first of the two is there since 200 ms, and the other is out for 600
  p.get('/hold');
  await p.settle();
  assert.deepEqual(p.dialled, [first, first, first, first]);
});

test('an address whose connection ended before it was of use goes last', async () => {
  const p = poolHarness({ addresses, answer: held });
  const call = p.get('/hold');
  await p.settle();
  p.peer(0).goAway(0);
  await p.settle();
  await p.clock.advance(1_000);
  await p.settle();
  assert.deepEqual([p.dialled, call.state], [[first, second], 'pending']);
  assert.equal(p.peer(1).open.size, 1);
});

test('an address whose server allows no stream is gone around', async () => {
  const p = poolHarness({ addresses, answer: held });
  p.get('/warm');
  await p.settle();
  p.peer(0).greet({ maxConcurrentStreams: 0 });
  await p.settle();
  const call = p.get('/');
  await p.clock.advance(1_000);
  assert.deepEqual([call.status, p.dialled], [200, [first, second]]);
  assert.deepEqual(states(p), [`${first} failed`, `${second} ready`]);
});

test('an address that answers on a newer connection is as good as ever when an old one comes to allow no stream', async () => {
  const p = poolHarness({ addresses, peer: { maxConcurrentStreams: 1 }, answer: held });
  p.get('/hold');
  await p.clock.advance(1);
  p.get('/');
  await p.settle();
  p.peer(0).greet({ maxConcurrentStreams: 0 });
  await p.settle();
  for (let i = 0; i < 2; i++) p.get('/hold');
  await p.settle();
  assert.deepEqual(p.dialled, [first, first, first]);
  assert.equal(p.peer(2).open.size, 1);
  p.transport.destroy();
});

test('an address that answers on a newer connection is as good as ever although an old one there stays silent', async () => {
  const p = poolHarness({ addresses, refusing: new Set([second]), peer: { maxConcurrentStreams: 5 }, answer: held });
  p.get('/warm');
  await p.settle();
  p.peer(0).holdsBack = true;
  p.get('/lost');
  await p.clock.advance(1_000);
  const call = p.get('/');
  await p.clock.advance(100);
  assert.deepEqual([call.status, p.dialled], [200, [first, second, first]]);
  await p.clock.advance(2_000); // the time of the one that refused is over
  assert.deepEqual(states(p), [`${first} ready`, `${second} ready`]);
  for (let i = 0; i < 6; i++) p.get('/hold');
  await p.settle();
  assert.deepEqual(p.dialled.slice(3), [first]);
  p.transport.destroy();
});

/** An address by itself, and what it tells. */
function lone(): { clock: VirtualClock; told: string[]; endpoint: Endpoint } {
  const clock = new VirtualClock();
  const told: string[] = [];
  return { clock, told, endpoint: new Endpoint('192.0.2.1', clock, ({ type }) => told.push(type)) };
}

/** A connection in no trouble, but for what its limit says, which may change. */
function well(numbers: { readonly limit: number }, dialledAt: number, openedAt: number): PooledConnection {
  const says = { carriedNothing: false, troubledSince: () => Infinity, serves: () => numbers.limit > 0 };
  return { accepts: true, numbers, dialledAt, openedAt, ...says } as unknown as PooledConnection;
}

test('an address that has answered since a failure fails anew when it allows no stream', () => {
  const { clock, told, endpoint } = lone();
  const numbers = { greeted: true, answered: true, limit: 100, streams: 0, requests: 1 };
  const dialledAt = clock.now();
  endpoint.failed(dialledAt + 1); // another dial, while the connection was being made
  const connection = well(numbers, dialledAt, dialledAt + 2);
  endpoint.add(connection);
  endpoint.answered(connection);
  assert.equal(endpoint.isBad(dialledAt + 3), false);
  numbers.limit = 0;
  assert.equal(endpoint.isBad(dialledAt + 4), true);
  assert.deepEqual([told, endpoint.unproved], [['failed', 'returned', 'failed'], true]);
});

test('an address fails anew each time that its one connection allows no stream again', () => {
  const { clock, told, endpoint } = lone();
  const numbers = { greeted: true, answered: false, limit: 0, streams: 0, requests: 1 };
  const openedAt = clock.now();
  const connection = well(numbers, openedAt - 1, openedAt);
  endpoint.add(connection);
  assert.equal(endpoint.isBad(openedAt), true);
  Object.assign(numbers, { limit: 100, answered: true });
  endpoint.answered(connection);
  assert.equal(endpoint.isBad(openedAt + 1), false);
  numbers.limit = 0;
  assert.equal(endpoint.isBad(openedAt + 2), true);
  assert.deepEqual(told, ['failed', 'returned', 'failed']);
});

test('an address whose server allows no stream is gone around although the wait for the next dial outlasts its time', async () => {
  const peer = { maxConcurrentStreams: 0 };
  const p = poolHarness({ addresses, peer, maxConnectionAge: 1_000 });
  const call = p.post('/', bodyOf(10)());
  await p.clock.advance(1_999);
  assert.deepEqual([p.dialled, p.peer(0).ended], [[first], true], 'its connection is too old by now');
  peer.maxConcurrentStreams = 100;
  await p.clock.advance(1);
  assert.deepEqual([p.dialled, call.status], [[first, second], 200]);
  p.transport.destroy();
});

test('where all addresses are silent each has its turn', async () => {
  const mute = new Set(addresses);
  const p = poolHarness({ addresses, mute });
  const call = p.post('/', bodyOf(10)());
  for (let passed = 0; passed < 4 && p.dials < 3; passed++) await p.clock.advance(1_000);
  assert.deepEqual(p.dialled, [first, second, first]);
  mute.delete(second);
  await p.clock.advance(1_500);
  assert.deepEqual([p.dialled[3], call.status], [second, 200]);
  p.transport.destroy();
});

test('trouble that is a little later than the reading of the clock is one failure', () => {
  const { clock, told, endpoint } = lone();
  const numbers = { greeted: true, limit: 100, streams: 0, requests: 0 };
  const since = clock.now() + 1e-6;
  const wrong = { carriedNothing: false, troubledSince: () => since, serves: () => false };
  const connection = { accepts: true, numbers, openedAt: 0, dialledAt: 0, ...wrong };
  endpoint.add(connection as unknown as PooledConnection);
  assert.equal(endpoint.status, 'failed');
  assert.equal(endpoint.isBad(clock.now()), true);
  assert.deepEqual(
    told.filter((type) => type === 'failed'),
    ['failed'],
  );
});

test('an upload that stalls time and again is one failure of its address, which is dialled again a second after the last', async () => {
  const p = poolHarness({ addresses, peer: { initialWindowSize: 1 << 30 }, answer: held });
  p.get('/warm');
  await p.settle();
  p.peer(0).send(frameType.windowUpdate, 0, 0, uint32(1 << 30));
  p.peer(0).stallNow(30_000);
  p.post('/hold', bodyOf(1 << 24));
  for (let i = 0; i < 8; i++) {
    await p.clock.advance(200);
    assert.deepEqual(states(p), [`${first} failed`, `${second} ready`]);
    p.peer(0).takeMore(400_000);
    await p.settle();
  }
  p.peer(0).drop();
  await p.clock.advance(1_000);
  p.get('/');
  await p.settle();
  assert.deepEqual(p.dialled, [first, first]);
  p.transport.destroy();
});

test('each connection that is made since a failure, and stalls as well, is a failure of its own', () => {
  const clock = new VirtualClock();
  const endpoint = new Endpoint('192.0.2.1', clock, () => undefined);
  const exile = (made: number): number => {
    clock.block(10);
    endpoint.failed(clock.now(), clock.now(), made);
    return endpoint.notBefore - clock.now();
  };
  const old = clock.now();
  assert.deepEqual([exile(old), exile(old), exile(old)], [1_000, 1_000, 1_000]);
  assert.deepEqual([exile(clock.now() + 1), exile(clock.now() + 1), exile(old)], [2_000, 4_000, 4_000]);
});

test('one address is dialled whatever became of it, and stats() does not list it', async () => {
  const p = poolHarness({ addresses: [first], refusing: new Set([first]) });
  for (let i = 0; i < 3; i++) {
    const call = p.get('/');
    await p.settle();
    assert.equal(call.state, 'failed');
  }
  assert.deepEqual(p.dialled, [first, first, first]);
  p.get('/');
  assert.equal(p.transport.stats().origins[0]?.addresses, undefined);
});

test('an address that the name has no more is listed as long as it has connections', async () => {
  const now = [first, second];
  const p = poolHarness({ addresses: now, peer: { maxConcurrentStreams: 1 }, answer: held });
  p.get('/hold');
  await p.settle();
  now.splice(0, 2, second);
  p.get('/hold');
  await p.settle();
  assert.deepEqual(states(p), [`${second} ready`, `${first} draining`]);
  const [one] = p.transport.stats().origins[0]?.addresses ?? [];
  assert.deepEqual(one, { ...one, inFlight: 1, requests: 1 });
});
