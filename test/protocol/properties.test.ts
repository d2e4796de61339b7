import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { frame, harness, type Harness, type HarnessOptions, type PeerValues } from '../support/harness.js';
import { flag, type as frameType } from '../support/raw-server.js';
import { drain, open, type Recorder } from '../support/recorder.js';
import { transcript, type Act } from '../support/transcript.js';

// --- arbitraries ---

const streamIds = [1, 3, 5, 7];
const anyStream = fc.nat(streamIds.length - 1);
const parts = fc.constantFrom(1, 1, 1, 2, 3, 7);
const padding = fc.constantFrom(0, 0, 0, 1, 50, 255);
const size = fc.oneof(fc.nat(20), fc.nat(3_000), fc.constant(16_000));

const peerValues: fc.Arbitrary<PeerValues> = fc.record(
  {
    headerTableSize: fc.constantFrom(0, 100, 4_096, 65_536),
    maxConcurrentStreams: fc.constantFrom(0, 1, 3, 100),
    initialWindowSize: fc.constantFrom(0, 1, 1_000, 65_535, 200_000),
    maxFrameSize: fc.constantFrom(16_384, 20_000, 100_000),
  },
  { requiredKeys: [] },
);

const legalAct: fc.Arbitrary<Act> = fc.oneof(
  { weight: 2, arbitrary: fc.record({ do: fc.constant('informational'), stream: anyStream, parts }) },
  {
    weight: 6,
    arbitrary: fc.record({
      do: fc.constant('headers'),
      stream: anyStream,
      parts,
      end: fc.nat(6).map((n) => n === 0),
      padding,
    }),
  },
  {
    weight: 10,
    arbitrary: fc.record({
      do: fc.constant('data'),
      stream: anyStream,
      size,
      padding,
      end: fc.nat(6).map((n) => n === 0),
    }),
  },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('trailers'), stream: anyStream, parts }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('reset'), stream: anyStream, code: fc.nat(15) }) },
  {
    weight: 2,
    arbitrary: fc.record({
      do: fc.constant('update'),
      stream: fc.nat(7),
      increment: fc.integer({ min: 1, max: 100_000 }),
    }),
  },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('settings'), values: peerValues }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('ping'), ack: fc.boolean() }) },
  {
    weight: 1,
    arbitrary: fc.record({
      do: fc.constant('goaway'),
      last: fc.constantFrom(0, 1, 3, 5, 0x7fff_ffff),
      code: fc.nat(14),
    }),
  },
  {
    weight: 1,
    arbitrary: fc.record({ do: fc.constant('ignored'), type: fc.constantFrom(0x0a, 0x0f, 0xbe), size: fc.nat(30) }),
  },
);

const breach = fc.record({ do: fc.constant('breach'), which: fc.nat(40) }) as fc.Arbitrary<Act>;
const legalActs = fc.array(legalAct, { maxLength: 40, size: 'max' });
const anyActs = fc.array(fc.oneof({ weight: 12, arbitrary: legalAct }, { weight: 1, arbitrary: breach }), {
  maxLength: 40,
  size: 'max',
});

const cuts = fc.array(fc.oneof(fc.constant(1), fc.integer({ min: 1, max: 20 }), fc.integer({ min: 1, max: 5_000 })), {
  minLength: 1,
  maxLength: 30,
  size: 'max',
});

function* cut(bytes: Buffer, sizes: readonly number[]): Generator<Buffer> {
  for (let at = 0, i = 0; at < bytes.length; i++) {
    const length = sizes[i % sizes.length]!;
    yield bytes.subarray(at, at + length);
    at += length;
  }
}

interface Run {
  readonly h: Harness;
  readonly log: string[];
  readonly calls: Recorder[];
}

