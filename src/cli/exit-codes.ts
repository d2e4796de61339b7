import { TransportError, type TransportErrorCode } from '../errors.js';

/** curl's exit numbers, those that occur here. */
export const ExitCode = {
  Ok: 0,
  UnsupportedScheme: 1,
  Usage: 2,
  BadUrl: 3,
  NotBuiltIn: 4,
  Resolve: 6,
  Connect: 7,
  Http2Framing: 16,
  Partial: 18,
  HttpError: 22,
  Write: 23,
  Read: 26,
  Timeout: 28,
  TlsHandshake: 35,
  TooManyRedirects: 47,
  EmptyReply: 52,
  Send: 55,
  Receive: 56,
  Certificate: 60,
  ContentCoding: 61,
  ResponseTooLarge: 63,
  Rewind: 65,
  CaFile: 77,
  Http2Stream: 92,
  FieldTooLarge: 100,
} as const;

/** A failure of the command itself: its exit number, what happened, and what can be done. */
export class CliError extends Error {
  readonly exitCode: number;
  readonly hint: string | undefined;

  constructor(exitCode: number, message: string, hint?: string, cause?: unknown) {
    super(message, cause === undefined ? undefined : { cause });
    this.name = 'CliError';
    this.exitCode = exitCode;
    this.hint = hint;
  }
}

/** Exit number 2, with a pointer to the help text. */
export function usageError(message: string): CliError {
  return new CliError(ExitCode.Usage, message, "'passinglane --help' lists the options.");
}

/** What is known about a transfer when it fails. */
export interface FailureContext {
  readonly url: URL;
  /** The response headers had arrived. */
  readonly responseBegun: boolean;
}

export interface Failure {
  readonly exitCode: number;
  readonly message: string;
  readonly hint: string | undefined;
}

/** Where the number depends on more than the code: on the cause, on the scope, or on how far the response had come. */
const byCode: Readonly<Record<TransportErrorCode, number | 'cause' | 'scope' | 'progress'>> = {
  ERR_PASSINGLANE_ALPN: ExitCode.TlsHandshake,
  ERR_PASSINGLANE_BODY_CANCELLED: ExitCode.Partial,
  ERR_PASSINGLANE_BODY_LOCKED: ExitCode.Receive,
  ERR_PASSINGLANE_BODY_TIMEOUT: ExitCode.Timeout,
  ERR_PASSINGLANE_CONNECTION_CLOSED: 'progress',
  ERR_PASSINGLANE_CONNECTION_LOST: 'progress',
  ERR_PASSINGLANE_CONNECTION_UNUSABLE: 'progress',
  ERR_PASSINGLANE_CONNECT_FAILED: 'cause',
  ERR_PASSINGLANE_CONNECT_TIMEOUT: ExitCode.Timeout,
  ERR_PASSINGLANE_CONTENT_CODING: ExitCode.ContentCoding,
  ERR_PASSINGLANE_EXTENDED_CONNECT_UNSUPPORTED: ExitCode.Http2Stream,
  ERR_PASSINGLANE_GOAWAY: ExitCode.Http2Framing,
  ERR_PASSINGLANE_HEADERS_TIMEOUT: ExitCode.Timeout,
  ERR_PASSINGLANE_HEADERS_TOO_LARGE: ExitCode.FieldTooLarge,
  ERR_PASSINGLANE_INVALID_HEADER: 'scope',
  ERR_PASSINGLANE_INVALID_REQUEST: 'scope',
  ERR_PASSINGLANE_PING_TIMEOUT: ExitCode.Timeout,
  ERR_PASSINGLANE_PROTOCOL: 'scope',
  ERR_PASSINGLANE_REQUEST_BODY: ExitCode.Read,
  ERR_PASSINGLANE_REQUEST_BODY_LENGTH: ExitCode.Read,
  ERR_PASSINGLANE_RESPONSE_LENGTH: ExitCode.Partial,
  ERR_PASSINGLANE_RESPONSE_TOO_LARGE: ExitCode.ResponseTooLarge,
  ERR_PASSINGLANE_STREAM_RESET: ExitCode.Http2Stream,
  ERR_PASSINGLANE_TIMEOUT: ExitCode.Timeout,
  ERR_PASSINGLANE_TRANSPORT_CLOSED: ExitCode.Send,
  ERR_PASSINGLANE_UNSUPPORTED_SCHEME: ExitCode.UnsupportedScheme,
  ERR_PASSINGLANE_WRITE_TIMEOUT: ExitCode.Timeout,
};

const hints: Readonly<Record<number, string>> = {
  [ExitCode.UnsupportedScheme]: 'Use an http:// or https:// URL.',
  [ExitCode.Resolve]: 'Check the host name and the network, or give the address with --resolve HOST:PORT:ADDRESS.',
  [ExitCode.Connect]: 'Check that a server is listening there, and that host and port are right.',
  [ExitCode.Http2Framing]: 'The server broke off or broke the HTTP/2 protocol. -v shows the frames that led to it.',
  [ExitCode.Partial]: 'What was received is not the whole response. Try again; -v shows where it ended.',
  [ExitCode.Timeout]: 'Allow more time with --max-time SECONDS, or see with -v what it was waiting for.',
  [ExitCode.TlsHandshake]: 'Check that the port speaks TLS; for a server without it, use an http:// URL.',
  [ExitCode.EmptyReply]: 'The server closed the connection without a response. See with -v how far it came.',
  [ExitCode.Certificate]:
    'If you know this server, trust its certificate with --cacert FILE; -k goes ahead without any check.',
  [ExitCode.Http2Stream]: 'The server gave this request up. -v shows the frames that led to it.',
};

