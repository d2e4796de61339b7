/** Problems with what is sent again: too little, too much, too fast, or twice. */
import assert from 'node:assert/strict';
import { Readable } from 'node:stream';
import { test } from 'node:test';
import { TransportError } from '../../dist/index.js';
import { startOrigin } from '../support/origin.js';
import { poolHarness } from '../support/pool-harness.js';
import { rawServer, type, type RawBlock, type RawConnection, type RawFrame } from '../support/raw-server.js';
import { client, Ledger, ok, serving, until } from './support.js';

const maxStreamId = 0x7fff_ffff;
const code = { noError: 0, internalError: 2, refused: 7, cancel: 8 } as const;

for (const twoPhase of [false, true]) {
  const way = twoPhase ? 'in two phases' : 'at once';

  test(`GOAWAY every 97 requests, ${way}, costs no request`, async (t) => {
    const ledger = new Ledger();
    const server = await rawServer(async (connection) => {
      await connection.greet({ maxConcurrentStreams: 100 });
      for (let count = 1; ; count++) {
        const request = await connection.request();
        ledger.act(request);
        if (count < 97) {
          ok(connection, request.streamId, 'body');
          continue;
        }
        if (twoPhase) {
          connection.goaway(maxStreamId);
          connection.ping();
          await connection.nextOf(type.ping); // a round trip: what was under way has arrived
        }
        connection.goaway(request.streamId);
        ok(connection, request.streamId, 'body');
        return; // what came after that stream is not acted on, nor ever answered
      }
    });
    t.after(() => server.close());
    const transport = client(t);
    let next = 0;
    const worker = async (): Promise<void> => {
      while (next < 1_000) {
        const headers = { 'x-id': String(next++) };
        const response = await transport.request(server.origin, { method: 'POST', body: 'x', headers });
        assert.equal(await response.body.text(), 'body');
      }
    };
    await Promise.all(Array.from({ length: 20 }, worker));
    assert.equal(ledger.acted.size, 1_000);
    assert.deepEqual(ledger.twice, []);
    assert.ok(server.connections.length >= 10, `${server.connections.length} connections, so there were GOAWAYs`);
  });
}

test('after GOAWAY, requests up to its last stream finish there, and those above go elsewhere', async (t) => {
  const arrived: { readonly connection: RawConnection; readonly request: RawBlock }[] = [];
  const server = await serving(t, (connection, request) => {
    if (connection.index === 0) arrived.push({ connection, request });
    else ok(connection, request.streamId, 'second');
  });
  const transport = client(t);
  const calls = Array.from({ length: 6 }, (_, i) => transport.request(`${server.origin}/${i}`, { method: 'POST' }));
  await until(() => arrived.length === 6);
  const [first] = arrived;
  assert.ok(first !== undefined);
  const last = arrived[2]?.request.streamId ?? 0;
  first.connection.goaway(last);
  const moved = await Promise.all(calls.slice(3));
  for (const response of moved) {
    assert.equal(await response.body.text(), 'second');
    assert.equal(response.attempts, 2);
  }
  for (const { connection, request } of arrived.slice(0, 3)) ok(connection, request.streamId, 'first');
  for (const response of await Promise.all(calls.slice(0, 3))) {
    assert.equal(await response.body.text(), 'first');
    assert.equal(response.attempts, 1);
  }
});

test('a second GOAWAY for the same request, on the next connection, does not fail it either', async (t) => {
  const server = await serving(t, (connection, request) => {
    if (connection.index < 3) connection.goaway(0);
    else ok(connection, request.streamId);
  });
  const response = await client(t, { retry: { baseDelay: 1 } }).request(server.origin, { method: 'POST', body: 'x' });
  assert.deepEqual([response.status, response.attempts], [200, 4]);
});

for (const method of ['GET', 'POST', 'PATCH', 'DELETE']) {
  test(`a ${method} that is refused again and again waits longer each time, and gives up after eight`, async () => {
    const times: number[] = [];
    const p = poolHarness({
      answer: (peer, id) => {
        times.push(p.clock.now());
        peer.reset(id, code.refused);
      },
    });
    const call = p.request('/', { method, ...(method === 'GET' ? {} : { body: 'body' }) });
    await p.clock.advance(300_000);
    const gaps = times.slice(1).map((time, i) => time - (times[i] ?? 0));
    // The first is at once; then 1 s doubled each time up to 32 s, with half of the 10% of jitter by the harness's dice.
    assert.deepEqual(gaps, [0, 1_050, 2_100, 4_200, 8_400, 16_800, 33_600]);
    assert.ok(call.error instanceof TransportError);
    const { code: name, errorCode, unprocessed, attempts, message } = call.error;
    assert.deepEqual(
      { name, errorCode, unprocessed, attempts },
      { name: 'ERR_PASSINGLANE_STREAM_RESET', errorCode: 'REFUSED_STREAM', unprocessed: true, attempts: 8 },
    );
    assert.match(message, /retry\.maxAttempts/);
  });
}

