/** Dials that come to nothing: swallowed, one origin's or many, and a port that is closed for a while. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { bodyOf, poolHarness, type Answer, type Pending, type PoolHarness } from '../support/pool-harness.js';

const answerQuick: Answer = (peer, id, fields) => {
  if (fields.get(':path') === '/quick') peer.ok(id);
};

const statuses = (calls: readonly Pending[]): Set<number | undefined> => new Set(calls.map(({ status }) => status));

test('a first dial that is swallowed is gone around after probeAfter, and fails nobody', async () => {
  const p = poolHarness({ answer: answerQuick, dialTimes: [Infinity, 20] });
  const calls = Array.from({ length: 40 }, () => p.get('/quick'));
  await p.clock.advance(999);
  assert.equal(p.dials, 1);
  await p.clock.advance(21);
  assert.deepEqual([statuses(calls), p.dials, p.abortedDials], [new Set([200]), 2, 1]);
  await p.clock.advance(20_000);
  assert.deepEqual([p.dials, p.transport.stats().totals.failedDials], [2, 0], 'the swallowed one was given up');
  p.transport.destroy();
});

test('a dial that was done while the event loop was blocked is not gone around', async () => {
  const p = poolHarness({ answer: answerQuick });
  const call = p.get('/quick');
  await p.clock.wakeAfter(2_000); // its end stands behind the timers
  assert.deepEqual([call.status, p.dials], [200, 1]);
  p.transport.destroy();
});

test('where every dial is swallowed, requests fail after connectTimeout, however many dials there have been', async () => {
  for (const [dialTimes, peer] of [
    [Array<number>(20).fill(Infinity), {}],
    [[], { maxConcurrentStreams: -1 }],
  ] as const) {
    const p = poolHarness({ answer: answerQuick, dialTimes, peer, connectTimeout: 5_000 });
    const call = p.post('/up', bodyOf(10)()); // nothing that goes out before the SETTINGS
    await p.clock.advance(4_999);
    assert.equal(call.state, 'pending');
    await p.clock.advance(1);
    assert.equal(call.code, 'ERR_PASSINGLANE_CONNECT_TIMEOUT');
    assert.ok(p.dials <= 6, `${p.dials} dials`);
    p.transport.destroy();
  }
});

/** A request every `gap` milliseconds for so long, each of which needs a connection of its own; how long each took to fail. */
async function failing(p: PoolHarness, gap: number, during: number): Promise<{ calls: number; failedAfter: number[] }> {
  const failedAfter: number[] = [];
  let calls = 0;
  for (let left = during; left > 0; left -= gap) {
    const begun = p.clock.now();
    calls++;
    void p.post('/up', 'x').settled.then(() => failedAfter.push(p.clock.now() - begun));
    await p.clock.advance(gap);
  }
  return { calls, failedAfter };
}

test('requests that come all the time, each with a dial of its own that is swallowed, fail after connectTimeout each', async () => {
  const dialTimes = Array<number>(500).fill(Infinity);
  const p = poolHarness({ dialTimes, connectTimeout: 5_000, maxRequestsPerConnection: 1 });
  const { calls, failedAfter } = await failing(p, 700, 30_000);
  assert.ok(failedAfter.length >= calls - 5_000 / 700 - 1, `${failedAfter.length} of ${calls} have failed`);
  assert.ok(Math.max(...failedAfter) <= 5_700, `one waited ${Math.max(...failedAfter)} ms`);
  assert.ok(p.dials <= 2 * calls, `${p.dials} dials`);
  p.transport.destroy();
});

test('requests that come all the time, each with a dial of its own that is refused, hear of it each', async () => {
  const dialErrors = Array.from({ length: 5_000 }, () => new Error('refused'));
  const p = poolHarness({ dialTime: 50, dialErrors, maxRequestsPerConnection: 1 });
  const { calls, failedAfter } = await failing(p, 5, 1_000);
  assert.ok(failedAfter.length >= calls - 11, `${failedAfter.length} of ${calls} have failed`);
  assert.ok(Math.max(...failedAfter) <= 55, `one waited ${Math.max(...failedAfter)} ms`);
  assert.ok(p.dials <= calls + 10, `${p.dials} dials`);
  p.transport.destroy();
});

