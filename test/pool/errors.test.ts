import assert from 'node:assert/strict';
import { Duplex } from 'node:stream';
import { test } from 'node:test';
import { deflateRawSync } from 'node:zlib';
import { transportErrorCodes, TransportError, type TransportErrorCode } from '../../dist/errors.js';
import { Transport } from '../../dist/index.js';
import { MockTransport } from '../../dist/testing/index.js';
import { rawServer } from '../support/raw-server.js';
import { bodyOf, poolHarness, type Answer, type PoolHarnessOptions } from '../support/pool-harness.js';
import { type as frameType } from '../support/raw-server.js';

/** What an error of each code says of itself. */
interface Expected {
  readonly scope: TransportError['scope'];
  readonly initiator: TransportError['initiator'];
  readonly unprocessed: boolean;
}

interface Provoked extends Expected {
  /** Brings the error about, and resolves with it. */
  provoke(): Promise<unknown>;
}

const never: Answer = () => undefined;
const failure = (promise: Promise<unknown>): Promise<unknown> =>
  promise.then(
    () => undefined,
    (error: unknown) => error,
  );

/** A request on the harness, and time moved on by so much. */
async function after(milliseconds: number, options: PoolHarnessOptions, request: object = {}): Promise<unknown> {
  const p = poolHarness({ answer: never, ...options });
  const call = p.get('/', request);
  await p.clock.advance(milliseconds);
  const { error, response } = call;
  return error ?? (response === undefined ? undefined : failure(response.body.text()));
}

/** A request whose response the peer makes. */
async function answered(answer: Answer, request: object = {}, options: PoolHarnessOptions = {}): Promise<unknown> {
  const p = poolHarness({ answer, ...options });
  const call = p.get('/', request);
  await p.clock.advance(10);
  return call.error ?? failure(call.response?.body.text() ?? Promise.resolve());
}

const part: Answer = (peer, id) => {
  peer.headers(id, 200);
  peer.data(id, 'part');
};

const refusedDial = async (): Promise<unknown> => {
  const server = await rawServer(() => undefined);
  await server.close();
  const transport = new Transport({ cleartext: 'h2c' });
  return failure(transport.request(server.origin));
};

const remote = { scope: 'connection', initiator: 'remote', unprocessed: false } as const;
const local = { scope: 'connection', initiator: 'local', unprocessed: false } as const;
const user = { scope: 'request', initiator: 'user', unprocessed: true } as const;

