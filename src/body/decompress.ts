import type { Transform } from 'node:stream';
import { TransportError } from '../errors.js';
import type { BodyQueue } from './body-queue.js';
import { nameRequest, type RequestLine } from '../request-line.js';
import { ZstdFrames } from './zstd-frames.js';
import { nextTick } from '../timers.js';

/** More codings than this on one body are refused, since each may multiply the size by a thousand. */
const maxCodings = 5;

/**
 * How many bytes decoding may make of each that came, unless the caller says otherwise, where all of them are to be held.
 * Honest JSON has been seen at 294 to 1 by gzip, whose most is 1,032 to 1 (brotli and zstd know no such bound).
 */
const ratioOfWhole = 500;
/** No ratio is a fault before so many bytes were made. */
const freelyDecoded = 67_108_864;

/** How much decoded data a coding holds ready, and so about how far it gets ahead of the reader. */
const decodedChunkSize = 16_384;

/** Where the chunks of a body come from. {@link BodyQueue} is one, and {@link DecodedSource} on top of it. */
export interface ChunkSource {
  /** The oldest chunk at hand. */
  read(): Uint8Array | undefined;
  /** The same, where there is something cheaper to be had that is valid only until the next call. */
  borrow?(): Uint8Array | undefined;
  /** Nobody will look at what is here and what comes. */
  discard?(): void;
  /** All of it will be held at once. */
  gathers?(): void;
  /** Bytes at hand. */
  readonly buffered: number;
  /** Nothing comes after what is at hand. */
  readonly ended: boolean;
  /** `error` comes after what is at hand. */
  readonly failed: boolean;
  readonly error: unknown;
  /** Resolves, never rejects, when there may be something new to read or to know. */
  wait(): Promise<void>;
  cancel(reason: unknown): void;
}

function zlib(): typeof import('node:zlib') {
  return process.getBuiltinModule('node:zlib');
}

/** zstd came to node:zlib together with the library's own entry in `process.versions` (22.15, 23.8). */
function hasZstd(): boolean {
  return process.versions['zstd'] !== undefined;
}

/** The `accept-encoding` that we send where the caller sent none: what {@link decodeSource} can undo. */
export function acceptEncoding(): string {
  return hasZstd() ? 'gzip, deflate, br, zstd' : 'gzip, deflate, br';
}

/** Most bodies have none. */
const noCodings: readonly string[] = [];

/**
 * The codings of a body in the order in which they were applied (RFC 9110 section 8.4), in lower case, without
 * `identity`.
 *
 * @param fields names, in lower case, and values in turn
 */
export function codingsOf(fields: readonly string[]): readonly string[] {
  let codings: string[] | undefined;
  for (let i = 0; i < fields.length; i += 2) {
    if (fields[i] !== 'content-encoding') continue;
    for (const item of (fields[i + 1] ?? '').split(',')) {
      const coding = item.trim().toLowerCase();
      if (coding !== '' && coding !== 'identity') (codings ??= []).push(coding);
    }
  }
  return codings ?? noCodings;
}

/** What decoding changes about a response. */
export interface Decoding {
  /** In the order in which they were applied; for {@link decodeSource}. */
  readonly codings: readonly string[];
  /** The response's fields without `content-encoding` and `content-length`, which describe what came on the wire. */
  readonly fields: string[];
}

/**
 * Whether and how to decode a response to a request whose `accept-encoding` was ours (with the caller's own, do
 * not ask). Undefined: leave the response as it is. So it is for HEAD, 204, 304 and a response that ended with its
 * headers, for one without codings, and for one with a coding that is not known here.
 *
 * @param fields names, in lower case, and values in turn
 */
export function planDecoding(
  method: string,
  status: number,
  endedWithHeaders: boolean,
  fields: readonly string[],
): Decoding | undefined {
  if (endedWithHeaders || method === 'HEAD' || status === 204 || status === 304) return undefined;
  const codings = codingsOf(fields);
  if (codings.length === 0 || (codings.length <= maxCodings && !codings.every(isKnown))) return undefined;
  const shown: string[] = [];
  for (let i = 0; i + 1 < fields.length; i += 2) {
    const name = fields[i] as string;
    if (name !== 'content-encoding' && name !== 'content-length') shown.push(name, fields[i + 1] as string);
  }
  return { codings, fields: shown };
}

function isKnown(coding: string): boolean {
  switch (coding) {
    case 'gzip':
    case 'x-gzip': // RFC 9110 section 8.4.1.3
    case 'deflate':
    case 'br':
      return true;
    case 'zstd':
      return hasZstd();
    default:
      return false;
  }
}

