/** Where a Transport's connections lead, and how they are secured: its options tls, lookup, socketPath and the like. */
import assert from 'node:assert/strict';
import type { LookupAddress, LookupOptions } from 'node:dns';
import { once } from 'node:events';
import { createSecureServer, createServer as createHttp2Server } from 'node:http2';
import {
  connect as connectTcp,
  createServer as createTcpServer,
  type AddressInfo,
  type LookupFunction,
  type Server,
} from 'node:net';
import { networkInterfaces, tmpdir } from 'node:os';
import { join } from 'node:path';
import { test, type TestContext } from 'node:test';
import { connect as connectTls, createServer as createTlsServer, type TLSSocket } from 'node:tls';
import {
  Transport,
  type ConnectionEvent,
  type CreateConnectionOptions,
  type TransportOptions,
} from '../../dist/index.js';
import { client, elsewhere, loopback } from '../support/certificates.js';
import { closedPort } from '../support/closed-port.js';
import { startOrigin, type OriginOptions, type TestOrigin } from '../support/origin.js';

const ca = loopback.cert;

function transportFor(t: TestContext, options?: TransportOptions): Transport {
  const transport = new Transport(options);
  t.after(() => transport.destroy());
  return transport;
}

async function originFor(t: TestContext, options?: OriginOptions): Promise<TestOrigin> {
  const origin = await startOrigin({ tls: true, ...options });
  t.after(() => origin.close());
  return origin;
}

/** Listens on a free port, or where it is told to, and tells the port. */
async function listen(
  t: TestContext,
  server: Server,
  where: { host?: string; path?: string; port?: number } = {},
): Promise<number> {
  const sockets = new Set<{ destroy(): void }>();
  server.on('connection', (socket) => void sockets.add(socket));
  server.listen(
    where.path === undefined ? { port: where.port ?? 0, host: where.host ?? '127.0.0.1' } : { path: where.path },
  );
  await once(server, 'listening');
  t.after(() => {
    server.close();
    for (const socket of sockets) socket.destroy();
  });
  return where.path === undefined ? (server.address() as AddressInfo).port : 0;
}

async function text(transport: Transport, url: string): Promise<string> {
  return (await transport.request(url)).body.text();
}

/** A dns.lookup that knows one answer. */
function lookupOf(...addresses: string[]): LookupFunction {
  return (_name: string, options: LookupOptions, found: (error: null, all: LookupAddress[]) => void) => {
    assert.equal(options.all, true);
    found(
      null,
      addresses.map((address) => ({ address, family: address.includes(':') ? 6 : 4 })),
    );
  };
}

const hasIPv6 = Object.values(networkInterfaces()).some((all) => all?.some(({ address }) => address === '::1'));
const withIPv6 = hasIPv6 ? {} : { skip: 'this machine has no ::1' };

test('a certificate is trusted that `tls.ca` vouches for', async (t) => {
  const { origin } = await originFor(t);
  const events: ConnectionEvent[] = [];
  const transport = transportFor(t, { tls: { ca }, observer: { connection: (event) => void events.push(event) } });
  assert.equal(await text(transport, `${origin}/hello.txt`), 'hello\n');
  const connected = events.find(({ type }) => type === 'connected');
  assert.equal(connected?.alpnProtocol, 'h2');
  assert.equal(connected.tls?.version, 'TLSv1.3');
});

test('one that nobody vouches for is refused, and the message says how to trust it', async (t) => {
  const { origin, sessionCount } = await originFor(t);
  await assert.rejects(text(transportFor(t), `${origin}/`), (error: Error & { code: string }) => {
    assert.equal(error.code, 'ERR_PASSINGLANE_CONNECT_FAILED');
    assert.match(error.message, /certificate is not trusted \(\w+\).*`tls\.ca`.*NODE_EXTRA_CA_CERTS/);
    assert.equal((error.cause as { code?: string }).code, 'DEPTH_ZERO_SELF_SIGNED_CERT');
    return true;
  });
  assert.equal(sessionCount, 0);
});

