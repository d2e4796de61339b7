import assert from 'node:assert/strict';
import { once } from 'node:events';
import { connect, constants, type ClientHttp2Session } from 'node:http2';
import { connect as connectTcp } from 'node:net';
import { test } from 'node:test';
import { flag, rawServer, type, type RawServer } from './raw-server.js';

function open(server: RawServer): ClientHttp2Session {
  return connect(server.origin, server.ca === undefined ? {} : { ca: server.ca });
}

for (const tls of [false, true]) {
  test(`a script answers a request of node:http2, ${tls ? 'over TLS' : 'in the clear'}`, async () => {
    const server = await rawServer(
      async (c) => {
        await c.greet({ maxConcurrentStreams: 7 });
        const request = await c.request();
        assert.equal(request.get(':path'), '/up');
        assert.equal(request.get('x-large')?.length, 40_000, 'CONTINUATION frames are put together');
        assert.equal(request.endStream, false);
        const { bytes, trailers } = await c.body(request.streamId);
        assert.equal(bytes.length, 200_000, 'more than a window: credit is given back');
        assert.equal(trailers?.get('x-trailer'), 'end');
        c.headers(request.streamId, [
          [':status', '200'],
          ['x-large', 'r'.repeat(40_000)],
        ]);
        c.data(request.streamId, 'part, ', { padding: 10 });
        c.data(request.streamId, 'end', { endStream: true });
      },
      { tls },
    );
    const client = open(server);
    await once(client, 'remoteSettings');
    assert.equal(client.remoteSettings.maxConcurrentStreams, 7);
    const stream = client.request(
      { ':method': 'POST', ':path': '/up', 'x-large': 'q'.repeat(40_000) },
      { waitForTrailers: true },
    );
    stream.on('wantTrailers', () => stream.sendTrailers({ 'x-trailer': 'end' }));
    stream.end(Buffer.alloc(200_000));
    const [headers] = (await once(stream, 'response')) as [Record<string, string>];
    assert.equal(headers['x-large']?.length, 40_000);
    let body = '';
    for await (const chunk of stream.setEncoding('utf8')) body += String(chunk);
    assert.equal(body, 'part, end');
    client.close();
    await server.close();
  });

  test(`a script resets streams, says GOAWAY and resets TCP, ${tls ? 'over TLS' : 'in the clear'}`, async () => {
    const server = await rawServer(
      async (c) => {
        c.answerPings = false;
        await c.greet();
        const first = await c.request();
        c.rst(first.streamId, constants.NGHTTP2_REFUSED_STREAM);
        const ping = await c.nextOf(type.ping);
        assert.deepEqual([ping.flags & flag.ack, ping.payload.toString()], [0, 'opaque!!']);
        c.ping(ping.payload, { ack: true });
        c.goaway(first.streamId, constants.NGHTTP2_ENHANCE_YOUR_CALM, 'calm');
        await c.nextOf(type.goaway);
        c.reset();
      },
      { tls },
    );
    const client = open(server);
    const stream = client.request({ ':path': '/' });
    await assert.rejects(once(stream, 'response'), { message: /NGHTTP2_REFUSED_STREAM/ });
    const goaway = once(client, 'goaway');
    const failed = once(client, 'error');
    client.ping(Buffer.from('opaque!!'), (error) => assert.equal(error, null));
    const [code, last, debug] = (await goaway) as [number, number, Buffer];
    assert.deepEqual([code, last, String(debug)], [constants.NGHTTP2_ENHANCE_YOUR_CALM, 1, 'calm']);
    await failed;
    await server.connections[0]?.ended;
    await server.close();
  });
}

test('a server that stops reading leaves the bytes with the client until it resumes', async () => {
  const server = await rawServer((c) => c.stopReading());
  const socket = connectTcp(server.port, '127.0.0.1');
  socket.write('PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n');
  const frame = Buffer.alloc(9 + 16_384);
  frame.writeUIntBE(16_384, 0, 3);
  let completed = 0;
  for (let index = 0; index < 1_024; index++) socket.write(frame, () => completed++);
  // Node hands the kernel all of this in one write, which cannot complete: 16 MiB are more than the kernel takes.
  await new Promise((resolve) => setTimeout(resolve, 100));
  const connection = server.connections[0];
  assert.ok(connection !== undefined);
  assert.ok(connection.bytesRead <= 65_536, 'at most what was under way');
  assert.ok(completed < 1_024);
  assert.ok(socket.writableLength > 0);

  connection.resumeReading();
  for (let frames = 0; frames < 1_024; frames++) await connection.nextOf(type.data);
  assert.equal(connection.bytesRead, 24 + 1_024 * frame.length);
  socket.destroy();
  await server.close();
});

test("a script's failure, and bytes that are no HTTP/2, come out of close()", async () => {
  const failing = await rawServer(() => Promise.reject(new Error('as scripted')));
  const one = connectTcp(failing.port, '127.0.0.1');
  await once(one, 'connect');
  one.end();
  await once(one, 'close');
  await assert.rejects(failing.close(), /as scripted/);

  const strict = await rawServer((c) => c.expectPreface());
  const two = connectTcp(strict.port, '127.0.0.1');
  two.end('GET / HTTP/1.1\r\nhost: localhost\r\n\r\n');
  await strict.connections[0]?.ended;
  await once(two.resume(), 'close');
  await assert.rejects(strict.close(), /not the connection preface/);
});
