import { connect, createServer, type AddressInfo, type Server, type Socket } from 'node:net';
import { listening } from './origin.js';

/** At most so many bytes pass at once. */
const piece = 8_192;
/** 50 Mbit/s, in bytes a millisecond. */
const bandwidth = 6_250;
/** One way, in milliseconds. */
const delay = 10;
/** Bytes that stand in line before a sender has to wait. */
const queue = 1 << 20;

/** A TCP proxy that is a path of 50 Mbit/s and 20 ms there and back, with a queue of 1 MB for each connection and direction. */
export class NarrowPath {
  /** How many connections were accepted so far. */
  accepted = 0;
  private readonly server: Server;
  private readonly sockets = new Set<Socket>();

  private constructor(target: number) {
    this.server = createServer({ noDelay: true }, (client) => {
      this.accepted++;
      const upstream = connect({ port: target, host: '127.0.0.1', noDelay: true });
      this.pass(client, upstream);
      this.pass(upstream, client);
    });
  }

  /** Starts one in front of the port `target` of 127.0.0.1. */
  static async start(target: number): Promise<NarrowPath> {
    const path = new NarrowPath(target);
    await listening(path.server);
    return path;
  }

  get port(): number {
    return (this.server.address() as AddressInfo).port;
  }

  close(): Promise<void> {
    return new Promise((resolve) => {
      this.server.close(() => resolve());
      for (const socket of this.sockets) socket.destroy();
    });
  }

  private pass(from: Socket, to: Socket): void {
    /** When the last byte so far is through the narrowest place. */
    let through = 0;
    const late: { readonly at: number; readonly bytes: Buffer }[] = [];
    let timer: NodeJS.Timeout | undefined;
    const deliver = (): void => {
      const now = performance.now();
      for (let first = late[0]; first !== undefined && first.at <= now; first = late[0]) {
        to.write(first.bytes);
        late.shift();
      }
      if ((through - now) * bandwidth < queue) from.resume();
      timer = late.length === 0 ? undefined : setTimeout(deliver, 1);
    };
    from.on('data', (chunk: Buffer) => {
      for (let at = 0; at < chunk.length; at += piece) {
        const bytes = chunk.subarray(at, at + piece);
        through = Math.max(through, performance.now()) + bytes.length / bandwidth;
        late.push({ at: through + delay, bytes });
      }
      if ((through - performance.now()) * bandwidth > queue) from.pause();
      timer ??= setTimeout(deliver, 1);
    });
    this.sockets.add(from);
    // One side's end, for whatever reason, is passed on to the other: nothing else is a path's business.
    from.on('error', () => to.destroy());
    from.on('close', () => {
      clearTimeout(timer);
      this.sockets.delete(from);
      to.destroy();
    });
  }
}