test('`tls.rejectUnauthorized: false` takes any certificate', async (t) => {
  const { origin } = await originFor(t, { server: elsewhere });
  const transport = transportFor(t, { tls: { rejectUnauthorized: false } });
  assert.equal(await text(transport, `${origin}/hello.txt`), 'hello\n');
});

test('every request that waits for a connection learns why there is none', async (t) => {
  const { origin } = await originFor(t);
  const transport = transportFor(t);
  const calls = Array.from({ length: 5 }, () => transport.request(`${origin}/`));
  for (const call of calls)
    await assert.rejects(call, {
      code: 'ERR_PASSINGLANE_CONNECT_FAILED',
      scope: 'connection',
      unprocessed: true,
      attempts: 0,
    });
  assert.deepEqual(transport.stats().origins, []);
});

test('SNI carries the host of the URL, or `tls.servername`, which the certificate is then checked against', async (t) => {
  const names: (string | false | undefined)[] = [];
  const server = createSecureServer(loopback, (_, response) => response.end('ok'));
  server.on(
    'secureConnection',
    (socket: TLSSocket & { servername?: string | false }) => void names.push(socket.servername),
  );
  const port = await listen(t, server);
  const lookup = lookupOf('127.0.0.1');
  assert.equal(await text(transportFor(t, { tls: { ca }, lookup }), `https://localhost:${port}/`), 'ok');
  const other = transportFor(t, { tls: { ca, servername: 'localhost' }, lookup });
  assert.equal(await text(other, `https://wherever.test:${port}/`), 'ok');
  assert.equal(await text(transportFor(t, { tls: { ca } }), `https://127.0.0.1:${port}/`), 'ok');
  assert.deepEqual(names, ['localhost', 'localhost', false]);
  await assert.rejects(text(transportFor(t, { tls: { ca }, lookup }), `https://wherever.test:${port}/`), {
    code: 'ERR_PASSINGLANE_CONNECT_FAILED',
    message: /certificate is for another name.*`tls\.servername`/,
  });
});

test('a server that asks who we are is shown `tls.cert`', async (t) => {
  const subjects: unknown[] = [];
  const options = { ...loopback, requestCert: true, ca: client.cert, rejectUnauthorized: true };
  const server = createSecureServer(options, (request, response) => {
    subjects.push((request.socket as unknown as TLSSocket).getPeerCertificate().subject.CN);
    response.end('ok');
  });
  server.on('sessionError', () => undefined);
  const port = await listen(t, server);
  const known = transportFor(t, { tls: { ca, cert: client.cert, key: client.key } });
  assert.equal(await text(known, `https://127.0.0.1:${port}/`), 'ok');
  assert.deepEqual(subjects, ['client.test']);
  await assert.rejects(
    text(transportFor(t, { tls: { ca } }), `https://127.0.0.1:${port}/`),
    (error: Error & { code: string }) => {
      assert.match(
        error.code,
        /^ERR_PASSINGLANE_(CONNECT_FAILED|CONNECTION_LOST)$/,
        'TLS 1.3 says so after the handshake',
      );
      assert.match(
        `${error.message} ${String(error.cause)}`,
        /certificate required|CERTIFICATE_REQUIRED|ECONNRESET|closed/i,
      );
      return true;
    },
  );
});

test('the second connection to an origin resumes the TLS session of the first', async (t) => {
  const reused: boolean[] = [];
  const server = createSecureServer(loopback, (_, response) => response.end('ok'));
  server.on('secureConnection', (socket: TLSSocket) => void reused.push(socket.isSessionReused()));
  const port = await listen(t, server);
  const transport = transportFor(t, { tls: { ca } });
  for (let connection = 1; connection <= 3; connection++) {
    assert.equal(await text(transport, `https://127.0.0.1:${port}/`), 'ok');
    transport.closeIdleConnections();
    while (transport.stats().connections > 0) await new Promise(setImmediate);
  }
  assert.deepEqual(reused, [false, true, true]);
});

