import assert from 'node:assert/strict';
import { test } from 'node:test';
import { harness, type Call, type Harness } from '../support/harness.js';
import { type as frameType } from '../support/raw-server.js';

/** The bytes of DATA that wait to be expected, per stream, all of them taken. */
function sentBytes(h: Harness): Map<number, number> {
  const sizes = new Map<number, number>();
  while (h.pending.length > 0) {
    const sent = h.expect.frame(h.pending[0]!.type, h.pending[0]!.streamId, 'whatever comes');
    if (sent.type === frameType.data) sizes.set(sent.streamId, (sizes.get(sent.streamId) ?? 0) + sent.payload.length);
  }
  return sizes;
}

function upload(h: Harness, size: number, ends = true): Call {
  const r = h.post('/up');
  h.expect.headers(r);
  r.send(Buffer.alloc(size, 0x61), ends);
  return r;
}

// --- F.1: sending ---

test("RFC 9113 6.9.2: a stream starts with the peer's initial window, the connection always with 65535", () => {
  const h = harness().greet({ initialWindowSize: 1_000_000 });
  const r = upload(h, 200_000);
  assert.deepEqual(sentBytes(h), new Map([[r.id, 65_535]]));
  h.peer.windowUpdate(0, 1_000_000);
  assert.deepEqual(sentBytes(h), new Map([[r.id, 200_000 - 65_535]]));
  h.finish();
});

test('HEADERS wait for no window', () => {
  const h = harness().greet({ initialWindowSize: 0 });
  const r = upload(h, 10);
  h.expect.quiet('no window');
  const other = h.get('/', ['big', 'x'.repeat(50_000)]);
  h.expect.headers(other, { end: true });
  h.peer.windowUpdate(r.id, 10);
  h.expect.data(r, 'a'.repeat(10), true);
  h.finish();
});

test('streams that only the connection window holds up all go on when it opens, by turns', () => {
  const h = harness().greet({ initialWindowSize: 100_000 });
  const first = upload(h, 65_535, false);
  sentBytes(h);
  const held = [upload(h, 20_000), upload(h, 20_000), upload(h, 20_000)];
  h.expect.quiet('the connection window is 0');
  h.peer.windowUpdate(0, 30_000);
  assert.deepEqual([...sentBytes(h).values()], [16_384, 13_616]);
  h.peer.windowUpdate(0, 30_000);
  assert.equal(
    [...sentBytes(h).values()].reduce((sum, size) => sum + size),
    30_000,
  );
  for (const r of held) assert.equal(r.sent, true);
  assert.equal(first.drained, 1);
  h.finish();
});

test('updates of a stream that the connection window holds up queue nothing', () => {
  const h = harness().greet();
  const r = upload(h, 100_000);
  assert.deepEqual(sentBytes(h), new Map([[r.id, 65_535]]));
  for (let i = 0; i < 1_000; i++) {
    h.peer.windowUpdate(r.id, 100);
    h.expect.quiet('the connection window is 0');
  }
  const { blocked } = h.view;
  assert.ok([...blocked].length <= 1, `${[...blocked].length} entries for one stream`);
  h.peer.windowUpdate(0, 100_000);
  assert.deepEqual(sentBytes(h), new Map([[r.id, 100_000 - 65_535]]));
  h.finish();
});

test('a stream that ends while the connection window holds it up is not kept', () => {
  const h = harness().greet({ initialWindowSize: 1 << 20 });
  upload(h, 65_535, false);
  for (let i = 0; i < 200; i++) {
    const r = upload(h, 10);
    sentBytes(h);
    h.peer.reset(r, 0);
  }
  assert.equal([...h.view.blocked].length, 0);
});

test('RFC 9113 6.9.2: SETTINGS may push a window below zero; nothing is sent until it is above again', () => {
  const h = harness().greet();
  h.peer.windowUpdate(0, 1 << 20);
  const r = upload(h, 100_000);
  assert.deepEqual(sentBytes(h), new Map([[r.id, 65_535]]));
  h.peer.settings({ initialWindowSize: 1_000 });
  assert.equal(r.stream.sendWindow, 1_000 - 65_535);
  h.expect.frame(frameType.settings, 0, 'its ACK');
  h.peer.windowUpdate(r.id, 64_535);
  h.expect.quiet('the window is 0 now');
  h.peer.windowUpdate(r.id, 500);
  h.expect.data(r, 'a'.repeat(500), false);
  h.peer.settings({ initialWindowSize: 65_535 });
  h.expect.frame(frameType.settings, 0, 'its ACK');
  assert.deepEqual(sentBytes(h), new Map([[r.id, 100_000 - 65_535 - 500]]));
  assert.equal(r.sent, true);
  h.finish();
});

test('SETTINGS that open the window again wake a stream, also to find the connection window empty', () => {
  const h = harness().greet({ initialWindowSize: 0 });
  const [one, two] = [upload(h, 65_535), upload(h, 10)];
  h.peer.settings({ initialWindowSize: 100_000 });
  h.expect.frame(frameType.settings, 0, 'its ACK');
  const first = [...sentBytes(h).values()];
  assert.equal(
    first.reduce((sum, size) => sum + size),
    65_535,
  );
  h.peer.settings({ initialWindowSize: 0 });
  h.expect.frame(frameType.settings, 0, 'its ACK');
  h.peer.windowUpdate(0, 1_000);
  h.expect.quiet('now the stream windows are in the way');
  h.peer.settings({ initialWindowSize: 100_000 });
  h.expect.frame(frameType.settings, 0, 'its ACK');
  sentBytes(h);
  assert.ok(one.sent && two.sent);
  h.finish();
});

