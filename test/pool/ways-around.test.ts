/** A connection that was dialled to get around another may come to be blocked as well. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { uint32 } from '../support/harness.js';
import { bodyOf, poolHarness, type Answer } from '../support/pool-harness.js';
import { type as frameType } from '../support/raw-server.js';

const answerQuick: Answer = (peer, id, fields) => {
  if (fields.get(':path') === '/quick') peer.ok(id);
};

test('when the connection around a stalled one stalls too, it is gone around in its turn', async () => {
  const p = poolHarness({ stallAfter: [1_024, 100] });
  p.post('/up', bodyOf(1 << 20));
  await p.settle();
  p.get('/b');
  await p.clock.advance(300);
  assert.equal(p.dials, 2, 'nothing has come of the last dial, so the next one waits for twice as long');
  const later = p.get('/c');
  await p.clock.advance(100);
  assert.deepEqual([later.status, p.dials], [200, 3]);
});

test('each way around that serves and then blocks is gone around by one, as fast as the first', async () => {
  const p = poolHarness({ answer: answerQuick });
  p.get('/quick');
  await p.settle();
  for (let blocked = 0; blocked < 3; blocked++) {
    p.peer(blocked).stallNow(20_000);
    p.post('/up', bodyOf(1 << 20));
    await p.settle();
    const calls = Array.from({ length: 50 }, () => p.get('/quick'));
    await p.clock.advance(100);
    assert.deepEqual(new Set(calls.map(({ status }) => status)), new Set([200]));
    assert.equal(p.dials, blocked + 2, 'one more than are blocked');
  }
  await p.clock.advance(5_000);
  assert.equal(p.dials, 4, 'nobody waits');
  p.transport.destroy();
});

test('a way around that falls silent is gone around within a probe', async () => {
  const p = poolHarness({ answer: answerQuick });
  p.get('/quick');
  await p.settle();
  p.peer(0).stallNow(20_000);
  p.post('/up', bodyOf(1 << 20));
  await p.settle();
  p.get('/slow');
  await p.clock.advance(100);
  assert.equal(p.dials, 2);
  p.peer(1).answersPings = false;
  await p.clock.advance(1_000);
  const call = p.get('/quick');
  await p.clock.advance(200);
  assert.deepEqual([call.status, p.dials], [200, 3]);
  p.transport.destroy();
});

test('a way around that falls silent once the connection before it has grown too old is gone around within a probe', async () => {
  const p = poolHarness({ answer: answerQuick, maxConnectionAge: 20_000 });
  p.get('/quick');
  await p.clock.advance(14_000);
  p.peer(0).holdsBack = true;
  p.get('/lost');
  await p.clock.advance(1_000);
  p.get('/quick');
  await p.clock.advance(100);
  assert.equal(p.dials, 2);
  await p.clock.advance(6_000); // the first takes no more requests, and has not been given up
  p.peer(1).holdsBack = true;
  p.get('/lost');
  await p.clock.advance(1_000);
  const call = p.get('/quick');
  await p.clock.advance(100);
  assert.deepEqual([call.status, p.dials], [200, 3]);
  p.transport.destroy();
});

test('uploads that stall by turns keep nobody waiting for the moment when both do', async () => {
  const p = poolHarness({ answer: answerQuick, peer: { initialWindowSize: 1 << 30 } });
  p.get('/quick');
  await p.settle();
  for (const index of [0, 1]) {
    p.peer(index).send(frameType.windowUpdate, 0, 0, uint32(1 << 30));
    p.peer(index).stallNow(100_000);
    p.post('/up', bodyOf(10 << 20));
    await p.clock.advance(100);
    if (index === 0) p.get('/quick');
    await p.settle();
  }
  // Each takes a little every 150 ms, and blocks again.
  const call = p.get('/quick');
  for (let turn = 0; turn < 4 && call.state === 'pending'; turn++) {
    p.peer(turn % 2).takeMore(130_000);
    await p.clock.advance(75);
  }
  assert.deepEqual([call.status, p.dials], [200, 3]);
  p.transport.destroy();
});
