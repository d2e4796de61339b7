import { EventEmitter } from 'node:events';
import { stringify, type ParsedUrlQueryInput } from 'node:querystring';
import { isRecord, parseUrl, type RequestParts } from '../request/index.js';
import { TransportError, unknownName } from '../errors.js';
import { forever, isFieldValue, markedAs, type ConnectionEvent, type Origin } from '../ports/index.js';
import { Transport, type TransportOptions } from '../index.js';
import { nameRequest } from '../request-line.js';
import { originOf } from '../pool/index.js';
import { BaseTransport, connectsPlainly, isTracedBy, namesAgent } from '../transport.js';
import { optionNames } from '../transport-options.js';
import type { Dispatch, DispatchHandler, DispatchOptions, Interceptor } from './contract.js';
import { observed, PublishedRequest } from './diagnostics.js';
import type { Dispatched, DispatchOwner } from './dispatched.js';
import { addClose, addHeaders, dropDefaultAgent } from './fields.js';
import { CurrentDispatched, LegacyDispatched } from './handlers.js';
import { Http1Route, type HandlerKind, type Http1Dispatcher } from './http1-dispatcher.js';
import { bothKinds, isCurrentHandler, withoutBridge } from './interceptors.js';
import { discardBody, toBody } from './to-body.js';
import { Running } from './running.js';
import { invalidArgument, toUndiciError, UndiciError } from './undici-error.js';
import { setTimeout, clearTimeout, queueMicrotask } from '../timers.js';
import { hasField } from '../field-list.js';

/** Undici's own limits, for a transport that nobody has set others for. */
const undiciTimeout = 300_000;

/** What a dispatcher has beside its transport. */
export interface DispatcherOptions {
  /** Gets the requests to origins without HTTP/2: http: ones, and those whose server does not choose it. */
  readonly http1?: Http1Dispatcher | undefined;
}

type Callback = (error?: Error | null, data?: null) => void;

/** Undici's Dispatcher over a {@link Transport}: without the methods that make promises and streams of a dispatch. */
export class CoreDispatcher extends EventEmitter implements DispatchOwner {
  private readonly transport: BaseTransport;
  /** Whether the transport is this dispatcher's to close. */
  private readonly owned: boolean;
  private readonly http1: Http1Route | undefined;
  private readonly running = new Running<Dispatched>();
  /** Requests that wait to learn what their origin speaks. */
  private asking = 0;
  private isClosed = false;
  private isDestroyed = false;
  private whenQuiet: (() => void) | undefined = undefined;
  private closing: Promise<void> | undefined = undefined;
  /** Connections, by number, whose server has sent GOAWAY. */
  private readonly draining = new Set<number>();
  /** The origin of the request before: mostly it is the same again. */
  private lastOrigin: { readonly given: string; readonly name: unknown; readonly origin: Origin } | undefined =
    undefined;

  /**
   * Over a transport of yours, which it leaves open, or over one of its own: made with these options, and with
   * undici's 300 s for `headersTimeout` and `bodyTimeout` unless they say otherwise. With `http1`, in either argument,
   * requests to origins without HTTP/2 are that dispatcher's, WebSockets and all.
   */
  constructor(transport?: Transport | (TransportOptions & DispatcherOptions), options?: DispatcherOptions) {
    super();
    const first: unknown = transport === undefined ? {} : transport;
    if (!isRecord(first) || first instanceof URL)
      throw invalidArgument('H2Dispatcher takes a Transport, or the options of one, and no origin: it serves them all');
    this.owned = !(transport instanceof BaseTransport);
    if (this.owned && typeof (first as Partial<Transport>).request === 'function')
      throw invalidArgument(
        'H2Dispatcher takes a Transport of its own copy of passinglane, and not of another, nor a view',
      );
    if (options !== undefined && (!isRecord(options) || options instanceof URL))
      throw invalidArgument('The options of H2Dispatcher must be an object');
    checkNames(options ?? {}, ['http1']);
    let { http1 } = options ?? {};
    if (transport instanceof BaseTransport) this.transport = transport;
    else {
      const { http1: given, ...own } = transport ?? {};
      checkNames(own, ['http1', ...optionNames]);
      http1 ??= given;
      this.transport = this.makeTransport(transport === undefined ? undefined : own);
    }
    this.http1 = http1 === undefined ? undefined : new Http1Route(this.transport, http1);
  }

