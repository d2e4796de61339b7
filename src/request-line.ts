import { sentenceOf, TransportError } from './errors.js';
import { isToken } from './protocol/field-syntax.js';

/** What errors say of the request that they ended. */
export interface RequestLine {
  readonly method: string;
  /** As `ClientResponse.url` shows it. */
  readonly url: string;
  /** How many times it was sent, for errors that are made where that is not known; undefined: they know. */
  readonly attempts?: number | undefined;
}

/** The URL of a request for `*`, which is for the server as a whole (RFC 9110 section 7.1), has no path. */
const isAsterisk = /^[a-z]+:\/\/[^/]+$/;

/** A longer URL is cut, in characters. */
const longest = 200;

/** The messages before, of those that name one: a body may fail with the error of another request, which it came from. */
const named = new WeakMap<TransportError, string>();

/**
 * Makes the message of one of our errors begin with the request that it ended: method, origin and path. Never the query,
 * which may hold secrets, nor what may be wrong about either: it could break a line of a log. Does nothing to what is no
 * error of ours, nor to one that names a request.
 */
export function nameRequest(error: unknown, { method, url, attempts }: RequestLine): void {
  if (!(error instanceof TransportError) || named.has(error)) return;
  named.set(error, error.message);
  error.message = `${shownLine({ method, url })}: ${error.message}`;
  if (attempts !== undefined && error.attempts === 0) error.attempts = attempts;
}

/** The request as messages show it. */
export function shownLine({ method, url }: RequestLine): string {
  const bare = url.replace(/[?#].*$/s, '').replace(/[^\x21-\x7e]/g, '?');
  const cut = bare.length > longest ? `${bare.slice(0, longest)}...` : bare;
  const shown = isAsterisk.test(bare) ? `* of ${cut}` : cut;
  return `${isToken(method) ? method : '?'} ${shown}`;
}

/** What the message said before it named a request, without where that is explained: for errors that tell of another request than their caller's. */
export function withoutRequest(error: TransportError): string {
  return sentenceOf(named.get(error) ?? error);
}
