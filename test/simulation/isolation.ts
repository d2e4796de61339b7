import type { ConnectionEvent, RequestEvent } from '../../dist/ports/index.js';
import type { TransportStats } from '../../dist/pool/index.js';
import type { ResolvedOptions } from '../../dist/transport-options.js';
import type { Host, Network } from './network.js';
import type { OriginPlan, Plan } from './plan.js';
import type { ServerConnection } from './server-connection.js';

/**
 * What is switched off, by the name that a violation begins with: what is known and open, which is nothing at present. Each would
 * name the seed that shows it: `npm run simulate -- --from SEED --seeds 1 --isolation all`.
 */
export const linesOff: Readonly<Record<string, { readonly seed: number; readonly way: string }>> = {};

/** What finding out takes on one path, in milliseconds. */
interface Path {
  /** There and back, behind a full queue. */
  readonly roundTrip: number;
  readonly addresses: number;
  readonly lookup: number;
  /** For how long a dial may be silent, by how long the last one took. */
  readonly dialPatience: number;
}

/** How long a new attempt to connect runs alone (RFC 8305), and the addresses that have not failed before: src/node/race.ts. */
const attemptDelay = 250;
const groupDelay = 1_000;
/** Dials that are swallowed are no further apart, in milliseconds: src/pool/dial-policy.ts. */
const longestDialPatience = 5_000;
/** How long the answer of a look-up is kept, and one under way waited for, in milliseconds: src/node/lookup-cache.ts. */
const lookUpKept = 10_000;
const lookUpShared = 1_000;
const inTrouble = new Set(['stalled', 'silent', 'recovering', 'starved', 'slow', 'connecting']);
/** For turns of the loop, rounding and the oracle's own looks. */
const slack = 300;

/**
 * The one formula: so long after a way is there, and after it has begun to wait, no request waits any more. A silent connection
 * is asked after `probeAfter` or four round trips, and gone around when the answer has been owed for `stallTimeout` or two
 * more; with `probeAfter` at 0 the application has said that silence tells nothing, and a dial is given up after
 * `connectTimeout`. A dial is gone around after four times as long as the last one took as well. Then a connection is dialled: look-up, an attempt for each address, TCP, TLS, SETTINGS. Ways around that were of no use
 * before (`fruitless` of them) are paid by a patience that doubles, and failures by the back-off that `retry` states. Dials that were
 * `swallowed` go on, but the kernel asks for each ever more rarely: the next dial finds a path that is well again.
 */
export function isolationBound(
  o: Pick<ResolvedOptions, 'probeAfter' | 'connectTimeout' | 'stallTimeout'>,
  path: Path,
  fruitless: number,
  swallowed: number,
): number {
  const { roundTrip, addresses, lookup } = path;
  const latest = o.connectTimeout || Infinity;
  const dialSilent = Math.min(path.dialPatience, latest);
  const silent = o.probeAfter === 0 ? latest : Math.max(o.probeAfter, 4 * roundTrip, dialSilent);
  const asked = silent + Math.max(o.stallTimeout, 2 * roundTrip);
  const dialPatience = Math.min(o.stallTimeout * 2 ** swallowed, longestDialPatience);
  const patience = Math.max(o.stallTimeout * 2 ** fruitless, dialPatience);
  const race = addresses > 1 ? addresses * attemptDelay + groupDelay : 0;
  const dial = lookup + race + 5 * roundTrip;
  return asked + patience + dial + slack;
}

/** How long nothing is dialled after so many failures in a row, in milliseconds. */
function backOffAfter(
  { retry: { baseDelay, maxDelay, jitter } }: Pick<ResolvedOptions, 'retry'>,
  failed: number,
): number {
  return Math.min(baseDelay * 2 ** failed, maxDelay) * (1 + jitter);
}

interface Waiting {
  readonly origin: number;
  since: number;
  /** It was sent before. */
  readonly again: boolean;
}

/** What the oracle knows of one origin. */
interface Known {
  readonly plan: OriginPlan;
  readonly hosts: readonly Host[];
  /** Dials that failed, and connections and requests that were turned away, since one was of use. */
  failed: number;
  /** Dials among them, and connections that broke or allowed no stream; when the last did, in the world's time. */
  failedDials: number;
  dialFailedAt: number;
  /** In the world's time: until then it backs off. */
  backsOffUntil: number;
  bypasses: number;
  /** Dials, one after another, since a request was last answered, that came to no connection before the next began. */
  swallowed: number;
  /** The last has come to no connection yet. */
  dialling: boolean;
  /** One way, in milliseconds: the client goes by the round trips that it has measured. */
  longestDelay: number;
  /** Uploads under way that are large enough to block what they are on. */
  readonly bulk: Set<number>;
  /** In the world's time: when it last had as many connections as it may. */
  atMost: number;
  /** As many as it may, when it was looked at last. */
  wasAtMost: boolean;
  lastDial: number;
  /** For how long the client lets a dial be silent, in milliseconds: four times as long as the last one took. */
  dialPatience: number;
  /** What its name stood for at the last look. */
  addresses: readonly string[];
}

