import type { Clock, TimerHandle } from '../ports/index.js';
import { inRootContext } from './context.js';

/** Beyond this setTimeout fires at once. A timer cut to it fires early, and its owner looks at the clock and sets another. */
const longestDelay = 0x7fff_ffff;

/** Each look at the global goes through an accessor, which costs half as much as the clock itself; the first loads modules. */
let timeline: typeof performance | undefined;

/** The clock of the running process. Its callbacks belong to no request's AsyncLocalStorage context. */
export const nodeClock: Clock = {
  now: () => (timeline ??= performance).now(),
  wallNow: () => Date.now(),
  setTimer(delay: number, callback: () => void, keepAlive: boolean): TimerHandle {
    const timer = inRootContext(setTimeout, callback, Math.min(Math.ceil(delay), longestDelay));
    if (!keepAlive) timer.unref();
    return timer;
  },
  clearTimer(timer: TimerHandle): void {
    clearTimeout(timer as NodeJS.Timeout);
  },
  defer(callback: () => void): void {
    inRootContext(nextTick, callback);
  },
  afterPoll(callback: () => void): void {
    inRootContext(setImmediate, callback);
  },
};

function nextTick(callback: () => void): void {
  process.nextTick(callback);
}
