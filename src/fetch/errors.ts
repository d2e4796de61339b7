import { TransportError } from '../errors.js';

/** The standard's network error: what happened is the cause. */
export function networkError(message: string, cause?: unknown): TypeError {
  return failed(cause === undefined ? new Error(message) : new Error(message, { cause }));
}

/** What fetch rejects with for what the transport has failed with. */
export function toFetchError(error: unknown, signal: AbortSignal | undefined): unknown {
  if (signal?.aborted === true && error === signal.reason) return error;
  if (TransportError.isInstance(error) && isMistake(error)) return new TypeError(error.message, { cause: error });
  return failed(error);
}

/** The request cannot be sent as it is, which trying again does not change; 'fetch failed' says that it may. */
function isMistake({ code, initiator }: TransportError): boolean {
  const invalid = code === 'ERR_PASSINGLANE_INVALID_HEADER' || code === 'ERR_PASSINGLANE_INVALID_REQUEST';
  return invalid && initiator === 'user';
}

/** The message is that of Node's own fetch, by which libraries know it. */
function failed(cause: unknown): TypeError {
  return new TypeError('fetch failed', { cause });
}