  private makeTransport(options: TransportOptions = {}): Transport {
    const { observer } = options;
    return new Transport({
      headersTimeout: undiciTimeout,
      bodyTimeout: undiciTimeout,
      ...options,
      observer: markedAs(observer, {
        // What it does not listen to is left out: that costs nothing then.
        ...(observer?.frame === undefined ? undefined : { frame: (event) => observer.frame?.(event) }),
        ...(observer?.request === undefined ? undefined : { request: (event) => observer.request?.(event) }),
        connection: (event) => {
          observer?.connection?.(event);
          this.report(event);
        },
      }),
    });
  }

  /** 'connect', 'disconnect' and 'connectionError', of a transport of our own. */
  private report(reported: ConnectionEvent): void {
    const { type, connection } = reported;
    if (type === 'draining') this.draining.add(connection);
    if (type === 'connected') this.tell('connect', reported);
    else if (type === 'dial-failed') this.tell('connectionError', reported, toUndiciError(reported.error));
    else if (type === 'closed') {
      const drained = this.draining.delete(connection);
      if (this.listenerCount('disconnect') > 0) this.tell('disconnect', reported, this.whyClosed(reported, drained));
    }
  }

  private tell(event: string, { origin }: ConnectionEvent, ...error: Error[]): void {
    if (this.listenerCount(event) === 0) return;
    queueMicrotask(() => {
      this.emit(event, new URL(origin), [this], ...error);
    }); // not in the middle of a connection's step
  }

  /** An Error in any case, as undici gives one for a connection that ends in order as well. */
  private whyClosed({ error }: ConnectionEvent, drained: boolean): Error {
    if (error !== undefined) return toUndiciError(error);
    if (this.isClosed) return new UndiciError('UND_ERR_DESTROYED', 'The client is destroyed');
    const why = drained ? 'HTTP/2: "GOAWAY" frame received' : 'The connection was closed: no request used it any more';
    return new UndiciError('UND_ERR_INFO', why);
  }

  get closed(): boolean {
    return this.isClosed;
  }

  get destroyed(): boolean {
    return this.isDestroyed;
  }

  /**
   * Sends a request; all that becomes of it goes to the handler. Always true, since what waits here costs the wire
   * nothing; false where it has failed at once.
   */
  dispatch(options: DispatchOptions, handler: DispatchHandler): boolean {
    return this.dispatchBeside(this.http1, options, handler);
  }

  /** @internal As `dispatch`, with another dispatcher for origins without HTTP/2. */
  dispatchBeside(http1: Http1Route | undefined, options: DispatchOptions, handler: DispatchHandler): boolean {
    const valid = isRecord(options) && isRecord(handler) && !this.isClosed;
    const origin = valid ? http1?.originOf(options) : undefined;
    if (http1 === undefined || origin === undefined) return this.dispatchOwn(options, handler);
    const theirs = http1.takes(origin);
    if (theirs !== undefined) return theirs ? http1.dispatch(options, handler) : this.dispatchOwn(options, handler);
    void this.dispatchOnceKnown(http1, origin, options, handler);
    return true;
  }

  /**
   * @internal This dispatcher as it stands in the place of another, which keeps origins without HTTP/2: itself where there
   * is none, where it has one for those already, or where its transport says how to connect.
   */
  beside(other: unknown, kind: HandlerKind): this {
    const keeps = typeof (other as Partial<Http1Dispatcher> | undefined)?.dispatch === 'function';
    if (!keeps || this.http1 !== undefined || !connectsPlainly(this.transport)) return this;
    const http1 = new Http1Route(this.transport, other as Http1Dispatcher, kind);
    return this.with((options, handler) => this.dispatchBeside(http1, options, handler));
  }

