import assert from 'node:assert/strict';
import { test } from 'node:test';
import { client, origin, until } from '../proxy/support.js';
import { startProxy, proxyKinds } from '../support/proxies.js';

test('a proxy that speaks only HTTP/2 gets a CONNECT that it understands, and is not dialled again', async (t) => {
  const proxy = await startProxy(t, 'h2');
  const { origin: url, port } = await origin(t);
  const transport = client(t, { proxy: proxy.url.replace('://', '://user:password@') });
  assert.equal(await (await transport.request(`${url}/hello.txt`)).body.text(), 'hello\n');
  const names = Object.keys(proxy.asked[0]?.fields ?? {}).sort();
  assert.deepEqual(
    names,
    [':authority', ':method', 'proxy-authorization'],
    'no proxy-connection, which HTTP/2 forbids',
  );
  assert.equal(proxy.asked[0]?.authority, `127.0.0.1:${port}`);
  assert.equal(proxy.connections, 1);
});

test('the port that a URL leaves out is named to the proxy', async (t) => {
  for (const kind of proxyKinds) {
    const proxy = await startProxy(t, kind, { answer: () => 502 });
    const transport = client(t, { proxy: proxy.url });
    for (const url of ['https://origin.test/', 'http://origin.test/', 'https://[::1]/'])
      await assert.rejects(transport.request(url), { code: 'ERR_PASSINGLANE_PROXY_REFUSED' });
    const authorities = proxy.asked.map(({ authority }) => authority);
    assert.deepEqual(authorities, ['origin.test:443', 'origin.test:80', '[::1]:443'], kind);
  }
});

test('a 407 fails the requests that wait for the tunnel, once each, and says what is missing', async (t) => {
  for (const kind of proxyKinds) {
    const proxy = await startProxy(t, kind, { answer: () => 407 });
    const transport = client(t, { proxy: proxy.url });
    const requests = Array.from({ length: 5 }, () => transport.request('https://origin.test/'));
    for (const request of requests)
      await assert.rejects(request, {
        code: 'ERR_PASSINGLANE_PROXY_REFUSED',
        message: /status 407\. It asks for credentials/,
      });
    await until(() => proxy.asked.every(({ closed }) => closed));
    assert.equal(proxy.asked.length, 1, kind);
  }
});
