import type { TransportError } from '../errors.js';
import {
  Connection,
  HealthState,
  type ConnectionEvents,
  type ConnectionNumbers,
  type Health,
  type OpenInit,
  type Stream,
  type StreamSink,
} from '../protocol/index.js';
import {
  DeadlineTimer,
  RequestKind,
  describeConnection,
  type ByteSink,
  type ByteTransport,
  type Clock,
  type Demand,
  type ConnectionOwner,
  type PooledConnection,
  type ResponseConnection,
  type Watcher,
} from '../ports/index.js';
import { ConnectionUse } from './connection-use.js';
import { ConnectionReports } from './connection-reports.js';
import { StallLog } from './stall-log.js';
import type { DriverConfig } from './driver-config.js';
import { endTransport } from './end-transport.js';
import { FreshBodies } from './fresh-bodies.js';
import { Http2Request } from './http2-request.js';
import { LaterTasks } from './later-tasks.js';
import { RetainedRead } from './retained-read.js';
import { WritePump, type PumpSource } from './pump.js';
import { Silence, suspicious } from './silence.js';

/**
 * One connection at work: the core, its write pump, its timer and its socket. It runs the core's steps, and does what
 * they asked for (user code, pool, timer) after each. Nothing here waits, but for the pump.
 */
export class ConnectionDriver implements ByteSink, PooledConnection, ConnectionEvents, PumpSource {
  readonly httpVersion = '2.0';
  readonly id: number;
  readonly core: Connection;
  readonly clock: Clock;
  readonly config: DriverConfig;
  readonly info: ByteTransport['info'];
  readonly transientReads: boolean;
  readonly zeroCopy: RetainedRead | undefined;
  readonly use: ConnectionUse;
  readonly openedWall: number;
  readonly openedAt: number;
  readonly dialledAt: number;
  /** What responses say of it: the first, and all others. */
  readonly described: readonly [ResponseConnection, ResponseConnection];
  bytesSent = 0;
  stalls = 0;
  bytesReceived = 0;
  /** Set when the transport is gone, or is being ended. */
  closed = false;
  closeError: TransportError | undefined = undefined;
  /** The time of the step under way. */
  now: number;

  private readonly transport: ByteTransport;
  private readonly owner: ConnectionOwner;
  private readonly pump: WritePump;
  private readonly reports: ConnectionReports;
  greetedAt: number | undefined = undefined;
  private readonly stallLog = new StallLog();
  private readonly pongs = new Map<number, () => void>();
  private readonly tasks = new LaterTasks();
  private readonly fresh = new FreshBodies();
  private capacityChanged = false;
  private drained = false;
  private draining = false;
  private stepping = false;
  /** A request has gone out in this turn. */
  private opening = false;
  private readonly deadline: DeadlineTimer;
  private readonly silence: Silence;
  private whenEstablished: (() => void) | undefined = undefined;
  private giveUpLastWords: (() => void) | undefined = undefined;

  constructor(transport: ByteTransport, config: DriverConfig, clock: Clock, owner: ConnectionOwner) {
    this.id = config.id;
    this.transport = transport;
    this.config = config;
    this.clock = clock;
    this.owner = owner;
    this.info = transport.info;
    this.transientReads = transport.transientReads;
    this.zeroCopy = transport.zeroCopyReads === undefined ? undefined : new RetainedRead(transport.zeroCopyReads);
    this.reports = new ConnectionReports(config, this.info, clock);
    this.now = this.openedAt = clock.now();
    this.dialledAt = config.dialledAt ?? this.openedAt;
    this.openedWall = clock.wallNow();
    this.described = describeConnection(this.id, this.info);
    this.use = new ConnectionUse(transport, clock);
    this.pump = new WritePump(transport, this, clock);
    this.deadline = new DeadlineTimer(
      clock,
      () => this.onDeadline(),
      () => this.core.nextDeadline(),
      true,
    );
    this.silence = new Silence(clock, () => this.lookAgain());
    const trace = this.reports.frames(() => this.now);
    this.reports.event('connected', undefined); // the core's first frames follow at once
    this.core = new Connection({ ...config, trace }, this, this.now);
  }

  /** Begins to read, and writes the preface. `established` is called once: the peer's SETTINGS have come, or it failed. */
  start(established: () => void): void {
    this.whenEstablished = established;
    this.transport.start(this);
    this.pump.wake();
    this.endStep();
  }

  // --- from the socket ---

  onBytes(bytes: Uint8Array): void {
    this.zeroCopy?.detach();
    if (this.closed) return; // the peer's answer to our goodbye
    this.pump.polled();
    this.bytesReceived += bytes.length;
    this.step();
    this.core.receive(bytes, this.now);
    this.endStep();
  }