/** A connection with a request on each of the streams: plain, with a body under way, HEAD, with its body sent. */
function begin(options: HarnessOptions): Run {
  const h = harness(options);
  const log: string[] = [];
  const calls = [
    open(h, log, 'GET', false),
    open(h, log, 'POST', true),
    open(h, log, 'HEAD', false),
    open(h, log, 'POST', true),
  ];
  h.connection.send(calls[1]!.stream, Buffer.alloc(100_000), false);
  h.connection.send(calls[3]!.stream, Buffer.alloc(100), true);
  drain(h);
  return { h, log, calls };
}

/** What the world was told of the connection as a whole, and how it stands. */
function outcome({ h, log, calls }: Run): unknown {
  const { streams, credit, slotsUsed, sendWindow } = h.view;
  return {
    log,
    events: h.events,
    failure: h.failure?.message,
    drained: h.drained,
    streams: [...streams.values()].map(({ id, state, sendWindow, recvWindow, owed }) => [
      id,
      state,
      sendWindow,
      recvWindow,
      owed,
    ]),
    credit: [credit.available, credit.owed],
    slotsUsed,
    sendWindow,
    unread: calls.map(({ unread }) => unread),
  };
}

// --- chunking ---

test("any chunking of the peer's bytes gives the same events, the same state and the same answer", () => {
  const windows = fc.constantFrom<HarnessOptions>(
    {},
    { window: 20_000 },
    { connectionWindow: 65_535, maxBuffered: 65_535 },
  );
  fc.assert(
    fc.property(anyActs, cuts, windows, (acts, sizes, options) => {
      const bytes = transcript(streamIds, acts);
      const [whole, cutUp, bytewise] = [begin(options), begin(options), begin(options)] as const;
      whole.h.peer.bytes(bytes);
      for (const chunk of cut(bytes, sizes)) cutUp.h.peer.bytes(Buffer.from(chunk));
      // One buffer for all, as a socket's `onread` has it: nothing of a chunk may be kept.
      const reused = Buffer.alloc(1);
      for (const byte of bytes) {
        reused[0] = byte;
        bytewise.h.peer.bytes(reused);
      }
      const expected = outcome(whole);
      assert.deepEqual(outcome(cutUp), expected);
      assert.deepEqual(outcome(bytewise), expected);
      const answer = drain(whole.h);
      assert.deepEqual(drain(cutUp.h), answer);
      assert.deepEqual(drain(bytewise.h), answer);
    }),
    { numRuns: 300 },
  );
});

test('reading, and writing out, between any two chunks changes nothing that a stream is told', () => {
  fc.assert(
    fc.property(legalActs, cuts, (acts, sizes) => {
      const bytes = transcript(streamIds, acts);
      const [whole, step] = [begin({}), begin({})] as const;
      whole.h.peer.bytes(bytes);
      for (const chunk of cut(bytes, sizes)) {
        step.h.peer.bytes(chunk);
        drain(step.h);
        for (const call of step.calls) call.read(step.h);
      }
      drain(whole.h);
      assert.equal(step.h.failure, undefined, 'a legal transcript breaks nothing');
      const told = ({ log, calls }: Run): string[][] =>
        calls.map(({ stream }) => coalesced(log.filter((line) => line.startsWith(`${stream.id} `))));
      assert.deepEqual(told(step), told(whole));
      assert.equal(step.h.budget.held, 0);
    }),
    { numRuns: 200 },
  );
});

/**
 * Log lines of one stream up to its end: its data in one piece, though other streams came between, and without what
 * depends on how much had been written: that it was sent, and that an upload failed behind a whole response.
 */
function coalesced(lines: readonly string[]): string[] {
  const out: string[] = [];
  for (const line of lines) {
    const [id, what] = line.split(' ', 2);
    if (what === 'sent') continue;
    const prefix = `${id} data `;
    const before = out.at(-1) ?? '';
    if (what === 'data' && before.startsWith(prefix)) out[out.length - 1] = before + line.slice(prefix.length);
    else out.push(line);
    if (what === 'end') break;
  }
  return out;
}

// --- noise ---

