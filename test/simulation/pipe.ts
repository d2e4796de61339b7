import type { SimulatedClock } from './clock.js';
import { kernel } from './kernel.js';
import type { Link, Way } from './link.js';

/** The sizes of the kernel's buffers, in bytes. */
export interface Buffers {
  readonly send: number;
  readonly receive: number;
}

interface Segment {
  readonly bytes: Uint8Array;
  /** It is the last one: FIN. */
  readonly fin: boolean;
  readonly at: number;
}

const nothing = new Uint8Array(0);
/** At most so much travels as one segment, in bytes. */
const mostSegment = 16_384;

/**
 * One direction of a TCP connection: the sender's buffer, the link, the receiver's buffer. In order and whole, or cut. The
 * sender's buffer is freed by acknowledgements, and is writable again only when a good part of it is free.
 */
export class Pipe {
  /** Told when a sender that was refused room has some again. */
  onWritable: () => void = () => undefined;
  /** Told when there is something to read, or the end. */
  onReadable: () => void = () => undefined;
  /** Told when bytes arrive for a reader that is gone. */
  onRefused: () => void = () => undefined;
  /** Bytes that have ever arrived. */
  arrivedBytes = 0;
  /** Nothing passes any more, and nobody is told: a box on the way has forgotten the connection. */
  dead = false;
  /** Whatever was on its way is lost: one end has reset the connection. */
  cut = false;
  /** Bytes a millisecond that its own way lets through, however wide the link is. */
  rate = Infinity;
  /** When that will have let through what has been sent so far. */
  private busyUntil = 0;
  private readonly clock: SimulatedClock;
  private readonly link: Link;
  private readonly way: Way;
  private readonly buffers: Buffers;
  private readonly queued: Uint8Array[] = [];
  private queuedBytes = 0;
  /** Sent and not acknowledged, in bytes. */
  private unacknowledged = 0;
  private finishing = false;
  private finSent = false;
  private refusedRoom = false;
  /** On the way, the first to arrive first. */
  private readonly flying: Segment[] = [];
  private flyingBytes = 0;
  private patience: number = kernel.retransmit;
  private lastArrival = 0;
  private landing = false;
  private transmitting = false;
  private readonly unread: Uint8Array[] = [];
  private unreadBytes = 0;
  private fin = false;
  private closedToReading = false;

  constructor(clock: SimulatedClock, link: Link, way: Way, buffers: Buffers) {
    this.clock = clock;
    this.link = link;
    this.way = way;
    this.buffers = buffers;
  }

  // --- the sender's end ---

  /**
   * Takes what fits of it, and says how much that was. The caller hears `onWritable` where it was not all. As the kernel
   * does, it copies; `kept`: there is no need, nobody writes to these bytes again.
   */
  write(bytes: Uint8Array, kept = false): number {
    if (this.cut || this.finishing) return bytes.length;
    const room = this.buffers.send - this.queuedBytes - this.unacknowledged;
    const taken = Math.max(0, Math.min(room, bytes.length));
    if (taken < bytes.length) this.refusedRoom = true;
    if (taken > 0) {
      this.queued.push(kept ? bytes.subarray(0, taken) : bytes.slice(0, taken));
      this.queuedBytes += taken;
      this.transmit();
    }
    return taken;
  }

  /** FIN follows what has been taken. */
  finish(): void {
    if (this.finishing) return;
    this.finishing = true;
    this.transmit();
  }

  /** All of it is forgotten, on both sides. */
  stop(): void {
    this.cut = true;
    this.queued.length = 0;
    this.flying.length = 0;
    this.queuedBytes = this.flyingBytes = this.unacknowledged = 0;
  }

  // --- the receiver's end ---

  get readable(): number {
    return this.unreadBytes;
  }

  /** Nothing waits to be sent, is on the way, or waits to be read. */
  get quiet(): boolean {
    return this.queuedBytes === 0 && this.flyingBytes === 0 && this.unreadBytes === 0;
  }

  /** All has been read, and FIN has come. */
  get ended(): boolean {
    return this.fin && this.unreadBytes === 0;
  }

  /** At most so many bytes of what has arrived: what came in many segments is read at once. */
  read(most: number): Uint8Array {
    const first = this.unread[0];
    if (first === undefined) return nothing;
    const wasShut = this.windowLeft <= 0;
    const whole = first.length <= most && this.unread.length > 1 ? this.joined(most) : this.firstOf(first, most);
    this.unreadBytes -= whole.length;
    if (wasShut && !this.cut)
      this.link.carry(
        this.back,
        () => this.transmit(),
        () => this.cut || this.dead,
      );
    return whole;
  }

