// The benchmarks: `npm run bench` runs them all, `npm run bench -- small-get` one, `--node PATH` with the clients on
// another Node, `--quick` with sizes that only show that it works, `--rounds N` with fewer rounds, `--profile`
// profiles our clients instead of measuring, `--list` names the scenarios. See docs/performance.md.
import { mkdirSync, writeFileSync } from 'node:fs';
import { cpus, release, type } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { chart } from './lib/chart.mjs';
import { markdown, profileLists, targetTable } from './lib/markdown.mjs';
import { makePeers } from './lib/peers.mjs';
import { firstLine, placement } from './lib/processes.mjs';
import { profileScenario, runScenario } from './lib/runner.mjs';
import { Servers } from './lib/servers.mjs';
import { scenarios } from './scenarios/index.mjs';

const usage = `usage: npm run bench -- [SCENARIO...] [--node PATH] [--quick | --profile | --rounds N] [--list]
scenarios: ${scenarios.map(({ name }) => name).join(', ')}`;

function fail(message) {
  console.error(`${message}\n${usage}`);
  process.exit(2);
}

function parse() {
  try {
    const flag = { type: 'boolean' };
    const options = {
      node: { type: 'string' },
      rounds: { type: 'string', default: '100' },
      quick: flag,
      profile: flag,
      list: flag,
    };
    return parseArgs({ allowPositionals: true, options });
  } catch (error) {
    return fail(error.message);
  }
}

const { values, positionals } = parse();
if (values.list) {
  for (const { name, title } of scenarios) console.log(`${name.padEnd(18)} ${title}`);
  process.exit(0);
}
const unknown = positionals.find((name) => !scenarios.some((scenario) => scenario.name === name));
if (unknown !== undefined) fail(`there is no scenario ${unknown}`);
const path = values.node ?? process.env.PASSINGLANE_BENCH_NODE ?? process.execPath;
const version = firstLine(path, '--version');
if (version === undefined) fail(`${path} is no Node that runs here`);

const rounds = Number(values.rounds);
if (!(rounds >= 1)) fail('--rounds takes a number');

const start = Date.now();
const servers = new Servers();
const peers = makePeers({ path, version }, servers);
for (const signal of ['SIGINT', 'SIGTERM']) process.on(signal, () => process.exit(130));
const say = (text) => console.error(`[${String(Math.round((Date.now() - start) / 1_000)).padStart(4)} s] ${text}`);
say(`Node ${version}; ${placement}; servers: ${servers.name}`);
for (const [name, { absent }] of Object.entries(peers)) if (absent !== undefined) say(`absent: ${name}: ${absent}`);

const wanted = scenarios.filter(({ name, apart }) =>
  positionals.length === 0 ? apart !== true : positionals.includes(name),
);
const folder = fileURLToPath(new URL('results/', import.meta.url));
mkdirSync(folder, { recursive: true });
const names = positionals.length > 3 ? ['part'] : positionals;
const base = join(folder, [`node-${version.slice(1)}`, ...names, ...(values.quick ? ['quick'] : [])].join('-'));

if (values.profile) {
  const profiles = [];
  const context = { peers, servers, folder: join(folder, 'profiles'), say };
  for (const scenario of wanted) profiles.push(...(await profileScenario(scenario, context)));
  writeFileSync(`${base}-profiles.json`, `${JSON.stringify(profiles, null, 1)}\n`);
  console.log(profileLists(profiles).join('\n'));
  say(`written: ${base}-profiles.json, and the .cpuprofile files in ${context.folder}`);
  process.exit(0);
}

const used = new Set(
  wanted.flatMap(({ variants }) => variants.flatMap(({ clients }) => clients.map((one) => one.client))),
);
const result = {
  date: new Date().toISOString(),
  node: version,
  cpu: cpus()[0]?.model ?? 'unknown processor',
  cores: cpus().length,
  system: `${type()} ${release()}`,
  placement,
  server: servers.name,
  quick: values.quick === true,
  peers: Object.fromEntries(
    Object.entries(peers)
      .filter(([name]) => used.has(name))
      .map(([name, { version: of, configuration, absent }]) => [name, { version: of, configuration, absent }]),
  ),
  scenarios: [],
};
for (const scenario of wanted) {
  result.scenarios.push(await runScenario(scenario, { peers, servers, quick: values.quick, rounds, say }));
  // After each of them, so that what was measured is there whatever befalls the next.
  writeFileSync(`${base}.json`, `${JSON.stringify(result, null, 1)}\n`);
}

writeFileSync(`${base}.md`, markdown(result));
writeFileSync(`${base}.svg`, chart(result));
console.log(positionals.length === 0 ? targetTable(result).join('\n') : markdown(result));
say(`written: ${base}.json, .md and .svg`);
process.exit(0);
