/** Proxies that refuse, break off, or talk nonsense; and what a failure tells of them. */
import assert from 'node:assert/strict';
import { createSecureServer } from 'node:http2';
import { createServer as createHttpsServer } from 'node:https';
import type { Socket } from 'node:net';
import { test } from 'node:test';
import { inspect } from 'node:util';
import { sentenceOf } from '../../dist/errors.js';
import { TransportError, type Transport } from '../../dist/index.js';
import { H2Dispatcher } from '../../dist/undici/index.js';
import { listen, rawOrigin, type RawPeer } from '../http1/support.js';
import { closedPort } from '../support/closed-port.js';
import { client as identity, elsewhere, loopback } from '../support/certificates.js';
import { proxyKinds, startProxy } from '../support/proxies.js';
import { resetSocket } from '../support/reset.js';
import { client, origin, until, withCredentials } from './support.js';

const code = 'ERR_PASSINGLANE_PROXY_REFUSED';
const secrets = /s3cret|dXNlcjpzM2NyZXQ/; // in the clear, and in Basic

/** What a request that cannot succeed is rejected with. It and what it holds show no credentials. */
async function refusal(transport: Transport, url: string): Promise<TransportError> {
  const error = await transport.request(url).then(
    () => undefined,
    (reason: unknown) => reason,
  );
  assert.ok(error instanceof TransportError, 'it is rejected with a TransportError');
  assert.doesNotMatch(inspect(error, { depth: 10, showHidden: true }), secrets);
  assert.equal(error.unprocessed, true, 'nothing has reached the origin');
  assert.equal(error.origin, url);
  return error;
}

for (const kind of proxyKinds) {
  test(`${kind}: a refusal says which proxy refused, with what status, and what to do`, async (t) => {
    let status = 407;
    const proxy = await startProxy(t, kind, { answer: () => status });
    const { origin: url } = await origin(t);
    const without = client(t, { proxy: proxy.url });
    const asked = await refusal(without, url);
    assert.equal(asked.code, code);
    const begin = `GET ${url}/: No tunnel to ${url}: the proxy ${proxy.url} refused with status`;
    assert.equal(
      sentenceOf(asked),
      `${begin} 407. It asks for credentials: put them into its URL, http://user:password@host:port`,
    );
    const withOnes = client(t, { proxy: withCredentials(proxy.url, 'user', 's3cret') });
    const wrong = await refusal(withOnes, url);
    assert.equal(wrong.message.startsWith(`${begin} 407. Are the user and password`), true, wrong.message);
    status = 502;
    assert.match((await refusal(withOnes, url)).message, /refused with status 502\. It could not reach the origin/);
    status = 403;
    assert.match((await refusal(withOnes, url)).message, /refused with status 403\. Does it allow tunnels/);
    status = 404;
    assert.match((await refusal(withOnes, url)).message, /refused with status 404\. Is it a proxy/);
    status = 301;
    assert.match((await refusal(withOnes, url)).message, /refused with status 301\. Is it a proxy/);
    await until(() => proxy.asked.every(({ closed }) => closed));
  });

  test(`${kind}: a refusal is not sent again, and ends no other request`, async (t) => {
    const { origin: good } = await origin(t);
    const { origin: bad, port } = await origin(t);
    const proxy = await startProxy(t, kind, {
      answer: ({ authority }) => (authority.endsWith(`:${port}`) ? 403 : undefined),
    });
    const transport = client(t, { proxy: proxy.url });
    const running = transport.request(`${good}/delay/100`);
    await until(() => proxy.asked.length === 1);
    assert.equal((await refusal(transport, bad)).code, code);
    assert.equal(await (await running).body.text(), 'hello\n');
    assert.equal(proxy.asked.length, 2);
  });

  test(`${kind}: a failure names neither user nor password, wherever it comes from`, async (t) => {
    const refusing = await startProxy(t, kind, { answer: () => 407 });
    const { origin: url } = await origin(t);
    const events: unknown[] = [];
    const tell = (event: unknown): number => events.push(event);
    const proxy = withCredentials(refusing.url, 'user', 's3cret');
    const transport = client(t, { proxy, observer: { frame: tell, connection: tell, request: tell } });
    await refusal(transport, url);
    const asked = await startProxy(t, kind);
    const served = client(t, {
      proxy: withCredentials(asked.url, 'user', 's3cret'),
      observer: { frame: tell, connection: tell, request: tell },
    });
    await (await served.request(`${url}/hello.txt`)).body.dump();
    assert.match(String(asked.asked[0]?.fields['proxy-authorization']), secrets, 'they were used');
    assert.ok(events.length > 4);
    assert.doesNotMatch(inspect(events, { depth: 10 }), secrets);
    assert.doesNotMatch(inspect([served.stats(), transport.stats()], { depth: 10 }), secrets);
  });
}

