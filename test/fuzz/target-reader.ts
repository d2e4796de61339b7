import assert from 'node:assert/strict';
import { FrameReader, FrameType, ProtocolViolation } from '../../dist/wire/index.js';
import { Input } from './input.js';

/**
 * The frame reader: whatever the bytes and however they are cut, it ends in frames or a ProtocolViolation of the
 * connection, and the frames do not depend on the cuts. The first byte says how to cut, the rest is a program of frames.
 */
export function fuzzReader(bytes: Uint8Array): void {
  const input = new Input(bytes);
  const cut = input.byte();
  const wire = frames(input);
  const whole = read(wire, wire.length);
  const pieces = read(wire, 1 + (cut % 37));
  assert.equal(pieces, whole, 'the frames depend on how the bytes were cut');
}

/** Frames whose headers are mostly right, so that the reader comes beyond them; and bytes as they are. */
function frames(input: Input): Uint8Array {
  const parts: Uint8Array[] = [];
  let total = 0;
  while (!input.ended && total < 40_000) {
    const kind = input.byte();
    let part: Uint8Array;
    if (kind >= 240) part = input.take(1 + (kind & 15));
    else {
      const type = kind % 18;
      const flags = input.byte();
      const streamId = input.long();
      // Beyond what the input holds a payload is zeros.
      const wanted = type === FrameType.Data || kind > 200 ? input.long() % 20_000 : input.byte() % 40;
      const payload = input.take(Math.min(wanted, 64));
      part = new Uint8Array(9 + wanted);
      const declared = kind % 23 === 22 ? input.short() : wanted;
      part.set([declared >> 16, declared >> 8, declared, type, flags]);
      part.set([streamId >>> 24, streamId >>> 16, streamId >>> 8, streamId], 5);
      part.set(payload, 9);
    }
    parts.push(part);
    total += part.length;
  }
  const wire = new Uint8Array(total);
  let at = 0;
  for (const part of parts) {
    wire.set(part, at);
    at += part.length;
  }
  return wire;
}

/** What a reader says of the bytes, as a hash-like line: frames with a sum over their payload, and how it ended. */
function read(wire: Uint8Array, size: number): string {
  const reader = new FrameReader(16_384);
  let said = '';
  let sum = 0;
  let data = 0;
  try {
    for (let at = 0; at < wire.length; at += size) {
      reader.push(wire.subarray(at, at + size));
      while (reader.next()) {
        assert.ok(reader.length <= 16_384 && reader.start <= reader.end && reader.end <= reader.bytes.length);
        if (reader.first) {
          sum = 0;
          data = reader.overhead;
        }
        for (let i = reader.start; i < reader.end; i++) sum = (sum * 31 + reader.bytes[i]!) | 0;
        data += reader.end - reader.start;
        if (!reader.last) continue;
        if (reader.type === FrameType.Data) assert.equal(data, reader.length, 'the pieces sum to the frame');
        said += `${reader.type},${reader.flags},${reader.streamId},${reader.length},${reader.value},${sum};`;
      }
    }
    return said;
  } catch (error) {
    if (!(error instanceof ProtocolViolation)) throw error;
    assert.equal(error.streamId, 0);
    return `${said}${error.errorCode} ${error.message}`;
  }
}
