import { ErrorCode, ProtocolViolation } from '../wire/index.js';
import { idleFramesPeriod, lateBlocksEach, maxIdleFrames } from './limits.js';

/** Counts frames that cost the peer nine bytes, and us more than that (RFC 9113 section 10.5). */
export class FloodGuard {
  /** Frames that carried nothing since the last that did, and since when they are counted. */
  private idleFrames = 0;
  private since = 0;
  /** Header blocks for streams that are over. */
  private lateBlocks = 0;

  idleFrame(now: number): void {
    if (this.idleFrames === 0 || now - this.since >= idleFramesPeriod) {
      this.idleFrames = 0;
      this.since = now;
    }
    if (++this.idleFrames > maxIdleFrames)
      throw new ProtocolViolation(ErrorCode.EnhanceYourCalm, `more than ${maxIdleFrames} frames that carry nothing`);
  }

  /** Something of use has come, or has gone out: the count begins anew. */
  useful(): void {
    this.idleFrames = 0;
  }

  /**
   * A header block for a stream that is over costs as much as others do and says nothing. As many as requests that we have
   * given up may still be on their way; those beyond count as frames that carry nothing.
   */
  lateBlock(requests: number, now: number): void {
    if (++this.lateBlocks > lateBlocksEach * requests) this.idleFrame(now);
  }
}
