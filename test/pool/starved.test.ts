/** An upload that nobody reads holds the connection's window: it holds up no other request. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { uint32 } from '../support/harness.js';
import { bodyOf, poolHarness, type Answer, type Pending, type PoolHarness } from '../support/pool-harness.js';
import { type as frameType } from '../support/raw-server.js';

const ends = (peer: Parameters<Answer>[0], id: number): boolean => {
  const last = peer.frames.findLast((one) => one.streamId === id);
  return last?.end === true;
};

/** Answers what is whole: GETs when they come, uploads never. */
const answer: Answer = (peer, id, fields) => {
  if (fields.get(':path') === '/unread') return;
  if (fields.get(':method') === 'GET') peer.ok(id);
};

/** The peer answers the small POSTs whose body has come. */
function answerWhole(p: PoolHarness): void {
  for (const peer of p.peers) for (const [id] of peer.open) if (ends(peer, id)) peer.ok(id);
}

const posts = (p: PoolHarness, count: number, size = 1_024): Pending[] =>
  Array.from({ length: count }, (_, i) => p.post(`/small/${i}`, Buffer.alloc(size)));

const arrived = (p: PoolHarness, index: number): number =>
  p.peer(index).requests.filter((path) => path.startsWith('/small')).length;

/** One connection, whose window an upload that nobody reads holds at `left` bytes. */
async function shut(left = 0, options: Parameters<typeof poolHarness>[0] = {}): Promise<PoolHarness> {
  const p = poolHarness({
    answer,
    peer: { initialWindowSize: 1 << 20 },
    readIdleTimeout: 0,
    probeAfter: 0,
    ...options,
  });
  await p.transport.preconnect('https://test.example');
  if (left > 0) p.post('/unread', Buffer.alloc(65_535 - left));
  else p.post('/unread', bodyOf(1 << 20)());
  await p.settle();
  assert.equal(p.transport.stats().origins[0]?.connections[0]?.sendWindow, left);
  return p;
}

test('POSTs that find the connection window shut go out on one other connection, and GETs stay', async () => {
  const p = await shut();
  const calls = posts(p, 20);
  await p.settle();
  assert.deepEqual([p.dials, arrived(p, 0)], [1, 0], 'credit may come in a moment');
  const get = p.get('/get');
  await p.settle();
  assert.equal(get.status, 200, 'it needs no credit');
  await p.clock.advance(100);
  answerWhole(p);
  await p.settle();
  assert.deepEqual(new Set(calls.map(({ status }) => status)), new Set([200]));
  assert.deepEqual([p.dials, arrived(p, 0), arrived(p, 1)], [2, 0, 20]);
  const later = p.get('/get');
  await p.settle();
  assert.deepEqual([later.status, p.peer(0).requests.at(-1)], [200, '/get']);
  assert.equal(p.transport.stats().origins[0]?.connections[0]?.state, 'starved');
  p.transport.destroy();
});

test('a window that has been shut for long is gone around at once', async () => {
  const p = await shut();
  await p.clock.advance(1_000);
  posts(p, 20);
  await p.settle();
  assert.deepEqual([p.dials, arrived(p, 1)], [2, 20]);
  p.transport.destroy();
});

test('short bodies take of a window only what it has, those that do not fit go elsewhere', async () => {
  const p = await shut(5_000);
  posts(p, 20);
  await p.clock.advance(100);
  assert.deepEqual([p.dials, arrived(p, 0), arrived(p, 1)], [2, 4, 16]);
  const whole = p.peers.flatMap((peer) => [...peer.open.keys()].filter((id) => ends(peer, id)));
  assert.equal(whole.length, 21, 'none waits for credit that does not come');
  p.transport.destroy();
});

test('each connection that is starved is gone around by one, and no more', async () => {
  const p = await shut();
  posts(p, 1);
  await p.clock.advance(100);
  answerWhole(p);
  p.post('/unread', bodyOf(1 << 20)());
  await p.clock.advance(100);
  posts(p, 20);
  await p.clock.advance(10_000);
  assert.deepEqual([p.dials, arrived(p, 2)], [3, 20]);
  p.transport.destroy();
});

