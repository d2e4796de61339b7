import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { FrameType } from '../../dist/wire/constants.js';
import { OutputBuffer } from '../../dist/wire/output.js';
import { FrameReader } from '../../dist/wire/reader.js';
import { ProtocolViolation } from '../../dist/wire/violation.js';
import { FrameWriter } from '../../dist/wire/writer.js';
import { concat, cut, frame, joinPieces, look, readInto, toHex } from './support.js';
import type { Seen } from './support.js';

type Expected = Pick<Seen, 'type' | 'streamId' | 'payload'> & Partial<Seen>;

/** A call on the writer, and the frame that must come out of the reader. */
interface Written {
  write: (writer: FrameWriter) => void;
  frames: Expected[];
}

const max31 = 0x7fff_ffff;
const streamId = fc.integer({ min: 1, max: max31 });
const uint32 = fc.nat(0xffff_ffff);
const payload = fc.oneof(fc.uint8Array({ maxLength: 20 }), fc.uint8Array({ maxLength: 3_000 }));

const writtenFrame: fc.Arbitrary<Written> = fc.oneof(
  fc.tuple(streamId, payload, fc.boolean()).map(([id, bytes, end]): Written => ({
    write: (w) => w.data(id, bytes, 0, bytes.length, end),
    frames: [{ type: FrameType.Data, flags: end ? 1 : 0, streamId: id, payload: toHex(bytes) }],
  })),
  fc
    .tuple(streamId, payload, fc.boolean(), fc.integer({ min: 1, max: 4_000 }))
    .map(([id, block, end, size]): Written => ({
      write: (w) => w.headers(id, block, end, size),
      frames: headerFrames(id, block, end, size),
    })),
  fc.array(fc.tuple(fc.nat(0xffff), uint32), { maxLength: 10 }).map((pairs): Written => ({
    write: (w) => w.settings(pairs),
    frames: [{ type: FrameType.Settings, flags: 0, streamId: 0, payload: pairs.map(settingHex).join('') }],
  })),
  fc.constant<Written>({
    write: (w) => w.settingsAck(),
    frames: [{ type: FrameType.Settings, flags: 1, streamId: 0, payload: '' }],
  }),
  fc.tuple(fc.uint8Array({ minLength: 8, maxLength: 8 }), fc.boolean()).map(([bytes, ack]): Written => ({
    write: (w) => w.ping(bytes, ack),
    frames: [{ type: FrameType.Ping, flags: ack ? 1 : 0, streamId: 0, payload: toHex(bytes) }],
  })),
  fc.tuple(fc.nat(max31), uint32, payload).map(([last, code, debug]): Written => ({
    write: (w) => w.goAway(last, code, debug),
    frames: [{ type: FrameType.GoAway, streamId: 0, payload: toHex(debug), lastStreamId: last, value: code }],
  })),
  fc.tuple(streamId, uint32).map(([id, code]): Written => ({
    write: (w) => w.rstStream(id, code),
    frames: [{ type: FrameType.RstStream, streamId: id, payload: bigEndian(code), value: code }],
  })),
  fc.tuple(fc.nat(max31), fc.integer({ min: 1, max: max31 })).map(([id, increment]): Written => ({
    write: (w) => w.windowUpdate(id, increment),
    frames: [{ type: FrameType.WindowUpdate, streamId: id, payload: bigEndian(increment), value: increment }],
  })),
);

const chunkSizes = fc.array(fc.oneof(fc.integer({ min: 1, max: 12 }), fc.integer({ min: 1, max: 5_000 })), {
  minLength: 1,
  maxLength: 20,
});

test('frames written and then read with any chunking are the same frames', () => {
  fc.assert(
    fc.property(fc.array(writtenFrame, { maxLength: 12 }), chunkSizes, (calls, sizes) => {
      const out = new OutputBuffer();
      const writer = new FrameWriter(out);
      const parts: Uint8Array[] = [];
      for (const call of calls) {
        call.write(writer);
        parts.push(out.take(out.length).slice());
      }
      const reader = new FrameReader(16_384);
      const frames = joinPieces(readInto(reader, cut(concat(...parts), sizes)));
      const expected = calls.flatMap((call) => call.frames);
      assert.equal(frames.length, expected.length);
      frames.forEach((one, i) => assert.deepEqual({ ...one, ...expected[i] }, one));
    }),
  );
});

test('the pieces of a padded DATA frame and its overhead sum to its length with any chunking', () => {
  fc.assert(
    fc.property(payload, fc.nat(255), chunkSizes, (data, padding, sizes) => {
      const body = concat(Uint8Array.of(padding), data, new Uint8Array(padding));
      const pieces = readInto(new FrameReader(16_384), cut(frame(FrameType.Data, 9, 1, body), sizes));
      const total = pieces.reduce((sum, piece) => sum + piece.payload.length / 2 + piece.overhead, 0);
      assert.equal(total, body.length);
      assert.equal(joinPieces(pieces)[0]?.payload, toHex(data));
    }),
  );
});

/** Bytes that look enough like frames to reach every rule: true lengths, and types and flags that mean something. */
const frameLike = fc
  .tuple(fc.nat(0x12), fc.nat(255), fc.oneof(fc.nat(3), fc.nat(0xffff_ffff)), fc.uint8Array({ maxLength: 30 }))
  .map(([type, flags, id, body]) => frame(type, flags, id, body));
const hostile = fc
  .array(fc.oneof({ weight: 5, arbitrary: frameLike }, { weight: 1, arbitrary: fc.uint8Array({ maxLength: 40 }) }))
  .map((parts) => concat(...parts));

/** The frames that came whole, and the violation that ended it. */
function outcome(bytes: Uint8Array, sizes: readonly number[]): { frames: Seen[]; violation: string | undefined } {
  const reader = new FrameReader(200);
  const pieces: Seen[] = [];
  let violation: string | undefined;
  try {
    for (const chunk of cut(bytes, sizes)) {
      reader.push(chunk);
      while (reader.next()) {
        pieces.push(look(reader));
        assert.ok(pieces.length <= bytes.length, 'more pieces than bytes');
      }
    }
  } catch (error) {
    if (!(error instanceof ProtocolViolation)) throw error;
    violation = error.message;
  }
  while (pieces.at(-1)?.last === false) pieces.pop(); // DATA of which the end never came
  return { frames: joinPieces(pieces), violation };
}

test('random bytes end in frames or a ProtocolViolation, never in another error or a hang', () => {
  let violations = 0;
  fc.assert(
    fc.property(hostile, chunkSizes, (bytes, sizes) => {
      const whole = outcome(bytes, [1_000_000]);
      const cutUp = outcome(bytes, sizes);
      assert.deepEqual(cutUp, whole, 'the chunking changes nothing');
      if (whole.violation !== undefined) violations++;
    }),
    { numRuns: 1_000 },
  );
  assert.ok(violations > 0, 'the generator reached the rules');
});

function headerFrames(id: number, block: Uint8Array, end: boolean, size: number): Expected[] {
  const count = Math.max(1, Math.ceil(block.length / size));
  return Array.from({ length: count }, (_, i) => ({
    type: i === 0 ? FrameType.Headers : FrameType.Continuation,
    flags: (i === 0 && end ? 0x1 : 0) | (i === count - 1 ? 0x4 : 0),
    streamId: id,
    payload: toHex(block.subarray(i * size, (i + 1) * size)),
  }));
}

function bigEndian(value: number): string {
  return value.toString(16).padStart(8, '0');
}

function settingHex([id, value]: [number, number]): string {
  return id.toString(16).padStart(4, '0') + bigEndian(value);
}
