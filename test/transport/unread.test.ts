/** A response that nobody reads lets the process end; whoever waits for some of one keeps it alive. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { Http2ServerRequest, Http2ServerResponse } from 'node:http2';
import type { AddressInfo } from 'node:net';
import { test, type TestContext } from 'node:test';
import { startOrigin } from '../support/origin.js';
import { runScript } from './child.js';

const size = 100_000_000;
const delay = 300;

/** `/large` is more than anybody holds unread, `/begun` goes on after a while, `/late` begins after one. */
function answer(request: IncomingMessage | Http2ServerRequest, response: ServerResponse | Http2ServerResponse): void {
  const out = response as ServerResponse;
  if (request.url === '/large') return void out.end(Buffer.alloc(size));
  const end = (): void => {
    out.addTrailers({ 'x-end': 'yes' });
    out.end('ended');
  };
  out.setHeader('trailer', 'x-end');
  if (request.url === '/begun') out.write('begun, ');
  setTimeout(end, delay);
}

async function originOf(t: TestContext, version: '2' | '1.1'): Promise<string> {
  if (version === '2') {
    const origin = await startOrigin({ handler: answer });
    t.after(() => origin.close());
    return origin.origin;
  }
  const server = createServer(answer).listen(0, '127.0.0.1');
  t.after(() => {
    server.close();
    server.closeAllConnections();
  });
  await once(server, 'listening');
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

/** Each in the process alone, with `transport` and `origin` in scope. What it prints stands beside it. */
const ends: Readonly<Record<string, readonly [script: string, prints: string]>> = {
  'nobody reads': [`console.log((await transport.request(origin + '/large')).status);`, '200'],
  'is still arriving, and nobody reads': [`console.log((await transport.request(origin + '/begun')).status);`, '200'],
  'nobody reads to its end': [
    `globalThis.chunks = (await transport.request(origin + '/large')).body[Symbol.asyncIterator]();
     console.log((await chunks.next()).done);`,
    'false',
  ],
  'was made a stream, which nobody reads': [
    `const body = (await transport.request(origin + '/large')).body;
     globalThis.streams = [body.stream()];
     console.log('made');`,
    'made',
  ],
  'is piped to what takes no more': [
    `const { Writable } = await import('node:stream');
     const body = (await transport.request(origin + '/large')).body.readable();
     body.pipe(new Writable({ write() { console.log('first'); } }));`,
    'first',
  ],
  'fetch got, and nobody reads': [`console.log((await transport.fetch(origin + '/large')).status);`, '200'],
  'fetch got, of which one of two halves is not read': [
    `const response = await transport.fetch(origin + '/large');
     globalThis.copy = response.clone();
     console.log((await response.body.getReader().read()).done);`,
    'false',
  ],
};

const stays: Readonly<Record<string, readonly [script: string, prints: string]>> = {
  'the headers of a response': [`console.log((await transport.request(origin + '/late')).status);`, '200'],
  'the rest of a body': [
    `console.log(await (await transport.request(origin + '/begun')).body.text());`,
    'begun, ended',
  ],
  'the rest of a body, and began late': [
    `const { body } = await transport.request(origin + '/begun');
     await new Promise((resolve) => setTimeout(resolve, 50));
     console.log(await body.text());`,
    'begun, ended',
  ],
  'the end of what is dropped': [
    `await (await transport.request(origin + '/begun')).body.dump();
     console.log('done');`,
    'done',
  ],
  'the next piece of a stream': [
    `const reader = (await transport.fetch(origin + '/begun')).body.getReader();
     let text = '';
     for (let step; !(step = await reader.read()).done; ) text += new TextDecoder().decode(step.value);
     console.log(text);`,
    'begun, ended',
  ],
  "a readable's end": [
    `const body = (await transport.request(origin + '/begun')).body.readable();
     body.on('data', (chunk) => console.log(String(chunk)));`,
    'begun, \nended',
  ],
  trailers: [
    `const { body, trailers } = await transport.request(origin + '/begun');
     console.log((await trailers).get('x-end'));`,
    'yes',
  ],
  'one response beside another that nobody reads': [
    `globalThis.held = await transport.request(origin + '/large');
     console.log(await (await transport.request(origin + '/begun')).body.text());`,
    'begun, ended',
  ],
};

for (const version of ['2', '1.1'] as const) {
  const run = async (t: TestContext, [script, prints]: readonly [string, string]): Promise<void> => {
    const origin = await originOf(t, version);
    const cleartext = version === '2' ? 'h2c' : 'http/1.1';
    const result = await runScript(`
      const origin = '${origin}';
      const transport = new Transport({ cleartext: '${cleartext}' });
      ${script}`);
    assert.deepEqual(result, { code: 0, stdout: `${prints}\n`, stderr: '' });
  };
  for (const [what, script] of Object.entries(ends))
    test(`HTTP/${version}: a response that ${what} does not keep the process alive`, (t) => run(t, script));
  for (const [what, script] of Object.entries(stays))
    test(`HTTP/${version}: who waits for ${what} keeps the process alive`, (t) => run(t, script));
}
