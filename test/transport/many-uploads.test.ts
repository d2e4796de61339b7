/** On real sockets: many uploads to a server that reads slowly share few connections, and hold up no other request. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { client, ok, path, readSlowly, serving, until } from '../users/support.js';

test('GETs beside 64 uploads over a slow link are all answered, on four connections', async (t) => {
  const server = await serving(
    t,
    (connection, request) => {
      if (path(request) !== '/up') return ok(connection, request.streamId);
      if (connection.socket.listenerCount('data') === 1) readSlowly(t, connection);
    },
    { settings: { initialWindowSize: 1 << 30, maxConcurrentStreams: 100 } },
  );
  const transport = client(t, { stallTimeout: 100 });
  const get = async (): Promise<number> => {
    const { status, body } = await transport.request(`${server.origin}/`);
    await body.dump();
    return status;
  };
  await get();
  const body = Buffer.alloc(1 << 20);
  let ended = 0;
  for (let i = 0; i < 64; i++) transport.request(`${server.origin}/up`, { method: 'POST', body }).catch(() => ended++); // they end with the transport
  const stalled = (): number =>
    transport.stats().origins[0]?.connections.filter(({ state }) => state === 'stalled').length ?? 0;
  await until(() => stalled() > 0);
  for (let round = 0; round < 20; round++) {
    assert.deepEqual(await Promise.all(Array.from({ length: 5 }, get)), Array(5).fill(200));
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
  assert.equal(ended, 0, 'the uploads are under way still');
  assert.ok(server.connections.length <= 4, `${server.connections.length} connections`);
});
