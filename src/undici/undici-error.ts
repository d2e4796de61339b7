import { TransportError, type TransportErrorCode } from '../errors.js';

/** Undici's codes, and the names of its error classes. */
const names = {
  UND_ERR_CONNECT_TIMEOUT: 'ConnectTimeoutError',
  UND_ERR_HEADERS_TIMEOUT: 'HeadersTimeoutError',
  UND_ERR_HEADERS_OVERFLOW: 'HeadersOverflowError',
  UND_ERR_BODY_TIMEOUT: 'BodyTimeoutError',
  UND_ERR_INVALID_ARG: 'InvalidArgumentError',
  UND_ERR_ABORTED: 'AbortError',
  UND_ERR_INFO: 'InformationalError',
  UND_ERR_REQ_CONTENT_LENGTH_MISMATCH: 'RequestContentLengthMismatchError',
  UND_ERR_RES_CONTENT_LENGTH_MISMATCH: 'ResponseContentLengthMismatchError',
  UND_ERR_DESTROYED: 'ClientDestroyedError',
  UND_ERR_CLOSED: 'ClientClosedError',
  UND_ERR_SOCKET: 'SocketError',
  UND_ERR_NOT_SUPPORTED: 'NotSupportedError',
  UND_ERR_RES_EXCEEDED_MAX_SIZE: 'ResponseExceededMaxSizeError',
  UND_ERR_INVALID_RETURN_VALUE: 'InvalidReturnValueError',
} as const;

export type UndiciErrorCode = keyof typeof names;

/**
 * An error as undici makes them: `code` is one of undici's, or that of the system error behind it; `cause` is the
 * TransportError, where there is one. `instanceof` undici's own error classes holds for it.
 */
export class UndiciError extends Error {
  readonly code: string;

  constructor(code: string, message: string, cause?: unknown) {
    super(message, cause === undefined ? undefined : { cause });
    this.code = code;
    this.name = code in names ? names[code as UndiciErrorCode] : 'SocketError';
    // What undici's classes ask for in their Symbol.hasInstance, in each of its versions.
    mark(this, 'undici.error.UND_ERR');
    if (code in names) mark(this, `undici.error.${code}`);
    if (code === 'UND_ERR_ABORTED') mark(this, 'undici.error.UND_ERR_ABORT');
  }
}

function mark(error: UndiciError, key: string): void {
  Object.defineProperty(error, Symbol.for(key), { value: true });
}

/** Undici's h2 client answers with these words, and its fetch knows by them that HTTP/1.1 may do instead. */
const noExtendedConnect = 'HTTP/2: Extended CONNECT protocol not supported by server';

const codes: Readonly<Partial<Record<TransportErrorCode, UndiciErrorCode>>> = {
  ERR_PASSINGLANE_CONNECT_TIMEOUT: 'UND_ERR_CONNECT_TIMEOUT',
  ERR_PASSINGLANE_HEADERS_TIMEOUT: 'UND_ERR_HEADERS_TIMEOUT',
  ERR_PASSINGLANE_BODY_TIMEOUT: 'UND_ERR_BODY_TIMEOUT',
  ERR_PASSINGLANE_PROXY_REFUSED: 'UND_ERR_ABORTED',
  ERR_PASSINGLANE_HEADERS_TOO_LARGE: 'UND_ERR_HEADERS_OVERFLOW',
  ERR_PASSINGLANE_RESPONSE_TOO_LARGE: 'UND_ERR_RES_EXCEEDED_MAX_SIZE',
  ERR_PASSINGLANE_RESPONSE_LENGTH: 'UND_ERR_RES_CONTENT_LENGTH_MISMATCH',
  ERR_PASSINGLANE_REQUEST_BODY_LENGTH: 'UND_ERR_REQ_CONTENT_LENGTH_MISMATCH',
  ERR_PASSINGLANE_INVALID_HEADER: 'UND_ERR_INVALID_ARG',
  ERR_PASSINGLANE_INVALID_REQUEST: 'UND_ERR_INVALID_ARG',
  ERR_PASSINGLANE_REQUEST_BODY: 'UND_ERR_INVALID_ARG',
  ERR_PASSINGLANE_UNSUPPORTED_SCHEME: 'UND_ERR_INVALID_ARG',
  ERR_PASSINGLANE_TRANSPORT_CLOSED: 'UND_ERR_CLOSED',
  ERR_PASSINGLANE_EXTENDED_CONNECT_UNSUPPORTED: 'UND_ERR_INFO',
  ERR_PASSINGLANE_ALPN: 'UND_ERR_INFO',
  ERR_PASSINGLANE_PROTOCOL: 'UND_ERR_INFO',
  ERR_PASSINGLANE_CONTENT_CODING: 'UND_ERR_INFO',
};

/**
 * The error that undici's users know for this one. A lost connection and a reset stream have the code of the system
 * error where there is one, and UND_ERR_SOCKET otherwise: those are the codes that undici's retry rules go by. A dial that
 * failed without a code failed by the caller's own check of the server, and is not to be tried again. What is no
 * TransportError (the error of a body's source, the reason of an abort) stays as it is.
 */
export function toUndiciError(error: unknown): Error {
  if (TransportError.isInstance(error)) {
    const uncoded = error.code === 'ERR_PASSINGLANE_CONNECT_FAILED' ? 'UND_ERR_INFO' : 'UND_ERR_SOCKET';
    const code = codes[error.code] ?? systemCode(error.cause) ?? uncoded;
    const unsupported = error.code === 'ERR_PASSINGLANE_EXTENDED_CONNECT_UNSUPPORTED';
    return new UndiciError(code, unsupported ? noExtendedConnect : error.message, error);
  }
  if (!(error instanceof Error)) return new UndiciError('UND_ERR_ABORTED', 'The request was aborted', error);
  const { code } = error as NodeJS.ErrnoException;
  const invalid = code === 'ERR_INVALID_ARG_VALUE' || code === 'ERR_INVALID_URL';
  return invalid ? new UndiciError('UND_ERR_INVALID_ARG', error.message, error) : error;
}

/** ECONNREFUSED, ENOTFOUND, ECONNRESET and the like. Of several attempts, the last one counts. */
function systemCode(cause: unknown): string | undefined {
  if (!(cause instanceof Error)) return undefined;
  const { code } = cause as NodeJS.ErrnoException;
  if (typeof code === 'string') return code;
  return cause instanceof AggregateError ? systemCode(cause.errors.at(-1)) : systemCode(cause.cause);
}

export function invalidArgument(message: string): UndiciError {
  return new UndiciError('UND_ERR_INVALID_ARG', message);
}

/** What an abort without a reason ends a request with. */
export function aborted(): UndiciError {
  return new UndiciError('UND_ERR_ABORTED', 'Request aborted');
}
