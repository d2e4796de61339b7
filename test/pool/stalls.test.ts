import assert from 'node:assert/strict';
import { PassThrough } from 'node:stream';
import { test } from 'node:test';
import {
  bodyOf,
  poolHarness,
  type Answer,
  type Pending,
  type PoolHarness,
  type PoolHarnessOptions,
} from '../support/pool-harness.js';
import { type as frameType } from '../support/raw-server.js';

/** Where the peer stops reading: each makes one write of ours that the socket never takes. */
interface Stop {
  readonly at: string;
  /** Leaves connection 0 with a write in flight; what it returns is a request that is stuck with it, if any. */
  stop(p: PoolHarness): Promise<Pending | undefined>;
}

const filler = 'x'.repeat(4_096);

/** Answers everything but paths that begin with /stuck, whose response the test sends itself. */
const answerOthers: Answer = (peer, id, fields) => {
  if (fields.get(':path')?.startsWith('/stuck') !== true) peer.ok(id);
};

const stops: readonly Stop[] = [
  {
    at: 'HEADERS',
    async stop(p) {
      p.peer(0).stallNow();
      return p.get('/stuck', { headers: { big: filler } });
    },
  },
  {
    at: 'DATA',
    async stop(p) {
      p.peer(0).stallNow(20_000);
      return p.post('/stuck', bodyOf(50_000));
    },
  },
  {
    at: 'trailers',
    async stop(p) {
      let finish: (() => void) | undefined = undefined;
      const body = (): AsyncIterable<string> =>
        (async function* () {
          yield 'body';
          await new Promise<void>((resolve) => (finish = resolve));
        })();
      const call = p.post('/stuck', body, { trailers: { big: filler } });
      await p.settle();
      p.peer(0).stallNow();
      (finish as (() => void) | undefined)?.();
      return call;
    },
  },
  {
    at: 'a PING ACK',
    async stop(p) {
      const call = p.get('/stuck');
      await p.settle();
      p.peer(0).stallNow();
      p.peer(0).send(frameType.ping, 0, 0, Buffer.alloc(8, 1));
      return call;
    },
  },
  {
    at: 'a WINDOW_UPDATE',
    async stop(p) {
      const call = p.get('/stuck');
      await p.settle();
      p.peer(0).stallNow();
      p.peer(0).headers(3, 200);
      for (let i = 0; i < 10; i++) p.peer(0).data(3, 'y'.repeat(16_000));
      await p.settle();
      const reader = call.response?.body[Symbol.asyncIterator]();
      for (let i = 0; i < 10; i++) await reader?.next();
      return call;
    },
  },
  {
    at: 'a SETTINGS ACK',
    async stop(p) {
      const call = p.get('/stuck');
      await p.settle();
      p.peer(0).stallNow();
      p.peer(0).greet({ maxConcurrentStreams: 100 });
      return call;
    },
  },
  {
    at: 'RST_STREAM',
    async stop(p) {
      const controller = new AbortController();
      const call = p.get('/stuck', { signal: controller.signal });
      await p.settle();
      p.peer(0).stallNow();
      controller.abort();
      return call;
    },
  },
];

async function stalledAt(
  stop: Stop,
  options?: PoolHarnessOptions,
): Promise<{ p: PoolHarness; stuck: Pending | undefined }> {
  const p = poolHarness({ peer: { maxConcurrentStreams: 100 }, answer: answerOthers, ...options });
  const first = p.get('/first');
  await p.settle();
  assert.equal(first.status, 200);
  const stuck = await stop.stop(p);
  await p.settle();
  return { p, stuck };
}

