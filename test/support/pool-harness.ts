import assert from 'node:assert/strict';
import { Duplex } from 'node:stream';
import type { ByteSink, ByteTransport } from '../../dist/ports/byte-transport.js';
import type { DialTimes } from '../../dist/ports/observer.js';
import type { ClientConn } from '../../dist/conn/client-conn.js';
import type { ClientResponse } from '../../dist/request/client-response.js';
import type { Dialled, DialRoute } from '../../dist/ports/dialler.js';
import type { RequestOptions } from '../../dist/request/request-options.js';
import { errorCodeName } from '../../dist/errors.js';
import { BaseTransport } from '../../dist/transport.js';
import { resolveOptions, type TransportOptions } from '../../dist/transport-options.js';
import { frame, settingsPayload, uint32, type PeerValues } from './harness.js';
import { encodeFields, HpackDecoder } from './hpack.js';
import { flag, type as frameType } from './raw-server.js';
import { VirtualClock } from './virtual-clock.js';

/** What a scripted peer does with a request whose header block has arrived. */
export type Answer = (peer: Peer, streamId: number, fields: ReadonlyMap<string, string>) => void;

/** A frame that has arrived; a header block whole, on its HEADERS, with its fields. */
export interface Arrived {
  readonly type: number;
  readonly streamId: number;
  readonly end: boolean;
  readonly payload: Buffer;
  readonly fields: readonly (readonly [string, string])[] | undefined;
}

/** One connection as its peer has it: reads what we write, unless told to stop, and answers requests. */
export class Peer implements ByteTransport {
  readonly index: number;
  readonly info: ByteTransport['info'];
  readonly transientReads = false;
  /** Paths of the requests that have arrived, in order. */
  readonly requests: string[] = [];
  /** Streams whose response has not ended; true: it has begun. */
  readonly open = new Map<number, boolean>();
  readonly resets: number[] = [];
  readonly frames: Arrived[] = [];
  readonly goAways: number[] = [];
  pings = 0;
  /** SETTINGS frames after the first. */
  questions = 0;
  bodyBytes = 0;
  destroyed = false;
  ended = false;
  refed = true;
  /** Bytes that the socket takes before it stops taking any. */
  stallAfter = Infinity;
  /** And SETTINGS after the first. */
  answersPings = true;
  /** What the socket has taken stays with it until {@link read}: the peer is slow to read. */
  holdsBack = false;
  readonly settings: PeerValues;
  private readonly answer: Answer;
  private sink!: ByteSink;
  private taken = 0;
  private held: { readonly bytes: Buffer; readonly done: () => void } | undefined = undefined;
  private unparsed: Buffer = Buffer.alloc(0);
  private prefaceLeft = 24;
  private readonly decoder = new HpackDecoder();
  private block: Buffer = Buffer.alloc(0);
  private blockEnds = false;
  private settingsCame = 0;
  private batch: Buffer[] | undefined = undefined;
  private unread: Buffer[] = [];

  constructor(index: number, settings: PeerValues, answer: Answer, remoteAddress = '192.0.2.1', dial?: DialTimes) {
    this.index = index;
    this.info = {
      remoteAddress,
      remotePort: 443,
      localAddress: undefined,
      localPort: undefined,
      alpnProtocol: 'h2',
      tls: undefined,
      dial,
    };
    this.settings = settings;
    this.answer = answer;
  }

  start(sink: ByteSink): void {
    this.sink = sink;
  }

  write(bytes: Uint8Array, done: () => void): void {
    assert.ok(this.held === undefined, 'one chunk at a time');
    this.held = { bytes: Buffer.from(bytes), done };
    setImmediate(() => {
      this.accept();
    });
  }

  private accept(): void {
    const { held } = this;
    if (held === undefined || this.destroyed || this.taken + held.bytes.length > this.stallAfter) return;
    this.held = undefined;
    this.taken += held.bytes.length;
    if (this.holdsBack) this.unread.push(held.bytes);
    else this.parse(held.bytes);
    held.done();
  }

