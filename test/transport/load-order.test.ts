/** What a new process still has to load of Node, it loads while it would wait for the network anyway. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { runScript } from './child.js';

const isLoaded = `const isLoaded = (name) => process.moduleLoadList.includes('NativeModule ' + name);`;

test('the name of the first https: origin is looked up before node:tls is loaded, which is done when there is an answer', async () => {
  const { stdout, stderr } = await runScript(`
    ${isLoaded}
    const lookup = (hostname, options, callback) => {
      console.log(isLoaded('tls'));
      setImmediate(() => {
        console.log(isLoaded('tls'));
        callback(new Error('no such name'));
      });
    };
    await new Transport({ lookup }).request('https://name.test/').catch((error) => console.log(error.cause.message));
  `);
  assert.deepEqual({ stdout, stderr }, { stdout: 'false\ntrue\nno such name\n', stderr: '' });
});

test("Node's fetch, whose Response fetch answers with, is loaded by the time that the server has the first request", async () => {
  const { stdout, stderr } = await runScript(`
    import { once } from 'node:events';
    import { createServer } from 'node:http2';
    ${isLoaded}
    const server = createServer((request, response) => {
      console.log(isLoaded('internal/deps/undici/undici'));
      response.end('hello');
    });
    await once(server.listen(0, '127.0.0.1'), 'listening');
    const transport = new Transport({ cleartext: 'h2c' });
    const answer = transport.fetch('http://127.0.0.1:' + server.address().port);
    console.log(isLoaded('internal/deps/undici/undici'));
    console.log(await (await answer).text());
    transport.destroy();
    server.close();
  `);
  assert.deepEqual({ stdout, stderr }, { stdout: 'false\ntrue\nhello\n', stderr: '' });
});
