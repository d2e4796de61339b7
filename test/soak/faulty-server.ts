import { createServer, type AddressInfo, type Socket } from 'node:net';
import { flag, type as frameType } from '../support/raw-server.js';
import { frame, settingsPayload, uint32 } from '../support/harness.js';
import { encodeFields, HpackDecoder } from '../support/hpack.js';
import { resetSocket } from '../support/reset.js';

/** How often which fault comes, in requests; every n-th. */
export const faults = { goAway: 97, refuse: 50, reset: 50, drop: 500, stall: 1_000, silence: 1_000 } as const;

/** How long a stalled connection reads nothing, in milliseconds. */
const stallFor = 1_500;

const errorCode = { noError: 0, internalError: 2, refusedStream: 7 } as const;

/** What the server has done, by request ID (the `x-id` field). */
export interface Ledger {
  /** How often each request was acted on. */
  readonly acted: Map<string, number>;
  requests: number;
  connections: number;
  readonly faults: Record<keyof typeof faults, number>;
  /**
   * The request with which a connection falls silent next. Not in step: what one silence fails comes back after the same
   * time as the next one, if that comes by count, and could meet it on every attempt.
   */
  silenceAt: number;
}

export interface FaultyServer {
  readonly origin: string;
  readonly ledger: Ledger;
  close(): Promise<void>;
}

/**
 * An HTTP/2 server in the clear that misbehaves by the clock of its requests. It answers with as many bytes as the
 * path says, and counts what it acted on, so that a request delivered twice shows.
 */
