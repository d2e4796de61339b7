import { HedgeBudget } from './hedge-budget.js';
import { LatencySketch } from './latency-sketch.js';
import { RetryBudget } from './retry-budget.js';

/** What bounds the extra attempts to one origin, and says when they are due. It outlives the origin's connections. */
export class OriginLoad {
  readonly retries: RetryBudget;
  readonly hedges = new HedgeBudget();
  private sketch: LatencySketch | undefined = undefined;

  /** @param retryShare `retry.budget` */
  constructor(retryShare: number) {
    this.retries = new RetryBudget(retryShare);
  }

  /** Made where somebody measures. */
  get latency(): LatencySketch {
    return (this.sketch ??= new LatencySketch());
  }
}
