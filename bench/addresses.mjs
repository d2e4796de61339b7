// One name, twenty server processes at 127.0.0.1 to 127.0.0.20 (Linux): how a client spreads its requests over them, and what
// it does when one is slow, errs, freezes, or all are restarted in turn.
// `node bench/addresses.mjs [CLIENT...] [--quick] [--equal]`; `--equal`: only while all are well. Clients: passinglane; in-turn
// (its connections, one to each, taken in turn: what spreading costs nothing in); undici (BalancedPool) and undici-turn
// (RoundRobinPool), on Node 22.19 and later; grpc-js (round_robin). A table, tab-separated, goes to stdout.
import { Buffer } from 'node:buffer';
import { fork } from 'node:child_process';
import { once } from 'node:events';
import { createServer } from 'node:http2';
import { performance } from 'node:perf_hooks';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';

const machines = 20;
const inFlight = 100;
const port = 18_443;
const addresses = Array.from({ length: machines }, (_, i) => `127.0.0.${i + 1}`);

/** A machine: answers after 3 ms, a gRPC call by its rules, and counts. Told otherwise by messages. */
function serve(address) {
  let count = 0;
  let behaviour = { delay: 3, status: 200 };
  const sessions = new Set();
  const server = createServer();
  server.on('session', (session) => {
    sessions.add(session);
    session.on('close', () => sessions.delete(session));
    session.on('error', () => undefined);
  });
  server.on('stream', (stream, headers) => {
    count++;
    stream.on('error', () => undefined);
    const answer = () => {
      if (stream.destroyed) return;
      const grpc = headers['content-type'] === 'application/grpc';
      if (!grpc) return stream.respond({ ':status': behaviour.status }, { endStream: true });
      const code = behaviour.status === 200 ? '0' : '14';
      stream.respond({ ':status': 200, 'content-type': 'application/grpc' }, { waitForTrailers: true });
      stream.on('wantTrailers', () => stream.sendTrailers({ 'grpc-status': code }));
      stream.end(Buffer.alloc(5));
    };
    stream.resume();
    if (behaviour.delay === 0) answer();
    else setTimeout(answer, behaviour.delay);
  });
  process.on('message', (message) => {
    if (message.behaviour) behaviour = message.behaviour;
    if (message.ask) process.send({ count });
    if (!message.end) return;
    server.close(() => process.exit());
    for (const session of sessions) session.close(); // GOAWAY; streams finish
  });
  process.on('disconnect', () => process.exit());
  server.listen(port, address, () => process.send({ ready: true }));
}

async function start(address) {
  const child = fork(fileURLToPath(import.meta.url), { env: { ...process.env, BENCH_ADDRESS: address } });
  await once(child, 'message');
  return child;
}

async function counts(children) {
  return Promise.all(
    children.map(async (child) => {
      child.send({ ask: true });
      return (await once(child, 'message'))[0].count;
    }),
  );
}

const h2c = { useH2c: true, allowH2: true, connections: 1, pipelining: inFlight };

function overUndici(pool) {
  const get = async () => {
    const { statusCode, body } = await pool.request({ path: '/', method: 'GET' });
    await body.dump();
    return statusCode === 200;
  };
  return { get, close: () => pool.destroy() };
}

/** Clients: `get()` settles with true where it was answered well. */
const clients = {
  async passinglane() {
    const { Transport } = await import('passinglane');
    const lookup = (_name, _options, done) =>
      done(
        null,
        addresses.map((address) => ({ address, family: 4 })),
      );
    const transport = new Transport({ cleartext: 'h2c', lookup, loadBalancing: 'least-request', decompress: false });
    const get = async () => {
      const response = await transport.request(`http://machines.test:${port}/`);
      response.body.cancel();
      return response.status === 200;
    };
    return { get, close: () => transport.destroy() };
  },
  async 'in-turn'() {
    const { Transport } = await import('passinglane');
    const transport = new Transport({ cleartext: 'h2c', decompress: false });
    const origins = addresses.map((address) => `http://${address}:${port}/`);
    const connections = await Promise.all(origins.map((origin) => transport.connect(origin)));
    let turn = 0;
    const get = async () => {
      const at = turn++ % machines;
      const response = await connections[at].request(origins[at]);
      response.body.cancel();
      return response.status === 200;
    };
    return { get, close: () => transport.destroy() };
  },
  async undici() {
    const { BalancedPool } = await import('undici');
    return overUndici(
      new BalancedPool(
        addresses.map((address) => `http://${address}:${port}`),
        h2c,
      ),
    );
  },
  async 'undici-turn'() {
    const { buildConnector, RoundRobinPool } = await import('undici');
    let turn = 0; // it spreads over connections: each goes to the next address
    const lookup = (_name, options, done) => {
      const address = addresses[turn++ % machines];
      if (options.all) done(null, [{ address, family: 4 }]);
      else done(null, address, 4);
    };
    return overUndici(
      new RoundRobinPool(`http://machines.test:${port}`, {
        ...h2c,
        connections: machines,
        connect: buildConnector({ ...h2c, lookup }), // its own does not speak HTTP/2 in the clear
      }),
    );
  },
  async 'grpc-js'() {
    const { Client, credentials } = await import('@grpc/grpc-js');
    const client = new Client(
      `ipv4:${addresses.map((address) => `${address}:${port}`).join()}`,
      credentials.createInsecure(),
      {
        'grpc.service_config': JSON.stringify({ loadBalancingConfig: [{ round_robin: {} }] }),
      },
    );
    const same = (bytes) => bytes;
    const get = () =>
      new Promise((resolve) => {
        client.makeUnaryRequest('/a/b', same, same, Buffer.alloc(0), (error) => resolve(error === null));
      });
    return { get, close: () => client.close() };
  },
};

