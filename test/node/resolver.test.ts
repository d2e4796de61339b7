import assert from 'node:assert/strict';
import { AsyncLocalStorage } from 'node:async_hooks';
import type { LookupFunction } from 'node:net';
import { createServer } from 'node:net';
import { test } from 'node:test';
import { nodeClock } from '../../dist/node/clock.js';
import { NodeDialler } from '../../dist/node/dial.js';
import { lookUp } from '../../dist/node/address.js';
import { Resolver, type ResolverOptions } from '../../dist/node/resolver.js';
import { h2, listen, originOf, VirtualClock } from './helpers.js';

const never = new AbortController().signal;

/** Names over a dns.lookup that the test answers, on a clock that it moves. */
function namesOf(options: ResolverOptions = {}) {
  const clock = new VirtualClock();
  const asked: string[] = [];
  const waiting: ((error: Error | null, found: { address: string; family: number }[]) => void)[] = [];
  const lookup: LookupFunction = (hostname, _options, callback) => {
    asked.push(hostname);
    waiting.push(callback);
  };
  const names = new Resolver(options, clock, (name, family) => lookUp(name, lookup, family));
  const told = () => new Promise(setImmediate);
  return {
    clock,
    asked,
    names,
    lookup,
    /** Answers the look-up that has waited longest. */
    answer: async (...addresses: string[]) => {
      waiting.shift()?.(
        null,
        addresses.map((address) => ({ address, family: 4 })),
      );
      await told();
    },
    fail: async (error: Error) => {
      waiting.shift()?.(error, []);
      await told();
    },
    /** A dial that connects at once: tells the addresses that it was given. */
    dial: (hostname = 'a.test', signal = never) =>
      names.connect(hostname, (addresses) => Promise.resolve(addresses.join()), signal),
    /** A dial that cannot connect to any but `good`. `tried` tells what it was given. */
    dialBut: (good: string | undefined, tried: string[]) =>
      names.connect(
        'a.test',
        async (addresses) => {
          tried.push(addresses.join());
          if (good !== undefined && addresses.includes(good)) return good;
          throw await Promise.resolve(new Error(`none of ${addresses.join()} can be reached`));
        },
        never,
      ),
  };
}

test('dials to one name at one time share a look-up, and each name has its own', async () => {
  const n = namesOf();
  const dials = [n.dial(), n.dial(), n.dial('b.test'), n.dial()];
  assert.deepEqual(n.asked, ['a.test', 'b.test']);
  await n.answer('10.0.0.1', '10.0.0.2');
  await n.answer('10.0.0.3');
  const both = '10.0.0.1,10.0.0.2';
  assert.deepEqual(await Promise.all(dials), [both, both, '10.0.0.3', both]);
});

test('of dials that share a look-up, one that is aborted leaves it to the others', async () => {
  const n = namesOf();
  const controller = new AbortController();
  const first = n.dial('a.test', controller.signal);
  const second = n.dial();
  const reason = new Error('enough');
  controller.abort(reason);
  await assert.rejects(first, (error) => error === reason);
  const third = n.dial();
  await n.answer('10.0.0.1');
  assert.deepEqual(await Promise.all([second, third]), ['10.0.0.1', '10.0.0.1']);
  assert.equal(n.asked.length, 1);
});

test('a look-up whose only dial was aborted is of use to those who come later', async () => {
  const n = namesOf();
  const controller = new AbortController();
  const aborted = n.dial('a.test', controller.signal);
  controller.abort(new Error('enough'));
  await assert.rejects(aborted);
  await n.answer('10.0.0.1');
  assert.equal(await n.dial(), '10.0.0.1');
  assert.equal(n.asked.length, 1);
});

test('an answer is kept for ten seconds from when it came', async () => {
  const n = namesOf();
  const first = n.dial();
  n.clock.advance(3_000);
  await n.answer('10.0.0.1');
  await first;
  n.clock.advance(9_999);
  assert.equal(await n.dial(), '10.0.0.1');
  assert.equal(n.asked.length, 1);
  n.clock.advance(1);
  const anew = n.dial();
  assert.equal(n.asked.length, 2);
  await n.answer('10.0.0.2');
  assert.equal(await anew, '10.0.0.2');
  assert.equal(n.clock.pending, 0, 'no timer');
});

test('a failure is told to all who wait for it, and is not kept', async () => {
  const n = namesOf();
  const dials = Promise.allSettled([n.dial(), n.dial()]);
  const failure = Object.assign(new Error('no server'), { code: 'EAI_AGAIN' });
  await n.fail(failure);
  for (const dial of await dials) assert.ok(dial.status === 'rejected' && dial.reason === failure);
  const next = n.dial();
  assert.equal(n.asked.length, 2);
  await n.answer('10.0.0.1');
  assert.equal(await next, '10.0.0.1');
});

