import type { TransportError } from '../errors.js';
import { ConnectionState, type ConnectionConfig, type ConnectionEvents } from './connection-state.js';
import { askAfterStall, nextDeadline, sendProbe, tick } from './deadlines.js';
import { acceptsRequests, health, Health, inTroubleSince, staysReady, type ConnectionNumbers } from './health.js';
import { checkDrained, connectionLost, failConnection, goAway, release, stopReuse, type Failure } from './lifecycle.js';
import { lastClientStreamId } from './limits.js';
import { alive, holdBulk, measure } from './measure.js';
import { receive } from './receive.js';
import { creditStream } from './receive-stream.js';
import type { SharedBlock } from './repeated-block.js';
import { buildTrailerFields } from './request-fields.js';
import { resetStream } from './reset.js';
import { checkListSize, seal, sealHeaders, sealPreface } from './seal.js';
import { bodyStart } from './send-window.js';
import { StreamState } from './stream-state.js';
import { type Outgoing, Stream, type StreamInit, type StreamSink } from './stream.js';

/** What a stream is opened with: nothing that belongs to one stream alone, so many may be opened with one. */
export interface OpenInit extends StreamInit {
  /** From `buildRequestFields`: validated, lower-case, pseudo-fields first. */
  readonly fields: readonly string[];
  /** What requests with these same fields share; undefined: they are this request's own. */
  readonly block?: SharedBlock | undefined;
  /** So many bytes of a body are at hand, and follow at once. Default: 0. */
  readonly atHand?: number | undefined;
}

const noBytes = new Uint8Array(0);

/**
 * One HTTP/2 connection, client side, without I/O, clock or promise. Bytes from the peer go in through `receive`, bytes
 * for it come out of `takeOutput`; what happened is told to `events` and to each stream's sink; `nextDeadline` says
 * when `tick` is due. No method waits for anything. Every `now` is monotonic, in milliseconds.
 */
export class Connection {
  private readonly c: ConnectionState;
  private readonly answer: Health;

  constructor(config: ConnectionConfig, events: ConnectionEvents, now: number) {
    this.c = new ConnectionState(config, events, now);
    this.answer = new Health(this.c);
    sealPreface(this.c);
  }

  // --- bytes ---

  receive(bytes: Uint8Array, now: number): void {
    this.c.now = now;
    receive(this.c, bytes);
  }

  /** The byte stream is over: the peer ended it (`cause` undefined) or it broke. */
  lost(cause: Error | undefined, now: number): void {
    this.c.now = now;
    connectionLost(this.c, cause);
  }

  /**
   * Seals what waits and hands out at most `limit` bytes of what is sealed; empty when there is nothing. The bytes
   * stay untouched until the next call, which must not come before {@link outputTaken}.
   */
  takeOutput(limit: number, now: number): Uint8Array {
    const c = this.c;
    c.now = now;
    if (c.failure === undefined) seal(c);
    const bytes = c.out.take(limit);
    if (bytes.length > 0) {
      c.handed += bytes.length;
      c.liveness.handed(now);
    }
    return bytes;
  }

  /** DATA waits for more credit, or for its turn, for a time that {@link nextDeadline} says. */
  get holdsData(): boolean {
    return this.c.smallData.dueAt !== Infinity || this.c.paced.size > 0;
  }

  /** Seals what waits if that is DATA; true: there is room for more, and streams in {@link takeDrained} may have it. */
  sealBodies(now: number): boolean {
    const c = this.c;
    if (c.scheduler.size === 0 || c.failure !== undefined) return false;
    c.now = now;
    seal(c);
    return c.drainedStreams.length > 0 && !c.atHighWaterMark;
  }

  /** The socket has taken the chunk that `takeOutput` handed out. */
  outputTaken(now: number): void {
    const c = this.c;
    c.now = now;
    c.quick = now - c.liveness.writingSince <= 1;
    const stallReported = c.liveness.stallReported;
    c.liveness.taken(now);
    alive(c, false);
    if (stallReported && !c.liveness.stallReported) c.events.onResumed();
    c.replies.taken();
    askAfterStall(c);
  }

  // --- time ---

  nextDeadline(): number {
    return nextDeadline(this.c);
  }

