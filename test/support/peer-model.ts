import assert from 'node:assert/strict';
import { HpackDecoder } from './hpack.js';
import { settingIds, type PeerValues } from './harness.js';
import { flag, type as frameType } from './raw-server.js';

/** One stream as the peer sees it. */
export class ModelStream {
  readonly id: number;
  /** What we may still send on it, and what the peer may. */
  theirWindow: number;
  ourWindow: number;
  /** END_STREAM has been seen from us, or sent by the peer. */
  requestEnded = false;
  answered = false;
  responseEnded = false;
  /** RST_STREAM has been seen from us, or sent by the peer. */
  resetByUs = false;
  resetByThem = false;
  received = 0;

  constructor(id: number, theirWindow: number, ourWindow: number) {
    this.id = id;
    this.theirWindow = theirWindow;
    this.ourWindow = ourWindow;
  }

  get open(): boolean {
    return !this.resetByUs && !this.resetByThem && !(this.requestEnded && this.responseEnded);
  }
}

/** A frame type that may not come between HEADERS and the end of its block does not get here. */
interface Open {
  readonly id: number;
  readonly end: boolean;
  block: Buffer;
}

/**
 * The peer's side of a connection, kept by its own books: it reads what the client wrote, holds it against RFC 9113,
 * and knows what it may send itself. It shares no code with `src`.
 */
export class PeerModel {
  readonly streams = new Map<number, ModelStream>();
  /** What the client may still send, and the peer, on the connection. */
  theirConnectionWindow = 65_535;
  ourConnectionWindow = 65_535;
  goAwaySeen = false;
  pongsOwed: Buffer[] = [];
  /** Frames read. */
  frames = 0;
  private ourInitialWindow = 65_535;
  // What the client has acknowledged of our SETTINGS, in order.
  private readonly unacknowledged: PeerValues[] = [];
  private initialWindow = 65_535;
  private frameSize = 16_384;
  private streamLimit = Infinity;
  private lastId = 0;
  private block: Open | undefined = undefined;
  private input: Buffer = Buffer.alloc(0);
  private prefaceLeft = 24;
  private readonly decoder = new HpackDecoder();

  /** SETTINGS that the peer has just sent; they hold from their ACK on (RFC 9113 section 6.5.3). */
  sentSettings(values: PeerValues): void {
    this.unacknowledged.push(values);
  }

  read(bytes: Uint8Array): void {
    const skipped = Math.min(this.prefaceLeft, bytes.length);
    this.prefaceLeft -= skipped;
    this.input = Buffer.concat([this.input, bytes.subarray(skipped)]);
    while (this.input.length >= 9) {
      const length = this.input.readUIntBE(0, 3);
      if (this.input.length < 9 + length) return;
      const [type, flags, id] = [this.input[3]!, this.input[4]!, this.input.readUInt32BE(5)];
      const payload = this.input.subarray(9, 9 + length);
      this.input = this.input.subarray(9 + length);
      this.frames++;
      this.frame(type, flags, id, payload);
    }
  }

  private frame(type: number, flags: number, id: number, payload: Buffer): void {
    assert.ok(
      payload.length <= this.frameSize,
      `a frame of ${payload.length} bytes, where ${this.frameSize} are allowed`,
    );
    if (this.block !== undefined)
      assert.ok(type === frameType.continuation && id === this.block.id, 'a header block is not interrupted');
    switch (type) {
      case frameType.headers:
        this.block = { id, end: (flags & flag.endStream) !== 0, block: payload };
        return this.endOfBlock(flags);
      case frameType.continuation:
        assert.ok(this.block !== undefined, 'CONTINUATION follows HEADERS');
        this.block.block = Buffer.concat([this.block.block, payload]);
        return this.endOfBlock(flags);
      case frameType.data:
        return this.data(flags, id, payload);
      case frameType.rstStream: {
        const stream = this.known(id);
        assert.equal(stream.resetByUs, false, 'a stream is reset once');
        stream.resetByUs = true;
        return;
      }
      case frameType.settings:
        return this.settings(flags, payload);
      case frameType.ping:
        if ((flags & flag.ack) === 0) this.pongsOwed.push(Buffer.from(payload));
        return;
      case frameType.goaway:
        this.goAwaySeen = true;
        return;
      case frameType.windowUpdate:
        return this.windowUpdate(id, payload.readUInt32BE(0));
      default:
        assert.fail(`a frame of type ${type}, which a client has no need to send`);
    }
  }

