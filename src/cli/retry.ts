import { ExitCode } from './exit-codes.js';

/** Statuses after which --retry tries again, as curl does. */
const transient: ReadonlySet<number> = new Set([408, 429, 500, 502, 503, 504]);

/** Failures after which it does. A connection that was refused is none of them. */
const passing: ReadonlySet<number> = new Set([ExitCode.Resolve, ExitCode.ResolveProxy, ExitCode.Timeout]);

export function isTransientStatus(status: number): boolean {
  return transient.has(status);
}

export function isPassingFailure(exitCode: number): boolean {
  return passing.has(exitCode);
}

const longest = 600_000;

/** How long to wait before the n-th retry, from 0, in milliseconds: what the server asks for, else 1 s, doubled each time. */
export function retryDelay(retries: number, retryAfter: string | null, now = Date.now()): number {
  if (retryAfter !== null) {
    const asked = /^\d+$/.test(retryAfter) ? Number(retryAfter) * 1_000 : Date.parse(retryAfter) - now;
    if (Number.isFinite(asked) && asked > 0) return Math.min(asked, longest);
  }
  return Math.min(1_000 * 2 ** retries, longest);
}
