import { sentenceOf, TransportError, type TransportErrorCode } from '../errors.js';
import { inTerminalWords } from './words.js';

/** curl's exit numbers, those that occur here. */
export const ExitCode = {
  Ok: 0,
  UnsupportedScheme: 1,
  Usage: 2,
  BadUrl: 3,
  NotBuiltIn: 4,
  ResolveProxy: 5,
  Resolve: 6,
  Connect: 7,
  WeirdReply: 8,
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

/** Exit number 2, with a pointer to the help text of the command: `passinglane --help` lists commands, and no options. */
export function usageError(message: string, command = 'get'): CliError {
  return new CliError(ExitCode.Usage, message, `'passinglane ${command} --help' lists the options.`);
}

/** What is known about a transfer when it fails. */
export interface FailureContext {
  readonly url: URL;
  /** The response headers had arrived. */
  readonly responseBegun: boolean;
  /** The command was told to speak HTTP/2 in the clear. Default: false. */
  readonly priorKnowledge?: boolean;
}

export interface Failure {
  readonly exitCode: number;
  readonly message: string;
  readonly hint: string | undefined;
}

/** Where the number depends on more than the code: on the scheme, on the cause, on the scope, or on how far the response had come. */
const byCode: Readonly<Record<TransportErrorCode, number | 'alpn' | 'cause' | 'goaway' | 'scope' | 'progress'>> = {
  ERR_PASSINGLANE_ALPN: 'alpn',
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
  ERR_PASSINGLANE_GOAWAY: 'goaway',
  ERR_PASSINGLANE_HEADERS_TIMEOUT: ExitCode.Timeout,
  ERR_PASSINGLANE_HEADERS_TOO_LARGE: ExitCode.FieldTooLarge,
  ERR_PASSINGLANE_INVALID_HEADER: 'scope',
  ERR_PASSINGLANE_INVALID_REQUEST: 'scope',
  ERR_PASSINGLANE_NOT_MOCKED: ExitCode.Connect,
  ERR_PASSINGLANE_PING_TIMEOUT: ExitCode.Timeout,
  ERR_PASSINGLANE_PROTOCOL: 'scope',
  ERR_PASSINGLANE_PROXY_REFUSED: ExitCode.Receive,
  ERR_PASSINGLANE_REQUEST_BODY: ExitCode.Read,
  ERR_PASSINGLANE_REQUEST_BODY_LENGTH: ExitCode.Read,
  // It is told of streams alone; HTTP/1.1's connection is lost then. To curl it is a breach of the protocol.
  ERR_PASSINGLANE_RESPONSE_LENGTH: ExitCode.Http2Stream,
  ERR_PASSINGLANE_RESPONSE_TOO_LARGE: ExitCode.ResponseTooLarge,
  ERR_PASSINGLANE_RETRY_BUDGET: ExitCode.Receive,
  ERR_PASSINGLANE_STREAM_RESET: ExitCode.Http2Stream,
  ERR_PASSINGLANE_TIMEOUT: ExitCode.Timeout,
  ERR_PASSINGLANE_TRANSPORT_CLOSED: ExitCode.Send,
  ERR_PASSINGLANE_UNSUPPORTED_SCHEME: ExitCode.UnsupportedScheme,
  ERR_PASSINGLANE_WRITE_TIMEOUT: ExitCode.Timeout,
};

/** What the command line can do about it, where the transport's own message does not say. */
const hints: Readonly<Record<number, string>> = {
  [ExitCode.UnsupportedScheme]: 'Use an https:// URL.',
  [ExitCode.Resolve]: 'An address can be given with --resolve HOST:PORT:ADDRESS.',
  [ExitCode.Http2Framing]: 'The server broke off or broke the HTTP/2 protocol. -v shows the frames that led to it.',
  [ExitCode.Partial]: 'What was received is not the whole response. -v shows where it ended.',
  [ExitCode.Timeout]: 'Allow more time with --max-time SECONDS, or see with -v what it was waiting for.',
  [ExitCode.EmptyReply]: 'The server closed the connection without a response. -v shows how far it came.',
  [ExitCode.Http2Stream]: 'The server gave this request up. -v shows the frames that led to it.',
};

const cleartextHint =
  'If the server speaks HTTP/2 in the clear, use --http2-prior-knowledge; if it has TLS, an https:// URL.';

/** The exit number, the message and the advice for whatever a transfer ended with. */
export function describeFailure(error: unknown, context: FailureContext): Failure {
  if (error instanceof CliError) return { exitCode: error.exitCode, message: error.message, hint: error.hint };
  const exitCode = exitCodeOf(error, context);
  if (exitCode === ExitCode.Certificate) return certificateFailure(error, context);
  const message = inTerminalWords(sentenceOf(error));
  return { exitCode, message, hint: needsOtherProtocol(exitCode, context) ? cleartextHint : hints[exitCode] };
}

/** What an HTTP/2 server in the clear, or one with TLS, answers HTTP/1.1 with is no HTTP/1.1, or nothing. */
function needsOtherProtocol(exitCode: number, { url, responseBegun, priorKnowledge }: FailureContext): boolean {
  if (url.protocol !== 'http:' || responseBegun) return false;
  return exitCode === ExitCode.UnsupportedScheme || (priorKnowledge !== true && misunderstandings.has(exitCode));
}

const misunderstandings: ReadonlySet<number> = new Set([
  ExitCode.Http2Framing,
  ExitCode.EmptyReply,
  ExitCode.Receive,
  ExitCode.Http2Stream,
]);

/** A certificate that was not accepted: what node:tls says of it, and what this command offers. */
function certificateFailure(error: unknown, { url }: FailureContext): Failure {
  const causes = [...causesOf(error)];
  const refusal = causes.find((cause) => certificateCodes.has(codeOf(cause) ?? '')) ?? error;
  const message = `cannot verify the certificate of ${url.host}: ${sentenceOf(refusal)}`;
  const advice =
    certificateHints[codeOf(refusal) ?? ''] ?? 'If you know this server, trust its certificate with --cacert FILE';
  return { exitCode: ExitCode.Certificate, message, hint: `${advice}; -k goes ahead without any check.` };
}

const certificateHints: Readonly<Record<string, string>> = {
  CERT_HAS_EXPIRED: 'It has to be renewed on the server',
  CERT_NOT_YET_VALID: "Check this machine's clock",
  ERR_TLS_CERT_ALTNAME_INVALID:
    'Use a name that it is for, with --resolve NAME:PORT:ADDRESS where DNS does not know that',
};

function exitCodeOf(error: unknown, context: FailureContext): number {
  if (!TransportError.isInstance(error)) {
    if (codeOf(error) === 'ERR_INVALID_ARG_VALUE') return ExitCode.Usage;
    return byCause(error, context) ?? ExitCode.Receive;
  }
  const rule = byCode[error.code];
  switch (rule) {
    case 'alpn':
      // Without TLS there was no handshake to fail: the protocol of the URL is what is not to be had.
      return context.url.protocol === 'http:' ? ExitCode.UnsupportedScheme : ExitCode.TlsHandshake;
    case 'cause':
      return byCause(error, context) ?? ExitCode.Connect;
    case 'goaway':
      return context.responseBegun ? ExitCode.Partial : ExitCode.Http2Framing;
    case 'scope':
      if (error.initiator === 'user') return ExitCode.Usage;
      if (codeOf(error.cause)?.startsWith('HPE_') === true) return malformedHttp1(error, context);
      return error.scope === 'connection' ? ExitCode.Http2Framing : ExitCode.Http2Stream;
    case 'progress':
      return byCause(error, context) ?? (context.responseBegun ? ExitCode.Partial : ExitCode.EmptyReply);
    default:
      // A code that this copy of the package does not know comes from another one.
      return rule ?? ExitCode.Receive;
  }
}

/** What is no HTTP/1.1 from the start curl takes for HTTP/0.9, which it does not speak. */
function malformedHttp1(error: TransportError, { responseBegun }: FailureContext): number {
  const noStatusLine = codeOf(error.cause) === 'HPE_INVALID_CONSTANT' && !responseBegun;
  return noStatusLine ? ExitCode.UnsupportedScheme : ExitCode.Receive;
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
  for (const cause of causesOf(error)) {
    const code = codeOf(cause) ?? '';
    if (certificateCodes.has(code)) return ExitCode.Certificate;
    if (code === 'ENOTFOUND' || code.startsWith('EAI_'))
      return isOfAnother(cause, error) ? ExitCode.ResolveProxy : ExitCode.Resolve;
    if (code === 'ETIMEDOUT') return ExitCode.Timeout;
    if (code === 'ECONNRESET' && isConnectFailure(error) && context.url.protocol === 'https:')
      return ExitCode.TlsHandshake;
    // node:http gives a close the code of a reset, without a number of the system's.
    if (code === 'ECONNRESET' && 'errno' in cause) return ExitCode.Receive;
    if (code === 'EPIPE') return ExitCode.Send;
    if (code === 'EPROTO' || code.startsWith('ERR_SSL_') || code.startsWith('ERR_TLS_')) return ExitCode.TlsHandshake;
    if (connectCodes.has(code)) return ExitCode.Connect;
  }
  return undefined;
}

const connectCodes = new Set(['ECONNREFUSED', 'EHOSTUNREACH', 'ENETUNREACH', 'EADDRNOTAVAIL', 'ENOENT', 'EACCES']);

/** Another name than that of the origin was looked up: that of a proxy. */
function isOfAnother(cause: Error, error: unknown): boolean {
  if (!TransportError.isInstance(error) || error.origin === undefined) return false;
  return 'hostname' in cause && cause.hostname !== new URL(error.origin).hostname;
}

function isConnectFailure(error: unknown): boolean {
  return TransportError.isInstance(error) && error.code === 'ERR_PASSINGLANE_CONNECT_FAILED';
}

/** An error and its causes, nearest first, with the attempts that an AggregateError holds. */
function* causesOf(error: unknown): Generator<Error> {
  const seen = new Set<unknown>();
  const waiting: unknown[] = [error];
  while (waiting.length > 0) {
    const current = waiting.shift();
    if (!(current instanceof Error) || seen.has(current)) continue;
    seen.add(current);
    yield current;
    if (current instanceof AggregateError) waiting.push(...(current.errors as unknown[]));
    waiting.push(current.cause);
  }
}

function codeOf(error: unknown): string | undefined {
  return error instanceof Error && 'code' in error && typeof error.code === 'string' ? error.code : undefined;
}
