import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Transport, TransportError, type ResponseBody } from '../../dist/index.js';
import { rawServer, type RawConnection } from '../support/raw-server.js';

/** Every way of reading a body to its end: each must fail for one that was cut. */
const ways: Readonly<Record<string, (body: ResponseBody) => Promise<unknown>>> = {
  bytes: (body) => body.bytes(),
  text: (body) => body.text(),
  json: (body) => body.json(),
  arrayBuffer: (body) => body.arrayBuffer(),
  blob: (body) => body.blob(),
  dump: (body) => body.dump(),
  iteration: async (body) => {
    for await (const chunk of body) assert.ok(chunk.length > 0);
  },
  borrow: async (body) => {
    for await (const chunk of body.borrow()) assert.ok(chunk.length > 0);
  },
  stream: async (body) => {
    for await (const chunk of body.stream()) assert.ok(chunk.length > 0);
  },
  readable: async (body) => {
    for await (const chunk of body.readable()) assert.ok((chunk as Uint8Array).length > 0);
  },
};

/** What cuts a response, after its headers and a part of its body have gone out. */
const cuts: Readonly<Record<string, (connection: RawConnection, id: number) => void>> = {
  ...Object.fromEntries(
    Array.from({ length: 14 }, (_, code) => [
      `RST_STREAM ${code}`,
      (connection: RawConnection, id: number): void => connection.rst(id, code),
    ]),
  ),
  'RST_STREAM with an unknown code': (connection, id) => connection.rst(id, 0xabcdef),
  'a close': (connection) => connection.close(),
  'a reset of the connection': (connection) => connection.reset(),
  'GOAWAY, then a close': (connection, id) => {
    connection.goaway(id, 0);
    connection.close();
  },
  'GOAWAY with an error, then a close': (connection, id) => {
    connection.goaway(id, 2, 'trouble');
    connection.close();
  },
  'END_STREAM short of the Content-Length': (connection, id) => connection.data(id, '', { endStream: true }),
};

/** `part` is valid JSON by itself, so that a cut body could pass for a whole one. */
const part = '[1,2,3]';

async function cutServer(
  cut: (connection: RawConnection, id: number) => void,
  tls: boolean,
): ReturnType<typeof rawServer> {
  return rawServer(
    async (connection) => {
      await connection.greet();
      for (;;) {
        const { streamId } = await connection.request();
        connection.headers(streamId, [
          [':status', '200'],
          ['content-length', '1000'],
        ]);
        connection.data(streamId, part);
        // The client has the part before the cut comes, so what it does with it can be told.
        await new Promise((resolve) => setTimeout(resolve, 5));
        cut(connection, streamId);
      }
    },
    { tls },
  );
}

for (const tls of [false, true]) {
  for (const [name, cut] of Object.entries(cuts)) {
    test(`a body cut by ${name}${tls ? ' under TLS' : ''} is an error in every way of reading, after what had arrived`, async () => {
      const server = await cutServer(cut, tls);
      const transport = new Transport({ cleartext: 'h2c', tls: { ca: server.ca } });
      for (const [way, read] of Object.entries(ways)) {
        const response = await transport.request(server.origin);
        await assert.rejects(
          read(response.body),
          (error) => TransportError.isInstance(error) && !error.unprocessed,
          way,
        );
        await assert.rejects(response.trailers, (error) => TransportError.isInstance(error), `${way}: trailers`);
      }
      const response = await transport.request(server.origin);
      let arrived = '';
      await assert.rejects(async () => {
        for await (const chunk of response.body) arrived += Buffer.from(chunk).toString();
      });
      assert.equal(arrived, part, 'what had arrived is delivered first');
      await transport.close({ timeout: 1_000 });
      await server.close();
    });
  }
}

test('TLS that ends without close_notify cuts a body without Content-Length too', async () => {
  const server = await rawServer(
    async (connection) => {
      await connection.greet();
      const { streamId } = await connection.request();
      connection.headers(streamId, [[':status', '200']]);
      connection.data(streamId, part);
      await new Promise((resolve) => setTimeout(resolve, 20));
      connection.reset();
    },
    { tls: true },
  );
  const transport = new Transport({ tls: { ca: server.ca } });
  const response = await transport.request(server.origin);
  await assert.rejects(response.body.json(), { code: 'ERR_PASSINGLANE_CONNECTION_LOST' });
  await transport.close({ timeout: 1_000 });
  await server.close();
});

test('before the response headers, each RST_STREAM code fails the request with its name, or has it sent again', async () => {
  for (let code = 0; code < 14; code++) {
    let requests = 0;
    const server = await rawServer(async (connection) => {
      await connection.greet();
      for (;;) {
        const { streamId } = await connection.request();
        requests++;
        connection.rst(streamId, code);
      }
    });
    const transport = new Transport({ cleartext: 'h2c', retry: { maxAttempts: 2, baseDelay: 1 } });
    await assert.rejects(transport.request(server.origin), (error) => {
      assert.ok(TransportError.isInstance(error));
      assert.equal(error.code, 'ERR_PASSINGLANE_STREAM_RESET');
      assert.equal(error.unprocessed, code === 7 || code === 13, `code ${code}`);
      return true;
    });
    assert.equal(requests, code === 7 ? 2 : 1, `code ${code}: only REFUSED_STREAM is sent again by itself`);
    transport.destroy();
    await server.close();
  }
});

test('RST_STREAM(NO_ERROR) after a complete response, while the upload runs, is success', async () => {
  const server = await rawServer(async (connection) => {
    await connection.greet();
    const { streamId } = await connection.request();
    connection.headers(streamId, [[':status', '200']]);
    connection.data(streamId, 'done', { endStream: true });
    connection.rst(streamId, 0);
  });
  const transport = new Transport({ cleartext: 'h2c' });
  let stopped = false;
  const endless = async function* (): AsyncGenerator<string> {
    try {
      for (;;) {
        yield 'more';
        await new Promise((resolve) => setTimeout(resolve, 5));
      }
    } finally {
      stopped = true;
    }
  };
  const response = await transport.request(server.origin, { method: 'POST', body: endless });
  assert.equal(await response.body.text(), 'done');
  while (!stopped) await new Promise((resolve) => setTimeout(resolve, 5));
  assert.equal(transport.stats().streams, 0);
  await transport.close({ timeout: 1_000 });
  await server.close();
});
