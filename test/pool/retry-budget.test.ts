import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { TransportError } from '../../dist/errors.js';
import {
  type Answer,
  never,
  type Pending,
  poolHarness,
  type PoolHarness,
  type PoolHarnessOptions,
} from '../support/pool-harness.js';

const refused = 7;

async function warm(p: PoolHarness): Promise<void> {
  p.get('/warm');
  await p.settle();
  p.peer(p.peers.length - 1).answerAll();
}

/** So many requests at once, to a peer that they find there. */
async function burst(p: PoolHarness, count: number, idempotent = false): Promise<Pending[]> {
  await warm(p);
  const calls = Array.from({ length: count }, (_, i) => p.get(`/${i}`, { idempotent }));
  await p.settle();
  return calls;
}

/** Refuses each request the first time. */
function refusesOnce(): Answer {
  const seen = new Set(['/warm']);
  return (peer, id, fields) => {
    const path = fields.get(':path')!;
    if (seen.has(path)) return peer.ok(id);
    seen.add(path);
    peer.reset(id, refused);
  };
}

const states = (calls: readonly Pending[], state: Pending['state']): number =>
  calls.filter((call) => call.state === state).length;
const received = (p: PoolHarness): number => p.peers.reduce((sum, peer) => sum + peer.requests.length, 0);

/** How many requests reach a server that refuses every one of 200 for two seconds. */
async function refusedFor2s(options: PoolHarnessOptions): Promise<number> {
  const p = poolHarness({ ...options, answer: (peer, id) => peer.reset(id, refused) });
  const calls = Array.from({ length: 200 }, (_, i) => p.get(`/${i}`));
  await p.clock.advance(2_000);
  assert.equal(states(calls, 'pending'), 200);
  p.transport.destroy();
  return received(p);
}

test('a server that refuses everything gets a fifth more than it is asked, and ten a second', async () => {
  assert.equal(await refusedFor2s({}), 200 + 0.2 * 200 + 100);
  assert.equal(await refusedFor2s({ retry: { budget: 0 } }), 200 + 100);
  assert.equal(await refusedFor2s({ retry: { budget: Infinity } }), 600, 'without a budget');
});

test('what the server cannot have acted on waits for a token, and is sent then', async () => {
  const p = poolHarness({ retry: { budget: 0 }, answer: refusesOnce() });
  const calls = await burst(p, 150);
  await p.clock.advance(9_000);
  assert.deepEqual([states(calls, 'answered'), states(calls, 'pending')], [100, 50]);
  await p.clock.advance(3_000);
  assert.equal(states(calls, 'answered'), 150);
  assert.ok(calls.every((call) => call.response?.attempts === 2));
});

test('what waits for a token ends with its time-out or its signal, and is not sent after that', async () => {
  const p = poolHarness({ retry: { budget: 0 }, answer: refusesOnce() });
  const others = await burst(p, 100);
  const controller = new AbortController();
  const calls = [p.get('/timeout', { timeout: 5_000 }), p.get('/signal', { signal: controller.signal })];
  await p.clock.advance(4_000);
  assert.equal(states(others, 'answered'), 100);
  assert.equal(states(calls, 'pending'), 2);
  controller.abort();
  await p.clock.advance(20_000);
  assert.equal(calls[0]!.code, 'ERR_PASSINGLANE_TIMEOUT');
  assert.equal((calls[0]!.error as TransportError).unprocessed, true);
  assert.equal(calls[1]!.error, controller.signal.reason);
  assert.equal(received(p), 1 + 200 + 2);
});

test('what may have been acted on and finds no token ends at once, in an error that names the budget', async () => {
  const p = poolHarness({ retry: { budget: 0 }, answer: never });
  const calls = await burst(p, 130, true);
  p.peer(0).drop(new Error('reset'));
  await p.settle();
  assert.equal(states(calls, 'failed'), 30);
  assert.equal(p.peer(1).requests.length, 100);
  const { code, message, unprocessed } = calls.find((call) => call.state === 'failed')!.error as TransportError;
  assert.equal(code, 'ERR_PASSINGLANE_CONNECTION_LOST');
  assert.match(message, /^GET https:\/\/test\.example\/\d+: .*not sent again.*retry\.budget/);
  assert.equal(unprocessed, false);
});

test('who ends in good order takes no token, whatever the number', async () => {
  const p = poolHarness({
    retry: { budget: 0 },
    answer: (peer, id) => {
      if (peer.index > 0) peer.ok(id);
    },
  });
  const calls = await burst(p, 250);
  p.peer(0).goAway(1);
  await p.settle();
  assert.equal(states(calls, 'answered'), 250);
});

test('a request that was never sent takes no token, whatever becomes of the connection it waits for', async () => {
  const p = poolHarness({ retry: { budget: 0 }, peer: { maxConcurrentStreams: 1000 }, answer: never });
  const calls = Array.from({ length: 250 }, (_, i) => p.post(`/${i}`, bodyless()));
  await new Promise((resolve) => setImmediate(resolve));
  p.peers[0]!.drop(); // before its SETTINGS
  await p.settle();
  assert.equal(p.peer(1).requests.length, 250);
  assert.equal(states(calls, 'pending'), 250);
});

function bodyless(): ReadableStream {
  return new ReadableStream({ start: (controller) => controller.close() });
}

test('the budget is the origin’s: a connection that is gone gives none of it back', async () => {
  const p = poolHarness({ retry: { budget: 0 }, answer: never });
  const first = await burst(p, 100, true);
  p.peer(0).drop(new Error('reset'));
  await p.settle();
  p.peer(1).answerAll();
  await p.settle();
  assert.equal(states(first, 'answered'), 100);
  p.peer(1).drop();
  await p.settle();
  assert.equal(p.transport.stats().origins.length, 0, 'nothing is left of the origin');
  const [call] = await burst(p, 1, true);
  p.peer(2).drop(new Error('reset'));
  await p.settle();
  assert.match(String(call!.error), /retry\.budget/);
});

test('a dial that succeeds after others failed calls back who waits out a back-off, one after the other', async () => {
  const p = poolHarness({
    retry: { baseDelay: 30_000 },
    dialErrors: [undefined, new Error('refused')],
    answer: (peer, id) => (peer.index === 0 ? peer.reset(id, refused) : peer.ok(id)),
  });
  const calls = Array.from({ length: 5 }, (_, i) => p.get(`/${i}`));
  await p.settle();
  assert.equal(received(p), 10, 'each was refused twice');
  p.peer(0).drop();
  const unlucky = p.get('/unlucky');
  await p.settle();
  assert.equal(unlucky.state, 'failed');
  const lucky = p.get('/lucky');
  await p.settle();
  assert.equal(lucky.status, 200);
  const answered: number[] = [];
  for (let i = 0; i < 6; i++) {
    answered.push(states(calls, 'answered'));
    await p.clock.advance(50);
  }
  assert.deepEqual(answered, [0, 2, 3, 4, 5, 5], 'the first at once, then one each 50 ms');
});
