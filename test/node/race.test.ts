import assert from 'node:assert/strict';
import { test } from 'node:test';
import { race } from '../../dist/node/race.js';
import { VirtualClock } from './helpers.js';

interface FakeAttempt {
  readonly at: number;
  readonly succeeded: (value: string) => void;
  readonly failed: (error: Error) => void;
  givenUp: boolean;
}

/** A clock whose loop polls after each stretch of time that passes, or once it is told to. */
class PollingClock extends VirtualClock {
  #waiting: (() => void)[] = [];

  override afterPoll(callback: () => void): void {
    this.#waiting.push(callback);
  }

  polled(): void {
    for (const callback of this.#waiting.splice(0)) callback();
  }

  pass(milliseconds: number): void {
    const end = this.now() + milliseconds;
    while (this.now() < end) {
      this.advance(1);
      this.polled();
    }
  }
}

/** A race of fake attempts, by candidate, on a virtual clock. */
function raceOf(candidates: string[], throwsFor?: string, late?: number) {
  const clock = new PollingClock();
  const controller = new AbortController();
  const attempts = new Map<string, FakeAttempt>();
  const result = race<string, string>(
    candidates,
    (candidate, succeeded, failed) => {
      if (candidate === throwsFor) throw new Error(`${candidate} threw`);
      const attempt = { at: clock.now(), succeeded, failed, givenUp: false };
      attempts.set(candidate, attempt);
      return () => {
        attempt.givenUp = true;
      };
    },
    clock,
    controller.signal,
    late,
  );
  result.catch(() => undefined); // each test looks at the outcome itself, some only after a while
  const get = (candidate: string): FakeAttempt => {
    const attempt = attempts.get(candidate);
    assert.ok(attempt, `${candidate} has not been tried`);
    return attempt;
  };
  return { clock, controller, result, get, tried: () => [...attempts.keys()] };
}

test('an attempt that has connected while the event loop was blocked is not joined by another', async () => {
  const r = raceOf(['a', 'b']);
  r.clock.advance(300); // timers run first, and what has come is heard of after them
  r.get('a').succeeded('through a');
  r.clock.polled();
  assert.equal(await r.result, 'through a');
  assert.deepEqual([r.tried(), r.clock.pending], [['a'], 0]);
});

test('the next attempt joins after 250 ms, and a slower one that was there before can still win', async () => {
  const r = raceOf(['a', 'b', 'c']);
  assert.deepEqual(r.tried(), ['a']);
  r.clock.pass(249);
  assert.deepEqual(r.tried(), ['a'], 'not before its time');
  r.clock.pass(1);
  assert.deepEqual(r.tried(), ['a', 'b']);
  assert.equal(r.get('a').givenUp, false, 'an attempt slower than 250 ms goes on');
  r.clock.pass(10_000);
  assert.deepEqual([r.get('b').at, r.get('c').at], [250, 500]);
  r.get('a').succeeded('through a');
  assert.equal(await r.result, 'through a');
  assert.deepEqual([r.get('b').givenUp, r.get('c').givenUp], [true, true], 'the others are given up');
});

test('a failure starts the next attempt at once, which then runs alone for its 250 ms', () => {
  const r = raceOf(['a', 'b', 'c']);
  r.clock.pass(100);
  r.get('a').failed(new Error('refused'));
  assert.equal(r.get('b').at, 100);
  r.clock.pass(249);
  assert.deepEqual(r.tried(), ['a', 'b']);
  r.clock.pass(1);
  assert.equal(r.get('c').at, 350);
});

test('a winner ends the race: no attempt, no timer and no late outcome after it', async () => {
  const r = raceOf(['a', 'b', 'c']);
  r.clock.pass(250);
  r.get('b').succeeded('through b');
  r.get('a').succeeded('too late');
  assert.equal(await r.result, 'through b');
  assert.equal(r.clock.pending, 0);
  r.get('a').failed(new Error('given up'));
  assert.deepEqual(r.tried(), ['a', 'b']);
});

test('when all attempts have failed the error carries each of them, the first as its cause', async () => {
  const r = raceOf(['a', 'b']);
  const [first, second] = [new Error('first'), new Error('second')];
  r.clock.pass(250);
  r.get('b').failed(second);
  let settled = false;
  r.result.catch(() => (settled = true));
  await new Promise(setImmediate);
  assert.equal(settled, false, 'one attempt is still running');
  r.get('a').failed(first);
  await assert.rejects(r.result, (error) => {
    assert.ok(error instanceof AggregateError);
    assert.deepEqual(error.errors, [second, first], 'in the order in which they came');
    assert.equal(error.cause, second);
    return true;
  });
});

test('the only attempt that fails gives its own error', async () => {
  const r = raceOf(['a']);
  const refused = new Error('refused');
  r.get('a').failed(refused);
  await assert.rejects(r.result, (error) => error === refused);
  assert.equal(r.clock.pending, 0);
});

test('an attempt that throws has failed', async () => {
  const r = raceOf(['a', 'b'], 'a');
  assert.deepEqual(r.tried(), ['b']);
  r.get('b').succeeded('through b');
  assert.equal(await r.result, 'through b');
  await assert.rejects(raceOf(['a'], 'a').result, { message: 'a threw' });
});

test('an abort gives every attempt up and rejects with its reason', async () => {
  const r = raceOf(['a', 'b', 'c']);
  r.clock.pass(250);
  const reason = new Error('nobody waits');
  r.controller.abort(reason);
  await assert.rejects(r.result, (error) => error === reason);
  assert.deepEqual([r.get('a').givenUp, r.get('b').givenUp], [true, true]);
  assert.equal(r.clock.pending, 0);
  r.clock.pass(1_000);
  assert.deepEqual(r.tried(), ['a', 'b']);
});

test('those of a second group join only where the first has not come to anything within a second', () => {
  const r = raceOf(['a', 'b', 'c'], undefined, 2);
  r.clock.pass(250);
  assert.deepEqual(r.tried(), ['a', 'b']);
  r.get('b').failed(new Error('refused'));
  r.clock.pass(999);
  assert.deepEqual(r.tried(), ['a', 'b'], 'one of the first group is still being tried');
  r.clock.pass(1);
  assert.deepEqual(r.tried(), ['a', 'b', 'c']);
});

test('a second group is tried at once where all of the first have failed', () => {
  const r = raceOf(['a', 'b'], undefined, 1);
  r.get('a').failed(new Error('refused'));
  assert.deepEqual(r.tried(), ['a', 'b']);
});
