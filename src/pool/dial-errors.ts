import { TransportError } from '../errors.js';
import type { Origin } from '../conn/index.js';

/** Nothing was sent yet, so a dial that fails costs its requests nothing but time. */
export function connectTimedOut(origin: Origin, limit: number): TransportError {
  const message = `No HTTP/2 connection to ${origin.href} within ${limit} ms (connectTimeout)`;
  return new TransportError('ERR_PASSINGLANE_CONNECT_TIMEOUT', message, {
    scope: 'connection',
    initiator: 'local',
    origin: origin.href,
    unprocessed: true,
  });
}

/** The dial came to a socket whose peer does not speak HTTP/2, or is not asked to. */
export function http1Only(origin: Origin): TransportError {
  const message =
    origin.scheme === 'http:'
      ? `${origin.href} would be spoken to in HTTP/1.1, which this version does not: for HTTP/2 in the clear set cleartext: 'h2c'`
      : `${origin.href} speaks HTTP/1.1 only, which this version does not`;
  return new TransportError('ERR_PASSINGLANE_ALPN', message, {
    scope: 'connection',
    initiator: 'local',
    origin: origin.href,
    unprocessed: true,
  });
}

/** So many connections in a row were ended by the server before a request could be sent on them. */
export function endsAtOnce(origin: Origin, connections: number): TransportError {
  const message = `${origin.href} ended ${connections} connections in a row with GOAWAY before a request could be sent on them`;
  return new TransportError('ERR_PASSINGLANE_GOAWAY', message, {
    scope: 'connection',
    initiator: 'remote',
    origin: origin.href,
    unprocessed: true,
  });
}
