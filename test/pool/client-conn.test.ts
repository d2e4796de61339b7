/** One connection in its user's hands: requests, queries, reservations, PING, shutdown, close. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { TransportError } from '../../dist/index.js';
import {
  bodyOf,
  connected,
  connectedUrl as url,
  never,
  Pending,
  poolHarness,
  type ConnFixture,
  type PoolHarnessOptions,
} from '../support/pool-harness.js';

/** A connection whose socket has taken what it takes, while an upload still has bytes for it. */
async function blocked(options: PoolHarnessOptions = {}): Promise<ConnFixture & { readonly upload: Pending }> {
  const fixture = await connected({ answer: never, ...options });
  const { p, send } = fixture;
  p.peer(0).stallAfter = 0;
  const upload = send('/up', { method: 'POST', body: bodyOf(1 << 20) });
  await p.settle();
  assert.deepEqual(p.peer(0).requests, [], 'the socket has taken nothing of it');
  return { ...fixture, upload };
}

const isError = (pending: Pending): TransportError => pending.error as TransportError;

// --- queries ---

test('with a write blocked for ever, every query and command answers in the same tick', async () => {
  const { p, conn } = await blocked();
  await p.clock.advance(5_000);
  assert.equal(conn.canTakeNewRequest(), false);
  assert.equal(conn.reserveNewRequest(), false);
  conn.releaseReservation();
  const state = conn.state();
  assert.deepEqual(
    [state.closed, state.closing, state.streamsActive, state.maxConcurrentStreams, state.stalled],
    [false, false, 1, 1_000, true],
  );
  conn.setDoNotReuse();
  assert.equal(conn.state().closing, true);
  conn.close();
  assert.equal(conn.state().closed, true);
});

test('a PING on a blocked connection times out and is aborted as on any other', async () => {
  const { p, conn } = await blocked();
  const controller = new AbortController();
  const timed = conn.ping({ timeout: 500 }).catch((error: unknown) => error);
  const aborted = conn.ping({ signal: controller.signal }).catch((error: unknown) => error);
  controller.abort('enough');
  assert.equal(await aborted, 'enough');
  await p.clock.advance(500);
  assert.equal(((await timed) as TransportError).code, 'ERR_PASSINGLANE_PING_TIMEOUT');
});

test('reading a body, and closing one, do not wait for a blocked socket', async () => {
  const { p, conn, send } = await connected({ answer: never });
  const reading = send('/1');
  const closing = send('/2');
  await p.settle();
  p.peer(0).headers(1, 200);
  p.peer(0).headers(3, 200);
  p.peer(0).stallAfter = 0;
  send('/up', { method: 'POST', body: bodyOf(1 << 20) });
  await p.settle();
  for (let i = 0; i < 16; i++) p.peer(0).data(1, Buffer.alloc(16_000), i === 15);
  p.peer(0).data(3, 'unread');
  const bytes = await reading.response?.body.bytes();
  assert.equal(bytes?.length, 256_000, 'credit that cannot be written holds up no reading');
  closing.response?.body.cancel();
  assert.equal(p.transport.stats().bufferedBytes, 0);
  assert.equal(conn.state().closed, false);
});

test('the state goes from fresh over reserved, active and idle to closing and closed', async () => {
  const { p, conn, send } = await connected({ peer: { maxConcurrentStreams: 1 }, answer: never });
  const state = (): unknown[] => {
    const { maxConcurrentStreams, streamsReserved, streamsActive, lastIdle, closing, closed } = conn.state();
    return [maxConcurrentStreams, streamsReserved, streamsActive, lastIdle, closing, closed];
  };
  assert.deepEqual(state(), [1, 0, 0, undefined, false, false], 'fresh');
  assert.ok(conn.reserveNewRequest());
  assert.deepEqual(state(), [1, 1, 0, undefined, false, false], 'reserved');
  send('/');
  assert.deepEqual(state(), [1, 0, 1, undefined, false, false], 'active');
  await p.settle();
  p.peer(0).ok(1);
  await p.settle();
  assert.deepEqual(state(), [1, 0, 0, p.clock.wallNow(), false, false], 'idle');
  assert.ok(conn.reserveNewRequest());
  conn.setDoNotReuse();
  assert.deepEqual(state().slice(4), [true, false], 'closing');
  conn.close();
  assert.deepEqual(state().slice(4), [true, true], 'closed');
});

