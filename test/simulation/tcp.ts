import type { SimulatedClock } from './clock.js';
import type { Link } from './link.js';
import { Pipe, type Buffers } from './pipe.js';

/** One end of a connection, as the kernel tells it of what concerns more than bytes. */
export interface End {
  /** The other side, or a box on the way, has reset the connection. */
  onReset(): void;
}

/** One TCP connection: two pipes, and what ends both. */
export class Tcp {
  readonly link: Link;
  readonly up: Pipe;
  readonly down: Pipe;
  client: End | undefined = undefined;
  server: End | undefined = undefined;
  /** How much of it the process gets to read at once, in bytes: packets are cut anywhere. */
  mostRead = Infinity;
  private over = false;

  constructor(clock: SimulatedClock, link: Link, buffers: Buffers) {
    this.link = link;
    this.up = new Pipe(clock, link, 'up', buffers);
    this.down = new Pipe(clock, link, 'down', buffers);
    this.up.onRefused = () => this.resetFrom('server');
    this.down.onRefused = () => this.resetFrom('client');
  }

  /** One side gives it up at once; the other learns of it, if the way is open. */
  resetFrom(side: 'client' | 'server'): void {
    if (this.over) return;
    this.over = true;
    const [way, pipe, other] =
      side === 'client' ? (['up', this.up, 'server'] as const) : (['down', this.down, 'client'] as const);
    pipe.stop();
    // A reset is not sent again: where it is lost, the other side learns of it when it next sends.
    const { dead } = this.up;
    this.link.carry(
      way,
      () => this[other]?.onReset(),
      () => dead,
    );
  }

  /** Nobody is there to answer any more, or nothing passes. */
  get gone(): boolean {
    return this.over || this.up.dead;
  }

  /** A box on the way forgets it: nothing passes any more. */
  forget(): void {
    this.up.dead = this.down.dead = true;
  }

  /** Both sides have let go of it. */
  end(): void {
    this.over = true;
    this.up.stop();
    this.down.stop();
  }
}
