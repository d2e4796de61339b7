/** What a run of the tests, and all checks, end with: the names of the tests that failed. */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';

const root = join(import.meta.dirname, '..', '..');

const failing = `
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
test('a sum is right', () => assert.equal(1 + 1, 3));
describe('a group', () => test('of one', () => { throw new TypeError('broken'); }));
test('one that holds', () => undefined);
test('one that is to come', { todo: true }, () => assert.fail('not yet'));
`;

function run(...args: string[]): { readonly stdout: string; readonly stderr: string } {
  const env = { ...process.env, NODE_TEST_CONTEXT: undefined, NODE_OPTIONS: undefined, NO_COLOR: '1' };
  return spawnSync(process.execPath, args, { cwd: root, env, encoding: 'utf8' });
}

function node(...args: string[]): string {
  return run(...args).stdout;
}

function inFolder(t: { after(fn: () => void): void }, files: Readonly<Record<string, string>>): string {
  const folder = mkdtempSync(join(tmpdir(), 'passinglane-failures-'));
  t.after(() => rmSync(folder, { recursive: true }));
  for (const [name, text] of Object.entries(files)) writeFileSync(join(folder, name), text);
  return folder;
}

test('the reporter of failures names Node, file and title of each test that failed, with the first lines of its error', (t) => {
  const file = join(inFolder(t, { 'failing.test.mjs': failing }), 'failing.test.mjs');
  const told = node('--test', `--test-reporter=${join(root, 'test', 'failures.mjs')}`, file);
  const [sum, group] = told.split(/^(?=failed test: )/m);
  assert.match(
    sum ?? '',
    new RegExp(`^failed test: node ${process.version}, .*failing\\.test\\.mjs:4: a sum is right\n`),
  );
  assert.match(sum ?? '', /\| .*Expected values to be strictly equal:\n {2}\| 2 !== 3\n/);
  assert.match(group ?? '', /failing\.test\.mjs:5: of one\n {2}\| TypeError: broken\n/);
  assert.equal(told.split('failed test: ').length, 3, told);
});

test('a run tells of each test, then of the slowest and of those that failed, and warns of nothing', async (t) => {
  const file = join(inFolder(t, { 'failing.test.mjs': failing }), 'failing.test.mjs');
  const { reporters } = (await import(join(root, 'test', 'reporters.mjs'))) as { readonly reporters: string[] };
  const { stdout, stderr } = run('--test', ...reporters, file);
  assert.equal(stderr, '');
  assert.match(stdout, /one that holds[^]*slowest tests:\n[^]*slowest files[^]*failed test: node [^]*a sum is right\n/);
});

test('the closing lines say of each part that failed which tests did, or else what it said last', (t) => {
  const log = [
    '@@ tests',
    'failed test: node v1, in a part that passed',
    '@@ lint',
    ...Array.from({ length: 40 }, (_, i) => `line ${i}`),
    '@@ Node matrix',
    'much',
    'failed test: node v2, a.test.js:1: title',
    '  | Error: why',
    'more',
    'failed on: node 2',
  ];
  const folder = inFolder(t, { log: log.join('\n') });
  const told = node('.ci/closing.mjs', join(folder, 'log'), 'lint', 'Node matrix').split('\n');
  assert.deepEqual(told.slice(0, 2), ['failed: lint', '  line 25']);
  assert.deepEqual(told.slice(15), [
    '  line 39',
    'failed: Node matrix',
    '  failed test: node v2, a.test.js:1: title',
    '    | Error: why',
    '  failed on: node 2',
    '',
  ]);
});
