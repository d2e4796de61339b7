import './immediate.js';
import { Duplex } from 'node:stream';
import type { ByteTransport } from '../../dist/ports/byte-transport.js';
import type { SimulatedClock } from './clock.js';
import { kernel } from './kernel.js';
import type { End, Tcp } from './tcp.js';

/** So many reads are cut into small ones, as in socket.ts. */
const cutReads = 300;

/** The process's end of a connection that carries HTTP/1.1, as node:http has it of a net.Socket or TLSSocket: a stream. */
export class SimulatedDuplex extends Duplex implements End {
  readonly info: ByteTransport['info'];
  /** Whether it keeps the process alive. */
  refed = true;
  /** In bytes, as sockets count them. */
  bytesRead = 0;
  bytesWritten = 0;
  private readonly clock: SimulatedClock;
  private readonly tcp: Tcp;
  private readonly secure: boolean;
  private readonly onGone: (socket: SimulatedDuplex) => void;
  private rest: Uint8Array | undefined = undefined;
  private done: ((error?: Error) => void) | undefined = undefined;
  private wanted = false;
  private reading = false;
  private reads = 0;
  private endTold = false;
  private wasReset = false;

  /** @param onGone called once, when it is closed */
  constructor(clock: SimulatedClock, tcp: Tcp, info: ByteTransport['info'], onGone: (socket: SimulatedDuplex) => void) {
    super({ allowHalfOpen: false });
    this.clock = clock;
    this.tcp = tcp;
    this.info = info;
    this.secure = info.tls !== undefined;
    this.onGone = onGone;
    tcp.client = this;
    this.on('error', () => undefined); // as the dialler has it of each socket: why it closed is read when it does
    tcp.down.onReadable = () => this.readMore();
    tcp.up.onWritable = () => clock.poll(() => this.writeMore());
    this.watch();
  }

  /** HTTP/1.1 has nothing to ask by whether the other side lives: in the end the kernel knows, where TCP asks (`keepAlive`). */
  private watch(): void {
    this.clock.after(kernel.givesUpAfter, () => {
      if (this.tcp.gone) this.clock.poll(() => this.destroy(failure('read', 'ETIMEDOUT')));
      else if (!this.destroyed) this.watch();
    });
  }

  /** It has been told to end, or has. */
  get ending(): boolean {
    return this.writableEnded || this.destroyed;
  }

  /** A write has not ended. */
  get writing(): boolean {
    return this.done !== undefined;
  }

  ref(): this {
    this.refed = true;
    return this;
  }

  unref(): this {
    this.refed = false;
    return this;
  }

  // --- reading ---

  override _read(): void {
    this.wanted = true;
    this.readMore();
  }

  private get news(): boolean {
    const { down } = this.tcp;
    return down.readable > 0 || (down.ended && !this.endTold) || this.wasReset;
  }

  private readMore(): void {
    if (this.reading || !this.wanted || this.destroyed || !this.news) return;
    this.reading = true;
    this.clock.poll(() => this.receive());
  }

  private receive(): void {
    this.reading = false;
    if (!this.wanted || this.destroyed) return;
    const { down, mostRead } = this.tcp;
    const bytes = down.read(Math.min(kernel.read, this.reads++ < cutReads ? mostRead : Infinity));
    if (bytes.length > 0) {
      this.bytesRead += bytes.length;
      this.wanted = this.push(Buffer.from(bytes));
    } else if (down.ended && !this.endTold) {
      this.endTold = true;
      this.push(null);
    } else if (this.wasReset) {
      this.destroy(failure('read', 'ECONNRESET'));
    }
    if (this.reading || !this.wanted || this.destroyed || !this.news) return;
    this.reading = true;
    this.clock.pollOn(() => this.receive());
  }

  /** What has arrived before is read first. */
  onReset(): void {
    this.wasReset = true;
    this.readMore();
  }

  // --- writing ---

  override _write(chunk: Buffer, _encoding: BufferEncoding, done: (error?: Error) => void): void {
    if (this.wasReset) return process.nextTick(done, failure('write', 'EPIPE'));
    this.done = done;
    this.bytesWritten += chunk.length;
    const bytes = new Uint8Array(chunk.buffer, chunk.byteOffset, chunk.length); // a Buffer's slice() is no copy
    const taken = this.tcp.up.write(bytes);
    if (taken < bytes.length) this.rest = bytes.subarray(taken);
    else if (this.secure) this.clock.afterPoll(() => this.written());
    else process.nextTick(() => this.written());
  }

  /** The kernel has room again, and takes what is left as far as it fits. */
  private writeMore(): void {
    const { rest } = this;
    if (rest === undefined || this.destroyed) return;
    const taken = this.tcp.up.write(rest);
    if (taken < rest.length) {
      this.rest = rest.subarray(taken);
      return;
    }
    this.rest = undefined;
    this.written();
  }

  private written(error?: Error): void {
    const { done } = this;
    this.done = undefined;
    done?.(error);
  }

  override _final(done: () => void): void {
    this.tcp.up.finish();
    done();
  }

  // --- the end ---

  override _destroy(error: Error | null, done: (error: Error | null) => void): void {
    this.rest = undefined;
    // The kernel sends what it has taken, unless something unread makes it a reset.
    if (this.tcp.down.readable > 0) this.tcp.resetFrom('client');
    else this.tcp.up.finish();
    this.tcp.down.stopReading();
    this.onGone(this);
    this.written(failure('write', 'ECANCELED'));
    done(error);
  }
}

function failure(what: string, code: string): Error {
  return Object.assign(new Error(`${what} ${code}`), { code });
}
