/** How a connection error ends a connection (RFC 9113 section 5.4.1), on real sockets. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Transport, TransportError } from '../../dist/index.js';
import { rawServer, type as frameType, type RawConnection } from '../support/raw-server.js';

test('the GOAWAY of a connection error reaches the peer before the socket ends, and a peer that reads nothing delays the end by a bound', async () => {
  const blocked: RawConnection[] = [];
  const reasons: number[] = [];
  const server = await rawServer(async (connection) => {
    await connection.greet();
    const request = await connection.request();
    if (request.get(':path') === '/blocked') {
      blocked.push(connection);
      connection.stopReading();
      // Long enough for the upload to have filled the socket: from then on nothing of ours is taken.
      await new Promise((resolve) => setTimeout(resolve, 100));
      connection.send(frameType.pushPromise, 4, 1, Buffer.of(0, 0, 0, 2));
      return;
    }
    connection.send(frameType.ping, 0, 1, Buffer.alloc(8));
    reasons.push((await connection.nextOf(frameType.goaway)).payload.readUInt32BE(4));
    await connection.ended;
  });
  const transport = new Transport({ cleartext: 'h2c', retry: { maxAttempts: 1 } });
  try {
    const plain = await transport.request(`${server.origin}/`).catch((error: unknown) => error);
    assert.ok(plain instanceof TransportError);
    assert.deepEqual([plain.code, plain.errorCode], ['ERR_PASSINGLANE_PROTOCOL', 'PROTOCOL_ERROR']);
    await server.connections[0]?.ended;
    assert.deepEqual(reasons, [1], 'the server was told why');

    async function* endless(): AsyncGenerator<Uint8Array> {
      for (;;) yield await Promise.resolve(new Uint8Array(65_536));
    }
    const upload = transport.request(`${server.origin}/blocked`, { method: 'POST', body: endless() });
    const error = await upload.catch((reason: unknown) => reason);
    assert.ok(error instanceof TransportError);
    assert.equal(error.code, 'ERR_PASSINGLANE_PROTOCOL', 'the request does not wait for the farewell');
    blocked[0]?.resumeReading();
    await blocked[0]?.ended;
  } finally {
    transport.destroy();
    await server.close();
  }
});
