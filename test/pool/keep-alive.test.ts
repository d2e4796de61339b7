/** What keeps the process alive while somebody waits. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { KeepAlive } from '../../dist/pool/keep-alive.js';
import { VirtualClock } from '../support/virtual-clock.js';

test('one timer holds the process for as long as somebody waits, and leaves nothing behind', () => {
  const clock = new VirtualClock();
  const keepAlive = new KeepAlive(clock);
  for (const wanted of [false, true, true, false, false, true, false]) {
    keepAlive.while(wanted);
    assert.deepEqual([clock.size, clock.holding], wanted ? [1, 1] : [0, 0]);
  }
});
