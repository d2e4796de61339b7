/** Undici's WebSocket, and Node's own, over extended CONNECT (RFC 8441). */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { constants, createServer, type ServerHttp2Stream } from 'node:http2';
import type { AddressInfo } from 'node:net';
import { test, type TestContext } from 'node:test';
import { H2Dispatcher, install, uninstall } from '../../dist/undici/index.js';
import { asUpgraded } from '../../dist/undici/websocket.js';
import { startOrigin } from '../support/origin.js';
import { converse, echo } from '../support/websocket.js';
import { versions } from './undicis.js';

interface WebSocketServer {
  readonly url: string;
  /** `:method`, `:protocol` and `:path` of the streams so far. */
  readonly seen: string[];
}

test('the key of a handshake does not go out over a stream, where nobody answers it (RFC 8441 section 5)', async (t) => {
  const server = createServer({ settings: { enableConnectProtocol: true } });
  const seen: string[][] = [];
  server.on('stream', (stream, headers) => {
    seen.push(Object.keys(headers).filter((name) => name.startsWith('sec-websocket-')));
    stream.respond({ ':status': 200 });
    stream.resume().on('error', () => undefined);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const dispatcher = new H2Dispatcher({ cleartext: 'h2c' });
  t.after(async () => {
    await dispatcher.destroy();
    server.close();
  });
  const headers = { 'Sec-WebSocket-Key': 'dGhlIHNhbXBsZSBub25jZQ==', 'sec-websocket-version': '13' };
  const origin = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const opened = await dispatcher.upgrade({ origin, path: '/', protocol: 'websocket', headers });
  assert.equal(opened.headers['sec-websocket-accept'], 's3pPLMBiTxaQ9kYGzzhZRbK+xOo=');
  opened.socket.destroy();
  assert.deepEqual(seen, [['sec-websocket-version']]);
});

/** Echoes text messages of less than 64 KiB, and the close frame; `/refuse` is answered with 403. */
async function startServer(t: TestContext): Promise<WebSocketServer> {
  const server = createServer({ settings: { enableConnectProtocol: true } });
  const seen: string[] = [];
  const streams = new Set<ServerHttp2Stream>();
  server.on('stream', (stream, headers) => {
    streams.add(stream);
    stream.on('error', () => undefined);
    seen.push(`${String(headers[':method'])} ${String(headers[':protocol'])} ${String(headers[':path'])}`);
    if (headers[':path'] === '/refuse') return stream.respond({ ':status': 403 }, { endStream: true });
    stream.respond({ ':status': 200, 'sec-websocket-protocol': 'chat' });
    echo(stream);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  t.after(() => {
    for (const stream of streams) stream.session?.destroy();
    server.close();
  });
  return { url: `ws://127.0.0.1:${(server.address() as AddressInfo).port}`, seen };
}

for (const version of versions) {
  test(`${version.name}: a WebSocket opens, talks and closes over a stream`, { skip: version.skip }, async (t) => {
    const { url, seen } = await startServer(t);
    const dispatcher = new H2Dispatcher({ cleartext: 'h2c' });
    t.after(() => dispatcher.destroy());
    const { WebSocket } = await version.load();
    await converse(
      new WebSocket(`${url}/chat`, { dispatcher, protocols: ['chat'] }) as unknown as globalThis.WebSocket,
    );
    assert.deepEqual(seen, ['CONNECT websocket /chat']);
  });

  test(`${version.name}: a WebSocket that is refused, or not offered, fails`, { skip: version.skip }, async (t) => {
    const { url } = await startServer(t);
    const plain = await startOrigin();
    const dispatcher = new H2Dispatcher({ cleartext: 'h2c' });
    t.after(async () => {
      await dispatcher.destroy();
      await plain.close();
    });
    const { WebSocket } = await version.load();
    for (const target of [`${url}/refuse`, plain.origin.replace('http', 'ws')]) {
      const socket = new WebSocket(target, { dispatcher });
      await once(socket as unknown as EventTarget, 'error');
      assert.notEqual(socket.readyState, 1, 'open');
    }
  });

  test(
    `${version.name}: a handshake that the server calls unprocessed is sent again`,
    { skip: version.skip },
    async (t) => {
      const server = createServer({ settings: { enableConnectProtocol: true } });
      let streams = 0;
      server.on('stream', (stream) => {
        stream.on('error', () => undefined);
        if (++streams === 1) return stream.close(constants.NGHTTP2_REFUSED_STREAM);
        stream.respond({ ':status': 200, 'sec-websocket-protocol': 'chat' });
        echo(stream);
      });
      await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
      const dispatcher = new H2Dispatcher({ cleartext: 'h2c' });
      t.after(async () => {
        await dispatcher.destroy();
        server.close();
      });
      const { WebSocket } = await version.load();
      const url = `ws://127.0.0.1:${(server.address() as AddressInfo).port}`;
      await converse(new WebSocket(url, { dispatcher, protocols: ['chat'] }) as unknown as globalThis.WebSocket);
      assert.equal(streams, 2);
    },
  );

  test(`${version.name}: upgrade gives the stream of a WebSocket`, { skip: version.skip }, async (t) => {
    const { url } = await startServer(t);
    const dispatcher = new H2Dispatcher({ cleartext: 'h2c' });
    t.after(() => dispatcher.destroy());
    const undici = await version.load();
    const origin = url.replace('ws', 'http');
    const { socket, headers } = await undici.upgrade(`${origin}/chat`, { dispatcher, protocol: 'websocket' });
    assert.equal(headers['sec-websocket-protocol'], 'chat');
    // A text frame with an empty mask.
    socket.write(Buffer.from([0x81, 0x82, 0, 0, 0, 0, 0x68, 0x69]));
    const [frame] = (await once(socket, 'data')) as [Buffer];
    assert.deepEqual([...frame], [0x81, 2, 0x68, 0x69]);
    socket.destroy();
    await assert.rejects(undici.upgrade(`${origin}/refuse`, { dispatcher, protocol: 'websocket' }));
  });
}

test(
  'Node\u2019s own WebSocket goes over a stream once installed',
  { skip: 'WebSocket' in globalThis ? false : 'this Node has no WebSocket' },
  async (t) => {
    const { url, seen } = await startServer(t);
    install({ cleartext: 'h2c' });
    t.after(uninstall);
    await converse(new WebSocket(`${url}/own`, 'chat'));
    assert.deepEqual(seen, ['CONNECT websocket /own']);
  },
);

test('a handshake’s key is answered as RFC 6455 section 1.3 says, whatever the server did, unless there is none', () => {
  const fields = ['sec-websocket-key', 'dGhlIHNhbXBsZSBub25jZQ=='];
  const acceptOf = (shown: readonly string[]): string[] =>
    shown.filter((_, i) => i % 2 === 1 && shown[i - 1] === 'sec-websocket-accept');
  assert.deepEqual(acceptOf(asUpgraded(['x-a', 'b'], fields)), ['s3pPLMBiTxaQ9kYGzzhZRbK+xOo=']);
  assert.deepEqual(acceptOf(asUpgraded(['sec-websocket-accept', 'theirs'], fields)), ['s3pPLMBiTxaQ9kYGzzhZRbK+xOo=']);
  assert.deepEqual(acceptOf(asUpgraded([], [])), []);
});
