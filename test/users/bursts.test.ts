/** Problems with many requests at once: connections that are too many or too few, and limits that are not kept. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { startOrigin } from '../support/origin.js';
import { flag, rawServer, type, type RawConnection } from '../support/raw-server.js';
import { client, Ledger, link, ok, path, serving, until } from './support.js';

interface Held {
  readonly connection: RawConnection;
  readonly streamId: number;
}

/** Answers what is held, and empties the list. */
function answerAll(held: Held[]): void {
  for (const { connection, streamId } of held.splice(0)) ok(connection, streamId);
}

for (const tls of [false, true]) {
  const over = tls ? 'over TLS' : 'in the clear';

  test(`20 cold requests ${over} cost one handshake`, async (t) => {
    const held: Held[] = [];
    const server = await serving(t, (connection, { streamId }) => void held.push({ connection, streamId }), { tls });
    const transport = client(t, { tls: { ca: server.ca } });
    const calls = Array.from({ length: 20 }, (_, i) => transport.request(`${server.origin}/${i}`));
    await until(() => held.length === 20);
    assert.equal(server.connections.length, 1);
    answerAll(held);
    for (const { status } of await Promise.all(calls)) assert.equal(status, 200);
  });

  test(`20 cold requests ${over} to a server that takes two at once open ten connections`, async (t) => {
    const held: Held[] = [];
    const settings = { maxConcurrentStreams: 2 };
    const hold = (connection: RawConnection, { streamId }: { streamId: number }): void =>
      void held.push({ connection, streamId });
    const server = await serving(t, hold, { tls, settings });
    const transport = client(t, { tls: { ca: server.ca } });
    const calls = Array.from({ length: 20 }, (_, i) => transport.request(`${server.origin}/${i}`));
    await until(() => held.length === 20);
    assert.equal(server.connections.length, 10, '20 / 2');
    answerAll(held);
    for (const { status } of await Promise.all(calls)) assert.equal(status, 200);
    assert.equal(server.connections.length, 10, 'and none after that');
  });
}

test('a burst opens no more connections than maxConnectionsPerOrigin, and each request has its turn', async (t) => {
  const held: Held[] = [];
  const ledger = new Ledger();
  const server = await serving(
    t,
    (connection, request) => {
      ledger.act(request);
      held.push({ connection, streamId: request.streamId });
    },
    { settings: { maxConcurrentStreams: 2 } },
  );
  const transport = client(t, { maxConnectionsPerOrigin: 3 });
  const calls = Array.from({ length: 50 }, (_, i) =>
    transport.request(`${server.origin}/${i}`, { method: 'POST', headers: { 'x-id': String(i) } }),
  );
  let done = 0;
  for (const call of calls) void call.then(() => done++);
  while (done < 50) {
    await until(() => held.length > 0 || done === 50);
    assert.ok(held.length <= 6, `${held.length} at once: three connections of two`);
    assert.ok(server.connections.length <= 3);
    answerAll(held);
  }
  assert.equal(server.connections.length, 3);
  assert.equal(ledger.acted.size, 50);
  assert.deepEqual(ledger.twice, []);
});

/** A server that says how many streams it takes when told, and keeps count of what is open. */
class Limiter {
  readonly ledger = new Ledger();
  readonly waiting: number[] = [];
  connection: RawConnection | undefined = undefined;
  open = 0;
  most = 0;

  arrive(connection: RawConnection, streamId: number): void {
    this.connection = connection;
    this.waiting.push(streamId);
    this.most = Math.max(this.most, ++this.open);
  }

  /** Answers the oldest request. */
  answer(): void {
    const streamId = this.waiting.shift();
    assert.ok(streamId !== undefined && this.connection !== undefined);
    this.open--;
    ok(this.connection, streamId);
  }

  /** Sets another limit, and waits until the client has acknowledged it: from then on it is held to it. */
  async set(maxConcurrentStreams: number): Promise<void> {
    assert.ok(this.connection !== undefined);
    this.connection.settings({ maxConcurrentStreams });
    await this.connection.next((frame) => frame.type === type.settings && frame.flags === flag.ack);
    this.most = this.open;
  }
}