test('RFC 9113 6.9: empty END_STREAM DATA and trailers go out although the window is below zero', () => {
  const h = harness().greet();
  const [one, two] = [upload(h, 1_000, false), upload(h, 1_000, false)];
  sentBytes(h);
  h.peer.settings({ initialWindowSize: 0 });
  h.expect.frame(frameType.settings, 0, 'its ACK');
  assert.equal(one.stream.sendWindow, -1_000);
  one.send('', true);
  h.expect.data(one, '', true);
  h.connection.sendTrailers(two.stream, ['x', 'y']);
  h.expect.headers(two, { end: true }, 'trailers');
  assert.ok(one.sent && two.sent);
  h.finish();
});

test('RFC 9113 6.9.1: a stream window above 2^31-1 fails its stream alone', () => {
  const h = harness().greet();
  const r = upload(h, 10, false);
  sentBytes(h);
  h.peer.windowUpdate(r.id, 0x7fff_ffff - 65_525);
  h.expect.quiet('just within');
  h.peer.windowUpdate(r.id, 1);
  h.expect.reset(r, 3, 'FLOW_CONTROL_ERROR');
  assert.equal(r.error?.errorCode, 'FLOW_CONTROL_ERROR');
  const next = upload(h, 10);
  h.expect.data(next, 'a'.repeat(10), true);
  h.finish();
});

test('RFC 9113 6.9.1: a connection window above 2^31-1 ends the connection', () => {
  const h = harness().greet();
  h.peer.windowUpdate(0, 0x7fff_ffff - 65_535);
  assert.equal(h.failure, undefined);
  h.peer.windowUpdate(0, 1);
  h.expect.goAway(3, 'FLOW_CONTROL_ERROR');
  h.expect.failed('ERR_PASSINGLANE_PROTOCOL', 'overflow');
});

test('RFC 9113 6.9.2: SETTINGS that push a stream window above 2^31-1 end the connection', () => {
  const h = harness().greet();
  const r = h.post('/up');
  h.expect.headers(r);
  h.peer.windowUpdate(r.id, 0x7fff_ffff - 65_535);
  h.peer.settings({ initialWindowSize: 65_536 });
  h.expect.goAway(3, 'FLOW_CONTROL_ERROR');
  assert.equal(r.error?.errorCode, 'FLOW_CONTROL_ERROR');
});

test('RFC 9113 6.9: a WINDOW_UPDATE of 0 fails the stream, and on stream 0 the connection', () => {
  const h = harness().greet();
  const r = h.post('/up');
  h.expect.headers(r);
  h.peer.windowUpdate(r.id, 0);
  h.expect.reset(r, 1, 'PROTOCOL_ERROR');
  assert.equal(h.failure, undefined);
  h.peer.windowUpdate(0, 0);
  h.expect.goAway(1, 'PROTOCOL_ERROR');
});

test('a WINDOW_UPDATE for a stream that is over is ignored, also one of 0', () => {
  const h = harness().greet();
  const r = h.get('/');
  h.expect.headers(r, { end: true });
  h.peer.headers(r, 200, { end: true });
  for (const increment of [0, 1, 0x7fff_ffff]) h.peer.windowUpdate(r.id, increment);
  h.expect.quiet('nothing is answered');
  assert.equal(h.failure, undefined);
  h.finish();
});

test("RFC 9113 4.2: frames follow the peer's frame size from the ACK on, up and down", () => {
  const h = harness().greet({ initialWindowSize: 1 << 20, maxFrameSize: 40_000 });
  h.peer.windowUpdate(0, 1 << 20);
  const r = h.post('/up');
  h.expect.headers(r);
  r.send(Buffer.alloc(50_000), false);
  assert.deepEqual(
    h.pending.map((sent) => sent.payload.length),
    [40_000, 10_000],
  );
  sentBytes(h);
  h.peer.settings({ maxFrameSize: 16_384 });
  r.send(Buffer.alloc(20_000), true);
  assert.deepEqual(
    h.pending.map((sent) => [sent.type, sent.payload.length]),
    [
      [frameType.settings, 0],
      [frameType.data, 16_384],
      [frameType.data, 3_616],
    ],
  );
  sentBytes(h);
  h.finish();
});

test('a reset drops what is not sealed of the body, and nothing follows RST_STREAM', () => {
  const h = harness().greet();
  const r = upload(h, 100_000);
  sentBytes(h);
  h.connection.sendTrailers(r.stream, ['x', 'y']);
  r.reset();
  h.peer.windowUpdate(r.id, 100_000);
  h.peer.windowUpdate(0, 100_000);
  h.expect.reset(r, 8, 'CANCEL');
  r.send('more', true);
  h.connection.sendTrailers(r.stream, ['x', 'y']);
  h.expect.quiet('the stream is over');
  h.finish();
});
