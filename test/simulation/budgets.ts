import type { RequestEvent } from '../../dist/ports/observer.js';
import type { ResolvedOptions } from '../../dist/transport-options.js';
import type { Books } from './books.js';
import type { OriginPlan, RequestPlan } from './plan.js';

/** The window of both budgets, in milliseconds. */
const window = 10_000;

/** So often, in any ten seconds, may requests be sent again: `retry.budget` of the first attempts, and ten a second. */
export function retriesAllowed(budget: number, firsts: number): number {
  return budget * firsts + 100;
}

/** So many second attempts may go out in ten seconds: `hedge.budget` of the first attempts, one that is borrowed, and one that is saved up. */
export function hedgesAllowed(budget: number, firsts: number): number {
  return budget * firsts + 2;
}

/** One request, as far as it has got. */
interface Known {
  connection: number;
  attempts: number;
  hedges: number;
  answered: boolean;
  /** Since when it may have had a token for the next attempt; Infinity: it needs none. */
  tokenSince: number;
}

interface Span {
  readonly from: number;
  readonly to: number;
}

export interface BudgetsWorld {
  readonly origins: readonly OriginPlan[];
  readonly options: Pick<ResolvedOptions, 'retry' | 'hedge'>;
  readonly books: Books;
  requestOf(id: number): RequestPlan | undefined;
  report(oracle: string, what: string): void;
}

/** Whether what is sent again, and what is sent twice, to one origin stays within `retry.budget` and `hedge.budget`. */
export class Budgets {
  private readonly world: BudgetsWorld;
  private readonly known = new Map<number, Known>();
  private readonly origins: readonly {
    readonly firsts: number[];
    readonly retries: Span[];
    readonly hedges: number[];
  }[];
  private readonly told = new Set<string>();

  constructor(world: BudgetsWorld) {
    this.world = world;
    this.origins = world.origins.map(() => ({ firsts: [], retries: [], hedges: [] }));
  }

  readonly request = (event: RequestEvent): void => {
    const id = Number(event.request.url.slice(event.request.url.lastIndexOf('/') + 1));
    let known = this.known.get(id);
    if (known === undefined) {
      known = { connection: 0, attempts: 0, hedges: 0, answered: false, tokenSince: Infinity };
      this.known.set(id, known);
    }
    switch (event.type) {
      case 'bound':
        return this.bound(id, known, event);
      case 'hedge':
        return this.hedged(id, known, event);
      case 'headers':
        known.answered = true;
        known.tokenSince = Math.min(known.tokenSince, event.time);
        return;
      case 'retry':
        known.answered = false;
        known.tokenSince = Math.min(known.tokenSince, event.time);
        return;
      default:
        return;
    }
  };

  readonly isHedged = (id: number): boolean => (this.known.get(id)?.hedges ?? 0) > 0;

  private originOf(id: number): (typeof this.origins)[number] {
    return this.origins[this.world.requestOf(id)?.origin ?? 0]!;
  }

  private bound(id: number, known: Known, { time, connection = 0 }: RequestEvent): void {
    const origin = this.originOf(id);
    const { tokenSince } = known;
    known.connection = connection;
    known.tokenSince = Infinity;
    if (known.attempts++ === 0) return void origin.firsts.push(time);
    if (!this.tookToken(id, known)) return;
    origin.retries.push({ from: tokenSince, to: time });
    const { budget } = this.world.options.retry;
    // Those whose token cannot but have been taken in these ten seconds.
    const retries = origin.retries.filter(({ from }) => from > time - window).length;
    const allowed = retriesAllowed(budget, countSince(origin.firsts, time - 2 * window));
    if (retries > allowed)
      this.once('retry budget', `${retries} were sent again in ten seconds, where ${allowed} may be`);
  }

  /**
   * What a server had seen, and was not spared by GOAWAY, took one. Where an attempt of it never got there, or several were
   * out, nobody but the client can say.
   */
  private tookToken(id: number, { attempts, hedges }: Known): boolean {
    const seen = this.world.books.of(id);
    return hedges === 0 && seen.length === attempts - 1 && seen.at(-1)?.verdict !== 'ignored';
  }

  private hedged(id: number, known: Known, { time, connection = 0 }: RequestEvent): void {
    known.attempts++;
    known.hedges++;
    const origin = this.originOf(id);
    origin.hedges.push(time);
    if (this.world.requestOf(id)?.idempotent !== true)
      this.once('hedges', `request ${id} went out twice, and is not idempotent`);
    if (known.answered) this.once('hedges', `request ${id} went out once more after its answer`);
    if (connection === known.connection)
      this.once('hedges', `request ${id} went out twice on connection ${connection}`);
    const budget = this.world.options.hedge?.budget ?? 0;
    const hedges = countSince(origin.hedges, time - window);
    const allowed = hedgesAllowed(budget, countSince(origin.firsts, time - 2 * window));
    const most = budget * origin.firsts.length + 1;
    if (hedges > allowed) this.once('hedge budget', `${hedges} in ten seconds, where ${allowed} may be`);
    if (origin.hedges.length > most) this.once('hedge budget', `${origin.hedges.length}, where ${most} may be`);
  }

  private once(oracle: string, what: string): void {
    if (this.told.has(oracle)) return;
    this.told.add(oracle);
    this.world.report(oracle, what);
  }
}

/** Of times in their order. */
function countSince(times: readonly number[], since: number): number {
  let count = 0;
  for (let i = times.length - 1; i >= 0 && times[i]! > since; i--) count++;
  return count;
}
