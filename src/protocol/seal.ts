import { TransportError } from '../errors.js';
import { ErrorCode, Flag, FrameType } from '../wire/index.js';
import type { ConnectionState } from './connection-state.js';
import { announceStream } from './credit.js';
import { forget } from './lifecycle.js';
import { usefulData } from './limits.js';
import { bulkSent, credited } from './measure.js';
import { encodeBlock, type SharedBlock } from './repeated-block.js';
import { fieldListSize } from './request-fields.js';
import { failStream, sealReset } from './reset.js';
import { settingsPayload } from './settings.js';
import { advance, StreamInput, StreamState } from './stream-state.js';
import type { Outgoing, Stream } from './stream.js';
import { describeSettings } from './trace.js';

/** The client's preface: magic, SETTINGS, and the connection window raised to its target (RFC 9113 section 3.4). */
export function sealPreface(c: ConnectionState): void {
  const settings = settingsPayload(c.config);
  c.writer.preface();
  sealSettings(c, settings);
  const raise = c.credit.target - 65_535;
  if (raise > 0) windowUpdate(c, 0, raise);
  c.liveness.settingsSent(c.now);
}

function sealSettings(c: ConnectionState, settings: ReturnType<typeof settingsPayload>): void {
  c.writer.settings(settings);
  const detail = describeSettings(settings);
  c.config.trace?.({
    sent: true,
    type: FrameType.Settings,
    flags: 0,
    streamId: 0,
    length: settings.length * 6,
    detail,
  });
}

/** Encodes a header block and seals it in one step, so that HPACK order is wire order. */
export function sealHeaders(
  c: ConnectionState,
  stream: Stream,
  fields: readonly string[],
  endStream: boolean,
  shared: SharedBlock | undefined,
): void {
  const block = shared === undefined ? encodeBlock(c.encoder, fields) : shared.encode(c.encoder, fields);
  c.writer.headers(stream.id, block, endStream, c.peer.maxFrameSize);
  if (c.config.trace !== undefined) {
    const flags = endStream ? Flag.EndHeaders | Flag.EndStream : Flag.EndHeaders;
    c.config.trace({ sent: true, type: FrameType.Headers, flags, streamId: stream.id, length: block.length, fields });
  }
  advance(stream, StreamInput.SendHeaders);
  if (endStream) advance(stream, StreamInput.SendEndStream);
}

/** Throws ERR_PASSINGLANE_HEADERS_TOO_LARGE when the fields exceed what the peer accepts. */
export function checkListSize(c: ConnectionState, fields: readonly string[], what: 'headers' | 'trailers'): void {
  const limit = c.peer.maxHeaderListSize;
  if (limit === Infinity) return;
  const size = fieldListSize(fields);
  if (size <= limit) return;
  throw new TransportError(
    'ERR_PASSINGLANE_HEADERS_TOO_LARGE',
    `The request ${what} are too large for ${c.config.origin}: ${size} bytes, where it accepts ${limit}`,
    { scope: 'request', initiator: 'user', origin: c.config.origin, unprocessed: what === 'headers' },
  );
}

/**
 * Seals what waits, up to the high-water mark: first control, then DATA by urgency and turn. New requests are sealed by
 * `openStream`, which is allowed only below it.
 */
export function seal(c: ConnectionState): void {
  sealOwedReplies(c);
  sealQuestions(c);
  sealListed(c);
  // A reset just sealed may have added the PING that goes with it.
  sealQuestions(c);
  if (!c.atHighWaterMark) {
    const increment = c.credit.announce(c.now, c.liveness.roundTrip);
    if (increment > 0) windowUpdate(c, 0, increment);
  }
  while (!c.atHighWaterMark) {
    const outgoing = c.scheduler.next();
    if (outgoing === undefined) return;
    sealData(c, outgoing);
    // Right behind the bulk that it is about, and not behind the end of a body: Tomcat 10 ends the connection where a frame
    // comes in one piece with that.
    sealQuestions(c);
  }
}

function sealOwedReplies(c: ConnectionState): void {
  while (c.replies.waiting > 0 && !c.atHighWaterMark) {
    c.writer.ping(c.replies.next()!, true);
    c.config.trace?.({ sent: true, type: FrameType.Ping, flags: Flag.Ack, streamId: 0, length: 8 });
  }
}

const pingPayload = new Uint8Array(8);

/** What asks the peer for an answer: PINGs, and an empty SETTINGS. */
function sealQuestions(c: ConnectionState): void {
  if (c.settingsDue && !c.atHighWaterMark) {
    c.settingsDue = false;
    sealSettings(c, []);
    c.liveness.probeSealed(c.now);
  }
  while (c.pingsDue.length > 0 && !c.atHighWaterMark) {
    const view = new DataView(pingPayload.buffer);
    view.setUint32(0, c.config.pingSeed);
    view.setUint32(4, c.pingsDue.shift()!);
    c.writer.ping(pingPayload, false);
    c.liveness.probeSealed(c.now);
    c.config.trace?.({ sent: true, type: FrameType.Ping, flags: 0, streamId: 0, length: 8 });
  }
}

