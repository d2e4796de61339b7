import { RecentCount } from './recent-count.js';

/** The most that may have been saved up is what so many seconds brought. */
const window = 10;

/** Below this a sum of shares is nothing but its own error of rounding. */
const nothing = 1e-9;

/** How many second attempts may go to one origin: each request brings its share of one, and the first may borrow the rest. */
export class HedgeBudget {
  private saved = 0;
  private readonly recent = new RecentCount(window);

  /** A request is sent for the first time. */
  request(share: number, now: number): void {
    this.recent.add(now, share);
    this.saved += share;
    this.forget(now);
  }

  /** Whether a second attempt may go out. */
  open(now: number): boolean {
    this.forget(now);
    return this.saved > nothing;
  }

  private forget(now: number): void {
    this.saved = Math.min(this.saved, Math.max(1, this.recent.total(now)));
  }

  take(): void {
    this.saved--;
  }

  /** How many may: whole ones. */
  left(now: number): number {
    this.forget(now);
    return Math.max(0, Math.ceil(this.saved - nothing));
  }
}
