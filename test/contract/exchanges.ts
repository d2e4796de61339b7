/** Requests and responses that go well. */
import assert from 'node:assert/strict';
import { gzipSync } from 'node:zlib';
import { pattern } from '../support/endpoints.js';
import { behaviour, type Chapter } from './behaviours.js';
import { bytesOf, textOf } from './driver.js';

/** Pieces of {@link pattern}, one at a time. */
async function* pieces(total: number, size: number): AsyncGenerator<Uint8Array> {
  const all = pattern(total);
  for (let at = 0; at < total; at += size) yield all.subarray(at, at + size);
}

export const heads: Chapter = {
  title: 'Heads',
  behaviours: [
    behaviour('a response has its status, its header fields and its body', async ({ client, origin }) => {
      const { send } = await client();
      const answer = await send(`${(await origin()).origin}/bytes/5`);
      assert.deepEqual([answer.status, answer.header('content-length')], [200, '5']);
      assert.deepEqual(await bytesOf(answer.body), pattern(5));
    }),
    behaviour('every status of the server is an answer, not an error', async ({ client, origin }) => {
      const { send } = await client();
      const at = (await origin()).origin;
      for (const status of [201, 400, 404, 429, 500, 503])
        assert.equal((await send(`${at}/status/${status}`)).status, status);
    }),
    behaviour('each set-cookie stays by itself', async ({ client, origin }) => {
      const { send } = await client();
      const server = await origin({
        handler: (_request, response) => {
          response.setHeader('set-cookie', ['a=1; Path=/', 'b=2']);
          response.end();
        },
      });
      assert.deepEqual((await send(server.origin)).cookies(), ['a=1; Path=/', 'b=2']);
    }),
    behaviour('header fields of 50,000 bytes come through', async ({ client, origin }) => {
      const { send } = await client();
      const answer = await send(`${(await origin()).origin}/large-headers/50`);
      for (let i = 0; i < 50; i++) assert.equal(answer.header(`x-large-${i}`)?.length, 1_000);
    }),
    behaviour('the method, the path with its query, and header fields go out as given', async ({ client, origin }) => {
      const { send } = await client();
      const server = await origin({
        handler: ({ method, url, headers }, response) =>
          response.end([method, url, headers['x-a'], headers['x-b']].join()),
      });
      for (const method of ['GET', 'DELETE', 'PATCH', 'OPTIONS', 'REPORT']) {
        const headers = { 'x-a': '1', 'X-B': 'two words' };
        const text = await textOf(await send(`${server.origin}/a%20b?c=d&e`, { method, headers }));
        assert.equal(text, `${method},/a%20b?c=d&e,1,two words`);
      }
    }),
    behaviour('a redirect can be had as it is', async ({ client, origin }) => {
      const { send } = await client();
      const server = await origin({
        handler: (_request, response) => response.writeHead(302, { location: '/elsewhere' }).end(),
      });
      const answer = await send(server.origin);
      assert.deepEqual([answer.status, answer.header('location')], [302, '/elsewhere']);
    }),
    behaviour(
      'interim responses are told, and the final one follows',
      async ({ client, raw }) => {
        const { send } = await client();
        const server = await raw((connection, { streamId }) => {
          connection.headers(streamId, [
            [':status', '103'],
            ['link', '</a>'],
          ]);
          connection.headers(streamId, [[':status', '200']], { endStream: true });
        });
        const told: number[] = [];
        const answer = await send(server.origin, { onInformational: (status) => told.push(status) });
        assert.deepEqual([told, answer.status], [[103], 200]);
      },
      ['informational'],
    ),
    behaviour('interim responses that nobody asked about do no harm', async ({ client, raw }) => {
      const { send } = await client();
      const server = await raw((connection, { streamId }) => {
        for (const status of ['102', '103']) connection.headers(streamId, [[':status', status]]);
        connection.headers(streamId, [[':status', '200']], { endStream: true });
      });
      assert.equal((await send(server.origin)).status, 200);
    }),
  ],
};

