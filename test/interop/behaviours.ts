/** What a transport promises of any server: each is run against every peer that can take part. */
import assert from 'node:assert/strict';
import { setImmediate as nextTurn } from 'node:timers/promises';
import type { ClientResponse, RequestOptions, Transport } from '../../dist/index.js';
import { pattern } from '../support/endpoints.js';
import { tenMegabytes, type Ability, type Peer } from './peers.js';

export interface Behaviour {
  /** A sentence saying what is promised. */
  readonly name: string;
  /** What a peer must be able to do for it. */
  readonly needs?: Ability;
  run(transport: Transport, peer: Peer): Promise<void>;
}

interface Fields {
  readonly [name: string]: string;
}

/** 40 fields of 1,000 bytes each: more than two frames of the default size can hold. */
const largeFields: Fields = Object.fromEntries(
  Array.from({ length: 40 }, (_, index) => [`x-large-${index}`, String(index).padEnd(1_000, 'v')]),
);

/** One request that must come back over HTTP/2 with that status, and its body. */
export async function expectText(
  transport: Transport,
  url: string,
  text: string,
  options?: RequestOptions,
): Promise<ClientResponse> {
  const response = await transport.request(url, options);
  assert.equal(response.status, 200);
  assert.equal(response.httpVersion, '2.0');
  assert.equal(await response.body.text(), text);
  return response;
}

/** Runs `count` tasks, `width` of them at a time. */
export async function inFlight(count: number, width: number, task: (index: number) => Promise<unknown>): Promise<void> {
  let next = 0;
  await Promise.all(
    Array.from({ length: width }, async () => {
      while (next < count) await task(next++);
    }),
  );
}

