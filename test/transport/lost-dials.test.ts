/** On real sockets: a first connection that is accepted and swallowed, and a port that is closed for a moment. */
import assert from 'node:assert/strict';
import { createServer as createHttp2Server } from 'node:http2';
import { connect, createServer, type AddressInfo, type Socket } from 'node:net';
import { test } from 'node:test';
import { Transport } from '../../dist/index.js';
import { startOrigin } from '../support/origin.js';

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
  const transport = new Transport({ cleartext: 'h2c', retry: { baseDelay: 20 } });
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
