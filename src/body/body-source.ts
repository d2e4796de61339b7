import type { BodyQueue } from './body-queue.js';
import { setImmediate } from '../timers.js';

type Controller = ReadableStreamDefaultController<Uint8Array> | ReadableByteStreamController;

/** Reads a body piece by piece, without a promise for what is at hand. One reader; one `wait` at a time. */
export interface ChunkReader {
  /** Everything was read. */
  readonly finished: boolean;
  /** The next chunk; undefined where none is at hand or `finished`. Throws once what had arrived of a cut body is read. */
  take(): Uint8Array | undefined;
  /** Resolves when there may be something new to take, or to know. */
  wait(): Promise<void>;
}

/** How a stream shows what its body gives. */
export interface StreamShape {
  /** Before each piece: throws what keeps it from being shown. */
  check?(): void;
  chunk(bytes: Uint8Array): Uint8Array<ArrayBuffer>;
  error(error: unknown): unknown;
}

/**
 * What a WHATWG stream over a body is made of: it reads only when it is read. Yet who does no more than watch the stream,
 * as by a reader's `closed`, learns that the body was cut. Where somebody has begun to read, what had arrived comes
 * before that; where nobody has, the stream fails at once (Fetch Standard, section 4.7, HTTP-network fetch).
 */
export class BodySource {
  private readonly chunks: ChunkReader;
  private readonly queue: BodyQueue;
  private readonly shape: StreamShape;
  private readonly onCancel: (reason: unknown) => void;
  private begun = false;
  private pulling: Promise<void> | undefined;

  /** `cancel` holds the body: it is not to be taken for dropped. */
  constructor(chunks: ChunkReader, queue: BodyQueue, shape: StreamShape, cancel: (reason: unknown) => void) {
    this.chunks = chunks;
    this.queue = queue;
    this.shape = shape;
    this.onCancel = cancel;
  }

  start(controller: Controller): void {
    // Who feeds the queue must hold neither stream nor body.
    const source = new WeakRef(this);
    const stream = new WeakRef(controller);
    this.queue.whenFailed(() => {
      const open = stream.deref();
      const of = source.deref();
      if (open !== undefined && of !== undefined) of.onCut(open);
    });
  }

  private onCut(controller: Controller): void {
    if (this.begun) return void this.pull(controller);
    // The stream may have been made for a reader that is about to read.
    setImmediate(() => {
      if (this.begun) return;
      controller.error(this.shape.error(this.queue.error));
      this.queue.discard(); // an errored stream gives no bytes
    });
  }

  /** Also called when the body was cut, so that it may be under way when the stream asks. */
  pull(controller: Controller): Promise<void> | undefined {
    this.begun = true;
    if (this.pulling !== undefined) return this.pulling;
    try {
      do {
        this.shape.check?.();
        const chunk = this.chunks.take();
        if (chunk === undefined && !this.chunks.finished) return (this.pulling = this.wait(controller));
        this.offer(controller, chunk);
        // With everything taken of what had arrived, the next step is the error.
      } while (this.queue.failed && controller.desiredSize === 0);
    } catch (error) {
      controller.error(this.shape.error(error));
    }
    return undefined;
  }

  private async wait(controller: Controller): Promise<void> {
    await this.chunks.wait();
    this.pulling = undefined;
    await this.pull(controller);
  }

  private offer(controller: Controller, chunk: Uint8Array | undefined): void {
    if (chunk !== undefined) controller.enqueue(this.shape.chunk(chunk));
    if (!this.chunks.finished) return;
    controller.close();
    if ('byobRequest' in controller) controller.byobRequest?.respond(0);
  }

  cancel(reason: unknown): void {
    this.onCancel(reason);
  }
}
