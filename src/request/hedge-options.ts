import { invalidArgument, unknownName } from '../errors.js';
import { checkTime, isRecord } from './checks.js';

/** When a request that has had no response headers goes out once more, and how often that may be. */
export interface HedgeOptions {
  /**
   * In milliseconds from when it was sent; 'p95': what 95 of 100 requests to its origin took less than, of late, once 20 are
   * known. Default: 'p95'.
   */
  readonly after?: 'p95' | number | undefined;
  /** At most this share of all requests to the origin, 0 to 1, and one more. Default: 0.05. */
  readonly budget?: number | undefined;
}

export interface HedgeSettings {
  readonly after: 'p95' | number;
  readonly budget: number;
}

/** Throws a TypeError, ERR_INVALID_ARG_VALUE, that names the option after `name`. */
export function checkHedge(name: string, value: unknown): void {
  if (!isRecord(value))
    throw invalidArgument(`option '${name}'`, value, 'an object with after, budget, or {} for the defaults');
  for (const [key, one] of Object.entries(value) as [string, unknown][]) {
    if (key !== 'after' && key !== 'budget')
      throw unknownName(`option '${name}.${key}'`, key, one, ['after', 'budget']);
    if (one === undefined) continue;
    if (key === 'budget' && (typeof one !== 'number' || !(one >= 0 && one <= 1)))
      throw invalidArgument(`option '${name}.budget'`, one, 'a number from 0 to 1');
    if (key === 'after' && typeof one === 'string' && one !== 'p95')
      throw invalidArgument(`option '${name}.after'`, one, "'p95' or milliseconds");
    if (key === 'after' && one !== 'p95') checkTime(`${name}.after`, one);
  }
}

export function resolveHedge({ after = 'p95', budget = 0.05 }: HedgeOptions): HedgeSettings {
  return { after, budget };
}