  private with(dispatch: Dispatch): this {
    return new Proxy(this, {
      get: (target, key) => (key === 'dispatch' ? dispatch : (Reflect.get(target, key) as unknown)),
    });
  }

  private async dispatchOnceKnown(
    http1: Http1Route,
    origin: Origin,
    options: DispatchOptions,
    handler: DispatchHandler,
  ): Promise<void> {
    this.asking++;
    const failure = await http1.ask(origin);
    this.asking--;
    if (failure === undefined && !this.isDestroyed && http1.takes(origin) === true) http1.dispatch(options, handler);
    else this.dispatchOwn(options, handler, { failure });
    this.tellQuiet();
  }

  /** @param begun it waited to learn what its origin speaks, or with `failure` in vain */
  private dispatchOwn(
    options: DispatchOptions,
    handler: DispatchHandler,
    begun?: { readonly failure: TransportError | undefined },
  ): boolean {
    if (typeof handler !== 'object' || (handler as unknown) === null)
      throw invalidArgument('handler must be an object');
    const direct = withoutBridge(handler);
    try {
      if (typeof options !== 'object' || (options as unknown) === null)
        throw invalidArgument('opts must be an object.');
      if (this.isDestroyed) throw new UndiciError('UND_ERR_DESTROYED', 'The client is destroyed');
      if (this.isClosed && begun === undefined) throw new UndiciError('UND_ERR_CLOSED', 'The client is closed');
      if (begun?.failure !== undefined) throw this.unreached(options, begun.failure);
      this.begin(options, direct);
      return true;
    } catch (error) {
      if (isCurrentHandler(direct)) {
        if (direct.onResponseError === undefined) throw error;
        direct.onResponseError(null as never, error as Error); // undici has no controller either at this point
      } else {
        if (direct.onError === undefined) throw error;
        direct.onError(error as Error);
      }
      return false;
    }
  }

  /** What kept all of the requests that waited for it from being sent, as one of them has it. */
  private unreached({ origin, path, method, body }: DispatchOptions, failure: TransportError): Error {
    const { code, message, scope, initiator, errorCode, unprocessed, cause } = failure;
    const own = new TransportError(code, message, {
      scope,
      initiator,
      errorCode,
      unprocessed,
      cause,
      origin: failure.origin,
    });
    const { origin: server, href } = new URL(path, String(origin));
    nameRequest(own, { method, url: path === '*' ? server : href });
    discardBody(toBody(body), own);
    return toUndiciError(own);
  }

  private begin(options: DispatchOptions, handler: DispatchHandler): void {
    const current = isCurrentHandler(handler);
    check(options, handler, current);
    const { upgrade } = options;
    const origin = this.originOf(options.origin, options.servername);
    const path = options.query === undefined || (options.query as unknown) === null ? options.path : withQuery(options);
    const fields: string[] = [];
    addHeaders(fields, options.headers);
    if (namesAgent(this.transport)) dropDefaultAgent(fields);
    if (options.reset === true) addClose(fields);
    const body = toBody(options.body);
    const tunnel = isUpgrade(upgrade) || options.method === 'CONNECT';
    if (tunnel && !isUpgrade(upgrade)) nameTarget(fields, path);
    const idempotent = options.idempotent === true;
    // Who makes spans at the channels of undici would make them a second time.
    const published =
      observed() && !isTracedBy(this.transport)
        ? new PublishedRequest({
            origin: origin.href,
            method: options.method,
            path,
            headers: fields,
            body: options.body,
            upgrade: isUpgrade(upgrade) ? upgrade : null,
            idempotent,
          })
        : undefined;
    const request = current
      ? new CurrentDispatched(handler, this, published)
      : new LegacyDispatched(handler, this, published);
    const parts: RequestParts = {
      origin,
      path,
      fields,
      options: {
        method: tunnel ? 'CONNECT' : options.method,
        body,
        headersTimeout: options.headersTimeout ?? undefined,
        bodyTimeout: options.bodyTimeout ?? undefined,
        idempotent,
        expectContinue: options.expectContinue === true && !tunnel,
        protocol: isUpgrade(upgrade) ? 'websocket' : undefined,
        decompress: false,
      },
      hooks: undefined,
      onInformational: request.onInformational,
      limitsWait: true,
      upgrade: isUpgrade(upgrade) ? (options.allowH2 === false ? 'only' : 'also') : undefined,
    };
    this.running.add(request);
    request.start(this.transport, parts, tunnel);
  }