test('a look-up that hangs is waited for by nobody who comes a second later, and its outcome is too late', async () => {
  for (const outcome of ['an answer', 'a failure']) {
    const n = namesOf();
    const first = n.dial();
    n.clock.advance(999);
    const hanging = Promise.allSettled([first, n.dial()]);
    assert.equal(n.asked.length, 1, 'it may still be answered');
    n.clock.advance(1);
    const next = n.dial();
    assert.equal(n.asked.length, 2);
    await (outcome === 'an answer' ? n.answer('10.0.0.1') : n.fail(new Error('no server')));
    assert.equal((await hanging)[0].status, outcome === 'an answer' ? 'fulfilled' : 'rejected');
    const late = n.dial();
    await n.answer('10.0.0.2');
    assert.deepEqual(await Promise.all([next, late, n.dial()]), ['10.0.0.2', '10.0.0.2', '10.0.0.2']);
    assert.equal(n.asked.length, 2, `after ${outcome}`);
  }
});

test('an answer from which no address could be connected to is dropped, and asked for once', async () => {
  const n = namesOf();
  const tried: string[] = [];
  const dial = n.dialBut(undefined, tried);
  dial.catch(() => undefined);
  await n.answer('10.0.0.1');
  await assert.rejects(dial, { message: 'none of 10.0.0.1 can be reached' });
  assert.deepEqual([tried, n.asked.length], [['10.0.0.1'], 1], 'it was new: nothing else would come of asking again');
  const next = n.dial();
  assert.equal(n.asked.length, 2);
  await n.answer('10.0.0.2');
  assert.equal(await next, '10.0.0.2');
});

test('where a kept answer leads nowhere, the dial asks once more and goes on to the addresses that are new', async () => {
  const n = namesOf();
  const first = n.dial();
  await n.answer('10.0.0.1', '10.0.0.2');
  await first;
  const tried: string[] = [];
  const dial = n.dialBut('10.0.0.3', tried);
  await new Promise(setImmediate);
  await n.answer('10.0.0.2', '10.0.0.3');
  assert.equal(await dial, '10.0.0.3');
  assert.deepEqual(tried, ['10.0.0.1,10.0.0.2', '10.0.0.3']);
  assert.equal(await n.dial(), '10.0.0.2,10.0.0.3', 'the new answer is kept');
  assert.equal(n.asked.length, 2);
});

test('where a kept answer leads nowhere and no address is new, the dial has failed, and the next asks anew', async () => {
  for (const again of ['10.0.0.1', '10.0.0.2']) {
    const n = namesOf();
    const first = n.dial();
    await n.answer('10.0.0.1');
    await first;
    const dial = n.dialBut(undefined, []);
    dial.catch(() => undefined);
    await new Promise(setImmediate);
    await n.answer(again);
    await assert.rejects(dial, { message: `none of ${again} can be reached` });
    assert.equal(n.asked.length, 2);
    void n.dial();
    assert.equal(n.asked.length, 3, again);
  }
});

test('where a kept answer leads nowhere and the name is gone, the dial fails as one that had asked', async () => {
  const n = namesOf();
  const first = n.dial();
  await n.answer('10.0.0.1');
  await first;
  const dial = n.dialBut(undefined, []);
  dial.catch(() => undefined);
  await new Promise(setImmediate);
  await n.fail(new Error('no such name'));
  await assert.rejects(dial, { message: 'no such name' });
});

test('dials that fail on one kept answer share the look-up that follows', async () => {
  const n = namesOf();
  const first = n.dial();
  await n.answer('10.0.0.1');
  await first;
  const dials = [n.dialBut('10.0.0.2', []), n.dialBut('10.0.0.2', [])];
  await new Promise(setImmediate);
  await n.answer('10.0.0.2');
  assert.deepEqual(await Promise.all(dials), ['10.0.0.2', '10.0.0.2']);
  assert.equal(n.asked.length, 2);
});

test('a dial that is given up while it connects drops the answer, and asks no more', async () => {
  const n = namesOf();
  const first = n.dial();
  await n.answer('10.0.0.1');
  await first;
  const controller = new AbortController();
  const { signal } = controller;
  const connect = (): Promise<never> =>
    new Promise((_, reject) => {
      signal.addEventListener('abort', () => reject(signal.reason as Error));
    });
  const dial = n.names.connect('a.test', connect, signal);
  await new Promise(setImmediate);
  const reason = new Error('no answer within connectTimeout');
  controller.abort(reason);
  await assert.rejects(dial, (error) => error === reason);
  assert.equal(n.asked.length, 1);
  void n.dial();
  assert.equal(n.asked.length, 2, 'but the next does');
});