test('a proxy that cannot be reached is named, with the address of the origin', async (t) => {
  const gone = closedPort;
  const { origin: url } = await origin(t);
  for (const scheme of ['http', 'https']) {
    const transport = client(t, { proxy: `${scheme}://user:s3cret@127.0.0.1:${gone}` });
    const error = await refusal(transport, url);
    assert.equal(error.code, 'ERR_PASSINGLANE_CONNECT_FAILED');
    const begin = `GET ${url}/: Could not connect to ${url} through the proxy ${scheme}://127.0.0.1:${gone}: no connection to it: `;
    assert.equal(error.message.startsWith(`${begin}connection refused (ECONNREFUSED)`), true, error.message);
    assert.equal((error.cause as NodeJS.ErrnoException).code, 'ECONNREFUSED');
  }
});

test('an HTTPS proxy whose certificate is not trusted gets no credentials', async (t) => {
  const asked: string[] = [];
  const server = createHttpsServer(elsewhere).on('connect', (request) => asked.push(request.url ?? ''));
  const { origin: proxy } = await listen(t, server, 'https');
  const { origin: url } = await origin(t);
  // What the user says of the origin does not hold for the proxy.
  const transport = client(t, { proxy: withCredentials(proxy, 'user', 's3cret'), tls: { rejectUnauthorized: false } });
  const error = await refusal(transport, url);
  assert.equal(error.code, 'ERR_PASSINGLANE_CONNECT_FAILED');
  assert.match(
    error.message,
    /through the proxy https:\/\/127\.0\.0\.1:\d+: no connection to it: its certificate is not/,
  );
  assert.deepEqual(asked, []);
});

test("an HTTPS proxy sees no client certificate, and no name that is the origin's", async (t) => {
  const server = createHttpsServer({ ...loopback, requestCert: true, rejectUnauthorized: false });
  const seen: unknown[] = [];
  server.on('connect', (_request, socket: Socket & { getPeerCertificate?: () => object; servername?: unknown }) => {
    seen.push(socket.getPeerCertificate?.(), socket.servername);
    socket.end('HTTP/1.1 502 No\r\n\r\n');
  });
  const { origin: proxy } = await listen(t, server, 'https');
  const tls = { ...identity, ca: loopback.cert, servername: 'origin.test' };
  await refusal(client(t, { proxy, tls }), 'https://127.0.0.1:1');
  assert.deepEqual(seen, [{}, false]);
});

const answers: Readonly<Record<string, (peer: RawPeer) => void>> = {
  'what is not HTTP': (peer) => peer.write('SSH-2.0-OpenSSH_9.2\n'),
  'a status that is no number': (peer) => peer.write('HTTP/1.1 OK fine\n\n'),
  'an end in the middle of the head': (peer) => peer.socket.end('HTTP/1.1 200 OK\r\nserver: '),
  'an end without a word': (peer) => peer.socket.end(),
  'a reset': (peer) => resetSocket(peer.socket),
  'a head without end': (peer) => void pour(peer.socket),
  'interim responses without end': (peer) => void pourInterim(peer.socket),
};

for (const [what, answer] of Object.entries(answers)) {
  test(`http: ${what} for an answer fails the request, and says so`, async (t) => {
    const proxy = await rawOrigin(t, async (peer) => {
      await peer.request();
      answer(peer);
    });
    const transport = client(t, { proxy: withCredentials(proxy.origin, 'user', 's3cret'), connectTimeout: 0 });
    const error = await refusal(transport, 'https://127.0.0.1:1');
    assert.equal(error.code, code);
    assert.match(
      error.message,
      /^GET https:\/\/127\.0\.0\.1:1\/: No tunnel to https:\/\/127\.0\.0\.1:1: the proxy http:\/\/127\.0\.0\.1:\d+ gave no answer to CONNECT: /,
    );
    await until(() => proxy.open.size === 0);
  });
}

