import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parseBenchArguments } from '../../dist/cli/bench/arguments.js';
import type { BenchResult } from '../../dist/cli/bench/report.js';
import { Histogram } from '../../dist/cli/histogram.js';
import { startOrigin } from '../support/origin.js';
import { passinglane } from './command.js';

test('a histogram knows its percentiles to within a sixty-fourth, and its ends exactly', () => {
  const histogram = new Histogram();
  for (let i = 1; i <= 10_000; i++) histogram.add(i / 10);
  for (const percent of [1, 50, 90, 99, 99.9]) {
    const found = histogram.percentile(percent) ?? 0;
    const exact = percent * 10;
    assert.ok(found >= exact && found <= exact * (1 + 1 / 64) + 0.001, `p${percent}: ${found} for ${exact}`);
  }
  assert.deepEqual([histogram.min, histogram.max, histogram.percentile(100)], [0.1, 1_000, 1_000]);
  assert.equal(histogram.mean.toFixed(3), '500.050');
  assert.equal(new Histogram().percentile(50), undefined);
});

test('the ranges of a histogram hold every time once, in rising order, and end at the greatest', () => {
  const histogram = new Histogram();
  for (let i = 0; i < 5_000; i++) histogram.add(0.05 * 1.002 ** i);
  histogram.add(0);
  const ranges = histogram.ranges(12);
  assert.ok(ranges.length <= 12 && ranges.length >= 6, String(ranges.length));
  assert.equal(
    ranges.reduce((sum, { count }) => sum + count, 0),
    5_001,
  );
  assert.ok(ranges.every(({ upTo }, i) => i === 0 || upTo > (ranges[i - 1]?.upTo ?? 0)));
  assert.equal(ranges.at(-1)?.upTo, histogram.max);
  assert.deepEqual(new Histogram().ranges(12), []);
});

test('bench ends after five seconds unless -n or -D says otherwise, and not both', () => {
  assert.deepEqual(parseBenchArguments(['u']).duration, 5_000);
  const counted = parseBenchArguments(['-n', '10', '-c', '2', '-m3', 'u']);
  assert.deepEqual([counted.requests, counted.duration, counted.clients, counted.streams], [10, undefined, 2, 3]);
  assert.throws(() => parseBenchArguments(['-n', '1', '-D', '1', 'u']), /-n and -D/);
  for (const value of ['0', '1.5', 'many'])
    assert.throws(() => parseBenchArguments(['-n', value, 'u']), /whole number/);
  assert.throws(() => parseBenchArguments(['a', 'b']), /takes one URL/);
});

test('-n requests go over -c connections, -m at once on each, and each is counted once', async () => {
  const origin = await startOrigin();
  const args = ['bench', '--json', '-n', '200', '-c', '2', '-m', '5', '--warm-up-time', '0'];
  const run = await passinglane([...args, `${origin.origin}/bytes/1000`]);
  assert.equal(run.stderr, '');
  assert.equal(run.exitCode, 0);
  const result = JSON.parse(run.stdout.toString()) as BenchResult;
  assert.equal(result.requests.done, 200);
  assert.equal(result.requests.failed, 0);
  assert.deepEqual(result.statuses, { 200: 200 });
  assert.equal(result.body.bytes, 200_000);
  assert.equal(
    result.histogram.reduce((sum, { count }) => sum + count, 0),
    200,
  );
  const { min, max, percentiles } = result.latency ?? assert.fail('no latency');
  const rising = [min, percentiles['50'], percentiles['99'], max] as number[];
  assert.deepEqual(
    rising,
    rising.toSorted((a, b) => a - b),
  );
  assert.equal(origin.sessionCount, 2);
  assert.ok(origin.streamCount >= 200 && origin.streamCount < 210, `${origin.streamCount}: none but those asked for`);
  assert.equal(origin.maxOpenStreams, 10);
  await origin.close();
});

test('requests that fail are counted by code, and give the exit number', async () => {
  const origin = await startOrigin({
    handler: (request, response) => {
      if (request.stream.id !== undefined && request.stream.id % 4 === 1) request.stream.close(2);
      else response.end('x');
    },
  });
  const run = await passinglane(['bench', '-n', '40', '--warm-up-time', '0', '-X', 'PUT', origin.origin]);
  assert.equal(run.exitCode, 92);
  assert.match(run.stdout.toString(), /^requests +20 done, 20 failed; /m);
  assert.match(run.stdout.toString(), /^errors +ERR_PASSINGLANE_STREAM_RESET: 20$/m);
  await origin.close();
});

test('a connection that the server ends is made again, and no request is lost over it', async () => {
  const origin = await startOrigin({
    handler: (request, response) => {
      response.end('x');
      if (request.stream.id === 19) request.stream.session?.close();
    },
  });
  const run = await passinglane(['bench', '--json', '-n', '100', '-m', '3', '--warm-up-time', '0', origin.origin]);
  assert.equal(run.exitCode, 0, run.stderr);
  const result = JSON.parse(run.stdout.toString()) as BenchResult;
  assert.deepEqual([result.requests.done, result.requests.failed], [100, 0]);
  assert.ok(result.reconnects >= 3, String(result.reconnects));
  await origin.close();
});

test('a server that is not there is an error like any other', async () => {
  const run = await passinglane(['bench', '-n', '1', 'http://127.0.0.1:1/']);
  assert.equal(run.exitCode, 7);
  assert.match(run.stderr, /passinglane: \(7\)/);
});

test('answers with a status of 400 and more are counted as failed, and the exit number is 1', async () => {
  const origin = await startOrigin({
    handler: (request, response) => {
      response.writeHead((request.stream.id ?? 0) % 4 === 1 ? 503 : 200).end('x');
    },
  });
  const run = await passinglane(['bench', '-n', '40', '--warm-up-time', '0', origin.origin]);
  assert.match(run.stdout.toString(), /^requests +40 done, 20 failed; /m);
  assert.equal(run.exitCode, 1);
  await origin.close();
});
