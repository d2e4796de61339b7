import { addTally, emptyTally, type Tally } from './tally.js';

/** What came of many runs, in words. */
export class Summary {
  private readonly tally = emptyTally();
  private readonly started = performance.now();
  private lineAt = 0;

  add(tally: Tally): void {
    addTally(this.tally, tally);
  }

  get violated(): number {
    return this.tally.violated;
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
    const { runs, requests, violated } = this.tally;
    const left = Math.round((this.seconds / runs) * (of - runs));
    return `${runs} of ${of} runs, ${requests} requests, ${violated} with violations, ${left} s left`;
  }

  /** The same for the same runs, but for how long they took. */
  text(): string {
    const { runs, requests, answered, failed, dials, turns, faults, states, violated, violations, excused } =
      this.tally;
    return [
      `${runs} runs of ten virtual minutes in ${this.seconds.toFixed(1)} s`,
      `${requests} requests, ${answered} answered, ${failed} failed, ${dials} dials, ${turns} turns`,
      `faults: ${list(faults)}`,
      `states: ${list(states)}`,
      violated === 0 ? 'violations: none' : `runs with violations: ${violated} (${list(violations)})`,
      ...(excused.size > 0 ? [`runs that broke what is switched off: ${list(excused)}`] : []),
    ].join('\n');
  }

  toJSON(): object {
    const { faults, states, violations, excused, ...numbers } = this.tally;
    const [ofFaults, ofStates, ofViolations, ofExcused] = [faults, states, violations, excused].map((map) =>
      Object.fromEntries(map),
    );
    const maps = { faults: ofFaults, states: ofStates, violations: ofViolations, excused: ofExcused };
    return { seconds: this.seconds, ...numbers, ...maps };
  }
}

function list(map: ReadonlyMap<string, number>): string {
  return [...map]
    .sort(([one], [other]) => (one < other ? -1 : 1))
    .map(([name, times]) => `${name} ${times}`)
    .join(', ');
}
