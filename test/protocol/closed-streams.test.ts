/** What comes for streams that are over: RFC 9113 sections 5.1 and 6.1. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { encodeFields } from '../support/hpack.js';
import { harness, type Call, type Harness } from '../support/harness.js';
import { flag, type as frameType } from '../support/raw-server.js';

const streamClosed = 5;
const cancel = 8;

function asked(h: Harness): Call {
  const call = h.get('/');
  h.expect.headers(call, { end: true });
  return call;
}

function whole(h: Harness): Call {
  const call = asked(h);
  h.peer.headers(call, 200, { end: true });
  return call;
}

/** The peer has taken note of our reset. */
function cancelled(h: Harness): Call {
  const call = asked(h);
  h.peer.headers(call, 200);
  call.reset();
  h.expect.reset(call, cancel, 'CANCEL');
  return call;
}

function late(h: Harness, call: Call): void {
  h.peer.data(call, 'late');
}

test('DATA on a stream that the peer had ended is answered with STREAM_CLOSED once, and other requests go on', () => {
  const h = harness().greet();
  const over = whole(h);
  const other = asked(h);
  late(h, over);
  h.expect.reset(over, streamClosed, 'STREAM_CLOSED');
  late(h, over);
  h.peer.headers(over, 200, { end: true });
  h.expect.quiet('it has been said');
  h.peer.headers(other, 200);
  h.peer.data(other, 'all of it', true);
  assert.deepEqual([other.body, other.ended, over.error], ['all of it', true, undefined]);
  other.read();
  h.finish();
});

test('HEADERS in several frames on a stream that the peer had reset are answered as well, and decoded', () => {
  const h = harness().greet();
  const over = asked(h);
  h.peer.reset(over, cancel);
  // Literals with incremental indexing: the next block refers to the entry.
  const block = Buffer.concat([Buffer.of(0x88, 0x40, 3), Buffer.from('x-a'), Buffer.of(1), Buffer.from('b')]);
  h.peer.frame(frameType.headers, 0, over.id, block.subarray(0, 3));
  h.expect.quiet('the block goes on');
  h.peer.frame(frameType.continuation, flag.endHeaders, over.id, block.subarray(3));
  h.expect.reset(over, streamClosed, 'STREAM_CLOSED');
  const next = asked(h);
  h.peer.frame(frameType.headers, flag.endHeaders | flag.endStream, next.id, Buffer.of(0x88, 0x80 | 62));
  assert.deepEqual(next.fields, ['x-a', 'b']);
  h.finish();
});

test('what comes for streams that we have reset is ignored, however many those are', () => {
  const h = harness().greet();
  const calls: Call[] = [];
  for (let i = 0; i < 3_000; i++) calls.push(cancelled(h));
  for (const call of calls) late(h, call);
  for (const { id } of calls) h.peer.frame(frameType.headers, flag.endHeaders, id, encodeFields([['x', 'y']]));
  h.expect.quiet('the peer had not seen the resets yet');
  assert.equal(h.failure, undefined);
});

test('what is remembered of resets is bounded: streams from before are taken for such', () => {
  const h = harness().greet();
  const over = whole(h);
  const calls: Call[] = [];
  for (let i = 0; i < 1_000; i++) calls.push(cancelled(h));
  const latest = whole(h);
  late(h, latest);
  h.expect.reset(latest, streamClosed, 'the 1,001st takes the place of the oldest');
  late(h, over);
  h.expect.quiet('it may be one of ours');
  assert.equal(h.failure, undefined);
});

test('answers that the peer does not take are bounded', () => {
  const h = harness().greet({ maxConcurrentStreams: 5_000 });
  const over = Array.from({ length: 1_001 }, () => whole(h));
  // Nothing is written from here on.
  for (const call of over.slice(0, 1_000)) late(h, call);
  assert.equal(h.failure, undefined);
  late(h, over[1_000]!);
  h.expect.failedWith('ENHANCE_YOUR_CALM', 'one answer more');
});