  /** From now on the socket takes so many bytes, and then nothing. */
  stallNow(after = 0): void {
    this.stallAfter = this.taken + after;
  }

  /** The socket, which takes nothing, has room for so many bytes: it takes what fits, in whole chunks. */
  takeMore(bytes: number): void {
    this.stallNow(bytes);
    this.accept();
  }

  /** The peer reads all that its socket has taken, and from now on at once. */
  read(): void {
    this.holdsBack = false;
    for (const bytes of this.unread.splice(0)) this.parse(bytes);
  }

  /** A write is with the socket, which does not take it. */
  get blocked(): boolean {
    return this.held !== undefined;
  }

  /** The socket takes bytes again. */
  resume(): void {
    this.stallAfter = Infinity;
    this.accept();
  }

  end(): void {
    this.ended = true;
  }

  destroy(): void {
    this.destroyed = true;
  }

  ref(): void {
    this.refed = true;
  }

  unref(): void {
    this.refed = false;
  }

  send(type: number, flags: number, streamId: number, payload?: Uint8Array): void {
    if (type === frameType.headers && this.open.has(streamId)) this.open.set(streamId, true);
    const ends = (type === frameType.headers || type === frameType.data) && (flags & flag.endStream) !== 0;
    if (ends || type === frameType.rstStream) this.open.delete(streamId);
    const bytes = frame(type, flags, streamId, payload);
    if (this.batch !== undefined) this.batch.push(bytes);
    else if (!this.destroyed) this.sink.onBytes(bytes);
  }

  /** What `script` sends arrives in one read. */
  inOneRead(script: () => void): void {
    const batch: Buffer[] = [];
    this.batch = batch;
    script();
    this.batch = undefined;
    this.sink.onBytes(Buffer.concat(batch));
  }

  greet(values: PeerValues = this.settings): void {
    this.send(frameType.settings, 0, 0, settingsPayload(values));
  }

  headers(
    streamId: number,
    status: number,
    options: { readonly end?: boolean; readonly fields?: readonly (readonly [string, string])[] } = {},
  ): void {
    this.sendBlock(streamId, [[':status', String(status)], ...(options.fields ?? [])], options.end === true);
  }

  trailers(streamId: number, fields: readonly (readonly [string, string])[]): void {
    this.sendBlock(streamId, fields, true);
  }

  private sendBlock(streamId: number, fields: readonly (readonly [string, string])[], end: boolean): void {
    this.send(frameType.headers, flag.endHeaders | (end ? flag.endStream : 0), streamId, encodeFields(fields));
  }

  data(streamId: number, body: string | Uint8Array, end = false): void {
    this.send(frameType.data, end ? flag.endStream : 0, streamId, Buffer.from(body as string));
  }

  ok(streamId: number): void {
    this.headers(streamId, 200, { end: true });
  }

  /** Ends every response that is open, beginning with 200 those that have not begun. */
  answerAll(): void {
    for (const [streamId, begun] of [...this.open]) {
      if (begun) this.data(streamId, '', true);
      else this.ok(streamId);
    }
  }

  reset(streamId: number, errorCode: number): void {
    this.send(frameType.rstStream, 0, streamId, uint32(errorCode));
  }

  goAway(lastStreamId: number, errorCode = 0): void {
    this.send(frameType.goaway, 0, 0, uint32(lastStreamId, errorCode));
  }

  /** The connection breaks. */
  drop(error?: Error): void {
    this.destroyed = true;
    this.sink.onClose(error);
  }

