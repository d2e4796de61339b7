import type { ConnectionState } from './connection-state.js';
import { oldestPing } from './health.js';
import { checkDrained, connectionDeserted, failConnection, stopReuse } from './lifecycle.js';
import { remeasure, remeasureAt } from './measure.js';

/**
 * When `tick` is next due, in the time of `now`; Infinity: never, as things stand. It compares with these same sums, so
 * that what is due here is due there too, to the last bit of a fraction of a millisecond.
 */
export function nextDeadline(c: ConnectionState): number {
  if (c.failure !== undefined) return Infinity;
  const write = Math.min(reportStallAt(c), writeTimeoutAt(c), recoveredAt(c));
  const idle = Math.min(pingTimeoutAt(c), deserted(c), askAt(c), probeAt(c), retireAt(c));
  const flow = Math.min(starvedAt(c), c.smallData.dueAt, remeasureAt(c), turnAt(c));
  return Math.min(write, idle, settingsOverdueAt(c), flow);
}

/** Does what has come due, after which nothing is. The caller has let data that had already arrived be read first. */
export function tick(c: ConnectionState): void {
  if (c.failure !== undefined) return;
  const { now, liveness: live } = c;
  const { writeTimeout, pingTimeout } = live.limits;
  if (now >= writeTimeoutAt(c))
    return failConnection(c, {
      code: 'ERR_PASSINGLANE_WRITE_TIMEOUT',
      message: `The server took no bytes for ${writeTimeout} ms (writeTimeout), so the connection was closed`,
      initiator: 'local',
      silent: true,
    });
  if (now >= pingTimeoutAt(c))
    return failConnection(c, {
      code: 'ERR_PASSINGLANE_PING_TIMEOUT',
      message: `The server answered neither requests nor a PING for ${pingTimeout} ms (pingTimeout)`,
      initiator: 'local',
      silent: true,
    });
  if (now >= deserted(c)) return connectionDeserted(c);
  if (now >= retireAt(c)) stopReuse(c);
  if (now >= askAt(c)) askLate(c);
  if (now >= probeAt(c)) sendProbe(c);
  if (now >= settingsOverdueAt(c)) {
    live.settingsMissed();
    c.events.onCapacity();
  }
  if (now >= starvedAt(c)) {
    c.window.reportStarved();
    c.events.onCapacity();
  }
  if (now >= c.smallData.dueAt) {
    for (const outgoing of c.smallData.take()) c.scheduler.add(outgoing);
    c.events.onOutput();
  }
  if (now >= turnAt(c)) {
    for (const outgoing of c.paced) c.scheduler.add(outgoing);
    c.paced.clear();
    c.events.onOutput();
  }
  if (now >= remeasureAt(c)) remeasure(c);
  if (now >= recoveredAt(c)) {
    live.recovery.end();
    c.events.onCapacity();
  }
  if (now >= reportStallAt(c)) {
    live.reportStall();
    c.events.onStalled();
    checkDrained(c);
  }
}

function reportStallAt(c: ConnectionState): number {
  return c.liveness.stallReported ? Infinity : c.liveness.stalledAt();
}

/** Time in which there was nothing to write is no time without progress. */
function writeTimeoutAt(c: ConnectionState): number {
  const { writingSince, lastProgress, limits } = c.liveness;
  if (writingSince < 0 || limits.writeTimeout === 0) return Infinity;
  return Math.max(writingSince, lastProgress) + limits.writeTimeout;
}

/**
 * The health check is on while the peer owes us something: `readIdleTimeout` of silence asks with a PING, and no
 * byte within `pingTimeout` is the end. A reset that the peer has not confirmed holds a slot, so it is owed that,
 * and a probe keeps new requests away.
 */
function pingTimeoutAt(c: ConnectionState): number {
  const { readIdleTimeout, pingTimeout } = c.liveness.limits;
  if (readIdleTimeout === 0 || pingTimeout === 0) return Infinity;
  if (c.streams.size === 0 && c.resets.unconfirmed === 0 && c.liveness.probeSentAt < 0) return Infinity;
  const ping = oldestPing(c);
  return ping < 0 ? Infinity : ping + pingTimeout;
}

/**
 * When a peer that has called the connection broken has left it to us. It MUST close it (RFC 9113 section 5.4.1), so nothing
 * asks whether it lives, and an answer to that would say nothing: what it still sends of streams below the last is
 * heard, and its silence is the end once it lasts as long as that of a peer which is asked and does not answer.
 */
