import { DynamicTable, entryOverhead } from './dynamic-table.js';
import { checkSize, defaultTableSize, type Field } from './field.js';
import { HpackError } from './hpack-error.js';
import { longestCode } from './huffman-table.js';
import { huffmanDecode, huffmanDecodedLength } from './huffman.js';
import { latin1 } from './latin1.js';
import { firstDynamicIndex, staticNames, staticValues } from './static-table.js';

/** Takes the fields of a block in wire order. */
export interface FieldSink {
  /** `neverIndexed`: the sender asks that no intermediary ever index it (RFC 7541 section 6.2.3). */
  field(name: string, value: string, neverIndexed: boolean): void;
  /** In place of `field`, for a field whose name or value is longer than `maxStringLength`. */
  oversize(): void;
}

export interface DecoderOptions {
  /** The SETTINGS_HEADER_TABLE_SIZE in force from the first block, in octets. Default: 4096. */
  readonly maxTableSize?: number | undefined;
  /**
   * The longest name or value, in bytes, before and after Huffman decoding. Default: 16 MiB. Below the table's
   * size, a longer string that belongs into the table is an error.
   */
  readonly maxStringLength?: number | undefined;
}

const noBytes = new Uint8Array(0);
const sensitive = Object.freeze({ sensitive: true });

/**
 * The decompressor of one direction of one connection (RFC 7541 section 3). It takes complete blocks: HEADERS and its
 * CONTINUATIONs joined, so that no byte is looked at twice. Nothing is rejected for its meaning. After an
 * error the table is no longer the peer's, and every further block is refused.
 */
export class Decoder {
  /** The dynamic table; for reading. */
  readonly table: DynamicTable;
  private maxTableSize: number;
  private readonly maxStringLength: number;
  /** The next block must start with a size update to at most this; Infinity: it need not. */
  private requiredSize = Infinity;
  /** True inside a block, and for good once one has failed. */
  private inBlock = false;
  private bytes: Uint8Array = noBytes;
  private at = 0;
  private end = 0;
  /** What the block adds to the table, flat, while it is recorded and has not turned to what it found there. */
  private added: string[] | undefined = undefined;

  constructor(options?: DecoderOptions) {
    this.maxTableSize = checkSize('maxTableSize', options?.maxTableSize ?? defaultTableSize);
    this.maxStringLength = checkSize('maxStringLength', options?.maxStringLength ?? 16 * 1024 * 1024);
    // A larger table than the default begins only with the encoder's size update (RFC 7541 section 4.2).
    this.table = new DynamicTable(Math.min(this.maxTableSize, defaultTableSize));
  }

  /**
   * The fields of one complete block; never-indexed ones carry `{ sensitive: true }`. Throws HpackError when the block
   * is malformed, and when a field is longer than `maxStringLength`: only after that one may decoding go on. Throws
   * TypeError when the block is no Uint8Array.
   */
  decode(block: Uint8Array): Field[] {
    if (!((block as unknown) instanceof Uint8Array)) throw new TypeError('Invalid block: it must be a Uint8Array.');
    const list = new FieldList();
    this.decodeInto(block, 0, block.length, list);
    if (list.oversized)
      throw new HpackError('A field is longer than maxStringLength; raise it to receive such fields.');
    return list.fields;
  }

  /**
   * The SETTINGS_HEADER_TABLE_SIZE that the peer has just acknowledged. If it is smaller than the table, the next
   * block must start with a size update to at most that (RFC 7541 section 4.2, RFC 9113 section 4.3.1); an empty
   * block leaves that to the one after it. Throws RangeError unless `n` is an integer from 0 to 2^32-1.
   */
  setMaxTableSize(n: number): void {
    this.maxTableSize = checkSize('maximum table size', n);
    this.table.changed(); // a block that was right before may have become wrong
    if (n < this.table.capacity) this.requiredSize = Math.min(this.requiredSize, n);
  }

  /** Decodes the complete block `bytes[start, end)` into `sink`. Throws HpackError when it is malformed. */
  decodeInto(bytes: Uint8Array, start: number, end: number, sink: FieldSink): void {
    if (this.inBlock) throw new HpackError('An earlier block failed to decode; the connection cannot go on.');
    this.inBlock = true;
    this.bytes = bytes;
    this.at = start;
    this.end = end;
    this.sizeUpdates();
    while (this.at < end) {
      const first = bytes[this.at]!;
      if (first >= 0x80) this.indexed(sink);
      else if (first >= 0x40) this.literal(sink, 0x3f, true, false);
      else if (first < 0x20) this.literal(sink, 0x0f, false, first >= 0x10);
      // RFC 7541 section 4.2. Go tolerates it while the table is empty; we do not.
      else throw new HpackError('Dynamic table size update after a field; it must start the block.');
    }
    this.bytes = noBytes;
    this.inBlock = false;
  }

  /**
   * As `decodeInto`. Returns what the block adds to the table (name, value, name, value) if that is all that it has to do
   * with the table: then its bytes mean the same fields whenever they come. Undefined: it refers to entries, or resizes.
   */
  decodeRecording(bytes: Uint8Array, start: number, end: number, sink: FieldSink): readonly string[] | undefined {
    this.added = [];
    this.decodeInto(bytes, start, end, sink);
    const { added } = this;
    this.added = undefined;
    return added;
  }

