import assert from 'node:assert/strict';
import type { TransportError } from '../../dist/errors.js';
import {
  buildRequestFields,
  BufferBudget,
  Connection,
  type ConnectionConfig,
  type Stream,
} from '../../dist/protocol/index.js';
import type { ConnectionState } from '../../dist/protocol/connection-state.js';
import { encodeFields, HpackDecoder } from './hpack.js';
import { flag, type as frameType } from './raw-server.js';

/** One frame that the connection under test has written, its header block decoded by tables of the peer's own. */
export interface Sent {
  readonly type: number;
  readonly flags: number;
  readonly streamId: number;
  readonly payload: Buffer;
  /** `name: value` lines of a complete header block. */
  readonly fields?: readonly string[];
}

export function frame(type: number, flags: number, streamId: number, payload: Uint8Array = Buffer.alloc(0)): Buffer {
  const bytes = Buffer.alloc(9 + payload.length);
  bytes.writeUIntBE(payload.length, 0, 3);
  bytes[3] = type;
  bytes[4] = flags;
  bytes.writeUInt32BE(streamId, 5);
  bytes.set(payload, 9);
  return bytes;
}

export function uint32(...values: number[]): Buffer {
  const bytes = Buffer.alloc(values.length * 4);
  values.forEach((value, i) => bytes.writeUInt32BE(value >>> 0, i * 4));
  return bytes;
}

export const settingIds = {
  headerTableSize: 1,
  enablePush: 2,
  maxConcurrentStreams: 3,
  initialWindowSize: 4,
  maxFrameSize: 5,
  maxHeaderListSize: 6,
  enableConnectProtocol: 8,
} as const;

export type PeerValues = { readonly [name in keyof typeof settingIds]?: number };

export function settingsPayload(values: PeerValues): Buffer {
  const entries = Object.entries(values) as [keyof typeof settingIds, number][];
  const bytes = Buffer.alloc(entries.length * 6);
  entries.forEach(([name, value], i) => {
    bytes.writeUInt16BE(settingIds[name], i * 6);
    bytes.writeUInt32BE(value, i * 6 + 2);
  });
  return bytes;
}

/** One request of the test's: what it has been told so far. */
export class Call {
  stream!: Stream;
  readonly informational: number[] = [];
  status: number | undefined = undefined;
  fields: readonly string[] = [];
  body = '';
  trailers: readonly string[] | undefined = undefined;
  ended = false;
  sent = false;
  drained = 0;
  error: TransportError | undefined = undefined;
  /** Body bytes delivered and not read. */
  unread = 0;
  private readonly harness: Harness;

  constructor(harness: Harness) {
    this.harness = harness;
  }

  get id(): number {
    return this.stream.id;
  }

  onInformational(status: number): void {
    this.informational.push(status);
  }

  onHeaders(status: number, fields: string[]): void {
    assert.equal(this.status, undefined, 'final headers come once');
    this.status = status;
    this.fields = fields;
  }

  onData(bytes: Uint8Array, start: number, end: number): void {
    assert.ok(!this.ended && this.error === undefined, 'nothing comes after the end');
    this.body += Buffer.from(bytes.subarray(start, end)).toString('latin1');
    this.unread += end - start;
  }

  onEnd(trailers: string[] | undefined): void {
    assert.ok(!this.ended && this.error === undefined, 'the end comes once');
    this.ended = true;
    this.trailers = trailers;
  }

  onSent(): void {
    this.sent = true;
  }

  onDrain(): void {
    this.drained++;
  }

  onFailed(error: TransportError): void {
    assert.equal(this.error, undefined, 'a stream fails once');
    this.error = error;
  }

  /** The reader takes so many bytes, all that wait by default. */
  read(bytes = this.unread): void {
    this.unread -= bytes;
    this.harness.connection.consume(this.stream, bytes);
  }

  send(text: string | Uint8Array, ends = false): void {
    this.harness.connection.send(this.stream, typeof text === 'string' ? Buffer.from(text, 'latin1') : text, ends);
  }

  reset(errorCode = 8): void {
    this.harness.connection.reset(this.stream, errorCode, this.harness.now);
  }
}

/** The fields of a connection: they are private, and nothing in src but protocol itself reads them. */
export function insideOf(connection: Connection): Readonly<ConnectionState> {
  return connection['c'];
}

export interface HarnessOptions {
  /** Our initial stream window. */
  readonly window?: number;
  readonly connectionWindow?: number;
  readonly maxBuffered?: number;
  readonly config?: Partial<ConnectionConfig>;
}

