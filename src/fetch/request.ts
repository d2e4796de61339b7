import { normalizeMethod, type RequestOptions } from '../request/index.js';
import { LatestMap } from '../latest-map.js';
import { checkAgent } from './agent.js';
import { fieldsOf } from './headers.js';
import { checkInit, checkTogether, refuseDispatcher, type Init } from './init.js';
import { type Referrer, referrerOf } from './referrer.js';
import { extractBody, type FetchBody, toText } from './extract-body.js';

/**
 * As the standard's RequestInit. What it does not know is ignored, but for what others connect by: Node's `dispatcher` is
 * refused, and so is node-fetch's `agent` where there is a proxy or TLS material behind it.
 */
export interface FetchInit extends RequestInit {
  duplex?: 'half';
}

/** A request as fetch is asked for it: checked, and of nobody else's memory. */
export interface FetchRequest {
  readonly url: URL;
  readonly method: string;
  /** Names and values in turn. */
  readonly fields: string[];
  readonly body: FetchBody | undefined;
  /** The body of the Request that was given, where `body` is not given apart from it. */
  readonly stream: ReadableStream<Uint8Array> | undefined;
  readonly signal: AbortSignal | undefined;
  readonly redirect: 'follow' | 'error' | 'manual';
  /** No redirect may lead to another origin. */
  readonly sameOrigin: boolean;
  readonly referrer: Referrer | undefined;
  readonly integrity: string;
  /** What a view adds to what is sent. */
  readonly options?: RequestOptions | undefined;
}

const nothing: Init = {};

/**
 * Requests by their signals, so that each lives for as long as its signal is of use to somebody: Node's Request follows the
 * signal that it was made with over a weak reference, and once it was collected no abort comes through.
 */
const followers = new WeakMap<AbortSignal, Request>();

/** Throws a TypeError for what the standard refuses (Fetch Standard, section 5.4, the Request constructor). */
export function toFetchRequest(input: unknown, given: unknown): FetchRequest {
  const init = (given ?? nothing) as Init;
  if (typeof init !== 'object' && typeof init !== 'function')
    throw new TypeError('The init of fetch must be an object');
  const from = isRequest(input) ? input : undefined;
  const url = parseUrl(from?.url ?? input);
  if (init !== nothing) checkInit(init);
  refuseDispatcher(init['dispatcher'] ?? dispatcherOf(from));
  if (init['agent'] !== undefined) checkAgent(init['agent'], new URL(url));
  const method = init['method'] === undefined ? (from?.method ?? 'GET') : checkMethod(toText(init['method']));
  const headers = init['headers'] === undefined ? from?.headers : init['headers'];
  const body = extractBody(init['body'], init['keepalive'], init['duplex']);
  const stream = body === undefined && init['body'] === undefined ? streamOf(from) : undefined;
  if ((method === 'GET' || method === 'HEAD') && (body !== undefined || stream !== undefined))
    throw new TypeError(`A ${method} request cannot have a body`);
  const signal = init['signal'] === undefined ? signalOf(from) : (init['signal'] as AbortSignal | null);
  const mode = toText(init['mode'] ?? from?.mode ?? 'cors');
  const cache = toText(init['cache'] ?? from?.cache ?? 'default');
  checkTogether(method, mode, cache, body?.stream === true);
  const referrer = init['referrer'] === undefined ? (from?.referrer ?? '') : init['referrer'];
  return {
    url,
    method,
    fields: fieldsOf(headers, cache),
    body,
    stream,
    signal: signal ?? undefined,
    redirect: (init['redirect'] ?? from?.redirect ?? 'follow') as FetchRequest['redirect'],
    sameOrigin: mode === 'same-origin',
    referrer: referrerOf(toText(referrer), toText(init['referrerPolicy'] ?? from?.referrerPolicy ?? ''), url),
    integrity: toText(init['integrity'] ?? from?.integrity ?? ''),
  };
}

/** A Request of Node's, or of a package's, which the standard's steps read alike. */
function isRequest(input: unknown): input is Request {
  return (
    typeof input === 'object' &&
    input !== null &&
    (input as { [Symbol.toStringTag]?: unknown })[Symbol.toStringTag] === 'Request'
  );
}

/** A package's Request may have none. */
function signalOf(request: Request | undefined): AbortSignal | undefined {
  const signal = (request?.signal as AbortSignal | null | undefined) ?? undefined;
  if (request !== undefined && signal !== undefined) followers.set(signal, request);
  return signal;
}

/** Node 20 and 22 keep it under a symbol of that name; later ones show it to nobody. */
function dispatcherOf(request: Request | undefined): unknown {
  if (request === undefined) return undefined;
  const key = Object.getOwnPropertySymbols(request).find(({ description }) => description === 'dispatcher');
  return key === undefined ? undefined : (request as unknown as Readonly<Record<symbol, unknown>>)[key];
}

function streamOf(request: Request | undefined): ReadableStream<Uint8Array> | undefined {
  if (request === undefined || request.body === null) return undefined;
  if (request.bodyUsed || request.body.locked)
    throw new TypeError('The Request was used already: its body is locked, or was read');
  return request.body;
}

/**
 * The URLs given last as text, parsed, for nothing here changes one: parsing takes a tenth of a small fetch. A longer text is
 * not worth its memory.
 */
const parsed = new LatestMap<URL>(64);
const longest = 512;

function parseUrl(input: unknown): URL {
  if (typeof input !== 'string' || input.length > longest) return checkedUrl(input);
  let url = parsed.get(input);
  if (url === undefined) {
    url = checkedUrl(input);
    parsed.set(input, url);
  }
  return url;
}

function checkedUrl(input: unknown): URL {
  let url: URL;
  try {
    url = new URL(String(input)); // also of a URL: its owner may lead it elsewhere before a redirect is resolved against it
  } catch {
    // Without Node's error for a cause, which holds all of the URL, secrets among it.
    throw new TypeError('Failed to parse the URL: fetch needs an absolute one');
  }
  if (url.username !== '' || url.password !== '')
    throw new TypeError('A URL with credentials cannot be fetched: send an authorization header');
  return url;
}

/** Section 2.2.1. */
function checkMethod(method: string): string {
  if (method === '') throw new TypeError('The method of fetch is empty');
  const upper = method.toUpperCase();
  if (upper === 'CONNECT' || upper === 'TRACE' || upper === 'TRACK')
    throw new TypeError(`The method ${upper} is forbidden in fetch`);
  return normalizeMethod(method);
}
