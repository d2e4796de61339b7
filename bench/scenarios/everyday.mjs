// What a program's own figures would show: the body is read, beside what its author would use instead.
import { cpuOver, inFlightJob, requestMetrics } from './common.mjs';

const nginx = { kind: 'nginx', tls: true };
const ours = 'passinglane';

const everyday = (as, job) => ({ name: as, client: 'everyday', job: { ...job, as } });
/** Those that are no Node program do the same work, as far as they know it: they drop the body. */
const other = (client, job) => ({ client, job });

const all = ['passinglane', 'passinglane fetch', 'passinglane/undici', 'passinglane/undici fetch'];
const peers = ['undici', 'undici h1', 'undici fetch', 'undici fetch h1', 'node:http2', 'node:http', 'got', 'axios'];
const few = ['passinglane', 'passinglane fetch', 'undici', 'undici h1', 'undici fetch', 'node:http2'];

const read = (how, path = '/json') => ({ ...inFlightJob(100), path, read: how });

const variant = (name, server, names, job, { targets = [], others = ['Go', 'h2load'] } = {}) => ({
  name,
  server,
  rounds: names.length > 8 ? 5 : 3,
  clients: [...names.map((as) => everyday(as, job)), ...others.map((client) => other(client, job))],
  targets,
});

const parse = { name: 'JSON.parse alone', client: 'JSON.parse', job: { work: 'parse', warmUp: 100, duration: 200 } };

const jsonFromNginx = variant('json() of 621 bytes, nginx, TLS', nginx, [...all, ...peers], read('json'), {
  targets: [
    cpuOver('node:http2', [1 / 2]),
    cpuOver('undici h1', [1 / 2]),
    { ...cpuOver('h2load', [1.1]), over: { client: 'h2load', plus: parse.name } },
    { ...cpuOver(ours, [1.1], 'passinglane fetch'), over: { client: ours } },
  ],
});
jsonFromNginx.clients.push(parse);

export const bodyRead = {
  name: 'body-read',
  title: 'Small GETs as programs make them, the body read: 100 in flight',
  metrics: requestMetrics,
  variants: [
    jsonFromNginx,
    variant(
      'json() of 621 bytes, nghttpd, TLS',
      { kind: 'files', tls: true },
      few.filter((name) => name !== 'undici h1'),
      read('json'),
    ),
    variant('text() of 621 bytes, nginx, TLS', nginx, few, read('text'), { others: [] }),
    variant('bytes() of 621 bytes, nginx, TLS', nginx, few, read('bytes'), { others: [] }),
    variant('bytes() of 64 KiB, nginx, TLS', nginx, [...few, 'node:http', 'got', 'axios'], read('bytes', '/64k')),
    variant(
      'json(), one at a time, nginx, TLS',
      nginx,
      [...few, 'node:http'],
      { ...read('json'), inFlight: 1 },
      {
        targets: [cpuOver('node:http2', [0.6, 0.5])],
      },
    ),
  ],
};

export const postJson = {
  name: 'post-json',
  title: 'POSTs of 1 KB of JSON, the answer read by json(): 100 in flight, nginx, TLS',
  metrics: requestMetrics,
  variants: [
    variant(
      'TLS',
      nginx,
      [...all, ...peers],
      { ...read('json'), post: 1_024 },
      {
        others: ['h2load'],
        targets: [cpuOver('undici h1', [0.5, 0.4]), cpuOver('node:http2', [1 / 2])],
      },
    ),
  ],
};

export const headerFields = {
  name: 'header-fields',
  title: 'Small GETs with header fields of their own, one of them new each time: 100 in flight, nginx, TLS, json()',
  metrics: requestMetrics,
  variants: [3, 10, 30, 60].map((fields) =>
    variant(
      `${fields} fields`,
      nginx,
      ['passinglane', 'undici', 'undici h1', 'node:http2'],
      { ...read('json'), fields },
      {
        others: [],
        targets: [cpuOver('node:http2', [1])],
      },
    ),
  ),
};

export const http1 = {
  name: 'http1',
  title: 'Small GETs over HTTP/1.1 in the clear, the body read by json(): 100 in flight, nginx',
  metrics: requestMetrics,
  variants: [
    variant(
      'in the clear',
      { kind: 'nginx' },
      [
        'passinglane',
        'passinglane fetch',
        'undici h1',
        'undici fetch h1',
        'node:http',
        'built-in fetch',
        'got',
        'axios',
      ],
      { ...read('json'), http1: true },
      { others: [], targets: [cpuOver('undici h1', [1]), cpuOver('node:http', [1.1])] },
    ),
  ],
};
