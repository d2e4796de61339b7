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
  /** When the peer last gave more. */
  private gainedAt: number;

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
    this.gainedAt = now;
    this.starvedReported = false;
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
    } else if (this.shortSince < 0) this.shortSince = now;
  }

  /** Since when it has been short without more having come; Infinity: it is not short. */
  get starvedSince(): number {
    return this.shortSince < 0 ? Infinity : Math.max(this.shortSince, this.gainedAt);
  }

  /**
   * Whether a body that begins with so many bytes may go out. Where they do not fit, it may once a peer that gives credit in
   * small steps has given some within `patience`, and has been short for longer: it then shares with those before it.
   */
  admits(bytes: number, now: number, patience: number): boolean {
    if (this.free >= bytes) return true;
    return now >= this.shortSince + patience && now < this.gainedAt + patience;
  }
}
