// The guard: a short benchmark of what is steady even on a busy machine, printed beside the last landed figures, so that a
// loss is seen the day it happens. It reports; it fails only when it cannot run. `npm run bench:guard -- --land` makes
// the figures of this run the landed ones of this Node line.
import { readFileSync, writeFileSync } from 'node:fs';
import { makePeers } from './lib/peers.mjs';
import { placement } from './lib/processes.mjs';
import { Servers } from './lib/servers.mjs';
import { median, short } from './lib/statistics.mjs';

const pairs = 5;
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

const ratios = await cpuRatio('passinglane', 'node:http2', { work: 'requests', warmUp: 400, duration: 400 });
const figures = {
  cpuOverNodeHttp2: median(ratios),
  allocatedBytes: await allocated('passinglane'),
};
const names = {
  cpuOverNodeHttp2: `CPU of a small GET over node:http2's (${pairs} pairs, ${short(Math.min(...ratios))} to ${short(Math.max(...ratios))})`,
  allocatedBytes: 'bytes allocated for a small GET (headers, body and promise of its caller included)',
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
