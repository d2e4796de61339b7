/** Who feeds a {@link BodyQueue}: learns what became of the bytes. Called synchronously from the reader's calls. */
export interface BodyOwner {
  /** So many bytes are out of the queue, read or dropped: their flow-control credit may return (RFC 9113 section 5.2). */
  consumed(bytes: number): void;
  /** Nobody wants the rest. Called at most once, and not once the queue has ended or failed. */
  cancelled(reason: unknown): void;
  /** The reader has begun to wait, or waits no longer. */
  attended?(): void;
}

/** In place of an owner that has nothing more to learn. */
const nobody: BodyOwner = { consumed() {}, cancelled() {} };

/** Stands for those of a queue that has had none: most bodies are one piece. Nothing is ever added to it. */
const noChunks: (Uint8Array | undefined)[] = [];

/** So many chunks wait as they came; of more, small ones are joined, up to a size in bytes. */
const unjoined = 32;
const joinedSize = 1_024;
/** Where so many chunks wait, views of the read buffer are copied without waiting for the next read: each is an object. */
const mostViews = 256;

/**
 * What a connection has received of one body and its one reader has not taken yet. It bounds nothing by itself: the
 * peer sends no more than the credit that `consumed` gives back. It never knows its reader, except for the promise
 * that a reader is waiting on at the moment.
 *
 * What is pushed as a view lies in the buffer that the connection reads into. Mostly the reader takes it before the next
 * read, and then it is copied once, into what it asked for, or not at all; `detach` copies what is left.
 *
 * What is kept costs memory by its bytes, not by its pieces: pieces of one read become one chunk, and so do small
 * chunks when many wait. A peer may send a body in frames of one byte (RFC 9113 section 10.5), and each would be an object.
 */
export class BodyQueue {
  private owner: BodyOwner;
  /** Those before `head` were read. */
  private chunks = noChunks;
  private head = 0;
  /** Behind all chunks: the view pushed last, `[pieceStart, pieceEnd)`, so that a body of one piece needs no object for it. */
  private piece: Uint8Array | undefined;
  private pieceStart = 0;
  private pieceEnd = 0;
  /** The buffer that the views are of; undefined: none has come since `detach`. */
  private readBuffer: Uint8Array | undefined;
  /** The reader works with a view of it. */
  private viewInUse = false;
  /** The memory of the last chunk, where that is small chunks joined. */
  private block: Uint8Array | undefined;
  private discarding = false;
  private bytes = 0;
  private hasEnded = false;
  private hasFailed = false;
  private failure: unknown;
  private wasCancelled = false;
  private wake: (() => void) | undefined;
  private onFailed: (() => void) | undefined;

  constructor(owner: BodyOwner) {
    this.owner = owner;
  }

  /** Bytes that wait to be read. */
  get buffered(): number {
    return this.bytes;
  }

  /** All of the body has arrived; some of it may wait to be read. */
  get ended(): boolean {
    return this.hasEnded;
  }

  /** The body was cut; what had arrived before may wait to be read. */
  get failed(): boolean {
    return this.hasFailed;
  }

  get error(): unknown {
    return this.failure;
  }

  get cancelled(): boolean {
    return this.wasCancelled;
  }

  /** A reader is waiting for bytes. */
  get waiting(): boolean {
    return this.wake !== undefined;
  }

  /** Bytes that arrived; they are not to change any more. After the end, a failure or a cancel they are dropped. */
  push(chunk: Uint8Array): void {
    if (!this.accepts(chunk.byteLength)) return;
    this.queuePiece();
    this.addOwn(chunk);
    this.wakeReader();
  }

  /** As `push`, of `bytes[start, end)`; `transient`: they are going to change. */
  pushPiece(bytes: Uint8Array, start: number, end: number, transient: boolean): void {
    // A small piece must not pin the whole buffer of its read.
    const copy = transient || bytes.buffer.byteLength > 4 * (end - start);
    this.push(copy ? copyOf(bytes, start, end) : bytes.subarray(start, end));
  }

  /** As `push`, of bytes that stay as they are only until `detach`. True: the first since it, and it is to be called. */
  pushView(bytes: Uint8Array, start: number, end: number): boolean {
    if (!this.accepts(end - start)) return false;
    this.queuePiece();
    if (this.chunks.length - this.head >= mostViews) this.copyViews();
    this.piece = bytes;
    this.pieceStart = start;
    this.pieceEnd = end;
    const first = this.readBuffer === undefined;
    this.readBuffer = bytes;
    this.wakeReader();
    return first;
  }

  /** Copies what is unread of the views. True: the reader works with one, so the buffer must be left to it. */
  detach(): boolean {
    const inUse = this.viewInUse;
    this.viewInUse = false;
    this.queuePiece();
    this.copyViews();
    this.readBuffer = undefined;
    return inUse;
  }

  /** Nobody will look at what is here and what comes: it counts as read when it arrives. */
  discard(): void {
    this.discarding = true;
    this.drop();
  }

  private accepts(length: number): boolean {
    if (length === 0) return false;
    if (this.hasEnded || this.hasFailed || this.wasCancelled || this.discarding) {
      this.owner.consumed(length);
      return false;
    }
    this.bytes += length;
    return true;
  }

  private add(chunk: Uint8Array): void {
    if (this.chunks === noChunks) this.chunks = [];
    this.chunks.push(chunk);
  }

