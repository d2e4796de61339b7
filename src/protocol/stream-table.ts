import type { Stream } from './stream.js';

const initialSlots = 64;
/** A larger table is given up once it is empty. */
const keptSlots = 1024;

/**
 * The open streams of a connection by ID: open addressing, at most half full. Not a Map: each time a Map has filled up
 * it leaves its old table behind with a link to the next, and once one of them is old, young collections keep the
 * whole chain with every stream in it. 100 requests at a time then spent half their time in the collector (Node 26).
 */
export class StreamTable {
  size = 0;
  private slots: (Stream | undefined)[] = emptySlots(initialSlots);
  /** Of the 32 bits of a hash, those that are no slot number. */
  private shift = 32 - Math.log2(initialSlots);

  get(id: number): Stream | undefined {
    return this.slots[this.find(id)];
  }

  /** Adds a stream whose ID is not in the table. */
  add(stream: Stream): void {
    if (++this.size * 2 > this.slots.length) this.grow();
    this.slots[this.find(stream.id)] = stream;
  }

  /** False: it was not in the table. */
  delete(stream: Stream): boolean {
    const slots = this.slots;
    let hole = this.find(stream.id);
    if (slots[hole] !== stream) return false;
    this.size--;
    // Those that were pushed aside move up, so that whoever looks for them meets no gap.
    const mask = slots.length - 1;
    for (let at = (hole + 1) & mask; ; at = (at + 1) & mask) {
      const other = slots[at];
      if (other === undefined) break;
      const home = hash(other.id) >>> this.shift;
      if (((at - home) & mask) < ((at - hole) & mask)) continue;
      slots[hole] = other;
      hole = at;
    }
    slots[hole] = undefined;
    if (this.size === 0 && slots.length > keptSlots) this.resize(initialSlots);
    return true;
  }

  /** The streams in the order of their IDs, in an array of its own. */
  values(): Stream[] {
    return this.slots.filter((stream) => stream !== undefined).sort((a, b) => a.id - b.id);
  }

  /** Calls `visit` with each of them, in no order. It adds and deletes none. */
  each(visit: (stream: Stream) => void): void {
    for (const stream of this.slots) if (stream !== undefined) visit(stream);
  }

  clear(): void {
    this.size = 0;
    this.resize(initialSlots);
  }

  /** The slot of the stream with this ID, or the free one where it belongs. */
  private find(id: number): number {
    const slots = this.slots;
    const mask = slots.length - 1;
    let at = hash(id) >>> this.shift;
    for (let stream = slots[at]; stream !== undefined && stream.id !== id; stream = slots[at]) at = (at + 1) & mask;
    return at;
  }

  private grow(): void {
    const streams = this.slots;
    this.resize(streams.length * 2);
    for (const stream of streams) if (stream !== undefined) this.slots[this.find(stream.id)] = stream;
  }

  private resize(length: number): void {
    this.slots = emptySlots(length);
    this.shift = 32 - Math.log2(length);
  }
}

function emptySlots(length: number): (Stream | undefined)[] {
  return new Array<Stream | undefined>(length).fill(undefined);
}

/** Multiplied by 2^32 over the golden ratio, IDs that follow one another lie far apart (Knuth, volume 3, section 6.4). */
function hash(id: number): number {
  return Math.imul(id, 0x9e3779b1);
}
