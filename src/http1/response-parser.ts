import { isFieldValue } from '../ports/index.js';
import { MalformedResponse } from './malformed.js';
import { Framing, readFields, readHead, type ResponseHead } from './response-head.js';
import { Section } from './section.js';

const cr = 0x0d;
const lf = 0x0a;
const semicolon = 0x3b;

/** All extensions of one chunk, which nobody here understands, in bytes. */
const maxExtensions = 16_384;

/** RFC 9112 section 7.1.1. */
const extensions = /^(?:;[!#$%&'*+\-.^_`|~\w]+(?:=(?:[!#$%&'*+\-.^_`|~\w]+|"(?:[^"\\]|\\.)*"))?)*$/;

/** Has no place behind the body (RFC 9110 section 6.5.1): it would say anew how long that was. */
const framingFields = ['content-length', 'transfer-encoding'];

/** What hears of a response. */
export interface ResponseListener {
  /** A head, of an interim response or of the final one. */
  onHead(head: ResponseHead): void;
  /** A piece of the body: of the bytes of one read, those from `start` to `end`. */
  onBody(start: number, end: number): void;
}

const State = {
  Head: 0,
  Length: 1,
  Close: 2,
  ChunkSize: 3,
  Extensions: 4,
  SizeEnd: 5,
  Chunk: 6,
  ChunkCr: 7,
  ChunkLf: 8,
  Trailers: 9,
  Whole: 10,
  Stopped: 11,
} as const;

type State = (typeof State)[keyof typeof State];

/**
 * Reads the response to one request, interim ones and all (RFC 9112), strictly: it throws a {@link MalformedResponse} for
 * whatever two recipients could read in two ways, when what came before has been told. Knows nothing of where bytes come
 * from.
 */
export class ResponseParser {
  /** Empty until the response is whole. */
  trailers: string[] = [];
  private readonly listener: ResponseListener;
  private readonly bodyless: boolean;
  private readonly section: Section;
  private state: State = State.Head;
  /** What is to come of the body, or of the chunk. */
  private left = 0;
  private digits = 0;
  private extension = '';

  /**
   * @param bodyless no answer to the request has a body
   * @param limit of a head, and of trailers, in bytes
   */
  constructor(listener: ResponseListener, bodyless: boolean, limit: number) {
    this.listener = listener;
    this.bodyless = bodyless;
    this.section = new Section(limit);
  }

  get whole(): boolean {
    return this.state === State.Whole;
  }

  /** The listener wants no more. */
  stop(): void {
    this.state = State.Stopped;
  }

  /** Takes what one read brought; gives how much of it is the response's. */
  execute(bytes: Buffer): number {
    let at = 0;
    while (at < bytes.length && this.state < State.Whole) at = this.step(bytes, at);
    return at;
  }

  /** There is nothing more to come: true where the response ends with that. */
  finish(): boolean {
    if (this.state === State.Close) this.state = State.Whole;
    return this.whole;
  }

  private step(bytes: Buffer, at: number): number {
    switch (this.state) {
      case State.Head:
        return this.head(bytes, at);
      case State.Length:
        return this.body(bytes, at, State.Whole);
      case State.Close:
        this.listener.onBody(at, bytes.length);
        return bytes.length;
      case State.ChunkSize:
        return this.chunkSize(bytes, at);
      case State.Extensions:
        return this.extensions(bytes, at);
      case State.SizeEnd:
        return this.sizeEnd(bytes, at);
      case State.Chunk:
        return this.body(bytes, at, State.ChunkCr);
      case State.ChunkCr:
        this.state = State.ChunkLf;
        return expect(bytes, at, cr);
      case State.ChunkLf:
        this.beginChunk();
        return expect(bytes, at, lf);
      default:
        return this.trailerSection(bytes, at);
    }
  }

  private head(bytes: Buffer, at: number): number {
    const text = this.section.take(bytes, at);
    if (text === undefined) this.checkBeginning();
    else {
      const head = readHead(text, this.bodyless);
      const { end } = this.section;
      const interim = head.status < 200 && head.status !== 101;
      // Whether the final one is to come is what two recipients could see in two ways.
      if (interim && !head.persistent)
        throw new MalformedResponse('HPE_CLOSED_CONNECTION', 'Interim response that closes the connection');
      this.left = head.length;
      this.state = interim ? State.Head : after(head.framing);
      if (this.state === State.ChunkSize) this.beginChunk();
      this.listener.onHead(head);
      return end;
    }
    return this.section.end;
  }

  /** What is no HTTP/1.1 from its first bytes may never come to an empty line. */
  private checkBeginning(): void {
    const { begun } = this.section;
    if ('HTTP/'.startsWith(begun.toString('latin1', 0, 5))) return;
    throw new MalformedResponse('HPE_INVALID_CONSTANT', 'Expected HTTP/', begun[0] === 0x15 && begun[1] === 0x03);
  }

  /** Of a body, or a chunk, whose length is known. */
  private body(bytes: Buffer, at: number, next: State): number {
    const end = Math.min(bytes.length, at + this.left);
    this.left -= end - at;
    if (this.left === 0) this.state = next;
    this.listener.onBody(at, end);
    return end;
  }

  // --- chunks (RFC 9112 section 7.1) ---

  private beginChunk(): void {
    this.state = State.ChunkSize;
    this.left = 0;
    this.digits = 0;
    this.extension = '';
  }

  private chunkSize(bytes: Buffer, start: number): number {
    let at = start;
    for (; at < bytes.length; at++) {
      const digit = hexDigit(bytes[at]!);
      if (digit < 0) break;
      this.left = this.left * 16 + digit;
      // Of zeros there may be more than a number needs, but not without end.
      if (!Number.isSafeInteger(this.left) || ++this.digits > 16) throw sizeRefused('Chunk size overflow');
    }
    if (at === bytes.length) return at;
    if (this.digits === 0) throw sizeRefused('Invalid character in chunk size');
    if (bytes[at] === semicolon) {
      this.state = State.Extensions;
      return at;
    }
    this.state = State.SizeEnd;
    return expect(bytes, at, cr);
  }

  private extensions(bytes: Buffer, at: number): number {
    const found = bytes.indexOf(cr, at);
    const end = found < 0 ? bytes.length : found;
    if (this.extension.length + end - at > maxExtensions)
      throw new MalformedResponse('HPE_CHUNK_EXTENSIONS_OVERFLOW', 'Chunk extensions overflow');
    this.extension += bytes.toString('latin1', at, end);
    if (found < 0) return end;
    if (!isFieldValue(this.extension) || !extensions.test(this.extension))
      throw sizeRefused('Invalid character in chunk extensions');
    this.state = State.SizeEnd;
    return end + 1;
  }

  private sizeEnd(bytes: Buffer, at: number): number {
    const end = expect(bytes, at, lf);
    this.state = this.left > 0 ? State.Chunk : State.Trailers;
    if (this.left > 0) return end;
    if (bytes[end] !== cr || bytes[end + 1] !== lf) {
      this.section.add(Buffer.from('\r\n')); // so that an empty line ends them, also where there are none
      return end;
    }
    this.state = State.Whole;
    return end + 2;
  }

  private trailerSection(bytes: Buffer, at: number): number {
    const text = this.section.take(bytes, at);
    if (text !== undefined) {
      const trailers = readFields(text, 2);
      if (trailers.some((name, i) => i % 2 === 0 && framingFields.includes(name)))
        throw new MalformedResponse('HPE_INVALID_HEADER_TOKEN', 'Framing in trailers');
      this.trailers = trailers;
      this.state = State.Whole;
    }
    return this.section.end;
  }
}

function after(framing: Framing): State {
  switch (framing) {
    case Framing.None:
      return State.Whole;
    case Framing.Length:
      return State.Length;
    case Framing.Chunked:
      return State.ChunkSize;
    default:
      return State.Close;
  }
}

function expect(bytes: Buffer, at: number, code: number): number {
  if (bytes[at] === code) return at + 1;
  throw sizeRefused(code === cr ? 'Expected CR in chunks' : 'Expected LF in chunks');
}

function sizeRefused(reason: string): MalformedResponse {
  return new MalformedResponse('HPE_INVALID_CHUNK_SIZE', reason);
}

/** -1 for what is none. */
function hexDigit(code: number): number {
  if (code >= 0x30 && code <= 0x39) return code - 0x30;
  const letter = code | 0x20;
  return letter >= 0x61 && letter <= 0x66 ? letter - 0x57 : -1;
}