test("the peer's stream limit is kept when it is lowered, raised and 0, and waiters wake", async (t) => {
  const limiter = new Limiter();
  const server = await serving(
    t,
    (connection, request) => {
      limiter.ledger.act(request);
      limiter.arrive(connection, request.streamId);
    },
    { settings: { maxConcurrentStreams: 4 } },
  );
  const transport = client(t, { maxConnectionsPerOrigin: 1 });
  const calls = Array.from({ length: 30 }, (_, i) =>
    transport.request(`${server.origin}/${i}`, { method: 'POST', body: 'b', headers: { 'x-id': String(i) } }),
  );
  await until(() => limiter.open === 4);
  for (let i = 0; i < 4; i++) limiter.answer();
  await until(() => limiter.open === 4);
  assert.equal(limiter.most, 4, 'never more than 4');

  await limiter.set(2);
  for (let i = 0; i < 3; i++) limiter.answer();
  await until(() => limiter.open === 2);
  assert.equal(limiter.ledger.acted.size, 9, 'lowered: three answers made room for one');
  for (let i = 0; i < 4; i++) {
    limiter.answer();
    await until(() => limiter.open === 2);
  }

  await limiter.set(0);
  limiter.answer();
  limiter.answer();
  await until(() => transport.stats().streams === 0);
  limiter.connection?.ping();
  await limiter.connection?.nextOf(type.ping);
  assert.equal(limiter.open, 0, '0: nothing starts');
  assert.equal(transport.stats().queued, 30 - limiter.ledger.acted.size);

  await limiter.set(7);
  await until(() => limiter.open === 7);
  while (limiter.ledger.acted.size < 30 || limiter.open > 0) {
    if (limiter.open > 0) limiter.answer();
    await until(() => limiter.open > 0 || limiter.ledger.acted.size === 30);
    assert.ok(limiter.most <= 7, 'raised: up to 7');
  }
  for (const { status, attempts } of await Promise.all(calls)) assert.deepEqual([status, attempts], [200, 1]);
  assert.equal(limiter.ledger.acted.size, 30);
  assert.deepEqual(limiter.ledger.twice, []);
});

test('before the SETTINGS of the server, one request goes out, and what follows keeps its limit', async (t) => {
  let greet: () => void = () => undefined;
  const greeted = new Promise<void>((resolve) => (greet = resolve));
  const arrived: number[] = [];
  let most = 0;
  const server = await rawServer(async (connection) => {
    await connection.expectPreface();
    arrived.push((await connection.request()).streamId);
    await greeted;
    await connection.greet({ maxConcurrentStreams: 3 });
    for (;;) {
      if (arrived.length === 3) for (const id of arrived.splice(0)) ok(connection, id);
      arrived.push((await connection.request()).streamId);
      most = Math.max(most, arrived.length);
    }
  });
  t.after(() => server.close());
  const transport = client(t, { maxConnectionsPerOrigin: 1 });
  const calls = Array.from({ length: 30 }, (_, i) => transport.request(`${server.origin}/${i}`));
  await until(() => arrived.length === 1);
  assert.deepEqual([transport.stats().streams, transport.stats().queued], [1, 29]);
  greet();
  for (const { status } of await Promise.all(calls)) assert.equal(status, 200);
  assert.equal(most, 3);
});

test('the 101st stream starts on a new connection', async (t) => {
  const held: (Held & { readonly path: string })[] = [];
  const server = await serving(
    t,
    (connection, request) => void held.push({ connection, streamId: request.streamId, path: path(request) }),
    { settings: { maxConcurrentStreams: 100 } },
  );
  const transport = client(t);
  const calls = Array.from({ length: 100 }, (_, i) => transport.request(`${server.origin}/${i}`));
  await until(() => held.length === 100);
  assert.equal(server.connections.length, 1);
  calls.push(transport.request(`${server.origin}/the-101st`));
  await until(() => held.length === 101);
  assert.equal(held.at(-1)?.path, '/the-101st');
  assert.equal(held.at(-1)?.connection.index, 1);
  answerAll(held);
  for (const { status } of await Promise.all(calls)) assert.equal(status, 200);
});