test('the peer’s limit is 0 until its first SETTINGS', async () => {
  const states: number[] = [];
  const p = poolHarness({ peer: { maxConcurrentStreams: -1 } });
  const connecting = p.transport.connect(url);
  await p.settle();
  p.peer(0).greet({ maxConcurrentStreams: 7 });
  states.push((await connecting).state().maxConcurrentStreams);
  assert.deepEqual(states, [7], 'connect() resolves when they have come');
});

test('every request that waits its turn is counted', async () => {
  const { p, conn, send } = await connected({ peer: { maxConcurrentStreams: 1 }, answer: never });
  for (let i = 0; i < 4; i++) send(`/${i}`);
  assert.equal(conn.state().streamsPending, 3);
  await p.settle();
  p.peer(0).ok(1);
  await p.settle();
  assert.equal(conn.state().streamsPending, 2);
});

// --- requests ---

test('a request that waits its turn can be aborted; the others go out in order, with consecutive IDs', async () => {
  const ids: number[] = [];
  const { p, send } = await connected({ peer: { maxConcurrentStreams: 1 }, answer: (_, id) => ids.push(id) });
  const controllers = Array.from({ length: 6 }, () => new AbortController());
  const calls = controllers.map(({ signal }, i) => send(`/${i}`, { signal }));
  await p.settle();
  controllers[1]?.abort('first in line');
  controllers[3]?.abort('third in line');
  await p.settle();
  assert.deepEqual([calls[1]?.error, calls[3]?.error], ['first in line', 'third in line'], 'their own reasons');
  for (const id of [1, 3, 5, 7]) {
    p.peer(0).ok(id);
    await p.settle();
  }
  assert.deepEqual(p.peer(0).requests, ['/0', '/2', '/4', '/5']);
  assert.deepEqual(ids, [1, 3, 5, 7]);
  assert.deepEqual(p.peer(0).resets, []);
});

test('of many requests begun in one tick, some of them aborted, the rest have rising odd IDs', async () => {
  const ids: number[] = [];
  const { p, send } = await connected({ answer: (_, id) => ids.push(id) });
  const calls = Array.from({ length: 40 }, (_, i) => {
    const controller = new AbortController();
    if (i % 4 === 1) controller.abort('before');
    const call = send(`/${i}`, { signal: controller.signal, headers: { big: 'x'.repeat(i * 100) } });
    if (i % 4 === 2) controller.abort('at once');
    return call;
  });
  await p.settle();
  assert.ok(ids.length >= 20);
  assert.ok(
    ids.every((id, i) => id % 2 === 1 && (i === 0 || id > (ids[i - 1] ?? 0))),
    `${ids.join()} rise`,
  );
  assert.deepEqual(
    calls.map((call) => call.error),
    calls.map((_, i) => (i % 4 === 1 ? 'before' : i % 4 === 2 ? 'at once' : undefined)),
  );
});

test('after a request that could not be sent the next one goes out', async () => {
  const { p, send } = await connected({ peer: { maxConcurrentStreams: 1, maxHeaderListSize: 400 } });
  const large = send('/large', { headers: { big: 'x'.repeat(500) } });
  const next = send('/next');
  await p.settle();
  assert.equal(large.code, 'ERR_PASSINGLANE_HEADERS_TOO_LARGE');
  assert.equal(next.status, 200);
});

