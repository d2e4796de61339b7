import { AsyncResource } from 'node:async_hooks';
import type { TransportError } from '../errors.js';
import { ErrorCode, type StreamSink } from '../protocol/index.js';
import { listenForAbort, stopListening } from './abort-listeners.js';
import { assembleResponse } from './assemble-response.js';
import { BodyQueue, discardUnopened, type BodyOwner } from '../body/index.js';
import { fieldListSize, type Demand, type HttpConnection, type RequestHandle } from '../ports/index.js';
import type { ClientResponse } from './client-response.js';
import { DroppedAnswer } from './dropped-answer.js';
import { noneEarlier, withFailed, type EarlierAttempts } from './earlier-attempts.js';
import type { AttemptWatcher, ExchangeHost } from './exchange-host.js';
import type { Hedge } from './hedge.js';
import { needsContext, type PreparedRequest } from './prepared-request.js';
import { reportAssigned, reportInformational, reportSent } from './request-hooks.js';
import { nameRequest } from '../request-line.js';
import { tracerOf, type RequestTracer } from './request-tracer.js';
import { bodyCancelled, tunnelRequest, fieldsUnread } from './request-errors.js';
import { TimeLimits } from './time-limits.js';
import { TrailersHolder } from './trailers-holder.js';
import { Upload } from './upload.js';
import type { Place, Waiter } from './wait-queue.js';

/** A body that arrives whole with its headers and is no larger than this, in bytes, is not watched for being dropped. */
const smallBody = 16_384;

const noTrailers: readonly string[] = [];

/** An unread response that is garbage is cancelled, so that it holds no stream and no credit. */
const unread = new FinalizationRegistry<Exchange>((exchange) => {
  exchange.cancelled(undefined);
});

/**
 * One request, from the call to the end of its response body, through all its attempts. It is the sink of its stream and
 * the owner of its body queue. Nothing here refers to the ClientResponse, so that an unread one can be collected.
 */
export class Exchange implements StreamSink, BodyOwner, Waiter<Exchange> {
  readonly request: PreparedRequest;
  attempts = 0;
  earlier: EarlierAttempts = noneEarlier;
  /** There while a second attempt beside the first may be wanted, or is out. */
  hedge: Hedge | undefined = undefined;
  /** Set by the host, anew for each attempt, before it binds it. */
  watcher: AttemptWatcher | undefined = undefined;
  /** Where it stands while it waits. Owned by WaitQueue. */
  place: Place<Exchange> | undefined = undefined;

  /** Set where somebody follows requests. */
  readonly tracer: RequestTracer | undefined;
  /** Set anew by a host that hands it on to another. */
  host: ExchangeHost<Exchange>;
  private resolve: ((response: ClientResponse) => void) | undefined;
  private reject: ((reason: unknown) => void) | undefined;
  /** Runs the caller's callbacks in the caller's async context; made only where there are any. */
  readonly context: AsyncResource | undefined;
  /** The attempt under way, or the one that the response came on. */
  handle: RequestHandle | undefined = undefined;
  private upload: Upload | undefined = undefined;
  private body: BodyQueue | undefined = undefined;
  private trailers: TrailersHolder | undefined = undefined;
  /** There while the answer to the last attempt, which is not for the caller, gets out of the way. */
  private dropped: DroppedAnswer | undefined = undefined;
  /** The response is whole, or has failed. */
  private over = false;
  /** Nobody waits for more of the response, so that it does not keep the process alive. */
  private unattended = false;
  /** Registered with {@link unread}. */
  private watched = false;
  /** Made only where there are any. */
  readonly limits: TimeLimits | undefined;

  constructor(
    request: PreparedRequest,
    host: ExchangeHost<Exchange>,
    resolve: (response: ClientResponse) => void,
    reject: (reason: unknown) => void,
  ) {
    this.host = host;
    this.resolve = resolve;
    this.reject = reject;
    this.tracer = tracerOf(request, host.clock);
    this.request = this.tracer?.request ?? request;
    this.context = needsContext(request) ? new AsyncResource('PASSINGLANE_REQUEST') : undefined;
    if (request.signal !== undefined) listenForAbort(request.signal, this);
    this.limits = TimeLimits.of(this);
  }

