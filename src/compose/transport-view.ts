import { invalidArgument } from '../errors.js';
import {
  checkRequestOptions,
  intercept,
  toIntercepted,
  type ClientResponse,
  type HeadersInput,
  type Interceptor,
  type RequestOptions,
} from '../request/index.js';
import { type FetchInit, fetchThrough, type TimedResponse } from '../fetch/index.js';
import { BaseTransport, openSession } from '../transport.js';
import {
  type Defaults,
  extendDefaults,
  mergeOptions,
  resolveUrl,
  type ViewOptions,
  withDefaults,
} from './view-options.js';
import { fieldPairs } from '../field-list.js';

/** For the transport: a view of it, within interceptors that may become more. */
export let viewOf: (
  transport: BaseTransport,
  defaults: Defaults,
  inherited: readonly (readonly Interceptor[])[],
) => TransportView;

/**
 * Another way into a transport's pool: gives its options to each request, and has its interceptors around each. `request`
 * and `fetch` can be called detached. It has no connections and no life of its own: close the transport.
 */
export class TransportView {
  static {
    viewOf = (transport, defaults, inherited) => new TransportView(transport, defaults, inherited);
  }

  readonly #transport: BaseTransport;
  readonly #defaults: Defaults;
  /** Its own first, which are outermost; then those of what it is a view of, as they are when a request is made. */
  readonly #interceptors: readonly (readonly Interceptor[])[];
  readonly #own: Interceptor[] = [];

  private constructor(transport: BaseTransport, defaults: Defaults, inherited: readonly (readonly Interceptor[])[]) {
    this.#transport = transport;
    this.#defaults = defaults;
    this.#interceptors = [this.#own, ...inherited];
    this.request = this.request.bind(this);
    this.fetch = this.fetch.bind(this);
  }

  /** As {@link Transport.request}, with what the view gives, and relative to its `baseURL`. */
  async request(url: string | URL, options: RequestOptions = {}): Promise<ClientResponse> {
    const { base, fields, options: defaults } = this.#defaults;
    checkRequestOptions(options);
    const given = mergeOptions(defaults, options);
    const headers = fieldPairs(withDefaults(fields, options.headers));
    const target = base === undefined ? url : resolveUrl(base, url);
    const interceptors = this.#interceptors.flat();
    // Not by the transport's own `request`, which has its interceptors around it.
    if (interceptors.length === 0)
      return BaseTransport.prototype.request.call(this.#transport, target, { ...given, headers });
    const session = openSession(this.#transport);
    try {
      return await intercept(interceptors, toIntercepted(target, { ...given, headers }), async ({ url, ...rest }) =>
        session.request(url, rest),
      );
    } finally {
      session.end();
    }
  }

  /** As {@link Transport.fetch}, with what the view gives, and relative to its `baseURL`. */
  async fetch(input: string | URL | Request, init?: FetchInit): Promise<TimedResponse> {
    const { base, fields, options } = this.#defaults;
    const request = typeof input === 'string' || input instanceof URL ? undefined : input;
    let target = input;
    if (base !== undefined) {
      const url = resolveUrl(base, request === undefined ? (input as string | URL) : new URL(request.url));
      target = request ?? url;
    }
    const given = (init?.headers ?? request?.headers) as HeadersInput | undefined;
    const changed = fields.length === 0 ? init : { ...init, headers: fieldPairs(withDefaults(fields, given)) };
    return fetchThrough(this.#transport, target, changed, { options, interceptors: this.#interceptors.flat() });
  }

  /** A view of this view: what `options` say goes before what this one says. Throws as {@link Transport.with}. */
  with(options: ViewOptions = {}): TransportView {
    return new TransportView(this.#transport, extendDefaults(this.#defaults, options), this.#interceptors);
  }

  /** From now on `interceptor` is around each request and fetch of this view, within those that are there already. */
  use(interceptor: Interceptor): this {
    addInterceptor(this.#own, interceptor);
    return this;
  }
}

/** Throws a TypeError, ERR_INVALID_ARG_VALUE. */
export function addInterceptor(to: Interceptor[], interceptor: Interceptor): void {
  if (typeof interceptor !== 'function')
    throw invalidArgument('interceptor', interceptor, 'a function (request, next) that returns what next() gave');
  to.push(interceptor);
}
