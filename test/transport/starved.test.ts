/** On real sockets: an upload that nobody reads holds the connection's window, and holds up nobody else. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Transport } from '../../dist/index.js';
import { rawServer, type RawConnection } from '../support/raw-server.js';

/** Answers all but /unread, with the body that came, and gives no credit for the first upload. */
async function serve(connection: RawConnection): Promise<void> {
  await connection.greet({ initialWindowSize: 1 << 20, maxConcurrentStreams: 100 });
  for (;;) {
    const request = await connection.request();
    if (request.get(':path') === '/unread') continue;
    const { bytes } = request.endStream
      ? { bytes: Buffer.alloc(0) }
      : await connection.body(request.streamId, { credit: false });
    connection.headers(request.streamId, [[':status', '200']]);
    connection.data(request.streamId, bytes, { endStream: true });
  }
}

for (const tls of [false, true])
  test(`small POSTs beside an upload that nobody reads are all answered, on one connection more${tls ? ', over TLS' : ''}`, async (t) => {
    const server = await rawServer(serve, { tls });
    t.after(() => server.close());
    // A GET would go around a server that a busy machine has kept silent as well.
    const transport = new Transport({ cleartext: 'h2c', tls: { ca: server.ca }, stallTimeout: 200, probeAfter: 0 });
    t.after(() => transport.destroy());
    const upload = transport.request(`${server.origin}/unread`, { method: 'POST', body: Buffer.alloc(1 << 20) });
    upload.catch(() => undefined); // it ends with the transport
    while ((server.connections[0]?.bytesRead ?? 0) < 65_535) await new Promise((resolve) => setImmediate(resolve));
    const calls = Array.from({ length: 20 }, async (_, i) => {
      const response = await transport.request(`${server.origin}/${i}`, { method: 'POST', body: 'x'.repeat(1_024) });
      return [(await response.body.text()).length, response.connection.id] as const;
    });
    const posts = await Promise.all(calls);
    const get = await transport.request(`${server.origin}/get`);
    await get.body.dump();
    assert.deepEqual(new Set(posts.map(([length]) => length)), new Set([1_024]));
    assert.equal(new Set(posts.map(([, id]) => id)).size, 1);
    assert.notEqual(get.connection.id, posts[0]![1], 'a GET needs no credit, and stays');
    assert.equal(server.connections.length, 2);
  });
