import assert from 'node:assert/strict';
import { once } from 'node:events';
import { request, type IncomingMessage } from 'node:http';
import { createSecureServer } from 'node:http2';
import { createServer as createHttpsServer } from 'node:https';
import { createServer as createTcpServer } from 'node:net';
import { text } from 'node:stream/consumers';
import { test, type TestContext } from 'node:test';
import { connect as connectTls, createServer, type ConnectionOptions, type TlsOptions, type TLSSocket } from 'node:tls';
import type { Dialled } from '../../dist/ports/dialler.js';
import { NodeDialler, type DiallerOptions } from '../../dist/node/dial.js';
import { client, elsewhere, loopback } from '../support/certificates.js';
import { h2, listen, originOf, Recorder } from './helpers.js';

const never = new AbortController().signal;

function dialler(tls: ConnectionOptions = {}, options: Partial<DiallerOptions> = {}): NodeDialler {
  return new NodeDialler({ allowHTTP1: true, cleartext: 'http/1.1', tls: { ca: loopback.cert, ...tls }, ...options });
}

/** A TLS server that speaks h2 as far as ALPN goes, says hello and does no more. */
async function tlsServer(t: TestContext, options: TlsOptions = {}) {
  const reused: boolean[] = [];
  const server = createServer({ ...loopback, ALPNProtocols: ['h2'], ...options }, (socket) => {
    reused.push(socket.isSessionReused());
    socket.on('error', () => undefined).resume();
    socket.write('hello');
  });
  server.on('tlsClientError', () => undefined);
  t.after(() => server.close());
  return { server, reused, port: await listen(server) };
}

/** Makes a connection that stays until the server has handed out a ticket. */
async function takeTicket(dials: NodeDialler, hostname: string, port: number): Promise<void> {
  const transport = h2(await dials.dial(originOf('https:', hostname, port), never));
  const sink = new Recorder();
  transport.start(sink);
  await sink.received(5); // the ticket comes before the hello, and Node tells of it one turn later
  await new Promise((resolve) => setImmediate(resolve));
  transport.destroy();
}

test('HTTP/2 is agreed on with a server whose certificate names the host', async (t) => {
  const server = createSecureServer(loopback);
  t.after(() => server.close());
  const port = await listen(server);
  const sessions = once(server, 'session');
  for (const hostname of ['localhost', '127.0.0.1']) {
    const transport = h2(await dialler().dial(originOf('https:', hostname, port), never));
    assert.equal(transport.info.alpnProtocol, 'h2');
    assert.equal(transport.info.tls?.version, 'TLSv1.3');
    assert.match(transport.info.tls.cipher, /^TLS_/);
    const sink = new Recorder();
    transport.start(sink);
    assert.equal((await sink.received(9))[3], 4, 'the SETTINGS of node:http2, which come unasked');
    transport.destroy();
  }
  await sessions;
});

test('bytes keep their order over TLS through the reused buffer', async (t) => {
  const body = Buffer.alloc(3 << 20, Buffer.from(Array.from({ length: 251 }, (_, i) => i)));
  const server = createServer({ ...loopback, ALPNProtocols: ['h2'] }, (socket) => socket.end(body));
  t.after(() => server.close());
  const transport = h2(await dialler().dial(originOf('https:', 'localhost', await listen(server)), never));
  const sink = new Recorder();
  transport.start(sink);
  assert.ok((await sink.received(body.length)).equals(body));
  assert.equal(await sink.closed, undefined);
  assert.deepEqual(sink.events, ['bytes', 'end', 'close']);
});

test('an untrusted certificate is refused, and the message says how to trust it', async (t) => {
  const { port } = await tlsServer(t);
  await assert.rejects(dialler({ ca: elsewhere.cert }).dial(originOf('https:', 'localhost', port), never), {
    code: 'ERR_PASSINGLANE_CONNECT_FAILED',
    scope: 'connection',
    unprocessed: true,
    message: /not trusted \(DEPTH_ZERO_SELF_SIGNED_CERT\).*`tls\.ca`.*NODE_EXTRA_CA_CERTS/,
  });
  const careless = dialler({ ca: undefined, rejectUnauthorized: false });
  h2(await careless.dial(originOf('https:', 'localhost', port), never)).destroy();
});

