import { errorCodeName } from '../errors.js';
import { HpackError } from '../hpack/index.js';
import { ErrorCode, Flag, FrameType, max31, noBytes, ProtocolViolation, uint32 } from '../wire/index.js';
import type { ConnectionState } from './connection-state.js';
import { checkDrained, connectionError, forget, stopReuse, unblock } from './lifecycle.js';
import { alive, answered, bulkReceived, creditUsed, stopMeasuring } from './measure.js';
import { onContinuation, onHeaders } from './receive-headers.js';
import { creditStream, endReceived, lengthMismatch, streamFrameArrived, streamOf } from './receive-stream.js';
import { bySettings } from './path-meter.js';
import { answerLate, confirmResets, endUnprocessed, failStream } from './reset.js';
import { advance, StreamInput } from './stream-state.js';
import type { Stream } from './stream.js';
import { describePayload } from './trace.js';

/**
 * Takes in bytes from the peer, in any chunking. A breach of the protocol becomes an event here, and nowhere else: of a
 * stream, which is reset while the rest goes on, or of the connection, which ends; events from before it stand.
 */
export function receive(c: ConnectionState, bytes: Uint8Array): void {
  if (c.failure !== undefined) return;
  const probing = c.liveness.probeSentAt >= 0;
  c.liveness.received(c.now);
  alive(c, true);
  if (probing) c.events.onCapacity();
  if (!c.peer.received) c.opening.take(bytes);
  c.reader.push(bytes);
  for (;;) {
    try {
      while (c.reader.next()) {
        if (c.config.trace !== undefined) traceFrame(c);
        onFrame(c);
        if (c.failure !== undefined) return;
      }
      if (c.credit.due) c.events.onOutput();
      return c.config.budget.wake(); // what nobody will read has left its room to others
    } catch (error) {
      if (error instanceof HpackError) connectionError(c, ErrorCode.CompressionError, error.message);
      else if (!(error instanceof ProtocolViolation)) throw error;
      else if (error.streamId === 0) connectionError(c, error.errorCode, error.message);
      else streamViolated(c, error);
      if (c.failure !== undefined) return;
    }
  }
}

/** Header blocks are traced once they are decoded; DATA once, on its first piece. */
function traceFrame(c: ConnectionState): void {
  const { type, flags, streamId, length, first } = c.reader;
  const block = type === FrameType.Headers || type === FrameType.Continuation;
  if (!first || (block && (flags & Flag.EndHeaders) !== 0)) return;
  c.config.trace?.({ sent: false, type, flags, streamId, length, detail: describePayload(c.reader) });
}

/** A stream error (RFC 9113 section 5.4.2): RST_STREAM goes out, the connection lives. */
function streamViolated(c: ConnectionState, violation: ProtocolViolation): void {
  c.resets.streamFrame();
  const stream = c.streams.get(violation.streamId);
  if (stream === undefined) return;
  const error = c.error(
    'ERR_PASSINGLANE_PROTOCOL',
    `The server broke HTTP/2 on this stream: ${violation.message}`,
    'local',
    {
      streamId: stream.id,
      errorCode: violation.errorCode,
    },
  );
  failStream(c, stream, violation.errorCode, error);
}

function onFrame(c: ConnectionState): void {
  const reader = c.reader;
  // RFC 9113 section 3.4: the peer's first frame is SETTINGS, and not an acknowledgement.
  if (!c.peer.received && (reader.type !== FrameType.Settings || (reader.flags & Flag.Ack) !== 0))
    throw new ProtocolViolation(ErrorCode.ProtocolError, 'the first frame was not SETTINGS');
  switch (reader.type) {
    case FrameType.Data:
      return onData(c);
    case FrameType.Headers:
      return onHeaders(c);
    case FrameType.Continuation:
      return onContinuation(c);
    case FrameType.RstStream:
      return onReset(c);
    case FrameType.Settings:
      return onSettings(c);
    case FrameType.Ping:
      return onPing(c);
    case FrameType.GoAway:
      return onGoAway(c);
    case FrameType.WindowUpdate:
      return onWindowUpdate(c);
    case FrameType.PushPromise:
      // RFC 9113 section 8.4: we have said ENABLE_PUSH=0.
      throw new ProtocolViolation(ErrorCode.ProtocolError, 'PUSH_PROMISE, though push is off');
    default: // PRIORITY, PRIORITY_UPDATE, ALTSVC, ORIGIN and unknown types mean nothing to us (RFC 9113 section 5.5)
      return c.floods.idleFrame(c.now);
  }
}

