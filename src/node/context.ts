import { AsyncResource } from 'node:async_hooks';

const root = new AsyncResource('passinglane', { requireManualDestroy: true });

/**
 * Calls `fn` outside every request's AsyncLocalStorage context: in the one in which this module was loaded. Sockets
 * and timers remember the context that they were made in, and live longer than the request that made them.
 */
export function inRootContext<A extends unknown[], R>(fn: (...args: A) => R, ...args: A): R {
  return root.runInAsyncScope(fn, undefined, ...args);
}
