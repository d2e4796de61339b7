import assert from 'node:assert/strict';
import { test } from 'node:test';
import { RecentCount } from '../../dist/pool/recent-count.js';

test('what happened within so many seconds is counted, in whole seconds, and nothing older', () => {
  const happened: { second: number; amount: number }[] = [];
  const recent = new RecentCount(10);
  let now = 123_456;
  for (let i = 0; i < 500; i++) {
    // From ten in a second to one in a minute.
    now += i % 50 === 0 ? 61_000 : (i % 7) * 400;
    const second = Math.floor(now / 1_000);
    const amount = 1 + (i % 3);
    happened.push({ second, amount });
    recent.add(now, amount);
    const expected = happened.filter((one) => one.second > second - 10).reduce((sum, one) => sum + one.amount, 0);
    assert.equal(recent.total(now), expected, `at ${now}`);
  }
  assert.equal(recent.total(now + 10_000), 0);
});
