/** A tunnel that is blocked, silent or slow, and the connection to a proxy that many share, on the simulated network. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { PathWorld, type PathOptions } from './path.js';
import type { ServerConnection } from './server-connection.js';

/** Its kernels hold little, so that what is not read blocks soon. */
const path = { bandwidth: Infinity, delay: 5, queue: 1 << 20, shared: false, send: 65_536, receive: 65_536 };
/** The option's default, and what was measured without anything in the way. */
const stallTimeout = 100;
const alone = 10;
const probeAfter = 1_000;
const upload = 6_000_000;

const ways = [
  ['without a proxy', undefined],
  ['through HTTP/1.1 to a proxy', 'http/1.1'],
  ['through HTTP/2 to a proxy', 'h2'],
] as const;

/** Both origins have a connection; `dial`: what the first request took, with all that it takes to connect. */
async function connected(options: Partial<PathOptions>): Promise<{ world: PathWorld; dial: number }> {
  const world = new PathWorld({ ...path, ...options });
  const [[first]] = [world.smallGets(1, 1), await world.pass(500)];
  world.smallGets(1, 1, 'beside.example');
  await world.pass(500);
  assert.ok(first !== undefined);
  assert.equal(world.books.connections, 2);
  return { world, dial: first.took };
}

function firstOf(connections: ReadonlySet<ServerConnection>): ServerConnection {
  const [first] = connections;
  assert.ok(first !== undefined);
  return first;
}

const slowest = (of: readonly { readonly took: number }[]): number => Math.max(...of.map(({ took }) => took));

for (const [way, proxy] of ways) {
  test(`${way}: small GETs beside an upload that nobody reads go by one connection more, and those to another origin stay`, async () => {
    const { world, dial } = await connected({ proxy });
    world.upload(upload);
    await world.pass(5);
    firstOf(world.host.process.connections).paused = true;
    await world.pass(300);
    const [around, others] = [world.smallGets(33, 2_000), world.smallGets(33, 2_000, 'beside.example')];
    await world.pass(3_000);
    assert.ok(slowest(around) <= dial + stallTimeout, `${slowest(around)} ms, a dial is ${dial}`);
    assert.ok(slowest(others) <= 4 * alone, `${slowest(others)} ms`);
    assert.equal(world.books.connections, 3);
    await world.end();
  });

  test(`${way}: small GETs that find their connection silent go by another within stallTimeout and a dial`, async () => {
    const { world, dial } = await connected({ proxy });
    const [tunnel] = world.proxy.tunnels;
    const [direct] = world.network.open.values();
    (tunnel ?? direct)?.tcp?.forget();
    world.smallGets(1, 1); // it is with the dead one
    await world.pass(probeAfter);
    const small = world.smallGets(33, 2_000);
    await world.pass(3_000);
    assert.ok(slowest(small) <= dial + stallTimeout, `${slowest(small)} ms, a dial is ${dial}`);
    assert.equal(world.books.connections, 3);
    await world.end();
  });

  test(`${way}: all of 150 small GETs beside a download at 10 KB/s are answered in time, on one connection more`, async () => {
    const { world } = await connected({ proxy });
    firstOf(world.host.process.connections).slowTo(10);
    world.download(10_000_000);
    await world.pass(8_000);
    const small = world.smallGets(33, 150 * 33);
    await world.pass(5_500);
    assert.deepEqual([small.length, world.books.connections], [150, 3]);
    assert.ok(slowest(small) <= 500, `${slowest(small)} ms`);
    await world.end();
  });
}

const shared = { proxy: 'h2' } as const;

/** Each leaves the connection to the proxy so that it carries nothing more for anybody. */
const blocked: readonly [string, (world: PathWorld) => void][] = [
  ['a proxy stops reading', (world) => (firstOf(world.proxy.connections).paused = true)],
  [
    'an upload holds the window of',
    (world) => {
      firstOf(world.proxy.connections).stingy = true;
      firstOf(world.host.process.connections).paused = true;
    },
  ],
];

/** What the origins speak. */
const spoken = { 'HTTP/2': {}, 'HTTP/1.1': { cleartext: 'http/1.1', allowHTTP1: true } } as const;

for (const [speaks, options] of Object.entries(spoken))
  for (const [how, block] of blocked)
    test(`when ${how} the connection that tunnels share, no request in ${speaks} goes out in a tunnel there`, async () => {
      const { world, dial } = await connected({ ...shared, options, proxyWindow: 65_535 });
      world.upload(upload);
      await world.pass(5);
      block(world);
      await world.pass(300);
      const small = world.smallGets(33, 2_000, 'beside.example');
      await world.pass(3_000);
      assert.ok(slowest(small) <= dial, `${slowest(small)} ms, a dial is ${dial}`);
      assert.equal(world.proxy.connections.size, 2);
      await world.end();
    });

test('where the connection that tunnels share carries a download at 10 KB/s, all small GETs beside it go by another', async () => {
  const { world, dial } = await connected(shared);
  firstOf(world.proxy.connections).slowTo(10);
  world.download(10_000_000);
  await world.pass(8_000);
  const [same, others] = [world.smallGets(33, 5_000), world.smallGets(33, 5_000, 'beside.example')];
  await world.pass(5_500);
  for (const small of [same, others]) assert.ok(slowest(small) <= 2 * dial, `${slowest(small)} ms, a dial is ${dial}`);
  assert.deepEqual([world.proxy.connections.size, world.books.connections], [2, 4]);
  await world.end();
});

test('when a download comes to fill the connection that tunnels share, small GETs leave it within a second and a half', async () => {
  const { world } = await connected({ ...shared, bandwidth: 2_000 });
  world.download(50_000_000);
  await world.pass(3_000);
  firstOf(world.proxy.connections).slowTo(50);
  const [same, others] = [world.smallGets(33, 4_000), world.smallGets(33, 4_000, 'beside.example')];
  await world.pass(10_000);
  for (const small of [same, others]) {
    const late = small.filter(({ took }) => took > 8 * alone);
    assert.ok(late.length <= 1_500 / 33, `${late.length} of ${small.length} are late`);
  }
  await world.end();
});

test('when the connection to a proxy that tunnels share falls silent, requests go by tunnels on another', async () => {
  const { world, dial } = await connected(shared);
  for (const { tcp } of world.network.open.values()) tcp.forget();
  world.smallGets(1, 1, 'beside.example'); // it is with the dead one
  await world.pass(probeAfter);
  const small = world.smallGets(33, 2_000, 'beside.example');
  await world.pass(3_000);
  // What goes through it is found to be silent, and then the connection itself.
  assert.ok(slowest(small) <= 2 * stallTimeout + dial, `${slowest(small)} ms, a dial is ${dial}`);
  await world.end();
});

test('when a proxy lowers its stream limit to 0 on a living connection, the next tunnel goes by another', async () => {
  const { world, dial } = await connected(shared);
  firstOf(world.proxy.connections).allowNone(true);
  for (const connection of world.host.process.connections) connection.goAway('latest', 0);
  await world.pass(100);
  const small = world.smallGets(33, 2_000);
  await world.pass(3_000);
  assert.ok(slowest(small) <= dial, `${slowest(small)} ms, a dial is ${dial}`);
  await world.end();
});
