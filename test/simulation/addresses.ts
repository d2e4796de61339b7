import type { TransportStats } from '../../dist/pool/index.js';
import type { AddressEvent, ConnectionEvent, RequestEvent } from '../../dist/ports/observer.js';
import type { ResolvedOptions } from '../../dist/transport-options.js';
import type { Isolation } from './isolation.js';
import type { Host, Network } from './network.js';
import type { OriginPlan, RequestPlan } from './plan.js';

/** A dial without an outcome for so long says as little for its address as one that failed, in milliseconds: src/pool/endpoint.ts. */
const overdueAfter = 1_000;
/** For turns of the loop, rounding, and packets that were on their way. */
const slack = 300;

/** A silent address gets no further request so long after one has gone there: `probeAfter`, or four round trips. */
export function silenceBound({ probeAfter }: Pick<ResolvedOptions, 'probeAfter'>, roundTrip: number): number {
  return Math.max(probeAfter, 4 * roundTrip) + slack;
}

/** What becomes of a dial to a frozen address is known so long after it began. */
function dialBound({ connectTimeout }: Pick<ResolvedOptions, 'connectTimeout'>): number {
  return connectTimeout === 0 ? Infinity : connectTimeout + slack;
}

/** Those that have some. */
const hasPlace = new Set(['idle', 'ready']);

/** Nothing comes of a dial to it. */
function isMute({ process, swallowing }: Host): boolean {
  return process.isFrozen || swallowing || process.behaviour.settingsAfter === Infinity;
}

/** States of a connection that takes requests, or would if it had room. */
const answering = new Set(['idle', 'ready', 'busy', 'full']);

export interface AddressesWorld {
  readonly origins: readonly OriginPlan[];
  readonly options: ResolvedOptions;
  readonly network: Network;
  readonly isolation: Isolation;
  requestOf(id: number): RequestPlan | undefined;
  stats(): TransportStats;
  /** The world's time. */
  now(): number;
  report(oracle: string, what: string): void;
}

/** What was seen of one address. */
interface Seen {
  /** When the first request went there since it froze, in the world's time; Infinity: none has. */
  owedSince: number;
  frozenAt: number;
  /**
   * When attempts to connect began, in the world's time, since it came to make nothing of them. Those are left out that were given
   * up before they had had their time, since the dial came to another address, or nobody waited for it: nothing was found out.
   */
  tries: { at: number }[];
  /** When it came to make nothing of dials; Infinity: it does. */
  muteSince: number;
  /** Attempts to connect that are under way. */
  attempts: number;
  /**
   * The first attempt to connect since the last one that came to a connection, in the world's time; Infinity: there was none. Of
   * those that were under way then, time counts from then, as the client has it: they may come to something as well.
   */
  askedSince: number;
  /** The client has said so, and not taken it back. */
  failed: boolean;
  /** In monotonic time. */
  ejectedUntil: number;
}

/** Which address each request goes to, where a name stands for several and requests are spread over them ('least-request'). */
export class Addresses {
  private readonly world: AddressesWorld;
  private readonly seen = new Map<Host, Seen>();
  /** Connections that an answer has come on. */
  private readonly answered = new Set<number>();
  /** Connections that have stalled. */
  private readonly stalled = new Set<number>();
  /** What the client has been told that origins stand for, where that is more than one address. */
  private readonly listed = new Map<string, Set<string>>();
  /** A name stands, or stood, for other addresses than at first. */
  private renamed = false;
  private readonly told = new Set<string>();

  constructor(world: AddressesWorld) {
    this.world = world;
  }

  private of(host: Host): Seen {
    let seen = this.seen.get(host);
    if (seen === undefined)
      this.seen.set(
        host,
        (seen = {
          owedSince: Infinity,
          frozenAt: 0,
          tries: [],
          muteSince: Infinity,
          attempts: 0,
          askedSince: Infinity,
          failed: false,
          ejectedUntil: -Infinity,
        }),
      );
    return seen;
  }

  /** The process heard of nothing for so long, until now. */
  deaf(milliseconds: number): void {
    for (const seen of this.seen.values()) {
      seen.owedSince += milliseconds;
      for (const attempt of seen.tries) attempt.at += milliseconds;
      seen.askedSince += milliseconds;
    }
  }

