import type { Attributes, Histogram, Meter, UpDownCounter } from '@opentelemetry/api';
import type { ConnectionEvent, ObservedRequest, RequestEvent } from '../index.js';
import { errorType, methodOf, schemeOf, serverOf, versionOf } from './attributes.js';

/** As the semantic conventions for HTTP metrics advise, in seconds. */
const requestBuckets = [0.005, 0.01, 0.025, 0.05, 0.075, 0.1, 0.25, 0.5, 0.75, 1, 2.5, 5, 7.5, 10];
const connectionBuckets = [0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10, 30, 60, 120, 300];

interface Measured {
  /** When the attempt under way began, in milliseconds; undefined between two. */
  since: number | undefined;
  /** What is known of that. */
  attributes: Attributes;
  /** The connection that carries it. */
  connection: Connection | undefined;
}

interface Connection {
  readonly since: number;
  readonly attributes: Attributes;
  requests: number;
}

/** Metrics of requests, and of connections where they are asked for. */
export class Metrics {
  private readonly duration: Histogram;
  private readonly requests = new WeakMap<ObservedRequest, Measured>();
  private readonly connections: ConnectionMetrics | undefined;

  constructor(meter: Meter, connections: boolean) {
    this.duration = histogram(meter, 'http.client.request.duration', 'HTTP client requests', requestBuckets);
    this.connections = connections ? new ConnectionMetrics(meter) : undefined;
  }

  onConnection(event: ConnectionEvent): void {
    this.connections?.onConnection(event);
  }

  onRequest(event: RequestEvent): void {
    const { request, type, time } = event;
    if (type === 'start') {
      this.requests.set(request, { since: time, attributes: this.attributesOf(request), connection: undefined });
      this.connections?.active(request, 1);
      return;
    }
    const measured = this.requests.get(request);
    if (measured === undefined) return; // it began before anybody listened
    if (type === 'bound') this.bound(event, measured);
    else if (type === 'headers') measured.attributes = withStatus(measured.attributes, event.status ?? 0);
    else if (type === 'retry' || type === 'error' || type === 'end') {
      const failed = event.error === undefined ? undefined : errorType(event.error);
      if (failed !== undefined) measured.attributes = { ...measured.attributes, 'error.type': failed };
      this.record(measured, time);
      if (type !== 'retry') this.connections?.active(request, -1);
    }
  }

  private bound({ request, time, streamId, connection }: RequestEvent, measured: Measured): void {
    measured.since ??= time;
    const version = { 'network.protocol.version': versionOf(streamId) };
    measured.attributes = { ...this.attributesOf(request), ...version };
    measured.connection = this.connections?.carries(connection);
  }

  private record(measured: Measured, time: number): void {
    if (measured.since !== undefined) this.duration.record((time - measured.since) / 1_000, measured.attributes);
    measured.since = undefined;
    this.connections?.carried(measured.connection);
    measured.connection = undefined;
  }

  private attributesOf({ method, origin }: ObservedRequest): Attributes {
    return { 'http.request.method': methodOf(method), 'url.scheme': schemeOf(origin), ...serverOf(origin) };
  }
}

function withStatus(attributes: Attributes, status: number): Attributes {
  const answered = { ...attributes, 'http.response.status_code': status };
  return status < 400 ? answered : { ...answered, 'error.type': String(status) };
}

/** What the conventions do not call stable yet. */
class ConnectionMetrics {
  private readonly open: UpDownCounter;
  private readonly activeRequests: UpDownCounter;
  private readonly duration: Histogram;
  /** Those that are open, by their number. */
  private readonly connections = new Map<number, Connection>();

  constructor(meter: Meter) {
    this.open = meter.createUpDownCounter('http.client.open_connections', {
      unit: '{connection}',
      description: 'Number of outbound HTTP connections that are currently active or idle on the client.',
    });
    this.activeRequests = meter.createUpDownCounter('http.client.active_requests', {
      unit: '{request}',
      description: 'Number of active HTTP requests.',
    });
    this.duration = histogram(meter, 'http.client.connection.duration', 'outbound HTTP connections', connectionBuckets);
  }

  onConnection({ type, connection: id, origin, time, remoteAddress, alpnProtocol }: ConnectionEvent): void {
    if (type === 'connected') {
      const attributes: Attributes = {
        ...serverOf(origin),
        'url.scheme': schemeOf(origin),
        ...(alpnProtocol === undefined ? {} : { 'network.protocol.version': alpnProtocol === 'h2' ? '2' : '1.1' }),
        ...(remoteAddress === undefined ? {} : { 'network.peer.address': remoteAddress }),
      };
      const connection = { since: time, attributes, requests: 0 };
      this.connections.set(id, connection);
      this.count(connection, 1);
    } else if (type === 'closed') {
      const connection = this.connections.get(id);
      if (connection === undefined) return;
      this.connections.delete(id);
      this.count(connection, -1);
      connection.requests = -Infinity; // what it carried ends with it
      this.duration.record((time - connection.since) / 1_000, connection.attributes);
    }
  }

  active({ method, origin }: ObservedRequest, by: 1 | -1): void {
    const attributes = { 'http.request.method': methodOf(method), 'url.scheme': schemeOf(origin), ...serverOf(origin) };
    this.activeRequests.add(by, attributes);
  }

  /** The connection has one request more. */
  carries(id: number | undefined): Connection | undefined {
    const connection = id === undefined ? undefined : this.connections.get(id);
    if (connection !== undefined) this.move(connection, 1);
    return connection;
  }

  carried(connection: Connection | undefined): void {
    if (connection !== undefined && connection.requests > 0) this.move(connection, -1);
  }

  private move(connection: Connection, by: 1 | -1): void {
    const before = connection.requests;
    const turns = (before === 0) !== (before + by === 0);
    if (turns) this.count(connection, -1);
    connection.requests = before + by;
    if (turns) this.count(connection, 1);
  }

  private count({ attributes, requests }: Connection, by: 1 | -1): void {
    this.open.add(by, { ...attributes, 'http.connection.state': requests > 0 ? 'active' : 'idle' });
  }
}

function histogram(meter: Meter, name: string, of: string, buckets: number[]): Histogram {
  const description = `The duration of the ${of}.`;
  return meter.createHistogram(name, { unit: 's', description, advice: { explicitBucketBoundaries: buckets } });
}
