/** The end of a connection, graceful, forced or lost: what is refused, who is told, and in which order. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { HealthState } from '../../dist/protocol/index.js';
import { frame, harness, type Harness } from '../support/harness.js';
import { flag, type as frameType } from '../support/raw-server.js';

const forced = {
  code: 'ERR_PASSINGLANE_CONNECTION_CLOSED',
  message: 'closed',
  initiator: 'user',
  silent: true,
} as const;

/** What the connection looked like to each stream at the moment when it was told of its failure. */
function watchFailures(h: Harness, calls: readonly { onFailed(error: Error): void }[]): unknown[] {
  const seen: unknown[] = [];
  for (const call of calls) {
    const told = call.onFailed.bind(call);
    call.onFailed = (error) => {
      told(error);
      const { view } = h;
      seen.push({ streams: view.streams.size, state: h.connection.health(h.now).state, h: h.failure });
    };
  }
  return seen;
}

const ends: Readonly<Record<string, (h: Harness) => void>> = {
  'a forced close': (h) => {
    h.connection.fail(forced, h.now);
  },
  'a lost connection': (h) => {
    h.connection.lost(new Error('reset'), h.now);
  },
  'a broken protocol': (h) => {
    h.peer.frame(0x9, 0x4, 1, Buffer.alloc(1)); // CONTINUATION without HEADERS
  },
};

for (const [what, end] of Object.entries(ends)) {
  test(`${what} is marked and its streams are detached before the first of them is told, and its owner is told last`, () => {
    const h = harness().greet();
    const calls = [h.get('/1'), h.post('/2'), h.get('/3')];
    h.pump();
    const seen = watchFailures(h, calls);
    end(h);
    const state = { streams: 0, state: HealthState.Closing, h: undefined };
    assert.deepEqual(seen, [state, state, state]);
    assert.ok(h.failure !== undefined);
    end(h);
    assert.equal(seen.length, 3, 'once');
  });
}

test('a stream that is told of the end may cancel and read others', () => {
  const h = harness().greet();
  const calls = [h.get('/1'), h.post('/2'), h.get('/3')] as const;
  h.peer.headers(calls[2], 200);
  h.peer.data(calls[2], 'abc');
  h.pump();
  const [first, second, third] = calls;
  const told = first.onFailed.bind(first);
  first.onFailed = (error) => {
    told(error);
    second.reset();
    second.send('more', true);
    third.read();
  };
  h.connection.fail(forced, h.now);
  assert.deepEqual(
    calls.map((call) => call.error?.code),
    Array(3).fill('ERR_PASSINGLANE_CONNECTION_CLOSED'),
  );
  assert.equal(h.budget.held, 0);
});

test('a connection that breaks says nothing more, and what it had not handed over is unprocessed', () => {
  const h = harness().greet();
  const handed = h.get('/1');
  assert.ok(h.takeAndBlock() > 0);
  const sealed = h.get('/2');
  const length = h.view.out.length;
  assert.ok(length > 0, 'the second waits in the output');
  h.connection.lost(new Error('write EPIPE'), h.now);
  assert.deepEqual([handed.error?.unprocessed, sealed.error?.unprocessed], [false, true]);
  assert.match(handed.error?.message ?? '', /EPIPE/);
  assert.equal(h.view.out.length, length, 'neither RST_STREAM nor GOAWAY has joined it');
});

test('GOAWAY refuses new streams from the step that seals it, and names stream 0', () => {
  const h = harness().greet();
  const call = h.get('/');
  h.expect.headers(call, { end: true });
  h.connection.goAway(h.now);
  assert.equal(h.connection.health(h.now).state, HealthState.Closing, 'it is not even handed over yet');
  const sent = h.expect.frame(7, 0, 'GOAWAY');
  assert.deepEqual([...sent.payload], [0, 0, 0, 0, 0, 0, 0, 0], 'NO_ERROR, last stream 0, no debug data');
  h.peer.headers(call, 200);
  h.peer.data(call, 'all of it', true);
  assert.deepEqual([call.body, call.ended, h.drained], ['all of it', true, true]);
});

