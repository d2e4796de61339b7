import type { Duplex } from 'node:stream';
import type { TransportError } from '../errors.js';
import {
  describeConnection,
  hearsConnection,
  tellConnection,
  type Clock,
  type Http1Config,
  type ConnectionHealth,
  type ConnectionOwner,
  type Demand,
  type PooledConnection,
  type OutgoingRequest,
  type ResponseConnection,
  type StreamSink,
  type TimerHandle,
  type TransportInfo,
  type Watcher,
} from '../ports/index.js';
import { ConnectionUse } from '../conn/index.js';
import { Http1Exchange, type Http1ExchangeHost } from './exchange.js';
import { forRequest, connectUnsupported } from './failures.js';
import { Http1Health } from './health.js';
import { nextTick } from '../timers.js';

/** How long the server may take to close its side, in milliseconds. */
const closeTimeout = 250;

/** An idle connection is given up so long before the server said that it would close it, in milliseconds. */
const keepAliveMargin = 1_000;

/** So long after a look at an idle connection it is used without another, in milliseconds of the wall clock. */
const lookLasts = 1_000;

const notBytes =
  'The stream delivers strings or objects, not bytes: it must have no encoding set and not be in object mode.';

/** What a socket may tell and do beyond Duplex. */
interface SocketTraits {
  readonly bytesRead?: number;
  readonly bytesWritten?: number;
  readonly ref?: () => unknown;
  readonly unref?: () => unknown;
}

/** An HTTP/1.1 connection: one request at a time, and no next one before the socket has shown that it is still there. */
export class Http1Connection implements PooledConnection, Http1ExchangeHost {
  readonly httpVersion = '1.1';
  readonly transientReads = false;
  readonly extendedConnect = false;
  readonly drainedInOrder = false;
  /** A request waits for one of its own, so each is of use; and what it fails with is for its request alone. */
  readonly carriedNothing = false;
  /** A blocked socket holds up none but its own request. */
  readonly stalls = 0;
  readonly id: number;
  readonly info: TransportInfo;
  /** What responses say of it: the first, and all others. */
  private readonly described: readonly [ResponseConnection, ResponseConnection];
  readonly clock: Clock;
  readonly config: Http1Config;
  readonly use: ConnectionUse;
  readonly socket: Duplex & SocketTraits;
  requests = 0;
  closing = false;

  private readonly owner: ConnectionOwner;
  private exchange: Http1Exchange | undefined = undefined;
  private closed = false;
  readonly numbers: ConnectionHealth = new Http1Health(this);
  closeError: TransportError | undefined = undefined;
  readonly openedAt: number;
  readonly dialledAt: number;
  /** When a turn of the event loop last showed that the server had not closed it, by the wall clock. */
  private seenOpen: number;
  /** A turn of the event loop is to show whether the server has closed it. */
  private looking = false;
  /** How long it may be idle; Infinity: for ever. */
  private patience: number;
  /** What the server said last of how long it keeps the connection. */
  private keepAlive: string | undefined = undefined;
  private restingSince = 0;
  private timer: TimerHandle | undefined = undefined;
  private timerDue = 0;

  constructor(socket: Duplex, config: Http1Config, clock: Clock, owner: ConnectionOwner, info: TransportInfo) {
    this.socket = socket;
    this.use = new ConnectionUse({ ref: () => this.socket.ref?.(), unref: () => this.socket.unref?.() }, clock);
    this.config = config;
    this.clock = clock;
    this.owner = owner;
    this.id = config.id;
    this.info = info;
    this.described = describeConnection(this.id, this.info);
    this.openedAt = clock.now();
    this.dialledAt = config.dialledAt ?? this.openedAt;
    this.patience = config.idleTimeout === 0 ? Infinity : config.idleTimeout;
    this.seenOpen = clock.wallNow();
    socket.on('data', this.onData);
    socket.once('end', () => {
      if (this.exchange === undefined) this.onUnasked();
      else this.exchange.onPeerEnd();
    });
    socket.on('error', (error) => {
      this.exchange?.onError(error);
    });
    socket.once('close', () => {
      this.onClose();
      this.exchange?.onClosed();
    });
    this.observe('connected', undefined);
  }

  start(established: () => void): void {
    this.rest();
    this.socket.resume();
    if (this.socket.destroyed) nextTick(() => this.onClose());
    established();
    this.owner.onCapacity(this);
  }

  get origin(): string {
    return this.config.origin;
  }

  get writeTimeout(): number {
    return this.config.writeTimeout;
  }

  get now(): number {
    return this.clock.now();
  }

  get bytesSent(): number {
    return this.socket.bytesWritten ?? 0;
  }

  get bytesReceived(): number {
    return this.socket.bytesRead ?? 0;
  }

  get idle(): boolean {
    return this.exchange === undefined;
  }

  get accepts(): boolean {
    return !this.closing;
  }

  private get old(): boolean {
    const { maxAge } = this.config;
    return maxAge > 0 && this.clock.now() - this.openedAt >= maxAge;
  }

  // --- requests ---

  troubledSince(): number {
    return this.numbers.since;
  }

  serves(): boolean {
    return !this.closing;
  }

  health(): ConnectionHealth {
    return this.numbers;
  }

  /** One idle by the wall clock for too long is retired here, and one not seen to be open for a while is looked at. */
  takes(_demand: Demand, lastResort = false): boolean {
    if (this.exchange !== undefined || this.closing || this.looking) return false;
    if (!lastResort && (this.numbers.slow || this.numbers.since < Infinity)) return false;
    const { socket } = this;
    // What was frozen wakes up with its timers late: the wall clock tells.
    if (this.old || this.use.idleFor(this.patience)) this.retire();
    else if (this.clock.wallNow() - this.seenOpen > lookLasts) this.look();
    return !this.closing && !this.looking && socket.writable && socket.readable;
  }

