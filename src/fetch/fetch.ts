import { pathOf, wireFields, type ClientResponse } from '../conn/index.js';
import { originOf } from '../pool/index.js';
import { submit, type BaseTransport } from '../transport.js';
import { networkError, toFetchError } from './errors.js';
import { checkIntegrity } from './integrity.js';
import { follow, isRedirect, locationOf, maxRedirects } from './redirect.js';
import { type FetchRequest, toFetchRequest } from './request.js';
import { bodyOfRequest } from './request-body.js';
import { type Fetched, toResponse, withBytes } from './response.js';

/** The platform's own, as it is when this is loaded: it serves the schemes that need no network. */
const platformFetch = globalThis.fetch;

/** What redirects have made of a request: none, for the most. */
interface Way {
  readonly redirects: number;
  readonly crossOrigin: boolean;
}

const direct: Way = { redirects: 0, crossOrigin: false };

/**
 * The Fetch Standard's `fetch` over a transport. Rejects with a TypeError, whose `cause` is the TransportError where
 * there is one, or with the signal's reason. Throws nothing synchronously.
 */
export function fetchOver(transport: BaseTransport, input: unknown, init: unknown): Promise<Response> {
  try {
    const request = toFetchRequest(input, init);
    const { protocol } = request.url;
    if (protocol === 'data:' || protocol === 'blob:')
      return platformFetch(input as Parameters<typeof fetch>[0], init as RequestInit);
    return request.stream === undefined ? run(transport, request, direct) : runRequest(transport, request);
  } catch (error) {
    return Promise.reject(error);
  }
}

/** For a Request with a body. */
async function runRequest(transport: BaseTransport, request: FetchRequest): Promise<Response> {
  const body = await bodyOfRequest(request.stream!);
  return run(transport, { ...request, body }, direct);
}

function run(transport: BaseTransport, request: FetchRequest, way: Way): Promise<Response> {
  return new Promise<ClientResponse>((resolve, reject) => {
    const { url, method, body, signal, fields, referrer } = request;
    const parts = {
      origin: originOf(url),
      path: pathOf(url),
      fields: referrer === undefined ? fields : [...fields, 'referer', referrer.url.href],
      options: { method, body: body?.value, signal },
      hooks: undefined,
      decodeAlways: true,
    };
    submit(transport, parts, resolve, reject);
  }).then(
    (response) => answer(transport, request, response, way),
    (error: unknown) => {
      throw toFetchError(error, request.signal);
    },
  );
}

function answer(
  transport: BaseTransport,
  request: FetchRequest,
  response: ClientResponse,
  way: Way,
): Response | Promise<Response> {
  if (isRedirect(response.status) && request.redirect !== 'manual') {
    const next = redirected(request, response, way);
    if (next !== undefined) {
      const crossOrigin = way.crossOrigin || next.url.origin !== request.url.origin;
      return run(transport, next, { redirects: way.redirects + 1, crossOrigin });
    }
  }
  const fetched = { response, redirected: way.redirects > 0, crossOrigin: way.crossOrigin };
  if (request.integrity !== '') return checked(fetched, request);
  return toResponse(fetched, request.method, request.signal);
}

/** The request that the redirect asks for; undefined where it names no location, and is an answer like others. */
function redirected(request: FetchRequest, response: ClientResponse, way: Way): FetchRequest | undefined {
  const { body, status } = response;
  try {
    if (request.redirect === 'error') throw networkError(`The response redirects (${status}), and redirect is 'error'`);
    const fields = wireFields(response);
    const url = locationOf(fields, request.url);
    if (url === undefined) return undefined;
    if (way.redirects === maxRedirects) throw networkError(`The response redirects, after ${maxRedirects} redirects`);
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
