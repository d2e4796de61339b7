/** Spans and metrics of OpenTelemetry, by its real SDK. */
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { test, type TestContext } from 'node:test';
import { context, SpanKind, SpanStatusCode, trace } from '@opentelemetry/api';
import { UndiciInstrumentation } from '@opentelemetry/instrumentation-undici';
import {
  AggregationTemporality,
  InMemoryMetricExporter,
  MeterProvider,
  PeriodicExportingMetricReader,
} from '@opentelemetry/sdk-metrics';
import { InMemorySpanExporter, NodeTracerProvider, SimpleSpanProcessor } from '@opentelemetry/sdk-trace-node';
import { Transport } from '../../dist/index.js';
import { instrument, otelObserver, type OtelOptions } from '../../dist/otel/index.js';
import { H2Dispatcher } from '../../dist/undici/index.js';
import { startOrigin, type TestOrigin } from '../support/origin.js';
import { poolHarness, type PoolHarness, type PoolHarnessOptions } from '../support/pool-harness.js';

const exporter = new InMemorySpanExporter();
const provider = new NodeTracerProvider({ spanProcessors: [new SimpleSpanProcessor(exporter)] });
provider.register();
const tracer = trace.getTracer('test');

/** The spans of passinglane since the last call. */
function spans() {
  const all = exporter.getFinishedSpans().filter((span) => span.instrumentationScope.name === 'passinglane');
  exporter.reset();
  return all;
}

async function harness(options: PoolHarnessOptions = {}, otel?: OtelOptions): Promise<PoolHarness> {
  exporter.reset();
  return poolHarness({ ...options, observer: await otelObserver(otel) });
}

async function originFor(t: TestContext): Promise<TestOrigin> {
  const origin = await startOrigin();
  t.after(() => origin.close());
  return origin;
}

test('a request has one client span, by the stable conventions for HTTP', async () => {
  const p = await harness();
  const call = p.get('/a?sig=secret&x=1');
  await p.settle();
  assert.equal(call.status, 200);
  const [span, ...more] = spans();
  assert.deepEqual(more, []);
  assert.equal(span?.name, 'GET');
  assert.equal(span.kind, SpanKind.CLIENT);
  assert.deepEqual(span.attributes, {
    'http.request.method': 'GET',
    'url.full': 'https://test.example/a?sig=REDACTED&x=1',
    'server.address': 'test.example',
    'server.port': 443,
    'network.protocol.version': '2',
    'network.peer.address': '192.0.2.1',
    'network.peer.port': 443,
    'http.response.status_code': 200,
  });
  assert.equal(span.status.code, SpanStatusCode.UNSET);
  assert.deepEqual(p.peer(0).blocks(1)[0]?.['traceparent']?.split('-')[2], span.spanContext().spanId);
});

test('an answer of 400 and up, a failure and a method of its own are told as the conventions have them', async () => {
  const p = await harness({
    answer: (peer, id, fields) => fields.get(':path') === '/404' && peer.headers(id, 404, { end: true }),
  });
  p.request('/404', { method: 'PURGE' });
  p.get('/never', { timeout: 30 });
  await p.settle();
  await p.clock.advance(30);
  const [missing, late] = spans();
  assert.equal(missing?.name, 'HTTP');
  const shown = ['http.request.method', 'http.request.method_original', 'http.response.status_code', 'error.type'];
  assert.deepEqual(
    shown.map((name) => missing.attributes[name]),
    ['_OTHER', 'PURGE', 404, '404'],
  );
  assert.deepEqual(missing.status, { code: SpanStatusCode.ERROR });
  assert.equal(late?.attributes['error.type'], 'ERR_PASSINGLANE_TIMEOUT');
  assert.equal(late.status.code, SpanStatusCode.ERROR);
  const [waited] = late.events;
  assert.deepEqual([waited?.name, waited?.attributes], ['passinglane.waited', { 'passinglane.peer': 0.03 }]);
});

test('each attempt has a span of its own, with resend_count from the second on, and one traceparent goes out', async () => {
  let refusals = 1;
  const p = await harness({
    answer: (peer, id) => {
      if (refusals-- > 0) peer.reset(id, 7);
      else peer.ok(id);
    },
  });
  const parent = tracer.startSpan('job');
  await context.with(trace.setSpan(context.active(), parent), async () => {
    p.get('/a');
    await p.settle();
  });
  await p.clock.advance(1_000);
  const [first, second, ...more] = spans();
  assert.deepEqual(more, []);
  assert.deepEqual(
    [first, second].map((span) => [span?.attributes['http.request.resend_count'], span?.attributes['error.type']]),
    [
      [undefined, 'ERR_PASSINGLANE_STREAM_RESET'],
      [1, undefined],
    ],
  );
  for (const span of [first, second]) {
    assert.equal(span?.parentSpanContext?.spanId, parent.spanContext().spanId);
    assert.equal(span?.spanContext().traceId, parent.spanContext().traceId);
  }
  const sent = p
    .peer(0)
    .frames.flatMap(({ fields }) => fields ?? [])
    .filter(([name]) => name === 'traceparent');
  assert.equal(new Set(sent.map(([, value]) => value)).size, 1);
});

