/** HTTP/1.1's Upgrade below the dispatcher: what goes on the wire, and what becomes of the connection. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import type { IncomingMessage } from 'node:http';
import { createSecureServer, type ServerHttp2Stream } from 'node:http2';
import type { AddressInfo } from 'node:net';
import type { Duplex } from 'node:stream';
import { test, type TestContext } from 'node:test';
import { Transport, type TransportOptions } from '../../dist/index.js';
import { H2Dispatcher, type DispatchController, type DispatchHandler } from '../../dist/undici/index.js';
import { delay, eventually, httpOrigin, httpsOrigin, rawOrigin, type RawPeer } from '../http1/support.js';
import { loopback } from '../support/certificates.js';
import { pattern } from '../support/endpoints.js';
import { startOrigin } from '../support/origin.js';
import { accepting, echo, startWebSockets, textFrames, wires } from '../support/websocket.js';

interface Place {
  readonly transport: Transport;
  readonly dispatcher: H2Dispatcher;
  /** Asks for the stream of a WebSocket. */
  open(url: string): Promise<Duplex>;
}

function placeFor(t: TestContext, options: TransportOptions = {}): Place {
  const transport = new Transport({ tls: { ca: loopback.cert }, ...options });
  t.after(() => {
    transport.destroy();
  });
  const dispatcher = new H2Dispatcher(transport);
  const open = async (url: string): Promise<Duplex> => {
    const { origin, pathname: path } = new URL(url);
    const { socket } = await dispatcher.upgrade({ origin, path });
    socket.on('error', () => undefined);
    return socket;
  };
  return { transport, dispatcher, open };
}

const switching = 'HTTP/1.1 101 Switching Protocols\nUpgrade: websocket\nConnection: Upgrade\n\n';

/** Reads until the stream ends. */
async function all(stream: Duplex): Promise<Buffer> {
  const pieces: Buffer[] = [];
  for await (const piece of stream) pieces.push(piece as Buffer);
  return Buffer.concat(pieces);
}

/** A server on whose connections a script runs once the handshake is answered. */
function upgraded(t: TestContext, script: (peer: RawPeer) => Promise<void> | void): ReturnType<typeof rawOrigin> {
  return rawOrigin(t, async (peer) => {
    await peer.request();
    peer.write(switching);
    await script(peer);
  });
}

test('the handshake is a GET with upgrade and connection, and without a body', async (t) => {
  let head = '';
  const server = await rawOrigin(t, async (peer) => {
    head = await peer.request();
    peer.write(switching);
  });
  const { dispatcher } = placeFor(t, { userAgent: '' });
  const headers = [
    ...['sec-websocket-key', 'dGhlIHNhbXBsZSBub25jZQ==', 'cookie', 'a=1', 'cookie', 'b=2'],
    ...['connection', 'close', 'content-length', '7', 'te', 'trailers'],
  ];
  const { socket } = await dispatcher.upgrade({ origin: server.origin, path: '/chat?room=1', headers });
  assert.deepEqual(head.split('\r\n'), [
    'GET /chat?room=1 HTTP/1.1',
    `host: ${server.origin.slice('http://'.length)}`,
    'connection: upgrade, te',
    'upgrade: websocket',
    'sec-websocket-key: dGhlIHNhbXBsZSBub25jZQ==',
    'te: trailers',
    'cookie: a=1; b=2',
    '',
    '',
  ]);
  socket.destroy();
});