interface Carrier {
  readonly connection: ServerConnection;
  readonly host: Host;
  /** In the world's time. */
  readonly madeAt: number;
}

export interface IsolationWorld {
  readonly plan: Plan;
  readonly options: ResolvedOptions;
  readonly network: Network;
  readonly hosts: readonly Host[];
  /** The world's time. */
  now(): number;
  report(line: string, what: string): void;
}

/** Whenever some way to some healthy address exists, and time has passed for finding out, a request that need not wait does not. */
export class Isolation {
  private readonly world: IsolationWorld;
  private readonly origins: readonly Known[];
  private readonly waiting = new Map<number, Waiting>();
  private readonly changed = new Map<Host, number>();
  /** When their name has come to stand for them again. */
  private readonly listed = new Map<Host, number>();
  private readonly reported = new Set<string>();
  private readonly carriers = new Map<number, Carrier>();
  /** Of connections: since when a request has been out on them without a byte having come back. */
  private readonly owedSince = new Map<number, { readonly at: number; readonly arrived: number }>();

  constructor(world: IsolationWorld) {
    this.world = world;
    let next = 0;
    this.origins = world.plan.origins.map((plan) => {
      const hosts = world.hosts.slice(next, next + plan.hosts);
      next += plan.hosts;
      return {
        plan,
        hosts,
        failed: 0,
        failedDials: 0,
        dialFailedAt: -Infinity,
        backsOffUntil: 0,
        bypasses: 0,
        swallowed: 0,
        dialling: false,
        longestDelay: plan.delay,
        bulk: new Set(),
        atMost: 0,
        wasAtMost: false,
        lastDial: -Infinity,
        dialPatience: 0,
        addresses: hosts.map(({ address }) => address),
      };
    });
  }

  /** Something was done to these machines, or undone: what is to be found out begins anew. */
  struck(hosts: readonly Host[]): void {
    for (const host of hosts) this.changed.set(host, this.world.now());
  }

  /** The process heard of nothing for so long, until now; what it had set its clock for comes so much later. */
  deaf(milliseconds: number): void {
    for (const known of this.origins) known.backsOffUntil += milliseconds;
    for (const waiting of this.waiting.values()) waiting.since += milliseconds;
    this.struck(this.world.hosts);
  }

  onConnection(event: ConnectionEvent): void {
    const known = this.origins.find(({ plan }) => event.origin.endsWith(`//${plan.name}`));
    if (known === undefined) return;
    if (event.type === 'dialling') {
      known.lastDial = this.world.now();
      if (known.dialling) known.swallowed++;
      known.dialling = true;
    }
    if (event.type === 'connected' || event.type === 'dial-failed') known.dialling = false;
    if (event.type === 'dial-failed' || (event.type === 'closed' && event.error !== undefined))
      this.dialFailed(known, this.world.now());
    if (event.type === 'stalled' || event.type === 'silent') known.bypasses++;
    // One that is too old is not there any more to hear of a limit that is raised, and dials on account of 0 are ever fewer.
    const carrier = event.type === 'closed' ? this.carriers.get(event.connection) : undefined;
    if (carrier?.connection.zeroFromStart === true) this.dialFailed(known, carrier.madeAt);
    if (event.type !== 'connected') return;
    this.measure(known, event.time - (event.dial?.begun ?? event.time));
    for (const [socket, { tcp, host }] of this.world.network.open) {
      if (socket.info.dial !== event.dial) continue;
      const connection = [...host.process.connections].find((one) => one === tcp.server);
      if (connection !== undefined) this.carriers.set(event.connection, { connection, host, madeAt: this.world.now() });
    }
  }

