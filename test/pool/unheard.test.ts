/** What has come while the event loop was blocked is heard before anybody is asked whether he lives. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { begins } from '../support/downloads.js';
import { uint32 } from '../support/harness.js';
import { bodyOf, poolHarness, type Answer } from '../support/pool-harness.js';
import { type as frameType } from '../support/raw-server.js';

const answer: Answer = (peer, id, fields) => {
  if (fields.get(':path') === '/long') begins(peer, id, fields);
  else peer.ok(id);
};

test('a request made after a blocked event loop asks for no sign of life where one is there unread', async () => {
  const p = poolHarness({ answer });
  p.get('/long');
  await p.settle();
  for (let round = 0; round < 5; round++) {
    setImmediate(() => p.peer(0).data(1, 'it lives'));
    p.clock.block(1_500);
    const call = p.get('/other');
    await p.settle();
    assert.equal(call.status, 200);
  }
  assert.deepEqual([p.dials, p.peer(0).pings, p.peer(0).questions], [1, 0, 0]);
  p.transport.destroy();
});

test('after a blocked event loop a server that says nothing is asked all the same', async () => {
  const p = poolHarness({ answer });
  p.get('/long');
  await p.settle();
  p.clock.block(1_500);
  const call = p.get('/other');
  await p.settle();
  assert.deepEqual([call.status, p.dials, p.peer(0).pings], [200, 1, 1]);
  p.transport.destroy();
});

test('a connection that recovers from a stall and is silent is asked at once where there is no other to go to', async () => {
  const p = poolHarness({ answer, peer: { initialWindowSize: 1 << 30 }, maxConnectionsPerOrigin: 1, probeAfter: 300 });
  p.get('/first');
  await p.settle();
  p.peer(0).send(frameType.windowUpdate, 0, 0, uint32(1 << 30));
  p.peer(0).holdsBack = true;
  p.peer(0).stallNow(30_000);
  p.post('/long', bodyOf(1 << 20));
  await p.clock.advance(1_000);
  p.peer(0).resume();
  for (let i = 0; i < 40; i++) await p.settle();
  await p.clock.advance(400);
  const call = p.get('/other');
  await p.settle();
  assert.deepEqual([call.status, p.transport.stats().origins[0]?.connections[0]?.state], [undefined, 'silent']);
  p.peer(0).read();
  await p.clock.advance(100);
  assert.equal(call.status, 200);
  p.transport.destroy();
});
