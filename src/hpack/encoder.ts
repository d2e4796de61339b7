import { DynamicTable, entrySize } from './dynamic-table.js';
import { checkSize, defaultTableSize, type Field } from './field.js';
import { HpackError } from './hpack-error.js';
import { codeLengths } from './huffman-table.js';
import { huffmanEncode } from './huffman.js';
import { maxIntegerBytes, writeInteger } from './integer.js';
import { firstDynamicIndex, staticTable } from './static-table.js';

/** A scratch larger than this is given up once its block is done. */
const keptScratch = 65536;

/** What the static table holds under one name: its first index, and the index of each value. */
interface StaticName {
  readonly index: number;
  readonly values: Map<string, number>;
}

const staticNames = new Map<string, StaticName>();
staticTable.forEach(([name, value], i) => {
  const entry = staticNames.get(name) ?? { index: i + 1, values: new Map<string, number>() };
  entry.values.set(value, i + 1);
  staticNames.set(name, entry);
});

/**
 * What the tables hold under one name. Exists for the static names, and for others while the dynamic table has an
 * entry of that name, so that everything here is bounded by the table.
 */
class KnownName {
  /** The name's first static index, or 0. */
  readonly staticIndex: number;
  /** Static indexes by value. */
  readonly staticValues: ReadonlyMap<string, number> | undefined;
  /** Number of dynamic entries. */
  live = 0;
  /** The newest dynamic entry, as DynamicTable.added was when it was added; meaningful while `live` > 0. */
  newest = 0;
  /** Dynamic entries by value, as `newest` has them. */
  values: Map<string, number> | undefined = undefined;

  constructor(staticIndex: number, staticValues: ReadonlyMap<string, number> | undefined) {
    this.staticIndex = staticIndex;
    this.staticValues = staticValues;
  }
}

export interface EncoderOptions {
  /** The most octets that our dynamic table may take, whatever the peer allows. Default: 4096. */
  readonly maxTableSize?: number | undefined;
}

/**
 * The compressor of one direction of one connection (RFC 7541 section 2.2). Blocks must reach the decoder in the order
 * in which they were made. A block given up half-way (a field that threw, `begin` without `end`) costs nothing but the
 * table: the next block starts by emptying it on both sides.
 */
export class Encoder {
  /** The dynamic table; for reading. */
  readonly table: DynamicTable;
  private readonly maxTableSize: number;
  private readonly known = new Map<string, KnownName>();
  private scratch = new Uint8Array(1024);
  private at = 0;
  private open = false;
  /** A size update is due at the start of the next block; `smallest` is the least size since the last one. */
  private updateDue = false;
  private smallest = Infinity;

  constructor(options?: EncoderOptions) {
    this.maxTableSize = checkSize('maxTableSize', options?.maxTableSize ?? defaultTableSize);
    this.table = new DynamicTable(defaultTableSize);
    for (const [name, entry] of staticNames) this.known.set(name, new KnownName(entry.index, entry.values));
    // A cap below what the peer's decoder starts with is announced.
    if (this.maxTableSize < defaultTableSize) this.resize(this.maxTableSize);
  }

  /**
   * One header block. The bytes are fresh and the caller's to keep.
   * Throws HpackError when a name or value has a char code above 255, TypeError when a field is no array of two strings.
   */
  encode(fields: Iterable<Field>): Uint8Array {
    this.begin();
    for (const field of fields) {
      if (!Array.isArray(field)) throw new TypeError('Invalid field: it must be an array of a name and a value.');
      const [name, value, options] = field as Field;
      if (typeof name !== 'string' || typeof value !== 'string') {
        throw new TypeError('Invalid field: its name and value must be strings.');
      }
      this.field(name, value, options?.sensitive === true);
    }
    this.open = false;
    return this.scratch.slice(0, this.at);
  }

  /**
   * The peer's SETTINGS_HEADER_TABLE_SIZE: takes effect at once, capped by `maxTableSize`, and is announced at the
   * start of the next block: the smallest size since the last block, then the final one (RFC 7541 section 4.2).
   * Throws RangeError unless `n` is an integer from 0 to 2^32-1.
   */
  setTableSize(n: number): void {
    checkSize('table size', n);
    if (this.open) this.abandon();
    this.resize(Math.min(n, this.maxTableSize));
  }

  /** Starts a block; the previous block's view is no longer valid. */
  begin(): void {
    if (this.open) this.abandon();
    if (this.scratch.length > keptScratch) this.scratch = new Uint8Array(1024);
    this.open = true;
    this.at = 0;
    if (this.updateDue) this.writeSizeUpdates();
  }

