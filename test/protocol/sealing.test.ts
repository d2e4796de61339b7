/** What becomes bytes, and in which order: header blocks, SETTINGS and their ACKs, resets, credit. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { harness, settingsPayload, uint32 } from '../support/harness.js';
import { flag, type as frameType } from '../support/raw-server.js';

const filler = (seed: number, length: number): string =>
  Array.from({ length }, (_, i) => String.fromCharCode(0x61 + ((i * 7 + seed * 13) % 26))).join('');

test('header and trailer blocks follow one another on the wire in the order of their encoding', () => {
  const h = harness().greet();
  const calls = Array.from({ length: 8 }, (_, i) => h.post(`/${i}`, ['x-seed', filler(i, 40), 'x-same', 'same']));
  for (const [i, call] of [...calls.entries()].reverse())
    h.connection.sendTrailers(call.stream, ['x-sum', filler(i, 50), 'x-same', 'same']);
  const late = h.get('/late', ['x-seed', filler(3, 40), 'x-sum', filler(5, 50)]);
  for (const [i, call] of calls.entries())
    assert.deepEqual(h.expect.headers(call).fields?.slice(-2), [`x-seed: ${filler(i, 40)}`, 'x-same: same']);
  const sent = h.expect.headers(late, { end: true }, 'a request goes before trailers that only wait to be sealed');
  assert.deepEqual(sent.fields?.slice(-2), [`x-seed: ${filler(3, 40)}`, `x-sum: ${filler(5, 50)}`]);
  for (const [i, call] of [...calls.entries()].reverse())
    assert.deepEqual(h.expect.headers(call, { end: true }).fields, [`x-sum: ${filler(i, 50)}`, 'x-same: same']);
  h.finish();
});

test('a block lies untouched in the output while others are encoded after it', () => {
  const h = harness().greet();
  const calls = Array.from({ length: 10 }, (_, i) => h.get('/', ['big', filler(i, 4_096)]));
  for (const [i, call] of calls.entries())
    assert.equal(h.expect.headers(call, { end: true }).fields?.at(-1), `big: ${filler(i, 4_096)}`);
  h.finish();
});

test('no ACK, reset, credit or DATA comes between HEADERS and their CONTINUATIONs', () => {
  const h = harness({ window: 65_535, connectionWindow: 65_535 }).greet();
  const reading = h.get('/down');
  const sending = h.post('/up');
  const dropped = h.post('/dropped');
  h.pump();
  h.peer.headers(reading, 200);
  h.peer.data(reading, 40_000);
  reading.read();
  sending.send('body', true);
  dropped.reset();
  h.peer.frame(frameType.ping, 0, 0, Buffer.alloc(8));
  const big = h.get('/big', ['big', filler(1, 60_000)]);
  h.peer.settings({ maxFrameSize: 20_000 });
  h.peer.frame(frameType.ping, 0, 0, Buffer.alloc(8));
  // The harness asserts that nothing interrupts a block; here, that all of it was waiting.
  const types = h.pending.map(({ type }) => type);
  for (const type of [frameType.ping, frameType.settings, frameType.rstStream, frameType.windowUpdate, frameType.data])
    assert.ok(types.includes(type), `a frame of type ${type} was waiting`);
  assert.ok(h.pending.find(({ streamId }) => streamId === big.id)!.payload.length > 16_384);
});

test('DATA follows the header block of its stream, and streams opened later do not wait for it', () => {
  const h = harness().greet();
  const one = h.post('/1');
  one.send(filler(1, 40_000), true);
  const two = h.post('/2');
  two.send('two', true);
  h.expect.headers(one);
  h.expect.headers(two, {}, 'a request goes before DATA that only waits to be sealed');
  h.expect.data(one, filler(1, 16_384), false);
  h.expect.data(two, 'two', true, 'streams take turns');
  h.expect.data(one, filler(1, 32_768).slice(16_384), false);
  h.expect.data(one, filler(1, 40_000).slice(32_768), true);
  h.finish();
});

test('each SETTINGS gets one ACK at once, an ACK gets none', () => {
  const h = harness().greet();
  for (let i = 0; i < 3; i++) {
    h.peer.settings({ initialWindowSize: 1_000 + i });
    const ack = h.expect.frame(frameType.settings, 0, 'its ACK');
    assert.deepEqual([ack.flags, ack.payload.length], [flag.ack, 0]);
    h.expect.quiet('one ACK, no more');
  }
  h.peer.settings({});
  h.expect.frame(frameType.settings, 0, 'SETTINGS without a setting are acknowledged too');
  h.finish();
  const answered = harness();
  answered.expect.frame(frameType.settings, 0, 'our SETTINGS');
  answered.expect.frame(frameType.windowUpdate, 0, 'our window');
  answered.peer.settings({});
  answered.expect.frame(frameType.settings, 0, 'the ACK of theirs');
  answered.peer.frame(frameType.settings, flag.ack, 0);
  answered.finish();
});

test('SETTINGS with a bad value get no ACK, change nothing and end the connection', () => {
  const bad: [settings: Parameters<typeof settingsPayload>[0], errorCode: number][] = [
    [{ maxConcurrentStreams: 5, enablePush: 1 }, 1],
    [{ maxConcurrentStreams: 5, initialWindowSize: 0x8000_0000 }, 3],
    [{ maxConcurrentStreams: 5, maxFrameSize: 16_383 }, 1],
    [{ maxConcurrentStreams: 5, maxFrameSize: 16_777_216 }, 1],
  ];
  for (const [settings, errorCode] of bad) {
    const h = harness().greet({ maxConcurrentStreams: 9 });
    h.peer.settings(settings);
    h.expect.goAway(errorCode, 'and nothing else');
    h.expect.quiet('no ACK');
    h.expect.failed('ERR_PASSINGLANE_PROTOCOL', 'the connection is over');
    assert.equal(h.view.peer.maxConcurrentStreams, 9);
  }
});

test('DATA follows the ACK under the new settings, all of them, whatever was waiting', () => {
  const h = harness().greet({ initialWindowSize: 10 });
  const call = h.post('/up');
  h.expect.headers(call);
  call.send(filler(1, 40_000), true);
  h.expect.data(call, filler(1, 10), false, 'as far as the window goes');
  h.peer.settings({ initialWindowSize: 40_000, maxFrameSize: 30_000 });
  h.expect.frame(frameType.settings, 0, 'the ACK comes first');
  h.expect.data(call, filler(1, 30_010).slice(10), false, 'then a frame of the new size');
  h.expect.data(call, filler(1, 40_000).slice(30_010), true);
  h.finish();
});

test('table sizes of 0 and 4096 between requests keep both tables equal, in the order of the wire', () => {
  const h = harness().greet();
  const calls = [];
  for (let i = 0; i < 12; i++) {
    calls.push(h.get(`/${i}`, ['x-seed', filler(i % 3, 30)]));
    if (i % 4 === 1) h.peer.settings({ headerTableSize: 0 });
    if (i % 4 === 2) h.peer.settings({ headerTableSize: 4_096 });
    if (i % 4 === 3)
      h.peer.frame(
        frameType.settings,
        0,
        0,
        Buffer.concat([settingsPayload({ headerTableSize: 0 }), settingsPayload({ headerTableSize: 4_096 })]),
      );
  }
  const blocks = h.pending.filter(({ type }) => type === frameType.headers);
  assert.deepEqual(
    blocks.map(({ streamId, fields }) => [streamId, fields?.at(-1)]),
    calls.map(({ id }, i) => [id, `x-seed: ${filler(i % 3, 30)}`]),
  );
});

/** The frames in what the connection has to write, read by their headers alone. */
function written(h: ReturnType<typeof harness>): { type: number; flags: number; length: number }[] {
  const frames = [];
  const parts: Buffer[] = [];
  for (let bytes = h.connection.takeOutput(65_536, h.now); bytes.length > 0;) {
    parts.push(Buffer.from(bytes));
    h.connection.outputTaken(h.now);
    bytes = h.connection.takeOutput(65_536, h.now);
  }
  const all = Buffer.concat(parts);
  for (let at = 0; at < all.length; at += 9 + all.readUIntBE(at, 3))
    frames.push({ type: all[at + 3]!, flags: all[at + 4]!, length: all.readUIntBE(at, 3) });
  return frames;
}

