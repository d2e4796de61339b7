import { abortable } from '../abortable.js';
import { setDeadline, type Clock, type TimerHandle } from '../ports/index.js';

/** How long all of the first group have to connect before the second joins them, in milliseconds. */
export const groupDelay = 1_000;

/** How long an attempt runs alone before the next one joins it, in milliseconds (RFC 8305 section 8). */
export const attemptDelay = 250;

/**
 * Starts one attempt and returns what gives it up. Reports either outcome once, and neither from within the call;
 * a throw is a failure too.
 */
export type StartAttempt<C, T> = (
  candidate: C,
  succeeded: (value: T) => void,
  failed: (error: Error) => void,
) => () => void;

/**
 * Happy Eyeballs (RFC 8305 section 5): an attempt for each candidate in turn, the next one 250 ms after the last or
 * as soon as one has failed. Those begun go on meanwhile. The first to succeed wins, and the others are given up. Those
 * from `late` on are tried only where all before them have failed, or none has succeeded within a second.
 * When all fail, rejects with the error of the only one, or with an AggregateError of them all.
 */
export function race<C, T>(
  candidates: readonly C[],
  start: StartAttempt<C, T>,
  clock: Clock,
  signal: AbortSignal,
  late = candidates.length,
): Promise<T> {
  return abortable(signal, (resolve, reject) => {
    const running = new Set<{ giveUp: () => void }>();
    const errors: Error[] = [];
    let timer: TimerHandle | undefined;
    let begun = 0;

    const stop = (): void => {
      if (timer !== undefined) clock.clearTimer(timer);
      timer = undefined;
      for (const { giveUp } of running) giveUp();
      running.clear();
    };
    const next = (): void => {
      if (timer !== undefined) clock.clearTimer(timer);
      timer = undefined;
      const candidate = candidates[begun++];
      if (candidate === undefined) return;
      const attempt = { giveUp: (): void => undefined };
      running.add(attempt);
      const failed = (error: Error): void => {
        if (!running.delete(attempt)) return;
        errors.push(error);
        if (begun === candidates.length && running.size === 0) reject(combined(errors));
        else if (begun < candidates.length && (begun !== late || running.size === 0)) next();
      };
      const succeeded = (value: T): void => {
        if (!running.delete(attempt)) return;
        resolve(value);
      };
      try {
        attempt.giveUp = start(candidate, succeeded, failed);
        const delay = begun === late ? groupDelay : attemptDelay;
        if (begun === candidates.length) return;
        // One that has connected while the event loop was blocked is heard of first.
        const due = (): void => {
          if (timer === mine) next();
        };
        const mine = setDeadline(clock, delay, due, true);
        timer = mine;
      } catch (error) {
        failed(error as Error);
      }
    };
    next();
    return stop;
  });
}

function combined(errors: readonly Error[]): Error {
  const [first] = errors;
  if (first !== undefined && errors.length === 1) return first;
  return new AggregateError(errors, `None of the ${errors.length} addresses could be reached.`, { cause: first });
}
