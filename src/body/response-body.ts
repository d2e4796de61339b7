import type { Readable } from 'node:stream';
import { TransportError } from '../errors.js';
import type { BodyQueue } from './body-queue.js';
import { BodySource, type ChunkReader, type StreamShape } from './body-source.js';
import { decodeSource } from './decompress.js';
import { decodeText, join, longest } from './joined-chunks.js';
import { notJson } from './not-json.js';
import { lineOf, Reading, type ResponseBodyOptions } from './reading.js';
import { fieldValue } from '../field-list.js';
import { setImmediate } from '../timers.js';

/** For the facades: as a loop over the body. Whoever reads must hold the body, or it is taken for dropped. */
export let chunksOf: (body: ResponseBody) => ChunkReader;

/** For the facades: the body, whose chunks they read, will be held in memory all at once. */
export let gatheredFrom: (body: ResponseBody) => void;

/** For fetch, and for `stream`: the source of a WHATWG stream over the body. */
export let sourceOf: (body: ResponseBody, shape: StreamShape) => BodySource;

const asItIs: StreamShape = {
  chunk: (bytes) => bytes as Uint8Array<ArrayBuffer>,
  error: (error) => error,
};

/**
 * The body of a response. It is read once, in one of its ways: a second one fails with ERR_PASSINGLANE_BODY_LOCKED,
 * and after `cancel` each fails with ERR_PASSINGLANE_BODY_CANCELLED. A body that was cut fails every way of reading,
 * those that go by chunks after what had arrived; one over `maxResponseSize` or `maxDecompressionRatio`, or larger than
 * what it is read into can be, fails with ERR_PASSINGLANE_RESPONSE_TOO_LARGE and is cancelled.
 *
 * Nothing holds it but its user, what it handed out, and a read that is waiting. So when it can never be read any
 * more it is garbage, and who feeds the queue can learn of that by a FinalizationRegistry.
 */