  /** What has arrived on one stream, a line a frame: HEADERS, DATA of so many bytes, RST_STREAM with its code. */
  story(streamId: number): string[] {
    return this.frames
      .filter((one) => one.streamId === streamId)
      .map(({ type, payload, end }) => {
        const what =
          type === frameType.headers
            ? 'HEADERS'
            : type === frameType.data
              ? `DATA ${payload.length}`
              : type === frameType.rstStream
                ? `RST_STREAM ${errorCodeName(payload.readUInt32BE(0))}`
                : type === frameType.windowUpdate
                  ? `WINDOW_UPDATE ${payload.readUInt32BE(0)}`
                  : `frame of type ${type}`;
        return end ? `${what} END_STREAM` : what;
      });
  }

  /** The fields of each header block on one stream: those of the request, then any trailers. */
  blocks(streamId: number): Record<string, string>[] {
    return this.frames
      .filter((one) => one.streamId === streamId && one.fields !== undefined)
      .map((one) => Object.fromEntries(one.fields ?? []));
  }

  private parse(bytes: Buffer): void {
    if (this.prefaceLeft > 0) {
      const part = Math.min(this.prefaceLeft, bytes.length);
      this.prefaceLeft -= part;
      bytes = bytes.subarray(part);
      if (part > 0 && this.prefaceLeft === 0) this.greeted();
    }
    this.unparsed = Buffer.concat([this.unparsed, bytes]);
    while (this.unparsed.length >= 9) {
      const length = this.unparsed.readUIntBE(0, 3);
      if (this.unparsed.length < 9 + length) return;
      const head = this.unparsed;
      this.unparsed = head.subarray(9 + length);
      this.onFrame(head[3]!, head[4]!, head.readUInt32BE(5), head.subarray(9, 9 + length));
    }
  }

  private greeted(): void {
    if (this.settings.maxConcurrentStreams === -1) return; // a peer that never sends SETTINGS
    this.greet();
    this.send(frameType.settings, flag.ack, 0);
  }

  private onFrame(type: number, flags: number, streamId: number, payload: Buffer): void {
    if (type === frameType.ping && (flags & flag.ack) === 0) {
      this.pings++;
      if (this.answersPings) this.send(frameType.ping, flag.ack, 0, payload);
    }
    if (type === frameType.settings && (flags & flag.ack) === 0 && this.settingsCame++ > 0) {
      this.questions++;
      if (this.answersPings) this.send(frameType.settings, flag.ack, 0);
    }
    if (type === frameType.rstStream) {
      this.resets.push(streamId);
      this.open.delete(streamId);
    }
    if (type === frameType.goaway) this.goAways.push(payload.readUInt32BE(4));
    if (type === frameType.data) this.bodyBytes += payload.length;
    const carriesEnd = type === frameType.headers || type === frameType.data;
    const end = carriesEnd && (flags & flag.endStream) !== 0;
    if (type !== frameType.headers && type !== frameType.continuation) {
      this.frames.push({ type, streamId, end, payload: Buffer.from(payload), fields: undefined });
      return;
    }
    if (type === frameType.headers) this.blockEnds = end;
    this.block = type === frameType.headers ? payload : Buffer.concat([this.block, payload]);
    if ((flags & flag.endHeaders) === 0) return;
    const pairs = this.decoder.decode(this.block);
    this.frames.push({ type: frameType.headers, streamId, end: this.blockEnds, payload: this.block, fields: pairs });
    const fields = new Map(pairs);
    const path = fields.get(':path');
    if (path === undefined) return; // trailers
    this.requests.push(path);
    this.open.set(streamId, false);
    this.answer(this, streamId, fields);
  }
}

