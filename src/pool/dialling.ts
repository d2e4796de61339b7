import type { TransportError } from '../errors.js';
import { connectTimedOut } from '../conn/index.js';
import {
  DeadlineTimer,
  hearsConnection,
  HealthState,
  setDeadline,
  tellConnection,
  type Clock,
  type Dialled,
  type Dialler,
  type Observer,
  type Origin,
  type PooledConnection,
} from '../ports/index.js';
import type { Candidate } from './dial-policy.js';
import type { Blame, Route } from './endpoints.js';
import type { PoolSettings } from './settings.js';

/** A connection in the making. */
interface Dial {
  /** It is to lead around another. */
  readonly bypass: boolean;
  readonly begun: number;
  /** It was, and stays so whatever others take: the kernel asks again for it ever more rarely. */
  silent: boolean;
  /** It was silent when another came to a connection that is ready. */
  overtaken: boolean;
  readonly controller: AbortController;
  /** It goes on although no request waits. */
  readonly kept: boolean;
  /** Callers of `preconnect`: with any, it goes on although no request waits. Told once how it ended. */
  readonly waiters: { resolve(): void; reject(error: unknown): void }[];
}

/** How a connection was made. */
export interface Made extends Pick<Dial, 'bypass' | 'begun'> {
  /** So many milliseconds, but for those of an outage. */
  readonly took: number;
}

/** Whoever dials are made for. */
export interface DialOwner {
  /**
   * The dial came to a connection. `done` is called once, with why it failed, or with
   * undefined when the connection is ready; if that is not by the deadline, the connection is ended.
   */
  connected(dialled: Dialled, made: Made, done: (error: unknown) => void): PooledConnection;
  /** It was begun then. */
  failed(error: unknown, begun: number, blame: Blame): void;
  /** There is one connection in the making more, or less. */
  changed(): void;
  /** One has been silent for so long that another may go around it. */
  consider(): void;
}

/** The dials of one origin, each with its deadline. */
export class Dialling {
  /** Those that have not come to a connection yet. */
  readonly dials = new Set<Dial>();
  /** The same, and those whose connection is not ready: it has not had the peer's SETTINGS. */
  readonly connecting = new Set<Dial>();
  private readonly origin: Origin;
  private readonly dialler: Dialler;
  private readonly clock: Clock;
  private readonly connectTimeout: number;
  private readonly observer: Observer | undefined;
  private readonly probeAfter: number;
  private readonly owner: DialOwner;
  /** By the last that came to a connection, in milliseconds; 0 before the first. */
  private took = 0;
  /** Why no dial comes to a connection any more. */
  private destroyed: Error | undefined = undefined;
  /** A dial is silent once this says so: a process that was busy itself has neither sent nor read its part of a handshake. */
  private readonly silence: DeadlineTimer;

  constructor(
    origin: Origin,
    {
      dialler,
      clock,
      connectTimeout,
      probeAfter,
      observer,
    }: Pick<PoolSettings, 'dialler' | 'clock' | 'connectTimeout' | 'probeAfter' | 'observer'>,
    owner: DialOwner,
  ) {
    this.origin = origin;
    this.dialler = dialler;
    this.clock = clock;
    this.connectTimeout = connectTimeout;
    this.observer = observer;
    this.probeAfter = probeAfter;
    this.owner = owner;
    this.silence = new DeadlineTimer(
      clock,
      () => this.judge(),
      () => this.silentAt,
      true,
    );
  }

  /** Somebody waits for a connection itself, not for what a request would get by it. */
  get awaited(): boolean {
    for (const { waiters } of this.connecting) if (waiters.length > 0) return true;
    return false;
  }

  /** For how long one, TLS included, may be silent before another goes around it. */
  private get patience(): number {
    const { probeAfter, connectTimeout } = this;
    const patience = Math.max(probeAfter, 4 * this.took);
    return probeAfter === 0 || (connectTimeout > 0 && patience >= connectTimeout) ? Infinity : patience;
  }

  private judge(): void {
    const silentBefore = this.clock.now() - this.patience;
    for (const dial of this.dials) dial.silent ||= dial.begun <= silentBefore;
    this.silence.aim(this.silentAt);
    this.owner.consider();
  }

  /** One came to a connection. If it was silent before, most of its time was the outage's, so that patience no more than doubles. */
  private measure(dial: Dial): number {
    const took = this.clock.now() - dial.begun;
    this.took = dial.silent || took >= this.patience ? Math.min(took, this.patience / 2) : took;
    this.silence.aim(this.silentAt);
    return this.took;
  }

  /** How many may come to a connection in a moment. */
  get fresh(): number {
    let fresh = 0;
    for (const dial of this.dials) if (!dial.silent) fresh++;
    return fresh;
  }

  /** Whether one may come to a connection in a moment that those who waited at that time wait for. */
  maySoonServe(since: number): boolean {
    return [...this.dials].some((dial) => dial.bypass || (dial.begun <= since && !dial.silent));
  }

