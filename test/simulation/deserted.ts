import type { ResolvedOptions } from '../../dist/transport-options.js';
import type { Network } from './network.js';
import type { Pipe } from './pipe.js';
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

/** What had come to the client at the last look. */
interface Heard {
  /** In the world's time. */
  readonly at: number;
  readonly arrived: number;
  readonly quiet: boolean;
}

/** Whether connections that their server has called broken, and left as they are, come to an end. */
export class Deserted {
  private readonly world: DesertedWorld;
  private readonly heard = new Map<ServerConnection, Heard>();

  constructor(world: DesertedWorld) {
    this.world = world;
  }

  /** The process heard of nothing for a while, until now. */
  deaf(): void {
    this.heard.clear();
  }

  look(): void {
    const { network, options, report } = this.world;
    const now = this.world.now();
    for (const [socket, { tcp }] of network.open) {
      const { server } = tcp;
      if (!(server instanceof ServerConnection) || !server.deserted || socket.ending) continue;
      // It has not heard of that, and never will: the way is gone, or the server has ended the connection since, which comes late.
      if (tcp.down.dead || tcp.down.cut) continue;
      // A write that ends shows that somebody reads.
      const wroteAt = socket instanceof SimulatedSocket ? socket.wroteAt : 0;
      const since = Math.max(this.heardSince(server, tcp.down), server.lastFrameAt, wroteAt);
      if (now - since <= desertedBound(options)) continue;
      report(
        'deserted connections',
        `connection ${server.number} has been waited on for ${Math.round(now - since)} ms`,
      );
      server.deserted = false; // once is enough
    }
  }

  /** Since when all that the server has said has come to the client: what was on its way at the last look came between the two. */
  private heardSince(server: ServerConnection, { arrivedBytes: arrived, quiet }: Pipe): number {
    const last = this.heard.get(server);
    if (last?.quiet === true && quiet && last.arrived === arrived) return last.at;
    const at = this.world.now();
    this.heard.set(server, { at, arrived, quiet });
    return at;
  }
}
