import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ProgressBar, progressLine, ProgressView } from '../../dist/cli/progress.js';
import { formatBytes, formatDuration, palette, wantsColour } from '../../dist/cli/terminal.js';

test('colour is for terminals, and not where NO_COLOR is set', () => {
  const terminal = { write: () => true, isTTY: true };
  assert.equal(wantsColour(terminal, {}), true);
  assert.equal(wantsColour(terminal, { NO_COLOR: '1' }), false);
  assert.equal(wantsColour(terminal, { NO_COLOR: '' }), true, 'an empty NO_COLOR says nothing');
  assert.equal(wantsColour(terminal, { TERM: 'dumb' }), false);
  assert.equal(wantsColour({ write: () => true }, {}), false);
  assert.equal(palette(false).red('x'), 'x');
  assert.equal(palette(true).red('x'), '\x1b[31mx\x1b[39m');
});

test('bytes and times have three figures', () => {
  assert.deepEqual([0, 999, 1_000, 65_536, 999_499, 999_500, 24_000_000].map(formatBytes), [
    '0 B',
    '999 B',
    '1.00 kB',
    '65.5 kB',
    '999 kB',
    '1.00 MB',
    '24.0 MB',
  ]);
  assert.deepEqual([0, 0.4234, 18.04, 99.96, 999, 999.6, 5_210].map(formatDuration), [
    '0.00 ms',
    '0.42 ms',
    '18.0 ms',
    '100 ms',
    '999 ms',
    '1.00 s',
    '5.21 s',
  ]);
});

test('a progress line says how much has come, of how much, how fast, and how long it will take', () => {
  const line = progressLine(250_000, 1_000_000, 500, 79);
  assert.match(line, /^\[#{7,10} +\] {2}25% {2}250 kB of 1\.00 MB {2}500 kB\/s {2}0:02 left$/);
  assert.ok(progressLine(1_000_000, 1_000_000, 500, 79).startsWith(`[${'#'.repeat(20)}`));
  assert.match(progressLine(1_000_000, 1_000_000, 500, 79), /\] 100% {2}1\.00 MB of 1\.00 MB {2}2\.00 MB\/s$/);
});

test('a progress line without a length shows what there is, and none is wider than the terminal', () => {
  assert.equal(progressLine(2_000, undefined, 1_000, 79), '2.00 kB  2.00 kB/s');
  for (const width of [5, 20, 40, 60, 79, 200]) {
    assert.ok(progressLine(123_456_789, 987_654_321, 5_000, width).length <= width, String(width));
  }
  assert.match(progressLine(0, 0, 0, 79), /100%/, 'an empty body is a whole one');
});

test('a progress bar is drawn at most ten times a second, and ends with its last state', () => {
  let now = 0;
  let text = '';
  const bar = new ProgressBar({ write: (piece: string) => (text += piece), columns: 80 }, 1_000, () => now);
  for (; now < 1_000; now += 10) bar.advance(10);
  bar.finish();
  const drawn = text.split('\r\x1b[K').slice(1);
  assert.equal(drawn.length, 11);
  assert.match(drawn.at(-1) ?? '', /100% {2}1\.00 kB of 1\.00 kB .*\n$/);
});

test('transfers that run at once have a line each while they run, and one for them all', () => {
  let now = 0;
  let text = '';
  const view = new ProgressView({ write: (piece: string) => (text += piece), columns: 80 }, 2, () => now);
  const one = view.begin('a/very/long/path/to/one.bin', 1_000);
  const two = view.begin('two.bin', undefined);
  now = 1_000;
  one.advance(250);
  assert.match(
    text,
    /^…[^\n]*path\/to\/one\.bin +\[#+ +\] {2}25%[^\n]*\ntwo\.bin +0 B[^\n]*\n0 of 2 done {2}250 B {2}250 B\/s\n$/,
  );
  text = '';
  one.finish();
  two.advance(750);
  two.finish();
  view.end();
  assert.equal(text, '\x1b[3A\r\x1b[J2 of 2 done  1.00 kB  1.00 kB/s\n');
});
