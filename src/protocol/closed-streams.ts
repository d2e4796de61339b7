import { rememberedResets } from './limits.js';

/** What a DATA or HEADERS frame for a stream that is over calls for. */
export type LateFrame = 'ignore' | 'answer' | 'answered';

/**
 * Streams that we have ended by RST_STREAM: what comes for them may have been sent before the peer saw that, and is
 * ignored (RFC 9113 section 5.1). All others that are over were ended by the peer, which may send nothing more on them
 * (section 6.1), and is told so once a stream.
 */
export class ClosedStreams {
  /** The latest of them, oldest first; true: the RST_STREAM was such an answer. */
  private readonly reset = new Map<number, boolean>();
  /** Streams up to this one may have been reset by us and forgotten: they are taken for such. */
  private forgotten = 0;

  /** RST_STREAM has been sealed on the stream. */
  resetByUs(streamId: number): void {
    this.remember(streamId, false);
  }

  /** A frame has come for a stream that is over. `answer`: RST_STREAM is to be sealed, and counts as such from here on. */
  late(streamId: number): LateFrame {
    const told = this.reset.get(streamId);
    if (told === true) return 'answered';
    if (told === false || streamId <= this.forgotten) return 'ignore';
    this.remember(streamId, true);
    return 'answer';
  }

  private remember(streamId: number, told: boolean): void {
    this.reset.set(streamId, told);
    if (this.reset.size <= rememberedResets) return;
    for (const oldest of this.reset.keys()) {
      this.reset.delete(oldest);
      this.forgotten = Math.max(this.forgotten, oldest);
      return;
    }
  }
}
