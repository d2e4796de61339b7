/** 421, Misdirected Request (RFC 9110 section 15.5.20; Fetch Standard, section 4.6, step 16). */
import assert from 'node:assert/strict';
import { createServer } from 'node:http';
import type { Socket } from 'node:net';
import { test, type TestContext } from 'node:test';
import { listenFor } from '../support/listen.js';
import { startOrigin } from '../support/origin.js';
import { client } from './support.js';

interface Misdirecting {
  readonly at: string;
  /** Of each request: the number of its connection, and its body. */
  readonly requests: [connection: number, body: string][];
}

/** An origin whose first so many connections answer 421, and the others 200. */
async function misdirecting(t: TestContext, wrong: number): Promise<Misdirecting> {
  const connections: unknown[] = [];
  const requests: [number, string][] = [];
  const server = await startOrigin({
    handler: (request, response) => {
      const { session } = request.stream;
      if (!connections.includes(session)) connections.push(session);
      const connection = connections.indexOf(session) + 1;
      let body = '';
      request.on('data', (chunk: Buffer) => (body += chunk.toString()));
      request.on('end', () => {
        requests.push([connection, body]);
        response.writeHead(connection <= wrong ? 421 : 200);
        response.end('answer');
      });
    },
  });
  t.after(() => server.close());
  return { at: server.origin, requests };
}

test('a request that was misdirected is sent again over another connection, with its body', async (t) => {
  const { at, requests } = await misdirecting(t, 1);
  const { fetch } = client(t);
  const response = await fetch(at, { method: 'POST', body: 'x' });
  assert.deepEqual([response.status, await response.text(), response.redirected], [200, 'answer', false]);
  assert.equal((await fetch(at)).status, 200);
  assert.deepEqual(requests, [
    [1, 'x'],
    [2, 'x'],
    [2, ''],
  ]);
});

test('it is sent again once only: what comes then is the answer', async (t) => {
  const { at, requests } = await misdirecting(t, Infinity);
  const response = await client(t).fetch(at);
  assert.deepEqual([response.status, await response.text()], [421, 'answer']);
  assert.deepEqual(requests, [
    [1, ''],
    [2, ''],
  ]);
});

test('one whose body was a stream is not, for that is gone', async (t) => {
  const { at, requests } = await misdirecting(t, 1);
  const body = new Blob(['x']).stream();
  const response = await client(t).fetch(at, { method: 'POST', body, duplex: 'half' });
  assert.deepEqual([response.status, requests], [421, [[1, 'x']]]);
});

test('others on the connection that was the wrong one for it go on to their end', async (t) => {
  const { at, requests } = await misdirecting(t, 1);
  const { fetch } = client(t);
  const responses = await Promise.all(Array.from({ length: 10 }, () => fetch(at)));
  assert.deepEqual(new Set(responses.map(({ status }) => status)), new Set([200]));
  assert.equal(requests.length, 20);
});

test('in HTTP/1.1 it is sent again over another connection too', async (t) => {
  const sockets = new Set<Socket>();
  const server = createServer(({ socket }, response) => {
    sockets.add(socket);
    response.writeHead(sockets.size === 1 ? 421 : 200).end('answer');
  });
  const port = await listenFor(t, server, sockets);
  const response = await client(t, { cleartext: 'http/1.1' }).fetch(`http://127.0.0.1:${port}/`);
  assert.deepEqual([response.status, sockets.size], [200, 2]);
});

test('in HTTP/1.1 too, what was the wrong connection for one request carries no other', async (t) => {
  const sockets: Socket[] = [];
  const carried: number[] = [];
  const server = createServer(({ socket }, response) => {
    if (!sockets.includes(socket)) sockets.push(socket);
    carried.push(sockets.indexOf(socket) + 1);
    response.writeHead(socket === sockets[0] ? 421 : 200).end('answer');
  });
  const port = await listenFor(t, server, new Set());
  const { fetch } = client(t, { cleartext: 'http/1.1' });
  for (let i = 0; i < 3; i++) await (await fetch(`http://127.0.0.1:${port}/`)).text();
  assert.deepEqual(carried, [1, 2, 2, 2]);
});
