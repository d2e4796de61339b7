import { basicCredentials } from '../request/index.js';
import { invalidArgument } from '../errors.js';
import type { Origin } from '../ports/index.js';
import { originOf } from '../pool/index.js';

/** A proxy that takes CONNECT. What names it in messages, `origin.href`, holds no credentials. */
export interface Proxy {
  readonly origin: Origin;
  /** The value of proxy-authorization (RFC 7617), from the user-info of the proxy's URL; undefined: none. */
  readonly authorization: string | undefined;
}

const allowed = 'http:// or https:// and the host and port of a proxy, with user:password@ before them where it asks';

/**
 * Takes a proxy's URL apart; without a scheme it is http. `name` says in the TypeError (ERR_INVALID_ARG_VALUE) whose
 * value is wrong; the value itself is shown without its credentials.
 */
export function parseProxy(name: string, value: string | URL): Proxy {
  const text = String(value);
  const url = URL.parse === undefined ? parsed(withScheme(text)) : URL.parse(withScheme(text));
  const wrong = (instead: string): Error => invalidArgument(name, withoutCredentials(text), instead);
  if (url === null) throw wrong(allowed);
  if (url.protocol.startsWith('socks'))
    throw wrong(`${allowed}; for SOCKS dial by createConnection, as examples/socks.mjs does`);
  if ((url.protocol !== 'http:' && url.protocol !== 'https:') || !/^\/?$/.test(url.pathname + url.search + url.hash))
    throw wrong(allowed);
  return { origin: originOf(url), authorization: authorizationOf(url, () => wrong(allowed)) };
}

/** curl's rule, which the environment follows too: `proxy:3128` is an HTTP proxy. */
function withScheme(text: string): string {
  return /^[a-z][a-z0-9+.-]*:\/\//i.test(text) ? text : `http://${text}`;
}

/** Node 20.19 has no URL.parse. */
function parsed(text: string): URL | null {
  return URL.canParse(text) ? new URL(text) : null;
}

/** Everything up to the last `@`, but for the scheme, could be credentials. */
function withoutCredentials(text: string): string {
  return text.replace(/^([a-z][a-z0-9+.-]*:\/\/)?.*@/is, '$1');
}

function authorizationOf(url: URL, invalid: () => Error): string | undefined {
  if (url.username === '' && url.password === '') return undefined;
  try {
    return basicCredentials(`${decodeURIComponent(url.username)}:${decodeURIComponent(url.password)}`);
  } catch {
    throw invalid(); // a '%' that begins no code
  }
}