/**
 * Undoes the codings, the last applied first. Where more than five were applied, or where one cannot be undone
 * (cut short, corrupt), reading fails with ERR_PASSINGLANE_CONTENT_CODING; zlib's error is the cause, and the rest of
 * the body is cancelled. So it is, with ERR_PASSINGLANE_RESPONSE_TOO_LARGE, where one has made more than `maxRatio`
 * times what came; undefined: 500 times once the source `gathers`. A failure of the body itself comes through as it is,
 * after all that could be decoded.
 */
export function decodeSource(
  queue: BodyQueue,
  codings: readonly string[],
  maxRatio?: number,
  request?: RequestLine,
): ChunkSource {
  return new DecodedSource(queue, codings, new Expansion(maxRatio), request);
}

/** How much is made of what came, by all codings together. Those in between count too: each may be a bomb. */
class Expansion {
  received = 0;
  /** 0: no limit. */
  private max: number;
  private readonly given: boolean;

  constructor(max: number | undefined) {
    this.max = max ?? 0;
    this.given = max !== undefined;
  }

  gathers(): void {
    if (!this.given) this.max = ratioOfWhole;
  }

  /** One of the codings has made so many bytes. */
  check(made: number): void {
    if (made <= freelyDecoded || this.max === 0 || made <= this.max * this.received) return;
    throw new TransportError(
      'ERR_PASSINGLANE_RESPONSE_TOO_LARGE',
      `Decoding has made ${made} bytes of ${this.received} of the response body, more than ${this.max} of each; ` +
        'raise maxDecompressionRatio if that is expected',
      { scope: 'request', initiator: 'local' },
    );
  }
}

/** The body after all codings. Each keeps at most about one chunk ready, so nothing is decoded that nobody asks for. */
class DecodedSource implements ChunkSource {
  private readonly queue: BodyQueue;
  private readonly codings: readonly string[];
  private readonly expansion: Expansion;
  private readonly request: RequestLine | undefined;
  /** The last coding to undo, which pulls from those before it; undefined until the first read. */
  private last: Coding | undefined;
  private readonly stages: Coding[] = [];
  private chunk: Uint8Array | undefined;
  private hasEnded = false;
  private hasFailed = false;
  private cause: unknown;

  constructor(queue: BodyQueue, codings: readonly string[], expansion: Expansion, request: RequestLine | undefined) {
    this.queue = queue;
    this.codings = codings;
    this.expansion = expansion;
    this.request = request;
  }

  gathers(): void {
    this.expansion.gathers();
  }

  get buffered(): number {
    return this.chunk?.byteLength ?? 0;
  }

  get ended(): boolean {
    return this.hasEnded;
  }

  get failed(): boolean {
    return this.hasFailed;
  }

  get error(): unknown {
    return this.cause;
  }

  read(): Uint8Array | undefined {
    const chunk = this.chunk;
    this.chunk = undefined;
    return chunk;
  }

  async wait(): Promise<void> {
    if (this.chunk !== undefined || this.hasEnded || this.hasFailed) return;
    try {
      this.last ??= this.build();
      this.chunk = await this.last.next();
      if (this.chunk === undefined) this.hasEnded = true;
    } catch (error) {
      if (this.request !== undefined) nameRequest(error, this.request);
      this.hasFailed = true;
      this.cause = error;
      this.cancel(error);
    }
  }

  cancel(reason: unknown): void {
    this.queue.cancel(reason);
    for (const stage of this.stages) stage.close();
    this.chunk = undefined;
  }

  private build(): Coding {
    if (this.codings.length > maxCodings) {
      throw codingError(`The response has ${this.codings.length} content codings; at most ${maxCodings} are undone`);
    }
    let from: Upstream = new Received(this.queue, this.expansion);
    for (const name of this.codings.toReversed()) {
      const stage = new Coding(from, name, this.expansion);
      this.stages.push(stage);
      from = stage;
    }
    return from as Coding;
  }
}

/** Chunks in order; undefined at the end; rejects where the body is cut. */
interface Upstream {
  next(): Promise<Uint8Array | undefined>;
}

class Received implements Upstream {
  private readonly queue: BodyQueue;
  private readonly expansion: Expansion;

  constructor(queue: BodyQueue, expansion: Expansion) {
    this.queue = queue;
    this.expansion = expansion;
  }

  async next(): Promise<Uint8Array | undefined> {
    const queue = this.queue;
    for (;;) {
      const chunk = queue.read();
      if (chunk !== undefined) {
        this.expansion.received += chunk.byteLength;
        return chunk;
      }
      if (queue.failed) throw queue.error;
      if (queue.ended || queue.cancelled) return undefined;
      await queue.wait();
    }
  }
}

/**
 * One coding being undone. The zlib stream is driven by hand: it gets a chunk only once it has worked off the one
 * before and all that came of it was taken. So it holds little, and when the body is cut, nothing decoded is lost.
 */
