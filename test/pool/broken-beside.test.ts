/** New connections come to nothing beside one that lives but has no room: dials back off all the same. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { poolHarness, type Peer, type PoolHarness } from '../support/pool-harness.js';

/** What a server does on each new connection but the first, whose one stream is taken. */
const endings: readonly (readonly [string, (peer: Peer) => void])[] = [
  [
    'begins with a frame that is not SETTINGS',
    (peer) => {
      peer.goAway(0);
    },
  ],
  [
    'ends before its SETTINGS',
    (peer) => {
      peer.drop();
    },
  ],
  [
    'says GOAWAY right after its SETTINGS',
    (peer) => {
      peer.inOneRead(() => {
        peer.greet({ maxConcurrentStreams: 1 });
        peer.goAway(0);
      });
    },
  ],
  [
    'breaks the rules once it has been asked',
    (peer) => {
      peer.greet({ maxConcurrentStreams: 1 });
      peer.headers(2, 200); // no stream of that number can be open (RFC 9113 section 5.1.1)
    },
  ],
  [
    'is lost once it has been asked',
    (peer) => {
      peer.greet({ maxConcurrentStreams: 1 });
      peer.drop();
    },
  ],
];

/** A request each 50 ms for ten seconds, while dials take `dialTimes` and what they come to does `ending`. */
async function trickle(p: PoolHarness, ending: (peer: Peer) => void, answers: boolean): Promise<number> {
  const before = p.dials;
  let seen = p.peers.length;
  for (let time = 0; time < 10_000; time += 5) {
    if (time % 50 === 0) void p.post('/up', 'x', { timeout: 3_000 }).settled;
    if (time % 50 === 25 && answers) p.peer(0).answerAll();
    await p.clock.advance(5);
    for (const peer of p.peers.slice(seen)) ending(peer);
    seen = p.peers.length;
  }
  return p.dials - before;
}

for (const answers of [false, true])
  for (const [what, ending] of endings)
    test(`a server of which each new connection ${what} is dialled with back-off beside one that ${answers ? 'answers' : 'is full'}`, async () => {
      const mute = new Set<string>();
      const p = poolHarness({
        addresses: ['192.0.2.1'],
        mute,
        dialTime: 20,
        peer: { maxConcurrentStreams: 1 },
        answer: () => undefined,
        stallTimeout: 20_000,
      });
      p.get('/held');
      await p.clock.advance(30);
      mute.add('192.0.2.1');
      const dials = await trickle(p, ending, answers);
      assert.ok(dials <= 12, `${dials} dials`);
      p.transport.destroy();
    });

test('dials that are refused at once beside one that takes its time back off', async () => {
  const p = poolHarness({
    dialTimes: [900, ...Array<number>(500).fill(5)],
    dialErrors: [undefined, ...Array.from({ length: 500 }, () => new Error('refused'))],
    maxRequestsPerConnection: 1,
  });
  const calls = Array.from({ length: 5 }, () => p.post('/up', 'x'));
  for (let time = 0; time < 880; time += 40) {
    await p.clock.advance(40);
    calls.push(p.post('/up', 'x'));
  }
  assert.ok(p.dials <= 5, `${p.dials} dials`);
  assert.deepEqual(new Set(calls.map(({ state }) => state)), new Set(['pending']));
  await p.clock.advance(40);
  assert.equal(calls[0]?.status, 200);
  p.transport.destroy();
});

test('where one address is ejected and the other refuses connections, dials back off', async () => {
  const [ejected, refused] = ['192.0.2.1', '192.0.2.2'] as const;
  const refusing = new Set<string>();
  const p = poolHarness({
    addresses: [ejected, refused],
    refusing,
    dialTime: 5,
    loadBalancing: 'least-request',
    peer: { maxConcurrentStreams: 1 },
    answer: (peer, streamId, fields) => {
      if (fields.get(':path') === '/held') return;
      if (peer.info.remoteAddress === ejected) peer.reset(streamId, 2);
      else peer.ok(streamId);
    },
  });
  const state = (): string | undefined => p.transport.stats().origins[0]?.addresses?.[0]?.state;
  for (let i = 0; i < 40 && state() !== 'ejected'; i++) {
    p.post('/up', 'x');
    await p.clock.advance(10);
  }
  assert.equal(state(), 'ejected');
  refusing.add(refused);
  for (const peer of p.peers) if (peer.info.remoteAddress === refused) peer.drop();
  p.get('/held'); // by the one that is ejected, as a last resort
  await p.clock.advance(10);
  const before = p.dials;
  p.get('/held', { timeout: 900 });
  await p.clock.advance(900);
  assert.ok(p.dials - before <= 3, `${p.dials - before} dials`);
  p.transport.destroy();
});

test('where the look-up fails, dials back off although addresses are known that are well', async () => {
  const p = poolHarness({
    addresses: ['192.0.2.1', '192.0.2.2'],
    loadBalancing: 'least-request',
    peer: { maxConcurrentStreams: 1 },
    answer: () => undefined,
  });
  for (let i = 0; i < 2; i++) p.get('/held');
  await p.clock.advance(100);
  p.lookupError = new Error('EAI_AGAIN');
  const before = p.dials;
  p.get('/waits');
  await p.clock.advance(5_000);
  assert.ok(p.dials - before <= 5, `${p.dials - before} dials`);
  p.lookupError = undefined;
  await p.clock.advance(5_000);
  assert.deepEqual(
    p.peers.map(({ requests }) => requests.length),
    [1, 1, 1],
  );
  p.transport.destroy();
});

test('a name that was not found for minutes is found within five seconds of being well, and a port that is closed then costs a first wait', async () => {
  const [address] = ['192.0.2.1'] as const;
  const refusing = new Set<string>();
  const p = poolHarness({
    addresses: [address],
    refusing,
    peer: { maxConcurrentStreams: 1 },
    answer: () => undefined,
  });
  p.get('/held');
  await p.settle();
  p.lookupError = new Error('EAI_AGAIN');
  p.get('/waits');
  await p.clock.advance(120_000);
  assert.ok(p.dials <= 1 + 3 + 120 / 5, `${p.dials} dials`);
  p.lookupError = undefined;
  refusing.add(address);
  for (let waited = 0; p.dialled.length < 2 && waited < 5_000; waited += 100) await p.clock.advance(100);
  assert.equal(p.dialled.length, 2, 'the name was looked up, and the port was closed');
  refusing.clear();
  await p.clock.advance(1_000); // retry.baseDelay
  assert.deepEqual(
    p.peers.map(({ requests }) => requests),
    [['/held'], ['/waits']],
  );
  p.transport.destroy();
});
