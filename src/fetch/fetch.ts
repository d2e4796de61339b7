import { pathOf, wireFields, type ClientResponse } from '../request/index.js';
import type { Origin } from '../ports/index.js';
import { originOf } from '../pool/index.js';
import { openSession, type BaseTransport, type Session } from '../transport.js';
import { networkError, toFetchError } from './errors.js';
import { checkIntegrity } from './integrity.js';
import { follow, isRedirect, locationOf, maxRedirects } from './redirect.js';
import { type FetchRequest, toFetchRequest } from './request.js';
import { bodyOfRequest, type FetchBody } from './extract-body.js';
import { type Fetched, loadMeanwhile, toResponse, withBytes } from './response.js';

/** The platform's own, as it is when this is loaded: it serves the schemes that need no network. */
const platformFetch = globalThis.fetch;

/** What redirects have made of a request: none, for the most. */
export interface RedirectState {
  readonly redirects: number;
  readonly crossOrigin: boolean;
  /** It was sent before, on a connection that was the wrong one. */
  readonly again: boolean;
}

export const notRedirected: RedirectState = { redirects: 0, crossOrigin: false, again: false };

/** What becomes of a response, and of a failure: a Response, or what one is made of later. */
export interface Ending<T> {
  answered(fetched: Fetched, request: FetchRequest): T | Promise<T>;
  failed(error: unknown, request: FetchRequest): unknown;
}

export const asResponse: Ending<Response> = {
  answered: (fetched, request) =>
    request.integrity === '' ? toResponse(fetched, request.method, request.signal) : checked(fetched, request),
  failed: (error, request) => toFetchError(error, request.signal),
};

/**
 * The Fetch Standard's `fetch` over a transport. Rejects with a TypeError, whose `cause` is the TransportError where
 * there is one, or with the signal's reason. Throws nothing synchronously.
 */
export function fetchOver(transport: BaseTransport, input: unknown, init: unknown): Promise<Response> {
  try {
    const request = toFetchRequest(input, init);
    const local = fetchLocally(request, input, init);
    if (local !== undefined) return local;
    // Redirects included, it is one thing under state, which a transport that closes lets finish.
    const session = openSession(transport);
    return request.stream === undefined
      ? run(session, request, notRedirected, asResponse)
      : runRequest(session, request, request.stream);
  } catch (error) {
    return Promise.reject(error);
  }
}

/** Answers what needs no network by the platform's own fetch. */
export function fetchLocally({ url }: FetchRequest, input: unknown, init: unknown): Promise<Response> | undefined {
  if (url.protocol !== 'data:' && url.protocol !== 'blob:') return undefined;
  return platformFetch(input as Parameters<typeof fetch>[0], init as RequestInit);
}

/** For a Request with a body. */
async function runRequest(
  session: Session,
  request: FetchRequest,
  stream: ReadableStream<Uint8Array>,
): Promise<Response> {
  let body: FetchBody | undefined;
  try {
    body = await bodyOfRequest(stream);
  } catch (error) {
    session.end();
    throw error;
  }
  return run(session, { ...request, body }, notRedirected, asResponse);
}

/** Where a URL leads: made once for each of the URLs that are parsed once. */
interface Place {
  readonly origin: Origin;
  readonly path: string;
}

const places = new WeakMap<URL, Place>();

function placeOf(url: URL): Place {
  let place = places.get(url);
  if (place === undefined) {
    place = { origin: originOf(url), path: pathOf(url) };
    places.set(url, place);
  }
  return place;
}

/** Makes the request and those that redirects lead to. The session ends with the last, however that ends. */
export function run<T>(session: Session, request: FetchRequest, state: RedirectState, end: Ending<T>): Promise<T> {
  return new Promise<ClientResponse>((resolve, reject) => {
    const { url, method, body, signal, fields, referrer, options } = request;
    const { origin, path } = placeOf(url);
    const parts = {
      origin,
      path,
      fields: referrer === undefined ? fields : [...fields, 'referer', referrer.url.href],
      options:
        options === undefined
          ? { method, body: body?.value, signal }
          : { ...options, method, body: body?.value, signal },
      hooks: loadMeanwhile(),
      decodeAlways: true,
    };
    session.submit(parts, resolve, reject);
  }).then(
    (response) => answer(session, request, response, state, end),
    (error: unknown) => {
      session.end();
      throw end.failed(error, request);
    },
  );
}

function answer<T>(
  session: Session,
  request: FetchRequest,
  response: ClientResponse,
  state: RedirectState,
  end: Ending<T>,
): T | Promise<T> {
  let next: Promise<T> | undefined;
  try {
    next = goOn(session, request, response, state, end);
  } catch (error) {
    session.end();
    throw error;
  }
  if (next !== undefined) return next;
  session.end();
  return end.answered({ response, redirected: state.redirects > 0, crossOrigin: state.crossOrigin }, request);
}

/** The next request that this answer leads to; undefined where it is the last. */
function goOn<T>(
  session: Session,
  request: FetchRequest,
  response: ClientResponse,
  state: RedirectState,
  end: Ending<T>,
): Promise<T> | undefined {
  if (isRedirect(response.status) && request.redirect !== 'manual') {
    const next = redirected(request, response, state);
    if (next !== undefined) {
      const crossOrigin = state.crossOrigin || next.url.origin !== request.url.origin;
      return run(session, next, { redirects: state.redirects + 1, crossOrigin, again: false }, end);
    }
  }
  if (response.status === 421 && !state.again && request.body?.stream !== true) {
    // RFC 9110 section 15.5.20, Fetch Standard section 4.6, step 16: once more, over a connection that is new.
    session.retire(originOf(request.url), response);
    response.body.cancel();
    return run(session, request, { ...state, again: true }, end);
  }
  return undefined;
}

/** The request that the redirect asks for; undefined where it names no location, and is an answer like others. */
function redirected(request: FetchRequest, response: ClientResponse, state: RedirectState): FetchRequest | undefined {
  const { body, status } = response;
  try {
    if (request.redirect === 'error') throw networkError(`The response redirects (${status}), and redirect is 'error'`);
    const fields = wireFields(response);
    const url = locationOf(fields, request.url);
    if (url === undefined) return undefined;
    if (state.redirects === maxRedirects) throw networkError(`The response redirects, after ${maxRedirects} redirects`);
    const next = follow(request, status, fields, url);
    body.cancel();
    return next;
  } catch (error) {
    body.cancel(error);
    throw error;
  }
}

async function checked(fetched: Fetched, { integrity, signal, method }: FetchRequest): Promise<Response> {
  const bytes = await fetched.response.body.bytes().catch((error: unknown) => {
    throw toFetchError(error, signal);
  });
  checkIntegrity(bytes, integrity);
  return withBytes(fetched, bytes, method);
}
