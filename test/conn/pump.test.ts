import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { ByteTransport } from '../../dist/ports/byte-transport.js';
import { WritePump, type PumpSource } from '../../dist/conn/pump.js';
import { nodeClock } from '../../dist/node/clock.js';

const chunk = 65_536;
/** What may go out in one turn of the event loop: up to the limit, and the chunk that crosses it. */
const mostInOneTurn = 262_144 + chunk;

/** A pump with so many bytes at hand, on a socket that takes every chunk at once, as the kernel does while it has room. */
function pumpOf(size: number) {
  const state = { left: size, written: 0 };
  const source: PumpSource = {
    take(limit) {
      const bytes = new Uint8Array(Math.min(state.left, limit, chunk));
      state.left -= bytes.length;
      return bytes;
    },
    taken: () => undefined,
    flushing: () => undefined,
    wrote: () => undefined,
  };
  const transport: Pick<ByteTransport, 'write'> = {
    write(bytes, done) {
      state.written += bytes.length;
      process.nextTick(done);
    },
  };
  return { state, pump: new WritePump(transport as ByteTransport, source, nodeClock) };
}

const nextTurn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

/** Ticks of one turn of the event loop. */
async function ticks(count: number): Promise<void> {
  for (let i = 0; i < count; i++) await new Promise<void>((resolve) => process.nextTick(resolve));
}

test('reading and timers go on beside an upload, however much of it the socket takes at once', async () => {
  const { state, pump } = pumpOf(100 * chunk);
  pump.wake();
  let turns = 0;
  while (state.left > 0) {
    const before = state.written;
    await nextTurn();
    turns++;
    assert.ok(state.written - before <= mostInOneTurn, `${state.written - before} bytes in one turn`);
  }
  assert.ok(turns >= 20, `in ${turns} turns`);
  assert.equal(state.written, 100 * chunk);
});

test('what wakes the pump while it waits for the poll does not have it write sooner', async () => {
  const { state, pump } = pumpOf(20 * chunk);
  pump.wake();
  await ticks(40);
  assert.equal(state.written, 4 * chunk);
  pump.wake();
  await ticks(40);
  assert.equal(state.written, 4 * chunk);
});

test('small writes are never put off on a connection that is being read', async () => {
  const { state, pump } = pumpOf(0);
  for (let i = 0; i < 20; i++) {
    state.left = chunk;
    pump.polled();
    pump.wake();
    await ticks(4);
    assert.equal(state.left, 0, `write ${i}`);
  }
});

test('last words wait for no poll', async () => {
  const { state, pump } = pumpOf(20 * chunk);
  pump.wake();
  await ticks(40);
  assert.equal(state.written, 4 * chunk);
  const drained = new Promise<void>((resolve) => pump.drain(resolve));
  let turned = false;
  setImmediate(() => (turned = true));
  await drained;
  assert.equal(state.left, 0);
  assert.equal(turned, false);
});
