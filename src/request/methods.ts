import type { RequestOptions } from './request-options.js';

const normalized = new Set(['DELETE', 'GET', 'HEAD', 'OPTIONS', 'POST', 'PUT']);

/** The method as it goes out: these six in upper case, any other as it is (Fetch Standard, section 2.2.1). */
export function normalizeMethod(method: string): string {
  if (normalized.has(method)) return method;
  const upper = method.toUpperCase();
  return normalized.has(upper) ? upper : method;
}

/** The method of a request: where none is given, what has a `json` is a POST, and what has a `protocol` a CONNECT (RFC 8441). */
export function methodOf({ method, protocol, json }: Pick<RequestOptions, 'method' | 'protocol' | 'json'>): string {
  return method ?? (protocol !== undefined ? 'CONNECT' : json !== undefined ? 'POST' : 'GET');
}
