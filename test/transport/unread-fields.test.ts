/** What headers, 1xx and trailers that nobody has looked at may hold: of all responses, not only of each. */
import assert from 'node:assert/strict';
import { test, type TestContext } from 'node:test';
import { Transport, type ClientResponse, type RequestOptions } from '../../dist/index.js';
import type { Field } from '../support/hpack.js';
import { rawServer, type RawConnection } from '../support/raw-server.js';

const ok: Field = [':status', '200'];
/** Of 30,000 bytes, of which two are fewer than `maxBufferedBytes` here, and three are more. */
const large: readonly Field[] = [...'abcdefghij'].map((name): Field => [`x-${name}`, 'v'.repeat(3_000 - 35)]);
const noRoom = { code: 'ERR_PASSINGLANE_HEADERS_TOO_LARGE', message: /maxBufferedBytes/ };

async function scene(t: TestContext, answer: (connection: RawConnection, streamId: number) => void) {
  const server = await rawServer(async (connection) => {
    await connection.greet();
    for (;;) answer(connection, (await connection.request()).streamId);
  });
  const transport = new Transport({ cleartext: 'h2c', maxBufferedBytes: 65_535 });
  t.after(async () => {
    transport.destroy();
    await server.close();
  });
  return (options?: RequestOptions): Promise<ClientResponse> => transport.request(server.origin, options);
}

test('headers that nobody has looked at fail the request that there is no room for, and no other', async (t) => {
  const send = await scene(t, (connection, streamId) => connection.headers(streamId, [ok, ...large]));
  const first = await send();
  const second = await send();
  await assert.rejects(send(), noRoom);
  assert.equal(first.headers.get('x-a')?.length, 2_965);
  const third = await send();
  await assert.rejects(send(), noRoom);
  second.body.cancel();
  const fourth = await send();
  await assert.rejects(send(), noRoom);
  for (const response of [first, third, fourth]) response.body.cancel();
});

test('headers of responses that are read to their end count no longer, looked at or not', async (t) => {
  const send = await scene(t, (connection, streamId) => {
    connection.headers(streamId, [ok, ...large]);
    connection.data(streamId, Buffer.alloc(100), { endStream: true });
  });
  for (let i = 0; i < 10; i++) await (await send()).body.dump();
});

test('trailers of a body that nobody has read fail it where there is no room for them', async (t) => {
  const send = await scene(t, (connection, streamId) => {
    connection.headers(streamId, [ok]);
    for (let i = 0; i < 2; i++) connection.data(streamId, Buffer.alloc(10_000));
    connection.headers(streamId, large, { endStream: true });
  });
  const [first, second, third] = [await send(), await send(), await send()];
  await new Promise((resolve) => setTimeout(resolve, 50));
  await assert.rejects(third.body.bytes(), noRoom);
  await assert.rejects(third.trailers, noRoom);
  for (const response of [first, second]) {
    assert.equal((await response.body.bytes()).length, 20_000);
    assert.equal((await response.trailers).get('x-a')?.length, 2_965);
  }
});

test('1xx responses count until the listener is called', async (t) => {
  let calls = 0;
  const send = await scene(t, (connection, streamId) => {
    for (let i = 0; i < 10; i++) connection.headers(streamId, [[':status', '103'], ...large.slice(0, 1)]);
    connection.headers(streamId, [ok], { endStream: true });
  });
  for (let i = 0; i < 5; i++) await send({ onInformational: () => (calls += 1) });
  assert.equal(calls, 50);
});
