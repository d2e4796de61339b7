/** Two copies of the library in one process, as where its CommonJS and its ES modules meet, or two versions. */
import assert from 'node:assert/strict';
import { createRequire } from 'node:module';
import { test, type TestContext } from 'node:test';
import type * as Library from '../../dist/index.js';
import type * as Undici from '../../dist/undici/index.js';
import { startOrigin } from '../support/origin.js';

const require = createRequire(import.meta.url);
const lib = new URL('../../lib/', import.meta.url);
const ours = {
  ...((await import(new URL('index.js', lib).href)) as typeof Library),
  ...((await import(new URL('undici/index.js', lib).href)) as typeof Undici),
};
const theirs = {
  ...(require('../../lib/index.cjs') as typeof Library),
  ...(require('../../lib/undici/index.cjs') as typeof Undici),
};

async function origin(t: TestContext): Promise<string> {
  const started = await startOrigin({ handler: (request, response) => response.end(request.httpVersion) });
  t.after(() => started.close());
  return started.origin;
}

async function spoken(url: string, dispatcher?: unknown): Promise<string> {
  return (await fetch(url, { dispatcher } as RequestInit)).text();
}

test('errors of one copy are known to the other, as they are and as the cause of what undici knows', async () => {
  assert.notEqual(ours.TransportError, theirs.TransportError);
  const failed: unknown = await theirs.request('http://127.0.0.1:1/').catch((error: unknown) => error);
  assert.ok(!(failed instanceof ours.TransportError) && ours.TransportError.isInstance(failed));
  const dispatcher = new theirs.H2Dispatcher();
  const refused = { origin: 'http://127.0.0.1:1', path: '/', method: 'GET' } as const;
  const told: unknown = await dispatcher.request(refused).catch((error: unknown) => error);
  assert.ok(told instanceof Error && ours.TransportError.isInstance(told.cause));
  await dispatcher.destroy();
});

test('a dispatcher of one copy is installed by the other, which takes it away again', async (t) => {
  const url = await origin(t);
  const dispatcher = new theirs.H2Dispatcher({ cleartext: 'h2c' });
  t.after(() => dispatcher.destroy());
  assert.equal(ours.install(dispatcher), dispatcher);
  t.after(ours.uninstall);
  assert.equal(await spoken(url), '2.0');
  ours.uninstall();
  await assert.rejects(spoken(url), 'the origin speaks no HTTP/1.1');
  assert.equal(await spoken(url, dispatcher), '2.0', 'it is left open');
});

for (const [first, second] of [
  [ours, theirs],
  [theirs, ours],
] as const)
  test(`installed by both copies, ${first === ours ? 'ours' : 'theirs'} first, nothing stays of either`, async (t) => {
    const url = await origin(t);
    const before = Reflect.get(globalThis, Symbol.for('undici.globalDispatcher.1')) as unknown;
    t.after(ours.uninstall);
    const earlier = first.install({ cleartext: 'h2c' });
    assert.equal(await spoken(url), '2.0');
    second.install({ cleartext: 'h2c' });
    assert.equal(await spoken(url), '2.0');
    first.uninstall();
    second.uninstall();
    assert.equal(Reflect.get(globalThis, Symbol.for('undici.globalDispatcher.1')), before);
    await earlier.close();
    assert.ok(earlier.destroyed, 'what the other copy took the place of is closed');
  });

test('a transport of the other copy is refused in words, not for options that it has not', () => {
  const transport = new theirs.Transport();
  assert.throws(() => new ours.H2Dispatcher(transport), { code: 'UND_ERR_INVALID_ARG', message: /its own copy/ });
  assert.throws(() => ours.install(transport), { code: 'UND_ERR_INVALID_ARG', message: /its own copy/ });
  const view = new ours.Transport().with({ headers: { a: 'b' } });
  assert.throws(() => new ours.H2Dispatcher(view as never), { message: /nor a view/ });
});