test('a blocked connection holds back the later requests of its user, who can abort them', async () => {
  const { p, conn, send } = await blocked();
  const controller = new AbortController();
  const aborted = send('/2', { signal: controller.signal });
  const waiting = send('/3');
  await p.clock.advance(5_000);
  assert.equal(conn.state().streamsPending, 2, 'they are not sealed, so they cost the wire nothing');
  controller.abort('no longer');
  await p.settle();
  assert.equal(aborted.error, 'no longer');
  p.peer(0).resume();
  await p.settle();
  assert.ok(p.peer(0).requests.includes('/3'));
  assert.ok(!p.peer(0).requests.includes('/2'));
  assert.equal(waiting.state, 'pending');
});

test('a request on a connection that broke is refused as unusable, with what broke it', async () => {
  const { p, conn, send } = await connected();
  p.peer(0).drop(new Error('ECONNRESET'));
  const call = send('/');
  await p.settle();
  assert.equal(call.code, 'ERR_PASSINGLANE_CONNECTION_UNUSABLE');
  assert.match(isError(call).message, /ECONNRESET/);
  assert.equal(isError(call).unprocessed, true);
  assert.deepEqual([conn.canTakeNewRequest(), conn.state().closed], [false, true]);
});

test('a request is sent on this connection once, and not again', async () => {
  const { p, send } = await connected({
    answer: (peer, id) => {
      peer.reset(id, 7);
    },
  });
  const call = send('/', { idempotent: true });
  await p.settle();
  assert.equal(call.code, 'ERR_PASSINGLANE_STREAM_RESET');
  assert.equal(isError(call).unprocessed, true, 'its user may send it again elsewhere');
  assert.deepEqual([p.peer(0).requests.length, p.dials], [1, 1]);
});

test('a URL of another origin is refused', async () => {
  const { conn } = await connected();
  await assert.rejects(conn.request('https://other.example/'), { code: 'ERR_INVALID_ARG_VALUE' });
  await assert.rejects(conn.request('http://test.example/'), { code: 'ERR_INVALID_ARG_VALUE' });
});

// --- reservations ---

test('as many reservations as the limit, then none until a slot frees', async () => {
  const { p, conn, send } = await connected({ peer: { maxConcurrentStreams: 3 }, answer: never });
  assert.deepEqual(
    [1, 2, 3, 4].map(() => conn.reserveNewRequest()),
    [true, true, true, false],
  );
  const call = send('/');
  assert.equal(conn.canTakeNewRequest(), false, 'a stream in place of a reservation');
  await p.settle();
  p.peer(0).ok(1);
  await call.settled;
  assert.ok(conn.canTakeNewRequest());
  conn.releaseReservation();
  assert.equal(conn.state().streamsReserved, 1);
});

test('a reset that the peer has not confirmed holds its slot', async () => {
  const { p, conn, send } = await connected({ peer: { maxConcurrentStreams: 1 }, answer: never });
  p.peer(0).answersPings = false;
  const controller = new AbortController();
  send('/', { signal: controller.signal });
  await p.settle();
  controller.abort();
  await p.settle();
  assert.deepEqual(p.peer(0).resets, [1]);
  assert.equal(conn.canTakeNewRequest(), false);
  assert.equal(conn.state().streamsActive, 1);
});

test('a reservation returns when its request starts, fails before its stream exists, or was aborted', async () => {
  const { p, conn, send } = await connected({ peer: { maxHeaderListSize: 300 } });
  assert.ok(conn.reserveNewRequest());
  send('/started');
  assert.equal(conn.state().streamsReserved, 0);
  await p.settle();
  assert.ok(conn.reserveNewRequest());
  const large = send('/large', { headers: { big: 'x'.repeat(400) } });
  await p.settle();
  assert.equal(large.code, 'ERR_PASSINGLANE_HEADERS_TOO_LARGE');
  assert.equal(conn.state().streamsReserved, 0);
  assert.ok(conn.reserveNewRequest());
  const aborted = send('/aborted', { signal: AbortSignal.abort('no') });
  await p.settle();
  assert.equal(aborted.error, 'no');
  assert.equal(conn.state().streamsReserved, 0);
});

