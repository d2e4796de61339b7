/** What a connection asks the peer while bulk moves, and how often. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { begins, download, sends } from '../support/downloads.js';
import { frame, uint32 } from '../support/harness.js';
import { poolHarness, type PoolHarness } from '../support/pool-harness.js';
import { type as frameType } from '../support/raw-server.js';

async function downloading(options: Parameters<typeof poolHarness>[0] = {}): Promise<PoolHarness> {
  const p = poolHarness({ answer: begins, probeAfter: 0, readIdleTimeout: 0, ...options });
  await download(p);
  return p;
}

test('a download is measured ten times a second at the most, and one that is short not at all', async () => {
  const p = await downloading();
  await sends(p, 1, 1);
  assert.equal(p.peer(0).pings, 0);
  await sends(p, 200, 5);
  assert.equal(p.peer(0).pings, 10);
  p.transport.destroy();
});

test('no second PING measures a path while the first is not answered', async () => {
  const p = await downloading();
  p.peer(0).answersPings = false;
  await sends(p, 100, 10);
  assert.equal(p.peer(0).pings, 1);
  p.transport.destroy();
});

test('with bulkIsolation: false, and where bulk has ended, nothing is asked', async () => {
  const off = await downloading({ bulkIsolation: false });
  await sends(off, 100, 10);
  assert.equal(off.peer(0).pings, 0);
  off.transport.destroy();
  const p = await downloading();
  await sends(p, 10, 10);
  const { pings } = p.peer(0);
  p.peer(0).data(1, '', true);
  await p.clock.advance(60_000);
  assert.deepEqual([p.peer(0).pings, p.peer(0).questions], [pings, 0]);
  p.transport.destroy();
});

test('once a server has had enough of being asked, neither its connections nor later ones ask what can be done without', async () => {
  const p = await downloading();
  await sends(p, 3, 200);
  const { pings } = p.peer(0);
  assert.ok(pings > 0);
  const enough = frame(frameType.goaway, 0, 0, uint32(1, 11)).subarray(9); // ENHANCE_YOUR_CALM
  p.peer(0).send(frameType.goaway, 0, 0, enough);
  await sends(p, 30, 200);
  assert.deepEqual([p.peer(0).pings, p.peer(0).questions], [pings, 0], 'the download goes on');
  const next = p.get('/large');
  await p.settle();
  void next.response?.body.dump().catch(() => undefined);
  for (let i = 0; i < 30; i++) {
    p.peer(1).data(1, Buffer.alloc(16_384));
    await p.clock.advance(200);
  }
  assert.deepEqual([p.peer(1).pings, p.peer(1).questions], [0, 0]);
  p.transport.destroy();
});

test('a request that a slow connection could carry goes out on a new one only once the SETTINGS are there', async () => {
  const mute = new Set<string>();
  const p = await downloading({ addresses: ['192.0.2.1'], mute });
  mute.add('192.0.2.1');
  p.peer(0).answersPings = false;
  await sends(p, 10, 10);
  const small = p.get('/small');
  await p.settle();
  assert.deepEqual([p.dials, p.peer(1).requests, small.state], [2, [], 'pending']);
  p.peer(1).greet({});
  await p.settle();
  assert.deepEqual(p.peer(1).requests, ['/small']);
  p.transport.destroy();
});

test('a server that answers no PING has a slow connection no longer than its bulk', async () => {
  const p = await downloading();
  p.peer(0).answersPings = false;
  const other = p.get('/other');
  await p.settle();
  await sends(p, 10, 10);
  const state = (): string | undefined => p.transport.stats().origins[0]?.connections[0]?.state;
  assert.equal(state(), 'slow');
  p.peer(0).data(1, '', true);
  p.peer(0).data(3, 'late');
  void other.response?.body.dump().catch(() => undefined);
  await p.settle();
  assert.notEqual(state(), 'slow');
  p.transport.destroy();
});

test('what asks about an upload stands behind the piece that it is about, and not behind the end', async () => {
  const p = poolHarness({ answer: begins, peer: { initialWindowSize: 1 << 20 }, probeAfter: 0, readIdleTimeout: 0 });
  await p.transport.preconnect('https://test.example');
  await p.settle();
  const { frames } = p.peer(0);
  const before = frames.length;
  p.post('/up', Buffer.alloc(65_535));
  await p.settle();
  const sent = frames.slice(before).map(({ type }) => type);
  const { headers, data, settings } = frameType;
  assert.deepEqual(sent, [headers, data, data, settings, data, data]);
  p.transport.destroy();
});
