/** Servers that speak something else than they are spoken to in: the error says what, and what to do. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer as createHttp1 } from 'node:http';
import { createServer as createH2c } from 'node:http2';
import { createServer as createHttps } from 'node:https';
import { createServer, type AddressInfo, type Server } from 'node:net';
import { after, test } from 'node:test';
import { Transport, type TransportError, type TransportOptions } from '../../dist/index.js';
import { selfSignedCertificate } from '../../dist/cli/certificate.js';

const certificate = selfSignedCertificate({ names: ['localhost'], ips: ['127.0.0.1'] });
const servers: Server[] = [];
after(() => {
  for (const server of servers) server.close();
});

async function listening(server: Server): Promise<string> {
  servers.push(server);
  await once(server.listen(0, '127.0.0.1'), 'listening');
  return `127.0.0.1:${(server.address() as AddressInfo).port}`;
}

/** Says these bytes to whatever comes, and closes. */
function saying(bytes: Uint8Array): Server {
  return createServer((socket) => {
    socket.on('error', () => undefined);
    socket.once('data', () => socket.end(bytes));
  });
}

async function failure(url: string, options: TransportOptions = {}): Promise<TransportError> {
  const transport = new Transport({ ...options, proxy: false, retry: { maxAttempts: 1 } });
  try {
    return await transport.request(url).then(
      ({ status }) => assert.fail(`${url} answered with ${status}`),
      (error: unknown) => error as TransportError,
    );
  } finally {
    transport.destroy();
  }
}

/** Of OpenSSL, to bytes that are no TLS: fatal, protocol_version. */
const alert = Buffer.from([0x15, 0x03, 0x01, 0, 2, 2, 70]);

for (const [how, options] of Object.entries({ 'HTTP/1.1': {}, 'HTTP/2': { cleartext: 'h2c' } } as const)) {
  test(`a TLS server that is asked in the clear, in ${how}, is told by its alert, and the error says to use https:`, async () => {
    const error = await failure(`http://${await listening(saying(alert))}/x`, options);
    assert.match(error.message, /^GET http:\/\/127\.0\.0\.1:\d+\/x: .*speaks TLS: use an https: URL/);
  });
}

test('a TLS server that closes without an alert leaves the question', async () => {
  const at = await listening(createHttps(certificate));
  assert.match((await failure(`http://${at}/`)).message, /Does this port speak TLS\? Then use an https: URL/);
  assert.match((await failure(`http://${at}/`, { cleartext: 'h2c' })).message, /speak HTTP\/2, and in the clear\?/);
});

test('an HTTP/1.1 server that is asked in HTTP/2 is told by what it answers', async () => {
  const error = await failure(`http://${await listening(createHttp1())}/`, { cleartext: 'h2c' });
  assert.match(
    error.message,
    /The server speaks HTTP\/1\.1.*: leave out cleartext: 'h2c' \(or PASSINGLANE_CLEARTEXT\)/,
  );
});

test('a server that takes connections and never sends SETTINGS is told by that, by request as by connect', async () => {
  const at = `http://${await listening(createServer((socket) => socket.on('error', () => undefined)))}`;
  const silent = /accepted the connection, but sent no SETTINGS within 300 ms .*speak HTTP\/2, and in the clear\?/;
  assert.match((await failure(`${at}/`, { cleartext: 'h2c', connectTimeout: 300 })).message, silent);
  const transport = new Transport({ cleartext: 'h2c', connectTimeout: 300 });
  await assert.rejects(transport.connect(at), { code: 'ERR_PASSINGLANE_CONNECT_TIMEOUT', message: silent });
  transport.destroy();
});

test('what is neither HTTP/2 nor known by its first bytes is said not to be HTTP/2', async () => {
  const at = await listening(saying(Buffer.from('SSH-2.0-OpenSSH_9.6\r\n')));
  const error = await failure(`http://${at}/`, { cleartext: 'h2c' });
  assert.match(error.message, /The server's first bytes are no HTTP\/2: /);
});

test('a server of HTTP/2 in the clear that is asked in HTTP/1.1 brings up cleartext', async () => {
  const error = await failure(`http://${await listening(createH2c())}/`);
  assert.match(error.message, /with HTTP\/2, set cleartext: 'h2c' \(or PASSINGLANE_CLEARTEXT=h2c\)/);
});

test('a server in the clear that is asked over TLS is said not to speak it', async () => {
  for (const server of [createH2c(), createHttp1()]) {
    const error = await failure(`https://${await listening(server)}/`);
    assert.match(error.message, /Does this port speak (http: instead of https:|TLS)\?/);
  }
});

test('host and port without a scheme bring up the scheme', async () => {
  assert.match((await failure('localhost:24001/x?secret')).message, /write http:\/\/localhost:24001\/ or https:/);
  assert.doesNotMatch((await failure('mailto:someone')).message, /write/);
});
