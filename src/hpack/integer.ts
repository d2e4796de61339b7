/** The longest an integer up to 2^32-1 can be: the prefix and five continuation bytes. */
export const maxIntegerBytes = 6;

/**
 * Writes an integer with a prefix (RFC 7541 section 5.1) and returns the position after it. `pattern` holds the bits
 * above the prefix; `prefix` is the prefix's largest value, 2^N-1. `out` has {@link maxIntegerBytes} free at `at`.
 */
export function writeInteger(out: Uint8Array, at: number, pattern: number, prefix: number, value: number): number {
  if (value < prefix) {
    out[at] = pattern | value;
    return at + 1;
  }
  out[at++] = pattern | prefix;
  value -= prefix;
  while (value >= 128) {
    out[at++] = 128 | (value % 128);
    value = Math.floor(value / 128);
  }
  out[at] = value;
  return at + 1;
}
