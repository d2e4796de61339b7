/** What becomes of a connection when a stall has ended: when it carries new requests again, and who does until then. */
import assert from 'node:assert/strict';
import { PassThrough } from 'node:stream';
import { test } from 'node:test';
import { uint32 } from '../support/harness.js';
import {
  bodyOf,
  connected,
  poolHarness,
  type Answer,
  type Pending,
  type PoolHarness,
  type PoolHarnessOptions,
} from '../support/pool-harness.js';
import { type as frameType } from '../support/raw-server.js';

type RequestBody = Parameters<PoolHarness['post']>[1];

/** Answers everything but the upload. */
const answerOthers: Answer = (peer, id, fields) => {
  if (fields.get(':path') !== '/up') peer.ok(id);
};

/** Connection 0 has been stalled for 1,000 ms, by an upload that its socket takes and its peer does not read. */
async function stalled(
  options: PoolHarnessOptions = {},
  body: RequestBody = bodyOf(1 << 24),
): Promise<{ p: PoolHarness; up: Pending }> {
  const p = poolHarness({
    answer: answerOthers,
    peer: { initialWindowSize: 1 << 30 },
    readIdleTimeout: 0,
    probeAfter: 0,
    ...options,
  });
  const first = p.get('/first');
  await p.clock.advance(options.dialTime ?? 0);
  assert.equal(first.status, 200);
  p.peer(0).send(frameType.windowUpdate, 0, 0, uint32(1 << 30));
  p.peer(0).holdsBack = true;
  p.peer(0).stallNow(30_000);
  const up = p.post('/up', body);
  await p.clock.advance(1_000);
  assert.ok(p.peer(0).blocked);
  return { p, up };
}

/** The socket takes a burst of chunks, and is as full as before. */
async function burst(p: PoolHarness): Promise<void> {
  p.peer(0).takeMore(400_000);
  await p.settle();
  assert.ok(p.peer(0).blocked, 'it is full again');
}

/** A second stall, of half a second, and its end. */
async function stallsAgainAndResumes(p: PoolHarness): Promise<void> {
  await burst(p);
  await p.clock.advance(500);
  await resumes(p);
}

/** The socket takes whatever there is. */
async function resumes(p: PoolHarness): Promise<void> {
  p.peer(0).resume();
  for (let i = 0; i < 40; i++) await p.settle();
  assert.ok(!p.peer(0).blocked);
}

async function getsGoTo(p: PoolHarness, peer: number, why: string): Promise<void> {
  const before = p.peers.map(({ requests }) => requests.length);
  const call = p.get('/small');
  await p.settle();
  assert.equal(call.status, 200, why);
  const after = p.peers.map(({ requests }) => requests.length);
  assert.equal(after[peer], (before[peer] ?? 0) + 1, why);
}

test('a chunk that goes through does not bring requests back to a connection whose socket holds megabytes', async () => {
  const { p } = await stalled();
  await getsGoTo(p, 1, 'around the stall');
  for (let i = 0; i < 20; i++) {
    const state = (): unknown => p.transport.stats().origins[0]?.connections[0]?.state;
    assert.equal(state(), 'stalled');
    await burst(p);
    assert.equal(state(), 'recovering');
    for (let j = 0; j < 5; j++) {
      await getsGoTo(p, 1, `burst ${i}`);
      await p.clock.advance(10);
    }
    await p.clock.advance(1_000);
  }
  assert.equal(p.dials, 2, 'one extra connection for it, and no more');
  p.transport.destroy();
});

test('a request that comes just after a stall has ended gets its way around as one that came during it', async () => {
  const { p } = await stalled();
  await burst(p);
  const calls = [p.get('/1'), p.get('/2')];
  await p.settle();
  assert.deepEqual(
    calls.map(({ status }) => status),
    [200, 200],
  );
  assert.deepEqual([p.dials, p.peer(1).requests.length], [2, 2]);
  p.transport.destroy();
});

test('requests that wait for the end of a stall are not all bound by the first chunk that goes through', async () => {
  const { p } = await stalled({ dialTime: 50 });
  const calls = Array.from({ length: 20 }, (_, i) => p.get(`/${i}`));
  await p.clock.advance(20);
  await burst(p);
  await p.clock.advance(30);
  assert.ok(calls.every(({ status }) => status === 200));
  assert.equal(p.peer(1).requests.length, 20);
  p.transport.destroy();
});

