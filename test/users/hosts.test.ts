/** Problems with what stands above and beside: undici, the built-in fetch, WebSocket, and origins of HTTP/1.1. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer } from 'node:http2';
import { createServer as createHttpsServer } from 'node:https';
import type { AddressInfo, Socket } from 'node:net';
import { test, type TestContext } from 'node:test';
import { H2Dispatcher, install, uninstall } from '../../dist/undici/index.js';
import { loopback } from '../support/certificates.js';
import { listenFor } from '../support/listen.js';
import { startOrigin } from '../support/origin.js';
import { converse, startWebSockets, wires } from '../support/websocket.js';
import { versions } from '../undici/undicis.js';
import { client, until } from './support.js';

interface Http1Only {
  readonly origin: string;
  /** How many TLS handshakes there have been. */
  readonly handshakes: number;
  /** Answers one request that waits. */
  readonly waiting: (() => void)[];
}

/** An origin that ALPN says has only HTTP/1.1; it holds its answers back. */
async function http1Only(t: TestContext): Promise<Http1Only> {
  const waiting: (() => void)[] = [];
  const sockets = new Set<Socket>();
  let handshakes = 0;
  const server = createHttpsServer({ ...loopback }, (request, response) => {
    waiting.push(() => void response.end(request.url));
  });
  server.on('secureConnection', (socket: Socket) => {
    handshakes++;
    sockets.add(socket);
    socket.on('error', () => undefined);
  });
  const port = await listenFor(t, server, sockets);
  return {
    origin: `https://127.0.0.1:${port}`,
    waiting,
    get handshakes() {
      return handshakes;
    },
  };
}

test('an origin that turns out to speak HTTP/1.1 gets a connection for each request at once', async (t) => {
  const server = await http1Only(t);
  const transport = client(t, { tls: { ca: loopback.cert } });
  for (const round of ['cold', 'warm']) {
    const calls = Array.from({ length: 10 }, (_, i) => transport.request(`${server.origin}/${i}`));
    await until(() => server.waiting.length === 10);
    assert.equal(server.handshakes, 10, `${round}: none waits behind another, and none costs two handshakes`);
    for (const answer of server.waiting.splice(0)) answer();
    const bodies = await Promise.all(calls.map(async (call) => (await call).body.text()));
    assert.deepEqual(
      bodies,
      Array.from({ length: 10 }, (_, i) => `/${i}`),
    );
  }
});

test('the handshake that learns of HTTP/1.1 serves the first request, and nobody asks again', async (t) => {
  const server = await http1Only(t);
  const transport = client(t, { tls: { ca: loopback.cert } });
  const get = async (): Promise<boolean> => {
    const call = transport.request(server.origin);
    await until(() => server.waiting.length === 1);
    server.waiting.pop()?.();
    const { body, httpVersion, connection } = await call;
    assert.deepEqual([httpVersion, await body.text()], ['1.1', '/']);
    return connection.reused;
  };
  assert.deepEqual([await get(), server.handshakes], [false, 1]);
  assert.deepEqual([await get(), server.handshakes], [true, 1]);
  transport.closeIdleConnections();
  // The verdict outlives the connections: many at once dial at once, without waiting for a first that finds out.
  const calls = Array.from({ length: 5 }, () => transport.request(server.origin));
  assert.equal(transport.stats().origins[0]?.dialling, 5);
  await until(() => server.waiting.length === 5);
  for (const answer of server.waiting.splice(0)) answer();
  for (const { body } of await Promise.all(calls)) await body.dump();
  assert.equal(server.handshakes, 6);
});

