import { defaultInitialWindow } from '../wire/index.js';

/** What a body's beginning needs of the connection's window at most, in bytes: one frame. */
export const bodyStart = 16_384;

/**
 * The connection's send window (RFC 9113 section 5.2), and what of it is spoken for: a short body that is at hand goes out
 * whole, so that no long one beside it can take the window from under it.
 */
export class SendWindow {
  left = defaultInitialWindow;
  /** What short bodies of open streams have yet to use. */
  promised = 0;
  /** When it last came to be too little for a body's beginning; -1: it is not. */
  shortSince = -1;
  /** It has been short for so long, without more having come, that a request with a body has reason to go elsewhere. */
  starvedReported = false;
  /** What short bodies have used and the peer has yet to give back. That it does so says nothing of a long one. */
  private owed = 0;
  /** When the peer last gave more than that. */
  private gainedAt: number;
  /** How much of that there has been since it came to be short. */
  private gained = 0;

  constructor(now: number) {
    this.gainedAt = now;
  }

  /** What nobody has spoken for. */
  get free(): number {
    return this.left - this.promised;
  }

  /** DATA is sealed, so much of it that was promised. */
  take(bytes: number, promised: number, now: number): void {
    this.left -= bytes;
    this.promised -= promised;
    this.owed += promised;
    this.look(now);
  }

  promise(bytes: number, now: number): void {
    this.promised += bytes;
    this.look(now);
  }

  /** The peer has given more. True: it had been short. */
  gain(bytes: number, now: number): boolean {
    const wasShort = this.shortSince >= 0;
    this.left += bytes;
    this.owed -= bytes;
    if (this.owed < 0) {
      this.gained -= this.owed;
      this.owed = 0;
      this.gainedAt = now;
      this.starvedReported = false;
    }
    this.look(now);
    return wasShort;
  }

  /** That it is starved has been told of. */
  reportStarved(): void {
    this.starvedReported = true;
  }

  private look(now: number): void {
    if (this.free >= bodyStart) {
      this.shortSince = -1;
      this.starvedReported = false;
    } else if (this.shortSince < 0) {
      this.shortSince = now;
      this.gained = 0;
    }
  }

  /** Since when it has been short without more having come; Infinity: it is not short. */
  get starvedSince(): number {
    return this.shortSince < 0 ? Infinity : Math.max(this.shortSince, this.gainedAt);
  }

  /**
   * Whether a body that begins with so many bytes may go out. Where they do not fit, it may with a peer that has given
   * credit in small steps for longer than `patience`, if at that pace what is missing comes within another `patience`.
   */
  admits(bytes: number, now: number, patience: number): boolean {
    const missing = bytes - this.free;
    if (missing <= 0) return true;
    const short = now - this.shortSince;
    if (short < patience || now >= this.gainedAt + patience) return false;
    return missing * short <= this.gained * patience;
  }
}