test('the answer to a PING that followed the stall brings the connection back, also with nothing left to write', async () => {
  const { p, up } = await stalled();
  await getsGoTo(p, 1, 'around the stall');
  await resumes(p);
  await p.clock.advance(5_000);
  await getsGoTo(p, 1, 'the upload is written, and nobody has read it');
  p.peer(0).read();
  assert.equal(p.peer(0).pings, 1);
  await getsGoTo(p, 0, 'the oldest is first again');
  p.peer(0).answerAll();
  await p.settle();
  assert.equal(up.status, 200);
  assert.equal(p.dials, 2);
});

test('the answer to a PING from before another stall says nothing of it', async () => {
  const { p } = await stalled();
  await getsGoTo(p, 1, 'around the stall');
  await stallsAgainAndResumes(p);
  p.peer(0).read();
  assert.equal(p.peer(0).pings, 1);
  await getsGoTo(p, 1, 'what came after it is unread');
  p.transport.destroy();
});

test('without a PING to spare, time without another stall brings it back: three times as long as the stall was', async () => {
  const { p } = await stalled();
  await getsGoTo(p, 1, 'around the stall');
  await stallsAgainAndResumes(p);
  await p.clock.advance(1_499);
  await getsGoTo(p, 1, 'not yet');
  await p.clock.advance(1);
  p.peer(0).read();
  assert.equal(p.peer(0).pings, 1, 'one, and one is left for a silence');
  await getsGoTo(p, 0, 'it may have carried what it held');
  p.transport.destroy();
});

test('a request that waits for a dial goes out on the connection that has recovered before', async () => {
  const { p } = await stalled({ dialTime: 9_000 });
  const call = p.get('/1');
  await stallsAgainAndResumes(p);
  await p.clock.advance(1_499);
  assert.equal(p.transport.stats().queued, 1);
  await p.clock.advance(1);
  assert.equal(p.transport.stats().queued, 0);
  p.peer(0).read();
  await p.settle();
  assert.equal(call.status, 200);
  p.transport.destroy();
});

test('a response on the connection gives it another PING to ask with', async () => {
  const { p } = await stalled();
  await getsGoTo(p, 1, 'around the stall');
  await stallsAgainAndResumes(p);
  p.peer(0).read();
  assert.equal(p.peer(0).pings, 1);
  await getsGoTo(p, 1, 'no more than time can tell');
  p.peer(0).answerAll();
  await p.settle();
  assert.equal(p.peer(0).pings, 2);
  await getsGoTo(p, 0, 'it was answered');
});

test('calm that is broken soon was no sign of recovery: twice as long is asked for next time', async () => {
  const source = new PassThrough({ highWaterMark: 1 << 20 });
  const write = (): unknown => source.write(Buffer.alloc(100_000));
  write();
  const { p } = await stalled({}, source);
  await getsGoTo(p, 1, 'around the stall');
  // A source hardly faster than the link: 1,000 ms until the socket is full, 200 ms until it has room again.
  for (let i = 0; i < 6; i++) {
    await resumes(p);
    await p.clock.advance(900);
    if (i > 1) await getsGoTo(p, 1, 'it would stall again in a moment');
    await p.clock.advance(100);
    p.peer(0).stallNow();
    write();
    await p.clock.advance(200);
    assert.ok(p.peer(0).blocked);
  }
  assert.ok(p.peer(0).pings <= 1);
  await resumes(p);
  await p.clock.advance(2_000);
  p.peer(0).read();
  await getsGoTo(p, 0, 'for twice as long as last time it has not stalled');
  p.transport.destroy();
});

test('with no other way to go, a connection is used as soon as it is no longer stalled', async () => {
  const { p } = await stalled({ maxConnectionsPerOrigin: 1 });
  const waiting = [p.get('/1'), p.get('/2')];
  const sent = (): unknown => p.transport.stats().origins[0]?.connections[0]?.requests;
  assert.equal(sent(), 2);
  await resumes(p);
  assert.equal(sent(), 4, 'nothing says yet that the peer reads');
  waiting.push(p.get('/3'));
  assert.equal(sent(), 5, 'in the same turn, as at any other time');
  p.peer(0).read();
  await p.settle();
  assert.deepEqual(new Set(waiting.map(({ status }) => status)), new Set([200]));
  assert.deepEqual(p.peer(0).requests, ['/first', '/up', '/1', '/2', '/3']);
  p.transport.destroy();
});

