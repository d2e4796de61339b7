import { HealthState, type Health } from '../ports/index.js';

/** One connection as the policy sees it. */
export interface Candidate {
  readonly health: Readonly<
    Pick<Health, 'state' | 'since' | 'delay' | 'slowBeneath' | 'greeted' | 'limit' | 'zeroFromStart'>
  >;
  /** It was dialled to get around another. */
  readonly bypass: boolean;
  /** It has not come to a connection yet. */
  readonly dial?: boolean;
}

/**
 * The longest patience with a dial, in milliseconds. One more costs next to nothing, and the kernel asks again ever more
 * rarely, while the path may be well by now.
 */
const longestDialPatience = 5_000;

export interface Situation {
  readonly now: number;
  /** Requests that no connection can take now, but for bulk that shares the slow ones. */
  readonly waiting: number;
  /** Until when bulk does that, as far as is known; -Infinity: it does not. */
  readonly sharedUntil: number;
  /** Dials that may come to a connection in a moment. */
  readonly dialling: number;
  /** Since when the first of those, and of connections without SETTINGS, has been under way; Infinity: there is none. */
  readonly comingSince: number;
  /** Connections that still take requests, and dials that have been silent for long. */
  readonly connections: readonly Candidate[];
  readonly maxConnections: number;
  /**
   * What a new connection is known to take at most beforehand: one request in HTTP/1.1, `maxRequestsPerConnection` in HTTP/2;
   * undefined: what its SETTINGS will say.
   */
  readonly places: number | undefined;
  /** Requests wait at the peer's limit instead of causing dials. */
  readonly strict: boolean;
  /** How long the newest trouble must have lasted; it doubles with each bypass that came to nothing. */
  readonly patience: number;
  /** Several origins are in trouble at once, so it may be our own link; until then another dial finds out. 0: it is not. */
  readonly linkNotBefore: number;
  /** No dial before this time: the last one failed. */
  readonly notBefore: number;
  /** What was dialled last came to nothing, and no newer connection has answered: one dial at a time finds out. */
  readonly failing: boolean;
  /** The newest connections allowed no stream, and are there, or were closed by us. */
  readonly zeroLimited: boolean;
  /** No dial on account of that before this time, nor of a limit that was lowered to 0. */
  readonly zeroLimitNotBefore: number;
  /** So many in a row did that no further one is tried. */
  readonly zeroLimitsExhausted: boolean;
}

export interface Decision {
  /** So many dials are to be started now. */
  readonly dials: number;
  /** They lead around a connection in trouble. */
  readonly bypass: boolean;
  /** No other way is open, or being opened in time, so one that is recovering from a stall, or slow, may be used. */
  readonly resort: boolean;
  /** Bulk fills the path of all that could be used, so it is to leave room. */
  readonly holdBulk: boolean;
  /** No dial has room, and connections that allow no stream take it up: one that carries nothing is to be closed. */
  readonly retireZero: boolean;
  /** No connection allows any stream, and none will: those who wait are to be told. */
  readonly giveUp: boolean;
  /** When to decide again, if nothing happens before; Infinity: no need. */
  readonly again: number;
  /** It is the same for up to so many that wait, if nothing happens. */
  readonly holdsFor: number;
}

const wait: Decision = {
  dials: 0,
  bypass: false,
  resort: false,
  holdBulk: false,
  retireZero: false,
  giveUp: false,
  again: Infinity,
  holdsFor: 0,
};

/** Whether the waiting requests call for new connections. It looks at its argument and nothing else. */
export function decideDials(s: Situation): Decision {
  if (s.waiting === 0) return s.sharedUntil === -Infinity ? wait : { ...wait, again: s.sharedUntil };
  const seen = survey(s.connections);
  if (seen.soon >= s.waiting) return { ...wait, holdsFor: seen.soon };
  const coming = s.dialling + seen.awaitingSettings;
  const stuck = { ...wait, resort: coming === 0, holdBulk: coming === 0 && seen.slow > 0 };
  const room = s.maxConnections - s.connections.length - s.dialling;
  const zeroAt = coming > 0 ? Infinity : zeroLimitDue(s, seen);
  if (room <= 0) {
    if (seen.zero === 0) return stuck;
    if (s.now < zeroAt) return { ...stuck, again: zeroAt };
    return s.zeroLimitsExhausted ? { ...wait, giveUp: true } : { ...stuck, retireZero: true };
  }
  if (s.now < s.notBefore) return { ...stuck, again: s.notBefore };
  const places = Math.min(s.places ?? Infinity, seen.full > 0 && !s.strict ? seen.limit : Infinity);
  // Of those that take one request at a time, all that lead through a slow connection are taken for one of no use.
  if (places !== Infinity && (seen.slow === 0 || (seen.slow === 1 && s.places === 1)) && !s.zeroLimited) {
    // What one connection takes is known, so those that are needed can be dialled at once. Those that turned out to be
    // silent cause one more, all together.
    const waiting = s.waiting - seen.soon;
    const needed = Math.ceil(waiting / places) - coming - seen.zeroFromStart - Math.max(0, seen.silent - 1);
    if (needed > 0 && !(s.failing && coming > 0)) return { ...wait, dials: s.failing ? 1 : Math.min(needed, room) };
  }
  if (s.connections.length === 0) return dialAlone(s);
  if (seen.soon > 0) return wait;
  if (coming > 0) {
    // Where a slow one would have answered by now, there is no more to gain.
    const slowAt = s.comingSince + seen.delay;
    return s.now < slowAt ? { ...stuck, again: slowAt } : { ...wait, resort: true };
  }
  // Beside one that is full, those that are stalled are made up for above, and of those that are silent one.
  const bypassAt = seen.full > 0 && !s.strict && seen.silent === 0 ? Infinity : bypassDue(s, seen);
  // What is silent is gone around ever more rarely, also beside those that allow no stream.
  const nextAt = seen.silent > 0 && bypassAt < Infinity ? Infinity : zeroAt;
  if (s.now >= nextAt) return s.zeroLimitsExhausted ? { ...wait, giveUp: true } : { ...wait, dials: 1 };
  // One more, for what is small. Where that is slow as well, the queue is one that all share.
  // So may be that of a stalled one: beside it they wait for no dial, but go out on the slow one, where bulk is held for them.
  if (seen.slow > 0) return seen.slow === 1 && seen.troubled === 0 ? { ...wait, dials: 1 } : stuck;
  if (s.now >= bypassAt) return { ...wait, dials: 1, bypass: true };
  return { ...stuck, again: Math.min(nextAt, bypassAt) };
}