test('a server that has other protocols than ours is refused, and the message says which were offered', async (t) => {
  const other = createTlsServer({ ...loopback, ALPNProtocols: ['spdy/3'] });
  const port = await listen(t, other);
  for (const [allowHTTP1, offered] of [
    [true, 'h2 and http/1.1'],
    [false, 'h2 only'],
  ] as const)
    await assert.rejects(text(transportFor(t, { tls: { ca }, allowHTTP1 }), `https://127.0.0.1:${port}/`), {
      code: 'ERR_PASSINGLANE_ALPN',
      message: new RegExp(`does not speak HTTP/2: .*\\(${offered}\\)`),
      unprocessed: true,
    });
});

test('with `allowHTTP1: false` a server that has only HTTP/1.1 is refused, and the message says what to set', async (t) => {
  const port = await listen(t, createTlsServer({ ...loopback, ALPNProtocols: ['http/1.1'] }));
  await assert.rejects(text(transportFor(t, { tls: { ca }, allowHTTP1: false }), `https://127.0.0.1:${port}/`), {
    code: 'ERR_PASSINGLANE_ALPN',
    message: /`allowHTTP1: true`/,
  });
});

test('a server that accepts and says nothing costs `connectTimeout`, over TLS and in the clear', async (t) => {
  const port = await listen(
    t,
    createTcpServer((socket) => void socket.on('error', () => undefined).resume()),
  );
  for (const scheme of ['http', 'https']) {
    const transport = transportFor(t, { tls: { ca }, cleartext: 'h2c', connectTimeout: 60 });
    const url = `${scheme}://127.0.0.1:${port}/`;
    const calls = [
      transport.request(url),
      transport.request(url, { method: 'POST', body: 'x' }),
      transport.preconnect(url),
    ];
    for (const call of calls)
      await assert.rejects(call, {
        code: 'ERR_PASSINGLANE_CONNECT_TIMEOUT',
        name: 'TimeoutError',
        message: /within 60 ms \(connectTimeout\)/,
      });
    assert.deepEqual(transport.stats().origins, []);
  }
});

test('`connectTimeout` covers the lookup', async (t) => {
  const transport = transportFor(t, { connectTimeout: 40, lookup: () => undefined });
  await assert.rejects(transport.request('https://nowhere.test/'), { code: 'ERR_PASSINGLANE_CONNECT_TIMEOUT' });
});

test('a failed lookup is the error of the request, with the name in its message', async (t) => {
  const lookup: LookupFunction = (_name, _options, found) => {
    found(Object.assign(new Error('getaddrinfo ENOTFOUND'), { code: 'ENOTFOUND' }), '', 4);
  };
  await assert.rejects(
    transportFor(t, { lookup }).request('https://nowhere.test/'),
    (error: Error & { code: string }) => {
      assert.equal(error.code, 'ERR_PASSINGLANE_CONNECT_FAILED');
      assert.match(error.message, /https:\/\/nowhere\.test: the name has no address \(ENOTFOUND\)/);
      assert.equal((error.cause as { code?: string }).code, 'ENOTFOUND');
      return true;
    },
  );
});

test('of the addresses of a name, the next is tried where one refuses', withIPv6, async (t) => {
  const { port } = await originFor(t);
  // ::1 and 127.0.0.2 refuse, since the origin listens on 127.0.0.1 alone.
  const transport = transportFor(t, { tls: { ca }, lookup: lookupOf('::1', '127.0.0.2', '127.0.0.1') });
  const response = await transport.request(`https://localhost:${port}/hello.txt`);
  assert.equal(await response.body.text(), 'hello\n');
  assert.equal(response.connection.remoteAddress, '127.0.0.1');
});

