import type { Outgoing } from './stream.js';

/** DATA of this size goes out at once, in bytes: the frame's header is less than a hundredth of it. */
const least = 1_024;

/** How long less than that waits for more credit, in milliseconds: the shortest time that RFC 1122 names. */
const patience = 100;

/**
 * DATA that a window makes so short that it waits for more credit, which RFC 1122 section 4.2.3.4 calls the avoidance of silly
 * windows: a peer that gives 8 bytes of credit at a time would get frames of 8 bytes. What is half of the initial window goes
 * out, since a peer of small windows gives no more; so does, after a while, what that peer does not add to.
 */
export class SmallData {
  /** When the first of those that wait has waited for long enough; Infinity: none waits. */
  dueAt = Infinity;
  private readonly held = new Set<Outgoing>();

  /** Whether so many bytes wait, which the stream has more of. */
  holds(outgoing: Outgoing, size: number, initialWindow: number, now: number): boolean {
    if (size >= least || 2 * size >= initialWindow || outgoing.sendsSmall) return false;
    this.held.add(outgoing);
    if (this.dueAt === Infinity) this.dueAt = now + patience;
    return true;
  }

  /** DATA of the stream goes out, or it is over. */
  delete(outgoing: Outgoing): void {
    outgoing.sendsSmall = false;
    if (this.held.delete(outgoing) && this.held.size === 0) this.dueAt = Infinity;
  }

  /** Those that wait, which do so no longer. */
  take(): Outgoing[] {
    const due = [...this.held];
    this.held.clear();
    this.dueAt = Infinity;
    for (const outgoing of due) outgoing.sendsSmall = true;
    return due;
  }
}
