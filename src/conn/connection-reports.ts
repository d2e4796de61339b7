import {
  hearsConnection,
  tellConnection,
  type ByteTransport,
  type Clock,
  type ConnectionEvent,
  type Observer,
} from '../ports/index.js';
import type { FrameRecord } from '../protocol/index.js';

/** The connection that is observed, and by whom. */
interface Observed {
  readonly id: number;
  readonly origin: string;
  readonly observer: Observer | undefined;
}

/** What a connection tells whoever observes it. */
export class ConnectionReports {
  private readonly config: Observed;
  private readonly info: ByteTransport['info'];
  private readonly clock: Clock;
  private slow = false;

  constructor(config: Observed, info: ByteTransport['info'], clock: Clock) {
    this.config = config;
    this.info = info;
    this.clock = clock;
  }

  /** Tells of frames, each with the time of the step that it came or went in; undefined where nobody looks at them. */
  frames(now: () => number): ((frame: FrameRecord) => void) | undefined {
    const { id, observer } = this.config;
    if (observer?.frame === undefined) return undefined;
    return ({ sent, ...frame }) =>
      observer.frame?.({ connection: id, direction: sent ? 'sent' : 'received', time: now(), ...frame });
  }

  /** Whether bulk fills the path now; told where that has changed. */
  slowness(slow: boolean): void {
    if (this.slow === slow) return;
    this.slow = slow;
    this.event(slow ? 'slow' : 'eased', undefined);
  }

  event(type: ConnectionEvent['type'], error: unknown): void {
    const { id, observer, origin } = this.config;
    if (!hearsConnection(observer, type)) return;
    const { remoteAddress, alpnProtocol, tls, dial } = this.info;
    const about = { connection: id, origin, type, time: this.clock.now(), error };
    tellConnection(observer, { ...about, remoteAddress, alpnProtocol, tls, dial });
  }
}
