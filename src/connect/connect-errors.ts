import { Code, ConnectError } from '@connectrpc/connect';
import { TransportError, type ErrorCodeName, type TransportErrorCode } from '../errors.js';

/** How gRPC reads a stream's error code (gRPC over HTTP2, "Errors"); what is not here is `internal`. */
const resetCodes: Partial<Record<ErrorCodeName, Code>> = {
  REFUSED_STREAM: Code.Unavailable,
  CANCEL: Code.Canceled,
  ENHANCE_YOUR_CALM: Code.ResourceExhausted,
  INADEQUATE_SECURITY: Code.PermissionDenied,
  HTTP_1_1_REQUIRED: Code.PermissionDenied,
};

/** What the scope of a failure does not say about its code. */
const codes: Partial<Record<TransportErrorCode, Code>> = {
  ERR_PASSINGLANE_BODY_CANCELLED: Code.Canceled,
  ERR_PASSINGLANE_BODY_TIMEOUT: Code.DeadlineExceeded,
  ERR_PASSINGLANE_HEADERS_TIMEOUT: Code.DeadlineExceeded,
  ERR_PASSINGLANE_NOT_MOCKED: Code.FailedPrecondition,
  ERR_PASSINGLANE_TIMEOUT: Code.DeadlineExceeded,
  ERR_PASSINGLANE_HEADERS_TOO_LARGE: Code.ResourceExhausted,
  ERR_PASSINGLANE_RESPONSE_TOO_LARGE: Code.ResourceExhausted,
  ERR_PASSINGLANE_RETRY_BUDGET: Code.Unavailable,
  ERR_PASSINGLANE_TRANSPORT_CLOSED: Code.Unavailable,
};

/**
 * A failure as a Connect client knows it, with the error that it was made from as its `cause`. A ConnectError, such as
 * the reason of a passed deadline, stays what it is.
 */
export function toConnectError(reason: unknown): ConnectError {
  if (reason instanceof ConnectError) return reason;
  if (TransportError.isInstance(reason)) {
    return new ConnectError(reason.message, codeOf(reason), undefined, undefined, reason);
  }
  const error = ConnectError.from(reason, Code.Internal);
  error.cause = reason;
  return error;
}

function codeOf(error: TransportError): Code {
  const { code, scope, errorCode } = error;
  const own = codes[code];
  if (own !== undefined) return own;
  if (code === 'ERR_PASSINGLANE_STREAM_RESET') return (errorCode && resetCodes[errorCode]) ?? Code.Internal;
  // Nobody has acted on it, or the connection went away under it: another try may well work.
  return scope === 'connection' || (error.unprocessed && error.initiator !== 'user') ? Code.Unavailable : Code.Internal;
}