test('twenty large blocks are split at the frame size that holds when each is sealed', () => {
  const h = harness().greet({ maxFrameSize: 30_000 });
  for (let i = 0; i < 20; i++) {
    if (i === 10) h.peer.settings({ maxFrameSize: 16_384 });
    h.get('/', ['big', 'é'.repeat(35_000)]);
  }
  const frames = written(h);
  const ack = frames.findIndex(({ type }) => type === frameType.settings);
  const largest = (part: typeof frames): number => Math.max(...part.map(({ length }) => length));
  assert.equal(frames.filter(({ type }) => type === frameType.headers).length, 20);
  assert.equal(largest(frames.slice(0, ack)), 30_000, 'the size of before was used before the ACK');
  assert.equal(largest(frames.slice(ack)), 16_384, 'no frame behind the ACK exceeds the new size');
});

test('a socket that takes a chunk within a millisecond gets a larger one next, and one that takes its time does not', () => {
  const h = harness().greet({ initialWindowSize: 1 << 20 });
  h.peer.frame(frameType.windowUpdate, 0, 0, uint32(1 << 20));
  h.pump();
  const call = h.post('/up');
  h.pump();
  call.send('x'.repeat(1 << 20), true);
  /** Hands out a chunk that is taken so many milliseconds later, and gives its length. */
  const chunk = (delay: number): number => {
    const { length } = h.connection.takeOutput(1 << 20, h.now);
    h.now += delay;
    h.connection.outputTaken(h.now);
    return length;
  };
  const frame = 9 + 16_384;
  assert.equal(chunk(2), 7 * frame, 'the HEADERS were taken at once');
  assert.equal(chunk(2), 4 * frame, 'whole frames, up to the mark of 64 KiB');
  assert.equal(chunk(1), 4 * frame);
  assert.equal(chunk(2), 7 * frame);
});

