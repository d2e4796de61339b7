/** What is awaited at the top level of a script comes to its end, also where nothing else keeps the process alive. */
import assert from 'node:assert/strict';
import { test, type TestContext } from 'node:test';
import { startOrigin, type TestOrigin } from '../support/origin.js';
import { runScript } from './child.js';

const dispatcher = new URL('../../lib/undici/index.js', import.meta.url).href;

/** The response is unread, as is what keeps no process alive; it is let go of by a timer that does not either. */
const unread = `
  const later = (task) => void setTimeout(task, 300).unref();`;

/** Each in the process alone, with `transport` and `origin` in scope. */
const awaited: Readonly<Record<string, string>> = {
  'transport.close() beside an unread response': `
    const { body } = await transport.request(origin + '/large');
    later(() => body.cancel());
    await transport.close();`,
  'transport.close() with a time-out beside an unread response': `
    globalThis.held = await transport.request(origin + '/large');
    await transport.close({ timeout: 300 });`,
  "the end of 'await using' beside an unread response": `
    const { body } = await transport.request(origin + '/large');
    later(() => body.cancel());
    await transport[Symbol.asyncDispose]();`,
  'conn.shutdown() beside an unread response': `
    const conn = await transport.connect(origin);
    const { body } = await conn.request(origin + '/large');
    later(() => body.cancel());
    await conn.shutdown();`,
  'conn.ping()': `
    const conn = await transport.connect(origin);
    await conn.ping();`,
  'transport.preconnect()': `
    await transport.preconnect(origin, 2);`,
  "close() of a dispatcher over a transport of one's own beside an unread response": `
    const { H2Dispatcher } = await import('${dispatcher}');
    const dispatcher = new H2Dispatcher(transport);
    const { body } = await dispatcher.request({ origin, path: '/large', method: 'GET' });
    later(() => body.on('error', () => undefined).destroy());
    await dispatcher.close();`,
  'close() of a dispatcher with a transport of its own beside an unread response': `
    const { H2Dispatcher } = await import('${dispatcher}');
    const dispatcher = new H2Dispatcher({ cleartext: 'h2c' });
    const { body } = await dispatcher.request({ origin, path: '/large', method: 'GET' });
    later(() => body.on('error', () => undefined).destroy());
    await dispatcher.close();`,
};

async function largeOrigin(t: TestContext): Promise<TestOrigin> {
  const origin = await startOrigin({ handler: (_, response) => void response.end(Buffer.alloc(100_000_000)) });
  t.after(() => origin.close());
  return origin;
}

for (const [what, script] of Object.entries(awaited))
  test(`who awaits ${what} keeps the process alive until then`, async (t) => {
    const { origin } = await largeOrigin(t);
    const result = await runScript(`
      const origin = '${origin}';
      const transport = new Transport({ cleartext: 'h2c' });
      ${unread}
      ${script}
      console.log('done');`);
    assert.deepEqual(result, { code: 0, stdout: 'done\n', stderr: '' });
  });

test('an aborted wait for transport.close() or conn.shutdown() keeps the process alive no longer', async (t) => {
  const { origin } = await largeOrigin(t);
  const result = await runScript(`
    const transport = new Transport({ cleartext: 'h2c' });
    const conn = await transport.connect('${origin}');
    globalThis.held = [await conn.request('${origin}/'), await transport.request('${origin}/')];
    const signal = AbortSignal.timeout(50);
    const failed = await Promise.all([conn.shutdown({ signal }).catch((e) => e), transport.close({ signal }).catch((e) => e)]);
    console.log(failed.map(({ name }) => name).join());`);
  assert.deepEqual(result, { code: 0, stdout: 'TimeoutError,TimeoutError\n', stderr: '' });
});
