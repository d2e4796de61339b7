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
 * An error as undici makes them: `cause` is the TransportError, where there is one. `instanceof` undici's own error
 * classes holds for it.
 */
export class UndiciError extends Error {
  readonly code: UndiciErrorCode;

  constructor(code: UndiciErrorCode, message: string, cause?: unknown) {
    super(message, cause === undefined ? undefined : { cause });
    this.code = code;
    this.name = names[code];
    // What undici's classes ask for in their Symbol.hasInstance, in each of its versions.
    mark(this, 'undici.error.UND_ERR');
    mark(this, `undici.error.${code}`);
    if (code === 'UND_ERR_ABORTED') mark(this, 'undici.error.UND_ERR_ABORT');
  }
}

function mark(error: Error, key: string): void {
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
  ERR_PASSINGLANE_NOT_MOCKED: 'UND_ERR_INFO',
  ERR_PASSINGLANE_PROTOCOL: 'UND_ERR_INFO',
  ERR_PASSINGLANE_CONTENT_CODING: 'UND_ERR_INFO',
  ERR_PASSINGLANE_RETRY_BUDGET: 'UND_ERR_INFO',
};

/**
 * The error that undici's users know for this one. As in undici, a system error keeps its code (ECONNREFUSED, ENOTFOUND,
 * ECONNRESET) and is of no class of undici's, what node:http's parser refuses is an HTTPParserError, and a connection
 * that the server closed, or a stream that it reset, is a SocketError: undici's retry rules go by those codes. A dial that
 * failed without a code failed by the caller's own check of the server, and is not to be tried again. What is no
 * TransportError (the error of a body's source, the reason of an abort) stays as it is.
 */
export function toUndiciError(error: unknown): Error {
  if (TransportError.isInstance(error)) {
    const behind = codedError(error.cause);
    if (behind?.code.startsWith('HPE_') === true && error.code === 'ERR_PASSINGLANE_PROTOCOL')
      return parserError(behind.code, error);
    const code = codes[error.code];
    if (code === undefined && behind !== undefined && !isHangUp(behind)) return systemError(behind, error);
    const unsupported = error.code === 'ERR_PASSINGLANE_EXTENDED_CONNECT_UNSUPPORTED';
    const uncoded = error.code === 'ERR_PASSINGLANE_CONNECT_FAILED' ? 'UND_ERR_INFO' : 'UND_ERR_SOCKET';
    return new UndiciError(code ?? uncoded, unsupported ? noExtendedConnect : error.message, error);
  }
  if (!(error instanceof Error)) return new UndiciError('UND_ERR_ABORTED', 'The request was aborted', error);
  const { code } = error as NodeJS.ErrnoException;
  const invalid = code === 'ERR_INVALID_ARG_VALUE' || code === 'ERR_INVALID_URL';
  return invalid ? new UndiciError('UND_ERR_INVALID_ARG', error.message, error) : error;
}

type CodedError = NodeJS.ErrnoException & { code: string };

/** ECONNREFUSED, ENOTFOUND, HPE_INVALID_CONSTANT and the like. Of several attempts, the last one counts. */
function codedError(cause: unknown): CodedError | undefined {
  if (!(cause instanceof Error)) return undefined;
  if (typeof (cause as NodeJS.ErrnoException).code === 'string') return cause as CodedError;
  return codedError(cause instanceof AggregateError ? cause.errors.at(-1) : cause.cause);
}

/** What node:http makes of a server that closes the connection in order: ECONNRESET, though no system call gave it. */
function isHangUp({ code, syscall, message }: CodedError): boolean {
  return code === 'ECONNRESET' && syscall === undefined && message === 'socket hang up';
}

function systemError(behind: CodedError, cause: TransportError): Error {
  const error = Object.assign(new Error(cause.message, { cause }), { code: behind.code });
  for (const key of ['errno', 'syscall', 'address', 'port', 'hostname'] as const) {
    const value: unknown = Reflect.get(behind, key);
    if (value !== undefined) Reflect.set(error, key, value);
  }
  return error;
}

/** In undici this is none of its UndiciErrors. The bytes that it has as `data` are not shown: they may hold secrets. */
function parserError(code: string, cause: TransportError): Error {
  const error = Object.assign(new Error(cause.message, { cause }), { name: 'HTTPParserError', code });
  mark(error, 'undici.error.UND_ERR_HTTP_PARSER');
  return error;
}

export function invalidArgument(message: string): UndiciError {
  return new UndiciError('UND_ERR_INVALID_ARG', message);
}

/** What an abort without a reason ends a request with. */
export function aborted(): UndiciError {
  return new UndiciError('UND_ERR_ABORTED', 'Request aborted');
}
