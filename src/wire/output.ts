import { noBytes } from './bytes.js';

const initialSize = 16_384;
/** Of each of the two buffers, so that an idle connection pins at most twice this. */
const keptSize = 131_072;

/**
 * The bytes that are sealed: one FIFO, appended to and taken from, never reordered. Two buffers take turns. `reserve`
 * appends to the one, `take` empties the other, and they swap when that one is drained, so that what the socket
 * holds is never written to, moved or grown while new bytes arrive.
 */
export class OutputBuffer {
  /** Bytes sealed and not yet taken. Read-only to callers. */
  length = 0;
  /** Where `reserve` says to write. Replaced when it grows or swaps: read it after each `reserve`, keep it never. */
  bytes: Uint8Array = noBytes;
  /** Bytes of `bytes` that are written or reserved. */
  private filled = 0;
  /** The buffer being emptied, of which `front[at..end)` is still to be taken. */
  private front: Uint8Array = noBytes;
  private at = 0;
  private end = 0;

  /**
   * Seals the next `n` bytes and returns the offset in {@link OutputBuffer.bytes} where the caller writes all of them
   * before it calls anything else here; what stands there until then is left over from earlier bytes.
   */
  reserve(n: number): number {
    const at = this.filled;
    const needed = at + n;
    if (needed > this.bytes.length) this.grow(needed);
    this.filled = needed;
    this.length += n;
    return at;
  }

  /**
   * A view of the oldest bytes: at most `limit`, at least one when there are any, though perhaps fewer than `length`
   * and `limit` would allow. It stays as it is until the next `take`, whatever is reserved meanwhile.
   */
  take(limit: number): Uint8Array {
    if (this.at === this.end) this.swap();
    const at = this.at;
    const end = Math.min(this.end, at + limit);
    if (end <= at) return noBytes;
    this.at = end;
    this.length -= end - at;
    return this.front.subarray(at, end);
  }

  private swap(): void {
    const drained = this.front.length > keptSize ? noBytes : this.front;
    this.front = this.bytes;
    this.at = 0;
    this.end = this.filled;
    this.bytes = drained;
    this.filled = 0;
  }

  private grow(needed: number): void {
    const grown = new Uint8Array(Math.max(initialSize, needed, this.bytes.length * 2));
    grown.set(this.bytes.subarray(0, this.filled));
    this.bytes = grown;
  }
}