  private firstOf(first: Uint8Array, most: number): Uint8Array {
    if (first.length <= most) {
      this.unread.shift();
      return first;
    }
    this.unread[0] = first.subarray(most);
    return first.subarray(0, most);
  }

  private joined(most: number): Uint8Array {
    const whole = new Uint8Array(Math.min(most, this.unreadBytes));
    for (let at = 0; at < whole.length;) {
      const part = this.firstOf(this.unread[0]!, whole.length - at);
      whole.set(part, at);
      at += part.length;
    }
    return whole;
  }

  /** The reader is gone: what arrives from now on is answered with a reset. */
  stopReading(): void {
    this.closedToReading = true;
    this.unread.length = 0;
    this.unreadBytes = 0;
  }

  // --- on the way ---

  private get back(): Way {
    return this.way === 'up' ? 'down' : 'up';
  }

  private get windowLeft(): number {
    return this.buffers.receive - this.unreadBytes - this.flyingBytes;
  }

  private transmit(): void {
    if (this.cut || this.transmitting) return;
    while (this.queued.length > 0 && this.windowLeft > 0) {
      const wait = this.link.queueFullFor(this.way);
      if (wait > 0) {
        this.transmitting = true;
        this.clock.after(wait, () => {
          this.transmitting = false;
          this.transmit();
        });
        return;
      }
      this.send(this.nextSegment(), false);
    }
    if (!this.finishing || this.finSent || this.queued.length > 0) return;
    this.finSent = true;
    this.send(nothing, true);
  }

  private nextSegment(): Uint8Array {
    const first = this.queued[0]!;
    const size = Math.min(first.length, mostSegment, this.windowLeft);
    if (size === first.length) this.queued.shift();
    else this.queued[0] = first.subarray(size);
    this.queuedBytes -= size;
    this.unacknowledged += size;
    return first.subarray(0, size);
  }

  private send(bytes: Uint8Array, fin: boolean): void {
    this.busyUntil = Math.max(this.busyUntil, this.clock.time) + bytes.length / this.rate;
    const sent = Math.max(this.link.enqueue(this.way, bytes.length), this.busyUntil);
    const arrival = sent + this.link.delay + this.link.lostDelay;
    this.lastArrival = Math.max(this.lastArrival, arrival);
    this.flying.push({ bytes, fin, at: this.lastArrival });
    this.flyingBytes += bytes.length;
    if (!this.landing) this.awaitLanding(this.lastArrival);
  }

  private awaitLanding(at: number): void {
    this.landing = true;
    this.clock.at(at, () => this.land());
  }

  private land(): void {
    this.landing = false;
    const first = this.flying[0];
    if (first === undefined || this.cut || this.dead) return;
    if (this.link[this.way].blackHole) {
      // Sent again after a while, and all that follows waits for it.
      this.awaitLanding(this.clock.time + this.patience);
      this.patience = Math.min(2 * this.patience, kernel.mostRetransmit);
      return;
    }
    this.patience = kernel.retransmit;
    let bytes = 0;
    for (let due = this.flying[0]; due !== undefined && due.at <= this.clock.time; due = this.flying[0]) {
      this.flying.shift();
      this.flyingBytes -= due.bytes.length;
      bytes += due.bytes.length;
      this.arrive(due);
    }
    this.arrived(bytes);
    const next = this.flying[0];
    if (next !== undefined && !this.cut) this.awaitLanding(next.at);
  }

  private arrive({ bytes, fin }: Segment): void {
    if (this.closedToReading) return;
    if (bytes.length > 0) this.unread.push(bytes);
    this.unreadBytes += bytes.length;
    this.arrivedBytes += bytes.length;
    this.fin ||= fin;
  }

  /** So many bytes have come to the other side: they are acknowledged, or refused where nobody reads any more. */
  private arrived(bytes: number): void {
    if (this.closedToReading && bytes > 0) this.onRefused();
    if (bytes > 0)
      this.link.carry(
        this.back,
        () => this.acknowledged(bytes),
        () => this.cut || this.dead,
      );
    if (!this.closedToReading) this.onReadable();
  }

  private acknowledged(bytes: number): void {
    this.unacknowledged -= bytes;
    this.transmit();
    const free = this.buffers.send - this.queuedBytes - this.unacknowledged;
    if (!this.refusedRoom || free < this.buffers.send * kernel.writableShare) return;
    this.refusedRoom = false;
    this.onWritable();
  }
}
