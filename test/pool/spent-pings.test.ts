/** A peer that has had as many PINGs as it may is asked with empty SETTINGS, whose ACK it owes as well. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { uint32 } from '../support/harness.js';
import { poolHarness, type Answer, type PoolHarness } from '../support/pool-harness.js';
import { flag, type as frameType } from '../support/raw-server.js';

const answer: Answer = (peer, id, fields) => {
  if (fields.get(':path') !== '/slow') peer.ok(id);
};

/** One connection with a request that is not answered, whose two PINGs are spent. */
async function spent(options: Parameters<typeof poolHarness>[0] = {}): Promise<PoolHarness> {
  const p = poolHarness({ answer, idleTimeout: 0, ...options });
  p.get('/slow');
  await p.clock.advance(40_000);
  assert.equal(p.peer(0).pings, 2);
  return p;
}

/** The same on the origin's second connection, after the server ended the first since it had been asked too much. */
async function spentBesideComplaint(): Promise<PoolHarness> {
  const p = poolHarness({ answer, idleTimeout: 0 });
  p.get('/quick');
  await p.settle();
  const complaint = Buffer.concat([uint32(0x7fff_ffff, 0xb), Buffer.from('too_many_pings')]);
  p.peer(0).send(frameType.goaway, 0, 0, complaint);
  await p.settle();
  p.get('/slow');
  await p.clock.advance(40_000);
  assert.deepEqual([p.dials, p.peer(1).pings], [2, 2]);
  return p;
}

test('a server that vanishes when its PINGs are spent is gone around within a probe and a dial, and is not asked twice', async () => {
  const p = await spent();
  p.peer(0).answersPings = false;
  const calls = Array.from({ length: 40 }, () => p.get('/quick'));
  await p.clock.advance(100);
  assert.deepEqual(new Set(calls.map(({ status }) => status)), new Set([200]));
  assert.deepEqual([p.dials, p.peer(0).pings, p.peer(0).questions], [2, 2, 1]);
  await p.clock.advance(10_000);
  p.get('/quick');
  await p.clock.advance(1_000);
  assert.deepEqual([p.dials, p.peer(0).questions], [2, 1], 'the first has no answer yet');
  p.transport.destroy();
});

test('a server that is quiet and lives is asked once in probeAfter, only while a request waits, and keeps its one connection', async () => {
  const p = await spent();
  await p.clock.advance(60_000);
  assert.equal(p.peer(0).questions, 0, 'nobody waits');
  for (let i = 0; i < 240; i++) {
    p.get('/slow');
    await p.clock.advance(500);
  }
  assert.deepEqual([p.dials, p.peer(0).pings, p.peer(0).requests.length], [1, 2, 241]);
  assert.ok(p.peer(0).questions > 0 && p.peer(0).questions <= 120, `${p.peer(0).questions} in two minutes`);
  p.transport.destroy();
});

test('one that stays quiet and has complained is asked as rarely as servers put up with, and what comes meanwhile goes elsewhere', async () => {
  const p = await spentBesideComplaint();
  for (let i = 0; i < 60; i++) {
    p.get('/slow');
    await p.clock.advance(1_000);
  }
  await p.clock.advance(5_000);
  const peers = Array.from({ length: p.dials - 1 }, (_, i) => p.peer(i + 1));
  assert.ok(peers.length > 1);
  for (const { questions } of peers) assert.ok(questions <= 13, `${questions} SETTINGS in a minute`);
  assert.equal(
    peers.reduce((sum, { requests }) => sum + requests.length, 0),
    61,
    'none waits',
  );
  p.transport.destroy();
});

test('a server that vanishes when it has had its SETTINGS as well is gone around without a question', async () => {
  const p = await spentBesideComplaint();
  while (p.peer(1).questions < 7) {
    p.get('/slow');
    await p.clock.advance(1_000);
  }
  p.peer(1).answersPings = false;
  const calls = Array.from({ length: 40 }, () => p.get('/quick'));
  await p.clock.advance(1_000);
  assert.deepEqual(new Set(calls.map(({ status }) => status)), new Set([200]));
  assert.deepEqual([p.dials, p.peer(1).pings, p.peer(1).questions], [3, 2, 7]);
  p.transport.destroy();
});

test('while the ACK of one SETTINGS is owed no second is sent, whatever else comes', async () => {
  const p = await spent();
  const peer = p.peer(0);
  peer.answersPings = false;
  for (let i = 0; i < 5; i++) {
    await p.clock.advance(1_500);
    p.get('/slow');
    await p.settle();
    peer.send(frameType.ping, flag.ack, 0, Buffer.alloc(8)); // a sign of life, and no ACK
    await p.settle();
  }
  assert.deepEqual([peer.questions, p.dials], [1, 1]);
  peer.send(frameType.settings, flag.ack, 0);
  await p.clock.advance(40_000);
  p.get('/slow');
  await p.settle();
  assert.equal(peer.questions, 2);
  p.transport.destroy();
});

test('an ACK of SETTINGS that were not sent is a protocol error, also after some that were', async () => {
  const p = await spent();
  p.get('/slow');
  await p.settle();
  assert.equal(p.peer(0).questions, 1);
  p.peer(0).send(frameType.settings, flag.ack, 0);
  await p.settle();
  assert.deepEqual(p.peer(0).goAways, [1]);
  p.transport.destroy();
});

test('a peer that goes on with old answers and reads nothing is sent one PING, however often it falls silent', async () => {
  const p = poolHarness({ probeAfter: 100, answer, maxConnectionsPerOrigin: 2 });
  for (let i = 0; i < 6; i++) p.get('/slow');
  await p.settle();
  p.peer(0).holdsBack = true;
  for (let i = 0; i < 5; i++) {
    await p.clock.advance(150);
    p.get('/quick');
    await p.clock.advance(150);
    p.peer(0).ok(1 + 2 * i);
    await p.settle();
  }
  p.peer(0).read();
  assert.equal(p.peer(0).pings, 1);
  p.transport.destroy();
});
