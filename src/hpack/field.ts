/**
 * A header field. Name and value are byte strings: one char code of 0 to 255 per byte. A `sensitive` field is sent
 * never-indexed (RFC 7541 section 6.2.3) and kept out of the dynamic table.
 */
export type Field =
  | readonly [name: string, value: string]
  | readonly [name: string, value: string, options: { readonly sensitive?: boolean }];

/** The table size both directions start with (RFC 9113 section 6.5.2, SETTINGS_HEADER_TABLE_SIZE). */
export const defaultTableSize = 4096;

/** Returns `value` if it can be a size in octets (0 to 2^32-1), else throws RangeError. */
export function checkSize(name: string, value: number): number {
  if (Number.isInteger(value) && value >= 0 && value <= 0xffffffff) return value;
  throw new RangeError(`Invalid ${name}: ${String(value)}. Allowed: an integer from 0 to 4294967295.`);
}
