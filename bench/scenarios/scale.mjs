import { inFlightJob, requestMetrics } from './common.mjs';

const flags = ['--expose-gc'];
const canned = { kind: 'canned', behaviour: 'small' };
const idle = (as, count) => ({
  name: `${as}, ${count}`,
  client: 'idle',
  job: { work: 'idle', path: '/', as, count, flags },
});

export const idleMemory = {
  name: 'idle',
  title:
    'Memory of what stays while nothing is under way: connections to one origin, and origins with a connection each',
  metrics: {
    heap: 'JavaScript bytes each',
    resident: 'resident bytes each',
    closed: 'JavaScript bytes each once it is closed',
  },
  rounds: 3,
  variants: [
    {
      name: 'h2c',
      server: canned,
      clients: [idle('passinglane, connections', 200), idle('node:http2', 200), idle('passinglane, origins', 1_000)],
      targets: [],
    },
  ],
};

const delayed = { ...inFlightJob(100), delay: true };

export const scale = {
  name: 'scale',
  title: 'Requests spread over addresses and over workers, and how long the event loop is held up: 100 in flight',
  metrics: { ...requestMetrics, delay: 'event-loop delay, p99.9, ms' },
  rounds: 3,
  variants: [
    {
      name: 'event-loop delay, TLS',
      server: { kind: 'files', tls: true },
      clients: ['passinglane', 'node:http2', 'undici'].map((client) => ({ client, job: delayed })),
      targets: [{ what: 'event-loop delay', of: 'passinglane', metric: 'delay', over: { client: 'undici' }, max: [1] }],
    },
    {
      name: 'addresses of one name, TLS',
      server: { kind: 'nginx', tls: true },
      clients: [1, 20].map((addresses) => ({
        name: `passinglane, least-request over ${addresses}`,
        client: 'passinglane',
        job: { ...inFlightJob(100), path: '/json', addresses },
      })),
      targets: [],
    },
    {
      name: 'workers, each with a Transport, h2c',
      server: canned,
      clients: [1, 2].map((workers) => ({
        name: `passinglane, ${workers}`,
        client: 'passinglane',
        job: { work: 'workers', path: '/', inFlight: 100, requests: 50_000, workers },
      })),
      targets: [],
    },
  ],
};
