/**
 * The Huffman code of RFC 7541 appendix B. Only the code lengths in bits are kept, by symbol, copied from the
 * appendix's last column: the code is canonical (within a length, codes count up in symbol order; the first code of a
 * length is the one after the last shorter code, shifted left), so the codes follow from them. Symbol 256 is EOS.
 */
// prettier-ignore
const lengths: readonly number[] = [
  13, 23, 28, 28, 28, 28, 28, 28, 28, 24, 30, 28, 28, 30, 28, 28,
  28, 28, 28, 28, 28, 28, 30, 28, 28, 28, 28, 28, 28, 28, 28, 28,
  6, 10, 10, 12, 13, 6, 8, 11, 10, 10, 8, 11, 8, 6, 6, 6,
  5, 5, 5, 6, 6, 6, 6, 6, 6, 6, 7, 8, 15, 6, 12, 10,
  13, 6, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7,
  7, 7, 7, 7, 7, 7, 7, 7, 8, 7, 8, 13, 19, 13, 14, 6,
  15, 5, 6, 5, 6, 5, 6, 6, 6, 5, 7, 7, 6, 6, 6, 5,
  6, 7, 6, 5, 5, 6, 7, 7, 7, 7, 7, 15, 11, 14, 13, 28,
  20, 22, 20, 20, 22, 22, 22, 23, 22, 23, 23, 23, 23, 23, 24, 23,
  24, 24, 22, 23, 24, 23, 23, 23, 23, 21, 22, 23, 22, 23, 23, 24,
  22, 21, 20, 22, 22, 23, 23, 21, 23, 22, 22, 24, 21, 22, 23, 23,
  21, 21, 22, 21, 23, 22, 23, 23, 20, 22, 22, 22, 23, 22, 22, 23,
  26, 26, 20, 19, 22, 23, 22, 25, 26, 26, 26, 27, 27, 26, 24, 25,
  19, 21, 26, 27, 27, 26, 27, 24, 21, 21, 26, 26, 28, 27, 27, 27,
  20, 24, 20, 21, 22, 21, 21, 23, 22, 22, 25, 25, 24, 24, 26, 23,
  26, 27, 26, 26, 27, 27, 27, 27, 27, 28, 27, 27, 27, 27, 27, 26,
  30,
];

export const eos = 256;
export const longestCode = 30;

/** The length in bits of each symbol's code. */
export const codeLengths = Uint8Array.from(lengths);

/** The code of each symbol, right-aligned. */
export const codes = new Uint32Array(lengths.length);

/** Symbols in the order of their codes; `firstCode`, `firstRank` and `codeCount` are by code length. */
export const symbolsInOrder = new Uint16Array(lengths.length);
export const firstCode = new Uint32Array(longestCode + 1);
export const firstRank = new Uint16Array(longestCode + 1);
export const codeCount = new Uint16Array(longestCode + 1);

assignCodes();

// Symbols are looked at once, not once for each length: a new process would spend a millisecond on that.
function assignCodes(): void {
  for (const length of lengths) codeCount[length]!++;
  const nextRank = new Uint16Array(longestCode + 1);
  for (let length = 1; length <= longestCode; length++) {
    const shorter = length - 1;
    firstCode[length] = (firstCode[shorter]! + codeCount[shorter]!) * 2;
    nextRank[length] = firstRank[length] = firstRank[shorter]! + codeCount[shorter]!;
  }
  for (let symbol = 0; symbol <= eos; symbol++) {
    const length = lengths[symbol]!;
    const rank = nextRank[length]!++;
    symbolsInOrder[rank] = symbol;
    codes[symbol] = firstCode[length]! + rank - firstRank[length]!;
  }
}