test('where dials have taken long, four times as long makes one a silent dial', async () => {
  const p = poolHarness({ answer: answerQuick, dialTimes: [400, Infinity, 400], peer: { maxConcurrentStreams: 1 } });
  p.get('/slow');
  await p.clock.advance(400);
  const call = p.get('/quick');
  await p.clock.advance(1_599);
  assert.equal(p.dials, 2);
  await p.clock.advance(401);
  assert.deepEqual([call.status, p.dials], [200, 3]);
  p.transport.destroy();
});

test('a dial that is slow and comes after all serves those who wait', async () => {
  const p = poolHarness({ answer: answerQuick, dialTimes: [1_500, Infinity] });
  const call = p.get('/quick');
  await p.clock.advance(1_500);
  assert.deepEqual([call.status, p.dials], [200, 2]);
  p.transport.destroy();
});

/** Asks when the only connection has answered, owes an answer, and has been dead for a second. */
async function getBesideDead(p: ReturnType<typeof poolHarness>) {
  const first = p.get('/quick');
  p.get('/slow');
  await p.clock.advance(20);
  assert.equal(first.status, 200);
  p.peer(0).answersPings = false;
  await p.clock.advance(1_000);
  return p.get('/quick');
}

test('an old connection dead and new ones swallowed: within a second and a half of the return of the path all are answered', async () => {
  const p = poolHarness({ answer: answerQuick, dialTimes: [20, Infinity, Infinity, Infinity, Infinity] });
  const call = await getBesideDead(p);
  await p.clock.advance(3_000);
  p.path = 20;
  await p.clock.advance(1_500);
  assert.equal(call.status, 200);
  assert.ok(p.dials <= 6, `${p.dials} dials`);
  p.transport.destroy();
});

test('the same where the old connection has ended meanwhile', async () => {
  const p = poolHarness({ answer: answerQuick, dialTimes: [20, Infinity, Infinity], connectTimeout: 30_000 });
  const call = await getBesideDead(p);
  await p.clock.advance(1_000);
  assert.equal(p.dials, 2);
  p.peer(0).drop(new Error('it is dead'));
  p.path = 20;
  await p.clock.advance(1_500);
  assert.equal(call.status, 200);
  p.transport.destroy();
});

test('the same beside a connection that is full', async () => {
  const dialTimes = [20, ...Array<number>(5).fill(Infinity)];
  const peer = { maxConcurrentStreams: 1 };
  const p = poolHarness({ answer: answerQuick, dialTimes, peer, connectTimeout: 30_000 });
  p.get('/slow');
  await p.clock.advance(20);
  const calls = Array.from({ length: 4 }, () => p.get('/quick'));
  await p.clock.advance(1_900);
  assert.equal(p.dials, 6, 'one for each, and one more');
  p.path = 20;
  await p.clock.advance(1_500);
  assert.deepEqual(statuses(calls), new Set([200]));
  p.transport.destroy();
});

test('a dial that comes after all says of those that were swallowed beside it that they are to be made again', async () => {
  const p = poolHarness({
    answer: answerQuick,
    dialTimes: [4_500, ...Array<number>(40).fill(Infinity)],
    maxRequestsPerConnection: 1,
    connectTimeout: 30_000,
  });
  const calls = Array.from({ length: 3 }, () => p.get('/quick'));
  await p.clock.advance(4_499);
  p.path = 20;
  await p.clock.advance(1_100);
  assert.deepEqual(statuses(calls), new Set([200]));
  p.transport.destroy();
});

test('after a long time of swallowed dials, one that is not serves those who wait within five seconds', async () => {
  const p = poolHarness({
    answer: answerQuick,
    dialTimes: Array<number>(40).fill(Infinity),
    stallTimeout: 1_000,
    connectTimeout: 60_000,
  });
  const call = p.get('/quick');
  await p.clock.advance(40_000);
  assert.ok(p.dials <= 12, `${p.dials} dials`);
  p.path = 20;
  await p.clock.advance(5_020);
  assert.equal(call.status, 200);
  p.transport.destroy();
});

/** Five origins with a connection each, all of which have fallen silent. */
async function silentOrigins(p: PoolHarness): Promise<Pending[]> {
  const hosts = ['a', 'b', 'c', 'd', 'e'].map((name) => `${name}.example`);
  for (const host of hosts) p.at(host, '/slow');
  await p.clock.advance(20);
  for (const peer of p.peers) peer.answersPings = false;
  await p.clock.advance(1_100);
  return hosts.map((host) => p.at(host, '/quick'));
}

