import type { TransportError } from '../errors.js';
import { noConnection } from '../conn/index.js';
import type { Origin } from '../ports/index.js';

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
