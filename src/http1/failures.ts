import { TransportError, type TransportErrorInit } from '../errors.js';
import { MalformedResponse } from './malformed.js';

/** Where a request stands when it fails. */
export interface Stage {
  readonly origin: string;
  /** Its head was handed to the socket, so that the server may act on it. */
  readonly written: boolean;
  readonly responseBegun: boolean;
  /** It is the first on its connection, which has brought no byte yet. */
  readonly unheard: boolean;
  /** The connection has brought a response before, be it an interim one. */
  readonly spoken: boolean;
}

/** What a malformed response, or an error of the socket, means for the request. */
export function requestFailed(cause: Error, stage: Stage): TransportError {
  const code = 'code' in cause && typeof cause.code === 'string' ? cause.code : '';
  const { origin, written, responseBegun, unheard, spoken } = stage;
  const init: TransportErrorInit = { scope: 'connection', initiator: 'remote', origin, cause, unprocessed: !written };
  if (code === 'HPE_HEADER_OVERFLOW')
    return new TransportError(
      'ERR_PASSINGLANE_HEADERS_TOO_LARGE',
      `The response headers of ${origin} exceed what is accepted (maxHeaderListSize)`,
      { ...init, initiator: 'local' },
    );
  if (cause instanceof MalformedResponse) {
    const hint = spoken || !origin.startsWith('http:') ? '' : otherProtocol(code, cause);
    return new TransportError(
      'ERR_PASSINGLANE_PROTOCOL',
      `${origin} broke the rules of HTTP/1.1: ${cause.reason} (${code})${hint}`,
      { ...init, initiator: 'local' },
    );
  }
  const when = responseBegun ? 'before the response was complete' : 'before a response came';
  const system = code === '' || code === 'ECONNRESET' ? '' : ` (${code})`;
  // node:https and node:tls, unlike others, close without an alert when they are spoken to in the clear.
  // A write that failed says that the peer had closed, and nothing of why.
  const doubt =
    unheard && code !== 'EPIPE' && origin.startsWith('http:')
      ? '. Does this port speak TLS? Then use an https: URL'
      : '';
  return new TransportError(
    'ERR_PASSINGLANE_CONNECTION_LOST',
    `The HTTP/1.1 connection to ${origin} ended ${when}${system}${doubt}`,
    init,
  );
}

/** What a server speaks whose first bytes are no status line, and what to do then. */
function otherProtocol(code: string, cause: Error): string {
  if (!(cause instanceof MalformedResponse)) return '';
  if (cause.speaksTls) return '; it speaks TLS: use an https: URL';
  return code === 'HPE_INVALID_CONSTANT' ? "; with HTTP/2, set cleartext: 'h2c' (or PASSINGLANE_CLEARTEXT=h2c)" : '';
}

/** What comes on a new connection before a request has gone out on it would pass for the response to that. */
export function bytesBeforeRequest(origin: string): TransportError {
  return new TransportError(
    'ERR_PASSINGLANE_PROTOCOL',
    `${origin} broke the rules of HTTP/1.1: it sent bytes before any request`,
    { scope: 'connection', initiator: 'local', origin, unprocessed: true },
  );
}

/** A response of status 101 that nobody asked for, or that does not say to what (RFC 9110 section 15.2.2). */
export function wrongUpgrade(origin: string, asked: boolean): TransportError {
  const what = asked ? 'and does not say to which' : 'without being asked';
  return new TransportError('ERR_PASSINGLANE_PROTOCOL', `${origin} switched protocols (101) ${what}`, {
    scope: 'connection',
    initiator: 'local',
    origin,
  });
}

/** More 1xx responses than a request without a listener for them puts up with. */
export function tooManyInterim(origin: string, limit: number): TransportError {
  return new TransportError(
    'ERR_PASSINGLANE_HEADERS_TOO_LARGE',
    `${origin} sent interim responses (1xx) of more than ${limit} bytes (maxHeaderListSize)`,
    { scope: 'connection', initiator: 'local', origin },
  );
}

/** CONNECT makes a tunnel, for which a response has no place in HTTP/1.1. */
export function connectUnsupported(origin: string): TransportError {
  return new TransportError(
    'ERR_PASSINGLANE_INVALID_REQUEST',
    `${origin} is spoken to in HTTP/1.1, where CONNECT is for proxies: set the proxy option instead`,
    { scope: 'request', initiator: 'user', origin, unprocessed: true },
  );
}

export function writeTimedOut(origin: string, limit: number): TransportError {
  return new TransportError(
    'ERR_PASSINGLANE_WRITE_TIMEOUT',
    `The server took no bytes for ${limit} ms (writeTimeout), so the connection was closed`,
    { scope: 'connection', initiator: 'local', origin },
  );
}

/** The failure of a connection as its request has it. */
export function forRequest(error: TransportError, written: boolean): TransportError {
  const { code, message, scope, initiator, origin, cause } = error;
  return new TransportError(code, message, { scope, initiator, origin, cause, unprocessed: !written });
}

/** A head that would not be read as it is meant. */
export function unwritable(origin: string, what: string): TransportError {
  return new TransportError('ERR_PASSINGLANE_INVALID_REQUEST', `The ${what} cannot be written in HTTP/1.1`, {
    scope: 'request',
    initiator: 'user',
    origin,
    unprocessed: true,
  });
}

/** The server ended the connection in order; as node:http has it. */
export function hungUp(): Error {
  return Object.assign(new Error('socket hang up'), { code: 'ECONNRESET' });
}

/** Bytes that come while a request is still sent whose response was whole. */
export function behindResponse(): MalformedResponse {
  return new MalformedResponse('HPE_INVALID_CONSTANT', 'Expected nothing behind the response');
}
