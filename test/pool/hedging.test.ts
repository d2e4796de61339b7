import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { RequestOptions } from '../../dist/request/request-options.js';
import type { RequestEvent } from '../../dist/ports/observer.js';
import { type Answer, never, poolHarness, type PoolHarness, type PoolHarnessOptions } from '../support/pool-harness.js';

const idempotent = { idempotent: true };

/** Two connections, which the first request goes out on the older of; peers answer paths that begin with /ok. */
async function two(options: PoolHarnessOptions = {}): Promise<PoolHarness> {
  const answer: Answer = (peer, id, fields) => {
    if (fields.get(':path')!.startsWith('/ok')) peer.ok(id);
  };
  const p = poolHarness({ hedge: { after: 50 }, probeAfter: 0, answer, ...options });
  await Promise.all([p.transport.preconnect('https://test.example', 2), p.settle()]);
  return p;
}

const held = (p: PoolHarness): [number, number] => [p.peer(0).requests.length, p.peer(1).requests.length];
const totals = (p: PoolHarness): [number, number] => {
  const { hedges, hedgesWon } = p.transport.stats().totals;
  return [hedges, hedgesWon];
};

test('a request without response headers goes out once more, on another connection, and the first answer counts', async () => {
  const p = await two();
  const call = p.get('/', idempotent);
  await p.clock.advance(49);
  assert.deepEqual(held(p), [1, 0]);
  await p.clock.advance(1);
  assert.deepEqual(held(p), [1, 1]);
  p.peer(1).headers(1, 200);
  await p.settle();
  assert.deepEqual([call.status, call.response?.attempts, call.response?.connection.id], [200, 2, 2 + firstId(p)]);
  assert.deepEqual(p.peer(0).story(1), ['HEADERS END_STREAM', 'RST_STREAM CANCEL'], 'the other is reset');
  p.peer(1).data(1, 'body', true);
  assert.equal(await call.response!.text(), 'body');
  assert.deepEqual(totals(p), [1, 1]);
});

/** Connections are numbered across all transports. */
function firstId(p: PoolHarness): number {
  return p.transport.stats().origins[0]!.connections[0]!.id - 1;
}

test('the first attempt may still be the faster one, and then the second is reset', async () => {
  const p = await two();
  const call = p.get('/', idempotent);
  await p.clock.advance(50);
  p.peer(0).ok(1);
  await p.settle();
  assert.deepEqual([call.status, call.response?.attempts], [200, 2]);
  assert.deepEqual(p.peer(1).story(1), ['HEADERS END_STREAM', 'RST_STREAM CANCEL']);
  assert.equal(p.peer(1).pings, 1, 'with the PING that calms defences against rapid resets');
  assert.deepEqual(totals(p), [1, 0]);
});

test('what is answered in time, or may not go out twice, goes out once', async () => {
  const stream = new Blob(['body']).stream();
  for (const [why, request, options] of [
    ['answered', { path: '/ok', ...idempotent }, {}],
    ['not idempotent', {}, {}],
    ['a body that can be had once', { method: 'PUT', body: stream, ...idempotent }, {}],
    ['the request says no', { hedge: false, ...idempotent }, {}],
    ['the transport says nothing', idempotent, { hedge: undefined }],
    ['no budget', idempotent, { hedge: { after: 50, budget: 0 } }],
    ['no attempts', idempotent, { retry: { maxAttempts: 1 } }],
  ] as [string, RequestOptions & { path?: string }, PoolHarnessOptions][]) {
    const p = await two(options);
    const { path = '/', ...rest } = request;
    p.request(path, rest);
    await p.clock.advance(1_000);
    assert.deepEqual([held(p)[0], held(p)[1]], [1, 0], why);
    p.transport.destroy();
  }
});

test('the option of a request goes before that of its transport', async () => {
  const p = await two({ hedge: undefined });
  p.get('/', { ...idempotent, hedge: { after: 20 } });
  await p.clock.advance(20);
  assert.deepEqual(held(p), [1, 1]);
});

