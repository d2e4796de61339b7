/**
 * A stall ends once about a third of the kernel's buffer is free. What took the length of the stall for a third takes three
 * times as long for all of it: for that time, the calm, a connection has to go without another stall.
 */
const buffersAStall = 3;

/** Where the next stall begins within so many calms, the last calm was too short, and the next one is longer. */
const soon = 4;

/**
 * What is known of a stall that has ended with its chunk taken. That alone says little: a full socket takes a good many
 * chunks at once when part of its buffer is free, and then blocks again, and a request stands behind all that it holds.
 * So the connection is taken for recovered when the peer has answered a PING that was sealed afterwards, or, where the
 * budget has none, when it has gone without another stall for long enough to have carried what the kernel held.
 */
export class Recovery {
  /** When the stall began. */
  stalledFrom = -Infinity;
  /** Until when it recovers; Infinity: until the PING is answered; -Infinity: there is nothing to recover from. */
  until = -Infinity;
  /** The PING whose answer ends it; 0: none is out. */
  ping = 0;
  private resumedAt = -Infinity;
  /** So long it has to go without another stall; 0 before the first. */
  calm = 0;

  /** The chunk that had been with the socket since `stalledFrom` was taken. An answer to a PING from before says nothing now. */
  begin(stalledFrom: number, now: number): void {
    const went = stalledFrom - this.resumedAt;
    const again = went < soon * this.calm;
    this.calm = Math.max(buffersAStall * (now - stalledFrom), again ? 2 * went : 0);
    this.stalledFrom = stalledFrom;
    this.resumedAt = now;
    this.until = now + this.calm;
    this.ping = 0;
  }

  asked(ping: number): void {
    this.ping = ping;
    this.until = Infinity;
  }

  end(): void {
    this.until = -Infinity;
    this.ping = 0;
  }
}
