/** The transport that `request` and `fetch` share, which a process has one of: so each test has a process. */
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { test } from 'node:test';

function run(script: string): string {
  const index = JSON.stringify(new URL('../../dist/index.js', import.meta.url));
  const module = `import { configureDefault, request, fetch } from ${index};\n${script}`;
  return execFileSync(process.execPath, ['--input-type=module', '-e', module], { encoding: 'utf8' }).trim();
}

const told = `const tell = (call) => { try { call(); console.log('fine'); } catch (error) {
  console.log(error.code, error.message); } };`;

test('what configureDefault says holds for request and for fetch', () => {
  const output = run(`
    import { createServer } from 'node:http';
    const server = createServer((request, response) => response.end(request.headers['user-agent']));
    await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve));
    const url = 'http://127.0.0.1:' + server.address().port;
    configureDefault({ userAgent: 'configured/1' });
    console.log(await (await request(url)).text(), await (await fetch(url)).text());
    server.close();
    server.closeAllConnections();`);
  assert.equal(output, 'configured/1 configured/1');
});

test('configureDefault checks its options, and may be called again where they were refused', () => {
  const output = run(`${told}
    tell(() => configureDefault({ idleTimeout: -1 }));
    tell(() => configureDefault({ idleTimeout: 1 }));`);
  const [refused, fine] = output.split('\n');
  assert.match(refused ?? '', /^ERR_INVALID_ARG_VALUE Invalid option 'idleTimeout'/);
  assert.equal(fine, 'fine');
});

test('configureDefault is refused once the default transport is in use, by itself or by a request', () => {
  const refused =
    'ERR_INVALID_STATE The default transport is in use already: call configureDefault once, before any request or fetch';
  assert.equal(run(`${told} configureDefault({}); tell(() => configureDefault({}));`), refused);
  assert.equal(run(`${told} request('ftp://x/').catch(() => {}); tell(() => configureDefault({}));`), refused);
});
