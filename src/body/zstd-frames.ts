/** A frame's magic number, its descriptor, the header of one of its blocks; the size of a skippable frame. */
type Part = 'magic' | 'descriptor' | 'block' | 'size';

/**
 * Follows where the frames of a zstd stream begin and end (RFC 8878 section 3), without decoding. It is needed because
 * Node's decoder takes a stream that stops in the middle of a frame for one that is complete, and drops the frames that
 * follow the first within one write.
 */
export class ZstdFrames {
  /** What the bytes being gathered are. */
  private part: Part = 'magic';
  /** Bytes of that part that are still to come, and those of it that came, as a little-endian number. */
  private need = 4;
  private value = 0;
  private shift = 0;
  /** Bytes to pass over before the part: the content of a block, a checksum. */
  private skip = 0;
  private checksum = false;

  /** No frame has begun that has not ended. */
  get complete(): boolean {
    return this.part === 'magic' && this.need === 4 && this.skip === 0;
  }

  /** Follows the chunk up to the end of a frame, or its own; returns how many bytes that is. */
  advance(chunk: Uint8Array): number {
    let at = 0;
    while (at < chunk.byteLength) {
      if (this.skip > 0) {
        const passed = Math.min(this.skip, chunk.byteLength - at);
        this.skip -= passed;
        at += passed;
      } else {
        this.value += (chunk[at++] ?? 0) * 2 ** this.shift;
        this.shift += 8;
        if (--this.need === 0) this.partDone(this.value);
      }
      if (this.complete) break;
    }
    return at;
  }

  private partDone(value: number): void {
    switch (this.part) {
      case 'magic':
        // Section 3.1.2: a skippable frame has a size and content that means nothing.
        if (value >= 0x184d2a50 && value <= 0x184d2a5f) this.expect('size', 4, 0);
        else this.expect('descriptor', 1, 0);
        return;
      case 'size':
        this.expect('magic', 4, value);
        return;
      case 'descriptor':
        this.checksum = (value & 0x04) !== 0;
        this.expect('block', 3, headerSize(value));
        return;
      default:
        this.block(value);
    }
  }

  /** Section 3.1.1.2: bit 0 is set on the last block, bits 1 and 2 are its type, the others a size. */
  private block(value: number): void {
    const repeated = ((value >> 1) & 3) === 1;
    const content = repeated ? 1 : value >> 3;
    if ((value & 1) === 0) this.expect('block', 3, content);
    else this.expect('magic', 4, content + (this.checksum ? 4 : 0));
  }

  private expect(part: Part, need: number, skip: number): void {
    this.part = part;
    this.need = need;
    this.value = 0;
    this.shift = 0;
    this.skip = skip;
  }
}

/** What follows a frame header's descriptor: window, dictionary ID, content size (section 3.1.1.1.1). */
function headerSize(descriptor: number): number {
  const singleSegment = (descriptor & 0x20) !== 0;
  const window = singleSegment ? 0 : 1;
  const dictionary = [0, 1, 2, 4][descriptor & 3] ?? 0;
  const content = [singleSegment ? 1 : 0, 2, 4, 8][descriptor >> 6] ?? 0;
  return window + dictionary + content;
}
