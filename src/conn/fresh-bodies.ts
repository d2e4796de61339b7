import type { Watcher } from '../ports/index.js';

/** Bodies whose responses were made in the read under way, and who hears of each once that is worked off. */
export class FreshBodies {
  // Two lists, since a pair of each would be one more object a response; and the same for all reads, which mostly bring one.
  private readonly bodies: (object | undefined)[] = [];
  private readonly watchers: (Watcher | undefined)[] = [];
  private count = 0;

  add(body: object, watcher: Watcher): void {
    this.bodies[this.count] = body;
    this.watchers[this.count++] = watcher;
  }

  register(): void {
    for (let i = 0; i < this.count; i++) {
      const body = this.bodies[i]!;
      const watcher = this.watchers[i]!;
      this.bodies[i] = this.watchers[i] = undefined;
      watcher.registerUnread(body);
    }
    this.count = 0;
  }
}
