import type { ConnectionState } from './connection-state.js';
import { isFilled } from './health.js';
import {
  bulkDeclared,
  bulkStart,
  manyQuestions,
  manySentQuestions,
  measureGap,
  measureSentGap,
  measureStep,
  measureStepWaited,
  rareGap,
  rareSentGap,
} from './limits.js';
import { bySettings, type PathMeter } from './path-meter.js';
import { StreamState } from './stream-state.js';
import type { Outgoing, Stream } from './stream.js';

/** How many milliseconds lie between two questions: `least` at the beginning, `many` times, and when something changes. */
interface Pace {
  readonly least: number;
  readonly many: number;
  readonly rare: number;
}

const received: Pace = { least: measureGap, many: manyQuestions, rare: rareGap };
const sent: Pace = { least: measureSentGap, many: manySentQuestions, rare: rareSentGap };

/** So many bytes of a body have come that is not at its end. */
export function bulkReceived(c: ConnectionState, stream: Stream, bytes: number): void {
  const { meter } = c;
  if (stream.outgoing !== undefined) stream.outgoing.asksSince = Infinity;
  if (meter === undefined || !isDownload(stream)) return;
  // Where it is said beforehand, there is no need to wait for it: 16 KiB may take a second.
  const step = stream.receivedLength <= bulkStart && !stream.bulk ? 0 : measureStep;
  moved(meter, stream, bytes);
  if (isDue(c, meter, step, received)) tryPing(c, meter, false);
}

function isDownload({ receivedLength, expectedLength }: Stream): boolean {
  return receivedLength > bulkStart || expectedLength > bulkDeclared;
}

/** The same, of one that we send. The peer may say nothing for long then, and what PINGs there are, others need. */
export function bulkSent(c: ConnectionState, outgoing: Outgoing, bytes: number): void {
  if (outgoing.asksSince === Infinity) {
    outgoing.asksSince = c.now;
    outgoing.sentBefore = outgoing.sentLength;
  }
  outgoing.sentLength += bytes;
  const { meter } = c;
  if (meter === undefined || outgoing.sentLength <= bulkStart) return;
  moved(meter, outgoing.stream, bytes);
  meter.sent(bytes, c.sealed, c.now);
  if (isDue(c, meter, measureStep, sent) && !trySettings(c, meter)) tryPing(c, meter, true);
}

function moved(meter: PathMeter, stream: Stream, bytes: number): void {
  if (!stream.bulk) {
    stream.bulk = true;
    meter.bulkStreams++;
  }
  meter.moved += bytes;
}

/** Whether enough bulk has moved since the last question, and there is something to find out. */
function isDue(c: ConnectionState, meter: PathMeter, step: number, { least, many, rare }: Pace): boolean {
  const [since, time] = meter.movedSince(c.now);
  if (meter.asking || time < least) return false;
  if (since >= step && (meter.urgent || meter.questions < many || time >= rare)) return true;
  if (since < Math.min(step, measureStepWaited) || meter.filled) return false;
  return meter.looks(c.now, least) && isWaitedFor(c, meter.path.floor);
}

/** Something small has waited for its answer for so long that bulk may be what it waits for: a request, or what a tunnel was given to carry. */
function isWaitedFor(c: ConnectionState, floor: number): boolean {
  const isLong = (since: number): boolean => isFilled({ took: c.now - since, silence: 0, bulk: true }, floor, false);
  return c.streams.values().some(({ bulk, headersReceived, lastCreditAt, outgoing }) => {
    if (!headersReceived) return !bulk && isLong(lastCreditAt);
    if (outgoing === undefined || outgoing.sentLength > outgoing.sentBefore + bulkStart) return false;
    return isLong(outgoing.asksSince);
  });
}

/** A stream is over. */
export function bulkEnded(c: ConnectionState, stream: Stream): void {
  const { meter } = c;
  if (meter === undefined) return;
  meter.streamEnded(stream);
  if (--meter.bulkStreams === 0) meter.emptied();
}

/** A frame of DATA begins, of so many bytes: it may be the first that credit has let the peer send. */
export function creditUsed(c: ConnectionState, stream: Stream, bytes: number): void {
  const { meter } = c;
  if (meter === undefined || !stream.bulk) return;
  const trip = meter.came(stream, bytes, c.now);
  if (trip === undefined) return;
  meter.path.sample(trip.took, c.now);
  meter.creditAnswered(trip, mayPing(c, meter), isInEffect(c, meter), c.now);
  if (!isFilled({ ...trip, silence: 0, bulk: true }, meter.path.floor, true)) empty(c, meter);
}

/** Credit has been given to a stream that could have sent so much without it. */
export function credited(c: ConnectionState, stream: Stream, left: number): void {
  if (stream.bulk) c.meter?.credited(stream, left, c.now);
}

/** What a peer answers that has called the connection broken would pass for a sign that it goes on with it. */
function mayPing(c: ConnectionState, { path }: PathMeter): boolean {
  return !path.calmed && c.now >= c.liveness.measuringPingAt && !c.goAway.broken;
}

/** What is on the way now is no more than the bulk's share. */
function isInEffect(c: ConnectionState, { share }: PathMeter): boolean {
  return !c.streams.values().some((stream) => stream.bulk && stream.recvTarget > 1.25 * share);
}

/** @param sending the question is about what we send */
function tryPing(c: ConnectionState, meter: PathMeter, sending: boolean): boolean {
  if (!mayPing(c, meter)) return false;
  const id = c.liveness.pingSent(c.now, true);
  meter.asked(id, c.now, isInEffect(c, meter), sending, c.sealed, sending ? c.liveness.limits.stallTimeout : Infinity);
  c.pingsDue.push(id);
  c.events.onOutput();
  return true;
}

