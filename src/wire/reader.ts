import { noBytes, uint24, uint32 } from './bytes.js';
import { defaultMaxFrameSize, ErrorCode, Flag, frameHeaderLength, FrameType, max31 } from './constants.js';
import { checkFrameHeader } from './frame-rules.js';
import { ProtocolViolation } from './violation.js';

/** What the next byte belongs to. */
const Stage = {
  Header: 0,
  /** A DATA payload, handed out in pieces. */
  Data: 1,
  /** Any other payload that means something to us, handed out whole. */
  Payload: 2,
  /** A payload that nobody reads: its frame is still reported, since floods are counted by the core. */
  Skip: 3,
} as const;
type Stage = (typeof Stage)[keyof typeof Stage];

/** A larger buffer for gathering one payload is dropped with that frame. */
const keptScratch = defaultMaxFrameSize;

/**
 * Cuts the peer's bytes into frames, pull-style, with any chunking: `push` a chunk, then call `next` until it
 * returns false, reading the fields after each true. The fields belong to the reader and hold until the next call.
 *
 * DATA is never assembled: each piece is a view of the chunk it came in. Every other payload comes once, whole: as
 * a view of the chunk where it lies inside one, else gathered into a scratch buffer no larger than `maxFrameSize`,
 * which is the only copy made here.
 *
 * A breach of the framing rules is thrown as a {@link ProtocolViolation} of the connection, as soon as the bytes that
 * show it are there, and thrown again by every later `next`. What a frame means (settings values, increments of
 * zero, stream states, push being off) and how many there may be is for the core to judge.
 */
export class FrameReader {
  /** The largest payload accepted, in bytes: the SETTINGS_MAX_FRAME_SIZE that the peer has acknowledged from us. */
  maxFrameSize: number;

  /** The frame header as on the wire, the reserved bit of the stream identifier cleared (RFC 9113 section 4.1). */
  type = 0;
  flags = 0;
  streamId = 0;
  /** The whole payload in bytes, with padding and fields. For DATA this is what flow control counts. */
  length = 0;

  /**
   * The payload at hand is `bytes[start..end)`. Padding, priority and the fields below are already taken off, so
   * that HEADERS, PUSH_PROMISE and CONTINUATION leave the fragment of the header block, GOAWAY its debug data and
   * PRIORITY_UPDATE its field value. Empty for types that we do not read (ALTSVC, ORIGIN, unknown ones).
   */
  bytes: Uint8Array = noBytes;
  start = 0;
  end = 0;
  /** Whether this is the first, and the last, piece of its frame. Both are true for everything but DATA. */
  first = true;
  /**
   * For DATA true once the whole frame, padding included, has passed. A piece is handed out as soon as it is there;
   * where the padding comes in a later chunk, an empty last piece follows it. END_STREAM takes effect here.
   */
  last = true;
  /** Padded DATA, on its first piece: the padding and its length byte, so that the pieces and this sum to `length`. */
  overhead = 0;
  /**
   * RST_STREAM and GOAWAY: the error code. WINDOW_UPDATE: the increment, 31 bits, zero included. PUSH_PROMISE: the
   * promised stream. PRIORITY_UPDATE: the prioritised stream. 0 for all others.
   */
  value = 0;
  /** GOAWAY: the last stream that the peer may have acted on. */
  lastStreamId = 0;

  private stage: Stage = Stage.Header;
  private chunk: Uint8Array = noBytes;
  private at = 0;
  private limit = 0;
  /** A frame header that spans chunks, and how much of it is there. */
  private readonly header = new Uint8Array(frameHeaderLength);
  private headerFilled = 0;
  /** A payload that spans chunks, and how much of it is there. */
  private scratch: Uint8Array = noBytes;
  private gathered = 0;
  /** Payload still to come: all of it under Skip, the data without the padding under Data. */
  private left = 0;
  /** DATA: padding still to come; -1 while the byte that tells is still to come. */
  private padding = 0;
  /** DATA: no piece of this frame has been handed out. */
  private fresh = true;
  /** The stream whose header block awaits CONTINUATION; 0 when none does. */
  private openBlock = 0;
  private violation: ProtocolViolation | undefined = undefined;

  /** @param maxFrameSize see {@link FrameReader.maxFrameSize} */
  constructor(maxFrameSize: number) {
    this.maxFrameSize = maxFrameSize;
  }

  /** Borrows the chunk until `next` has returned false, or thrown. Throws an Error when the previous one is unread. */
  push(chunk: Uint8Array): void {
    if (this.at < this.limit) throw new Error('FrameReader.push: call next() until it returns false first.');
    this.chunk = chunk;
    this.at = 0;
    this.limit = chunk.length;
  }

