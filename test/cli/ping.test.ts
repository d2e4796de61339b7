import assert from 'node:assert/strict';
import { once } from 'node:events';
import { spawn } from 'node:child_process';
import { test } from 'node:test';
import { startOrigin } from '../support/origin.js';
import { main, passinglane } from './command.js';

test('each PING is a line, and the percentiles come at the end', async () => {
  const origin = await startOrigin();
  const { exitCode, stdout, stderr } = await passinglane(['ping', '-c', '3', '-i', '0.01', origin.origin]);
  assert.equal(stderr, '');
  assert.equal(exitCode, 0);
  const lines = stdout.toString().split('\n');
  assert.equal(lines.length, 6);
  for (const [i, line] of lines.slice(0, 3).entries()) assert.match(line, new RegExp(`^seq=${i + 1} time=[\\d.]+ ms$`));
  assert.equal(lines[3], `${origin.origin}: 3 sent, 3 answered`);
  assert.match(lines[4] ?? '', /^min [\d.]+ ms {2}p50 .* p90 .* p99 .* max [\d.]+ ms$/);
  assert.equal(origin.sessionCount, 1);
  await origin.close();
});

test('--json is one line with the same figures, and http: is HTTP/2 without asking', async () => {
  const origin = await startOrigin();
  const { exitCode, stdout } = await passinglane(['ping', '--json', '-c', '2', '-i', '0', origin.origin]);
  assert.equal(exitCode, 0);
  const { sent, answered, roundTrip } = JSON.parse(stdout.toString()) as Record<string, unknown>;
  assert.deepEqual([sent, answered], [2, 2]);
  assert.deepEqual(Object.keys(roundTrip as object), ['min', 'mean', 'p50', 'p90', 'p99', 'max']);
  await origin.close();
});

test('an interrupted run sums up and ends well', async () => {
  const origin = await startOrigin();
  const child = spawn(process.execPath, [main, 'ping', '-i', '0.01', origin.origin], { timeout: 100_000 });
  let text = '';
  child.stdout.on('data', (chunk: Buffer) => {
    text += String(chunk);
    if (!child.killed && text.split('\n').length > 3) child.kill('SIGINT');
  });
  const [exitCode] = (await once(child, 'close')) as [number | null];
  assert.equal(exitCode, 0, text);
  assert.match(text, /: \d+ sent, \d+ answered\nmin /);
  await origin.close();
});

test('what is wrong on the command line is told by name', async () => {
  for (const [args, message] of [
    [[], /no origin/],
    [['a', 'b'], /one origin, not 'b'/],
    [['-c', '0', 'a'], /-c needs a whole number/],
    [['-q', 'a'], /unknown option -q/],
  ] as const) {
    const { exitCode, stderr } = await passinglane(['ping', ...args]);
    assert.equal(exitCode, 2);
    assert.match(stderr, message);
    assert.match(stderr, /'passinglane ping --help'/);
  }
});
