/**
 * HPACK (RFC 7541) for the raw server, written from the RFC and without a look at `src/hpack`, so that a mistake
 * made there is not made here as well. Plain rather than fast.
 */
export type Field = readonly [name: string, value: string];

/** RFC 7541 appendix A; index 1 is the first. */
const staticTable: readonly Field[] = [
  [':authority', ''],
  [':method', 'GET'],
  [':method', 'POST'],
  [':path', '/'],
  [':path', '/index.html'],
  [':scheme', 'http'],
  [':scheme', 'https'],
  [':status', '200'],
  [':status', '204'],
  [':status', '206'],
  [':status', '304'],
  [':status', '400'],
  [':status', '404'],
  [':status', '500'],
  ['accept-charset', ''],
  ['accept-encoding', 'gzip, deflate'],
  ['accept-language', ''],
  ['accept-ranges', ''],
  ['accept', ''],
  ['access-control-allow-origin', ''],
  ['age', ''],
  ['allow', ''],
  ['authorization', ''],
  ['cache-control', ''],
  ['content-disposition', ''],
  ['content-encoding', ''],
  ['content-language', ''],
  ['content-length', ''],
  ['content-location', ''],
  ['content-range', ''],
  ['content-type', ''],
  ['cookie', ''],
  ['date', ''],
  ['etag', ''],
  ['expect', ''],
  ['expires', ''],
  ['from', ''],
  ['host', ''],
  ['if-match', ''],
  ['if-modified-since', ''],
  ['if-none-match', ''],
  ['if-range', ''],
  ['if-unmodified-since', ''],
  ['last-modified', ''],
  ['link', ''],
  ['location', ''],
  ['max-forwards', ''],
  ['proxy-authenticate', ''],
  ['proxy-authorization', ''],
  ['range', ''],
  ['referer', ''],
  ['refresh', ''],
  ['retry-after', ''],
  ['server', ''],
  ['set-cookie', ''],
  ['strict-transport-security', ''],
  ['transfer-encoding', ''],
  ['user-agent', ''],
  ['vary', ''],
  ['via', ''],
  ['www-authenticate', ''],
];

/**
 * The length in bits of each symbol's code, the 257th being EOS (RFC 7541 appendix B). The code is canonical:
 * codes rise with length and, within a length, with the symbol, so the lengths say it all.
 */
// prettier-ignore
const codeLengths = [
  13, 23, 28, 28, 28, 28, 28, 28, 28, 24, 30, 28, 28, 30, 28, 28, 28, 28, 28, 28, 28, 28, 30, 28, 28, 28, 28, 28, 28, 28, 28, 28,
  6, 10, 10, 12, 13, 6, 8, 11, 10, 10, 8, 11, 8, 6, 6, 6, 5, 5, 5, 6, 6, 6, 6, 6, 6, 6, 7, 8, 15, 6, 12, 10,
  13, 6, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 8, 7, 8, 13, 19, 13, 14, 6,
  15, 5, 6, 5, 6, 5, 6, 6, 6, 5, 7, 7, 6, 6, 6, 5, 6, 7, 6, 5, 5, 6, 7, 7, 7, 7, 7, 15, 11, 14, 13, 28,
  20, 22, 20, 20, 22, 22, 22, 23, 22, 23, 23, 23, 23, 23, 24, 23, 24, 24, 22, 23, 24, 23, 23, 23, 23, 21, 22, 23, 22, 23, 23, 24,
  22, 21, 20, 22, 22, 23, 23, 21, 23, 22, 22, 24, 21, 22, 23, 23, 21, 21, 22, 21, 23, 22, 23, 23, 20, 22, 22, 22, 23, 22, 22, 23,
  26, 26, 20, 19, 22, 23, 22, 25, 26, 26, 26, 27, 27, 26, 24, 25, 19, 21, 26, 27, 27, 26, 27, 24, 21, 21, 26, 26, 28, 27, 27, 27,
  20, 24, 20, 21, 22, 21, 21, 23, 22, 22, 25, 25, 24, 24, 26, 23, 26, 27, 26, 26, 27, 27, 27, 27, 27, 28, 27, 27, 27, 27, 27, 26,
  30,
];

/** From a code, written as a leading 1 and then its bits, to its symbol. */
const symbols = new Map<number, number>();
{
  let code = 0;
  for (let length = 1; length <= 30; length++) {
    codeLengths.forEach((symbolLength, symbol) => {
      if (symbolLength === length) symbols.set(2 ** length + code++, symbol);
    });
    code *= 2;
  }
}

function huffmanDecode(bytes: Buffer): Buffer {
  const out: number[] = [];
  let code = 1;
  for (const byte of bytes) {
    for (let bit = 7; bit >= 0; bit--) {
      code = code * 2 + ((byte >> bit) & 1);
      if (code >= 2 ** 31) throw new Error('HPACK: no symbol has this Huffman code');
      const symbol = symbols.get(code);
      if (symbol === undefined) continue;
      if (symbol === 256) throw new Error('HPACK: EOS within a Huffman string (RFC 7541 section 5.2)');
      out.push(symbol);
      code = 1;
    }
  }
  // What is left over is padding: fewer than 8 bits, all of them ones (section 5.2).
  const padding = Math.floor(Math.log2(code));
  if (padding > 7 || code !== 2 ** (padding + 1) - 1) throw new Error('HPACK: wrong Huffman padding');
  return Buffer.from(out);
}

