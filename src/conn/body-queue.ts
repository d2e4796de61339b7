/** Who feeds a {@link BodyQueue}: learns what became of the bytes. Called synchronously from the reader's calls. */
export interface BodyOwner {
  /** So many bytes are out of the queue, read or dropped: their flow-control credit may return (RFC 9113 section 5.2). */
  consumed(bytes: number): void;
  /** Nobody wants the rest. Called at most once, and not once the queue has ended or failed. */
  cancelled(reason: unknown): void;
}

/**
 * What a connection has received of one body and its one reader has not taken yet. It bounds nothing by itself: the
 * peer sends no more than the credit that `consumed` gives back. It never knows its reader, except for the promise
 * that a reader is waiting on at the moment.
 */
export class BodyQueue {
  readonly #owner: BodyOwner;
  /** Those before `#head` were read. */
  #chunks: (Uint8Array | undefined)[] = [];
  #head = 0;
  #buffered = 0;
  #ended = false;
  #failed = false;
  #error: unknown;
  #cancelled = false;
  #wake: (() => void) | undefined;

  constructor(owner: BodyOwner) {
    this.#owner = owner;
  }

  /** Bytes that wait to be read. */
  get buffered(): number {
    return this.#buffered;
  }

  /** All of the body has arrived; some of it may wait to be read. */
  get ended(): boolean {
    return this.#ended;
  }

  /** The body was cut; what had arrived before may wait to be read. */
  get failed(): boolean {
    return this.#failed;
  }

  get error(): unknown {
    return this.#error;
  }

  get cancelled(): boolean {
    return this.#cancelled;
  }

  /** A reader is waiting for bytes. */
  get waiting(): boolean {
    return this.#wake !== undefined;
  }

  /** Bytes that arrived; they are not to change any more. After the end, a failure or a cancel they are dropped. */
  push(chunk: Uint8Array): void {
    const length = chunk.byteLength;
    if (length === 0) return;
    if (this.#ended || this.#failed || this.#cancelled) {
      this.#owner.consumed(length);
      return;
    }
    this.#chunks.push(chunk);
    this.#buffered += length;
    this.#wakeReader();
  }

  /** All of it has arrived. */
  end(): void {
    if (this.#failed || this.#cancelled) return;
    this.#ended = true;
    this.#wakeReader();
  }

  /** The body is cut: the reader gets what had arrived, then this error, every time it asks (E38). */
  fail(error: unknown): void {
    if (this.#ended || this.#failed || this.#cancelled) return;
    this.#failed = true;
    this.#error = error;
    this.#wakeReader();
  }

  /** As `fail`, but what had arrived is dropped, also where that was all of it: for a request that was aborted. */
  abort(error: unknown): void {
    if (this.#cancelled) return;
    this.#drop();
    this.#ended = false;
    this.#failed = true;
    this.#error = error;
    this.#wakeReader();
  }

  /** The oldest chunk; undefined where there is none at hand. */
  read(): Uint8Array | undefined {
    const chunk = this.#chunks[this.#head];
    if (chunk === undefined) return undefined;
    this.#chunks[this.#head++] = undefined;
    if (this.#head === this.#chunks.length) {
      this.#chunks.length = 0;
      this.#head = 0;
    } else if (this.#head === 256) {
      this.#chunks.splice(0, 256);
      this.#head = 0;
    }
    this.#buffered -= chunk.byteLength;
    this.#owner.consumed(chunk.byteLength);
    return chunk;
  }

  /** Resolves when there may be something new to read or to know. One waiting reader at a time. */
  wait(): Promise<void> {
    if (this.#buffered > 0 || this.#ended || this.#failed || this.#cancelled) return Promise.resolve();
    return new Promise((resolve) => {
      this.#wake = resolve;
    });
  }

  /** The reader wants no more: what waits is dropped, and the owner is told unless the queue has ended or failed. */
  cancel(reason: unknown): void {
    if (this.#cancelled) return;
    const open = !this.#ended && !this.#failed;
    this.#cancelled = true;
    this.#drop();
    this.#wakeReader();
    if (open) this.#owner.cancelled(reason);
  }

  #drop(): void {
    const dropped = this.#buffered;
    this.#chunks = [];
    this.#head = 0;
    this.#buffered = 0;
    if (dropped > 0) this.#owner.consumed(dropped);
  }

  #wakeReader(): void {
    const wake = this.#wake;
    this.#wake = undefined;
    wake?.();
  }
}
