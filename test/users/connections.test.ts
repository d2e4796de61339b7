/** Problems with connections that are dead, blocked, never finished, or of a kind of their own. */
import assert from 'node:assert/strict';
import { createServer as createHttp2Server } from 'node:http2';
import { createServer, type AddressInfo, type LookupFunction, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { PerformanceObserver, type PerformanceEntry } from 'node:perf_hooks';
import { test, type TestContext } from 'node:test';
import { TransportError, type Transport } from '../../dist/index.js';
import { startOrigin } from '../support/origin.js';
import { poolHarness, type Answer } from '../support/pool-harness.js';
import { uint32 } from '../support/harness.js';
import { type, type RawBlock, type RawConnection } from '../support/raw-server.js';
import { client, link, ok, path, serving, until } from './support.js';

test('a connection that goes dead without a word is found out, and the next request dials', async (t) => {
  const origin = await startOrigin();
  t.after(() => origin.close());
  const through = await link(t, origin.port);
  const url = `http://127.0.0.1:${through.port}`;
  const transport = client(t, { readIdleTimeout: 300, pingTimeout: 300 });
  assert.equal((await transport.request(`${url}/hello.txt`)).status, 200);
  through.blackhole();
  await assert.rejects(transport.request(`${url}/hello.txt`), { code: 'ERR_PASSINGLANE_PING_TIMEOUT' });
  assert.equal(transport.stats().connections, 0, 'the dead connection is given up');
  const responses = await Promise.all(Array.from({ length: 4 }, () => transport.request(`${url}/hello.txt`)));
  assert.ok(responses.every(({ status }) => status === 200));
  assert.equal(through.connections, 2);
});

test('an idempotent request on a connection that goes dead is answered over the next one', async (t) => {
  const origin = await startOrigin();
  t.after(() => origin.close());
  const through = await link(t, origin.port);
  const url = `http://127.0.0.1:${through.port}/hello.txt`;
  const transport = client(t, { readIdleTimeout: 300, pingTimeout: 300 });
  await (await transport.request(url)).body.text();
  through.blackhole();
  const response = await transport.request(url, { idempotent: true });
  assert.equal(await response.body.text(), 'hello\n');
  assert.equal(response.attempts, 2);
});

test('after a time-out without a sign of life, the connection answers a PING before it is used again', async () => {
  const silent: Answer = () => undefined;
  for (const reads of [true, false]) {
    const p = poolHarness({
      answer: (peer, id, fields) => (peer.index > 0 || fields.get(':path') === '/warm' ? peer.ok(id) : silent),
    });
    p.get('/warm');
    await p.settle();
    const late = p.get('/late', { timeout: 2_000 });
    p.peer(0).answersPings = reads;
    await p.clock.advance(2_000);
    assert.equal(late.code, 'ERR_PASSINGLANE_TIMEOUT');
    const next = p.get('/next');
    await p.clock.advance(1_000);
    assert.ok(p.peer(0).pings > 0, 'it was asked');
    if (reads) {
      assert.deepEqual(p.peer(0).requests, ['/warm', '/late', '/next'], 'it lives, and is used');
      assert.equal(p.dials, 1);
    } else {
      assert.equal(next.status, 200, 'it does not answer, and another connection carries the request');
      assert.deepEqual(p.peer(0).requests, ['/warm', '/late']);
    }
    p.transport.destroy();
  }
});

test('requests with time-outs too short for anyone to call the connection silent find it out together', async () => {
  const p = poolHarness({
    answer: (peer, id, fields) => {
      if (peer.index > 0 || fields.get(':path') === '/warm') peer.ok(id);
    },
  });
  p.get('/warm');
  await p.clock.advance(5_000);
  p.peer(0).answersPings = false;
  const calls = [];
  for (let i = 0; i < 20; i++) {
    calls.push(p.get(`/${i}`, { timeout: 300 }));
    await p.clock.advance(300);
  }
  const late = calls.filter((call) => call.state === 'failed').length;
  assert.ok(late <= 4, `${late} of 20 timed out: as many as fit into probeAfter`);
  assert.equal(p.dials, 2);
  p.transport.destroy();
});

test('a connection that a PING has found silent is not used again because its last stream was cancelled', async () => {
  const p = poolHarness({
    answer: (peer, id, fields) => {
      if (fields.get(':path') === '/events') peer.headers(id, 200);
      else peer.ok(id);
    },
  });
  const events = p.get('/events');
  await p.settle();
  p.peer(0).answersPings = false;
  await p.clock.advance(10_000);
  const beside = p.get('/a');
  await p.clock.advance(200);
  assert.equal(beside.status, 200);
  events.response?.body.cancel();
  await p.settle();
  const after = p.get('/b');
  await p.settle();
  assert.equal(after.status, 200);
  assert.deepEqual(p.peer(0).requests, ['/events']);
  p.transport.destroy();
});

/** A server whose first connection stops reading as soon as a request for /upload has come. */
async function stallingServer(t: TestContext) {
  return serving(
    t,
    (connection: RawConnection, request: RawBlock) => {
      if (path(request) === '/upload') connection.stopReading();
      else ok(connection, request.streamId, 'small');
    },
    { settings: { initialWindowSize: 0x7fff_ffff, maxConcurrentStreams: 100 } },
  );
}

/** Uploads 64 MiB, and waits until the connection that carries them is stalled. `outcome`: the error, if there is one. */
async function blockByUpload(transport: Transport, origin: string): Promise<{ readonly outcome: Promise<unknown> }> {
  const chunk = new Uint8Array(1 << 20);
  const body = async function* (): AsyncGenerator<Uint8Array> {
    for (let i = 0; i < 64; i++) yield await Promise.resolve(chunk);
  };
  const outcome = transport.request(`${origin}/upload`, { method: 'POST', body }).then(
    () => undefined,
    (error: unknown) => error,
  );
  await until(() => transport.stats().origins.some(({ connections }) => connections[0]?.state === 'stalled'));
  return { outcome };
}

test('GETs pass an upload of 64 MiB that the server has stopped reading, and other origins do not notice', async (t) => {
  const server = await stallingServer(t);
  const other = await startOrigin();
  t.after(() => other.close());
  const transport = client(t);
  await blockByUpload(transport, server.origin);
  for (let i = 0; i < 10; i++) {
    const response = await transport.request(`${server.origin}/small`);
    assert.equal(await response.body.text(), 'small');
    assert.equal((await transport.request(`${other.origin}/hello.txt`)).status, 200);
  }
  assert.equal(server.connections.length, 2, 'one more connection carries them all');
  assert.equal(other.sessionCount, 1);
});

test('writeTimeout ends a connection that takes nothing', async (t) => {
  const server = await stallingServer(t);
  const transport = client(t, { writeTimeout: 300, stallTimeout: 50 });
  const { outcome } = await blockByUpload(transport, server.origin);
  const error = await outcome;
  assert.ok(TransportError.isInstance(error));
  assert.equal(error.code, 'ERR_PASSINGLANE_WRITE_TIMEOUT');
  assert.equal(error.scope, 'connection');
  assert.equal(transport.stats().connections, 0);
});

/** When the server kills the socket, by what it does with the first connection's second request or before it. */
const moments: readonly (readonly [when: string, kill: (connection: RawConnection, request: RawBlock) => void])[] = [
  ['when a request has come', (connection) => connection.reset()],
  [
    'after the headers of a response',
    (connection, { streamId }) => {
      connection.headers(streamId, [[':status', '200']]);
      setImmediate(() => connection.reset());
    },
  ],
  [
    'within a frame',
    (connection, { streamId }) => {
      connection.headers(streamId, [[':status', '200']]);
      connection.raw(Buffer.from([0, 0, 100, 0, 0, 0, 0]));
      setImmediate(() => connection.close());
    },
  ],
  [
    'with a whole response',
    (connection, { streamId }) => {
      ok(connection, streamId, 'whole');
      connection.close();
    },
  ],
  ['by FIN without an answer', (connection) => connection.close()],
];

for (const [when, kill] of moments) {
  test(`a socket that dies ${when} is never used again: the next request dials`, async (t) => {
    const server = await serving(t, (connection, request) => {
      if (path(request) === '/kill') kill(connection, request);
      else ok(connection, request.streamId, 'alive');
    });
    const transport = client(t);
    for (let round = 1; round <= 5; round++) {
      assert.equal(await (await transport.request(`${server.origin}/`)).body.text(), 'alive');
      await transport.request(`${server.origin}/kill`).then(
        (response) => response.body.text().catch((error: unknown) => assert.ok(TransportError.isInstance(error))),
        (error: unknown) => assert.ok(TransportError.isInstance(error)),
      );
      await until(() => transport.stats().connections === 0);
      assert.equal(await (await transport.request(`${server.origin}/`)).body.text(), 'alive');
      assert.equal(server.connections.length, round + 1);
    }
  });
}

test('an idle connection that the server kills is replaced, and its death is nobody’s error', async (t) => {
  const server = await serving(t, (connection, request) => ok(connection, request.streamId));
  const transport = client(t);
  for (let round = 0; round < 10; round++) {
    assert.equal((await transport.request(server.origin)).status, 200);
    server.connections.at(-1)?.reset();
    await until(() => transport.stats().connections === 0);
  }
  assert.equal(server.connections.length, 10);
});

for (const scheme of ['http', 'https']) {
  test(`a server that accepts ${scheme} and says nothing fails the request at connectTimeout, and the next one dials`, async (t) => {
    const sockets = new Set<Socket>();
    let accepted = 0;
    const silent = createServer((socket) => {
      accepted++;
      sockets.add(socket.on('error', () => socket.destroy()));
    });
    await new Promise<void>((resolve) => silent.listen(0, '127.0.0.1', resolve));
    t.after(() => {
      for (const socket of sockets) socket.destroy();
      silent.close();
    });
    const url = `${scheme}://127.0.0.1:${(silent.address() as AddressInfo).port}`;
    const transport = client(t, { connectTimeout: 100 });
    for (let round = 1; round <= 3; round++) {
      const calls = Array.from({ length: 5 }, () => transport.request(url));
      for (const result of await Promise.allSettled(calls)) {
        assert.equal(result.status, 'rejected');
        const error: unknown = result.reason;
        assert.ok(TransportError.isInstance(error));
        assert.equal(error.code, 'ERR_PASSINGLANE_CONNECT_TIMEOUT');
      }
      assert.equal(accepted, round, 'five requests, one dial');
    }
    assert.deepEqual([transport.stats().connections, transport.stats().streams], [0, 0]);
  });
}

test('where further connections cannot be had, dials back off, and go on until one can', async () => {
  const failure = new TransportError('ERR_PASSINGLANE_CONNECT_FAILED', 'refused', {
    scope: 'connection',
    initiator: 'remote',
  });
  const p = poolHarness({
    peer: { maxConcurrentStreams: 1 },
    answer: () => undefined,
    dialErrors: [undefined, failure, failure, failure, undefined],
  });
  p.get('/holds');
  await p.settle();
  const waiting = p.get('/waits');
  const dials: number[] = [];
  for (let at = 0; at < 10_000; at += 500) {
    await p.clock.advance(500);
    if (p.dials > (dials.length === 0 ? 1 : dials.length + 1)) dials.push(at);
  }
  assert.equal(p.dials, 5, 'at 0, 1, 3 and 7 s');
  assert.deepEqual(p.peer(1).requests, ['/waits']);
  assert.equal(waiting.state, 'pending', 'it has not failed');
});

test('a slow address is not given up when the next one is tried, and the first to connect wins', async (t) => {
  // 127.0.0.1 takes 600 ms for what TLS needs, 127.0.0.2 for ever; a client that gives up after 250 ms reaches neither.
  const origin = await startOrigin({ tls: true });
  t.after(() => origin.close());
  const sockets: Socket[] = [];
  const slow = createServer((near) => {
    sockets.push(near.on('error', () => near.destroy()));
    setTimeout(() => {
      void import('node:net').then(({ connect }) => {
        const far = connect(origin.port, '127.0.0.1');
        sockets.push(far.on('error', () => far.destroy()));
        near.pipe(far).pipe(near);
      });
    }, 600);
  });
  await new Promise<void>((resolve) => slow.listen(0, '127.0.0.1', resolve));
  const { port } = slow.address() as AddressInfo;
  const never = createServer((socket) => void sockets.push(socket.on('error', () => socket.destroy())));
  await new Promise<void>((resolve) => never.listen(port, '127.0.0.2', resolve));
  t.after(() => {
    for (const socket of sockets) socket.destroy();
    slow.close();
    never.close();
  });
  const lookup = ((_name: string, _options: object, done: (error: null, addresses: object[]) => void) => {
    done(null, [
      { address: '127.0.0.1', family: 4 },
      { address: '127.0.0.2', family: 4 },
    ]);
  }) as unknown as LookupFunction;
  const transport = client(t, { lookup, tls: { ca: origin.ca, checkServerIdentity: () => undefined } });
  const response = await transport.request(`https://two.example:${port}/hello.txt`);
  assert.equal(await response.body.text(), 'hello\n');
  assert.equal(response.connection.remoteAddress, '127.0.0.1');
});

test('connections to one name, at one time and soon after, ask the system for its addresses once', async (t) => {
  const origin = await startOrigin();
  t.after(() => origin.close());
  const lookups: unknown[] = [];
  const seen = (entries: PerformanceEntry[]): void => {
    for (const { detail } of entries as { detail?: { hostname?: string } }[]) lookups.push(detail?.hostname);
  };
  const observer = new PerformanceObserver((list) => seen(list.getEntries()));
  observer.observe({ entryTypes: ['dns'] });
  t.after(() => observer.disconnect());
  const url = `http://localhost:${origin.port}`;
  const transport = client(t);
  const connections = await Promise.all([1, 2, 3].map(() => transport.connect(url)));
  connections.push(await transport.connect(url));
  assert.equal(await (await transport.request(`${url}/hello.txt`)).body.text(), 'hello\n');
  assert.equal(origin.sessionCount, 5, 'each of these is a connection of its own');
  await until(() => lookups.length > 0);
  seen(observer.takeRecords());
  assert.deepEqual(lookups, ['localhost']);
  for (const connection of connections) connection.close();
});

test('a process that was frozen for longer than idleTimeout dials instead of using what went stale', async () => {
  const p = poolHarness({ idleTimeout: 60_000 });
  p.get('/before');
  await p.settle();
  const { clock } = p;
  clock.wallNow = () => 1_700_000_000_000 + clock.now() + 3_600_000; // an hour in which no timer ran
  const after = p.get('/after');
  await p.settle();
  assert.equal(after.status, 200);
  assert.deepEqual(p.peer(0).requests, ['/before']);
  assert.deepEqual(p.peer(1).requests, ['/after']);
});

test('a server that complains of too many PINGs gets half as many', async () => {
  const pingsInAnHour = async (complains: boolean): Promise<number> => {
    const p = poolHarness({ answer: () => undefined });
    p.get('/slow');
    await p.settle();
    const complaint = Buffer.concat([uint32(0x7fff_ffff, 0xb), Buffer.from('too_many_pings')]);
    if (complains) p.peer(0).send(type.goaway, 0, 0, complaint);
    await p.clock.advance(3_600_000);
    const { pings } = p.peer(0);
    p.transport.destroy();
    return pings;
  };
  const usual = await pingsInAnHour(false);
  const less = await pingsInAnHour(true);
  assert.ok(usual <= 2 + 12, `${usual}: two, then one in five minutes`);
  assert.ok(less <= 2 + 6, `${less}: two, then one in ten`);
  assert.ok(less > 0, 'but it is still asked');
});

test('socketPath reaches a server on a Unix domain socket', async (t) => {
  const socketPath = join(tmpdir(), `users-${process.pid}.sock`);
  const server = createHttp2Server((request, response) => {
    response.end(`${request.authority}${request.url}`);
  });
  await new Promise<void>((resolve) => server.listen(socketPath, resolve));
  t.after(() => server.close());
  const transport = client(t, { socketPath });
  const response = await transport.request('http://service.internal/status');
  assert.equal(await response.body.text(), 'service.internal/status');
});

for (const maxConnectionsPerOrigin of [1, 2, 64]) {
  test(`h2c by prior knowledge holds in a pool of ${maxConnectionsPerOrigin}`, async (t) => {
    const held: (readonly [RawConnection, number])[] = [];
    const server = await serving(t, (connection, request) => void held.push([connection, request.streamId]), {
      settings: { maxConcurrentStreams: 1 },
    });
    const transport = client(t, { maxConnectionsPerOrigin });
    const calls = Array.from({ length: 64 }, () => transport.request(server.origin));
    for (let answered = 0; answered < 64; answered += maxConnectionsPerOrigin) {
      await until(() => held.length === maxConnectionsPerOrigin);
      for (const [connection, streamId] of held.splice(0)) ok(connection, streamId);
    }
    for (const { status, httpVersion } of await Promise.all(calls))
      assert.deepEqual([status, httpVersion], [200, '2.0']);
    assert.equal(server.connections.length, maxConnectionsPerOrigin);
  });
}
