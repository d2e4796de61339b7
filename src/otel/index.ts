/**
 * `passinglane/otel`: spans and metrics of requests, by OpenTelemetry's semantic conventions for HTTP clients. It needs
 * @opentelemetry/api, which it imports when it is called.
 */
import { subscribe, unsubscribe } from 'node:diagnostics_channel';
import type { MeterProvider, TracerProvider } from '@opentelemetry/api';
import { invalidArgument, unknownName } from '../errors.js';
import type { ConnectionEvent, Observer, RequestEvent } from '../index.js';
import { connectionChannelNames, marked, requestChannelNames, traceAll } from '../ports/index.js';
import { version } from '../version.js';
import { loadApi } from './api.js';
import { Metrics } from './metrics.js';
import { Spans } from './spans.js';

export interface OtelOptions {
  /** Whether there are spans. Default: true. */
  readonly traces?: boolean | undefined;
  /** Whether there is `http.client.request.duration`. Default: true. */
  readonly metrics?: boolean | undefined;
  /**
   * Whether there are `http.client.open_connections`, `http.client.active_requests` and `http.client.connection.duration` too,
   * which the conventions do not call stable yet. Default: false.
   */
  readonly connectionMetrics?: boolean | undefined;
  /** Default: the one that is registered with the API. */
  readonly tracerProvider?: TracerProvider | undefined;
  /** Default: the one that is registered with the API. */
  readonly meterProvider?: MeterProvider | undefined;
}

const flags: readonly string[] = ['traces', 'metrics', 'connectionMetrics'];
const known: readonly string[] = [...flags, 'tracerProvider', 'meterProvider'];

/**
 * An observer that makes spans and metrics: for one transport, as its option `observer`. Rejects with a TypeError,
 * ERR_INVALID_ARG_VALUE, for an option that is unknown or wrong, and with an Error where @opentelemetry/api is not installed.
 */
export async function otelObserver(options: OtelOptions = {}): Promise<Observer> {
  check(options);
  const { traces = true, metrics = true, connectionMetrics = false, tracerProvider, meterProvider } = options;
  const api = await loadApi();
  const name = 'passinglane';
  const spans = traces ? new Spans(api, (tracerProvider ?? api.trace).getTracer(name, version)) : undefined;
  const meter = (): ReturnType<MeterProvider['getMeter']> => (meterProvider ?? api.metrics).getMeter(name, version);
  const measured = metrics || connectionMetrics ? new Metrics(meter(), connectionMetrics) : undefined;
  const observer: Observer = {
    request(event) {
      spans?.onRequest(event);
      measured?.onRequest(event);
    },
    ...(connectionMetrics ? { connection: (event: ConnectionEvent) => measured?.onConnection(event) } : {}),
  };
  return traces ? marked(observer) : observer;
}

/**
 * The same for all transports of the process, by the channels of node:diagnostics_channel, from when it resolves until what
 * it resolves with is called. Rejects as {@link otelObserver}.
 */
export async function instrument(options: OtelOptions = {}): Promise<() => void> {
  const observer = await otelObserver(options);
  const onRequest = (event: unknown): void => observer.request?.(event as RequestEvent);
  const onConnection = (event: unknown): void => observer.connection?.(event as ConnectionEvent);
  for (const name of requestChannelNames) subscribe(name, onRequest);
  if (observer.connection !== undefined) for (const name of connectionChannelNames) subscribe(name, onConnection);
  const untrace = options.traces === false ? undefined : traceAll();
  let ended = false;
  return () => {
    if (ended) return;
    ended = true;
    untrace?.();
    for (const name of requestChannelNames) unsubscribe(name, onRequest);
    for (const name of connectionChannelNames) unsubscribe(name, onConnection);
  };
}

function check(options: unknown): void {
  if (typeof options !== 'object' || options === null || Array.isArray(options))
    throw invalidArgument('options', options, `an object with ${known.join(', ')}`);
  for (const [name, value] of Object.entries(options)) {
    if (!known.includes(name)) throw unknownName(`option '${name}'`, name, value, known);
    if (value === undefined) continue;
    if (flags.includes(name) && typeof value !== 'boolean')
      throw invalidArgument(`option '${name}'`, value, 'true or false');
    if (!flags.includes(name) && typeof value !== 'object')
      throw invalidArgument(`option '${name}'`, value, 'a provider of OpenTelemetry');
  }
}
