import { TransportError, invalidArgument } from '../errors.js';
import { nameRequest, shownLine } from '../request-line.js';
import { isOneShot, toRequestBody } from '../body/index.js';
import { listenForAbort, stopListening } from './abort-listeners.js';
import { isRecord } from './checks.js';
import { ClientResponse } from './client-response.js';
import type { RequestOptions } from './request-options.js';

/** A request on its way through interceptors: those of {@link RequestOptions} that are left, with these in place. */
export interface InterceptedRequest extends Omit<RequestOptions, 'headers' | 'json' | 'method'> {
  /** Absolute. */
  readonly url: string;
  /** As it is sent: in upper case where `RequestOptions.method` says so. */
  readonly method: string;
  /** Of this call alone: it may be changed, or another handed on. */
  readonly headers: Headers;
}

/** Hands a request on. Each call is a request of its own, and what it sends a second time must be repeatable. */
export type Next = (request: InterceptedRequest) => Promise<ClientResponse>;

/** A function around each call: it returns, in the end, a response that `next` gave. */
export type Interceptor = (request: InterceptedRequest, next: Next) => Promise<ClientResponse>;

/**
 * Sends a request through interceptors, the first of them outermost. Rejects with the signal's reason as soon as that is
 * aborted, whatever an interceptor waits for. A stream that nobody has handed on is closed.
 */
export async function intercept(
  interceptors: readonly Interceptor[],
  request: InterceptedRequest,
  send: Next,
): Promise<ClientResponse> {
  const { body, signal } = request;
  // What may fail, or be of no use, before anybody reads it.
  const stream = isOneShot(body) ? toRequestBody(body) : undefined;
  const handed = new WeakSet();
  const next =
    (index: number): Next =>
    async (given) => {
      if (!isRecord(given))
        throw invalidArgument('request of next()', given, 'the request that came in, or one made of it');
      const interceptor = interceptors[index];
      if (interceptor !== undefined) return checked(await interceptor(given, next(index + 1)), request);
      if (isOneShot(given.body)) {
        if (handed.has(given.body)) throw handedTwice(request);
        handed.add(given.body);
      }
      return send(given);
    };
  const close = (reason?: unknown): void => {
    if (isOneShot(body) && !handed.has(body)) stream?.discard(reason);
  };
  if (signal === undefined) return next(0)(request).finally(close);
  return orAborted(() => next(0)(request), signal, close);
}

function orAborted<T>(call: () => Promise<T>, signal: AbortSignal, close: (reason?: unknown) => void): Promise<T> {
  return new Promise((resolve, reject) => {
    const member = {
      abort(reason: unknown): void {
        close(reason);
        reject(reason);
      },
    };
    if (signal.aborted) return member.abort(signal.reason);
    listenForAbort(signal, member);
    const end = (): void => {
      stopListening(signal, member);
      close();
    };
    void call().then(resolve, reject).finally(end);
  });
}

function checked(response: unknown, request: InterceptedRequest): ClientResponse {
  if (response instanceof ClientResponse) return response;
  throw new TypeError(`${shownLine(request)}: An interceptor must return the response that next() gave it`);
}

function handedTwice(request: InterceptedRequest): TransportError {
  const error = new TransportError(
    'ERR_PASSINGLANE_REQUEST_BODY',
    'An interceptor has handed on a second time a body that can be read once only: give a string, bytes, a Blob, or a function that makes the body',
    { scope: 'request', initiator: 'user', unprocessed: true },
  );
  nameRequest(error, request);
  return error;
}
