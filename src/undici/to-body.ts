import { Readable } from 'node:stream';
import { isIncomingRequest, isOldStream, type RequestBodyInit } from '../body/index.js';
import { invalidArgument } from './undici-error.js';

/** A body as undici takes it, for the transport; undefined: none, as an empty string or empty bytes are. */
export function toBody(body: unknown): RequestBodyInit | undefined {
  if (body === null || body === undefined) return undefined;
  // As bytes: undici gives a string no content-type.
  if (typeof body === 'string') return body === '' ? undefined : Buffer.from(body);
  if (typeof body !== 'object') throw wrongBody();
  if (body instanceof Uint8Array) return body.byteLength === 0 ? undefined : body;
  if (ArrayBuffer.isView(body) || body instanceof ArrayBuffer) {
    return body.byteLength === 0 ? undefined : body;
  }
  if (Symbol.asyncIterator in body || 'getReader' in body || isOldStream(body))
    return body as AsyncIterable<Uint8Array>;
  const tag = (body as { [Symbol.toStringTag]?: unknown })[Symbol.toStringTag];
  if (tag === 'FormData' || tag === 'Blob' || tag === 'File') return body as Blob;
  if (Symbol.iterator in body) return piecesOf(body as Iterable<Uint8Array | string>);
  throw wrongBody();
}

function wrongBody(): Error {
  return invalidArgument('body must be a string, a Buffer, a Readable stream, an iterable, or an async iterable');
}

async function* piecesOf(pieces: Iterable<Uint8Array | string>): AsyncGenerator<Uint8Array | string> {
  yield* pieces;
}

/** Gives up a body that was never sent. */
export function discardBody(body: unknown, reason: Error): void {
  if (!(body instanceof Readable) || isIncomingRequest(body)) return;
  body.on('error', () => undefined); // the request's error tells of it, and whoever has no other listener is not to end by it
  body.destroy(reason);
}