test('second attempts are at most a share of all requests, rounded up', async () => {
  const p = await two({ hedge: { after: 50, budget: 0.1 } });
  for (let i = 0; i < 35; i++) p.get('/', idempotent);
  await p.clock.advance(60);
  assert.deepEqual(held(p), [35, 4]);
  for (let i = 0; i < 5; i++) p.get('/ok'); // all of the origin's count
  await p.settle();
  p.get('/', idempotent);
  await p.clock.advance(60);
  assert.equal(totals(p)[0], 5);
});

test('what was saved up for second attempts is forgotten after ten seconds without first ones', async () => {
  const p = await two({ hedge: { after: 50, budget: 0.5 } });
  for (let i = 0; i < 8; i++) p.get('/ok');
  await p.settle();
  const left = (): number => p.transport.stats().origins[0]!.hedgesLeft;
  assert.equal(left(), 4);
  await p.clock.advance(9_000);
  assert.equal(left(), 4);
  await p.clock.advance(2_000);
  assert.equal(left(), 1);
});

test('a connection that an overdue request is on takes no new ones until its peer is heard of', async () => {
  const p = await two();
  p.peer(0).answersPings = false;
  p.get('/', idempotent);
  await p.clock.advance(50);
  p.get('/ok/1');
  await p.settle();
  assert.deepEqual(p.peer(0).requests, ['/']);
  assert.deepEqual(p.peer(1).requests, ['/', '/ok/1']);
  p.peer(0).greet();
  await p.settle();
  p.get('/ok/2');
  await p.settle();
  assert.deepEqual(p.peer(0).requests, ['/', '/ok/2']);
});

test('one that has brought anything meanwhile is merely slow with this request, and takes others', async () => {
  const p = await two();
  p.get('/', idempotent);
  await p.clock.advance(40);
  p.get('/ok/1');
  await p.clock.advance(10);
  p.get('/ok/2');
  await p.settle();
  assert.deepEqual(p.peer(0).requests, ['/', '/ok/1', '/ok/2']);
});

test('where there is no other connection one is dialled, and no second one while that is on its way', async () => {
  const p = poolHarness({ hedge: { after: 50, budget: 1 }, answer: never, dialTime: 10 });
  const calls = [p.get('/1', idempotent), p.get('/2', idempotent)];
  await p.clock.advance(20);
  assert.equal(p.peer(0).requests.length, 2);
  await p.clock.advance(45);
  assert.equal(p.dials, 2);
  await p.clock.advance(10);
  assert.deepEqual(p.peer(1).requests, ['/1', '/2']);
  p.peer(1).answerAll();
  await p.settle();
  assert.deepEqual(
    calls.map((call) => call.status),
    [200, 200],
  );
  assert.equal(p.dials, 2);
});

test('a dial that fails leaves the first attempt what it was, and is not repeated without end', async () => {
  const refused = new Error('refused');
  const p = poolHarness({
    hedge: { after: 50 },
    answer: never,
    dialErrors: [undefined, ...Array.from({ length: 50 }, () => refused)],
  });
  const call = p.get('/', idempotent);
  await p.clock.advance(1_000);
  assert.ok(p.dials <= 5, `${p.dials} dials in a second`);
  p.peer(0).answerAll();
  await p.settle();
  assert.equal(call.status, 200);
});

test('a dial for it around a connection that is silent counts as one that came to nothing: the next waits twice as long', async () => {
  const p = poolHarness({
    hedge: { after: 3_000, budget: 1 },
    answer: never,
    stallTimeout: 1_000,
    probeAfter: 500,
    dialTimes: [10, Infinity, Infinity, 10],
  });
  await Promise.all([p.transport.preconnect('https://test.example'), p.clock.advance(10)]);
  p.peer(0).answersPings = false;
  p.get('/', idempotent);
  await p.clock.advance(600);
  const controller = new AbortController();
  p.get('/asks', { signal: controller.signal }); // whether anybody is there
  await p.clock.advance(1_400);
  controller.abort();
  assert.deepEqual([p.dials, p.abortedDials], [2, 1], 'a way around for that request, which nobody waits for any more');
  await p.clock.advance(1_000);
  assert.equal(p.dials, 3);
  const next = p.get('/next');
  await p.clock.advance(3_950);
  assert.deepEqual([p.dials, next.state], [3, 'pending']);
  await p.clock.advance(100);
  assert.deepEqual([p.dials, p.peer(1).requests.includes('/next')], [4, true]);
  p.transport.destroy();
});

