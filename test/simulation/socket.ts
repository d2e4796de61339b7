import './immediate.js';
import assert from 'node:assert/strict';
import type { ByteSink, ByteTransport } from '../../dist/ports/byte-transport.js';
import type { TimerHandle } from '../../dist/ports/clock.js';
import { ReadBuffer } from '../../dist/node/read-buffer.js';
import type { SimulatedClock } from './clock.js';
import { kernel } from './kernel.js';
import type { End, Tcp } from './tcp.js';

/** How long the peer may take to close its side after `end()`, in milliseconds, as in src/node/socket-transport.ts. */
const closeTimeout = 250;

/** So many reads are cut into small ones: what comes after them is like what came before. */
const cutReads = 300;

/** @param begun when its dial began, in the client's time */
export function infoOf(begun: number, address: string, secure: boolean, alpn: string): ByteTransport['info'] {
  return {
    remoteAddress: address,
    remotePort: secure ? 443 : 80,
    localAddress: '192.0.2.1',
    localPort: undefined,
    alpnProtocol: secure ? alpn : undefined,
    dial: { begun, lookup: undefined, connect: undefined, secure: undefined },
    tls: secure ? { version: 'TLSv1.3', cipher: 'TLS_AES_128_GCM_SHA256' } : undefined,
  };
}

/**
 * The process's end of a connection, as `SocketTransport` makes it of a net.Socket or TLSSocket: reads of 64 KiB at most into a
 * buffer that the next one overwrites, one write at a time, whose end is told as Node tells it.
 */
export class SimulatedSocket implements ByteTransport, End {
  readonly transientReads = true;
  readonly zeroCopyReads = new ReadBuffer();
  readonly info: ByteTransport['info'];
  /** Whether it keeps the process alive. */
  refed = true;
  closed = false;
  /** When a write last ended, in the world's time. */
  wroteAt = 0;
  private readonly clock: SimulatedClock;
  private readonly tcp: Tcp;
  private readonly secure: boolean;
  private readonly onGone: (socket: SimulatedSocket) => void;
  private sink: ByteSink | undefined = undefined;
  private rest: Uint8Array | undefined = undefined;
  private done: (() => void) | undefined = undefined;
  private reading = false;
  private reads = 0;
  /** In bytes. */
  private lastRead = 0;
  private wasReset = false;
  private endTold = false;
  /** It has been told to end, or has. */
  ending = false;
  private muted = false;
  private closing = false;
  private error: Error | undefined = undefined;
  private closeTimer: TimerHandle | undefined = undefined;

  /**
   * @param onGone called once, when it is closed
   * @param begun when its dial began, in the client's time
   */
  constructor(
    clock: SimulatedClock,
    tcp: Tcp,
    address: string,
    secure: boolean,
    onGone: (socket: SimulatedSocket) => void,
    begun = clock.now(),
  ) {
    this.clock = clock;
    this.tcp = tcp;
    this.secure = secure;
    this.onGone = onGone;
    this.info = infoOf(begun, address, secure, 'h2');
    tcp.client = this;
    tcp.down.onReadable = () => this.readable();
    tcp.up.onWritable = () => clock.poll(() => this.writable());
  }

  /** A write has not ended. */
  get writing(): boolean {
    return this.done !== undefined;
  }

  start(sink: ByteSink): void {
    this.sink = sink;
    this.zeroCopyReads.deliverTo((bytes) => {
      if (!this.muted) sink.onBytes(bytes);
    });
    this.readable();
    if (this.closing) process.nextTick(() => this.finish());
  }

  // --- reading ---

  private readable(): void {
    if (this.reading || this.sink === undefined || this.muted) return;
    this.reading = true;
    this.clock.poll(() => this.receive());
  }

  private receive(): void {
    this.reading = false;
    if (this.muted) return;
    const { down } = this.tcp;
    const most = this.reads++ < cutReads ? this.tcp.mostRead : Infinity;
    const bytes = down.read(Math.min(kernel.read, most));
    if (bytes.length > 0) {
      const { buffer, callback } = this.zeroCopyReads.onread;
      const into = (buffer as () => Uint8Array)();
      into.fill(0xdd, 0, this.lastRead); // what was in it is gone, as far as it was not held
      this.lastRead = bytes.length;
      into.set(bytes);
      callback(bytes.length, into);
    } else if (down.ended && !this.endTold) {
      this.endTold = true;
      this.sink?.onEnd();
      this.end();
    } else if (this.wasReset) {
      return this.close(Object.assign(new Error('read ECONNRESET'), { code: 'ECONNRESET' }));
    }
    if (this.reading || this.muted) return;
    if (down.readable > 0 || (down.ended && !this.endTold) || this.wasReset) {
      this.reading = true;
      this.clock.pollOn(() => this.receive());
    }
  }

  /** What has arrived before is read first. */
  onReset(): void {
    this.wasReset = true;
    this.readable();
  }

  // --- writing ---

  write(bytes: Uint8Array, done: () => void): void {
    assert.ok(this.done === undefined, 'one write at a time');
    if (this.closing) return;
    this.done = done;
    const taken = this.tcp.up.write(bytes);
    if (taken < bytes.length) this.rest = bytes.subarray(taken);
    else if (this.secure) this.clock.afterPoll(this.written);
    else process.nextTick(this.written);
  }

  /** The kernel has room again, and takes what is left as far as it fits. */
  private writable(): void {
    const { rest } = this;
    if (rest === undefined || this.closing) return;
    const taken = this.tcp.up.write(rest);
    if (taken < rest.length) {
      this.rest = rest.subarray(taken);
      return;
    }
    this.rest = undefined;
    this.written();
  }

  private readonly written = (): void => {
    const { done } = this;
    this.done = undefined;
    this.wroteAt = this.clock.time;
    if (!this.muted) done?.();
    if (this.ending) this.tcp.up.finish();
  };

  // --- the end ---

  end(): void {
    if (this.closing || this.closeTimer !== undefined) return;
    this.ending = true;
    if (this.done === undefined) this.tcp.up.finish();
    this.closeTimer = this.clock.setTimer(this.endTold ? 1 : closeTimeout, () => this.destroy(), false);
  }

  destroy(error?: Error): void {
    this.muted = this.ending = true;
    this.close(error);
  }

  private close(error: Error | undefined): void {
    if (this.closing) return;
    this.closing = true;
    this.error = error;
    this.rest = this.done = undefined;
    if (this.closeTimer !== undefined) this.clock.clearTimer(this.closeTimer);
    // The kernel sends what it has taken, unless something unread makes it a reset.
    if (this.tcp.down.readable > 0) this.tcp.resetFrom('client');
    else this.tcp.up.finish();
    this.tcp.down.stopReading();
    this.onGone(this);
    process.nextTick(() => this.finish());
  }

  private finish(): void {
    if (this.sink === undefined || this.closed) return;
    this.closed = true;
    this.muted = true;
    this.sink.onClose(this.error);
  }

  ref(): void {
    this.refed = true;
  }

  unref(): void {
    this.refed = false;
  }
}
