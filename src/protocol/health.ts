import type { ConnectionBeneath, ConnectionState } from './connection-state.js';
import { lastClientStreamId } from './limits.js';
import type { RoundTrip } from './path-meter.js';

/** What a new request would meet on a connection. */
export const HealthState = {
  /** HEADERS sealed now go to the socket in this turn. */
  Ready: 0,
  /** A chunk is with the socket, or sealed bytes are at the high-water mark: ready again in a moment, or stalled. */
  Busy: 1,
  /** The peer's stream limit is reached, which may be 0; or bodies that nobody reads have used up what it may send. */
  Full: 2,
  /** Bytes to write and no progress, or a probe unanswered, for `stallTimeout`; or so it is with the connection beneath. */
  Stalled: 3,
  /** It has been asked for a sign of life, or will be as soon as there is a PING or a SETTINGS to spare. */
  Probing: 4,
  /** Silent with streams open for so long that it must give a sign of life first: the caller asks for one with `probe`. */
  Silent: 5,
  /** The peer's first SETTINGS are outstanding. */
  AwaitingSettings: 6,
  /** Takes no new request, ever. */
  Closing: 7,
  /** A stall has ended, and nothing says yet that what the socket holds has been read: as a last resort it is usable. */
  Recovering: 8,
  /** The peer's first SETTINGS are outstanding; one request may go before them, if it may be lost without harm. */
  EarlyOnly: 9,
  /** The connection's send window does not cover the beginning of the request's body. */
  Starved: 10,
  /** Bulk fills its path, so that an answer takes several times as long as it need: as a last resort it is usable. */
  Slow: 11,
} as const;

export type HealthState = (typeof HealthState)[keyof typeof HealthState];

/** What a connection looks like from outside, in numbers; always those of now. */
export interface ConnectionNumbers {
  /** The peer's SETTINGS have come. */
  readonly greeted: boolean;
  /** Open streams. */
  readonly streams: number;
  /** Places that are promised to coming requests. */
  readonly reserved: number;
  /** What counts against the stream limit: streams, reservations, and resets that the peer may not have seen. */
  readonly slots: number;
  /** The peer's stream limit; an assumption until its first SETTINGS. */
  readonly limit: number;
  /** Its first SETTINGS set that limit to 0. */
  readonly zeroFromStart: boolean;
  /** Requests sent so far. */
  readonly requests: number;
  /** A response has begun. */
  readonly answered: boolean;
  /** What we may still send on the connection, in bytes (RFC 9113 section 5.2). */
  readonly sendWindow: number;
  /** What the peer may still send on the connection, in bytes. */
  readonly receiveWindow: number;
  /** When any byte last came from the peer. */
  readonly heardAt: number;
  /** Bulk fills its path, or that of the connection beneath it: `state` says so where nothing else has more to say. */
  readonly slow: boolean;
  /** The smoothed round trip in milliseconds; 0 until the first sample. */
  readonly roundTrip: number;
  /** The shortest round trip that was measured; 0 until the first sample. */
  readonly bestRoundTrip: number;
}

/** The answer of `health`. Each connection has one, made anew by each call, so that asking allocates nothing. */
export class Health implements ConnectionNumbers {
  state: HealthState = HealthState.AwaitingSettings;
  /**
   * Since when it has kept requests waiting in a way that another connection gets around; Infinity: it does not. It is
   * stalled, recovers from a stall, the peer's SETTINGS are overdue, or it gives no credit for a body, whatever else
   * `state` has to say first. Each counts once it is reported: after a blocked event loop, the news that it is over may be
   * there unheard.
   */
  since = Infinity;
  /** It is stalled, reported or not. */
  stalled = false;
  /** It is stalled, or recovers from that, on a link that is slow and not dead, as far as is known until then; -Infinity: no. */
  slowUntil = -Infinity;
  /** What a request waits for an answer while bulk fills the path, in milliseconds; 0: it does not. */
  delay = 0;
  /** The connection beneath it where that is slow, so that no other over it is better; undefined: it is not. */
  slowBeneath: ConnectionBeneath | undefined = undefined;
  /** Nothing has come from the peer for so long that it is to give a sign of life, whatever `state` has to say first. */
  silent = false;
  /** It was stalled, takes bytes again, and how much stands before a new request is not known yet. */
  recovering = false;
  private readonly c: ConnectionState;

  constructor(c: ConnectionState) {
    this.c = c;
  }

  get greeted(): boolean {
    return this.c.peer.received;
  }