export interface PoolHarnessOptions extends TransportOptions {
  /** What peers say in their SETTINGS. `maxConcurrentStreams: -1`: they never say anything. */
  readonly peer?: PeerValues;
  /** What each new connection's socket takes before it stops; by the order of dials. Default: everything. */
  readonly stallAfter?: readonly number[];
  /** Default: 200 without a body, at once. */
  readonly answer?: Answer;
  /** How long a dial takes, in milliseconds of the virtual clock. Default: 0, which still is a turn. */
  readonly dialTime?: number;
  /** The same of each dial, by their order; Infinity: it is swallowed. */
  readonly dialTimes?: readonly number[];
  /** When the look-up and the TCP connection of a dial are there, after so many milliseconds; TLS takes the rest. */
  readonly dialPhases?: readonly [lookup: number, connect: number];
  /** Hosts whose dials are swallowed; may change. */
  readonly swallowed?: ReadonlySet<string>;
  /** Errors that dials end with, by their order; undefined: it succeeds. */
  readonly dialErrors?: readonly (Error | undefined)[];
  /** How long a look-up takes that is made beside the dials, in milliseconds of the virtual clock. Default: 0. */
  readonly lookupTime?: number;
  /** What the name stands for, in the order of its look-up; what it stands for changes with the array. Default: it is not told. */
  readonly addresses?: readonly string[];
  /** Those among them that refuse connections; may change as well. */
  readonly refusing?: ReadonlySet<string>;
  /** Those that take connections and say nothing on them. */
  readonly mute?: ReadonlySet<string>;
  /** From 0 to 1. Default: 0.5, always. */
  readonly random?: () => number;
}

/** A transport over scripted peers and a clock that stands still. */
export class PoolHarness {
  readonly clock = new VirtualClock();
  readonly peers: Peer[] = [];
  readonly transport: BaseTransport;
  dials = 0;
  abortedDials = 0;
  /** How long dials take from now on, in milliseconds. */
  path: number | undefined = undefined;
  /** What the look-up of dials ends with from now on, after 5 ms. */
  lookupError: Error | undefined = undefined;
  private readonly options: PoolHarnessOptions;

  constructor(options: PoolHarnessOptions = {}) {
    this.options = options;
    const own: readonly (keyof PoolHarnessOptions)[] = [
      'peer',
      'stallAfter',
      'answer',
      'dialTime',
      'dialTimes',
      'dialPhases',
      'swallowed',
      'dialErrors',
      'lookupTime',
      'addresses',
      'refusing',
      'mute',
      'random',
    ];
    const rest = Object.fromEntries(
      Object.entries(options).filter(([name]) => !own.includes(name as keyof PoolHarnessOptions)),
    );
    this.transport = new BaseTransport(resolveOptions({ decompress: false, ...rest }, 'test'), {
      clock: this.clock,
      dialler: {
        dial: (origin, signal, _, route) => this.dial(origin.hostname, signal, route),
        resolve: () => this.resolve(),
      },
      wrap: (): never => assert.fail('nothing is adopted here'),
      random: options.random ?? (() => 0.5),
      inRootContext: (callback) => callback(),
    });
  }

  private async resolve(): Promise<string[]> {
    const { lookupTime, addresses = [] } = this.options;
    if (lookupTime !== undefined) await new Promise<void>((resolve) => void this.clock.setTimer(lookupTime, resolve));
    return [...addresses];
  }

  /** Addresses of the dials, in their order. */
  readonly dialled: (string | undefined)[] = [];

