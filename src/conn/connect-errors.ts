import { TransportError, type ErrorInitiator, type TransportErrorCode } from '../errors.js';
import type { Origin } from '../ports/index.js';

/**
 * Nothing was sent yet, so a dial that fails costs its requests nothing but time. `connected`: all that is missing is the
 * server's SETTINGS, with which HTTP/2 begins (RFC 9113 section 3.4).
 */
export function connectTimedOut(origin: Origin, limit: number, connected: boolean): TransportError {
  const inTheClear = origin.scheme === 'http:' ? ', and in the clear' : '';
  const message = connected
    ? `${origin.href} accepted the connection, but sent no SETTINGS within ${limit} ms (connectTimeout): does it speak HTTP/2${inTheClear}?`
    : `No connection to ${origin.href} within ${limit} ms (connectTimeout)`;
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

export function noConnection(
  code: TransportErrorCode,
  message: string,
  initiator: ErrorInitiator,
  origin: Origin,
): TransportError {
  return new TransportError(code, message, { scope: 'connection', initiator, origin: origin.href, unprocessed: true });
}