for (const version of versions) {
  const { skip } = version;

  test(`what ${version.name} makes, and a handler of either kind, is taken`, { skip }, async (t) => {
    const origin = await startOrigin();
    const dispatcher = new H2Dispatcher({ cleartext: 'h2c' });
    t.after(async () => {
      await dispatcher.destroy();
      await origin.close();
    });
    const undici = await version.load();
    const { body } = await undici.request(`${origin.origin}/hello.txt`, { dispatcher });
    assert.equal(await body.text(), 'hello\n');
    // The built-in fetch brings the handlers of the undici within this Node, whichever is installed beside it.
    const init = { dispatcher } as unknown as RequestInit;
    assert.equal(await (await fetch(`${origin.origin}/hello.txt`, init)).text(), 'hello\n');
    assert.equal(origin.sessionCount, 1);
  });

  test(`a WebSocket of ${version.name} that is refused fails, and holds up no other`, { skip }, async (t) => {
    const server = createServer({ settings: { enableConnectProtocol: true } });
    const sockets = new Set<Socket>();
    server.on('connection', (socket: Socket) => sockets.add(socket));
    server.on('stream', (stream, headers) => {
      stream.on('error', () => undefined);
      if (headers[':path'] === '/refuse') return stream.respond({ ':status': 403 }, { endStream: true });
      stream.respond({ ':status': 200 });
      if (headers[':method'] !== 'CONNECT') stream.end('beside');
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const dispatcher = new H2Dispatcher({ cleartext: 'h2c' });
    t.after(async () => {
      await dispatcher.destroy();
      for (const socket of sockets) socket.destroy();
      server.close();
    });
    const at = `//127.0.0.1:${(server.address() as AddressInfo).port}`;
    const undici = await version.load();
    const refused = new undici.WebSocket(`ws:${at}/refuse`, { dispatcher });
    await once(refused as unknown as EventTarget, 'error');
    const open = new undici.WebSocket(`ws:${at}/`, { dispatcher });
    await once(open as unknown as EventTarget, 'open');
    for (let i = 0; i < 10; i++) {
      const { body } = await undici.request(`http:${at}/`, { dispatcher });
      assert.equal(await body.text(), 'beside');
    }
    assert.equal(sockets.size, 1, 'all on one connection');
  });

  test(
    `a WebSocket of ${version.name} to an origin without extended CONNECT goes over HTTP/1.1`,
    { skip },
    async (t) => {
      const undici = await version.load();
      for (const wire of wires) {
        const server = await startWebSockets(t, wire);
        const dispatcher = new H2Dispatcher({ tls: { ca: loopback.cert } });
        t.after(() => dispatcher.destroy());
        const beside = async (): Promise<string> => (await undici.request(server.origin, { dispatcher })).body.text();
        const spoken = wire === 'https with h2' ? '2.0' : '1.1';
        assert.equal(await beside(), spoken);
        const refused = new undici.WebSocket(`${server.url}/refuse`, { dispatcher });
        await once(refused as unknown as EventTarget, 'error');
        assert.equal(await beside(), spoken);
        const silent = new undici.WebSocket(`${server.url}/silent`, { dispatcher });
        const open = new undici.WebSocket(`${server.url}/chat`, { dispatcher, protocols: ['chat'] });
        const talk = converse(open as unknown as WebSocket);
        for (let i = 0; i < 10; i++) assert.equal(await beside(), spoken);
        await talk;
        assert.equal(silent.readyState, 0, 'connecting, and in the way of none');
        if (wire === 'https with h2')
          assert.equal(server.protocols.filter((one) => one === 'h2').length, 1, 'all requests on one connection');
      }
    },
  );
}

test('once installed, the built-in fetch of this Node speaks HTTP/2, and stops when uninstalled', async (t) => {
  const origin = await startOrigin({
    tls: true,
    allowHTTP1: true,
    handler: (request, response) => void response.end(request.httpVersion),
  });
  const dispatcher = install({ tls: { ca: origin.ca } });
  t.after(async () => {
    uninstall();
    await dispatcher.destroy();
    await origin.close();
  });
  const versionsSeen = await Promise.all(
    Array.from({ length: 10 }, async () => (await fetch(`${origin.origin}/`)).text()),
  );
  assert.deepEqual(new Set(versionsSeen), new Set(['2.0']));
  assert.equal(origin.sessionCount, 1);
  uninstall();
  await assert.rejects(fetch(origin.origin), TypeError, 'its own knows nothing of the certificate');
});
