// Hedging and the retry budget over real sockets: `npm run bench:outages`. Each case is told with what it is beside.
import { fork } from 'node:child_process';
import { once } from 'node:events';
import { createServer } from 'node:http2';
import { connect, createServer as createTcpServer } from 'node:net';
import { performance } from 'node:perf_hooks';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { Transport } from '../lib/index.js';

const think = 10; // what the server takes for an answer, in milliseconds

/** The server, in a process of its own; it is told what to do, and says how many requests it has received. */
function serve() {
  let received = 0;
  let mode = 'ok';
  const server = createServer();
  server.on('stream', (stream) => {
    received++;
    stream.on('error', () => undefined);
    if (mode === 'down') return stream.close(7); // REFUSED_STREAM
    if (mode === 'busy' && received % 2 === 0) {
      stream.respond({ ':status': 503, 'retry-after': '1' });
      return stream.end('busy');
    }
    setTimeout(() => {
      if (stream.destroyed) return;
      stream.respond({ ':status': 200 });
      stream.end('served');
    }, think);
  });
  server.listen(0, '127.0.0.1', () => process.send({ port: server.address().port }));
  process.on('message', (message) => {
    if (message.mode !== undefined) mode = message.mode;
    if (message.count === true) {
      process.send({ received });
      received = 0;
    }
  });
}

/** Carries bytes both ways; the oldest connection can be held. `at`: its own port, 0 for any. */
async function proxy(port, address, at = 0) {
  const pairs = [];
  const door = createTcpServer((socket) => {
    const inner = connect(port, '127.0.0.1');
    for (const one of [socket, inner]) one.on('error', () => undefined).setNoDelay(true);
    socket.pipe(inner).pipe(socket);
    pairs.push([socket, inner]);
    socket.on('close', () => inner.destroy());
    inner.on('close', () => socket.destroy());
  });
  door.listen(at, address);
  await once(door, 'listening');
  const hold = () => pairs[0]?.forEach((one) => one.pause());
  const release = () => pairs[0]?.forEach((one) => one.resume());
  const close = () => {
    door.close();
    for (const socket of pairs.flat()) socket.destroy();
  };
  return { port: door.address().port, hold, release, close };
}

async function count(server) {
  server.send({ count: true });
  const [{ received }] = await once(server, 'message');
  return received;
}

/** Resolves when the server does so. */
async function switchTo(server, mode) {
  server.send({ mode });
  await count(server);
}

const quantile = (sorted, share) => sorted[Math.max(0, Math.ceil(share * sorted.length) - 1)]?.toFixed(1);

/** So many requests a second for so many seconds; `each` is told the second that begins. */
async function load(transport, url, { rate, seconds, each, idempotent = true }) {
  const outcomes = [];
  const begun = performance.now();
  let second = -1;
  for (let i = 0; i < rate * seconds; i++) {
    const due = begun + (i * 1000) / rate;
    const wait = due - performance.now();
    if (wait > 0) await sleep(wait);
    const now = Math.floor(i / rate);
    if (now > second) each?.((second = now));
    const at = performance.now();
    const one = transport.request(url, { idempotent }).then(
      async (response) => {
        await response.body.dump();
        return { at: at - begun, took: performance.now() - at, status: response.status };
      },
      (error) => ({ at: at - begun, took: performance.now() - at, error: error.code }),
    );
    outcomes.push(one);
  }
  return outcomes;
}

/** One connection of an origin with so many addresses, one connection to each, is held for a second of five. */
async function frozen(server, origin, { hedge, seconds, addresses }) {
  const way = await proxy(origin, '127.0.0.1');
  const hosts = Array.from({ length: addresses }, (_, i) => `127.0.0.${i + 1}`);
  const others = await Promise.all(hosts.slice(1).map((host) => proxy(origin, host, way.port)));
  const lookup = (_name, _options, callback) =>
    callback(
      null,
      hosts.map((address) => ({ address, family: 4 })),
    );
  const loadBalancing = addresses > 1 ? 'least-request' : 'pick-first';
  const transport = new Transport({ cleartext: 'h2c', hedge, lookup, loadBalancing });
  const url = `http://addresses.test:${way.port}/`;
  for (const one of await load(transport, url, { rate: 100, seconds: 1 })) await one;
  await count(server);
  const each = (second) => {
    if (second % 5 === 1) way.hold();
    if (second % 5 === 2) way.release();
  };
  const outcomes = await Promise.all(await load(transport, url, { rate: 200, seconds, each }));
  const sorted = outcomes.map((one) => one.took).sort((a, b) => a - b);
  const made = outcomes.length;
  const received = await count(server);
  const { hedges, hedgesWon } = transport.stats().totals;
  transport.destroy();
  for (const one of [way, ...others]) one.close();
  const name = hedge === undefined ? 'without hedge' : `hedge after ${hedge.after}`;
  console.log(
    `one connection of ${addresses} frozen 1 s of 5, 200/s, ${name}: p50 ${quantile(sorted, 0.5)} p99 ${quantile(sorted, 0.99)} p99.9 ` +
      `${quantile(sorted, 0.999)} ms, received ${(received / made).toFixed(3)} of made, hedges ${hedges}, won ${hedgesWon}`,
  );
}

async function outage(server, origin, budget, seconds) {
  const transport = new Transport({ cleartext: 'h2c', retry: budget === undefined ? {} : { budget } });
  const url = `http://127.0.0.1:${origin}/`;
  await (await transport.request(url)).body.dump();
  await count(server);
  await switchTo(server, 'down');
  const pending = await load(transport, url, { rate: 500, seconds });
  const received = await count(server);
  await switchTo(server, 'ok');
  const after = await Promise.all(await load(transport, url, { rate: 100, seconds: 3 }));
  transport.destroy();
  await Promise.all(pending);
  const late = after.filter((one) => one.at >= 2_000).map((one) => one.took);
  const sorted = late.sort((a, b) => a - b);
  console.log(
    `refused for ${seconds} s, 500/s, budget ${budget ?? 'default'}: received ${(received / (500 * seconds)).toFixed(3)} of made; ` +
      `2 s after its return p50 ${quantile(sorted, 0.5)} p99 ${quantile(sorted, 0.99)} ms`,
  );
}

async function busy(server, origin, rate, budget) {
  const transport = new Transport({ cleartext: 'h2c', retry: { statuses: [503], ...(budget && { budget }) } });
  const url = `http://127.0.0.1:${origin}/`;
  await (await transport.request(url)).body.dump();
  await switchTo(server, 'busy');
  const pending = await load(transport, url, { rate, seconds: 5, idempotent: false });
  await switchTo(server, 'ok');
  const outcomes = await Promise.all(pending);
  const failed = outcomes.filter((one) => one.status !== 200).length;
  transport.destroy();
  console.log(
    `503 to every second for 5 s, ${rate}/s, budget ${budget ?? 'default'}: ${failed} of ${outcomes.length} failed`,
  );
}

if (process.argv[2] === 'serve') {
  serve();
} else {
  const short = process.argv.includes('--short');
  const server = fork(fileURLToPath(import.meta.url), ['serve']);
  const [{ port }] = await once(server, 'message');
  for (const addresses of [1, 4])
    for (const hedge of [{ after: 50 }, { after: 'p95' }, undefined])
      await frozen(server, port, { hedge, seconds: short ? 10 : 60, addresses });
  for (const budget of [undefined, Infinity]) await outage(server, port, budget, short ? 10 : 30);
  await busy(server, port, 20, undefined);
  await busy(server, port, 200, 2);
  server.kill();
}
