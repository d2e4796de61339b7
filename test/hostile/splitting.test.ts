/** Nothing that a caller or a peer says makes two messages of one, in HTTP/1.1 and in a proxy's CONNECT. */
import assert from 'node:assert/strict';
import { EventEmitter, once } from 'node:events';
import { createServer, type AddressInfo } from 'node:net';
import { test, type TestContext } from 'node:test';
import { TransportError, type RequestOptions, type Transport } from '../../dist/index.js';
import { Random } from '../fuzz/random.js';
import { rawOrigin, transportFor, type RawPeer } from '../http1/support.js';

/** An origin that answers each head that it sees, and keeps what it saw. */
async function listener(t: TestContext): Promise<{ origin: string; peers: RawPeer[]; heads: string[] }> {
  const peers: RawPeer[] = [];
  const heads: string[] = [];
  const { origin } = await rawOrigin(t, async (peer) => {
    peers.push(peer);
    for (;;) {
      heads.push(await peer.request());
      peer.write('HTTP/1.1 204 No\n\n');
    }
  });
  return { origin, peers, heads };
}

async function failureOf(transport: Transport, url: string, options?: RequestOptions): Promise<unknown> {
  return transport.request(url, options).then(
    () => undefined,
    (error: unknown) => error,
  );
}

const breaks = ['\r\n', '\n', '\r', '\0', '\r\nx: y\r\n\r\nGET /second HTTP/1.1\r\n'];

test('a line break or NUL in a method, a name, a value or a host is refused before a byte goes out', async (t) => {
  const { origin, heads } = await listener(t);
  const transport = transportFor(t);
  for (const text of breaks) {
    for (const options of [
      { method: `GET${text}` },
      { headers: { [`x${text}y`]: 'z' } },
      { headers: { x: `y${text}z` } },
      { headers: { host: `a${text}b` } },
      { headers: { cookie: `a=b${text}c` } },
    ]) {
      const error = await failureOf(transport, origin, options);
      assert.ok(TransportError.isInstance(error) || error instanceof TypeError, `${JSON.stringify(options)} was sent`);
    }
  }
  assert.deepEqual(heads, []);
});

test('a line break in a path or a query is gone or encoded, as the URL Standard has it', async (t) => {
  const { origin, heads } = await listener(t);
  const transport = transportFor(t);
  for (const text of breaks) {
    for (const url of [`${origin}/a${text}b`, `${origin}/?a${text}b`]) await failureOf(transport, url);
  }
  assert.ok(heads.length > 0);
  for (const head of heads) assert.match(head, /^GET \/[!-~]* HTTP\/1\.1\r\nhost: [!-~]+\r\nconnection: [^\r\n]*\r\n/);
});

test("a caller's framing never goes out beside another: one request is one request", async (t) => {
  const { origin, heads } = await listener(t);
  const transport = transportFor(t);
  for (const headers of [
    { 'content-length': '0', 'transfer-encoding': 'chunked' },
    { 'transfer-encoding': 'chunked' },
    { 'transfer-encoding': 'identity' },
    { 'content-length': ['0', '5'] },
    { 'content-length': '+5' },
    { 'content-length': '5, 6' },
    { 'content-length': '4' },
  ])
    await failureOf(transport, origin, { method: 'POST', body: 'GET /', headers });
  for (const head of heads) {
    const framings = head.match(/^(content-length|transfer-encoding):.*$/gim) ?? [];
    assert.deepEqual(framings, ['content-length: 5'], head);
  }
});

test('random values make exactly one request of their bytes, or none', async (t) => {
  const { origin, heads, peers } = await listener(t);
  const transport = transportFor(t);
  const random = new Random(6);
  let sent = 0;
  for (let i = 0; i < 400; i++) {
    const value = String.fromCharCode(...Array.from({ length: random.below(8) }, () => random.below(256)));
    const error = await failureOf(transport, origin, { headers: { 'x-random': value } });
    if (error === undefined) sent++;
    else assert.match(value, /[^\t -~\x80-\xff]|^[ \t]|[ \t]$/, JSON.stringify(value));
  }
  assert.ok(sent > 10);
  assert.equal(heads.length, sent);
  for (const head of heads) {
    const lines = head.slice(0, -4).split('\r\n');
    assert.equal(lines.filter((line) => line.startsWith('x-random:')).length, 1, JSON.stringify(head));
    assert.doesNotMatch(lines.join(''), /[^\t -~\x80-\xff]/);
  }
  for (const { received } of peers) assert.equal(received, '', 'nothing is left over');
});

test('a second response behind the one that was asked for answers no later request', async (t) => {
  let connections = 0;
  const { origin } = await rawOrigin(t, async (peer) => {
    connections++;
    for (;;) {
      await peer.request();
      peer.write('HTTP/1.1 200 OK\ncontent-length: 2\n\nok');
      peer.write('HTTP/1.1 200 OK\ncontent-length: 4\n\nevil');
    }
  });
  const transport = transportFor(t);
  for (let i = 0; i < 3; i++) assert.equal(await (await transport.request(`${origin}/${i}`)).body.text(), 'ok');
  assert.equal(connections, 3, 'a connection with more on it is not used again');
});

test('a response that comes while nothing is asked answers no later request', async (t) => {
  let connections = 0;
  const client = new EventEmitter();
  const closed: Promise<unknown>[] = [];
  const { origin } = await rawOrigin(t, async (peer) => {
    connections++;
    await peer.request();
    closed.push(once(peer.socket, 'close'));
    peer.write('HTTP/1.1 200 OK\ncontent-length: 2\n\nok');
    await once(client, 'idle');
    peer.write('HTTP/1.1 200 OK\ncontent-length: 4\n\nevil');
  });
  const transport = transportFor(t);
  for (let i = 0; i < 3; i++) {
    assert.equal(await (await transport.request(`${origin}/${i}`)).body.text(), 'ok');
    client.emit('idle');
    await closed[i]; // it is read before the next request goes out
  }
  assert.equal(connections, 3, 'a connection on which it came is not used again');
});

test('a CONNECT cannot be split: not by the host of the URL, and not by what its credentials decode to', async (t) => {
  const seen: string[] = [];
  const proxy = createServer((socket) => {
    let received = '';
    socket.on('error', () => undefined);
    socket.on('data', (bytes: Buffer) => {
      received += bytes.toString('latin1');
      if (!received.includes('\r\n\r\n')) return;
      seen.push(received);
      socket.end('HTTP/1.1 403 No\r\ncontent-length: 0\r\n\r\n');
    });
  });
  proxy.listen(0, '127.0.0.1');
  await once(proxy, 'listening');
  t.after(() => proxy.close());
  const { port } = proxy.address() as AddressInfo;
  const transport = transportFor(t, { proxy: `http://us%0d%0aer:pass%0d%0a%0d%0aCONNECT%20x:1@127.0.0.1:${port}` });
  for (const host of ['127.0.0.1', '[::1]', 'a\r\nb.example', 'a%0d%0ab.example', 'a%00.example', 'a b.example'])
    await failureOf(transport, `https://${host}:8443/`, { headers: { host: 'other.example' } });
  assert.ok(seen.length >= 2);
  for (const head of seen)
    assert.match(
      head,
      /^CONNECT ([\w.:[\]]+:8443) HTTP\/1\.1\r\nhost: \1\r\nproxy-authorization: Basic [\w+/=]+\r\n\r\n$/i,
    );
});
