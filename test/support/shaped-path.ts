/** A TCP relay on the loopback interface that is as narrow and as long as a real path, in both directions. */
import { connect, createServer, type AddressInfo, type Socket } from 'node:net';

export interface Shape {
  /** Bytes a millisecond. */
  bandwidth: number;
  /** One way, in milliseconds. */
  delay: number;
  /** Bytes that may wait before its sender has to. */
  readonly queue: number;
  /** All connections share one queue and what passes it; else each has its own. */
  readonly shared: boolean;
}

export interface ShapedPath {
  readonly port: number;
  readonly connections: number;
  /** What stands in the fullest queue, in bytes. */
  readonly queued: number;
  /** What is connected carries no more than so many bytes a millisecond from now on. */
  narrow(bandwidth: number): void;
  close(): Promise<void>;
}

/** The largest piece that passes at once, in bytes. */
const piece = 8_192;

/** One way through the narrowest place: first in, first out. */
class Queue {
  private busyUntil = 0;
  private shape: Shape;
  private readonly waiting: { readonly at: number; readonly deliver: () => void }[] = [];
  private timer: NodeJS.Timeout | undefined = undefined;
  private paused: Socket[] = [];

  constructor(shape: Shape) {
    this.shape = shape;
  }

  pass(chunk: Buffer, from: Socket, to: Socket): void {
    const now = performance.now();
    for (let at = 0; at < chunk.length; at += piece) {
      const bytes = chunk.subarray(at, at + piece);
      this.busyUntil = Math.max(this.busyUntil, now) + bytes.length / this.shape.bandwidth;
      this.waiting.push({ at: this.busyUntil + this.shape.delay, deliver: () => void to.write(bytes) });
    }
    if (this.length(now) > this.shape.queue) {
      from.pause();
      this.paused.push(from);
    }
    this.timer ??= setTimeout(() => this.deliver(), 1);
  }

  /** What stands in it, in bytes. */
  length(now = performance.now()): number {
    return (this.busyUntil - now) * this.shape.bandwidth;
  }

  private deliver(): void {
    const now = performance.now();
    while (this.waiting[0] !== undefined && this.waiting[0].at <= now) this.waiting.shift()?.deliver();
    if (this.length(now) < this.shape.queue) for (const socket of this.paused.splice(0)) socket.resume();
    this.timer = this.waiting.length === 0 ? undefined : setTimeout(() => this.deliver(), 1);
  }

  narrow(bandwidth: number): void {
    this.shape = { ...this.shape, bandwidth };
  }

  stop(): void {
    clearTimeout(this.timer);
    this.waiting.length = 0;
  }
}

export async function shapedPath(targetPort: number, shape: Shape): Promise<ShapedPath> {
  const sockets = new Set<Socket>();
  const queues: Queue[] = [];
  const queue = (): Queue => {
    const made = new Queue(shape);
    queues.push(made);
    return made;
  };
  const shared = [queue(), queue()] as const;
  let connections = 0;
  const server = createServer({ noDelay: true }, (client) => {
    connections++;
    const upstream = connect({ port: targetPort, host: '127.0.0.1', noDelay: true });
    const [up, down] = shape.shared ? shared : [queue(), queue()];
    for (const [from, to, way] of [
      [client, upstream, up],
      [upstream, client, down],
    ] as const) {
      sockets.add(from);
      from.on('data', (chunk: Buffer) => way.pass(chunk, from, to));
      from.on('close', () => {
        sockets.delete(from);
        to.destroy();
      });
      from.on('error', () => to.destroy());
    }
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    port: (server.address() as AddressInfo).port,
    get connections() {
      return connections;
    },
    get queued() {
      return Math.max(...queues.map((one) => one.length()));
    },
    narrow: (bandwidth) => {
      for (const one of queues) one.narrow(bandwidth);
    },
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        for (const one of queues) one.stop();
        for (const socket of sockets) socket.destroy();
      }),
  };
}