  onRequest({ type, request, delay, connection = 0 }: RequestEvent): void {
    if (type === 'window-wait' || type === 'window-open') return;
    const id = Number(request.url.slice(request.url.lastIndexOf('/') + 1));
    const origin = this.world.plan.requests.find((one) => one.id === id)?.origin ?? 0;
    const now = this.world.now();
    const { bulk } = this.origins[origin]!;
    switch (type) {
      case 'start':
        if (this.isBulk(id)) bulk.add(id);
        return;
      case 'queued':
        this.waiting.set(id, { origin, since: now, again: false });
        return;
      case 'retry':
        this.fail(this.origins[origin]!);
        this.waiting.set(id, { origin, since: now + (delay ?? 0), again: true });
        return;
      case 'headers':
        this.answered(this.origins[origin]!, connection);
        return;
      case 'bound':
        this.waiting.delete(id);
        this.bound(id, origin, connection);
        return;
      case 'end':
      case 'error':
        bulk.delete(id);
        this.waiting.delete(id);
        return;
      default:
        return;
    }
  }

  /** A connection that is older than the last dial that failed says nothing of the next. */
  private answered(known: Known, connection: number): void {
    Object.assign(known, { bypasses: 0, swallowed: 0 });
    const madeAt = this.carriers.get(connection)?.madeAt ?? Infinity;
    const { maxDelay } = this.world.options.retry;
    const isOlder = madeAt < known.dialFailedAt && this.world.now() < known.dialFailedAt + maxDelay;
    if (!isOlder) known.failedDials = 0;
    known.failed = known.failedDials;
  }

  /** Of a dial that was silent most of the time was the outage's, so that patience no more than doubles. */
  private measure(known: Known, took: number): void {
    const patience = Math.max(this.world.options.probeAfter, known.dialPatience);
    known.dialPatience = took >= patience ? Math.min(4 * took, 2 * patience) : 4 * took;
  }

  /** It came to no connection, or to one that was of no use, as was known then. */
  private dialFailed(known: Known, at: number): void {
    known.failedDials++;
    known.dialFailedAt = Math.max(known.dialFailedAt, at);
    this.fail(known, at);
  }

  private isBulk(id: number): boolean {
    return (this.world.plan.requests.find((one) => one.id === id)?.upload?.bytes ?? 0) > 30_000;
  }

  private fail(known: Known, at = this.world.now()): void {
    const until = at + backOffAfter(this.world.options, ++known.failed);
    known.backsOffUntil = Math.max(known.backsOffUntil, until);
  }

  /** Looks at those who wait. */
  look(stats: TransportStats): void {
    for (const known of this.origins) {
      this.lookAtName(known);
      for (const { link } of known.hosts) known.longestDelay = Math.max(known.longestDelay, link.delay);
    }
    if (this.waiting.size === 0 || this.world.options.strictMaxConcurrentStreams) return;
    const now = this.world.now();
    for (const known of this.origins) {
      // Between two looks nothing happens, so what was so at the last one was so until now.
      const isAtMost = this.isAtMost(stats, known);
      if (isAtMost || known.wasAtMost) known.atMost = now;
      known.wasAtMost = isAtMost;
    }
    for (const [id, waiting] of this.waiting) {
      const { origin } = waiting;
      const known = this.origins[origin]!;
      const pool = stats.origins.find(({ origin: href }) => href.endsWith(`//${known.plan.name}`));
      // It waits for a token; the oracle of the budget sees to it that there is none.
      if (waiting.again && pool?.retriesLeft === 0) waiting.since = now;
      const settled = Math.max(waiting.since, this.healthySince(known), known.backsOffUntil, known.atMost);
      const waited = now - settled;
      const bound = this.boundOf(known);
      if (waited <= bound) continue;
      const connections = pool?.connections.filter(({ state }) => state !== 'draining') ?? [];
      this.report(
        this.lineOf(
          known,
          (pool?.dialling ?? 0) > 0 || connections.some(({ state }) => state === 'connecting'),
          connections.filter(({ state }) => inTrouble.has(state)).length,
          settled,
        ),
        `request ${id} has waited ${Math.round(waited)} ms for ${known.plan.name}, where ${Math.round(bound)} are enough; ` +
          `${pool?.dialling ?? 0} dials, connections ${connections.map(({ state }) => state).join(', ') || 'none'}`,
      );
    }
  }

  private isAtMost(stats: TransportStats, { plan }: Known): boolean {
    const pool = stats.origins.find(({ origin }) => origin.endsWith(`//${plan.name}`));
    const accepting = pool?.connections.filter(({ state }) => state !== 'draining') ?? [];
    return accepting.length + (pool?.dialling ?? 0) >= this.world.options.maxConnectionsPerOrigin;
  }

