import { Duplex } from 'node:stream';
import type { TLSSocket } from 'node:tls';

/**
 * A stream that stops taking bytes, as a socket does whose peer has stopped reading, only that the test says when
 * (the fixture of Go's TestTransportBlockingRequestWrite). Reading passes through untouched.
 */
export class BlockingDuplex extends Duplex {
  /** Resolves the first time that a write is held. */
  readonly blocked: Promise<void>;
  readonly #socket: Duplex;
  readonly #limit: number;
  readonly #announce: () => void;
  #released = false;
  #written = 0;
  #held: (() => void) | undefined;

  constructor(socket: Duplex, limit: number) {
    super({ allowHalfOpen: true });
    this.#socket = socket;
    this.#limit = limit;
    let announce: () => void = () => undefined;
    this.blocked = new Promise((resolve) => (announce = resolve));
    this.#announce = announce;
    socket.pause();
    socket.on('data', (chunk: Buffer) => {
      if (!this.push(chunk)) socket.pause();
    });
    socket.on('end', () => this.push(null));
    socket.on('error', (error) => this.destroy(error));
    socket.on('close', () => this.destroy());
  }

  /** What ALPN chose, for a TLS socket: a transport looks for it. */
  get alpnProtocol(): string | false | null | undefined {
    return (this.#socket as Partial<TLSSocket>).alpnProtocol;
  }

  /** Lets the held write through, and every later one. */
  release(): void {
    this.#released = true;
    this.#held?.();
    this.#held = undefined;
  }

  override _write(chunk: Buffer, _encoding: BufferEncoding, callback: (error?: Error | null) => void): void {
    const pass = (): void => void this.#socket.write(chunk, callback);
    if (!this.#released && this.#written + chunk.length > this.#limit) {
      this.#held = pass;
      this.#announce();
      return;
    }
    this.#written += chunk.length;
    pass();
  }

  override _read(): void {
    this.#socket.resume();
  }

  override _final(callback: () => void): void {
    this.#socket.end();
    callback();
  }

  override _destroy(error: Error | null, callback: (error?: Error | null) => void): void {
    this.#socket.destroy();
    callback(error);
  }
}

/**
 * Wraps a connected socket so that writes block once more than `limit` bytes would have been written in all. A chunk
 * that would cross the limit is held whole, its completion with it.
 */
export function blockAfter(socket: Duplex, limit: number): BlockingDuplex {
  return new BlockingDuplex(socket, limit);
}
