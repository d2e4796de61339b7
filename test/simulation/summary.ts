import type { Outcome } from './run.js';

/** What came of many runs. */
export class Summary {
  violated = 0;
  private runs = 0;
  private requests = 0;
  private answered = 0;
  private failed = 0;
  private dials = 0;
  private turns = 0;
  private readonly faults = new Map<string, number>();
  private readonly states = new Map<string, number>();
  private readonly violations = new Map<string, number>();
  private readonly started = performance.now();
  private lineAt = 0;

  add({ plan, violations, requests, answered, failed, dials, turns, states }: Outcome): void {
    this.runs++;
    this.requests += requests;
    this.answered += answered;
    this.failed += failed;
    this.dials += dials;
    this.turns += turns;
    if (violations.length > 0) this.violated++;
    for (const { kind } of plan.faults) count(this.faults, kind, 1);
    for (const [state, times] of states) count(this.states, state, times);
    for (const oracle of new Set(violations.map((one) => one.oracle))) count(this.violations, oracle, 1);
  }

  /** Ten a second are enough. */
  get isTimeForALine(): boolean {
    const now = performance.now();
    if (now - this.lineAt < 100) return false;
    this.lineAt = now;
    return true;
  }

  private get seconds(): number {
    return (performance.now() - this.started) / 1_000;
  }

  line(of: number): string {
    const left = Math.round((this.seconds / this.runs) * (of - this.runs));
    return `${this.runs} of ${of} runs, ${this.requests} requests, ${this.violated} with violations, ${left} s left`;
  }

  text(): string {
    return [
      `${this.runs} runs of ten virtual minutes in ${this.seconds.toFixed(1)} s: ${this.requests} requests, ${this.answered} answered, ` +
        `${this.failed} failed, ${this.dials} dials, ${this.turns} turns`,
      `faults: ${list(this.faults)}`,
      `states: ${list(this.states)}`,
      this.violated === 0 ? 'violations: none' : `runs with violations: ${this.violated} (${list(this.violations)})`,
    ].join('\n');
  }

  toJSON(): object {
    const { runs, requests, answered, failed, dials, turns, violated, seconds } = this;
    const parts = [this.faults, this.states, this.violations].map((map) => Object.fromEntries(map));
    const [faults, states, violations] = parts;
    return { runs, requests, answered, failed, dials, turns, violated, seconds, faults, states, violations };
  }
}

function count(map: Map<string, number>, key: string, times: number): void {
  map.set(key, (map.get(key) ?? 0) + times);
}

function list(map: ReadonlyMap<string, number>): string {
  return [...map]
    .sort(([one], [other]) => (one < other ? -1 : 1))
    .map(([name, times]) => `${name} ${times}`)
    .join(', ');
}
