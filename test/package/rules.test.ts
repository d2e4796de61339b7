// Each rule that keeps the layers honest, held against a fixture that must break it. The fixtures are laid out as a
// project of their own in a temporary folder, under the real configuration files.
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import {
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join, relative } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { fileURLToPath } from 'node:url';

const root = dirname(dirname(dirname(fileURLToPath(import.meta.url))));
const fixtures = join(root, 'test/fixtures/rules');
let project = '';

before(() => {
  project = mkdtempSync(join(tmpdir(), 'passinglane-rules-'));
  cpSync(fixtures, project, { recursive: true });
  mkdirSync(join(project, 'tools'));
  for (const file of [
    'tools/lint-rules.mjs',
    'package.json',
    'tsconfig.base.json',
    'eslint.config.mjs',
    '.dependency-cruiser.cjs',
    'layers.json',
  ]) {
    cpSync(join(root, file), join(project, file));
  }
  for (const file of readdirSync(join(root, 'src'), { recursive: true, encoding: 'utf8' })) {
    if (!/(^|\/)tsconfig[^/]*\.json$/.test(file)) continue;
    mkdirSync(dirname(join(project, 'src', file)), { recursive: true });
    cpSync(join(root, 'src', file), join(project, 'src', file));
  }
  symlinkSync(join(root, 'node_modules'), join(project, 'node_modules'));
});

after(() => {
  rmSync(project, { recursive: true });
});

/** Runs a tool of node_modules in the project of fixtures; it must find something, so it must not exit with 0. */
function run(script: string, args: string[]): string {
  const tool = join(project, 'node_modules', script);
  assert.ok(existsSync(tool), `${script} is not installed: run npm ci`);
  const done = spawnSync(process.execPath, [tool, ...args], { cwd: project, encoding: 'utf8', maxBuffer: 1 << 26 });
  assert.notEqual(done.status, 0, `${script} found nothing:\n${done.stdout}${done.stderr}`);
  assert.notEqual(done.stdout, '', `${script} could not run:\n${done.stderr}`);
  return done.stdout;
}

/** Distinct lines in order. */
const distinct = (lines: string[]): string[] => [...new Set(lines)].sort();

describe('eslint', () => {
  interface FileReport {
    readonly filePath: string;
    readonly messages: readonly { readonly ruleId: string | null; readonly message: string }[];
  }

  /** What is forbidden: a file, the rule that refuses it, and the first word of the reason where the rule has many. */
  const expected = [
    'src/conn/any.ts @typescript-eslint/no-explicit-any',
    'src/conn/client-conn.ts house/privacy',
    'src/conn/default-alias.ts no-restricted-syntax: Named exports only',
    'src/conn/default.ts no-restricted-syntax: Named exports only',
    'src/conn/empty-catch.ts no-empty',
    'src/conn/floating.ts @typescript-eslint/no-floating-promises',
    'src/conn/friend.ts house/privacy',
    'src/conn/hash.ts house/privacy',
    'src/conn/jargon.ts house/words',
    'src/conn/misused.ts @typescript-eslint/no-misused-promises',
    'src/conn/numbered.ts house/no-private-numbers',
    'src/conn/unprefixed.ts no-restricted-imports',
    'src/protocol/async.ts no-restricted-syntax: Promise in the pure core',
    'src/protocol/async.ts no-restricted-syntax: async in the pure core',
    'src/protocol/await.ts no-restricted-syntax: Promise in the pure core',
    'src/protocol/await.ts no-restricted-syntax: async in the pure core',
    'src/protocol/await.ts no-restricted-syntax: await in the pure core',
    'src/protocol/buffer.ts no-restricted-globals: Buffer in the pure core',
    'src/protocol/chance.ts no-restricted-properties: Math.random in the pure core',
    'src/protocol/clock.ts no-restricted-globals: Date in the pure core',
    'src/protocol/clock.ts no-restricted-properties: Date.now in the pure core',
    'src/protocol/global.ts no-restricted-globals: globalThis in the pure core',
    'src/protocol/log.ts no-restricted-globals: console in the pure core',
    'src/protocol/promise.ts no-restricted-syntax: Promise in the pure core',
    'src/wire/timer.ts no-restricted-globals: setTimeout in the pure core',
    'test/numbered.test.ts house/no-private-numbers',
  ];

  test('refuses what floats, waits, reads the clock or hides an error, and nothing that is clean', () => {
    const output = run('eslint/bin/eslint.js', ['--format', 'json', 'src/wire', 'src/protocol', 'src/conn', 'test']);
    const found: string[] = [];
    for (const { filePath, messages } of JSON.parse(output) as FileReport[]) {
      for (const { ruleId, message } of messages) {
        // What does not compile, the compiler's own test holds.
        if (ruleId?.startsWith('@typescript-eslint/no-unsafe-') === true) continue;
        const reason = /\b([\w.]+ in the pure core|Named exports only)/.exec(message)?.[1];
        const rule = reason === undefined ? String(ruleId) : `${String(ruleId)}: ${reason}`;
        found.push(`${relative(project, filePath)} ${rule}`);
      }
    }
    assert.deepEqual(distinct(found), expected);
  });
});

