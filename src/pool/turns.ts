import { prefers, type Load } from './balance.js';

/** An address that takes turns with others. */
export interface Share extends Load {
  /** Turns that it was passed over in; less than 0: requests that it had in the turns of others. */
  readonly owed: number;
  owe(turns: number): void;
}

/**
 * Addresses take turns, and one is passed over where another that is drawn at random is better ("the power of two choices",
 * the first of them whose turn it is: near to the best of all). Who was passed over has its turns later, who stood in goes
 * without: so machines that differ by noise get equal shares, which what they have in flight would not give them: at equal
 * numbers in flight, shares are as latencies are (Little's law). Two clients that know the same begin at different addresses.
 */
export class Turns<T> {
  private readonly shareOf: (one: T) => Share;
  private readonly random: () => number;
  /** Whose turn it is, by place; undefined: nobody has had one. */
  private turn: number | undefined = undefined;

  /** `random` gives 0 to 1, 1 excluded. */
  constructor(shareOf: (one: T) => Share, random: () => number) {
    this.shareOf = shareOf;
    this.random = random;
  }

  /** The one that carries a request; undefined where none is usable. */
  next(all: readonly T[], usable: (one: T) => boolean): T | undefined {
    const count = all.length;
    const turn = this.turn ?? Math.floor(this.random() * count);
    const at = this.find(all, turn, usable, true) ?? this.find(all, turn, usable);
    if (at === undefined) return undefined;
    const first = all[at]!;
    const share = this.shareOf(first);
    this.turn = share.owed > 0 ? at : at + 1;
    const other = this.drawn(all, first, usable);
    if (other === undefined || prefers(share, this.shareOf(other))) {
      if (share.owed > 0) share.owe(-1);
      return first;
    }
    this.turn = at + 1;
    share.owe(1);
    this.shareOf(other).owe(-1);
    return other;
  }

  private drawn(all: readonly T[], but: T, usable: (one: T) => boolean): T | undefined {
    if (all.length === 1) return undefined;
    const at = this.find(all, Math.floor(this.random() * all.length), usable, false, but);
    return at === undefined || !this.hasWeight(all[at]!) ? undefined : all[at];
  }

  /** The place of the first from there on; `due`: of one that is to have a turn. */
  private find(all: readonly T[], from: number, usable: (one: T) => boolean, due = false, but?: T): number | undefined {
    for (let i = 0; i < all.length; i++) {
      const at = (from + i) % all.length;
      const one = all[at]!;
      if (one !== but && usable(one) && (!due || this.isDue(one))) return at;
    }
    return undefined;
  }

  private isDue(one: T): boolean {
    if (!this.hasWeight(one)) return false;
    const share = this.shareOf(one);
    if (share.owed >= 0) return true;
    share.owe(1);
    return false;
  }

  /** One that starts slowly is there only in so many of all cases. */
  private hasWeight(one: T): boolean {
    const { weight } = this.shareOf(one);
    return weight === 1 || this.random() < weight;
  }
}
