import { invalidArgument } from '../errors.js';
import { policies } from './referrer.js';
import { toText } from './extract-body.js';

/** What fetch is given beside its input: anything may be in it. */
export type Init = Readonly<Record<string, unknown>>;

/** The enumerations of RequestInit (Fetch Standard, section 5.4). 'navigate', a mode too, no caller may ask for. */
const choices: Readonly<Record<string, readonly string[]>> = {
  redirect: ['follow', 'error', 'manual'],
  mode: ['same-origin', 'no-cors', 'cors'],
  credentials: ['omit', 'same-origin', 'include'],
  cache: ['default', 'no-store', 'reload', 'no-cache', 'force-cache', 'only-if-cached'],
  duplex: ['half'],
  priority: ['high', 'low', 'auto'],
  referrerPolicy: ['', ...policies],
};

/** Throws a TypeError for a member that cannot be what it is, whatever the others are. */
export function checkInit(init: Init): void {
  for (const name in choices) {
    const value = init[name];
    if (value !== undefined && !choices[name]!.includes(toText(value)))
      throw new TypeError(`Invalid ${name} of fetch. Allowed: ${choices[name]!.map(shown).join(', ')}`);
  }
  const { signal, window } = init;
  if (signal !== undefined && signal !== null && !isSignal(signal))
    throw new TypeError('The signal of fetch must be an AbortSignal');
  if (window !== undefined && window !== null) throw new TypeError('The window of fetch can only be null');
}

/** Somebody's proxy, certificates or mock may be behind it, which must not be passed over in silence. */
export function refuseDispatcher(dispatcher: unknown): void {
  if (dispatcher === undefined || dispatcher === null) return;
  const instead = "give the proxy, TLS options or socketPath to the Transport, or an H2Dispatcher to Node's fetch";
  throw invalidArgument('dispatcher of fetch', dispatcher, `undefined; ${instead}`);
}

/** Throws a TypeError for members that do not go together (section 5.4, the Request constructor, steps 21, 32 and 38). */
export function checkTogether(method: string, mode: string, cache: string, streams: boolean): void {
  if (cache === 'only-if-cached' && mode !== 'same-origin')
    throw new TypeError("The cache 'only-if-cached' of fetch goes with mode 'same-origin' only");
  if (mode !== 'no-cors') return;
  if (method !== 'GET' && method !== 'HEAD' && method !== 'POST')
    throw new TypeError("The mode 'no-cors' of fetch allows the methods GET, HEAD and POST only");
  if (streams) throw new TypeError("A request that sends a stream needs mode 'cors' or 'same-origin'");
}

function shown(choice: string): string {
  return choice === '' ? "''" : choice;
}

function isSignal(value: unknown): boolean {
  return typeof value === 'object' && value !== null && 'aborted' in value && 'addEventListener' in value;
}
