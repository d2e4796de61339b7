import assert from 'node:assert/strict';
import { test } from 'node:test';
import { HealthState } from '../../dist/protocol/index.js';
import { harness } from '../support/harness.js';
import { flag, type as frameType } from '../support/raw-server.js';

test('an unread body holds its credit back', () => {
  const h = harness({ window: 64 }).greet();
  const r = h.get('/');
  h.expect.headers(r, { end: true });
  h.peer.headers(r, 200);
  h.peer.data(r, 64);
  h.expect.quiet('nobody has read yet');
  r.read(64);
  h.expect.credit(r, 64, 'all of it comes back once read');
  h.finish();
});

test('a request goes out with END_STREAM, and its answer comes back whole', () => {
  const h = harness().greet();
  const r = h.get('/a?b=c', ['x-one', '1']);
  const sent = h.expect.headers(r, { end: true });
  assert.deepEqual(sent.fields, [
    ':authority: test.example',
    ':method: GET',
    ':path: /a?b=c',
    ':scheme: https',
    'x-one: 1',
  ]);
  h.peer.headers(r, 200, { fields: [['content-length', '5']] });
  h.peer.data(r, 'hello', true);
  assert.deepEqual([r.status, r.body, r.ended], [200, 'hello', true]);
  r.read();
  assert.equal(h.view.streams.size, 0);
  h.finish();
});

test("a large header block is split at the peer's frame size, and nothing comes between its parts", () => {
  const h = harness().greet({ maxHeaderListSize: 1 << 20 });
  const r = h.get('/', ['big', 'é'.repeat(40_000)]);
  const sent = h.expect.headers(r, { end: true });
  assert.ok(sent.payload.length > 2 * 16_384, 'it took CONTINUATION frames');
  assert.equal(sent.fields?.at(-1), `big: ${'é'.repeat(40_000)}`);
  h.finish();
});

test('a request that the peer would refuse for its size leaves no trace', () => {
  const h = harness().greet({ maxHeaderListSize: 200 });
  for (let i = 0; i < 3; i++)
    assert.throws(() => h.get('/', ['big', 'x'.repeat(300)]), {
      code: 'ERR_PASSINGLANE_HEADERS_TOO_LARGE',
      unprocessed: true,
    });
  assert.equal(h.view.streams.size, 0);
  const r = h.get('/');
  assert.equal(r.id, 1, 'no stream ID was used up');
  h.expect.headers(r, { end: true });
  h.finish();
});

test('a body is sent as far as both windows go, and goes on when they open', () => {
  const h = harness().greet();
  const r = h.post('/up');
  h.expect.headers(r);
  r.send(Buffer.alloc(70_000, 0x61), true);
  const sizes = h.pending.map((sent) => sent.payload.length);
  assert.deepEqual(sizes, [16_384, 16_384, 16_384, 16_383]);
  for (const size of sizes) h.expect.data(r, 'a'.repeat(size), false);
  h.peer.windowUpdate(r.id, 100_000);
  h.expect.quiet('the stream window alone does not help while the connection window is 0');
  h.peer.windowUpdate(0, 100_000);
  h.expect.data(r, 'a'.repeat(70_000 - 65_535), true);
  assert.ok(r.sent);
  h.finish();
});

test('an empty END_STREAM and trailers need no window', () => {
  const h = harness().greet({ initialWindowSize: 0 });
  const one = h.post('/1');
  h.expect.headers(one);
  one.send('', true);
  h.expect.data(one, '', true);
  const two = h.post('/2');
  h.expect.headers(two);
  h.connection.sendTrailers(two.stream, ['x-sum', '1']);
  const trailers = h.expect.headers(two, { end: true }, 'trailers end the stream');
  assert.deepEqual(trailers.fields, ['x-sum: 1']);
  h.finish();
});

test('settings are applied and acknowledged in one step, and later blocks follow them', () => {
  const h = harness().greet();
  h.peer.settings({ headerTableSize: 0 });
  h.peer.settings({ headerTableSize: 4_096 });
  h.expect.frame(frameType.settings, 0, 'one ACK');
  h.expect.frame(frameType.settings, 0, 'another ACK');
  const r = h.get('/', ['x-a', 'b']);
  assert.equal(
    h.expect.headers(r, { end: true }).fields?.at(-1),
    'x-a: b',
    'a decoder that follows the sizes reads it',
  );
  h.finish();
});

