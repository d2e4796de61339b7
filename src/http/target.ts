import type { OutgoingHttpHeaders, RequestOptions } from 'node:http';
import { isIPv6 } from 'node:net';
import { urlToHttpOptions } from 'node:url';
import type { Origin } from '../ports/index.js';
import { invalidArgument } from '../errors.js';
import { originOf } from '../pool/index.js';
import { parseUrl } from '../request/index.js';

/** Where a request goes and what it says, of the arguments of `request`. */
export interface Target {
  readonly origin: Origin;
  readonly host: string;
  /** Path and query as they go out; `*` of an OPTIONS. */
  readonly path: string;
  readonly method: string;
  readonly headers: OutgoingHttpHeaders | readonly string[] | undefined;
  /** `user:password`. */
  readonly auth: string | undefined;
  readonly timeout: number | undefined;
  readonly signal: AbortSignal | undefined;
}

/** node:http's options of one request, from its one or two arguments. The second one counts where both say something. */
export function mergeOptions(
  input: string | URL | RequestOptions,
  options: RequestOptions | undefined,
): RequestOptions {
  if (typeof input === 'string' || input instanceof URL) {
    const url = typeof input === 'string' ? parseUrl(input) : input;
    return { ...urlToHttpOptions(url), ...options };
  }
  if (typeof input !== 'object' || (input as unknown) === null)
    throw invalidArgument('url', input, 'a string, a URL, or an object with request options');
  return { ...input, ...options };
}

/**
 * Each part is checked for itself, so that none can say what belongs to another: a path that begins with `@` or `:` would
 * lead the request, and its credentials, to another host. Throws with node:http's code where it has one, and
 * ERR_INVALID_ARG_VALUE where it has none. What is empty counts as not given, as in node:http.
 */
export function toTarget(options: RequestOptions): Target {
  const method = (options.method ?? 'GET').toUpperCase();
  if (method === 'CONNECT') {
    const allowed = 'any other: Transport.request with the option protocol makes tunnels (RFC 8441)';
    throw invalidArgument("option 'method'", method, allowed);
  }
  const host = hostOf(options);
  const { headers, auth, timeout, signal } = options;
  checkType('auth', auth, 'string');
  return {
    origin: originOf(urlOf(protocolOf(options), host, portOf(options))),
    host,
    path: pathOf(options, method),
    method,
    headers,
    auth: auth || undefined,
    timeout: timeout === 0 ? undefined : timeout,
    signal: signal ?? undefined,
  };
}

function protocolOf(options: RequestOptions): string {
  const protocol: unknown = options.protocol || 'http:';
  if (protocol === 'http:' || protocol === 'https:') return protocol;
  const error = new TypeError(`Protocol ${JSON.stringify(protocol)} not supported. Expected "http:" or "https:"`);
  throw Object.assign(error, { code: 'ERR_INVALID_PROTOCOL' });
}

function hostOf({ hostname, host }: RequestOptions): string {
  checkType('hostname', hostname, 'string');
  checkType('host', host, 'string');
  return hostname || host || 'localhost';
}

/** Everything that means something in a URL, or is taken out of one (URL Standard, forbidden host code points). */
const forbiddenInHost = /[\0-\x20"#%/:<>?@[\\\]^`{|}\x7f]/;

function urlOf(protocol: string, host: string, port: number | undefined): URL {
  const address = host.startsWith('[') && host.endsWith(']') ? host.slice(1, -1) : host;
  const name = isIPv6(address) ? `[${address}]` : host;
  const text = `${protocol}//${name}${port === undefined ? '' : `:${port}`}`;
  if ((!isIPv6(address) && forbiddenInHost.test(host)) || !URL.canParse(text)) {
    const shown = host.replace(/^.*@/s, '...@'); // it may have been meant as credentials
    throw invalidArgument("option 'host'", shown, 'a name or an address, without port, path and credentials');
  }
  return new URL(text);
}

function portOf(options: RequestOptions): number | undefined {
  const given: unknown = options.port || options.defaultPort || undefined;
  if (given === undefined) return undefined;
  if (typeof given !== 'number') checkType('port', given, 'string');
  const port = typeof given === 'string' && given.trim() === '' ? NaN : Number(given);
  if (Number.isInteger(port) && port >= 0 && port <= 65_535) return port;
  const error = new RangeError(`Option 'port' should be >= 0 and < 65536. Received ${JSON.stringify(given)}.`);
  throw Object.assign(error, { code: 'ERR_SOCKET_BAD_PORT' });
}

function pathOf(options: RequestOptions, method: string): string {
  const path = options.path || '/';
  checkType('path', path, 'string');
  if (/[^\x21-\xff]/.test(path)) {
    const error = new TypeError('Request path contains unescaped characters');
    throw Object.assign(error, { code: 'ERR_UNESCAPED_CHARACTERS' });
  }
  if (path === '*' && method === 'OPTIONS') return path;
  if (!path.startsWith('/'))
    throw invalidArgument("option 'path'", path.replace(/\?.*$/s, '?...'), "what begins with '/', or '*' for OPTIONS");
  // A fragment is never sent. Node sends other characters as bytes of Latin-1, which no server expects.
  return path.replace(/#.*$/s, '').replace(/[\x7f-\xff]/g, encodeURIComponent);
}

function checkType(name: string, value: unknown, type: 'string'): void {
  if (value === undefined || value === null || typeof value === type) return;
  const error = new TypeError(`The "options.${name}" property must be of type ${type}. Received type ${typeof value}`);
  throw Object.assign(error, { code: 'ERR_INVALID_ARG_TYPE' });
}