test('handlers of both kinds get 101, the fields and the stream, and nothing after', async (t) => {
  for (const wire of wires) {
    const server = await startWebSockets(t, wire);
    const { dispatcher } = placeFor(t);
    const options = { origin: server.origin, path: '/', method: 'GET', upgrade: 'websocket' };
    const told: string[] = [];
    const tell = (name: string, status?: number): void =>
      void told.push(status === undefined ? name : `${name} ${status}`);
    const newer = await new Promise<{ socket: Duplex; upgrade: unknown; raw: unknown }>((resolve, reject) => {
      dispatcher.dispatch(options, {
        onRequestStart: () => tell('start'),
        onRequestUpgrade(controller: DispatchController, status, { upgrade }, socket) {
          tell('upgrade', status);
          resolve({ socket, upgrade, raw: controller.rawHeaders });
        },
        onResponseStart: (_, status) => tell('response', status),
        onResponseEnd: () => tell('end'),
        onResponseError: (_, error) => reject(error),
      });
    });
    assert.equal(newer.upgrade, 'websocket');
    assert.deepEqual((newer.raw as string[]).slice(0, 4), ['upgrade', 'websocket', 'connection', 'Upgrade']);
    const older = await new Promise<{ socket: Duplex; raw: string[] }>((resolve, reject) => {
      const handler: DispatchHandler = {
        onConnect: () => tell('connect'),
        onUpgrade(status, raw, socket) {
          tell('upgrade', status);
          resolve({ socket, raw: (raw ?? []).map(String) });
        },
        onHeaders(status) {
          tell('headers', status);
          return true;
        },
        onComplete: () => tell('complete'),
        onError: reject,
      };
      dispatcher.dispatch(options, handler);
    });
    assert.deepEqual(older.raw.slice(0, 4), ['upgrade', 'websocket', 'connection', 'Upgrade']);
    for (const { socket } of [newer, older]) {
      socket.end();
      assert.equal((await all(socket)).length, 0);
    }
    assert.deepEqual(told, ['start', 'upgrade 101', 'connect', 'upgrade 101'], wire);
  }
});

