/** On real sockets: a server in a thread of its own, whose event loop is blocked by turns. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { Worker } from 'node:worker_threads';
import { Transport } from '../../dist/index.js';

/** Says its port, then blocks for 500 ms in every 700, and tells how often when it is asked. */
const busy = `
  const { createServer } = require('node:http2');
  const { parentPort } = require('node:worker_threads');
  const word = new Int32Array(new SharedArrayBuffer(4));
  let connections = 0;
  const server = createServer((request, response) => {
    if (request.url === '/endless') return response.write('begun');
    request.resume().on('end', () => response.end('ok'));
  });
  server.on('session', (session) => {
    connections++;
    session.on('error', () => undefined);
    session.on('ping', () => parentPort.postMessage('ping'));
  });
  server.listen(0, '127.0.0.1', () => parentPort.postMessage(server.address().port));
  let blocks = 0;
  parentPort.on('message', () => parentPort.postMessage({ connections, blocks }));
  const block = () => {
    parentPort.postMessage('blocking');
    Atomics.wait(word, 0, 0, 500);
    blocks++;
    setTimeout(block, 200);
  };
  setTimeout(block, 50);
`;

test('a server whose event loop blocks for half a second by turns answers all, on one connection and without a PING', async (t) => {
  const server = new Worker(busy, { eval: true });
  t.after(() => server.terminate());
  const [port] = (await once(server, 'message')) as [number];
  // A busy machine keeps it waiting for longer than it blocks.
  const transport = new Transport({ cleartext: 'h2c', probeAfter: 3_000 });
  t.after(() => transport.destroy());
  const get = async (path: string): Promise<number> => {
    const { status, body } = await transport.request(`http://127.0.0.1:${port}${path}`);
    if (path !== '/endless') await body.dump();
    return status;
  };
  await get('/endless');
  const said: unknown[] = [];
  server.on('message', (message) => said.push(message));
  const calls: Promise<number>[] = [];
  while (said.filter((one) => one === 'blocking').length < 2 || calls.length < 20) {
    calls.push(get('/'));
    await sleep(20);
  }
  assert.deepEqual(new Set(await Promise.all(calls)), new Set([200]));
  const telling = new Promise<{ connections: number; blocks: number }>((resolve) => {
    server.on('message', (message) => {
      if (typeof message === 'object') resolve(message as { connections: number; blocks: number });
    });
  });
  server.postMessage('');
  const told = await telling; // behind which there may be word of the next block
  assert.deepEqual([told.connections, said.includes('ping')], [1, false]);
  assert.ok(told.blocks > 0, 'it was blocked while requests waited');
});