test('a certificate for another name is refused, unless that is the servername', async (t) => {
  const { port, server } = await tlsServer(t, elsewhere);
  const trusting = { ca: elsewhere.cert };
  await assert.rejects(dialler(trusting).dial(originOf('https:', 'localhost', port), never), {
    code: 'ERR_PASSINGLANE_CONNECT_FAILED',
    message: /for another name \(ERR_TLS_CERT_ALTNAME_INVALID\).*`tls\.servername`/,
  });
  await assert.rejects(dialler(trusting).dial(originOf('https:', '127.0.0.1', port), never), /for another name/);
  const accepted = once(server, 'secureConnection') as Promise<[TLSSocket & { servername: string }]>;
  const named = dialler({ ...trusting, servername: 'elsewhere.test' });
  const transport = h2(await named.dial(originOf('https:', 'localhost', port), never));
  assert.equal((await accepted)[0].servername, 'elsewhere.test');
  transport.destroy();
});

test('SNI carries the host name, and nothing for an address', async (t) => {
  const { port, server } = await tlsServer(t);
  for (const [hostname, sni] of [['localhost', 'localhost'] as const, ['127.0.0.1', false] as const]) {
    const accepted = once(server, 'secureConnection') as Promise<[TLSSocket & { servername: string | false }]>;
    const transport = h2(await dialler().dial(originOf('https:', hostname, port), never));
    assert.equal((await accepted)[0].servername, sni);
    transport.destroy();
  }
});

test('a client certificate is shown to a server that asks for one', async (t) => {
  const { port, server } = await tlsServer(t, { requestCert: true, ca: client.cert });
  const accepted = once(server, 'secureConnection') as Promise<[TLSSocket]>;
  const showing = dialler({ key: client.key, cert: client.cert });
  const transport = h2(await showing.dial(originOf('https:', 'localhost', port), never));
  assert.equal((await accepted)[0].getPeerCertificate().subject.CN, 'client.test');
  transport.destroy();
});

test('a server that misses the client certificate closes the transport with its alert', async (t) => {
  const { port } = await tlsServer(t, { requestCert: true, ca: client.cert });
  // Under TLS 1.3 the client has finished before the server looks, so the dial itself succeeds (RFC 8446 section 4.4.2.4).
  const transport = h2(await dialler().dial(originOf('https:', 'localhost', port), never));
  const sink = new Recorder();
  transport.start(sink);
  const error = (await sink.closed) as NodeJS.ErrnoException | undefined;
  assert.match(error?.code ?? '', /CERTIFICATE_REQUIRED|ECONNRESET|EPIPE/);
});

test('a server without HTTP/2 is served over HTTP/1.1, on the same socket', async (t) => {
  let connections = 0;
  for (const ALPNProtocols of [['http/1.1'], undefined]) {
    const server = createHttpsServer({ ...loopback, ALPNProtocols }, (incoming, response) => incoming.pipe(response));
    server.on('connection', () => connections++);
    t.after(() => server.close());
    const dialled = await dialler().dial(originOf('https:', 'localhost', await listen(server)), never);
    assert.ok(dialled.protocol === 'http/1.1');
    const body = 'What goes out comes back. '.repeat(50_000);
    assert.equal(await echoOverHttp1(dialled, body), body);
  }
  assert.equal(connections, 2);
});

/** Posts `body` by node:http over the socket of the dial, and reads the answer slowly enough for backpressure. */
async function echoOverHttp1(dialled: Dialled & { protocol: 'http/1.1' }, body: string): Promise<string> {
  const outgoing = request({
    method: 'POST',
    headers: { connection: 'close' },
    createConnection: () => dialled.socket,
  });
  outgoing.end(body);
  const [response] = (await once(outgoing, 'response')) as [IncomingMessage];
  for (let i = 0; i < 20; i++) await new Promise((resolve) => setImmediate(resolve));
  return await text(response);
}

test('without allowHTTP1 a server without HTTP/2 is refused, and the message says what to do', async (t) => {
  const strict = dialler({}, { allowHTTP1: false });
  const silent = await tlsServer(t, { ALPNProtocols: undefined });
  await assert.rejects(strict.dial(originOf('https:', 'localhost', silent.port), never), {
    code: 'ERR_PASSINGLANE_ALPN',
    scope: 'connection',
    unprocessed: true,
    message: /\(h2 only\) it chose none\. Enable HTTP\/2 on the server, or set `allowHTTP1: true`/,
  });
  const refusing = await tlsServer(t, { ALPNProtocols: ['http/1.1'] });
  await assert.rejects(strict.dial(originOf('https:', 'localhost', refusing.port), never), {
    code: 'ERR_PASSINGLANE_ALPN',
    message: /it accepts none/,
  });
});

test('the second connection to an origin resumes the session of the first', async (t) => {
  for (const maxVersion of ['TLSv1.3', 'TLSv1.2'] as const) {
    const { port, reused } = await tlsServer(t, { maxVersion });
    const dials = dialler();
    for (const hostname of ['localhost', 'localhost', '127.0.0.1']) await takeTicket(dials, hostname, port);
    assert.deepEqual(reused, [false, true, false], `${maxVersion}: the third is another origin`);
  }
});

