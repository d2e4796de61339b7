import type { Outcome } from './run.js';

/** What came of some runs, as plain data: threads send it to each other. */
export interface Tally {
  runs: number;
  violated: number;
  requests: number;
  answered: number;
  failed: number;
  dials: number;
  turns: number;
  readonly faults: Map<string, number>;
  readonly states: Map<string, number>;
  /** Oracles, and in how many runs each was broken. */
  readonly violations: Map<string, number>;
  /** The same for those that are switched off. */
  readonly excused: Map<string, number>;
}

const maps = ['faults', 'states', 'violations', 'excused'] as const;
const numbers = ['runs', 'violated', 'requests', 'answered', 'failed', 'dials', 'turns'] as const;

export function emptyTally(): Tally {
  const counted = { runs: 0, violated: 0, requests: 0, answered: 0, failed: 0, dials: 0, turns: 0 };
  return { ...counted, faults: new Map(), states: new Map(), violations: new Map(), excused: new Map() };
}

export function tallyOf({ plan, violations, excused, states, ...counted }: Outcome): Tally {
  const { requests, answered, failed, dials, turns } = counted;
  const tally = { ...emptyTally(), runs: 1, violated: violations.length > 0 ? 1 : 0 };
  for (const { kind } of plan.faults) count(tally.faults, kind, 1);
  for (const [state, times] of states) count(tally.states, state, times);
  for (const oracle of new Set(violations.map((one) => one.oracle))) count(tally.violations, oracle, 1);
  for (const line of excused) count(tally.excused, line, 1);
  return { ...tally, requests, answered, failed, dials, turns };
}

/** In any order it comes to the same. */
export function addTally(to: Tally, more: Tally): void {
  for (const name of numbers) to[name] += more[name];
  for (const name of maps) for (const [key, times] of more[name]) count(to[name], key, times);
}

export function count(map: Map<string, number>, key: string, times: number): void {
  map.set(key, (map.get(key) ?? 0) + times);
}
