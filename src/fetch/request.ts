import { extractBody, type FetchBody, toText } from './request-body.js';

/** As the standard's RequestInit; what it does not know is ignored, as is Node's `dispatcher`. */
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
  readonly integrity: string;
}

type Init = Readonly<Record<string, unknown>>;

const nothing: Init = {};

/** Throws a TypeError for what the standard refuses (Fetch Standard, section 5.4, the Request constructor). */
export function toFetchRequest(input: unknown, given: unknown): FetchRequest {
  const init = (given ?? nothing) as Init;
  if (typeof init !== 'object' && typeof init !== 'function')
    throw new TypeError('The init of fetch must be an object');
  const from = isRequest(input) ? input : undefined;
  const url = parseUrl(from?.url ?? input);
  if (init !== nothing) checkInit(init);
  const method = init['method'] === undefined ? (from?.method ?? 'GET') : normalizeMethod(toText(init['method']));
  const headers = init['headers'] === undefined ? from?.headers : init['headers'];
  const body = extractBody(init['body'], init['keepalive'], init['duplex']);
  const stream = body === undefined && init['body'] === undefined ? streamOf(from) : undefined;
  if ((method === 'GET' || method === 'HEAD') && (body !== undefined || stream !== undefined))
    throw new TypeError(`A ${method} request cannot have a body`);
  const signal = (init['signal'] === undefined ? from?.signal : init['signal']) as AbortSignal | null | undefined;
  return {
    url,
    method,
    fields: fieldsOf(headers),
    body,
    stream,
    signal: signal ?? undefined,
    redirect: (init['redirect'] ?? from?.redirect ?? 'follow') as FetchRequest['redirect'],
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

function streamOf(request: Request | undefined): ReadableStream<Uint8Array> | undefined {
  if (request === undefined || request.body === null) return undefined;
  if (request.bodyUsed || request.body.locked)
    throw new TypeError('The Request was used already: its body is locked, or was read');
  return request.body;
}

function parseUrl(input: unknown): URL {
  let url: URL;
  try {
    url = input instanceof URL ? input : new URL(String(input));
  } catch (cause) {
    throw new TypeError('Failed to parse the URL: fetch needs an absolute one', { cause });
  }
  if (url.username !== '' || url.password !== '')
    throw new TypeError('A URL with credentials cannot be fetched: send an authorization header');
  return url;
}

const methods = new Set(['DELETE', 'GET', 'HEAD', 'OPTIONS', 'POST', 'PUT']);

/** Section 2.2.1: these in upper case, all others as they are. */
function normalizeMethod(method: string): string {
  if (methods.has(method)) return method;
  if (method === '') throw new TypeError('The method of fetch is empty');
  const upper = method.toUpperCase();
  if (upper === 'CONNECT' || upper === 'TRACE' || upper === 'TRACK')
    throw new TypeError(`The method ${upper} is forbidden in fetch`);
  return methods.has(upper) ? upper : method;
}

const choices: Readonly<Record<string, readonly string[]>> = {
  redirect: ['follow', 'error', 'manual'],
  mode: ['same-origin', 'no-cors', 'cors'],
  credentials: ['omit', 'same-origin', 'include'],
  cache: ['default', 'no-store', 'reload', 'no-cache', 'force-cache'],
  duplex: ['half'],
};

function checkInit(init: Init): void {
  for (const name in choices) {
    const value = init[name];
    if (value !== undefined && !choices[name]!.includes(toText(value)))
      throw new TypeError(`Invalid ${name} of fetch. Allowed: ${choices[name]!.join(', ')}`);
  }
  const { signal, window } = init as { readonly signal?: unknown; readonly window?: unknown };
  if (signal !== undefined && signal !== null && !isSignal(signal))
    throw new TypeError('The signal of fetch must be an AbortSignal');
  if (window !== undefined && window !== null) throw new TypeError('The window of fetch can only be null');
}

function isSignal(value: unknown): boolean {
  return typeof value === 'object' && value !== null && 'aborted' in value && 'addEventListener' in value;
}

/** Names and values in turn, and what the standard adds (section 4.1, step 12). */
function fieldsOf(headers: unknown): string[] {
  const fields = headers === undefined ? [] : (plainFields(headers) ?? normalizedFields(headers));
  for (let i = 0; i < fields.length; i += 2) if (fields[i]!.toLowerCase() === 'accept') return fields;
  fields.push('accept', '*/*');
  return fields;
}

/** The usual case, read without a Headers: a plain record of strings. */
function plainFields(headers: unknown): string[] | undefined {
  if (typeof headers !== 'object' || headers === null) return undefined;
  if (Object.getPrototypeOf(headers) !== Object.prototype) return undefined;
  const fields: string[] = [];
  for (const name of Object.keys(headers)) {
    const value = (headers as Readonly<Record<string, unknown>>)[name];
    if (typeof value !== 'string') return undefined;
    fields.push(name, value);
  }
  return fields;
}

function normalizedFields(given: unknown): string[] {
  const headers = given instanceof Headers ? given : new Headers(given as Headers);
  const fields: string[] = [];
  for (const [name, value] of headers) fields.push(name, value);
  return fields;
}
