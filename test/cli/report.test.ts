import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Sample } from '../../dist/cli/demo/recorder.js';
import { report, type Outcome } from '../../dist/cli/demo/report.js';
import { latencyTable, percentile } from '../../dist/cli/demo/table.js';
import { palette } from '../../dist/cli/terminal.js';

test('a percentile is the smallest value that so many do not exceed', () => {
  const hundred = Array.from({ length: 100 }, (_, i) => i + 1);
  assert.deepEqual(
    [0, 1, 50, 90, 99, 100].map((percent) => percentile(hundred, percent)),
    [1, 1, 50, 90, 99, 100],
  );
  assert.equal(percentile([1, 2, 3], 50), 2);
  assert.equal(percentile([7], 99), 7);
  assert.equal(percentile([], 50), undefined);
});

test('the table counts what failed apart from what it measures, and sums up', () => {
  const table = latencyTable([
    { name: 'one', latencies: [30, 10, 20], failed: 1 },
    { name: 'two', latencies: [], failed: 0 },
  ]);
  assert.deepEqual(
    table.split('\n').map((line) => line.trim().split(/ {2,}/)),
    [
      ['requests', 'failed', 'p50', 'p90', 'p99', 'max'],
      ['one', '4', '1', '20.0 ms', '30.0 ms', '30.0 ms', '30.0 ms'],
      ['two', '0', '0', '-', '-', '-', '-'],
      ['total', '4', '1', '20.0 ms', '30.0 ms', '30.0 ms', '30.0 ms'],
      [''],
    ],
  );
});

function sample(n: number, phase: Sample['phase'], started: number, ended: number, connection: number): Sample {
  return { n, phase, started, ended, error: undefined, connection };
}

const outcome: Outcome = {
  samples: [
    sample(1, 'before', 0, 10, 1),
    sample(2, 'during', 100, 5_100, 1),
    sample(3, 'during', 101, 5_050, 1),
    sample(4, 'during', 200, 305, 2),
    sample(5, 'after', 5_001, 5_003, 1),
  ],
  stalledAt: 100,
  resumedAt: 5_000,
  stalledConnection: 1,
  stallWasSeen: true,
  upload: 2,
  uploadSize: 24_000_000,
  connectionsOpened: 2,
};

function countOf(text: string, line: string): string | undefined {
  return new RegExp(`^${line} +(\\d+)`, 'm').exec(text)?.[1];
}

test('what the stalled connection carried stands on a line of its own, and in no other', () => {
  const text = report(outcome, palette(false));
  assert.equal(countOf(text, 'before the stall'), '1');
  assert.equal(countOf(text, 'during the stall'), '1');
  assert.equal(countOf(text, 'after the stall'), '1');
  assert.equal(countOf(text, 'already on the stalled connection'), '2');
  assert.equal(countOf(text, 'total'), '5');
  assert.match(text, /^requests done: 5, failed: 0, connections opened: 2$/m);
  assert.match(text, /the slowest took 105 ms/);
});

test('a request that waited for the end of the stall, a stall nobody noticed, and failures are all told', () => {
  const late = { ...outcome, samples: [...outcome.samples, sample(6, 'during', 300, 5_001, 2)] };
  assert.match(report(late, palette(false)), /^requests started during the stall that waited for its end: 1$/m);
  assert.match(report({ ...outcome, stallWasSeen: false }, palette(false)), /the stall was not noticed/);
  const broken = { ...sample(2, 'during', 100, 200, 1), error: new Error('cut \x1b[2J') };
  const text = report({ ...outcome, samples: [broken] }, palette(false));
  assert.match(text, /failed: 1,/);
  assert.match(text, /upload on the stalled connection failed/);
  assert.match(text, /request 2 \(started during the stall\) failed: cut \\x1b\[2J/);
});