function onData(c: ConnectionState): void {
  const reader = c.reader;
  if (reader.first) {
    // The whole frame counts, padding included, whatever becomes of it (RFC 9113 sections 6.1 and 6.9.1); and all of
    // it goes back at once, as far as the budget lets it: this is the one place where connection credit returns.
    if (!c.credit.charge(reader.length))
      throw new ProtocolViolation(ErrorCode.FlowControlError, 'more DATA than the connection window allows');
    c.credit.refund(reader.length);
    streamFrameArrived(c);
    if (reader.length === reader.overhead && (reader.flags & Flag.EndStream) === 0) c.floods.idleFrame(c.now);
  }
  const { start } = reader;
  let { end } = reader;
  c.credit.arrived(end - start + reader.overhead);
  const stream = streamOf(c);
  if (stream === undefined) {
    if (reader.first) answerLate(c, reader.streamId);
    return;
  }
  if (reader.first) {
    openDataFrame(c, stream);
    creditUsed(c, stream, reader.length);
  }
  if (end > start) {
    const room = stream.expectedLength < 0 ? Infinity : stream.expectedLength - stream.receivedLength;
    const excess = end - start > room;
    if (excess) end = start + room;
    stream.receivedLength += end - start;
    if (end > start) {
      stream.unread += end - start;
      if (!(reader.last && (reader.flags & Flag.EndStream) !== 0)) bulkReceived(c, stream, end - start);
      c.credit.take(end - start);
      stream.sink.onData(reader.bytes, start, end);
    }
    if (excess) return lengthMismatch(c, stream, 'longer');
  }
  if (reader.last && (reader.flags & Flag.EndStream) !== 0) endReceived(c, stream, undefined);
}

function openDataFrame(c: ConnectionState, stream: Stream): void {
  const reader = c.reader;
  if (reader.length > reader.overhead || (reader.flags & Flag.EndStream) !== 0) c.floods.useful();
  if (reader.length > stream.recvWindow)
    throw new ProtocolViolation(ErrorCode.FlowControlError, `more DATA than the window of stream ${stream.id} allows`);
  stream.recvWindow -= reader.length;
  advance(stream, StreamInput.RecvData);
  if (!stream.headersReceived)
    throw new ProtocolViolation(ErrorCode.ProtocolError, 'DATA before the final response headers', stream.id);
  if (stream.bodyless && reader.length > reader.overhead)
    throw new ProtocolViolation(ErrorCode.ProtocolError, 'DATA in a response that has no body', stream.id);
  if (reader.overhead > 0) creditStream(c, stream, reader.overhead);
}

function onReset(c: ConnectionState): void {
  c.resets.streamFrame();
  const code = c.reader.value;
  const known = c.streams.get(c.reader.streamId);
  const stream = streamOf(c);
  if (stream === undefined) {
    // Our own reset may wait to be sealed: it is no longer needed.
    if (known !== undefined) forget(c, known);
    else c.floods.idleFrame(c.now);
    return;
  }
  // Before any response the peer says that it has not acted (RFC 9113 section 8.7), or not over HTTP/2.
  const refused = code === ErrorCode.RefusedStream || code === ErrorCode.Http11Required;
  const name = errorCodeName(code);
  const error = c.error('ERR_PASSINGLANE_STREAM_RESET', `The server reset the stream: ${name}`, 'remote', {
    streamId: stream.id,
    errorCode: code,
    unprocessed: refused && !stream.headersReceived,
  });
  advance(stream, StreamInput.RecvReset);
  forget(c, stream);
  stream.sink.onFailed(error);
  if (code === ErrorCode.ProtocolError) stopReuse(c); // We may have confused it for good
}

function onSettings(c: ConnectionState): void {
  const reader = c.reader;
  c.floods.idleFrame(c.now);
  if ((reader.flags & Flag.Ack) !== 0) {
    const sentAt = c.liveness.settingsAcked();
    if (sentAt < 0) throw new ProtocolViolation(ErrorCode.ProtocolError, 'an ACK of SETTINGS that were not sent');
    if (!c.ourSettingsAcked) c.decoder.setMaxTableSize(c.config.headerTableSize);
    c.ourSettingsAcked = true;
    answered(c, bySettings, c.now - sentAt);
    return;
  }
  const peer = c.peer;
  const first = !peer.received;
  if (first) c.liveness.idle(c.now);
  const windowBefore = peer.initialWindow;
  const tableBefore = peer.headerTableSize;
  peer.apply(reader.bytes, reader.start, reader.end);
  const change = peer.initialWindow - windowBefore;
  if (change !== 0) shiftWindows(c, change);
  // RFC 7541 section 4.2: a size that was lower in between has shrunk the peer's table, and must be announced.
  const least = peer.leastHeaderTableSize;
  if (least < tableBefore) c.encoder.setTableSize(least);
  if (peer.headerTableSize !== least) c.encoder.setTableSize(peer.headerTableSize);
  // Applying and acknowledging are one step: nothing is encoded between them.
  c.replies.settings();
  c.writer.settingsAck();
  c.config.trace?.({ sent: true, type: FrameType.Settings, flags: Flag.Ack, streamId: 0, length: 0 });
  c.events.onSettings(first);
  c.events.onCapacity();
  c.events.onOutput();
}

