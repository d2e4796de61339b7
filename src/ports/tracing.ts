/** One for all copies of this package in a process. */
const tracing = Symbol.for('passinglane.tracing');

/** The observer, marked as one that makes spans of the requests that it hears of. */
export function marked<T extends object>(observer: T): T {
  return Object.assign(observer, { [tracing]: true });
}

/** What stands for an observer, marked as that one is. */
export function markedAs<T extends object>(observer: object | undefined, stands: T): T {
  return observer !== undefined && makesSpans(observer) ? marked(stands) : stands;
}

/** It is marked so. */
export function makesSpans(observer: object): boolean {
  return (observer as { readonly [tracing]?: unknown })[tracing] === true;
}

/** How many make spans of all requests of the process, by the channels. */
const holder = globalThis as { [tracing]?: number };

/** Somebody more does so, until what this returns is called. */
export function traceAll(): () => void {
  holder[tracing] = (holder[tracing] ?? 0) + 1;
  return () => {
    holder[tracing] = (holder[tracing] ?? 1) - 1;
  };
}

/** Somebody makes spans of the requests that this observer hears of, so that nobody else has to. */
export function isTraced(observer: object | undefined): boolean {
  return (observer !== undefined && makesSpans(observer)) || (holder[tracing] ?? 0) > 0;
}
