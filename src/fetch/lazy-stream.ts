import { gatheredFrom, isDisturbed, sourceOf, type ResponseBody } from '../body/index.js';

type Stream = ReadableStream<Uint8Array>;

const disturbed = Symbol.for('nodejs.stream.disturbed');

/**
 * Stands for a response's ReadableStream inside Node's Response until somebody needs a stream: a real one costs more
 * than the rest of a small response (20 µs on Node 20, 2 on Node 26, against 0.3). It passes for one by its prototype,
 * see {@link lazyStream}, and has what Node's Response and others call on the stream of a body.
 */
export class LazyStream {
  readonly #body: ResponseBody | undefined;
  readonly #signal: AbortSignal | undefined;
  #stream: Stream | undefined;
  #claimed = false;

  constructor(body: ResponseBody | undefined, signal: AbortSignal | undefined, stream: Stream | undefined) {
    this.#body = body;
    this.#signal = signal;
    this.#stream = stream;
  }

  /** Reads the body itself, without a stream; undefined where a stream was made, or the body was read already. */
  read<T>(how: (body: ResponseBody) => Promise<T>): Promise<T> | undefined {
    const body = this.#body;
    const signal = this.#signal;
    if (body === undefined || this.#claimed) return undefined;
    if (this.#stream !== undefined) {
      gatheredFrom(body); // by Node, from the stream
      return undefined;
    }
    this.#claimed = true;
    // The transport is done with a body that has arrived; for fetch an abort still ends it.
    if (signal?.aborted === true) {
      body.cancel(signal.reason);
      return Promise.reject(signal.reason as Error);
    }
    return how(body).catch((error: unknown) => {
      throw brokenOff(error, signal);
    });
  }

  /** The real one. */
  get stream(): Stream {
    this.#stream ??= this.#claimed || this.#body === undefined ? spent() : openStream(this.#body, this.#signal);
    return this.#stream;
  }

  /** Splits it in two: this one goes on with one branch, and a new one with the other. */
  branch(): LazyStream {
    const [one, other] = this.stream.tee();
    this.#stream = one;
    return new LazyStream(this.#body, this.#signal, other);
  }

  get [disturbed](): boolean {
    return this.#claimed || (this.#stream !== undefined && isDisturbed(this.#stream));
  }

  get locked(): boolean {
    return this.#claimed || this.#stream?.locked === true;
  }

  getReader(options: { mode: 'byob' }): unknown {
    return this.stream.getReader(options);
  }

  tee(): unknown {
    return this.stream.tee();
  }

  cancel(reason: unknown): Promise<void> {
    return this.stream.cancel(reason);
  }

  pipeTo(to: WritableStream, options?: Parameters<Stream['pipeTo']>[1]): Promise<void> {
    return this.stream.pipeTo(to, options);
  }

  pipeThrough(...args: Parameters<Stream['pipeThrough']>): unknown {
    return this.stream.pipeThrough(...args);
  }

  values(options?: { preventCancel?: boolean }): AsyncIterator<Uint8Array> {
    return this.stream.values(options);
  }

  [Symbol.asyncIterator](options?: { preventCancel?: boolean }): AsyncIterator<Uint8Array> {
    return this.values(options);
  }
}

let dressed = false;

/** Makes one. */
export function lazyStream(
  body: ResponseBody | undefined,
  signal: AbortSignal | undefined,
  stream: Stream | undefined,
): LazyStream {
  if (!dressed) {
    // Not `extends`, which would load ReadableStream together with this module.
    Object.setPrototypeOf(LazyStream.prototype, ReadableStream.prototype as object);
    dressed = true;
  }
  return new LazyStream(body, signal, stream);
}

/** What a reader of a body that broke off gets: the reason of an abort as it is, the rest as Node's own fetch has it. */
function brokenOff(error: unknown, signal: AbortSignal | undefined): unknown {
  if (signal?.aborted === true) return signal.reason;
  return error instanceof SyntaxError ? error : new TypeError('terminated', { cause: error });
}

/** A byte stream (Fetch Standard: "set up with byte reading support"), which reads only when it is read. */
function openStream(body: ResponseBody, signal: AbortSignal | undefined): Stream {
  const source = sourceOf(body, {
    check() {
      if (signal?.aborted === true) body.cancel(signal.reason);
      signal?.throwIfAborted();
    },
    chunk: ownMemory,
    error: (error) => brokenOff(error, signal),
  });
  return new ReadableStream({
    type: 'bytes',
    start: (controller) => source.start(controller),
    pull: (controller) => source.pull(controller),
    cancel: (reason) => source.cancel(reason),
  });
}

/** A byte stream takes the memory of a chunk away, which others may share. */
function ownMemory(chunk: Uint8Array): Uint8Array<ArrayBuffer> {
  const own = chunk.buffer instanceof ArrayBuffer && chunk.byteLength === chunk.buffer.byteLength;
  return own ? (chunk as Uint8Array<ArrayBuffer>) : new Uint8Array(chunk);
}

/** What is left of a body that was read whole: a closed stream, disturbed and locked. */
function spent(): Stream {
  const stream = new ReadableStream({
    type: 'bytes',
    start(controller) {
      controller.close();
    },
  });
  void stream.cancel();
  stream.getReader();
  return stream;
}
