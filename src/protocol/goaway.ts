import { errorCodeName } from '../errors.js';
import { ErrorCode } from '../wire/index.js';

/** What the peer's GOAWAY frames have said, merged into one, and whether ours is out (RFC 9113 section 6.8). */
export class GoAway {
  private weSent = false;
  private peerSent = false;
  private peerLastStreamId = 0x7fff_ffff;
  private peerCode: number = ErrorCode.NoError;
  private peerDebug = '';
  private peerBroke = false;

  get sent(): boolean {
    return this.weSent;
  }

  get received(): boolean {
    return this.peerSent;
  }

  /** The last stream that the peer may act on; before any GOAWAY, the last that there can be. */
  get lastStreamId(): number {
    return this.peerLastStreamId;
  }

  get code(): number {
    return this.peerCode;
  }

  /**
   * The peer has called the connection broken, be it after other words: it is to close it by itself (RFC 9113 section 5.4.1).
   * One that asks for calm may go on with what it has, and is asked less often.
   */
  get broken(): boolean {
    return this.peerBroke;
  }

  /** The peer's reason, for messages. */
  get said(): string {
    const debug = this.peerDebug === '' ? '' : ` (${this.peerDebug})`;
    return `GOAWAY ${errorCodeName(this.peerCode)}${debug}`;
  }

  /** Ours has been sealed. */
  markSent(): void {
    this.weSent = true;
  }

  /** One more from the peer. Of several count the first debug data, the first code that is an error, the newest last stream. */
  receive(lastStreamId: number, code: number, debug: string): void {
    this.peerSent = true;
    this.peerLastStreamId = lastStreamId;
    if (this.peerDebug === '') this.peerDebug = debug;
    if (this.peerCode === ErrorCode.NoError) this.peerCode = code;
    this.peerBroke ||= code !== ErrorCode.NoError && code !== ErrorCode.EnhanceYourCalm;
  }
}