test('a POST that is refused twice is answered the third time, and is acted on once', async (t) => {
  const ledger = new Ledger();
  let refusals = 0;
  const server = await serving(t, (connection, request) => {
    if (refusals++ < 2) return connection.rst(request.streamId, code.refused);
    ledger.act(request);
    ok(connection, request.streamId, 'done');
  });
  const transport = client(t, { retry: { baseDelay: 5 } });
  const response = await transport.request(server.origin, { method: 'POST', body: 'x', headers: { 'x-id': 'a' } });
  assert.equal(await response.body.text(), 'done');
  assert.equal(response.attempts, 3);
  assert.deepEqual([...ledger.acted], [['a', 1]]);
});

test('a refused request whose body cannot be had again fails with an error that says so', async (t) => {
  const server = await serving(t, (connection, request) => connection.rst(request.streamId, code.refused));
  // Written, not merely queued, once the second chunk is asked for.
  const body = Readable.from(['one', 'two']);
  await assert.rejects(client(t).request(server.origin, { method: 'POST', body }), (error) => {
    assert.ok(TransportError.isInstance(error));
    assert.deepEqual([error.errorCode, error.unprocessed, error.attempts], ['REFUSED_STREAM', true, 1]);
    assert.match(error.message, /pass a function that makes one/);
    return true;
  });
});

test('3,000 cancelled requests, which trip the defence of node:http2, fail no other before its response begins', async (t) => {
  const origin = await startOrigin();
  t.after(() => origin.close());
  const transport = client(t);
  const live: Promise<unknown>[] = [];
  for (let round = 0; round < 60; round++) {
    const controller = new AbortController();
    const url = `${origin.origin}/silent`;
    const calls = Array.from({ length: 50 }, () => transport.request(url, { signal: controller.signal }));
    // What the server may have acted on when it cut the connection can be sent again.
    const wanted = transport.request(`${origin.origin}/hello.txt`, { idempotent: true });
    live.push(wanted.then((response) => response.body.text()).catch((error: unknown) => error));
    await new Promise((resolve) => setImmediate(resolve));
    controller.abort(new Error('changed my mind'));
    for (const result of await Promise.allSettled(calls)) assert.equal(result.status, 'rejected');
  }
  // Node from 22 on cuts the connection at once: a response that had begun there ends in an error, not in a short body.
  const cut = (await Promise.all(live)).filter((result) => result !== 'hello\n');
  for (const error of cut) assert.equal((error as TransportError).code, 'ERR_PASSINGLANE_GOAWAY');
  assert.ok(cut.length < origin.sessionCount, `${cut.length} cut short on ${origin.sessionCount} connections`);
  await until(() => transport.stats().streams === 0);
});

test('a reset that no PING has confirmed holds its place under the stream limit', async (t) => {
  let ping: RawFrame | undefined = undefined;
  const server = await rawServer(async (connection) => {
    connection.answerPings = false;
    await connection.greet({ maxConcurrentStreams: 3 });
    for (let i = 0; i < 3; i++) await connection.request();
    for (let i = 0; i < 3; i++)
      assert.equal((await connection.nextOf(type.rstStream)).payload.readUInt32BE(0), code.cancel);
    ping = await connection.nextOf(type.ping);
    ok(connection, (await connection.request()).streamId);
    await connection.ended;
  });
  t.after(() => server.close());
  const transport = client(t, { maxConnectionsPerOrigin: 1 });
  const controller = new AbortController();
  const cancelled = Array.from({ length: 3 }, () => transport.request(server.origin, { signal: controller.signal }));
  await until(() => transport.stats().streams === 3);
  controller.abort();
  assert.ok((await Promise.allSettled(cancelled)).every(({ status }) => status === 'rejected'));
  const fourth = transport.request(server.origin);
  await until(() => ping !== undefined);
  assert.deepEqual([transport.stats().streams, transport.stats().queued], [0, 1]);
  server.connections[0]?.ping((ping as RawFrame | undefined)?.payload, { ack: true });
  assert.equal((await fourth).status, 200);
});