  /**
   * True: a frame, or a piece of a DATA frame, stands in the fields. False: every pushed byte is used up.
   * @throws ProtocolViolation with `streamId` 0; `type`, `flags`, `streamId` and `length` then tell which frame it was
   */
  next(): boolean {
    try {
      if (this.violation !== undefined) throw this.violation;
      return this.step() || this.release();
    } catch (error) {
      if (error instanceof ProtocolViolation) this.violation = error;
      this.release();
      throw error;
    }
  }

  private step(): boolean {
    if (this.stage === Stage.Header && !this.readHeader()) return false;
    switch (this.stage) {
      case Stage.Data:
        return this.readData();
      case Stage.Skip:
        return this.skipPayload();
      default:
        return this.readPayload();
    }
  }

  /** Gives the chunk back. */
  private release(): false {
    this.chunk = noBytes;
    this.at = 0;
    this.limit = 0;
    this.bytes = noBytes;
    this.start = 0;
    this.end = 0;
    return false;
  }

  private readHeader(): boolean {
    let from = this.chunk;
    let at = this.at;
    if (this.headerFilled === 0 && this.limit - at >= frameHeaderLength) {
      this.at = at + frameHeaderLength;
    } else {
      while (this.headerFilled < frameHeaderLength && this.at < this.limit) {
        this.header[this.headerFilled++] = this.chunk[this.at++]!;
      }
      if (this.headerFilled < frameHeaderLength) return false;
      this.headerFilled = 0;
      from = this.header;
      at = 0;
    }
    this.length = uint24(from, at);
    this.type = from[at + 3]!;
    this.flags = from[at + 4]!;
    this.streamId = uint32(from, at + 5) & max31;
    this.first = true;
    this.last = true;
    this.overhead = 0;
    this.value = 0;
    this.lastStreamId = 0;
    this.checkSize();
    this.checkSequence();
    checkFrameHeader(this.type, this.flags, this.streamId, this.length);
    this.begin();
    return true;
  }

  private checkSize(): void {
    if (this.length === 0x485454 && this.isHttp1Answer()) {
      // By far the most frequent cause of an impossible length, and one that its user can act on.
      throw new ProtocolViolation(
        ErrorCode.ProtocolError,
        'the peer answered in HTTP/1.1, not HTTP/2: frame header looked like an HTTP/1.1 header',
      );
    }
    if (this.length <= this.maxFrameSize) return;
    // RFC 9113 section 4.2.
    throw new ProtocolViolation(
      ErrorCode.FrameSizeError,
      `frame of ${this.length} bytes, where at most ${this.maxFrameSize} are allowed`,
    );
  }

  /** Whether the header that begins with `HTT` goes on with `P/1.1 `, or `P/1.0 ` as some small servers say. */
  private isHttp1Answer(): boolean {
    if (this.type !== 0x50 || this.flags !== 0x2f) return false;
    return this.streamId === 0x312e3120 || this.streamId === 0x312e3020;
  }

  /** RFC 9113 sections 4.3 and 6.10: nothing comes between the frames of one header block. */
  private checkSequence(): void {
    const open = this.openBlock;
    const continues = this.type === FrameType.Continuation;
    if (open === 0 && continues) {
      throw new ProtocolViolation(
        ErrorCode.ProtocolError,
        `CONTINUATION frame on stream ${this.streamId} without an unfinished header block`,
      );
    }
    if (open !== 0 && !(continues && this.streamId === open)) {
      throw new ProtocolViolation(
        ErrorCode.ProtocolError,
        `frame of type ${this.type} on stream ${this.streamId} inside the header block of stream ${open}`,
      );
    }
  }

  /** Sets out for the payload of the frame whose header has just passed every check. */
  private begin(): void {
    this.left = this.length;
    switch (this.type) {
      case FrameType.Data:
        this.stage = Stage.Data;
        this.padding = (this.flags & Flag.Padded) !== 0 ? -1 : 0;
        this.fresh = true;
        return;
      case FrameType.Headers:
      case FrameType.PushPromise:
      case FrameType.Continuation:
        this.openBlock = (this.flags & Flag.EndHeaders) !== 0 ? 0 : this.streamId;
        this.stage = Stage.Payload;
        return;
      case FrameType.Priority:
      case FrameType.RstStream:
      case FrameType.Settings:
      case FrameType.Ping:
      case FrameType.GoAway:
      case FrameType.WindowUpdate:
      case FrameType.PriorityUpdate:
        this.stage = Stage.Payload;
        return;
      default:
        this.stage = Stage.Skip; // RFC 9113 section 5.5: unknown types are ignored
    }
  }