test('five origins that fall silent at once, their new connections well: the first prove the link, then all dial', async () => {
  const p = poolHarness({ answer: answerQuick, dialTime: 20 });
  const calls = await silentOrigins(p);
  await p.clock.advance(100);
  assert.equal(p.dials, 5 + 2, 'those two that were found out before it looked like the link');
  await p.clock.advance(60);
  assert.deepEqual([statuses(calls), p.dials], [new Set([200]), 10]);
  p.transport.destroy();
});

test('where the dials that are to prove the link are silent, the next origin has its turn', async () => {
  const p = poolHarness({ answer: answerQuick, dialTimes: [20, 20, 20, 20, 20, Infinity, Infinity] });
  const calls = await silentOrigins(p);
  await p.clock.advance(1_000);
  assert.equal(p.dials, 7);
  p.path = 20;
  await p.clock.advance(1_500);
  assert.deepEqual(statuses(calls), new Set([200]));
  p.transport.destroy();
});

test('our own link down: one origin dials at a time', async () => {
  const p = poolHarness({ answer: answerQuick, dialTimes: [20, 20, 20, 20, 20], connectTimeout: 0 });
  await silentOrigins(p);
  p.path = Infinity;
  await p.clock.advance(5_000);
  assert.ok(p.dials <= 5 + 6, `${p.dials} dials`);
  p.transport.destroy();
});

test('beside five origins that are dead, one that is stalled is dialled at once where any server is heard of', async () => {
  const swallowed = new Set<string>();
  const p = poolHarness({ answer: answerQuick, dialTime: 20, swallowed });
  const dead = ['a', 'b', 'c', 'd', 'e'].map((name) => `${name}.example`);
  for (const host of dead) p.at(host, '/slow');
  for (const host of ['stalled.example', 'well.example']) p.at(host, '/quick');
  await p.clock.advance(20);
  for (const peer of p.peers.slice(0, 5)) peer.answersPings = false;
  for (const host of dead) swallowed.add(host);
  await p.clock.advance(1_100);
  for (const host of dead) p.at(host, '/quick');
  await p.clock.advance(300);
  p.peer(5).stallNow(2_000);
  p.at('stalled.example', '/up', { method: 'POST', body: bodyOf(1 << 20) });
  await p.clock.advance(150);
  p.at('well.example', '/quick');
  await p.settle();
  const call = p.at('stalled.example', '/quick');
  await p.clock.advance(50);
  assert.equal(call.status, 200);
  p.transport.destroy();
});

const refused = (): Error => Object.assign(new Error('connect ECONNREFUSED'), { code: 'ECONNREFUSED' });

test('requests that were refused before the port was closed for a moment are sent again when it is open', async () => {
  const p = poolHarness({ answer: answerQuick, dialErrors: [undefined, refused(), refused()] });
  const calls = [p.get('/up'), p.post('/up', bodyOf(10))];
  await p.settle();
  p.peer(0).goAway(0);
  p.peer(0).drop();
  await p.settle();
  assert.deepEqual([p.dials, calls.map(({ state }) => state)], [2, ['pending', 'pending']]);
  const fresh = p.get('/fresh');
  await p.settle();
  assert.equal(fresh.state, 'failed', 'a first request hears at once that nobody is there');
  await p.clock.advance(2_500);
  assert.equal(p.peer(1).requests.length, 2);
  p.peer(1).answerAll();
  await p.settle();
  assert.deepEqual(statuses(calls), new Set([200]));
  p.transport.destroy();
});

test('a port that stays closed ends them when their attempts are used up, with the dial’s error', async () => {
  const p = poolHarness({
    answer: answerQuick,
    dialErrors: [undefined, ...Array.from({ length: 10 }, refused)],
    retry: { maxAttempts: 4 },
  });
  const call = p.get('/up');
  await p.settle();
  p.peer(0).goAway(0);
  p.peer(0).drop();
  await p.clock.advance(3_000);
  assert.equal(call.state, 'pending');
  await p.clock.advance(1_000);
  assert.deepEqual([call.state, p.dials], ['failed', 4]);
  assert.match((call.error as Error).message, /ECONNREFUSED/);
  p.transport.destroy();
});

test('a time-out ends the wait for a port that is closed', async () => {
  const p = poolHarness({ answer: answerQuick, dialErrors: [undefined, refused()] });
  const call = p.get('/up', { timeout: 500 });
  await p.settle();
  p.peer(0).goAway(0);
  p.peer(0).drop();
  await p.clock.advance(500);
  assert.equal(call.code, 'ERR_PASSINGLANE_TIMEOUT');
  p.transport.destroy();
});