/**
 * The core, a clock that stands still until told, and a scripted peer with HPACK tables of its own. Every `expect`
 * consumes output; `finish` asserts that none is left unread and that no connection credit has leaked.
 */
export class Harness {
  now = 1_000;
  readonly connection: Connection;
  readonly budget: BufferBudget;
  readonly events: string[] = [];
  failure: TransportError | undefined = undefined;
  drained = false;
  /** How often the connection has asked to be written. */
  outputs = 0;
  private readonly decoder = new HpackDecoder();
  private unparsed: Buffer = Buffer.alloc(0);
  private frames: Sent[] = [];
  private blockStart: Sent | undefined = undefined;
  private block: Buffer = Buffer.alloc(0);
  private prefaceLeft = 24;
  /** What the peer may still send on the connection, by the frames that it has seen. */
  connectionWindow = 65_535;

  constructor(options: HarnessOptions = {}) {
    this.budget = new BufferBudget(options.maxBuffered ?? 67_108_864);
    this.connection = new Connection(
      {
        origin: 'https://test.example',
        headerTableSize: 4_096,
        encoderTableSize: 4_096,
        initialStreamWindow: options.window ?? 262_144,
        maxStreamWindow: options.window ?? 262_144,
        maxConnectionWindow: options.connectionWindow ?? 67_108_864,
        maxFrameSize: 16_384,
        maxHeaderListSize: 65_536,
        budget: this.budget,
        maxRequests: 0,
        stallTimeout: 100,
        probeAfter: 1_000,
        readIdleTimeout: 15_000,
        pingTimeout: 15_000,
        writeTimeout: 60_000,
        idleTimeout: 90_000,
        maxAge: 0,
        pingSeed: 7,
        ...options.config,
      },
      {
        onOutput: () => {
          this.outputs++;
        },
        onCapacity: () => this.events.push('capacity'),
        onSettings: () => this.events.push('settings'),
        onGoAway: () => this.events.push('goaway'),
        onPong: (id) => this.events.push(`pong ${id}`),
        onTooManyPings: () => undefined,
        onStalled: () => this.events.push('stalled'),
        onResumed: () => undefined,
        onDrained: () => {
          this.drained = true;
        },
        onFailed: (error) => {
          assert.equal(this.failure, undefined, 'the connection fails once');
          this.failure = error;
        },
      },
      this.now,
    );
  }

  get view(): Readonly<ConnectionState> {
    return insideOf(this.connection);
  }

  /** Both sides' SETTINGS and ACKs, consumed. */
  greet(values: PeerValues = {}): this {
    this.expect.frame(frameType.settings, 0, 'our SETTINGS');
    if (this.pending.at(0)?.type === frameType.windowUpdate)
      this.expect.frame(frameType.windowUpdate, 0, 'the connection window');
    this.peer.settings(values);
    this.peer.frame(frameType.settings, flag.ack, 0);
    this.expect.frame(frameType.settings, 0, "the ACK of the peer's SETTINGS");
    this.events.length = 0;
    return this;
  }

  get(path: string, headers: readonly string[] = []): Call {
    return this.open('GET', path, headers, false);
  }

  post(path: string, headers: readonly string[] = []): Call {
    return this.open('POST', path, headers, true);
  }

  open(
    method: string,
    path: string,
    headers: readonly string[],
    hasBody: boolean,
    init: { readonly informationalLimit?: number; readonly urgency?: number; readonly atHand?: number } = {},
  ): Call {
    const call = new Call(this);
    const fields = buildRequestFields({
      method,
      scheme: 'https',
      authority: 'test.example',
      path,
      protocol: undefined,
      fields: headers,
      contentLength: hasBody ? -1 : 0,
      hasBody,
      trailerNames: [],
      userAgent: undefined,
      acceptEncoding: undefined,
      expectContinue: false,
      priority: undefined,
    });
    call.stream = this.connection.open(
      {
        fields,
        endStream: !hasBody,
        atHand: init.atHand,
        urgency: init.urgency ?? 3,
        bodyless: method === 'HEAD',
        informationalLimit: init.informationalLimit ?? 65_536,
      },
      call,
      this.now,
    );
    return call;
  }

  advance(milliseconds: number): void {
    const end = this.now + milliseconds;
    for (let at = this.connection.nextDeadline(); at <= end; at = this.connection.nextDeadline()) {
      assert.ok(at > this.now || at === this.now, 'a deadline lies ahead');
      this.now = Math.max(this.now, at);
      this.connection.tick(this.now);
      this.pump();
      if (this.connection.nextDeadline() === at) break;
    }
    this.now = end;
  }

