import { errorCodeName } from '../errors.js';
import { ErrorCode } from '../wire/index.js';

/** What the peer's GOAWAY frames have said, merged into one, and whether ours is out (RFC 9113 section 6.8). */
export class GoAway {
  #sent = false;
  #received = false;
  #lastStreamId = 0x7fff_ffff;
  #code: number = ErrorCode.NoError;
  #debug = '';

  get sent(): boolean {
    return this.#sent;
  }

  get received(): boolean {
    return this.#received;
  }

  /** The last stream that the peer may act on; before any GOAWAY, the last that there can be. */
  get lastStreamId(): number {
    return this.#lastStreamId;
  }

  get code(): number {
    return this.#code;
  }

  /** The peer's reason, for messages. */
  get said(): string {
    const debug = this.#debug === '' ? '' : ` (${this.#debug})`;
    return `GOAWAY ${errorCodeName(this.#code)}${debug}`;
  }

  /** Ours has been sealed. */
  markSent(): void {
    this.#sent = true;
  }

  /** One more from the peer. Of several count the first debug data, the first code that is an error, the newest last stream. */
  receive(lastStreamId: number, code: number, debug: string): void {
    this.#received = true;
    this.#lastStreamId = lastStreamId;
    if (this.#debug === '') this.#debug = debug;
    if (this.#code === ErrorCode.NoError) this.#code = code;
  }
}
