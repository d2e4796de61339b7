/** Tunnels that share a connection to a proxy which is slow itself: what passes through one of them holds up no other. */
import assert from 'node:assert/strict';
import { createServer } from 'node:https';
import { test, type TestContext } from 'node:test';
import { loopback } from '../support/certificates.js';
import { listenFor } from '../support/listen.js';
import { startProxy } from '../support/proxies.js';
import { shapedPath } from '../support/shaped-path.js';
import { client, origin, until } from './support.js';

const path = { bandwidth: 6_250, delay: 10, queue: 65_536, shared: false };

/** The URLs of origins that say hello, by what they speak. */
const origins = {
  'HTTP/2': async (t: TestContext) => (await origin(t)).origin,
  'HTTP/1.1': async (t: TestContext) => {
    const server = createServer({ ...loopback, keepAliveTimeout: 60_000 }, (_request, response) =>
      response.end('hello\n'),
    );
    return `https://127.0.0.1:${await listenFor(t, server, [])}`;
  },
};

for (const [speaks, start] of Object.entries(origins))
  test(`requests to an origin of ${speaks} leave a connection to the proxy on which a download has come to have 10 KB/s`, async (t) => {
    const proxy = await startProxy(t, 'h2');
    const relay = await shapedPath(proxy.port, path);
    t.after(() => relay.close());
    const [{ origin: bulk }, url] = [await origin(t), await start(t)];
    const transport = client(t, { proxy: `https://127.0.0.1:${relay.port}` });
    const hello = async (): Promise<string> => (await transport.request(`${url}/hello.txt`)).body.text();
    await hello();
    let received = 0;
    const download = async (): Promise<void> => {
      for await (const piece of (await transport.request(`${bulk}/bytes/20000000`)).body) received += piece.length;
    };
    download().catch((error: unknown) => assert.ok(error)); // it ends with the transport
    await until(() => received > 100_000);
    relay.narrow(10);
    const beside = () => transport.stats().origins.find((one) => one.origin === url)?.connections ?? [];
    await until(() => beside()[0]?.state === 'slow');
    const before = received;
    const texts = await Promise.all(Array.from({ length: 10 }, hello));
    for (let i = 0; i < 10; i++) texts.push(await hello());
    assert.deepEqual(new Set(texts), new Set(['hello\n']));
    assert.equal(relay.connections, 2);
    assert.ok(received - before < 1_000_000, 'the download goes on where it is');
    assert.equal(beside()[0]?.requests, 1, 'none went out on the slow one');
  });
