/** Connections of HTTP/1.1 that the server closes without a word between two requests, or under the second. */
import assert from 'node:assert/strict';
import { connect } from 'node:net';
import { test, type TestContext } from 'node:test';
import { createServer as createTlsServer } from 'node:tls';
import type { Transport, RequestOptions } from '../../dist/index.js';
import { loopback } from '../support/certificates.js';
import { eventually, listen, rawOrigin, RawPeer, transportFor, type Http1Origin } from './support.js';

const ok = 'HTTP/1.1 200 OK\nContent-Length: 2\n\nok';

/** What becomes of the requests: how often each was sent, or the code of its error. */
async function send(transport: Transport, url: string, options?: RequestOptions): Promise<number | string> {
  try {
    const { body, attempts } = await transport.request(url, options);
    await body.dump();
    return attempts;
  } catch (error) {
    return (error as { code: string }).code;
  }
}

const lost = 'ERR_PASSINGLANE_CONNECTION_LOST';

/** Answers one request on each connection; then `last` says what becomes of the next. */
function answersOnce(t: TestContext, last: (peer: RawPeer, index: number) => void): Promise<Http1Origin> {
  return rawOrigin(t, async (peer, index) => {
    await peer.request();
    peer.write(ok);
    await peer.request();
    last(peer, index);
  });
}

test('a server that closes behind each answer without saying so fails no request, whatever its method', async (t) => {
  const server = await rawOrigin(t, async (peer) => {
    await peer.request();
    peer.write(ok);
    peer.socket.end();
  });
  const transport = transportFor(t);
  for (let i = 0; i < 200; i++) assert.equal(await send(transport, server.origin), 1);
  for (let i = 0; i < 50; i++) assert.equal(await send(transport, server.origin, { method: 'POST', body: 'x' }), 1);
  assert.equal(server.connections, 250);
});

test('requests one after the other share one connection, without another dial, where the server keeps it', async (t) => {
  const server = await rawOrigin(t, async (peer) => {
    for (;;) {
      await peer.request();
      peer.write(ok);
    }
  });
  const transport = transportFor(t);
  for (let i = 0; i < 50; i++) assert.equal(await send(transport, server.origin), 1);
  assert.equal(server.connections, 1);
});

test('a connection closed while the process was busy is found out before a request goes out on it', async (t) => {
  const server = await rawOrigin(t, async (peer, index) => {
    await peer.request();
    peer.write(ok);
    if (index === 0) peer.socket.on('data', () => peer.socket.destroy());
  });
  const transport = transportFor(t);
  assert.equal(await send(transport, server.origin), 1);
  await new Promise((resolve) => setImmediate(() => setImmediate(resolve)));
  // The FIN is on its way, and no turn has read it: more than a second goes by in this one.
  for (const socket of server.open) socket.destroy();
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 1_100);
  assert.equal(await send(transport, server.origin, { method: 'POST', body: 'x' }), 1);
  assert.equal(server.connections, 2);
});

test('a GET, HEAD or OPTIONS that met a kept connection closed is sent again', async (t) => {
  const server = await answersOnce(t, (peer) => peer.socket.destroy());
  for (const method of ['GET', 'HEAD', 'OPTIONS']) {
    const transport = transportFor(t);
    assert.equal(await send(transport, server.origin), 1);
    assert.equal(await send(transport, server.origin, { method }), 2, method);
  }
});

test('another method, and one with a body, is sent again only where it is called idempotent', async (t) => {
  const server = await answersOnce(t, (peer) => peer.socket.destroy());
  const others: RequestOptions[] = [{ method: 'POST' }, { method: 'PUT', body: 'x' }, { method: 'DELETE' }];
  for (const options of [...others, { body: 'x' }, { trailers: { a: 'b' } }]) {
    for (const idempotent of [false, true]) {
      const transport = transportFor(t);
      await send(transport, server.origin);
      const expected = idempotent ? 2 : lost;
      assert.equal(await send(transport, server.origin, { ...options, idempotent }), expected, JSON.stringify(options));
    }
  }
});

test('it is sent again once: the second failure is the last', async (t) => {
  let requests = 0;
  const server = await rawOrigin(t, async (peer, index) => {
    await peer.request();
    requests++;
    if (index > 0) return void peer.socket.destroy();
    peer.write(ok);
    await peer.request();
    requests++;
    peer.socket.destroy();
  });
  const transport = transportFor(t);
  await send(transport, server.origin);
  await assert.rejects(transport.request(server.origin), { code: lost, attempts: 2, unprocessed: false });
  assert.equal(requests, 3);
});

test('it is sent again once, also where it then meets another kept connection closed', async (t) => {
  const peers: RawPeer[] = [];
  const server = await rawOrigin(t, async (peer) => {
    await peer.request();
    if (peers.push(peer) === 2) for (const one of peers) one.write(ok);
  });
  let dials = 0;
  const port = Number(new URL(server.origin).port);
  const transport = transportFor(t, {
    createConnection: () => (++dials > 2 ? new Promise(() => undefined) : connect(port, '127.0.0.1')),
  });
  await Promise.all([send(transport, server.origin), send(transport, server.origin)]);
  const slow = send(transport, `${server.origin}/slow`);
  const twice = transport.request(`${server.origin}/twice`);
  const heads = await Promise.all(peers.map((peer) => peer.request()));
  const at = heads.findIndex((head) => head.startsWith('GET /twice'));
  const [first, second] = [peers[at]!, peers[1 - at]!];
  first.socket.destroy();
  await eventually(() => dials === 3); // and it will not be there in time
  second.write(ok);
  assert.equal(await slow, 1);
  await second.request();
  second.socket.destroy();
  await assert.rejects(twice, { code: lost, attempts: 2, unprocessed: false });
});

test('one on a new connection, and one of whose answer a byte came, is not sent again', async (t) => {
  const server = await answersOnce(t, (peer) => {
    peer.write('H');
    peer.socket.end();
  });
  const transport = transportFor(t);
  await send(transport, server.origin);
  await assert.rejects(transport.request(server.origin), { attempts: 1, unprocessed: false });
  const closing = await rawOrigin(t, async (peer) => {
    await peer.request();
    peer.socket.destroy();
  });
  await assert.rejects(transport.request(closing.origin), { code: lost, attempts: 1, unprocessed: false });
});

test('with maxAttempts 1 nothing is sent again', async (t) => {
  const server = await answersOnce(t, (peer) => peer.socket.destroy());
  const transport = transportFor(t, { retry: { maxAttempts: 1 } });
  await send(transport, server.origin);
  assert.equal(await send(transport, server.origin), lost);
});

test('where one kept connection was closed the others are not tried: all may be', async (t) => {
  const server = await answersOnce(t, (peer) => peer.socket.destroy());
  const transport = transportFor(t);
  const all = Array.from({ length: 5 }, () => send(transport, server.origin));
  assert.deepEqual(await Promise.all(all), [1, 1, 1, 1, 1]);
  assert.equal(await send(transport, server.origin), 2);
  assert.equal(server.connections, 6);
});

test('over TLS it is the same', async (t) => {
  const tls = createTlsServer({ ...loopback, ALPNProtocols: ['http/1.1'] }, (socket) => {
    const serve = async (): Promise<void> => {
      const peer = new RawPeer(socket);
      await peer.request();
      peer.write(ok);
      await peer.request();
      socket.end(); // with a close_notify, which is no byte of an answer
    };
    serve().catch(() => socket.destroy());
  });
  const server = await listen(t, tls, 'https');
  const transport = transportFor(t);
  assert.equal(await send(transport, server.origin), 1);
  assert.equal(await send(transport, server.origin), 2);
});
