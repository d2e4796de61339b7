/** The table of round trips that say that bulk fills a path, and of those that do not. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { isFilled } from '../../dist/protocol/health.js';
import { Path } from '../../dist/protocol/path.js';
import type { RoundTrip } from '../../dist/protocol/path-meter.js';

interface Case {
  readonly trip: Partial<RoundTrip>;
  readonly floor?: number;
  /** It was filled before. */
  readonly was?: boolean;
  readonly filled: boolean;
}

const cases: Readonly<Record<string, Case>> = {
  'as short as ever': { trip: { took: 20 }, filled: false },
  'four times as long, and 20 ms': { trip: { took: 100 }, filled: false },
  'longer than that': { trip: { took: 101 }, filled: true },
  'longer than that, without bulk': { trip: { took: 5_000, bulk: false }, filled: false },
  'longer, since nothing moved for most of it': { trip: { took: 600, silence: 520 }, filled: false },
  'longer, though nothing moved for a part of it': { trip: { took: 600, silence: 100 }, filled: true },
  'on a short path, a few milliseconds': { trip: { took: 20 }, floor: 0.1, filled: false },
  'on a short path, many milliseconds': { trip: { took: 21 }, floor: 0.1, filled: true },
  'on a path whose length is not known': { trip: { took: 5_000 }, floor: Infinity, filled: false },
  'shorter than that, where it was filled': { trip: { took: 76 }, was: true, filled: true },
  'three times as long and 15 ms, where it was filled': { trip: { took: 75 }, was: true, filled: false },
  'longer, where it was filled and bulk has ended': { trip: { took: 500, bulk: false }, was: true, filled: false },
};

for (const [name, { trip, floor = 20, was = false, filled }] of Object.entries(cases))
  test(`whether bulk fills a path, by a round trip: ${name}`, () => {
    assert.equal(isFilled({ took: 20, silence: 0, bulk: true, ...trip }, floor, was), filled);
  });

test('where the floor is old, the least of the round trips since follows it, and one of long ago does not', () => {
  const path = new Path();
  path.sample(20, 0);
  path.bound(21, 1_000);
  path.bound(25, 59_000);
  path.sample(300, 60_000);
  assert.equal(path.floor, 21);
  path.bound(30, 61_100);
  path.sample(300, 121_200);
  assert.equal(path.floor, 300);
});

test('the floor of a path is the least round trip of the last minute, but where bulk is held at a multiple of it', () => {
  const path = new Path();
  path.sample(20, 0);
  path.sample(30, 59_999);
  assert.equal(path.floor, 20);
  path.holders++;
  path.sample(40, 60_000);
  assert.equal(path.floor, 20);
  path.holders--;
  path.sample(30, 60_000);
  assert.equal(path.floor, 30);
  path.sample(25, 60_001);
  assert.equal(path.floor, 25);
});