test('GOAWAY is sent once', () => {
  const h = harness().greet();
  h.get('/');
  h.connection.goAway(h.now);
  h.connection.goAway(h.now);
  h.pump();
  h.connection.goAway(h.now);
  assert.equal(h.pending.filter(({ type }) => type === 7).length, 1);
});

test('a stream that the peer resets counts as ended for a graceful close', () => {
  const h = harness().greet();
  const call = h.get('/');
  h.pump();
  h.connection.goAway(h.now);
  h.pump();
  assert.equal(h.drained, false);
  h.peer.reset(call, 2);
  assert.equal(h.drained, true);
});

test('a GOAWAY with an error explains the end that follows it', () => {
  const h = harness().greet();
  const call = h.get('/');
  h.pump();
  h.peer.goAway(call.id, 11, 'enough');
  h.connection.lost(undefined, h.now);
  assert.equal(call.error?.code, 'ERR_PASSINGLANE_GOAWAY');
  assert.equal(call.error.errorCode, 'ENHANCE_YOUR_CALM');
  assert.match(call.error.message, /enough/);
  assert.equal(call.error.unprocessed, false);
});

test('an end without a GOAWAY is a lost connection, with its cause; a response that is whole stands', () => {
  for (const cause of [undefined, new Error('ECONNRESET')]) {
    const h = harness().greet();
    const whole = h.get('/whole');
    const cut = h.get('/cut');
    const upload = h.post('/up');
    h.pump();
    h.peer.headers(whole, 200);
    h.peer.data(whole, 'whole', true);
    h.peer.headers(cut, 200);
    h.peer.data(cut, 'par');
    h.peer.headers(upload, 200, { end: true });
    h.connection.lost(cause, h.now);
    assert.deepEqual([whole.ended, whole.body, whole.error], [true, 'whole', undefined]);
    assert.equal(cut.error?.code, 'ERR_PASSINGLANE_CONNECTION_LOST');
    assert.equal(cut.error.cause, cause);
    assert.equal(cut.body, 'par');
    assert.equal(upload.ended, true, 'what the peer had ended was ended');
  }
});

test('a PING that its caller has given up is not kept, and its late ACK means nothing', () => {
  const h = harness().greet();
  const id = h.connection.ping(h.now);
  const ping = h.expect.ping('it goes out');
  h.connection.forgetPing(id);
  assert.deepEqual(h.view.liveness.pings, []);
  h.events.length = 0;
  h.peer.pong(ping);
  assert.deepEqual(h.events, []);
  h.finish();
});

test('the last stream ID is used, and then the connection takes no more requests and drains', () => {
  const h = harness().greet();
  (h.view as { nextStreamId: number }).nextStreamId = 0x7fff_ffff;
  assert.equal(h.connection.health(h.now).state, HealthState.Ready);
  const call = h.get('/');
  assert.equal(call.id, 0x7fff_ffff);
  h.expect.headers(call, { end: true });
  assert.equal(h.connection.health(h.now).state, HealthState.Closing);
  h.peer.headers(call, 200, { end: true });
  assert.ok(call.ended);
  assert.equal(h.drained, true, 'it closes, since it can do nothing more');
});

test('a frame that the end of the stream cuts is a lost connection', () => {
  const h = harness().greet();
  const call = h.get('/');
  h.expect.headers(call, { end: true });
  h.peer.headers(call, 200);
  const whole = frame(frameType.data, flag.endStream, call.id, Buffer.from('hello'));
  h.connection.receive(whole.subarray(0, -3), h.now);
  h.peer.close();
  assert.equal(call.error?.code, 'ERR_PASSINGLANE_CONNECTION_LOST');
  assert.deepEqual([call.body, call.ended], ['he', false]);
});