  get demand(): Demand {
    return this.request.demand;
  }

  /** True until the caller has its response or its error. */
  get pending(): boolean {
    return this.resolve !== undefined;
  }

  /** No connection can carry it yet. */
  onQueued(): void {
    this.tracer?.tell('queued');
    if (this.request.limitsWait) this.limits?.awaitHeaders();
  }

  // --- one attempt ---

  /**
   * Opens the stream: from here on the request belongs to this connection. Throws what `Connection.open` throws, and
   * ERR_PASSINGLANE_EXTENDED_CONNECT_UNSUPPORTED.
   */
  bind(connection: HttpConnection): void {
    const { request } = this;
    const handle = connection.open(request.protocol === undefined ? request : tunnelRequest(request, connection), this);
    this.limits?.stopPhase();
    this.attempts++;
    this.handle = handle;
    this.tracer?.assigned(handle, this.attempts);
    if (request.hooks !== undefined) reportAssigned(request.hooks, handle, this.context);
    if (request.endStream) return this.onSent();
    this.upload = new Upload(handle, request, this.context, (error) => {
      this.giveUp(error);
    });
    if (request.expectContinue) this.limits?.awaitContinue(() => this.beginUpload());
    else this.beginUpload();
  }

  private beginUpload(): void {
    if (this.upload?.begin() === true) this.limits?.stopPhase();
  }

  onDrain(): void {
    this.upload?.onDrain();
  }

  onWindow(waits: boolean): void {
    this.tracer?.tell(waits ? 'window-wait' : 'window-open');
  }

  onSent(): void {
    this.watcher?.sent();
    if (this.upload !== undefined) {
      this.upload.done = true;
      this.attended();
    }
    if (this.over) this.stopTimers();
    const { hooks } = this.request;
    this.tracer?.tell('sent');
    if (hooks !== undefined) reportSent(hooks, this.handle?.connection, this.context);
    this.limits?.awaitHeaders();
  }

  // --- what the peer does ---

  onInformational(status: number, fields: readonly string[], statusText = this.handle!.statusText): void {
    if (status === 100) this.beginUpload();
    if (this.hedge?.holds({ status, fields, statusText }) === true) return;
    this.tracer?.tell('informational', { status });
    const listener = this.request.onInformational;
    if (listener === undefined) return;
    const idle = (): boolean => this.over && this.body?.ended !== true; // an earlier one has ended the request
    const failed = (error: unknown): void => this.abort(error);
    const { connection } = this.handle!;
    const told = reportInformational(listener, { status, fields, statusText, idle }, connection, this.context, failed);
    if (!told) this.giveUp(fieldsUnread(connection.config.budget.limit, this.request.origin.href));
  }

  onHeaders(status: number, fields: string[], endStream: boolean, size: number): void {
    const { resolve, handle } = this;
    if (resolve === undefined || handle === undefined) return;
    this.watcher?.answered(status, fields, endStream);
    if (status >= 400 && this.isDropped(status, fields)) return;
    this.hedge?.end(true);
    const { connection } = handle;
    this.limits?.stopPhase();
    this.trailers = new TrailersHolder(this);
    // A response that has come whole is its caller's.
    if (!endStream && !this.trailers.hold(connection.config.budget, size))
      return this.giveUp(fieldsUnread(connection.config.budget.limit, this.request.origin.href));
    this.tracer?.tell('headers', { status });
    // The server has made up its mind; what it did not ask for is not sent.
    if (status > 299) this.stopUpload();
    else this.beginUpload();
    this.resolve = this.reject = undefined;
    this.body = new BodyQueue(this);
    const { request, attempts, body, trailers } = this;
    const response = assembleResponse(request, handle, attempts, status, fields, endStream, body, trailers);
    if (!endStream) {
      connection.watch(response.body, this);
      this.limits?.awaitBody();
    }
    resolve(response);
  }

  /** It goes on with this attempt, and not with what it had. */
  switchTo(handle: RequestHandle, upload: Upload | undefined): void {
    this.upload?.stop(undefined);
    this.handle?.reset(ErrorCode.Cancel);
    this.handle = handle;
    this.upload = upload;
    this.tracer?.continuesOn(handle);
  }