test('h2: a proxy that resets the stream of a tunnel, or its connection, has refused it', async (t) => {
  let how: (socket: { close(code: number): void; destroy(): void }) => void = (stream) => stream.close(10);
  const server = createSecureServer(loopback);
  server.on('session', (session) => session.on('error', () => undefined));
  server.on('stream', (stream) => {
    stream.on('error', () => undefined);
    how({ close: (number) => stream.close(number), destroy: () => stream.session?.destroy() });
  });
  const { origin: proxy } = await listen(t, server, 'https');
  const transport = client(t, { proxy });
  const reset = await refusal(transport, 'https://127.0.0.1:1');
  assert.equal(reset.code, code);
  assert.match(reset.message, /gave no answer to CONNECT: .*CONNECT_ERROR/);
  how = (connection) => connection.destroy();
  assert.equal((await refusal(transport, 'https://127.0.0.1:1')).code, code);
});

test('a tunnel that breaks while requests run fails them as a lost connection does', async (t) => {
  for (const kind of proxyKinds) {
    const proxy = await startProxy(t, kind);
    const { origin: url } = await origin(t);
    const transport = client(t, { proxy: proxy.url });
    const response = await transport.request(`${url}/endless`);
    for (const socket of proxy.open) socket.destroy();
    await assert.rejects(response.body.text(), { code: 'ERR_PASSINGLANE_CONNECTION_LOST' }, kind);
    assert.equal(await (await transport.request(`${url}/hello.txt`)).body.text(), 'hello\n', 'and the next is served');
  }
});

test('http: interim responses before the answer to CONNECT are read, however they come', async (t) => {
  for (const status of [200, 502]) {
    const sent = `HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 102 Wait\r\nx-left: 1\r\n\r\nHTTP/1.1 ${status} So\r\n\r\n`;
    for (const pieces of [[sent], [...sent]]) {
      const proxy = await rawOrigin(t, async (peer) => {
        await peer.request();
        for (const piece of pieces) {
          peer.socket.write(piece);
          await turn();
        }
        await peer.request();
        peer.write('HTTP/1.1 103 Early\n\nHTTP/1.1 200 OK\ncontent-length: 2\n\nhi');
      });
      const transport = client(t, { proxy: proxy.origin });
      const text = transport.request('http://origin.test/').then(({ body }) => body.text());
      if (status === 200) assert.equal(await text, 'hi');
      else await assert.rejects(text, { code, message: /refused with status 502\. It could not reach the origin/ });
    }
  }
});

test('http: a proxy that answers CONNECT with 101 has refused', async (t) => {
  const proxy = await rawOrigin(t, async (peer) => {
    await peer.request();
    peer.write('HTTP/1.1 101 Switching Protocols\nconnection: upgrade\nupgrade: x\n\n');
  });
  const error = await refusal(client(t, { proxy: proxy.origin }), 'https://127.0.0.1:1');
  assert.equal(error.code, code);
  assert.match(error.message, /refused with status 101\. Is it a proxy/);
});

/** The loop has gone around once. */
function turn(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}

/** Answers of which none is the last. */
async function pourInterim(socket: Socket): Promise<void> {
  while (!socket.destroyed) {
    socket.write('HTTP/1.1 100 Continue\r\n\r\n'.repeat(50));
    await turn();
  }
}

/** A head that does not end. */
async function pour(socket: Socket): Promise<void> {
  socket.write('HTTP/1.1 200 OK\r\n');
  while (!socket.destroyed) {
    socket.write(`x-filler: ${'x'.repeat(1_000)}\r\n`);
    await turn();
  }
}

for (const scheme of ['https', 'http'])
  test(`a proxy that makes a tunnel and closes it at once fails the request, to an ${scheme}: origin`, async (t) => {
    const ends: ((socket: Socket) => void)[] = [(socket) => socket.end(), (socket) => resetSocket(socket)];
    for (const end of ends) {
      const proxy = await rawOrigin(t, async (peer) => {
        await peer.request();
        peer.socket.write('HTTP/1.1 200 OK\r\n\r\n', () => end(peer.socket));
      });
      const transport = client(t, { proxy: proxy.origin, connectTimeout: 0, retry: { maxAttempts: 1 } });
      await assert.rejects(transport.request(`${scheme}://origin.test/`), TransportError);
      await until(() => proxy.open.size === 0);
    }
  });

test("undici's users know a refusal as they know it from undici's own proxies: it is not tried again", async (t) => {
  const proxy = await startProxy(t, 'http', { answer: () => 407 });
  const dispatcher = new H2Dispatcher({ proxy: proxy.url });
  t.after(() => dispatcher.destroy());
  const request = dispatcher.request({ origin: 'https://origin.test', path: '/', method: 'GET' });
  await assert.rejects(request, { code: 'UND_ERR_ABORTED', message: /refused with status 407/ });
});
