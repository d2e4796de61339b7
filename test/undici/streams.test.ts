/** The streams of the dispatcher's methods, as undici's users use them. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createSecureServer } from 'node:http2';
import type { AddressInfo } from 'node:net';
import { PassThrough, Readable, Stream } from 'node:stream';
import { text } from 'node:stream/consumers';
import { finished } from 'node:stream/promises';
import { test, type TestContext } from 'node:test';
import { H2Dispatcher } from '../../dist/undici/index.js';
import { loopback } from '../support/certificates.js';
import { startOrigin, type OriginOptions, type TestOrigin } from '../support/origin.js';
import { rawServer } from '../support/raw-server.js';

async function place(
  t: TestContext,
  options: OriginOptions = {},
): Promise<{ origin: TestOrigin; dispatcher: H2Dispatcher }> {
  const origin = await startOrigin(options);
  const dispatcher = new H2Dispatcher({ cleartext: 'h2c' });
  t.after(async () => {
    await dispatcher.destroy();
    await origin.close();
  });
  return { origin, dispatcher };
}

const words = JSON.stringify({ greeting: '\u3042\u3044\u3046' });

test('text, json and bytes of a body whose encoding is set are those of the bytes that came', async (t) => {
  const { origin, dispatcher } = await place(t);
  const ask = async (encoding: BufferEncoding) => {
    const options = { origin: origin.origin, path: '/echo', method: 'POST', body: words };
    const { body } = await dispatcher.request(options);
    return body.setEncoding(encoding);
  };
  assert.equal(await (await ask('utf8')).text(), words);
  assert.equal(await (await ask('hex')).text(), Buffer.from(words).toString('hex'));
  assert.deepEqual(await (await ask('utf8')).json(), JSON.parse(words));
  assert.deepEqual(Buffer.from(await (await ask('base64')).bytes()), Buffer.from(words));
});

test('a body is read as bytes, as an ArrayBuffer of its own, and as a Blob with its type', async (t) => {
  const { origin, dispatcher } = await place(t, {
    handler: (request, response) => {
      response.setHeader('content-type', 'text/x-words');
      request.pipe(response);
    },
  });
  const ask = async () =>
    (await dispatcher.request({ origin: origin.origin, path: '/', method: 'POST', body: words })).body;
  const wanted = Buffer.from(words);
  assert.deepEqual(Buffer.from(await (await ask()).bytes()), wanted);
  const buffer = await (await ask()).arrayBuffer();
  assert.deepEqual([buffer.byteLength, Buffer.from(buffer)], [wanted.length, wanted]);
  const blob = await (await ask()).blob();
  assert.equal(await blob.text(), words);
  assert.equal(blob.type, 'text/x-words');
});

test('fields that come more than once are a list, in their order', async (t) => {
  const { origin, dispatcher } = await place(t, {
    handler: (_, response) => {
      response.setHeader('set-cookie', ['a=1', 'b=2', 'c=3']);
      response.setHeader('x-two', ['one', 'two']);
      response.end();
    },
  });
  const { headers, body } = await dispatcher.request({ origin: origin.origin, path: '/', method: 'GET' });
  await body.dump();
  assert.deepEqual(
    [headers['set-cookie'], headers['x-two']],
    [
      ['a=1', 'b=2', 'c=3'],
      ['one', 'two'],
    ],
  );
});

test('a body is a WHATWG stream as well, and no form', async (t) => {
  const { origin, dispatcher } = await place(t);
  const ask = async () =>
    (await dispatcher.request({ origin: origin.origin, path: '/echo', method: 'POST', body: words })).body;
  assert.equal(await new Response((await ask()).body as ReadableStream).text(), words);
  const body = await ask();
  await assert.rejects(body.formData(), { code: 'UND_ERR_NOT_SUPPORTED' });
  await body.dump();
});

test('a stream of the oldest kind, which can be neither iterated nor read, is a body too', async (t) => {
  const { origin, dispatcher } = await place(t);
  const old = new Stream();
  setImmediate(() => {
    for (const piece of ['an ', 'old ', 'stream']) old.emit('data', Buffer.from(piece));
    old.emit('end');
  });
  const { body } = await dispatcher.request({
    ...{ origin: origin.origin, path: '/echo', method: 'POST' },
    body: old,
  });
  assert.equal(await body.text(), 'an old stream');
});

test('dump refuses a signal that is none', async (t) => {
  const { origin, dispatcher } = await place(t);
  const { body } = await dispatcher.request({ origin: origin.origin, path: '/hello.txt', method: 'GET' });
  body.on('error', () => undefined);
  await assert.rejects(body.dump({ signal: {} as AbortSignal }), { code: 'UND_ERR_INVALID_ARG' });
  body.destroy();
});

test('dump drops at once what says that it is more than the limit, and nobody hears of any of it', async (t) => {
  const { origin, dispatcher } = await place(t, {
    handler(_, response) {
      response.writeHead(200, { 'content-length': 1_001 });
      response.write('x'.repeat(1_000));
    },
  });
  const { body } = await dispatcher.request({ origin: origin.origin, path: '/', method: 'GET' });
  let heard = 0;
  body.on('data', () => heard++);
  await body.dump({ limit: 1_000 });
  assert.equal(heard, 0);
  assert.ok(body.destroyed);
});

test('a pipeline whose handler gives back no stream fails with UND_ERR_INVALID_RETURN_VALUE', async (t) => {
  const { origin, dispatcher } = await place(t);
  for (const returned of [undefined, {}]) {
    const options = { origin: origin.origin, path: '/hello.txt', method: 'GET' as const };
    const duplex = dispatcher.pipeline(options, () => returned as unknown as Readable).end();
    const [error] = (await once(duplex, 'error')) as [NodeJS.ErrnoException];
    assert.equal(error.code, 'UND_ERR_INVALID_RETURN_VALUE');
  }
});

test('a pipeline fails with what its handler’s stream fails with, and where that closes before its end', async (t) => {
  const { origin, dispatcher } = await place(t);
  const options = { origin: origin.origin, path: '/echo', method: 'POST' } as const;
  const broken = new Error('broken');
  for (const [error, wanted] of [
    [broken, broken],
    [undefined, { code: 'UND_ERR_ABORTED', message: 'The handler closed its stream' }],
  ] as const) {
    const pipe = dispatcher.pipeline(options, ({ body }) => {
      body.resume();
      const made = new Readable({ read: () => undefined });
      setImmediate(() => made.destroy(error));
      return made;
    });
    pipe.resume().end(words);
    await assert.rejects(finished(pipe), wanted);
  }
  await assert.rejects(finished(dispatcher.pipeline(null as never, ({ body }) => body)), {
    code: 'UND_ERR_INVALID_ARG',
  });
});

test('a pipeline ends over a stream that cannot be destroyed', async (t) => {
  const { origin, dispatcher } = await place(t);
  const duplex = dispatcher.pipeline({ origin: origin.origin, path: '/hello.txt', method: 'GET' }, ({ body }) => {
    const old = new PassThrough({ autoDestroy: false });
    Object.assign(old, { destroy: null });
    return body.pipe(old);
  });
  const [said] = await Promise.all([text(duplex.end()), finished(duplex)]);
  assert.equal(said, 'hello\n');
});

test('a trailer called __proto__ is one among others', async (t) => {
  const server = await rawServer(async (connection) => {
    await connection.greet();
    const { streamId } = await connection.request();
    connection.headers(streamId, [[':status', '200']]);
    connection.headers(streamId, [['__proto__', 'of the server']], { endStream: true });
    await connection.ended;
  });
  const dispatcher = new H2Dispatcher({ cleartext: 'h2c' });
  t.after(async () => {
    await dispatcher.destroy();
    await server.close();
  });
  const { body, trailers } = await dispatcher.request({ origin: server.origin, path: '/', method: 'GET' });
  await body.dump();
  assert.deepEqual(Object.entries(trailers), [['__proto__', 'of the server']]);
});

test('an upgraded socket that both sides have ended closes, though nobody reads', async (t) => {
  const server = createSecureServer({ ...loopback, settings: { enableConnectProtocol: true } });
  server.on('stream', (stream) => {
    stream.respond({ ':status': 200 });
    stream.resume().once('end', () => stream.end());
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const dispatcher = new H2Dispatcher({ tls: { ca: loopback.cert } });
  t.after(async () => {
    await dispatcher.destroy();
    server.close();
  });
  const origin = `https://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const { socket } = await dispatcher.upgrade({ origin, path: '/', protocol: 'websocket' });
  socket.end();
  await once(socket, 'close');
});
