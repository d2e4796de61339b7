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

/** What throws a TypeError, ERR_INVALID_ARG_VALUE, for a value that an option cannot have. */
export type Check = (name: string, value: unknown) => void;

/** An integer within [min, max]. */
export function integer(min: number, max: number): Check {
  return (name, value) => {
    if (typeof value !== 'number' || !Number.isInteger(value) || value < min || value > max)
      throw invalidArgument(`option '${name}'`, value, `an integer from ${min} to ${max}`);
  };
}

export function share(name: string, value: unknown): void {
  if (typeof value !== 'number' || !(value >= 0 && value <= 1))
    throw invalidArgument(`option '${name}'`, value, 'a number from 0 to 1');
}

export function statuses(name: string, value: unknown): void {
  const isError = (one: unknown): boolean => Number.isInteger(one) && (one as number) >= 400 && (one as number) <= 599;
  const given: readonly unknown[] = Array.isArray(value) ? value : [value];
  const wrong = given.findIndex((one) => !isError(one));
  if (wrong >= 0 || !Array.isArray(value))
    throw invalidArgument(`option '${name}'`, given[Math.max(0, wrong)], 'an array of statuses from 400 to 599');
}
