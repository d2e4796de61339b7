import type { Watcher } from '../ports/index.js';

/** Bodies whose responses were made in the read under way, and who hears of each once that is worked off. */
export class FreshBodies {
  // Two lists, since a pair of each would be one more object a response.
  private bodies: object[] = [];
  private watchers: Watcher[] = [];

  add(body: object, watcher: Watcher): void {
    this.bodies.push(body);
    this.watchers.push(watcher);
  }

  register(): void {
    const { bodies, watchers } = this;
    if (bodies.length === 0) return;
    this.bodies = [];
    this.watchers = [];
    for (let i = 0; i < bodies.length; i++) watchers[i]!.registerUnread(bodies[i]!);
  }
}