function deserted({ goAway, liveness: { limits, lastProgress }, streams }: ConnectionState): number {
  const { readIdleTimeout, pingTimeout } = limits;
  if (!goAway.broken || streams.size === 0 || readIdleTimeout === 0 || pingTimeout === 0) return Infinity;
  return lastProgress + readIdleTimeout + pingTimeout;
}

function probeAt(c: ConnectionState): number {
  const live = c.liveness;
  const { readIdleTimeout } = live.limits;
  if (readIdleTimeout === 0 || c.streams.size === 0 || c.goAway.broken || oldestPing(c) >= 0) return Infinity;
  return Math.max(live.silentSince() + readIdleTimeout, live.nextOwnPing());
}

/** When the connection is too old (`maxAge`), or has been idle for too long (`idleTimeout`), to take new requests. */
function retireAt(c: ConnectionState): number {
  if (c.closing) return Infinity;
  const { openedAt, idleSince, limits } = c.liveness;
  const age = limits.maxAge > 0 ? openedAt + limits.maxAge : Infinity;
  // Until the peer's SETTINGS it is being made, not idle.
  const idle = c.peer.received && c.streams.size === 0 && c.reserved === 0 && limits.idleTimeout > 0;
  return idle ? Math.min(age, idleSince + limits.idleTimeout) : age;
}

function settingsOverdueAt(c: ConnectionState): number {
  return c.peer.received || c.liveness.settingsOverdue ? Infinity : c.liveness.settingsDueAt();
}

/** When a connection window that does not cover a body's beginning has been that way for so long that others are better. */
function starvedAt(c: ConnectionState): number {
  const { starvedSince, starvedReported } = c.window;
  return starvedReported || starvedSince === Infinity ? Infinity : starvedSince + c.liveness.creditPatience();
}

/** When bulk that is sent at a pace has its turn. */
function turnAt({ paced, meter }: ConnectionState): number {
  return paced.size === 0 || meter === undefined ? Infinity : meter.nextTurn;
}

/** When the connection has gone without another stall for long enough. */
function recoveredAt(c: ConnectionState): number {
  const { until } = c.liveness.recovery;
  return until === -Infinity ? Infinity : until;
}

/** Asks, once a stall is over and the budget has a PING to spare, whether the peer has read what stood before it. */
export function askAfterStall(c: ConnectionState): void {
  const live = c.liveness;
  const { until, ping } = live.recovery;
  if (until === -Infinity || ping !== 0 || live.writingSince >= 0 || !live.pingToSpare || c.failure !== undefined)
    return;
  if (!live.mayPing(c.now)) return;
  c.pingsDue.push(live.recoveryPingSent(c.now));
  c.events.onOutput();
}

/**
 * Asks the peer for a sign of life: any byte from it will do, as will an answer that it owes already. A PING that it has not
 * answered asks as much as another would: it comes to that one first, and counts both when it reads on. Where the budget has no
 * PING left, an empty SETTINGS asks, of which no second goes out before the ACK of the first. Where the peer has had as many of
 * both as servers put up with, it is asked as soon as there is one more, and gone around meanwhile as one that does not answer.
 */
export function sendProbe(c: ConnectionState): void {
  const live = c.liveness;
  if (live.probeSentAt >= 0 || c.failure !== undefined) return;
  const asked = ask(c);
  live.probeSent(c.now, asked, c.pingsDue.length === 0 && !c.settingsDue);
  c.events.onOutput();
}

/** False: it owes no answer, and has had as many PINGs and SETTINGS as it may. */
function ask(c: ConnectionState): boolean {
  const { liveness: live, now } = c;
  if (live.pings.length > 0) return true;
  if (live.mayPing(now)) c.pingsDue.push(live.pingSent(now, true));
  else if (now >= live.probingSettingsAt) c.askBySettings();
  else return live.settingsSentAt >= 0;
  return true;
}

/** When a peer that gets no new request before a sign of life can be asked for that, which it could not be before. */
function askAt({ liveness: live, ourSettingsAcked, goAway }: ConnectionState): number {
  if (live.probeSentAt < 0 || live.probeAskedAt >= 0 || goAway.broken) return Infinity;
  return Math.min(live.nextOwnPing(), ourSettingsAcked ? live.probingSettingsAt : Infinity);
}

function askLate(c: ConnectionState): void {
  if (ask(c)) c.liveness.probeAsked(c.now);
  c.events.onOutput();
}
