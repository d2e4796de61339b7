import { AsyncResource } from 'node:async_hooks';
import { TransportError } from '../errors.js';
import { buildTrailerFields } from '../protocol/index.js';
import {
  hearsRequests,
  tellRequest,
  type Clock,
  type ObservedRequest,
  type RequestEvent,
  type RequestHandle,
  type RequestTiming,
} from '../ports/index.js';
import type { PreparedRequest } from './prepared-request.js';
import { RequestTimeline } from './request-timeline.js';
import { queueMicrotask } from '../timers.js';

/** Numbers the requests that somebody follows. */
let followed = 0;

/** Follows a request if anybody wants to know of it; if not, that costs no more than asking. */
export function tracerOf(request: PreparedRequest, clock: Clock): RequestTracer | undefined {
  const heard = hearsRequests(request.observer);
  return heard || request.timing ? new RequestTracer(request, clock, heard) : undefined;
}

/** Tells of one request what becomes of it: after the step it happens in, and in the caller's async context. */
export class RequestTracer {
  /** The request with the fields that were added by those who were told of its start. */
  request: PreparedRequest;
  private readonly clock: Clock;
  private readonly context = new AsyncResource('PASSINGLANE_REQUEST_TRACER');
  private readonly observed: ObservedRequest;
  /** Somebody is told; else it only keeps the time. */
  private readonly heard: boolean;
  private readonly timeline: RequestTimeline;
  private started = false;
  private attempt = 0;
  private connection: number | undefined = undefined;
  private streamId: number | undefined = undefined;

  constructor(request: PreparedRequest, clock: Clock, heard: boolean) {
    this.timeline = new RequestTimeline(clock.now());
    this.request = request.timing ? { ...request, readTiming: () => this.timing } : request;
    this.clock = clock;
    this.heard = heard;
    const { method, origin, url } = request;
    const addHeader = (name: string, value: string): void => {
      if (this.started) throw new Error('a header field can be added during passinglane:request:start only');
      const fields = [...this.request.fields, ...buildTrailerFields([name, value])];
      // A block that was encoded for the fields as they were is none of this request's any more.
      this.request = { ...this.request, fields, ...{ block: undefined } };
    };
    const hasHeader = (name: string): boolean => this.request.fields.some((field, i) => i % 2 === 0 && field === name);
    this.observed = { id: ++followed, method, origin: origin.href, url, addHeader, hasHeader };
    if (heard) tellRequest(request.observer, this.event('start'));
    this.started = true;
  }

  tell(type: RequestEvent['type'], more?: Pick<RequestEvent, 'status' | 'error' | 'delay' | 'timing'>): void {
    this.keepTime(type);
    if (this.heard) this.publish(this.event(type, more));
  }

  /** The response is whole; `unread`: its caller has not read all of it. */
  end(unread: boolean): void {
    this.timeline.end(this.clock.now(), unread);
    this.tell('end', this.heard ? { timing: this.timing } : undefined);
  }

  fail(error: unknown): void {
    this.timeline.finish(this.clock.now());
    if (this.request.timing && error instanceof TransportError) error.timing ??= this.timing;
    this.tell('error', this.heard ? { error, timing: this.timing } : undefined);
  }

  /** A piece of the response's body has arrived. */
  arrived(): void {
    this.timeline.arrived(this.clock.now());
  }

  /** All that has arrived of it was read. */
  drained(): void {
    this.timeline.drained(this.clock.now());
  }

  get timing(): RequestTiming {
    return this.timeline.snapshot(this.clock.now());
  }

  private keepTime(type: RequestEvent['type']): void {
    const { timeline } = this;
    if (type === 'sent') timeline.sent(this.clock.now());
    else if (type === 'headers') timeline.headers(this.clock.now());
    else if (type === 'window-wait' || type === 'window-open')
      timeline.window(this.clock.now(), type === 'window-wait');
  }

  assigned({ connection, description, streamId }: RequestHandle, attempt: number): void {
    const { id, reused, remoteAddress, remotePort } = description;
    this.timeline.assigned(this.clock.now(), connection);
    this.attempt = attempt;
    this.connection = id;
    this.streamId = streamId;
    if (this.heard) this.publish(this.event('bound', { reused, remoteAddress, remotePort }));
  }

  /** It has gone out once more, beside the attempt that is out. */
  hedged({ description, streamId }: RequestHandle, attempt: number): void {
    const { id: connection, reused, ...peer } = description;
    this.attempt = attempt;
    if (this.heard) this.publish({ ...this.event('hedge'), connection, streamId, reused, ...peer });
  }

  /** What follows is of this attempt. */
  continuesOn({ description, streamId }: RequestHandle): void {
    this.connection = description.id;
    this.streamId = streamId;
  }

  /** It will be sent again. */
  retry(cause: Pick<RequestEvent, 'error' | 'status'>, delay: number): void {
    this.timeline.retry(this.clock.now());
    this.tell('retry', { ...cause, delay });
    this.connection = undefined;
    this.streamId = undefined;
  }

  private event(type: RequestEvent['type'], more?: Partial<RequestEvent>): RequestEvent {
    const { observed, attempt, connection, streamId } = this;
    return { request: observed, type, time: this.clock.now(), attempt, connection, streamId, ...more };
  }

  /** Later, since this may be the middle of a connection's step; in order, since all of them are. */
  private publish(event: RequestEvent): void {
    queueMicrotask(() => {
      this.context.runInAsyncScope(tellRequest, undefined, this.request.observer, event);
    });
  }
}
