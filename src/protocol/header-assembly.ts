import { ErrorCode, ProtocolViolation } from '../wire/index.js';
import { maxContinuations, maxEmptyContinuations } from './limits.js';

/** One header block that comes in pieces, HEADERS and CONTINUATIONs (RFC 9113 section 4.3), put together again. */
export class HeaderAssembly {
  /** What a compressed block may measure: what the list may, twice over, since Huffman can make bytes longer. */
  private readonly limit: number;
  private bytes: Uint8Array | undefined = undefined;
  private filled = 0;
  private headersFlags = 0;
  private continuations = 0;
  private emptyContinuations = 0;

  constructor(maxHeaderListSize: number) {
    this.limit = 2 * maxHeaderListSize;
  }

  /** What the block in the making takes of memory, in bytes; 0 when there is none. */
  get size(): number {
    return this.bytes?.length ?? 0;
  }

  /** How many bytes of the block have come. */
  get length(): number {
    return this.filled;
  }

  /** The flags of the HEADERS that it began with. */
  get flags(): number {
    return this.headersFlags;
  }

  /** A HEADERS that CONTINUATIONs will follow, of `frameLength` bytes in all: bytes [start, end) are its piece. */
  begin(flags: number, frameLength: number, bytes: Uint8Array, start: number, end: number): void {
    this.headersFlags = flags;
    this.filled = 0;
    this.continuations = 0;
    this.emptyContinuations = 0;
    this.bytes = new Uint8Array(Math.min(this.limit, 2 * Math.max(frameLength, 4_096)));
    this.append(bytes, start, end);
  }

  /** The piece of a CONTINUATION. */
  continue(bytes: Uint8Array, start: number, end: number): void {
    // CVE-2024-27316: header blocks that never end.
    if (++this.continuations > maxContinuations || (start === end && ++this.emptyContinuations > maxEmptyContinuations))
      throw new ProtocolViolation(ErrorCode.EnhanceYourCalm, 'too many CONTINUATION frames in one header block');
    this.append(bytes, start, end);
  }

  /** The whole block, its first {@link length} bytes, given away. */
  take(): Uint8Array {
    const bytes = this.bytes!;
    this.bytes = undefined;
    return bytes;
  }

  private append(piece: Uint8Array, start: number, end: number): void {
    const length = this.filled + end - start;
    if (length > this.limit)
      throw new ProtocolViolation(ErrorCode.EnhanceYourCalm, 'a header block of more than twice the advertised limit');
    let bytes = this.bytes!;
    if (length > bytes.length) {
      const larger = new Uint8Array(Math.min(this.limit, Math.max(length, 2 * bytes.length)));
      larger.set(bytes.subarray(0, this.filled));
      bytes = this.bytes = larger;
    }
    bytes.set(piece.subarray(start, end), this.filled);
    this.filled = length;
  }
}
