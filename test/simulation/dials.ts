import type { ConnectionEvent, RequestEvent } from '../../dist/ports/observer.js';
import type { TransportStats } from '../../dist/pool/index.js';
import type { ResolvedOptions } from '../../dist/transport-options.js';
import type { Host, Network } from './network.js';
import type { OriginPlan } from './plan.js';

/** Why an origin may be dialled, counted from the beginning. */
export interface DialCauses {
  /** Requests that began, waits for a connection, attempts to send again, second attempts. */
  readonly requests: number;
  /** Faults that struck it, and their ends: each may take connections, and be dialled around in vain. */
  readonly faults: number;
  /** For how long requests have waited for it, all together, in milliseconds. */
  readonly waited: number;
  readonly addresses: number;
}

/** Two dials that are swallowed are so far apart in the end. */
const mostPatience = 5_000;
/** So often does patience double until then, from its shortest. */
const doublings = 8;
/** So many more each wait may cause while patience is shorter: those who wait together share what is dialled. */
const soonWays = 2;

/** The one formula: so many dials to an origin there may be in all, whatever happens. */
export function dialsAllowed(
  {
    loadBalancing,
    resolveInterval,
    maxConnectionAge,
  }: Pick<ResolvedOptions, 'loadBalancing' | 'resolveInterval' | 'maxConnectionAge'>,
  { requests, faults, waited, addresses }: DialCauses,
): number {
  // Each that waits is dialled around for, at first after a short time, and then no more often than every five seconds.
  const ways = waited / mostPatience + doublings + requests * soonWays;
  if (loadBalancing !== 'least-request') return requests + faults + ways;
  // Each address has a connection of its own, which is made anew when it is too old, until the next look-up.
  const lives = maxConnectionAge === 0 ? 1 : 2 + Math.ceil(resolveInterval / (0.9 * maxConnectionAge));
  return (requests * lives + faults) * addresses + ways;
}

/** What is counted of one origin. */
interface Counted {
  readonly plan: OriginPlan;
  dials: number;
  requests: number;
  faults: number;
  waited: number;
}

export interface DialsWorld {
  readonly origins: readonly OriginPlan[];
  readonly options: ResolvedOptions;
  readonly network: Network;
  report(oracle: string, what: string): void;
}

/** How often each origin is dialled, over a whole run. */
export class Dials {
  private readonly world: DialsWorld;
  private readonly counted: readonly Counted[];
  private told = false;

  constructor(world: DialsWorld) {
    this.world = world;
    this.counted = world.origins.map((plan) => ({ plan, dials: 0, requests: 0, faults: 0, waited: 0 }));
  }

  private of(href: string): Counted | undefined {
    return this.counted.find(({ plan }) => href.endsWith(`//${plan.name}`));
  }

  /** Something was done to these machines, or undone. */
  struck(hosts: readonly Host[]): void {
    for (const counted of this.counted) {
      const own = this.world.network.machines.get(counted.plan.name) ?? [];
      if (hosts.some((host) => own.includes(host))) counted.faults++;
    }
  }

  /** So many milliseconds after the last look. */
  look({ origins }: TransportStats, passed: number): void {
    for (const { origin, queued } of origins) {
      const counted = this.of(origin);
      if (counted !== undefined) counted.waited += queued * passed;
    }
  }

  readonly request = ({ type, request }: RequestEvent): void => {
    const counted = this.of(request.origin);
    if (counted === undefined || !['start', 'queued', 'retry', 'hedge'].includes(type)) return;
    if (type !== 'start' || this.world.options.loadBalancing === 'least-request') counted.requests++;
  };

  readonly connection = ({ type, origin }: ConnectionEvent): void => {
    const counted = this.of(origin);
    if (type !== 'dialling' || counted === undefined) return;
    counted.dials++;
    const addresses = this.world.network.machines.get(counted.plan.name)?.length ?? 1;
    const allowed = dialsAllowed(this.world.options, { ...counted, addresses });
    // A request is told of later than the dial that it causes.
    if (counted.dials <= allowed + 1 || this.told) return;
    this.told = true;
    this.world.report(
      'dials in total',
      `${origin} was dialled ${counted.dials} times, where ${Math.floor(allowed)} may be`,
    );
  };
}
