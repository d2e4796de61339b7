/** Bulk that fills a path, and small requests beside it, on the simulated network. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { median, PathWorld, type PathOptions } from './path.js';

/** 50 Mbit/s and 20 ms, with 1 MB of queue. */
const path = { bandwidth: 6_250, delay: 10, queue: 1 << 20 };
const alone = 20;
const settles = 500;

/** Small GETs beside bulk, for 2 s, once it has had time to fill the path; what of the path's capacity the bulk had. */
async function beside(options: PathOptions, begin: (world: PathWorld) => void) {
  const world = new PathWorld(options);
  const before = world.smallGets(50, 200);
  await world.pass(settles);
  assert.ok(Math.abs(median(before) - alone) < 1, `${median(before)} ms alone`);
  begin(world);
  await world.pass(settles);
  const [moved, small] = [world.received + world.uploaded, world.smallGets(33, 2_000)];
  await world.pass(2_000);
  const share = (world.received + world.uploaded - moved) / (2_000 * options.bandwidth);
  const { states } = world;
  const { connections, pings } = world.books;
  await world.end();
  return { median: median(small), share, connections, pings, states };
}

const four = (bytes: number) => (world: PathWorld) => {
  for (let i = 0; i < 4; i++) world.download(bytes);
};

test('small GETs beside downloads that fill a queue of their connection go by one more', async () => {
  const seen = await beside({ ...path, shared: false }, four(40_000_000));
  assert.ok(seen.median <= 2 * alone, `${seen.median} ms`);
  assert.ok(seen.share >= 0.9, `the downloads have ${seen.share} of the path`);
  assert.deepEqual([seen.connections, seen.states[0]], [2, 'slow']);
});

test('with bulkIsolation: false they stay, and wait in the queue', async () => {
  const seen = await beside({ ...path, shared: false, options: { bulkIsolation: false } }, four(40_000_000));
  assert.ok(seen.median > 4 * alone, `${seen.median} ms`);
  assert.deepEqual([seen.connections, seen.pings, seen.states], [1, 0, ['ready']]);
});

test('small GETs beside uploads that fill a queue of their connection go by one more', async () => {
  const seen = await beside({ ...path, shared: false }, (world) => {
    for (let i = 0; i < 4; i++) world.upload(40_000_000);
  });
  assert.ok(seen.median <= 2 * alone, `${seen.median} ms`);
  assert.ok(seen.share >= 0.9, `the uploads have ${seen.share} of the path`);
  assert.deepEqual([seen.connections, seen.states[0]], [2, 'slow']);
  assert.ok(seen.pings <= 1, 'an upload is measured by SETTINGS, and only the other connection by a PING');
});

test('where all connections share one queue, downloads leave room in it', async () => {
  const seen = await beside({ ...path, shared: true }, four(40_000_000));
  assert.ok(seen.median <= 4 * alone, `${seen.median} ms`);
  assert.ok(seen.share >= 0.85, `the downloads have ${seen.share} of the path`);
  assert.equal(seen.connections, 2);
});

test('where all connections share one queue, uploads leave room in it', async () => {
  const seen = await beside({ ...path, shared: true }, (world) => {
    for (let i = 0; i < 4; i++) world.upload(40_000_000);
  });
  assert.ok(seen.median <= 4 * alone, `${seen.median} ms`);
  assert.ok(seen.share >= 0.85, `the uploads have ${seen.share} of the path`);
  assert.equal(seen.connections, 2);
});

test('small GETs beside a stalled upload go by the way around it where downloads fill that, and these leave them room', async () => {
  const seen = await beside({ ...path, shared: false }, (world) => {
    world.upload(40_000_000);
    for (const connection of world.host.process.allConnections) connection.paused = true;
    world.smallGets(50, 2_500);
    world.clock.after(300, () => four(40_000_000)(world));
  });
  assert.ok(seen.median <= 4 * alone, `${seen.median} ms`);
  assert.ok(seen.share >= 0.85, `the downloads have ${seen.share} of the path`);
  assert.deepEqual([seen.connections, seen.states[0]], [2, 'stalled']);
});

test('small GETs beside downloads that nobody reads on go by one more, once those have used up maxBufferedBytes', async () => {
  const options = { maxBufferedBytes: 1 << 24, initialStreamWindow: 1 << 22 };
  const world = new PathWorld({ ...path, bandwidth: 50_000, shared: false, options });
  await world.pass(0);
  for (let i = 0; i < 8; i++) world.download(40_000_000, 'path.example', 1);
  await world.pass(2_000);
  assert.equal(world.transport.stats().creditWithheld, 1);
  const small = world.smallGets(33, 2_000);
  await world.pass(3_000);
  const slowest = Math.max(...small.map(({ took }) => took));
  assert.ok(slowest <= 4 * alone, `${slowest} ms`);
  assert.deepEqual([world.states, world.books.connections], [['full', 'idle'], 2]);
  await world.end();
});