  /** Since when the first of all that are not ready has been; Infinity: there is none. */
  get since(): number {
    for (const { begun } of this.connecting) return begun;
    return Infinity;
  }

  /** There are others. */
  get hasSilent(): boolean {
    for (const { silent } of this.dials) if (silent) return true;
    return false;
  }

  /** Those, which are gone around as connections without SETTINGS are. */
  get silent(): Candidate[] {
    const state = HealthState.AwaitingSettings;
    return [...this.dials]
      .filter((dial) => dial.silent)
      .map(({ begun, bypass }) => ({
        health: {
          state,
          since: begun,
          delay: 0,
          slowBeneath: undefined,
          greeted: false,
          limit: 0,
          zeroFromStart: false,
        },
        bypass,
        dial: true,
      }));
  }

  /** When the next will have been silent for so long; Infinity: none. */
  private get silentAt(): number {
    for (const dial of this.dials) if (!dial.silent) return dial.begun + this.patience;
    return Infinity;
  }

  /** `http1Only`: the origin has asked for HTTP/1.1. */
  start(bypass: boolean, http1Only: boolean, route: Route): void {
    const begun = this.clock.now();
    const dial: Dial = {
      bypass,
      begun,
      silent: false,
      overtaken: false,
      controller: new AbortController(),
      waiters: [],
      kept: route.address !== undefined,
    };
    this.tell('dialling', undefined);
    this.dials.add(dial);
    this.connecting.add(dial);
    let giveUp = (error: TransportError): void => {
      dial.controller.abort(error);
    };
    const { origin, connectTimeout } = this;
    const expire = (): void => {
      if (this.connecting.has(dial)) giveUp(connectTimedOut(origin, connectTimeout, !this.dials.has(dial)));
    };
    const deadline = connectTimeout === 0 ? undefined : setDeadline(this.clock, connectTimeout, expire, false);
    const end = (error: unknown): void => {
      if (deadline !== undefined) this.clock.clearTimer(deadline);
      this.connecting.delete(dial);
      if (this.dials.size === 0) this.silence.stop();
      for (const waiter of dial.waiters)
        if (error === undefined) waiter.resolve();
        else waiter.reject(error);
      this.owner.changed();
    };
    this.dialler.dial(origin, dial.controller.signal, http1Only, route).then(
      (dialled) => {
        if (!this.dials.delete(dial) || this.destroyed !== undefined) {
          drop(dialled);
          route.ended();
          return end(this.destroyed ?? abandoned());
        }
        route.ended();
        const connection = this.owner.connected(dialled, { bypass, begun, took: this.measure(dial) }, end);
        giveUp = (error) => {
          connection.fail(error);
        };
      },
      (error: unknown) => {
        // One that was abandoned is no failure: who came since then waits for a dial of its own.
        const wanted = this.dials.delete(dial);
        if (!wanted && dial.overtaken) route.overtaken();
        else if (!wanted) route.ended();
        const blame = wanted ? route.cameToNothing() : undefined;
        if (wanted) this.tell('dial-failed', error);
        if (wanted) this.owner.failed(error, begun, blame);
        end(error);
      },
    );
    this.silence.aim(this.silentAt);
  }

  private tell(type: 'dialling' | 'dial-failed', error: unknown): void {
    if (!hearsConnection(this.observer, type)) return;
    tellConnection(this.observer, { connection: 0, origin: this.origin.href, type, time: this.clock.now(), error });
  }

  /** Resolves when so many of those in the making are ready. */
  async ready(count: number): Promise<void> {
    const ends = [...this.connecting].slice(0, count).map(({ waiters }) => {
      return new Promise<void>((resolve, reject) => {
        waiters.push({ resolve, reject });
      });
    });
    this.owner.changed();
    await Promise.all(ends);
  }

  /** Another has come to a connection. */
  abandonSilent(): void {
    this.abandon(false, (dial) => (dial.overtaken ||= dial.silent));
  }

  abandonBypasses(): void {
    this.abandon(false, ({ bypass }) => bypass);
  }

  /** No request waits for these any more. `all`: nor is there to be a connection to each address. */
  abandon(all = false, which: (dial: Dial) => boolean = () => true): void {
    for (const dial of [...this.dials].filter(which)) {
      if (dial.waiters.length > 0 || (dial.kept && !all)) continue;
      this.dials.delete(dial);
      this.connecting.delete(dial);
      dial.controller.abort(abandoned());
    }
  }

  destroy(error: Error): void {
    this.destroyed = error;
    for (const dial of [...this.dials]) dial.controller.abort(error);
  }
}

function abandoned(): Error {
  return new Error('no request waits for this dial any more');
}

/** It came to a connection at the very moment when it was abandoned, or its pool destroyed. */
function drop(dialled: Dialled): void {
  if (dialled.protocol === 'h2') dialled.transport.destroy();
  else dialled.socket.destroy();
}