test('allowH2: false asks for nothing but HTTP/1.1, also where HTTP/2 would do', async (t) => {
  const server = createSecureServer({ ...loopback, allowHTTP1: true, settings: { enableConnectProtocol: true } });
  const protocols: string[] = [];
  server.on('secureConnection', ({ alpnProtocol }) => protocols.push(String(alpnProtocol)));
  server.on('upgrade', (request: IncomingMessage, socket: Duplex) => {
    socket.write(accepting(request));
    echo(socket);
  });
  server.on('stream', (stream: ServerHttp2Stream) => {
    stream.respond({ ':status': 200 });
    echo(stream);
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  t.after(() => server.close());
  const { dispatcher } = placeFor(t);
  const origin = `https://127.0.0.1:${(server.address() as AddressInfo).port}`;
  for (const allowH2 of [false, true, undefined]) {
    const socket = await new Promise<Duplex>((resolve, reject) => {
      const options = { origin, path: '/', method: 'GET', upgrade: 'websocket', allowH2 };
      dispatcher.dispatch(options as Parameters<typeof dispatcher.dispatch>[0], {
        onRequestStart: () => undefined,
        onRequestUpgrade: (_, __, ___, stream) => resolve(stream),
        onResponseError: (_, error) => reject(error),
      });
    });
    socket.write(Buffer.of(0x81, 0x81, 0, 0, 0, 0, 0x68));
    const [frame] = (await once(socket, 'data')) as [Buffer];
    assert.deepEqual([...frame], [0x81, 1, 0x68]);
    socket.destroy();
  }
  assert.deepEqual(protocols, ['http/1.1', 'h2'], 'those that may, share a connection of HTTP/2');
});

test('where HTTP/1.1 is not to be had, the error is the one by which undici knows', async (t) => {
  const message = 'HTTP/2: Extended CONNECT protocol not supported by server';
  const [clear, secure] = [await startOrigin(), await startOrigin({ tls: true, allowHTTP1: true })];
  const only = await startOrigin({ tls: true });
  t.after(() => Promise.all([clear, secure, only].map((one) => one.close())));
  const h2c = placeFor(t, { cleartext: 'h2c' });
  await assert.rejects(h2c.open(clear.origin), { code: 'UND_ERR_INFO', message });
  await assert.rejects(placeFor(t, { allowHTTP1: false }).open(secure.origin), { code: 'UND_ERR_INFO', message });
  // A server that has HTTP/2 alone refuses the dial.
  const { open, dispatcher, transport } = placeFor(t);
  await assert.rejects(open(only.origin), {
    code: 'UND_ERR_INFO',
    message: /does not speak HTTP\/1\.1, .* for a WebSocket extended CONNECT/,
  });
  const { body } = await dispatcher.request({ origin: only.origin, path: '/hello.txt', method: 'GET' });
  assert.equal(await body.text(), 'hello\n');
  assert.deepEqual([only.sessionCount, transport.stats().connections], [1, 1]);
});

test('a server that knows of no upgrade answers, and its connection is kept', async (t) => {
  for (const start of [httpOrigin, httpsOrigin]) {
    const server = await start(t);
    const { dispatcher, transport, open } = placeFor(t);
    const options = { origin: server.origin, path: '/hello.txt', method: 'GET', upgrade: 'websocket' };
    const answer = await new Promise<string>((resolve, reject) => {
      let text = '';
      dispatcher.dispatch(options, {
        onRequestStart: () => undefined,
        onRequestUpgrade: () => reject(new Error('upgraded')),
        onResponseStart: (_, status) => void (text = `${status} `),
        onResponseData: (_, chunk) => void (text += chunk.toString()),
        onResponseEnd: () => resolve(text),
        onResponseError: (_, error) => reject(error),
      });
    });
    assert.equal(answer, '200 hello\n');
    const { body } = await dispatcher.request({ ...options, upgrade: null });
    assert.equal(await body.text(), 'hello\n');
    assert.equal(server.connections, 1);
    await assert.rejects(open(`${server.origin}/status/404`), {
      code: 'UND_ERR_SOCKET',
      message: 'bad upgrade: the server answered 404',
    });
    await eventually(() => transport.stats().streams === 0);
    const { requests, failed } = transport.stats().totals;
    assert.deepEqual([requests, failed], [3, 0], 'an answer is no failure');
  }
});

test('upgrade over HTTP/2 rejects when it is refused', async (t) => {
  const server = await startOrigin({ settings: { enableConnectProtocol: true } });
  t.after(() => server.close());
  await assert.rejects(placeFor(t, { cleartext: 'h2c' }).open(`${server.origin}/status/404`), {
    code: 'UND_ERR_SOCKET',
  });
});

test('an open WebSocket is not counted among the connections of its origin', async (t) => {
  for (const wire of wires) {
    const server = await startWebSockets(t, wire);
    const { dispatcher, open, transport } = placeFor(t, { maxConnectionsPerOrigin: 1 });
    const sockets = await Promise.all(Array.from({ length: 5 }, () => open(server.origin)));
    const { body } = await dispatcher.request({ origin: server.origin, path: '/', method: 'GET' });
    assert.equal(await body.text(), wire === 'https with h2' ? '2.0' : '1.1');
    assert.equal(transport.stats().streams, 5);
    for (const socket of sockets) socket.destroy();
    await eventually(() => transport.stats().streams === 0);
  }
});

test('close waits for an open WebSocket, of which it takes nothing away', async (t) => {
  for (const wire of wires) {
    const server = await startWebSockets(t, wire);
    const { transport, open } = placeFor(t);
    const socket = await open(server.origin);
    transport.closeIdleConnections();
    let closed = false;
    const closing = transport.close().then(() => (closed = true));
    await assert.rejects(open(server.origin), { code: 'UND_ERR_CLOSED' });
    socket.write(Buffer.of(0x81, 0x81, 0, 0, 0, 0, 0x68));
    const [frame] = (await once(socket, 'data')) as [Buffer];
    assert.deepEqual([...frame], [0x81, 1, 0x68]);
    assert.equal(closed, false);
    socket.end();
    await closing;
    await eventually(() => server.open.size === 0);
  }
});

test('destroy ends an open WebSocket with an error, and one that is not answered yet', async (t) => {
  for (const wire of wires) {
    const server = await startWebSockets(t, wire);
    const { transport, open } = placeFor(t);
    const socket = await open(server.origin);
    const waiting = open(`${server.origin}/silent`);
    await eventually(() => server.handshakes.length === 2);
    const failed = once(socket, 'error');
    transport.destroy();
    await assert.rejects(waiting, { code: 'UND_ERR_CLOSED' });
    const [error] = (await failed) as [NodeJS.ErrnoException];
    assert.equal(error.code, 'UND_ERR_CLOSED');
    assert.equal(transport.stats().connections, 0);
    await eventually(() => server.open.size === 0);
  }
});

test('megabytes go both ways, at the pace of who reads them, and nothing stays behind', async (t) => {
  const bytes = pattern(3_000_000);
  for (const wire of wires) {
    const server = await startWebSockets(t, wire, (request, socket) => {
      socket.write(accepting(request));
      socket.pipe(socket);
    });
    const { transport, open } = placeFor(t);
    const socket = await open(server.origin);
    socket.end(bytes);
    await eventually(() => transport.stats().bufferedBytes >= 65_536);
    await delay(20); // nobody reads: it comes to a stop
    assert.ok(transport.stats().bufferedBytes < 1_000_000);
    assert.deepEqual(await all(socket), bytes);
    await eventually(() => transport.stats().streams === 0);
    assert.equal(transport.stats().bufferedBytes, 0);
  }
});

test('a stream that the server resets fails, and one that it ends ends', async (t) => {
  const reset = await upgraded(t, async (peer) => {
    peer.socket.write(textFrames('hello'));
    await peer.until('now');
    peer.socket.resetAndDestroy();
  });
  const { open, transport } = placeFor(t);
  const socket = await open(reset.origin);
  assert.deepEqual((await once(socket, 'data'))[0], textFrames('hello'));
  socket.write('now');
  const [error] = (await once(socket, 'error')) as [NodeJS.ErrnoException];
  assert.equal(error.code, 'ECONNRESET');
  await eventually(() => transport.stats().connections === 0);

  const ended = await upgraded(t, (peer) => void peer.socket.end(textFrames('hello')));
  const other = await open(ended.origin);
  assert.deepEqual(await all(other), textFrames('hello'));
  await eventually(() => transport.stats().connections === 0 && ended.open.size === 0);

  const half = await upgraded(t, (peer) => {
    peer.socket.once('end', () => peer.socket.end(textFrames('the rest')));
  });
  const third = await open(half.origin);
  third.end();
  await delay(20);
  assert.deepEqual(await all(third), textFrames('the rest'), 'ours has ended, theirs goes on');
});

test('a server that goes away instead of answering fails the handshake, which is not sent again', async (t) => {
  const server = await rawOrigin(t, async (peer) => {
    await peer.request();
    peer.socket.destroy();
  });
  const { open, transport } = placeFor(t);
  await assert.rejects(open(server.origin), { code: 'UND_ERR_SOCKET' });
  await eventually(() => transport.stats().connections === 0);
  assert.deepEqual([server.connections, transport.stats().connections], [1, 0]);
});

test('bodyTimeout is not for a WebSocket, however silent, and writeTimeout is', async (t) => {
  const server = await startWebSockets(t, 'http');
  const { open } = placeFor(t, { bodyTimeout: 20 });
  const socket = await open(server.origin);
  await delay(100);
  socket.write(Buffer.of(0x81, 0x81, 0, 0, 0, 0, 0x68));
  const [frame] = (await once(socket, 'data')) as [Buffer];
  assert.deepEqual([...frame], [0x81, 1, 0x68]);
  const deaf = await upgraded(t, (peer) => void peer.socket.pause());
  const other = await placeFor(t, { writeTimeout: 50 }).open(deaf.origin);
  other.write(Buffer.alloc(20_000_000));
  const [error] = (await once(other, 'error')) as [Error & { cause?: { code?: string } }];
  assert.equal(error.cause?.code, 'ERR_PASSINGLANE_WRITE_TIMEOUT');
});

test('an answer with a field that is none fails the handshake', async (t) => {
  const server = await rawOrigin(t, async (peer) => {
    await peer.request();
    peer.write(switching.replace('\n\n', '\nbad name: x\n\n'));
  });
  const { open } = placeFor(t);
  await assert.rejects(open(server.origin), { code: 'HPE_INVALID_HEADER_TOKEN' });
  await eventually(() => server.open.size === 0);
});

test('a 101 that does not say to which protocol fails its request, be it an upgrade or not', async (t) => {
  const server = await rawOrigin(t, async (peer) => {
    await peer.request();
    peer.write('HTTP/1.1 101 Switching Protocols\nConnection: Upgrade\n\n');
  });
  const { open, transport } = placeFor(t);
  await assert.rejects(open(server.origin), { code: 'UND_ERR_INFO', message: /101.*does not say to which/ });
  await assert.rejects(transport.request(server.origin), {
    code: 'ERR_PASSINGLANE_PROTOCOL',
    message: /101.*without being asked/,
  });
  await eventually(() => server.open.size === 0);
});
