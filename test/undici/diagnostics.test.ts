/** Undici's diagnostics channels, and the instrumentation of OpenTelemetry that lives on them. */
import assert from 'node:assert/strict';
import { subscribe, unsubscribe } from 'node:diagnostics_channel';
import { test, type TestContext } from 'node:test';
import { SpanStatusCode, trace } from '@opentelemetry/api';
import { UndiciInstrumentation } from '@opentelemetry/instrumentation-undici';
import { InMemorySpanExporter, NodeTracerProvider, SimpleSpanProcessor } from '@opentelemetry/sdk-trace-node';
import { H2Dispatcher, install, uninstall } from '../../dist/undici/index.js';
import { startOrigin, type TestOrigin } from '../support/origin.js';
import { testEach } from './undicis.js';

interface Message {
  request: {
    method: string;
    path: string;
    origin: string;
    headers: string[];
    completed: boolean;
    protocol: string;
    host: string | null;
    contentType: string | null;
    contentLength: number | null;
    addHeader(name: string, value: string): unknown;
  };
  response?: { statusCode: number; headers: Buffer[]; statusText: string };
  trailers?: Buffer[];
  error?: Error;
  socket?: { remoteAddress: string; remotePort: number };
}

const names = ['request:create', 'client:sendHeaders', 'request:bodySent', 'request:headers', 'request:trailers'];

function listen(t: TestContext, onMessage: (name: string, message: Message) => void): void {
  for (const name of [...names, 'request:error', 'request:bodyChunkSent', 'request:bodyChunkReceived']) {
    const listener = (message: unknown): void => onMessage(name, message as Message);
    subscribe(`undici:${name}`, listener);
    t.after(() => void unsubscribe(`undici:${name}`, listener));
  }
}

async function place(t: TestContext): Promise<{ origin: TestOrigin; dispatcher: H2Dispatcher }> {
  const origin = await startOrigin();
  const dispatcher = new H2Dispatcher({ cleartext: 'h2c' });
  t.after(async () => {
    await dispatcher.destroy();
    await origin.close();
  });
  return { origin, dispatcher };
}

test('each step of a request is published, with one request object, and what is added goes out', async (t) => {
  const { origin, dispatcher } = await place(t);
  const seen: [string, Message][] = [];
  listen(t, (name, message) => {
    seen.push([name, message]);
    if (name === 'request:create') message.request.addHeader('x-added', 'by a subscriber');
  });
  const options = { origin: origin.origin, path: '/headers', method: 'GET', headers: { 'x-mine': '1' } };
  const { body } = await dispatcher.request(options);
  const arrived = (await body.json()) as Record<string, string>;
  assert.equal(arrived['x-added'], 'by a subscriber');
  assert.equal(arrived['x-mine'], '1');
  assert.deepEqual(
    seen.map(([name]) => name),
    [...names.slice(0, 4), 'request:bodyChunkReceived', 'request:trailers'],
  );
  const [, { request }] = seen[0]!;
  assert.ok(seen.every(([, message]) => message.request === request));
  assert.deepEqual([request.method, request.path, request.origin], ['GET', '/headers', origin.origin]);
  assert.deepEqual(request.headers, ['x-mine', '1', 'x-added', 'by a subscriber']);
  assert.equal(request.completed, true);
  const { response } = seen.find(([name]) => name === 'request:headers')![1];
  assert.equal(response?.statusCode, 200);
  assert.equal(response?.headers.map(String).includes('application/json'), true);
  const { socket } = seen.find(([name]) => name === 'client:sendHeaders')![1];
  assert.deepEqual([socket?.remoteAddress, socket?.remotePort], ['127.0.0.1', origin.port]);
});

