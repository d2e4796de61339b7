/** On a real socket: a server that has had its PINGs, and then reads nothing any more, is found out. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Transport } from '../../dist/index.js';
import { rawServer, type as frameType } from '../support/raw-server.js';

test('requests go around a connection that fell silent when its PINGs were spent', async () => {
  let quiet: () => void = () => undefined;
  const spent = new Promise<void>((resolve) => (quiet = resolve));
  const server = await rawServer(async (connection) => {
    await connection.greet();
    if (connection.index > 0) {
      const { streamId } = await connection.request();
      return connection.headers(streamId, [[':status', '200']], { endStream: true });
    }
    connection.answerPings = false;
    for (let pings = 0; pings < 2; pings++) {
      const { payload } = await connection.nextOf(frameType.ping);
      connection.ping(payload, { ack: true });
    }
    connection.stopReading();
    quiet();
  });
  const options = { cleartext: 'h2c', stallTimeout: 100, probeAfter: 150, readIdleTimeout: 150 } as const;
  const transport = new Transport(options);
  const slow = transport.request(`${server.origin}/slow`);
  slow.catch(() => undefined); // it ends with the transport
  await spent;
  // The first may go out before the silence is one.
  while (server.connections.length < 2) {
    const call = transport.request(`${server.origin}/quick`);
    call.catch(() => undefined);
    await Promise.race([call, new Promise((resolve) => setTimeout(resolve, 20))]);
  }
  transport.destroy();
  await server.close();
  assert.equal(server.connections.length, 2);
});
