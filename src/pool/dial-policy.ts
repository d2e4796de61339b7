import { Availability } from '../conn/index.js';

/** One connection as the policy sees it, oldest first. */
export interface Candidate {
  readonly availability: Availability;
  /** The peer's stream limit. */
  readonly limit: number;
  /** It was dialled to get around a stalled one. */
  readonly detour: boolean;
  /** Since when it has been stalled, or had been before the stall that it recovers from; Infinity: neither. */
  readonly stalledSince: number;
  /** The peer's SETTINGS have not come: a dial that goes on. */
  readonly settling: boolean;
  /** It has allowed no stream from the start, so that one more like it would be of no use. */
  readonly shut: boolean;
}

export interface Situation {
  readonly now: number;
  /** Requests that no connection can take now. */
  readonly waiting: number;
  readonly dialling: number;
  /** Connections that still take requests, in the order of their making. */
  readonly connections: readonly Candidate[];
  readonly maxConnections: number;
  /** Requests wait at the peer's limit instead of causing dials. */
  readonly strict: boolean;
  /** How long a stall must have lasted; it doubles with each detour that brought no progress. */
  readonly patience: number;
  /** Several origins are stalled at once: our own link is, and a dial would stall too. */
  readonly linkStalled: () => boolean;
  /** No dial before this time: the last one failed. */
  readonly notBefore: number;
}

export interface Decision {
  /** So many dials are to be started now. */
  readonly dials: number;
  /** They lead around a stalled connection. */
  readonly detour: boolean;
  /** No other way is open, or being opened, so one that is recovering from a stall may be used. */
  readonly resort: boolean;
  /** When to decide again, if nothing happens before; Infinity: no need. */
  readonly again: number;
}

const wait: Decision = { dials: 0, detour: false, resort: false, again: Infinity };

/** Whether the waiting requests call for new connections. It looks at its argument and nothing else. */
export function decideDials(s: Situation): Decision {
  if (s.waiting === 0) return wait;
  const seen = survey(s.connections);
  if (seen.soon) return wait;
  const coming = s.dialling + seen.settling;
  const stuck = { ...wait, resort: coming === 0 };
  const room = s.maxConnections - s.connections.length - s.dialling;
  if (room <= 0) return stuck;
  if (s.now < s.notBefore) return { ...stuck, again: s.notBefore };
  if (s.connections.length === 0) return s.dialling > 0 ? wait : { ...wait, dials: 1 };
  if (seen.full > 0 && !s.strict) {
    // What one connection takes is known by now, so those that are needed can be dialled at once. Those that turned out to
    // be silent cause one more, all together.
    const needed = Math.ceil(s.waiting / seen.limit) - coming - seen.shut - Math.max(0, seen.silent - 1);
    return needed > 0 ? { ...wait, dials: Math.min(needed, room) } : stuck;
  }
  if (seen.stalled === 0 || coming > 0 || seen.detours >= seen.stalled || s.linkStalled()) return stuck;
  const newest = s.connections.at(-1);
  if (newest?.detour === true && newest.stalledSince !== Infinity) return stuck;
  const due = seen.oldestStall + s.patience;
  return s.now >= due ? { ...wait, dials: 1, detour: true } : { ...stuck, again: due };
}

interface Survey {
  /** One can take a request in a moment, or will turn out to be stalled. */
  soon: boolean;
  settling: number;
  shut: number;
  /** Those among the stalled that the SETTINGS never came on. */
  silent: number;
  full: number;
  /** The largest limit of those that are full. */
  limit: number;
  stalled: number;
  oldestStall: number;
  detours: number;
}

function survey(connections: readonly Candidate[]): Survey {
  const seen: Survey = {
    soon: false,
    settling: 0,
    shut: 0,
    silent: 0,
    full: 0,
    limit: 1,
    stalled: 0,
    oldestStall: Infinity,
    detours: 0,
  };
  for (const one of connections) {
    if (one.detour) seen.detours++;
    if (one.stalledSince !== Infinity) {
      seen.stalled++;
      if (one.settling) seen.silent++;
      seen.oldestStall = Math.min(seen.oldestStall, one.stalledSince);
    } else if (one.settling) {
      seen.settling++;
    } else if (one.limit === 0) {
      if (one.shut) seen.shut++; // it waits for the peer to lift that, and keeps nobody from a place elsewhere
    } else if (one.availability === Availability.Full) {
      seen.full++;
      seen.limit = Math.max(seen.limit, one.limit);
    } else {
      seen.soon = true;
    }
  }
  return seen;
}

/** What is known of an origin that speaks HTTP/1.1, where a connection carries one request at a time. */
export interface Http1Situation {
  readonly now: number;
  readonly waiting: number;
  readonly dialling: number;
  /** Connections that carry a request, or may carry one. */
  readonly connections: number;
  readonly maxConnections: number;
  readonly notBefore: number;
}

/** One connection for each request that waits, as far as there may be so many. */
export function decideHttp1Dials(s: Http1Situation): Decision {
  const needed = Math.min(s.waiting - s.dialling, s.maxConnections - s.connections - s.dialling);
  if (needed <= 0) return wait;
  return s.now < s.notBefore ? { ...wait, again: s.notBefore } : { ...wait, dials: needed };
}
