/** An origin whose connections come to nothing is dialled with restraint, and one that is well is not made to wait. */
import assert from 'node:assert/strict';
import { test, type TestContext } from 'node:test';
import { Transport, type TransportOptions } from '../../dist/index.js';
import { poolHarness } from '../support/pool-harness.js';
import { rawServer, type RawServer, type Script } from '../support/raw-server.js';

async function serverFor(t: TestContext, script: Script): Promise<RawServer> {
  const server = await rawServer(script);
  t.after(() => server.close());
  return server;
}

function transportFor(t: TestContext, options: TransportOptions = {}): Transport {
  const transport = new Transport({ cleartext: 'h2c', ...options });
  t.after(() => {
    transport.destroy();
  });
  return transport;
}

async function* once(): AsyncGenerator<Uint8Array> {
  yield await Promise.resolve(new Uint8Array(1));
}

for (const [what, bytes] of [
  ['answers in HTTP/1.1', 'HTTP/1.1 400 Bad Request\r\n\r\n'],
  ['talks nonsense', '\xff'.repeat(100)],
] as const)
  test(`a server that ${what} is dialled once, and every request is told`, async (t) => {
    const server = await serverFor(t, (connection) => {
      connection.raw(Buffer.from(bytes, 'latin1'));
    });
    const transport = transportFor(t);
    const options = [{}, { method: 'POST', body: once() }, { method: 'POST', body: 'known' }];
    const told = options.map((one) =>
      assert.rejects(transport.request(server.origin, one), { code: 'ERR_PASSINGLANE_PROTOCOL' }),
    );
    await Promise.all(told);
    assert.equal(server.connections.length, 1);
  });

test('a server that ends each connection with its SETTINGS is dialled as often as a request is sent, and no more', async (t) => {
  const server = await serverFor(t, async (connection) => {
    await connection.expectPreface();
    connection.settings({});
    connection.goaway(0);
  });
  const transport = transportFor(t, { retry: { maxAttempts: 4, baseDelay: 5, maxDelay: 10 } });
  await assert.rejects(transport.request(server.origin, { method: 'POST', body: once() }), {
    code: 'ERR_PASSINGLANE_GOAWAY',
  });
  assert.equal(server.connections.length, 4);
});

test('connections that fall together count as one: the next request is not made to wait', async (t) => {
  const server = await serverFor(t, async (connection) => {
    await connection.greet({ maxConcurrentStreams: 1 });
    for (;;) {
      const { streamId, get } = await connection.request();
      if (get(':path') === '/') connection.headers(streamId, [[':status', '200']], { endStream: true });
    }
  });
  // A wait that only the time-out of the test would end.
  const transport = transportFor(t, { retry: { baseDelay: 1_000_000, maxDelay: 1_000_000 } });
  await transport.preconnect(server.origin, 6);
  const long = assert.rejects(transport.request(`${server.origin}/long`));
  await new Promise(setImmediate);
  for (const connection of server.connections.slice(1)) connection.goaway(0);
  while (transport.stats().connections > 1) await new Promise(setImmediate);
  assert.equal((await transport.request(server.origin)).status, 200);
  transport.destroy();
  await long;
});

test('connections that come to be and fall in one moment count as one, as after a sleep: the next dial is at once', async () => {
  const p = poolHarness({ maxRequestsPerConnection: 1, dialTime: 10, peer: { maxConcurrentStreams: -1 } });
  const calls = Array.from({ length: 6 }, () => p.post('/', once()));
  await p.clock.advance(10);
  for (const peer of [...p.peers])
    peer.inOneRead(() => {
      peer.greet({});
      peer.goAway(0, 2);
    });
  await p.clock.advance(10);
  for (const peer of p.peers.slice(6)) peer.greet({});
  await p.settle();
  assert.ok(
    calls.some(({ status }) => status === 200),
    `${p.dials} dials`,
  );
  p.transport.destroy();
  await Promise.all(calls.map(({ settled }) => settled));
});

test('connections made in one moment that allow no stream count as one: the next dial waits as after the first', async () => {
  const p = poolHarness({ maxRequestsPerConnection: 1, dialTime: 10, peer: { maxConcurrentStreams: 0 } });
  const calls = Array.from({ length: 3 }, () => p.post('/', once()));
  await p.clock.advance(10);
  assert.equal(p.dials, 3);
  await p.clock.advance(2_000); // twice retry.baseDelay
  assert.equal(p.dials, 4);
  p.transport.destroy();
  await Promise.all(calls.map(({ settled }) => settled));
});

test('a request whose response has begun is not called unprocessed, whatever GOAWAY says', async (t) => {
  const server = await serverFor(t, async (connection) => {
    await connection.greet();
    const { streamId } = await connection.request();
    connection.headers(streamId, [[':status', '200']]);
    connection.data(streamId, 'part');
    connection.goaway(0);
  });
  const response = await transportFor(t).request(server.origin);
  await assert.rejects(response.body.bytes(), { code: 'ERR_PASSINGLANE_GOAWAY', unprocessed: false });
});

test('refusals by fresh connections are in a row only while none of them answers', async () => {
  const p = poolHarness({
    maxRequestsPerConnection: 1,
    retry: { maxAttempts: 2 },
    answer: (peer, streamId, fields) => {
      const path = fields.get(':path');
      if (path === '/refused') peer.reset(streamId, 7);
      else if (path === '/') peer.ok(streamId);
    },
  });
  const held = p.get('/held'); // so that the origin is not forgotten
  for (let i = 0; i < 3; i++) {
    const refused = p.get('/refused');
    await p.settle();
    assert.equal(refused.state, 'failed', 'it was sent again at once, and refused again');
    const answered = p.get('/');
    await p.settle();
    assert.equal(answered.status, 200, 'and the origin is not backed off');
  }
  p.transport.destroy();
  await held.settled;
});

test('an origin whose fresh connections refuse their first streams in a row is not dialled for a while, for anybody', async () => {
  const p = poolHarness({
    maxRequestsPerConnection: 1,
    retry: { maxAttempts: 3, baseDelay: 100, maxDelay: 1_000 },
    answer: (peer, streamId, fields) => {
      if (fields.get(':path') === '/refused') peer.reset(streamId, 7);
      else peer.ok(streamId);
    },
  });
  const refused = p.get('/refused');
  await p.settle();
  assert.deepEqual([p.dials, refused.state], [2, 'pending'], 'one refusal may be chance, a second is a row');
  const other = p.get('/');
  await p.settle();
  assert.deepEqual([p.dials, other.state], [2, 'pending']);
  await p.clock.advance(1_000);
  assert.equal(other.status, 200);
  p.transport.destroy();
  await refused.settled;
});