test('bulk on a path with room for it is no reason for another connection', async () => {
  const seen = await beside({ ...path, queue: 16_384, bandwidth: 1_000_000, shared: true }, four(4_000_000));
  assert.ok(seen.median <= 2 * alone, `${seen.median} ms`);
  assert.equal(seen.connections, 1);
});

test('many small requests are no bulk: they cause neither a connection nor a PING', async () => {
  const seen = await beside({ ...path, shared: false }, (world) => void world.smallGets(4, 2_500));
  assert.deepEqual([seen.connections, seen.pings], [1, 0]);
});

test('all of 150 small GETs beside a download that has 10 KB/s are answered in time, on one more connection', async () => {
  const world = new PathWorld({ bandwidth: 10, delay: 10, queue: 1 << 20, shared: false });
  await world.pass(0);
  world.download(10_000_000);
  await world.pass(8_000);
  const small = world.smallGets(33, 150 * 33);
  await world.pass(5_500);
  assert.deepEqual([small.length, world.books.connections], [150, 2]);
  const late = small.filter(({ took }) => took > 500);
  assert.deepEqual(late, []);
  await world.end();
});

test('when the bulk is over, small requests go where they went before, and the other connection closes', async () => {
  const world = new PathWorld({ ...path, shared: false, options: { idleTimeout: 1_000 } });
  await world.pass(0);
  world.download(10_000_000);
  await world.pass(settles);
  world.smallGets(33, 4_000);
  await world.pass(500);
  assert.equal(world.states[0], 'slow');
  await world.pass(3_000);
  assert.deepEqual([world.received, world.states.length, world.books.connections], [10_000_000, 1, 2]);
  await world.end();
});

test('from a fast path to a slow one and back, downloads have the path, small requests go fast, and slow is not for ever', async () => {
  const world = new PathWorld({ ...path, shared: true });
  await world.pass(0);
  for (let i = 0; i < 4; i++) world.download(60_000_000);
  const small = world.smallGets(50, 24_000);
  const phases = [
    { bandwidth: 6_250, delay: 10 },
    { bandwidth: 1_250, delay: 40 },
    { bandwidth: 6_250, delay: 10 },
  ];
  for (const { bandwidth, delay } of phases) {
    Object.assign(world.link, { bandwidth, delay });
    await world.pass(6_000); // it may take some seconds to find that out
    const [moved, since] = [world.received, small.length];
    await world.pass(2_000);
    const seen = `at ${bandwidth} bytes/ms and ${2 * delay} ms`;
    const share = (world.received - moved) / (2_000 * bandwidth);
    assert.ok(share >= 0.85, `the downloads have ${share} of the path, ${seen}`);
    assert.ok(median(small.slice(since, -10)) <= 4 * 2 * delay, `${median(small.slice(since, -10))} ms, ${seen}`);
    assert.equal(world.states[0], 'ready', seen);
  }
  assert.equal(world.books.connections, 2);
  await world.end();
});

test('uploads leave room in a shared queue as well where they are taken for stalled, since the kernel takes megabytes of them', async () => {
  const seen = await beside({ ...path, queue: 1 << 22, send: 3_735_552, shared: true }, (world) => {
    for (let i = 0; i < 4; i++) world.upload(40_000_000);
    world.smallGets(50, 2_500);
  });
  assert.ok(seen.median <= 4 * alone, `${seen.median} ms`);
  assert.ok(seen.share >= 0.85, `the uploads have ${seen.share} of the path`);
  assert.equal(seen.connections, 2);
});

test('from a fast path to a slow one and back, small requests go fast beside uploads as well, and those have the path', async () => {
  const world = new PathWorld({ ...path, shared: true });
  await world.pass(0);
  for (let i = 0; i < 4; i++) world.upload(60_000_000);
  const small = world.smallGets(50, 24_000);
  for (const { bandwidth, delay, least } of [
    { bandwidth: 6_250, delay: 10, least: 0.85 },
    { bandwidth: 1_250, delay: 40, least: 0.85 },
    { bandwidth: 6_250, delay: 10, least: 0.85 },
  ]) {
    Object.assign(world.link, { bandwidth, delay });
    await world.pass(6_000);
    const [moved, since] = [world.uploaded, small.length];
    await world.pass(2_000);
    const seen = `at ${bandwidth} bytes/ms and ${2 * delay} ms`;
    const share = (world.uploaded - moved) / (2_000 * bandwidth);
    assert.ok(share >= least, `the uploads have ${share} of the path, ${seen}`);
    assert.ok(median(small.slice(since, -10)) <= 4 * 2 * delay, `${median(small.slice(since, -10))} ms, ${seen}`);
  }
  assert.equal(world.books.connections, 2);
  await world.end();
});