  private dial(hostname: string, signal: AbortSignal, route: DialRoute | undefined): Promise<Dialled> {
    const index = this.dials++;
    const begun = this.clock.now();
    const { lookupError } = this;
    if (lookupError !== undefined)
      return new Promise((_, reject) => {
        this.clock.setTimer(5, () => {
          reject(lookupError);
        });
      });
    const phases = this.options.dialPhases;
    const [first, then] = route?.order(this.options.addresses ?? []) ?? [[], []];
    const order = [...first, ...then];
    const address = order.find((one) => {
      route?.trying(one);
      this.dialled.push(one);
      if (this.options.refusing?.has(one) !== true) return true;
      route?.failed(one);
      return false;
    });
    const refused = order.length > 0 && address === undefined ? new Error('refused') : undefined;
    const error = refused ?? this.options.dialErrors?.[index];
    return new Promise((resolve, reject) => {
      const done = (): void => {
        if (signal.aborted) return;
        if (error !== undefined) return reject(error);
        const peer = new Peer(
          this.peers.length,
          this.options.mute?.has(address ?? '') === true ? { maxConcurrentStreams: -1 } : (this.options.peer ?? {}),
          this.options.answer ??
            ((one, id) => {
              one.ok(id);
            }),
          address,
          phases && { begun, lookup: begun + phases[0], connect: begun + phases[1], secure: this.clock.now() },
        );
        peer.stallAfter = this.options.stallAfter?.[index] ?? Infinity;
        this.peers.push(peer);
        resolve({ protocol: 'h2', transport: peer, address });
      };
      signal.addEventListener('abort', () => {
        this.abortedDials++;
        reject(signal.reason as Error);
      });
      const swallowed = this.options.swallowed?.has(hostname) === true;
      const time = swallowed ? Infinity : (this.path ?? this.options.dialTimes?.[index] ?? this.options.dialTime);
      if (time === undefined) setImmediate(done);
      else if (time !== Infinity) this.clock.setTimer(time, done);
    });
  }

  request(path: string, options?: RequestOptions): Pending {
    return new Pending(this.transport.request(`https://test.example${path}`, options));
  }

  /** A request to another origin, whose connections are peers like all others. */
  at(host: string, path: string, options?: RequestOptions): Pending {
    return new Pending(this.transport.request(`https://${host}${path}`, options));
  }

  get(path: string, options?: RequestOptions): Pending {
    return this.request(path, options);
  }

  post(path: string, body: NonNullable<RequestOptions['body']>, options?: RequestOptions): Pending {
    return this.request(path, { method: 'POST', body, ...options });
  }

  peer(index: number): Peer {
    const peer = this.peers[index];
    assert.ok(peer !== undefined, `there is a connection ${index}`);
    return peer;
  }

  settle(): Promise<void> {
    return this.clock.settle();
  }
}

/** A request's promise, and what has become of it. */
export class Pending {
  response: ClientResponse | undefined = undefined;
  error: unknown = undefined;
  readonly settled: Promise<void>;

  constructor(promise: Promise<ClientResponse>) {
    this.settled = promise.then(
      (response) => {
        this.response = response;
      },
      (error: unknown) => {
        this.error = error;
      },
    );
  }

  get state(): 'pending' | 'answered' | 'failed' {
    if (this.error !== undefined) return 'failed';
    return this.response === undefined ? 'pending' : 'answered';
  }

  get status(): number | undefined {
    return this.response?.status;
  }

  get code(): unknown {
    return (this.error as { code?: unknown } | undefined)?.code;
  }
}

export function poolHarness(options?: PoolHarnessOptions): PoolHarness {
  return new PoolHarness(options);
}

/** A stream of so many bytes, in pieces of 16 KiB. */
export function bodyOf(bytes: number): () => Duplex {
  return () => {
    let left = bytes;
    return new Duplex({
      read() {
        const size = Math.min(left, 16_384);
        left -= size;
        this.push(size === 0 ? null : Buffer.alloc(size, 0x62));
      },
    });
  };
}

/** Where {@link connected} connects to. */
export const connectedUrl = 'https://test.example';

/** One connection outside the pool, in its user's hands. */
export interface ConnFixture {
  readonly p: PoolHarness;
  readonly conn: ClientConn;
  send(path: string, options?: Parameters<ClientConn['request']>[1]): Pending;
}

/** The fixture, whose peer has greeted. */
export async function connected(options: PoolHarnessOptions = {}): Promise<ConnFixture> {
  const p = poolHarness({ probeAfter: 0, ...options });
  const [conn] = await Promise.all([p.transport.connect(connectedUrl), p.settle()]);
  return { p, conn, send: (path, given) => new Pending(conn.request(connectedUrl + path, given)) };
}

/** A peer that answers nothing. */
export const never: Answer = () => undefined;
