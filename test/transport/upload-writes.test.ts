/** How a request's body becomes writes to the socket: together where its pieces are at hand, at once where they are not. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import type { Http2ServerRequest, Http2ServerResponse } from 'node:http2';
import { connect, type Socket } from 'node:net';
import { test } from 'node:test';
import { Transport } from '../../dist/index.js';
import { startOrigin } from '../support/origin.js';

/** A transport whose sockets note the length of each write. */
function noting(writes: number[]): Transport {
  return new Transport({
    cleartext: 'h2c',
    createConnection: async ({ port }) => {
      const socket: Socket = connect(port, '127.0.0.1');
      await once(socket, 'connect');
      const write = socket.write.bind(socket);
      socket.write = ((bytes: Uint8Array, done: () => void) => {
        writes.push(bytes.length);
        return write(bytes, done);
      }) as typeof socket.write;
      return socket;
    },
  });
}

/** Answers with the number of bytes that came. */
function counts(request: Http2ServerRequest, response: Http2ServerResponse): void {
  let bytes = 0;
  request.on('data', (piece: Buffer) => (bytes += piece.length));
  request.on('end', () => response.end(String(bytes)));
}

test('pieces that a body has at hand go out together, in writes of about 64 KiB', async () => {
  const origin = await startOrigin({ handler: counts });
  const writes: number[] = [];
  const transport = noting(writes);
  async function* pieces(): AsyncGenerator<Uint8Array> {
    for (let i = 0; i < 50; i++) yield await Promise.resolve(new Uint8Array(1_000));
  }
  const response = await transport.request(origin.origin, { method: 'POST', body: pieces() });
  assert.equal(await response.body.text(), '50000');
  const large = writes.filter((length) => length >= 1_000);
  assert.ok(large.length <= 5, `50 pieces went out in writes of ${large.join(', ')} bytes`);
  await transport.close();
  await origin.close();
});

test('no write holds more than 64 KiB and a frame, and none a scrap of one, however large the piece', async () => {
  const origin = await startOrigin({ handler: counts });
  const writes: number[] = [];
  const transport = noting(writes);
  const response = await transport.request(origin.origin, { method: 'POST', body: new Uint8Array(1_000_000) });
  assert.equal(await response.body.text(), '1000000');
  assert.ok(Math.max(...writes) <= 65_536 + 16_384 + 9, `a write of ${Math.max(...writes)} bytes`);
  assert.ok(!writes.includes(36), 'the frame that crosses the mark goes with the others');
  await transport.close();
  await origin.close();
});

test('a body that is at hand goes out with its HEADERS, in one write', async () => {
  const origin = await startOrigin({ handler: counts });
  const writes: number[] = [];
  const transport = noting(writes);
  const post = async (): Promise<string> => {
    const response = await transport.request(origin.origin, { method: 'POST', body: 'x'.repeat(1_000) });
    return response.body.text();
  };
  await post();
  writes.length = 0;
  assert.equal(await post(), '1000');
  assert.equal(writes.filter((length) => length > 1_009).length, 1, `in writes of ${writes.join(', ')} bytes`);
  assert.ok(!writes.includes(1_009), 'and not by itself');
  writes.length = 0;
  assert.deepEqual(await Promise.all(Array.from({ length: 10 }, post)), Array(10).fill('1000'));
  assert.ok(writes[0]! > 10_000, `ten in writes of ${writes.join(', ')} bytes`);
  await transport.close();
  await origin.close();
});

test('a piece goes out although the source will never have another before the server has answered it', async () => {
  const origin = await startOrigin({
    handler: (request, response) => {
      request.on('data', (piece: Buffer) => response.write(piece));
      request.on('end', () => response.end());
    },
  });
  const transport = noting([]);
  let answered: () => void = () => undefined;
  async function* conversation(): AsyncGenerator<string> {
    for (let i = 0; i < 3; i++) {
      const answer = new Promise<void>((resolve) => (answered = resolve));
      yield `question ${i}. `;
      await answer;
    }
  }
  const response = await transport.request(origin.origin, { method: 'POST', body: conversation() });
  let text = '';
  for await (const piece of response.body) {
    text += Buffer.from(piece).toString();
    answered();
  }
  assert.equal(text, 'question 0. question 1. question 2. ');
  await transport.close();
  await origin.close();
});
