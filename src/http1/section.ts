import { MalformedResponse } from './malformed.js';

const cr = 0x0d;
const lf = 0x0a;

const blankLine = '\r\n\r\n';

const nothing = Buffer.alloc(0);

/** Lines up to an empty one, in one read or in many: the head of a message, or its trailers. */
export class Section {
  /** Where it ends in the bytes that `take` was given last. */
  end = 0;
  private readonly limit: number;
  private buffer = nothing;
  private length = 0;

  /** @param limit in bytes */
  constructor(limit: number) {
    this.limit = limit;
  }

  /** What has come of it. */
  get begun(): Buffer {
    return this.buffer.subarray(0, this.length);
  }

  /** Its lines with their CRLFs, as latin1; undefined where there is more to come. Throws where it is too long. */
  take(bytes: Buffer, at: number): string | undefined {
    const found = this.length === 0 ? bytes.indexOf(blankLine, at, 'latin1') : -1;
    if (found < 0) return this.takeMore(bytes, at);
    this.end = found + blankLine.length;
    this.check(this.end - at);
    return bytes.toString('latin1', at, found + 2);
  }

  private takeMore(bytes: Buffer, at: number): string | undefined {
    const before = this.length;
    this.add(bytes.subarray(at, at + this.limit + 1 - before));
    const { begun } = this;
    const found = begun.indexOf(blankLine, Math.max(0, before - 3), 'latin1');
    if (found < 0) {
      this.check(this.length);
      this.checkLines(before);
      this.end = bytes.length;
      return undefined;
    }
    this.check(found + blankLine.length);
    this.end = at + found + blankLine.length - before;
    this.buffer = nothing;
    this.length = 0;
    return begun.toString('latin1', 0, found + 2);
  }

  /** Begins with these, or goes on with them. Its buffer doubles, so that a server that sends byte by byte costs no more. */
  add(bytes: Uint8Array): void {
    const length = this.length + bytes.length;
    if (length > this.buffer.length) {
      const larger = Buffer.allocUnsafe(Math.max(2 * this.buffer.length, length, 1_024));
      larger.set(this.begun);
      this.buffer = larger;
    }
    this.buffer.set(bytes, this.length);
    this.length = length;
  }

  /** A line that ends without CR is told at once: its server may have sent all that it has. */
  private checkLines(from: number): void {
    const { buffer, length } = this;
    for (let i = from; i < length; i++) {
      if (buffer[i] === lf && buffer[i - 1] !== cr)
        throw new MalformedResponse('HPE_CR_EXPECTED', 'Missing expected CR at the end of a line');
    }
  }

  private check(length: number): void {
    if (length > this.limit) throw new MalformedResponse('HPE_HEADER_OVERFLOW', 'Header overflow');
  }
}
