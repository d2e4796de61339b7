/**
 * What a server has sent before it closed counts, although the client was busy and wrote on before it read that. Each
 * test does the server's part and the client's within one turn of the event loop, in which nothing is read.
 */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Transport } from '../../dist/index.js';
import { rawServer, type RawConnection } from '../support/raw-server.js';

const ok = [[':status', '200']] as const;

for (const tls of [false, true]) {
  const over = tls ? 'over TLS' : 'in the clear';

  test(`a GOAWAY that lies unread while two writes go out has the request sent again, ${over}`, async (t) => {
    const server = await rawServer(
      async (connection) => {
        await connection.greet();
        for (;;) {
          const { streamId, endStream } = await connection.request();
          if (!endStream) await connection.body(streamId);
          connection.headers(streamId, ok, { endStream: true });
        }
      },
      { tls },
    );
    const transport = new Transport({ cleartext: 'h2c', tls: { ca: server.ca } });
    t.after(() => transport.destroy());
    t.after(() => server.close());
    await (await transport.request(server.origin)).body.text();
    const first = server.connections[0]!;
    first.goaway(1);
    first.socket.destroy();
    const response = await transport.request(server.origin, { method: 'POST', body: 'never processed' });
    assert.equal(response.status, 200);
    assert.equal(response.attempts, 2);
  });

  test(`an answer to an upload that the server then cuts off reaches the caller, ${over}`, async (t) => {
    let connection: RawConnection | undefined;
    const server = await rawServer(
      async (accepted) => {
        connection = accepted;
        await accepted.greet({ initialWindowSize: 1 << 30 });
        accepted.windowUpdate(0, 1 << 30);
      },
      { tls },
    );
    const refuse = (streamId: number): void => {
      connection?.socket.cork(); // one write, which is out before the socket is gone
      connection?.headers(streamId, [[':status', '413']]);
      connection?.data(streamId, 'too large', { endStream: true });
      connection?.socket.uncork();
      connection?.socket.destroy();
    };
    async function* upload(): AsyncGenerator<Uint8Array> {
      for (let i = 0; i < 200; i++) {
        if (i === 10) refuse(1);
        yield await Promise.resolve(new Uint8Array(65_536));
      }
    }
    const transport = new Transport({ cleartext: 'h2c', tls: { ca: server.ca } });
    t.after(() => transport.destroy());
    t.after(() => server.close());
    const response = await transport.request(server.origin, { method: 'POST', body: upload() });
    assert.equal(response.status, 413);
    assert.equal(await response.body.text(), 'too large');
  });
}
