/** What a request waited for: the parts, to the millisecond of a clock that the test moves. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { TransportError } from '../../dist/errors.js';
import type { RequestEvent, RequestTiming } from '../../dist/ports/observer.js';
import { type Pending, type PoolHarness, poolHarness } from '../support/pool-harness.js';

const never = (): void => undefined;

/** The parts that are not 0, having seen that they are the whole. */
function parts(timing: RequestTiming | undefined): Partial<RequestTiming> {
  assert.ok(timing !== undefined, 'it was asked for');
  const { total, ...rest } = timing;
  assert.equal(
    Object.values(rest).reduce((sum, time) => sum + time, 0),
    total,
    'the parts add up',
  );
  return Object.fromEntries(Object.entries(timing).filter(([, time]) => time !== 0));
}

const timed = (p: PoolHarness, path: string): Pending => p.get(path, { timing: true });

test('a request tells of the dial that it waited for, of the peer and of its own reader', async () => {
  const p = poolHarness({ answer: never, dialTime: 60, dialPhases: [10, 30] });
  const call = timed(p, '/a');
  await p.clock.advance(60);
  await p.clock.advance(7);
  const [peer] = p.peers;
  peer!.headers(1, 200);
  await p.settle();
  await p.clock.advance(5);
  peer!.data(1, 'x'.repeat(10_000));
  await p.clock.advance(100);
  assert.deepEqual(parts(call.response?.timing), {
    lookup: 10,
    connect: 20,
    tls: 30,
    peer: 12,
    reader: 100,
    total: 172,
  });
  const chunks = call.response!.body[Symbol.asyncIterator]();
  await chunks.next();
  await p.clock.advance(3);
  peer!.data(1, 'y', true);
  await chunks.next();
  await chunks.next();
  await p.clock.advance(1_000);
  const all = { lookup: 10, connect: 20, tls: 30, peer: 15, reader: 100, total: 175 };
  assert.deepEqual(parts(call.response?.timing), all, 'it is over once all is read');
});

test('only so much of a dial counts as the request has waited for, and SETTINGS are the wait for the peer', async () => {
  const p = poolHarness({ answer: never, dialTime: 60, dialPhases: [10, 30], peer: { maxConcurrentStreams: -1 } });
  const first = p.post('/first', 'x', { idempotent: false });
  await p.clock.advance(20);
  const second = timed(p, '/second');
  void p.post('/stream', new ReadableStream(), { timing: true });
  const third = p.post('/third', () => new ReadableStream(), { timing: true });
  await p.clock.advance(40);
  await p.clock.advance(9);
  p.peer(0).greet({});
  await p.settle();
  p.peer(0).answerAll();
  await p.settle();
  assert.equal(first.state, 'answered');
  assert.deepEqual(parts(second.response?.timing), { connect: 10, tls: 30, peer: 9, total: 49 });
  assert.equal(third.state, 'answered');
});

test('a request at the limit of the only connection waits in the queue', async () => {
  const p = poolHarness({
    answer: never,
    peer: { maxConcurrentStreams: 1 },
    strictMaxConcurrentStreams: true,
    maxConnectionsPerOrigin: 1,
  });
  const first = timed(p, '/first');
  await p.settle();
  const second = timed(p, '/second');
  await p.clock.advance(40);
  p.peer(0).ok(1);
  await p.clock.advance(5);
  p.peer(0).ok(3);
  await p.settle();
  assert.deepEqual(parts(first.response?.timing), { peer: 40, total: 40 });
  assert.deepEqual(parts(second.response?.timing), { queue: 40, peer: 5, total: 45 });
});

test('an upload tells how long its source, the window and a peer that stopped reading held it up', async () => {
  const p = poolHarness({ answer: never, peer: { initialWindowSize: 10 }, probeAfter: 0 });
  let give: ((chunk: string) => void) | undefined;
  const body = async function* (): AsyncGenerator<string> {
    for (let i = 0; i < 2; i++) yield await new Promise<string>((resolve) => (give = resolve));
  };
  const call = p.post('/up', body(), { timing: true });
  await p.settle();
  await p.clock.advance(11);
  give!('0123456789abcde');
  await p.settle();
  await p.clock.advance(13);
  p.peer(0).send(8, 0, 1, Buffer.from([0, 0, 1, 0]));
  await p.settle();
  p.peer(0).stallNow();
  give!('the rest');
  await p.settle();
  await p.clock.advance(400);
  p.peer(0).resume();
  await p.settle();
  await p.clock.advance(17);
  p.peer(0).ok(1);
  await p.settle();
  assert.deepEqual(parts(call.response?.timing), { upload: 11, window: 13, stall: 400, peer: 17, total: 441 });
});

test('a request that is sent again tells of all its attempts, and waits for back-off in the queue', async () => {
  let refusals = 2;
  const p = poolHarness({
    answer: (peer, id) => {
      if (refusals-- > 0) peer.reset(id, 7);
      else peer.ok(id);
    },
    retry: { jitter: 0, baseDelay: 300 },
  });
  const call = timed(p, '/again');
  await p.settle();
  await p.clock.advance(1_000);
  const timing = parts(call.response?.timing);
  assert.equal(call.response?.attempts, 3);
  assert.equal(timing.queue, timing.total);
  assert.ok((timing.queue ?? 0) >= 300);
});

test('without the option there is no timing, and nobody is told of anything', async () => {
  const p = poolHarness();
  const call = p.get('/a');
  await p.settle();
  assert.equal(call.response?.timing, undefined);
});

test('who follows requests is told at their end what they waited for, failed ones too', async () => {
  const events: RequestEvent[] = [];
  const p = poolHarness({ answer: never, dialTime: 20, observer: { request: (event) => events.push(event) } });
  const call = p.get('/a');
  const late = p.get('/late', { timeout: 50 });
  await p.clock.advance(20);
  await p.clock.advance(5);
  p.peer(0).ok(1);
  await p.clock.advance(25);
  const of = (path: string, type: string): RequestTiming | undefined =>
    events.find((event) => event.request.url.endsWith(path) && event.type === type)?.timing;
  assert.deepEqual(parts(of('/a', 'end')), { queue: 20, peer: 5, total: 25 });
  assert.deepEqual(parts(of('/late', 'error')), { queue: 20, peer: 30, total: 50 });
  assert.equal(late.state, 'failed');
  assert.equal(call.response?.timing, undefined, 'which is for who asked');
});

test('an error of a request whose timing was asked for tells what it waited for, and another does not', async () => {
  const p = poolHarness({ answer: never, dialTime: 60, dialPhases: [10, 30] });
  const [timed, other] = [true, false].map((timing) => p.get('/a', { timing, timeout: 100 }));
  await p.clock.advance(60);
  await p.clock.advance(1_000);
  const told = (timed?.error as TransportError).timing;
  assert.deepEqual(parts(told), { lookup: 10, connect: 20, tls: 30, peer: 40, total: 100 });
  assert.equal((other?.error as TransportError).code, 'ERR_PASSINGLANE_TIMEOUT');
  assert.equal('timing' in (other?.error as TransportError), false);
});

test('a body that is cut has the timing in its error', async () => {
  const p = poolHarness({ answer: never });
  const call = timed(p, '/a');
  await p.settle();
  p.peer(0).headers(1, 200);
  await p.settle();
  const text = call.response!.text().catch((error: unknown) => error);
  await p.clock.advance(9);
  p.peer(0).reset(1, 2);
  await p.settle();
  assert.deepEqual(parts(((await text) as TransportError).timing), { peer: 9, total: 9 });
});