export const bodies: Chapter = {
  title: 'Bodies',
  behaviours: [
    behaviour(
      'text and bytes go out with their length, and come back',
      async ({ client, origin }) => {
        const { send } = await client();
        const at = (await origin()).origin;
        for (const body of ['text \u20ac', pattern(1_000)]) {
          const answer = await send(`${at}/echo`, { method: 'POST', body });
          assert.deepEqual(await bytesOf(answer.body), Buffer.from(body as string));
          const seen = JSON.parse(await textOf(await send(`${at}/headers`, { method: 'POST', body }))) as object;
          assert.equal((seen as Record<string, string>)['content-length'], String(Buffer.byteLength(body as string)));
        }
      },
      ['body length'],
    ),
    behaviour('a stream goes out piece by piece, and comes back', async ({ client, origin }) => {
      const { send } = await client();
      const answer = await send(`${(await origin()).origin}/echo`, { method: 'PUT', body: pieces(100_000, 1_000) });
      assert.deepEqual(await bytesOf(answer.body), pattern(100_000));
    }),
    behaviour('an empty body is a body', async ({ client, origin }) => {
      const { send } = await client();
      const answer = await send(`${(await origin()).origin}/count`, { method: 'POST', body: '' });
      assert.equal(await textOf(answer), '0');
    }),
    behaviour('16 MiB come down whole', async ({ client, origin }) => {
      const { send } = await client();
      const answer = await send(`${(await origin()).origin}/bytes/${16 << 20}`);
      assert.ok((await bytesOf(answer.body)).equals(pattern(16 << 20)));
    }),
    behaviour('16 MiB go up whole, as bytes and as a stream', async ({ client, origin }) => {
      const { send } = await client();
      const at = (await origin()).origin;
      for (const body of [pattern(16 << 20), pieces(16 << 20, 100_000)])
        assert.equal(await textOf(await send(`${at}/count`, { method: 'POST', body })), String(16 << 20));
    }),
    behaviour('both directions flow at once', async ({ client, origin }) => {
      const { send } = await client();
      let heard: () => void = () => undefined;
      async function* conversation(): AsyncGenerator<Uint8Array> {
        for (const word of ['one', 'two', 'three']) {
          const echoed = new Promise<void>((resolve) => (heard = resolve));
          yield Buffer.from(word);
          await echoed;
        }
      }
      const answer = await send(`${(await origin()).origin}/echo`, { method: 'POST', body: conversation() });
      const words: string[] = [];
      for await (const chunk of answer.body) {
        words.push(Buffer.from(chunk).toString());
        heard();
      }
      assert.deepEqual(words, ['one', 'two', 'three']);
    }),
    behaviour('HEAD, 204 and 304 have no body, whatever their header fields say', async ({ client, origin }) => {
      const { send } = await client();
      const at = (await origin()).origin;
      const head = await send(`${at}/bytes/10`, { method: 'HEAD' });
      assert.equal(head.header('content-length'), '10');
      for (const answer of [head, await send(`${at}/status/204`), await send(`${at}/status/304`)])
        assert.equal((await bytesOf(answer.body)).byteLength, 0);
    }),
    behaviour(
      'a gzipped body is decoded',
      async ({ client, origin }) => {
        const { send } = await client();
        const server = await origin({
          handler: (_request, response) => {
            response.setHeader('content-encoding', 'gzip');
            response.end(gzipSync(pattern(100_000)));
          },
        });
        assert.deepEqual(await bytesOf((await send(server.origin)).body), pattern(100_000));
      },
      ['decoding'],
    ),
    behaviour(
      "the response's trailers come after its body",
      async ({ client, origin }) => {
        const { send } = await client();
        const server = await origin({
          handler: (_request, response) => {
            response.write('body');
            response.addTrailers({ 'x-sum': '42' });
            response.end();
          },
        });
        const answer = await send(server.origin);
        assert.equal(await textOf(answer), 'body');
        assert.equal(await answer.trailer('x-sum'), '42');
      },
      ['response trailers'],
    ),
    behaviour(
      "the request's trailers go out after its body",
      async ({ client, origin }) => {
        const { send } = await client();
        const trailers = { 'x-sum': '42' };
        const answer = await send(`${(await origin()).origin}/trailers`, { method: 'POST', body: 'body', trailers });
        assert.equal(await textOf(answer), 'body');
        assert.equal(await answer.trailer('x-sum'), '42');
      },
      ['request trailers', 'response trailers'],
    ),
    behaviour('a body that is given up gives its stream back', async ({ client, origin }) => {
      const { send } = await client();
      const server = await origin();
      for await (const chunk of (await send(`${server.origin}/endless`)).body) {
        assert.equal(Buffer.from(chunk).toString(), 'begin');
        break;
      }
      while (server.openStreams > 0) await new Promise(setImmediate);
    }),
  ],
};