/** The exit number, the message and the advice for whatever a transfer ended with. */
export function describeFailure(error: unknown, context: FailureContext): Failure {
  if (error instanceof CliError) return { exitCode: error.exitCode, message: error.message, hint: error.hint };
  const exitCode = exitCodeOf(error, context);
  return { exitCode, message: messageOf(error, exitCode, context), hint: hints[exitCode] };
}

function exitCodeOf(error: unknown, context: FailureContext): number {
  if (!TransportError.isInstance(error)) {
    if (hasCode(error, 'ERR_INVALID_ARG_VALUE')) return ExitCode.Usage;
    return byCause(error, context) ?? ExitCode.Receive;
  }
  const rule = byCode[error.code];
  switch (rule) {
    case 'cause':
      return byCause(error, context) ?? ExitCode.Connect;
    case 'scope':
      if (error.initiator === 'user') return ExitCode.Usage;
      return error.scope === 'connection' ? ExitCode.Http2Framing : ExitCode.Http2Stream;
    case 'progress':
      if (context.responseBegun) return ExitCode.Partial;
      return byCause(error, context) ?? ExitCode.EmptyReply;
    default:
      // A code that this copy of the package does not know comes from another one.
      return rule ?? ExitCode.Receive;
  }
}

const certificateCodes = new Set([
  'CERT_CHAIN_TOO_LONG',
  'CERT_HAS_EXPIRED',
  'CERT_NOT_YET_VALID',
  'CERT_REJECTED',
  'CERT_REVOKED',
  'CERT_SIGNATURE_FAILURE',
  'CERT_UNTRUSTED',
  'DEPTH_ZERO_SELF_SIGNED_CERT',
  'ERR_TLS_CERT_ALTNAME_FORMAT',
  'ERR_TLS_CERT_ALTNAME_INVALID',
  'HOSTNAME_MISMATCH',
  'INVALID_CA',
  'INVALID_PURPOSE',
  'PATH_LENGTH_EXCEEDED',
  'SELF_SIGNED_CERT_IN_CHAIN',
  'UNABLE_TO_GET_ISSUER_CERT',
  'UNABLE_TO_GET_ISSUER_CERT_LOCALLY',
  'UNABLE_TO_VERIFY_LEAF_SIGNATURE',
]);

/** By the first system, DNS or TLS code along the chain of causes. */
function byCause(error: unknown, context: FailureContext): number | undefined {
  for (const code of causeCodes(error)) {
    if (certificateCodes.has(code)) return ExitCode.Certificate;
    if (code === 'ENOTFOUND' || code.startsWith('EAI_')) return ExitCode.Resolve;
    if (code === 'ETIMEDOUT') return ExitCode.Timeout;
    if (code === 'ECONNRESET' && isConnectFailure(error) && context.url.protocol === 'https:')
      return ExitCode.TlsHandshake;
    if (code === 'ECONNRESET') return ExitCode.Receive;
    if (code === 'EPIPE') return ExitCode.Send;
    if (code === 'EPROTO' || code.startsWith('ERR_SSL_') || code.startsWith('ERR_TLS_')) return ExitCode.TlsHandshake;
    if (connectCodes.has(code)) return ExitCode.Connect;
  }
  return undefined;
}

const connectCodes = new Set(['ECONNREFUSED', 'EHOSTUNREACH', 'ENETUNREACH', 'EADDRNOTAVAIL', 'ENOENT', 'EACCES']);

function isConnectFailure(error: unknown): boolean {
  return TransportError.isInstance(error) && error.code === 'ERR_PASSINGLANE_CONNECT_FAILED';
}

/** The `code`s of an error's causes, nearest first, and of the attempts that an AggregateError holds. */
function* causeCodes(error: unknown): Generator<string> {
  const seen = new Set<unknown>();
  const waiting: unknown[] = [error];
  while (waiting.length > 0) {
    const current = waiting.shift();
    if (!(current instanceof Error) || seen.has(current)) continue;
    seen.add(current);
    if ('code' in current && typeof current.code === 'string') yield current.code;
    if (current instanceof AggregateError) waiting.push(...(current.errors as unknown[]));
    waiting.push(current.cause);
  }
}

function messageOf(error: unknown, exitCode: number, context: FailureContext): string {
  const message = error instanceof Error ? error.message : String(error);
  const root = rootCause(error);
  // The transport names the failure; the system or TLS library knows the reason.
  const reason = root === undefined || message.includes(root) ? '' : ` (${root})`;
  const what = exitCode === ExitCode.Certificate ? `cannot verify the certificate of ${context.url.host}: ` : '';
  return `${what}${message}${reason}`;
}

function rootCause(error: unknown): string | undefined {
  let current = error instanceof Error ? error.cause : undefined;
  let message: string | undefined;
  for (let depth = 0; current instanceof Error && depth < 8; depth += 1) {
    if (current.message !== '') message = current.message;
    current = current.cause ?? (current instanceof AggregateError ? current.errors[0] : undefined);
  }
  return message;
}

function hasCode(error: unknown, code: string): boolean {
  return error instanceof Error && 'code' in error && error.code === code;
}
