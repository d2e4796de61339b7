/** What goes wrong, and what comes of it. */
import assert from 'node:assert/strict';
import { rawOrigin } from '../http1/support.js';
import { closedPort } from '../support/closed-port.js';
import { assertFails, behaviour, told, type Chapter, until } from './behaviours.js';
import { bytesOf, textOf } from './driver.js';

const reason = new Error('enough');

export const failures: Chapter = {
  title: 'Failures',
  behaviours: [
    behaviour('a connection that is refused is an error with the system error beneath it', async ({ client }) => {
      const { send } = await client({ retry: { maxAttempts: 1 } });
      const failing = send(`http://127.0.0.1:${closedPort}/`);
      await assertFails(failing, /CONNECT_FAILED$/);
      await assert.rejects(failing, (error: Error) => {
        const codes: unknown[] = [];
        for (let one: unknown = error; one instanceof Error; one = one.cause)
          codes.push((one as { code?: unknown }).code);
        assert.ok(codes.includes('ECONNREFUSED'), codes.join());
        return true;
      });
    }),
    ...[0, 2, 8].map((code) =>
      behaviour(
        `a body cut by RST_STREAM with code ${code} is an error, never a shorter body`,
        async ({ client, origin }) => {
          const { send } = await client();
          const { origin: at } = await origin();
          await assertFails(
            send(`${at}/reset/${code}`).then(({ body }) => bytesOf(body)),
            /STREAM_RESET$/,
          );
        },
      ),
    ),
    behaviour('a body cut by the end of the connection is an error', async ({ client, raw }) => {
      const { send } = await client();
      const server = await raw((connection, { streamId }) => {
        connection.headers(streamId, [[':status', '200']]);
        connection.data(streamId, 'part');
        connection.socket.end();
      });
      await assertFails(
        send(server.origin).then(({ body }) => bytesOf(body)),
        /CONNECTION_LOST$/,
      );
    }),
    ...(['fewer', 'more'] as const).map((how) =>
      behaviour(`a body of ${how} bytes than content-length says is an error`, async ({ client, raw }) => {
        const { send } = await client();
        const server = await raw((connection, { streamId }) => {
          connection.headers(streamId, [
            [':status', '200'],
            ['content-length', how === 'fewer' ? '5' : '3'],
          ]);
          connection.data(streamId, 'four', { endStream: true });
        });
        await assertFails(
          send(server.origin).then(({ body }) => bytesOf(body)),
          /RESPONSE_LENGTH$|PROTOCOL$/,
        );
      }),
    ),
    behaviour('a response that takes longer than headersTimeout is an error', async ({ client, origin }) => {
      const { send } = await client({ headersTimeout: 30 });
      await assertFails(send(`${(await origin()).origin}/silent`), /HEADERS_TIMEOUT$/);
    }),
    behaviour('a pause in the body of more than bodyTimeout is an error', async ({ client, origin }) => {
      const { send } = await client({ bodyTimeout: 30 });
      const { origin: at } = await origin();
      await assertFails(
        send(`${at}/endless`).then(({ body }) => bytesOf(body)),
        /BODY_TIMEOUT$/,
      );
    }),
    behaviour('a body larger than maxResponseSize is an error', async ({ client, origin }) => {
      const { send } = await client({ maxResponseSize: 1_000 });
      const { origin: at } = await origin();
      await assertFails(
        send(`${at}/bytes/100000`).then(({ body }) => bytesOf(body)),
        /RESPONSE_TOO_LARGE$/,
      );
    }),
    behaviour('a header field that cannot be sent is refused before anything goes out', async ({ client, origin }) => {
      const { send } = await client();
      const server = await origin();
      await assert.rejects(async () => send(server.origin, { headers: { 'x-a': 'a\0b' } }));
      assert.equal(server.streamCount, 0);
    }),
    behaviour(
      "an error of the body's source fails the request, and the server learns of it",
      async ({ client, origin }) => {
        const { send } = await client();
        const server = await origin();
        const failure = new Error('the source broke');
        // eslint-disable-next-line require-yield -- it breaks first
        async function* broken(): AsyncGenerator<Uint8Array> {
          throw failure;
        }
        await assert.rejects(send(`${server.origin}/count`, { method: 'POST', body: broken() }), (error: Error) => {
          assert.ok(error === failure || error.cause === failure, String(error));
          return true;
        });
        await until(() => server.openStreams === 0);
      },
    ),
    behaviour('a closed client takes no more requests', async ({ client, origin }) => {
      const { send, close } = await client();
      const { origin: at } = await origin();
      await textOf(await send(`${at}/hello.txt`));
      await close();
      await assert.rejects(async () => send(`${at}/hello.txt`));
    }),
  ],
};

