import { chunksOf, type ChunkReader } from '../body/index.js';
import {
  receivedFields,
  receivedTrailers,
  statusTextOf,
  TunnelBody,
  type ClientResponse,
  type RequestHooks,
  type RequestParts,
} from '../request/index.js';
import type { ResponseConnection } from '../ports/index.js';
import { headersTimeoutOf, submit, type Abortable, type BaseTransport } from '../transport.js';
import type { DispatchHandler } from './contract.js';
import { sendingObserved, type PublishedRequest } from './diagnostics.js';
import { discardBody } from './to-body.js';
import type { Runner } from './running.js';
import { UpgradedSocket } from './upgraded-socket.js';
import { aborted, toUndiciError, UndiciError } from './undici-error.js';
import { asUpgraded, isUpgraded } from './websocket.js';
import { setTimeout, clearTimeout, setImmediate, queueMicrotask } from '../timers.js';

/** Who wants to know when a request is over. */
export interface DispatchOwner {
  finished(request: Dispatched): void;
}

/**
 * One request on its way through a handler, of either kind. It calls the handler in undici's order, reads no further
 * while it is paused, and finishes once: the handler gets its end or its error, and nothing after.
 */
export abstract class Dispatched implements RequestHooks, Runner<Dispatched> {
  /** Owned by Running. */
  before: Dispatched | undefined = undefined;
  behind: Dispatched | undefined = undefined;
  protected readonly handler: DispatchHandler;
  aborted = false;
  paused = false;
  reason: Error | null = null;
  private readonly owner: DispatchOwner;
  private readonly published: PublishedRequest | undefined;
  private request: Abortable | undefined = undefined;
  private response: ClientResponse | undefined = undefined;
  private chunks: ChunkReader | undefined = undefined;
  /** There once the server has accepted that there be one. */
  private tunnel: UpgradedSocket | undefined = undefined;
  private over = false;
  private pumping = false;
  private waiting = false;
  /** The handler has had the headers in this very turn. */
  private fresh = false;
  /** The body, where it is bytes and its handler wants to know that they were sent. */
  private unreported: Uint8Array | undefined = undefined;

  constructor(handler: DispatchHandler, owner: DispatchOwner, published: PublishedRequest | undefined) {
    this.handler = handler;
    this.owner = owner;
    this.published = published;
  }

  // --- what the two kinds of handlers differ in ---

  protected abstract started(): void;
  protected abstract headers(status: number, fields: readonly string[], statusText: string): void;
  protected abstract data(chunk: Buffer): void;
  protected abstract ended(trailers: readonly string[]): void;
  protected abstract failed(error: Error): void;
  protected abstract upgraded(status: number, fields: readonly string[], tunnel: UpgradedSocket): void;

  // --- sending ---

  /** Throws what is wrong with the parts; from then on everything goes to the handler. */
  start(transport: BaseTransport, parts: RequestParts, upgrade: boolean): void {
    try {
      this.started();
    } catch (error) {
      this.stop(error as Error);
    }
    if (this.over) {
      discardBody(parts.options.body, this.reason ?? aborted());
      return;
    }
    if (upgrade) this.startTunnel(transport, parts);
    else void this.exchange(transport, this.withHooks(parts));
  }

  private async exchange(transport: BaseTransport, parts: RequestParts): Promise<void> {
    let response: ClientResponse;
    try {
      response = await this.send(transport, parts);
    } catch (error) {
      return this.fail(error);
    }
    this.receive(response);
  }

  private send(transport: BaseTransport, parts: RequestParts): Promise<ClientResponse> {
    return new Promise((resolve, reject) => {
      this.request = submit(transport, parts, resolve, reject);
    });
  }

  private startTunnel(transport: BaseTransport, parts: RequestParts): void {
    let source = new TunnelBody();
    // One for each attempt: nothing is written before the server has accepted.
    const body = (): TunnelBody => (source = new TunnelBody());
    const options = { ...parts.options, body };
    const headersTimeout = options.headersTimeout ?? headersTimeoutOf(transport);
    // The transport's own begins when the request has been sent, and this one's body has no end.
    const timer =
      headersTimeout === 0
        ? undefined
        : setTimeout(() => {
            this.stop(new UndiciError('UND_ERR_HEADERS_TIMEOUT', `No answer within ${headersTimeout} ms`));
          }, headersTimeout);
    this.send(transport, this.withHooks({ ...parts, options })).then(
      (response) => {
        clearTimeout(timer);
        this.openTunnel(source, response, parts);
      },
      (error: unknown) => {
        clearTimeout(timer);
        this.fail(error);
      },
    );
  }

  private openTunnel(source: TunnelBody, response: ClientResponse, parts: RequestParts): void {
    if (this.over) return response.body.cancel(this.reason);
    const fields = receivedFields(response);
    const websocket = parts.options.protocol !== undefined;
    if (websocket && !isUpgraded(response)) {
      source.end(); // refused: a response like others
      return this.receive(response);
    }
    const tunnel = new UpgradedSocket(!websocket, source);
    const status = websocket ? 101 : response.status;
    const shown = status === response.status ? fields : asUpgraded(fields, parts.fields);
    this.response = response;
    this.tunnel = tunnel;
    this.request?.stopPhaseTimer(); // `bodyTimeout` is for bodies
    this.published?.publishHeaders(status, shown, statusTextOf(response));
    try {
      tunnel.open(response, this.request);
      this.upgraded(status, shown, tunnel);
    } catch (error) {
      this.stop(error as Error);
    }
    // From here on the stream is its user's, who may end it by an abort too: as undici's WebSocket does where the
    // server's handshake is not to its liking.
    if (this.over) tunnel.destroy();
    else {
      this.published?.publishTrailers([]);
      this.finish();
    }
  }

