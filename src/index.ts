import type { ClientResponse, Interceptor, RequestOptions } from './request/index.js';
import {
  addInterceptor,
  extendDefaults,
  noDefaults,
  type TransportView,
  viewOf,
  type ViewOptions,
} from './compose/index.js';
import { debugLog } from './diagnostics/debug-log.js';
import { networkPanel } from './diagnostics/network-panel.js';
import { observers } from './diagnostics/observers.js';
import { fetchOver, type FetchInit } from './fetch/index.js';
import { inRootContext, nodeClock, NodeDialler, SocketTransport } from './node/index.js';
import { proxyDialler, type ProxyPlatform } from './proxy/index.js';
import { BaseTransport } from './transport.js';
import { resolveOptions, type TransportOptions } from './transport-options.js';
import { version } from './version.js';

export { forwardableHeaders } from './request/index.js';
export { TransportError, type ErrorInitiator, type ErrorScope, type TransportErrorCode } from './errors.js';
export type { BodyValue, RequestBodyInit, ResponseBody } from './body/index.js';
export type { ClientConn, ConnState } from './conn/index.js';
export type {
  ClientResponse,
  HeadersInput,
  InterceptedRequest,
  Interceptor,
  Next,
  RequestOptions,
  HedgeOptions,
  RequestRetry,
  RequestPriority,
} from './request/index.js';
export type { TransportView, ViewOptions } from './compose/index.js';
export type { ResponseConnection } from './ports/index.js';
export type {
  ConnectionEvent,
  CreateConnectionOptions,
  DialTimes,
  FrameEvent,
  AddressEvent,
  ObservedRequest,
  Observer,
  RequestEvent,
  RequestTiming,
} from './ports/index.js';
export type { FetchInit, TimedResponse } from './fetch/index.js';
export type {
  ConnectionStats,
  ConnectionStatus,
  AddressStats,
  AddressStatus,
  OriginStats,
  ReplayCauses,
  RetryOptions,
  TransportStats,
  TransportTotals,
} from './pool/index.js';
export type { CloseOptions } from './transport.js';
export type { TransportOptions } from './transport-options.js';

const node: ProxyPlatform = {
  clock: nodeClock,
  dialler: (options) => new NodeDialler(options),
  wrap: (socket) => new SocketTransport(socket),
  random: Math.random,
  inRootContext,
};

/** The transport over Node's own sockets. */
export class Transport extends BaseTransport {
  readonly #interceptors: Interceptor[] = [];
  /** All of it as a view, once there are interceptors. */
  #whole: TransportView | undefined = undefined;

  /** Throws a TypeError, ERR_INVALID_ARG_VALUE, for an option that is unknown or out of range. */
  constructor(options?: TransportOptions) {
    const given = resolveOptions(options, `passinglane/${version}`);
    const resolved = { ...given, observer: observers(given.observer, debugLog()) };
    super(resolved, { ...node, dialler: proxyDialler(resolved, node) });
    this.fetch = this.fetch.bind(this);
    const panel = networkPanel();
    if (panel !== undefined) this.use(panel);
  }

  override request(url: string | URL, options?: RequestOptions): Promise<ClientResponse> {
    return this.#whole === undefined ? super.request(url, options) : this.#whole.request(url, options);
  }

  /**
   * `fetch` as the Fetch Standard has it, with Node's own Request, Response and Headers: follows redirects, and rejects
   * with a TypeError whose `cause` is the TransportError, or with the signal's reason. Can be called detached.
   */
  fetch(input: string | URL | Request, init?: FetchInit): Promise<Response> {
    return this.#whole === undefined ? fetchOver(this, input, init) : this.#whole.fetch(input, init);
  }

  /**
   * Another way into the same pool, with a `request` and a `fetch` that give what `options` say to each request. Throws a
   * TypeError, ERR_INVALID_ARG_VALUE, for an option that is unknown or out of range.
   */
  with(options: ViewOptions = {}): TransportView {
    return viewOf(this, extendDefaults(noDefaults, options), [this.#interceptors]);
  }

  /**
   * From now on `interceptor` is around each `request` and `fetch` of this transport and of its views, within those that are
   * there already. Returns the transport.
   */
  use(interceptor: Interceptor): this {
    addInterceptor(this.#interceptors, interceptor);
    this.#whole ??= viewOf(this, noDefaults, [this.#interceptors]);
    return this;
  }
}

let shared: Transport | undefined = undefined;

/**
 * Says once, before the first use, what the transport is like that {@link request} and {@link fetch} share. Throws as
 * the constructor of {@link Transport} does; and an Error with Node's code ERR_INVALID_STATE where that transport is there
 * already, by an earlier call of this or since a request was made, for it cannot be changed then.
 */
export function configureDefault(options: TransportOptions): void {
  if (shared !== undefined)
    throw Object.assign(
      new Error('The default transport is in use already: call configureDefault once, before any request or fetch'),
      { code: 'ERR_INVALID_STATE' },
    );
  shared = new Transport(options);
}

/** {@link Transport.request} on a shared transport, made on the first call unless {@link configureDefault} has made it. */
export function request(url: string | URL, options?: RequestOptions): Promise<ClientResponse> {
  shared ??= new Transport();
  return shared.request(url, options);
}

/** {@link Transport.fetch} on that same shared transport. */
export function fetch(input: string | URL | Request, init?: FetchInit): Promise<Response> {
  shared ??= new Transport();
  return shared.fetch(input, init);
}
