import { RecentCount } from './recent-count.js';

/** The window, in seconds. */
const window = 10;

/** So many tokens a second there are whatever the traffic, so that a quiet client can send again too. */
const perSecond = 10;

/**
 * What may be sent again to one origin: a token each, of which the last ten seconds gave a share of the first attempts that
 * they saw, and ten a second. So an origin in trouble gets little more than it would have got in good health.
 */
export class RetryBudget {
  private readonly share: number;
  private readonly firsts = new RecentCount(window);
  /** A second more, so that none is forgotten before its ten seconds are over. */
  private readonly taken = new RecentCount(window + 1);

  /** @param share of first attempts; Infinity: there is always a token */
  constructor(share: number) {
    this.share = share;
  }

  /** A request is sent for the first time. */
  first(now: number): void {
    if (this.share !== Infinity) this.firsts.add(now);
  }

  /** True where there was a token, which is gone now. */
  take(now: number): boolean {
    if (this.share === Infinity) return true;
    if (this.left(now) < 1) return false;
    this.taken.add(now);
    return true;
  }

  /** How many tokens there are. */
  left(now: number): number {
    if (this.share === Infinity) return Infinity;
    const given = this.share * this.firsts.total(now) + perSecond * window;
    return Math.max(0, Math.floor(given - this.taken.total(now)));
  }
}