/** Keeps so many requests in flight until `over`; how long each took, by when it began. */
async function load(get, over) {
  const took = [];
  let failed = 0;
  const one = async () => {
    while (!over(took.length)) {
      const begun = performance.now();
      const well = await Promise.race([get().catch(() => false), sleep(5_000, false, { ref: false })]);
      took.push(performance.now() - begun);
      if (well) continue;
      failed++;
      await sleep(1); // what fails at once leaves time for what does not
    }
  };
  await Promise.all(Array.from({ length: inFlight }, one));
  took.sort((a, b) => a - b);
  return { requests: took.length, failed, p99: took[Math.floor(took.length * 0.99)] };
}

const until = (milliseconds) => {
  const end = performance.now() + milliseconds;
  return () => performance.now() >= end;
};

async function run(args) {
  const quick = args.includes('--quick');
  const total = quick ? 5_000 : 100_000;
  const named = args.filter((one) => !one.startsWith('-'));
  const say = (client, what, text) => console.log([client, what, text].join('\t'));
  const children = await Promise.all(addresses.map(start));
  process.on('exit', () => children.forEach((child) => child.kill('SIGKILL')));
  for (const name of named.length > 0 ? named : Object.keys(clients)) {
    const { get, close } = await clients[name]();
    const share = async (what, milliseconds, warm) => {
      if (warm > 0) await load(get, until(warm));
      const before = await counts(children.slice(1));
      const { requests, failed, p99 } = await load(get, until(milliseconds));
      const others = (await counts(children.slice(1))).map((count, i) => count - before[i]);
      const first = Math.max(0, requests - others.reduce((sum, count) => sum + count, 0));
      say(
        name,
        what,
        `${requests} requests, to it ${((100 * first) / requests).toFixed(2)} %, failed ${failed}, p99 ${p99.toFixed(1)} ms`,
      );
    };
    await load(get, (done) => done >= 2_000);
    const before = await counts(children);
    const cpu = process.cpuUsage();
    const { p99, failed } = await load(get, (done) => done >= total);
    const { user, system } = process.cpuUsage(cpu);
    const used = (await counts(children)).map((count, i) => count - before[i]);
    const spread = (Math.max(...used) / Math.min(...used)).toFixed(2);
    say(
      name,
      'equal',
      `most/least ${spread}, failed ${failed}, p99 ${p99.toFixed(1)} ms, ${((user + system) / total).toFixed(1)} us CPU a request`,
    );
    if (args.includes('--equal')) {
      close();
      continue;
    }
    const length = quick ? 500 : 3_000;
    children[0].send({ behaviour: { delay: 30, status: 200 } });
    await share('one ten times slower', length, length);
    children[0].send({ behaviour: { delay: 0, status: 500 } });
    await share('one answers 500, after 2 s', length, 2_000);
    children[0].send({ behaviour: { delay: 3, status: 200 } });
    await sleep(1_000);
    await load(get, until(quick ? 500 : 10_000));
    children[0].kill('SIGSTOP');
    await share('one frozen, after 1.1 s', length, 1_100);
    children[0].kill('SIGCONT');
    await load(get, until(1_000));
    let restarted = false;
    const restarts = (async () => {
      for (let i = 0; i < (quick ? 3 : machines); i++) {
        const child = children[i];
        child.send({ end: true });
        await Promise.race([once(child, 'exit'), sleep(1_000)]);
        child.kill('SIGKILL');
        children[i] = await start(addresses[i]);
      }
      restarted = true;
    })();
    const outcome = await load(get, () => restarted);
    await restarts;
    say(
      name,
      'rolling restart',
      `${outcome.requests} requests, failed ${outcome.failed}, p99 ${outcome.p99.toFixed(1)} ms`,
    );
    close();
  }
  process.exit(0);
}

if (process.env.BENCH_ADDRESS) serve(process.env.BENCH_ADDRESS);
else await run(process.argv.slice(2));
