import { bodyStart, type OpenInit, type StreamSink } from '../protocol/index.js';
import type { HttpConnection } from '../ports/index.js';
import type { PreparedRequest } from './prepared-request.js';

/** It may go out before the peer's SETTINGS: losing it then costs nothing. */
export function mayGoEarly({ body, protocol }: PreparedRequest): boolean {
  return protocol === undefined && (body === undefined || body.repeatable);
}

/** How many bytes a connection's send window must cover before it goes out there: the beginning of its body. */
export function windowNeeded({ body, length, protocol, method }: PreparedRequest): number {
  if (protocol !== undefined || method === 'CONNECT') return bodyStart;
  if (body === undefined) return 0;
  return length < 0 ? bodyStart : Math.min(length, bodyStart);
}

/** What its stream is opened with. Followed by somebody, it may have fields of its own, so no block that was encoded before. */
export function openInit(
  request: PreparedRequest,
  sink: StreamSink,
  connection: HttpConnection,
  followed: boolean,
): OpenInit {
  const silent = (request.body === undefined || request.length === 0) && request.trailers === undefined;
  return {
    sink,
    fields: request.fields,
    block: followed ? undefined : request.block,
    endStream: silent && request.protocol === undefined && request.method !== 'CONNECT',
    atHand: request.expectContinue ? 0 : (request.body?.bytes?.length ?? 0),
    urgency: request.urgency,
    bodyless: request.method === 'HEAD',
    informationalLimit: request.onInformational === undefined ? connection.config.maxHeaderListSize : Infinity,
  };
}
