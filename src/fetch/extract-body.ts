import { isDisturbed, isOneShot, type BodyValue, type RequestBodyInit } from '../body/index.js';
import { setImmediate } from '../timers.js';

/** What a request sends, as the standard takes it apart (Fetch Standard, section 5.2, "extract"). */
export interface FetchBody {
  readonly value: NonNullable<RequestBodyInit>;
  /** It can be sent once only. */
  readonly stream: boolean;
}

/** Reads `body` of an init. Throws a TypeError where it cannot be sent. */
export function extractBody(body: unknown, keepalive: unknown, duplex: unknown): FetchBody | undefined {
  if (body === undefined || body === null) return undefined;
  // The caller may change its bytes once fetch has returned.
  if (ArrayBuffer.isView(body)) return { value: bytesOf(body).slice(), stream: false };
  if (body instanceof ArrayBuffer) return { value: body.slice(0), stream: false };
  if (typeof body === 'object') {
    if (isOneShot(body)) return streamBody(body, keepalive, duplex);
    switch ((body as { [Symbol.toStringTag]?: unknown })[Symbol.toStringTag]) {
      case 'Blob':
      case 'File':
      case 'FormData':
      case 'URLSearchParams':
        return { value: body as BodyValue, stream: false };
    }
  }
  return { value: toText(body), stream: false };
}

function streamBody(body: object, keepalive: unknown, duplex: unknown): FetchBody {
  if (keepalive === true) throw new TypeError('A request with keepalive cannot send a stream');
  if (duplex === undefined) throw new TypeError("A request that sends a stream needs duplex: 'half'");
  if ('getReader' in body) {
    const stream = body as ReadableStream;
    if (stream.locked || isDisturbed(stream)) throw new TypeError('The body stream is locked, or was read from');
  }
  return { value: body as BodyValue, stream: true };
}

/** As the standard converts what it wants as a string. */
export function toText(value: unknown): string {
  return String(value);
}

function bytesOf(view: ArrayBufferView): Uint8Array {
  return new Uint8Array(view.buffer, view.byteOffset, view.byteLength);
}

/**
 * The body of a Request, which shows it as a stream, whatever it was made of. What it was made of can be sent again, has
 * a length, and comes out of that stream within one turn of the event loop: so what has ended by then is sent as bytes.
 */
export async function bodyOfRequest(stream: ReadableStream<Uint8Array>): Promise<FetchBody> {
  const reader = stream.getReader();
  const chunks: Uint8Array[] = [];
  const turn = new Promise<undefined>((resolve) => setImmediate(resolve, undefined));
  for (;;) {
    const pending = reader.read();
    const step = await Promise.race([pending, turn]);
    if (step === undefined) return { value: new Rest(chunks, pending, reader), stream: true };
    if (step.done) return { value: Buffer.concat(chunks), stream: false };
    chunks.push(step.value);
  }
}

type Step = Awaited<ReturnType<ReadableStreamDefaultReader<Uint8Array>['read']>>;

/** A stream of which some was read already. */
class Rest implements AsyncIterableIterator<Uint8Array> {
  private readonly chunks: Uint8Array[];
  private readonly reader: ReadableStreamDefaultReader<Uint8Array>;
  private pending: Promise<Step> | undefined;

  constructor(chunks: Uint8Array[], pending: Promise<Step>, reader: ReadableStreamDefaultReader<Uint8Array>) {
    this.chunks = chunks;
    this.pending = pending;
    this.reader = reader;
    pending.catch(ignore); // who asks for it gets the error
  }

  [Symbol.asyncIterator](): this {
    return this;
  }

  async next(): Promise<IteratorResult<Uint8Array, undefined>> {
    const value = this.chunks.shift();
    if (value !== undefined) return { done: false, value };
    const step = this.pending ?? this.reader.read();
    this.pending = undefined;
    const { done, value: next } = await step;
    return done ? { done: true, value: undefined } : { done: false, value: next };
  }

  async return(): Promise<IteratorResult<Uint8Array, undefined>> {
    await this.reader.cancel();
    return { done: true, value: undefined };
  }
}

function ignore(): void {}
