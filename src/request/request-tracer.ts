import { AsyncResource } from 'node:async_hooks';
import { buildTrailerFields } from '../protocol/index.js';
import {
  hearsRequests,
  tellRequest,
  type Clock,
  type ObservedRequest,
  type RequestEvent,
  type RequestHandle,
} from '../ports/index.js';
import type { PreparedRequest } from './prepared-request.js';

/** Numbers the requests that somebody follows. */
let followed = 0;

/** Follows a request if anybody wants to know of it; if not, that costs no more than asking. */
export function tracerOf(request: PreparedRequest, clock: Clock): RequestTracer | undefined {
  return hearsRequests(request.observer) ? new RequestTracer(request, clock) : undefined;
}

/** Tells of one request what becomes of it: after the step it happens in, and in the caller's async context. */
export class RequestTracer {
  /** The request with the fields that were added by those who were told of its start. */
  request: PreparedRequest;
  private readonly clock: Clock;
  private readonly context = new AsyncResource('PASSINGLANE_REQUEST_TRACER');
  private readonly observed: ObservedRequest;
  private started = false;
  private attempt = 0;
  private connection: number | undefined = undefined;
  private streamId: number | undefined = undefined;

  constructor(request: PreparedRequest, clock: Clock) {
    this.request = request;
    this.clock = clock;
    const { method, origin, url } = request;
    const addHeader = (name: string, value: string): void => {
      if (this.started) throw new Error('a header field can be added during passinglane:request:start only');
      const fields = [...this.request.fields, ...buildTrailerFields([name, value])];
      // A block that was encoded for the fields as they were is none of this request's any more.
      this.request = { ...this.request, fields, ...{ block: undefined } };
    };
    this.observed = { id: ++followed, method, origin: origin.href, url, addHeader };
    tellRequest(request.observer, this.event('start'));
    this.started = true;
  }

  tell(type: RequestEvent['type'], more?: Pick<RequestEvent, 'status' | 'error' | 'delay'>): void {
    this.publish(this.event(type, more));
  }

  assigned({ description, streamId }: RequestHandle, attempt: number): void {
    const { id, reused, remoteAddress } = description;
    this.attempt = attempt;
    this.connection = id;
    this.streamId = streamId;
    this.publish(this.event('bound', { reused, remoteAddress }));
  }

  /** It will be sent again. */
  retry(cause: Pick<RequestEvent, 'error' | 'status'>, delay: number): void {
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
