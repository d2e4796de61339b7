/** What holds through proxies of all three kinds. */
import assert from 'node:assert/strict';
import { createServer } from 'node:http';
import { sensitiveHeaders } from 'node:http2';
import { createServer as createHttpsServer } from 'node:https';
import { test } from 'node:test';
import { fetch as undiciFetch } from 'undici-6';
import type { ConnectionEvent } from '../../dist/index.js';
import { H2Dispatcher } from '../../dist/undici/index.js';
import { listen, rawOrigin } from '../http1/support.js';
import { loopback } from '../support/certificates.js';
import { endpoints, pattern } from '../support/endpoints.js';
import { proxyKinds, startProxy } from '../support/proxies.js';
import { client, origin, until, withCredentials } from './support.js';

const basic = `Basic ${Buffer.from('user:p@ss wörd').toString('base64')}`;

for (const kind of proxyKinds) {
  test(`${kind}: an https: origin gets HTTP/2, and nothing of the proxy's or its credentials`, async (t) => {
    const proxy = await startProxy(t, kind);
    const { origin: url, port } = await origin(t);
    const transport = client(t, { proxy: withCredentials(proxy.url, 'user', 'p@ss wörd') });
    const response = await transport.request(`${url}/headers`);
    assert.equal(response.httpVersion, '2.0');
    assert.deepEqual(Object.keys((await response.body.json()) as object).sort(), [
      ':authority',
      ':method',
      ':path',
      ':scheme',
      'accept-encoding',
      'user-agent',
    ]);
    assert.deepEqual(
      proxy.asked.map(({ authority, fields }) => [authority, fields['proxy-authorization']]),
      [[`127.0.0.1:${port}`, basic]],
    );
  });

  test(`${kind}: the proxy is told the host, the port and the credentials, and nothing else`, async (t) => {
    const proxy = await startProxy(t, kind);
    const { origin: url, port } = await origin(t);
    const transport = client(t, { proxy: withCredentials(proxy.url, 'user', 'p@ss wörd') });
    await (await transport.request(`${url}/hello.txt`)).body.dump();
    const host =
      kind === 'h2' ? { ':authority': `127.0.0.1:${port}`, ':method': 'CONNECT' } : { host: `127.0.0.1:${port}` };
    const fields = proxy.asked[0]?.fields ?? {};
    assert.deepEqual(Object.fromEntries(Object.entries(fields)), { ...host, 'proxy-authorization': basic });
    if (kind === 'h2') assert.deepEqual(fields[sensitiveHeaders as unknown as string], ['proxy-authorization']);
  });

  test(`${kind}: requests share one tunnel, as they share a connection`, async (t) => {
    const proxy = await startProxy(t, kind);
    const { origin: url } = await origin(t);
    const transport = client(t, { proxy: proxy.url });
    const texts = await Promise.all(
      Array.from({ length: 20 }, async () => (await transport.request(`${url}/hello.txt`)).body.text()),
    );
    assert.deepEqual(new Set(texts), new Set(['hello\n']));
    assert.equal(proxy.asked.length, 1);
    assert.equal(transport.stats().connections, 1, 'the connection to the proxy is not one of an origin');
  });

  test(`${kind}: http: origins are tunnelled too, in HTTP/1.1 and, with prior knowledge, in HTTP/2`, async (t) => {
    const proxy = await startProxy(t, kind);
    const plain = await listen(t, createServer(endpoints), 'http');
    const first = await client(t, { proxy: withCredentials(proxy.url, 'user', 'secret') }).request(
      `${plain.origin}/headers`,
    );
    assert.equal(first.httpVersion, '1.1');
    assert.deepEqual(
      Object.keys((await first.body.json()) as object).filter((name) => name.startsWith('proxy')),
      [],
    );
    const h2c = await origin(t, { tls: false });
    const second = await client(t, { proxy: proxy.url, cleartext: 'h2c' }).request(`${h2c.origin}/hello.txt`);
    assert.equal(second.httpVersion, '2.0');
    assert.equal(await second.body.text(), 'hello\n');
    assert.equal(proxy.asked.length, 2);
  });

  test(`${kind}: an origin that has only HTTP/1.1 is served, on a tunnel that is kept`, async (t) => {
    const proxy = await startProxy(t, kind);
    const http1 = await listen(t, createHttpsServer(loopback, endpoints), 'https');
    const transport = client(t, { proxy: withCredentials(proxy.url, 'user', 'secret') });
    for (let i = 0; i < 3; i++) {
      const response = await transport.request(`${http1.origin}/headers`);
      assert.equal(response.httpVersion, '1.1');
      const names = Object.keys((await response.body.json()) as object);
      assert.deepEqual(
        names.filter((name) => name.startsWith('proxy')),
        [],
      );
    }
    assert.equal(proxy.asked.length, 1);
  });

  test(`${kind}: large bodies go through whole, both ways at once`, async (t) => {
    const proxy = await startProxy(t, kind);
    const { origin: url } = await origin(t);
    const transport = client(t, { proxy: proxy.url });
    const body = pattern(8 << 20);
    const response = await transport.request(`${url}/echo`, { method: 'POST', body });
    assert.ok(body.equals(await response.body.bytes()));
  });

  test(`${kind}: connect, fetch and undici's fetch go through it`, async (t) => {
    const proxy = await startProxy(t, kind);
    const { origin: url } = await origin(t);
    const transport = client(t, { proxy: proxy.url });
    const conn = await transport.connect(url);
    assert.equal(await (await conn.request(`${url}/hello.txt`)).body.text(), 'hello\n');
    await conn.shutdown();
    assert.equal(await (await transport.fetch(`${url}/hello.txt`)).text(), 'hello\n');
    const dispatcher = new H2Dispatcher({ tls: { ca: loopback.cert }, proxy: proxy.url });
    const response = await undiciFetch(`${url}/hello.txt`, { dispatcher });
    assert.equal(await response.text(), 'hello\n');
    await dispatcher.close();
    assert.equal(proxy.asked.length, 3);
  });

  test(`${kind}: what is aborted while the proxy has not answered is taken back`, async (t) => {
    const proxy = await startProxy(t, kind, { answer: () => 0 });
    const { origin: url } = await origin(t);
    const transport = client(t, { proxy: proxy.url });
    const controller = new AbortController();
    const reason = new Error('no longer wanted');
    const request = transport.request(url, { signal: controller.signal });
    await until(() => proxy.asked.length === 1);
    controller.abort(reason);
    await assert.rejects(request, reason);
    await until(() => proxy.asked[0]?.closed === true);
    assert.equal(transport.stats().origins.length, 0);
  });

  test(`${kind}: a proxy that never answers is given up after connectTimeout`, async (t) => {
    const proxy = await startProxy(t, kind, { answer: () => 0 });
    const { origin: url } = await origin(t);
    const transport = client(t, { proxy: proxy.url, connectTimeout: 1_000 });
    const code = 'ERR_PASSINGLANE_CONNECT_TIMEOUT';
    await assert.rejects(transport.request(url), { code, name: 'TimeoutError', attempts: 0 });
    await assert.rejects(transport.connect(url), { code });
    await until(() => proxy.asked.every(({ closed }) => closed));
  });

  test(`${kind}: an origin that never answers in a tunnel is given up after connectTimeout, tunnel and all`, async (t) => {
    const proxy = await startProxy(t, kind);
    const silent = await rawOrigin(t, () => undefined);
    const transport = client(t, { proxy: proxy.url, connectTimeout: 1_000 });
    const url = silent.origin.replace('http:', 'https:');
    await assert.rejects(transport.request(url), { code: 'ERR_PASSINGLANE_CONNECT_TIMEOUT' });
    await until(() => proxy.asked.length === 1 && proxy.asked[0]?.closed === true);
  });

  test(`${kind}: the certificate of the origin is verified, for the name that was asked for`, async (t) => {
    const proxy = await startProxy(t, kind);
    const { port } = await origin(t);
    const transport = client(t, { proxy: proxy.url });
    // The proxy of the tests connects to 127.0.0.1 whatever the name; nothing here looks it up.
    assert.equal(await (await transport.request(`https://localhost:${port}/hello.txt`)).body.text(), 'hello\n');
    const code = 'ERR_PASSINGLANE_CONNECT_FAILED';
    await assert.rejects(transport.request(`https://other.test:${port}/`), { code, message: /for another name/ });
    await until(() => proxy.asked.at(-1)?.closed === true);
    assert.equal(proxy.asked.at(-1)?.authority, `other.test:${port}`);
  });

  test(`${kind}: the time that a dial took has the making of the tunnel in it`, async (t) => {
    const proxy = await startProxy(t, kind);
    const { origin: url } = await origin(t);
    const events: ConnectionEvent[] = [];
    const transport = client(t, { proxy: proxy.url, observer: { connection: (event) => void events.push(event) } });
    await (await transport.request(`${url}/hello.txt`)).body.dump();
    const [dialling, connected] = events;
    const { begun = 0, connect = 0, secure = 0 } = connected?.dial ?? {};
    const times = [dialling?.time ?? Infinity, begun, connect, secure, connected?.time ?? 0];
    assert.deepEqual(
      times,
      times.toSorted((a, b) => a - b),
    );
  });

  test(`${kind}: a second tunnel resumes the TLS session of the first`, async (t) => {
    const proxy = await startProxy(t, kind);
    const resumed: boolean[] = [];
    const server = createHttpsServer(loopback, endpoints);
    server.on('secureConnection', (socket) => resumed.push(socket.isSessionReused()));
    const http1 = await listen(t, server, 'https');
    const transport = client(t, { proxy: proxy.url });
    for (let i = 0; i < 2; i++) {
      await (await transport.request(`${http1.origin}/hello.txt`)).body.dump();
      transport.closeIdleConnections();
      await until(() => transport.stats().connections === 0);
    }
    assert.deepEqual(resumed, [false, true]);
  });

  test(`${kind}: a closed transport leaves no connection to the proxy`, async (t) => {
    const proxy = await startProxy(t, kind);
    const { origin: url } = await origin(t);
    const closed = client(t, { proxy: proxy.url });
    await (await closed.request(`${url}/hello.txt`)).body.dump();
    assert.equal(proxy.open.size, 1);
    await closed.close();
    await until(() => proxy.open.size === 0);
    const destroyed = client(t, { proxy: proxy.url });
    const running = destroyed.request(`${url}/silent`);
    await until(() => proxy.open.size === 1);
    destroyed.destroy();
    await assert.rejects(running, { code: 'ERR_PASSINGLANE_TRANSPORT_CLOSED' });
    await until(() => proxy.open.size === 0);
  });
}
