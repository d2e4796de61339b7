import { networkError } from './errors.js';
import { referrerAfter } from './referrer.js';
import type { FetchRequest } from './request.js';
import { fieldValue } from '../field-list.js';

/** Fetch Standard, section 4.4: how many redirects are followed. */
export const maxRedirects = 20;

/** A redirect status (section 2.2.3). */
export function isRedirect(status: number): boolean {
  return status === 301 || status === 302 || status === 303 || status === 307 || status === 308;
}

/** The URL that the response points to; undefined without a location. Throws where it cannot be followed. */
export function locationOf(fields: readonly string[], base: URL): URL | undefined {
  const location = fieldValue(fields, 'location');
  if (location === undefined) return undefined;
  let url: URL;
  try {
    // Field values are bytes; those of a URL are UTF-8.
    url = new URL(Buffer.from(location, 'latin1').toString('utf8'), base);
  } catch {
    throw networkError('The response redirects to what is no URL'); // without Node's error, which holds all of both URLs
  }
  if (url.protocol !== 'https:' && url.protocol !== 'http:')
    throw networkError(`The response redirects to a ${url.protocol} URL, which is not followed`);
  if (url.username !== '' || url.password !== '')
    throw networkError('The response redirects to a URL with credentials, which is not followed');
  return url;
}

/** The request that follows a redirect with that status and those fields (section 4.4, "HTTP-redirect fetch"). */
export function follow(request: FetchRequest, status: number, answered: readonly string[], url: URL): FetchRequest {
  const { method, body, referrer } = request;
  if (status !== 303 && body?.stream === true)
    throw networkError(`The response redirects with ${status}, and the body was a stream, which cannot be sent again`);
  const toGet =
    ((status === 301 || status === 302) && method === 'POST') ||
    (status === 303 && method !== 'GET' && method !== 'HEAD');
  const sameOrigin = url.origin === request.url.origin;
  // Section 4.1, main fetch, step 12: the first URL's origin stands for that of a page, which Node has none of.
  if (!sameOrigin && request.sameOrigin)
    throw networkError("The response redirects to another origin, and mode is 'same-origin'");
  return {
    ...request,
    url,
    method: toGet ? 'GET' : method,
    body: toGet ? undefined : body,
    referrer: referrer && referrerAfter(referrer, answered, url),
    fields: request.fields.filter((_, i, fields) => {
      const name = fields[i - (i % 2)]!.toLowerCase();
      return !(toGet && ofBody.has(name)) && (sameOrigin || !ofOrigin.has(name));
    }),
  };
}

/** Request-body-header names (section 2.2.2), and the length that goes with them. */
const ofBody = new Set(['content-encoding', 'content-language', 'content-location', 'content-type', 'content-length']);

/** What the caller meant for the first origin only. */
const ofOrigin = new Set(['authorization', 'proxy-authorization', 'cookie', 'host']);