test('who changes the TLS options is another client, and does not resume the session of the one before', async (t) => {
  const { port, reused, server } = await tlsServer(t, { requestCert: true, rejectUnauthorized: false });
  const shown: unknown[] = [];
  server.on('secureConnection', (socket) => void shown.push(socket.getPeerCertificate().subject?.CN));
  const tls: ConnectionOptions = { ca: loopback.cert, key: elsewhere.key, cert: elsewhere.cert };
  const dials = new NodeDialler({ allowHTTP1: true, cleartext: 'http/1.1', tls });
  await takeTicket(dials, 'localhost', port);
  Object.assign(tls, { key: client.key, cert: client.cert });
  for (let i = 0; i < 2; i++) await takeTicket(dials, 'localhost', port);
  assert.deepEqual(shown, ['elsewhere.test', 'client.test', 'client.test']);
  assert.deepEqual(reused, [false, false, true]);
});

test('a ticket whose handshake failed is not offered again, and one that got to no handshake is', async (t) => {
  const { server, reused } = await tlsServer(t);
  let breaks = false;
  const front = createTcpServer((socket) => {
    socket.on('error', () => undefined);
    if (breaks) socket.once('data', () => socket.destroy());
    else server.emit('connection', socket);
  });
  t.after(() => front.close());
  const port = await listen(front);
  const dials = dialler();
  const fails = (): Promise<void> => assert.rejects(dials.dial(originOf('https:', '127.0.0.1', port), never));
  await takeTicket(dials, '127.0.0.1', port);
  await new Promise((resolve) => front.close(resolve));
  await fails();
  await once(front.listen(port, '127.0.0.1'), 'listening');
  await takeTicket(dials, '127.0.0.1', port);
  assert.deepEqual(reused, [false, true], 'the connection was refused');
  breaks = true;
  await fails();
  breaks = false;
  await takeTicket(dials, '127.0.0.1', port);
  assert.deepEqual(reused, [false, true, false], 'the handshake was broken off');
});

test('a TLS 1.2 cipher suite that HTTP/2 prohibits is refused (RFC 9113 section 9.2.2)', async (t) => {
  const weak = { maxVersion: 'TLSv1.2', ciphers: 'ECDHE-ECDSA-AES128-SHA256' } as const;
  const { port } = await tlsServer(t, weak);
  await assert.rejects(dialler().dial(originOf('https:', 'localhost', port), never), {
    code: 'ERR_PASSINGLANE_CONNECT_FAILED',
    errorCode: 'INADEQUATE_SECURITY',
    message: /ECDHE-ECDSA-AES128-SHA256.*Enable TLS 1\.3/,
  });
});

test('a port that does not speak TLS says so', async (t) => {
  const server = createTcpServer((socket) => {
    socket.on('error', () => undefined).once('data', () => socket.end('HTTP/1.1 400 Bad Request\r\n\r\n'));
  });
  t.after(() => server.close());
  await assert.rejects(dialler().dial(originOf('https:', 'localhost', await listen(server)), never), {
    code: 'ERR_PASSINGLANE_CONNECT_FAILED',
    message: /was not TLS .*http: instead of https:/,
  });
});

test('options that node:tls refuses fail the dial, and do not escape', async (t) => {
  const { port } = await tlsServer(t);
  await assert.rejects(dialler({ cert: 'no certificate' }).dial(originOf('https:', 'localhost', port), never), {
    code: 'ERR_PASSINGLANE_CONNECT_FAILED',
  });
});

test('a TLS socket of createConnection that is still shaking hands is waited for', async (t) => {
  const { port } = await tlsServer(t);
  const createConnection = ({
    alpnProtocols,
    servername,
  }: {
    alpnProtocols: readonly string[];
    servername: string | undefined;
  }) =>
    connectTls({
      port,
      host: '127.0.0.1',
      ca: loopback.cert,
      servername,
      ALPNProtocols: [...alpnProtocols],
    } as ConnectionOptions);
  const custom = dialler({}, { createConnection });
  const transport = h2(await custom.dial(originOf('https:', 'localhost', 1), never));
  assert.equal(transport.info.alpnProtocol, 'h2');
  const sink = new Recorder();
  transport.start(sink);
  assert.equal((await sink.received(5)).toString(), 'hello');
  transport.destroy();
  await assert.rejects(custom.dial(originOf('https:', 'other.test', 1), never), /for another name/);
});
