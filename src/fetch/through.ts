import { checkRequestOptions, headersOf, intercept } from '../request/index.js';
import type { ClientResponse, InterceptedRequest, Interceptor, RequestOptions } from '../request/index.js';
import { isOneShot } from '../body/index.js';
import { openSession, type BaseTransport } from '../transport.js';
import { toFetchError } from './errors.js';
import { asResponse, notRedirected, type Ending, fetchLocally, run } from './fetch.js';
import { bodyOfRequest } from './extract-body.js';
import { type FetchRequest, toFetchRequest } from './request.js';
import type { Fetched } from './response.js';

/** What a view adds to a fetch. */
export interface Surroundings {
  /** For each request that is sent, a redirect's included. */
  readonly options: RequestOptions;
  readonly interceptors: readonly Interceptor[];
}

/** As `fetchOver`, with interceptors around it, redirects within; what those throw, it rejects with. */
export async function fetchThrough(
  transport: BaseTransport,
  input: unknown,
  init: unknown,
  { options, interceptors }: Surroundings,
): Promise<Response> {
  const given = toFetchRequest(input, init);
  const local = fetchLocally(given, input, init);
  if (local !== undefined) return local;
  const session = openSession(transport);
  // An interceptor may send more than once: the session ends with all of it.
  const within = { ...session, end: () => undefined };
  const sent = new WeakMap<ClientResponse, { readonly fetched: Fetched; readonly request: FetchRequest }>();
  /** What the transport has failed with, which fetch tells in a way of its own. */
  const failures = new Set<unknown>();
  const ending: Ending<ClientResponse> = {
    answered(fetched, request) {
      sent.set(fetched.response, { fetched, request });
      return fetched.response;
    },
    failed(error) {
      failures.add(error);
      return error;
    },
  };
  try {
    const request = given.stream === undefined ? given : { ...given, body: await bodyOfRequest(given.stream) };
    const response = await intercept(interceptors, interceptedOf(request, options), async (one) =>
      run(within, sendable(request, one), notRedirected, ending),
    );
    const { fetched, request: last } = sent.get(response) ?? {
      fetched: { response, redirected: false, crossOrigin: false },
      request,
    };
    return await asResponse.answered(fetched, last);
  } catch (error) {
    throw failures.has(error) ? toFetchError(error, given.signal) : error;
  } finally {
    session.end();
  }
}

function interceptedOf(request: FetchRequest, options: RequestOptions): InterceptedRequest {
  const { url, method, fields, body, signal } = request;
  return { ...options, url: url.href, method, headers: headersOf(fields), body: body?.value, signal };
}

function sendable(request: FetchRequest, given: InterceptedRequest): FetchRequest {
  const { url, method, headers, body, signal, ...options } = given;
  checkRequestOptions({ ...options, method, headers, signal });
  const fields: string[] = [];
  for (const [name, value] of headers) fields.push(name, value);
  return {
    ...request,
    url: new URL(url),
    method,
    fields,
    body: body === undefined || body === null ? undefined : { value: body, stream: isOneShot(body) },
    signal,
    options,
  };
}