test('in strict mode a connection that recovers is used where the one around it is full', async () => {
  const { p } = await stalled({
    strictMaxConcurrentStreams: true,
    peer: { initialWindowSize: 1 << 30, maxConcurrentStreams: 2 },
    answer: (peer, id, fields) => {
      if (fields.get(':path') === '/first') peer.ok(id);
    },
  });
  p.get('/1');
  p.get('/2');
  await p.settle();
  assert.deepEqual(p.peer(1).requests, ['/1', '/2']);
  p.get('/3');
  await p.settle();
  await resumes(p);
  p.peer(0).read();
  assert.deepEqual(p.peer(0).requests, ['/first', '/up', '/3']);
  assert.equal(p.dials, 2);
  p.transport.destroy();
});

test('a dial that fails leaves its requests the connection that recovers', async () => {
  const { p } = await stalled({ dialTime: 500, dialErrors: [undefined, new Error('refused')], connectTimeout: 0 });
  const call = p.get('/1');
  await p.clock.advance(100);
  await resumes(p);
  assert.equal(p.dials, 2);
  await p.clock.advance(400);
  assert.equal(p.transport.stats().origins[0]?.connections[0]?.requests, 3);
  p.peer(0).read();
  await p.settle();
  assert.equal(call.status, 200);
  p.transport.destroy();
});

test('a connection of one’s own says that it recovers, and takes requests all the same', async () => {
  const { p, conn, send } = await connected({ peer: { initialWindowSize: 1 << 30 }, answer: answerOthers });
  p.peer(0).holdsBack = true;
  p.peer(0).stallNow();
  send('/up', { method: 'POST', body: bodyOf(1 << 20) });
  await p.clock.advance(100);
  const states = (): boolean[] => [conn.state().stalled, conn.state().recovering, conn.canTakeNewRequest()];
  assert.deepEqual(states(), [true, false, false]);
  const waiting = send('/waits');
  await resumes(p);
  assert.deepEqual(states(), [false, true, true]);
  p.peer(0).read();
  await p.settle();
  assert.deepEqual(states(), [false, false, true]);
  assert.equal(waiting.status, 200);
});

// --- the wait for a way around ---

for (const [how, options, drains] of [
  ['took as many requests as it may', { maxRequestsPerConnection: 2 }, false],
  ['was told to go away', {}, true],
  ['was idle for too long', { idleTimeout: 20 }, false],
] as const) {
  test(`a way around that did its work and then ${how} makes the next one wait for nothing`, async () => {
    const { p } = await stalled(options);
    for (let i = 0; i < 12; i++) {
      const call = p.get(`/${i}`);
      await p.settle();
      assert.equal(call.status, 200, `request ${i}`);
      if (drains) p.peers.at(-1)?.goAway(1 << 30);
      await p.clock.advance(30);
    }
    assert.ok(p.dials > 6);
    p.transport.destroy();
  });
}

test('ways around that come to nothing are tried at a growing distance', async () => {
  const { p } = await stalled({ answer: (peer, id) => (peer.index === 0 ? peer.ok(id) : undefined) });
  const dials: number[] = [];
  const begun = p.clock.now();
  for (let i = 0; i < 600; i++) {
    p.get('/lost', { timeout: 5 });
    await p.settle();
    if (p.dials > dials.length + 1) {
      dials.push(p.clock.now() - begun);
      p.peers.at(-1)?.drop();
    }
    await p.clock.advance(10);
  }
  const gaps = dials.slice(1).map((at, i) => at - (dials[i] ?? 0));
  assert.ok(dials.length <= 7, `${dials.length} dials in 6 s: ${gaps.join(' ')}`);
  p.transport.destroy();
});

test('when the stalled connection is lost, the way around it may be gone around in its turn', async () => {
  const { p } = await stalled({ writeTimeout: 3_000 });
  await getsGoTo(p, 1, 'around the stall');
  p.peer(1).stallNow();
  p.post('/up', bodyOf(1 << 20)());
  await p.clock.advance(2_100);
  assert.equal(p.peer(0).destroyed, true);
  const dials = p.dials;
  const call = p.get('/next');
  await p.clock.advance(200);
  assert.equal(call.status, 200);
  assert.ok(p.dials > dials - 1);
  p.transport.destroy();
});