/** RST_STREAM, or else WINDOW_UPDATE, of the streams that have one due; never the second once the first is sealed. */
function sealListed(c: ConnectionState): void {
  if (c.listed.length === 0) return; // to set the length of an array, even to what it is, is a slow call
  let done = 0;
  while (done < c.listed.length && !c.atHighWaterMark) {
    const stream = c.listed[done++]!;
    stream.listed = false;
    if (stream.resetCode >= 0) {
      if (c.streams.get(stream.id) === stream) sealReset(c, stream);
      continue;
    }
    if (stream.state !== StreamState.Open && stream.state !== StreamState.HalfClosedLocal) continue;
    // What fills the path already would only stand in its queue for longer.
    const most = c.meter?.filled === true ? 0 : c.config.maxStreamWindow;
    const held = stream.bulk ? c.meter!.share : Infinity;
    const left = stream.recvWindow;
    const increment = announceStream(stream, most, held, c.now, c.liveness.roundTrip);
    if (increment === 0) continue;
    credited(c, stream, left);
    advance(stream, StreamInput.SendWindowUpdate);
    windowUpdate(c, stream.id, increment);
  }
  if (done === c.listed.length) c.listed.length = 0;
  else c.listed.splice(0, done);
}

function windowUpdate(c: ConnectionState, streamId: number, increment: number): void {
  c.writer.windowUpdate(streamId, increment);
  const detail = `increment=${increment}`;
  c.config.trace?.({ sent: true, type: FrameType.WindowUpdate, flags: 0, streamId, length: 4, detail });
}

/** One DATA frame of the stream, within both windows and the peer's frame size; or its trailers, or its end. */
function sealData(c: ConnectionState, outgoing: Outgoing): void {
  const { stream, chunk } = outgoing;
  if (stream.resetCode >= 0 || c.streams.get(stream.id) !== stream) return;
  if (chunk === undefined) {
    if (outgoing.ends && outgoing.trailers !== undefined) sealTrailers(c, outgoing, outgoing.trailers);
    return;
  }
  if (chunk.length < outgoing.chunkLength) return failDetached(c, stream);
  if (stream.bulk && c.meter?.waitsForTurn(c.now) === true) {
    c.paced.add(outgoing);
    return;
  }
  const left = chunk.length - outgoing.chunkAt;
  // RFC 9113 section 6.9: an empty frame needs no window, so it goes out even where that is below zero.
  const window = c.window.free + outgoing.promised;
  const size = left === 0 ? 0 : Math.min(left, stream.sendWindow, window, c.peer.maxFrameSize);
  if (size < left && (size <= 0 || c.smallData.holds(outgoing, size, c.peer.initialWindow, c.now))) {
    // Whoever opens the window that is short puts it back: receive.ts.
    if (stream.sendWindow > Math.max(0, window)) c.blocked.add(outgoing);
    if (!outgoing.windowWait) reportWindow(outgoing, true);
    return;
  }
  advance(stream, StreamInput.SendData);
  if (outgoing.windowWait) {
    c.smallData.delete(outgoing);
    reportWindow(outgoing, false);
  }
  const whole = size === left;
  if (whole || size >= usefulData) c.floods.useful();
  const endStream = whole && outgoing.ends && outgoing.trailers === undefined;
  c.writer.data(stream.id, chunk, outgoing.chunkAt, outgoing.chunkAt + size, endStream);
  const flags = endStream ? Flag.EndStream : 0;
  c.config.trace?.({ sent: true, type: FrameType.Data, flags, streamId: stream.id, length: size });
  const promised = Math.min(outgoing.promised, size);
  outgoing.promised -= promised;
  stream.sendWindow -= size;
  c.window.take(size, promised, c.now);
  if (!endStream) bulkSent(c, outgoing, size);
  outgoing.chunkAt += size;
  if (!whole) c.scheduler.add(outgoing);
  else chunkSealed(c, outgoing, endStream);
}

function reportWindow(outgoing: Outgoing, waits: boolean): void {
  outgoing.windowWait = waits;
  outgoing.stream.sink.onWindow?.(waits);
}

/** The caller transferred a buffer that we had borrowed: this stream ends, and no shorter body passes for the whole. */
function failDetached(c: ConnectionState, stream: Stream): void {
  const message =
    'The request body was detached (transferred) before all of it was sent: bytes are borrowed until then';
  const error = new TransportError('ERR_PASSINGLANE_REQUEST_BODY', message, {
    scope: 'request',
    initiator: 'user',
    origin: c.config.origin,
    streamId: stream.id,
  });
  failStream(c, stream, ErrorCode.Cancel, error);
}

function chunkSealed(c: ConnectionState, outgoing: Outgoing, endStream: boolean): void {
  outgoing.chunk = undefined;
  outgoing.chunkAt = 0;
  if (endStream) endSealed(c, outgoing.stream);
  else if (outgoing.ends) c.scheduler.add(outgoing);
  else c.drainedStreams.push(outgoing.stream);
}

function sealTrailers(c: ConnectionState, outgoing: Outgoing, fields: readonly string[]): void {
  const { stream } = outgoing;
  outgoing.trailers = undefined;
  sealHeaders(c, stream, fields, true, undefined);
  sent(c, stream);
}

function endSealed(c: ConnectionState, stream: Stream): void {
  advance(stream, StreamInput.SendEndStream);
  sent(c, stream);
}

function sent(c: ConnectionState, stream: Stream): void {
  stream.sink.onSent();
  if (stream.state === StreamState.Closed) forget(c, stream);
}
