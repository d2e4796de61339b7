import assert from 'node:assert/strict';
import { test } from 'node:test';
import { LatencySketch } from '../../dist/pool/latency-sketch.js';

/** Latencies one after the other, a millisecond apart. */
function sketchOf(...latencies: number[]): LatencySketch {
  const sketch = new LatencySketch();
  latencies.forEach((latency, i) => sketch.add(latency, i));
  return sketch;
}

const range = (count: number, of: (i: number) => number): number[] => Array.from({ length: count }, (_, i) => of(i));

test('a quantile is right to a tenth, whatever the scale', () => {
  for (const scale of [0.5, 1, 17, 2_000]) {
    const sketch = sketchOf(...range(500, (i) => ((i * 7) % 500) * scale + scale));
    for (const share of [0.5, 0.95, 0.99]) {
      const truth = share * 500 * scale;
      const found = sketch.quantile(share)!;
      assert.ok(found >= truth * 0.9 && found <= truth * 1.11, `${share} of ${scale}: ${found}, not ${truth}`);
    }
  }
});

test('it says nothing before twenty are known', () => {
  assert.equal(sketchOf(...range(19, () => 5)).quantile(0.95), undefined);
  assert.notEqual(sketchOf(...range(20, () => 5)).quantile(0.95), undefined);
});

test('what was is forgotten as new ones come, and as time passes', () => {
  const sketch = sketchOf(...range(2_000, () => 1_000), ...range(12_000, () => 10));
  assert.ok(sketch.quantile(0.99)! < 12);
  const slow = sketchOf(...range(100, () => 1_000));
  for (let minute = 1; minute <= 10; minute++) for (let i = 0; i < 30; i++) slow.add(10, minute * 60_000 + i);
  assert.ok(slow.quantile(0.95)! < 12);
});

test('what lies beyond its buckets counts as the longest, and as the shortest', () => {
  assert.ok(sketchOf(...range(20, () => 1e9)).quantile(0.5)! > 1e6);
  assert.ok(sketchOf(...range(20, () => 0)).quantile(0.5)! <= 0.11);
});