  /**
   * Does to the table what decoding did that returned `added`. False, and nothing is done: the block has to be decoded,
   * since it must start with a size update now.
   */
  repeat(added: readonly string[]): boolean {
    if (this.inBlock || this.requiredSize !== Infinity) return false;
    for (let i = 0; i < added.length; i += 2) this.table.add(added[i]!, added[i + 1]!);
    return true;
  }

  /** Any run of size updates that starts the block (RFC 7541 section 6.3). */
  private sizeUpdates(): void {
    while (this.at < this.end && (this.bytes[this.at]! & 0xe0) === 0x20) {
      const size = this.integer(0x1f);
      const allowed = Math.min(this.maxTableSize, this.requiredSize);
      if (size > allowed) throw new HpackError(`Dynamic table size update to ${size}; at most ${allowed} is allowed.`);
      this.requiredSize = Infinity;
      this.added = undefined;
      this.table.resize(size);
    }
    if (this.requiredSize !== Infinity && this.at < this.end) {
      throw new HpackError(`The block must start with a dynamic table size update to at most ${this.requiredSize}.`);
    }
  }

  /** RFC 7541 section 6.1. */
  private indexed(sink: FieldSink): void {
    const index = this.integer(0x7f);
    const name = this.nameAt(index);
    sink.field(
      name,
      index < firstDynamicIndex ? staticValues[index]! : this.table.value(index - firstDynamicIndex),
      false,
    );
  }

  /** RFC 7541 section 6.2. */
  private literal(sink: FieldSink, prefix: number, intoTable: boolean, neverIndexed: boolean): void {
    const index = this.integer(prefix);
    const nameStart = this.at;
    const name = index === 0 ? this.string() : this.nameAt(index);
    const valueStart = this.at;
    const value = this.string();
    if (name === undefined || value === undefined) {
      if (intoTable) this.addOversize(index === 0 ? this.lengthAt(nameStart) : name!.length, valueStart);
      this.added = undefined;
      sink.oversize();
      return;
    }
    if (intoTable) {
      this.table.add(name, value);
      this.added?.push(name, value);
    }
    sink.field(name, value, neverIndexed);
  }

  /** A field too long to build that belongs into the table: larger than the table, it empties it (section 4.4). */
  private addOversize(nameLength: number, valueStart: number): void {
    const after = this.at;
    const size = nameLength + this.lengthAt(valueStart) + entryOverhead;
    if (size <= this.table.capacity) {
      throw new HpackError(
        'A field for the dynamic table is longer than maxStringLength; set that above the table size.',
      );
    }
    this.table.clear();
    this.at = after;
  }

  /** The decoded length of the string literal at a position; at least so much where that is more than the table. */
  private lengthAt(position: number): number {
    const huffman = this.bytes[position]! >= 0x80;
    const after = this.at;
    this.at = position;
    const length = this.integer(0x7f);
    const start = this.at;
    this.at = after;
    if (!huffman) return length;
    const least = Math.floor((length * 8 - 7) / longestCode);
    return least > this.table.capacity ? least : huffmanDecodedLength(this.bytes, start, start + length);
  }

  private nameAt(index: number): string {
    if (index < firstDynamicIndex) {
      // RFC 7541 section 6.1.
      if (index === 0) throw new HpackError('Index 0 is no entry.');
      return staticNames[index]!;
    }
    const age = index - firstDynamicIndex;
    // RFC 7541 section 2.3.3.
    if (age >= this.table.length) {
      throw new HpackError(
        `Index ${index} is beyond the tables; the last entry is ${firstDynamicIndex - 1 + this.table.length}.`,
      );
    }
    this.added = undefined;
    return this.table.name(age);
  }

  /** A string literal (RFC 7541 section 5.2), or undefined, and not decoded, when it is longer than the limit. */
  private string(): string | undefined {
    const huffman = this.at < this.end && this.bytes[this.at]! >= 0x80;
    const length = this.integer(0x7f);
    const start = this.at;
    if (length > this.end - start) throw truncated();
    this.at = start + length;
    if (length > this.maxStringLength) return undefined;
    if (huffman) return huffmanDecode(this.bytes, start, this.at, this.maxStringLength);
    return latin1(this.bytes, start, this.at);
  }

  /** An integer whose prefix has the largest value `prefix` (RFC 7541 section 5.1); at most 2^32-1. */
  private integer(prefix: number): number {
    if (this.at >= this.end) throw truncated();
    let value = this.bytes[this.at++]! & prefix;
    if (value < prefix) return value;
    // Five continuation bytes reach beyond 2^32; more could only be zeros, which section 5.1 lets us refuse.
    for (let scale = 1; scale < 2 ** 35; scale *= 128) {
      if (this.at >= this.end) throw truncated();
      const byte = this.bytes[this.at++]!;
      value += (byte & 127) * scale;
      if (byte < 128) {
        if (value > 0xffffffff) break;
        return value;
      }
    }
    throw new HpackError('Integer is larger than 2^32-1, or encoded in more than five continuation bytes.');
  }
}

function truncated(): HpackError {
  return new HpackError('The block ends inside a field.');
}

class FieldList implements FieldSink {
  readonly fields: Field[] = [];
  oversized = false;

  field(name: string, value: string, neverIndexed: boolean): void {
    this.fields.push(neverIndexed ? [name, value, sensitive] : [name, value]);
  }

  oversize(): void {
    this.oversized = true;
  }
}
