/** RFC 9113 section 9.2: what TLS has to be under HTTP/2, against servers that would have it otherwise. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { test } from 'node:test';
import { createServer, type TLSSocket, type TlsOptions } from 'node:tls';
import { Transport, TransportError } from '../../dist/index.js';
import { elsewhere, loopback } from '../support/certificates.js';
import { startOrigin } from '../support/origin.js';

interface TlsServer {
  readonly origin: string;
  readonly sockets: TLSSocket[];
  close(): Promise<void>;
}

async function tlsServer(options: TlsOptions): Promise<TlsServer> {
  const sockets: TLSSocket[] = [];
  const server = createServer({ ...loopback, ALPNProtocols: ['h2'], ...options }, (socket) => {
    sockets.push(socket);
    socket.on('error', () => undefined); // what it means is asserted on the client's side
    socket.resume();
  });
  server.on('tlsClientError', () => undefined);
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    origin: `https://127.0.0.1:${(server.address() as AddressInfo).port}`,
    sockets,
    async close() {
      for (const socket of sockets) socket.destroy();
      server.close();
      await once(server, 'close');
    },
  };
}

async function failureOf(request: Promise<unknown>): Promise<TransportError> {
  const error = await request.then(
    () => undefined,
    (reason: unknown) => reason,
  );
  assert.ok(error instanceof TransportError, String(error));
  return error;
}

test('TLS renegotiation and compression are not there to be used: a server that renegotiates loses the connection', async () => {
  const server = await tlsServer({ maxVersion: 'TLSv1.2' });
  const transport = new Transport({ tls: { ca: loopback.cert }, retry: { maxAttempts: 1 } });
  try {
    const failed = failureOf(transport.request(`${server.origin}/`));
    while (server.sockets.length === 0) await new Promise((resolve) => setTimeout(resolve, 5));
    const [socket] = server.sockets;
    assert.ok(socket !== undefined);
    // A server's SETTINGS, so that the request is out; then the HelloRequest.
    socket.write(Buffer.from('000000040000000000', 'hex'));
    const renegotiated = await new Promise<boolean>((resolve) => {
      setTimeout(() => socket.renegotiate({}, (error) => resolve(error === null)), 20);
      socket.once('error', () => resolve(false));
    });
    assert.equal(renegotiated, false, 'the handshake is not done again');
    assert.equal((await failed).code, 'ERR_PASSINGLANE_CONNECTION_LOST');
  } finally {
    transport.destroy();
    await server.close();
  }
});

test('TLS 1.0 and 1.1 are not spoken, whatever the server offers', async () => {
  const server = await tlsServer({ minVersion: 'TLSv1', maxVersion: 'TLSv1.1', ciphers: 'DEFAULT:@SECLEVEL=0' });
  const transport = new Transport({ tls: { ca: loopback.cert }, retry: { maxAttempts: 1 } });
  try {
    const error = await failureOf(transport.request(`${server.origin}/`));
    assert.match(error.code, /^ERR_PASSINGLANE_(TLS|DIAL|CONNECT)/);
    assert.equal(error.unprocessed, true);
  } finally {
    transport.destroy();
    await server.close();
  }
});

test('a cipher suite that RFC 9113 prohibits is no connection, and the error names it', async () => {
  const server = await tlsServer({ maxVersion: 'TLSv1.2', ciphers: 'ECDHE-ECDSA-AES128-SHA' });
  const transport = new Transport({
    tls: { ca: loopback.cert, ciphers: 'ECDHE-ECDSA-AES128-SHA', maxVersion: 'TLSv1.2' },
    retry: { maxAttempts: 1 },
  });
  try {
    const error = await failureOf(transport.request(`${server.origin}/`));
    assert.match(error.message, /ECDHE-ECDSA-AES128-SHA/);
    assert.equal(error.errorCode, 'INADEQUATE_SECURITY');
  } finally {
    transport.destroy();
    await server.close();
  }
});

test('certificates are verified unless told otherwise, and the transport recovers once they are right', async () => {
  const origin = await startOrigin({ tls: true });
  const stranger = await tlsServer(elsewhere);
  const trusting = new Transport({ tls: { ca: loopback.cert }, retry: { maxAttempts: 1 } });
  const bare = new Transport({ retry: { maxAttempts: 1 } });
  try {
    const unknown = await failureOf(bare.request(`${origin.origin}/hello.txt`));
    assert.equal(unknown.unprocessed, true);
    assert.match(unknown.message, /certificate/i);
    const wrong = await failureOf(trusting.request(`${stranger.origin}/`));
    assert.match(wrong.message, /certificate/i);
    const response = await trusting.request(`${origin.origin}/hello.txt`);
    assert.equal(await response.body.text(), 'hello\n');
  } finally {
    bare.destroy();
    trusting.destroy();
    await Promise.all([origin.close(), stranger.close()]);
  }
});

test('two transports with different TLS identities share no connection', async () => {
  const origin = await startOrigin({ tls: true });
  const one = new Transport({ tls: { ca: loopback.cert } });
  const two = new Transport({ tls: { ca: loopback.cert, cert: elsewhere.cert, key: elsewhere.key } });
  try {
    for (const transport of [one, two, one, two]) {
      const response = await transport.request(`${origin.origin}/hello.txt`);
      await response.body.dump();
    }
    assert.equal(origin.sessionCount, 2, 'one each');
  } finally {
    one.destroy();
    two.destroy();
    await origin.close();
  }
});
