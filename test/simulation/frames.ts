import { encodeFields, HpackDecoder } from '../support/hpack.js';

export { encodeFields, HpackDecoder };

/** RFC 9113 section 6, written for the simulator and without a look at src/wire: a shared mistake would hide itself. */
export const Type = {
  data: 0,
  headers: 1,
  priority: 2,
  rstStream: 3,
  settings: 4,
  pushPromise: 5,
  ping: 6,
  goAway: 7,
  windowUpdate: 8,
  continuation: 9,
} as const;

export const typeNames = [
  'DATA',
  'HEADERS',
  'PRIORITY',
  'RST_STREAM',
  'SETTINGS',
  'PUSH_PROMISE',
  'PING',
  'GOAWAY',
  'WINDOW_UPDATE',
  'CONTINUATION',
] as const;

export const Flag = { endStream: 1, ack: 1, endHeaders: 4, padded: 8, priority: 32 } as const;

/** RFC 9113 section 6.5.2 and RFC 8441. */
export const Setting = {
  headerTableSize: 1,
  enablePush: 2,
  maxConcurrentStreams: 3,
  initialWindowSize: 4,
  maxFrameSize: 5,
  maxHeaderListSize: 6,
} as const;

/** RFC 9113 section 7. */
export const Code = {
  noError: 0,
  protocolError: 1,
  internalError: 2,
  flowControlError: 3,
  streamClosed: 5,
  refusedStream: 7,
  cancel: 8,
  connectError: 10,
  enhanceYourCalm: 11,
  http11Required: 13,
} as const;

export const preface = Buffer.from('PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n', 'latin1');

export interface Frame {
  readonly type: number;
  readonly flags: number;
  readonly streamId: number;
  readonly payload: Buffer;
}

export function frame(type: number, flags: number, streamId: number, payload?: Uint8Array): Buffer {
  const length = payload?.length ?? 0;
  const bytes = Buffer.allocUnsafe(9 + length);
  bytes.writeUIntBE(length, 0, 3);
  bytes[3] = type;
  bytes[4] = flags;
  bytes.writeUInt32BE(streamId, 5);
  if (payload !== undefined) bytes.set(payload, 9);
  return bytes;
}

export function numbers(...values: readonly number[]): Buffer {
  const bytes = Buffer.alloc(values.length * 4);
  values.forEach((value, i) => bytes.writeUInt32BE(value >>> 0, i * 4));
  return bytes;
}

export function settings(entries: readonly (readonly [id: number, value: number])[]): Buffer {
  const bytes = Buffer.alloc(entries.length * 6);
  entries.forEach(([id, value], i) => {
    bytes.writeUInt16BE(id, i * 6);
    bytes.writeUInt32BE(value, i * 6 + 2);
  });
  return bytes;
}

/** Makes frames of bytes as they come. */
export class FrameReader {
  private parts: Buffer[] = [];
  private size = 0;

  push(bytes: Uint8Array): void {
    this.parts.push(Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength));
    this.size += bytes.length;
  }

  /** So many bytes that are no frame; undefined: they have not come. */
  take(length: number): Buffer | undefined {
    if (this.size < length) return undefined;
    let first = this.parts[0] ?? Buffer.alloc(0);
    if (first.length < length) {
      first = Buffer.concat(this.parts);
      this.parts = [first];
    }
    if (first.length === length) this.parts.shift();
    else this.parts[0] = first.subarray(length);
    this.size -= length;
    return first.subarray(0, length);
  }

  next(): Frame | undefined {
    if (this.size < 9) return undefined;
    if (this.parts[0]!.length < 9) this.parts = [Buffer.concat(this.parts)];
    const length = this.parts[0]!.readUIntBE(0, 3);
    const bytes = this.take(9 + length);
    if (bytes === undefined) return undefined;
    return {
      type: bytes.readUInt8(3),
      flags: bytes.readUInt8(4),
      streamId: bytes.readUInt32BE(5) & 0x7fff_ffff,
      payload: bytes.subarray(9),
    };
  }
}

/** What a body is made of: at each place a character that tells whose body it is, and where in it. */
const period = 89;
const pattern = Buffer.alloc(65_536 + period, Buffer.from(Array.from({ length: period }, (_, i) => 33 + i)));

/** So many bytes of a body, from a place in it; 64 KiB at most. */
export function piece(of: number, from: number, length: number): Buffer {
  const at = (from + of * 37) % period;
  return pattern.subarray(at, at + length);
}

/** Whether these are the bytes that belong there. */
export function isPiece(of: number, from: number, bytes: Uint8Array): boolean {
  for (let at = 0; at < bytes.length; at += 65_536) {
    const part = bytes.subarray(at, at + 65_536);
    if (piece(of, from + at, part.length).compare(part) !== 0) return false;
  }
  return true;
}
