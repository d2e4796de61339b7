// Spans and metrics by OpenTelemetry's semantic conventions for HTTP clients: nothing of the app changes. A span for each
// attempt is a child of what the caller is in the middle of, and the trace goes on at the server by `traceparent`.
import { trace } from '@opentelemetry/api';
import { InMemorySpanExporter, NodeTracerProvider, SimpleSpanProcessor } from '@opentelemetry/sdk-trace-node';
import { Transport } from 'passinglane';
import { instrument } from 'passinglane/otel';
import { startOrigin } from './support/origin.mjs';

const exporter = new InMemorySpanExporter();
const provider = new NodeTracerProvider({ spanProcessors: [new SimpleSpanProcessor(exporter)] });
provider.register();

// Every transport of this process from now on; for one alone: new Transport({ observer: await otelObserver() }).
const stop = await instrument();

let traceparent;
const origin = await startOrigin((stream, headers) => {
  traceparent ??= headers['traceparent'];
  if (headers[':path'] === '/slow') return;
  stream.respond({ ':status': headers[':path'] === '/' ? 200 : 404 });
  stream.end('hello');
});
const transport = new Transport({ cleartext: 'h2c' });
await trace.getTracer('example').startActiveSpan('job', async (job) => {
  await (await transport.request(`${origin.url}/`)).text();
  await (await transport.request(`${origin.url}/nowhere`)).text();
  await transport.request(`${origin.url}/slow`, { headersTimeout: 50 }).catch(() => undefined);
  job.end();
});
await transport.close();
origin.close();
stop();

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