describe('the layer check', () => {
  const expected = [
    'src/conn/cycle-a.ts no-cycle',
    'src/conn/nowhere.ts resolvable',
    'src/conn/package.ts no-runtime-dependency',
    'src/conn/socket.ts sockets-in-the-leaf',
    'src/fetch/imports-undici.ts layer-fetch',
    'src/hpack/imports-wire.ts layer-hpack',
    'src/http/imports-protocol.ts layer-http',
    'src/node/imports-pool.ts layer-node',
    'src/pool/imports-protocol.ts layer-pool',
    'src/protocol/builtin.ts pure-core',
    'src/quic/unplaced.ts every-module-has-a-layer',
    'src/undici/package.ts adapters-import-peers',
    'src/wire/imports-conn.ts layer-wire',
  ];

  test('refuses imports that point up or sideways, cycles of types, and packages', () => {
    const output = run('dependency-cruiser/bin/dependency-cruise.mjs', ['--config', '.dependency-cruiser.cjs', 'src']);
    const found = [...output.matchAll(/^ *error (\S+): (\S+)/gm)].map(([, rule, file]) => `${file} ${rule}`);
    assert.deepEqual(distinct(found), expected);
  });
});

describe('the declaration of layers', () => {
  test('refuses a project or a table that says otherwise', () => {
    for (const file of ['CONTRIBUTING.md', '.prettierrc.json', 'tools/layers.mjs'])
      cpSync(join(root, file), join(project, file));
    const declared = JSON.parse(readFileSync(join(root, 'layers.json'), 'utf8')) as Record<string, { uses: string[] }>;
    declared['wire']!.uses.push('hpack');
    writeFileSync(join(project, 'layers.json'), JSON.stringify(declared));
    const done = spawnSync(process.execPath, ['tools/layers.mjs', '--check'], { cwd: project, encoding: 'utf8' });
    const stale = [...done.stderr.matchAll(/^(\S+) is not what layers.json says/gm)].map(([, file]) => file);
    assert.deepEqual(stale, ['src/wire/tsconfig.json', 'CONTRIBUTING.md']);
    assert.equal(done.status, 1);
  });
});

describe('the compiler', () => {
  test('refuses Node in the pure core and imports from projects that are not referenced', () => {
    const output = run('typescript/bin/tsc', ['-b', 'src/wire', 'src/hpack', 'src/protocol', 'src/conn']);
    const errors = distinct(
      [...output.matchAll(/^(src\/\S+?)\(\d+,\d+\): error (TS\d+: .*?)$/gm)].map(([, file, text]) => `${file} ${text}`),
    );
    const expect = (file: string, error: RegExp): void => {
      const found = errors.filter((line) => line.startsWith(`${file} `));
      assert.ok(
        found.some((line) => error.test(line)),
        `${file} should fail with ${String(error)}, but gave:\n${found.join('\n')}`,
      );
    };
    expect('src/protocol/buffer.ts', /TS\d+: Cannot find name 'Buffer'/);
    expect('src/protocol/log.ts', /TS\d+: Cannot find name 'console'/);
    expect('src/protocol/builtin.ts', /TS\d+: Cannot find module 'node:crypto'|TS\d+: Cannot find name 'node:crypto'/);
    expect('src/wire/timer.ts', /TS\d+: Cannot find name 'setTimeout'/);
    expect('src/wire/imports-conn.ts', /TS6307: File '.*\/conn\/plain.ts' is not listed/);
    expect('src/hpack/imports-wire.ts', /TS6307: File '.*\/wire\/clean.ts' is not listed/);
    const clean = errors.filter((line) => /^src\/(errors|\w+\/clean)\.ts /.test(line));
    assert.deepEqual(clean, [], 'what is clean compiles, Buffer and timers in conn among it');
  });
});
