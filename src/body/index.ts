/** What other rooms use of this one. */
export { type BodyOwner, BodyQueue } from './body-queue.js';
export type { ChunkReader } from './body-source.js';
export { acceptEncoding, planDecoding } from './decompress.js';
export { isIncomingRequest } from './incoming-request.js';
export { encodeMultipart, type TypedText } from './multipart.js';
export {
  isDisturbed,
  type BodyValue,
  type RequestBody,
  type RequestBodyInit,
  discardUnopened,
  isOldStream,
  isOneShot,
  jsonBody,
  jsonText,
  toRequestBody,
} from './request-body.js';
export { ResponseBody, chunksOf, gatheredFrom, handOn, sourceOf } from './response-body.js';
export { type BodyReader, detached } from './source-reader.js';