test('a request that is refused for its headers uses up its reservation', async () => {
  const { p, conn, send } = await connected();
  assert.ok(conn.reserveNewRequest());
  const bad = send('/', { headers: { 'x-bad': 'a\nb' } });
  await p.settle();
  assert.equal(bad.code, 'ERR_PASSINGLANE_INVALID_HEADER');
  assert.equal(conn.state().streamsReserved, 0);
});

// --- PING ---

test('PINGs under way at once are told apart, and each resolves with its own round trip', async () => {
  const { p, conn } = await connected({ answer: never });
  p.peer(0).answersPings = false;
  const answered: [name: string, roundTrip: number][] = [];
  void conn.ping().then((roundTrip) => answered.push(['first', roundTrip]));
  await p.clock.advance(10);
  void conn.ping().then((roundTrip) => answered.push(['second', roundTrip]));
  await p.clock.advance(10);
  const payloads = p.peer(0).frames.filter(({ type }) => type === 6);
  assert.equal(payloads.length, 2);
  assert.notDeepEqual(payloads[0]?.payload, payloads[1]?.payload);
  for (const { payload } of [...payloads].reverse()) p.peer(0).send(6, 1, 0, payload);
  await p.settle();
  assert.deepEqual(answered, [
    ['second', 10],
    ['first', 20],
  ]);
});

test('an ACK of a PING that was never sent, or of one that was given up, is ignored', async () => {
  const { p, conn } = await connected();
  p.peer(0).answersPings = false;
  p.peer(0).send(6, 1, 0, Buffer.alloc(8, 9));
  const lost = conn.ping({ timeout: 100 }).catch(() => 'timed out');
  await p.clock.advance(100);
  assert.equal(await lost, 'timed out');
  p.peer(0).send(6, 1, 0, p.peer(0).frames.find(({ type }) => type === 6)?.payload);
  await p.settle();
  assert.equal(conn.state().closed, false);
});

test('a PING rejects when the connection ends, with what ended it', async () => {
  const { p, conn } = await connected();
  p.peer(0).answersPings = false;
  const ping = conn.ping().catch((error: unknown) => error);
  await p.settle();
  p.peer(0).drop(new Error('ECONNRESET'));
  assert.equal(((await ping) as TransportError).code, 'ERR_PASSINGLANE_CONNECTION_LOST');
  await assert.rejects(conn.ping(), { code: 'ERR_PASSINGLANE_CONNECTION_UNUSABLE' });
});

test('a PING that was given up leaves nothing behind', async () => {
  const { p, conn } = await connected({ idleTimeout: 0 });
  p.peer(0).answersPings = false;
  await p.settle();
  const timers = p.clock.size;
  for (let i = 0; i < 50; i++) {
    const lost = conn.ping({ timeout: 100 }).catch(() => undefined);
    await p.clock.advance(100);
    await lost;
  }
  assert.ok(p.clock.size <= timers, 'no timer');
  assert.equal(p.peer(0).refed, false, 'and nothing that keeps the process alive');
});

test('the late ACK of a PING that was given up confirms nothing', async () => {
  const { p, conn, send } = await connected({ answer: never });
  p.peer(0).answersPings = false;
  const lost = conn.ping({ timeout: 100 }).catch(() => undefined);
  await p.clock.advance(100);
  await lost;
  const controller = new AbortController();
  send('/', { signal: controller.signal });
  await p.settle();
  controller.abort();
  await p.settle();
  const [given, bundled] = p.peer(0).frames.filter(({ type }) => type === 6);
  p.peer(0).send(6, 1, 0, given?.payload);
  await p.settle();
  assert.equal(conn.state().streamsActive, 1, 'it left before the reset did');
  p.peer(0).send(6, 1, 0, bundled?.payload);
  await p.settle();
  assert.equal(conn.state().streamsActive, 0);
});

