import type { DialTimes, HttpConnection, RequestTiming } from '../ports/index.js';

/** What a request waits for at one moment. */
type Phase = Exclude<keyof RequestTiming, 'total'>;

/** Of one request: what it waited for, moment by moment, so that the parts are the whole. Times are monotonic milliseconds. */
export class RequestTimeline {
  private readonly parts: Record<Phase, number> = {
    queue: 0,
    lookup: 0,
    connect: 0,
    tls: 0,
    upload: 0,
    stall: 0,
    window: 0,
    peer: 0,
    reader: 0,
  };
  private readonly begun: number;
  /** The last moment that is accounted for. */
  private at: number;
  private phase: Phase = 'queue';
  /** That of the attempt under way. */
  private connection: HttpConnection | undefined = undefined;
  /** All of the request was handed to it; Infinity: not yet. */
  private sentAt = Infinity;
  private answered = false;
  /** All of the response has arrived. */
  private whole = false;
  private over = false;

  constructor(now: number) {
    this.begun = this.at = now;
  }

  assigned(now: number, connection: HttpConnection): void {
    this.leaveQueue(now, connection);
    this.connection = connection;
    this.phase = 'upload';
    this.sentAt = Infinity;
    this.answered = this.whole = false;
  }

  sent(now: number): void {
    if (this.sentAt !== Infinity) return;
    if (!this.answered) this.go(now, 'peer');
    this.sentAt = now;
  }

  window(now: number, waits: boolean): void {
    if (!this.answered && this.sentAt === Infinity) this.go(now, waits ? 'window' : 'upload');
  }

  headers(now: number): void {
    this.go(now, 'peer');
    this.answered = true;
  }

  /** Something of the response's body has come, and nobody has read it yet. */
  arrived(now: number): void {
    if (this.answered) this.go(now, 'reader');
  }

  /** All that has come was read. */
  drained(now: number): void {
    if (!this.answered) return;
    if (this.whole) this.finish(now);
    else this.go(now, 'peer');
  }

  end(now: number, unread: boolean): void {
    this.whole = true;
    if (!unread) this.finish(now);
  }

  /** It will be sent again. */
  retry(now: number): void {
    this.go(now, 'queue');
    this.connection = undefined;
  }

  finish(now: number): void {
    if (this.over) return;
    this.go(now, this.phase);
    this.over = true;
    this.connection = undefined;
  }

  snapshot(now: number): RequestTiming {
    if (!this.over) this.go(now, this.phase);
    return { ...this.parts, total: this.at - this.begun };
  }

  private go(now: number, next: Phase): void {
    if (this.over) return;
    const { at, phase, connection, sentAt } = this;
    const time = now - at;
    // What was handed over before a stall began had gone out.
    const held = phase === 'reader' || phase === 'queue' ? 0 : (connection?.stalledWithin?.(at, now, sentAt) ?? 0);
    const stall = Math.min(time, held);
    this.parts.stall += stall;
    this.parts[phase] += time - stall;
    this.at = now;
    this.phase = next;
  }

  /** The wait for a connection, by what that one was doing. */
  private leaveQueue(now: number, connection: HttpConnection): void {
    const { parts, at } = this;
    let rest = now - at;
    const take = (phase: Phase, time: number): void => {
      const part = Math.min(rest, Math.max(0, time));
      parts[phase] += part;
      rest -= part;
    };
    const { dial } = connection.info;
    if (dial !== undefined) {
      const [lookup, connect, ready] = ends(dial);
      take('lookup', Math.min(now, lookup) - Math.max(at, dial.begun));
      take('connect', Math.min(now, connect) - Math.max(at, lookup));
      take('tls', Math.min(now, ready) - Math.max(at, connect));
      take(
        'peer',
        Math.min(now, connection.greetedAt ?? (connection.httpVersion === '1.1' ? ready : now)) - Math.max(at, ready),
      );
    }
    take('stall', connection.stalledWithin?.(at, now, Infinity) ?? 0);
    parts.queue += rest;
    this.at = now;
  }
}

function ends({
  begun,
  lookup = begun,
  connect = lookup,
  secure = connect,
}: DialTimes): readonly [number, number, number] {
  return [lookup, connect, secure];
}
