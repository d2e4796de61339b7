/**
 * A fuzz input read as a program: each call takes the next bytes, and zeros once there are none, so that every string
 * of bytes is a program and a mutated one stays close to what it was.
 */
export class Input {
  readonly bytes: Uint8Array;
  #at = 0;

  constructor(bytes: Uint8Array) {
    this.bytes = bytes;
  }

  get ended(): boolean {
    return this.#at >= this.bytes.length;
  }

  byte(): number {
    return this.bytes[this.#at++] ?? 0;
  }

  /** 16 bits, big-endian. */
  short(): number {
    return (this.byte() << 8) | this.byte();
  }

  /** 32 bits, the frequent values of a protocol more often than others. */
  long(): number {
    const kind = this.byte();
    if (kind < 64) return interesting[kind % interesting.length]!;
    if (kind < 128) return this.byte();
    if (kind < 192) return this.short();
    return ((this.short() << 16) | this.short()) >>> 0;
  }

  /** The next bytes, as many as there are up to `length`. */
  take(length: number): Uint8Array {
    const taken = this.bytes.subarray(this.#at, this.#at + length);
    this.#at += length;
    return taken;
  }
}

const interesting = [
  0, 1, 2, 3, 7, 8, 9, 16_383, 16_384, 16_385, 65_535, 65_536, 262_144, 0x7fff_ffff, 0x8000_0000, 0xffff_ffff,
];
