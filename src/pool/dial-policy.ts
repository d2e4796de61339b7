import { Availability } from '../conn/index.js';

/** One connection as the policy sees it, oldest first. */
export interface Candidate {
  readonly availability: Availability;
  /** The peer's stream limit. */
  readonly limit: number;
  /** It was dialled to get around a stalled one. */
  readonly detour: boolean;
  /** Since when it has been stalled; Infinity: it is not. */
  readonly stalledSince: number;
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
  /** When to decide again, if nothing happens before; Infinity: no need. */
  readonly again: number;
}

const wait: Decision = { dials: 0, detour: false, again: Infinity };

/** Whether the waiting requests call for new connections. It looks at its argument and nothing else. */
export function decideDials(s: Situation): Decision {
  if (s.waiting === 0) return wait;
  const room = s.maxConnections - s.connections.length - s.dialling;
  if (room <= 0) return wait;
  if (s.now < s.notBefore) return { ...wait, again: s.notBefore };
  if (s.connections.length === 0) return s.dialling > 0 ? wait : { dials: 1, detour: false, again: Infinity };
  let full = 0;
  let stalled = 0;
  let detours = 0;
  let limit = 1;
  let oldestStall = Infinity;
  for (const one of s.connections) {
    if (one.detour) detours++;
    if (one.stalledSince !== Infinity) {
      stalled++;
      oldestStall = Math.min(oldestStall, one.stalledSince);
    } else if (one.availability === Availability.Full && one.limit > 0) {
      full++;
      limit = Math.max(limit, one.limit);
    } else {
      return wait; // it can take one in a moment, or will turn out to be stalled (a limit of 0 is lifted by the peer)
    }
  }
  if (full > 0 && !s.strict) {
    // What one connection takes is known by now, so those that are needed can be dialled at once.
    const needed = Math.ceil(s.waiting / limit) - s.dialling;
    return needed > 0 ? { dials: Math.min(needed, room), detour: false, again: Infinity } : wait;
  }
  if (stalled === 0 || s.dialling > 0 || detours >= stalled || s.linkStalled()) return wait;
  const newest = s.connections.at(-1);
  if (newest?.detour === true && newest.stalledSince !== Infinity) return wait;
  const due = oldestStall + s.patience;
  return s.now >= due ? { dials: 1, detour: true, again: Infinity } : { ...wait, again: due };
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
  return s.now < s.notBefore ? { ...wait, again: s.notBefore } : { dials: needed, detour: false, again: Infinity };
}
