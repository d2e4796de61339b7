import type { ObservedRequest, RequestEvent, RequestTiming } from '../ports/index.js';
import { messageOf, type TraceEvent } from './trace-event.js';

/** When the connection that a request went out on was dialled. */
export interface DialSpan {
  readonly begun: number;
  readonly connected: number;
}

/** One of two attempts, in the trace's time. */
interface Attempt {
  readonly from: number;
  readonly connection: number | undefined;
  readonly streamId: number | undefined;
  readonly attempt: number;
}

/** One request, and of it the attempt under way. Times are microseconds of the trace; -1: not yet. */
export class RequestRow {
  readonly title: string;
  connection: number | undefined = undefined;
  private readonly request: ObservedRequest;
  private streamId: number | undefined = undefined;
  private attempt = 0;
  private from: number;
  private assignedAt = -1;
  private sent = -1;
  private headers = -1;
  private status: number | undefined = undefined;
  private waits: { readonly from: number; to: number }[] = [];
  private waitSince = -1;
  /** A second attempt that is out beside the first. */
  private second: Attempt | undefined = undefined;

  constructor(request: ObservedRequest, start: number) {
    this.request = request;
    this.from = start;
    const { url, origin } = request;
    this.title = `${request.method} ${url.startsWith(origin) ? url.slice(origin.length) : url}`;
  }

  /** Takes note of the event, and returns the slices of an attempt that it ends. */
  take(event: RequestEvent, time: number, dial: DialSpan | undefined): TraceEvent[] {
    switch (event.type) {
      case 'bound':
        this.assignedAt = time;
        this.connection = event.connection;
        this.streamId = this.streamOf(event);
        this.attempt = event.attempt;
        return [];
      case 'sent':
        this.sent = time;
        return [];
      case 'hedge':
        this.second = {
          from: time,
          connection: event.connection,
          streamId: this.streamOf(event),
          attempt: event.attempt,
        };
        return [];
      case 'headers':
        this.headers = time;
        this.status = event.status;
        return this.endOther(event, time);
      case 'window-wait':
        this.waitSince = time;
        return [];
      case 'window-open':
        this.endWait(time);
        return [];
      case 'end':
        return this.finish(time, undefined, dial, event.timing);
      case 'error':
        return this.finish(time, `failed: ${messageOf(event.error)}`, dial, event.timing);
      case 'retry': {
        const slices = this.finish(
          time,
          `sent again: ${event.status === undefined ? messageOf(event.error) : `answered ${event.status}`}`,
          dial,
        );
        this.startAgain(time);
        return slices;
      }
      default:
        return [];
    }
  }

  private streamOf({ streamId, request }: RequestEvent): number {
    return streamId ?? request.id;
  }

  /** Of two attempts this event is of one: the row is that one's from here on, and the other has a slice of its own. */
  private endOther(event: RequestEvent, time: number): TraceEvent[] {
    const { second } = this;
    if (second === undefined) return [];
    this.second = undefined;
    const first = {
      from: this.assignedAt,
      connection: this.connection,
      streamId: this.streamId,
      attempt: this.attempt,
    };
    const won = event.connection === second.connection && this.streamOf(event) === second.streamId;
    const other = won ? first : second;
    if (won) Object.assign(this, { connection: second.connection, streamId: second.streamId, attempt: second.attempt });
    const { from, connection = 0, streamId = this.request.id, attempt } = other;
    const result = 'not needed: another attempt was answered';
    const args = { request: this.request.id, url: this.request.url, attempt, result };
    const name = `${this.title} not needed`;
    return [{ ph: 'X', name, cat: 'request', pid: connection, tid: streamId, ts: from, dur: time - from, args }];
  }

  private startAgain(time: number): void {
    this.from = time;
    this.connection = this.streamId = this.status = undefined;
    this.assignedAt = this.sent = this.headers = this.waitSince = -1;
    this.waits = [];
  }

  private endWait(time: number): void {
    if (this.waitSince >= 0) this.waits.push({ from: this.waitSince, to: time });
    this.waitSince = -1;
  }

  /** The attempt as slices: one for all of it, and within that one for each phase that it came to. */
  finish(time: number, outcome: string | undefined, dial: DialSpan | undefined, timing?: RequestTiming): TraceEvent[] {
    this.endWait(time);
    const { request, attempt, status } = this;
    const result = outcome ?? String(status ?? '');
    const waited = timing === undefined ? {} : { waited: partsOf(timing) };
    const args = { request: request.id, url: request.url, attempt, result, ...waited };
    const whole = this.slice(this.from, time, `${this.title} ${outcome === undefined ? result : ''}`.trim(), args);
    const phases = this.phases(time, dial).map(([name, from, to]) => this.slice(from, to, name, {}));
    const waits = phases.flatMap((phase) =>
      this.waits.flatMap(({ from, to }) => {
        const begin = Math.max(from, phase.ts);
        const end = Math.min(to, phase.ts + (phase.dur ?? 0));
        return end > begin ? [this.slice(begin, end, 'window wait', {})] : [];
      }),
    );
    return [...this.rowName(), whole, ...phases, ...waits];
  }

  /** The row of a request that no connection had; the others are named when they get their connection. */
  private rowName(): TraceEvent[] {
    if (this.connection !== undefined) return [];
    const { pid, tid } = this.slice(0, 0, '', {});
    return [{ ph: 'M', name: 'thread_name', pid, tid, ts: 0, args: { name: this.title } }];
  }

  private phases(end: number, dial: DialSpan | undefined): (readonly [name: string, from: number, to: number])[] {
    const { from, sent, headers } = this;
    const bound = this.assignedAt < 0 ? end : this.assignedAt;
    const answered = headers < 0 ? end : headers;
    const dialFrom = dial === undefined ? bound : Math.min(bound, Math.max(from, dial.begun));
    const dialTo = dial === undefined ? bound : Math.max(dialFrom, Math.min(bound, dial.connected));
    // An answer may come while the request is still being sent: then there is no wait.
    const written = sent < 0 ? answered : Math.min(sent, answered);
    const all = [
      ['queue', from, dialFrom],
      ['dial', dialFrom, dialTo],
      ['queue', dialTo, bound],
      ['send', bound, written],
      ['wait', written, answered],
      ['body', answered, end],
    ] as const;
    return all.filter(([, begin, until]) => until > begin);
  }

  private slice(from: number, to: number, name: string, args: Readonly<Record<string, unknown>>): TraceEvent {
    const tid = this.streamId ?? this.request.id * 2 + 1;
    const pid = this.connection ?? 0;
    return { ph: 'X', name, cat: 'request', pid, tid, ts: from, dur: Math.max(0, to - from), args };
  }
}

/** What the request waited for, in milliseconds, with all its attempts; without what it did not wait for. */
function partsOf({ total: _, ...parts }: RequestTiming): Record<string, number> {
  const rounded = Object.entries(parts).map(([name, time]) => [name, Math.round(time * 1000) / 1000] as const);
  return Object.fromEntries(rounded.filter(([, time]) => time > 0));
}
