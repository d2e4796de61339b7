import { noBytes, putUint32 } from './bytes.js';
import { Flag, frameHeaderLength, FrameType, largestMaxFrameSize, max31 } from './constants.js';
import type { OutputBuffer } from './output.js';

/** RFC 9113 section 3.4. */
const clientPreface = Uint8Array.from('PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n', (character) => character.charCodeAt(0));

/**
 * Lays out frames (RFC 9113 sections 4.1 and 6) in an {@link OutputBuffer}: the only code that does. Each call seals
 * whole frames in one step. An argument that no frame can carry is a RangeError, thrown before anything is sealed
 *. We never pad, and the peer's frame size is the caller's to keep, except in `headers`
 *.
 */
export class FrameWriter {
  private readonly out: OutputBuffer;

  constructor(out: OutputBuffer) {
    this.out = out;
  }

  /** The 24 bytes that a client begins with; its SETTINGS follow (RFC 9113 section 3.4). */
  preface(): void {
    const at = this.out.reserve(clientPreface.length);
    this.out.bytes.set(clientPreface, at);
  }

  /** SETTINGS with the pairs in the order given; identifiers as in `SettingId` (RFC 9113 section 6.5). */
  settings(pairs: readonly (readonly [id: number, value: number])[]): void {
    for (const [id, value] of pairs) {
      if (id >>> 0 !== id || id > 0xffff) throw outOfRange('setting identifier', id, 0, 0xffff);
      checkUint32('setting value', value);
    }
    let at = this.frame(FrameType.Settings, 0, 0, pairs.length * 6);
    const bytes = this.out.bytes;
    for (const [id, value] of pairs) {
      bytes[at] = id >>> 8;
      bytes[at + 1] = id;
      putUint32(bytes, at + 2, value);
      at += 6;
    }
  }

  settingsAck(): void {
    this.frame(FrameType.Settings, Flag.Ack, 0, 0);
  }

  /** PING, or with `ack` the answer to one; `payload` is 8 bytes (RFC 9113 section 6.7). */
  ping(payload: Uint8Array, ack: boolean): void {
    if (payload.length !== 8) throw outOfRange('length of a PING payload', payload.length, 8, 8);
    const at = this.frame(FrameType.Ping, ack ? Flag.Ack : 0, 0, 8);
    this.out.bytes.set(payload, at);
  }

  /** GOAWAY; the top bit of `lastStreamId` is cleared (RFC 9113 section 6.8). */
  goAway(lastStreamId: number, errorCode: number, debug: Uint8Array = noBytes): void {
    checkUint32('error code', errorCode);
    const at = this.frame(FrameType.GoAway, 0, 0, 8 + debug.length);
    const bytes = this.out.bytes;
    putUint32(bytes, at, lastStreamId & max31);
    putUint32(bytes, at + 4, errorCode);
    bytes.set(debug, at + 8);
  }

  /** RST_STREAM (RFC 9113 section 6.4). */
  rstStream(streamId: number, errorCode: number): void {
    checkStream(streamId);
    checkUint32('error code', errorCode);
    const at = this.frame(FrameType.RstStream, 0, streamId, 4);
    putUint32(this.out.bytes, at, errorCode);
  }

  /** WINDOW_UPDATE for a stream, or for the connection with `streamId` 0; 1 to 2^31-1 (RFC 9113 section 6.9). */
  windowUpdate(streamId: number, increment: number): void {
    if (streamId !== 0) checkStream(streamId);
    if ((increment | 0) !== increment || increment < 1) throw outOfRange('window increment', increment, 1, max31);
    const at = this.frame(FrameType.WindowUpdate, 0, streamId, 4);
    putUint32(this.out.bytes, at, increment);
  }

  /**
   * A header block as HEADERS and as many CONTINUATIONs as `maxFrameSize`, the peer's, makes necessary: END_STREAM on
   * the HEADERS, END_HEADERS on the last frame, and nothing in between (RFC 9113 sections 4.3 and 6.10).
   */
  headers(streamId: number, block: Uint8Array, endStream: boolean, maxFrameSize: number): void {
    checkStream(streamId);
    if ((maxFrameSize | 0) !== maxFrameSize || maxFrameSize < 1 || maxFrameSize > largestMaxFrameSize) {
      throw outOfRange('maximum frame size', maxFrameSize, 1, largestMaxFrameSize);
    }
    let type: number = FrameType.Headers;
    let flags: number = endStream ? Flag.EndStream : 0;
    if (block.length <= maxFrameSize) {
      const at = this.frame(type, flags | Flag.EndHeaders, streamId, block.length);
      return copy(block, this.out.bytes, at);
    }
    let from = 0;
    do {
      const to = Math.min(from + maxFrameSize, block.length);
      if (to === block.length) flags |= Flag.EndHeaders;
      const at = this.frame(type, flags, streamId, to - from);
      this.out.bytes.set(block.subarray(from, to), at);
      type = FrameType.Continuation;
      flags = 0;
      from = to;
    } while (from < block.length);
  }

  /** DATA carrying `bytes[start..end)`, which may be empty (RFC 9113 section 6.1). */
  data(streamId: number, bytes: Uint8Array, start: number, end: number, endStream: boolean): void {
    checkStream(streamId);
    if ((end | 0) !== end || end > bytes.length) throw outOfRange('end of DATA', end, 0, bytes.length);
    if ((start | 0) !== start || start < 0 || start > end) throw outOfRange('start of DATA', start, 0, end);
    const payload = bytes.subarray(start, end); // before the frame's room is reserved: that of a detached buffer throws
    const at = this.frame(FrameType.Data, endStream ? Flag.EndStream : 0, streamId, end - start);
    this.out.bytes.set(payload, at);
  }

  /** Seals one frame: writes its header and returns the offset of its payload, which the caller then fills. */
  private frame(type: number, flags: number, streamId: number, length: number): number {
    if (length > largestMaxFrameSize) throw outOfRange('length of a frame', length, 0, largestMaxFrameSize);
    const at = this.out.reserve(frameHeaderLength + length);
    const bytes = this.out.bytes;
    bytes[at] = length >>> 16;
    bytes[at + 1] = length >>> 8;
    bytes[at + 2] = length;
    bytes[at + 3] = type;
    bytes[at + 4] = flags;
    putUint32(bytes, at + 5, streamId);
    return at + frameHeaderLength;
  }
}

/** A block of a request that resembles the one before is so short that the call of `set` would take longer. */
function copy(bytes: Uint8Array, to: Uint8Array, at: number): void {
  const { length } = bytes;
  if (length > 48) to.set(bytes, at);
  else for (let i = 0; i < length; i++) to[at + i] = bytes[i]!;
}

function checkStream(streamId: number): void {
  if ((streamId | 0) !== streamId || streamId < 1) throw outOfRange('stream identifier', streamId, 1, max31);
}

function checkUint32(name: string, value: number): void {
  if (value >>> 0 !== value) throw outOfRange(name, value, 0, 0xffff_ffff);
}

function outOfRange(name: string, value: number, least: number, most: number): RangeError {
  return new RangeError(`Invalid ${name}: ${value}. Allowed: ${least === most ? least : `${least} to ${most}`}.`);
}
