import { TransportError, type TransportErrorCode } from '../errors.js';

/** An error as node:http's callers know it; the one that it was made from is its `cause`. */
export interface HttpError extends Error {
  readonly code: string;
  readonly errno?: number;
  readonly syscall?: string;
}

/** The request was destroyed before there was a response. */
export function socketHangUp(): HttpError {
  return Object.assign(new Error('socket hang up'), { code: 'ECONNRESET' });
}

/** The response was destroyed before its end. */
export function aborted(): HttpError {
  return Object.assign(new Error('aborted'), { code: 'ECONNRESET' });
}

/** Its signal was aborted: as node:http has it, with the signal's reason as the cause. */
export function signalAborted(reason: unknown): HttpError {
  const error = new Error('The operation was aborted', { cause: reason });
  return Object.assign(error, { name: 'AbortError', code: 'ABORT_ERR' });
}

/**
 * A stream or connection that ended early: node:http's callers send such a request again. All else that has no code of the
 * system's keeps ours, which no retry list knows: what the caller did wrong, what is beyond a limit, a server whose
 * certificate the caller's own check did not like.
 */
const endedEarly = new Set<TransportErrorCode>([
  'ERR_PASSINGLANE_CONNECTION_CLOSED',
  'ERR_PASSINGLANE_CONNECTION_LOST',
  'ERR_PASSINGLANE_CONNECTION_UNUSABLE',
  'ERR_PASSINGLANE_GOAWAY',
  'ERR_PASSINGLANE_RESPONSE_LENGTH',
  'ERR_PASSINGLANE_STREAM_RESET',
]);

/** The error of these, where there is one, is that of what the caller gave us: its code says nothing of the network. */
const callersFaults = new Set<TransportErrorCode>([
  'ERR_PASSINGLANE_REQUEST_BODY',
  'ERR_PASSINGLANE_REQUEST_BODY_LENGTH',
  'ERR_PASSINGLANE_TRANSPORT_CLOSED',
]);

/**
 * A failure with the code that node:http would have given it, so that its callers' retry rules work: the code of the
 * system error behind it (ECONNREFUSED, ENOTFOUND, EPIPE, a TLS code...), ETIMEDOUT for a time-out, ECONNRESET for a
 * stream or connection that ended early, and else ours. What is no TransportError stays what it is.
 */
export function toHttpError(reason: unknown): Error {
  if (!TransportError.isInstance(reason)) return reason instanceof Error ? reason : new Error(String(reason));
  const error = new Error(reason.message, { cause: reason });
  if (callersFaults.has(reason.code)) return Object.assign(error, { code: reason.code });
  const system = systemError(reason.cause);
  if (system !== undefined) {
    const { code, errno, syscall } = system;
    return Object.assign(error, {
      code,
      ...(errno !== undefined && { errno }),
      ...(syscall !== undefined && { syscall }),
    });
  }
  const code = reason.name === 'TimeoutError' ? 'ETIMEDOUT' : endedEarly.has(reason.code) ? 'ECONNRESET' : reason.code;
  return Object.assign(error, { code });
}

/** The first error with a code of Node's or the system's among the causes, and the parts of an AggregateError. */
function systemError(cause: unknown): HttpError | undefined {
  let next = cause;
  // Causes are few. A circle of them is nobody's error, but must not become an endless loop.
  for (let depth = 0; depth < 10 && next instanceof Error; depth++) {
    const { code } = next as Partial<HttpError>;
    if (typeof code === 'string' && !TransportError.isInstance(next)) return next as HttpError;
    next = next instanceof AggregateError ? (next.errors[0] as unknown) : next.cause;
  }
  return undefined;
}
