import type { OnReadOpts, Socket } from 'node:net';
import type { ZeroCopyReads } from '../ports/index.js';

/** What one read can take: as much as libuv asks the kernel for. TLS gives at most one record (16 KiB) at a time. */
const size = 65_536;

/**
 * The buffer that a socket of our own reads into again and again, by the `onread` option of net.connect and
 * tls.connect. Such a socket emits no 'data'; so until {@link deliverTo} is called, what arrives is pushed into the
 * stream as copies, and the socket serves node:http like any other. Where what was read is retained for one more read, two
 * buffers take turns.
 */
export class ReadBuffer implements ZeroCopyReads {
  readonly onread: OnReadOpts;
  private socket: Socket | undefined;
  private receiver: ((bytes: Uint8Array) => void) | undefined;

  private current = new Uint8Array(size);
  private spare: Uint8Array<ArrayBuffer> | undefined;
  private retained = false;

  constructor() {
    this.onread = { buffer: () => this.current, callback: (length) => this.read(length) };
  }

  /** Names the socket that was made with {@link onread}. To be called before anything can arrive. */
  attach(socket: Socket): void {
    this.socket = socket;
  }

  /** From now on every chunk goes to `receiver`, in the buffer that the next one overwrites. */
  deliverTo(receiver: (bytes: Uint8Array) => void): void {
    this.receiver = receiver;
  }

  retain(): void {
    this.retained = true;
  }

  detach(): void {
    this.spare = undefined;
  }

  /** False makes the socket stop reading until its stream asks for more. */
  private read(length: number): boolean {
    const buffer = this.current;
    const bytes = buffer.subarray(0, length);
    if (this.receiver === undefined) return this.socket?.push(Buffer.from(bytes)) ?? false;
    this.receiver(bytes);
    if (this.retained) {
      this.retained = false;
      this.current = this.spare ?? new Uint8Array(size);
      this.spare = buffer;
    }
    return true;
  }
}
