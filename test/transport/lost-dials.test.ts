/** On real sockets: a first connection that is accepted and swallowed, and a port that is closed for a moment. */
import assert from 'node:assert/strict';
import { createServer as createHttp2Server } from 'node:http2';
import { connect, createServer, type AddressInfo, type Socket } from 'node:net';
import { test } from 'node:test';
import { Transport } from '../../dist/index.js';
import { startOrigin } from '../support/origin.js';
import { client, link, until } from '../users/support.js';

test('a first connection that is accepted and never answered in TLS is gone around, and no request fails', async () => {
  const origin = await startOrigin({ tls: true });
  const sockets: Socket[] = [];
  // The first connection of the client ends here; every other goes on to the origin.
  const front = createServer((socket) => {
    sockets.push(socket);
    socket.on('error', () => undefined); // the client gives it up
    if (sockets.length === 1) return;
    const upstream = connect(origin.port, '127.0.0.1');
    sockets.push(upstream);
    upstream.on('error', () => undefined);
    socket.pipe(upstream).pipe(socket);
  });
  await new Promise<void>((resolve) => front.listen(0, '127.0.0.1', resolve));
  const { port } = front.address() as AddressInfo;
  const transport = new Transport({ tls: { ca: origin.ca }, probeAfter: 60 });
  const calls = Array.from({ length: 40 }, async () => {
    const { status, body } = await transport.request(`https://127.0.0.1:${port}/`);
    await body.dump();
    return status;
  });
  assert.equal((await Promise.all(calls)).length, 40);
  assert.equal(transport.stats().totals.failedDials, 0);
  transport.destroy();
  for (const socket of sockets) socket.destroy();
  front.close();
  await origin.close();
});

test('a request that was refused before the port was closed is sent again once it is open', async () => {
  const first = createHttp2Server();
  first.on('stream', (stream) => {
    first.close(); // no further connection; this one goes on
    stream.on('error', () => undefined); // the client gives it up
    stream.close(7); // REFUSED_STREAM
    stream.session?.close();
  });
  await new Promise<void>((resolve) => first.listen(0, '127.0.0.1', resolve));
  const { port } = first.address() as AddressInfo;
  const transport = new Transport({ cleartext: 'h2c', retry: { baseDelay: 20, maxAttempts: 100 } });
  const call = transport.request(`http://127.0.0.1:${port}/`);
  const closed = new Promise<void>((resolve) => {
    const look = (): void => {
      if (transport.stats().totals.failedDials > 0) resolve();
      else setTimeout(look, 5);
    };
    look();
  });
  await closed;
  const origin = await startOrigin({ port });
  const response = await call;
  assert.ok(response.status > 0);
  await response.body.dump();
  transport.destroy();
  await origin.close();
});

const short = { stallTimeout: 100, probeAfter: 300 } as const;

test('five origins whose connections go dead at once, their new ones well, are all answered', async (t) => {
  const server = await startOrigin();
  t.after(() => server.close());
  const links = await Promise.all(Array.from({ length: 5 }, () => link(t, server.port)));
  const transport = client(t, short);
  const get = async ({ port }: { port: number }): Promise<string> =>
    (await transport.request(`http://127.0.0.1:${port}/hello.txt`)).text();
  await Promise.all(links.map(({ port }) => transport.preconnect(`http://127.0.0.1:${port}`)));
  await Promise.all(links.map(get));
  for (const one of links) one.blackhole();
  for (const one of links) get(one).catch((error: unknown) => assert.ok(error)); // lost with it, and ends with the transport
  await until(() => transport.stats().origins.every(({ connections }) => connections[0]?.state === 'silent'));
  assert.deepEqual(await Promise.all(links.map(get)), Array(5).fill('hello\n'));
  // One more each; a busy machine may take its own pause for another.
  for (const { connections } of links) assert.ok(connections >= 2 && connections <= 4, `${connections} connections`);
});

test('where a connection is dead and new ones are swallowed, requests are answered once the path is back', async (t) => {
  const server = await startOrigin({ tls: true });
  t.after(() => server.close());
  const path = await link(t, server.port);
  const transport = client(t, { ...short, tls: { ca: server.ca } });
  const get = async (): Promise<string> => (await transport.request(`https://127.0.0.1:${path.port}/hello.txt`)).text();
  await transport.preconnect(`https://127.0.0.1:${path.port}`);
  await get();
  path.blackhole();
  path.swallows = true;
  get().catch((error: unknown) => assert.ok(error)); // lost with it, and ends with the transport
  await until(() => transport.stats().origins[0]?.connections[0]?.state === 'silent');
  const calls = Promise.all(Array.from({ length: 10 }, get));
  await until(() => path.connections >= 3); // two have been swallowed
  path.swallows = false;
  assert.deepEqual(await calls, Array(10).fill('hello\n'));
  assert.ok(path.connections <= 8, `${path.connections} connections`);
});
