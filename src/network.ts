import { channel, subscribe, unsubscribe } from 'node:diagnostics_channel';
import { TransportError, invalidArgument, unknownName } from './errors.js';
import type { Origin } from './ports/index.js';

/** Where all copies of the library in a process find whether tests have turned the network off. */
const key = Symbol.for('passinglane.network');

interface Switch {
  readonly allowed: readonly string[];
}

/**
 * Has a subscriber where the network may be turned off, and is the same to all copies as well: requests ask it first, which
 * costs a tenth of a look at a global.
 */
const mayBeOff = channel(key);
const subscriber = (): void => undefined;

const globals = globalThis as unknown as Record<symbol, Switch | undefined>;

/**
 * From now on every Transport of the process refuses requests, dials and `preconnect` with ERR_PASSINGLANE_NOT_MOCKED, those of
 * a MockTransport excepted. `allow` names hosts that stay open, such as '127.0.0.1' or 'localhost:8080'; default: none.
 */
export function disableNetwork(options: { readonly allow?: readonly string[] | undefined } = {}): void {
  checkOptions(options);
  globals[key] = { allowed: (options.allow ?? []).map((host) => host.toLowerCase()) };
  if (!mayBeOff.hasSubscribers) subscribe(key, subscriber);
}

function checkOptions(options: unknown): void {
  if (typeof options !== 'object' || options === null)
    throw invalidArgument('options', options, 'an object with allow');
  for (const [name, value] of Object.entries(options) as [string, unknown][]) {
    if (name !== 'allow') throw unknownName(`option '${name}'`, name, value, ['allow']);
    if (value === undefined) continue;
    if (!Array.isArray(value)) throw invalidArgument("option 'allow'", value, 'an array of hosts');
    for (const host of value as unknown[])
      if (typeof host !== 'string' || !isHost(host))
        throw invalidArgument("option 'allow'", host, "hosts such as '127.0.0.1' or 'localhost:8080'");
  }
}

/** A name or an address, with a port or without. */
function isHost(text: string): boolean {
  return !/[\s/*?#@\\]/.test(text) && [text, `[${text}]`].some((host) => URL.canParse(`http://${host}`));
}

/** Undoes {@link disableNetwork}. */
export function enableNetwork(): void {
  globals[key] = undefined;
  unsubscribe(key, subscriber);
}

/** Why this origin is out of reach; undefined where it is not. */
export function networkRefusal(origin: Origin): TransportError | undefined {
  return mayBeOff.hasSubscribers ? refusal(origin) : undefined;
}

function refusal({ hostname, port, href }: Origin): TransportError | undefined {
  const turnedOff = globals[key];
  if (turnedOff === undefined) return undefined;
  const written = hostname.includes(':') ? `[${hostname}]` : hostname;
  const names = [hostname, written, `${written}:${port}`];
  if (turnedOff.allowed.some((host) => names.includes(host))) return undefined;
  return notMocked(href, 'it is not mocked, and disableNetwork() keeps every Transport off the network');
}

export function notMocked(origin: string, message: string): TransportError {
  const init = { scope: 'request', initiator: 'user', origin, unprocessed: true } as const;
  return new TransportError('ERR_PASSINGLANE_NOT_MOCKED', message, init);
}
