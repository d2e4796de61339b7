import type { LookupFunction } from 'node:net';
import type { Clock } from '../ports/index.js';
import { abortable } from '../abortable.js';
import { familyOf, lookUp } from './address.js';
import { nodeClock } from './clock.js';
import { LookupCache, type Answer } from './lookup-cache.js';
import { LookupQueue, type LookUp } from './lookup-queue.js';
import { askServers } from './name-servers.js';

export interface ResolverOptions {
  /** As in node:net, and called for each dial: what it answers may change from one to the next. Default: dns.lookup. */
  readonly lookup?: LookupFunction | undefined;
  /** Restricts addresses to its family. */
  readonly localAddress?: string | undefined;
}

/** What hosts stand for. A literal address is its own; what dns.lookup says of a name is kept for a short while. */
export class Resolver {
  private readonly lookUp: (hostname: string) => Promise<Answer>;
  private readonly cache: LookupCache | undefined;

  /** `find` stands for dns.lookup. */
  constructor({ lookup, localAddress = '' }: ResolverOptions, clock: Clock = nodeClock, find = systemLookUp) {
    const family = familyOf(localAddress);
    if (lookup === undefined) {
      const cache = new LookupCache((hostname) => find(hostname, family), clock);
      this.cache = cache;
      this.lookUp = (hostname) => cache.find(hostname);
    } else {
      this.lookUp = async (hostname) => ({ addresses: await lookUp(hostname, lookup, family), cached: false });
    }
  }

  /**
   * Has `connect` connect to one of the addresses of a host, of which `all` are those that it has now. If it cannot, or is given up, what was kept of the name is
   * forgotten, and where these addresses were from before, those that the name has in their place are tried too.
   */
  async connect<T>(
    hostname: string,
    connect: (addresses: readonly string[], all: readonly string[]) => Promise<T>,
    signal: AbortSignal,
  ): Promise<T> {
    const known = await this.resolve(hostname, signal);
    try {
      return await connect(known.addresses, known.addresses);
    } catch (error) {
      this.cache?.drop(hostname, known);
      if (!known.cached) throw error;
      const anew = await this.resolve(hostname, signal);
      const others = anew.addresses.filter((address) => !known.addresses.includes(address));
      try {
        if (others.length === 0) throw error;
        return await connect(others, anew.addresses);
      } catch (last) {
        this.cache?.drop(hostname, anew);
        throw last;
      }
    }
  }

  /** What the name stands for now, whatever was kept of it. */
  async anew(hostname: string): Promise<readonly string[]> {
    if (familyOf(hostname) !== 0) return [hostname];
    this.cache?.forget(hostname);
    return (await this.lookUp(hostname)).addresses;
  }

  private async resolve(hostname: string, signal: AbortSignal): Promise<Answer> {
    if (familyOf(hostname) !== 0) return { addresses: [hostname], cached: false };
    return abortable(signal, (resolve, reject) => {
      this.lookUp(hostname).then(resolve, reject);
      return () => undefined; // a look-up cannot be taken back, and others may wait for it
    });
  }
}

/** dns.lookup; loaded when a name is first looked up. */
const onThread: LookUp = (hostname, family) =>
  lookUp(hostname, (...given) => process.getBuiltinModule('node:dns').lookup(...given), family);

/** One for the process, whose threads all transports share. */
const queue = new LookupQueue(onThread, askServers);

const systemLookUp: LookUp = (hostname, family) => queue.find(hostname, family);
