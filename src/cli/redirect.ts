import { CliError, ExitCode } from './exit-codes.js';

export type HeaderPair = readonly [name: string, value: string];

/** A request as the command sends it; `withBody` is whether its body goes along. */
export interface Hop {
  readonly url: URL;
  readonly method: string;
  readonly headers: readonly HeaderPair[];
  readonly withBody: boolean;
}

export const maxRedirects = 50;

/** Header fields that describe a body, and go when it goes. */
const bodyHeaders = new Set(['content-length', 'content-type', 'content-encoding', 'transfer-encoding']);
/** Header fields that only the origin they were given for may see. */
const secretHeaders = new Set(['authorization', 'cookie', 'proxy-authorization', 'host']);

/**
 * The request that follows a redirect, or undefined where the response is none. As curl does: 303 becomes GET, 301
 * and 302 make a GET of a POST (RFC 9110 section 15.4), unless `-X` fixed the method; credentials and cookies given
 * with -H go to no other origin. Throws a {@link CliError} with 1 or 3 for a place it cannot go to.
 */
export function nextHop(hop: Hop, status: number, location: string | null, methodIsFixed: boolean): Hop | undefined {
  if (location === null || location === '' || ![301, 302, 303, 307, 308].includes(status)) return undefined;
  const url = resolve(location, hop.url);
  if (url.hash === '') url.hash = hop.url.hash;
  const becomesGet =
    (status === 303 && hop.method !== 'HEAD') || ((status === 301 || status === 302) && hop.method === 'POST');
  const withBody = hop.withBody && !becomesGet;
  const headers = hop.headers.filter(([name]) => {
    const lower = name.toLowerCase();
    if (!withBody && bodyHeaders.has(lower)) return false;
    return url.origin === hop.url.origin || !secretHeaders.has(lower);
  });
  return { url, method: becomesGet && !methodIsFixed ? 'GET' : hop.method, headers, withBody };
}

function resolve(location: string, base: URL): URL {
  const url = URL.canParse(location, base.href) ? new URL(location, base.href) : undefined;
  if (url === undefined) throw new CliError(ExitCode.BadUrl, `the redirect's location is not a URL: '${location}'`);
  if (url.protocol !== 'http:' && url.protocol !== 'https:') {
    throw new CliError(
      ExitCode.UnsupportedScheme,
      `the redirect leads to a ${url.protocol} URL, which is not followed`,
    );
  }
  return url;
}