test('and joined by the next where one does not answer, without waiting for its time-out', withIPv6, async (t) => {
  const { port } = await originFor(t);
  await listen(
    t,
    createTcpServer((socket) => void socket.on('error', () => undefined).resume()),
    { host: '::1', port },
  );
  const transport = transportFor(t, { tls: { ca }, lookup: lookupOf('::1', '127.0.0.1'), connectTimeout: 20_000 });
  const response = await transport.request(`https://localhost:${port}/hello.txt`);
  assert.equal(response.connection.remoteAddress, '127.0.0.1');
  await response.body.dump();
});

test('when every address refuses, the error names them all', async (t) => {
  const transport = transportFor(t, { lookup: lookupOf('127.0.0.2', '127.0.0.1') });
  await assert.rejects(
    transport.request(`https://localhost:${closedPort}/`),
    (error: Error & { cause: AggregateError }) => {
      assert.match(error.message, /2 addresses tried.*connection refused \(ECONNREFUSED\)/);
      assert.deepEqual(
        error.cause.errors.map((one: { code: string }) => one.code),
        ['ECONNREFUSED', 'ECONNREFUSED'],
      );
      return true;
    },
  );
});

test('an origin whose host is an IPv6 address is reached, and keeps its brackets', withIPv6, async (t) => {
  const authorities: unknown[] = [];
  const server = createSecureServer(loopback, (request, response) => {
    authorities.push(request.headers[':authority']);
    response.end('ok');
  });
  const port = await listen(t, server, { host: '::1' });
  const transport = transportFor(t, { tls: { ca } });
  const response = await transport.request(`https://[0:0:0:0:0:0:0:1]:${port}/`);
  assert.equal(await response.body.text(), 'ok');
  assert.deepEqual(authorities, [`[::1]:${port}`]);
  assert.equal(response.url, `https://[::1]:${port}/`);
  assert.equal(response.connection.remoteAddress, '::1');
  assert.equal(transport.stats().origins[0]?.origin, `https://[::1]:${port}`);
});

test(
  '`socketPath` stands for every host, with and without TLS',
  { skip: process.platform === 'win32' && 'pipes are named differently' },
  async (t) => {
    const path = join(tmpdir(), `passinglane-${process.pid}-${Date.now()}`);
    await listen(
      t,
      createSecureServer(loopback, (request, response) => response.end(String(request.headers[':authority']))),
      { path },
    );
    const secure = transportFor(t, { tls: { ca }, socketPath: path });
    assert.equal(await text(secure, 'https://localhost/'), 'localhost');
    await assert.rejects(text(secure, 'https://elsewhere.test/'), { message: /certificate is for another name/ });
    await listen(
      t,
      createHttp2Server((request, response) => response.end(String(request.headers[':authority']))),
      { path: `${path}.clear` },
    );
    const clear = transportFor(t, { cleartext: 'h2c', socketPath: `${path}.clear` });
    assert.equal(await text(clear, 'http://any.test:8080/'), 'any.test:8080');
    await assert.rejects(text(transportFor(t, { socketPath: `${path}.not` }), 'https://any.test/'), {
      message: /no such socket \(ENOENT\).*`socketPath`/,
    });
  },
);

test('`localAddress` is where connections come from', async (t) => {
  const { origin } = await originFor(t, {
    handler: (request, response) => void response.end(String(request.socket.remoteAddress)),
  });
  assert.equal(await text(transportFor(t, { tls: { ca }, localAddress: '127.0.0.3' }), `${origin}/`), '127.0.0.3');
});

test('`keepAlive` is taken as true, false or a delay', async (t) => {
  const { origin } = await originFor(t);
  for (const keepAlive of [true, false, 30_000])
    assert.equal(await text(transportFor(t, { tls: { ca }, keepAlive }), `${origin}/hello.txt`), 'hello\n');
});

