import { ErrorCode, ProtocolViolation } from '../wire/index.js';
import type { ConnectionState } from './connection-state.js';
import { askAfterStall } from './deadlines.js';
import { forget, list } from './lifecycle.js';
import { failStream } from './reset.js';
import { StreamInput, StreamState, step, violationOf } from './stream-state.js';
import type { Stream } from './stream.js';

/** A HEADERS or DATA has come, of whatever stream: a sign of life that PINGs are counted from. */
export function streamFrameArrived(c: ConnectionState): void {
  c.resets.streamContent();
  c.liveness.receivedStreamFrame();
  askAfterStall(c);
}

/** The stream of a frame; undefined when it is one that we have forgotten. An idle one is a connection error (section 5.1). */
export function streamOf(c: ConnectionState): Stream | undefined {
  const id = c.reader.streamId;
  const stream = c.streams.get(id);
  if (stream === undefined && (id >= c.nextStreamId || id % 2 === 0))
    throw new ProtocolViolation(ErrorCode.ProtocolError, `a frame for stream ${id}, which was never opened`);
  return stream !== undefined && stream.resetCode >= 0 ? undefined : stream;
}

/** Gives stream credit back for bytes read or padding; it is announced in batches. */
export function creditStream(c: ConnectionState, stream: Stream, bytes: number): void {
  stream.owed += bytes;
  if (stream.owed * 2 >= stream.recvTarget || stream.owed >= stream.recvWindow) list(c, stream);
}

/** END_STREAM from the peer: the response is whole, or not what its Content-Length said (RFC 9113 section 8.1.1). */
export function endReceived(c: ConnectionState, stream: Stream, trailers: readonly string[] | undefined): void {
  const next = step(stream.state, StreamInput.RecvEndStream);
  if (next < 0) throw violationOf(stream.state, StreamInput.RecvEndStream, stream.id);
  if (stream.expectedLength >= 0 && stream.receivedLength !== stream.expectedLength)
    return lengthMismatch(c, stream, 'shorter');
  stream.state = next as StreamState;
  stream.sink.onEnd(trailers);
  if (stream.state === StreamState.Closed) forget(c, stream);
}

/** The body is not what its Content-Length said: what had arrived stands, and then this error. */
export function lengthMismatch(c: ConnectionState, stream: Stream, how: 'shorter' | 'longer'): void {
  const message = `The response body is ${how} than its Content-Length of ${stream.expectedLength} bytes`;
  const error = c.error('ERR_PASSINGLANE_RESPONSE_LENGTH', message, 'remote', {
    streamId: stream.id,
    errorCode: ErrorCode.ProtocolError,
  });
  failStream(c, stream, ErrorCode.ProtocolError, error);
}
