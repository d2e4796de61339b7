/** Which of two addresses carries a request, and which is of no use: functions of values, and of nothing else. */

/** What an address would be for one more request. */
export interface Load {
  /** Requests on its connections. */
  readonly inFlight: number;
  /** Its smoothed time to response headers, in milliseconds; 0: not known yet. */
  readonly latency: number;
  /** Its share of what it would get otherwise, 0 to 1: a new address starts slowly. */
  readonly weight: number;
}

/** Latencies that are not further apart than so many times say nothing, and neither do those below, in milliseconds. */
export const noise = 2;
export const leastLatency = 1;

/** Whether `one`, whose turn it is, is to carry the request rather than `other`, by (in flight + 1) x latency. */
export function prefers(one: Load, other: Load): boolean {
  const here = Math.max(one.latency, leastLatency);
  const there = Math.max(other.latency, leastLatency);
  const known = one.latency > 0 && other.latency > 0;
  const apart = known && (here > there * noise || there > here * noise);
  return (one.inFlight + 1) * (apart ? here : 1) <= (other.inFlight + 1) * (apart ? there : 1);
}

/** How an address has fared with its last requests. */
export interface Standing {
  /** Failures and refusals since the last answer. */
  readonly failures: number;
  /** Of the last so many, so many were answered with a 5xx status, or failed. */
  readonly outcomes: number;
  readonly errors: number;
  /** As in {@link Load}, of so many. */
  readonly latency: number;
  readonly samples: number;
}

/** Why an address is of no use. */
export type Fault = 'failures' | 'errors' | 'latency';

const mostFailures = 5;
/** A share of errors says something from so many requests on, and by so much more than that of its peers. */
const fewestOutcomes = 20;
const excessOfErrors = 0.3;
/** Latency does from so many on, and by so many times that of its peers, and so many milliseconds more. */
const fewestSamples = 10;
const excessOfLatency = 5;
const leastExcess = 20;

/**
 * What is wrong with an address, held against its peers: where all of them err or lag, none is. `trial`: it gets one
 * request at a time to show whether it still is, so that the first answer counts.
 */
export function faultOf(one: Standing, peers: readonly Standing[], trial = false): Fault | undefined {
  if (one.failures >= (trial ? 1 : mostFailures)) return 'failures';
  if (one.outcomes >= (trial ? 1 : fewestOutcomes) && one.errors > 0) {
    const outcomes = peers.reduce((sum, peer) => sum + peer.outcomes, 0);
    const errors = peers.reduce((sum, peer) => sum + peer.errors, 0);
    const usual = outcomes === 0 ? 1 : errors / outcomes;
    if (one.errors / one.outcomes > usual + excessOfErrors) return 'errors';
  }
  if (one.samples < (trial ? 1 : fewestSamples)) return undefined;
  const usual = median(peers.filter(({ samples }) => samples >= fewestSamples).map(({ latency }) => latency));
  return one.latency > Math.max(usual * excessOfLatency, usual + leastExcess) ? 'latency' : undefined;
}

/** Infinity where there are none. */
function median(values: number[]): number {
  values.sort((a, b) => a - b);
  return values[values.length >> 1] ?? Infinity;
}

/** One of the addresses, as whoever keeps a connection to each sees it. */
export interface Reach {
  /** A connection there takes requests, or one is being made. */
  readonly reached: boolean;
  /** A dial there is of no use before this time. */
  readonly notBefore: number;
}

/** Which of the addresses are to be dialled now, as there is to be a connection to each; and when to look again. */
export function decideReach<T extends Reach>(
  all: readonly T[],
  now: number,
  room: number,
): { readonly dials: readonly T[]; readonly again: number } {
  const missing = all.filter(({ reached }) => !reached);
  const due = missing.filter(({ notBefore }) => now >= notBefore);
  const later = missing.filter(({ notBefore }) => now < notBefore).map(({ notBefore }) => notBefore);
  return { dials: due.slice(0, Math.max(0, room)), again: Math.min(Infinity, ...later) };
}
