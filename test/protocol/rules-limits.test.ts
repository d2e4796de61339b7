import assert from 'node:assert/strict';
import { test } from 'node:test';
import { HealthState } from '../../dist/protocol/index.js';
import { encodeFields } from '../support/hpack.js';
import { frame, harness, uint32, type Call, type Harness, type HarnessOptions } from '../support/harness.js';
import { flag, type as frameType } from '../support/raw-server.js';

const status200 = encodeFields([[':status', '200']]);

function asked(options?: HarnessOptions): { h: Harness; r: Call } {
  const h = harness(options).greet();
  const r = h.get('/');
  h.expect.headers(r, { end: true });
  return { h, r };
}

// --- H.6 and I: errors of the connection, floods ---

test('RFC 9113 5.4.1: GOAWAY with the code is there to be written after a failure, behind what was sealed', () => {
  const h = harness().greet();
  const r = h.get('/');
  h.peer.frame(frameType.goaway, 0, 1, uint32(0, 0));
  assert.equal(r.error?.unprocessed, false, 'its HEADERS are still going out');
  h.expect.headers(r, { end: true }, 'sealed before');
  h.expect.goAway(1, 'PROTOCOL_ERROR');
  h.peer.headers(r, 200);
  h.peer.close();
  h.connection.ping(h.now);
  h.expect.quiet('nothing more is read or written');
  assert.equal(h.connection.nextDeadline(), Infinity, 'no timer outlives it');
});

test('RFC 9113 5.4.1: what came before a violation in the same read is delivered', () => {
  const { h, r } = asked();
  h.peer.bytes(
    Buffer.concat([
      frame(frameType.headers, flag.endHeaders, r.id, status200),
      frame(frameType.data, flag.endStream, r.id, Buffer.from('whole')),
      frame(frameType.ping, 0, 0, Buffer.alloc(7)),
    ]),
  );
  assert.deepEqual([r.status, r.body, r.ended, r.error], [200, 'whole', true, undefined]);
  h.expect.goAway(6, 'FRAME_SIZE_ERROR');
});

test('RFC 9113 8.4: PUSH_PROMISE ends the connection', () => {
  const { h, r } = asked();
  h.peer.frame(frameType.pushPromise, flag.endHeaders, r.id, Buffer.concat([uint32(2), status200]));
  h.expect.goAway(1, 'PROTOCOL_ERROR');
  assert.equal(r.error?.code, 'ERR_PASSINGLANE_PROTOCOL');
});

test('RFC 9113 5.5: PRIORITY and unknown types are ignored, on any stream', () => {
  const { h, r } = asked();
  for (const id of [1, 3, 4, 101]) h.peer.frame(frameType.priority, 0, id, Buffer.alloc(5));
  for (const type of [0x0a, 0x0b, 0x0c, 0x0d, 0x0e, 0x0f, 0x42, 0xff]) {
    for (const id of [0, 1, 2, 77]) h.peer.frame(type, 0xff, id, Buffer.alloc(20));
  }
  h.peer.frame(0x10, 0, 0, Buffer.concat([uint32(1), Buffer.from('u=1')]));
  h.expect.quiet('nothing is answered');
  h.peer.headers(r, 204, { end: true });
  assert.equal(r.ended, true);
  h.finish();
});

test('RFC 9113 5.5, 6.10: inside a header block anything but its CONTINUATION ends the connection', () => {
  for (const [type, id] of [
    [0xbe, 0],
    [frameType.ping, 0],
    [frameType.data, 1],
    [frameType.headers, 1],
    [frameType.continuation, 3],
  ] as const) {
    const { h, r } = asked();
    h.peer.frame(frameType.headers, 0, r.id, status200);
    h.peer.frame(type, 0, id, Buffer.alloc(8));
    h.expect.goAway(1, `type ${type} on stream ${id}`);
    assert.equal(r.status, undefined);
  }
});