export async function startFaultyServer(): Promise<FaultyServer> {
  const ledger: Ledger = {
    acted: new Map(),
    requests: 0,
    connections: 0,
    silenceAt: faults.silence / 2,
    faults: { goAway: 0, refuse: 0, reset: 0, drop: 0, stall: 0, silence: 0 },
  };
  const sockets = new Set<Socket>();
  const server = createServer({ noDelay: true }, (socket) => {
    sockets.add(socket);
    socket.on('close', () => sockets.delete(socket));
    ledger.connections++;
    new FaultyConnection(socket, ledger);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    origin: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    ledger,
    close: () => {
      for (const socket of sockets) socket.destroy();
      return new Promise((resolve) => {
        server.close(() => {
          resolve();
        });
      });
    },
  };
}

class FaultyConnection {
  private readonly socket: Socket;
  private readonly ledger: Ledger;
  private readonly decoder = new HpackDecoder();
  private unparsed: Buffer = Buffer.alloc(0);
  private prefaceLeft = 24;
  private block: Buffer = Buffer.alloc(0);
  private silent = false;
  /** After GOAWAY: the last stream that is still served. */
  private lastStream = Infinity;
  /** Streams whose request body is still coming, by what to do at its end. */
  private readonly open = new Map<number, () => void>();

  constructor(socket: Socket, ledger: Ledger) {
    this.socket = socket;
    this.ledger = ledger;
    socket.on('data', (bytes: Buffer) => {
      this.parse(bytes);
    });
    socket.on('error', () => socket.destroy()); // resets are what this server is for
    this.send(frameType.settings, 0, 0, settingsPayload({ maxConcurrentStreams: 100, initialWindowSize: 1 << 20 }));
    this.send(frameType.windowUpdate, 0, 0, uint32(1 << 28));
  }

  private send(type: number, flags: number, streamId: number, payload?: Uint8Array): void {
    if (!this.silent && !this.socket.destroyed) this.socket.write(frame(type, flags, streamId, payload));
  }

  private parse(bytes: Buffer): void {
    if (this.prefaceLeft > 0) {
      const part = Math.min(this.prefaceLeft, bytes.length);
      this.prefaceLeft -= part;
      bytes = bytes.subarray(part);
    }
    this.unparsed = this.unparsed.length === 0 ? bytes : Buffer.concat([this.unparsed, bytes]);
    while (this.unparsed.length >= 9) {
      const head = this.unparsed;
      const end = 9 + head.readUIntBE(0, 3);
      if (head.length < end) return;
      this.unparsed = head.subarray(end);
      this.onFrame(head[3]!, head[4]!, head.readUInt32BE(5), head.subarray(9, end));
    }
  }

  private onFrame(type: number, flags: number, streamId: number, payload: Buffer): void {
    const ended = (flags & flag.endStream) !== 0;
    switch (type) {
      case frameType.ping:
        if ((flags & flag.ack) === 0) this.send(frameType.ping, flag.ack, 0, payload);
        return;
      case frameType.settings:
        if ((flags & flag.ack) === 0) this.send(frameType.settings, flag.ack, 0);
        return;
      case frameType.rstStream:
        this.open.delete(streamId);
        return;
      case frameType.data:
        if (payload.length > 0) this.send(frameType.windowUpdate, 0, 0, uint32(payload.length));
        if (ended) this.end(streamId);
        return;
      case frameType.headers:
        this.block = payload;
        break;
      case frameType.continuation:
        this.block = Buffer.concat([this.block, payload]);
        break;
      default:
        return;
    }
    if ((flags & flag.endHeaders) === 0) return;
    const fields = new Map(this.decoder.decode(this.block));
    if (fields.has(':path')) this.onRequest(streamId, fields, ended);
    else this.end(streamId);
  }

  private end(streamId: number): void {
    const answer = this.open.get(streamId);
    this.open.delete(streamId);
    answer?.();
  }

  private onRequest(streamId: number, fields: ReadonlyMap<string, string>, ended: boolean): void {
    if (this.silent || streamId > this.lastStream) return;
    const { ledger } = this;
    const count = ++ledger.requests;
    if (count >= ledger.silenceAt) {
      ledger.silenceAt = count + Math.round(faults.silence * (0.5 + Math.random()));
      return this.fault('silence', () => (this.silent = true));
    }
    if (count % faults.stall === 0) {
      this.fault('stall', () => {
        this.socket.pause();
        setTimeout(() => this.socket.resume(), stallFor).unref();
      });
    }
    if (count % faults.refuse === 7) {
      return this.fault('refuse', () => this.send(frameType.rstStream, 0, streamId, uint32(errorCode.refusedStream)));
    }
    if (count % faults.goAway === 0) {
      this.fault('goAway', () => {
        this.lastStream = streamId;
        this.send(frameType.goaway, 0, 0, uint32(0x7fff_ffff, errorCode.noError));
        this.send(frameType.goaway, 0, 0, uint32(streamId, errorCode.noError));
      });
    }
    const id = fields.get('x-id') ?? '';
    ledger.acted.set(id, (ledger.acted.get(id) ?? 0) + 1);
    if (count % faults.drop === 0) return this.fault('drop', () => resetSocket(this.socket));
    const path = fields.get(':path') ?? '/0';
    const reset = count % faults.reset === 31;
    if (reset) ledger.faults.reset++;
    const answer = (): void => {
      this.answer(streamId, Number(path.slice(1)), reset, count);
    };
    if (ended) answer();
    else this.open.set(streamId, answer);
  }

  private fault(name: keyof typeof faults, act: () => void): void {
    this.ledger.faults[name]++;
    act();
  }

  /** So many bytes; a reset comes before the headers or in the middle of the body, by turns. */
  private answer(streamId: number, bytes: number, reset: boolean, count: number): void {
    const fail = (): void => {
      this.send(frameType.rstStream, 0, streamId, uint32(errorCode.internalError));
    };
    if (reset && count % 2 === 0) return fail();
    const block = encodeFields([
      [':status', '200'],
      ['content-length', String(bytes)],
    ]);
    this.send(frameType.headers, flag.endHeaders | (bytes === 0 && !reset ? flag.endStream : 0), streamId, block);
    if (bytes === 0 && !reset) return;
    const sent = reset ? Math.floor(bytes / 2) : bytes;
    for (let at = 0; at < sent; at += 16_384) {
      const piece = Buffer.alloc(Math.min(16_384, sent - at), 0x73);
      this.send(frameType.data, !reset && at + piece.length === sent ? flag.endStream : 0, streamId, piece);
    }
    if (reset) fail();
  }
}
