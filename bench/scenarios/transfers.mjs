import { cpuOver, transferMetrics } from './common.mjs';

// The servers have bodies of these sizes only, see lib/servers.mjs.
const size = 256 * 1_048_576;
const transfer = (how) => ({ work: 'transfer', how, size, times: 2, warmUpSize: size });

export const download = {
  name: 'download',
  title: 'Downloads of 256 MiB, one at a time, with default options',
  metrics: transferMetrics,
  variants: [false, true].map((tls) => ({
    name: tls ? 'TLS' : 'h2c',
    server: { kind: 'files', tls },
    clients: [
      { name: 'passinglane dump()', client: 'passinglane', job: transfer('dump') },
      { name: 'passinglane borrow()', client: 'passinglane', job: transfer('borrow') },
      { name: 'passinglane owned', client: 'passinglane', job: transfer('owned') },
      { client: 'node:http2', job: transfer('download') },
      { client: 'node:http2, 16 MiB windows', job: transfer('download') },
      { client: 'Go', job: transfer('download') },
      { client: 'h2load', job: transfer('download') },
      { client: 'bare socket', job: transfer('download') },
    ],
    targets: [
      ...['passinglane dump()', 'passinglane borrow()'].flatMap((of) => [
        cpuOver('h2load', [1.2, 1], of),
        cpuOver('node:http2', [1 / 4], of),
      ]),
      cpuOver('h2load', [2.2, 1.8], 'passinglane owned'),
    ],
  })),
};

const sameSource = 'node:http2, async iterable';
const smallSize = 16 * 1_048_576;
const small = { ...transfer('uploadSmall'), size: smallSize, warmUpSize: smallSize };

export const upload = {
  name: 'upload',
  title: 'Uploads of 256 MiB from an async iterable, one at a time, with default options',
  metrics: transferMetrics,
  variants: [false, true].map((tls) => ({
    name: tls ? 'TLS' : 'h2c',
    server: { kind: 'files', tls },
    clients: [
      { client: 'passinglane', job: transfer('upload') },
      { client: 'node:http2', job: transfer('upload') },
      { name: sameSource, client: 'node:http2', job: transfer('uploadIterable') },
      { client: 'Go', job: transfer('upload') },
      { client: 'h2load', job: transfer('upload') },
      { client: 'bare socket', job: transfer('upload') },
      { name: 'passinglane, one buffer', client: 'passinglane', job: transfer('uploadBytes'), rounds: 3 },
      { name: 'passinglane, node:stream', client: 'passinglane', job: transfer('uploadReadable'), rounds: 3 },
      { name: 'passinglane, pieces of 1 KiB', client: 'passinglane', job: small, rounds: 3 },
    ],
    targets: ['node:http2', sameSource].map((client) => cpuOver(client, [1 / 2, 1 / 3])),
  })),
};

const bytesPerMs = 50_000; // 400 Mbit/s
const job = { work: 'long-fat', path: '/small', size: 1e8, seconds: 3, bytesPerSecond: bytesPerMs * 1_000 };

export const longFat = {
  name: 'long-fat',
  title: '100 MB over a path of 100 ms round trip and 400 Mbit/s, with default options',
  metrics: { share: 'share of the cap', rate: 'MB/s', cpu: 'CPU s a GB' },
  variants: [
    {
      name: 'h2c',
      server: { kind: 'path', delay: 50, bytesPerMs },
      clients: [
        { client: 'passinglane', job },
        ...['node:http2', 'node:http2, 16 MiB windows', 'undici', 'Go', 'h2load'].map((client) => ({
          client,
          job,
          rounds: 2,
        })),
      ],
      targets: [{ what: 'share of the cap', of: 'passinglane', metric: 'share', min: [0.8, 0.9] }],
    },
  ],
};
