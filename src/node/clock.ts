import type { Clock, TimerHandle } from '../ports/index.js';
import { inRootContext } from './context.js';
import { clearTimeout, dateNow, nextTick, setImmediate, setTimeout } from '../timers.js';

/** Beyond this setTimeout fires at once. A timer cut to it fires early, and its owner looks at the clock and sets another. */
const longestDelay = 0x7fff_ffff;

/** Node's own, since a test may have a fake in the place of the global; the first look loads modules. */
let timeline: typeof performance | undefined;

/** The clock of the running process. Its callbacks belong to no request's AsyncLocalStorage context. */
export const nodeClock: Clock = {
  now: () => (timeline ??= process.getBuiltinModule('node:perf_hooks').performance).now(),
  wallNow: dateNow,
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
