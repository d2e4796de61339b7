/** Servers that each have one fault, for the doctor to name. */
import { once } from 'node:events';
import { createServer as createHttp2Server } from 'node:http2';
import { createServer, type AddressInfo, type Server, type Socket } from 'node:net';
import type { TestContext } from 'node:test';
import { createServer as createTlsServer, type TlsOptions } from 'node:tls';
import { selfSignedCertificate } from '../../dist/cli/certificate.js';
import { elsewhere, loopback } from '../support/certificates.js';
import { closedPort } from '../support/closed-port.js';
import { rawServer, type, type RawConnection, type RawSettings } from '../support/raw-server.js';

/** What is examined: a URL, what to trust, which addresses. */
export interface Patient {
  readonly url: string;
  readonly ca?: string;
  readonly addresses?: readonly string[];
}

export interface Fault {
  /** What is wrong with the server, for the table. */
  readonly what: string;
  /** The names of what the doctor has to find: all of it, in its order. */
  readonly finds: readonly string[];
  readonly exitCode: number;
  /** Where the fault is that nothing comes: how long the doctor waits for it, in milliseconds. */
  readonly waits?: number;
  start(t: TestContext): Promise<Patient>;
}

/** A server over bytes; `https:` in the URL where it has, or should have, TLS. */
async function serve(t: TestContext, server: Server, scheme: 'http' | 'https'): Promise<string> {
  const sockets = new Set<Socket>();
  server.on('connection', (socket: Socket) => {
    sockets.add(socket);
    socket.on('error', () => undefined); // the doctor leaves when it has seen enough
  });
  server.on('tlsClientError', () => undefined);
  server.on('secureConnection', (socket: Socket) => socket.on('error', () => undefined));
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  t.after(() => {
    for (const socket of sockets) socket.destroy();
    server.close();
  });
  return `${scheme}://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

const bytes = (scheme: 'http' | 'https', script: (socket: Socket) => void) => ({
  start: async (t: TestContext): Promise<Patient> => ({ url: await serve(t, createServer(script), scheme) }),
});

/** A server of HTTP/2 over TLS, that trusts and is trusted as the options say. */
const overTls = (options: TlsOptions, ca: string | undefined = loopback.cert) => ({
  async start(t: TestContext): Promise<Patient> {
    const { createSecureServer } = await import('node:http2');
    const server = createSecureServer({ ...loopback, ...options }, (_, response) => void response.end('hello'));
    server.on('sessionError', () => undefined);
    const url = await serve(t, server, 'https');
    return ca === undefined ? { url } : { url, ca };
  },
});

const ok = (socket: Socket): void => void socket.end('HTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\nhello');

/** A server of HTTP/1.1 over TLS, which does this with a request. */
const http1OverTls = (answer: (socket: Socket) => void) => ({
  async start(t: TestContext): Promise<Patient> {
    const server = createTlsServer({ ...loopback, ALPNProtocols: ['http/1.1'] }, (socket) => {
      socket.once('data', () => answer(socket));
    });
    return { url: await serve(t, server, 'https'), ca: loopback.cert };
  },
});

/** A scripted server of HTTP/2 in the clear. */
const frames = (script: (connection: RawConnection) => Promise<void> | void) => ({
  async start(t: TestContext): Promise<Patient> {
    const server = await rawServer(script);
    t.after(() => server.close());
    return { url: server.origin };
  },
});

/** Opens as it should, and answers each request with 200, or as told. */
const answering = (
  settings: RawSettings,
  answer = (connection: RawConnection, streamId: number): void => {
    connection.headers(streamId, [[':status', '200']]);
    connection.data(streamId, 'hello', { endStream: true });
  },
  begin?: (connection: RawConnection) => void,
) =>
  frames(async (connection) => {
    begin?.(connection);
    await connection.greet(settings);
    for (;;) answer(connection, (await connection.request()).streamId);
  });

const deaf = (connection: RawConnection): void => {
  connection.answerPings = false;
};

const roomy: RawSettings = { maxConcurrentStreams: 100 };
const status =
  (code: string) =>
  (connection: RawConnection, streamId: number): void => {
    connection.headers(streamId, [[':status', code]], { endStream: true });
  };

export const faults: readonly Fault[] = [
  {
    what: 'the name has no address',
    finds: ['name-unknown'],
    exitCode: 6,
    start: () => Promise.resolve({ url: `https://${'a'.repeat(64)}.invalid` }),
  },
  {
    what: 'nobody listens on the port',
    finds: ['refused'],
    exitCode: 7,
    start: () => Promise.resolve({ url: `https://127.0.0.1:${closedPort}` }),
  },
  {
    what: 'the port of an https: origin speaks HTTP/1.1 in the clear',
    finds: ['not-tls'],
    exitCode: 35,
    ...bytes('https', (socket) => socket.once('data', () => socket.end('HTTP/1.1 400 Bad Request\r\n\r\n'))),
  },
  {
    what: 'TLS 1.1 is the newest version',
    finds: ['tls-version'],
    exitCode: 35,
    ...overTls({ minVersion: 'TLSv1.1', maxVersion: 'TLSv1.1', ciphers: 'DEFAULT@SECLEVEL=0' }),
  },
  {
    what: 'the connection is closed in the TLS handshake',
    finds: ['tls-closed'],
    exitCode: 35,
    ...bytes('https', (socket) => socket.once('data', () => socket.destroy())),
  },
  {
    what: 'the TLS handshake is never answered',
    finds: ['tls-silent'],
    exitCode: 28,
    waits: 100,
    ...bytes('https', () => undefined),
  },
  {
    what: 'ALPN is refused',
    finds: ['alpn-refused'],
    exitCode: 35,
    start: async (t) => ({
      url: await serve(t, createTlsServer({ ...loopback, ALPNProtocols: ['spdy/3'] }), 'https'),
      ca: loopback.cert,
    }),
  },
  { what: 'ALPN chooses HTTP/1.1', finds: ['no-http2'], exitCode: 8, ...http1OverTls(ok) },
  {
    what: 'ALPN chooses HTTP/1.1, and requests are not answered',
    finds: ['no-http2', 'no-answer'],
    exitCode: 28,
    waits: 250,
    ...http1OverTls(() => undefined),
  },
  {
    what: 'ALPN chooses HTTP/1.1, and answers are 503',
    finds: ['no-http2', 'server-error'],
    exitCode: 8,
    ...http1OverTls((socket) => socket.end('HTTP/1.1 503 Service Unavailable\r\ncontent-length: 0\r\n\r\n')),
  },
  {
    what: 'ALPN chooses HTTP/1.1, and the answer is none',
    finds: ['no-http2', 'breaks-http1'],
    exitCode: 1,
    ...http1OverTls((socket) => socket.end('SSH-2.0-OpenSSH_9.6\r\n')),
  },
  {
    what: 'ALPN chooses HTTP/1.1, and a request closes the connection',
    finds: ['no-http2', 'closed-on-request'],
    exitCode: 52,
    ...http1OverTls((socket) => socket.end()),
  },
  {
    what: 'the cipher suite is one that HTTP/2 prohibits',
    finds: ['cipher-prohibited'],
    exitCode: 35,
    ...overTls({ maxVersion: 'TLSv1.2', ciphers: 'ECDHE-ECDSA-AES128-SHA' }),
  },
  {
    what: 'the certificate is signed by nobody that is trusted',
    finds: ['certificate-untrusted'],
    exitCode: 60,
    ...overTls({}, elsewhere.cert),
  },
  (() => {
    const expired = selfSignedCertificate({ names: ['localhost'], ips: ['127.0.0.1'], days: -1 });
    const finds = ['certificate-expired'];
    return { what: 'the certificate has expired', finds, exitCode: 60, ...overTls(expired, expired.cert) };
  })(),
  {
    what: 'the certificate is for another name',
    finds: ['certificate-name'],
    exitCode: 60,
    ...overTls(elsewhere, elsewhere.cert),
  },
  (() => {
    const ending = selfSignedCertificate({ names: ['localhost'], ips: ['127.0.0.1'], days: 5 });
    const finds = ['certificate-ends-soon'];
    return { what: 'the certificate ends within days', finds, exitCode: 8, ...overTls(ending, ending.cert) };
  })(),
  {
    what: 'an http: origin speaks HTTP/1.1',
    finds: ['no-http2'],
    exitCode: 8,
    ...bytes('http', (socket) => socket.once('data', () => socket.end('HTTP/1.1 400 Bad Request\r\n\r\n'))),
  },
  {
    what: 'an http: origin closes on HTTP/2, and answers HTTP/1.1',
    finds: ['no-http2'],
    exitCode: 8,
    ...bytes('http', (socket) =>
      socket.once('data', (data: Buffer) => (data.toString().startsWith('GET') ? ok(socket) : socket.destroy())),
    ),
  },
  {
    what: 'an http: origin speaks HTTP/1.1, and requests are not answered',
    finds: ['no-http2', 'no-answer'],
    exitCode: 28,
    waits: 250,
    ...bytes('http', (socket) =>
      socket.once('data', (data: Buffer) => {
        if (!data.toString().startsWith('GET')) socket.end('HTTP/1.1 400 Bad Request\r\n\r\n');
      }),
    ),
  },
  {
    what: 'the port of an http: origin speaks TLS',
    finds: ['speaks-tls'],
    exitCode: 16,
    start: async (t) => ({ url: await serve(t, createTlsServer(loopback), 'http') }),
  },
  {
    what: 'something else than HTTP answers',
    finds: ['not-http2'],
    exitCode: 16,
    ...bytes('http', (socket) => void socket.write('SSH-2.0-OpenSSH_9.6\r\n')),
  },
  {
    what: 'connections are taken, and nobody speaks',
    finds: ['no-settings'],
    exitCode: 28,
    waits: 100,
    ...bytes('http', () => undefined),
  },
  {
    what: 'connections are closed at once',
    finds: ['closed-at-once'],
    exitCode: 52,
    ...bytes('http', (socket) => void socket.end()),
  },
  {
    what: 'a new connection is told GOAWAY',
    finds: ['goodbye-at-once'],
    exitCode: 16,
    ...frames(async (connection) => {
      await connection.greet(roomy);
      connection.goaway(0, 11);
      connection.close();
    }),
  },
  {
    what: 'a frame breaks the protocol',
    finds: ['breaks-http2'],
    exitCode: 16,
    ...answering(roomy, (connection) => connection.data(0, 'on stream 0')),
  },
  {
    what: 'the stream limit is 0',
    finds: ['no-streams'],
    exitCode: 92,
    ...answering({ maxConcurrentStreams: 0 }),
  },
  {
    what: 'the stream limit is low',
    finds: ['few-streams'],
    exitCode: 8,
    ...answering({ maxConcurrentStreams: 8 }),
  },
  {
    what: 'the initial window is 0',
    finds: ['small-window'],
    exitCode: 8,
    ...answering({ ...roomy, initialWindowSize: 0 }),
  },
  {
    what: 'header lists are held to 1 kB',
    finds: ['small-header-list'],
    exitCode: 8,
    ...answering({ ...roomy, maxHeaderListSize: 1_024 }),
  },
  {
    what: 'SETTINGS are not acknowledged',
    finds: ['settings-unacknowledged'],
    exitCode: 8,
    ...frames(async (connection) => {
      connection.settings(roomy);
      for (;;) {
        const { streamId } = await connection.request();
        connection.headers(streamId, [[':status', '200']], { endStream: true });
      }
    }),
  },
  {
    what: 'requests are refused',
    finds: ['request-refused'],
    exitCode: 92,
    ...answering(roomy, (connection, streamId) => connection.rst(streamId, 7)),
  },
  {
    what: 'requests are reset',
    finds: ['request-reset'],
    exitCode: 92,
    ...answering(roomy, (connection, streamId) => connection.rst(streamId, 2)),
  },
  {
    what: 'a request closes the connection',
    finds: ['closed-on-request'],
    exitCode: 52,
    ...answering(roomy, (connection) => connection.close()),
  },
  {
    what: 'requests are not answered, and PINGs are',
    finds: ['no-answer'],
    exitCode: 28,
    waits: 250,
    ...answering(roomy, () => undefined),
  },
  {
    what: 'nothing is answered, once the connection is open',
    finds: ['silent'],
    exitCode: 28,
    waits: 250,
    ...answering(roomy, () => undefined, deaf),
  },
  {
    what: 'a body is cut by RST_STREAM',
    finds: ['body-cut'],
    exitCode: 18,
    ...answering(roomy, (connection, streamId) => {
      connection.headers(streamId, [[':status', '200']]);
      connection.data(streamId, 'a part');
      connection.rst(streamId, 0);
    }),
  },
  {
    what: 'a body begins and does not go on',
    finds: ['body-stops'],
    exitCode: 28,
    waits: 250,
    ...answering(roomy, (connection, streamId) => {
      connection.headers(streamId, [[':status', '200']]);
      connection.data(streamId, 'a part');
    }),
  },
  { what: 'answers are 503', finds: ['server-error'], exitCode: 8, ...answering(roomy, status('503')) },
  { what: 'answers are 421', finds: ['misdirected'], exitCode: 8, ...answering(roomy, status('421')) },
  {
    what: 'PINGs are not answered, and requests are',
    finds: ['ping-unanswered'],
    exitCode: 28,
    waits: 250,
    ...answering(roomy, status('200'), deaf),
  },
  {
    what: 'a PING is answered with GOAWAY',
    finds: ['pings-forbidden'],
    exitCode: 8,
    ...frames(async (connection) => {
      connection.answerPings = false;
      await connection.greet(roomy);
      status('200')(connection, (await connection.request()).streamId);
      await connection.nextOf(type.ping);
      connection.goaway(1, 11, 'too_many_pings');
      connection.close();
    }),
  },
  {
    what: 'what runs is dropped at a GOAWAY of ours',
    finds: ['goodbye-drops'],
    exitCode: 8,
    ...frames(async (connection) => {
      await connection.greet(roomy);
      status('200')(connection, (await connection.request()).streamId);
      await connection.nextOf(type.goaway);
      connection.reset();
    }),
  },
  {
    what: 'nobody listens at one of two addresses',
    finds: ['refused', 'address-down'],
    exitCode: 8,
    async start(t) {
      const server = await answering(roomy).start(t);
      return { ...server, addresses: ['127.0.0.1', '127.0.0.2'] };
    },
  },
  {
    what: 'one of two addresses answers much later',
    finds: ['address-slow'],
    exitCode: 8,
    async start(t) {
      const fast = createHttp2Server((_, response) => void response.end());
      const url = await serve(t, fast, 'http');
      const slow = createHttp2Server((_, response) => void setTimeout(() => response.end(), 600));
      slow.listen(Number(new URL(url).port), '127.0.0.2');
      await once(slow, 'listening');
      t.after(() => void slow.close());
      return { url, addresses: ['127.0.0.1', '127.0.0.2'] };
    },
  },
];

/** A server with no fault. */
export const healthy = answering(roomy);