  onEnd(): void {
    this.step();
    this.core.lost(undefined, this.now);
    this.endStep();
  }

  onClose(error: Error | undefined): void {
    this.zeroCopy?.detach();
    this.giveUpLastWords?.();
    this.step();
    this.core.lost(error, this.now);
    this.endStep();
  }

  take(limit: number, mayWait: boolean): Uint8Array | undefined {
    const now = this.clock.now();
    if (mayWait && this.core.sealBodies(now)) {
      for (const stream of this.core.takeDrained()) stream.sink.onDrain();
      return undefined;
    }
    const bytes = this.core.takeOutput(limit, now);
    this.bytesSent += bytes.length;
    if (bytes.length === 0 && this.core.holdsData) this.deadline.aim(this.core.nextDeadline());
    return bytes;
  }

  flushing(): void {
    this.tasks.run();
  }

  wrote(): void {
    this.endStep();
  }

  taken(): void {
    this.step();
    this.core.outputTaken(this.now);
    this.capacityChanged = true;
    this.endStep();
  }

  // --- from the core: store and schedule ---

  onOutput(): void {
    this.pump.wake();
  }

  onCapacity(): void {
    this.capacityChanged = true;
  }

  onSettings(first: boolean): void {
    if (!first) return;
    this.greetedAt = this.now;
    this.use.restart();
    this.reportEstablished();
  }

  onGoAway(): void {
    this.reports.event('draining', undefined);
  }

  onTooManyPings(pingGap: number): void {
    this.later(() => this.owner.onTooManyPings(pingGap));
  }

  stalledWithin(from: number, to: number, before: number): number {
    return this.stallLog.within(from, to, before);
  }

  onPong(id: number): void {
    const pong = this.pongs.get(id);
    this.pongs.delete(id);
    if (pong !== undefined) this.later(pong);
  }

  onStalled(): void {
    this.stalls++;
    this.stallLog.began(this.now - this.config.stallTimeout);
    this.reports.event('stalled', undefined);
    this.capacityChanged = true;
  }

  onResumed(): void {
    this.stallLog.ended(this.now);
    this.reports.event('resumed', undefined);
  }

  onDrained(): void {
    this.drained = true;
  }

  onFailed(error: TransportError): void {
    if (!this.closed) this.closeError = error;
    this.drained = true;
  }

  // --- between steps ---

  /** Runs `task` when the step under way is over: user code, never inside it. */
  later(task: () => void): void {
    this.tasks.add(task);
    this.endStepSoon();
  }

  /** The body's response was made in this read; if it is incomplete afterwards, it is watched for being dropped. */
  watch(body: object, watcher: Watcher): void {
    this.fresh.add(body, watcher);
  }

  private step(): void {
    this.stepping = true;
    this.now = this.clock.now();
  }

  /** For commands that come from outside a step: what they led to is worked off at the end of this turn. */
  private endStepSoon(): void {
    if (this.stepping || this.pump.woken) return; // the pump tells that it has written, which ends the step
    this.stepping = true;
    this.clock.defer(() => this.stepping && this.endStep()); // a step that has ended meanwhile has seen to it
  }

  private endStep(): void {
    this.stepping = this.opening = false;
    this.fresh.register();
    for (const stream of this.core.takeDrained()) stream.sink.onDrain();
    this.tasks.run();
    this.use.has(this.core.numbers.streams);
    if (this.drained && !this.closed) this.close();
    this.reportDraining();
    if (this.capacityChanged) {
      this.capacityChanged = false;
      this.reports.slowness(this.core.numbers.slow);
      this.owner.onCapacity(this);
    }
    if (!this.closed) this.deadline.aim(this.core.nextDeadline());
  }

  private reportDraining(): void {
    if (this.draining || this.core.accepts(this.now)) return;
    this.draining = true;
    this.owner.onDraining(this);
  }

  private reportEstablished(): void {
    if (this.whenEstablished !== undefined) this.later(this.whenEstablished);
    this.whenEstablished = undefined;
  }

  // --- requests ---

  /** Follows upon {@link health} in the same step, and so is done at its time. */
  open(init: OpenInit, sink: StreamSink): Http2Request {
    const stream = this.core.open(init, sink, this.now);
    this.opening = true;
    this.use.has(this.core.numbers.streams);
    this.endStepSoon();
    return new Http2Request(this, stream);
  }

  resetStream(stream: Stream, errorCode: number): void {
    this.core.reset(stream, errorCode, this.clock.now());
    this.endStepSoon();
  }