for (const stop of stops) {
  test(`a peer that stops in ${stop.at}: 200 requests made afterwards finish on new connections, none sent twice`, async () => {
    const { p } = await stalledAt(stop);
    assert.equal(p.peer(0).blocked, true, 'a write is with the socket');
    const calls = Array.from({ length: 200 }, (_, i) => p.get(`/after/${i}`));
    await p.clock.advance(100);
    assert.deepEqual(new Set(calls.map((call) => call.status)), new Set([200]));
    const arrived = p.peers.flatMap((peer) => peer.requests).filter((path) => path.startsWith('/after/'));
    assert.equal(arrived.length, 200, 'each arrived');
    assert.equal(new Set(arrived).size, 200, 'once');
    assert.ok(p.dials <= 3, `${p.dials} dials: two connections are enough for 200`);
    p.transport.destroy();
  });

  test(`a peer that stops in ${stop.at}: every query answers in the same tick, and aborting completes`, async () => {
    const { p } = await stalledAt(stop);
    const stats = p.transport.stats();
    assert.equal(stats.connections, 1);
    const controller = new AbortController();
    const waiting = p.get('/waits', { signal: controller.signal });
    controller.abort(new Error('no more'));
    await p.settle();
    assert.equal((waiting.error as Error).message, 'no more');
    p.transport.closeIdleConnections();
    let closed = false;
    void p.transport.close({ timeout: 1_000 }).then(() => (closed = true));
    await p.clock.advance(1_500);
    assert.ok(closed, 'close ends in time');
    assert.ok(p.peer(0).destroyed || p.peer(0).ended);
    assert.equal(p.clock.size, 0, 'no timer is left');
  });

  test(`a peer that stops in ${stop.at} and goes on: its own requests finish there`, async () => {
    const { p, stuck } = await stalledAt(stop);
    await p.clock.advance(3_000);
    p.peer(0).resume();
    await p.settle();
    p.peer(0).answerAll();
    await p.settle();
    if (stop.at === 'RST_STREAM') assert.deepEqual(p.peer(0).resets, [3], 'the reset arrives at last');
    else assert.equal(stuck?.status, 200);
    assert.equal(p.dials, 1, 'nothing else was asked for');
    assert.equal(p.transport.stats().streams, 0);
    p.transport.destroy();
  });

  test(`a peer that stops in ${stop.at} for writeTimeout: the connection is closed, and what may be sent again is`, async () => {
    const { p, stuck } = await stalledAt(stop, { readIdleTimeout: 0 });
    await p.clock.advance(60_000);
    assert.ok(p.peer(0).destroyed);
    assert.equal(p.transport.stats().streams, 0);
    if (stuck?.error !== undefined && stop.at !== 'RST_STREAM')
      assert.equal(stuck.code, 'ERR_PASSINGLANE_WRITE_TIMEOUT');
    p.transport.destroy();
  });
}

test('after a blocked event loop no connection is taken for a stalled one before what has happened meanwhile is heard', async () => {
  const p = poolHarness({ answer: answerOthers });
  p.get('/first');
  await p.settle();
  p.post('/stuck', bodyOf(20_000));
  await new Promise((resolve) => process.nextTick(resolve));
  p.clock.block(500); // the socket takes the chunk meanwhile, and says so in the next turn
  const call = p.get('/b');
  await p.settle();
  assert.deepEqual([call.status, p.dials], [200, 1]);
  p.peer(0).stallNow();
  p.get('/c');
  await p.settle();
  p.clock.block(500);
  const around = p.get('/d');
  await p.clock.wakeAfter(0);
  assert.equal(p.dials, 1, 'what comes of its own part late is waited for once');
  await p.clock.advance(1_000);
  assert.deepEqual([around.status, p.dials], [200, 2], 'a stall that is one is found all the same');
  p.transport.destroy();
});

test('two origins that stall are two origins: each gets its way around', async () => {
  const p = poolHarness({ stallAfter: [1_024, 1_024] });
  const hosts = ['a.example', 'b.example'];
  for (const host of hosts) p.at(host, '/up', { method: 'POST', body: bodyOf(1 << 20) });
  await p.settle();
  const calls = hosts.map((host) => p.at(host, '/b'));
  await p.clock.advance(100);
  assert.deepEqual(
    calls.map((call) => call.status),
    [200, 200],
  );
  assert.equal(p.dials, 4);
});

test('a slow link that still takes bytes is not taken for dead, though the PING behind them is unanswered', async () => {
  const p = poolHarness({ answer: () => undefined, readIdleTimeout: 2_000, pingTimeout: 3_000 });
  const pieces = new PassThrough();
  p.post('/up', pieces);
  await p.settle();
  const peer = p.peer(0);
  peer.answersPings = false;
  for (let i = 0; i < 10; i++) {
    pieces.write('x'.repeat(100));
    await p.clock.advance(900);
  }
  assert.equal(peer.destroyed, false, 'every 900 ms the socket took something');
  await p.clock.advance(6_000);
  assert.equal(peer.destroyed, true, 'and once it has nothing to take, silence counts');
});

test('in an hour of slow requests a gRPC server sees no more PINGs than it allows', async () => {
  const p = poolHarness({ answer: () => undefined });
  p.get('/endless');
  for (let minute = 0; minute < 60; minute++) {
    p.get(`/${minute}`);
    await p.clock.advance(60_000);
  }
  assert.equal(p.dials, 1);
  assert.ok(p.peer(0).pings <= 2 + 12, `${p.peer(0).pings} PINGs: two, then one in five minutes`);
});
