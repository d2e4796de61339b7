import assert from 'node:assert/strict';
import { AsyncLocalStorage } from 'node:async_hooks';
import { spawnSync } from 'node:child_process';
import { test } from 'node:test';
import { nodeClock } from '../../dist/node/clock.js';

test('a timer fires once it is due, and not after it was cleared', async () => {
  const begun = nodeClock.now();
  const cleared = nodeClock.setTimer(5, () => assert.fail('cleared'), true);
  nodeClock.clearTimer(cleared);
  await new Promise<void>((resolve) => nodeClock.setTimer(20, resolve, true));
  // libuv counts in whole milliseconds, so a timer may be early by a part of one.
  assert.ok(nodeClock.now() - begun >= 19);
});

test('a delay beyond what setTimeout can count does not fire at once', async () => {
  const timer = nodeClock.setTimer(2 ** 40, () => assert.fail('fired'), false);
  await new Promise((resolve) => setTimeout(resolve, 20));
  nodeClock.clearTimer(timer);
});

test('deferred work runs after microtasks, and afterPoll after that', async () => {
  const order: string[] = [];
  await new Promise<void>((resolve) => {
    setImmediate(() => {
      nodeClock.afterPoll(() => {
        order.push('afterPoll');
        resolve();
      });
      nodeClock.defer(() => order.push('defer'));
      order.push('now');
    });
  });
  assert.deepEqual(order, ['now', 'defer', 'afterPoll']);
});

test('a process ends although a timer that does not keep it alive is running', () => {
  const script = `
    const { nodeClock } = await import(${JSON.stringify(import.meta.resolve('../../dist/node/clock.js'))});
    nodeClock.setTimer(3_600_000, () => undefined, false);
    nodeClock.setTimer(1, () => console.log('kept'), true);`;
  const child = spawnSync(process.execPath, ['--input-type=module', '-e', script], { timeout: 30_000 });
  assert.equal(child.status, 0);
  assert.equal(child.stdout.toString(), 'kept\n');
});

test("callbacks see no request's AsyncLocalStorage store", async () => {
  const storage = new AsyncLocalStorage<string>();
  const seen = await storage.run('request', () =>
    Promise.all([
      new Promise((resolve) => nodeClock.setTimer(1, () => resolve(storage.getStore()), true)),
      new Promise((resolve) => nodeClock.defer(() => resolve(storage.getStore()))),
      new Promise((resolve) => nodeClock.afterPoll(() => resolve(storage.getStore()))),
    ]),
  );
  assert.deepEqual(seen, [undefined, undefined, undefined]);
});