  /** Takes all output, as a socket does that takes everything at once. */
  pump(): void {
    for (;;) {
      const bytes = this.connection.takeOutput(65_536, this.now);
      if (bytes.length === 0) break;
      this.parse(Buffer.from(bytes));
      this.connection.outputTaken(this.now);
    }
    for (const stream of this.connection.takeDrained()) stream.sink.onDrain();
  }

  /** Takes one chunk of output, as a socket does that then takes no more. */
  takeAndBlock(limit = 65_536): number {
    const bytes = this.connection.takeOutput(limit, this.now);
    this.parse(Buffer.from(bytes));
    return bytes.length;
  }

  /** Frames written and not yet expected, without writing more. */
  get pendingNow(): readonly Sent[] {
    return this.frames;
  }

  /** Drops the frames that wait to be expected, and writes nothing. */
  discard(): void {
    this.frames.length = 0;
  }

  private parse(bytes: Buffer): void {
    if (this.prefaceLeft > 0) {
      const part = Math.min(this.prefaceLeft, bytes.length);
      this.prefaceLeft -= part;
      bytes = bytes.subarray(part);
    }
    this.unparsed = Buffer.concat([this.unparsed, bytes]);
    while (this.unparsed.length >= 9) {
      const length = this.unparsed.readUIntBE(0, 3);
      if (this.unparsed.length < 9 + length) return;
      const payload = this.unparsed.subarray(9, 9 + length);
      this.onFrame({
        type: this.unparsed[3]!,
        flags: this.unparsed[4]!,
        streamId: this.unparsed.readUInt32BE(5),
        payload,
      });
      this.unparsed = this.unparsed.subarray(9 + length);
    }
  }

  private onFrame(sent: Sent): void {
    if (sent.type === frameType.windowUpdate && sent.streamId === 0)
      this.connectionWindow += sent.payload.readUInt32BE(0);
    if (this.blockStart !== undefined)
      assert.ok(
        sent.type === frameType.continuation && sent.streamId === this.blockStart.streamId,
        'a header block is not interrupted',
      );
    if (sent.type === frameType.headers) {
      this.blockStart = sent;
      this.block = Buffer.alloc(0);
    }
    if (this.blockStart === undefined) {
      this.frames.push(sent);
      return;
    }
    this.block = Buffer.concat([this.block, sent.payload]);
    if ((sent.flags & flag.endHeaders) === 0) return;
    const fields = this.decoder.decode(this.block).map(([name, value]) => `${name}: ${value}`);
    this.frames.push({ ...this.blockStart, payload: this.block, fields });
    this.blockStart = undefined;
  }

  /** Frames written and not yet expected. */
  get pending(): readonly Sent[] {
    this.pump();
    return this.frames;
  }

  readonly expect = {
    frame: (type: number, streamId: number, why: string): Sent => {
      this.pump();
      const next = this.frames.shift();
      assert.ok(
        next !== undefined,
        `expected a frame of type ${type} on stream ${streamId}, and there is none: ${why}`,
      );
      assert.deepEqual({ type: next.type, streamId: next.streamId }, { type, streamId }, why);
      return next;
    },
    headers: (call: Call, options: { readonly end?: boolean } = {}, why = 'the request goes out'): Sent => {
      const sent = this.expect.frame(frameType.headers, call.id, why);
      assert.equal((sent.flags & flag.endStream) !== 0, options.end ?? false, `${why}: END_STREAM`);
      return sent;
    },
    data: (call: Call, text: string, end: boolean, why = 'the body goes out'): void => {
      const sent = this.expect.frame(frameType.data, call.id, why);
      assert.equal(sent.payload.toString('latin1'), text, why);
      assert.equal((sent.flags & flag.endStream) !== 0, end, `${why}: END_STREAM`);
    },
    reset: (call: Call, errorCode: number, why: string): void => {
      const sent = this.expect.frame(frameType.rstStream, call.id, why);
      assert.equal(sent.payload.readUInt32BE(0), errorCode, why);
    },
    goAway: (errorCode: number, why: string): void => {
      const sent = this.expect.frame(frameType.goaway, 0, why);
      assert.equal(sent.payload.readUInt32BE(0), 0, `${why}: a client has processed no stream of its peer's`);
      assert.equal(sent.payload.readUInt32BE(4), errorCode, why);
    },
    /** A WINDOW_UPDATE of exactly so many bytes on the stream. */
    credit: (call: Call, bytes: number, why: string): void => {
      const sent = this.expect.frame(frameType.windowUpdate, call.id, why);
      assert.equal(sent.payload.readUInt32BE(0), bytes, why);
    },
    connectionCredit: (bytes: number, why: string): void => {
      const sent = this.expect.frame(frameType.windowUpdate, 0, why);
      assert.equal(sent.payload.readUInt32BE(0), bytes, why);
    },
    ping: (why: string): Buffer => this.expect.frame(frameType.ping, 0, why).payload,
    quiet: (why: string): void => {
      assert.deepEqual(
        this.pending.map(({ type, streamId }) => ({ type, streamId })),
        [],
        why,
      );
    },
    failed: (code: string, why: string): void => {
      assert.equal(this.failure?.code, code, why);
    },
    /** The connection has failed, with this code of RFC 9113 section 7. */
    failedWith: (errorCode: string, why: string): void => {
      assert.equal(this.failure?.errorCode, errorCode, why);
    },
  };

