/** HTTP/2 under the fetch of the Node that runs the tests. */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { test, type TestContext } from 'node:test';
import { fileURLToPath } from 'node:url';
import { H2Dispatcher, install, uninstall } from '../../dist/undici/index.js';
import { pattern } from '../support/endpoints.js';
import { startOrigin, type OriginOptions, type TestOrigin } from '../support/origin.js';

const symbols = [1, 2].map((version) => Symbol.for(`undici.globalDispatcher.${version}`));
const globals = globalThis as unknown as Record<symbol, unknown>;

function current(): unknown[] {
  return symbols.map((symbol) => globals[symbol]);
}

async function place(t: TestContext, options?: OriginOptions): Promise<TestOrigin> {
  const origin = await startOrigin(options);
  t.after(async () => {
    uninstall();
    await origin.close();
  });
  Reflect.get(globalThis, 'Response'); // loads Node's fetch, which sets its dispatcher
  return origin;
}

test('importing it changes nothing; installing does, and uninstalling puts back what was there', () => {
  const path = fileURLToPath(new URL('../../dist/undici/index.js', import.meta.url));
  const script = `
    const symbols = [1, 2].map((version) => Symbol.for('undici.globalDispatcher.' + version));
    const state = () => symbols.map((symbol) => symbol in globalThis);
    const names = JSON.stringify(Reflect.ownKeys(globalThis).map(String));
    const { H2Dispatcher, install, uninstall } = await import(${JSON.stringify(path)});
    if (JSON.stringify(Reflect.ownKeys(globalThis).map(String)) !== names) throw new Error('the import left something');
    void Response;
    const before = symbols.map((symbol) => globalThis[symbol]);
    const present = String(state());
    if (!(install() instanceof H2Dispatcher)) throw new Error('not returned');
    if (!symbols.every((symbol) => globalThis[symbol] instanceof H2Dispatcher)) throw new Error('not installed');
    uninstall();
    if (!symbols.every((symbol, i) => globalThis[symbol] === before[i])) throw new Error('not put back');
    if (String(state()) !== present) throw new Error('something is left');
    console.log('ok');
  `;
  const { stdout, stderr } = spawnSync(process.execPath, ['--input-type=module', '-e', script], { encoding: 'utf8' });
  assert.equal(stdout, 'ok\n', stderr);
});

test('the built-in fetch speaks HTTP/2 over TLS: streams, forms, coding, redirects, abort', async (t) => {
  const origin = await place(t, { tls: true });
  install({ tls: { ca: origin.ca } });
  const url = origin.origin;
  const response = await fetch(`${url}/hello.txt`);
  assert.equal(await response.text(), 'hello\n');
  const large = pattern(1_000_000);
  const body = new Blob([new Uint8Array(large)]).stream();
  const echoed = await fetch(`${url}/echo`, { method: 'POST', body, duplex: 'half' });
  assert.deepEqual(Buffer.from(await echoed.arrayBuffer()), large);
  const form = new FormData();
  form.append('name', 'value');
  form.append('file', new Blob(['content']), 'a.txt');
  const posted = await fetch(`${url}/echo`, { method: 'POST', body: form });
  assert.match(await posted.text(), /name="file"; filename="a.txt"/);
  const controller = new AbortController();
  const pending = fetch(`${url}/silent`, { signal: controller.signal });
  while (origin.openStreams === 0) await new Promise((resolve) => setImmediate(resolve));
  controller.abort();
  await assert.rejects(pending, { name: 'AbortError' });
  await assert.rejects(
    fetch(`${url}/reset/2`).then((cut) => cut.text()),
    TypeError,
  );
  assert.equal(origin.sessionCount, 1, 'all of it went over one HTTP/2 connection');
});

