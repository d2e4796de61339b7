import type { ConnectionEvent, FrameEvent, Observer, RequestEvent } from '../../dist/ports/observer.js';
import type { ConnectionStats, TransportStats } from '../../dist/pool/index.js';
import type { BaseTransport } from '../../dist/transport.js';
import { textOf } from './application.js';
import type { SimulatedClock } from './clock.js';
import type { Isolation } from './isolation.js';
import type { Host, Network } from './network.js';
import type { Plan } from './plan.js';

/** So often, in milliseconds of virtual time, what takes a look at everything is looked at. */
const lookEvery = 20;

/** What must hold throughout a run, and when it is over: looked at after each turn of the process. */
export class Steps {
  dials = 0;
  /** How long the process heard of nothing, in milliseconds: blocked, or asleep. */
  deafFor = 0;
  readonly states = new Map<string, number>();
  readonly observer: Observer;
  /** Who else is told what is told to `observer`. */
  readonly others: Observer[] = [];
  /** Told when the process has heard of nothing for so many milliseconds. */
  onDeaf: (milliseconds: number) => void = () => undefined;
  /** Told at each look, so many milliseconds after the last. */
  onLook: (stats: TransportStats, passed: number) => void = () => undefined;
  private readonly clock: SimulatedClock;
  private readonly report: (oracle: string, what: string) => void;
  private readonly say: (who: string, what: string) => void;
  private transport!: BaseTransport;
  private network!: Network;
  private hosts!: readonly Host[];
  private plan!: Plan;
  private isolation!: Isolation;
  private lookedAt = 0;
  /** Requests that are under way. */
  private readonly running = new Set<number>();
  private readonly told = new Set<string>();
  /** Numbers of connections as this run counts them: those of the process go on from run to run. */
  private readonly numbers = new Map<number, number>();

  constructor(
    clock: SimulatedClock,
    report: (oracle: string, what: string) => void,
    other: Observer | undefined,
    say: (who: string, what: string) => void,
  ) {
    this.clock = clock;
    this.report = report;
    this.say = say;
    if (other !== undefined) this.others.push(other);
    this.observer = {
      connection: (event) => {
        this.onConnection(event);
        this.isolation.onConnection(event);
        for (const one of this.others) one.connection?.(event);
      },
      request: (event) => {
        this.onRequest(event);
        this.isolation.onRequest(event);
        for (const one of this.others) one.request?.(event);
      },
      address: (event) => {
        this.count(`address ${event.type}`);
        this.say(
          'the client',
          `${event.origin}: address ${event.address} ${event.type}${event.reason ? ` (${event.reason})` : ''}`,
        );
        for (const one of this.others) one.address?.(event);
      },
      ...(other?.frame === undefined ? {} : { frame: (event: FrameEvent): void => other.frame?.(event) }),
    };
  }

  watch(transport: BaseTransport, network: Network, hosts: readonly Host[], plan: Plan, isolation: Isolation): void {
    this.isolation = isolation;
    this.transport = transport;
    this.network = network;
    this.hosts = hosts;
    this.plan = plan;
    this.clock.afterTurn = () => this.look();
    const { block, sleep } = this.clock;
    this.clock.block = (milliseconds) => {
      this.deafFor += milliseconds;
      block.call(this.clock, milliseconds);
      this.onDeaf(milliseconds);
    };
    this.clock.sleep = (milliseconds) => {
      this.deafFor += milliseconds;
      sleep.call(this.clock, milliseconds);
      this.onDeaf(milliseconds);
    };
  }

  private numberOf(connection: number): number {
    let number = this.numbers.get(connection);
    if (number === undefined) this.numbers.set(connection, (number = this.numbers.size + 1));
    return number;
  }

  private onConnection({ type, connection, origin, error, remoteAddress }: ConnectionEvent): void {
    this.count(`connection ${type}`);
    if (type === 'dialling') this.dials++;
    const which =
      connection === 0 ? origin : `connection ${this.numberOf(connection)} to ${origin} (${String(remoteAddress)})`;
    this.say('the client', `${which}: ${type}${error === undefined ? '' : `, ${textOf(error)}`}`);
  }

  private onRequest({ type, request, connection, streamId, error, delay }: RequestEvent): void {
    this.count(`request ${type}`);
    if (type === 'start') this.running.add(request.id);
    if (type === 'end' || type === 'error') this.running.delete(request.id);
    const where = connection === undefined ? '' : ` (connection ${this.numberOf(connection)}, stream ${streamId ?? 0})`;
    const why = error === undefined ? '' : `, ${textOf(error)}`;
    const waits = delay === undefined ? '' : `, in ${Math.round(delay)} ms`;
    this.say('the client', `${request.url}: ${type}${where}${why}${waits}`);
  }

