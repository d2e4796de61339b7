import type { AsyncResource } from 'node:async_hooks';
import type { PassThrough, Readable } from 'node:stream';
import { invalidArgument } from '../errors.js';
import { IncomingSource, isGivenUp, isIncomingRequest } from './incoming-request.js';
import { encodeMultipart } from './multipart.js';
import {
  detached,
  ignore,
  isDetached,
  quietly,
  SourceReader,
  unusable,
  type BodyReader,
  type Source,
  type Supply,
} from './source-reader.js';
import { queueMicrotask } from '../timers.js';

/** What a request can carry. A string inside a stream is encoded as UTF-8, each by itself. */
export type BodyValue =
  | string
  | ArrayBuffer
  | ArrayBufferView
  | Blob
  | FormData
  | URLSearchParams
  | ReadableStream
  | AsyncIterable<Uint8Array | string>
  | Readable;

/** A body, or a function that makes one for each time the request is sent. */
export type RequestBodyInit = BodyValue | (() => BodyValue | null | Promise<BodyValue | null>) | null;

/** The body of one request, which may be sent more than once. */
export interface RequestBody {
  /** In bytes; -1 where it is not known beforehand. */
  readonly length: number;
  /** The media type that fetch gives to a body of this kind; undefined where it gives none. */
  readonly contentType: string | undefined;
  /** All of it, where it is at hand: borrowed from the caller, not copied. */
  readonly bytes: Uint8Array | undefined;
  /** May be opened now. A stream until it was opened or discarded, everything else always. */
  readonly replayable: boolean;
  /** May be opened any number of times: everything but a stream. */
  readonly repeatable: boolean;
  /** Begins to read. Never throws and runs none of the caller's code: what is wrong rejects the first `next()`. */
  open(): BodyReader;
  /**
   * The request failed for good before the body was opened: closes a stream, once. Does nothing for an open
   * body or one of another kind.
   */
  discard(reason: unknown): void;
}

/** Closes a body that was never opened. Not at once: it is the caller's code, and this may be the middle of a step. */
export function discardUnopened(
  body: RequestBody | undefined,
  context: AsyncResource | undefined,
  reason: unknown,
): void {
  if (body === undefined || body.bytes !== undefined) return;
  queueMicrotask(() => context?.runInAsyncScope(() => body.discard(reason)));
}

const allowed =
  'a string, ArrayBuffer, ArrayBufferView, Blob, FormData, URLSearchParams, unread ReadableStream or Readable, ' +
  'AsyncIterable, or a function that returns one of these';

const remedy = ': give a fresh one, or a function that makes one';

/**
 * Null and undefined are no body. Throws a TypeError (ERR_INVALID_ARG_VALUE) for what can never be one, and
 * ERR_PASSINGLANE_REQUEST_BODY for what could have been: a stream that is used up, bytes that were transferred.
 */
export function toRequestBody(value: unknown): RequestBody | undefined {
  if (value === null || value === undefined) return undefined;
  if (typeof value === 'function') return new MadeBody(value as () => unknown);
  const body = valueBody(value);
  if (body === undefined) throw invalidArgument('body', value, allowed + jsonHint(value));
  return body;
}

/** What is no body of any kind is often meant as JSON. */
function jsonHint(value: unknown): string {
  const prototype: unknown = typeof value === 'object' && value !== null ? Object.getPrototypeOf(value) : undefined;
  if (!Array.isArray(value) && prototype !== null && prototype !== Object.prototype) return '';
  return '. For JSON give JSON.stringify(value) and a content-type of application/json, or the option json of request';
}

/** What goes out for the option json. Throws a TypeError, ERR_INVALID_ARG_VALUE, that shows nothing of the value but its type. */
export function jsonText(value: unknown): string {
  const refused = (): TypeError =>
    invalidArgument("option 'json'", Object(value), 'a value that JSON.stringify can write');
  let text: string | undefined;
  try {
    text = JSON.stringify(value); // undefined for a function or a symbol
  } catch (error) {
    throw Object.assign(refused(), { cause: error });
  }
  if (text === undefined) throw refused();
  return text;
}

/** That text as a body. */
export function jsonBody(value: unknown): RequestBody {
  return new BytesBody(Buffer.from(jsonText(value), 'utf8'), 'application/json');
}

/**
 * Kinds are told by what they have and by their tag, never by `instanceof`: naming the global Blob, FormData or
 * ReadableStream loads its implementation, and a value may come from another realm or package.
 */