  /** Whatever may be told of the sending: most handlers do not ask. */
  private withHooks(parts: RequestParts): RequestParts {
    const asked = this.handler.onBodySent !== undefined || this.handler.onRequestSent !== undefined;
    if (!asked && !sendingObserved()) return parts;
    const { body } = parts.options;
    if (body instanceof Uint8Array) this.unreported = body;
    return { ...parts, hooks: this };
  }

  onAssigned(connection: ResponseConnection): void {
    if (!this.over) this.published?.publishSendHeaders(connection);
  }

  onSent(): void {
    if (this.over) return;
    const { unreported } = this;
    this.unreported = undefined;
    if (unreported !== undefined) this.onPiece(unreported);
    this.published?.publishBodySent();
    this.guard(() => this.handler.onRequestSent?.());
  }

  onPiece(piece: Uint8Array): void {
    if (this.over) return;
    this.published?.publishChunkSent(piece);
    this.guard(() => this.handler.onBodySent?.(piece));
  }

  private guard(call: () => void): void {
    try {
      call();
    } catch (error) {
      this.stop(error as Error);
    }
  }

  // --- receiving ---

  /** A 1xx response; 100 is between the transport and the server. */
  readonly onInformational = (status: number, headers: Headers, statusText: string): void => {
    if (this.over || status === 100) return;
    const fields: string[] = [];
    for (const [name, value] of headers) fields.push(name, value);
    this.guard(() => {
      this.headers(status, fields, statusText);
    });
  };

  private receive(response: ClientResponse): void {
    if (this.over) return response.body.cancel(this.reason);
    const fields = receivedFields(response);
    const statusText = statusTextOf(response);
    this.response = response;
    this.published?.publishHeaders(response.status, fields, statusText);
    try {
      this.chunks = chunksOf(response.body);
      this.handler.onResponseStarted?.();
      this.headers(response.status, fields, statusText);
    } catch (error) {
      return this.stop(error as Error);
    }
    this.fresh = true;
    this.pump();
    this.fresh = false;
  }

  /** Hands on what is at hand, as long as the handler takes it. */
  private pump(): void {
    const { chunks } = this;
    this.waiting = false;
    if (this.pumping || chunks === undefined) return;
    this.pumping = true;
    while (!this.over && !this.paused) {
      const chunk = this.take(chunks);
      if (chunk === undefined) break;
      const data = Buffer.from(chunk.buffer as ArrayBuffer, chunk.byteOffset, chunk.byteLength);
      this.published?.publishChunkReceived(data);
      try {
        this.data(data);
      } catch (error) {
        this.stop(error as Error);
      }
    }
    this.pumping = false;
  }

  /** The next chunk. Where there is none, it has seen to what comes next. */
  private take(chunks: ChunkReader): Uint8Array | undefined {
    try {
      const chunk = chunks.take();
      if (chunk !== undefined) return chunk;
    } catch (error) {
      // Undici's users count on a turn of the event loop between the headers and a failure.
      if (this.fresh) setImmediate(() => this.fail(error));
      else this.fail(error);
      return undefined;
    }
    if (chunks.finished) this.end();
    else {
      this.waiting = true;
      void this.wait(chunks);
    }
    return undefined;
  }

  private async wait(chunks: ChunkReader): Promise<void> {
    await chunks.wait();
    this.pump();
  }

  private end(): void {
    const trailers = (this.response === undefined ? undefined : receivedTrailers(this.response)) ?? [];
    this.finish();
    this.published?.publishTrailers(trailers);
    try {
      this.ended(trailers);
    } catch (error) {
      // As undici does; its RetryHandler relies on it.
      this.published?.publishError(error as Error);
      this.failed(error as Error);
    }
  }

  /** Ends it from within. Not `abort`, which is the handler's to replace: undici's dump interceptor does. */
  stop(error: Error): void {
    if (this.over) return void this.tunnel?.destroy();
    this.aborted = true;
    this.reason = error;
    this.request?.abort(error);
    this.response?.body.cancel(error);
    this.fail(error);
  }

  private fail(error: unknown): void {
    if (this.over) return;
    const shown = toUndiciError(error);
    this.finish();
    this.published?.publishError(shown);
    this.failed(shown);
  }

  private finish(): void {
    this.over = true;
    // Undici holds the controller for as long as the response, which may be long.
    this.request = undefined;
    this.response = undefined;
    this.chunks = undefined;
    this.owner.finished(this);
  }

  // --- what the handler may do; named as in undici's contract ---

  abort(reason?: Error | null): void {
    this.stop(reason ?? aborted());
  }

  pause(): void {
    this.paused = true;
  }

  /** Goes on in a microtask: the caller may be in the middle of taking what came before. */
  resume(): void {
    if (!this.paused) return;
    this.paused = false;
    if (!this.waiting && !this.pumping && !this.over && this.chunks !== undefined)
      queueMicrotask(() => {
        this.pump();
      });
  }
}