// --- shutdown, do-not-reuse, close ---

test('shutdown sends one GOAWAY however often it is called, and resolves when the last stream has ended', async () => {
  const { p, conn, send } = await connected({ answer: never });
  const calls = [send('/1'), send('/2')];
  await p.settle();
  let done = 0;
  const shutdowns = [1, 2, 3].map(() => conn.shutdown().then(() => done++));
  await p.settle();
  assert.deepEqual(p.peer(0).goAways, [0]);
  p.peer(0).ok(1);
  await p.settle();
  assert.equal(done, 0);
  p.peer(0).reset(3, 2);
  await Promise.all(shutdowns);
  await p.settle();
  assert.deepEqual([calls[0]?.status, calls[1]?.code], [200, 'ERR_PASSINGLANE_STREAM_RESET']);
  assert.ok(p.peer(0).ended, 'the socket is closed');
  await conn.shutdown();
  assert.deepEqual(p.peer(0).goAways, [0]);
});

test('while GOAWAY waits for a blocked socket, a new request is refused at once as unusable', async () => {
  const { p, conn, send } = await blocked();
  void conn.shutdown();
  const call = send('/late');
  await p.settle();
  assert.equal(call.code, 'ERR_PASSINGLANE_CONNECTION_UNUSABLE');
  assert.deepEqual([conn.canTakeNewRequest(), conn.reserveNewRequest()], [false, false]);
  assert.deepEqual(p.peer(0).goAways, []);
});

test('requests that wait their turn when shutdown begins are refused as unprocessed', async () => {
  const { p, conn, send } = await connected({ peer: { maxConcurrentStreams: 1 }, answer: never });
  send('/1');
  const waiting = send('/2');
  await p.settle();
  void conn.shutdown();
  await p.settle();
  assert.equal(waiting.code, 'ERR_PASSINGLANE_CONNECTION_UNUSABLE');
  assert.equal(isError(waiting).unprocessed, true);
});

test('a shutdown that is aborted rejects, lets streams run, and the connection closes after the last', async () => {
  const { p, conn, send } = await connected({ answer: never });
  const call = send('/');
  await p.settle();
  const controller = new AbortController();
  const shutdown = conn.shutdown({ signal: controller.signal }).catch((error: unknown) => error);
  controller.abort('too long');
  assert.equal(await shutdown, 'too long');
  await p.settle();
  assert.deepEqual([conn.state().closed, call.state], [false, 'pending']);
  p.peer(0).ok(1);
  await p.settle();
  assert.equal(call.status, 200);
  assert.deepEqual([conn.state().closed, p.peer(0).ended], [true, true]);
});

test('close fails every stream, a waiting request and a body that is being read, at once', async () => {
  const { p, conn, send } = await connected({ peer: { maxConcurrentStreams: 2 }, answer: never });
  const reading = send('/1');
  const running = send('/2');
  const waiting = send('/3');
  await p.settle();
  p.peer(0).headers(1, 200);
  await p.settle();
  const text = reading.response?.body.text().catch((error: unknown) => error);
  const reason = new Error('enough');
  conn.close(reason);
  const cut = (await text) as TransportError;
  await p.settle();
  assert.deepEqual(
    [cut.code, running.code, waiting.code],
    ['ERR_PASSINGLANE_CONNECTION_CLOSED', 'ERR_PASSINGLANE_CONNECTION_CLOSED', 'ERR_PASSINGLANE_CONNECTION_UNUSABLE'],
  );
  assert.equal(cut.cause, reason);
  assert.equal(cut.initiator, 'user');
  assert.ok(p.peer(0).destroyed);
  conn.close();
  assert.equal(conn.state().closed, true, 'once more is no error');
});

