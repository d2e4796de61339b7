import { BaseTransport } from '../transport.js';
import type { Transport, TransportOptions } from '../index.js';
import type { DispatcherOptions } from './dispatcher.js';
import { H2Dispatcher } from './h2-dispatcher.js';
import type { HandlerKind } from './http1-dispatcher.js';

/** Where Node's fetch, and every undici, looks for its dispatcher: `.1` up to Node 24 and undici 7, `.2` since. */
const symbols = [Symbol.for('undici.globalDispatcher.1'), Symbol.for('undici.globalDispatcher.2')] as const;

type Globals = Record<symbol, unknown>;

/** The kind of handlers that a dispatcher found there takes: undici 7, which stands at the first, takes both. */
const kinds = ['legacy', 'current'] as const;

/** What was found where ours stands, and what stands there now. */
interface Placed {
  readonly symbol: symbol;
  readonly present: boolean;
  readonly before: unknown;
  readonly ours: unknown;
}

interface Installed {
  readonly dispatcher: H2Dispatcher;
  readonly owned: boolean;
  readonly places: Placed[];
}

/** Where all copies of the library in a process find what is installed: there is one place for it, so one of them has it. */
const key = Symbol.for('passinglane.installed');
const shared = globalThis as unknown as Record<symbol, Installed | undefined>;

/**
 * Puts HTTP/2 under the built-in `fetch` (and WebSocket) of this process, and under those of undici's functions that are
 * given no dispatcher. Takes a dispatcher, a transport, or the options of one. Called again, the new one takes the place
 * of the old. Origins without HTTP/2 stay with the dispatcher that was there, unless an option says how to connect (`tls`,
 * `proxy`, `socketPath`, `lookup`, `localAddress`, `keepAlive`, `createConnection`, `connectTimeout`). Returns the dispatcher.
 */
export function install(given?: H2Dispatcher | Transport | (TransportOptions & DispatcherOptions)): H2Dispatcher {
  loadFetch();
  const dispatcher = isDispatcher(given) ? given : new H2Dispatcher(given);
  const owned = dispatcher !== given && !(given instanceof BaseTransport);
  const old = shared[key];
  const places = symbols.map((symbol, at) => place(symbol, kinds[at], dispatcher, old));
  shared[key] = { dispatcher, owned, places };
  retire(old);
  return dispatcher;
}

/**
 * Puts back what `install` found. Where somebody else has set a dispatcher since, theirs stays. What runs over ours
 * finishes. Does nothing where nothing is installed.
 */
export function uninstall(): void {
  const old = shared[key];
  if (old === undefined) return;
  shared[key] = undefined;
  const globals = globalThis as unknown as Globals;
  for (const { symbol, present, before, ours } of old.places) {
    if (globals[symbol] !== ours) continue;
    if (present) globals[symbol] = before;
    else if (!Reflect.deleteProperty(globals, symbol)) globals[symbol] = undefined;
  }
  retire(old);
}

/** Of this copy of the library, or of another one. */
function isDispatcher(given: unknown): given is H2Dispatcher {
  return given instanceof H2Dispatcher || typeof (given as Partial<H2Dispatcher> | undefined)?.beside === 'function';
}

/** One that we made is ours to close; its user may have destroyed it. */
function retire(old: Installed | undefined): void {
  if (old?.owned === true && !old.dispatcher.destroyed) void old.dispatcher.close();
}

/** Node's fetch sets its own dispatcher when it is loaded, where none is there: so it is loaded first. */
function loadFetch(): void {
  Reflect.get(globalThis, 'Headers');
}

function place(symbol: symbol, kind: HandlerKind, dispatcher: H2Dispatcher, old: Installed | undefined): Placed {
  const globals = globalThis as unknown as Globals;
  const current = globals[symbol];
  const earlier = old?.places.find((one) => one.symbol === symbol);
  const found = earlier?.ours === current ? earlier : undefined;
  const { present, before } = found ?? { present: symbol in globals, before: current };
  const ours = dispatcher.beside(before, kind);
  if (symbol in globals) globals[symbol] = ours;
  else Object.defineProperty(globals, symbol, { value: ours, writable: true, configurable: true });
  return { symbol, present, before, ours };
}
