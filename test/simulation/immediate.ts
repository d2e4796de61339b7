/**
 * What is under test keeps the `setImmediate` of node:timers as it finds it when it is loaded. This is to be imported before it: in a
 * simulated loop its callbacks then wait for that loop's poll phase, not for the real one's.
 */
import { syncBuiltinESMExports } from 'node:module';
import timers from 'node:timers';

type Callback = (...args: unknown[]) => void;

/** That of the real loop. */
export const realImmediate = timers.setImmediate;

let afterPoll: ((callback: () => void) => void) | undefined = undefined;

/** Until it is called with undefined, callbacks go there. */
export function immediatesGoTo(loop: typeof afterPoll): void {
  afterPoll = loop;
}

function setImmediate(callback: Callback, ...args: unknown[]): unknown {
  if (afterPoll === undefined) return realImmediate(callback, ...args);
  afterPoll(() => callback(...args));
  return undefined;
}

timers.setImmediate = setImmediate as unknown as typeof timers.setImmediate;
globalThis.setImmediate = timers.setImmediate;
syncBuiltinESMExports();
