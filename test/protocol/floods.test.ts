import assert from 'node:assert/strict';
import { test } from 'node:test';
import { encodeFields } from '../support/hpack.js';
import { frame, harness, uint32, type Call, type Harness } from '../support/harness.js';
import { flag, type as frameType } from '../support/raw-server.js';

/** One frame that carries nothing, made for this request's connection. */
const nothings: readonly [name: string, make: (r: Call) => Buffer][] = [
  ['SETTINGS', () => frame(frameType.settings, 0, 0)],
  ['PING', () => frame(frameType.ping, 0, 0, Buffer.alloc(8))],
  ['unearned PING ACK', () => frame(frameType.ping, flag.ack, 0, Buffer.alloc(8))],
  ['empty DATA', (r) => frame(frameType.data, 0, r.id)],
  ['DATA of padding alone', (r) => frame(frameType.data, flag.padded, r.id, Buffer.of(0))],
  ['PRIORITY', (r) => frame(frameType.priority, 0, r.id, Buffer.alloc(5))],
  ['PRIORITY_UPDATE', (r) => frame(0x10, 0, 0, uint32(r.id))],
  ['an unknown type', () => frame(0x99, 0, 0)],
  ['GOAWAY', () => frame(frameType.goaway, 0, 0, uint32(0x7fff_ffff, 0))],
  ['WINDOW_UPDATE of 1 on the connection', () => frame(frameType.windowUpdate, 0, 0, uint32(1))],
  ['WINDOW_UPDATE of 1 on a stream', (r) => frame(frameType.windowUpdate, 0, r.id, uint32(1))],
  ['DATA of a stream that is over', () => frame(frameType.data, 0, 1, Buffer.from('late'))],
  ['RST_STREAM of a stream that is over', () => frame(frameType.rstStream, 0, 1, uint32(8))],
];

/** Streams 1, which is over, and 3, whose body has begun. */
function streaming(): { h: Harness; r: Call } {
  const h = harness().greet();
  const over = h.get('/over');
  h.expect.headers(over, { end: true });
  h.peer.headers(over, 200, { end: true });
  const r = h.get('/events');
  h.expect.headers(r, { end: true });
  h.peer.headers(r, 200);
  return { h, r };
}

/** Takes what a frame led to, as a socket does that takes everything. */
function take(h: Harness): void {
  h.pump();
  h.discard();
}

for (const [name, make] of nothings) {
  test(`${name}, sent without end and with nothing in between, ends the connection`, () => {
    const { h, r } = streaming();
    const bytes = make(r);
    let count = 0;
    while (h.failure === undefined && count < 100_000) {
      h.peer.bytes(bytes);
      count++;
      if (h.failure === undefined) take(h);
    }
    assert.equal(count, 20_001);
    h.expect.failedWith('ENHANCE_YOUR_CALM', name);
    assert.equal(r.error?.errorCode, 'ENHANCE_YOUR_CALM');
  });

  test(`${name} at a leisurely pace, or between frames that carry something, may go on for ever`, () => {
    const { h, r } = streaming();
    const bytes = make(r);
    for (let i = 0; i < 60_000; i++) {
      h.peer.bytes(bytes);
      h.now += 1;
      take(h);
    }
    assert.equal(h.failure, undefined, 'a thousand in a second');
    for (let i = 0; i < 60_000; i++) {
      h.peer.bytes(bytes);
      if (i % 10_000 === 0) h.peer.data(r, 'x');
      take(h);
    }
    assert.equal(h.failure, undefined, 'a byte of the body now and then');
    assert.equal(r.error, undefined);
  });
}

test('header blocks for streams that are over are a flood too, beyond those that cancelled requests may still get', () => {
  const { h } = streaming();
  let count = 0;
  const bytes = frame(frameType.headers, flag.endHeaders, 1, encodeFields([['x', 'y']]));
  for (; h.failure === undefined && count < 100_000; count++) h.peer.bytes(bytes);
  assert.equal(count, 2 * 4 + 20_001, 'four for each of two requests, and then the limit');
  h.expect.failedWith('ENHANCE_YOUR_CALM', 'late HEADERS');
});

test('bytes of a body that nobody waits for do not excuse a flood', () => {
  const { h } = streaming();
  let count = 0;
  for (; h.failure === undefined && count < 100_000; count++) {
    if (count % 1_000 === 0) h.peer.frame(frameType.data, 0, 1, Buffer.from('late'));
    else h.peer.frame(frameType.ping, flag.ack, 0, Buffer.alloc(8));
  }
  assert.equal(count, 20_001);
});

test('CVE-2019-9511: a window opened byte by byte is cut off, also while it lets our DATA out; larger steps may go on', () => {
  for (const [step, cut] of [
    [1, true],
    [64, false],
  ] as const) {
    const h = harness({ config: { stallTimeout: 0 } }).greet({ initialWindowSize: 0 });
    const r = h.post('/up');
    h.expect.headers(r);
    r.send(new Uint8Array(4_000_000));
    for (let i = 0; i < 40_000 && h.failure === undefined; i++) {
      h.peer.windowUpdate(r.id, step);
      h.peer.windowUpdate(0, step);
      take(h);
    }
    assert.equal(h.failure?.errorCode, cut ? 'ENHANCE_YOUR_CALM' : undefined, `steps of ${step}`);
  }
});

test('CVE-2019-9512, CVE-2019-9514: what a peer provokes and does not take is bounded, whatever it is', () => {
  const h = harness().greet();
  const calls = Array.from({ length: 900 }, (_, i) => h.get(`/${i}`));
  for (const call of calls) h.expect.headers(call, { end: true });
  assert.equal(h.takeAndBlock(), 0);
  for (const call of calls) h.peer.frame(frameType.headers, flag.endHeaders, call.id, encodeFields([['x', 'y']]));
  for (let i = 0; i < 2_000 && h.failure === undefined; i++) h.peer.frame(frameType.ping, 0, 0, Buffer.alloc(8));
  assert.ok(calls.every((call) => call.error?.code === 'ERR_PASSINGLANE_PROTOCOL'));
  assert.ok(h.view.replies.waiting <= 1_000);
  assert.ok(h.view.listed.length <= calls.length, 'a reset is a mark on its stream, however often it is due');
});

test('SETTINGS that move the windows of many streams count by those: a thousand of them are a frame that carries nothing', () => {
  const h = harness().greet({ maxConcurrentStreams: 3_000 });
  const calls = Array.from({ length: 2_500 }, () => h.get('/'));
  take(h);
  let count = 0;
  for (let window = 1; h.failure === undefined; window = 3 - window, count++) {
    h.peer.settings({ initialWindowSize: window });
    if (h.failure === undefined) take(h);
  }
  assert.equal(count, 5_000, 'each counts as four, beside the first SETTINGS');
  h.expect.failedWith('ENHANCE_YOUR_CALM', 'a flood');
  assert.equal(calls[0]?.error?.errorCode, 'ENHANCE_YOUR_CALM');
});
