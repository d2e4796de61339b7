import assert from 'node:assert/strict';
import { test } from 'node:test';
import { HealthState } from '../../dist/protocol/index.js';
import { encodeFields } from '../support/hpack.js';
import { harness, type Call, type Harness, type HarnessOptions } from '../support/harness.js';
import { flag, type as frameType } from '../support/raw-server.js';

const status200 = encodeFields([[':status', '200']]);

function asked(options?: HarnessOptions): { h: Harness; r: Call } {
  const h = harness(options).greet();
  const r = h.get('/');
  h.expect.headers(r, { end: true });
  return { h, r };
}

// --- H.1: GOAWAY received ---

test('after GOAWAY no request can start, and the owner is told', () => {
  const { h } = asked();
  h.peer.goAway(1, 0);
  assert.equal(h.connection.health(h.now).state, HealthState.Closing);
  assert.equal(h.connection.accepts(h.now), false);
  assert.ok(h.events.includes('goaway'));
  assert.equal(h.drained, false, 'a stream runs on');
});

test('of several GOAWAYs the first debug data, the first error and the newest last stream count', () => {
  const h = harness().greet();
  const calls = [h.get('/1'), h.get('/2'), h.get('/3')] as const;
  for (const call of calls) h.expect.headers(call, { end: true });
  h.peer.goAway(0x7fff_ffff, 0);
  h.peer.goAway(5, 0, 'first words');
  h.peer.goAway(3, 11, 'second words');
  h.peer.goAway(3, 2, 'third');
  assert.deepEqual([calls[0].error, calls[1].error], [undefined, undefined]);
  assert.equal(calls[2].error?.errorCode, 'ENHANCE_YOUR_CALM');
  h.peer.close();
  for (const call of [calls[0], calls[1]]) {
    assert.deepEqual([call.error?.code, call.error?.errorCode], ['ERR_PASSINGLANE_GOAWAY', 'ENHANCE_YOUR_CALM']);
    assert.match(call.error?.message ?? '', /first words/);
    assert.equal(call.error?.unprocessed, false, 'the server may have acted on it');
  }
});

test('a second GOAWAY with a lower stream ends the streams between', () => {
  const h = harness().greet();
  const calls = [h.get('/1'), h.get('/2'), h.get('/3')] as const;
  for (const call of calls) h.expect.headers(call, { end: true });
  h.peer.goAway(5, 0);
  assert.ok(calls.every((call) => call.error === undefined));
  h.peer.goAway(1, 0);
  assert.deepEqual(
    calls.map((call) => call.error?.unprocessed),
    [undefined, true, true],
  );
  h.expect.quiet('they may be idle to the peer');
  h.finish();
});

test('RFC 9113 5.1: no RST_STREAM goes out for what GOAWAY leaves out, be it cancelled before or heard of later', () => {
  const h = harness().greet();
  const calls = [h.get('/1'), h.get('/2'), h.get('/3')] as const;
  for (const call of calls) h.expect.headers(call, { end: true });
  calls[1].reset();
  h.peer.goAway(1, 0);
  h.expect.quiet('on an idle stream it would end the connection');
  h.peer.headers(calls[2], 200, { end: true });
  h.expect.quiet('what comes for it all the same is ignored');
  assert.equal(calls[2].error?.unprocessed, true);
  h.peer.headers(calls[0], 204, { end: true });
  assert.deepEqual([calls[0].ended, h.drained], [true, true]);
  h.finish();
});

test('a stream that was answered and that GOAWAY leaves out is reset: the peer knows it', () => {
  const { h, r } = asked();
  h.peer.headers(r, 200);
  h.peer.goAway(0, 0);
  assert.deepEqual([r.error?.code, r.error?.unprocessed], ['ERR_PASSINGLANE_GOAWAY', false]);
  h.expect.reset(r, 8, 'CANCEL');
  h.finish();
});

test('an error in GOAWAY on the first request of a connection is about that request', () => {
  const { h, r } = asked();
  h.peer.goAway(0, 2);
  assert.deepEqual([r.error?.code, r.error?.unprocessed], ['ERR_PASSINGLANE_GOAWAY', false]);
  const { h: other, r: graceful } = asked();
  other.peer.goAway(0, 0);
  assert.equal(graceful.error?.unprocessed, true, 'without an error it is not');
  assert.equal(h.failure, undefined);
});

test('the connection is done with its last stream, however that ends', () => {
  const endings: [string, (h: Harness, r: Call) => void][] = [
    ['response', (h, r) => h.peer.headers(r, 204, { end: true })],
    ['reset by the peer', (h, r) => h.peer.reset(r, 2)],
    ['reset by us', (h, r) => (r.reset(), h.expect.reset(r, 8, 'CANCEL'))],
    ['a second GOAWAY', (h) => h.peer.goAway(0, 0)],
    ['a violation', (h, r) => (h.peer.data(r, 'x'), h.expect.reset(r, 1, 'PROTOCOL_ERROR'))],
  ];
  for (const [how, end] of endings) {
    const { h, r } = asked();
    h.peer.goAway(1, 0);
    assert.equal(h.drained, false, how);
    end(h, r);
    assert.equal(h.drained, true, how);
    h.finish();
  }
});