  /** Adds a field to the block. Throws HpackError when a char code is above 255; the block is then lost. */
  field(name: string, value: string, sensitive: boolean): void {
    if (!this.open) throw new HpackError('field() was called outside a block; call begin() first');
    const known = this.known.get(name);
    // A sensitive value must not be found by guessing: it never matches (RFC 7541 section 7.1.3).
    const index = known === undefined || sensitive ? 0 : this.find(known, value);
    if (index !== 0) {
      this.reserve(maxIntegerBytes);
      this.at = writeInteger(this.scratch, this.at, 0x80, 0x7f, index);
      return;
    }
    let nameIndex = 0;
    if (known !== undefined) nameIndex = known.staticIndex !== 0 ? known.staticIndex : this.indexOf(known.newest);
    const indexed = !sensitive && entrySize(name, value) <= this.table.capacity;
    this.reserve(maxIntegerBytes);
    if (indexed) this.at = writeInteger(this.scratch, this.at, 0x40, 0x3f, nameIndex);
    else this.at = writeInteger(this.scratch, this.at, sensitive ? 0x10 : 0, 0x0f, nameIndex);
    if (nameIndex === 0) this.writeString(name, name);
    this.writeString(value, name);
    if (indexed) this.remember(name, value);
  }

  /** Ends the block. The view is valid until the next `begin` or `encode`. */
  end(): Uint8Array {
    if (!this.open) throw new HpackError('end() was called outside a block; call begin() first');
    this.open = false;
    return this.scratch.subarray(0, this.at);
  }

  /** The index of an exact match, the static table first, or 0. */
  private find(known: KnownName, value: string): number {
    const index = known.staticValues?.get(value);
    if (index !== undefined) return index;
    const entry = known.values?.get(value);
    return entry === undefined ? 0 : this.indexOf(entry);
  }

  private indexOf(entry: number): number {
    return firstDynamicIndex + this.table.added - 1 - entry;
  }

  /** A string literal (RFC 7541 section 5.2): Huffman-coded only where that is strictly shorter. */
  private writeString(text: string, fieldName: string): void {
    const length = text.length;
    let bits = 0;
    let union = 0;
    for (let i = 0; i < length; i++) {
      const char = text.charCodeAt(i);
      union |= char;
      bits += codeLengths[char & 255]!;
    }
    if (union > 255) {
      throw new HpackError(`Field ${quote(fieldName)} has a char code above 255; encode its text to bytes first.`);
    }
    this.reserve(maxIntegerBytes + length);
    const out = this.scratch;
    const coded = Math.ceil(bits / 8);
    if (coded < length) {
      this.at = huffmanEncode(text, out, writeInteger(out, this.at, 0x80, 0x7f, coded));
    } else {
      let at = writeInteger(out, this.at, 0, 0x7f, length);
      for (let i = 0; i < length; i++) out[at++] = text.charCodeAt(i);
      this.at = at;
    }
  }

  private remember(name: string, value: string): void {
    const table = this.table;
    const size = entrySize(name, value);
    while (table.size + size > table.capacity) this.forgetOldest();
    let known = this.known.get(name);
    if (known === undefined) this.known.set(name, (known = new KnownName(0, undefined)));
    known.live++;
    known.newest = table.added;
    (known.values ??= new Map<string, number>()).set(value, table.added);
    table.add(name, value);
  }

  private forgetOldest(): void {
    const oldest = this.table.length - 1;
    const name = this.table.name(oldest);
    const known = this.known.get(name)!;
    known.values!.delete(this.table.value(oldest));
    known.live--;
    if (known.live === 0 && known.staticIndex === 0) this.known.delete(name);
    this.table.evictOldest();
  }

  private resize(capacity: number): void {
    this.updateDue = true;
    this.smallest = Math.min(this.smallest, capacity);
    while (this.table.size > capacity) this.forgetOldest();
    this.table.resize(capacity);
  }

  /** The peer will never see the open block, so the tables differ from now on: has the next block empty both. */
  private abandon(): void {
    this.open = false;
    const capacity = this.table.capacity;
    this.resize(0);
    this.resize(capacity);
  }

  /** RFC 7541 section 4.2: the smallest size that the table had in between, then the size that it has. */
  private writeSizeUpdates(): void {
    const capacity = this.table.capacity;
    if (this.smallest < capacity) this.at = writeInteger(this.scratch, this.at, 0x20, 0x1f, this.smallest);
    this.at = writeInteger(this.scratch, this.at, 0x20, 0x1f, capacity);
    this.updateDue = false;
    this.smallest = Infinity;
    this.table.changed(); // what announces a size is not to be said again
  }

  private reserve(bytes: number): void {
    const needed = this.at + bytes;
    if (needed <= this.scratch.length) return;
    const larger = new Uint8Array(Math.max(needed, this.scratch.length * 2));
    larger.set(this.scratch.subarray(0, this.at));
    this.scratch = larger;
  }
}

function quote(name: string): string {
  return JSON.stringify(name.length > 100 ? `${name.slice(0, 100)}...` : name);
}