export class ResponseBody implements AsyncIterable<Uint8Array> {
  static {
    chunksOf = (body) => {
      body.#claim();
      return body.#reading;
    };
    gatheredFrom = (body) => body.#reading.gathers();
    sourceOf = (body, shape) => {
      body.#claim();
      return new BodySource(body.#reading, body.#queue, shape, (reason) => body.cancel(reason));
    };
  }

  readonly #queue: BodyQueue;
  readonly #reading: Reading;
  readonly #fields: readonly string[];
  readonly #status: number | undefined;
  #used = false;

  /**
   * @param options such as the request, which is not kept
   * @param codings the content codings to undo, in the order in which they were applied
   * @param fields of the response: its content-type is that of what `blob()` returns
   * @param status of the response, for errors to name it
   * @param attempts how many times the request was sent, for errors to tell
   */
  constructor(
    queue: BodyQueue,
    options: ResponseBodyOptions = {},
    codings?: readonly string[],
    fields: readonly string[] = [],
    status?: number,
    attempts?: number,
  ) {
    const coded = codings !== undefined && codings.length > 0;
    const source = coded
      ? decodeSource(queue, codings, options.maxDecompressionRatio, lineOf(options, attempts))
      : queue;
    this.#reading = new Reading(source, options, attempts);
    this.#queue = queue;
    this.#fields = fields;
    this.#status = status;
  }

  /** A way of reading was chosen, so there is no second one. */
  get used(): boolean {
    return this.#used;
  }

  /** Chunks that are the caller's to keep. Leaving the loop early cancels the rest. */
  [Symbol.asyncIterator](): AsyncIterableIterator<Uint8Array> {
    this.#claim();
    return new ChunkIterator(this, this.#reading);
  }

  /** As the loop over the body, but each chunk is valid only until the next step: for who is done with it by then. */
  borrow(): AsyncIterableIterator<Uint8Array> {
    this.#claim();
    this.#reading.borrowing = true;
    return new ChunkIterator(this, this.#reading);
  }

  /** All of it, in memory of exactly its size. */
  bytes(): Promise<Uint8Array<ArrayBuffer>> {
    return this.#whole(join, longest().MAX_LENGTH);
  }

  /** All of it as UTF-8, as fetch reads it: without a byte order mark, U+FFFD in place of what is malformed. */
  text(): Promise<string> {
    return this.#whole(decodeText, longest().MAX_STRING_LENGTH, true);
  }

  /** All of it as JSON; rejects with a SyntaxError, ERR_INVALID_JSON, that names the response where it is none. */
  json(): Promise<unknown> {
    return this.#whole((chunks) => this.#parse(decodeText(chunks)), longest().MAX_STRING_LENGTH, true);
  }

  /** Looked up where it is asked for, which is not for most bodies. */
  get #type(): string {
    return fieldValue(this.#fields, 'content-type') ?? '';
  }

  #parse(text: string): unknown {
    try {
      return JSON.parse(text);
    } catch (error) {
      const { request } = this.#reading;
      throw notJson(error, { request, status: this.#status, contentType: this.#type, empty: text === '' });
    }
  }

  /** All of it, in memory of exactly its size. */
  arrayBuffer(): Promise<ArrayBuffer> {
    return this.#whole((chunks) => join(chunks).buffer, longest().MAX_LENGTH);
  }

  /** All of it as a Blob whose type is the response's content-type. */
  blob(): Promise<Blob> {
    const { MAX_LENGTH } = longest();
    return this.#whole((chunks) => new Blob(chunks as Uint8Array<ArrayBuffer>[], { type: this.#type }), MAX_LENGTH);
  }

  /** Reads to the end and drops it. */
  dump(): Promise<void> {
    try {
      this.#claim();
      this.#reading.discard();
      return this.#reading.finished ? Promise.resolve() : this.#dumpRest();
    } catch (error) {
      return Promise.reject(error);
    }
  }

  async #dumpRest(): Promise<void> {
    while ((await this.#reading.next()) !== undefined);
  }

  /** A WHATWG stream, which reads only when it is read. Cancelling it cancels the body. */
  stream(): ReadableStream<Uint8Array> {
    // Not a byte stream: one would detach each chunk's ArrayBuffer, which several chunks may share.
    return new ReadableStream<Uint8Array>(sourceOf(this, asItIs), { highWaterMark: 0 });
  }

  /** A stream of node:stream, which reads only when it is read. Destroying it cancels the body. */
  readable(): Readable {
    this.#claim();
    const push = (stream: Readable): void => this.#push(stream);
    const cancel = (reason: unknown): void => this.cancel(reason);
    const { Readable } = process.getBuiltinModule('node:stream');
    return new Readable({
      // What a Readable holds ready is lost when it is destroyed with an error, so it must hold nothing.
      highWaterMark: 0,
      read() {
        push(this);
      },
      destroy(error, done) {
        cancel(error ?? undefined);
        done(error);
      },
    });
  }

  #push(stream: Readable): void {
    try {
      const chunk = this.#reading.take();
      if (chunk === undefined && !this.#reading.finished) void this.#pushLater(stream);
      else pushInto(stream, chunk, this.#reading.finished);
    } catch (error) {
      stream.destroy(error as Error);
    }
  }

  async #pushLater(stream: Readable): Promise<void> {
    try {
      pushInto(stream, await this.#reading.next(), this.#reading.finished);
    } catch (error) {
      stream.destroy(error as Error);
    }
  }

  /** Gives up what has not been read, and tells the peer where it has more to send. Nothing once all was read. */
  cancel(reason?: unknown): void {
    this.#reading.cancel(reason);
  }

  #claim(): void {
    this.#reading.check();
    if (this.#used) {
      throw this.#reading.about(
        new TransportError(
          'ERR_PASSINGLANE_BODY_LOCKED',
          'The response body was read already, or is being read; keep what the first reading gave',
          { scope: 'request', initiator: 'user' },
        ),
      );
    }
    this.#used = true;
  }

  /** Where all has arrived, the promise returned is the only one made. */
  #whole<T>(finish: (chunks: Uint8Array[]) => T, most: number, copies = false): Promise<T> {
    try {
      this.#claim();
      this.#reading.gathers(most);
      const chunks: Uint8Array[] = [];
      // Who copies all of it in this very step need not be given copies.
      this.#reading.borrowing = copies && this.#reading.complete;
      return this.#reading.gather(chunks) ? Promise.resolve(finish(chunks)) : this.#later(chunks, finish);
    } catch (error) {
      return Promise.reject(error);
    }
  }

  async #later<T>(chunks: Uint8Array[], finish: (chunks: Uint8Array[]) => T): Promise<T> {
    do {
      await this.#reading.wait();
    } while (!this.#reading.gather(chunks));
    return finish(chunks);
  }
}

type Step = IteratorResult<Uint8Array, undefined>;

class ChunkIterator implements AsyncIterableIterator<Uint8Array> {
  /** Keeps the body from being taken for garbage. */
  readonly #body: ResponseBody;
  readonly #reading: Reading;
  #left = false;
  /** Calls of `next` that wait, and the last of them: each waits for the one before. */
  #pending = 0;
  #last: Promise<Step> | undefined;

  constructor(body: ResponseBody, reading: Reading) {
    this.#body = body;
    this.#reading = reading;
  }

  [Symbol.asyncIterator](): this {
    return this;
  }

  /** No async function, so that a chunk that is waited for goes through two promises, not six. */
  next(): Promise<Step> {
    if (this.#pending === 0) {
      try {
        const step = this.#atHand();
        if (step !== undefined) return Promise.resolve(step);
      } catch (error) {
        return Promise.reject(error);
      }
    }
    this.#pending++;
    const last = this.#last;
    this.#last =
      last === undefined ? this.#reading.wait().then(this.#arrived) : last.then(this.#arrived, this.#arrived);
    return this.#last;
  }

  /** Undefined: nothing yet. */
  #atHand(): Step | undefined {
    const value = this.#left ? undefined : this.#reading.take();
    if (value !== undefined) return { done: false, value };
    return this.#left || this.#reading.finished ? { done: true, value: undefined } : undefined;
  }

  readonly #arrived = (): Step | Promise<Step> => {
    let waits = false;
    try {
      const step = this.#atHand();
      waits = step === undefined;
      return step ?? this.#reading.wait().then(this.#arrived);
    } finally {
      if (!waits && --this.#pending === 0) this.#last = undefined;
    }
  };

  return(): Promise<Step> {
    this.#left = true;
    this.#body.cancel();
    return Promise.resolve({ done: true, value: undefined });
  }
}

function pushInto(stream: Readable, chunk: Uint8Array | undefined, finished: boolean): void {
  if (chunk !== undefined) handOn(stream, chunk);
  if (finished) handOn(stream, null);
}

/**
 * As `push`. But what a listener throws is an uncaught exception, as with Node's own streams, and no failure of the body: the
 * rest still comes.
 */
export function handOn(stream: Readable, chunk: Uint8Array | null): boolean {
  try {
    return stream.push(chunk);
  } catch (error) {
    setImmediate(() => {
      stream.read(0); // or nothing would ask for more
      throw error;
    });
    return true;
  }
}