test('RFC 9113 4.2: a frame over our frame size ends the connection with FRAME_SIZE_ERROR', () => {
  const { h, r } = asked();
  h.peer.bytes(frame(frameType.data, 0, r.id, Buffer.alloc(16_385)).subarray(0, 9));
  h.expect.goAway(6, 'FRAME_SIZE_ERROR, as soon as the length is known');
  assert.equal(r.error?.errorCode, 'FRAME_SIZE_ERROR');
});

test('PINGs that nobody takes the answers of end the connection at the cap, and not before', () => {
  for (const [count, fails] of [
    [1_000, false],
    [1_001, true],
  ] as const) {
    const { h, r } = asked();
    h.peer.bytes(Buffer.concat(Array.from({ length: count }, () => frame(frameType.ping, 0, 0, Buffer.alloc(8)))));
    assert.equal(h.failure !== undefined, fails, `${count} PINGs`);
    if (!fails) continue;
    h.expect.failedWith('ENHANCE_YOUR_CALM', 'the cap');
    assert.equal(r.error?.code, 'ERR_PASSINGLANE_PROTOCOL');
    assert.ok(h.view.out.length < 20_000, 'what is left to write is bounded');
  }
});

test('SETTINGS that nobody takes the ACKs of end the connection at the cap', () => {
  const { h } = asked();
  for (let i = 0; i < 1_000; i++) h.peer.settings({ initialWindowSize: i });
  assert.equal(h.failure, undefined);
  h.peer.settings({});
  h.expect.failedWith('ENHANCE_YOUR_CALM', 'the cap');
  assert.ok(h.view.out.length < 20_000);
});

test('SETTINGS and PINGs share the cap', () => {
  const { h } = asked();
  for (let i = 0; i < 500; i++) {
    h.peer.settings({});
    h.peer.frame(frameType.ping, 0, 0, Buffer.alloc(8));
  }
  assert.equal(h.failure, undefined);
  h.peer.frame(frameType.ping, 0, 0, Buffer.alloc(8));
  h.expect.failedWith('ENHANCE_YOUR_CALM', 'the cap');
});

test('a peer that takes what it provokes may go on for ever, also while our own upload keeps output waiting', () => {
  const h = harness().greet({ initialWindowSize: 0x7fff_ffff });
  h.peer.windowUpdate(0, 0x7fff_0000 - 65_535);
  const r = h.post('/up');
  h.expect.headers(r);
  for (let i = 0; i < 5_000; i++) {
    if (r.stream.outgoing!.chunk === undefined) r.send(Buffer.alloc(1 << 20), false);
    h.peer.settings({});
    h.peer.frame(frameType.ping, 0, 0, Buffer.alloc(8));
    assert.ok(h.takeAndBlock() > 0);
    assert.ok(h.view.out.length > 0, 'more is waiting all the time');
    h.connection.outputTaken(h.now);
    assert.equal(h.failure, undefined, `after ${i} SETTINGS`);
    h.discard();
  }
});

test('CVE-2024-27316: a header block of too many CONTINUATIONs ends the connection', () => {
  const { h, r } = asked();
  h.peer.frame(frameType.headers, 0, r.id, status200);
  let count = 0;
  while (h.failure === undefined && count < 100_000) {
    count++;
    h.peer.frame(frameType.continuation, 0, r.id, encodeFields([['x', 'y']]));
  }
  assert.ok(count <= 257, `it took ${count}`);
  h.expect.goAway(11, 'ENHANCE_YOUR_CALM');
});

test('a few empty CONTINUATIONs pass, more end the connection', () => {
  for (const [count, fails] of [
    [4, false],
    [5, true],
  ] as const) {
    const { h, r } = asked();
    h.peer.frame(frameType.headers, flag.endStream, r.id, status200);
    for (let i = 0; i < count; i++) h.peer.frame(frameType.continuation, 0, r.id);
    assert.equal(h.failure !== undefined, fails, `${count} empty ones`);
    if (fails) {
      h.expect.goAway(11, 'ENHANCE_YOUR_CALM');
      continue;
    }
    h.peer.frame(frameType.continuation, flag.endHeaders, r.id, encodeFields([['x', 'y']]));
    assert.deepEqual([r.fields, r.ended], [['x', 'y'], true]);
  }
});

