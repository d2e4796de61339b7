import type { Duplex } from 'node:stream';
import { invalidArgument, TransportError } from './errors.js';
import { abortable } from './abortable.js';
import {
  BufferBudget,
  forever,
  isTraced,
  type ByteTransport,
  type Clock,
  type Dialler,
  type Origin,
} from './ports/index.js';
import {
  checkWait,
  Exchange,
  prepareParts,
  prepareRequest,
  Targets,
  urlOf,
  type ClientResponse,
  type PreparedRequest,
  type RequestDefaults,
  type RequestOptions,
  type RequestParts,
} from './request/index.js';
import { http1Only, OutsideConnections, type ClientConn, type DriverConfig } from './conn/index.js';
import { networkRefusal } from './network.js';
import { nameRequest } from './request-line.js';
import { originOf, Pool, transportDestroyed, type TransportStats } from './pool/index.js';
import { isPlain, type ResolvedOptions } from './transport-options.js';

/** What a transport needs of the platform. */
export interface Platform {
  readonly clock: Clock;
  readonly dialler: Dialler;
  /** Speaks over a stream that somebody else made. */
  wrap(socket: Duplex): ByteTransport;
  readonly random: () => number;
  /** Runs a callback in no request's async context, so that connections retain nobody's. */
  inRootContext<T>(callback: () => T): T;
}

/** What `close` accepts. */
export interface CloseOptions {
  /** Aborted: `close` rejects with its reason; closing goes on. */
  readonly signal?: AbortSignal | undefined;
  /** After so many milliseconds what still runs is destroyed; 0, the default: no limit. */
  readonly timeout?: number | undefined;
}

/** Numbers connections across all transports of the process. */
let connections = 0;

const disposeTimeout = 5_000;

/** A request under way that can be given up. */
export interface Abortable {
  abort(reason: unknown): void;
  /** Ends the time limit of the current phase (headers or body): a request that became a tunnel may be silent for ever. */
  stopPhaseTimer(): void;
}

/**
 * For the facades, which check the parts themselves: makes a request as {@link BaseTransport.request} does. What it returns
 * aborts the request; undefined where `reject` was called at once. Throws what is wrong with the parts.
 */
export let submit: (
  transport: BaseTransport,
  parts: RequestParts,
  resolve: (response: ClientResponse) => void,
  reject: (reason: unknown) => void,
) => Abortable | undefined;

/** Requests that follow from one another, as by redirects: a transport that closes waits for the last of them. */
export interface Session {
  /** As {@link submit}; also while the transport closes, which waits for the session. */
  submit(
    parts: RequestParts,
    resolve: (response: ClientResponse) => void,
    reject: (reason: unknown) => void,
  ): Abortable | undefined;
  /** As {@link BaseTransport.request}. */
  request(url: string | URL, options: RequestOptions): Promise<ClientResponse>;
  /** What the response came on carries no new requests of the origin. */
  retire(origin: Origin, response: ClientResponse): void;
  end(): void;
}

/** For fetch. */
export let openSession: (transport: BaseTransport) => Session;

/** For the facades: the default for requests; 0: none. */
export let headersTimeoutOf: (transport: BaseTransport) => number;

/** For undici's facade, which hands origins without HTTP/2 on. */
export let poolOf: (transport: BaseTransport) => Pool;

/** For the same: no option says how to connect. */
export let connectsPlainly: (transport: BaseTransport) => boolean;

/** For the same: its user has said what the option `userAgent` is. */
export let namesAgent: (transport: BaseTransport) => boolean;

/** What stands in for the network. Each returns why a request fails, before it is sent or in place of its response. */
export interface Gate {
  admit(request: PreparedRequest): TransportError | undefined;
  accept(response: ClientResponse, request: PreparedRequest): TransportError | undefined;
}

/** For mocks: the network is none of this transport's. */
export let answerInstead: (transport: BaseTransport, gate: Gate) => void;

/** For the facades: spans are made of its requests here, so that who listens to a host's channels need not make others. */
export let isTracedBy: (transport: BaseTransport) => boolean;

/**
 * Makes requests over connections that it pools by origin. No request waits behind a blocked connection. It is safe to
 * share, and holds nothing that keeps the process alive while no request runs.
 */
