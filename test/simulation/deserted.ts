import type { ResolvedOptions } from '../../dist/transport-options.js';
import type { Network } from './network.js';
import { ServerConnection } from './server-connection.js';
import { SimulatedSocket } from './socket.js';

/** For turns of the loop, rounding and the oracle's own looks. */
const slack = 300;

/** The one formula: a server that ended a connection by GOAWAY with an error, and then neither answers nor closes, is waited for so long. */
export function desertedBound({
  readIdleTimeout,
  pingTimeout,
}: Pick<ResolvedOptions, 'readIdleTimeout' | 'pingTimeout'>): number {
  return readIdleTimeout === 0 || pingTimeout === 0 ? Infinity : readIdleTimeout + pingTimeout + slack;
}

export interface DesertedWorld {
  readonly options: ResolvedOptions;
  readonly network: Network;
  /** The world's time. */
  now(): number;
  report(oracle: string, what: string): void;
}

/** Whether connections that their server has called broken, and left as they are, come to an end. */
export class Deserted {
  private readonly world: DesertedWorld;
  /** Since when all that the server has said has come to the client, in the world's time. */
  private readonly heardSince = new Map<ServerConnection, number>();

  constructor(world: DesertedWorld) {
    this.world = world;
  }

  /** The process heard of nothing for a while, until now. */
  deaf(): void {
    this.heardSince.clear();
  }

  look(): void {
    const { network, options, report } = this.world;
    const now = this.world.now();
    for (const [socket, { tcp }] of network.open) {
      const { server } = tcp;
      if (!(server instanceof ServerConnection) || !server.deserted || socket.ending) continue;
      if (tcp.down.dead) continue; // it has not heard of that, and never will
      if (!tcp.down.quiet || !this.heardSince.has(server)) this.heardSince.set(server, now);
      // A write that ends shows that somebody reads.
      const wroteAt = socket instanceof SimulatedSocket ? socket.wroteAt : 0;
      const since = Math.max(this.heardSince.get(server) ?? now, server.lastFrameAt, wroteAt);
      if (now - since <= desertedBound(options)) continue;
      report(
        'deserted connections',
        `connection ${server.number} has been waited on for ${Math.round(now - since)} ms`,
      );
      server.deserted = false; // once is enough
    }
  }
}
