// The guard: a short benchmark of what is steady even on a busy machine, printed beside the last landed figures, so that a
// loss is seen the day it happens. It reports; it fails only when it cannot run. `npm run bench:guard -- --land` makes
// the figures of this run the landed ones of this Node line.
import { readFileSync, writeFileSync } from 'node:fs';
import { makePeers } from './lib/peers.mjs';
import { placement } from './lib/processes.mjs';
import { Servers } from './lib/servers.mjs';
import { median, short } from './lib/statistics.mjs';
import { isolation } from './scenarios/isolation.mjs';

const pairs = 5;
const coldPairs = 3;
const file = new URL('guard.json', import.meta.url);
const line = process.versions.node.split('.')[0];

const servers = new Servers();
const peers = makePeers({ path: process.execPath, version: process.version }, servers);
const at = { ...(await servers.at({ kind: 'canned', behaviour: 'small' })), path: '/', inFlight: 100 };

/** Our CPU a request over a peer's, in turn. */
async function cpuRatio(client, peer, job) {
  const ratios = [];
  for (let i = 0; i < pairs; i++) {
    const ours = await peers[client].run({ ...at, ...job });
    const theirs = await peers[peer].run({ ...at, ...job });
    ratios.push(ours.cpu / theirs.cpu);
  }
  return ratios;
}

async function allocated(client) {
  const flags = ['--expose-gc', '--min-semi-space-size=128', '--max-semi-space-size=128'];
  const job = { work: 'allocations', warmUpRequests: 30_000, requests: 10_000, flags };
  return (await peers[client].run({ ...at, ...job })).bytes;
}

/** CPU to the first answer over TLS, and of the 2,000 requests after it, over node:http2's: from new processes, in turn. */
async function coldRatios() {
  const tls = { ...(await servers.at({ kind: 'files', tls: true })), path: '/json', read: 'json' };
  const job = { ...tls, work: 'cold', inFlight: 100, requests: 2_000 };
  const first = [];
  const warming = [];
  for (let i = 0; i < coldPairs; i++) {
    const ours = await peers.everyday.run({ ...job, as: 'passinglane' });
    const theirs = await peers.everyday.run({ ...job, as: 'node:http2' });
    first.push(ours.firstCpu / theirs.firstCpu);
    warming.push(ours.cpu / theirs.cpu);
  }
  return { first: median(first), warming: median(warming) };
}

/** The median of small requests beside what blocks their connection, in milliseconds. */
async function besideBlocked(name) {
  const { server, clients } = isolation.variants.find((variant) => variant.name === name);
  const { job } = clients.find(({ client }) => client === 'passinglane');
  const { p50 = Infinity } = await peers.passinglane.run({ ...job, ...(await servers.at(server)) });
  return p50;
}

/** Of the ways to be blocked, those that are over soon. */
const blocked = {
  isolationUnread: 'an upload whose connection is read no more',
  isolationZeroLimit: 'the stream limit lowered to 0',
  isolationDead: 'the connection goes dead',
};

const ratios = await cpuRatio('passinglane', 'node:http2', { work: 'requests', warmUp: 400, duration: 400 });
const started = await coldRatios();
const figures = {
  cpuOverNodeHttp2: median(ratios),
  allocatedBytes: await allocated('passinglane'),
  coldFirst: started.first,
  coldRequests: started.warming,
};
for (const [key, way] of Object.entries(blocked)) figures[key] = await besideBlocked(way);
const names = {
  cpuOverNodeHttp2: `CPU of a small GET over node:http2's (${pairs} pairs, ${short(Math.min(...ratios))} to ${short(Math.max(...ratios))})`,
  allocatedBytes: 'bytes allocated for a small GET (headers, body and promise of its caller included)',
  coldFirst: `CPU of a new process from its import to the first answer over TLS, over node:http2's (${coldPairs} pairs)`,
  coldRequests: `CPU of the 2,000 requests after that, over node:http2's (${coldPairs} pairs)`,
  ...Object.fromEntries(
    Object.entries(blocked).map(([key, way]) => [key, `median ms of small requests beside: ${way}`]),
  ),
};

const landed = JSON.parse(readFileSync(file, 'utf8'));
console.log(`Node ${process.version}; ${placement}`);
for (const [key, name] of Object.entries(names)) {
  const last = landed[line]?.[key];
  const change =
    last === undefined ? '' : ` (${figures[key] >= last ? '+' : ''}${short((figures[key] / last - 1) * 100)}%)`;
  console.log(`${short(figures[key])}${change}, landed ${last === undefined ? 'never' : short(last)}: ${name}`);
}
if (process.argv.includes('--land')) {
  landed[line] = Object.fromEntries(Object.entries(figures).map(([key, value]) => [key, Number(value.toPrecision(4))]));
  writeFileSync(file, `${JSON.stringify(landed, null, 2)}\n`);
  console.log('landed');
}
process.exit(0);