test('an attempt that fails leaves the request to the other, and no token is taken for that', async () => {
  for (const first of [true, false]) {
    const p = await two({ retry: { budget: 0 } });
    const call = p.get('/', idempotent);
    await p.clock.advance(50);
    p.peer(first ? 0 : 1).reset(1, 2);
    await p.clock.advance(100);
    assert.equal(call.state, 'pending');
    p.peer(first ? 1 : 0).ok(1);
    await p.settle();
    assert.deepEqual([call.status, call.response?.attempts], [200, 2]);
    assert.equal(p.transport.stats().totals.replays, 0);
  }
});

test('an answer that would be dropped for its status leaves the request to the other attempt', async () => {
  for (const first of [0, 1]) {
    const p = await two({ retry: { statuses: [503] } });
    const call = p.get('/', idempotent);
    await p.clock.advance(50);
    p.peer(first).headers(1, 503, { end: true });
    await p.settle();
    p.peer(1 - first).ok(1);
    await p.settle();
    assert.deepEqual([call.status, call.response?.attempts], [200, 2], `the answer of attempt ${first + 1}`);
  }
});

test('who gives the request up ends both attempts, or the wait for the second', async () => {
  for (const [passed, stories] of [
    [50, 2],
    [10, 1],
  ] as const) {
    const p = await two();
    const controller = new AbortController();
    const call = p.get('/', { ...idempotent, signal: controller.signal });
    await p.clock.advance(passed);
    controller.abort();
    await p.clock.advance(200);
    assert.equal(call.error, controller.signal.reason);
    const resets = p.peers.flatMap((peer) => peer.resets);
    assert.equal(resets.length, stories);
  }
});

test('its time-out is that of both attempts', async () => {
  const p = await two();
  const call = p.get('/', { ...idempotent, timeout: 80 });
  await p.clock.advance(80);
  assert.equal(call.code, 'ERR_PASSINGLANE_TIMEOUT');
  assert.deepEqual(
    p.peers.map((peer) => peer.resets.length),
    [1, 1],
  );
});

test('a body goes out whole with each attempt, and its trailers', async () => {
  const p = await two();
  let made = 0;
  const body = (): ReadableStream => {
    made++;
    return new Blob(['body']).stream();
  };
  const call = p.request('/', { method: 'PUT', body, trailers: { 'x-t': '1' }, ...idempotent });
  await p.clock.advance(50);
  assert.equal(made, 2);
  assert.deepEqual(p.peer(1).story(1), ['HEADERS', 'DATA 4', 'HEADERS END_STREAM']);
  p.peer(1).ok(1);
  await p.settle();
  assert.equal(call.status, 200);
  assert.equal(p.transport.stats().streams, 0);
});

test('a source that fails the second time is no fault of the first attempt', async () => {
  const p = await two();
  let made = 0;
  const call = p.request('/', {
    method: 'PUT',
    body: () => (++made === 1 ? 'body' : Promise.reject(new Error('gone'))),
    ...idempotent,
  });
  await p.clock.advance(50);
  assert.equal(p.peer(1).story(1).at(-1), 'RST_STREAM CANCEL');
  p.peer(0).ok(1);
  await p.settle();
  assert.equal(call.status, 200);
});

test('interim responses and trailers are those of the attempt that has the answer', async () => {
  for (const winner of [0, 1]) {
    const p = await two();
    const told: string[] = [];
    const onInformational = (_: number, headers: Headers): void => {
      told.push(headers.get('x-from') ?? '');
    };
    const call = p.get('/', { ...idempotent, onInformational });
    await p.clock.advance(50);
    for (const i of [0, 1]) p.peer(i).headers(1, 103, { fields: [['x-from', String(i)]] });
    await p.settle();
    assert.deepEqual(told, [], 'nobody knows yet whose they are');
    p.peer(winner).headers(1, 200);
    p.peer(winner).trailers(1, [['x-from', String(winner)]]);
    await p.settle();
    assert.deepEqual(told, [String(winner)]);
    assert.equal((await call.response!.trailers).get('x-from'), String(winner));
  }
});