test('the request that is published says what its fields say of host, type and length, and null where they do not', async (t) => {
  const { origin, dispatcher } = await place(t);
  const seen: unknown[][] = [];
  listen(t, (name, { request: { protocol, host, contentType, contentLength } }) => {
    if (name === 'request:create') seen.push([protocol, host, contentType, contentLength]);
  });
  const options = { origin: origin.origin, path: '/echo', method: 'POST', body: 'abc' };
  const { host } = new URL(origin.origin);
  await (await dispatcher.request(options)).body.dump();
  const headers = { Host: host, 'Content-Type': 'text/x-words', 'content-length': '3' };
  await (await dispatcher.request({ ...options, headers })).body.dump();
  assert.deepEqual(seen, [
    ['http:', null, null, null],
    ['http:', host, 'text/x-words', 3],
  ]);
});

test('the pieces of a body are published as they go', async (t) => {
  const { origin, dispatcher } = await place(t);
  const seen: string[] = [];
  listen(t, (name) => void seen.push(name));
  async function* pieces(): AsyncGenerator<Buffer> {
    yield Buffer.from('one');
    await new Promise((resolve) => setImmediate(resolve));
    yield Buffer.from('two');
  }
  const { body } = await dispatcher.request({ origin: origin.origin, path: '/count', method: 'POST', body: pieces() });
  assert.equal(await body.text(), '6');
  assert.equal(seen.filter((name) => name === 'request:bodyChunkSent').length, 2);
  assert.ok(seen.indexOf('request:bodySent') > seen.lastIndexOf('request:bodyChunkSent'));
});

test('a failure is published as an error', async (t) => {
  const { origin, dispatcher } = await place(t);
  const errors: unknown[] = [];
  listen(t, (name, message) => {
    if (name === 'request:error') errors.push(message.error);
  });
  const { body } = await dispatcher.request({ origin: origin.origin, path: '/reset/2', method: 'GET' });
  const error: unknown = await body.text().catch((reason: unknown) => reason);
  assert.deepEqual(errors, [error]);
});

/** Spans of whatever goes over undici's channels, until the test ends. */
function traced(t: TestContext): InMemorySpanExporter {
  const exporter = new InMemorySpanExporter();
  const provider = new NodeTracerProvider({ spanProcessors: [new SimpleSpanProcessor(exporter)] });
  provider.register();
  const instrumentation = new UndiciInstrumentation();
  instrumentation.setTracerProvider(provider);
  t.after(async () => {
    instrumentation.disable();
    trace.disable();
    await provider.shutdown();
  });
  return exporter;
}

testEach('OpenTelemetry makes spans, and its traceparent arrives', async ({ t, undici, url, dispatcher, origin }) => {
  const exporter = traced(t);
  const { body } = await undici.request(`${url}/headers/?a=1`, { dispatcher });
  const arrived = (await body.json()) as Record<string, string>;
  await (await undici.request(`${url}/status/503`, { dispatcher })).body.dump();
  const [first, second] = exporter.getFinishedSpans();
  const { traceId, spanId } = first!.spanContext();
  assert.equal(arrived['traceparent'], `00-${traceId}-${spanId}-01`);
  assert.equal(first!.attributes['url.full'], `${url}/headers/?a=1`);
  assert.equal(first!.attributes['http.response.status_code'], 200);
  assert.equal(first!.attributes['network.peer.port'], origin.port);
  assert.equal(second!.attributes['http.response.status_code'], 503);
  assert.equal(second!.status.code, SpanStatusCode.ERROR);
});

test('OpenTelemetry sees Node\u2019s own fetch over it as well', async (t) => {
  const exporter = traced(t);
  const origin = await startOrigin();
  install({ cleartext: 'h2c', retry: { maxAttempts: 1 } });
  t.after(uninstall);
  const arrived = (await (await fetch(`${origin.origin}/headers`)).json()) as Record<string, string>;
  const spans = exporter.getFinishedSpans();
  assert.equal(spans.length, 1);
  assert.ok(arrived['traceparent']?.includes(spans[0]!.spanContext().spanId));
  await origin.close();
  await assert.rejects(fetch(`${origin.origin}/`));
  assert.equal(exporter.getFinishedSpans()[1]?.status.code, SpanStatusCode.ERROR);
});
