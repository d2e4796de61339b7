import { invalidArgument, unknownName } from '../errors.js';
import { type Check, checkTime, integer, isRecord, share, statuses } from './checks.js';

/** How one request is sent again: of a transport's option `retry` all that is not common to its requests. */
export interface RequestRetry {
  readonly maxAttempts?: number | undefined;
  readonly baseDelay?: number | undefined;
  readonly maxDelay?: number | undefined;
  readonly jitter?: number | undefined;
  readonly statuses?: readonly number[] | undefined;
}

const checks: Readonly<Record<keyof RequestRetry, Check>> = {
  maxAttempts: integer(1, 1_000),
  baseDelay: checkTime,
  maxDelay: checkTime,
  jitter: share,
  statuses,
};

/** Throws a TypeError, ERR_INVALID_ARG_VALUE, that names what is wrong. */
export function checkRetry(value: unknown): void {
  const names = Object.keys(checks);
  if (!isRecord(value)) throw invalidArgument("option 'retry'", value, `an object with ${names.join(', ')}`);
  for (const [name, one] of Object.entries(value) as [string, unknown][]) {
    if (!Object.hasOwn(checks, name)) throw unknownName(`option 'retry.${name}'`, name, one, names);
    if (one !== undefined) checks[name as keyof RequestRetry](`retry.${name}`, one);
  }
}

/** Those that are given. */
export type GivenRetry = { readonly [K in keyof RequestRetry]: NonNullable<RequestRetry[K]> };

export function givenRetry(retry: RequestRetry): GivenRetry {
  return Object.fromEntries(Object.entries(retry).filter(([, value]) => value !== undefined));
}
