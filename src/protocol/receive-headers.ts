import { ErrorCode, Flag, ProtocolViolation } from '../wire/index.js';
import type { ConnectionState } from './connection-state.js';
import { BlockKind } from './response-fields.js';
import { responded } from './measure.js';
import { answerLate, failStream } from './reset.js';
import { endReceived, streamFrameArrived, streamOf } from './receive-stream.js';
import { advance, StreamInput } from './stream-state.js';
import type { Stream } from './stream.js';

/** A HEADERS frame: decoded from where it lies when it is whole, gathered when CONTINUATIONs follow. */
export function onHeaders(c: ConnectionState): void {
  const reader = c.reader;
  if ((reader.flags & Flag.EndHeaders) !== 0) {
    onBlock(c, reader.bytes, reader.start, reader.end, reader.flags);
    return;
  }
  c.assembly.begin(reader.flags, reader.length, reader.bytes, reader.start, reader.end);
}

export function onContinuation(c: ConnectionState): void {
  const { reader, assembly } = c;
  assembly.continue(reader.bytes, reader.start, reader.end);
  if ((reader.flags & Flag.EndHeaders) !== 0) onBlock(c, assembly.take(), 0, assembly.length, assembly.flags);
}

/** A whole header block. It is decoded whatever its stream, since the HPACK table is the connection's. */
function onBlock(c: ConnectionState, bytes: Uint8Array, start: number, end: number, flags: number): void {
  streamFrameArrived(c);
  const stream = streamOf(c);
  if (stream === undefined) c.floods.lateBlock(c.requests, c.now);
  else {
    c.floods.useful();
    c.answered = true;
    c.liveness.answered(c.now);
    responded(c, stream);
  }
  const trailers = stream?.headersReceived === true;
  if (trailers) {
    c.fields.begin(BlockKind.Trailers);
    c.decoder.decodeInto(bytes, start, end, c.fields);
  } else c.receivedBlocks.decode(c.decoder, bytes, start, end, c.fields);
  if (c.config.trace !== undefined) {
    const { type, streamId, length } = c.reader;
    const shown = c.fields.status === 0 ? c.fields.fields : [':status', String(c.fields.status), ...c.fields.fields];
    c.config.trace({ sent: false, type, flags: c.reader.flags, streamId, length, fields: shown });
  }
  if (stream === undefined) return answerLate(c, c.reader.streamId);
  advance(stream, StreamInput.RecvHeaders);
  const { malformed, tooLarge } = c.fields;
  if (malformed !== undefined) throw new ProtocolViolation(ErrorCode.ProtocolError, malformed, stream.id);
  if (tooLarge) return refuseLarge(c, stream);
  const endStream = (flags & Flag.EndStream) !== 0;
  if (trailers) onTrailers(c, stream, endStream);
  else if (c.fields.status < 200) onInformational(c, stream, endStream);
  else onFinal(c, stream, endStream);
}

function refuseLarge(c: ConnectionState, stream: Stream): void {
  const limit = c.config.maxHeaderListSize;
  const message = `The response's headers or trailers are larger than maxHeaderListSize (${limit} bytes)`;
  const error = c.error('ERR_PASSINGLANE_HEADERS_TOO_LARGE', message, 'local', { streamId: stream.id });
  failStream(c, stream, ErrorCode.ProtocolError, error);
}

/**
 * Trailers end the stream. RFC 9113 section 8.1 calls a block that does not malformed, hence a stream error, where Go
 * ends the connection.
 */
function onTrailers(c: ConnectionState, stream: Stream, endStream: boolean): void {
  if (!endStream) throw new ProtocolViolation(ErrorCode.ProtocolError, 'trailers without END_STREAM', stream.id);
  endReceived(c, stream, c.fields.fields);
}

function onInformational(c: ConnectionState, stream: Stream, endStream: boolean): void {
  const { status, fields, size } = c.fields;
  // RFC 9113 section 8.1: a 1xx cannot end the stream; section 8.6: 101 does not exist here.
  if (endStream) throw new ProtocolViolation(ErrorCode.ProtocolError, `END_STREAM on a ${status} response`, stream.id);
  stream.informationalLeft -= size;
  if (stream.informationalLeft < 0)
    throw new ProtocolViolation(ErrorCode.EnhanceYourCalm, '1xx responses without end', stream.id);
  stream.sink.onInformational(status, fields);
}

function onFinal(c: ConnectionState, stream: Stream, endStream: boolean): void {
  const { status, fields, contentLength, size } = c.fields;
  stream.headersReceived = true;
  // RFC 9110 section 6.4.1: no body follows these, whatever length they declare.
  if (status === 204 || status === 304) stream.bodyless = true;
  if (!stream.bodyless) stream.expectedLength = contentLength;
  stream.sink.onHeaders(status, fields, endStream, size);
  if (endStream) endReceived(c, stream, undefined);
}