  /** Its owner, who is looking for a connection for a request, hears of it when that has its place. */
  private retire(): void {
    this.closing = true;
    this.clock.defer(() => {
      this.stopReuse();
    });
  }

  open(request: OutgoingRequest, sink: StreamSink): Http1Exchange {
    if (request.method === 'CONNECT' && request.protocol === undefined) throw connectUnsupported(this.origin);
    this.use.has(1);
    const description = this.described[this.requests++ === 0 ? 0 : 1];
    const exchange = new Http1Exchange(this, description, request, sink);
    this.exchange = exchange;
    return exchange;
  }

  later(task: () => void): void {
    this.clock.defer(task);
  }

  watch(body: object, watcher: Watcher): void {
    this.clock.defer(() => {
      watcher.registerUnread(body);
    });
  }

  private readonly onData = (chunk: unknown): void => {
    if (!(chunk instanceof Uint8Array)) return void this.socket.destroy(new TypeError(notBytes));
    const { buffer, byteOffset, length } = chunk;
    // Bytes that no request asked for would pass for the response to the next one.
    if (this.exchange === undefined) this.onUnasked();
    else this.exchange.onRead(Buffer.isBuffer(chunk) ? chunk : Buffer.from(buffer, byteOffset, length));
  };

  unread(): Buffer | null {
    const { socket } = this;
    socket.off('data', this.onData);
    return socket.readableLength > 0 ? (socket.read() as Buffer | null) : null;
  }

  onUpgraded(): void {
    this.closing = true;
    this.clock.defer(() => {
      this.owner.onDraining(this);
    });
  }

  // --- between requests ---

  onKeepAlive(field: string): void {
    if (field === this.keepAlive) return; // mostly it says the same each time
    this.keepAlive = field;
    let seconds = Infinity;
    for (const [, time] of field.matchAll(/(?:^|[,;\s])timeout=(\d{1,9})/gi)) seconds = Math.min(seconds, Number(time));
    if (seconds === Infinity) return;
    const { idleTimeout } = this.config;
    const theirs = Math.max(0, seconds * 1_000 - keepAliveMargin);
    this.patience = idleTimeout === 0 ? theirs : Math.min(theirs, idleTimeout);
    if (theirs === 0) this.closing = true;
  }

  onComplete({ closes: last }: Http1Exchange): void {
    this.exchange = undefined;
    const { maxRequests } = this.config;
    if (last || this.old || (maxRequests > 0 && this.requests >= maxRequests)) this.closing = true;
    if (this.closing) return this.end();
    this.rest();
    this.look();
  }

  /**
   * Many servers close behind an answer that said nothing of it, and what the socket has not read yet cannot tell: so a
   * whole poll phase goes by before the next request. The one under way, if any, is not whole.
   */
  private look(): void {
    const { clock } = this;
    this.looking = true;
    const seen = (): void => {
      this.looking = false;
      this.seenOpen = clock.wallNow();
      if (!this.closing) this.owner.onCapacity(this);
    };
    clock.afterPoll(() => {
      clock.afterPoll(seen);
    });
  }

  /** Waits for the next request, without keeping the process alive. */
  private rest(): void {
    this.use.has(0);
    this.restingSince = this.clock.now();
    this.watchPatience();
  }

  /** One timer for many requests: it looks when it was last used, and is set anew for the rest. */
  private watchPatience(): void {
    if (this.patience === Infinity) return;
    const due = this.restingSince + this.patience;
    if (this.timer !== undefined && this.timerDue <= due) return;
    this.stopTimer();
    this.timerDue = due;
    this.timer = this.clock.setTimer(due - this.clock.now(), () => this.onPatience(), false);
  }

  private onPatience(): void {
    this.timer = undefined;
    if (this.exchange !== undefined) return;
    if (this.clock.now() >= this.restingSince + this.patience) this.stopReuse();
    else this.watchPatience();
  }

  readonly onUnasked = (): void => {
    this.closing = true;
    this.socket.destroy();
  };

  private stopTimer(): void {
    if (this.timer !== undefined) this.clock.clearTimer(this.timer);
    this.timer = undefined;
  }

  // --- the end ---

  stopReuse(): void {
    this.closing = true;
    if (this.exchange === undefined) this.end();
  }

  /** HTTP/1.1 has nothing to tell the peer by. */
  goAway(): void {
    this.stopReuse();
  }

  fail(error: TransportError): void {
    this.closeError ??= error;
    this.closing = true;
    this.socket.destroy();
    this.exchange?.fail(forRequest(error, this.exchange.written));
    this.onClose();
  }

  onBroken(error: TransportError): void {
    this.closeError ??= error;
    this.closing = true;
  }

  private end(): void {
    if (this.closed) return;
    const { socket } = this;
    socket.end();
    this.stopTimer();
    this.timer = this.clock.setTimer(closeTimeout, () => socket.destroy(), false);
    this.onClose();
  }

  private onClose(): void {
    if (this.socket.destroyed) this.stopTimer();
    if (this.closed) return;
    this.closed = true;
    this.closing = true;
    this.observe('closed', this.closeError);
    this.owner.onClosed(this, this.closeError);
  }

  private observe(type: 'connected' | 'closed', error: unknown): void {
    const { observer, origin } = this.config;
    if (!hearsConnection(observer, type)) return;
    const { remoteAddress, alpnProtocol, tls } = this.info;
    const dial = type === 'connected' ? this.info.dial : undefined;
    const about = { connection: this.id, origin, type, time: this.clock.now(), error };
    tellConnection(observer, { ...about, remoteAddress, alpnProtocol, tls, dial });
  }
}