test("a content-length of the caller's own goes out once through the built-in fetch, which adds another", async (t) => {
  const seen: unknown[] = [];
  const origin = await place(t, {
    handler(request, response) {
      seen.push(request.headers['content-length']);
      request.resume().on('end', () => response.end());
    },
  });
  install({ cleartext: 'h2c' });
  const body = new TextEncoder().encode('{}');
  const headers = { 'content-length': String(body.byteLength) };
  const response = await fetch(origin.origin, { method: 'POST', body, headers });
  assert.equal(response.status, 200);
  assert.deepEqual(seen, ['2']);
});

test('a slow reader of the built-in fetch holds the server back', async (t) => {
  const size = 16_000_000;
  let written = 0;
  const origin = await place(t, {
    handler(_request, response) {
      const piece = Buffer.alloc(64_000);
      const write = (): void => {
        while (written < size) {
          written += piece.length;
          if (!response.write(piece)) return void response.once('drain', write);
        }
        response.end();
      };
      write();
    },
  });
  install({ cleartext: 'h2c' });
  const response = await fetch(origin.origin);
  const reader = (response.body as ReadableStream<Uint8Array>).getReader();
  await reader.read();
  await new Promise((resolve) => setTimeout(resolve, 100));
  assert.ok(written < size / 2, `${written} bytes were taken from the server while nobody read`);
  let read = 0;
  for (let step = await reader.read(); !step.done; step = await reader.read()) read += step.value.byteLength;
  assert.ok(read > size / 2);
});

test('installed twice, what was there at first comes back', async (t) => {
  const { origin } = await place(t);
  const before = current();
  const first = install({ cleartext: 'h2c' });
  const second = install({ cleartext: 'h2c' });
  assert.notEqual(first, second);
  assert.equal(await (await fetch(`${origin}/hello.txt`)).text(), 'hello\n');
  uninstall();
  uninstall();
  assert.deepEqual(current(), before);
});

test('what somebody else has set since then stays', async (t) => {
  await place(t);
  const before = current();
  const theirs = { dispatch: () => true };
  install();
  for (const symbol of symbols) globals[symbol] = theirs;
  uninstall();
  assert.deepEqual(current(), [theirs, theirs]);
  install();
  uninstall();
  assert.deepEqual(current(), [theirs, theirs], 'and comes back when ours stood in front of it');
  symbols.forEach((symbol, i) => {
    if (before[i] === undefined) Reflect.deleteProperty(globals, symbol);
    else globals[symbol] = before[i];
  });
});

test('a dispatcher of the caller\u2019s is left open by uninstall, one made by install is closed', async (t) => {
  await place(t);
  const mine = new H2Dispatcher();
  assert.equal(install(mine), mine);
  uninstall();
  assert.equal(mine.closed, false);
  await mine.close();
  const made = install();
  uninstall();
  assert.equal(made.closed, true);
});

test('one made by install that its user has destroyed is replaced, and taken away, without an error', async (t) => {
  await place(t);
  const rejections: unknown[] = [];
  const note = (reason: unknown): unknown => rejections.push(reason);
  process.on('unhandledRejection', note);
  t.after(() => process.off('unhandledRejection', note));
  await install().destroy();
  await install().destroy();
  uninstall();
  await new Promise((resolve) => setImmediate(resolve));
  assert.deepEqual(rejections, []);
});

test('the option userAgent goes out in place of what fetch calls itself, and not of what its caller does', async (t) => {
  const { origin } = await place(t, {
    handler: (request, response) => response.end(String(request.headers['user-agent'])),
  });
  const seen = async (headers?: Record<string, string>): Promise<string> =>
    (await fetch(origin, headers && { headers })).text();
  install({ cleartext: 'h2c' });
  assert.match(await seen(), /^(node|undici)$/);
  install({ cleartext: 'h2c', userAgent: 'mine/1' });
  assert.equal(await seen(), 'mine/1');
  assert.equal(await seen({ 'User-Agent': 'theirs/2' }), 'theirs/2');
  install({ cleartext: 'h2c', userAgent: '' });
  assert.equal(await seen(), 'undefined');
});