export const aborts: Chapter = {
  title: 'Abort',
  behaviours: [
    behaviour('before it is sent: it rejects, and nothing goes out', async ({ client, origin }) => {
      const { send } = await client();
      const server = await origin();
      await assert.rejects(async () => send(`${server.origin}/hello.txt`, { signal: AbortSignal.abort(reason) }));
      assert.equal(server.streamCount, 0);
    }),
    behaviour('while it waits: it rejects, and the server gets its stream back', async ({ client, origin }) => {
      const { send } = await client();
      const server = await origin();
      const controller = new AbortController();
      const pending = assert.rejects(send(`${server.origin}/silent`, { signal: controller.signal }));
      await until(() => server.openStreams === 1);
      controller.abort(reason);
      await pending;
      await until(() => server.openStreams === 0);
    }),
    behaviour(
      'while it waits: it rejects with the reason of the signal itself',
      async ({ client, origin }) => {
        const { send } = await client();
        const server = await origin();
        const controller = new AbortController();
        const pending = send(`${server.origin}/silent`, { signal: controller.signal });
        const rejected = assert.rejects(pending, (error) => error === reason);
        await until(() => server.openStreams === 1);
        controller.abort(reason);
        await rejected;
      },
      ['own reason'],
    ),
    behaviour('in mid-body: reading fails, and the server gets its stream back', async ({ client, origin }) => {
      const { send } = await client();
      const server = await origin();
      const controller = new AbortController();
      const { body } = await send(`${server.origin}/endless`, { signal: controller.signal });
      const reading = assert.rejects(bytesOf(body));
      controller.abort(reason);
      await reading;
      await until(() => server.openStreams === 0);
    }),
    behaviour(
      'while uploading: it rejects, and the source is closed',
      async ({ client, origin }) => {
        const { send } = await client();
        const server = await origin();
        const controller = new AbortController();
        let closed = false;
        async function* endless(): AsyncGenerator<Uint8Array> {
          try {
            for (;;) {
              yield new Uint8Array(1_000);
              await new Promise(setImmediate);
            }
          } finally {
            closed = true;
          }
        }
        const init = { method: 'POST', body: endless(), signal: controller.signal };
        const pending = assert.rejects(send(`${server.origin}/count`, init));
        await until(() => server.openStreams === 1);
        controller.abort(reason);
        await pending;
        await until(() => closed);
      },
      ['closed source'],
    ),
    behaviour('after the end: nothing happens any more', async ({ client, origin }) => {
      const { send } = await client();
      const { origin: at } = await origin();
      const controller = new AbortController();
      assert.equal(await textOf(await send(`${at}/hello.txt`, { signal: controller.signal })), 'hello\n');
      controller.abort(reason);
      assert.equal(await textOf(await send(`${at}/hello.txt`)), 'hello\n');
    }),
    behaviour('while dialling: the next request is none the worse for it', async ({ client, origin }) => {
      const { send } = await client();
      const { origin: at } = await origin();
      const controller = new AbortController();
      const pending = assert.rejects(send(`${at}/hello.txt`, { signal: controller.signal }));
      controller.abort(reason);
      const next = send(`${at}/hello.txt`);
      await pending;
      assert.equal(await textOf(await next), 'hello\n');
    }),
    behaviour(
      'a hundred requests with one signal end with it, and warn of nothing',
      async ({ t, client, origin }) => {
        const { send } = await client();
        const server = await origin();
        const warnings: Error[] = [];
        const note = (warning: Error): void => void warnings.push(warning);
        process.on('warning', note);
        t.after(() => process.off('warning', note));
        const controller = new AbortController();
        const { signal } = controller;
        const all = Array.from({ length: 100 }, () => assert.rejects(send(`${server.origin}/silent`, { signal })));
        await until(() => server.openStreams === 100);
        controller.abort(reason);
        await Promise.all(all);
        assert.deepEqual(warnings, []);
      },
      ['shared signal'],
    ),
  ],
};