  private known(id: number): ModelStream {
    const stream = this.streams.get(id);
    assert.ok(stream !== undefined, `a frame for stream ${id}, which has no HEADERS`);
    return stream;
  }

  private endOfBlock(flags: number): void {
    if ((flags & flag.endHeaders) === 0 || this.block === undefined) return;
    const { id, end, block } = this.block;
    this.block = undefined;
    const fields = this.decoder.decode(block);
    const trailers = this.streams.get(id);
    if (trailers !== undefined) {
      assert.ok(!trailers.requestEnded && !trailers.resetByUs, 'trailers come before the end');
      assert.ok(end, 'trailers end the stream');
      assert.ok(fields.every(([name]) => !name.startsWith(':')));
      trailers.requestEnded = true;
      return;
    }
    assert.ok(id % 2 === 1 && id > this.lastId, `stream ${id} after ${this.lastId}`);
    assert.equal(this.goAwaySeen, false, 'no request after our GOAWAY');
    this.lastId = id;
    const stream = new ModelStream(id, this.initialWindow, this.ourInitialWindow);
    stream.requestEnded = end;
    this.streams.set(id, stream);
    let open = 0;
    for (const { open: isOpen } of this.streams.values()) if (isOpen) open++;
    assert.ok(open <= this.streamLimit, `${open} streams, where ${this.streamLimit} are allowed`);
  }

  private data(flags: number, id: number, payload: Buffer): void {
    const stream = this.known(id);
    assert.ok(!stream.requestEnded && !stream.resetByUs, 'DATA comes before the end');
    if (payload.length > 0) {
      assert.ok(payload.length <= stream.theirWindow, 'DATA is within the window of its stream');
      assert.ok(payload.length <= this.theirConnectionWindow, 'DATA is within the window of the connection');
    }
    stream.theirWindow -= payload.length;
    stream.received += payload.length;
    this.theirConnectionWindow -= payload.length;
    if ((flags & flag.endStream) !== 0) stream.requestEnded = true;
  }

  private settings(flags: number, payload: Buffer): void {
    if ((flags & flag.ack) === 0) {
      for (let at = 0; at < payload.length; at += 6)
        if (payload.readUInt16BE(at) === settingIds.initialWindowSize)
          this.ourInitialWindow = payload.readUInt32BE(at + 2);
      return;
    }
    const values = this.unacknowledged.shift();
    assert.ok(values !== undefined, 'an ACK for each SETTINGS, and no more');
    this.streamLimit = values.maxConcurrentStreams ?? this.streamLimit;
    this.frameSize = values.maxFrameSize ?? this.frameSize;
    if (values.headerTableSize !== undefined) this.decoder.setLimit(values.headerTableSize);
    const change = (values.initialWindowSize ?? this.initialWindow) - this.initialWindow;
    this.initialWindow += change;
    for (const stream of this.streams.values()) stream.theirWindow += change;
  }

  private windowUpdate(id: number, increment: number): void {
    assert.ok(increment > 0 && increment <= 0x7fff_ffff);
    if (id === 0) {
      this.ourConnectionWindow += increment;
      assert.ok(this.ourConnectionWindow <= 0x7fff_ffff);
      return;
    }
    const stream = this.known(id);
    assert.ok(!stream.resetByUs, 'no WINDOW_UPDATE follows RST_STREAM');
    stream.ourWindow += increment;
    assert.ok(stream.ourWindow <= 0x7fff_ffff);
  }
}
