import type { OpenInit, StreamSink } from '../protocol/index.js';
import type { HttpConnection } from '../ports/index.js';
import type { PreparedRequest } from './prepared-request.js';

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