test('a dial that fails late does not take a newer answer away', async () => {
  const n = namesOf();
  let fail = (): void => undefined;
  const connect = (): Promise<never> =>
    new Promise((_, reject) => {
      fail = () => reject(new Error('timed out'));
    });
  const late = n.names.connect('a.test', connect, never);
  await n.answer('10.0.0.1');
  n.clock.advance(10_000);
  const next = n.dial();
  await n.answer('10.0.0.2');
  await next;
  fail();
  await assert.rejects(late, { message: 'timed out' });
  assert.equal(await n.dial(), '10.0.0.2');
  assert.equal(n.asked.length, 2);
});

test('a thousand names are kept, and the one asked for longest ago goes first', async () => {
  const n = namesOf();
  const host = (i: number): string => `${i}.test`;
  for (let i = 0; i <= 1_000; i++) {
    const dial = n.dial(host(i));
    await n.answer('10.0.0.1');
    await dial;
  }
  assert.equal(n.asked.length, 1_001);
  for (let i = 1; i <= 1_000; i++) await n.dial(host(i));
  assert.equal(n.asked.length, 1_001, 'these are known');
  void n.dial(host(0));
  assert.deepEqual(n.asked.slice(1_001), [host(0)]);
});

test("a user's lookup is called for each dial, at one time and one after the other, and once for each", async () => {
  const asked: string[] = [];
  const lookup: LookupFunction = (hostname, _options, callback) => {
    asked.push(hostname);
    setImmediate(callback, null, [{ address: `10.0.0.${asked.length}`, family: 4 }]);
  };
  const n = namesOf({ lookup });
  await Promise.all([n.dial(), n.dial()]);
  await n.dial();
  assert.equal(asked.length, 3);
  await assert.rejects(n.dialBut(undefined, []), /can be reached/);
  assert.equal(asked.length, 4);
  assert.deepEqual(n.asked, [], 'and the built-in one never');
});

test("a look-up that dials share belongs to no request's AsyncLocalStorage context", async (t) => {
  const server = createServer((socket) => socket.on('error', () => undefined));
  t.after(() => server.close());
  const port = await listen(server);
  const storage = new AsyncLocalStorage<string>();
  const seen: (string | undefined)[] = [];
  const lookup: LookupFunction = (_hostname, _options, callback) => {
    seen.push(storage.getStore());
    setImmediate(callback, null, [{ address: '127.0.0.1', family: 4 }]);
  };
  const dialler = new NodeDialler(
    { allowHTTP1: true, cleartext: 'h2c' },
    new Resolver({}, nodeClock, (name, family) => lookUp(name, lookup, family)),
  );
  const dial = async (): Promise<string | undefined> => {
    h2(await dialler.dial(originOf('http:', 'a.test', port), never)).destroy();
    return storage.getStore();
  };
  const dials = [storage.run('first', dial), storage.run('second', dial)];
  assert.deepEqual(await Promise.all(dials), ['first', 'second']);
  assert.deepEqual(seen, [undefined]);
});

test(
  'a dial follows its name to the address that it has moved to',
  { skip: process.platform !== 'linux' && 'only Linux has 127.0.0.2 without being told' },
  async (t) => {
    const [before, after] = [createServer(), createServer()];
    for (const server of [before, after]) server.on('connection', (socket) => socket.on('error', () => undefined));
    const port = await listen(before);
    let address = '127.0.0.1';
    const lookup: LookupFunction = (_hostname, _options, callback) => callback(null, [{ address, family: 4 }]);
    const dialler = new NodeDialler(
      { allowHTTP1: true, cleartext: 'h2c' },
      new Resolver({}, nodeClock, (name, family) => lookUp(name, lookup, family)),
    );
    const dial = async (): Promise<string | undefined> => {
      const transport = h2(await dialler.dial(originOf('http:', 'a.test', port), never));
      transport.destroy();
      return transport.info.remoteAddress;
    };
    assert.equal(await dial(), '127.0.0.1');
    await new Promise((resolve) => before.close(resolve));
    await new Promise<void>((resolve) => after.listen(port, '127.0.0.2', resolve));
    t.after(() => after.close());
    address = '127.0.0.2';
    assert.equal(await dial(), '127.0.0.2');
  },
);
