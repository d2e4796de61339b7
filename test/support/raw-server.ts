/**
 * An HTTP/2 server that a test scripts frame by frame and, where it must, byte by byte. It shares no code with
 * `src/wire` or `src/hpack`, and does nothing by itself except answering pings (until told not to).
 */
import { createServer, type AddressInfo, type Socket } from 'node:net';
import { createServer as createTlsServer } from 'node:tls';
import { loopback } from './certificates.js';
import { encodeFields, HpackDecoder, type Field } from './hpack.js';
import { resetSocket } from './reset.js';

/** RFC 9113 section 6. */
export const type = {
  data: 0,
  headers: 1,
  priority: 2,
  rstStream: 3,
  settings: 4,
  pushPromise: 5,
  ping: 6,
  goaway: 7,
  windowUpdate: 8,
  continuation: 9,
} as const;

export const flag = { ack: 0x1, endStream: 0x1, endHeaders: 0x4, padded: 0x8, priority: 0x20 } as const;

const settingIds = {
  headerTableSize: 1,
  enablePush: 2,
  maxConcurrentStreams: 3,
  initialWindowSize: 4,
  maxFrameSize: 5,
  maxHeaderListSize: 6,
  enableConnectProtocol: 8,
  noRfc7540Priorities: 9,
} as const;

export type RawSettings = { readonly [name in keyof typeof settingIds]?: number };

const preface = 'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n';

export interface RawFrame {
  readonly type: number;
  readonly flags: number;
  readonly streamId: number;
  readonly payload: Buffer;
  /** On the frame that ends a header block: what the block says. */
  readonly block: RawBlock | undefined;
}

/** A request, or the trailers of one. */
export interface RawBlock {
  readonly streamId: number;
  readonly fields: readonly Field[];
  /** True where nothing follows on the stream. */
  readonly endStream: boolean;
  /** The value of the first field of that name. */
  get(name: string): string | undefined;
}

export interface RawBody {
  readonly bytes: Buffer;
  readonly trailers: RawBlock | undefined;
}

export interface DataOptions {
  /** Default: false. */
  readonly endStream?: boolean;
  /** Bytes of padding; without it the frame has no PADDED flag. */
  readonly padding?: number;
}

export interface HeadersOptions {
  /** Default: false. */
  readonly endStream?: boolean;
  /** Default: true; false leaves the block open for `raw` or `continuation`. */
  readonly endHeaders?: boolean;
}

/** What waiting for a frame rejects with when the connection ends first. */
export class ConnectionEnded extends Error {
  override name = 'ConnectionEnded';
}

/** One connection of a {@link rawServer}. Frames are kept in their order until the script takes them. */
export class RawConnection {
  /** The first connection of a server has 0. */
  readonly index: number;
  /** A TLSSocket where the server speaks TLS. */
  readonly socket: Socket;
  /** Whether PINGs are answered on arrival; they are then not delivered as frames. */
  answerPings = true;
  /** Everything read from the client so far, in bytes. */
  bytesRead = 0;
  /** Resolves once nothing more comes from the client: its FIN, a reset, or our own end. */
  readonly ended: Promise<void>;

  readonly #tcp: Socket;
  readonly #frames: RawFrame[] = [];
  readonly #decoder = new HpackDecoder();
  /** The header table size of each SETTINGS of ours that is not acknowledged yet. */
  readonly #unacknowledged: (number | undefined)[] = [];
  #input: Buffer = Buffer.alloc(0);
  #prefaceSeen = false;
  /** The header block that CONTINUATION frames have yet to end. */
  #open: { readonly endStream: boolean; readonly fragments: Buffer[] } | undefined;
  /** Why nothing more comes. Not a ConnectionEnded: the client broke the protocol. */
  #failure: Error | undefined;
  #wake: (() => void)[] = [];