class Coding implements Upstream {
  private readonly from: Upstream;
  private readonly name: string;
  private readonly expansion: Expansion;
  private made = 0;
  private stream: Transform | undefined;
  /** For zstd: its decoder does not say when a body ends too early, and wants each frame in writes of its own. */
  private readonly frames: ZstdFrames | undefined;
  /** What is left of a chunk behind the end of a zstd frame. */
  private rest: Uint8Array | undefined;
  /** A chunk, or the end, is with the stream. */
  private working = false;
  private hasEnded = false;
  private closed = false;
  private cause: unknown;
  private wake: (() => void) | undefined;

  constructor(from: Upstream, name: string, expansion: Expansion) {
    this.from = from;
    this.name = name;
    this.expansion = expansion;
    this.frames = name === 'zstd' ? new ZstdFrames() : undefined;
  }

  async next(): Promise<Uint8Array | undefined> {
    for (;;) {
      if (this.cause !== undefined) throw this.failure();
      const decoded = this.stream?.read() as Uint8Array | null | undefined;
      if (decoded !== null && decoded !== undefined) {
        this.made += decoded.byteLength;
        this.expansion.check(this.made);
        return decoded;
      }
      if (this.hasEnded) return this.finish();
      if (this.closed) return undefined;
      if (this.working) {
        await new Promise<void>((resolve) => {
          this.wake = resolve;
        });
      } else if (!(await this.feed())) {
        return undefined;
      }
    }
  }

  /** False where the body is empty, which is taken as it is: many servers label an empty body with a coding. */
  private async feed(): Promise<boolean> {
    if (this.stream !== undefined) {
      // A stream that found its end within the last chunk says so one tick after it was found empty.
      await new Promise<void>((resolve) => nextTick(resolve));
      if (this.hasEnded || this.cause !== undefined || this.closed) return true;
    }
    const chunk = this.cut(this.rest ?? (await this.from.next()));
    if (this.closed) return false;
    if (chunk === undefined) {
      if (this.stream === undefined) return false;
      if (this.frames?.complete === false) {
        this.cause = new Error('the body ends within a zstd frame');
        this.stream.destroy();
        return true;
      }
      this.working = true;
      this.stream.end();
      return true;
    }
    this.stream ??= this.open(chunk);
    this.working = true;
    this.stream.write(chunk, (error) => {
      this.working = false;
      if (error instanceof Error) this.cause ??= error;
      this.signal();
    });
    return true;
  }

  private cut(chunk: Uint8Array | undefined): Uint8Array | undefined {
    this.rest = undefined;
    if (this.frames === undefined || chunk === undefined) return chunk;
    const length = this.frames.advance(chunk);
    if (length < chunk.byteLength) this.rest = chunk.subarray(length);
    return chunk.subarray(0, length);
  }

  /** The coding says that it is complete; a body that goes on after it can still be cut. */
  private async finish(): Promise<undefined> {
    this.stream?.destroy();
    while ((await this.from.next()) !== undefined);
    return undefined;
  }

  private open(first: Uint8Array): Transform {
    const stream = createStream(this.name, first);
    stream.on('readable', () => this.signal());
    stream.on('end', () => {
      this.hasEnded = true;
      this.signal();
    });
    stream.on('error', (error) => {
      this.cause ??= error;
      this.signal();
    });
    stream.on('close', () => this.signal());
    return stream;
  }

  private failure(): TransportError {
    return codingError(
      `The response body could not be decoded as ${this.name}: it is corrupt or cut short`,
      this.cause,
    );
  }

  close(): void {
    this.closed = true;
    this.stream?.destroy();
    this.signal();
  }

  private signal(): void {
    const wake = this.wake;
    this.wake = undefined;
    wake?.();
  }
}

function createStream(coding: string, first: Uint8Array): Transform {
  const options = { chunkSize: decodedChunkSize, readableHighWaterMark: decodedChunkSize };
  switch (coding) {
    case 'br':
      return zlib().createBrotliDecompress(options);
    case 'deflate':
      // RFC 9110 section 8.4.1.2 means the zlib format, but some servers send it bare. The low half of zlib's first
      // byte is 8 (RFC 1950 section 2.2); a bare stream that begins so would be a stored block with odd padding.
      return ((first[0] ?? 0) & 0x0f) === 8 ? zlib().createInflate(options) : zlib().createInflateRaw(options);
    case 'zstd':
      return (zlib() as unknown as { createZstdDecompress(o: object): Transform }).createZstdDecompress(options);
    default:
      return zlib().createGunzip(options);
  }
}

function codingError(message: string, cause?: unknown): TransportError {
  return new TransportError('ERR_PASSINGLANE_CONTENT_CODING', message, {
    scope: 'request',
    initiator: 'remote',
    cause,
  });
}