  /** What the peer sends. */
  readonly peer = {
    bytes: (bytes: Uint8Array): void => {
      this.connection.receive(bytes, this.now);
    },
    frame: (type: number, flags: number, streamId: number, payload?: Uint8Array): void => {
      this.peer.bytes(frame(type, flags, streamId, payload));
    },
    settings: (values: PeerValues): void => {
      this.peer.frame(frameType.settings, 0, 0, settingsPayload(values));
    },
    headers: (
      call: Call,
      status: number,
      options: { readonly end?: boolean; readonly fields?: readonly (readonly [string, string])[] } = {},
    ): void => {
      const block = encodeFields([[':status', String(status)], ...(options.fields ?? [])]);
      this.peer.frame(frameType.headers, flag.endHeaders | (options.end === true ? flag.endStream : 0), call.id, block);
    },
    trailers: (call: Call, fields: readonly (readonly [string, string])[], end = true): void => {
      this.peer.frame(frameType.headers, flag.endHeaders | (end ? flag.endStream : 0), call.id, encodeFields(fields));
    },
    /** `body`: text, or so many bytes. */
    data: (call: Call, body: string | number, end = false): void => {
      const payload = typeof body === 'string' ? Buffer.from(body, 'latin1') : Buffer.alloc(body, 0x61);
      this.connectionWindow -= payload.length;
      let at = 0;
      do {
        const piece = payload.subarray(at, at + 16_384);
        at += piece.length;
        this.peer.frame(frameType.data, end && at === payload.length ? flag.endStream : 0, call.id, piece);
      } while (at < payload.length);
    },
    /** One DATA frame with padding; its length byte and the padding count against the windows too. */
    padded: (call: Call, text: string, padding: number, end = false): void => {
      const payload = Buffer.concat([Buffer.of(padding), Buffer.from(text, 'latin1'), Buffer.alloc(padding)]);
      this.connectionWindow -= payload.length;
      this.peer.frame(frameType.data, flag.padded | (end ? flag.endStream : 0), call.id, payload);
    },
    /** A header block of these fields and no others, on any stream. */
    block: (streamId: number, fields: readonly (readonly [string, string])[], end = false): void => {
      this.peer.frame(frameType.headers, flag.endHeaders | (end ? flag.endStream : 0), streamId, encodeFields(fields));
    },
    reset: (call: Call, errorCode: number): void => {
      this.peer.frame(frameType.rstStream, 0, call.id, uint32(errorCode));
    },
    goAway: (lastStreamId: number, errorCode: number, debug = ''): void => {
      this.peer.frame(frameType.goaway, 0, 0, Buffer.concat([uint32(lastStreamId, errorCode), Buffer.from(debug)]));
    },
    windowUpdate: (streamId: number, increment: number): void => {
      this.peer.frame(frameType.windowUpdate, 0, streamId, uint32(increment));
    },
    pong: (payload: Uint8Array): void => {
      this.peer.frame(frameType.ping, flag.ack, 0, payload);
    },
    close: (error?: Error): void => {
      this.connection.lost(error, this.now);
    },
  };

  /** Nothing is left unread, and all connection credit is accounted for. */
  finish(): void {
    this.expect.quiet('every frame written was expected');
    const { credit } = this.view;
    assert.equal(credit.available + credit.owed, credit.target, 'no connection credit has leaked');
    assert.equal(credit.available, this.connectionWindow, 'both sides agree on the connection window');
  }
}

export function harness(options?: HarnessOptions): Harness {
  return new Harness(options);
}
