import type { Books } from './books.js';
import type { SimulatedClock } from './clock.js';
import { Http1ServerConnection } from './http1-server.js';
import { ServerConnection } from './server-connection.js';
import type { ServerEnd } from './server-end.js';
import type { RequestPlan } from './plan.js';
import type { AskingOptions } from './probes.js';
import type { Random } from './random.js';
import type { Tcp } from './tcp.js';

export const creditPolicies = ['prompt', 'late', 'dribble', 'handler', 'never'] as const;
/** When a server gives credit back: on receipt, some time later, a byte and then the rest, when its handler reads, not at all. */
export type CreditPolicy = (typeof creditPolicies)[number];

/** How a server behaves at the moment. */
export interface Behaviour {
  /** SETTINGS_MAX_CONCURRENT_STREAMS. */
  limit: number;
  /** SETTINGS_INITIAL_WINDOW_SIZE. */
  initialWindow: number;
  /** Of a new connection, in bytes. */
  connectionWindow: number;
  credit: CreditPolicy;
  /** Before its SETTINGS, in milliseconds; Infinity: they never come. */
  settingsAfter: number;
  /** The handshake of TLS is not answered. */
  muteInTls: boolean;
  answersPings: boolean;
  /** As gRPC servers do: GOAWAY with too_many_pings after more than two without HEADERS or DATA of its own in between. */
  countsPings: boolean;
  /** The share of requests that get REFUSED_STREAM. */
  refuses: number;
  /** The share of responses that are reset, half-way where they have a body, with `resetCode`. */
  resets: number;
  resetCode: number;
  /** All that its handlers do takes so much longer, in milliseconds. */
  lags: number;
  /** The share of requests that get 503, and are asked to come back later. */
  errs: number;
  /** Handlers answer nothing. */
  silent: boolean;
  /** Requests get HTTP_1_1_REQUIRED. */
  wantsHttp1: boolean;
  /** After so many requests a connection is told to go away. */
  mostRequests: number;
  /** Bytes a millisecond that it reads; Infinity: at once. 0: nothing. */
  readRate: number;
}

export const goodBehaviour: Behaviour = {
  limit: 100,
  initialWindow: 65_535,
  connectionWindow: 65_535,
  credit: 'prompt',
  settingsAfter: 0,
  muteInTls: false,
  answersPings: true,
  countsPings: false,
  refuses: 0,
  resets: 0,
  resetCode: 0,
  lags: 0,
  errs: 0,
  silent: false,
  wantsHttp1: false,
  mostRequests: Infinity,
  readRate: Infinity,
};

/** What all servers of a run share. */
export interface World {
  readonly clock: SimulatedClock;
  readonly books: Books;
  readonly random: Random;
  /** Those of the client. */
  readonly options: AskingOptions;
  requestOf(id: number): RequestPlan | undefined;
  tell(who: string, what: string): void;
}

/** The process at one address: its connections, and what it does when it is frozen, thaws, dies and comes back. */
export class ServerProcess {
  readonly address: string;
  readonly world: World;
  /** Of HTTP/2. */
  readonly connections = new Set<ServerConnection>();
  readonly http1Connections = new Set<ServerEnd>();
  behaviour: Behaviour;
  /** It reads no further on a connection that bulk has come on; on all others it does as ever. */
  bulkUnread = false;
  private readonly usual: Behaviour;
  private readonly overrides = new Set<Partial<Behaviour>>();
  private frozen = 0;
  /** In the world's time; Infinity: it is not. */
  frozenAt = Infinity;
  private waiting: (() => void)[] = [];
  private life = 0;

  constructor(address: string, world: World, usual: Partial<Behaviour>) {
    this.address = address;
    this.world = world;
    this.usual = { ...goodBehaviour, ...usual };
    this.behaviour = this.usual;
  }

  /** It behaves as it always does. */
  get isUsual(): boolean {
    return this.overrides.size === 0;
  }

  get isFrozen(): boolean {
    return this.frozen > 0;
  }

  /** Of both kinds. */
  get allConnections(): ServerEnd[] {
    return [...this.connections, ...this.http1Connections];
  }

  accept(tcp: Tcp, secure: boolean, http2 = true): void {
    this.world.books.connections++;
    const connection = this.connectionOver(tcp, secure, http2);
    if (connection instanceof ServerConnection) this.connections.add(connection);
    else this.http1Connections.add(connection);
    this.run(() => connection.begin());
  }

  protected connectionOver(tcp: Tcp, secure: boolean, http2: boolean): ServerEnd {
    const { connections } = this.world.books;
    if (http2) return new ServerConnection(this, tcp, secure, connections);
    return new Http1ServerConnection(this, tcp, secure, connections);
  }

  /** Does it now, or when the process thaws; not at all once it has died. */
  run(task: () => void): void {
    const { life } = this;
    const alive = (): void => {
      if (life === this.life) task();
    };
    if (this.frozen > 0) this.waiting.push(alive);
    else alive();
  }

  after(delay: number, task: () => void): void {
    if (delay === Infinity) return;
    const { life } = this;
    this.world.clock.after(delay, () => {
      if (life === this.life) this.run(task);
    });
  }

  freeze(): void {
    if (this.frozen++ === 0) this.frozenAt = this.world.clock.time;
    this.world.tell(this.address, 'freezes');
  }

  thaw(): void {
    if (--this.frozen > 0) return;
    this.frozenAt = Infinity;
    this.world.tell(this.address, 'thaws');
    const { waiting } = this;
    this.waiting = [];
    for (const task of waiting) task();
  }

  /** Behaves otherwise until the function that is returned is called. */
  override(what: Partial<Behaviour>): () => void {
    this.overrides.add(what);
    this.apply();
    return () => {
      this.overrides.delete(what);
      this.apply();
    };
  }

  private apply(): void {
    const before = this.behaviour;
    this.behaviour = Object.assign({ ...this.usual }, ...this.overrides) as Behaviour;
    for (const connection of this.allConnections) this.run(() => connection.behaviourChanged(before));
  }

  /** All that it had in memory is gone; the kernel ends its connections, by FIN or by RST. */
  die(byReset: boolean): void {
    this.world.tell(this.address, 'dies');
    this.life++;
    this.waiting = [];
    for (const connection of this.allConnections) connection.crash(byReset);
    this.connections.clear();
    this.http1Connections.clear();
  }
}
