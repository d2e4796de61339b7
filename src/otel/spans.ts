import type { Context, Span, Tracer, TextMapSetter } from '@opentelemetry/api';
import type { ObservedRequest, RequestEvent, RequestTiming } from '../index.js';
import { errorType, spanAttributes, spanName, versionOf } from './attributes.js';

type Api = typeof import('@opentelemetry/api');

interface Traced {
  /** That of who made the request. */
  readonly context: Context;
  /** That of the attempt under way; undefined between two. */
  span: Span | undefined;
}

const onto: TextMapSetter<ObservedRequest> = {
  set: (request, name, value) => {
    request.addHeader(name, value);
  },
};

/** A span for each attempt of each request. */
export class Spans {
  private readonly api: Api;
  private readonly tracer: Tracer;
  private readonly requests = new WeakMap<ObservedRequest, Traced>();

  constructor(api: Api, tracer: Tracer) {
    this.api = api;
    this.tracer = tracer;
  }

  onRequest(event: RequestEvent): void {
    if (event.type === 'start') return this.start(event.request);
    const traced = this.requests.get(event.request);
    if (traced === undefined) return; // it began before anybody listened
    switch (event.type) {
      case 'bound':
        return this.bound(event, traced);
      case 'headers':
        return this.answered(event.status ?? 0, traced);
      case 'retry':
        if (event.error !== undefined) this.failed(event.error, traced);
        return this.end(traced, undefined);
      case 'error':
        this.failed(event.error, traced);
        return this.end(traced, event.timing);
      case 'end':
        return this.end(traced, event.timing);
      default:
        return;
    }
  }

  /** In the caller's context: what it is in the middle of is the parent. */
  private start(request: ObservedRequest): void {
    const { context, propagation, trace } = this.api;
    const active = context.active();
    const span = this.open(request, active);
    this.requests.set(request, { context: active, span });
    // Who has sent a traceparent of its own meant that one.
    if (!request.hasHeader('traceparent')) propagation.inject(trace.setSpan(active, span), request, onto);
  }

  private open(request: ObservedRequest, context: Context): Span {
    const options = { kind: this.api.SpanKind.CLIENT, attributes: spanAttributes(request) };
    return this.tracer.startSpan(spanName(request.method), options, context);
  }

  private bound({ request, streamId, attempt, remoteAddress, remotePort }: RequestEvent, traced: Traced): void {
    const span = (traced.span ??= this.open(request, traced.context));
    span.setAttribute('network.protocol.version', versionOf(streamId));
    if (remoteAddress !== undefined) span.setAttribute('network.peer.address', remoteAddress);
    if (remotePort !== undefined) span.setAttribute('network.peer.port', remotePort);
    if (attempt > 1) span.setAttribute('http.request.resend_count', attempt - 1);
  }

  private answered(status: number, { span }: Traced): void {
    if (span === undefined) return;
    span.setAttribute('http.response.status_code', status);
    if (status < 400) return;
    span.setAttribute('error.type', String(status));
    span.setStatus({ code: this.api.SpanStatusCode.ERROR });
  }

  private failed(error: unknown, { span }: Traced): void {
    const type = errorType(error);
    if (span === undefined || type === undefined) return;
    const message = error instanceof Error ? error.message : String(error);
    span.setAttribute('error.type', type);
    span.setStatus({ code: this.api.SpanStatusCode.ERROR, message });
  }

  private end(traced: Traced, timing: RequestTiming | undefined): void {
    const { span } = traced;
    if (span === undefined) return;
    if (timing !== undefined && span.isRecording()) span.addEvent('passinglane.waited', waited(timing));
    span.end();
    traced.span = undefined;
  }
}

/** In seconds, what all attempts together waited for; without what they did not wait for. */
function waited({ total: _, ...parts }: RequestTiming): Record<string, number> {
  const seconds = Object.entries(parts).map(([name, time]) => [`passinglane.${name}`, time / 1_000] as const);
  return Object.fromEntries(seconds.filter(([, time]) => time > 0));
}