  /**
   * What a new request would meet; each call answers with the same object. A connection idle by the wall clock for too
   * long is retired here: the clock that deadlines keep stands still while the process is frozen.
   */
  health(lastResort = false, needs = 0): Health {
    this.now = this.clock.now();
    const { idleTimeout } = this.config;
    const health = this.core.health(this.now, lastResort, needs);
    if (idleTimeout === 0 || health.state === HealthState.Closing || !this.idle) return health;
    if (!health.greeted || !this.use.idleFor(idleTimeout)) return health;
    this.stopReuse();
    return this.core.health(this.now, lastResort, needs);
  }

  get numbers(): ConnectionNumbers {
    return this.core.numbers;
  }

  get accepts(): boolean {
    return this.core.accepts(this.clock.now());
  }

  troubledSince(needs: number): number {
    const now = this.clock.now();
    return needs === 0 ? this.core.troubledSince(now) : this.core.health(now, false, needs).since;
  }

  serves(now: number): boolean {
    const { greeted, limit } = this.core.numbers;
    return greeted && limit > 0 && this.core.accepts(now) && this.core.troubledSince(now) === Infinity;
  }

  /** No stream is open, and none is promised. */
  get idle(): boolean {
    const { streams, reserved } = this.core.numbers;
    return streams === 0 && reserved === 0;
  }

  takes({ early, needs, kind }: Demand, lastResort = false, mute = false): boolean {
    if (mute) this.core.silentBeside(this.clock.now());
    if (this.opening && needs === 0 && this.core.staysReady(this.now)) return true;
    let { state } = this.health(lastResort, needs);
    if (state === HealthState.Slow && kind === RequestKind.Bulk) ({ state } = this.health(true, needs)); // stays with bulk
    if (state === HealthState.Silent) this.silence.noticed();
    return state === HealthState.Ready || (early && state === HealthState.EarlyOnly);
  }

  holdBulk(): void {
    this.core.holdBulk(this.clock.now());
  }

  measure(): void {
    this.core.measure(this.clock.now());
    this.endStepSoon();
  }

  /** It was silent when a request asked for it: by now it has been heard, or it is to give a sign of life. */
  private lookAgain(): void {
    if (this.closed) return;
    // As for a last resort: that it is slow or recovers, which bulk and who has no other way do not mind, hides silence.
    if (this.health(true).state === HealthState.Silent) return this.probe();
    this.capacityChanged = true;
    this.endStepSoon();
  }

  suspect(): void {
    if (this.numbers.greeted && suspicious.has(this.health().state)) this.probe();
  }

  probe(): void {
    this.reports.event('silent', undefined);
    this.core.probe(this.clock.now());
    this.endStepSoon();
  }

  stopReuse(): void {
    this.core.stopReuse(this.clock.now());
    this.endStepSoon();
  }

  goAway(): void {
    this.core.goAway(this.clock.now());
    this.endStepSoon();
  }

  ping(answered: () => void): number {
    const id = this.core.ping(this.clock.now());
    this.pongs.set(id, answered);
    return id;
  }

  forgetPing(id: number): void {
    this.core.forgetPing(id);
    this.pongs.delete(id);
  }

  reserve(): void {
    this.core.reserve();
  }

  releaseReservation(): void {
    if (this.core.releaseReservation(this.clock.now())) this.use.restart();
    this.endStepSoon();
  }

  /** When the last stream ended, in wall-clock milliseconds; undefined while one is open or before the first. */
  get lastIdle(): number | undefined {
    const { streams, requests } = this.core.numbers;
    return streams > 0 || requests === 0 ? undefined : this.use.idleSince;
  }

  /** Ends everything at once, with an error like this one for every stream. */
  fail(error: TransportError): void {
    const { code, message, initiator, cause } = error;
    this.core.fail({ code, message, initiator, cause, silent: true }, this.clock.now());
    this.endStep();
  }

  get extendedConnect(): boolean {
    return this.core.extendedConnect;
  }

  get carriedNothing(): boolean {
    return this.core.carriedNothing;
  }

  get drainedInOrder(): boolean {
    return this.core.drainedInOrder;
  }

  // --- the end ---

  private close(): void {
    this.closed = true;
    this.use.end();
    const error = this.closeError;
    this.deadline.stop();
    this.reportEstablished();
    // Before its last words, whose write would tell of a connection that drains: to the pool it is gone.
    this.reports.event('closed', error);
    this.owner.onClosed(this, error);
    this.tasks.run();
    this.giveUpLastWords = endTransport(this.transport, this.pump, this.clock, error);
  }

  /** Data that had already arrived has been read: what is due now is due. */
  private onDeadline(): void {
    if (this.closed) return;
    this.step();
    this.core.tick(this.now);
    this.endStep();
  }
}
