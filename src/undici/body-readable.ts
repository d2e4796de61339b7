import type { Blob as NodeBlob } from 'node:buffer';
import { Readable } from 'node:stream';
import { aborted, invalidArgument, UndiciError } from './undici-error.js';
import { setImmediate } from '../timers.js';

interface Init {
  resume(): void;
  abort(reason: Error): void;
  readonly contentType: string;
  /** What the response says of its length, in bytes. */
  readonly contentLength: number | undefined;
  readonly highWaterMark: number;
}

/** The body of a response as undici's `request` gives it: a Readable, and the ways to read all of it. */
export class BodyReadable extends Readable {
  readonly #init: Init;

  constructor(init: Init) {
    super({ highWaterMark: init.highWaterMark });
    this.#init = init;
  }

  override _read(): void {
    this.#init.resume();
  }

  /** Destroyed before its end, it cancels the request. */
  override _destroy(error: Error | null, done: (error: Error | null) => void): void {
    const reason = error ?? (this.readableEnded ? null : aborted());
    if (reason !== null) this.#init.abort(reason);
    // Whoever waits for the response has not had it yet, and so cannot have a listener for the error.
    if (this.readableDidRead) done(reason);
    else setImmediate(done, reason);
  }

  async text(): Promise<string> {
    const bytes = await this.#all();
    const encoding = this.readableEncoding;
    return encoding === null || encoding === 'utf8' ? new TextDecoder().decode(bytes) : bytes.toString(encoding);
  }

  async json(): Promise<unknown> {
    return JSON.parse(await this.text()) as unknown;
  }

  async bytes(): Promise<Uint8Array> {
    return new Uint8Array(await this.#all());
  }

  async arrayBuffer(): Promise<ArrayBuffer> {
    return new Uint8Array(await this.#all()).buffer;
  }

  async blob(): Promise<NodeBlob> {
    return new Blob([new Uint8Array(await this.#all())], { type: this.#init.contentType });
  }

  /** Rejects with UND_ERR_NOT_SUPPORTED, as undici's does. */
  formData(): Promise<never> {
    return Promise.reject(new UndiciError('UND_ERR_NOT_SUPPORTED', 'formData() is not supported; use fetch'));
  }

  get bodyUsed(): boolean {
    return this.readableDidRead;
  }

  /** The same as a WHATWG stream. Undici's types say that there is none. */
  get body(): never {
    return Readable.toWeb(this) as never;
  }

  /** Drops what is left, of more than `limit` bytes by cancelling: at once where the response says that there are more. */
  async dump(options?: { limit?: number; signal?: AbortSignal }): Promise<void> {
    const limit = options?.limit ?? 131_072;
    if (!(limit >= 0)) throw invalidArgument('limit must be a non-negative number');
    const { signal } = options ?? {};
    if (signal !== undefined && typeof (signal as Partial<AbortSignal> | null)?.aborted !== 'boolean')
      throw invalidArgument('signal must be an AbortSignal');
    signal?.throwIfAborted();
    if ((this.#init.contentLength ?? 0) > limit && !this.destroyed) return this.#cancel();
    const onAbort = (): void => {
      this.destroy(signal?.reason as Error);
    };
    signal?.addEventListener('abort', onAbort);
    let size = 0;
    try {
      for await (const chunk of this) {
        size += this.#bytes(chunk as Buffer | string).length;
        if (size > limit) break; // leaving the loop destroys the stream
      }
    } catch (error) {
      if (size <= limit) throw error;
    } finally {
      signal?.removeEventListener('abort', onAbort);
    }
  }

  /** Resolves when it is closed. */
  #cancel(): Promise<void> {
    return new Promise((resolve) => {
      // Paused, so that what has arrived is not told of. Its own error is for nobody.
      this.pause()
        .on('error', () => undefined)
        .once('close', resolve)
        .destroy();
    });
  }

  /** Rejects with what destroyed the stream. */
  #failure(): Promise<void> {
    return new Promise((resolve, reject) => {
      if (this.closed) reject(this.errored ?? aborted());
      else this.on('error', reject).on('close', resolve);
    });
  }

  /** A chunk is text where an encoding was set. */
  #bytes(chunk: Buffer | string): Buffer {
    return typeof chunk === 'string' ? Buffer.from(chunk, this.readableEncoding ?? undefined) : chunk;
  }

  async #all(): Promise<Buffer> {
    if (this.destroyed && !this.readableDidRead) await this.#failure();
    if (this.readableDidRead || this.destroyed) throw new TypeError('unusable: the body was read or destroyed');
    const chunks: Buffer[] = [];
    for await (const chunk of this) chunks.push(this.#bytes(chunk as Buffer | string));
    return Buffer.concat(chunks);
  }
}
