import { cpuOver, inFlightJob, requestMetrics } from './common.mjs';

const job = inFlightJob(100);
const all = ['passinglane', 'node:http2', 'undici', 'Go', 'h2load'];
const targets = [
  cpuOver('node:http2', [1 / 8]),
  cpuOver('undici', [1 / 10]),
  cpuOver('Go', [1 / 4]),
  cpuOver('h2load', [2, 1]),
];

export const smallGet = {
  name: 'small-get',
  title: 'Small GETs through request(): 100 in flight on one connection, 100 bytes each',
  metrics: requestMetrics,
  variants: [false, true].map((tls) => ({
    name: tls ? 'TLS' : 'h2c',
    server: { kind: 'files', tls },
    clients: all.map((client) => ({ client, job })),
    targets,
  })),
};

export const smallGetFetch = {
  name: 'small-get-fetch',
  title: 'Small GETs through fetch(), body read: 100 in flight, TLS',
  metrics: requestMetrics,
  variants: [
    {
      name: 'TLS',
      server: { kind: 'files', tls: true },
      clients: ['passinglane fetch', 'undici fetch'].map((client) => ({ client, job })),
      targets: [cpuOver('undici fetch', [1 / 8, 1 / 10], 'passinglane fetch')],
    },
  ],
};

export const smallGetUndici = {
  name: 'small-get-undici',
  title: "Small GETs through undici's request(): its own HTTP/2, and passinglane/undici under it: 100 in flight, TLS",
  metrics: requestMetrics,
  variants: [
    {
      name: 'TLS',
      server: { kind: 'files', tls: true },
      clients: ['passinglane/undici', 'undici'].map((client) => ({ client, job })),
      targets: [cpuOver('undici', [1 / 2, 1 / 3], 'passinglane/undici')],
    },
  ],
};

export const oneAtATime = {
  name: 'one-at-a-time',
  title: 'Small GETs one at a time: what a request costs that has the connection to itself',
  metrics: requestMetrics,
  variants: [
    {
      name: 'h2c',
      server: { kind: 'files' },
      clients: all.map((client) => ({ client, job: inFlightJob(1) })),
      targets: [
        cpuOver('node:http2', [0.6, 0.5]),
        { what: 'median latency', of: 'passinglane', metric: 'p50', over: { client: 'node:http2' }, max: [0.6, 0.5] },
      ],
    },
  ],
};
