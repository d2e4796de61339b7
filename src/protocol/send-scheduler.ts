import type { Outgoing } from './stream.js';

const levels = 8;
/** Of so many frames, one goes to the next lower urgency that has something to send, so that none is starved. */
const turnsBeforeYielding = 8;

/**
 * Whose DATA is sealed next: the most urgent level that has a stream with something to send and window to send it
 * (RFC 9218 section 10), streams of one level by turns. Each level is a list that its streams link.
 */
export class SendScheduler {
  private readonly first = new Array<Outgoing | undefined>(levels).fill(undefined);
  private readonly last = new Array<Outgoing | undefined>(levels).fill(undefined);
  private turns = 0;
  size = 0;

  add(outgoing: Outgoing): void {
    if (outgoing.scheduled) return;
    outgoing.scheduled = true;
    this.size++;
    const level = outgoing.urgency;
    const last = this.last[level];
    if (last === undefined) this.first[level] = outgoing;
    else last.scheduledNext = outgoing;
    this.last[level] = outgoing;
  }

  /** Takes the next stream out; whoever has more to send is added again, behind the others of its level. */
  next(): Outgoing | undefined {
    if (this.size === 0) return undefined;
    let level = this.firstFrom(0);
    if (++this.turns >= turnsBeforeYielding) {
      this.turns = 0;
      const lower = this.firstFrom(level + 1);
      if (lower < levels) level = lower;
    }
    return this.shift(level);
  }

  private firstFrom(level: number): number {
    while (level < levels && this.first[level] === undefined) level++;
    return level;
  }

  private shift(level: number): Outgoing | undefined {
    const outgoing = this.first[level];
    if (outgoing === undefined) return undefined;
    this.first[level] = outgoing.scheduledNext;
    if (outgoing.scheduledNext === undefined) this.last[level] = undefined;
    outgoing.scheduledNext = undefined;
    outgoing.scheduled = false;
    this.size--;
    return outgoing;
  }
}