  /** A request was given to a connection: was that one known to be of no use? */
  private bound(id: number, origin: number, connection: number): void {
    const known = this.origins[origin]!;
    const now = this.world.now();
    const carrier = this.carriers.get(connection);
    if (carrier === undefined) return;
    const { arrived } = carrier.connection;
    let owed = this.owedSince.get(connection);
    if (owed?.arrived !== arrived) this.owedSince.set(connection, (owed = { at: now, arrived }));
    const bound = this.boundOf(known);
    const since = this.healthySince(known);
    if (now - since <= bound) return;
    const upload = this.world.plan.requests.find((one) => one.id === id)?.upload;
    const { emptySince } = carrier.connection;
    if (upload !== undefined && upload.bytes > 0 && now - Math.max(emptySince, since) > bound)
      this.report(
        'starved',
        `request ${id}, with a body, went to a connection whose window has been at 0 for ${Math.round(now - emptySince)} ms`,
      );
    // With `probeAfter` at 0 the application has said that silence is to tell nothing.
    const asks = this.world.options.probeAfter > 0;
    if (asks && carrier.connection.unreachable && now - Math.max(owed.at, since) > bound)
      this.report(
        'dead connection',
        `request ${id} went to a connection that has owed an answer for ${Math.round(now - owed.at)} ms`,
      );
  }

  private boundOf(known: Known): number {
    const { hosts, bypasses, bulk, swallowed } = known;
    // A way around is of no use where it leads to an address that is not known to be bad yet, or takes what blocks it in turn.
    const fruitless = Math.min(bypasses, hosts.length + bulk.size);
    return isolationBound(this.world.options, this.pathOf(known), fruitless, swallowed);
  }

  private pathOf({ hosts, plan, longestDelay, dialPatience }: Known): Path {
    const queue = plan.bandwidth > 0 ? (2 * hosts[0]!.link.queue) / plan.bandwidth : 0;
    return { roundTrip: 2 * longestDelay + queue, addresses: hosts.length, lookup: 2 * plan.delay, dialPatience };
  }

  /** Since when one of its addresses has been well, and reachable, as far as look-ups can tell; Infinity: none is. */
  private healthySince(known: Known): number {
    const hung = this.world.network.names.get(known.plan.name)?.hangsUntil ?? 0;
    return Math.min(
      Infinity,
      ...this.wellOf(known).map(([host, since]) =>
        Math.max(since, (this.listed.get(host) ?? -Infinity) + lookUpKept, hung === 0 ? 0 : hung + lookUpShared),
      ),
    );
  }

  private lookAtName(known: Known): void {
    const addresses = this.world.network.names.get(known.plan.name)?.addresses ?? [];
    if (addresses === known.addresses) return;
    for (const host of known.hosts)
      if (addresses.includes(host.address) && !known.addresses.includes(host.address))
        this.listed.set(host, this.world.now());
    known.addresses = addresses;
  }

  private wellOf({ hosts, plan }: Known): readonly (readonly [host: Host, since: number])[] {
    const name = this.world.network.names.get(plan.name);
    if (name === undefined || name.failing || name.hangsUntil > this.world.now()) return [];
    const well = hosts.filter((host) => isWell(host) && name.addresses.includes(host.address));
    return well.map((host) => [host, this.changedAt(host)]);
  }

  // --- for others who judge by addresses ---

  /** The addresses of an origin, by its number, that are well and reachable, and since when. */
  wellHosts(origin: number): readonly (readonly [host: Host, since: number])[] {
    return this.wellOf(this.origins[origin]!);
  }

  /** When something was last done to it, or undone. */
  changedAt(host: Host): number {
    return this.changed.get(host) ?? 0;
  }

  boundFor(origin: number): number {
    return this.boundOf(this.origins[origin]!);
  }

  /** The longest that there was, in milliseconds. */
  roundTripOf(origin: number): number {
    return this.pathOf(this.origins[origin]!).roundTrip;
  }

  /** By what is in the way. */
  private lineOf(known: Known, dialling: boolean, troubled: number, settled: number): string {
    const others = known.hosts.some((host) => !isWell(host) || (this.changed.get(host) ?? 0) > settled);
    if (dialling && known.lastDial < settled) return 'dial in flight';
    if (others) return 'another address';
    if (this.origins.length > 2) return 'many origins';
    if (troubled > 1) return 'around a way around';
    const { maxConnectionAge, maxRequestsPerConnection } = this.world.options;
    if (troubled === 0 && (maxConnectionAge > 0 || maxRequestsPerConnection > 0)) return 'short lives';
    return dialling ? 'dials' : 'queue';
  }

  private report(line: string, what: string): void {
    if (this.reported.has(line)) return;
    this.reported.add(line);
    this.world.report(line, what);
  }
}

function isWell({ listening, swallowing, http2, link, process }: Host): boolean {
  return listening && http2 && !swallowing && link.isUsual && !process.isFrozen && process.isUsual;
}
