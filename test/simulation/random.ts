/** Chance that is the same for the same seed. What is drawn for one thing does not move what is drawn for another: fork. */
export class Random {
  private readonly seed: number;
  private state: number;

  constructor(seed: number) {
    this.seed = seed >>> 0;
    this.state = mix(this.seed);
  }

  /** Chance of its own for what has this name, whatever has been drawn here. */
  fork(name: string | number): Random {
    let hash = this.seed;
    for (const character of String(name)) hash = mix(hash ^ character.charCodeAt(0));
    return new Random(mix(hash + 1));
  }

  /** From 0 up to, and without, 1 (mulberry32). */
  readonly next = (): number => {
    this.state = (this.state + 0x6d2b79f5) >>> 0;
    let t = this.state;
    t = Math.imul(t ^ (t >>> 15), t | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
  };

  chance(probability: number): boolean {
    return this.next() < probability;
  }

  between(least: number, most: number): number {
    return least + this.next() * (most - least);
  }

  integer(least: number, most: number): number {
    return Math.floor(this.between(least, most + 1));
  }

  /** Small ones are as likely as large ones, by their number of digits. */
  magnitude(least: number, most: number): number {
    return Math.round(Math.exp(this.between(Math.log(least), Math.log(most))));
  }

  pick<T>(of: readonly T[]): T {
    return of[Math.floor(this.next() * of.length)] as T;
  }
}

function mix(value: number): number {
  let x = value >>> 0;
  x = Math.imul(x ^ (x >>> 16), 0x85ebca6b);
  x = Math.imul(x ^ (x >>> 13), 0xc2b2ae35);
  return (x ^ (x >>> 16)) >>> 0;
}