  /** Its host sends a request again that gets such an answer. */
  dropsStatus(status: number): boolean {
    return status >= 400 && this.host.retriesStatus?.(this, status) === true;
  }

  /** The request is sent again in place of this answer. */
  private isDropped(status: number, fields: readonly string[]): boolean {
    const { handle } = this;
    // Where two are out, it is as if this one had failed.
    if (this.dropsStatus(status) && this.hedge?.standsIn(true) === true) return true;
    const again = this.host.attemptAnswered?.(this, status, fields);
    if (again === undefined || handle === undefined) return this.resolve === undefined;
    this.tracer?.tell('headers', { status });
    this.expose();
    this.limits?.stopPhase();
    const unsent = this.uploading;
    this.upload?.stop(undefined);
    this.upload = undefined;
    this.dropped = new DroppedAnswer(handle, this.host.clock, () => {
      if (unsent) handle.reset(ErrorCode.NoError);
      this.dropped = undefined;
      this.handle = undefined;
      again();
    });
    return true;
  }

  private stopUpload(): void {
    const { upload, handle } = this;
    if (upload === undefined || upload.done || handle === undefined) return;
    handle.dropUnsent();
    upload.stop(undefined);
    discardUnopened(this.request.body, this.context, undefined);
  }

  /** The request is still being sent, which outlives a response that has ended. */
  private get uploading(): boolean {
    return this.upload?.done === false;
  }

  /**
   * Called once the read that brought the headers is worked off. What is incomplete, or large, may be left unread and is
   * watched for that. A small whole body is not worth it: its bytes leave the budget now, as if they were read.
   */
  registerUnread(body: object): void {
    const buffered = this.body?.buffered ?? 0;
    this.attended();
    const mayBeLeft = !this.over || buffered > smallBody || (this.uploading && buffered > 0);
    this.watched = mayBeLeft;
    if (mayBeLeft) return unread.register(body, this, this);
    this.trailers?.fetched();
    if (buffered > 0) {
      this.consumed(buffered);
      this.handle = undefined;
    }
  }

  onData(bytes: Uint8Array, start: number, end: number): void {
    if (this.dropped !== undefined) return this.dropped.onData(end - start);
    const { connection } = this.handle!;
    this.limits?.onPiece(connection.now);
    this.tracer?.arrived();
    const { body } = this;
    if (connection.zeroCopy === undefined) body?.pushPiece(bytes, start, end, connection.transientReads);
    else if (body?.pushView(bytes, start, end) === true) connection.zeroCopy.retainFor(body);
  }

  onEnd(trailers: string[] | undefined): void {
    if (this.dropped !== undefined) return this.dropped.end();
    if (this.pending) return; // of an attempt that another stands in for
    const { budget } = this.handle!.connection.config;
    if (this.body?.buffered === 0) this.nothingUnread();
    else if (trailers !== undefined && this.trailers?.hold(budget, fieldListSize(trailers)) === false)
      return this.endWith(fieldsUnread(budget.limit, this.request.origin.href));
    this.over = true;
    this.tracer?.end(this.buffered > 0);
    // An upload that goes on stays within the caller's reach: its signal and its time-out.
    if (this.uploading) this.limits?.stopPhase();
    else this.stopTimers();
    this.attended();
    this.trailers?.arrived(trailers ?? noTrailers);
    this.body?.end();
    // An upload that was stopped is ended with NO_ERROR once the response is whole.
    if (this.upload?.done === true) this.handle?.reset(ErrorCode.NoError);
  }

  onFailed(error: TransportError): void {
    if (this.dropped !== undefined) return this.dropped.end();
    const { watcher } = this;
    if (this.hedge?.standsIn(!error.unprocessed) === true) return watcher?.failed(error);
    this.upload?.stop(error);
    this.upload = undefined;
    this.limits?.stopPhase();
    // A complete response stands, whatever happens to the rest of the upload.
    if (this.over) return this.stopTimers();
    if (this.pending) this.watcher?.failed(error);
    error.attempts = this.attempts;
    if (this.pending) {
      this.earlier = withFailed(this.earlier, this.handle, error);
      this.handle = undefined;
      if (this.request.limitsWait) this.limits?.awaitHeaders();
      this.host.attemptFailed(this, error);
      return;
    }
    this.endWith(error);
  }

