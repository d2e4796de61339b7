import { once } from 'node:events';
import type { AddressInfo, Server } from 'node:net';
import type { ByteSink, ByteTransport } from '../../dist/ports/byte-transport.js';
import type { Clock, TimerHandle } from '../../dist/ports/clock.js';
import type { Dialled, Origin } from '../../dist/ports/dialler.js';

/** Time that stands still until a test moves it. */
export class VirtualClock implements Clock {
  #now = 0;
  #timers = new Set<{ readonly at: number; readonly callback: () => void }>();

  now(): number {
    return this.#now;
  }

  wallNow(): number {
    return this.#now;
  }

  setTimer(delay: number, callback: () => void): TimerHandle {
    const timer = { at: this.#now + delay, callback };
    this.#timers.add(timer);
    return timer;
  }

  clearTimer(timer: TimerHandle): void {
    this.#timers.delete(timer as { at: number; callback: () => void });
  }

  defer(callback: () => void): void {
    process.nextTick(callback);
  }

  afterPoll(callback: () => void): void {
    setImmediate(callback);
  }

  /** How many timers are running. */
  get pending(): number {
    return this.#timers.size;
  }

  advance(milliseconds: number): void {
    const end = this.#now + milliseconds;
    for (;;) {
      const due = [...this.#timers].filter(({ at }) => at <= end).sort((a, b) => a.at - b.at)[0];
      if (due === undefined) break;
      this.#timers.delete(due);
      this.#now = due.at;
      due.callback();
    }
    this.#now = end;
  }
}

/** Writes down what a transport delivers. Bytes are copied, since they may be overwritten. */
export class Recorder implements ByteSink {
  /** 'bytes' (once for any number in a row), 'end' and 'close', in the order in which they came. */
  readonly events: string[] = [];
  readonly closed: Promise<Error | undefined>;
  onNext: (() => void) | undefined;
  readonly #chunks: Buffer[] = [];
  #length = 0;
  readonly #resolveClosed: (error: Error | undefined) => void;

  constructor() {
    let resolveClosed: (error: Error | undefined) => void = () => undefined;
    this.closed = new Promise((resolve) => (resolveClosed = resolve));
    this.#resolveClosed = resolveClosed;
  }

  get bytes(): Buffer {
    return Buffer.concat(this.#chunks);
  }

  onBytes(bytes: Uint8Array): void {
    this.#chunks.push(Buffer.from(bytes));
    this.#length += bytes.length;
    if (this.events.at(-1) !== 'bytes') this.events.push('bytes');
    this.onNext?.();
  }

  onEnd(): void {
    this.events.push('end');
    this.onNext?.();
  }

  onClose(error: Error | undefined): void {
    this.events.push('close');
    this.#resolveClosed(error);
    this.onNext?.();
  }

  /** Resolves when so many bytes have arrived. */
  async received(length: number): Promise<Buffer> {
    while (this.#length < length) {
      await new Promise<void>((resolve) => (this.onNext = resolve));
    }
    return this.bytes;
  }
}

/** Starts a server on the loopback interface and tells its port. */
export async function listen(server: Server, host = '127.0.0.1'): Promise<number> {
  await once(server.listen(0, host), 'listening');
  return (server.address() as AddressInfo).port;
}

export function originOf(scheme: 'http:' | 'https:', hostname: string, port: number): Origin {
  const authority = `${hostname.includes(':') ? `[${hostname}]` : hostname}:${port}`;
  return { scheme, hostname, port, href: `${scheme}//${authority}`, authority };
}

/** The transport of a dial that must have come to HTTP/2. */
export function h2(dialled: Dialled): ByteTransport {
  if (dialled.protocol !== 'h2') throw new Error(`dialled ${dialled.protocol}`);
  return dialled.transport;
}

export function write(transport: ByteTransport, bytes: Uint8Array): Promise<void> {
  return new Promise((resolve) => transport.write(bytes, resolve));
}