test('GOAWAY on an idle connection ends it at once', () => {
  const h = harness().greet();
  h.peer.goAway(0, 0);
  assert.equal(h.drained, true);
});

test('a graceful notice with 2^31-1 ends no stream', () => {
  const { h, r } = asked();
  h.peer.goAway(0x7fff_ffff, 0);
  assert.equal(r.error, undefined);
  h.peer.headers(r, 200, { end: true });
  assert.deepEqual([r.ended, h.drained], [true, true]);
  h.finish();
});

test('a stream whose HEADERS are sealed when GOAWAY arrives, and not yet with the socket, is unprocessed', () => {
  const h = harness().greet();
  const r = h.get('/');
  h.peer.goAway(0, 0);
  assert.equal(r.error?.unprocessed, true);
  h.expect.headers(r, { end: true }, 'sealed bytes stay in order');
  assert.equal(h.drained, true);
  h.finish();
});

test('RFC 9113 6.8: our own GOAWAY goes out once, names stream 0, and admits nothing from then on', () => {
  const { h, r } = asked();
  h.connection.goAway(h.now);
  h.connection.goAway(h.now);
  assert.equal(h.connection.health(h.now).state, HealthState.Closing);
  h.expect.goAway(0, 'NO_ERROR');
  h.peer.headers(r, 200);
  h.peer.data(r, 'whole', true);
  assert.deepEqual([r.body, r.ended, h.drained], ['whole', true, true]);
  r.read();
  h.finish();
});

test('GOAWAY behind HEADERS that are sealed and not sent is after them on the wire, and their stream finishes', () => {
  const h = harness().greet();
  const r = h.post('/up');
  h.connection.goAway(h.now);
  r.send('body', true);
  h.expect.headers(r);
  h.expect.goAway(0, 'NO_ERROR');
  h.expect.data(r, 'body', true);
  h.peer.headers(r, 200, { end: true });
  assert.deepEqual([r.ended, h.drained], [true, true]);
  h.finish();
});

test('an error after a graceful GOAWAY is still an error, told to the peer and to the streams', () => {
  const { h, r } = asked();
  h.connection.goAway(h.now);
  h.expect.goAway(0, 'NO_ERROR');
  h.peer.frame(frameType.pushPromise, flag.endHeaders, 1, Buffer.alloc(4));
  h.expect.goAway(1, 'PROTOCOL_ERROR');
  assert.equal(r.error?.errorCode, 'PROTOCOL_ERROR');
  h.expect.failed('ERR_PASSINGLANE_PROTOCOL', 'the failure overrides the graceful end');
});

// --- H.2: RST_STREAM ---

test('a reset from the peer ends its stream alone, answers nothing, and what had come can be read', () => {
  const { h, r } = asked();
  h.peer.headers(r, 200);
  h.peer.data(r, 'part');
  h.peer.reset(r, 2);
  assert.deepEqual(
    [r.body, r.error?.code, r.error?.errorCode],
    ['part', 'ERR_PASSINGLANE_STREAM_RESET', 'INTERNAL_ERROR'],
  );
  h.peer.reset(r, 2);
  r.read();
  h.expect.quiet('RFC 9113 5.4.2: no RST_STREAM in reply to one');
  assert.equal(h.connection.health(h.now).state, HealthState.Ready);
  h.finish();
});

test('PROTOCOL_ERROR from the peer retires the connection; other streams go on, and then it is done', () => {
  const h = harness().greet();
  const [one, two] = [h.get('/1'), h.get('/2')] as const;
  for (const call of [one, two]) h.expect.headers(call, { end: true });
  h.peer.reset(one, 1);
  assert.equal(h.connection.health(h.now).state, HealthState.Closing);
  assert.equal(h.drained, false);
  h.peer.headers(two, 200, { end: true });
  assert.deepEqual([two.ended, h.drained], [true, true]);
  h.finish();
});

test('NO_ERROR after a whole response ends the upload and leaves the response as it is', () => {
  const h = harness().greet();
  const r = h.post('/up');
  h.expect.headers(r);
  h.peer.headers(r, 413);
  h.peer.data(r, 'too much', true);
  h.peer.reset(r, 0);
  assert.deepEqual([r.ended, r.body, r.error?.errorCode], [true, 'too much', 'NO_ERROR']);
  r.send('more', true);
  h.expect.quiet('the stream is over');
  r.read();
  h.finish();
});

test('RFC 9113 8.7: only REFUSED_STREAM and HTTP_1_1_REQUIRED before a response say that nothing was done', () => {
  for (let code = 0; code <= 14; code++) {
    for (const answered of [false, true]) {
      const { h, r } = asked();
      if (answered) h.peer.headers(r, 200);
      h.peer.reset(r, code);
      const refused = code === 7 || code === 13;
      assert.equal(r.error?.unprocessed, refused && !answered, `code ${code}, answered: ${answered}`);
    }
  }
});

