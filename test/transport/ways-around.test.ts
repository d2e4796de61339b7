/** On real sockets: uploads that block one connection after the other hold up no other request. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Transport } from '../../dist/index.js';
import { rawServer } from '../support/raw-server.js';

for (const uploads of [2, 3])
  test(`small GETs beside ${uploads} uploads, each on the way around the one before, are all answered over TLS`, async (t) => {
    const server = await rawServer(
      async (connection) => {
        await connection.greet({ initialWindowSize: 1 << 30, maxConcurrentStreams: 100 });
        connection.windowUpdate(0, 1 << 30);
        for (;;) {
          const request = await connection.request();
          if (request.get(':path') === '/up') return connection.stopReading();
          connection.headers(request.streamId, [[':status', '200']], { endStream: true });
        }
      },
      { tls: true },
    );
    // Longer than a busy machine takes to read, or a connection that is not blocked counts as one for a moment.
    const transport = new Transport({ tls: { ca: server.ca }, stallTimeout: 500 });
    t.after(() => transport.destroy());
    const quick = async (): Promise<number> => {
      const { status, body } = await transport.request(`${server.origin}/quick`);
      await body.dump();
      return status;
    };
    await quick();
    for (let blocked = 0; blocked < uploads; blocked++) {
      const body = Buffer.alloc(12 << 20);
      transport.request(`${server.origin}/up`, { method: 'POST', body }).catch(() => undefined); // it ends with the transport
      while (transport.stats().origins[0]!.connections.filter(({ state }) => state === 'stalled').length <= blocked)
        await new Promise((resolve) => setTimeout(resolve, 5));
      const statuses = await Promise.all(Array.from({ length: 50 }, quick));
      assert.deepEqual(new Set(statuses), new Set([200]));
    }
    assert.equal(server.connections.length, uploads + 1, 'one connection more than are blocked');
    transport.destroy();
    await server.close();
  });
