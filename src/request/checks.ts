import { invalidArgument } from '../errors.js';

/** Something with options: an object, and no array. */
export function isRecord(value: unknown): value is object {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** A time in milliseconds that a timer can hold. */
export function checkTime(name: string, value: unknown): void {
  if (typeof value !== 'number' || !(value >= 0 && value <= 2_147_483_647))
    throw invalidArgument(`option '${name}'`, value, 'milliseconds from 0 (off) to 2147483647');
}
