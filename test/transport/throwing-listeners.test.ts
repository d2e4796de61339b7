/** What a listener of the caller's throws is an uncaught exception, as with Node's own streams, and no failure of the response. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer } from 'node:http2';
import type { AddressInfo } from 'node:net';
import { test } from 'node:test';
import { runScript } from './child.js';

const library = (entry: string): string => JSON.stringify(new URL(`../../lib/${entry}/index.js`, import.meta.url).href);

const http = `
  const { createRequest } = await import(${library('http')});
  const { get } = createRequest(transport);`;

/** Each calls `boom` within a listener, and tells of the `end`, and of an error that it is given. */
const listeners: Readonly<Record<string, string>> = {
  'on data of passinglane/http': `${http}
    get(origin, (response) => watch(response.on('data', boom)));`,
  'on the end of passinglane/http, where it was read by hand': `${http}
    get(origin, (response) => {
      response.on('readable', () => {
        while (response.read() !== null);
        if (response.complete) boom();
      });
      watch(response);
    });`,
  'on a response of passinglane/http': `${http}
    get(origin).on('error', told).on('response', (response) => {
      watch(response.resume());
      boom();
    });`,
  'on a 1xx response of passinglane/http': `${http}
    get(origin, (response) => watch(response.resume())).on('error', told).on('information', boom);`,
  'on data of readable()': `
    watch((await transport.request(origin)).body.readable().on('data', boom));`,
  'on data of a tunnel': `
    const { H2Dispatcher } = await import(${library('undici')});
    const { socket } = await new H2Dispatcher(transport).connect({ origin, path: 'elsewhere:1' });
    watch(socket.on('data', boom));
    socket.end();`,
};

for (const [what, script] of Object.entries(listeners)) {
  test(`what a listener throws ${what} is uncaught, and the rest still comes`, async (t) => {
    const server = createServer().on('stream', (stream) => {
      stream.on('error', () => undefined);
      stream.additionalHeaders({ ':status': 103 });
      stream.respond({ ':status': 200 });
      stream.write('one');
      setTimeout(() => stream.end('two'), 50);
    });
    t.after(() => server.close());
    await once(server.listen(0, '127.0.0.1'), 'listening');
    const result = await runScript(`
      const origin = 'http://127.0.0.1:${(server.address() as AddressInfo).port}';
      const transport = new Transport({ cleartext: 'h2c' });
      process.on('uncaughtException', (error, kind) => console.log(error.message, kind));
      let booms = 0;
      const boom = () => {
        if (++booms === 1) throw new Error('boom');
      };
      const told = (error) => console.log('told', error.message);
      const watch = (stream) => stream.on('error', told).on('end', () => console.log('end'));
      ${script}`);
    const lines = result.stdout.trim().split('\n').sort();
    assert.deepEqual({ ...result, stdout: lines }, { code: 0, stdout: ['boom uncaughtException', 'end'], stderr: '' });
  });
}
