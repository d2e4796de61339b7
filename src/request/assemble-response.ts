import { planDecoding, ResponseBody, type BodyQueue } from '../body/index.js';
import type { RequestHandle } from '../ports/index.js';
import { ClientResponse } from './client-response.js';
import type { PreparedRequest } from './prepared-request.js';
import type { TrailersHolder } from './trailers-holder.js';

/** The response as its caller gets it. Nothing that receives refers to it, so that an unread one can be collected. */
export function assembleResponse(
  request: PreparedRequest,
  handle: RequestHandle,
  attempts: number,
  status: number,
  fields: readonly string[],
  endStream: boolean,
  queue: BodyQueue,
  trailers: TrailersHolder,
): ClientResponse {
  const decoding = request.decompress ? planDecoding(request.method, status, endStream, fields) : undefined;
  const body = new ResponseBody(queue, request, decoding?.codings, fields, status, attempts);
  return new ClientResponse({
    status,
    fields: decoding?.fields ?? fields,
    wireFields: fields,
    statusText: handle.statusText,
    url: request.url,
    httpVersion: handle.connection.httpVersion,
    body,
    trailers,
    attempts,
    connection: handle.description,
    readTiming: request.readTiming,
  });
}
