import { HpackError } from './hpack-error.js';
import {
  codeCount,
  codeLengths,
  codes,
  eos,
  firstCode,
  firstRank,
  longestCode,
  symbolsInOrder,
} from './huffman-table.js';
import { latin1 } from './latin1.js';

/**
 * Decoding looks up the next `peekBits` bits: the entry is symbol * 16 + code length, or 0 where the code is longer.
 * 10 bits cover every letter, digit and nearly all punctuation of header values.
 */
const peekBits = 10;
const peekMask = (1 << peekBits) - 1;
const short = peekTable();

// Made in a function: a loop at the top level of a file that a bundler has joined would have all of that compiled.
function peekTable(): Uint16Array {
  const table = new Uint16Array(1 << peekBits);
  for (let symbol = 0; symbol < eos; symbol++) {
    const length = codeLengths[symbol]!;
    if (length > peekBits) continue;
    const from = codes[symbol]! << (peekBits - length);
    table.fill((symbol << 4) | length, from, from + (1 << (peekBits - length)));
  }
  return table;
}

/** Decoded bytes on their way into a string; a longer string is built from several fillings. */
const scratch = new Uint8Array(4096);

/**
 * The string that `bytes[start, end)` encodes, or undefined when it is longer than `limit`.
 * Throws HpackError on an EOS symbol, on an incomplete symbol and on wrong padding (RFC 7541 section 5.2).
 */
export function huffmanDecode(bytes: Uint8Array, start: number, end: number, limit: number): string | undefined {
  let done = '';
  let out = 0;
  let at = start;
  // The low `held` bits of `window` are the bits read and not yet decoded.
  let window = 0;
  let held = 0;
  for (;;) {
    while (held <= 16 && at < end) {
      window = (window << 8) | bytes[at++]!;
      held += 8;
    }
    // At the end of the bytes the peek is filled up with ones, as padding is.
    const peek = held >= peekBits ? window >>> (held - peekBits) : ~(~window << (peekBits - held));
    const entry = short[peek & peekMask]!;
    let symbol = entry >>> 4;
    const length = entry & 15;
    if (length !== 0 && length <= held) {
      held -= length;
    } else {
      const bit = at * 8 - held;
      const found = longSymbol(bytes, bit, end * 8);
      if (found < 0) break;
      symbol = found >>> 5;
      const next = bit + (found & 31);
      at = (next + 7) >>> 3;
      held = at * 8 - next;
      window = held === 0 ? 0 : bytes[at - 1]!;
    }
    scratch[out++] = symbol;
    if (out === scratch.length) {
      done += latin1(scratch, 0, out);
      out = 0;
      if (done.length > limit) return undefined;
    }
  }
  if (done.length + out > limit) return undefined;
  return done === '' ? latin1(scratch, 0, out) : done + latin1(scratch, 0, out);
}

/** The length of the string that `bytes[start, end)` encodes, without building it. Throws as huffmanDecode does. */
export function huffmanDecodedLength(bytes: Uint8Array, start: number, end: number): number {
  let count = 0;
  let bit = start * 8;
  for (;;) {
    const found = longSymbol(bytes, bit, end * 8);
    if (found < 0) return count;
    bit += found & 31;
    count++;
  }
}

/** The symbol that starts at a bit, as symbol * 32 + code length, or -1 when only padding is left. */
function longSymbol(bytes: Uint8Array, bit: number, endBit: number): number {
  let code = 0;
  let length = 0;
  for (let next = bit; next < endBit && length < longestCode; next++) {
    code = (code << 1) | ((bytes[next >>> 3]! >>> (7 - (next & 7))) & 1);
    length++;
    const offset = code - firstCode[length]!;
    if (offset >= codeCount[length]!) continue;
    const symbol = symbolsInOrder[firstRank[length]! + offset]!;
    if (symbol === eos) throw new HpackError('Huffman string contains EOS');
    return (symbol << 5) | length;
  }
  // What is left is the beginning of EOS, hence all ones, and shorter than a byte (RFC 7541 section 5.2).
  if (length > 7) throw new HpackError('Huffman string is padded with more than 7 bits, or ends inside a symbol');
  if (code !== (1 << length) - 1)
    throw new HpackError('Huffman string ends inside a symbol, or its padding is not all ones');
  return -1;
}

/** By symbol: code * 16 + code length, or 0 where the code is longer than 15 bits. */
const packedCodes = packCodes();

function packCodes(): Uint32Array {
  const packed = new Uint32Array(eos);
  for (let symbol = 0; symbol < eos; symbol++) {
    const length = codeLengths[symbol]!;
    if (length <= 15) packed[symbol] = (codes[symbol]! << 4) | length;
  }
  return packed;
}

/**
 * Writes the codes of `text` (char codes up to 255) padded with ones, and returns the position after them.
 * `out` has room for them. Two bytes leave at a time: half the time of one by one (29 chars: 103 ns against 234 ns).
 */
export function huffmanEncode(text: string, out: Uint8Array, at: number): number {
  let window = 0;
  // At most 15 bits are held before a code, or one half of a long code, adds at most 15.
  let held = 0;
  for (let i = 0; i < text.length; i++) {
    const symbol = text.charCodeAt(i);
    let packed = packedCodes[symbol]!;
    if (packed === 0) {
      const code = codes[symbol]!;
      const upper = codeLengths[symbol]! - 15;
      window = (window << upper) | (code >>> 15);
      held += upper;
      if (held >= 16) {
        out[at++] = window >>> (held - 8);
        out[at++] = window >>> (held - 16);
        held -= 16;
      }
      packed = ((code & 0x7fff) << 4) | 15;
    }
    const length = packed & 15;
    window = (window << length) | (packed >>> 4);
    held += length;
    if (held >= 16) {
      out[at++] = window >>> (held - 8);
      out[at++] = window >>> (held - 16);
      held -= 16;
    }
  }
  if (held >= 8) out[at++] = window >>> (held -= 8);
  if (held > 0) out[at++] = (window << (8 - held)) | (255 >>> held);
  return at;
}
