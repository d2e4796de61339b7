/** A look-up of a name, of one family of addresses where that is not 0. */
export type LookUp = (hostname: string, family: number) => Promise<readonly string[]>;

/** dns.lookup holds one of the four threads that files and cryptography share, for as long as it takes: so many at a time. */
const mostThreads = 2;

/**
 * Look-ups by dns.lookup, few at a time. One that finds no thread free waits for one, and asks beside that without a thread:
 * the first answer counts. What cannot be found that way, dns.lookup may find all the same.
 */
export class LookupQueue {
  private readonly onThread: LookUp;
  private readonly beside: LookUp;
  private running = 0;
  private readonly waiting = new Set<() => void>();

  constructor(onThread: LookUp, beside: LookUp) {
    this.onThread = onThread;
    this.beside = beside;
  }

  find(hostname: string, family: number): Promise<readonly string[]> {
    if (this.running < mostThreads) return this.run(hostname, family);
    return new Promise((resolve, reject) => {
      const start = (): void => void this.run(hostname, family).then(resolve, reject);
      this.waiting.add(start);
      this.beside(hostname, family).then(
        (addresses) => {
          this.waiting.delete(start);
          resolve(addresses);
        },
        () => undefined, // its thread will tell
      );
    });
  }

  private async run(hostname: string, family: number): Promise<readonly string[]> {
    this.running++;
    try {
      return await this.onThread(hostname, family);
    } finally {
      this.running--;
      for (const start of this.waiting) {
        this.waiting.delete(start);
        start();
        break;
      }
    }
  }
}