function valueBody(value: unknown): Body | undefined {
  if (typeof value === 'string') return new BytesBody(Buffer.from(value, 'utf8'), 'text/plain;charset=UTF-8');
  if (typeof value !== 'object' || value === null) return undefined;
  if (isDetached(value)) throw detached();
  if (value instanceof Uint8Array) return new BytesBody(value, undefined);
  if (ArrayBuffer.isView(value)) {
    return new BytesBody(new Uint8Array(value.buffer, value.byteOffset, value.byteLength), undefined);
  }
  if (typeof (value as Partial<ReadableStream>).getReader === 'function') return webBody(value as ReadableStream);
  if (isAsyncIterable(value)) {
    return typeof (value as Partial<Readable>).pipe === 'function'
      ? nodeBody(value as Readable)
      : new StreamBody(iterableSupply(value));
  }
  if (isOldStream(value)) return oldBody(value); // before its tag: the package form-data gives its streams that of a form
  switch ((value as { [Symbol.toStringTag]?: unknown })[Symbol.toStringTag]) {
    case 'ArrayBuffer':
      return new BytesBody(new Uint8Array(value as ArrayBuffer), undefined);
    case 'URLSearchParams':
      return new BytesBody(
        Buffer.from((value as URLSearchParams).toString(), 'utf8'),
        'application/x-www-form-urlencoded;charset=UTF-8',
      );
    case 'Blob':
    case 'File': {
      const blob = value as Blob;
      return new PartsBody([blob], blob.size, blob.type === '' ? undefined : blob.type);
    }
    case 'FormData': {
      const { parts, length, contentType } = encodeMultipart(value as FormData);
      return new PartsBody(parts, length, contentType);
    }
    default:
      return undefined;
  }
}

function isAsyncIterable(value: object): value is AsyncIterable<unknown> {
  return typeof (value as Partial<AsyncIterable<unknown>>)[Symbol.asyncIterator] === 'function';
}

/** A stream of the first kind that Node had, which some packages still make: no iterator, but `pipe` and events. */
export function isOldStream(value: object): value is NodeJS.ReadableStream {
  const { pipe, on } = value as Partial<NodeJS.ReadableStream>;
  return typeof pipe === 'function' && typeof on === 'function' && !isAsyncIterable(value);
}

/** Can be read once only: a stream of any kind, or what is iterated as one. */
export function isOneShot(value: unknown): value is object {
  if (typeof value !== 'object' || value === null) return false;
  return (
    typeof (value as Partial<ReadableStream>).getReader === 'function' || isAsyncIterable(value) || isOldStream(value)
  );
}

/** A stream that was read from would go out shorter than it was, so it is refused. */
function webBody(stream: ReadableStream): StreamBody {
  if (stream.locked) throw unusable(`The body stream is locked by a reader${remedy}`);
  if (isDisturbed(stream)) throw unusable(`The body stream was read from before${remedy}`);
  return new StreamBody(webSupply(stream));
}

function nodeBody(stream: Readable, contentType?: string): StreamBody {
  if (isConsumed(stream)) throw unusable(`The body stream was read to its end before${remedy}`);
  if (isGivenUp(stream)) throw unusable(`The body stream was given up half-read by another request${remedy}`);
  // It may fail at any time, also before it is opened and after it was cancelled, which without a listener would end
  // the process. Who reads it gets the error from its iterator.
  if (!stream.listeners('error').includes(ignore)) stream.on('error', ignore);
  return new StreamBody(isIncomingRequest(stream) ? incomingSupply(stream) : nodeSupply(stream), contentType);
}

type OldStream = NodeJS.ReadableStream & { destroy?: () => unknown; getBoundary?: () => string };

/** What stands for streams of the first kind: they have to be listened to from the start, and once. */
const throughs = new WeakMap<OldStream, PassThrough>();

function oldBody(stream: OldStream): StreamBody {
  const through = throughs.get(stream) ?? throughOf(stream);
  throughs.set(stream, through);
  const boundary = stream.getBoundary?.(); // of the package form-data
  return nodeBody(through, boundary === undefined ? undefined : `multipart/form-data; boundary=${boundary}`);
}

function throughOf(stream: OldStream): PassThrough {
  const through = new (process.getBuiltinModule('node:stream').PassThrough)();
  stream.on('error', (error: Error) => through.destroy(error));
  stream.on('close', () => {
    if (!through.writableEnded) through.destroy();
  });
  through.on('close', () => stream.destroy?.());
  return stream.pipe(through);
}

type Body = RequestBody & Supply;

class BytesBody implements Body {
  readonly length: number;
  readonly contentType: string | undefined;
  readonly bytes: Uint8Array;
  readonly replayable = true;
  readonly repeatable = true;

  constructor(bytes: Uint8Array, contentType: string | undefined) {
    this.length = bytes.byteLength;
    this.contentType = contentType;
    this.bytes = bytes;
  }

  open(): BodyReader {
    return new SourceReader(this);
  }

  begin(): Source {
    return new SingleSource(this.bytes, this.length);
  }

  discard(): void {}
}

/** A Blob, or the pieces of a form. */
class PartsBody implements Body {
  readonly length: number;
  readonly contentType: string | undefined;
  readonly bytes = undefined;
  readonly replayable = true;
  readonly repeatable = true;
  private readonly parts: readonly (Uint8Array | Blob)[];

  constructor(parts: readonly (Uint8Array | Blob)[], length: number, contentType: string | undefined) {
    this.parts = parts;
    this.length = length;
    this.contentType = contentType;
  }

