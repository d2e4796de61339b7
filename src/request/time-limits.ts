import type { TransportErrorCode } from '../errors.js';
import { setDeadline, type Clock, type RequestHandle, type TimerHandle } from '../ports/index.js';
import type { EarlierAttempts } from './earlier-attempts.js';
import type { PreparedRequest } from './prepared-request.js';
import { timedOut } from './request-errors.js';

/** How long a body waits for 100 (RFC 9110 section 10.1.1), in milliseconds. */
export const continueTimeout = 1_000;

/** The request that has limits. */
interface Limited {
  readonly request: PreparedRequest;
  readonly host: { readonly clock: Clock };
  /** Its caller has neither response nor error. */
  readonly pending: boolean;
  /** Something of it is still to come, or to go out. */
  readonly underWay: boolean;
  /** Bytes of the response that its reader has left to read. */
  readonly buffered: number;
  readonly attempts: number;
  readonly earlier: EarlierAttempts;
  /** The attempt under way. */
  readonly handle: Pick<RequestHandle, 'streamId'> | undefined;
  giveUp(error: unknown): void;
}

/** The time limits of one request: one for all of it, and one for the phase that it is in. */
export class TimeLimits {
  private readonly owner: Limited;
  private total: TimerHandle | undefined = undefined;
  private phase: TimerHandle | undefined = undefined;
  private lastPieceAt = 0;
  /** When all of it is to be over, in the clock's time. */
  private readonly endsAt: number;

  constructor(owner: Limited) {
    this.owner = owner;
    const { timeout } = owner.request;
    this.endsAt = timeout > 0 ? owner.host.clock.now() + timeout : Infinity;
    if (timeout > 0)
      this.total = this.timer(timeout, () => {
        this.expire('ERR_PASSINGLANE_TIMEOUT', 'timeout', timeout);
      });
  }

  /** Undefined where there is none. */
  static of(owner: Limited): TimeLimits | undefined {
    const { timeout, headersTimeout, bodyTimeout, expectContinue } = owner.request;
    return timeout > 0 || headersTimeout > 0 || bodyTimeout > 0 || expectContinue ? new TimeLimits(owner) : undefined;
  }

  /** A deadline that has passed counts only if data that had already arrived does not meet it. */
  private timer(delay: number, callback: () => void): TimerHandle {
    const { owner } = this;
    const due = (): void => {
      if (owner.underWay) callback();
    };
    return setDeadline(owner.host.clock, delay, due, false);
  }

  private expire(code: TransportErrorCode, option: string, limit: number): void {
    const { attempts, handle, request, pending, earlier } = this.owner;
    // With no attempt out, what was tried before decides (the peer refused each, say); what is out may have been acted on.
    const unprocessed = pending && handle === undefined && !earlier.exposed;
    const waits = attempts === 0 ? 'unsent' : 'again';
    const stage = handle === undefined ? waits : pending ? 'headers' : 'body';
    const failure = stage === 'again' ? earlier.failure : undefined;
    const about = { origin: request.origin.href, streamId: handle?.streamId, attempts, unprocessed, failure };
    this.owner.giveUp(timedOut(code, option, limit, stage, about));
  }

  awaitContinue(due: () => void): void {
    this.phase = this.timer(continueTimeout, due);
  }

  awaitHeaders(): void {
    const { owner } = this;
    const { headersTimeout } = owner.request;
    if (headersTimeout > 0 && owner.pending)
      this.phase = this.timer(headersTimeout, () => {
        if (owner.pending) this.expire('ERR_PASSINGLANE_HEADERS_TIMEOUT', 'headersTimeout', headersTimeout);
      });
  }

  awaitBody(): void {
    const { owner } = this;
    const { bodyTimeout } = owner.request;
    if (bodyTimeout === 0) return;
    const { clock } = owner.host;
    this.lastPieceAt = clock.now();
    const check = (): void => {
      if (this.phase === undefined) return; // the body has ended
      // While the reader has something left to read, the wait is its own.
      if (owner.buffered > 0) this.lastPieceAt = clock.now();
      const left = this.lastPieceAt + bodyTimeout - clock.now();
      if (left <= 0) this.expire('ERR_PASSINGLANE_BODY_TIMEOUT', 'bodyTimeout', bodyTimeout);
      else this.phase = this.timer(left, check);
    };
    this.phase = this.timer(bodyTimeout, check);
  }

  /** A piece of the body has come. */
  onPiece(now: number): void {
    this.lastPieceAt = now;
  }

  /** The request's time is up before so many milliseconds have passed. */
  endsWithin(delay: number): boolean {
    return this.owner.host.clock.now() + delay >= this.endsAt;
  }

  stopPhase(): void {
    if (this.phase !== undefined) this.owner.host.clock.clearTimer(this.phase);
    this.phase = undefined;
  }

  stop(): void {
    this.stopPhase();
    if (this.total !== undefined) this.owner.host.clock.clearTimer(this.total);
    this.total = undefined;
  }
}
