import { TransportError, type ErrorInitiator, type TransportErrorCode } from '../errors.js';
import type { Origin } from '../ports/index.js';

/** Nothing was sent yet, so a dial that fails costs its requests nothing but time. */
export function connectTimedOut(origin: Origin, limit: number): TransportError {
  const message = `No connection to ${origin.href} within ${limit} ms (connectTimeout)`;
  return noConnection('ERR_PASSINGLANE_CONNECT_TIMEOUT', message, 'local', origin);
}

/** The dial came to a socket whose peer speaks HTTP/1.1, where only HTTP/2 will do. */
export function http1Only(origin: Origin): TransportError {
  const todo =
    origin.scheme === 'http:'
      ? "for HTTP/2 in the clear set cleartext: 'h2c', or use request()"
      : 'use request(), which speaks HTTP/1.1 too';
  const message = `${origin.href} is spoken to in HTTP/1.1, and connect() is for HTTP/2 only: ${todo}`;
  return noConnection('ERR_PASSINGLANE_ALPN', message, 'local', origin);
}

/** So many connections in a row were ended by the server before a request could be sent on them. */
export function endsAtOnce(origin: Origin, connections: number): TransportError {
  const message = `${origin.href} ended ${connections} connections in a row with GOAWAY before a request could be sent on them`;
  return noConnection('ERR_PASSINGLANE_GOAWAY', message, 'remote', origin);
}

/** So many new connections in a row came with a stream limit of 0, which stayed so. */
export function allowsNoStream(origin: Origin, connections: number): TransportError {
  const message = `${origin.href} allowed no request on ${connections} new connections in a row (SETTINGS_MAX_CONCURRENT_STREAMS is 0)`;
  return noConnection('ERR_PASSINGLANE_CONNECT_FAILED', message, 'remote', origin);
}

/** The transport was closed while this connection was in the making. */
export function closedBeforeSettings(origin: Origin): TransportError {
  const message = `The connection to ${origin.href} was closed before the server's SETTINGS came`;
  return noConnection('ERR_PASSINGLANE_TRANSPORT_CLOSED', message, 'user', origin);
}

function noConnection(
  code: TransportErrorCode,
  message: string,
  initiator: ErrorInitiator,
  origin: Origin,
): TransportError {
  return new TransportError(code, message, { scope: 'connection', initiator, origin: origin.href, unprocessed: true });
}
