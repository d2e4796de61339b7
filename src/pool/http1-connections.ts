import type { TransportError } from '../errors.js';
import type { Http1Connection } from '../ports/index.js';

/** The HTTP/1.1 connections of one origin, oldest first. */
export class Http1Connections {
  readonly all: Http1Connection[] = [];

  get busy(): boolean {
    return this.all.some((connection) => connection.busy);
  }

  /** Those that carry a request now or may carry one. */
  get live(): number {
    let live = 0;
    for (const connection of this.all) if (!connection.closing) live++;
    return live;
  }

  /** How many are live, and of these, how many take a request after a turn of the event loop. */
  get supply(): { connections: number; soonFree: number } {
    const soonFree = this.all.filter((connection) => connection.soonFree).length;
    return { connections: this.live, soonFree };
  }

  /** The newest that is free: so that those which are not needed grow old and close. */
  pick(): Http1Connection | undefined {
    for (let i = this.all.length - 1; i >= 0; i--) {
      const connection = this.all[i];
      if (connection?.canTakeRequest() === true) return connection;
    }
    return undefined;
  }

  remove(connection: Http1Connection): void {
    const at = this.all.indexOf(connection);
    if (at >= 0) this.all.splice(at, 1);
  }

  closeIdle(): void {
    for (const connection of [...this.all]) if (!connection.busy) connection.stopReuse();
  }

  stopReuse(): void {
    for (const connection of [...this.all]) connection.stopReuse();
  }

  destroy(error: TransportError): void {
    for (const connection of [...this.all]) connection.fail(error);
  }
}
