import { TransportError, type TransportErrorCode } from '../errors.js';
import { withoutField } from '../field-list.js';
import type { HttpConnection } from '../ports/index.js';
import { withoutRequest } from '../request-line.js';
import type { PreparedRequest } from './prepared-request.js';

/** The errors that a request ends with by itself, whatever its connection does. */

/** The caller has cancelled the response body; `cause` is its reason. */
export function bodyCancelled(origin: string, cause: unknown): TransportError {
  return new TransportError('ERR_PASSINGLANE_BODY_CANCELLED', 'The response body was cancelled before its end', {
    scope: 'request',
    initiator: 'user',
    cause,
    origin,
  });
}

/**
 * RFC 8441 section 4: extended CONNECT is for peers that offer it. The peer's SETTINGS have come, since such a request is
 * never early. In HTTP/1.1, Upgrade stands in for it (RFC 9110 section 7.8) where the request allows that. Returns the
 * request as this connection sends it: the key is of HTTP/1.1's handshake (section 5), and a gateway that hands it on beside
 * its own spoils the one that it makes with its backend.
 */
export function tunnelRequest(request: PreparedRequest, connection: HttpConnection): PreparedRequest {
  const { origin, upgrade } = request;
  if (upgrade !== undefined && connection.httpVersion === '1.1') return request;
  if (!connection.extendedConnect) throw unsupportedProtocol(origin.href, connection.httpVersion);
  return { ...request, fields: withoutField(request.fields, 'sec-websocket-key') };
}

/** RFC 8441 section 3: the peer has not sent ENABLE_CONNECT_PROTOCOL=1, or speaks HTTP/1.1, which has no such thing. */
function unsupportedProtocol(origin: string, httpVersion: '2.0' | '1.1'): TransportError {
  const why =
    httpVersion === '1.1'
      ? 'is spoken to in HTTP/1.1, which has no extended CONNECT (RFC 8441) but Upgrade'
      : 'does not offer extended CONNECT (RFC 8441) on this connection';
  return new TransportError(
    'ERR_PASSINGLANE_EXTENDED_CONNECT_UNSUPPORTED',
    `${origin} ${why}, so the protocol option cannot be used`,
    { scope: 'request', initiator: 'remote', origin, unprocessed: true },
  );
}

/** A limit of the request has passed: `option` names it, `limit` is in milliseconds, `stage` what it was busy with. */
const stages = {
  unsent: 'waiting for a connection',
  again: 'waiting to be sent again',
  headers: 'waiting for the response headers',
  body: 'reading the body',
} as const;

export function timedOut(
  code: TransportErrorCode,
  option: string,
  limit: number,
  stage: keyof typeof stages,
  request: {
    readonly origin: string;
    readonly streamId: number | undefined;
    readonly attempts: number;
    readonly unprocessed: boolean;
    /** What it is to be sent again for. */
    readonly failure: TransportError | undefined;
  },
): TransportError {
  const { origin, streamId, attempts, unprocessed, failure } = request;
  const why = failure === undefined ? '' : `. What it failed with before: ${withoutRequest(failure)}`;
  return new TransportError(
    code,
    `The request to ${origin} took longer than ${limit} ms (${option}), while ${stages[stage]}${why}`,
    {
      scope: 'request',
      initiator: 'local',
      origin,
      streamId,
      attempts,
      unprocessed,
    },
  );
}

/** A graceful GOAWAY from a connection that has served requests says nothing against sending this one again, ever. */
export function isGracefulGoAway({ code, errorCode, unprocessed }: TransportError): boolean {
  return code === 'ERR_PASSINGLANE_GOAWAY' && errorCode === 'NO_ERROR' && unprocessed;
}

/** What nobody has looked at holds all that it may. */
export function fieldsUnread(limit: number, origin: string): TransportError {
  return new TransportError(
    'ERR_PASSINGLANE_HEADERS_TOO_LARGE',
    `Headers and trailers that nobody has looked at hold all that maxBufferedBytes allows (${limit} bytes); ` +
      'read or cancel the responses that there are, or raise it',
    { scope: 'request', initiator: 'local', origin },
  );
}