test('CONTINUATIONs are counted for each header block anew', () => {
  const h = harness().greet();
  for (let n = 0; n < 5; n++) {
    const r = h.get('/');
    h.expect.headers(r, { end: true });
    h.peer.frame(frameType.headers, flag.endStream, r.id, status200);
    for (let i = 0; i < 200; i++) h.peer.frame(frameType.continuation, 0, r.id, encodeFields([['x', 'y']]));
    for (let i = 0; i < 3; i++) h.peer.frame(frameType.continuation, 0, r.id);
    h.peer.frame(frameType.continuation, flag.endHeaders, r.id);
    assert.deepEqual([r.fields.length, r.ended], [400, true]);
  }
  h.finish();
});

test('a compressed block of more than twice the list limit ends the connection while it is being gathered', () => {
  const { h, r } = asked({ config: { maxHeaderListSize: 20_000 } });
  h.peer.frame(frameType.headers, 0, r.id, Buffer.alloc(16_384));
  h.peer.frame(frameType.continuation, 0, r.id, Buffer.alloc(16_384));
  assert.equal(h.failure, undefined);
  h.peer.frame(frameType.continuation, 0, r.id, Buffer.alloc(7_233));
  h.expect.goAway(11, 'ENHANCE_YOUR_CALM');
});

test('a block that is long only by its Huffman coding is read', () => {
  const { h, r } = asked({ config: { maxHeaderListSize: 20_000 } });
  const block = encodeFields([
    [':status', '200'],
    ...Array.from({ length: 100 }, (_, i): [string, string] => [`x-${i}`, 'v'.repeat(100)]),
  ]);
  const parts = [block.subarray(0, 3), block.subarray(3, 4_000), block.subarray(4_000)] as const;
  h.peer.frame(frameType.headers, flag.endStream, r.id, parts[0]);
  h.peer.frame(frameType.continuation, 0, r.id, parts[1]);
  h.peer.frame(frameType.continuation, flag.endHeaders, r.id, parts[2]);
  assert.deepEqual([r.fields.length, r.ended], [200, true], 'END_STREAM on HEADERS takes effect after the last part');
  h.finish();
});

test('RFC 9113 6.2: padding and priority fields of HEADERS are no part of the block', () => {
  const { h, r } = asked();
  const payload = Buffer.concat([Buffer.of(5), uint32(0x8000_0003), Buffer.of(15), status200, Buffer.alloc(5)]);
  h.peer.frame(frameType.headers, flag.endHeaders | flag.endStream | flag.padded | flag.priority, r.id, payload);
  assert.deepEqual([r.status, r.ended], [200, true]);
  h.finish();
});

test('RFC 9113 5.1.1: stream identifiers run out, and then the connection takes no more', () => {
  const h = harness().greet();
  (h.view as { nextStreamId: number }).nextStreamId = 0x7fff_ffff;
  assert.equal(h.connection.health(h.now).state, HealthState.Ready);
  const r = h.get('/');
  h.expect.headers(r, { end: true });
  assert.equal(r.id, 0x7fff_ffff);
  assert.equal(h.connection.accepts(h.now), false);
  h.peer.headers(r, 204, { end: true });
  assert.equal(r.ended, true);
});

test('a connection that reaches its number of requests takes no more and is done with the last', () => {
  const { h, r } = asked({ config: { maxRequests: 1 } });
  assert.equal(h.connection.health(h.now).state, HealthState.Closing);
  h.peer.headers(r, 204, { end: true });
  assert.equal(h.drained, true);
});

test('a reservation keeps a closing connection open until it is given back', () => {
  const h = harness().greet();
  h.connection.reserve();
  h.peer.goAway(0x7fff_ffff, 0);
  assert.equal(h.drained, false);
  h.connection.releaseReservation(h.now);
  assert.equal(h.drained, true);
});