export const behaviours: readonly Behaviour[] = [
  {
    name: 'a GET brings the body, the status and the headers',
    async run(transport, { origin }) {
      const response = await expectText(transport, `${origin}/hello.txt`, 'hello\n');
      assert.ok(response.headerPairs.length > 0);
      assert.equal(response.attempts, 1);
      assert.deepEqual(
        [...(await response.trailers).keys()].filter((name) => name !== 'x-trailer'),
        [],
      );
    },
  },
  {
    name: 'a HEAD brings the headers of the GET and no body',
    async run(transport, { origin }) {
      const response = await transport.request(`${origin}/bytes/${tenMegabytes}`, { method: 'HEAD' });
      assert.equal(response.status, 200);
      assert.equal(response.headers.get('content-length'), String(tenMegabytes));
      assert.equal((await response.body.bytes()).length, 0);
    },
  },
  {
    name: 'a path that is not there is a 404 with its body, not an error',
    async run(transport, { origin }) {
      const response = await transport.request(`${origin}/nowhere`);
      assert.equal(response.status, 404);
      assert.match(await response.body.text(), /not found/i);
    },
  },
  {
    name: 'a POST comes back as it was sent, whatever its length',
    needs: 'echo',
    async run(transport, { origin }) {
      for (const length of [1, 16_384, 16_385, 65_535, 65_536]) {
        const body = pattern(length);
        const response = await transport.request(`${origin}/echo`, { method: 'POST', body });
        assert.equal(response.status, 200);
        assert.deepEqual(Buffer.from(await response.body.bytes()), body);
      }
    },
  },
  {
    name: 'a body that is a stream of unknown length comes back as it was sent',
    needs: 'echo',
    async run(transport, { origin }) {
      const body = async function* (): AsyncGenerator<Uint8Array> {
        for (let index = 0; index < 50; index++) {
          yield pattern(3_001);
          await nextTurn();
        }
      };
      const response = await transport.request(`${origin}/echo`, { method: 'POST', body });
      const expected = Buffer.concat(Array.from({ length: 50 }, () => pattern(3_001)));
      assert.deepEqual(Buffer.from(await response.body.bytes()), expected);
    },
  },
  {
    name: '10 MB down arrive whole and in order',
    async run(transport, { origin }) {
      const response = await transport.request(`${origin}/bytes/${tenMegabytes}`);
      assert.ok(Buffer.from(await response.body.bytes()).equals(pattern(tenMegabytes)));
    },
  },
  {
    name: '10 MB up arrive whole and in order, and come back the same',
    needs: 'echo',
    async run(transport, { origin }) {
      const body = pattern(tenMegabytes);
      const response = await transport.request(`${origin}/echo`, { method: 'POST', body });
      assert.ok(Buffer.from(await response.body.bytes()).equals(body));
    },
  },
  {
    name: '1,000 requests at 100 in flight all succeed',
    async run(transport, { origin }) {
      await inFlight(1_000, 100, () => expectText(transport, `${origin}/hello.txt`, 'hello\n'));
    },
  },
  {
    name: '40 KB of request headers get there in CONTINUATION frames',
    async run(transport, { origin }) {
      await expectText(transport, `${origin}/hello.txt`, 'hello\n', { headers: largeFields });
      // The table on both sides still agrees.
      await expectText(transport, `${origin}/hello.txt`, 'hello\n', { headers: { 'x-after': 'large' } });
    },
  },
  {
    name: 'every request header arrives with its value, large and small',
    needs: 'headers',
    async run(transport, { origin }) {
      const headers: Fields = { ...largeFields, 'x-empty': '', 'x-comma': 'a, b', cookie: 'a=1; b=2' };
      for (let round = 0; round < 2; round++) {
        const response = await transport.request(`${origin}/headers`, { headers });
        const received = (await response.body.json()) as Fields;
        for (const [name, value] of Object.entries(headers)) {
          assert.equal(received[name], value, name);
        }
      }
    },
  },
  {
    name: '40 KB of response headers arrive from CONTINUATION frames',
    needs: 'large-headers',
    async run(transport, { origin }) {
      const response = await transport.request(`${origin}/large-headers/40`);
      assert.equal(response.status, 200);
      for (let index = 0; index < 40; index++) {
        assert.equal(response.headers.get(`x-large-${index}`), 'v'.repeat(1_000));
      }
      await response.body.dump();
    },
  },
  {
    name: 'trailers go up after the body and come down after the body',
    needs: 'trailers',
    async run(transport, { origin }) {
      const response = await transport.request(`${origin}/trailers`, {
        method: 'POST',
        headers: { trailer: 'x-checksum, x-large' },
        body: pattern(100_000),
        trailers: () => ({ 'x-checksum': 'of-the-body', 'x-large': 'v'.repeat(5_000) }),
      });
      assert.equal((await response.body.bytes()).length, 100_000);
      const trailers = await response.trailers;
      assert.equal(trailers.get('x-checksum'), 'of-the-body');
      assert.equal(trailers.get('x-large'), 'v'.repeat(5_000));
    },
  },
  {
    name: "the server's trailers come down after the body",
    needs: 'response-trailer',
    async run(transport, { origin }) {
      const response = await expectText(transport, `${origin}/hello.txt`, 'hello\n');
      assert.equal((await response.trailers).get('x-trailer'), 'end');
    },
  },
  {
    name: 'small and large requests, uploads and abandoned downloads share the connection without harm',
    needs: 'echo',
    async run(transport, { origin }) {
      const megabyte = pattern(1_048_576);
      await inFlight(120, 40, async (index) => {
        if (index % 20 === 0) {
          const response = await transport.request(`${origin}/bytes/${tenMegabytes}`);
          for await (const chunk of response.body) {
            assert.ok(chunk.length > 0);
            break; // which cancels the rest
          }
        } else if (index % 5 === 0) {
          const response = await transport.request(`${origin}/echo`, { method: 'PUT', body: megabyte });
          assert.ok(Buffer.from(await response.body.bytes()).equals(megabyte));
        } else if (index % 7 === 0) {
          const response = await transport.request(`${origin}/nowhere`);
          assert.equal(response.status, 404);
          await response.body.dump();
        } else {
          await expectText(transport, `${origin}/hello.txt`, 'hello\n');
        }
      });
    },
  },
  {
    name: 'while the peer drains its connections again and again, no request fails',
    needs: 'drain',
    async run(transport, peer) {
      assert.ok(peer.drain !== undefined);
      const connections = new Set<number>();
      await inFlight(1_000, 50, async (index) => {
        if (index % 200 === 100) peer.drain?.();
        const response =
          index % 10 === 0
            ? await expectText(transport, `${peer.origin}/echo`, 'echoed', { method: 'POST', body: 'echoed' })
            : await expectText(transport, `${peer.origin}/hello.txt`, 'hello\n');
        connections.add(response.connection.id);
      });
      // Where it is asked by signals, several may come to it as one.
      assert.ok(connections.size >= 2, `five drains, ${connections.size} connections`);
    },
  },
];
