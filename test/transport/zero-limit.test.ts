/** The stream limit lowered to 0 on a living connection, on real sockets. */
import assert from 'node:assert/strict';
import { createServer, type Http2Server, type ServerHttp2Session } from 'node:http2';
import type { AddressInfo } from 'node:net';
import { test, type TestContext } from 'node:test';
import { Transport, type TransportOptions } from '../../dist/index.js';

interface Served {
  readonly url: string;
  readonly sessions: ServerHttp2Session[];
  /** Ends the answer to /long, which has begun. */
  finish(): void;
}

/** node:http2's server; `/long` is answered to its end only when told. */
async function served(t: TestContext): Promise<Served> {
  const sessions: ServerHttp2Session[] = [];
  const ends: (() => void)[] = [];
  const server: Http2Server = createServer();
  server.on('session', (session) => {
    sessions.push(session);
    session.on('error', () => undefined); // the client's end closes what is left
  });
  server.on('request', (request, response) => {
    if (request.url !== '/long') return void response.end('short');
    response.write('be');
    ends.push(() => response.end('gun'));
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  t.after(() => {
    for (const session of sessions) session.destroy();
    server.close();
  });
  const { port } = server.address() as AddressInfo;
  return {
    url: `http://127.0.0.1:${port}`,
    sessions,
    finish: () => {
      for (const end of ends) end();
    },
  };
}

function transportFor(t: TestContext, options: TransportOptions = {}): Transport {
  const transport = new Transport({ cleartext: 'h2c', ...options });
  t.after(() => transport.destroy());
  return transport;
}

/** The server's new limit is in force: the client has acknowledged it. */
const lower = (session: ServerHttp2Session | undefined, maxConcurrentStreams: number): Promise<void> =>
  new Promise((resolve) => {
    assert.ok(session !== undefined);
    session.settings({ maxConcurrentStreams }, () => resolve());
  });

test('a server that lowers its limit to 0 gets the next requests on one new connection, and ends what runs on the old', async (t) => {
  const server = await served(t);
  const transport = transportFor(t);
  const long = await transport.request(`${server.url}/long`);
  await lower(server.sessions[0], 0);
  const answers = await Promise.all(
    Array.from({ length: 40 }, async (_, i) => {
      const upload = i % 2 === 0 ? {} : { method: 'POST', body: 'some' };
      const response = await transport.request(server.url, upload);
      return `${response.status} ${await response.body.text()} ${response.connection.id === long.connection.id}`;
    }),
  );
  assert.deepEqual(new Set(answers), new Set(['200 short false']));
  assert.equal(server.sessions.length, 2);
  server.finish();
  assert.equal(await long.body.text(), 'begun');
});

test('with strictMaxConcurrentStreams the requests wait for the server to raise its limit', async (t) => {
  const server = await served(t);
  const transport = transportFor(t, { strictMaxConcurrentStreams: true });
  const long = await transport.request(`${server.url}/long`);
  await lower(server.sessions[0], 0);
  const waiting = transport.request(server.url);
  assert.equal(transport.stats().queued, 1);
  await lower(server.sessions[0], 10);
  assert.equal((await waiting).status, 200);
  assert.equal(server.sessions.length, 1);
  server.finish();
  await long.body.text();
});