  tick(now: number): void {
    this.c.now = now;
    tick(this.c);
  }

  // --- requests ---

  /**
   * Opens a stream: slot, ID, HPACK and HEADERS in one step, after everything that can fail. Throws
   * ERR_PASSINGLANE_HEADERS_TOO_LARGE and leaves no trace when the peer would not accept the header list.
   * The caller has asked {@link health}.
   */
  open(init: OpenInit, sink: StreamSink, now: number): Stream {
    const c = this.c;
    c.now = now;
    checkListSize(c, init.fields, 'headers');
    c.liveness.opening(now, c.streams.size === 0);
    const stream = new Stream(
      c.nextStreamId,
      init,
      sink,
      init.informationalLimit ?? c.config.maxHeaderListSize,
      c.peer.initialWindow,
      c.config.initialStreamWindow,
      c.resets.streamFrames,
      now,
    );
    c.nextStreamId += 2;
    c.requests++;
    c.streams.add(stream);
    sealHeaders(c, stream, init.fields, init.endStream, init.block);
    stream.sealedAt = c.sealed;
    const { outgoing } = stream;
    if (outgoing !== undefined && init.atHand !== undefined && init.atHand > 0) {
      outgoing.promised = Math.min(init.atHand, bodyStart, c.peer.initialWindow);
      c.window.promise(outgoing.promised, now);
    }
    const limit = c.config.maxRequests;
    // Without stream IDs (RFC 9113 section 5.1.1) nothing new can start: it closes after the last stream.
    if ((limit > 0 && c.requests >= limit) || c.nextStreamId > lastClientStreamId) stopReuse(c);
    c.events.onOutput();
    return stream;
  }

  /**
   * Gives the stream the next piece of its body, borrowed until it turns up in {@link takeDrained}, or END_STREAM has
   * been sealed. `ends`: END_STREAM goes with its last byte; an empty last piece is an empty DATA frame.
   */
  send(stream: Stream, chunk: Uint8Array, ends: boolean): void {
    const outgoing = this.sending(stream);
    if (outgoing === undefined) return;
    outgoing.chunk = chunk;
    outgoing.chunkAt = 0;
    outgoing.chunkLength = chunk.length;
    outgoing.ends = ends;
    this.c.scheduler.add(outgoing);
    this.c.events.onOutput();
  }

  /**
   * Ends the body with trailers, flat fields in any case, checked now and encoded when their turn comes. Throws
   * ERR_PASSINGLANE_INVALID_HEADER or ERR_PASSINGLANE_HEADERS_TOO_LARGE, and then nothing has happened.
   */
  sendTrailers(stream: Stream, fields: readonly string[]): void {
    const built = buildTrailerFields(fields, false);
    checkListSize(this.c, built, 'trailers');
    const outgoing = this.sending(stream);
    if (outgoing === undefined) return;
    if (built.length === 0) return this.send(stream, noBytes, true);
    outgoing.trailers = built;
    outgoing.ends = true;
    this.c.scheduler.add(outgoing);
    this.c.events.onOutput();
  }

  /** Drops what the stream has not sealed of its body, and its end: the caller will reset it. */
  dropUnsent({ outgoing }: Stream): void {
    if (outgoing === undefined) return;
    outgoing.drop();
    outgoing.ends = false;
    if (outgoing.promised > 0) release(this.c, outgoing);
  }

  /** Streams whose piece has been sealed since the last call: their sources may be asked for more. */
  takeDrained(): readonly Stream[] {
    const { drainedStreams } = this.c;
    if (drainedStreams.length > 0) this.c.drainedStreams = [];
    return drainedStreams;
  }

  /** Undefined: nothing more can be sent on it. */
  private sending(stream: Stream): Outgoing | undefined {
    const sending = stream.state === StreamState.Open || stream.state === StreamState.HalfClosedRemote;
    return sending && stream.resetCode < 0 && this.c.streams.get(stream.id) === stream ? stream.outgoing : undefined;
  }

  /** Ends a stream from our side with an error code of RFC 9113 section 7; its sink hears nothing more. */
  reset(stream: Stream, errorCode: number, now: number): void {
    this.c.now = now;
    resetStream(this.c, stream, errorCode);
  }