  /** The peer may have acted on an attempt that has ended. */
  expose(): void {
    if (!this.earlier.exposed) this.earlier = { ...this.earlier, exposed: true };
  }

  // --- what the caller does ---

  consumed(bytes: number): void {
    if (this.tracer !== undefined && this.buffered === 0) this.tracer.drained();
    if (this.over && this.body?.buffered === 0) this.nothingUnread();
    this.handle?.consume(bytes);
  }

  /**
   * All of the response has been read, or is gone. It is watched no longer: the registry would keep this alive, and with it
   * all that the request's callbacks hold, which may be the very body that it waits for.
   */
  private nothingUnread(): void {
    this.trailers?.fetched();
    if (this.watched) unread.unregister(this);
  }

  /** Somebody waits for more of the response, or does no longer. */
  attended(): void {
    const { over, pending, uploading, body, trailers } = this;
    const unattended = !over && !pending && !uploading && body?.waiting !== true && trailers?.awaited !== true;
    if (unattended === this.unattended) return;
    this.unattended = unattended;
    this.handle?.connection.use.attend(!unattended);
  }

  /** The body is not wanted any more. */
  cancelled(reason: unknown): void {
    // Watched, this would hold the body by an error's stack.
    this.nothingUnread();
    if (this.over) {
      this.body?.cancel(reason);
      return;
    }
    this.endAttempt(reason);
    const error = bodyCancelled(this.request.origin.href, reason);
    nameRequest(error, this.request);
    this.finish(error);
    this.trailers?.failed(error);
    this.body?.cancel(reason);
  }

  /** Ends the request whatever its stage; the caller gets `reason` itself, and nothing more of the body. */
  abort(reason: unknown): void {
    if (this.over) return this.endUpload(reason);
    this.endAttempt(reason);
    if (this.pending) return this.rejectWith(reason);
    this.finish(reason);
    this.trailers?.failed(reason);
    this.body?.abort(reason);
  }

  /** Ends the request for a fault of its own; what has arrived of the body is still delivered first. */
  giveUp(error: unknown): void {
    if (this.over) return this.endUpload(error);
    this.endAttempt(error);
    if (this.pending) this.settleFailed(error);
    else this.endWith(error);
  }

  /** The caller gets its error: nothing more will be tried. */
  settleFailed(error: unknown): void {
    nameRequest(error, this.request);
    this.rejectWith(error);
  }

  private rejectWith(reason: unknown): void {
    const { reject } = this;
    if (reject === undefined) return;
    this.resolve = this.reject = undefined;
    this.finish(reason);
    this.host.abandoned(this);
    discardUnopened(this.request.body, this.context, reason);
    reject(reason);
  }

  private endAttempt(reason: unknown): void {
    this.hedge?.end(false);
    this.dropped?.stop();
    this.dropped = undefined;
    this.upload?.stop(reason);
    this.handle?.reset(ErrorCode.Cancel);
  }

  /** The response is whole and stands; what is left of the request is given up. */
  private endUpload(reason: unknown): void {
    if (this.upload !== undefined) this.endAttempt(reason);
    this.stopTimers();
  }

  private endWith(error: unknown): void {
    nameRequest(error, this.request);
    this.finish(error);
    this.trailers?.failed(error);
    this.body?.fail(error);
  }

  private finish(error: unknown): void {
    this.over = true;
    this.tracer?.fail(error);
    this.stopTimers();
    this.attended();
    if (this.body?.buffered === 0) this.nothingUnread();
    else this.trailers?.fetched();
  }

  // --- time limits ---

  get underWay(): boolean {
    return !this.over || this.uploading;
  }

  get buffered(): number {
    return this.body?.buffered ?? 0;
  }

  /** The phase that it is in may take any time: a tunnel that is open is silent for as long as it likes. */
  stopPhaseTimer(): void {
    this.limits?.stopPhase();
  }

  private stopTimers(): void {
    this.limits?.stop();
    if (this.request.signal !== undefined) stopListening(this.request.signal, this);
  }
}