  private readData(): boolean {
    if (this.padding < 0) {
      if (this.at === this.limit) return false;
      this.padding = this.chunk[this.at++]!;
      this.overhead = this.padding + 1;
      this.left = this.length - this.overhead;
      // RFC 9113 section 6.1: padding may fill what follows its length byte, and no more.
      if (this.left < 0) throw excessPadding('DATA', this.padding, this.length);
    }
    const available = this.limit - this.at;
    const taken = Math.min(this.left, available);
    const skipped = Math.min(this.padding, available - taken);
    this.left -= taken;
    this.padding -= skipped;
    const complete = this.left === 0 && this.padding === 0;
    const start = this.at;
    this.at += taken + skipped;
    if (taken === 0 && !complete) return false;

    this.bytes = this.chunk;
    this.start = start;
    this.end = start + taken;
    this.first = this.fresh;
    this.last = complete;
    if (!this.fresh) this.overhead = 0;
    this.fresh = false;
    if (complete) this.stage = Stage.Header;
    return true;
  }

  private skipPayload(): boolean {
    const skipped = Math.min(this.left, this.limit - this.at);
    this.left -= skipped;
    this.at += skipped;
    if (this.left > 0) return false;
    this.bytes = noBytes;
    this.start = 0;
    this.end = 0;
    this.stage = Stage.Header;
    return true;
  }

  private readPayload(): boolean {
    if (this.gathered === 0 && this.limit - this.at >= this.length) {
      this.bytes = this.chunk;
      this.start = this.at;
      this.at += this.length;
    } else {
      if (!this.gather()) return false;
      this.bytes = this.scratch;
      this.start = 0;
      if (this.scratch.length > keptScratch) this.scratch = noBytes;
    }
    this.end = this.start + this.length;
    this.stage = Stage.Header;
    this.parsePayload();
    return true;
  }

  /** Copies what is there of a payload that spans chunks. True: the payload is complete. */
  private gather(): boolean {
    const taken = Math.min(this.length - this.gathered, this.limit - this.at);
    if (taken === 0) return false;
    if (this.scratch.length < this.length) {
      // Small frames are the usual ones to be split, so that an idle connection need not keep a full-sized buffer.
      const small = this.length <= 1024;
      this.scratch = new Uint8Array(small ? 1024 : Math.max(this.length, keptScratch));
    }
    this.scratch.set(this.chunk.subarray(this.at, this.at + taken), this.gathered);
    this.at += taken;
    this.gathered += taken;
    if (this.gathered < this.length) return false;
    this.gathered = 0;
    return true;
  }

  /** Takes the fields off a payload that is there whole; that they fit has been checked with the header. */
  private parsePayload(): void {
    switch (this.type) {
      case FrameType.Headers:
        this.stripFields('HEADERS', (this.flags & Flag.Priority) !== 0 ? 5 : 0);
        return;
      case FrameType.PushPromise:
        this.stripFields('PUSH_PROMISE', 4);
        this.value = uint32(this.bytes, this.start - 4) & max31;
        return;
      case FrameType.RstStream:
        this.value = uint32(this.bytes, this.start);
        return;
      case FrameType.GoAway:
        this.lastStreamId = uint32(this.bytes, this.start) & max31;
        this.value = uint32(this.bytes, this.start + 4);
        this.start += 8;
        return;
      case FrameType.WindowUpdate:
        this.value = uint32(this.bytes, this.start) & max31;
        return;
      case FrameType.PriorityUpdate:
        this.value = uint32(this.bytes, this.start) & max31;
        this.start += 4;
        if (this.value === 0) {
          // RFC 9218 section 7.1.
          throw new ProtocolViolation(ErrorCode.ProtocolError, 'PRIORITY_UPDATE frame for stream 0');
        }
        return;
    }
  }

  /** Moves past the padding's length byte and `fields` bytes, and cuts the padding off the end. */
  private stripFields(name: string, fields: number): void {
    if ((this.flags & Flag.Padded) !== 0) {
      const padding = this.bytes[this.start++]!;
      this.end -= padding;
      // RFC 9113 sections 6.2 and 6.6. Of the connection, not the stream: a block that is not
      // decoded puts the header compression out of step for good.
      if (this.end < this.start + fields) throw excessPadding(name, padding, this.length);
    }
    this.start += fields;
  }
}

function excessPadding(name: string, padding: number, length: number): ProtocolViolation {
  const message = `${name} frame of ${length} bytes with ${padding} bytes of padding, more than it has room for`;
  return new ProtocolViolation(ErrorCode.ProtocolError, message);
}
