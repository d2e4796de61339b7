import { ErrorCode, ProtocolViolation } from '../wire/index.js';
import { maxOwedReplies } from './limits.js';

/**
 * The ACKs that the peer's PINGs and SETTINGS ask for, which it may not pile up (CVE-2019-9512, -9515). Resets that
 * answer its errors are bounded by the streams.
 */
export class OwedReplies {
  /** Payloads of PINGs to answer. */
  private readonly pings: Uint8Array[] = [];
  /** SETTINGS ACKs sealed since the socket last took bytes: those are sealed at once. */
  private settingsAcks = 0;

  /** PINGs that wait for their answer to be sealed. */
  get waiting(): number {
    return this.pings.length;
  }

  /** A PING to answer with this payload, which is kept. */
  ping(payload: Uint8Array): void {
    if (this.pings.length + this.settingsAcks >= maxOwedReplies)
      throw new ProtocolViolation(ErrorCode.EnhanceYourCalm, 'more PINGs than are being answered');
    this.pings.push(payload);
  }

  /** SETTINGS, whose ACK is about to be sealed. */
  settings(): void {
    if (++this.settingsAcks + this.pings.length > maxOwedReplies)
      throw new ProtocolViolation(ErrorCode.EnhanceYourCalm, 'more SETTINGS than are being acknowledged');
  }

  /** The payload of the next PING to answer. */
  next(): Uint8Array | undefined {
    return this.pings.shift();
  }

  /** The socket has taken bytes, and what was sealed with them. */
  taken(): void {
    this.settingsAcks = 0;
  }
}