  private originOf(given: string | URL | undefined, name: unknown): Origin {
    const text = given instanceof URL ? given.href : given;
    if (typeof text !== 'string' || text === '')
      throw invalidArgument('opts.origin must be a non-empty string or URL.');
    if (this.lastOrigin?.given !== text || this.lastOrigin.name !== name) {
      const url = parseUrl(text);
      // What else is in it would be left out without a word: a prefix of all paths, or the host that was meant.
      if (url.pathname + url.search + url.hash !== '/' || url.username !== '' || url.password !== '')
        throw invalidArgument('invalid url: opts.origin is a scheme, a host and a port, and no more');
      this.lastOrigin = { given: text, name, origin: withServername(originOf(url), name) };
    }
    return this.lastOrigin.origin;
  }

  finished(request: Dispatched): void {
    this.running.remove(request);
    this.tellQuiet();
  }

  private tellQuiet(): void {
    if (this.running.empty && this.asking === 0) this.whenQuiet?.();
  }

  /** Takes no new requests; done when those under way are over and, of a transport of our own, all is closed. */
  close(): Promise<void>;
  close(callback: Callback): void;
  close(callback?: Callback): Promise<void> | undefined {
    if (callback !== undefined) return callWhenDone(this.close(), callback);
    if (this.isDestroyed && this.closing === undefined)
      return Promise.reject(new UndiciError('UND_ERR_DESTROYED', 'The client is destroyed'));
    this.isClosed = true;
    this.closing ??= this.closeQuiet();
    return this.closing;
  }

  private async closeQuiet(): Promise<void> {
    if (!this.running.empty || this.asking > 0) {
      // A response that nobody reads does not keep the process alive; whoever waits for the end of all does.
      const hold = setTimeout(() => undefined, forever);
      await new Promise<void>((resolve) => {
        this.whenQuiet = resolve;
      });
      clearTimeout(hold);
    }
    if (this.owned) await this.transport.close();
    this.isDestroyed = true;
  }

  /** Ends everything at once: what runs fails with `error`, or UND_ERR_DESTROYED. */
  destroy(error?: Error | null): Promise<void>;
  destroy(callback: Callback): void;
  destroy(error: Error | null, callback: Callback): void;
  destroy(given?: Error | null | Callback, callback?: Callback): Promise<void> | undefined {
    if (typeof given === 'function') return callWhenDone(this.destroy(), given);
    if (callback !== undefined) return callWhenDone(this.destroy(given ?? null), callback);
    this.isClosed = true;
    this.isDestroyed = true;
    const error = given ?? new UndiciError('UND_ERR_DESTROYED', 'The client is destroyed');
    for (const request of [...this.running]) request.stop(error);
    if (this.owned) this.transport.destroy(error);
    return Promise.resolve();
  }

  /** Interceptors of undici 6, 7 and 8 work: each finds a handler that has the methods of both kinds. */
  compose(interceptors: Interceptor[]): this;
  compose(...interceptors: Interceptor[]): this;
  compose(...given: readonly (Interceptor | readonly Interceptor[])[]): this {
    let dispatch: Dispatch = (options, handler) => this.dispatch(options, handler);
    for (const interceptor of given.flat() as readonly unknown[]) {
      if (interceptor === null || interceptor === undefined) continue;
      if (typeof interceptor !== 'function')
        throw new TypeError(`invalid interceptor, expected function received ${typeof interceptor}`);
      const inner = (interceptor as Interceptor)(dispatch) as unknown;
      if (typeof inner !== 'function' || inner.length !== 2) throw new TypeError('invalid interceptor');
      dispatch = (options, handler) => (inner as Dispatch)(options, bothKinds(handler));
    }
    return this.with(dispatch);
  }

