import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { test } from 'node:test';
import { Transport } from '../../dist/index.js';
import { MockTransport } from '../../dist/testing/index.js';
import { startOrigin } from '../support/origin.js';

test("node:test's fake timers hang no request, no time-out, and no delay of a mock", async (t) => {
  const origin = await startOrigin();
  const transport = new Transport({ cleartext: 'h2c' });
  const mock = new MockTransport().route('/', { delay: 5, body: 'late' }).route('/stall', { fault: 'stall' });
  t.after(async () => {
    transport.destroy();
    mock.destroy();
    await origin.close();
  });
  t.mock.timers.enable({ apis: ['setTimeout', 'setInterval', 'setImmediate', 'Date'] });
  const sent = 'x'.repeat(100_000);
  const echoed = await transport.request(`${origin.origin}/echo`, { method: 'POST', body: sent });
  assert.equal(await echoed.body.text(), sent);
  assert.equal(await (await mock.request('https://a.test/')).body.text(), 'late');
  await assert.rejects(mock.request('https://a.test/stall', { timeout: 10 }), { code: 'ERR_PASSINGLANE_TIMEOUT' });
});

test('fakes that replace all there is, ticks and microtasks too, hang no request', async () => {
  // Of a process of its own, since Node's own streams use process.nextTick: what is faked is what globals and their objects
  // show, as Jest's fakes do in a test file's context.
  const script = `
    const { MockTransport } = await import(${JSON.stringify(new URL('../../dist/testing/index.js', import.meta.url).href)});
    const never = () => ({ unref() {}, ref() {} });
    for (const name of ['setTimeout', 'setInterval', 'setImmediate', 'queueMicrotask']) globalThis[name] = never;
    Date.now = () => 0;
    Object.defineProperty(globalThis, 'performance', { value: { now: () => 0 } });
    const mock = new MockTransport().route('/', { delay: 1, body: 'here' });
    const upload = await mock.request('https://a.test/', { method: 'POST', body: new Blob(['x'.repeat(1e5)]).stream() });
    console.log(await upload.body.text(), await (await mock.fetch('https://a.test/')).text());
    await mock.close();`;
  const child = spawn(process.execPath, ['--input-type=module', '-e', script], { timeout: 30_000 });
  let output = '';
  for (const stream of [child.stdout, child.stderr]) stream.on('data', (chunk) => (output += String(chunk)));
  await new Promise((resolve) => child.on('close', resolve));
  assert.equal(output, 'here here\n');
});