/**
 * RFC 9113 section 6.9.2: a new initial window moves every stream's window, below zero if need be. What costs the peer one
 * frame costs us a step for each stream, so it counts by those.
 */
function shiftWindows(c: ConnectionState, change: number): void {
  for (let streams = c.streams.size; streams > 0; streams -= shiftsAFrame) c.floods.idleFrame(c.now);
  c.streams.each((stream) => {
    stream.sendWindow += change;
    if (stream.sendWindow > max31)
      throw new ProtocolViolation(ErrorCode.FlowControlError, 'INITIAL_WINDOW_SIZE overflows the window of a stream');
    const { outgoing } = stream;
    if (change > 0 && outgoing?.chunk !== undefined) c.scheduler.add(outgoing);
  });
}

function onPing(c: ConnectionState): void {
  const { bytes, start, end, flags } = c.reader;
  c.floods.idleFrame(c.now);
  if ((flags & Flag.Ack) === 0) {
    c.replies.ping(bytes.slice(start, end));
    c.events.onOutput();
    return;
  }
  if (uint32(bytes, start) !== c.config.pingSeed) return;
  const id = uint32(bytes, start + 4);
  const sentAt = c.liveness.pong(id, c.now);
  if (sentAt < 0) return;
  if (sentAt < Infinity) answered(c, id, c.now - sentAt);
  confirmResets(c);
  c.events.onPong(id);
  c.events.onCapacity();
}

/** So many windows that SETTINGS move count as a frame that carries nothing. */
const shiftsAFrame = 1_000;

/** The debug data by which gRPC servers say why they have had enough. */
const tooManyPings = 'too_many_pings';

/** Ends the streams that the peer will not act on (RFC 9113 section 6.8); the others run on. */
function onGoAway(c: ConnectionState): void {
  const reader = c.reader;
  c.floods.idleFrame(c.now);
  const debugData = debugText(reader.end > reader.start ? reader.bytes.slice(reader.start, reader.end) : noBytes);
  if (reader.value === ErrorCode.EnhanceYourCalm) {
    const ofPings = debugData === tooManyPings;
    if (ofPings) c.liveness.calm();
    if (stopMeasuring(c) || ofPings || c.liveness.probed) c.events.onTooManyPings(c.liveness.pingGap);
  }
  c.goAway.receive(reader.lastStreamId, reader.value, debugData);
  const { lastStreamId, code, said } = c.goAway;
  for (const stream of c.streams.values()) {
    if (stream.id <= lastStreamId) continue;
    // An error on a connection's very first request is probably about that request.
    const ours = stream.id === 1 && code !== ErrorCode.NoError;
    const what = stream.headersReceived ? 'goes no further with' : 'did not process';
    const error = c.error('ERR_PASSINGLANE_GOAWAY', `The server sent ${said} and ${what} this request`, 'remote', {
      streamId: stream.id,
      errorCode: code,
      unprocessed: !ours && !stream.headersReceived,
    });
    endUnprocessed(c, stream, error);
  }
  c.events.onGoAway(lastStreamId, reader.value);
  c.events.onCapacity();
  checkDrained(c);
}

/** Debug data as printable text, for messages; it is the peer's, so it is bounded. */
function debugText(bytes: Uint8Array): string {
  let text = '';
  for (const byte of bytes.subarray(0, 200)) text += byte >= 0x20 && byte < 0x7f ? String.fromCharCode(byte) : '?';
  return text;
}

function onWindowUpdate(c: ConnectionState): void {
  const { streamId, value: increment } = c.reader;
  c.resets.streamFrame();
  c.floods.idleFrame(c.now); // DATA of ours that it lets through starts the count again: seal.ts
  const stream = streamId === 0 ? undefined : streamOf(c);
  if (increment === 0) throw new ProtocolViolation(ErrorCode.ProtocolError, 'a WINDOW_UPDATE of 0', streamId);
  if (streamId === 0) {
    const wasShort = c.window.gain(increment, c.now);
    if (c.window.left > max31)
      throw new ProtocolViolation(ErrorCode.FlowControlError, 'a WINDOW_UPDATE overflows the connection window');
    if (c.blocked.size > 0) unblock(c);
    if (wasShort) c.events.onCapacity();
    c.events.onOutput();
    return;
  }
  if (stream === undefined) return;
  advance(stream, StreamInput.RecvWindowUpdate);
  stream.sendWindow += increment;
  if (stream.sendWindow > max31)
    throw new ProtocolViolation(
      ErrorCode.FlowControlError,
      'a WINDOW_UPDATE overflows the window of the stream',
      streamId,
    );
  const { outgoing } = stream;
  if (outgoing?.chunk !== undefined) {
    c.scheduler.add(outgoing);
    c.events.onOutput();
  }
}