/** Feeds a connection and then ends it: whatever it is fed, it stays in bounds. */
function survives(chunks: Iterable<Uint8Array>): void {
  const run = begin({});
  const { h, calls } = run;
  let fed = 0;
  let answered = 0;
  for (const chunk of chunks) {
    fed += chunk.length;
    h.now += 7.3;
    h.peer.bytes(chunk);
    answered += drain(h).length;
    h.connection.tick(h.now);
    assert.ok(h.connection.nextDeadline() > h.now, 'no deadline is left behind');
    for (const call of calls) if (call.unread > 4_000) call.read(h);
  }
  // The upload of 100,000 bytes, then at most an answer of 17 bytes to each frame of 9 and one RST_STREAM a stream.
  assert.ok(answered <= 102_000 + 2 * fed, `${answered} bytes in answer to ${fed}`);
  const { view } = h;
  assert.equal(view.credit.available + view.credit.owed, view.credit.target);
  if (h.failure !== undefined) {
    const before = JSON.stringify(outcome(run));
    assert.equal(view.streams.size, 0, 'a failed connection has no streams');
    h.peer.bytes(frame(frameType.settings, 0, 0));
    h.peer.close();
    assert.equal(drain(h).length, 0);
    assert.equal(JSON.stringify(outcome(run)), before, 'nothing happens on it any more');
    assert.equal(h.connection.nextDeadline(), Infinity);
  } else {
    h.peer.close();
  }
  for (const call of calls) {
    call.assertSettled();
    call.read(h);
  }
  assert.equal(h.budget.held, 0);
}

const greeting = Buffer.concat([frame(frameType.settings, 0, 0), frame(frameType.settings, flag.ack, 0)]);

test('random bytes neither throw nor hang, and fail each stream at most once', () => {
  fc.assert(
    fc.property(
      fc.array(fc.uint8Array({ maxLength: 200 }), { maxLength: 10, size: 'max' }),
      fc.boolean(),
      (chunks, greeted) => {
        survives(greeted ? [greeting, ...chunks] : chunks);
      },
    ),
    { numRuns: 300 },
  );
});

test('random frames neither throw nor hang', () => {
  const anyFrame = fc
    .tuple(
      fc.nat(0x11),
      fc.nat(0xff),
      fc.constantFrom(0, 1, 2, 3, 5, 7, 9, 0x7fff_ffff),
      fc.uint8Array({ maxLength: 40, size: 'max' }),
    )
    .map(([type, flags, id, payload]) => frame(type, flags, id, payload));
  fc.assert(
    fc.property(fc.array(anyFrame, { maxLength: 30, size: 'max' }), (frames) => {
      survives([greeting, ...frames]);
    }),
    { numRuns: 300 },
  );
});

test('legal transcripts with bytes changed, dropped, doubled or inserted neither throw nor hang', () => {
  const mutation = fc.record({
    kind: fc.constantFrom('change', 'drop', 'double', 'insert'),
    at: fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true }),
    length: fc.integer({ min: 1, max: 30 }),
    value: fc.nat(255),
  });
  fc.assert(
    fc.property(legalActs, fc.array(mutation, { minLength: 1, maxLength: 5 }), cuts, (acts, mutations, sizes) => {
      let bytes = transcript(streamIds, acts);
      for (const { kind, at: where, length, value } of mutations) {
        const at = Math.floor(where * bytes.length);
        const [head, tail] = [bytes.subarray(0, at), bytes.subarray(at)];
        if (kind === 'change') bytes = Buffer.concat([head, Buffer.of(value), tail.subarray(1)]);
        else if (kind === 'drop') bytes = Buffer.concat([head, tail.subarray(length)]);
        else if (kind === 'double') bytes = Buffer.concat([head, tail.subarray(0, length), tail]);
        else bytes = Buffer.concat([head, Buffer.alloc(length, value), tail]);
      }
      survives(cut(bytes, sizes));
    }),
    { numRuns: 300 },
  );
});
