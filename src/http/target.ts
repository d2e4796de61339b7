import type { OutgoingHttpHeaders, RequestOptions } from 'node:http';
import { urlToHttpOptions } from 'node:url';
import { invalidArgument } from '../errors.js';

/** Where a request goes and what it says, of the arguments of `request`. */
export interface Target {
  readonly url: string;
  readonly protocol: string;
  readonly host: string;
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
    const url = typeof input === 'string' ? new URL(input) : input;
    return { ...urlToHttpOptions(url), ...options };
  }
  if (typeof input !== 'object' || (input as unknown) === null)
    throw invalidArgument('url', input, 'a string, a URL, or an object with request options');
  return { ...input, ...options };
}

export function toTarget(options: RequestOptions): Target {
  const protocol = options.protocol ?? 'http:';
  const host = options.hostname ?? options.host ?? 'localhost';
  const port = options.port ?? options.defaultPort;
  const path = options.path ?? '/';
  const method = (options.method ?? 'GET').toUpperCase();
  if (method === 'CONNECT') {
    const allowed = 'any other: Transport.request with the option protocol makes tunnels (RFC 8441)';
    throw invalidArgument("option 'method'", method, allowed);
  }
  const name = host.includes(':') && !host.startsWith('[') ? `[${host}]` : host;
  // A path may begin with two slashes, so it is never read as a URL of its own.
  const origin = new URL(`${protocol}//${name}${port === undefined || port === null ? '' : `:${port}`}`).origin;
  const { headers, auth, timeout, signal } = options;
  return {
    url: origin + path,
    protocol,
    host,
    path,
    method,
    headers,
    auth: auth ?? undefined,
    timeout: timeout === 0 ? undefined : timeout,
    signal: signal ?? undefined,
  };
}