export class BaseTransport {
  static {
    submit = (transport, parts, resolve, reject) =>
      transport.#submit(prepareParts(parts, transport.#defaults, transport.#targets), resolve, reject);
    openSession = (transport) => transport.#openSession();
    headersTimeoutOf = (transport) => transport.#defaults.headersTimeout;
    poolOf = (transport) => transport.#pool;
    connectsPlainly = (transport) => isPlain(transport.#options);
    namesAgent = (transport) => transport.#options.namesAgent;
    answerInstead = (transport, gate) => {
      transport.#gate = gate;
    };
    isTracedBy = (transport) => isTraced(transport.#defaults.observer);
  }

  readonly #options: ResolvedOptions;
  readonly #platform: Platform;
  readonly #pool: Pool;
  readonly #budget: BufferBudget;
  readonly #defaults: RequestDefaults;
  readonly #targets = new Targets(originOf);
  readonly #outside: OutsideConnections;
  /** In place of the network. */
  #gate: Gate | undefined = undefined;
  #closing: Promise<void> | undefined = undefined;
  #closed = false;
  #destroyed = false;
  /** Those that have not ended. */
  #sessions = 0;
  /** There while the transport closes and waits for sessions. */
  #closePool: (() => void) | undefined = undefined;

  constructor(options: ResolvedOptions, platform: Platform) {
    this.#options = options;
    this.#platform = platform;
    this.#budget = new BufferBudget(options.maxBufferedBytes);
    this.#defaults = options;
    const { clock, dialler, random } = platform;
    const { observer, retry, hedge, connectTimeout, maxConnectionsPerOrigin, stallTimeout } = options;
    this.#pool = new Pool(
      {
        clock,
        dialler,
        observer,
        retry,
        hedge,
        connectTimeout,
        maxConnectionsPerOrigin,
        places: options.strictMaxConcurrentStreams ? undefined : options.maxRequestsPerConnection || undefined,
        strict: options.strictMaxConcurrentStreams,
        bulkIsolation: options.bulkIsolation,
        stallTimeout,
        resolveInterval: options.loadBalancing === 'least-request' ? options.resolveInterval : undefined,
        probeAfter: options.probeAfter,
        allowHTTP1: options.allowHTTP1,
        cleartextHTTP1: options.cleartext === 'http/1.1',
        random,
        driverConfig: (origin) => this.#driverConfig(origin),
      },
      this.#budget,
      options.proxy !== undefined && options.proxy !== false,
    );
    this.#outside = new OutsideConnections({
      clock,
      connectTimeout,
      defaults: this.#defaults,
      driverConfig: (origin) => this.#driverConfig(origin),
      closedError: (origin) => this.#closedError(origin),
      ended: () => this.#finishClosing(),
    });
    this.request = this.request.bind(this);
  }

  /**
   * Sends a request and resolves with the response's head. Redirects are returned, not followed. Rejects with a
   * TransportError, with `signal.reason`, or with the error of the body's source; throws nothing synchronously.
   */
  request(url: string | URL, options?: RequestOptions): Promise<ClientResponse> {
    return new Promise((resolve, reject) => {
      this.#submit(prepareRequest(url, options, this.#defaults, this.#targets), resolve, reject);
    });
  }

  #submit(
    request: PreparedRequest,
    resolve: (response: ClientResponse) => void,
    reject: (reason: unknown) => void,
    begun = false,
  ): Abortable | undefined {
    const aborted = request.signal?.aborted === true;
    const closed = this.#destroyed || (this.#closed && !begun);
    const refusal: unknown = aborted
      ? request.signal.reason
      : closed
        ? this.#closedError(request.origin)
        : (this.#gate?.admit(request) ?? this.#offNetwork(request.origin));
    if (refusal !== undefined) {
      if (!aborted) nameRequest(refusal, request);
      request.body?.discard(refusal);
      reject(refusal);
      return undefined;
    }
    const pool = this.#pool.of(request.origin, request.upgrade === 'only');
    const gate = this.#gate;
    const exchange = new Exchange(
      request,
      pool,
      gate === undefined ? resolve : through(gate, request, resolve, reject),
      reject,
    );
    pool.submit(exchange);
    return exchange;
  }

  #openSession(): Session {
    const begun = !this.#closed;
    if (begun) this.#sessions++;
    return {
      submit: (parts, resolve, reject) =>
        this.#submit(prepareParts(parts, this.#defaults, this.#targets), resolve, reject, begun),
      request: (url, options) =>
        new Promise((resolve, reject) => {
          this.#submit(prepareRequest(url, options, this.#defaults, this.#targets), resolve, reject, begun);
        }),
      retire: (origin, { connection }) => {
        this.#pool.retire(origin, connection.id);
      },
      end: () => {
        if (begun && --this.#sessions === 0) this.#closePool?.();
      },
    };
  }

  /** Dials one connection outside the pool, and resolves once the peer's SETTINGS have come. */
  async connect(origin: string | URL): Promise<ClientConn> {
    const target = this.#openOrigin(origin);
    const refuse = () => this.#offNetwork(target);
    const open = async (signal: AbortSignal): Promise<ByteTransport> => {
      const refusal = refuse();
      if (refusal !== undefined) throw refusal;
      const dialled = await this.#platform.dialler.dial(target, signal);
      if (dialled.protocol === 'h2') return dialled.transport;
      dialled.socket.destroy();
      throw http1Only(target);
    };
    return this.#outside.connect(target, open, refuse);
  }

  /** Speaks HTTP/2 on a stream that the caller has connected, and for https: secured. */
  async adopt(socket: Duplex, origin: string | URL): Promise<ClientConn> {
    return this.#outside.connect(this.#openOrigin(origin), () => {
      return Promise.resolve(this.#platform.inRootContext(() => this.#platform.wrap(socket)));
    });
  }

  /** Of what is begun now. */
  #openOrigin(origin: string | URL): Origin {
    const target = originOf(urlOf(origin, 'origin'));
    if (this.#closed) throw this.#closedError(target);
    return target;
  }

  /** Makes sure that so many connections to the origin are open or being opened; resolves when those are ready. */
  async preconnect(origin: string | URL, count = 1): Promise<void> {
    if (!Number.isInteger(count) || count < 1) throw invalidArgument('connections', count, 'a positive integer');
    const target = this.#openOrigin(origin);
    const refusal = this.#offNetwork(target);
    if (refusal !== undefined) throw refusal;
    await this.#pool.of(target).preconnect(count);
  }

  /** Why a test keeps this origin out of reach, where it does. */
  #offNetwork(origin: Origin): TransportError | undefined {
    return this.#gate === undefined ? networkRefusal(origin) : undefined;
  }

  /** Closes the pool's connections that carry no request. */
  closeIdleConnections(): void {
    this.#pool.closeIdle();
    this.#platform.dialler.closeIdle?.();
  }

  /** A snapshot; synchronous, whatever the network does. */
  stats(): TransportStats {
    return this.#pool.stats();
  }

  /**
   * Takes no new requests, lets those under way and waiting finish, and resolves when every connection is closed. After
   * `timeout` what still runs is destroyed, and it resolves then. It keeps the process alive meanwhile, so read or cancel
   * every response, or set a `timeout`: one that is never read never finishes.
   */
  async close(options: CloseOptions = {}): Promise<void> {
    checkWait(options, 'signal', 'timeout');
    const { signal, timeout = 0 } = options;
    this.#closed = true;
    this.#closing ??= new Promise<void>((resolve) => {
      this.#whenClosed = resolve;
      this.#outside.goAway();
      this.#closePool = () => {
        this.#closePool = undefined;
        this.#pool.close(() => {
          this.#poolClosed = true;
          this.#finishClosing();
        });
      };
      if (this.#sessions === 0) this.#closePool();
    });
    const closing = this.#closing;
    await abortable<void>(signal, (resolve) => {
      const { clock } = this.#platform;
      const expire = (): void => {
        if (timeout > 0) this.destroy(new Error(`close timed out after ${timeout} ms`));
      };
      // Without a limit it does no more than keep the process alive, which a response that nobody reads does not.
      const timer = clock.setTimer(timeout === 0 ? forever : timeout, expire, true);
      void closing.then(resolve);
      return () => clock.clearTimer(timer);
    });
  }

  #whenClosed: (() => void) | undefined = undefined;
  #poolClosed = false;

  #finishClosing(): void {
    if (!this.#poolClosed || this.#outside.size > 0) return;
    this.#platform.dialler.close?.();
    this.#whenClosed?.();
    this.#whenClosed = undefined;
  }

  /** Ends everything at once: running and waiting requests fail with ERR_PASSINGLANE_TRANSPORT_CLOSED. */
  destroy(reason?: unknown): void {
    this.#closed = this.#destroyed = true;
    this.#pool.destroy(reason);
    this.#closePool?.();
    this.#outside.destroy((origin) => transportDestroyed(origin.href, reason));
    this.#platform.dialler.close?.();
  }

  /** `close` with a time-out of 5 s. */
  [Symbol.asyncDispose](): Promise<void> {
    return this.close({ timeout: disposeTimeout });
  }

  #closedError(origin: Origin): TransportError {
    return new TransportError('ERR_PASSINGLANE_TRANSPORT_CLOSED', 'This transport is closed: make a new one', {
      scope: 'request',
      initiator: 'user',
      origin: origin.href,
      unprocessed: true,
    });
  }

  #driverConfig(origin: Origin): DriverConfig {
    const o = this.#options;
    const { random } = this.#platform;
    return {
      id: ++connections,
      origin: origin.href,
      observer: o.observer,
      headerTableSize: o.headerTableSize,
      encoderTableSize: o.encoderTableSize,
      initialStreamWindow: o.initialStreamWindow,
      maxStreamWindow: Math.max(o.initialStreamWindow, o.maxStreamWindow),
      maxConnectionWindow: o.maxConnectionWindow,
      maxFrameSize: o.maxFrameSize,
      maxHeaderListSize: o.maxHeaderListSize,
      budget: this.#budget,
      maxRequests: o.maxRequestsPerConnection,
      stallTimeout: o.stallTimeout,
      probeAfter: o.probeAfter,
      readIdleTimeout: o.readIdleTimeout,
      pingTimeout: o.pingTimeout,
      writeTimeout: o.writeTimeout,
      idleTimeout: o.idleTimeout,
      // So that connections made together do not all drain together.
      maxAge: o.maxConnectionAge * (0.9 + 0.2 * random()),
      pingSeed: Math.floor(random() * 2 ** 32),
    };
  }
}

/** What takes a response where a gate has a say. */
function through(
  gate: Gate,
  request: PreparedRequest,
  resolve: (response: ClientResponse) => void,
  reject: (reason: unknown) => void,
): (response: ClientResponse) => void {
  return (response) => {
    const error = gate.accept(response, request);
    if (error === undefined) return resolve(response);
    response.body.cancel();
    nameRequest(error, request);
    reject(error);
  };
}
