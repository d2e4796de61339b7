import type { OnReadOpts, Socket } from 'node:net';
import type { ZeroCopyReads } from '../ports/index.js';

/** What one read can take: as much as libuv asks the kernel for. TLS gives at most one record (16 KiB) at a time. */
const size = 65_536;

interface Shared {
  /** The one that has changed its buffer last. */
  last: WeakRef<{ reinstall(): void }> | undefined;
}

/** All copies of the library in a process have one listener, which has this. */
const key = Symbol.for('passinglane.reads');

/**
 * Node takes the buffer for the next read from what `onread` returned, and does not take it where a tick right after throws,
 * though the process lives on by 'uncaughtException': it would go on to read into the one that others hold by now, and show
 * this one as what was read. So it is told at once.
 */
function shared(): Shared {
  for (const listener of process.listeners('uncaughtExceptionMonitor') as { [key]?: Shared }[]) {
    const known = listener[key];
    if (known !== undefined) return known;
  }
  const made: Shared = { last: undefined };
  const listener = (): void => made.last?.deref()?.reinstall();
  process.on('uncaughtExceptionMonitor', Object.assign(listener, { [key]: made }));
  return made;
}

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
  private readonly shared = shared();
  private readonly self = new WeakRef(this);

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

  /** Where this Node no longer knows how, the connection ends: better none than one that reads what was not sent. */
  reinstall(): void {
    const { _handle: handle } = (this.socket ?? {}) as { _handle?: { useUserBuffer?: (buffer: Uint8Array) => void } };
    if (handle === undefined || handle === null) return;
    if (typeof handle.useUserBuffer === 'function') handle.useUserBuffer(this.current);
    else this.socket?.destroy();
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
      this.shared.last = this.self;
    }
    return true;
  }
}