  readonly address = ({ address, type, origin, until = 0 }: AddressEvent): void => {
    const host = this.world.network.hosts.get(address);
    if (host === undefined) return;
    const listed = this.listed.get(origin) ?? new Set();
    this.listed.set(origin, listed);
    if (type === 'added') listed.add(address);
    if (type === 'removed') listed.delete(address);
    if (type === 'removed') this.renamed = true;
    const seen = this.of(host);
    if (type === 'failed') seen.failed = true;
    else if (type === 'returned' && seen.ejectedUntil === -Infinity) seen.failed = false; // else from its ejection
    seen.ejectedUntil = type === 'ejected' ? until : type === 'returned' ? -Infinity : seen.ejectedUntil;
    if (type !== 'ejected') return;
    const hosts = [...listed].map((one) => this.world.network.hosts.get(one)!);
    const ejected = hosts.filter((one) => this.of(one).ejectedUntil > -Infinity).length;
    if (!this.renamed && ejected > hosts.length / 2)
      this.once('ejection', `${ejected} of ${hosts.length} addresses of ${origin} are ejected`);
  };

  readonly connection = ({ type, connection, remoteAddress = '' }: ConnectionEvent): void => {
    if (type === 'stalled') this.stalled.add(connection);
    const host = this.world.network.hosts.get(remoteAddress);
    if (type !== 'connected' || host === undefined) return;
    const seen = this.of(host);
    seen.askedSince = seen.attempts > 0 ? this.world.now() : Infinity;
  };

  readonly request = ({ type, request, connection = 0, streamId, remoteAddress, time }: RequestEvent): void => {
    // In HTTP/1.1 an answer counts once it is whole.
    if (type === 'end' || (type === 'headers' && streamId !== undefined)) this.answered.add(connection);
    if (type !== 'bound' || this.world.options.loadBalancing !== 'least-request') return;
    const host = this.world.network.hosts.get(remoteAddress ?? '');
    if (host === undefined) return;
    const id = Number(request.url.slice(request.url.lastIndexOf('/') + 1));
    const origin = this.world.requestOf(id)?.origin ?? 0;
    const { name } = this.world.origins[origin]!;
    const seen = this.of(host);
    const now = this.world.now();
    this.frozen(id, origin, host, seen, now);
    if (!this.hasOther(origin, host, now)) return;
    if (time < seen.ejectedUntil && this.hasRoom(origin, host))
      this.once('ejection', `request ${id} went to ${host.address}, which is ejected`);
    const { resolveInterval } = this.world.options;
    const since = this.world.isolation.changedAt(host);
    const listed = this.world.network.names.get(name)?.addresses.includes(host.address) !== false;
    if (!listed && now - since > resolveInterval + this.world.isolation.boundFor(origin))
      this.once(
        'addresses',
        `request ${id} went to ${host.address}, which ${name} has not stood for in ${now - since} ms`,
      );
  };

  /** An attempt to connect there begins. What comes back is called when it is over; `early`: given up before it has had its time. */
  tried(host: Host): (early: boolean) => void {
    const seen = this.of(host);
    seen.attempts++;
    seen.askedSince = Math.min(seen.askedSince, this.world.now());
    const muteSince = isMute(host) ? this.world.isolation.changedAt(host) : Infinity;
    if (seen.muteSince !== muteSince) seen.tries = [];
    seen.muteSince = muteSince;
    const attempt = { at: this.world.now() };
    if (muteSince !== Infinity) seen.tries.push(attempt);
    return (early) => {
      seen.attempts--;
      if (early) seen.tries = seen.tries.filter((one) => one !== attempt);
    };
  }

  /** A dial goes to these addresses first: is one of them known to come to nothing, while another answers? */
  dialled(name: string, first: readonly string[]): void {
    for (const address of first) {
      const host = this.world.network.hosts.get(address)!;
      const { failed, muteSince, tries } = this.of(host);
      const answering = this.renamed ? 0 : this.answeringBut(name, host);
      if (answering === 0) continue;
      // One for a second attempt goes around an address that answers.
      const { hedge, loadBalancing } = this.world.options;
      if (failed && hedge === undefined && loadBalancing === 'pick-first')
        this.once('failed address', `a dial went to ${address} first, which has failed, and has not answered since`);
      if (!isMute(host) || (hedge !== undefined && answering === 1)) continue;
      const since =
        muteSince === this.world.isolation.changedAt(host) ? this.world.now() - (tries[0]?.at ?? Infinity) : 0;
      if (since > dialBound(this.world.options))
        this.once(
          'frozen address',
          `a dial went to ${address} first, which has answered none for ${Math.round(since)} ms`,
        );
    }
  }

