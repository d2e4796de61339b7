import type { ConnectionState } from './connection-state.js';
import { isFilled } from './health.js';
import { bulkDeclared, bulkStart, measureGap, measureSentGap, measureStep } from './limits.js';
import { bySettings, type PathMeter } from './path-meter.js';
import { StreamState } from './stream-state.js';
import type { Stream } from './stream.js';

/** So many bytes of a body have come that is not at its end. */
export function bulkReceived(c: ConnectionState, stream: Stream, bytes: number): void {
  if (c.meter === undefined) return;
  // Where it is said beforehand, there is no need to wait for it: 16 KiB may take a second.
  if (!isDownload(stream)) return;
  const step = stream.receivedLength <= bulkStart && !stream.bulk ? 0 : measureStep;
  if (isDue(c.meter, stream, bytes, step, c.now, measureGap) && c.liveness.pingToSpare) askByPing(c, c.meter);
}

function isDownload({ receivedLength, expectedLength }: Stream): boolean {
  return receivedLength > bulkStart || expectedLength > bulkDeclared;
}

/** The same, of one that we send. The peer may say nothing for long then, and what PINGs there are, others need. */
export function bulkSent(c: ConnectionState, stream: Stream, bytes: number): void {
  stream.sentLength += bytes;
  if (c.meter === undefined || stream.sentLength <= bulkStart) return;
  if (isDue(c.meter, stream, bytes, measureStep, c.now, measureSentGap) && mayAskBySettings(c))
    askBySettings(c, c.meter);
}

/** Whether enough bulk has moved, with this, since the last question. */
function isDue(meter: PathMeter, stream: Stream, bytes: number, step: number, now: number, gap: number): boolean {
  if (!stream.bulk) {
    stream.bulk = true;
    meter.bulkStreams++;
  }
  meter.moved += bytes;
  const [since, time] = meter.movedSince(now);
  return !meter.asking && since >= step && time >= meter.gapFor(gap);
}

/** A stream is over. */
export function bulkEnded(c: ConnectionState): void {
  const { meter } = c;
  if (meter === undefined || --meter.bulkStreams > 0) return;
  meter.emptied();
}

function askByPing(c: ConnectionState, meter: PathMeter): void {
  // Whether what is on the way now is no more than the bulk's share.
  const held = !c.streams.values().some((stream) => stream.bulk && stream.recvTarget > 1.25 * meter.share);
  const id = c.liveness.pingSent(c.now, true);
  meter.asked(id, c.now, held, Infinity);
  c.pingsDue.push(id);
  c.events.onOutput();
}

function mayAskBySettings(c: ConnectionState): boolean {
  // What a peer answers that has called the connection broken would pass for a sign that it goes on with it.
  return c.liveness.settingsSentAt < 0 && c.ourSettingsAcked && c.failure === undefined && !c.goAway.broken;
}

function askBySettings(c: ConnectionState, meter: PathMeter): void {
  c.askBySettings();
  meter.asked(bySettings, c.now, false, c.liveness.limits.stallTimeout);
  c.events.onOutput();
}

/** Bytes have come, or gone. What goes tells of the path only where that is bulk: for small requests a socket has room. */
export function alive(c: ConnectionState, received: boolean): void {
  const { meter } = c;
  if (!meter?.asking || !(received || meter.ofSending)) return;
  meter.alive(c.now);
  if (meter.filled || !isFilled(meter.trip(c.now, true), meter.path.floor, false)) return;
  if (isBulkUnderWay(c, meter)) fill(c, meter);
}

/**
 * Bulk comes or goes, here or, where there is none here, on another connection to the address. What was sent to its end has
 * left the queue once a question is answered.
 */
function isBulkUnderWay(c: ConnectionState, { bulkStreams, path }: PathMeter): boolean {
  if (bulkStreams === 0) return path.isFilled(c.now);
  const { HalfClosedLocal } = StreamState;
  return c.streams.values().some((one) => one.bulk && (isDownload(one) || one.state !== HalfClosedLocal));
}

/** An answer has come after so long, to the question of this ID, or to the first SETTINGS (-1). */
export function answered(c: ConnectionState, question: number, took: number): void {
  const { meter, liveness: live } = c;
  if (meter === undefined) return live.sample(took);
  const { path } = meter;
  const ours = meter.isAnswer(question);
  const bulk = isBulkUnderWay(c, meter);
  const trip = ours ? meter.trip(c.now, bulk) : { took, silence: 0, bulk };
  path.sample(took, c.now);
  const filled = isFilled(trip, path.floor, meter.filled);
  if (ours) meter.answered(c.now);
  else meter.told(took, c.now);
  if (filled) return fill(c, meter);
  live.sample(took); // how long it takes to be heard of where nothing is in the way
  if (!meter.filled) return;
  meter.filled = false;
  c.events.onCapacity();
}

function fill(c: ConnectionState, meter: PathMeter): void {
  if (meter.bulkStreams > 0) meter.path.fill(c.now + 2 * meter.delay(c.now) + measureGap);
  if (meter.filled) return;
  meter.filled = true;
  c.events.onCapacity();
}

/** Asks whether the path is filled still, now that no more bulk moves that would. */
export function remeasure(c: ConnectionState): void {
  const { meter } = c;
  if (meter === undefined || meter.asking) return;
  if (c.streams.size > 0 && mayAskBySettings(c)) return askBySettings(c, meter);
  meter.filled = false;
  c.events.onCapacity();
}

/** Requests go around another connection by this one: asks now and then whether it is the faster way. */
export function measure(c: ConnectionState): void {
  const { meter } = c;
  if (meter !== undefined && !meter.asking && c.now >= meter.dueAt && mayAskBySettings(c)) askBySettings(c, meter);
}