test('a stream that the peer resets while our own reset waits gets none', () => {
  const { h, r } = asked();
  r.reset();
  h.peer.reset(r, 8);
  h.expect.quiet('the peer is no longer interested');
  assert.deepEqual([r.error, h.view.slotsUsed], [undefined, 0]);
  h.finish();
});

test('a slot is free only once the RST_STREAM is sealed', () => {
  const { h, r } = asked();
  h.peer.headers(r, 200);
  r.reset();
  assert.equal(h.view.slotsUsed, 1);
  h.expect.reset(r, 8, 'CANCEL');
  assert.equal(h.view.slotsUsed, 0);
  h.finish();
});

// --- H.3: PING with a reset ---

test('a second request cancelled while the PING is out holds its slot too, and sends no further PING', () => {
  const h = harness().greet({ maxConcurrentStreams: 2 });
  const calls = [h.get('/1'), h.get('/2')] as const;
  for (const call of calls) h.expect.headers(call, { end: true });
  calls[0].reset();
  h.expect.reset(calls[0], 8, 'RST_STREAM first');
  const ping = h.expect.ping('in the same flush');
  calls[1].reset();
  h.expect.reset(calls[1], 8, 'one PING is enough');
  h.expect.quiet('no further PING');
  assert.equal(h.connection.health(h.now).state, HealthState.Full, 'a dead connection takes no more');
  h.peer.pong(ping);
  assert.equal(h.connection.health(h.now).state, HealthState.Ready);
  assert.ok(h.events.includes('capacity'), 'those who wait are told');
  h.finish();
});

test('after any frame of a stream or a WINDOW_UPDATE of the connection a reset frees its slot at once', () => {
  const signs: [string, (h: Harness, other: Call) => void][] = [
    ['HEADERS', (h, other) => h.peer.headers(other, 103)],
    ['RST_STREAM', (h, other) => h.peer.reset(other, 8)],
    ['WINDOW_UPDATE', (h, other) => h.peer.windowUpdate(other.id, 1)],
    ['WINDOW_UPDATE on stream 0', (h) => h.peer.windowUpdate(0, 1)],
  ];
  for (const [sign, send] of signs) {
    const h = harness().greet();
    const [other, r] = [h.get('/other'), h.get('/')] as const;
    for (const call of [other, r]) h.expect.headers(call, { end: true });
    send(h, other);
    const open = h.view.streams.size;
    r.reset();
    h.expect.reset(r, 8, `alive after ${sign}`);
    h.expect.quiet('no PING');
    assert.equal(h.view.slotsUsed, open - 1, sign);
  }
});

test('SETTINGS, PING and a GOAWAY-less silence are no sign that a request has been seen', () => {
  const h = harness().greet();
  const r = h.get('/');
  h.expect.headers(r, { end: true });
  h.peer.settings({});
  h.peer.frame(frameType.ping, 0, 0, Buffer.alloc(8));
  h.expect.frame(frameType.settings, 0, 'an ACK');
  h.expect.ping('an answer');
  r.reset();
  h.expect.reset(r, 8, 'CANCEL');
  h.expect.ping('nothing has been heard of a stream');
  assert.equal(h.view.slotsUsed, 1);
});

test('after an ACK no reset sends a PING until the next HEADERS or DATA, of any stream', () => {
  const { h, r } = asked();
  const cancel = (call: Call, ping: boolean, why: string): void => {
    call.reset();
    h.expect.reset(call, 8, why);
    if (ping) h.peer.pong(h.expect.ping(why));
    else h.expect.quiet(why);
    assert.equal(h.view.slotsUsed, 0, why);
  };
  const get = (): Call => {
    const call = h.get('/');
    h.expect.headers(call, { end: true });
    return call;
  };
  cancel(r, true, 'the first');
  cancel(get(), false, 'blocked by the ACK');
  h.peer.frame(frameType.headers, flag.endHeaders, r.id, status200);
  cancel(get(), true, 'HEADERS of a cancelled stream unblock');
  h.connectionWindow -= 1;
  h.peer.frame(frameType.data, 0, r.id, Buffer.of(1));
  cancel(get(), true, 'and so does DATA');
});

test('no PING with a reset on a connection that is ending, nor for a violation of the peer', () => {
  const { h, r } = asked();
  h.connection.stopReuse(h.now);
  r.reset();
  h.expect.reset(r, 8, 'CANCEL');
  h.expect.quiet('it ends anyway');
  assert.equal(h.drained, true);
  const { h: other, r: broken } = asked();
  other.peer.data(broken, 'x');
  other.expect.reset(broken, 1, 'PROTOCOL_ERROR');
  other.expect.quiet('the peer has just spoken');
  assert.equal(other.view.slotsUsed, 0);
});

test('a connection that goes away does not wait for slots that unconfirmed resets hold', () => {
  const { h, r } = asked();
  r.reset();
  h.expect.reset(r, 8, 'CANCEL');
  h.expect.ping('unanswered');
  assert.equal(h.drained, false);
  h.peer.goAway(1, 0);
  assert.equal(h.drained, true);
});