  get streams(): number {
    return this.c.streams.size;
  }

  get reserved(): number {
    return this.c.reserved;
  }

  get slots(): number {
    return this.c.slotsUsed;
  }

  get limit(): number {
    return this.c.peer.maxConcurrentStreams;
  }

  get zeroFromStart(): boolean {
    return this.c.peer.zeroFromStart;
  }

  get requests(): number {
    return this.c.requests;
  }

  get answered(): boolean {
    return this.c.answered;
  }

  get sendWindow(): number {
    return this.c.sendWindow;
  }

  get receiveWindow(): number {
    return this.c.credit.available;
  }

  get heardAt(): number {
    return this.c.liveness.lastReceived;
  }

  get slow(): boolean {
    return isSlow(this.c);
  }

  get roundTrip(): number {
    return this.c.liveness.roundTrip;
  }

  get bestRoundTrip(): number {
    return this.c.liveness.bestRoundTrip;
  }
}

/**
 * The one place that judges a connection: what a new request would meet there, and since when that is a reason to go
 * around it. It reads fields and answers in the same tick, whatever the network does.
 *
 * @param lastResort there is no other way to go, so a stall that has ended is over, and SETTINGS are never overdue
 * @param needs how many bytes of its body the connection's window must cover before the request goes out
 * @param answer the connection's one answer
 */
export function health(c: ConnectionState, now: number, lastResort: boolean, needs: number, answer: Health): Health {
  const live = c.liveness;
  const starved = needs > 0 && !c.window.admits(needs, now, live.creditPatience());
  const stalled = isStalled(c, now);
  const recovering = !stalled && now < live.recovery.until;
  const beneath = blockedSince(c.config.beneath);
  // Nobody tells when that is over, so that who has no other way waits in the tunnel.
  answer.stalled = stalled || (beneath < Infinity && !lastResort);
  answer.recovering = recovering;
  answer.silent = isSilent(c, now);
  answer.slowUntil = stalled || recovering ? live.slowUntil(now) : -Infinity;
  answer.slowBeneath = slowBeneath(c);
  answer.delay = Math.max(
    c.meter?.filled === true ? c.meter.delay(now) : 0,
    answer.slowBeneath?.health(true).delay ?? 0,
  );
  answer.since = Math.min(troubledSince(c, stalled, recovering), beneath);
  answer.state = stateOf(c, now, lastResort, starved, answer);
  if (starved && c.window.starvedReported) answer.since = Math.min(answer.since, c.window.starvedSince);
  return answer;
}

function stateOf(
  c: ConnectionState,
  now: number,
  lastResort: boolean,
  starved: boolean,
  { stalled, silent, recovering: recovers, since }: Health,
): HealthState {
  const recovering = recovers && !lastResort;
  const well = since === Infinity || lastResort;
  if (!acceptsRequests(c, now)) return HealthState.Closing;
  // A write that has been in flight for `stallTimeout` keeps new requests away even while bytes still arrive: they
  // could not be written. (Only `writeTimeout` takes received bytes as a sign of life.)
  if (stalled) return HealthState.Stalled;
  if (c.slotsUsed >= c.peer.maxConcurrentStreams || (isSpent(c, now) && !lastResort)) return HealthState.Full;
  const live = c.liveness;
  const busy = live.writingSince >= 0 || c.atHighWaterMark;
  if (!c.peer.received)
    return c.slotsUsed > 0 || busy || recovering || !well ? HealthState.AwaitingSettings : HealthState.EarlyOnly;
  if (live.probeSentAt >= 0) return HealthState.Probing;
  if (recovering) return HealthState.Recovering;
  if (starved) return HealthState.Starved;
  if (!lastResort && isSlow(c)) return HealthState.Slow;
  if (busy) return HealthState.Busy;
  if (silent && mayAsk(c, now)) return HealthState.Silent;
  return HealthState.Ready;
}

/** As {@link health} has it for a request without a body, at a fraction of the cost: it is asked after each read. */
export function inTroubleSince(c: ConnectionState, now: number): number {
  const stalled = isStalled(c, now);
  const own = troubledSince(c, stalled, !stalled && now < c.liveness.recovery.until);
  return Math.min(own, blockedSince(c.config.beneath));
}

function troubledSince(c: ConnectionState, stalled: boolean, recovering: boolean): number {
  const live = c.liveness;
  if (live.settingsOverdue && !c.peer.received) return live.openedAt;
  if (recovering) return live.recovery.stalledFrom;
  if (!stalled || !live.stallReported) return Infinity;
  return live.writingSince >= 0 ? live.writingSince : live.probeSentAt;
}

