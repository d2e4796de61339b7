// A span for each request, as OpenTelemetry's semantic conventions for HTTP clients want it, made from the channels that
// passinglane publishes on: nothing of the app changes. The trace goes on at the server by `traceparent`.
import { subscribe } from 'node:diagnostics_channel';
import { context, propagation, SpanKind, SpanStatusCode, trace } from '@opentelemetry/api';
import { InMemorySpanExporter, NodeTracerProvider, SimpleSpanProcessor } from '@opentelemetry/sdk-trace-node';
import { Transport } from 'passinglane';
import { startOrigin } from './support/origin.mjs';

/** Follows every request of this process from now on. */
function instrument(tracer) {
  const spans = new WeakMap();
  const on = (type, listener) =>
    subscribe(`passinglane:request:${type}`, (event) => listener(event, spans.get(event.request)));

  // Published in the caller's context: the span's parent is what the caller is in the middle of.
  on('start', ({ request }) => {
    const url = new URL(request.url);
    const span = tracer.startSpan(request.method, {
      kind: SpanKind.CLIENT,
      attributes: {
        'http.request.method': request.method,
        'url.full': request.url,
        'server.address': url.hostname,
        'server.port': Number(url.port) || (url.protocol === 'https:' ? 443 : 80),
      },
    });
    spans.set(request, span);
    propagation.inject(trace.setSpan(context.active(), span), request, {
      set: (carrier, name, value) => carrier.addHeader(name, value),
    });
  });
  on('bound', ({ streamId, attempt, remoteAddress }, span) => {
    span?.setAttribute('network.protocol.version', streamId === undefined ? '1.1' : '2');
    if (remoteAddress !== undefined) span?.setAttribute('network.peer.address', remoteAddress);
    if (attempt > 1) span?.setAttribute('http.request.resend_count', attempt - 1);
  });
  on('headers', ({ status }, span) => {
    span?.setAttribute('http.response.status_code', status);
    if (status < 400) return;
    span?.setAttribute('error.type', String(status));
    span?.setStatus({ code: SpanStatusCode.ERROR });
  });
  on('retry', ({ error, delay }, span) =>
    span?.addEvent('retry', { 'error.type': error.code ?? error.name, 'passinglane.delay': delay }),
  );
  on('end', (_, span) => span?.end());
  on('error', ({ error }, span) => {
    span?.setAttribute('error.type', error?.code ?? error?.name ?? '_OTHER');
    span?.setStatus({ code: SpanStatusCode.ERROR, message: error?.message });
    span?.end();
  });
}

const exporter = new InMemorySpanExporter();
const provider = new NodeTracerProvider({ spanProcessors: [new SimpleSpanProcessor(exporter)] });
provider.register();
const tracer = trace.getTracer('example');
instrument(tracer);

let traceparent;
const origin = await startOrigin((stream, headers) => {
  traceparent ??= headers['traceparent'];
  if (headers[':path'] === '/slow') return;
  stream.respond({ ':status': headers[':path'] === '/' ? 200 : 404 });
  stream.end('hello');
});
const transport = new Transport({ cleartext: 'h2c' });
await tracer.startActiveSpan('job', async (job) => {
  await (await transport.request(`${origin.url}/`)).body.text();
  await (await transport.request(`${origin.url}/nowhere`)).body.text();
  await transport.request(`${origin.url}/slow`, { headersTimeout: 50 }).catch(() => undefined);
  job.end();
});
await transport.close();
origin.close();

const spans = exporter.getFinishedSpans();
const job = spans.find(({ name }) => name === 'job');
for (const span of spans.filter((one) => one !== job)) {
  const { attributes: of } = span;
  const outcome = of['error.type'] ?? of['http.response.status_code'];
  const child = span.parentSpanContext?.spanId === job.spanContext().spanId;
  console.log(span.name, new URL(of['url.full']).pathname, outcome, `HTTP/${of['network.protocol.version']}`, {
    child,
  });
}
const { traceId } = job.spanContext();
console.log('the server was told the trace:', traceparent.split('-')[1] === traceId);