  private count(state: string): void {
    this.states.set(state, (this.states.get(state) ?? 0) + 1);
  }

  private once(oracle: string, what: string): void {
    if (this.told.has(oracle)) return;
    this.told.add(oracle);
    this.report(oracle, what);
  }

  private look(): void {
    const passed = this.clock.time - this.lookedAt;
    if (passed < lookEvery) return;
    this.lookedAt = this.clock.time;
    const stats = this.transport.stats();
    this.onLook(stats, passed);
    const most = this.plan.options.maxConnectionsPerOrigin ?? 64;
    if (stats.bufferedBytes > stats.maxBufferedBytes + 65_536 * this.dials)
      this.once('memory', `${stats.bufferedBytes} bytes are held of ${stats.maxBufferedBytes}`);
    for (const origin of stats.origins) {
      const accepting = origin.connections.filter(({ state }) => state !== 'draining');
      for (const { state } of origin.connections) this.count(`health ${state}`);
      if (accepting.length + origin.dialling > most)
        this.once('dials', `${origin.origin} has ${accepting.length} connections and ${origin.dialling} dials`);
    }
    this.isolation.look(stats);
    if (stats.streams === 0 && stats.bufferedBytes === 0) this.credit(stats);
    const dialling = stats.origins.some((origin) => origin.dialling > 0 || origin.connections.some(isInTheMaking));
    if (stats.streams === 0 && this.running.size === 0 && !dialling) this.timers(stats.origins.length);
  }

  /** Where nothing is under way, both sides have the same windows in their books: no credit was lost, and none made. */
  private credit({ origins }: TransportStats): void {
    const connections = origins.flatMap((origin) => origin.connections);
    for (const [socket, { tcp, host }] of this.network.open) {
      if (socket.ending || socket.writing) continue;
      const theirs = [...host.process.connections].find((connection) => connection === tcp.server);
      if (theirs?.quiet !== true) continue;
      const ours = connections.filter(({ remoteAddress }) => remoteAddress === host.address);
      const agrees = ours.some(
        ({ sendWindow, receiveWindow }) => sendWindow === theirs.receiveWindow && receiveWindow === theirs.sendWindow,
      );
      if (!agrees && ours.length > 0)
        this.once(
          'credit conserved',
          `connection ${theirs.number} may send ${theirs.sendWindow} and receive ${theirs.receiveWindow}; the client has ` +
            ours.map(({ receiveWindow, sendWindow }) => `${receiveWindow} and ${sendWindow}`).join(', '),
        );
    }
  }

  /** Where nothing is under way, a connection has one timer, and two more while it is being closed; and an origin has one, and two more for its addresses. */
  private timers(origins: number): void {
    const { all } = this.clock.timersSet;
    const ofOrigin = this.plan.options.loadBalancing === 'least-request' ? 3 : 1;
    let most = ofOrigin * origins + this.network.attempts;
    for (const { ending } of this.network.open.keys()) most += ending ? 3 : 1;
    if (all > most)
      this.once('nothing left', `${all} timers are set, where nothing is under way and ${most} are enough`);
  }

  /** All requests have settled, and nothing misbehaves. */
  quiet(settled: boolean): void {
    const stats = this.transport.stats();
    if (!settled) return;
    if (stats.streams > 0) this.report('nothing left', `${stats.streams} streams are open`);
    if (stats.queued > 0) this.report('nothing left', `${stats.queued} requests wait`);
    if (stats.bufferedBytes > 0) this.report('nothing left', `${stats.bufferedBytes} bytes are held`);
    const { keepingAlive } = this.clock.timersSet;
    if (keepingAlive > 0) this.report('nothing left', `${keepingAlive} timers keep the process alive`);
    for (const socket of this.network.open.keys())
      if (socket.refed)
        this.report('nothing left', `a socket to ${String(socket.info.remoteAddress)} keeps the process alive`);
  }

  nothingLeft(closed: boolean): void {
    if (!closed) this.report('nothing left', 'close() has not resolved');
    const { all } = this.clock.timersSet;
    if (all > 0) this.report('nothing left', `${all} timers are set after close()`);
    if (this.network.open.size > 0)
      this.report('nothing left', `${this.network.open.size} sockets are open after close()`);
    if (this.network.attempts > 0)
      this.report('nothing left', `${this.network.attempts} attempts to connect go on after close()`);
    for (const { process } of this.hosts)
      if (process.isFrozen) this.report('nothing left', `${process.address} is still frozen`);
  }
}

/** Its dial still has a deadline: where nothing has come from the server, that it has stalled says no more of the SETTINGS. */
function isInTheMaking({ state, httpVersion, bytesReceived }: ConnectionStats): boolean {
  return state === 'connecting' || (httpVersion === '2.0' && bytesReceived === 0);
}
