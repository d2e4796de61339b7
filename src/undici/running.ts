/** What can stand in a {@link Running}; the fields are its own. */
export interface Runner<T> {
  before: T | undefined;
  behind: T | undefined;
}

/**
 * The requests under way. An intrusive list: the tables that a Set leaves behind as it rehashes keep requests that are
 * long over alive until the next full collection, which cost a third of all that a small request costs.
 */
export class Running<T extends Runner<T>> {
  private first: T | undefined = undefined;

  get empty(): boolean {
    return this.first === undefined;
  }

  add(one: T): void {
    one.behind = this.first;
    if (this.first !== undefined) this.first.before = one;
    this.first = one;
  }

  /** It must stand in here. */
  remove(one: T): void {
    const { before, behind } = one;
    if (before === undefined) this.first = behind;
    else before.behind = behind;
    if (behind !== undefined) behind.before = before;
    one.before = undefined;
    one.behind = undefined;
  }

  *[Symbol.iterator](): Iterator<T> {
    for (let one = this.first; one !== undefined; one = one.behind) yield one;
  }
}