test('events tell of the second attempt, and then of the one that has the answer', async () => {
  const events: RequestEvent[] = [];
  const p = await two({ observer: { request: (event) => events.push(event) } });
  p.get('/', idempotent);
  await p.clock.advance(50);
  p.peer(1).ok(1);
  await p.settle();
  const [bound, hedge, headers] = ['bound', 'hedge', 'headers'].map((type) => events.find((one) => one.type === type)!);
  assert.deepEqual([bound!.attempt, hedge!.attempt, headers!.attempt], [1, 2, 2]);
  assert.notEqual(hedge!.connection, bound!.connection);
  assert.equal(headers!.connection, hedge!.connection);
});

test('with p95 it goes out after what 95 of 100 requests took less than, once 20 are known', async () => {
  const p = await two({ hedge: { after: 'p95', budget: 1 } });
  const overdue = async (): Promise<number> => {
    const before = held(p)[1];
    p.get('/', idempotent);
    for (let passed = 0; passed <= 300; passed++) {
      if (held(p)[1] > before) return passed;
      await p.clock.advance(1);
    }
    return Infinity;
  };
  assert.equal(await overdue(), Infinity, 'nothing is known');
  p.peer(0).answerAll();
  for (let i = 0; i < 99; i++) {
    p.get('/', idempotent);
    await p.clock.advance(i % 20 === 0 ? 100 : 10);
    p.peer(0).answerAll();
    await p.settle();
  }
  const after = await overdue();
  assert.ok(after >= 10 && after <= 110, `after ${after} ms`);
});

test('what a frozen connection held says nothing of how long the origin takes', async () => {
  const p = await two({ hedge: { after: 'p95', budget: 1 } });
  for (let i = 0; i < 60; i++) {
    p.get('/', idempotent);
    const frozen = i >= 20 && i % 4 === 0;
    if (frozen) p.peer(0).answersPings = false;
    await p.clock.advance(frozen ? 500 : 5);
    p.peer(0).answersPings = true;
    p.peer(0).answerAll();
    await p.settle();
    await p.clock.advance(300); // what stalled has recovered
  }
  const before = held(p);
  p.get('/', idempotent);
  await p.clock.advance(10);
  assert.deepEqual(held(p), [before[0] + 1, before[1] + 1], 'after about 5 ms, though a quarter took 500');
});

test('the dial for it goes to another address than that of the first attempt', async () => {
  const addresses = ['192.0.2.1', '192.0.2.2'];
  const p = poolHarness({ addresses, hedge: { after: 50 }, answer: never });
  p.get('/', idempotent);
  await p.clock.advance(60);
  assert.deepEqual(p.dialled, addresses);
  assert.deepEqual(p.peer(1).requests, ['/']);
});

test('stats() tell how much of either budget is left, what was denied, and why requests were sent again', async () => {
  const answer: Answer = (peer, id, fields) => {
    if (fields.get(':path') === '/busy') peer.headers(id, 503, { end: true });
  };
  const p = await two({
    answer,
    retry: { statuses: [503], budget: 0, maxAttempts: 2 },
    hedge: { after: 50, budget: 0.1 },
  });
  for (let i = 0; i < 40; i++) p.get('/', idempotent);
  for (let i = 0; i < 60; i++) p.get('/busy');
  await p.clock.advance(60);
  const before = p.transport.stats();
  assert.deepEqual([before.origins[0]!.retriesLeft, before.origins[0]!.hedgesLeft], [40, 0]);
  p.peer(1).drop();
  p.peer(0).drop();
  await p.settle();
  const { replays, replayCauses, replaysDenied } = p.transport.stats().totals;
  assert.deepEqual(replayCauses, { refused: 0, goAway: 0, lost: 30, status: 60 });
  assert.deepEqual([replays, replaysDenied], [90, 0]);
  p.transport.destroy();
});