test('a request cancelled before any sign of life keeps its slot until a PING is answered', () => {
  const h = harness().greet({ maxConcurrentStreams: 1 });
  const r = h.get('/');
  h.expect.headers(r, { end: true });
  r.reset();
  h.expect.reset(r, 8, 'CANCEL');
  const ping = h.expect.ping('with the reset');
  assert.equal(h.view.slotsUsed, 1);
  h.peer.pong(ping);
  assert.equal(h.view.slotsUsed, 0);
  h.finish();
});

test('once RST_STREAM is sealed there is no WINDOW_UPDATE for that stream, and late DATA returns its credit', () => {
  const h = harness({ window: 65_535, connectionWindow: 65_535 }).greet();
  const r = h.get('/');
  h.expect.headers(r, { end: true });
  h.peer.headers(r, 200);
  h.peer.data(r, 30_000);
  r.reset();
  h.expect.reset(r, 8, 'CANCEL');
  h.peer.data(r, 10_000);
  h.connection.consume(r.stream, 30_000);
  h.expect.connectionCredit(40_000, 'what was read and what came late is back');
  h.finish();
});

test('a stream that nobody reads does not hold up another', () => {
  const h = harness({ window: 65_535, connectionWindow: 131_070 }).greet();
  const unread = h.get('/unread');
  h.expect.headers(unread, { end: true });
  h.peer.headers(unread, 200);
  for (let i = 0; i < 4; i++) h.peer.data(unread, 16_000);
  const read = h.get('/read');
  h.connection.takeOutput(0, h.now);
  h.pump();
  h.peer.headers(read, 200);
  let got = 0;
  for (let i = 0; i < 40; i++) {
    const room = Math.min(h.connectionWindow, 16_000);
    assert.ok(room > 0, `the connection window is open after ${got} bytes`);
    h.peer.data(read, room);
    got += room;
    read.read();
    h.pump();
  }
  assert.ok(got > 500_000);
});

test('trailers without END_STREAM fail the stream alone', () => {
  const h = harness().greet();
  const r = h.get('/');
  h.expect.headers(r, { end: true });
  h.peer.headers(r, 200);
  h.peer.trailers(r, [['x', 'y']], false);
  h.expect.reset(r, 1, 'PROTOCOL_ERROR');
  assert.equal(r.error?.code, 'ERR_PASSINGLANE_PROTOCOL');
  assert.equal(h.failure, undefined);
  h.finish();
});

test('a first frame that is not SETTINGS ends the connection with GOAWAY', () => {
  const h = harness();
  h.expect.frame(frameType.settings, 0, 'our SETTINGS');
  h.expect.frame(frameType.windowUpdate, 0, 'our window');
  h.peer.frame(frameType.ping, 0, 0, Buffer.alloc(8));
  h.expect.goAway(1, 'PROTOCOL_ERROR');
  h.expect.failed('ERR_PASSINGLANE_PROTOCOL', 'and the owner is told');
});

test('GOAWAY fails what is above its last stream as unprocessed, and lets the rest finish', () => {
  const h = harness().greet();
  const calls = [h.get('/1'), h.get('/2'), h.get('/3')] as const;
  for (const call of calls) h.expect.headers(call, { end: true });
  h.peer.goAway(calls[1].id, 0, 'bye');
  assert.equal(calls[2].error?.code, 'ERR_PASSINGLANE_GOAWAY');
  assert.equal(calls[2].error.unprocessed, true);
  h.expect.quiet('the peer may not know the stream, on which a RST_STREAM would break the connection');
  for (const call of [calls[0], calls[1]]) {
    h.peer.headers(call, 200);
    h.peer.data(call, 'ok', true);
    assert.ok(call.ended);
  }
  assert.ok(h.drained, 'the connection closes after the last stream');
});

