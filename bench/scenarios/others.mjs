import { cpuOver } from './common.mjs';
import { vectors } from '../lib/peers.mjs';

const hpackJob = (operation) => ({
  work: 'hpack',
  operation,
  vectors: `${vectors}${operation === 'decode' ? 'nghttp2-16384-4096' : 'raw-data'}.json.gz`,
  warmUp: 300,
  duration: 500,
});

export const hpack = {
  name: 'hpack',
  title: "Header blocks of the published vectors (real sites' headers)",
  metrics: { cpu: 'CPU µs a block', rate: 'blocks/s' },
  variants: ['decode', 'encode'].map((operation) => ({
    name: operation,
    server: { kind: 'none' },
    clients: ['passinglane/hpack', 'hpack.js', 'Go'].map((client) => ({ client, job: hpackJob(operation) })),
    targets: [cpuOver('hpack.js', [1 / 3], 'passinglane/hpack'), cpuOver('Go', [undefined, 1], 'passinglane/hpack')],
  })),
};

export const stalledNeighbour = {
  name: 'stalled-neighbour',
  title: 'A small GET while the connection beside it has been stalled for longer than stallTimeout',
  metrics: { beside: 'median ms', cold: 'median ms of a cold dial', worst: 'slowest ms' },
  variants: [
    {
      name: 'h2c',
      server: { kind: 'canned', behaviour: 'stall' },
      clients: [{ client: 'passinglane', job: { work: 'stalled', path: '/', times: 8, stalledFor: 300 } }],
      targets: [
        {
          what: 'median latency over a cold dial',
          of: 'passinglane',
          metric: 'beside',
          over: { client: 'passinglane', metric: 'cold' },
          max: [1.5],
        },
      ],
    },
  ],
};

const imported = (name, ...modules) => ({ name, client: 'modules', job: { work: 'import', modules } });

export const importTime = {
  name: 'import-time',
  title: 'The first import, in a process of its own',
  metrics: { time: 'ms', cpu: 'CPU ms', heavy: 'of undici, node:http and node:http2 loaded' },
  variants: [
    {
      name: 'import()',
      server: { kind: 'none' },
      rounds: 9,
      clients: [
        imported('passinglane', import.meta.resolve('passinglane')),
        imported('node:net and node:tls', 'node:net', 'node:tls'),
        imported('node:http2', 'node:http2'),
        imported('undici', 'undici'),
      ],
      targets: [
        { what: 'time, ms', of: 'passinglane', metric: 'time', max: [30] },
        { what: 'heavy modules loaded', of: 'passinglane', metric: 'heavy', max: [0] },
      ],
    },
  ],
};
