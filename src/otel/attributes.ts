import type { ObservedRequest } from '../index.js';

/** What OpenTelemetry's conventions take as a method (semantic conventions for HTTP spans, `http.request.method`). */
const methods = new Set(['CONNECT', 'DELETE', 'GET', 'HEAD', 'OPTIONS', 'PATCH', 'POST', 'PUT', 'QUERY', 'TRACE']);

/** Query parameters whose values are to be redacted in `url.full`. */
const secret = new Set(['AWSAccessKeyId', 'Signature', 'sig', 'X-Goog-Signature']);

type Attributes = Readonly<Record<string, string | number>>;

/** Where requests of an origin go. */
export function serverOf(origin: string): Attributes {
  const url = new URL(origin);
  const port = url.port === '' ? (url.protocol === 'https:' ? 443 : 80) : Number(url.port);
  return { 'server.address': url.hostname.replace(/^\[|\]$/g, ''), 'server.port': port };
}

export function schemeOf(origin: string): string {
  return origin.slice(0, origin.indexOf(':'));
}

export function methodOf(method: string): string {
  return methods.has(method) ? method : '_OTHER';
}

/** What is known of a request when its span begins. */
export function spanAttributes({ method, url, origin }: ObservedRequest): Attributes {
  const known = methodOf(method);
  return {
    'http.request.method': known,
    ...(known === method ? {} : { 'http.request.method_original': method }),
    'url.full': redacted(url),
    ...serverOf(origin),
  };
}

/** A name that is one of few. */
export function spanName(method: string): string {
  return methods.has(method) ? method : 'HTTP';
}

function redacted(url: string): string {
  return url.replace(/([?&])([^=&#]+)=([^&#]*)/g, (whole, mark: string, name: string) =>
    secret.has(name) ? `${mark}${name}=REDACTED` : whole,
  );
}

/**
 * What an error is counted as: its code, else its name. Undefined for a body that its reader gave up, as `fetch` does with that
 * of a redirect: the server has answered, and nothing failed.
 */
export function errorType(error: unknown): string | undefined {
  if (typeof error !== 'object' || error === null) return '_OTHER';
  const { code, name } = error as { readonly code?: unknown; readonly name?: unknown };
  if (code === 'ERR_PASSINGLANE_BODY_CANCELLED') return undefined;
  if (typeof code === 'string') return code;
  return typeof name === 'string' ? name : '_OTHER';
}

/** HTTP/1.1 has no streams. */
export function versionOf(streamId: number | undefined): string {
  return streamId === undefined ? '1.1' : '2';
}
