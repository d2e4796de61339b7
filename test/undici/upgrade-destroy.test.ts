/** What was written to an upgraded stream before it is destroyed: it goes out, as it does over a socket. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer, type ServerHttp2Stream } from 'node:http2';
import { connect, type Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import { test, type TestContext } from 'node:test';
import { H2Dispatcher } from '../../dist/undici/index.js';
import { eventually, listen } from '../http1/support.js';
import { loopback } from '../support/certificates.js';
import { pattern } from '../support/endpoints.js';
import { accepting, startWebSockets, wires } from '../support/websocket.js';

interface Upgraded {
  open(): Promise<Duplex>;
  /** All that the server has got on its streams. */
  received(): Buffer;
  /** Of its streams. */
  closed(): number;
}

/** A server that keeps what it gets, over HTTP/1.1's Upgrade or, as 'h2', over extended CONNECT. */
async function upgraded(t: TestContext, wire: (typeof wires)[number] | 'h2'): Promise<Upgraded> {
  const pieces: Buffer[] = [];
  let closed = 0;
  const keep = (stream: Duplex): void => {
    stream.on('data', (piece: Buffer) => void pieces.push(piece)).on('error', () => undefined);
    stream.on('end', () => stream.end()).on('close', () => closed++);
  };
  let origin: string;
  if (wire === 'h2') {
    const server = createServer({ settings: { enableConnectProtocol: true } });
    server.on('stream', (stream: ServerHttp2Stream) => {
      stream.respond({ ':status': 200 });
      keep(stream);
    });
    ({ origin } = await listen(t, server, 'http'));
  } else {
    ({ origin } = await startWebSockets(t, wire, (request, socket) => {
      socket.write(accepting(request));
      keep(socket);
    }));
  }
  const dispatcher = new H2Dispatcher({ tls: { ca: loopback.cert }, ...(wire === 'h2' ? { cleartext: 'h2c' } : {}) });
  t.after(() => dispatcher.destroy());
  return {
    open: async () => {
      const { socket } = await dispatcher.upgrade({ origin, path: '/' });
      return socket.on('error', () => undefined);
    },
    received: () => Buffer.concat(pieces),
    closed: () => closed,
  };
}

for (const wire of [...wires, 'h2'] as const) {
  test(`${wire}: what is written before an upgraded stream is destroyed arrives`, async (t) => {
    const server = await upgraded(t, wire);
    const ends: ((socket: Duplex) => void)[] = [
      (socket) => socket.destroy(),
      (socket) => socket.destroy(new Error('mine')),
      (socket) => socket.end('.').destroy(),
    ];
    for (const [index, end] of ends.entries()) {
      const socket = await server.open();
      socket.write('one,');
      socket.write('two,');
      end(socket);
      await eventually(() => server.closed() === index + 1);
    }
    assert.equal(server.received().toString(), 'one,two,one,two,one,two,.');
  });

  test(`${wire}: a writer may use its bytes again once they count as written`, async (t) => {
    const server = await upgraded(t, wire);
    const socket = await server.open();
    const bytes = Buffer.from('first,');
    await new Promise<void>((resolve) => {
      socket.write(bytes, () => {
        bytes.fill('x');
        resolve();
      });
    });
    socket.end('second');
    await eventually(() => server.received().length === 12);
    assert.equal(server.received().toString(), 'first,second');
  });

  test(`${wire}: a stream that is destroyed in the middle of a long write is gone, and what arrived is its beginning`, async (t) => {
    const server = await upgraded(t, wire);
    const socket = await server.open();
    socket.write(pattern(30_000_000));
    socket.destroy();
    await eventually(() => socket.closed && server.closed() === 1);
    const received = server.received();
    assert.deepEqual(received, pattern(30_000_000).subarray(0, received.length), 'no more than the beginning');
  });
}

test('an upgraded stream whose connection is destroyed without an error fails, and does not just end', async (t) => {
  const { origin } = await startWebSockets(t, 'http', (request, socket) => {
    socket.write(accepting(request));
    socket.on('error', () => undefined);
  });
  const connections: Socket[] = [];
  const createConnection = ({ hostname, port }: { hostname: string; port: number }): Socket => {
    const connection = connect(port, hostname);
    connections.push(connection);
    return connection;
  };
  const dispatcher = new H2Dispatcher({ createConnection });
  t.after(() => dispatcher.destroy());
  const { socket } = await dispatcher.upgrade({ origin, path: '/' });
  const failed = once(socket, 'error') as Promise<[{ code: string }]>;
  connections[0]!.destroy();
  assert.equal((await failed)[0].code, 'UND_ERR_SOCKET');
});