test('a traceparent of the caller goes out alone', async () => {
  const p = await harness();
  p.get('/a', { headers: { TraceParent: '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01' } });
  await p.settle();
  const sent = p
    .peer(0)
    .frames.flatMap(({ fields }) => fields ?? [])
    .filter(([name]) => name === 'traceparent');
  assert.deepEqual(
    sent.map(([, value]) => value.slice(0, 8)),
    ['00-0af76'],
  );
});

test('over real sockets the context is that of the caller, and HTTP/1.1 says so', async (t) => {
  const { url, close } = await http1();
  t.after(close);
  exporter.reset();
  const transport = new Transport({ observer: await otelObserver() });
  t.after(() => transport.destroy());
  await tracer.startActiveSpan('job', async (job) => {
    const seen = (await (await transport.request(url)).json()) as Record<string, string>;
    await transport.fetch(url).then((response) => response.text());
    job.end();
    const [span, fetched] = spans();
    assert.equal(span?.attributes['network.protocol.version'], '1.1');
    for (const one of [span, fetched]) assert.equal(one?.parentSpanContext?.spanId, job.spanContext().spanId);
    assert.equal(seen['traceparent']?.split('-')[1], job.spanContext().traceId);
  });
});

async function http1(): Promise<{ url: string; close: () => void }> {
  const { createServer } = await import('node:http');
  const server = createServer((request, response) => response.end(JSON.stringify(request.headers)));
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as { port: number };
  return {
    url: `http://127.0.0.1:${port}/`,
    close: () => {
      server.close();
      server.closeAllConnections();
    },
  };
}

test('beside instrumentation-undici a request has one span, of who traces the transport, and one traceparent', async (t) => {
  const origin = await originFor(t);
  const instrumentation = new UndiciInstrumentation();
  instrumentation.setTracerProvider(provider);
  instrumentation.enable();
  t.after(() => instrumentation.disable());
  const run = async (dispatcher: H2Dispatcher): Promise<[scopes: string[], traceparent: string]> => {
    exporter.reset();
    const { body } = await dispatcher.request({ origin: origin.origin, path: '/headers', method: 'GET' });
    const headers = (await body.json()) as Record<string, string>;
    await dispatcher.destroy();
    const scopes = exporter.getFinishedSpans().map((span) => span.instrumentationScope.name);
    return [scopes, headers['traceparent'] ?? ''];
  };
  const cleartext = 'h2c';
  const [alone] = await run(new H2Dispatcher({ cleartext }));
  assert.deepEqual(alone, ['@opentelemetry/instrumentation-undici']);
  const [traced, traceparent] = await run(new H2Dispatcher({ cleartext, observer: await otelObserver() }));
  assert.deepEqual(traced, ['passinglane']);
  assert.match(traceparent, /^00-\w+-\w+-01$/);
  const [measured] = await run(new H2Dispatcher({ cleartext, observer: await otelObserver({ traces: false }) }));
  assert.deepEqual(measured, ['@opentelemetry/instrumentation-undici']);
  const stop = await instrument();
  const [all] = await run(new H2Dispatcher({ cleartext }));
  assert.deepEqual(all, ['passinglane']);
  stop();
  stop();
  const [after] = await run(new H2Dispatcher({ cleartext }));
  assert.deepEqual(after, ['@opentelemetry/instrumentation-undici']);
});

/** A provider of meters, and what it has counted: by metric, the attributes and the value of each series. */
function meters() {
  const metrics = new InMemoryMetricExporter(AggregationTemporality.CUMULATIVE);
  const reader = new PeriodicExportingMetricReader({ exporter: metrics, exportIntervalMillis: 1_000_000 });
  const meterProvider = new MeterProvider({ readers: [reader] });
  return {
    meterProvider,
    async read() {
      metrics.reset();
      await meterProvider.forceFlush();
      const [last] = metrics.getMetrics();
      const all = last?.scopeMetrics.flatMap((scope) => scope.metrics) ?? [];
      return new Map(all.map(({ descriptor, dataPoints }) => [descriptor.name, { descriptor, dataPoints }] as const));
    },
  };
}

