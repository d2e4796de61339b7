import { errorCodeName, type TransportError } from '../errors.js';
import { ErrorCode, FrameType } from '../wire/index.js';
import type { ConnectionState } from './connection-state.js';
import { checkDrained, forget, list } from './lifecycle.js';
import { advance, StreamInput } from './stream-state.js';
import type { Stream } from './stream.js';

/**
 * Ends a stream from our side. Its unsealed DATA and trailers are dropped at once; the RST_STREAM is sealed when its
 * turn comes, however blocked the socket is. Nothing is sent for a stream that is over.
 */
export function resetStream(c: ConnectionState, stream: Stream, errorCode: number): void {
  if (c.streams.get(stream.id) !== stream || stream.resetCode >= 0) return;
  stream.outgoing?.drop();
  stream.resetCode = errorCode;
  list(c, stream);
  checkDrained(c);
}

/** Ends a stream for a fault found on it, and says so to its owner. */
export function failStream(c: ConnectionState, stream: Stream, errorCode: number, error: TransportError): void {
  if (c.streams.get(stream.id) !== stream || stream.resetCode >= 0) return;
  resetStream(c, stream, errorCode);
  stream.sink.onFailed(error);
}

/**
 * Ends a stream that lies above the last one of the peer's GOAWAY (RFC 9113 section 6.8). No RST_STREAM goes out where it has not
 * answered: it may know nothing of the stream, and a RST_STREAM on an idle one (section 5.1) has Apache and Go's servers
 * end the connection, and with it the streams that they were to finish.
 */
export function endUnprocessed(c: ConnectionState, stream: Stream, error: TransportError): void {
  if (stream.headersReceived) return failStream(c, stream, ErrorCode.Cancel, error);
  if (c.streams.get(stream.id) !== stream) return;
  c.closedStreams.resetByUs(stream.id); // what comes for it all the same is ignored
  advance(stream, StreamInput.SendReset);
  forget(c, stream);
  if (stream.resetCode < 0) stream.sink.onFailed(error);
}

/** Seals the stream's RST_STREAM, and with it, where the peer may be dead, the PING that will tell. */
export function sealReset(c: ConnectionState, stream: Stream): void {
  const code = stream.resetCode;
  writeReset(c, stream.id, code);
  c.closedStreams.resetByUs(stream.id);
  advance(stream, StreamInput.SendReset);
  if (!stream.headersReceived) c.liveness.gaveUp(stream.lastCreditAt); // no DATA before HEADERS: it is as it was at first
  if (holdsSlot(c, stream, code)) c.resets.hold();
  forget(c, stream);
}

function writeReset(c: ConnectionState, streamId: number, code: number): void {
  c.writer.rstStream(streamId, code);
  const detail = `error=${errorCodeName(code)}`;
  c.config.trace?.({ sent: true, type: FrameType.RstStream, flags: 0, streamId, length: 4, detail });
}

/**
 * A DATA or HEADERS has come for a stream that is over. On one that the peer had ended it may send nothing more (RFC 9113
 * section 6.1) and is told so, once. The connection lives, since other requests are on it; section 5.1 lets it end.
 */
export function answerLate(c: ConnectionState, streamId: number): void {
  if (c.streams.get(streamId) !== undefined) return; // our RST_STREAM waits to be sealed
  const late = c.closedStreams.late(streamId);
  if (late === 'ignore') return;
  if (c.reader.type === FrameType.Data) c.floods.idleFrame(c.now); // header blocks are counted where they are decoded
  if (late === 'answered') return;
  c.replies.reset();
  writeReset(c, streamId, ErrorCode.StreamClosed);
  c.events.onOutput();
}

/**
 * A request cancelled before the peer gave any sign of life since it was sent keeps its slot until a PING is
 * answered, so that a dead connection absorbs no more than its limit. Peer violations carry no PING.
 */
function holdsSlot(c: ConnectionState, stream: Stream, code: number): boolean {
  if (code !== ErrorCode.Cancel || c.closing || c.resets.streamFrames !== stream.framesAtOpen) return false;
  if (c.resets.asked) return true;
  if (!c.resets.mayAsk || !c.liveness.mayPing(c.now)) return false;
  const ping = c.liveness.pingSent(c.now, true);
  c.resets.ask(ping);
  c.pingsDue.push(ping);
  return true;
}

/** Any PING ACK confirms all resets. */
export function confirmResets(c: ConnectionState): void {
  if (c.resets.confirm() > 0) c.events.onCapacity();
}