test('a body that is not what its Content-Length says is never whole', () => {
  for (const [sent, how] of [
    ['abc', 'shorter'],
    ['abcdefgh', 'longer'],
  ] as const) {
    const h = harness().greet();
    const r = h.get('/');
    h.expect.headers(r, { end: true });
    h.peer.headers(r, 200, { fields: [['content-length', '5']] });
    h.peer.data(r, sent, true);
    assert.equal(r.ended, false);
    assert.equal(r.error?.code, 'ERR_PASSINGLANE_RESPONSE_LENGTH');
    assert.match(r.error.message, new RegExp(how));
    assert.equal(r.body, sent.slice(0, 5), 'what had arrived is delivered');
  }
});

test('a reset in mid-body is an error whatever its code, also NO_ERROR', () => {
  for (const code of [0, 1, 2, 5, 7, 8, 11, 13]) {
    const h = harness().greet();
    const r = h.get('/');
    h.expect.headers(r, { end: true });
    h.peer.headers(r, 200);
    h.peer.data(r, 'part');
    h.peer.reset(r, code);
    assert.equal(r.error?.code, 'ERR_PASSINGLANE_STREAM_RESET');
    assert.equal(r.error.unprocessed, false, 'headers had come');
    h.expect.quiet('nothing is sent in reply');
  }
});

test('a stalled write makes the connection no candidate, and every query answers at once', () => {
  const h = harness().greet();
  const r = h.post('/up');
  h.expect.headers(r);
  r.send(Buffer.alloc(30_000), false);
  assert.ok(h.takeAndBlock() > 0);
  assert.equal(h.connection.health(h.now).state, HealthState.Busy, 'busy: the chunk is with the socket');
  h.now += 100;
  assert.equal(h.connection.health(h.now).state, HealthState.Stalled, 'stalled after stallTimeout');
  h.connection.tick(h.now);
  assert.ok(h.events.includes('stalled'));
  h.connection.outputTaken(h.now);
  assert.equal(
    h.connection.health(h.now).state,
    HealthState.Recovering,
    'recovering: what the socket holds may be unread',
  );
  assert.equal(h.connection.health(h.now, true).state, HealthState.Ready, 'with no other way to go it is ready again');
});

test('a silent connection asks for a sign of life before it carries anything new', () => {
  const h = harness().greet();
  const r = h.get('/');
  h.expect.headers(r, { end: true });
  h.now += 1_000;
  assert.equal(h.connection.health(h.now).state, HealthState.Silent, 'silent');
  h.connection.probe(h.now);
  const ping = h.expect.ping('the probe');
  assert.equal(h.connection.health(h.now).state, HealthState.Probing, 'probing');
  h.peer.pong(ping);
  assert.equal(h.connection.health(h.now).state, HealthState.Ready, 'alive');
  h.finish();
});

test('silence for readIdleTimeout asks with a PING, and pingTimeout later the connection is given up', () => {
  const h = harness({ config: { readIdleTimeout: 2_000, pingTimeout: 3_000, probeAfter: 0 } }).greet();
  const r = h.get('/');
  h.expect.headers(r, { end: true });
  h.advance(1_999);
  h.expect.quiet('not yet');
  h.advance(1);
  h.expect.ping('at 2 s');
  h.advance(2_999);
  assert.equal(h.failure, undefined);
  h.advance(1);
  h.expect.failed('ERR_PASSINGLANE_PING_TIMEOUT', 'at 5 s');
  assert.equal(r.error?.code, 'ERR_PASSINGLANE_PING_TIMEOUT');
});

test('padding comes back at once, on both levels', () => {
  const h = harness({ window: 65_535, connectionWindow: 65_535 }).greet();
  const r = h.get('/');
  h.expect.headers(r, { end: true });
  h.peer.headers(r, 200);
  const payload = Buffer.alloc(16_384);
  payload[0] = 200;
  for (let i = 0; i < 3; i++) {
    h.connectionWindow -= payload.length;
    h.peer.frame(frameType.data, flag.padded, r.id, payload);
  }
  assert.equal(r.body.length, 3 * (16_384 - 201));
  h.expect.connectionCredit(3 * 16_384, 'receipt returns the connection its credit');
  r.read();
  h.expect.credit(r, 3 * 16_384, 'padding and data');
  h.finish();
});