test('the duration of each attempt is measured in seconds, with the buckets of the conventions', async () => {
  const { meterProvider, read } = meters();
  const p = await harness({ answer: () => undefined }, { meterProvider });
  p.get('/a');
  await p.settle();
  await p.clock.advance(30);
  p.peer(0).headers(1, 500, { end: true });
  await p.settle();
  const measured = await read();
  assert.deepEqual([...measured.keys()], ['http.client.request.duration'], 'the others are behind a switch');
  const { descriptor, dataPoints } = measured.get('http.client.request.duration')!;
  assert.equal(descriptor.unit, 's');
  const [point] = dataPoints;
  assert.deepEqual(point?.attributes, {
    'http.request.method': 'GET',
    'url.scheme': 'https',
    'server.address': 'test.example',
    'server.port': 443,
    'network.protocol.version': '2',
    'http.response.status_code': 500,
    'error.type': '500',
  });
  const { sum, buckets } = point.value as { sum: number; buckets: { boundaries: number[]; counts: number[] } };
  assert.ok(Math.abs(sum - 0.03) < 1e-9);
  assert.deepEqual(buckets.boundaries, [0.005, 0.01, 0.025, 0.05, 0.075, 0.1, 0.25, 0.5, 0.75, 1, 2.5, 5, 7.5, 10]);
});

test('a response body that its reader gives up, as fetch does at a redirect, is no error', async () => {
  const { meterProvider, read } = meters();
  const p = await harness({ answer: (peer, id) => peer.headers(id, 302) }, { meterProvider });
  const call = p.get('/moved');
  await p.settle();
  call.response?.body.cancel();
  await p.settle();
  const [span, ...more] = spans();
  assert.deepEqual(more, []);
  assert.equal(span?.attributes['http.response.status_code'], 302);
  assert.equal(span.attributes['error.type'], undefined);
  assert.deepEqual(span.status, { code: SpanStatusCode.UNSET });
  const [point] = (await read()).get('http.client.request.duration')!.dataPoints;
  assert.equal(point?.attributes['error.type'], undefined);
});

test('connections and active requests are counted where that is asked for, and come back to 0', async () => {
  const { meterProvider, read } = meters();
  const p = await harness({ answer: () => undefined }, { meterProvider, connectionMetrics: true });
  p.get('/a');
  p.get('/b');
  await p.settle();
  const count = async (name: string): Promise<unknown[]> => {
    const points = (await read()).get(name)?.dataPoints ?? [];
    return points.map(({ attributes, value }) => [
      attributes['http.connection.state'] ?? attributes['http.request.method'],
      value,
    ]);
  };
  assert.deepEqual(await count('http.client.active_requests'), [['GET', 2]]);
  assert.deepEqual(await count('http.client.open_connections'), [
    ['idle', 0],
    ['active', 1],
  ]);
  p.peer(0).answerAll();
  await p.settle();
  assert.deepEqual(await count('http.client.active_requests'), [['GET', 0]]);
  assert.deepEqual(await count('http.client.open_connections'), [
    ['idle', 1],
    ['active', 0],
  ]);
  p.get('/c');
  await p.settle();
  await p.clock.advance(2_000);
  p.transport.destroy();
  await p.settle();
  assert.deepEqual(await count('http.client.open_connections'), [
    ['idle', 0],
    ['active', 0],
  ]);
  assert.deepEqual(await count('http.client.active_requests'), [['GET', 0]]);
  const lasted = (await read()).get('http.client.connection.duration')!;
  assert.deepEqual([lasted.descriptor.unit, (lasted.dataPoints[0]?.value as { sum: number }).sum], ['s', 2]);
});

test('an option that there is not, or that is wrong, is refused by its name', async () => {
  for (const options of [{ spans: true }, { traces: 1 }, { meterProvider: true }, null])
    await assert.rejects(instrument(options as unknown as OtelOptions), { code: 'ERR_INVALID_ARG_VALUE' });
});

test('without @opentelemetry/api it is said what to install, and only when it is asked for', () => {
  const otel = JSON.stringify(new URL('../../dist/otel/index.js', import.meta.url));
  const resolve = `export async function resolve(specifier, context, next) {
    if (specifier === '@opentelemetry/api') throw Object.assign(new Error('none'), { code: 'ERR_MODULE_NOT_FOUND' });
    return next(specifier, context); }`;
  const script = `import { register } from 'node:module';
    register('data:text/javascript,' + ${JSON.stringify(encodeURIComponent(resolve))});
    const { instrument } = await import(${otel});
    await instrument().catch((error) => console.log(error.message));`;
  const output = execFileSync(process.execPath, ['--input-type=module', '-e', script], { encoding: 'utf8' });
  assert.equal(
    output.trim(),
    'passinglane/otel needs @opentelemetry/api, which is not installed: npm i @opentelemetry/api',
  );
});