test('a request made by whoever is told of the close is refused as unusable', async () => {
  const { p, conn, send } = await connected({ answer: never });
  const calls = [send('/1'), send('/2')];
  const again = conn.request(`${url}/3`).then(
    () => undefined,
    () => new Pending(conn.request(`${url}/4`)),
  );
  await p.settle();
  conn.close();
  const late = await again;
  await p.settle();
  assert.equal(late?.code, 'ERR_PASSINGLANE_CONNECTION_UNUSABLE');
  assert.ok(calls.every((call) => call.code === 'ERR_PASSINGLANE_CONNECTION_CLOSED'));
});

test('a source whose return() never settles, or throws, delays nobody', async () => {
  for (const returned of [() => new Promise<never>(() => undefined), () => assert.fail('return() throws')]) {
    const { p, conn, send } = await connected({ peer: { initialWindowSize: 10 }, answer: never });
    let returns = 0;
    const body = {
      [Symbol.asyncIterator]: () => ({
        next: () => Promise.resolve({ done: false as const, value: Buffer.alloc(100) }),
        return: () => {
          returns++;
          return returned();
        },
      }),
    };
    const controller = new AbortController();
    const upload = send('/up', { method: 'POST', body, signal: controller.signal });
    await p.settle();
    controller.abort('stop');
    const other = send('/other');
    await p.settle();
    assert.deepEqual([upload.error, returns], ['stop', 1]);
    p.peer(0).ok(3);
    await p.settle();
    assert.equal(other.status, 200);
    await conn.shutdown();
    assert.equal(conn.state().closed, true);
    controller.abort('again');
    conn.close();
    await p.settle();
    assert.equal(returns, 1, 'stopped once');
  }
});

test('the first reason to stop a body stands', async () => {
  const { p, conn, send } = await connected({ peer: { initialWindowSize: 10 }, answer: never });
  const controller = new AbortController();
  const upload = send('/up', { method: 'POST', body: bodyOf(1_000), signal: controller.signal });
  await p.settle();
  controller.abort('first');
  conn.close('second');
  await p.settle();
  assert.equal(upload.error, 'first');
});

test('after setDoNotReuse running requests finish, new ones are refused, and the last one closes', async () => {
  const { p, conn, send } = await connected({ answer: never });
  const running = send('/1');
  await p.settle();
  conn.setDoNotReuse();
  const late = send('/2');
  await p.settle();
  assert.equal(late.code, 'ERR_PASSINGLANE_CONNECTION_UNUSABLE');
  assert.equal(conn.canTakeNewRequest(), false);
  p.peer(0).ok(1);
  await p.settle();
  assert.equal(running.status, 200);
  assert.deepEqual([conn.state().closed, p.peer(0).ended], [true, true]);
});

test('setDoNotReuse closes an idle connection', async () => {
  const { p, conn } = await connected();
  conn.setDoNotReuse();
  await p.settle();
  assert.deepEqual([conn.state().closed, p.peer(0).ended], [true, true]);
});

test('what is written last may take 250 ms, then the socket is given up', async () => {
  const { p, conn, send } = await connected({ answer: never });
  const call = send('/');
  await p.settle();
  p.peer(0).stallAfter = 0;
  const shutdown = conn.shutdown();
  p.peer(0).ok(1);
  await p.settle();
  assert.equal(call.status, 200);
  await shutdown;
  await p.clock.advance(249);
  assert.equal(p.peer(0).destroyed, false, 'GOAWAY has its chance');
  await p.clock.advance(1);
  assert.equal(p.peer(0).destroyed, true);
});

test('reservations are capped at the limit in strict mode too', async () => {
  const { conn } = await connected({ strictMaxConcurrentStreams: true, peer: { maxConcurrentStreams: 2 } });
  assert.deepEqual(
    [1, 2, 3].map(() => conn.reserveNewRequest()),
    [true, true, false],
  );
});
