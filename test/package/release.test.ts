/** What a release does before it publishes, on a copy of what it touches, and the API pages that it adds. */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { cpSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test, type TestContext } from 'node:test';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('../../', import.meta.url));
const repository = { GITHUB_SERVER_URL: 'https://git.example', GITHUB_REPOSITORY: 'somebody/lane' };

interface Manifest {
  readonly version: string;
  readonly exports: Readonly<Record<string, { readonly import?: { readonly types: string } }>>;
}

const manifestOf = (folder: string): Manifest & Record<string, unknown> =>
  JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8')) as Manifest & Record<string, unknown>;

function copy(t: TestContext): string {
  const folder = mkdtempSync(join(tmpdir(), 'passinglane-release-'));
  t.after(() => rmSync(folder, { recursive: true }));
  for (const file of ['package.json', 'CHANGELOG.md', 'README.md']) cpSync(join(root, file), join(folder, file));
  return folder;
}

function release(folder: string, env: Readonly<Record<string, string>>): { status: number | null; stderr: string } {
  const bare = { ...process.env, GITHUB_SERVER_URL: '', GITHUB_REPOSITORY: '' };
  const args = [join(root, 'tools/release.mjs'), folder];
  return spawnSync(process.execPath, args, { encoding: 'utf8', env: { ...bare, ...env } });
}

test('a release names the repository that it runs in, and changes nothing else of package.json', (t) => {
  const folder = copy(t);
  assert.equal(release(folder, repository).status, 0);
  const { repository: where, homepage, bugs, ...rest } = manifestOf(folder);
  assert.deepEqual(where, { type: 'git', url: 'git+https://git.example/somebody/lane.git' });
  assert.equal(homepage, 'https://git.example/somebody/lane#readme');
  assert.deepEqual(bugs, { url: 'https://git.example/somebody/lane/issues' });
  assert.deepEqual(rest, manifestOf(root), 'until then it names none: no address is made up');
});

test('every link of the README is absolute after that, and leads to a file of the tag', (t) => {
  const folder = copy(t);
  release(folder, repository);
  const { version } = manifestOf(root);
  const place = new RegExp(`^https://git\\.example/somebody/lane/(blob|raw)/v${version}/([^#]+)`);
  const links = [...readFileSync(join(folder, 'README.md'), 'utf8').matchAll(/(!?)\[[^\]]*\]\(([^)]+)\)/g)];
  const ours = links.filter(([, , link = '']) => link.startsWith('https://git.example/'));
  assert.ok(ours.length > 0);
  for (const [, , link = ''] of links) assert.match(link, /^(https?:\/\/|#)/);
  for (const [, image, link = ''] of ours) {
    const [, kind, file = ''] = place.exec(link) ?? [];
    assert.ok(existsSync(join(root, file)), link);
    assert.equal(kind, image === '' ? 'blob' : 'raw', link);
  }
});

test('a release that does not know its repository, or has nothing in the changelog, stops', (t) => {
  const folder = copy(t);
  const lost = release(folder, {});
  assert.equal(lost.status, 1);
  assert.match(lost.stderr, /GITHUB_REPOSITORY/);
  rmSync(join(folder, 'CHANGELOG.md'));
  cpSync(join(root, 'LICENSE'), join(folder, 'CHANGELOG.md'));
  const silent = release(folder, repository);
  assert.equal(silent.status, 1);
  assert.match(silent.stderr, /CHANGELOG\.md has no section for/);
  assert.deepEqual(manifestOf(folder), manifestOf(root), 'and nothing was changed');
});

test('the API pages are of every entry point', () => {
  const { entryPoints } = JSON.parse(readFileSync(join(root, 'typedoc.json'), 'utf8')) as { entryPoints: string[] };
  const entries = Object.values(manifestOf(root).exports).flatMap((entry) => entry.import?.types ?? []);
  const sources = entries.map((types) => types.replace('./dist/', 'src/').replace('.d.ts', '.ts'));
  assert.deepEqual(entryPoints.sort(), sources.sort());
});

test('the site lists its versions, the newest first, and leads from latest/ to the newest release', async (t) => {
  const { writeIndex } = (await import(new URL('../../tools/site-index.mjs', import.meta.url).href)) as {
    writeIndex(folder: string): void;
  };
  const folder = mkdtempSync(join(tmpdir(), 'passinglane-site-'));
  t.after(() => rmSync(folder, { recursive: true }));
  for (const name of ['0.9.0', '0.10.0', 'main', '1.0.0-rc.1', 'assets']) mkdirSync(join(folder, name));
  writeIndex(folder);
  const index = readFileSync(join(folder, 'index.html'), 'utf8');
  const listed = [...index.matchAll(/href="([^"]+)\/"/g)].map(([, name]) => name);
  assert.deepEqual(listed, ['1.0.0-rc.1', '0.10.0', '0.9.0', 'main']);
  assert.match(readFileSync(join(folder, 'latest', 'index.html'), 'utf8'), /url=\.\.\/0\.10\.0\//);
});