  override listeners(event: string | symbol): ((...args: unknown[]) => void)[] {
    return super.listeners(event) as ((...args: unknown[]) => void)[];
  }

  override rawListeners(event: string | symbol): ((...args: unknown[]) => void)[] {
    return super.rawListeners(event) as ((...args: unknown[]) => void)[];
  }
}

/** Undici's dns interceptor asks for an address, and says here whose certificate is to be expected. */
function withServername(origin: Origin, given: unknown): Origin {
  if (given === undefined || given === null || given === '') return origin;
  if (typeof given !== 'string' || !/^[\w.-]+$/.test(given)) throw invalidArgument('servername must be a host name');
  const servername = given.replace(/\.$/, '');
  return origin.scheme === 'http:' || servername === origin.hostname ? origin : { ...origin, servername };
}

function isUpgrade(upgrade: unknown): upgrade is string {
  return typeof upgrade === 'string' && upgrade !== '';
}

/** Undici's checks of what the transport takes otherwise, or not at all. */
function check(options: DispatchOptions, handler: DispatchHandler, current: boolean): void {
  const { path, method, upgrade } = options;
  if (typeof path !== 'string') throw invalidArgument('path must be a string');
  if (typeof method !== 'string') throw invalidArgument('method must be a string');
  if (upgrade === true) throw invalidArgument('upgrade must be a string');
  if (isUpgrade(upgrade) && !isFieldValue(upgrade)) throw invalidArgument('invalid upgrade header');
  if (isUpgrade(upgrade) && upgrade.toLowerCase() !== 'websocket')
    throw invalidArgument(`Custom upgrade "${upgrade}" not supported`);
  checkTime('headersTimeout', options.headersTimeout);
  checkTime('bodyTimeout', options.bodyTimeout);
  if (typeof (options.reset ?? false) !== 'boolean') throw invalidArgument('invalid reset');
  if (typeof (options.expectContinue ?? false) !== 'boolean') throw invalidArgument('invalid expectContinue');
  const { maxRedirections } = options as { maxRedirections?: unknown };
  if (typeof maxRedirections === 'number' && maxRedirections > 0)
    throw invalidArgument('maxRedirections is not supported, use the redirect interceptor');
  const missing = current
    ? typeof handler.onResponseError !== 'function' && 'onResponseError'
    : (typeof handler.onConnect !== 'function' && 'onConnect') || (typeof handler.onError !== 'function' && 'onError');
  if (missing !== false) throw invalidArgument(`invalid ${missing} method`);
}

function checkTime(name: string, value: unknown): void {
  if (value === null || value === undefined) return;
  if (typeof value !== 'number' || !(value >= 0 && value <= 2_147_483_647)) throw invalidArgument(`invalid ${name}`);
}

function withQuery({ path, query }: DispatchOptions): string {
  if (path.includes('?') || path.includes('#'))
    throw invalidArgument('Query params cannot be passed when "?" or "#" is present in the path');
  const text = stringify(query as ParsedUrlQueryInput);
  return text === '' ? path : `${path}?${text}`;
}

/** The transport would refuse a name that it does not know as well, and not tell of `http1`. */
function checkNames(options: object, known: readonly string[]): void {
  const unknown = Object.entries(options).find(([name]) => !known.includes(name));
  if (unknown === undefined) return;
  throw unknownName(`option '${unknown[0]}'`, unknown[0], unknown[1], known);
}

/** Where a CONNECT leads (RFC 9113 section 8.5): its path, unless a host field says so. */
function nameTarget(fields: string[], path: string): void {
  if (path === '' || path.startsWith('/') || hasField(fields, 'host')) return;
  fields.push('host', path);
}

function callWhenDone(promise: Promise<void>, callback: Callback): undefined {
  promise.then(
    () => {
      callback(null, null);
    },
    (error: unknown) => {
      callback(error as Error, null);
    },
  );
  return undefined;
}
