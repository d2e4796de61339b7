/** Problems with how long things live: idle connections, old ones, what runs when a transport closes, and globals. */
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { test } from 'node:test';
import { promisify } from 'node:util';
import { BaseTransport } from '../../dist/transport.js';
import { resolveOptions } from '../../dist/transport-options.js';
import { startOrigin } from '../support/origin.js';
import { Peer, poolHarness } from '../support/pool-harness.js';
import { VirtualClock } from '../support/virtual-clock.js';
import { client, ok, serving, until } from './support.js';

test('a connection that carries nothing closes after idleTimeout, and not before', async () => {
  const p = poolHarness({ idleTimeout: 60_000 });
  p.get('/1');
  await p.clock.advance(59_999);
  assert.equal(p.peer(0).ended, false);
  p.get('/2');
  await p.clock.advance(59_999);
  assert.equal(p.peer(0).ended, false, 'the second request has begun the time anew');
  await p.clock.advance(1_000);
  assert.equal(p.peer(0).ended, true);
  assert.deepEqual([p.dials, p.transport.stats().connections, p.clock.size], [1, 0, 0]);
});

test('connections made together, each with maxConnectionAge, do not all drain together', async () => {
  const clock = new VirtualClock();
  const peers: Peer[] = [];
  const chances = [0, 0, 0.25, 0, 0.5, 0, 0.75, 0]; // by turns for the age and for something else
  let asked = 0;
  const transport = new BaseTransport(resolveOptions({ maxConnectionAge: 600_000, idleTimeout: 0 }, 'test'), {
    clock,
    dialler: {
      dial: () => {
        const peer = new Peer(peers.length, {}, (one, id) => one.ok(id));
        peers.push(peer);
        return Promise.resolve({ protocol: 'h2', transport: peer });
      },
    },
    wrap: (): never => assert.fail('nothing is adopted here'),
    random: () => chances[asked++ % chances.length] ?? 0,
    inRootContext: (callback) => callback(),
  });
  const made = transport.preconnect('https://test.example', 4);
  await clock.settle();
  await made;
  const open: number[] = [];
  for (let at = 0; at < 700_000; at += 10_000) {
    await clock.advance(10_000);
    const count = peers.filter(({ ended }) => !ended).length;
    if (count !== open.at(-1)) open.push(count);
    if (at < 530_000) assert.equal(count, 4, 'none before nine tenths of its age');
  }
  assert.deepEqual(open, [4, 3, 2, 1, 0], 'one after the other');
  transport.destroy();
});

test('after maxRequestsPerConnection a connection drains, and no request is lost over it', async (t) => {
  const origin = await startOrigin();
  t.after(() => origin.close());
  const transport = client(t, { maxRequestsPerConnection: 100 });
  let left = 1_000;
  const worker = async (): Promise<void> => {
    while (left-- > 0) {
      const response = await transport.request(`${origin.origin}/hello.txt`);
      assert.equal(await response.body.text(), 'hello\n');
    }
  };
  await Promise.all(Array.from({ length: 10 }, worker));
  assert.equal(origin.sessionCount, 10);
  assert.equal(origin.streamCount, 1_000);
  await until(() => origin.sessions.size === 0);
});

test('close() lets what runs and what waits finish, and then every connection is closed', async (t) => {
  const answers: (() => void)[] = [];
  const server = await serving(
    t,
    (connection, { streamId }) => {
      answers.push(() => {
        ok(connection, streamId, 'done');
      });
    },
    { settings: { maxConcurrentStreams: 2 } },
  );
  const transport = client(t, { maxConnectionsPerOrigin: 1 });
  const calls = Array.from({ length: 5 }, async () => (await transport.request(server.origin)).body.text());
  await until(() => answers.length === 2);
  const closed = transport.close();
  await assert.rejects(transport.request(server.origin), { code: 'ERR_PASSINGLANE_TRANSPORT_CLOSED' });
  let done = 0;
  for (const call of calls) void call.then(() => done++);
  while (done < 5) {
    await until(() => answers.length > 0 || done === 5);
    answers.shift()?.();
  }
  await closed;
  assert.deepEqual(new Set(await Promise.all(calls)), new Set(['done']));
  assert.equal(server.connections.length, 1);
  await server.connections[0]?.ended;
});

test('importing and using the package leaves every global as it was', async (t) => {
  const origin = await startOrigin();
  t.after(() => origin.close());
  const script = `
    const globals = () => Reflect.ownKeys(globalThis).map((key) => [key, Object.getOwnPropertyDescriptor(globalThis, key)]);
    globals(); // the first look makes some of Node's own, which are made when touched
    const before = globals();
    const { Transport } = await import(${JSON.stringify(new URL('../../dist/index.js', import.meta.url))});
    const transport = new Transport({ cleartext: 'h2c' });
    await (await transport.request('${origin.origin}/hello.txt')).body.text();
    await transport.close();
    const after = globals();
    const { deepStrictEqual } = await import('node:assert');
    deepStrictEqual(after.map(([key]) => key), before.map(([key]) => key));
    for (const [at, [key, was]] of before.entries())
      if ('value' in was && 'value' in after[at][1]) deepStrictEqual(Object.is(after[at][1].value, was.value), true, String(key));
    console.log(before.length > 50 && 'untouched');`;
  const { stdout } = await promisify(execFile)(process.execPath, ['--input-type=module', '--eval', script]);
  assert.equal(stdout, 'untouched\n');
});
