/** A process that is starved, stopped or busy with itself takes none of that for trouble of its peers, and dials for none. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { poolHarness, type Answer, type PoolHarness } from '../support/pool-harness.js';

/** All but what is to be in the way. */
const answerOthers: Answer = (peer, id, fields) => {
  if (fields.get(':path') !== '/slow') peer.ok(id);
};

/** One connection, whose peer owes an answer and has said nothing for as long as makes it be asked for a sign of life. */
async function silentForASecond(): Promise<PoolHarness> {
  const p = poolHarness({ answer: answerOthers });
  p.get('/slow');
  await p.settle();
  await p.clock.advance(1_000);
  return p;
}

test('a dial that was under way when the event loop was blocked has its time once more', async () => {
  const p = poolHarness({ answer: answerOthers, dialTimes: [1_200] });
  const call = p.get('/');
  await p.clock.wakeAfter(1_050); // longer than probeAfter; the handshake goes on from here
  const beside = p.get('/');
  await p.clock.advance(150);
  assert.deepEqual([call.status, beside.status, p.dials], [200, 200, 1]);
  p.transport.destroy();
});

test('a dial that stays silent after that is gone around', async () => {
  const p = poolHarness({ answer: answerOthers, dialTimes: [Infinity, 20] });
  const call = p.get('/');
  await p.clock.wakeAfter(1_050);
  await p.clock.advance(1_020);
  assert.deepEqual([call.status, p.dials], [200, 2]);
  p.transport.destroy();
});

test('a write that ends soon after the event loop was blocked is no stall', async () => {
  const p = poolHarness({ answer: answerOthers });
  p.get('/');
  await p.settle();
  p.peer(0).stallNow();
  p.get('/');
  await p.settle();
  const call = p.get('/');
  await p.clock.wakeAfter(300);
  await p.clock.advance(50);
  p.peer(0).resume();
  await p.settle();
  assert.deepEqual([call.status, p.dials], [200, 1]);
  p.transport.destroy();
});

test('a silent peer has its time from when the PING goes out, however long the process was busy before', async () => {
  const p = await silentForASecond();
  p.peer(0).holdsBack = true; // what it is sent has a way to go
  const call = p.get('/');
  p.clock.block(101);
  await p.clock.advance(50);
  p.peer(0).read();
  await p.settle();
  assert.deepEqual([call.status, p.dials], [200, 1]);
  p.transport.destroy();
});

test('a process that gets its turns late all the time finds a dead connection all the same', async () => {
  const p = await silentForASecond();
  p.peer(0).answersPings = false;
  const call = p.get('/');
  await p.settle();
  for (let turn = 0; turn < 10; turn++) await p.clock.wakeAfter(50);
  assert.deepEqual([call.status, p.dials], [200, 2]);
  p.transport.destroy();
});