  /** So many other addresses have a connection that has answered, and none but such as take requests, or would if they had room. */
  private answeringBut(name: string, than: Host): number {
    const addresses = this.world.network.names.get(name)?.addresses ?? [];
    const origins = this.world.stats().origins.filter(({ origin }) => origin.endsWith(`//${name}`));
    const connections = origins.flatMap((one) => one.connections);
    const others = addresses.filter((one) => one !== than.address && this.isGood(one) && !this.isOverdue(one));
    return others.filter((address) => {
      const there = connections.filter(({ remoteAddress }) => remoteAddress === address);
      // That one which is full recovers from a stall, its state does not say.
      const well = there.every(({ id, state }) => answering.has(state) && !(state === 'full' && this.stalled.has(id)));
      return well && there.some(({ id }) => this.answered.has(id));
    }).length;
  }

  /** The client holds nothing against it. */
  private isGood(address: string): boolean {
    const { failed, ejectedUntil } = this.of(this.world.network.hosts.get(address)!);
    return !failed && ejectedUntil === -Infinity;
  }

  /** A dial has led there for so long without coming to anything that others go around it. */
  private isOverdue(address: string): boolean {
    return this.world.now() - this.of(this.world.network.hosts.get(address)!).askedSince >= overdueAfter;
  }

  private frozen(id: number, origin: number, host: Host, seen: Seen, now: number): void {
    const { frozenAt } = host.process;
    if (frozenAt === Infinity) {
      seen.owedSince = Infinity;
      return;
    }
    if (seen.frozenAt !== frozenAt) seen.owedSince = Infinity; // it was well in between
    seen.frozenAt = frozenAt;
    if (seen.owedSince === Infinity) seen.owedSince = now;
    // With `probeAfter` at 0 the application has said that silence is to tell nothing.
    if (this.world.options.probeAfter === 0) return;
    const owed = now - seen.owedSince;
    if (
      owed > silenceBound(this.world.options, this.world.isolation.roundTripOf(origin)) &&
      this.hasOther(origin, host, now) &&
      this.reachesOther(origin, host)
    )
      this.once(
        'frozen address',
        `request ${id} went to ${host.address}, which has owed an answer for ${Math.round(owed)} ms`,
      );
  }

  /** Another address has been well for long enough that there is a connection to it, where each may have one. */
  private hasOther(origin: number, but: Host, now: number): boolean {
    const { isolation, network, options, origins } = this.world;
    const addresses = network.names.get(origins[origin]!.name)?.addresses.length ?? 0;
    if (options.maxConnectionsPerOrigin < addresses) return false;
    const bound = isolation.boundFor(origin);
    return isolation
      .wellHosts(origin)
      .some(([host, since]) => host !== but && now - since > bound && this.of(host).ejectedUntil === -Infinity);
  }

  /** There is a connection to another that is well: all may have been closed for want of requests, or for their age. */
  private reachesOther(origin: number, but: Host): boolean {
    const others = this.world.isolation.wellHosts(origin).filter(([host]) => host !== but);
    const addresses = new Set(others.map(([host]) => host.address));
    const connections = this.world.stats().origins.flatMap((one) => one.connections);
    return connections.some(({ state, remoteAddress = '' }) => answering.has(state) && addresses.has(remoteAddress));
  }

  /** A connection to another that is well could have carried the request: where all are full, one that is ejected may. */
  private hasRoom(origin: number, but: Host): boolean {
    const others = this.world.isolation.wellHosts(origin).filter(([host]) => host !== but && this.isGood(host.address));
    const addresses = new Set(others.map(([host]) => host.address));
    const connections = this.world.stats().origins.flatMap((one) => one.connections);
    return connections.some(({ state, remoteAddress = '' }) => hasPlace.has(state) && addresses.has(remoteAddress));
  }

  private once(oracle: string, what: string): void {
    if (this.told.has(oracle)) return;
    this.told.add(oracle);
    this.world.report(oracle, what);
  }
}
