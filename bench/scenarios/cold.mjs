// Processes that have only begun.
import { cpuOver } from './common.mjs';

const tls = { kind: 'files', tls: true };
const work = { work: 'cold', path: '/json', read: 'json', inFlight: 100, requests: 2_000 };
const as = (name) => ({ name, client: 'everyday', job: { ...work, as: name } });

export const cold = {
  name: 'cold',
  title:
    'A new process over TLS: from its import to the first answer, by the clock and in CPU time, and the 2,000 requests after that, 100 in flight',
  metrics: { first: 'ms to the first answer', firstCpu: 'CPU ms to the first answer', cpu: 'CPU µs a request' },
  rounds: 9,
  variants: [
    {
      name: 'nghttpd',
      server: tls,
      clients: ['passinglane', 'passinglane fetch', 'node:http2', 'undici', 'undici fetch'].map(as),
      targets: targetsOver('node:http2'),
    },
    {
      name: 'nginx, HTTP/1.1 too',
      server: { kind: 'nginx', tls: true },
      clients: ['passinglane', 'passinglane fetch', 'node:http2', 'undici h1', 'undici fetch h1', 'node:http'].map(as),
      targets: targetsOver('node:http2'),
    },
  ],
};

function targetsOver(client) {
  return [
    { what: 'time to the first answer', of: 'passinglane', metric: 'first', over: { client }, max: [1.2] },
    { what: 'CPU to the first answer', of: 'passinglane', metric: 'firstCpu', over: { client }, max: [1.2] },
    { ...cpuOver(client, [0.5]), what: 'CPU of the first 2,000 requests' },
  ];
}

const command = (client, job) => ({ client, job });
const commands = ['passinglane URL', 'node -e fetch', 'curl'];

export const commandLine = {
  name: 'command',
  title: 'Whole processes, from their start to their end',
  metrics: { cpu: 'CPU ms', time: 'ms' },
  rounds: 9,
  variants: [
    {
      name: 'a small answer, nginx, TLS',
      server: { kind: 'nginx', tls: true },
      clients: commands.map((client) => command(client, { path: '/json' })),
      targets: [cpuOver('node -e fetch', [1], 'passinglane URL')],
    },
    {
      name: '300 MB to /dev/null, nginx, TLS',
      server: { kind: 'nginx', tls: true },
      rounds: 5,
      clients: commands.map((client) => command(client, { path: '/bytes-300000000', file: '/dev/null' })),
      targets: [cpuOver('curl', [1.3], 'passinglane URL')],
    },
  ],
};