  constructor(socket: Socket, tcp: Socket, index: number) {
    this.socket = socket;
    this.#tcp = tcp;
    this.index = index;
    this.ended = new Promise((resolve) => {
      const end = (cause?: Error): void => {
        this.#fail(new ConnectionEnded('the client ended the connection', { cause }));
        resolve();
      };
      socket.on('end', () => end());
      socket.on('error', end);
      socket.on('close', () => end());
    });
    socket.on('data', (chunk: Buffer) => this.#receive(chunk));
  }

  /** How the client broke the protocol, as far as this server looks. */
  get violation(): Error | undefined {
    return this.#failure instanceof ConnectionEnded ? undefined : this.#failure;
  }

  /** Resolves once the client's connection preface has come (RFC 9113 section 3.4). */
  async expectPreface(): Promise<void> {
    await this.#take(() => (this.#prefaceSeen ? true : undefined));
  }

  /** The next frame, whatever it is. */
  frame(): Promise<RawFrame> {
    return this.next(() => true);
  }

  /** The first frame that matches, now or later. The others stay where they are. */
  next(matches: (frame: RawFrame) => boolean): Promise<RawFrame> {
    return this.#take(() => {
      const at = this.#frames.findIndex(matches);
      return at === -1 ? undefined : this.#frames.splice(at, 1)[0];
    });
  }

  /** The first frame of a type, and of a stream where one is given. */
  nextOf(wanted: number, streamId?: number): Promise<RawFrame> {
    return this.next((frame) => frame.type === wanted && (streamId === undefined || frame.streamId === streamId));
  }

  /** Both sides' opening: the preface, SETTINGS each way and their acknowledgements. */
  async greet(settings: RawSettings = {}): Promise<void> {
    this.settings(settings);
    await this.expectPreface();
    await this.next((frame) => frame.type === type.settings && (frame.flags & flag.ack) === 0);
    this.settingsAck();
    await this.next((frame) => frame.type === type.settings && (frame.flags & flag.ack) !== 0);
  }

  /** The next header block: a request, or the trailers of one. */
  async request(): Promise<RawBlock> {
    const { block } = await this.next((frame) => frame.block !== undefined);
    if (block === undefined) throw new Error('unreachable: the frame was chosen for its block');
    // The HEADERS that began a block in several frames goes with it.
    const begun = this.#frames.findIndex((frame) => frame.type === type.headers && frame.streamId === block.streamId);
    if (begun !== -1 && this.#frames[begun]?.block === undefined) this.#frames.splice(begun, 1);
    return block;
  }

  /**
   * The rest of a stream's body, and its trailers. Every DATA frame's credit is given back as it is taken, unless
   * `credit` is false. Rejects where the client resets the stream.
   */
  async body(streamId: number, options: { readonly credit?: boolean } = {}): Promise<RawBody> {
    const parts: Buffer[] = [];
    for (;;) {
      const frame = await this.next((candidate) => candidate.streamId === streamId);
      if (frame.type === type.rstStream) throw new Error(`the client reset it with ${frame.payload.readUInt32BE()}`);
      if (frame.block !== undefined) return { bytes: Buffer.concat(parts), trailers: frame.block };
      if (frame.type !== type.data) continue;
      parts.push(unpadded(frame.flags, frame.payload));
      if (options.credit !== false && frame.payload.length > 0) {
        this.windowUpdate(0, frame.payload.length);
        if ((frame.flags & flag.endStream) === 0) this.windowUpdate(streamId, frame.payload.length);
      }
      if ((frame.flags & flag.endStream) !== 0) return { bytes: Buffer.concat(parts), trailers: undefined };
    }
  }

  /** Any frame at all. The length is the payload's, whatever the frame type would have it be. */
  send(frameType: number, flags: number, streamId: number, payload: Uint8Array = Buffer.alloc(0)): void {
    const header = Buffer.alloc(9);
    header.writeUIntBE(payload.length, 0, 3);
    header.writeUInt8(frameType, 3);
    header.writeUInt8(flags, 4);
    header.writeUInt32BE(streamId, 5);
    this.raw(Buffer.concat([header, payload]));
  }

  settings(settings: RawSettings): void {
    const payload = Object.entries(settings).map(([name, value]) => {
      const entry = Buffer.alloc(6);
      entry.writeUInt16BE(settingIds[name as keyof RawSettings], 0);
      entry.writeUInt32BE(value, 2);
      return entry;
    });
    this.#unacknowledged.push(settings.headerTableSize);
    this.send(type.settings, 0, 0, Buffer.concat(payload));
  }

  settingsAck(): void {
    this.send(type.settings, flag.ack, 0);
  }

  /** HEADERS; a block over 16,384 bytes is continued, where `endHeaders` allows that. */
  headers(streamId: number, fields: Iterable<Field>, options: HeadersOptions = {}): void {
    const block = encodeFields(fields);
    const endStream = options.endStream === true ? flag.endStream : 0;
    const whole = options.endHeaders !== false;
    const size = whole ? 16_384 : block.length;
    for (let at = 0; at === 0 || at < block.length; at += size) {
      const last = whole && at + size >= block.length ? flag.endHeaders : 0;
      const fragment = block.subarray(at, at + size);
      if (at === 0) this.send(type.headers, endStream | last, streamId, fragment);
      else this.send(type.continuation, last, streamId, fragment);
      if (!whole) break;
    }
  }

  continuation(streamId: number, fields: Iterable<Field>, options: { readonly endHeaders?: boolean } = {}): void {
    this.send(type.continuation, options.endHeaders === false ? 0 : flag.endHeaders, streamId, encodeFields(fields));
  }

  /** One DATA frame. */
  data(streamId: number, bytes: Uint8Array | string, options: DataOptions = {}): void {
    const content = typeof bytes === 'string' ? Buffer.from(bytes) : bytes;
    const endStream = options.endStream === true ? flag.endStream : 0;
    if (options.padding === undefined) return this.send(type.data, endStream, streamId, content);
    const payload = Buffer.concat([Buffer.of(options.padding), content, Buffer.alloc(options.padding)]);
    this.send(type.data, endStream | flag.padded, streamId, payload);
  }

  rst(streamId: number, errorCode: number): void {
    this.send(type.rstStream, 0, streamId, uint32(errorCode));
  }

  /** GOAWAY: streams above `lastStreamId` were not processed. */
  goaway(lastStreamId: number, errorCode = 0, debug = ''): void {
    this.send(type.goaway, 0, 0, Buffer.concat([uint32(lastStreamId), uint32(errorCode), Buffer.from(debug)]));
  }

  ping(payload: Uint8Array = Buffer.alloc(8), options: { readonly ack?: boolean } = {}): void {
    this.send(type.ping, options.ack === true ? flag.ack : 0, 0, payload);
  }

  windowUpdate(streamId: number, increment: number): void {
    this.send(type.windowUpdate, 0, streamId, uint32(increment));
  }

  /** Bytes as they are. */
  raw(bytes: Uint8Array): void {
    this.socket.write(bytes);
  }

  /** Leaves what the client sends in the kernel, until that is full and the client's writes block. */
  stopReading(): void {
    this.socket.pause();
  }

  resumeReading(): void {
    this.socket.resume();
  }

  /** A clean end: FIN, after close_notify under TLS. What was sent before arrives. */
  close(): void {
    this.socket.end();
  }

  /** A TCP reset: the client loses what it has not read yet. */
  reset(): void {
    resetSocket(this.#tcp, this.socket);
  }

  async #take<T>(attempt: () => T | undefined): Promise<T> {
    for (;;) {
      const taken = attempt();
      if (taken !== undefined) return taken;
      if (this.#failure !== undefined) throw this.#failure;
      await new Promise<void>((resolve) => this.#wake.push(resolve));
    }
  }

  #notify(): void {
    const waiting = this.#wake;
    this.#wake = [];
    for (const resolve of waiting) resolve();
  }

  #fail(error: Error): void {
    this.#failure ??= error;
    this.#notify();
  }

  #receive(chunk: Buffer): void {
    this.bytesRead += chunk.length;
    if (this.#failure !== undefined) return;
    this.#input = Buffer.concat([this.#input, chunk]);
    try {
      this.#parse();
    } catch (error) {
      this.#fail(error instanceof Error ? error : new Error(String(error)));
    }
    this.#notify();
  }

  #parse(): void {
    if (!this.#prefaceSeen) {
      if (this.#input.length < preface.length) return;
      if (this.#input.toString('latin1', 0, preface.length) !== preface) throw new Error('not the connection preface');
      this.#input = this.#input.subarray(preface.length);
      this.#prefaceSeen = true;
    }
    while (this.#input.length >= 9) {
      const length = this.#input.readUIntBE(0, 3);
      if (this.#input.length < 9 + length) return;
      const streamId = this.#input.readUInt32BE(5) & 0x7fff_ffff;
      const payload = this.#input.subarray(9, 9 + length);
      this.#onFrame(this.#input.readUInt8(3), this.#input.readUInt8(4), streamId, payload);
      this.#input = this.#input.subarray(9 + length);
    }
  }

  #onFrame(frameType: number, flags: number, streamId: number, payload: Buffer): void {
    if (this.#open !== undefined && frameType !== type.continuation) {
      throw new Error(`a frame of type ${frameType} within a header block (RFC 9113 section 6.10)`);
    }
    if (frameType === type.settings && (flags & flag.ack) !== 0) {
      const tableSize = this.#unacknowledged.shift();
      if (tableSize !== undefined) this.#decoder.setLimit(tableSize);
    }
    if (frameType === type.ping && (flags & flag.ack) === 0 && this.answerPings) {
      return this.ping(payload, { ack: true });
    }
    const block = this.#blockOf(frameType, flags, streamId, payload);
    this.#frames.push({ type: frameType, flags, streamId, payload, block });
  }

  #blockOf(frameType: number, flags: number, streamId: number, payload: Buffer): RawBlock | undefined {
    if (frameType === type.headers) {
      const content = unpadded(flags, payload);
      const fragment = (flags & flag.priority) === 0 ? content : content.subarray(5);
      this.#open = { endStream: (flags & flag.endStream) !== 0, fragments: [fragment] };
    } else if (frameType === type.continuation) {
      if (this.#open === undefined) throw new Error('CONTINUATION outside a header block (RFC 9113 section 6.10)');
      this.#open.fragments.push(payload);
    } else {
      return undefined;
    }
    if ((flags & flag.endHeaders) === 0) return undefined;
    const { endStream, fragments } = this.#open;
    this.#open = undefined;
    const fields = this.#decoder.decode(Buffer.concat(fragments));
    return { streamId, fields, endStream, get: (name) => fields.find((field) => field[0] === name)?.[1] };
  }
}

/** What a test does with a connection. */
export type Script = (connection: RawConnection) => Promise<void> | void;

export interface RawServer {
  /** Where it listens, on 127.0.0.1: `http://` or `https://` and the port. */
  readonly origin: string;
  readonly port: number;
  /** The certificate to trust; undefined in the clear. */
  readonly ca: string | undefined;
  /** Every connection so far, in the order of their acceptance. */
  readonly connections: readonly RawConnection[];
  /**
   * Ends every connection and stops listening. Rejects with what a handler threw, or with the client's violation of
   * the protocol; that a client left while a handler waited for a frame is neither.
   */
  close(): Promise<void>;
}

/** Starts a server on a free loopback port. The handler is called once for each connection, with TLS set up. */
export async function rawServer(handler: Script, options: { readonly tls?: boolean } = {}): Promise<RawServer> {
  const connections: RawConnection[] = [];
  const scripts: Promise<void>[] = [];
  const failures: unknown[] = [];
  const sockets = new Set<Socket>();
  const accept = (socket: Socket, tcp: Socket): void => {
    const connection = new RawConnection(socket, tcp, connections.length);
    connections.push(connection);
    scripts.push(runScript(handler, connection).catch((error: unknown) => void failures.push(error)));
  };
  const listener = createServer({ noDelay: true }, (tcp) => {
    sockets.add(tcp);
    tcp.on('error', () => sockets.delete(tcp)); // the connection hears of it through `ended`
    tcp.on('close', () => sockets.delete(tcp));
    if (options.tls === true) secure.emit('connection', tcp);
    else accept(tcp, tcp);
  });
  const secure = createTlsServer({ ...loopback, ALPNProtocols: ['h2'] }, (socket) => {
    const tcp = [...sockets].find((candidate) => candidate.remotePort === socket.remotePort);
    if (tcp === undefined) throw new Error('a TLS connection without a TCP connection');
    accept(socket, tcp);
  });
  await new Promise<void>((resolve) => listener.listen(0, '127.0.0.1', resolve));
  const { port } = listener.address() as AddressInfo;
  return {
    origin: `${options.tls === true ? 'https' : 'http'}://127.0.0.1:${port}`,
    port,
    ca: options.tls === true ? loopback.cert : undefined,
    connections,
    async close() {
      const closed = new Promise<void>((resolve) => listener.close(() => resolve()));
      for (const connection of connections) connection.socket.destroy();
      for (const socket of sockets) socket.destroy();
      await closed;
      await Promise.all(scripts);
      for (const { violation } of connections) if (violation !== undefined) throw violation;
      if (failures.length > 0) throw failures[0];
    },
  };
}

/** Settles when the script has; a client that left is no failure of it. */
async function runScript(handler: Script, connection: RawConnection): Promise<void> {
  try {
    await handler(connection);
  } catch (error) {
    if (!(error instanceof ConnectionEnded)) throw error;
  }
}

function unpadded(flags: number, payload: Buffer): Buffer {
  if ((flags & flag.padded) === 0) return payload;
  return payload.subarray(1, payload.length - payload.readUInt8(0));
}

function uint32(value: number): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32BE(value);
  return bytes;
}
