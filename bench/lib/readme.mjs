// The README's table of what a request costs, from full runs.
import { withRange } from './statistics.mjs';

/** Lines of the table: what is measured, by which clients, ours first. */
const lines = [
  {
    what: 'small GETs over TLS from nginx, `json()`, 100 in flight, CPU µs a request',
    from: ['body-read', 'json() of 621 bytes, nginx, TLS', 'cpu'],
    clients: ['passinglane', 'h2load', 'undici h1', 'node:http2', 'undici', 'got', 'axios'],
  },
  {
    what: 'the same by `fetch`',
    from: ['body-read', 'json() of 621 bytes, nginx, TLS', 'cpu'],
    clients: ['passinglane fetch', 'undici fetch h1', 'undici fetch'],
  },
  {
    what: 'POSTs of 1 KB of JSON, `json()`, 100 in flight, CPU µs a request',
    from: ['post-json', 'TLS', 'cpu'],
    clients: ['passinglane', 'undici h1', 'node:http2', 'undici'],
  },
  {
    what: 'small GETs over TLS from nghttpd, the body dropped, 100 in flight, CPU µs a request',
    from: ['small-get', 'TLS', 'cpu'],
    clients: ['passinglane', 'h2load', 'Go', 'node:http2', 'undici'],
  },
  {
    what: 'the same in the clear',
    from: ['small-get', 'h2c', 'cpu'],
    clients: ['passinglane', 'h2load', 'Go', 'node:http2', 'undici'],
  },
  {
    what: 'one GET at a time, in the clear, CPU µs a request',
    from: ['one-at-a-time', 'h2c', 'cpu'],
    clients: ['passinglane', 'h2load', 'Go', 'node:http2', 'undici'],
  },
  {
    what: 'small GETs over HTTP/1.1, in the clear, `json()`, 100 in flight, CPU µs a request',
    from: ['http1', 'in the clear', 'cpu'],
    clients: ['passinglane', 'undici h1', 'node:http', 'got', 'axios'],
  },
  {
    what: 'downloads of 256 MiB over TLS, chunks that are yours to keep, CPU s a GB',
    from: ['download', 'TLS', 'cpu'],
    clients: ['passinglane owned', 'h2load', 'node:http2', 'node:http2, 16 MiB windows'],
  },
  {
    what: 'uploads of 256 MiB over TLS from an async iterable, CPU s a GB',
    from: ['upload', 'TLS', 'cpu'],
    clients: ['passinglane', 'node:http2, async iterable', 'node:http2'],
    notes: { 'node:http2': 'node:http2 from a buffer' },
  },
  {
    what: 'unary gRPC calls, 100 in flight, CPU µs a call',
    from: ['grpc', 'h2c', 'cpu'],
    clients: ['passinglane/connect', 'grpc-js', 'connect-node'],
  },
  {
    what: 'a new process, from its import to the first answer over TLS, CPU ms',
    from: ['cold', 'nghttpd', 'firstCpu'],
    clients: ['passinglane', 'node:http2', 'undici'],
  },
];

/** The table of one run: our median with its range, then the others', the least first. */
export function readmeTable(run) {
  const rows = lines.map(({ what, from: [scenario, variant, metric], clients: [ours, ...others], notes = {} }) => {
    const found = run.scenarios.find(({ name }) => name === scenario)?.variants.find(({ name }) => name === variant);
    if (found === undefined) throw new Error(`${scenario}, ${variant} is not in the run on Node ${run.node}`);
    const of = (name) => found.clients.find((client) => client.name === name && client.samples.length > 0);
    const known = others.map(of).filter((client) => client !== undefined);
    known.sort((a, b) => a.median[metric] - b.median[metric]);
    const least = Math.min(...[of(ours), ...known].map(({ median }) => median[metric]));
    const figure = (client) => {
      const text = withRange(client, metric);
      return client.median[metric] === least ? text.replace(/^[\d.,]+/, '**$&**') : text;
    };
    const rest = known.map((client) => `${notes[client.name] ?? client.name} ${figure(client)}`);
    return `| ${what} | ${figure(of(ours))} | ${rest.join('; ')} |`;
  });
  return ['| | passinglane | others |', '| --- | --- | --- |', ...rows];
}

const major = ({ node }) => /\d+/.exec(node)[0];

/** The README with its tables made anew: that of the first run, and those of the others folded away. */
export function withFigures(readme, [first, ...others]) {
  const folded = others.flatMap((run) => [
    '',
    '<details>',
    `<summary>The same on Node ${major(run)}</summary>`,
    '',
    ...readmeTable(run),
    '',
    '</details>',
  ]);
  const text = ['', '', ...readmeTable(first), ...folded, '', ''].join('\n');
  return readme.replace(/(<!-- figures:[^]*?-->)[^]*?(<!-- figures: end -->)/, (_, begin, end) => begin + text + end);
}
