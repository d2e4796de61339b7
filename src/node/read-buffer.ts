import type { OnReadOpts, Socket } from 'node:net';

/** What one read can take: as much as libuv asks the kernel for. TLS gives at most one record (16 KiB) at a time. */
const size = 65_536;

/**
 * One buffer that a socket of our own reads into again and again, by the `onread` option of net.connect and
 * tls.connect. Such a socket emits no 'data'; so until {@link deliverTo} is called, what arrives is pushed into the
 * stream as copies, and the socket serves node:http like any other.
 */
export class ReadBuffer {
  readonly onread: OnReadOpts;
  #socket: Socket | undefined;
  #receiver: ((bytes: Uint8Array) => void) | undefined;

  constructor() {
    this.onread = { buffer: new Uint8Array(size), callback: (length, buffer) => this.#read(length, buffer) };
  }

  /** Names the socket that was made with {@link onread}. To be called before anything can arrive. */
  attach(socket: Socket): void {
    this.#socket = socket;
  }

  /** From now on every chunk goes to `receiver`, in the buffer that the next one overwrites. */
  deliverTo(receiver: (bytes: Uint8Array) => void): void {
    this.#receiver = receiver;
  }

  /** False makes the socket stop reading until its stream asks for more. */
  #read(length: number, buffer: Uint8Array): boolean {
    const bytes = buffer.subarray(0, length);
    if (this.#receiver === undefined) return this.#socket?.push(Buffer.from(bytes)) ?? false;
    this.#receiver(bytes);
    return true;
  }
}
