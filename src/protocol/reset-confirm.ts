/**
 * Which resets of ours the peer may not have seen. They keep their slots until it has answered a PING, so that a dead
 * connection absorbs no more requests than its limit.
 */
export class ResetConfirm {
  private resets = 0;
  private ping = 0;
  /** An ACK has come since the last HEADERS or DATA: no more PINGs with resets until then. */
  private blocked = false;
  private frames = 0;

  /** Resets that keep their slots. */
  get unconfirmed(): number {
    return this.resets;
  }

  /** A PING that goes with a reset is out. */
  get asked(): boolean {
    return this.ping !== 0;
  }

  /** A reset may have a PING sent with it. */
  get mayAsk(): boolean {
    return !this.blocked;
  }

  /** How many frames about streams have come. A stream that was opened at this count has had no sign of life since. */
  get streamFrames(): number {
    return this.frames;
  }

  /** A frame about a stream: RST_STREAM, WINDOW_UPDATE, or one that breaks the rules of its stream. */
  streamFrame(): void {
    this.frames++;
  }

  /** A HEADERS or DATA. */
  streamContent(): void {
    this.frames++;
    this.blocked = false;
  }

  /** The PING with this ID, not 0, goes with a reset. */
  ask(ping: number): void {
    this.ping = ping;
  }

  /** A reset has been sealed that keeps its slot. */
  hold(): void {
    this.resets++;
  }

  /** Any PING ACK confirms all resets; returns how many slots that frees. */
  confirm(): number {
    const freed = this.resets;
    this.blocked = true;
    this.ping = 0;
    this.resets = 0;
    return freed;
  }
}