  /** The reader has taken, or dropped, so many bytes of the body: their room and their credit come back. */
  consume(stream: Stream, bytes: number): void {
    const c = this.c;
    stream.unread -= bytes;
    c.credit.give(bytes);
    if (stream.resetCode >= 0 || c.streams.get(stream.id) !== stream) return;
    if (stream.state === StreamState.Open || stream.state === StreamState.HalfClosedLocal)
      creditStream(c, stream, bytes);
  }

  // --- the connection ---

  /** What a new request would meet: the connection's one answer, made anew by each call. */
  health(now: number, lastResort = false, needs = 0): Health {
    return health(this.c, now, lastResort, needs, this.answer);
  }

  /** See {@link inTroubleSince}. */
  troubledSince(now: number): number {
    return inTroubleSince(this.c, now);
  }

  /** See {@link staysReady}. */
  staysReady(now: number): boolean {
    return staysReady(this.c, now);
  }

  get numbers(): ConnectionNumbers {
    return this.answer;
  }

  /** Whether it will ever take another request. */
  accepts(now: number): boolean {
    return acceptsRequests(this.c, now);
  }

  /** Takes a slot ahead of `open`; the caller has asked {@link health}. */
  reserve(): void {
    this.c.reserved++;
  }

  /** True: it was the last. */
  releaseReservation(now: number): boolean {
    const c = this.c;
    if (c.reserved === 0) return false;
    c.now = now;
    c.reserved--;
    if (c.streams.size === 0) c.liveness.idle(now);
    c.events.onCapacity();
    checkDrained(c);
    return c.reserved === 0;
  }

  /** Sends a PING for a caller; its answer comes as `onPong` with the ID returned here. */
  ping(now: number): number {
    const c = this.c;
    const id = c.liveness.pingSent(now, false);
    c.pingsDue.push(id);
    c.events.onOutput();
    return id;
  }

  /** A PING whose caller has stopped waiting. */
  forgetPing(id: number): void {
    this.c.liveness.forgetPing(id);
  }

  /** Asks a silent peer for a sign of life; until it comes the connection takes nothing new. */
  probe(now: number): void {
    this.c.now = now;
    sendProbe(this.c);
  }

  /** The peer is silent on another connection: unless something has come on this one lately, it owes a sign of life here too. */
  silentBeside(now: number): void {
    this.c.liveness.silentBeside(now);
  }

  /** The peer takes extended CONNECT (RFC 8441 section 3). */
  get extendedConnect(): boolean {
    return this.c.peer.connectProtocol;
  }

  /** The peer's GOAWAY spared requests, so it ended for no fault of theirs. */
  get drainedInOrder(): boolean {
    return this.c.goAway.lastStreamId > 0;
  }

  /** It ended, or was told to go away, and nothing came of it: no request was sent on it, or the peer acted on none. */
  get carriedNothing(): boolean {
    const { requests, failure, goAway } = this.c;
    if (goAway.received && goAway.lastStreamId === 0) return true;
    return requests === 0 && (failure !== undefined || goAway.received);
  }

  /** Bulk is to take no more of the queue than keeps the path busy: no other connection is faster. */
  holdBulk(now: number): void {
    this.c.now = now;
    holdBulk(this.c);
  }

  /** Asks how long a round trip takes here, where bulk fills the path on another connection. */
  measure(now: number): void {
    this.c.now = now;
    measure(this.c);
  }

  get goAwaySent(): boolean {
    return this.c.goAway.sent;
  }

  get goAwayReceived(): boolean {
    return this.c.goAway.received;
  }

  /** It is over, with an error. */
  get failed(): boolean {
    return this.c.failure !== undefined;
  }

  goAway(now: number): void {
    this.c.now = now;
    goAway(this.c);
  }

  stopReuse(now: number): void {
    this.c.now = now;
    stopReuse(this.c);
  }

  /** Ends everything at once. */
  fail(failure: Failure, now: number): void {
    this.c.now = now;
    failConnection(this.c, failure);
  }

  /** Errors of the connection's kind, for who drives it. */
  error(...args: Parameters<ConnectionState['error']>): TransportError {
    return this.c.error(...args);
  }
}
