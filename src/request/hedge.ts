import type { AsyncResource } from 'node:async_hooks';
import type { TransportError } from '../errors.js';
import { ErrorCode, type StreamSink } from '../protocol/index.js';
import { setDeadline, type Clock, type HttpConnection, type RequestHandle, type TimerHandle } from '../ports/index.js';
import type { EarlierAttempts } from './earlier-attempts.js';
import type { AttemptWatcher } from './exchange-host.js';
import type { PreparedRequest } from './prepared-request.js';
import { reportAssigned, reportSent } from './request-hooks.js';
import type { RequestTracer } from './request-tracer.js';
import { continueTimeout } from './time-limits.js';
import { Upload } from './upload.js';

/** So many interim responses of either attempt, the latest, wait for it to be known whose are told. */
const heldInterims = 16;

/** An interim response (RFC 9110 section 15.2). */
export interface Interim {
  readonly status: number;
  readonly fields: readonly string[];
  /** '' in HTTP/2, which has none. */
  readonly statusText: string;
}

/** Told once: no second attempt is wanted any more, or it is the only one. `won`: an answer has begun, and is its. */
export type HedgeOver = (answered: boolean, won: boolean) => void;

/** The request, whose sink its first attempt has. */
export interface HedgedRequest extends StreamSink {
  onInformational(status: number, fields: readonly string[], statusText?: string): void;
  readonly request: PreparedRequest;
  readonly context: AsyncResource | undefined;
  readonly host: { readonly clock: Clock };
  readonly tracer: RequestTracer | undefined;
  /** Of the attempt that it goes on with. */
  watcher: AttemptWatcher | undefined;
  attempts: number;
  earlier: EarlierAttempts;
  /** The peer may have acted on an attempt that has ended. */
  expose(): void;
  hedge: Hedge | undefined;
  /** It goes on with this attempt, and not with what it had. */
  switchTo(handle: RequestHandle, upload: Upload | undefined): void;
  /** Its host sends a request again that gets such an answer. */
  dropsStatus(status: number): boolean;
  giveUp(error: unknown): void;
}

/**
 * The second attempt of a request whose answer is overdue: first what waits for that, then a stream beside the first. The
 * attempt that has response headers first is the request's; the other is reset.
 */
export class Hedge implements StreamSink {
  readonly exchange: HedgedRequest;
  /** Undefined until it is sent. */
  private handle: RequestHandle | undefined = undefined;
  private upload: Upload | undefined = undefined;
  /** All of it has been sent. */
  private sent = false;
  private readonly told: HedgeOver;
  private watcher: AttemptWatcher | undefined = undefined;
  private over = false;
  /** The first attempt is gone: what happens here happens to the request. */
  private alone = false;
  private continueTimer: TimerHandle | undefined = undefined;
  private interims: Interim[] = [];
  private firstInterims: Interim[] = [];

  constructor(exchange: HedgedRequest, told: HedgeOver) {
    this.exchange = exchange;
    this.told = told;
  }

  /** It goes out on this connection. Throws what `Connection.open` throws. */
  bind(connection: HttpConnection, watcher: AttemptWatcher | undefined): void {
    const { exchange } = this;
    const { request } = exchange;
    const handle = connection.open(request, this);
    this.handle = handle;
    this.watcher = watcher;
    exchange.attempts++;
    exchange.earlier = { ...exchange.earlier, hedges: exchange.earlier.hedges + 1 };
    exchange.tracer?.hedged(handle, exchange.attempts);
    if (request.endStream) {
      this.sent = true;
      return;
    }
    this.upload = new Upload(handle, request, exchange.context, (error) => {
      if (this.alone) exchange.giveUp(error);
      else this.end(false); // the first attempt has a source of its own
    });
    this.upload.unheard = true;
    const begin = (): unknown => this.upload?.begin();
    if (request.expectContinue) this.continueTimer = setDeadline(exchange.host.clock, continueTimeout, begin, false);
    else begin();
  }

  /** The first attempt is the request's, wherever this one stands; `answered`: its answer has begun. */
  end(answered: boolean): void {
    if (this.over) return;
    this.finish(answered, false);
    this.upload?.stop(undefined);
    this.handle?.reset(ErrorCode.Cancel);
    this.tell(this.firstInterims);
  }

  /** The first attempt has come to nothing. True: this one, which is out, stands in for it. `exposed`: it may have been acted on. */
  standsIn(exposed: boolean): boolean {
    if (this.handle === undefined) {
      this.end(false);
      return false;
    }
    if (exposed) this.exchange.expose();
    this.takeOver(this.handle, false);
    return true;
  }

  private takeOver(handle: RequestHandle, answered: boolean): void {
    const { exchange, upload, sent } = this;
    const { request, context } = exchange;
    this.finish(answered, answered);
    this.alone = true;
    if (answered) exchange.watcher?.overtaken();
    exchange.watcher = this.watcher;
    if (upload !== undefined) upload.unheard = false;
    exchange.switchTo(handle, upload);
    if (request.hooks !== undefined) reportAssigned(request.hooks, handle, context);
    if (request.hooks !== undefined && sent) reportSent(request.hooks, handle.connection, context);
    this.tell(this.interims);
  }

  private finish(answered: boolean, won: boolean): void {
    this.over = true;
    this.exchange.hedge = undefined;
    if (this.continueTimer !== undefined) this.exchange.host.clock.clearTimer(this.continueTimer);
    this.told(answered, won);
  }

  /** An interim response of the first attempt has come. True: it is told once that has the answer, and not if it has none. */
  holds(interim: Interim): boolean {
    if (this.handle === undefined) return false;
    this.firstInterims = latest(this.firstInterims, interim);
    return true;
  }

  private tell(interims: readonly Interim[]): void {
    for (const { status, fields, statusText } of interims) this.exchange.onInformational(status, fields, statusText);
  }

  // --- what its stream does ---

  onInformational(status: number, fields: readonly string[]): void {
    if (status === 100) this.upload?.begin();
    if (this.alone) this.exchange.onInformational(status, fields);
    else this.interims = latest(this.interims, { status, fields, statusText: this.handle?.statusText ?? '' });
  }

  onHeaders(status: number, fields: readonly string[], endStream: boolean, size: number): void {
    const { handle } = this;
    if (!this.alone && handle !== undefined) {
      if (this.exchange.dropsStatus(status)) {
        this.watcher?.answered(status, fields, endStream);
        return this.end(false);
      }
      this.takeOver(handle, true);
    }
    this.exchange.onHeaders(status, fields, endStream, size);
  }

  onData(bytes: Uint8Array, start: number, end: number): void {
    if (this.alone) this.exchange.onData(bytes, start, end);
  }

  onEnd(trailers: readonly string[] | undefined): void {
    if (this.alone) this.exchange.onEnd(trailers);
  }

  onSent(): void {
    this.sent = true;
    if (this.alone) return this.exchange.onSent();
    this.watcher?.sent();
    if (this.upload !== undefined) this.upload.done = true;
  }

  onDrain(): void {
    this.upload?.onDrain();
  }

  onWindow(waits: boolean): void {
    if (this.alone) this.exchange.onWindow?.(waits);
  }

  onFailed(error: TransportError): void {
    if (this.alone) return this.exchange.onFailed(error);
    this.watcher?.failed(error);
    if (!error.unprocessed) this.exchange.expose();
    this.end(false);
  }
}

function latest(before: readonly Interim[], interim: Interim): Interim[] {
  return [...before, interim].slice(-heldInterims);
}
