/** A running timer, opaque to who started it. */
export type TimerHandle = object;

/** For a timer that does nothing but keep the process alive: about 24 days, the longest there is, in milliseconds. */
export const forever = 2_147_483_647;

/** Time and the turns of the event loop, so that tests can run on a virtual clock. */
export interface Clock {
  /** Monotonic time in milliseconds, with fractions. */
  now(): number;
  /** Wall-clock time in milliseconds: goes on while the process or the machine is frozen. */
  wallNow(): number;
  /** Calls `callback` after `delay` milliseconds, once. A timer keeps the process alive only where `keepAlive` is true. */
  setTimer(delay: number, callback: () => void, keepAlive: boolean): TimerHandle;
  clearTimer(timer: TimerHandle): void;
  /** Calls `callback` when the current callback and all microtasks that it led to have run. */
  defer(callback: () => void): void;
  /** Calls `callback` after one poll phase, when data that had already arrived has been read. */
  afterPoll(callback: () => void): void;
}

/**
 * Calls `due` after `delay` milliseconds and one poll phase more, once: after a blocked event loop timers run before data
 * that has already arrived, so who is called looks again whether the deadline was met. Clearing the timer calls off what
 * has not come to the poll phase yet.
 */
export function setDeadline(clock: Clock, delay: number, due: () => void, keepAlive: boolean): TimerHandle {
  const afterPoll = (): void => clock.afterPoll(due);
  return clock.setTimer(delay, afterPoll, keepAlive);
}
