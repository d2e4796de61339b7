// undici's own published benchmark, unchanged, and our client in the same run, on the same server, with the same work:
// `npm run bench:undici -- --from DIR`, where DIR is a checkout of github.com/nodejs/undici with what its benchmarks/package.json
// depends on installed (uWebSockets.js and concurrently are not needed). It is not part of this repository.
// Its statistics alone take seconds a line. ERROR_THRESHOLD=100 ends each after a tenth of its samples: to see that it works.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { connect, createServer } from 'node:net';
import { join, resolve } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';

const { values } = parseArgs({ options: { from: { type: 'string' }, samples: { type: 'string', default: '100' } } });
const ours = fileURLToPath(new URL('work/undici-own.mjs', import.meta.url));
const running = new Set();
process.on('exit', () => {
  for (const child of running) child.kill();
});

const benchmarks = [
  { title: 'HTTP/1.1 in the clear', script: 'benchmark.js', server: 'server.js', http2: '0' },
  { title: 'HTTP/2 over TLS', script: 'benchmark-http2.js', server: 'server-http2.js', http2: '1' },
];

/** What is missing in the checkout, in words; undefined if nothing is. */
function lacks(from) {
  if (!existsSync(join(from, 'benchmarks/benchmark.js'))) return `${from} is no checkout of undici`;
  const require = createRequire(join(from, 'benchmarks/'));
  const needed = ['axios', 'cronometro', 'got', 'node-fetch', 'request', 'superagent'];
  const missing = needed.filter((name) => !canResolve(require, name));
  return missing.length === 0 ? undefined : `not installed in ${from}/benchmarks: ${missing.join(', ')}`;
}

function canResolve(require, name) {
  try {
    return require.resolve(name) !== '';
  } catch (error) {
    if (error.code === 'MODULE_NOT_FOUND') return false;
    throw error;
  }
}

function start(script, cwd, env) {
  const child = spawn(process.execPath, [script], { cwd, env: { ...process.env, NODE_NO_WARNINGS: '1', ...env } });
  running.add(child);
  child.on('exit', () => running.delete(child));
  let output = '';
  child.stdout.setEncoding('utf8').on('data', (text) => (output += text));
  child.stderr.pipe(process.stderr);
  return { child, output: () => output };
}

async function freePort() {
  const probe = createServer().listen(0);
  await once(probe, 'listening');
  const { port } = probe.address();
  probe.close();
  await once(probe, 'close');
  return String(port);
}

async function listening(port) {
  for (let tries = 0; tries < 100; tries++) {
    const socket = connect(Number(port), 'localhost');
    const up = await new Promise((done) => socket.on('connect', () => done(true)).on('error', () => done(false)));
    socket.destroy();
    if (up) return;
    await sleep(100);
  }
  throw new Error('the server does not start');
}

/** The rows of the table that a benchmark prints: name, samples, result, tolerance. */
async function rowsOf(script, cwd, env) {
  const { child, output } = start(script, cwd, env);
  const [code] = await once(child, 'close');
  const lines = output().split('\n');
  const cells = lines
    .filter((line) => /^│ +\d+ +│/.test(line))
    .map((line) => line.split('│').map((cell) => cell.trim()));
  if (code !== 0 || cells.length === 0) throw new Error(`${script} ended with ${code}, and printed:\n${output()}`);
  return cells.map((row) => row.slice(2, 6).map((cell) => cell.replace(/^'|'$/g, '')));
}

async function measure({ title, script, server, http2 }, from) {
  const cwd = join(from, 'benchmarks');
  const env = { PORT: await freePort(), SAMPLES: values.samples, CONNECTIONS: '50' };
  const { child } = start(server, cwd, env);
  await listening(env.PORT);
  const rows = await rowsOf(script, cwd, env);
  rows.push(...(await rowsOf(ours, cwd, { ...env, FROM: from, HTTP2: http2 })));
  child.kill();
  await once(child, 'exit');
  rows.sort((a, b) => parseFloat(a[2]) - parseFloat(b[2])); // those that failed have no figure, and stay where they are
  console.log(`\n${title} (${script}):\n\n| | samples | result | tolerance |\n| --- | --- | --- | --- |`);
  for (const row of rows) console.log(`| ${row.join(' | ')} |`);
}

const from = values.from === undefined ? undefined : resolve(values.from);
const reason = from === undefined ? "--from DIR names no checkout of undici's repository" : lacks(from);
if (reason !== undefined) {
  console.log(`undici's own benchmark: not run: ${reason}`);
  process.exit(from === undefined ? 0 : 1);
}
const { version } = JSON.parse(readFileSync(join(from, 'package.json'), 'utf8'));
console.log(`undici ${version}'s own benchmark, Node ${process.version}`);
for (const benchmark of benchmarks) await measure(benchmark, from);
