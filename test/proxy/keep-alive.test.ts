import assert from 'node:assert/strict';
import { test } from 'node:test';
import { KeepAlive } from '../../dist/proxy/proxy-tunnel.js';
import { VirtualClock } from '../support/virtual-clock.js';

test('what keeps the process alive for several tunnels does so until the last lets go, and again for the next', () => {
  const clock = new VirtualClock();
  const keepAlive = new KeepAlive(clock);
  const timers = (step: () => void): number => {
    step();
    return clock.size;
  };
  const hold = (): void => keepAlive.hold();
  const release = (): void => keepAlive.release();
  assert.deepEqual([hold, hold, release, release, hold].map(timers), [1, 1, 1, 0, 1]);
});
