import type { Stream } from './stream.js';

const levels = 8;
/** Of so many frames, one goes to the next lower urgency that has something to send, so that none is starved. */
const turnsBeforeYielding = 8;

/**
 * Whose DATA is sealed next: the most urgent level that has a stream with something to send and window to send it
 * (RFC 9218 section 10), streams of one level by turns. Each level is a list that its streams link.
 */
export class SendScheduler {
  private readonly first = new Array<Stream | undefined>(levels).fill(undefined);
  private readonly last = new Array<Stream | undefined>(levels).fill(undefined);
  private turns = 0;
  size = 0;

  add(stream: Stream): void {
    if (stream.scheduled) return;
    stream.scheduled = true;
    this.size++;
    const level = stream.urgency;
    const last = this.last[level];
    if (last === undefined) this.first[level] = stream;
    else last.scheduledNext = stream;
    this.last[level] = stream;
  }

  /** Takes the next stream out; whoever has more to send is added again, behind the others of its level. */
  next(): Stream | undefined {
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

  private shift(level: number): Stream | undefined {
    const stream = this.first[level];
    if (stream === undefined) return undefined;
    this.first[level] = stream.scheduledNext;
    if (stream.scheduledNext === undefined) this.last[level] = undefined;
    stream.scheduledNext = undefined;
    stream.scheduled = false;
    this.size--;
    return stream;
  }
}