  open(): BodyReader {
    return new SourceReader(this);
  }

  begin(): Source {
    return iteratorSource(readParts(this.parts));
  }

  discard(): void {}
}

/** What can be read once: a ReadableStream, a Readable, an async iterable. */
class StreamBody implements Body {
  readonly length = -1;
  readonly contentType: string | undefined;
  readonly bytes = undefined;
  readonly repeatable = false;
  /** Undefined once the stream was opened or discarded. */
  private supply: Supply | undefined;

  constructor(supply: Supply, contentType?: string) {
    this.contentType = contentType;
    this.supply = supply;
  }

  get replayable(): boolean {
    return this.supply !== undefined;
  }

  open(): BodyReader {
    return new SourceReader(this.take());
  }

  begin(): Source | Promise<Source> {
    return this.take().begin();
  }

  discard(reason: unknown): void {
    const supply = this.take();
    quietly(() => supply.discard(reason));
  }

  private take(): Supply {
    const supply = this.supply ?? spent;
    this.supply = undefined;
    return supply;
  }
}

/** A function's body: made anew each time that it is opened, so it can always be sent again. */
class MadeBody implements Body {
  readonly length = -1;
  readonly contentType = undefined;
  readonly bytes = undefined;
  readonly replayable = true;
  readonly repeatable = true;
  private readonly make: () => unknown;

  constructor(make: () => unknown) {
    this.make = make;
  }

  open(): BodyReader {
    return new SourceReader(this);
  }

  async begin(): Promise<Source> {
    const value = await this.make();
    if (value === null) return new SingleSource(undefined, 0);
    const body = valueBody(value);
    if (body === undefined) throw invalidArgument('body (from its function)', value, allowed + jsonHint(value));
    return body.begin();
  }

  discard(): void {}
}

class SingleSource implements Source {
  private bytes: Uint8Array | undefined;
  private readonly length: number;

  constructor(bytes: Uint8Array | undefined, length: number) {
    this.bytes = bytes;
    this.length = length;
  }

  next(): Promise<IteratorResult<unknown>> {
    const value = this.bytes;
    this.bytes = undefined;
    if (value !== undefined && value.length !== this.length) return Promise.reject(detached());
    return Promise.resolve(value === undefined ? { done: true, value } : { done: false, value });
  }

  stop(): void {}
}

function iteratorSource(iterator: AsyncIterator<unknown>): Source {
  return { next: () => iterator.next(), stop: () => iterator.return?.() };
}

async function* readParts(parts: readonly (Uint8Array | Blob)[]): AsyncGenerator {
  for (const part of parts) {
    if (part instanceof Uint8Array) yield part;
    else yield* part.stream();
  }
}

function webSupply(stream: ReadableStream): Supply {
  return {
    begin() {
      if (stream.locked || isDisturbed(stream)) {
        throw unusable('The body stream was locked or read from before the request could send it');
      }
      const reader = stream.getReader();
      return { next: () => reader.read() as Promise<IteratorResult<unknown>>, stop: (reason) => reader.cancel(reason) };
    },
    discard: (reason) => stream.cancel(reason),
  };
}

/** Borrowed, not given: its owner can still answer, and while nothing was read of it, send it elsewhere. */
function incomingSupply(stream: Readable): Supply {
  return {
    begin() {
      checkUnread(stream);
      return new IncomingSource(stream);
    },
    discard: ignore,
  };
}

function nodeSupply(stream: Readable): Supply {
  const destroy = (reason: unknown): unknown => stream.destroy(reason instanceof Error ? reason : undefined);
  return {
    begin() {
      checkUnread(stream);
      const iterator = stream[Symbol.asyncIterator]();
      // The iterator's return() would wait for a pending next(), so the stream itself is destroyed.
      return { next: () => iterator.next(), stop: destroy };
    },
    discard: destroy,
  };
}

function iterableSupply(iterable: AsyncIterable<unknown>): Supply {
  return {
    begin: () => iteratorSource(iterable[Symbol.asyncIterator]()),
    // Closes a generator. What is not an iterator itself has begun nothing yet, so there is nothing to close.
    discard: () => (iterable as Partial<AsyncGenerator>).return?.(undefined),
  };
}

const spent: Supply = {
  begin() {
    throw unusable('The body stream was already sent or discarded; give a function that returns a new one');
  },
  discard: ignore,
};

/** Whether somebody has read from it or cancelled it. */
export function isDisturbed(stream: ReadableStream): boolean {
  // The types know only of streams of node:stream, Node itself of both kinds.
  return process.getBuiltinModule('node:stream').Readable.isDisturbed(stream as unknown as Readable);
}

function checkUnread(stream: Readable): void {
  if (isConsumed(stream)) throw unusable('The body stream was read to its end before the request could send it');
}

function isConsumed(stream: Readable): boolean {
  return stream.readableEnded && stream.readableDidRead;
}