export const delivery: Chapter = {
  title: 'Connections and delivery',
  behaviours: [
    behaviour('a hundred requests at once share one connection', async ({ client, origin }) => {
      const { send } = await client();
      const server = await origin();
      const texts = await Promise.all(
        Array.from({ length: 100 }, async () => textOf(await send(`${server.origin}/hello.txt`))),
      );
      assert.deepEqual([new Set(texts), server.sessionCount], [new Set(['hello\n']), 1]);
    }),
    behaviour(
      'TLS with a certificate that is trusted works, and fails with one that is not',
      async ({ client, origin }) => {
        const server = await origin({ tls: true });
        const trusting = await client({ tls: { ca: server.ca } });
        assert.equal(await textOf(await trusting.send(`${server.origin}/hello.txt`)), 'hello\n');
        const { send } = await client({ retry: { maxAttempts: 1 } });
        await assertFails(send(`${server.origin}/hello.txt`), /CONNECT_FAILED$/);
      },
    ),
    behaviour('a request that the server has refused unseen is sent again', async ({ client, raw }) => {
      const { send } = await client();
      let seen = 0;
      const server = await raw((connection, { streamId }) => {
        if (++seen === 1) connection.rst(streamId, 7);
        else connection.headers(streamId, [[':status', '200']], { endStream: true });
      });
      assert.equal((await send(server.origin)).status, 200);
      assert.equal(seen, 2);
    }),
    behaviour('a request that the server may have acted on is not sent again', async ({ client, raw }) => {
      const { send } = await client();
      let seen = 0;
      const server = await raw((connection, { streamId }) => {
        seen++;
        connection.rst(streamId, 2);
      });
      await assertFails(send(server.origin, { method: 'POST', body: 'once' }), /STREAM_RESET$/);
      assert.equal(seen, 1);
    }),
    ...(['GET', 'POST'] as const).map((method) => {
      const promise =
        method === 'GET'
          ? 'a GET that met a kept HTTP/1.1 connection closed is sent again, once'
          : 'a POST that met a kept HTTP/1.1 connection closed is not sent again';
      return behaviour(promise, async ({ t, client }) => {
        const { send } = await client({ cleartext: 'http/1.1' });
        const seen: string[] = [];
        const server = await rawOrigin(t, async (peer, index) => {
          for (;;) {
            seen.push((await peer.request()).split(' ')[0]!);
            if (seen.length > 1) return void peer.socket.destroy();
            peer.write(`HTTP/1.1 200 OK\nContent-Length: 1\n\n${index}`);
          }
        });
        assert.equal(await textOf(await send(server.origin)), '0');
        await assertFails(send(server.origin, { method }), /CONNECTION_LOST$/);
        assert.deepEqual(seen, method === 'GET' ? ['GET', 'GET', 'GET'] : ['GET', 'POST']);
      });
    }),
    behaviour('a connection that says goodbye costs no request', async ({ client, raw }) => {
      const { send } = await client();
      const server = await raw((connection, { streamId }) => {
        connection.goaway(streamId);
        connection.headers(streamId, [[':status', '200']], { endStream: true });
      });
      for (let time = 0; time < 3; time++) assert.equal((await send(server.origin)).status, 200);
      assert.equal(server.connections.length, 3);
    }),
    behaviour('no request waits behind a connection whose peer has stopped reading', async ({ t, client, raw }) => {
      const { send } = await client();
      const server = await raw((connection, { streamId, get }) => {
        if (get(':path') !== '/up') return connection.headers(streamId, [[':status', '200']], { endStream: true });
        connection.socket.pause();
      });
      const controller = new AbortController();
      const up = { method: 'POST', body: Buffer.alloc(32 << 20), signal: controller.signal };
      const stalled = told(t, 'passinglane:connection:stalled');
      const upload = assert.rejects(send(`${server.origin}/up`, up));
      await stalled;
      assert.equal((await send(`${server.origin}/small`)).status, 200);
      controller.abort(reason);
      await upload;
    }),
  ],
};
