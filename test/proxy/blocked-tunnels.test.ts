/** A tunnel that is blocked is a connection that is blocked: no request waits behind it, whatever the proxy speaks. */
import assert from 'node:assert/strict';
import { test, type TestContext } from 'node:test';
import type { Transport } from '../../dist/index.js';
import { proxyKinds, startProxy, type ProxyKind, type TestProxy } from '../support/proxies.js';
import type { RawConnection } from '../support/raw-server.js';
import { link, ok, path, readSlowly, serving } from '../users/support.js';
import { client, origin, until } from './support.js';

/** Client, proxy and origin share a process here: longer than it is kept waiting on a busy machine, or a tunnel counts as blocked that is not. */
const upload = { stallTimeout: 500, probeAfter: 10_000 } as const;
const silence = { stallTimeout: 200, probeAfter: 600 } as const;

/** Twenty requests at once, each answered. */
async function answered(transport: Transport, url: string): Promise<void> {
  const get = async (): Promise<number> => {
    const { status, body } = await transport.request(url);
    await body.dump();
    return status;
  };
  assert.deepEqual(new Set(await Promise.all(Array.from({ length: 20 }, get))), new Set([200]));
}

const states = (transport: Transport): string[] =>
  transport.stats().origins.flatMap(({ connections }) => connections.map(({ state }) => state));

/** An upload through the proxy that its server stops reading, as the last argument says. It ends with the transport. */
async function blockedTunnel(
  t: TestContext,
  kind: ProxyKind,
  leave: (connection: RawConnection) => void,
): Promise<[TestProxy, Transport, string]> {
  const proxy = await startProxy(t, kind);
  const server = await serving(
    t,
    (connection, request) => {
      if (path(request) === '/up') leave(connection);
      else ok(connection, request.streamId);
    },
    { tls: true, settings: { initialWindowSize: 1 << 30, maxConcurrentStreams: 100 } },
  );
  const transport = client(t, { proxy: proxy.url, ...upload });
  await answered(transport, `${server.origin}/`);
  const body = Buffer.alloc(32 << 20);
  transport.request(`${server.origin}/up`, { method: 'POST', body }).catch((error: unknown) => assert.ok(error));
  await until(() => states(transport).includes('stalled'));
  return [proxy, transport, server.origin];
}

for (const kind of proxyKinds) {
  test(`${kind}: requests beside an upload that blocks its tunnel go through one tunnel more`, async (t) => {
    const [proxy, transport, url] = await blockedTunnel(t, kind, (connection) => connection.stopReading());
    await answered(transport, `${url}/`);
    await answered(transport, `${url}/`);
    assert.equal(proxy.asked.length, 2);
  });

  test(`${kind}: requests beside an upload that goes through its tunnel slowly have one tunnel more`, async (t) => {
    const [proxy, transport, url] = await blockedTunnel(t, kind, (connection) => readSlowly(t, connection));
    for (let i = 0; i < 5; i++) await answered(transport, `${url}/`);
    assert.equal(proxy.asked.length, 2);
  });

  test(`${kind}: requests that find their tunnel silent go through another`, async (t) => {
    const proxy = await startProxy(t, kind);
    const between = await link(t, (await origin(t)).port);
    const url = `https://127.0.0.1:${between.port}`;
    const transport = client(t, { proxy: proxy.url, ...silence });
    await transport.preconnect(url); // which nothing goes around, however long it takes
    await answered(transport, `${url}/hello.txt`);
    between.blackhole();
    transport.request(`${url}/hello.txt`).catch((error: unknown) => assert.ok(error)); // it is with the dead one, and ends with the transport
    await until(() => states(transport).includes('silent'));
    await answered(transport, `${url}/hello.txt`);
    assert.equal(proxy.asked.length, 2);
  });
}
