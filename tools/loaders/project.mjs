// A user's project: the packed package, the tools at their pinned versions, and an app in each dialect.
import { createHash } from 'node:crypto';
import { execFileSync, spawn } from 'node:child_process';
import {
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  renameSync,
  writeFileSync,
} from 'node:fs';
import { homedir, tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { transformSync } from 'esbuild';

const root = fileURLToPath(new URL('../..', import.meta.url));
export const cache = join(process.env.XDG_CACHE_HOME ?? join(homedir(), '.cache'), 'passinglane-ci');

/** The folder of a project with these tools, fetched into the cache of the checks when they are not there, and the package as `npm pack` makes it. */
export function makeProject(tools) {
  const wanted = Object.entries(tools).map(([name, version]) => `${name}@${version}`);
  const stored = join(cache, `loaders-${createHash('sha256').update(wanted.join()).digest('hex').slice(0, 12)}`);
  if (!existsSync(stored)) {
    mkdirSync(cache, { recursive: true });
    const fresh = mkdtempSync(join(cache, 'fetch-'));
    npm(['install', '--prefix', fresh, '--ignore-scripts', ...wanted], fresh);
    renameSync(fresh, stored);
  }
  const folder = mkdtempSync(join(tmpdir(), 'passinglane-loaders-'));
  npm(['pack', '--ignore-scripts', '--pack-destination', folder], root);
  const tarball = join(folder, readdirSync(folder)[0]);
  const project = join(folder, 'project');
  cpSync(stored, project, { recursive: true, verbatimSymlinks: true });
  npm(['install', '--offline', '--no-save', '--ignore-scripts', tarball], project);
  writeApp(project);
  return { folder, project };
}

function npm(args, cwd) {
  execFileSync('npm', [...args, '--no-audit', '--no-fund', '--silent'], {
    cwd,
    stdio: ['ignore', 'ignore', 'inherit'],
  });
}

const names = 'const { fetch, Transport, TransportError } =';

/** A mock with a delay and a time-out, and the network turned off: none of it waits for a fake clock. */
const mocks = `const { Transport } = require('passinglane');
  const { disableNetwork, enableNetwork, MockTransport } = require('passinglane/testing');
  exports.mocks = async () => {
    const mock = new MockTransport().route('/late', { delay: 5, json: 1 }).route('/never', { fault: 'stall' });
    const late = await (await mock.request('https://a.test/late')).body.json();
    const never = await mock.request('https://a.test/never', { timeout: 5 }).catch(({ code }) => code);
    disableNetwork();
    const refused = await new Transport().request('https://a.test/').catch(({ code }) => code);
    enableNetwork();
    mock.destroy();
    if (late !== 1 || never !== 'ERR_PASSINGLANE_TIMEOUT' || refused !== 'ERR_PASSINGLANE_NOT_MOCKED')
      throw new Error([late, never, refused]);
    return 'works';
  };`;

/** As docs/guides/testing.md says: msw's handlers behind a mock, and msw's server above an installed fetch. */
const msw = `import { getResponse, http, HttpResponse } from 'msw';
  import { setupServer } from 'msw/node';
  import { MockTransport } from 'passinglane/testing';
  import { install, uninstall } from 'passinglane/undici';
  const handlers = [http.post('https://a.test/users', async ({ request }) => HttpResponse.json(await request.json()))];
  const mock = new MockTransport().route('*', (call) => getResponse(handlers, call.request()));
  const options = { method: 'POST', body: '{"id":7}' };
  const behind = await (await mock.request('https://a.test/users', options)).body.json();
  mock.destroy();
  install();
  const server = setupServer(...handlers);
  server.listen({ onUnhandledRequest: 'error' });
  const above = await (await fetch('https://a.test/users', options)).json();
  server.close();
  uninstall();
  if (behind.id !== 7 || above.id !== 7) throw new Error(JSON.stringify({ behind, above }));
  console.log('works');`;

/** app.cjs requires the package, app.mjs imports it, app.cts and app.test.ts are TypeScript that becomes CommonJS. */
function writeApp(project) {
  const write = (name, text) => {
    mkdirSync(dirname(join(project, name)), { recursive: true });
    writeFileSync(join(project, name), text);
  };
  const exercise = readFileSync(new URL('exercise.mjs', import.meta.url), 'utf8');
  const commonJs = transformSync(exercise, { format: 'cjs', platform: 'node' }).code;
  write('exercise.mjs', exercise);
  write('exercise.cjs', commonJs);
  write('exercise.d.cts', 'export declare function exercise(library: object): Promise<string>;');
  const required = `${names} require('passinglane');
    const { createRequest } = require('passinglane/http');
    const { H2Dispatcher } = require('passinglane/undici');
    const { exercise } = require('./exercise.cjs');`;
  const imported = (dialect) => `import { fetch, Transport, TransportError } from 'passinglane';
    import { createRequest } from 'passinglane/http';
    import { H2Dispatcher } from 'passinglane/undici';
    import { exercise } from './exercise.${dialect}';`;
  const work = 'exercise({ fetch, Transport, TransportError, createRequest, H2Dispatcher })';
  const tested = `test('works', async () => { await ${work}; });`;
  write('app.cjs', `${required} ${work}.then(console.log);`);
  write('app.mjs', `${imported('mjs')} ${work}.then(console.log);`);
  // Under module: preserve an import stays what it is written as.
  let at = 0;
  const preserved = required.replaceAll(/const (.+?) = (require\(.+?\));/g, (_, taken, call) => {
    at++;
    return `import library${at} = ${call}; const ${taken} = library${at};`;
  });
  write('preserved.cts', `${preserved} void ${work}.then(console.log);`);
  write('app.cts', `${imported('cjs')} void ${work}.then(console.log);`);
  write('jest/plain.test.js', `${required.replace('./', '../')} ${tested}`);
  write('ts-jest/typed.test.ts', `${imported('cjs').replace('./', '../')} ${tested}`);
  write('mocks.cjs', mocks);
  write(
    'fakes/jest.test.js',
    `const { mocks } = require('../mocks.cjs'); ${required.replace('./', '../')}
    test('works', async () => { await ${work}; await mocks(); });`,
  );
  write(
    'sinon.cjs',
    `const { mocks } = require('./mocks.cjs'); ${required}
    require('@sinonjs/fake-timers').install();
    ${work}.then(mocks).then(console.log);`,
  );
  write('msw.mjs', msw);
  write('vitest/app.test.mjs', `import { test } from 'vitest'; ${imported('mjs').replace('./', '../')} ${tested}`);
}

/** Resolves with what it printed; rejects, with all of it, where it fails. */
export function run(node, args, cwd) {
  return new Promise((resolve, reject) => {
    const child = spawn(node, args, { cwd, timeout: 120_000, env: { ...process.env, NODE_OPTIONS: '' } });
    let output = '';
    for (const stream of [child.stdout, child.stderr]) stream.on('data', (chunk) => (output += chunk));
    child.on('error', reject);
    child.on('close', (code, signal) => {
      if (code === 0) resolve(output);
      else reject(new Error(`${args.join(' ')} ended with ${code ?? signal}:\n${output}`));
    });
  });
}
