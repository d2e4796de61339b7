import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { startOrigin } from '../support/origin.js';
import { main, passinglane } from './command.js';

test('--help and --version answer on standard output', async () => {
  const help = await passinglane(['--help']);
  assert.equal(help.exitCode, 0);
  assert.match(help.stdout.toString(), /^Usage: passinglane \[get\] \[options\] URL/);
  assert.equal(help.stderr, '');
  const manifest = JSON.parse(readFileSync(new URL('../../package.json', import.meta.url), 'utf8')) as {
    version: string;
  };
  const version = await passinglane(['--version']);
  assert.equal(version.stdout.toString(), `passinglane ${manifest.version}\n`);
});

test('a command that there is not is an error that lists those that there are', async () => {
  const result = await passinglane(['frobnicate', 'https://a.test']);
  assert.equal(result.exitCode, 2);
  assert.match(result.stderr, /unknown command 'frobnicate'; there are: get, ping, bench, .*demo/);
});

test('no arguments at all is an error that points to the help', async () => {
  const result = await passinglane([]);
  assert.equal(result.exitCode, 2);
  assert.match(result.stderr, /no URL.*\n.*--help/);
});

test('every command explains itself', async () => {
  for (const command of ['get', 'ping', 'bench', 'view', 'register-url', 'demo']) {
    const { exitCode, stdout, stderr } = await passinglane([command, '--help']);
    assert.equal(stderr, '');
    assert.equal(exitCode, 0);
    assert.match(stdout.toString(), new RegExp(`^Usage: passinglane \\[?${command}`));
  }
});

test('a reader that has gone away ends the command without a word', async () => {
  const origin = await startOrigin();
  for (const args of [['--help'], ['ping', '-i', '0', origin.origin], ['demo', '--help']]) {
    const child = spawn(process.execPath, [main, ...args], { timeout: 100_000, stdio: ['ignore', 'pipe', 'pipe'] });
    child.stdout.destroy();
    let stderr = '';
    child.stderr.on('data', (chunk: Buffer) => (stderr += String(chunk)));
    const [exitCode] = (await once(child, 'close')) as [number | null];
    assert.equal(stderr, '', args.join(' '));
    assert.equal(exitCode, 23, args.join(' '));
  }
  await origin.close();
});

test('a scene of the demo that there is not is an error of usage, which names those that there are', async () => {
  const result = await passinglane(['demo', '--scene', 'moon']);
  assert.equal(result.exitCode, 2);
  assert.match(result.stderr, /--scene is one of stall, window, address, bulk, not 'moon'/);
});

test('the demo finishes 500 requests past a stalled connection, and those of its other scenes, none failed', async () => {
  const result = await passinglane(['demo']);
  const text = result.stdout.toString();
  assert.equal(result.stderr, '', 'live output is for terminals');
  assert.equal(result.exitCode, 0, text);
  assert.match(text, /^total +500 +0 /m);
  assert.match(text, /^requests done: 500, failed: 0, connections opened: \d+$/m);
  const upload = Number(/upload on the stalled connection arrived whole after ([\d.]+) s$/m.exec(text)?.[1]);
  assert.ok(
    upload >= Number(/^.*For ([\d.]+) s in the$/m.exec(text)?.[1]),
    'the upload was there all through the stall',
  );
  assert.match(text, /^no request started during the stall waited for its end/m);
  assert.match(text, /^done: 226, failed: 0, on \d+ connections\n\n/m, 'the scene of the connection window');
  assert.match(text, /Waited for the upload to be read: none\.$/m);
  assert.match(text, /^done: 220, failed: 0, on \d+ connections$|has no 127\.0\.0\.2/m, 'that of the frozen address');
  assert.match(text, /^done: 176, failed: 0, on \d+ connections?$/m, 'that of the bulk');
  const carried = /^already on the stalled connection +(\d+) +0 /m.exec(text)?.[1];
  assert.ok(Number(carried) >= 1, `the upload at least: ${carried}`);
});