const provoked: Readonly<Record<TransportErrorCode, Provoked>> = {
  ERR_PASSINGLANE_ALPN: {
    ...remote,
    unprocessed: true,
    provoke: async () => {
      const { createServer } = await import('node:tls');
      const { loopback } = await import('../support/certificates.js');
      const server = createServer({ ...loopback, ALPNProtocols: ['http/1.1'] });
      await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
      const { port } = server.address() as { port: number };
      const transport = new Transport({ tls: { ca: loopback.cert }, allowHTTP1: false });
      const error = await failure(transport.request(`https://127.0.0.1:${port}/`));
      server.close();
      return error;
    },
  },
  ERR_PASSINGLANE_BODY_CANCELLED: {
    ...user,
    unprocessed: false,
    provoke: async () => {
      const p = poolHarness({ answer: part });
      const call = p.get('/');
      await p.settle();
      call.response?.body.cancel();
      return failure(call.response?.body.text() ?? Promise.resolve());
    },
  },
  ERR_PASSINGLANE_BODY_LOCKED: {
    ...user,
    unprocessed: false,
    provoke: async () => {
      const p = poolHarness({ answer: part });
      const call = p.get('/');
      await p.settle();
      void call.response?.body.text().catch(() => undefined); // it ends with the connection
      const error = await failure(call.response?.body.bytes() ?? Promise.resolve());
      p.transport.destroy();
      return error;
    },
  },
  ERR_PASSINGLANE_BODY_TIMEOUT: {
    scope: 'request',
    initiator: 'local',
    unprocessed: false,
    provoke: async () => {
      const p = poolHarness({ answer: part, bodyTimeout: 500 });
      const call = p.get('/');
      await p.settle();
      const reading = failure(call.response?.body.text() ?? Promise.resolve());
      await p.clock.advance(1_500);
      return reading;
    },
  },
  ERR_PASSINGLANE_CONNECTION_CLOSED: {
    scope: 'connection',
    initiator: 'user',
    unprocessed: false,
    provoke: async () => {
      const server = await rawServer((connection) => connection.greet());
      const transport = new Transport({ cleartext: 'h2c' });
      const connection = await transport.connect(server.origin);
      const call = failure(connection.request(server.origin));
      await new Promise((resolve) => setTimeout(resolve, 20));
      connection.close();
      const error = await call;
      await server.close();
      return error;
    },
  },
  ERR_PASSINGLANE_CONNECTION_LOST: { ...remote, provoke: () => answered((peer) => peer.drop(new Error('reset'))) },
  ERR_PASSINGLANE_CONNECTION_UNUSABLE: {
    scope: 'connection',
    initiator: 'user',
    unprocessed: true,
    provoke: async () => {
      const server = await rawServer((connection) => connection.greet());
      const transport = new Transport({ cleartext: 'h2c' });
      const connection = await transport.connect(server.origin);
      connection.setDoNotReuse();
      const error = await failure(connection.request(server.origin));
      await server.close();
      return error;
    },
  },
  ERR_PASSINGLANE_CONNECT_FAILED: { ...remote, unprocessed: true, provoke: refusedDial },
  ERR_PASSINGLANE_CONNECT_TIMEOUT: {
    ...local,
    unprocessed: true,
    provoke: () => after(500, { dialTime: 9_000, connectTimeout: 500 }),
  },
  ERR_PASSINGLANE_CONTENT_CODING: {
    scope: 'request',
    initiator: 'remote',
    unprocessed: false,
    provoke: async () => {
      const server = await rawServer(async (connection) => {
        await connection.greet();
        const { streamId } = await connection.request();
        connection.headers(streamId, [
          [':status', '200'],
          ['content-encoding', 'gzip'],
        ]);
        connection.data(streamId, deflateRawSync('not gzip at all'), { endStream: true });
      });
      const transport = new Transport({ cleartext: 'h2c' });
      const response = await transport.request(server.origin);
      const error = await failure(response.body.text());
      transport.destroy();
      await server.close();
      return error;
    },
  },
  ERR_PASSINGLANE_EXTENDED_CONNECT_UNSUPPORTED: {
    scope: 'request',
    initiator: 'remote',
    unprocessed: true,
    provoke: () => answered(never, { protocol: 'websocket' }),
  },
  ERR_PASSINGLANE_GOAWAY: {
    scope: 'connection',
    initiator: 'remote',
    unprocessed: false,
    provoke: () =>
      answered((peer, id) => {
        peer.goAway(id, 2);
        peer.drop();
      }),
  },
  ERR_PASSINGLANE_HEADERS_TIMEOUT: {
    scope: 'request',
    initiator: 'local',
    unprocessed: false,
    provoke: () => after(500, { headersTimeout: 400 }),
  },
  ERR_PASSINGLANE_HEADERS_TOO_LARGE: {
    ...user,
    provoke: async () => {
      const p = poolHarness({ peer: { maxHeaderListSize: 200 } });
      p.get('/warm');
      await p.settle();
      return failure(p.transport.request('https://test.example/', { headers: { big: 'x'.repeat(300) } }));
    },
  },
  ERR_PASSINGLANE_INVALID_HEADER: { ...user, provoke: () => answered(never, { headers: { 'bad name': 'x' } }) },
  ERR_PASSINGLANE_INVALID_REQUEST: { ...user, provoke: () => answered(never, { method: 'BAD METHOD' }) },
  ERR_PASSINGLANE_NOT_MOCKED: {
    ...user,
    provoke: async () => {
      const transport = new MockTransport();
      return failure(transport.request('https://a.test/'));
    },
  },
  ERR_PASSINGLANE_PING_TIMEOUT: {
    ...local,
    provoke: async () => {
      const p = poolHarness({ answer: never, readIdleTimeout: 100, pingTimeout: 100 });
      const call = p.get('/');
      await p.settle();
      p.peer(0).answersPings = false;
      await p.clock.advance(300);
      return call.error;
    },
  },
  ERR_PASSINGLANE_PROTOCOL: {
    ...local,
    provoke: () => answered((peer) => peer.send(frameType.data, 0, 0, Buffer.from('stream 0'))),
  },
  ERR_PASSINGLANE_REQUEST_BODY: {
    ...user,
    unprocessed: false,
    provoke: () =>
      answered(never, {
        method: 'POST',
        body: Duplex.from(
          (async function* () {
            yield await Promise.resolve({ not: 'bytes' });
          })(),
        ),
      }),
  },
  ERR_PASSINGLANE_REQUEST_BODY_LENGTH: {
    ...user,
    unprocessed: false,
    provoke: () => answered(never, { method: 'POST', body: bodyOf(10)(), headers: { 'content-length': '20' } }),
  },
  ERR_PASSINGLANE_RESPONSE_LENGTH: {
    scope: 'stream',
    initiator: 'remote',
    unprocessed: false,
    provoke: async () => {
      const server = await rawServer(async (connection) => {
        await connection.greet();
        const { streamId } = await connection.request();
        connection.headers(streamId, [
          [':status', '200'],
          ['content-length', '5'],
        ]);
        connection.data(streamId, 'four', { endStream: true });
      });
      const transport = new Transport({ cleartext: 'h2c' });
      const response = await transport.request(server.origin);
      const error = await failure(response.body.text());
      transport.destroy();
      await server.close();
      return error;
    },
  },
  ERR_PASSINGLANE_RESPONSE_TOO_LARGE: {
    scope: 'request',
    initiator: 'local',
    unprocessed: false,
    provoke: () => answered(part, {}, { maxResponseSize: 2 }),
  },
  ERR_PASSINGLANE_RETRY_BUDGET: {
    ...local,
    scope: 'request',
    provoke: async () => {
      const retry = { statuses: [503], budget: 0, baseDelay: 0 };
      const p = poolHarness({ retry, answer: (peer, id) => peer.headers(id, 503, { end: true }) });
      const calls = Array.from({ length: 101 }, () => p.get('/'));
      await p.settle();
      const error = calls.find((call) => call.state === 'failed')?.error;
      p.transport.destroy();
      return error;
    },
  },
  ERR_PASSINGLANE_STREAM_RESET: {
    scope: 'stream',
    initiator: 'remote',
    unprocessed: false,
    provoke: () => answered((peer, id) => peer.reset(id, 2)),
  },
  ERR_PASSINGLANE_TIMEOUT: {
    scope: 'request',
    initiator: 'local',
    unprocessed: false,
    provoke: () => after(500, {}, { timeout: 400 }),
  },
  ERR_PASSINGLANE_PROXY_REFUSED: {
    ...remote,
    unprocessed: true,
    provoke: async () => {
      const { createServer } = await import('node:http');
      const proxy = createServer().on('connect', (_request, socket) => socket.end('HTTP/1.1 403 No\r\n\r\n'));
      await new Promise<void>((resolve) => proxy.listen(0, '127.0.0.1', resolve));
      const { port } = proxy.address() as { port: number };
      const transport = new Transport({ proxy: `http://127.0.0.1:${port}` });
      const error = await failure(transport.request('https://origin.test/'));
      proxy.close();
      return error;
    },
  },
  ERR_PASSINGLANE_TRANSPORT_CLOSED: {
    ...user,
    provoke: async () => {
      const p = poolHarness();
      await p.transport.close();
      return failure(p.transport.request('https://test.example/'));
    },
  },
  ERR_PASSINGLANE_UNSUPPORTED_SCHEME: {
    ...user,
    provoke: () => failure(poolHarness().transport.request('ftp://test.example/')),
  },
  ERR_PASSINGLANE_WRITE_TIMEOUT: {
    ...local,
    provoke: () =>
      after(
        700,
        { writeTimeout: 500, readIdleTimeout: 0, stallAfter: [100] },
        { method: 'POST', headers: { big: 'x'.repeat(4_000) } },
      ),
  },
};

for (const code of transportErrorCodes) {
  test(`${code} can be provoked, and says what it concerns, who caused it and whether sending again is safe`, async () => {
    const { provoke, scope, initiator, unprocessed } = provoked[code];
    const error = await provoke();
    assert.ok(TransportError.isInstance(error), String(error));
    assert.deepEqual(
      { code: error.code, scope: error.scope, initiator: error.initiator, unprocessed: error.unprocessed },
      { code, scope, initiator, unprocessed },
      error.message,
    );
    assert.equal(error.name === 'TimeoutError', code.endsWith('_TIMEOUT'));
    assert.ok(error.message.length > 20, 'it says what happened');
    // A URL that cannot be requested has no origin and no path to name.
    const concerns =
      code === 'ERR_PASSINGLANE_UNSUPPORTED_SCHEME' ? /^Cannot/ : /^([A-Z]+|\?) https?:\/\/[^ /]+\/[^ ]*: ./;
    assert.match(error.message, concerns, 'and to which request');
  });
}