function trySettings(c: ConnectionState, meter: PathMeter): boolean {
  const due = c.now >= c.liveness.measuringSettingsAt && !meter.path.calmed;
  if (!due || !c.ourSettingsAcked || c.failure !== undefined || c.goAway.broken) return false;
  c.askBySettings();
  meter.asked(bySettings, c.now, false, true, c.sealed, c.liveness.limits.stallTimeout);
  c.events.onOutput();
  return true;
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
 * Bulk comes or goes, here or, where there is none here, on another connection to the address: it was found to fill the path, or
 * is sent there, into a kernel that takes so much of it that nothing else tells, while nothing here is answered soon. What was sent to its end has
 * left the queue once a question is answered.
 */
function isBulkUnderWay(c: ConnectionState, meter: PathMeter): boolean {
  const { bulkStreams, path } = meter;
  if (bulkStreams === 0) return path.isFilled(c.now) || meter.isHeldUp(c.now);
  const { HalfClosedLocal } = StreamState;
  return c.streams.values().some((one) => one.bulk && (isDownload(one) || one.state !== HalfClosedLocal));
}

/** An answer has come after so long, to the question of this ID, or to the first SETTINGS (-1). */
export function answered(c: ConnectionState, question: number, measured: number): void {
  const { meter, liveness: live } = c;
  const took = live.tookAtLeast(measured);
  if (meter === undefined) return live.sample(took);
  const { path } = meter;
  const ours = meter.isAnswer(question);
  const bulk = isBulkUnderWay(c, meter);
  const trip = ours ? meter.trip(c.now, bulk) : { took, silence: 0, bulk };
  // With bulk under way it may be long for that alone, for as long as that lasts.
  if (bulk && path.floor < Infinity) path.bound(took, c.now);
  else path.sample(took, c.now);
  const filled = isFilled(trip, path.floor, meter.filled);
  meter.heard(filled, took, c.now);
  if (ours) meter.answered(c.now, c.sealed);
  else meter.told(took, c.now);
  path.paced(took - trip.silence, c.now);
  if (filled) return fill(c, meter);
  live.sample(took); // how long it takes to be heard of where nothing is in the way
  empty(c, meter);
}

/**
 * A response begins. No round trip takes longer than its request has been under way: one that was short says all that a question
 * would, and one that was long is reason to ask, where bulk goes out at a pace.
 */
export function responded(c: ConnectionState, stream: Stream): void {
  const { meter } = c;
  if (meter === undefined || stream.bulk || stream.headersReceived) return;
  const { path } = meter;
  const took = c.now - stream.lastCreditAt;
  path.bound(took, c.now);
  const long = isFilled({ took, silence: 0, bulk: true }, path.floor, true);
  meter.heard(long, took, c.now);
  if (!long) empty(c, meter);
  if (path.isShort(took)) return path.paced(took, c.now);
  if (!path.isLong(took) || meter.asking || !(path.pace.holds || (!meter.filled && meter.isHeldUp(c.now)))) return;
  if (meter.looks(c.now, measureGap) && !tryPing(c, meter, meter.sends)) trySettings(c, meter);
}

function fill(c: ConnectionState, meter: PathMeter): void {
  // Taken to be so until it is looked at again, at the latest: a connection beside it may be asked at any time until then.
  const again = meter.ofSending ? rareSentGap : rareGap;
  if (meter.bulkStreams > 0) meter.path.fill(c.now + 2 * meter.delay(c.now) + again);
  if (meter.filled) return;
  meter.filled = true;
  c.events.onCapacity();
}

function empty(c: ConnectionState, meter: PathMeter): void {
  if (!meter.filled) return;
  meter.filled = false;
  c.events.onCapacity();
}

/** When to look again whether bulk fills the path, however little of it moves; Infinity: there is nothing to find out. */
export function remeasureAt({ meter, liveness: live }: ConnectionState): number {
  if (meter?.filled !== true || meter.asking) return Infinity;
  const { path, dueAt } = meter;
  const may = path.calmed ? Infinity : Math.min(live.measuringPingAt, live.measuringSettingsAt);
  return may === Infinity ? dueAt : Math.max(dueAt, may);
}

/** Asks whether the path is filled still, now that no more bulk moves that would. */
export function remeasure(c: ConnectionState): void {
  const { meter } = c;
  if (meter === undefined || meter.asking) return;
  if (c.streams.size > 0 && ask(c, meter)) return;
  empty(c, meter);
}

/** No other connection is faster than those that bulk fills. */
export function holdBulk(c: ConnectionState): void {
  const { meter } = c;
  if (meter?.hold(c.now) !== true) return;
  // What is asked now stands behind all that has been sent: once it is answered, the queue is empty.
  if (tryPing(c, meter, true) || trySettings(c, meter)) meter.drain();
}

/** Requests go around another connection by this one: asks now and then whether it is the faster way. */
export function measure(c: ConnectionState): void {
  const { meter } = c;
  if (meter !== undefined && !meter.asking && c.now >= meter.dueAt) ask(c, meter);
}

function ask(c: ConnectionState, meter: PathMeter): boolean {
  return tryPing(c, meter, false) || trySettings(c, meter);
}

/** The peer has had enough. True: of our questions, as it may be. */
export function stopMeasuring({ meter }: ConnectionState): boolean {
  if (meter?.hasAsked !== true) return false;
  meter.path.calm();
  return true;
}
