import assert from 'node:assert/strict';
import { FrameReader } from '../../dist/wire/reader.js';
import { ProtocolViolation } from '../../dist/wire/violation.js';

/** Bytes from hex digits; spaces are for the eye. */
export function hex(digits: string): Uint8Array {
  return Uint8Array.from(Buffer.from(digits.replaceAll(' ', ''), 'hex'));
}

export function toHex(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString('hex');
}

export function concat(...parts: readonly Uint8Array[]): Uint8Array {
  return Uint8Array.from(Buffer.concat(parts));
}

/** A frame laid out here, not by the writer under test, so that the two cannot share a mistake. */
export function frame(type: number, flags: number, streamId: number, payload: Uint8Array | string = ''): Uint8Array {
  const body = typeof payload === 'string' ? hex(payload) : payload;
  const head = Buffer.alloc(9);
  head.writeUIntBE(body.length, 0, 3);
  head.writeUInt8(type, 3);
  head.writeUInt8(flags, 4);
  head.writeUInt32BE(streamId, 5);
  return concat(head, body);
}

/** What the reader's fields said at one `next`. */
export interface Seen {
  type: number;
  flags: number;
  streamId: number;
  length: number;
  payload: string;
  first: boolean;
  last: boolean;
  overhead: number;
  value: number;
  lastStreamId: number;
}

export function look(reader: FrameReader): Seen {
  return {
    type: reader.type,
    flags: reader.flags,
    streamId: reader.streamId,
    length: reader.length,
    payload: toHex(reader.bytes.subarray(reader.start, reader.end)),
    first: reader.first,
    last: reader.last,
    overhead: reader.overhead,
    value: reader.value,
    lastStreamId: reader.lastStreamId,
  };
}

/** Pushes the chunks in turn, each overwritten once it is used up as a socket's buffer would be. */
export function readInto(reader: FrameReader, chunks: readonly Uint8Array[]): Seen[] {
  const seen: Seen[] = [];
  for (const chunk of chunks) {
    const lent = chunk.slice();
    reader.push(lent);
    while (reader.next()) seen.push(look(reader));
    lent.fill(0xee);
  }
  return seen;
}

export function readAll(...chunks: readonly Uint8Array[]): Seen[] {
  return readInto(new FrameReader(16_384), chunks);
}

/** Cuts bytes into chunks of the given sizes, taken in turn and over again. */
export function cut(bytes: Uint8Array, sizes: readonly number[]): Uint8Array[] {
  const chunks: Uint8Array[] = [];
  for (let at = 0, i = 0; at < bytes.length; i++) {
    const to = at + sizes[i % sizes.length]!;
    chunks.push(bytes.slice(at, to));
    at = to;
  }
  return chunks;
}

/** DATA comes in pieces that depend on the chunking; put together again, frames compare whatever it was. */
export function joinPieces(pieces: readonly Seen[]): Seen[] {
  const frames: Seen[] = [];
  let open: Seen | undefined;
  for (const piece of pieces) {
    assert.equal(piece.first, open === undefined, 'the first piece says so, and no other does');
    if (open === undefined) open = { ...piece };
    else {
      assert.equal(piece.overhead, 0, 'overhead is told once');
      open.payload += piece.payload;
      open.last = piece.last;
    }
    if (open.last) {
      frames.push(open);
      open = undefined;
    }
  }
  assert.equal(open, undefined, 'the last piece says so');
  return frames;
}

/** The violation that these bytes are, read at once and byte by byte alike. */
export function violationOf(bytes: Uint8Array, maxFrameSize = 16_384): ProtocolViolation {
  const whole = caught(() => readInto(new FrameReader(maxFrameSize), [bytes]));
  const bytewise = caught(() => readInto(new FrameReader(maxFrameSize), cut(bytes, [1])));
  assert.equal(bytewise.message, whole.message, 'the chunking does not change the judgement');
  assert.equal(bytewise.errorCode, whole.errorCode);
  assert.equal(whole.streamId, 0, 'framing violations are of the connection');
  return whole;
}

function caught(read: () => void): ProtocolViolation {
  try {
    read();
  } catch (error) {
    assert.ok(error instanceof ProtocolViolation, String(error));
    return error;
  }
  assert.fail('no violation');
}
