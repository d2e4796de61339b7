/**
 * The process's own timers and clocks, as they were when the library was loaded: fakes that a test puts in their place
 * (Jest's, sinon's, node:test's) hang no request.
 */
import * as timers from 'node:timers';

export const { setTimeout, clearTimeout, setImmediate } = timers;

/** What @sinonjs/fake-timers keeps of what it replaces: Jest may have its fakes in place before it loads us. */
interface Replaced {
  readonly _nextTick?: typeof process.nextTick;
  readonly _queueMicrotask?: typeof globalThis.queueMicrotask;
  readonly _Date?: typeof Date;
}

const replaced = (globalThis.queueMicrotask as { readonly clock?: Replaced }).clock;

export const nextTick: typeof process.nextTick = (replaced?._nextTick ?? process.nextTick).bind(process);
export const queueMicrotask: typeof globalThis.queueMicrotask = replaced?._queueMicrotask ?? globalThis.queueMicrotask;

const { now } = replaced?._Date ?? Date;
export const dateNow: () => number = now;
