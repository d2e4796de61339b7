import type { Stream } from './stream.js';

const levels = 8;
/** Of so many frames, one goes to the next lower urgency that has something to send, so that none is starved. */
const turnsBeforeYielding = 8;

/**
 * Whose DATA is sealed next: the most urgent level that has a stream with something to send and window to send it
 * (RFC 9218 section 10), streams of one level by turns.
 */
export class SendScheduler {
  private readonly queues: Stream[][] = Array.from({ length: levels }, () => []);
  private readonly heads: number[] = new Array<number>(levels).fill(0);
  private turns = 0;
  size = 0;

  add(stream: Stream): void {
    if (stream.scheduled) return;
    stream.scheduled = true;
    this.queues[stream.urgency]?.push(stream);
    this.size++;
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
    while (level < levels && this.queues[level]?.length === this.heads[level]) level++;
    return level;
  }

  private shift(level: number): Stream | undefined {
    const queue = this.queues[level];
    if (queue === undefined) return undefined;
    const head = this.heads[level] ?? 0;
    const stream = queue[head];
    if (head + 1 >= 64 && (head + 1) * 2 >= queue.length) {
      queue.splice(0, head + 1); // amortised: half of the queue is spent
      this.heads[level] = 0;
    } else {
      this.heads[level] = head + 1;
    }
    if (queue.length === this.heads[level]) {
      queue.length = 0;
      this.heads[level] = 0;
    }
    if (stream !== undefined) {
      stream.scheduled = false;
      this.size--;
    }
    return stream;
  }
}
