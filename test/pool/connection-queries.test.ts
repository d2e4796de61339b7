/** What a connection answers when asked whether it takes a request, in each state that it can be in. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { TransportError } from '../../dist/index.js';
import { connected, never, poolHarness, type ConnFixture } from '../support/pool-harness.js';
import { type as frameType } from '../support/raw-server.js';

test('a request uses a reservation up, whoever made it, and goes out at once', async () => {
  const { p, conn, send } = await connected({ peer: { maxConcurrentStreams: 1 }, answer: never });
  assert.ok(conn.reserveNewRequest());
  assert.equal(conn.canTakeNewRequest(), false, 'the slot is spoken for');
  send('/of-another-caller');
  const { streamsReserved, streamsActive, streamsPending } = conn.state();
  assert.deepEqual([streamsReserved, streamsActive, streamsPending], [0, 1, 0]);
  send('/of-the-one-who-reserved');
  assert.equal(conn.state().streamsPending, 1, 'there is none left for it');
  await p.settle();
  assert.deepEqual(p.peer(0).requests, ['/of-another-caller']);
});

test('whatever keeps a connection from new requests shows in canTakeNewRequest, and a request is refused', async () => {
  const ways: Readonly<Record<string, (fixture: ConnFixture) => void>> = {
    'a GOAWAY has come': ({ p }) => p.peer(0).goAway(1),
    'it is lost': ({ p }) => p.peer(0).drop(),
    'it was closed': ({ conn }) => conn.close(),
    'it is shutting down': ({ conn }) => void conn.shutdown(),
    'its user wants it used no more': ({ conn }) => conn.setDoNotReuse(),
    'it was idle too long by the wall clock': ({ p }) => p.clock.sleep(90_001),
  };
  for (const [why, bring] of Object.entries(ways)) {
    const fixture = await connected();
    const { p, conn, send } = fixture;
    const first = send('/');
    await p.settle();
    assert.equal(first.status, 200);
    assert.equal(conn.canTakeNewRequest(), true);
    bring(fixture);
    assert.equal(conn.canTakeNewRequest(), false, why);
    assert.equal(conn.reserveNewRequest(), false, why);
    assert.equal(conn.state().closing, true, why);
    const late = send('/late');
    await p.settle();
    assert.equal(late.code, 'ERR_PASSINGLANE_CONNECTION_UNUSABLE', why);
    assert.equal((late.error as TransportError).unprocessed, true, why);
    assert.deepEqual(p.peer(0).requests, ['/'], why);
  }
});

test('at the limit canTakeNewRequest is false, strict or not, and a request waits its turn', async () => {
  for (const strictMaxConcurrentStreams of [false, true]) {
    const { p, conn, send } = await connected({
      strictMaxConcurrentStreams,
      peer: { maxConcurrentStreams: 1 },
      answer: never,
    });
    send('/1');
    const waiting = send('/2');
    await p.settle();
    assert.deepEqual([conn.canTakeNewRequest(), conn.state().closing, waiting.state], [false, false, 'pending']);
    p.peer(0).ok(1);
    await p.settle();
    assert.deepEqual(p.peer(0).requests, ['/1', '/2']);
  }
});

test('a connection for one request takes no second, during the first or after it', async () => {
  const { p, conn, send } = await connected({ maxRequestsPerConnection: 1, answer: never });
  const only = send('/1');
  assert.deepEqual([conn.canTakeNewRequest(), conn.state().closing], [false, true]);
  const second = send('/2');
  await p.settle();
  assert.equal(second.code, 'ERR_PASSINGLANE_CONNECTION_UNUSABLE');
  assert.equal((second.error as TransportError).initiator, 'local', 'a limit of ours');
  p.peer(0).ok(1);
  await p.settle();
  assert.deepEqual([only.status, conn.state().closed, p.peer(0).ended], [200, true, true]);
  assert.deepEqual(p.peer(0).requests, ['/1']);
});

test('a connection that died unused says so, and names what broke it to who asks for a request', async () => {
  const { p, conn, send } = await connected();
  p.peer(0).drop(new Error('read ECONNRESET'));
  assert.deepEqual([conn.canTakeNewRequest(), conn.state().closed], [false, true]);
  const call = send('/');
  await p.settle();
  const error = call.error as TransportError;
  assert.deepEqual([error.code, error.unprocessed], ['ERR_PASSINGLANE_CONNECTION_UNUSABLE', true]);
  assert.match(error.message, /ECONNRESET/);
});

test('who ended a connection stands in the error of a request on it', async () => {
  const ends: Readonly<Record<string, (fixture: ConnFixture) => void>> = {
    'user: shutdown': ({ conn }) => void conn.shutdown(),
    'user: setDoNotReuse': ({ conn }) => conn.setDoNotReuse(),
    'user: close': ({ conn }) => conn.close(),
    'remote: GOAWAY': ({ p }) => p.peer(0).goAway(1),
    'remote: loss': ({ p }) => p.peer(0).drop(),
    'local: a breach of the protocol': ({ p }) => p.peer(0).send(frameType.data, 0, 0, Buffer.from('stream 0')),
    'local: idle too long': ({ p }) => p.clock.sleep(90_001),
  };
  for (const [what, end] of Object.entries(ends))
    for (const running of what.includes('idle') ? [false] : [false, true]) {
      const fixture = await connected({ answer: never });
      const { p, send } = fixture;
      if (running) send('/1');
      await p.settle();
      end(fixture);
      await p.settle();
      const late = send('/2');
      await p.settle();
      assert.equal(late.code, 'ERR_PASSINGLANE_CONNECTION_UNUSABLE', what);
      assert.equal((late.error as TransportError).initiator, what.split(':')[0], what);
    }
});

test('lastIdle is the wall clock at the end of the last stream, and undefined while one is open', async () => {
  for (const idleTimeout of [90_000, 0]) {
    const { p, conn, send } = await connected({ idleTimeout, answer: never });
    assert.equal(conn.state().lastIdle, undefined, 'before the first');
    send('/1');
    send('/3');
    await p.settle();
    p.peer(0).ok(1);
    await p.clock.advance(1_000);
    assert.equal(conn.state().lastIdle, undefined, 'one is still open');
    p.peer(0).ok(3);
    const ended = p.clock.wallNow();
    await p.clock.advance(500);
    assert.equal(conn.state().lastIdle, ended);
    send('/5');
    assert.equal(conn.state().lastIdle, undefined, 'in use again');
  }
});

test('what the socket says after close() is nobody’s error, and the reason given stays the one', async () => {
  const { p, conn, send } = await connected({ answer: never });
  const call = send('/');
  await p.settle();
  conn.close(new Error('mine'));
  p.peer(0).drop(new Error('EPIPE'));
  await p.settle();
  assert.equal(call.code, 'ERR_PASSINGLANE_CONNECTION_CLOSED');
  assert.equal(((call.error as TransportError).cause as Error).message, 'mine');
  const late = send('/late');
  await p.settle();
  assert.doesNotMatch((late.error as Error).message, /EPIPE/);
});

test('a connection that is to be used no more stays while a slot is reserved, and closes when it is given back', async () => {
  const { p, conn, send } = await connected({ answer: never });
  const call = send('/');
  await p.settle();
  assert.ok(conn.reserveNewRequest());
  conn.setDoNotReuse();
  p.peer(0).ok(1);
  await p.settle();
  assert.equal(call.status, 200);
  assert.deepEqual([conn.state().closing, conn.state().closed, p.peer(0).ended], [true, false, false]);
  conn.releaseReservation();
  await p.settle();
  assert.deepEqual([conn.state().closed, p.peer(0).ended], [true, true]);
});

test('of those who wait for one dial each can be aborted alone, at once, and the dial serves the others', async () => {
  const p = poolHarness({ dialTime: 1_000 });
  const controllers = [1, 2, 3].map(() => new AbortController());
  const calls = controllers.map(({ signal }, i) => p.get(`/${i}`, { signal }));
  await p.clock.advance(100);
  controllers[1]?.abort('not this one');
  await p.settle();
  assert.deepEqual(
    calls.map((call) => call.state),
    ['pending', 'failed', 'pending'],
  );
  assert.equal(calls[1]?.error, 'not this one');
  await p.clock.advance(900);
  assert.deepEqual([calls[0]?.status, calls[2]?.status, p.dials, p.abortedDials], [200, 200, 1, 0]);
  assert.deepEqual(p.peer(0).requests, ['/0', '/2']);
});