test('an upload goes on beside downloads by younger connections, which fill the path the other way', async () => {
  const options = { maxConnectionAge: 3_000 };
  const world = new PathWorld({ bandwidth: 500, delay: 20, queue: 1 << 18, send: 65_536, shared: true, options });
  await world.pass(0);
  world.upload(200_000_000);
  world.smallGets(500, 40_000);
  for (let i = 0; i < 8; i++) {
    world.download(5_000_000);
    await world.pass(4_000);
  }
  const moved = world.uploaded;
  await world.pass(8_000);
  const share = (world.uploaded - moved) / (8_000 * 500);
  assert.ok(share >= 0.25, `the upload has ${share} of the path`);
  await world.end();
});

test('uploads that nobody small is beside have all of the path again, whoever was', async () => {
  const world = new PathWorld({ ...path, shared: true });
  await world.pass(0);
  for (let i = 0; i < 4; i++) world.upload(60_000_000);
  const small = world.smallGets(33, 3_000);
  await world.pass(3_000);
  assert.ok((small.at(-10)?.took ?? Infinity) <= 4 * alone, 'they were held');
  await world.pass(6_000);
  const moved = world.uploaded;
  await world.pass(2_000);
  const share = (world.uploaded - moved) / (2_000 * path.bandwidth);
  assert.ok(share >= 0.99, `the uploads have ${share} of the path`);
  await world.end();
});

test('a download on the one connection that there may be has the path again once a dip of two seconds is over', async () => {
  const world = new PathWorld({ ...path, shared: true, options: { maxConnectionsPerOrigin: 1 } });
  await world.pass(0);
  world.download(80_000_000);
  world.smallGets(25, 7_000);
  await world.pass(2_000);
  world.link.bandwidth = path.bandwidth / 10;
  await world.pass(2_000);
  world.link.bandwidth = path.bandwidth;
  await world.pass(1_000);
  const moved = world.received;
  await world.pass(2_000);
  const share = (world.received - moved) / (2_000 * path.bandwidth);
  assert.ok(share >= 0.85, `the download has ${share} of the path`);
  await world.end();
});

/** 4 Mbit/s and 80 ms, so that minutes pass fast here. */
const narrow = { bandwidth: 500, delay: 40, queue: 131_072 };
const minutes = 4 * 60_000;

for (const [what, shared, begin] of [
  ['a download on a queue of its connection', false, (world: PathWorld) => world.download(130_000_000)],
  ['a download on a queue that all share', true, (world: PathWorld) => world.download(130_000_000)],
  ['an upload', false, (world: PathWorld) => world.upload(130_000_000)],
] as const)
  test(`four minutes of ${what}, which fills the path: none has 60 PINGs or 14 SETTINGS in it`, async () => {
    const world = new PathWorld({ ...narrow, shared });
    await world.pass(0);
    begin(world);
    world.smallGets(3_000, minutes);
    await world.pass(minutes);
    const share = (world.received + world.uploaded) / (minutes * narrow.bandwidth);
    assert.ok(share >= 0.85, `it has ${share} of the path`);
    assert.deepEqual(world.books.complaints.slice(0, 3), []);
    await world.end();
  });

for (const shared of [false, true])
  test(`minutes of a download alone do not pass for the length of a path where ${shared ? 'all connections share its queue' : 'each connection has a queue'}`, async () => {
    const world = new PathWorld({ ...narrow, delay: 10, shared });
    world.smallGets(50, 200);
    await world.pass(500);
    world.download(130_000_000);
    await world.pass(130_000);
    const small = world.smallGets(100, 10_000);
    await world.pass(11_000);
    const of = median(small.slice(30));
    assert.ok(of <= 4 * alone, `${of} ms`);
    await world.end();
  });

test('a server whose event loop is blocked now and then is not gone around, with bulk under way', async () => {
  const world = new PathWorld({ ...path, queue: 16_384, bandwidth: 60_000, shared: true });
  await world.pass(0);
  world.download(400_000_000);
  world.smallGets(50, 4_000);
  for (let i = 0; i < 12; i++) {
    await world.pass(100 + 7 * i);
    world.host.process.freeze();
    await world.pass(200);
    world.host.process.thaw();
  }
  assert.deepEqual([world.books.connections, world.states.length], [1, 1]);
  await world.end();
});
