import { sentenceOf, TransportError } from '../errors.js';
import type { Exchange } from '../request/index.js';

export interface RetryOptions {
  /** How often a request is sent at most. Default: 8. */
  readonly maxAttempts?: number | undefined;
  /** The wait before the second retry, in milliseconds; the first is at once, and later ones double it. Default: 1,000. */
  readonly baseDelay?: number | undefined;
  /** The longest wait, in milliseconds. Default: 32,000. */
  readonly maxDelay?: number | undefined;
  /** The share of the wait that is left to chance, 0 to 1. Default: 0.1. */
  readonly jitter?: number | undefined;
  /**
   * How much may be sent again to one origin in ten seconds: this share of the first attempts of those seconds, and ten a
   * second. 0: only these; Infinity: no limit. What the server cannot have acted on waits its turn, anything else ends in
   * its error. Default: 0.2.
   */
  readonly budget?: number | undefined;
  /**
   * Answers with such a status (400 to 599: 429, 503 and the like) are dropped, and the request is sent again, after what
   * `Retry-After` says where that is within `maxDelay`. Only a request that is `idempotent`, or has a method of RFC 9110
   * section 9.2.2 (GET, HEAD, OPTIONS, TRACE, PUT, DELETE), and a body that can be had again. The answer to the last
   * attempt is the caller's. Default: [].
   */
  readonly statuses?: readonly number[] | undefined;
}

export type Retry = { readonly [K in keyof RetryOptions]-?: NonNullable<RetryOptions[K]> };

/** How this request is sent again: as it says, and for the rest as its transport does. */
export function retryOf({ request }: Exchange, retry: Retry): Retry {
  return request.retry === undefined ? retry : { ...retry, ...request.retry };
}

/** A request will be sent again. */
export interface Replay {
  /** In milliseconds. */
  readonly delay: number;
  /** It waits for a token of the budget. */
  readonly needsToken: boolean;
}

/**
 * How the request is sent again, or the error that its caller gets. A request
 * that the peer cannot have acted on is sent again whatever its method; any other only when its caller has called it
 * idempotent, or once when it asks and met a kept connection closed; and each only with a body that can be had again. One
 * that has to go out in HTTP/1.1 is for the caller where that is not to be had.
 *
 * @param takeToken takes one of the budget's, where there is one: what may have been acted on does not wait for it
 */
export function decideReplay(
  exchange: Exchange,
  error: TransportError,
  retry: Retry,
  chance: number,
  http1: boolean,
  takeToken: () => boolean,
): Replay | TransportError {
  const { request } = exchange;
  // Who breaks the rules before there is a request breaks them on the next connection too, as before the SETTINGS of HTTP/2.
  if (error.unprocessed && error.code === 'ERR_PASSINGLANE_PROTOCOL') return final(exchange, error, undefined);
  const attempts = exchange.attempts - exchange.earlier.spared;
  const repeatable = request.idempotent && error.initiator !== 'user' && error.scope !== 'request';
  const safe = error.unprocessed || repeatable || (exchange.earlier.metClosed && asks(request));
  if (!safe || (needsHttp1(error) && !http1)) return final(exchange, error, undefined);
  if (request.body?.replayable === false)
    return final(
      exchange,
      error,
      'not sent again, because its body is a stream that has been read: pass a function that makes one',
    );
  if (attempts >= retry.maxAttempts)
    return final(exchange, error, `given up after ${exchange.attempts} attempts (retry.maxAttempts)`);
  if (!error.unprocessed && !takeToken())
    return final(exchange, error, 'not sent again, because too much is already (retry.budget)');
  const delay = attempts <= 1 ? 0 : backOffDelay(retry, attempts - 2) * (1 + retry.jitter * chance);
  return { delay, needsToken: error.unprocessed && !exchange.earlier.spare };
}

/**
 * How long a request that was sent before waits until the next dial, after one that failed, in milliseconds; undefined: it has
 * used up its attempts, or was never sent, so that its caller hears at once that nobody is there.
 */
export function delayAfterDial(exchange: Exchange, retry: Retry, chance: number): number | undefined {
  if (exchange.attempts === 0) return undefined;
  const failedDials = exchange.earlier.failedDials + 1;
  exchange.earlier = { ...exchange.earlier, failedDials };
  const attempts = exchange.attempts - exchange.earlier.spared + failedDials;
  if (attempts >= retry.maxAttempts) return undefined;
  return backOffDelay(retry, failedDials - 1) * (1 + retry.jitter * chance);
}

/** One of the methods that ask and change nothing (RFC 9110 section 9.2.1), and brings nothing. */
function asks({ method, length, trailers, protocol }: Exchange['request']): boolean {
  const safe = method === 'GET' || method === 'HEAD' || method === 'OPTIONS';
  return safe && length === 0 && trailers === undefined && protocol === undefined;
}

/** The wait after so many doublings, in milliseconds. */
export function backOffDelay(retry: Retry, doublings: number): number {
  return Math.min(retry.baseDelay * 2 ** doublings, retry.maxDelay);
}

/** The server wants this request in HTTP/1.1 (RFC 9113 section 7). */
export function needsHttp1(error: TransportError): boolean {
  return error.errorCode === 'HTTP_1_1_REQUIRED';
}

/** Nobody offers extended CONNECT on this connection (RFC 8441 section 3). */
export function isUnsupported(error: unknown): boolean {
  return TransportError.isInstance(error) && error.code === 'ERR_PASSINGLANE_EXTENDED_CONNECT_UNSUPPORTED';
}

/** What the caller gets: with why the request was not sent again, and true of all its attempts. */
function final(exchange: Exchange, error: TransportError, why: string | undefined): TransportError {
  const unprocessed = error.unprocessed && !exchange.earlier.exposed;
  if (why === undefined && unprocessed === error.unprocessed) return error;
  return copy(error, why === undefined ? error.message : `${sentenceOf(error)}; ${why}`, unprocessed);
}

/**
 * A failure that many share, as it is true of this request: of all its attempts. `waiting`: none of them is out, so that
 * it has nothing to do with what the failure says of others.
 */
export function ownFailure(exchange: Exchange, shared: TransportError, waiting: boolean): TransportError {
  const { code, message, scope, initiator, errorCode, origin, cause } = shared;
  const unprocessed = !exchange.earlier.exposed && (waiting || shared.unprocessed);
  const streamId = waiting ? undefined : shared.streamId;
  const { attempts } = exchange;
  const init = { scope, initiator, errorCode, unprocessed, origin, streamId, attempts, cause };
  return new TransportError(code, message, init);
}

/** The failure of a connection, for a request that waited for it and was not sent. */
export function neverSent(error: TransportError): TransportError {
  return copy(error, error.message, true);
}

function copy(error: TransportError, message: string, unprocessed: boolean): TransportError {
  const { code, scope, initiator, errorCode, origin, streamId, attempts } = error;
  const init = { scope, initiator, errorCode, unprocessed, origin, streamId, attempts, cause: error };
  return new TransportError(code, message, init);
}