/** There is no connection. Those that allowed no stream may have been closed since, for want of requests. */
function dialAlone(s: Situation): Decision {
  if (s.dialling > 0) return wait;
  if (s.zeroLimited && s.now < s.zeroLimitNotBefore) return { ...wait, again: s.zeroLimitNotBefore };
  return s.zeroLimited && s.zeroLimitsExhausted && !s.strict ? { ...wait, giveUp: true } : { ...wait, dials: 1 };
}

/** When a dial beside connections that allow no stream is due, or giving up is; Infinity: neither. */
function zeroLimitDue(s: Situation, seen: Survey): number {
  if (s.strict || (seen.zero === 0 && !s.zeroLimited)) return Infinity;
  // Any other connection may still come to serve those who wait.
  if (s.zeroLimitsExhausted && seen.zero < s.connections.length) return Infinity;
  return s.zeroLimitNotBefore;
}

/** When a dial around a connection in trouble is due; Infinity: it would be of no use. */
function bypassDue(s: Situation, seen: Survey): number {
  // What they led around may be gone: then the oldest stands in for it.
  const bypasses = seen.bypasses === s.connections.length ? seen.bypasses - 1 : seen.bypasses;
  if (seen.troubled === 0 || bypasses >= seen.troubled) return Infinity;
  const patience = seen.lastIsDial ? Math.min(s.patience, longestDialPatience) : s.patience;
  return Math.max(seen.troubledSince + patience, s.linkNotBefore);
}

interface Survey {
  /** So many requests find a place in a moment, or their connection turns out to be stalled. */
  soon: number;
  awaitingSettings: number;
  /** Their limit is 0. */
  zero: number;
  /** Those among them where it has been 0 from the start: dials that were of no use. */
  zeroFromStart: number;
  full: number;
  /** The largest limit of those that are full. */
  limit: number;
  /** Bulk fills their path; those that lead through one connection have one. */
  slow: number;
  /** How long the fastest of those takes to answer; Infinity: there is none. */
  delay: number;
  troubled: number;
  /** Since when the last of them has been: until then there was another to wait for. */
  troubledSince: number;
  /** That one is a dial. */
  lastIsDial: boolean;
  /** Those among them that the SETTINGS never came on. */
  silent: number;
  bypasses: number;
}

function survey(connections: readonly Candidate[]): Survey {
  const seen: Survey = {
    soon: 0,
    awaitingSettings: 0,
    zero: 0,
    zeroFromStart: 0,
    full: 0,
    limit: 1,
    slow: 0,
    delay: Infinity,
    troubled: 0,
    troubledSince: -Infinity,
    lastIsDial: false,
    silent: 0,
    bypasses: 0,
  };
  const counted = new Set<unknown>();
  for (const { health, bypass, dial = false } of connections) {
    if (bypass) seen.bypasses++;
    if (health.since !== Infinity) {
      seen.troubled++;
      if (!health.greeted) seen.silent++;
      if (health.since >= seen.troubledSince) seen.lastIsDial = dial;
      seen.troubledSince = Math.max(seen.troubledSince, health.since);
    } else if (!health.greeted) {
      seen.awaitingSettings++; // a dial that goes on
    } else if (health.limit === 0) {
      seen.zero++; // it keeps nobody from a place elsewhere
      if (health.zeroFromStart) seen.zeroFromStart++;
    } else if (health.state === HealthState.Full) {
      seen.full++;
      seen.limit = Math.max(seen.limit, health.limit);
    } else if (health.state === HealthState.Slow) {
      if (!counted.has(health.slowBeneath)) seen.slow++;
      if (health.slowBeneath !== undefined) counted.add(health.slowBeneath);
      seen.delay = Math.min(seen.delay, health.delay);
    } else {
      seen.soon += health.limit;
    }
  }
  return seen;
}
