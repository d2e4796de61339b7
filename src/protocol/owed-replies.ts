import { ErrorCode, ProtocolViolation } from '../wire/index.js';
import { maxOwedReplies } from './limits.js';

/**
 * The replies that the peer's frames ask for, which it may not pile up (CVE-2019-9512, -9514, -9515): ACKs of PINGs and of
 * SETTINGS, and RST_STREAM for frames on streams that it had ended. Resets of open streams are bounded by those.
 */
export class OwedReplies {
  /** Payloads of PINGs to answer. */
  private readonly pings: Uint8Array[] = [];
  /** SETTINGS ACKs and RST_STREAMs since the socket last took bytes: those are sealed at once. */
  private sealed = 0;

  /** PINGs that wait for their answer to be sealed. */
  get waiting(): number {
    return this.pings.length;
  }

  /** A PING to answer with this payload, which is kept. */
  ping(payload: Uint8Array): void {
    if (this.pings.length + this.sealed >= maxOwedReplies)
      throw new ProtocolViolation(ErrorCode.EnhanceYourCalm, 'more PINGs than are being answered');
    this.pings.push(payload);
  }

  /** SETTINGS, whose ACK is about to be sealed. */
  settings(): void {
    this.seal('more SETTINGS than are being acknowledged');
  }

  /** A frame for a stream that the peer had ended, whose RST_STREAM is about to be sealed. */
  reset(): void {
    this.seal('more frames on streams that the server had ended than are being answered');
  }

  private seal(flood: string): void {
    if (++this.sealed + this.pings.length > maxOwedReplies)
      throw new ProtocolViolation(ErrorCode.EnhanceYourCalm, flood);
  }

  /** The payload of the next PING to answer. */
  next(): Uint8Array | undefined {
    return this.pings.shift();
  }

  /** The socket has taken bytes, and what was sealed with them. */
  taken(): void {
    this.sealed = 0;
  }
}
