// A transport's figures as Prometheus text: what is true now, and totals, from stats(); what has a label of its own, as the
// code of an error, from the channels.
import { once } from 'node:events';
import { subscribe } from 'node:diagnostics_channel';
import { createServer } from 'node:http';
import { Transport } from 'passinglane';
import { startOrigin } from './support/origin.mjs';

/** Counts of what has happened, by the channels: name, what they count, and the label that tells them apart. */
class Counters {
  values = new Map();

  constructor() {
    const count = (channel, name, label, of) =>
      subscribe(`passinglane:${channel}`, (event) => this.add(name, label, of(event)));
    const origin = (event) => event.request?.origin ?? event.origin;
    const code = ({ error }) => error?.code ?? error?.name ?? 'unknown';
    count('request:start', 'requests_started_total', 'origin', origin);
    count('request:end', 'requests_completed_total', 'origin', origin);
    count('request:error', 'requests_failed_total', 'code', code);
    count('request:retry', 'requests_resent_total', 'code', code);
    count('connection:dialling', 'dials_total', 'origin', origin);
    count('connection:dial-failed', 'dials_failed_total', 'code', code);
    count('connection:stalled', 'stalls_total', 'origin', origin);
    count('connection:silent', 'probes_total', 'origin', origin);
  }

  add(name, label, value) {
    const series = this.values.get(name) ?? new Map();
    const key = labels({ [label]: value });
    series.set(key, (series.get(key) ?? 0) + 1);
    this.values.set(name, series);
  }

  text() {
    const all = [...this.values].map(([name, series]) => metric(name, 'counter', [...series]));
    return all.join('');
  }
}

function labels(pairs) {
  const escaped = (text) => String(text).replace(/\\/g, '\\\\').replace(/"/g, '\\"').replace(/\n/g, '\\n');
  const all = Object.entries(pairs).map(([name, value]) => `${name}="${escaped(value)}"`);
  return all.length === 0 ? '' : `{${all.join(',')}}`;
}

function metric(name, type, series) {
  const lines = series.map(([of, value]) => `passinglane_${name}${of} ${value}\n`);
  return `# TYPE passinglane_${name} ${type}\n${lines.join('')}`;
}

function gauges(stats) {
  const gauge = (name, series) => metric(name, 'gauge', series);
  const byOrigin = (of) => stats.origins.map((one) => [labels({ origin: one.origin }), of(one)]);
  const states = stats.origins.flatMap(({ origin, connections }) => {
    const counts = new Map();
    for (const { state } of connections) counts.set(state, (counts.get(state) ?? 0) + 1);
    return [...counts].map(([state, count]) => [labels({ origin, state }), count]);
  });
  const sum = (field) => byOrigin(({ connections }) => connections.reduce((total, one) => total + one[field], 0));
  return [
    gauge('connections', states),
    gauge(
      'connections_dialling',
      byOrigin(({ dialling }) => dialling),
    ),
    gauge(
      'requests_queued',
      byOrigin(({ queued }) => queued),
    ),
    gauge('streams', sum('streams')),
    gauge('buffered_bytes', [['', stats.bufferedBytes]]),
    gauge('buffered_bytes_limit', [['', stats.maxBufferedBytes]]),
    gauge('credit_withheld_connections', [['', stats.creditWithheld]]),
    metric('sent_bytes_total', 'counter', [['', stats.totals.bytesSent]]),
    metric('received_bytes_total', 'counter', [['', stats.totals.bytesReceived]]),
    metric('replays_total', 'counter', [['', stats.totals.replays]]),
  ].join('');
}

const counters = new Counters();
const transport = new Transport({ cleartext: 'h2c' });
const metrics = createServer((request, response) => {
  response.setHeader('content-type', 'text/plain; version=0.0.4; charset=utf-8');
  response.end(gauges(transport.stats()) + counters.text());
});
await once(metrics.listen(0, '127.0.0.1'), 'listening');

const origin = await startOrigin((stream, headers) => {
  if (headers[':path'] === '/slow') return;
  stream.respond({ ':status': 200 });
  stream.end('hello');
});
for (let i = 0; i < 3; i++) await (await transport.request(`${origin.url}/`)).body.text();
await transport.request(`${origin.url}/slow`, { headersTimeout: 50 }).catch(() => undefined);

// What Prometheus would do: over node:http, as its scraper speaks HTTP/1.1.
const scraped = await fetch(`http://127.0.0.1:${metrics.address().port}/metrics`);
process.stdout.write((await scraped.text()).replaceAll(origin.url, 'http://origin'));

await transport.close();
origin.close();
metrics.closeAllConnections();
metrics.close();
