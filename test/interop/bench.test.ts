import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { test } from 'node:test';
import { promisify } from 'node:util';
import type { BenchResult } from '../../dist/cli/bench/report.js';
import { passinglane } from '../cli/command.js';
import { findProgram } from './child.js';
import { skipWithout, startNghttpd } from './peers.js';

const h2load = { missing: () => missing('h2load') ?? missing('nghttpd') };

function missing(name: string): string | undefined {
  return findProgram(name) === undefined ? `${name} is not installed` : undefined;
}

/** Requests a second, and the mean of their times in milliseconds. */
interface Figures {
  readonly rate: number;
  readonly mean: number;
}

async function withH2load(url: string, load: readonly string[]): Promise<Figures & { readonly done: number }> {
  const { stdout } = await promisify(execFile)(findProgram('h2load') ?? 'h2load', [...load, url]);
  const done = /(\d+) succeeded/.exec(stdout)?.[1];
  const rate = /finished in .*?, ([\d.]+) req\/s/.exec(stdout)?.[1];
  const time = /^time for request: +\S+ +\S+ +([\d.]+)(us|ms|s)/m.exec(stdout);
  const unit = { us: 0.001, ms: 1, s: 1_000 }[time?.[2] as 'us' | 'ms' | 's'];
  return { done: Number(done), rate: Number(rate), mean: Number(time?.[1]) * unit };
}

async function withBench(url: string, load: readonly string[]): Promise<Figures & { readonly done: number }> {
  const { exitCode, stdout, stderr } = await passinglane(['bench', '--json', ...load, url]);
  assert.equal(exitCode, 0, stderr);
  const { requests, latency } = JSON.parse(stdout.toString()) as BenchResult;
  return { done: requests.done, rate: requests.perSecond, mean: latency?.mean ?? NaN };
}

test('bench and h2load measure one nghttpd alike', { skip: skipWithout(h2load) }, async (t) => {
  const peer = await startNghttpd(false);
  t.after(() => peer.close());
  const url = `${peer.origin}/hello.txt`;
  const load = ['-n', '100000', '-c', '2', '-m', '10'];
  const pairs: [Figures, Figures][] = [];
  // In turn: what else the machine does slows both alike.
  for (let i = 0; i < 2; i++) {
    const ours = await withBench(url, load);
    const theirs = await withH2load(url, load);
    assert.deepEqual([ours.done, theirs.done], [100_000, 100_000]);
    for (const [name, { rate, mean }] of Object.entries({ bench: ours, h2load: theirs }))
      t.diagnostic(`${name.padEnd(6)} ${Math.round(rate)} requests a second, ${mean.toFixed(3)} ms each`);
    pairs.push([ours, theirs]);
  }
  // How fast either is, is no pass mark. That a time is in the right unit and the loop is closed, is: what is under
  // way at once is the rate times the time, whatever the machine does.
  for (const [name, { rate, mean }] of pairs.flatMap(([ours, theirs]) => [
    ['bench', ours] as const,
    ['h2load', theirs] as const,
  ])) {
    const underWay = (rate * mean) / 1_000;
    assert.ok(underWay > 2 && underWay < 200, `${name}: ${underWay} requests under way, of 20`);
  }
});
