import { Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import type { ByteSink, ByteTransport, DialTimes, TransportInfo } from '../ports/index.js';
import { invalidArgument } from '../errors.js';
import { inRootContext } from './context.js';
import { readBeforeFailing } from './late-failure.js';
import type { ReadBuffer } from './read-buffer.js';
import { setTimeout, clearTimeout, nextTick } from '../timers.js';

/** How long the peer may take to close its side after `end()`, in milliseconds. */
const closeTimeout = 250;

/** What a stream may tell and do beyond Duplex: net.Socket and TLSSocket do, a stream that a user brings may. */
interface SocketTraits {
  readonly remoteAddress?: string | undefined;
  readonly remotePort?: number | undefined;
  readonly localAddress?: string | undefined;
  readonly localPort?: number | undefined;
  readonly alpnProtocol?: string | false | null | undefined;
  readonly getProtocol?: () => string | null;
  readonly getCipher?: () => { readonly name: string } | undefined;
  readonly ref?: () => unknown;
  readonly unref?: () => unknown;
}

/**
 * A connected stream as a ByteTransport: a net.Socket, a TLSSocket or any Duplex of bytes. With the ReadBuffer that
 * the socket was made with, it reads without a copy; without one it listens to 'data'. What arrives before `start()`
 * waits in the stream. An error of the stream, emitted or thrown, ends in `onClose`, and none after that is ever uncaught.
 */
export class SocketTransport implements ByteTransport {
  readonly info: TransportInfo;
  readonly transientReads: boolean;
  readonly zeroCopyReads: ReadBuffer | undefined;
  private readonly socket: Duplex & SocketTraits;
  private readonly reads: ReadBuffer | undefined;
  /** A socket is done with bytes once it says so; another stream may have passed them on by reference, so it gets a copy. */
  private readonly copies: boolean;
  private sink: ByteSink | undefined;
  /** What the write in flight reports to. */
  private done: (() => void) | undefined;
  /** Within a call to the stream: a Duplex may answer before it returns, and the sink must not hear it so soon. */
  private calling = false;
  /** Events put off to a later tick; while there are any, those that follow queue up behind them. */
  private deferred = 0;
  /** The peer ended its side before `start()`. */
  private endedEarly: boolean;
  /** `destroy()` was called, or `onClose` has been: nothing but `onClose` is delivered. */
  private muted = false;
  private closing = false;
  private closed = false;
  private error: Error | undefined;
  private closeTimer: NodeJS.Timeout | undefined;

  /** Throws a TypeError (ERR_INVALID_ARG_VALUE) for what is no stream. */
  constructor(socket: Duplex, reads?: ReadBuffer, dial?: DialTimes) {
    if (!isDuplex(socket)) throw invalidArgument('socket', socket, 'a stream to read and write (Duplex)');
    this.socket = socket;
    this.reads = reads;
    this.copies = !(socket instanceof Socket);
    if (socket instanceof Socket) readBeforeFailing(socket);
    this.transientReads = reads !== undefined;
    this.zeroCopyReads = reads;
    this.info = dial === undefined ? infoOf(socket) : { ...infoOf(socket), dial };
    this.endedEarly = socket.readableEnded;
    socket.on('error', (error: Error) => this.close(error)); // never removed: a late error must not be uncaught
    socket.once('close', () => this.close(socket.errored ?? undefined));
    socket.once('end', () => this.onEnd());
    if (socket.destroyed) this.close(socket.errored ?? undefined);
  }

  start(sink: ByteSink): void {
    this.sink = sink;
    this.defer(() => this.begin(sink));
    if (this.closing) nextTick(() => this.finish());
  }

  write(bytes: Uint8Array, done: () => void): void {
    this.done = done;
    this.call(writeTo, this.copies ? bytes.slice() : bytes, this.written);
  }

  end(): void {
    if (this.closing || this.closeTimer !== undefined) return;
    this.call(endOf);
    if (this.closing) return;
    this.closeTimer = inRootContext(setTimeout, () => this.destroy(), closeTimeout).unref();
  }

  destroy(error?: Error): void {
    this.muted = true;
    this.close(error);
  }

  ref(): void {
    try {
      this.socket.ref?.();
    } catch (error) {
      this.thrown(error);
    }
  }

  unref(): void {
    try {
      this.socket.unref?.();
    } catch (error) {
      this.thrown(error);
    }
  }

  /** A stream of the user's may throw what it should emit: that ends the connection, not the process. */
  private call<A extends unknown[]>(fn: (socket: Duplex, ...args: A) => void, ...args: A): void {
    const nested = this.calling;
    this.calling = true;
    try {
      inRootContext(fn, this.socket, ...args);
    } catch (error) {
      this.thrown(error);
    }
    this.calling = nested;
  }

  private thrown(error: unknown): void {
    this.close(error instanceof Error ? error : new Error(String(error)));
  }

  /** Runs in a tick of its own after `start()`. */
  private begin(sink: ByteSink): void {
    if (this.reads === undefined) {
      this.socket.on('data', (chunk: unknown) => this.data(chunk));
    } else {
      let chunk: unknown;
      while (!this.muted && (chunk = this.socket.read()) !== null) sink.onBytes(chunk as Uint8Array);
      this.reads.deliverTo((bytes) => this.receive(bytes));
    }
    if (this.endedEarly && !this.muted) sink.onEnd();
    if (!this.closing) this.call(resumeOf);
  }

  private data(chunk: unknown): void {
    if (chunk instanceof Uint8Array) return this.receive(chunk);
    const message =
      typeof chunk === 'string'
        ? 'The stream delivers strings, not bytes: it must not have an encoding set.'
        : 'The stream delivers objects, not bytes: it must not be in object mode.';
    this.destroy(new TypeError(message));
  }

  private receive(bytes: Uint8Array): void {
    if (this.muted) return;
    if (!this.mustDefer()) {
      this.sink?.onBytes(bytes);
      return;
    }
    const kept = this.transientReads ? bytes.slice() : bytes;
    this.defer(() => this.sink?.onBytes(kept));
  }

  private onEnd(): void {
    if (this.closing) return; // with an error, which says more
    if (this.sink === undefined) this.endedEarly = true;
    else if (this.mustDefer()) this.defer(() => this.sink?.onEnd());
    else if (!this.muted) this.sink.onEnd();
  }

  private readonly written = (error?: Error | null): void => {
    if (error) {
      this.close(this.socket.errored ?? error); // what broke the stream says more than "stream was destroyed"
      return;
    }
    const done = this.done;
    this.done = undefined;
    if (done === undefined || this.muted) return;
    if (this.mustDefer()) this.defer(done);
    else done();
  };

  private close(error: Error | undefined): void {
    if (this.closing) return;
    this.closing = true;
    this.error = error;
    clearTimeout(this.closeTimer);
    try {
      this.socket.destroy(error);
    } catch (thrown) {
      if (thrown instanceof Error) this.error ??= thrown;
    }
    nextTick(() => this.finish());
  }

  private finish(): void {
    if (this.sink === undefined || this.closed) return;
    this.closed = true;
    this.muted = true;
    this.done = undefined;
    this.sink.onClose(this.error);
  }

  private mustDefer(): boolean {
    return this.calling || this.deferred > 0;
  }

  /** Ticks run first come, first served, so what is put off keeps its order. */
  private defer(event: () => void): void {
    this.deferred++;
    nextTick(() => {
      this.deferred--;
      if (!this.muted) event();
    });
  }
}

function writeTo(socket: Duplex, bytes: Uint8Array, written: (error?: Error | null) => void): void {
  socket.write(bytes, written);
}

function endOf(socket: Duplex): void {
  socket.end();
}

function resumeOf(socket: Duplex): void {
  socket.resume();
}

/** Told by what it can do, since it may come from another realm or package. */
export function isDuplex(value: unknown): value is Duplex {
  if (typeof value !== 'object' || value === null) return false;
  const stream = value as Record<string, unknown>;
  return (['on', 'once', 'resume', 'write', 'end', 'destroy'] as const).every(
    (name) => typeof stream[name] === 'function',
  );
}

/** Where a stream leads, as far as it says. */
export function infoOf(socket: Duplex & SocketTraits): TransportInfo {
  const version = socket.getProtocol?.() ?? undefined;
  const cipher = socket.getCipher?.()?.name;
  return {
    remoteAddress: socket.remoteAddress,
    remotePort: socket.remotePort,
    localAddress: socket.localAddress,
    localPort: socket.localPort,
    alpnProtocol: socket.alpnProtocol || undefined,
    tls: version === undefined || cipher === undefined ? undefined : { version, cipher },
  };
}
