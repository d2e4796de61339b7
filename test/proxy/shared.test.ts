/** Tunnels as streams: what connections to a proxy that speaks HTTP/2 are shared by, and when another is made. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { rawOrigin } from '../http1/support.js';
import { startProxy } from '../support/proxies.js';
import { link } from '../users/support.js';
import { client, origin, until } from './support.js';

test('tunnels to many origins are streams on one connection to the proxy', async (t) => {
  const proxy = await startProxy(t, 'h2');
  const origins = await Promise.all(Array.from({ length: 5 }, () => origin(t)));
  const transport = client(t, { proxy: proxy.url });
  const texts = await Promise.all(
    origins.map(async ({ origin: url }) => (await transport.request(`${url}/hello.txt`)).body.text()),
  );
  assert.deepEqual(new Set(texts), new Set(['hello\n']));
  assert.equal(proxy.asked.length, 5);
  assert.equal(proxy.connections, 1);
  assert.equal(transport.stats().connections, 5);
});

test('two transports share nothing', async (t) => {
  const proxy = await startProxy(t, 'h2');
  const { origin: url } = await origin(t);
  for (let i = 0; i < 2; i++) await (await client(t, { proxy: proxy.url }).request(`${url}/hello.txt`)).body.dump();
  assert.equal(proxy.connections, 2);
});

test('where the connection to the proxy is full, another is made', async (t) => {
  const proxy = await startProxy(t, 'h2', { maxStreams: 2 });
  const origins = await Promise.all(Array.from({ length: 5 }, () => origin(t)));
  const transport = client(t, { proxy: proxy.url });
  const responses = await Promise.all(origins.map(({ origin: url }) => transport.request(`${url}/endless`)));
  assert.deepEqual(
    responses.map(({ status }) => status),
    [200, 200, 200, 200, 200],
  );
  assert.equal(proxy.connections, 3);
});

test('no request waits behind a connection to the proxy that is blocked, however many origins it leads to', async (t) => {
  const proxy = await startProxy(t, 'h2');
  const between = await link(t, proxy.port);
  const origins = await Promise.all(Array.from({ length: 4 }, () => origin(t)));
  const proxyUrl = `https://127.0.0.1:${between.port}`;
  const transport = client(t, { proxy: proxyUrl, stallTimeout: 1_000, probeAfter: 600 });
  const hello = async (url: string): Promise<string> => (await transport.request(`${url}/hello.txt`)).body.text();
  await Promise.all(origins.map(({ origin: url }) => hello(url)));
  assert.equal(between.connections, 1);
  for (const { origin: url } of origins)
    transport
      .request(`${url}/count`, { method: 'POST', body: Buffer.alloc(64 << 20) })
      .catch((error: unknown) => assert.ok(error)); // it ends with the transport
  await until(() => origins.every(({ openStreams }) => openStreams === 1));
  between.blackhole();
  // What is written before a silence shows goes down with it, so all connections, some in another, must have been silent.
  await sleep(2_000);
  assert.equal(transport.stats().connections, 4, 'no upload went around another');
  const unused = await origin(t);
  const texts = await Promise.all([...origins, unused].map(({ origin: url }) => hello(url)));
  assert.deepEqual(new Set(texts), new Set(['hello\n']));
  assert.equal(between.connections, 2, 'all tunnels are on one new connection');
});

test('a connection to the proxy that is lost takes its tunnels along, and no more', async (t) => {
  const proxy = await startProxy(t, 'h2', { maxStreams: 1 });
  const [one, other] = [await origin(t), await origin(t)];
  const transport = client(t, { proxy: proxy.url });
  const [first, second] = [
    await transport.request(`${one.origin}/endless`),
    await transport.request(`${other.origin}/delay/50`),
  ];
  const [lost] = proxy.open;
  lost?.destroy();
  await assert.rejects(first.body.text(), { code: 'ERR_PASSINGLANE_CONNECTION_LOST' });
  assert.equal(await second.body.text(), 'hello\n');
});

test('a proxy that turns out to speak HTTP/1.1 is spoken to in that, on the connection that told', async (t) => {
  const proxy = await startProxy(t, 'https');
  const origins = await Promise.all(Array.from({ length: 4 }, () => origin(t)));
  const transport = client(t, { proxy: proxy.url });
  const urls = origins.map(({ origin: url }) => `${url}/hello.txt`);
  await Promise.all(urls.map(async (url) => (await transport.request(url)).body.dump()));
  assert.equal(proxy.asked.length, 4);
  assert.equal(proxy.connections, 4, 'no handshake was for nothing');
});

test('idle connections to the proxy close with closeIdleConnections, once no tunnel is on them', async (t) => {
  const proxy = await startProxy(t, 'h2');
  const { origin: url } = await origin(t);
  const transport = client(t, { proxy: proxy.url });
  const running = await transport.request(`${url}/endless`);
  transport.closeIdleConnections();
  assert.equal(proxy.open.size, 1);
  running.body.cancel();
  await until(() => {
    transport.closeIdleConnections();
    return proxy.open.size === 0;
  });
});

for (const cleartext of ['http/1.1', 'h2c'] as const) {
  test(`what comes in one piece with the proxy's answer is the origin's: ${cleartext}`, async (t) => {
    const settings = Buffer.from([0, 0, 0, 4, 0, 0, 0, 0, 0]);
    const proxy = await rawOrigin(t, async (peer) => {
      await peer.request();
      const head = Buffer.from('HTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\n'); // RFC 9110 section 9.3.6: to be ignored
      peer.socket.write(cleartext === 'h2c' ? Buffer.concat([head, settings]) : head);
      if (cleartext === 'h2c') {
        await peer.until('\x00\x00\x00\x04\x01'); // the acknowledgement says that ours have arrived
        peer.socket.write(Buffer.from([0, 0, 1, 1, 5, 0, 0, 0, 1, 0x88])); // HEADERS: status 200, and the end
        return;
      }
      await peer.request();
      peer.write('HTTP/1.1 200 OK\ncontent-length: 0\n\n');
    });
    const transport = client(t, { proxy: proxy.origin, cleartext });
    const response = await transport.request('http://origin.test/');
    assert.equal(response.status, 200);
    assert.equal(await response.body.text(), '');
  });
}
