import type { SimulatedClock } from './clock.js';
import { kernel } from './kernel.js';

export type Way = 'up' | 'down';

/** One direction of a path. */
export class Direction {
  /** What is sent vanishes. Its sender sends it again and again, so that it comes late, once this is over. */
  blackHole = false;
  /** When what has been sent so far will have left the queue. */
  busyUntil = 0;
}

/** The path between the process and one address. */
export class Link {
  /** One way, in milliseconds. */
  delay: number;
  /** Bytes a millisecond, each way; Infinity: it takes no time. */
  bandwidth: number;
  /** The share of what is sent that is lost, and comes a retransmission later. */
  loss = 0;
  /** So many bytes may stand in the queue at the narrowest place; a sender that fills it waits. */
  queue = 262_144;
  readonly up = new Direction();
  readonly down = new Direction();
  readonly #clock: SimulatedClock;
  readonly #chance: () => number;

  /** As it was at first. */
  readonly #usual: Pick<Link, 'delay' | 'bandwidth'>;

  constructor(clock: SimulatedClock, delay: number, bandwidth: number, chance: () => number) {
    this.#clock = clock;
    this.delay = delay;
    this.bandwidth = bandwidth;
    this.#usual = { delay, bandwidth };
    this.#chance = chance;
  }

  /** Nothing is done to it. */
  get isUsual(): boolean {
    const { delay, bandwidth } = this.#usual;
    const open = !this.up.blackHole && !this.down.blackHole;
    return open && this.loss === 0 && this.delay === delay && this.bandwidth === bandwidth;
  }

  /**
   * Takes a small packet to the other side: `arrive` is called there, a delay later or, where it is lost, a retransmission or
   * more. `gone` says that nobody waits for it any more.
   */
  carry(way: Way, arrive: () => void, gone: () => boolean, patience: number = kernel.retransmit): void {
    const lost = this.loss > 0 && this.#chance() < this.loss ? patience : 0;
    this.#clock.after(this.delay + lost, () => this.#land(way, arrive, gone, patience));
  }

  #land(way: Way, arrive: () => void, gone: () => boolean, patience: number): void {
    if (gone()) return;
    if (!this[way].blackHole) return arrive();
    const next = Math.min(2 * patience, kernel.mostRetransmit);
    this.#clock.after(patience, () => this.#land(way, arrive, gone, next));
  }

  /** When bulk of so many bytes will have left the queue; it then travels for `delay`. */
  enqueue(way: Way, bytes: number): number {
    const direction = this[way];
    direction.busyUntil = Math.max(direction.busyUntil, this.#clock.time) + bytes / this.bandwidth;
    return direction.busyUntil;
  }

  /** In milliseconds: how long until the queue has room again. 0: it has. */
  queueFullFor(way: Way): number {
    if (this.bandwidth === Infinity) return 0;
    const full = this[way].busyUntil - this.#clock.time - this.queue / this.bandwidth;
    return full > 0 ? Math.max(full, 0.01) : 0; // what is lost in rounding must not make time stand still
  }

  /** What a lost segment costs. */
  get lostDelay(): number {
    return this.loss > 0 && this.#chance() < this.loss ? kernel.retransmit + 2 * this.delay : 0;
  }
}
