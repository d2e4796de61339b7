import type { ConnectionState } from './connection-state.js';
import { lastClientStreamId } from './limits.js';

/** Whether a new request can start on a connection now, and what stands in its way if not. */
export const Availability = {
  /** HEADERS sealed now go to the socket in this turn. */
  Ready: 0,
  /** A chunk is with the socket, or sealed bytes are at the mark: ready again in a moment, or stalled. */
  Busy: 1,
  /** The peer's stream limit is reached. */
  Full: 2,
  /** Bytes to write and no progress, or a probe unanswered, for `stallTimeout`. */
  Stalled: 3,
  /** A PING is out that asks for a sign of life. */
  Probing: 4,
  /** Silent with streams open for so long that it must answer a PING first: the caller sends one with `probe`. */
  Silent: 5,
  /** The peer's first SETTINGS are outstanding, and the one request that may go before them is taken or not allowed. */
  Settling: 6,
  /** Takes no new request, ever. */
  Closing: 7,
  /** A stall has ended, and nothing says yet that what the socket holds has been read: as a last resort it is usable. */
  Recovering: 8,
} as const;

export type Availability = (typeof Availability)[keyof typeof Availability];

/**
 * Reads fields and answers in the same tick, whatever the network does. A write that has been in flight for
 * `stallTimeout` stalls the connection for new requests even while bytes still arrive on it: they could not be
 * written. (Only `writeTimeout` takes received bytes as a sign of life.)
 *
 * @param early the request may go before the peer's SETTINGS: it has no body or can be sent again
 * @param lastResort there is no other way to go, so a stall that has ended is over
 */
export function availability(c: ConnectionState, now: number, early: boolean, lastResort: boolean): Availability {
  if (!acceptsRequests(c, now)) return Availability.Closing;
  const live = c.liveness;
  if (isStalled(c, now)) return Availability.Stalled;
  if (c.slotsUsed >= c.peer.maxConcurrentStreams) return Availability.Full;
  if (!c.peer.received && (!early || c.slotsUsed > 0)) return Availability.Settling;
  if (live.probeSentAt >= 0) return Availability.Probing;
  if (now < live.recovery.until && !lastResort) return Availability.Recovering;
  if (live.writingSince >= 0 || c.atMark) return Availability.Busy;
  if (isSilent(c, now) && (live.mayPing(now) || oldestPing(c) >= 0)) return Availability.Silent;
  return Availability.Ready;
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

/** It was stalled and takes bytes again, and how much stands before a new request is not known yet. */
export function isRecovering(c: ConnectionState, now: number): boolean {
  return now < c.liveness.recovery.until && !isStalled(c, now);
}

/**
 * Since when it has been stalled, or had been before the stall that it recovers from; Infinity: neither. A stall counts
 * once it is reported: after a blocked event loop, the news that the chunk was taken may be there and not be heard yet.
 */
export function troubledSince(c: ConnectionState, now: number): number {
  const live = c.liveness;
  if (isStalled(c, now)) {
    if (!live.stallReported) return Infinity;
    return live.writingSince >= 0 ? live.writingSince : live.probeSentAt;
  }
  return now < live.recovery.until ? live.recovery.stalledFrom : Infinity;
}

/**
 * Silence counts only while the peer owes us something: with streams open, or when the last of them was given up
 * without a byte having come. Else requests that time out one after the other would never find out a dead connection.
 */
export function isSilent(c: ConnectionState, now: number): boolean {
  const live = c.liveness;
  if ((c.streams.size === 0 && !live.owed) || live.limits.probeAfter === 0) return false;
  return now - live.silentSince() >= live.probeThreshold();
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
  return live.probeSentAt < 0 ? -1 : Math.max(live.probeSentAt, live.lastProgress, live.busySince);
}