test('`createConnection` makes the connections, told what they are for', async (t) => {
  const { port } = await originFor(t);
  const told: CreateConnectionOptions[] = [];
  const transport = transportFor(t, {
    tls: { servername: 'localhost' },
    async createConnection(options) {
      told.push(options);
      const socket = connectTls({
        port,
        host: '127.0.0.1',
        ca,
        servername: options.servername ?? '',
        ALPNProtocols: [...options.alpnProtocols],
      });
      await once(socket, 'secureConnect');
      return socket;
    },
  });
  assert.equal(await text(transport, 'https://wherever.test:1234/hello.txt'), 'hello\n');
  assert.equal(await text(transport, 'https://wherever.test:1234/hello.txt'), 'hello\n');
  assert.equal(told.length, 1);
  const { signal, ...rest } = told[0] as CreateConnectionOptions;
  assert.equal(signal.aborted, false);
  assert.deepEqual(rest, {
    origin: 'https://wherever.test:1234',
    protocol: 'https:',
    hostname: 'wherever.test',
    port: 1_234,
    servername: 'localhost',
    alpnProtocols: ['h2', 'http/1.1'],
  });
});

test('`createConnection` for http: is spoken HTTP/2 to with `cleartext: "h2c"`, and its failure is the request\'s', async (t) => {
  const { port } = await originFor(t, { tls: false });
  const transport = transportFor(t, {
    cleartext: 'h2c',
    createConnection: ({ hostname }) => {
      if (hostname === 'broken.test') throw new Error('out of sockets');
      return connectTcp(port, '127.0.0.1');
    },
  });
  assert.equal(await text(transport, 'http://any.test/hello.txt'), 'hello\n');
  await assert.rejects(text(transport, 'http://broken.test/'), {
    code: 'ERR_PASSINGLANE_CONNECT_FAILED',
    message: /out of sockets/,
  });
});

test("`createConnection`'s signal is aborted once nobody waits for the connection", async (t) => {
  let given: AbortSignal | undefined;
  const transport = transportFor(t, {
    createConnection: ({ signal }) => {
      given = signal;
      return new Promise(() => undefined);
    },
  });
  const controller = new AbortController();
  const call = transport.request('https://any.test/', { signal: controller.signal });
  while (given === undefined) await new Promise(setImmediate);
  controller.abort(new Error('enough'));
  await assert.rejects(call, /enough/);
  assert.equal(given.aborted, true);
  while (transport.stats().origins.length > 0) await new Promise(setImmediate);
});

test('http: and https: to one host and port share no connection', async (t) => {
  const { origin, port } = await originFor(t);
  const transport = transportFor(t, { tls: { ca }, cleartext: 'h2c', retry: { maxAttempts: 1 } });
  assert.equal(await text(transport, `${origin}/hello.txt`), 'hello\n');
  await assert.rejects(text(transport, `http://127.0.0.1:${port}/hello.txt`), { scope: 'connection' });
});

test('preconnect waits for connections that are being made already, and makes what is missing', async (t) => {
  const origin = await originFor(t);
  const transport = transportFor(t, { tls: { ca } });
  const call = transport.request(`${origin.origin}/hello.txt`);
  await transport.preconnect(origin.origin);
  assert.deepEqual(
    transport
      .stats()
      .origins[0]?.connections.map(({ state }) => state)
      .includes('connecting'),
    false,
  );
  await Promise.all([transport.preconnect(origin.origin, 3), transport.preconnect(origin.origin, 2)]);
  assert.equal(transport.stats().connections, 3);
  await (await call).body.dump();
  assert.equal(origin.sessionCount, 3);
});

test('an address is reached only with a certificate for that address', withIPv6, async (t) => {
  const server = createSecureServer(elsewhere, (_, response) => response.end());
  const port = await listen(t, server, { host: '::1' });
  const transport = transportFor(t, { tls: { ca: elsewhere.cert } });
  await assert.rejects(transport.request(`https://[::1]:${port}/`), {
    code: 'ERR_PASSINGLANE_CONNECT_FAILED',
    message: /ERR_TLS_CERT_ALTNAME_INVALID|certificate/,
  });
});