/** Decodes the header blocks of one connection, in the order in which they arrive. */
export class HpackDecoder {
  readonly #dynamic: Field[] = [];
  /** What SETTINGS_HEADER_TABLE_SIZE allows the peer's encoder. */
  #limit = 4096;
  #maxSize = 4096;
  /** The lowest limit since the last block that is below the table's size: the peer must signal it first. */
  #owed: number | undefined;

  #block = Buffer.alloc(0);
  #at = 0;

  /** To be called when the peer acknowledges a SETTINGS_HEADER_TABLE_SIZE (RFC 7541 section 4.2). */
  setLimit(size: number): void {
    this.#limit = size;
    if (size < this.#maxSize) this.#owed = Math.min(size, this.#owed ?? size);
  }

  /** The fields of one whole header block. Throws where RFC 7541 asks for a COMPRESSION_ERROR. */
  decode(block: Uint8Array): Field[] {
    this.#block = Buffer.from(block);
    this.#at = 0;
    const fields: Field[] = [];
    while (this.#at < this.#block.length) {
      const first = this.#block.readUInt8(this.#at);
      if ((first & 0xe0) === 0x20) {
        if (fields.length > 0) throw new Error('HPACK: a table size update after a field (section 4.2)');
        this.#resize(this.#integer(5));
        continue;
      }
      if (this.#owed !== undefined)
        throw new Error(`HPACK: a table size update to ${this.#owed} is owed (section 4.2)`);
      fields.push(this.#field(first));
    }
    return fields;
  }

  #field(first: number): Field {
    if ((first & 0x80) !== 0) return this.#entry(this.#integer(7));
    const indexed = (first & 0xc0) === 0x40;
    const nameIndex = this.#integer(indexed ? 6 : 4);
    const name = nameIndex === 0 ? this.#string() : this.#entry(nameIndex)[0];
    const field: Field = [name, this.#string()];
    if (indexed) {
      this.#dynamic.unshift(field);
      this.#evict();
    }
    return field;
  }

  #entry(index: number): Field {
    const entry = index <= 61 ? staticTable[index - 1] : this.#dynamic[index - 62];
    if (entry === undefined) throw new Error(`HPACK: no table entry ${index}`);
    return entry;
  }

  #resize(size: number): void {
    if (size > this.#limit) throw new Error(`HPACK: a table of ${size}, where ${this.#limit} is allowed`);
    if (this.#owed !== undefined && size > this.#owed) {
      throw new Error(`HPACK: a table size update to ${size}, where one to ${this.#owed} is owed first (section 4.2)`);
    }
    this.#owed = undefined;
    this.#maxSize = size;
    this.#evict();
  }

  /** Drops the oldest entries until the table fits; an entry counts 32 more than its octets (section 4.1). */
  #evict(): void {
    let size = 0;
    let kept = 0;
    for (const [name, value] of this.#dynamic) {
      size += Buffer.byteLength(name, 'latin1') + Buffer.byteLength(value, 'latin1') + 32;
      if (size > this.#maxSize) break;
      kept++;
    }
    this.#dynamic.length = kept;
  }

  #octet(): number {
    if (this.#at >= this.#block.length) throw new Error('HPACK: the block ends within a field');
    return this.#block.readUInt8(this.#at++);
  }

  #integer(prefixBits: number): number {
    const mask = 2 ** prefixBits - 1;
    let value = this.#octet() & mask;
    if (value < mask) return value;
    for (let factor = 1; ; factor *= 128) {
      const octet = this.#octet();
      value += (octet & 0x7f) * factor;
      if (value > 2 ** 31) throw new Error('HPACK: an integer out of all proportion');
      if (octet < 0x80) return value;
    }
  }

  /** Octets as a string of code units 0 to 255. */
  #string(): string {
    const huffman = ((this.#block[this.#at] ?? 0) & 0x80) !== 0;
    const length = this.#integer(7);
    const bytes = this.#block.subarray(this.#at, this.#at + length);
    if (bytes.length < length) throw new Error('HPACK: the block ends within a string');
    this.#at += length;
    return (huffman ? huffmanDecode(bytes) : bytes).toString('latin1');
  }
}

/** A header block of literals only, never indexed and never Huffman-coded: it needs and leaves no state. */
export function encodeFields(fields: Iterable<Field>): Buffer {
  const parts: Buffer[] = [];
  for (const [name, value] of fields) parts.push(Buffer.of(0), encodeString(name), encodeString(value));
  return Buffer.concat(parts);
}

function encodeString(text: string): Buffer {
  const bytes = Buffer.from(text, 'latin1');
  const prefix: number[] = [];
  let rest = bytes.length;
  if (rest < 127) {
    prefix.push(rest);
  } else {
    prefix.push(127);
    for (rest -= 127; rest >= 128; rest = Math.floor(rest / 128)) prefix.push((rest % 128) + 128);
    prefix.push(rest);
  }
  return Buffer.concat([Buffer.from(prefix), bytes]);
}
