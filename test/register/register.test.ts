/** `node --import passinglane/register app.js`, as processes of their own. */
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { before, after, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { main } from '../cli/command.js';
import { loopback } from '../support/certificates.js';
import { startOrigin, type TestOrigin } from '../support/origin.js';
import { versions } from '../undici/undicis.js';

const register = new URL('../../dist/register/index.js', import.meta.url).href;
const root = fileURLToPath(new URL('../..', import.meta.url));
/** No project: no package is found from here. */
const folder = mkdtempSync(join(tmpdir(), 'passinglane register '));
let origin: TestOrigin;

before(async () => {
  origin = await startOrigin({
    tls: true,
    allowHTTP1: true,
    handler: (request, response) => response.end(request.httpVersion),
  });
  writeFileSync(join(folder, 'ca.pem'), loopback.cert);
});

after(async () => {
  await origin.close();
  rmSync(folder, { recursive: true });
});

interface Outcome {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

function run(command: string, args: string[], env: Record<string, string> = {}, cwd = folder): Promise<Outcome> {
  const environment = { ...process.env, NODE_EXTRA_CA_CERTS: join(folder, 'ca.pem'), ORIGIN: origin.origin, ...env };
  return new Promise((resolve) => {
    execFile(command, args, { cwd, env: environment, timeout: 60_000 }, (error, stdout, stderr) => {
      resolve({ code: error === null ? 0 : Number(error.code), stdout, stderr });
    });
  });
}

const node = (args: string[], env?: Record<string, string>, cwd?: string): Promise<Outcome> =>
  run(process.execPath, args, env, cwd);

const show = `fetch(process.env.ORIGIN).then((response) => response.text()).then(console.log);`;

test('the app, its workers and its child processes have HTTP/2 under their fetch, run from anywhere', async () => {
  writeFileSync(
    join(folder, 'app.cjs'),
    `const { Worker } = require('node:worker_threads');
     const { spawn } = require('node:child_process');
     ${show}
     new Worker(${JSON.stringify(join(folder, 'worker.cjs'))});
     spawn(process.execPath, ['-e', ${JSON.stringify(show)}], { stdio: 'inherit', cwd: '/' });`,
  );
  writeFileSync(join(folder, 'worker.cjs'), show);
  const printed = await node([main, 'register-url']);
  assert.equal(printed.code, 0, printed.stderr);
  assert.match(printed.stdout, /^file:\/\/\S+\/lib\/register\/index\.js\n$/);
  const { stdout, stderr } = await node(['app.cjs'], { NODE_OPTIONS: `--import=${printed.stdout.trim()}` });
  assert.equal(stderr, '');
  assert.equal(stdout, '2.0\n2.0\n2.0\n');
});

test('npm runs with it in NODE_OPTIONS, in a folder that is no project', async () => {
  const { code, stdout, stderr } = await run('npm', ['--version'], { NODE_OPTIONS: `--import=${register}` });
  assert.equal(code, 0, stderr);
  assert.match(stdout, /^\d+\./);
});

test('variables say the options of the transport beneath', async () => {
  const app = `fetch(process.env.ORIGIN).catch((error) => console.log(error.cause.message));`;
  const { stdout, stderr } = await node(['--import', register, '-e', app], { PASSINGLANE_PROXY: 'http://127.0.0.1:1' });
  assert.match(stdout, /proxy/, stderr);
});

test('a variable that says nothing of use ends the process with an error that names it', async () => {
  const { code, stderr } = await node(['--import', register, '-e', ''], { PASSINGLANE_CONNECT_TIMEOUT: 'soon' });
  assert.equal(code, 1);
  assert.match(stderr, /TypeError: Invalid environment variable PASSINGLANE_CONNECT_TIMEOUT: "soon"\. Allowed: digits/);
});

test('for a server that speaks HTTP/2 alone in the clear, the pages name what Node says and the variable that mends it', async () => {
  const clear = await startOrigin({ handler: (request, response) => response.end(request.httpVersion) });
  const app = `fetch(process.env.ORIGIN).then(async (response) => console.log(await response.text()),
    ({ cause }) => console.log(String(cause)));`;
  const shown = (env: Record<string, string>): Promise<Outcome> =>
    node(['--import', register, '-e', app], { ORIGIN: clear.origin, ...env });
  const [without, mended] = await Promise.all([shown({}), shown({ PASSINGLANE_CLEARTEXT: 'h2c' })]);
  await clear.close();
  const said = 'HTTPParserError: Response does not match the HTTP/1.1 protocol';
  assert.ok(without.stdout.startsWith(said), without.stdout + without.stderr);
  assert.equal(mended.stdout, '2.0\n', mended.stderr);
  for (const page of ['errors.md', 'guides/node-26-fetch.md', 'register.md']) {
    const text = readFileSync(join(root, 'docs', page), 'utf8');
    assert.match(text, /HTTPParserError/, page);
    assert.match(text, /PASSINGLANE_CLEARTEXT=h2c/, page);
  }
});

const runnable = versions.filter(({ skip }) => skip === false).map(({ name }) => name.replace('undici ', ''));
const packages = new Map([
  ['6', 'undici-6'],
  ['7', 'undici-7'],
  ['8', 'undici'],
]);

for (const order of [runnable, [...runnable].reverse()]) {
  test(`undici ${order.join(', then ')} loaded by the app leave the dispatcher, and use it`, async () => {
    const app = `
      const seen = [];
      for (const name of ${JSON.stringify(order.map((version) => packages.get(version)))}) {
        const undici = (await import(name)).default;
        const { body } = await undici.request(process.env.ORIGIN);
        const fetched = await undici.fetch(process.env.ORIGIN);
        seen.push(await body.text(), await fetched.text());
      }
      seen.push(await (await fetch(process.env.ORIGIN)).text());
      console.log(seen.join());`;
    const { stdout, stderr } = await node(['--import', register, '--input-type=module', '-e', app], {}, root);
    assert.equal(
      stdout.trim(),
      Array(2 * order.length + 1)
        .fill('2.0')
        .join(),
      stderr,
    );
  });
}