/**
 * Whether a connection that was Ready at this time, for a request that has gone out since, is so for one more. It is asked
 * for each request but the first of a turn, and so looks only at what those change.
 */
export function staysReady(c: ConnectionState, now: number): boolean {
  const live = c.liveness;
  if (!acceptsRequests(c, now) || !c.peer.received || c.atHighWaterMark) return false;
  // What a last resort was, a stall not quite over, is not Ready; nor is what has begun to write, or asks for a sign of life.
  if (now < live.recovery.until || live.writingSince >= 0 || live.probeSentAt >= 0) return false;
  if (isSlow(c) || blockedSince(c.config.beneath) < Infinity || isSpent(c, now)) return false;
  return c.slotsUsed < c.peer.maxConcurrentStreams;
}

function isSpent({ credit, liveness: { limits } }: ConnectionState, now: number): boolean {
  return credit.isSpent(now, limits.stallTimeout);
}

function isSlow(c: ConnectionState): boolean {
  return c.meter?.filled === true || slowBeneath(c) !== undefined;
}

function slowBeneath({ config: { beneath } }: ConnectionState): ConnectionBeneath | undefined {
  return beneath?.numbers.slow === true ? beneath : undefined;
}

/** Since when what leads through this one has been blocked with it: all that does needs its window. Infinity: it is not. */
export function blockedSince(beneath: ConnectionBeneath | undefined): number {
  return beneath?.troubledSince(1) ?? Infinity;
}

/** A round trip beside bulk is too long where it is longer than so many times the least, and so many milliseconds more. */
const tooLong = [4, 20] as const;
/** Once it was, it is so until it is no longer than this. */
const longStill = [3, 15] as const;

/**
 * Whether bulk fills the path: what comes or goes now waits in a queue for several times as long as the path itself takes.
 * A time in which nothing moved is no queue's: then the peer, or this process, was busy with something else.
 *
 * @param floor the least round trip of the path, in milliseconds
 * @param was bulk filled it before
 */
export function isFilled({ took, silence, bulk }: RoundTrip, floor: number, was: boolean): boolean {
  const [times, more] = was ? longStill : tooLong;
  return bulk && took - silence > times * floor + more;
}

/** False once the connection is on its way out, out of IDs, too old, or idle for so long that it may be gone. */
export function acceptsRequests(c: ConnectionState, now: number): boolean {
  if (c.closing || c.nextStreamId > lastClientStreamId) return false;
  const { maxAge } = c.liveness.limits;
  return maxAge === 0 || now < c.liveness.openedAt + maxAge;
}

export function isStalled(c: ConnectionState, now: number): boolean {
  return now >= c.liveness.stalledAt();
}

/**
 * Silence counts only while the peer owes us something: with streams open, or when the last of them was given up
 * without a byte having come. Else requests that time out one after the other would never find out a dead connection.
 */
function isSilent(c: ConnectionState, now: number): boolean {
  const live = c.liveness;
  if ((c.streams.size === 0 && !live.owed) || live.limits.probeAfter === 0) return false;
  return now - live.silentSince() >= live.probeThreshold();
}

/**
 * Whether anything can tell if the peer lives: an answer that it owes, a PING, or, where their budget is spent, an empty
 * SETTINGS, whose ACK is owed as well (RFC 9113 section 6.5.3). That needs a peer that has acknowledged the first.
 */
function mayAsk(c: ConnectionState, now: number): boolean {
  return c.liveness.hasPing(now) || c.ourSettingsAcked || c.liveness.pings.length > 0;
}

/**
 * Since when the oldest PING has been out without a sign of life; -1: none, or the peer has spoken since. A chunk of
 * ours that the socket took counts as one: the PING may stand behind megabytes that a slow link is still carrying. So
 * does the first stream after none: one left unanswered before, when nobody minded, gives it its full time.
 */
export function oldestPing(c: ConnectionState): number {
  const live = c.liveness;
  for (const ping of live.pings) {
    if (ping.sentAt >= live.lastReceived) return Math.max(ping.sentAt, live.lastProgress, live.busySince);
  }
  // The PING that a probe counts on may be one that its caller has given up since.
  return live.probeAskedAt < 0 ? -1 : Math.max(live.probeAskedAt, live.lastProgress, live.busySince);
}
