import { isStalled } from './availability.js';
import type { ConnectionState } from './connection-state.js';
import { failConnection, stopReuse } from './lifecycle.js';

/** When `tick` is next due, in the time of `now`; Infinity: never, as things stand. */
export function nextDeadline(c: ConnectionState): number {
  if (c.failure !== undefined) return Infinity;
  const live = c.liveness;
  const { limits } = live;
  let at = Infinity;
  if (live.writingSince >= 0) {
    if (!live.stallReported) at = live.writingSince + limits.stallTimeout;
    if (limits.writeTimeout > 0) at = Math.min(at, live.lastProgress + limits.writeTimeout);
  }
  if (live.probeSentAt >= 0 && !live.stallReported) at = Math.min(at, live.probeSentAt + live.probePatience());
  if (c.streams.size > 0 && limits.readIdleTimeout > 0) {
    const ping = oldestPing(c);
    if (ping >= 0) {
      if (limits.pingTimeout > 0) at = Math.min(at, ping + limits.pingTimeout);
    } else {
      at = Math.min(at, Math.max(live.silentSince() + limits.readIdleTimeout, live.nextOwnPing()));
    }
  }
  if (isIdle(c) && limits.idleTimeout > 0) at = Math.min(at, live.idleSince + limits.idleTimeout);
  if (limits.maxAge > 0 && !c.closing) at = Math.min(at, live.openedAt + limits.maxAge);
  return at;
}

/** Does what has come due. The caller has let data that had already arrived be read first. */
export function tick(c: ConnectionState): void {
  if (c.failure !== undefined) return;
  const { now, liveness: live } = c;
  const { limits } = live;
  if (isStalled(c, now) && !live.stallReported) {
    live.stallReported = true;
    c.events.onStalled();
  }
  if (live.writingSince >= 0 && limits.writeTimeout > 0 && now - live.lastProgress >= limits.writeTimeout)
    return failConnection(c, {
      code: 'ERR_PASSINGLANE_WRITE_TIMEOUT',
      message: `The server took no bytes for ${limits.writeTimeout} ms (writeTimeout), so the connection was closed`,
      initiator: 'local',
      silent: true,
    });
  if (limits.maxAge > 0 && now - live.openedAt >= limits.maxAge) stopReuse(c);
  if (c.streams.size > 0 && limits.readIdleTimeout > 0) checkSilence(c);
  else if (isIdle(c) && limits.idleTimeout > 0 && now - live.idleSince >= limits.idleTimeout) stopReuse(c);
}

/** The health check (H41): silence for `readIdleTimeout` asks with a PING, and no byte within `pingTimeout` is an end. */
function checkSilence(c: ConnectionState): void {
  const { now, liveness: live } = c;
  const { limits } = live;
  const ping = oldestPing(c);
  if (ping >= 0) {
    if (limits.pingTimeout > 0 && now - ping >= limits.pingTimeout)
      failConnection(c, {
        code: 'ERR_PASSINGLANE_PING_TIMEOUT',
        message: `The server answered neither requests nor a PING for ${limits.pingTimeout} ms (pingTimeout)`,
        initiator: 'local',
        silent: true,
      });
    return;
  }
  if (now - live.silentSince() >= limits.readIdleTimeout && live.mayPing(now)) sendProbe(c);
}

/** Asks the peer for a sign of life: any byte from it will do. */
export function sendProbe(c: ConnectionState): void {
  const live = c.liveness;
  if (live.probeSentAt >= 0 || c.failure !== undefined) return;
  c.pingsDue.push(live.pingSent(c.now, true));
  live.probeSentAt = c.now;
  live.stallReported = false;
  c.events.onOutput();
}

/**
 * Since when the oldest PING has been out without a sign of life; -1: none, or the peer has spoken since. A chunk of
 * ours that the socket took counts as one: the PING may stand behind megabytes that a slow link is still carrying.
 */
function oldestPing(c: ConnectionState): number {
  const live = c.liveness;
  for (const ping of live.pings) if (ping.sentAt >= live.lastReceived) return Math.max(ping.sentAt, live.lastProgress);
  return -1;
}

function isIdle(c: ConnectionState): boolean {
  return c.streams.size === 0 && c.reserved === 0 && !c.closing;
}