test('credit in time lets waiting bodies go, before what the upload would take of it', async () => {
  const p = await shut();
  posts(p, 20);
  await p.clock.advance(99);
  p.peer(0).send(frameType.windowUpdate, 0, 0, uint32(24_576));
  await p.settle();
  answerWhole(p);
  await p.settle();
  assert.deepEqual([p.dials, arrived(p, 0)], [1, 20]);
  assert.equal([...p.peer(0).open.keys()].length, 1, 'but for the upload, all are answered');
  assert.equal(p.peer(0).bodyBytes, 65_535 + 24_576, 'and it has what is left');
  p.transport.destroy();
});

test('a peer that gives credit in steps smaller than a body starts is shared, not gone around', async () => {
  const p = await shut();
  const second = p.post('/also', bodyOf(100_000));
  for (let i = 0; i < 12; i++) {
    await p.clock.advance(20);
    p.peer(0).send(frameType.windowUpdate, 0, 0, uint32(4_096));
  }
  await p.settle();
  assert.deepEqual([second.state, p.dials, p.peer(0).requests], ['pending', 1, ['/unread', '/also']]);
  p.transport.destroy();
});

test('credit for short bodies that comes late brings no POST behind an upload that nobody reads', async () => {
  const p = poolHarness({ answer, peer: { initialWindowSize: 1 << 20 }, readIdleTimeout: 0, probeAfter: 0 });
  await p.transport.preconnect('https://test.example');
  posts(p, 8);
  await p.settle();
  p.post('/unread', bodyOf(1 << 20)());
  await p.clock.advance(150);
  // The server was busy: of the short ones, it gives back now what they took.
  for (const id of p.peer(0).open.keys()) {
    if (id <= 15) p.peer(0).send(frameType.windowUpdate, 0, 0, uint32(1_024));
    await p.clock.advance(10);
    posts(p, 1);
    await p.settle();
  }
  await p.clock.advance(200);
  assert.deepEqual([p.dials, arrived(p, 0), arrived(p, 1)], [2, 8, 9]);
  assert.equal(p.peer(0).bodyBytes, 65_535 + 8 * 1_024, 'the upload has what was given back');
  p.transport.destroy();
});

test('a peer that gives a byte at a time is gone around', async () => {
  const p = await shut();
  const calls: Pending[] = [];
  for (let i = 0; i < 20; i++) {
    await p.clock.advance(20);
    p.peer(0).send(frameType.windowUpdate, 0, 0, uint32(1));
    calls.push(...posts(p, 1));
  }
  await p.clock.advance(100);
  answerWhole(p);
  await p.settle();
  assert.deepEqual(new Set(calls.map(({ status }) => status)), new Set([200]));
  assert.deepEqual([p.dials, arrived(p, 0), arrived(p, 1)], [2, 0, 20]);
  p.transport.destroy();
});

test('with no room for another connection, what waits for credit goes out when that comes', async () => {
  const p = await shut(0, { maxConnectionsPerOrigin: 1 });
  posts(p, 2);
  await p.clock.advance(60_000);
  assert.deepEqual([p.dials, arrived(p, 0)], [1, 0]);
  p.peer(0).send(frameType.windowUpdate, 0, 0, uint32(65_535));
  await p.settle();
  assert.equal(arrived(p, 0), 2);
  p.transport.destroy();
});

test('a body that was promised credit and is given up leaves it to others', async () => {
  const p = await shut(5_000);
  const controller = new AbortController();
  p.peer(0).stallNow();
  p.post('/small', Buffer.alloc(4_096), { signal: controller.signal });
  await p.settle();
  const up = p.post('/small/next', Buffer.alloc(4_096));
  controller.abort();
  await p.settle();
  p.peer(0).resume();
  await p.settle();
  assert.deepEqual([up.state, p.dials], ['pending', 1]);
  p.transport.destroy();
});