test('reading a body settles its credit first, and both levels announce it in one write', () => {
  const h = harness({ window: 65_535, connectionWindow: 65_535 }).greet();
  const call = h.get('/');
  h.expect.headers(call, { end: true });
  h.peer.headers(call, 200);
  h.peer.data(call, 40_000);
  call.read();
  const bytes = h.connection.takeOutput(65_536, h.now);
  assert.equal(bytes.length, 2 * 13, 'two WINDOW_UPDATEs');
  assert.equal(h.view.credit.owed, 0);
  assert.equal(call.stream.owed, 0);
});

test('a body closed early sends RST_STREAM(CANCEL), then the credit of all that came', () => {
  const h = harness({ window: 65_535, connectionWindow: 65_535 }).greet();
  const call = h.get('/');
  h.expect.headers(call, { end: true });
  h.peer.headers(call, 200);
  h.peer.data(call, 40_000);
  call.reset();
  h.expect.reset(call, 8, 'CANCEL comes first');
  h.expect.connectionCredit(40_000, 'then what was never read');
  assert.equal(h.view.streams.size, 0, 'and the stream is forgotten');
  call.read();
  h.expect.quiet('its own window is of no interest any more');
  h.finish();
});

test('a body closed after its end sends nothing', () => {
  const h = harness().greet();
  const call = h.get('/');
  h.expect.headers(call, { end: true });
  h.peer.headers(call, 200);
  h.peer.data(call, 'hello', true);
  call.reset();
  call.read();
  h.expect.quiet('the peer has ended the stream, and so little credit is not announced by itself');
  h.finish();
});

test('a socket that takes nothing does not stop the reading; what it provokes is capped', () => {
  const h = harness().greet();
  const call = h.post('/up');
  h.expect.headers(call);
  call.send(Buffer.alloc(1 << 20), false);
  assert.ok(h.takeAndBlock() > 0, 'a chunk is with the socket, and stays there');
  h.peer.headers(call, 200);
  h.peer.data(call, 'read on');
  assert.equal(call.body, 'read on');
  let pings = 0;
  while (h.failure === undefined && pings < 5_000) {
    h.peer.frame(frameType.ping, 0, 0, uint32(0, pings));
    pings++;
  }
  assert.equal(pings, 1_001, 'a thousand answers may wait');
  assert.equal(h.failure?.errorCode, 'ENHANCE_YOUR_CALM');
});

test('ACKs of SETTINGS that the socket does not take are capped as well', () => {
  const h = harness().greet();
  const call = h.post('/up');
  h.expect.headers(call);
  call.send(Buffer.alloc(1 << 20), false);
  h.takeAndBlock();
  let frames = 0;
  while (h.failure === undefined && frames < 5_000) {
    h.peer.settings({ maxConcurrentStreams: 100 });
    frames++;
  }
  assert.ok(frames <= 1_001, `${frames} SETTINGS were taken in`);
  assert.equal(h.failure?.errorCode, 'ENHANCE_YOUR_CALM');
});

test('a request that fails before it is sealed uses no stream ID and no slot', () => {
  const h = harness().greet({ maxHeaderListSize: 300, maxConcurrentStreams: 1 });
  const refused: [headers: readonly string[], code: string][] = [
    [['x-large', 'x'.repeat(400)], 'ERR_PASSINGLANE_HEADERS_TOO_LARGE'],
    [['connection', 'upgrade'], 'ERR_PASSINGLANE_INVALID_HEADER'],
    [['x-bad', 'a\nb'], 'ERR_PASSINGLANE_INVALID_HEADER'],
    [['transfer-encoding', 'gzip'], 'ERR_PASSINGLANE_INVALID_HEADER'],
  ];
  for (const [headers, code] of refused) assert.throws(() => h.get('/', headers), { code });
  assert.deepEqual([h.view.slotsUsed, h.view.nextStreamId], [0, 1]);
  const call = h.get('/');
  assert.equal(call.id, 1);
  h.expect.headers(call, { end: true });
  h.finish();
});

test('trailers that cannot be sent leave the stream to its owner, who cancels it', () => {
  const h = harness().greet({ maxHeaderListSize: 300 });
  const call = h.post('/up');
  h.expect.headers(call);
  assert.throws(() => h.connection.sendTrailers(call.stream, ['x', 'x'.repeat(400)]), {
    code: 'ERR_PASSINGLANE_HEADERS_TOO_LARGE',
  });
  assert.throws(() => h.connection.sendTrailers(call.stream, ['content-length', '1']), {
    code: 'ERR_PASSINGLANE_INVALID_HEADER',
  });
  h.expect.quiet('nothing of them is on the wire');
  call.reset();
  h.expect.reset(call, 8, 'CANCEL');
  h.peer.block(call.id, [[':status', '200']], true);
});
