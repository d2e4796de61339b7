import type { ByteTransport, Clock } from '../ports/index.js';

/**
 * Whether a connection is in use, and since when it is not: one that is keeps the process alive, while somebody waits for
 * it or for one of its requests. A response that nobody reads does not, as a socket that nobody reads does not.
 */
export class ConnectionUse {
  /** When it was made or last had a stream, in wall-clock milliseconds. */
  idleSince: number;
  /** From when on it has nothing to wait for: as that, or later where something was promised. */
  private restsSince: number;
  private readonly transport: Pick<ByteTransport, 'ref' | 'unref'>;
  private readonly clock: Clock;
  private streams = 0;
  /** Those whose responses have come, and nobody waits for more of them. */
  private unattended = 0;
  private holds = 0;
  private refed = true;
  private ended = false;

  constructor(transport: Pick<ByteTransport, 'ref' | 'unref'>, clock: Clock) {
    this.transport = transport;
    this.clock = clock;
    this.idleSince = this.restsSince = clock.wallNow();
  }

  /** It has so many streams now. */
  has(streams: number): void {
    if (streams === 0 && this.streams > 0) this.idleSince = this.restsSince = this.clock.wallNow();
    this.streams = streams;
    this.update();
  }

  /** Nobody waits for more of the response on one of its streams, or somebody does again. */
  attend(attended: boolean): void {
    this.unattended += attended ? -1 : 1;
    this.update();
  }

  /** It is ready for its first request only now, or what was promised has been used or given back. */
  restart(): void {
    if (this.streams === 0) this.restsSince = this.clock.wallNow();
  }

  /** Idle for longer than this by the wall clock, which goes on while the process is frozen. */
  idleFor(milliseconds: number): boolean {
    return this.streams === 0 && this.clock.wallNow() - this.restsSince > milliseconds;
  }

  /** Somebody waits for it, although it has no stream. */
  hold(): void {
    this.holds++;
    this.update();
  }

  release(): void {
    this.holds--;
    this.update();
  }

  /** It is being closed, and stays as it is until that is done. */
  end(): void {
    this.ended = true;
  }

  private update(): void {
    const wanted = this.streams > this.unattended || this.holds > 0;
    if (wanted === this.refed || this.ended) return;
    this.refed = wanted;
    if (wanted) this.transport.ref();
    else this.transport.unref();
  }
}
