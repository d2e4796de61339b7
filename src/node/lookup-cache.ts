import type { Clock } from '../ports/index.js';
import { LatestMap } from '../latest-map.js';

/** getaddrinfo tells no TTL: a success is kept for so long, in milliseconds. */
const lifetime = 10_000;
/** So long others wait for a look-up that is under way, in milliseconds: its question may be lost, and the next not. */
const patience = 1_000;

/** What a name stands for. */
export interface Answer {
  /** In the order in which to try them. */
  readonly addresses: readonly string[];
  /** Whether it was known before it was asked for. */
  readonly cached: boolean;
}

interface Entry {
  readonly asked: Promise<readonly string[]>;
  addresses: readonly string[] | undefined;
  until: number;
}

/** The answers of look-ups, each for a short while, and the look-ups under way. Failures are not kept. */
export class LookupCache {
  private readonly lookUp: (hostname: string) => Promise<readonly string[]>;
  private readonly clock: Clock;
  private readonly entries: LatestMap<Entry>;

  constructor(lookUp: (hostname: string) => Promise<readonly string[]>, clock: Clock, capacity = 1_000) {
    this.lookUp = lookUp;
    this.clock = clock;
    this.entries = new LatestMap(capacity);
  }

  async find(hostname: string): Promise<Answer> {
    const known = this.entries.get(hostname);
    const { addresses, asked } = known !== undefined && this.clock.now() < known.until ? known : this.ask(hostname);
    return { addresses: addresses ?? (await asked), cached: addresses !== undefined };
  }

  /** Forgets an answer that has proved to be of no use, unless there is a newer one. */
  drop(hostname: string, { addresses }: Answer): void {
    if (this.entries.get(hostname)?.addresses === addresses) this.entries.delete(hostname);
  }

  /** Forgets what was answered; one that is under way is as good as new. */
  forget(hostname: string): void {
    if (this.entries.get(hostname)?.addresses !== undefined) this.entries.delete(hostname);
  }

  private ask(hostname: string): Entry {
    const asked = this.lookUp(hostname);
    const entry: Entry = { asked, addresses: undefined, until: this.clock.now() + patience };
    this.entries.set(hostname, entry);
    asked.then(
      (addresses) => {
        entry.addresses = addresses;
        entry.until = this.clock.now() + lifetime;
      },
      () => {
        this.entries.deleteIf(hostname, entry);
      },
    );
    return entry;
  }
}