  private addOwn(chunk: Uint8Array): void {
    const chunks = this.chunks;
    const last = chunks[chunks.length - 1];
    if (last === undefined || chunks.length - this.head < unjoined || last.length + chunk.length > joinedSize) {
      this.add(chunk);
      return;
    }
    // Filled in place: memory for each byte that comes would be garbage faster than it is collected.
    const end = last.length + chunk.length;
    let block = this.block;
    if (block?.buffer !== last.buffer) {
      this.block = block = new Uint8Array(joinedSize);
      block.set(last);
    }
    block.set(chunk, last.length);
    chunks[chunks.length - 1] = block.subarray(0, end);
  }

  private copyViews(): void {
    const chunks = this.chunks;
    let first = chunks.length;
    while (first > this.head && this.isView(chunks[first - 1])) first--;
    if (first < chunks.length) this.addOwn(join(chunks.splice(first)));
  }

  /** Makes a chunk of the piece. */
  private queuePiece(): void {
    const piece = this.piece;
    if (piece === undefined) return;
    this.piece = undefined;
    this.add(piece.subarray(this.pieceStart, this.pieceEnd));
  }

  /** All of it has arrived. */
  end(): void {
    if (this.hasFailed || this.wasCancelled) return;
    this.hasEnded = true;
    this.release();
    this.wakeReader();
  }

  /** The body is cut: the reader gets what had arrived, then this error, every time it asks. */
  fail(error: unknown): void {
    if (this.hasEnded || this.hasFailed || this.wasCancelled) return;
    this.hasFailed = true;
    this.failure = error;
    this.wakeReader();
    this.onFailed?.();
  }

  /** As `fail`, but what had arrived is dropped, also where that was all of it: for a request that was aborted. */
  abort(error: unknown): void {
    if (this.wasCancelled) return;
    this.drop();
    this.hasEnded = false;
    this.hasFailed = true;
    this.failure = error;
    this.wakeReader();
    this.onFailed?.();
  }

  /** Has `callback` called when the body is cut, or at once where it was. What it holds lives as long as the queue. */
  whenFailed(callback: () => void): void {
    this.onFailed = callback;
    if (this.hasFailed) callback();
  }

  /** The oldest chunk, the reader's to keep; undefined where there is none at hand. */
  read(): Uint8Array | undefined {
    this.viewInUse = false;
    if (this.chunks.length > 0) {
      const chunk = this.shift();
      return this.taken(this.isView(chunk) ? copyOf(chunk) : chunk);
    }
    const piece = this.piece;
    this.piece = undefined;
    return piece === undefined ? undefined : this.taken(copyOf(piece, this.pieceStart, this.pieceEnd));
  }

  /** As `read`, but the chunk is the reader's only until it asks for the next one. */
  borrow(): Uint8Array | undefined {
    this.viewInUse = false;
    this.queuePiece();
    const chunk = this.shift();
    this.viewInUse = this.isView(chunk);
    return this.taken(chunk);
  }

  private isView(chunk: Uint8Array | undefined): chunk is Uint8Array {
    return chunk !== undefined && chunk.buffer === this.readBuffer?.buffer;
  }

  private shift(): Uint8Array | undefined {
    const chunk = this.chunks[this.head];
    if (chunk === undefined) return undefined;
    this.chunks[this.head++] = undefined;
    if (this.head === this.chunks.length) {
      this.chunks.length = 0;
      this.head = 0;
    } else if (this.head === 256) {
      this.chunks.splice(0, 256);
      this.head = 0;
    }
    return chunk;
  }

  private taken(chunk: Uint8Array | undefined): Uint8Array | undefined {
    if (chunk === undefined) return undefined;
    this.bytes -= chunk.byteLength;
    this.owner.consumed(chunk.byteLength);
    this.release();
    return chunk;
  }

  /** Resolves when there may be something new to read or to know. One waiting reader at a time. */
  wait(): Promise<void> {
    if (this.bytes > 0 || this.hasEnded || this.hasFailed || this.wasCancelled) return Promise.resolve();
    return new Promise((resolve) => {
      this.wake = resolve;
      this.owner.attended?.();
    });
  }

  /** The reader wants no more: what waits is dropped, and the owner is told unless the queue has ended or failed. */
  cancel(reason: unknown): void {
    if (this.wasCancelled) return;
    const open = !this.hasEnded && !this.hasFailed;
    this.wasCancelled = true;
    this.drop();
    this.wakeReader();
    if (open) this.owner.cancelled(reason);
  }

  /**
   * Once the body is read to its end, the queue forgets its owner, the request. A connection keeps its queues with views until
   * its next read, which may be far off, and the request is not to stay in memory as long.
   */
  private release(): void {
    if (this.hasEnded && this.bytes === 0 && this.readBuffer !== undefined) this.owner = nobody;
  }

  private drop(): void {
    const dropped = this.bytes;
    this.chunks = noChunks;
    this.piece = undefined;
    this.head = 0;
    this.bytes = 0;
    if (dropped > 0) this.owner.consumed(dropped);
  }

  private wakeReader(): void {
    const wake = this.wake;
    if (wake === undefined) return;
    this.wake = undefined;
    wake();
    this.owner.attended?.();
  }
}

function copyOf(bytes: Uint8Array, start?: number, end?: number): Uint8Array {
  // A Buffer's own slice makes a view.
  return Uint8Array.prototype.slice.call(bytes, start, end);
}

function join(chunks: readonly (Uint8Array | undefined)[]): Uint8Array {
  let length = 0;
  for (const chunk of chunks) length += chunk?.length ?? 0;
  const joined = new Uint8Array(length);
  let at = 0;
  for (const chunk of chunks) {
    if (chunk === undefined) continue;
    joined.set(chunk, at);
    at += chunk.length;
  }
  return joined;
}