test('in strict mode what waits is counted, and can be aborted and timed out', async (t) => {
  const held: Held[] = [];
  const server = await serving(t, (connection, { streamId }) => void held.push({ connection, streamId }), {
    settings: { maxConcurrentStreams: 1 },
  });
  const transport = client(t, { strictMaxConcurrentStreams: true });
  const first = transport.request(`${server.origin}/first`);
  await until(() => held.length === 1);
  const controller = new AbortController();
  const aborted = transport.request(`${server.origin}/aborted`, { signal: controller.signal });
  const timed = transport.request(`${server.origin}/timed`, { timeout: 30 });
  const served = transport.request(`${server.origin}/served`);
  assert.equal(transport.stats().queued, 3);
  assert.equal(transport.stats().origins[0]?.connections[0]?.state, 'full');
  controller.abort(new Error('no longer wanted'));
  await assert.rejects(aborted, { message: 'no longer wanted' });
  await assert.rejects(timed, { code: 'ERR_PASSINGLANE_TIMEOUT', unprocessed: true, attempts: 0 });
  assert.equal(transport.stats().queued, 1);
  answerAll(held);
  await until(() => held.length === 1);
  answerAll(held);
  assert.deepEqual([(await first).status, (await served).status], [200, 200]);
  assert.equal(server.connections.length, 1, 'and no second connection was made');
});

test('30 POSTs beside an endless stream all send their HEADERS at once, on its connection', async (t) => {
  const posts: Held[] = [];
  const server = await serving(t, (connection, request) => {
    if (request.get(':method') === 'POST') posts.push({ connection, streamId: request.streamId });
    else {
      connection.headers(request.streamId, [
        [':status', '200'],
        ['content-type', 'text/event-stream'],
      ]);
      connection.data(request.streamId, 'data: 1\n\n');
    }
  });
  const transport = client(t);
  const events = await transport.request(`${server.origin}/events`);
  const reader = events.body[Symbol.asyncIterator]();
  assert.equal(Buffer.from((await reader.next()).value ?? []).toString(), 'data: 1\n\n');
  const calls = Array.from({ length: 30 }, (_, i) =>
    transport.request(`${server.origin}/${i}`, { method: 'POST', body: `body ${i}` }),
  );
  // The server answers none before it has them all, so one that waited for another would wait for ever.
  await until(() => posts.length === 30);
  assert.equal(server.connections.length, 1);
  answerAll(posts);
  for (const { status } of await Promise.all(calls)) assert.equal(status, 200);
  await reader.return?.();
});

test('the connection that learns by ALPN that the server speaks HTTP/2 carries the requests', async (t) => {
  const origin = await startOrigin({ tls: true, allowHTTP1: true });
  t.after(() => origin.close());
  const front = await link(t, origin.port);
  const transport = client(t, { tls: { ca: origin.ca }, allowHTTP1: true });
  const url = `https://127.0.0.1:${front.port}/hello.txt`;
  const responses = await Promise.all(Array.from({ length: 10 }, () => transport.request(url)));
  for (const response of responses) assert.equal(await response.body.text(), 'hello\n');
  assert.deepEqual([front.connections, origin.sessionCount], [1, 1]);
});

/** Client and server share a process here, which 10,000 requests keep busy: on a busy machine, for longer than any time-out. */
const patient = { connectTimeout: 0, readIdleTimeout: 0, writeTimeout: 0 };

test('10,000 requests at once are all open at once, and all settle', async (t) => {
  const held: Held[] = [];
  const server = await serving(t, (connection, { streamId }) => void held.push({ connection, streamId }), {
    settings: { maxConcurrentStreams: 10_000 },
  });
  const transport = client(t, { ...patient, stallTimeout: 60_000, probeAfter: 0 });
  const calls = Array.from({ length: 10_000 }, (_, i) => transport.request(`${server.origin}/${i}`));
  await until(() => held.length === 10_000);
  assert.equal(server.connections.length, 1);
  assert.equal(transport.stats().streams, 10_000);
  answerAll(held);
  const responses = await Promise.all(calls);
  assert.ok(responses.every(({ status }) => status === 200));
  assert.deepEqual([transport.stats().streams, transport.stats().queued], [0, 0]);
});

test('10,000 requests at once to an origin over node:http2 with its default options all settle', async (t) => {
  const origin = await startOrigin();
  t.after(() => origin.close());
  const transport = client(t, patient);
  const texts = await Promise.all(
    Array.from({ length: 10_000 }, async () => (await transport.request(`${origin.origin}/hello.txt`)).body.text()),
  );
  assert.ok(texts.every((text) => text === 'hello\n'));
  assert.equal(transport.stats().streams, 0);
});
