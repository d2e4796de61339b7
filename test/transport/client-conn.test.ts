/** ClientConn, over real sockets: one connection outside the pool, and what can be asked of it. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer as createHttp2Server, type Http2Server } from 'node:http2';
import { connect as connectTcp, createServer as createTcpServer, type AddressInfo } from 'node:net';
import { Duplex } from 'node:stream';
import { test, type TestContext } from 'node:test';
import { connect as connectTls } from 'node:tls';
import { Transport, type ClientConn, type ConnState, type TransportOptions } from '../../dist/index.js';
import { blockAfter, type BlockingDuplex } from '../support/blocking-duplex.js';
import { endpoints } from '../support/endpoints.js';
import { startOrigin, type OriginOptions, type TestOrigin } from '../support/origin.js';
import { rawServer, type, type RawConnection, type RawServer, type RawSettings } from '../support/raw-server.js';

function transportFor(t: TestContext, options?: TransportOptions): Transport {
  const transport = new Transport({ cleartext: 'h2c', ...options });
  t.after(() => transport.destroy());
  return transport;
}

async function originFor(t: TestContext, options?: OriginOptions): Promise<TestOrigin> {
  const origin = await startOrigin(options);
  t.after(() => origin.close());
  return origin;
}

interface Pair {
  readonly conn: ClientConn;
  readonly peer: RawConnection;
  readonly server: RawServer;
  readonly url: string;
}

/** A connection to a peer that does what the test tells it to. */
async function pair(t: TestContext, settings: RawSettings = {}, options?: TransportOptions): Promise<Pair> {
  const server = await rawServer((connection) => connection.greet(settings));
  t.after(() => server.close());
  const conn = await transportFor(t, options).connect(server.origin);
  const [peer] = server.connections;
  assert.ok(peer !== undefined);
  return { conn, peer, server, url: `${server.origin}/` };
}

function answer(peer: RawConnection, streamId: number): void {
  peer.headers(streamId, [[':status', '200']], { endStream: true });
}

/** A connection whose socket takes no more than 1,024 bytes, with a request on it that is larger. */
async function blockedPair(
  t: TestContext,
  options?: TransportOptions,
): Promise<{ conn: ClientConn; url: string; socket: BlockingDuplex }> {
  const { origin } = await originFor(t);
  const socket = blockAfter(connectTcp(Number(new URL(origin).port), '127.0.0.1'), 1_024);
  const conn = await transportFor(t, options).adopt(socket, origin);
  conn.request(`${origin}/headers`, { headers: { large: 'x'.repeat(4_096) } }).catch(() => undefined);
  await socket.blocked;
  return { conn, url: `${origin}/hello.txt`, socket };
}

/** What of the state is not as it is at rest. */
function stateOf(conn: ClientConn): Partial<ConnState> {
  const isAtRest = (value: unknown): boolean => value === false || value === 0 || value === undefined;
  return Object.fromEntries(Object.entries(conn.state()).filter(([, value]) => !isAtRest(value)));
}

async function until(condition: () => boolean): Promise<void> {
  while (!condition()) await new Promise(setImmediate);
}

// --- where connections come from ---

test('connect resolves once the SETTINGS of the peer have come', async (t) => {
  for (const tls of [false, true]) {
    const { origin, ca } = await originFor(t, { tls, settings: { maxConcurrentStreams: 7 } });
    const conn = await transportFor(t, { tls: { ca } }).connect(`${origin}/a/path/that/does/not/matter`);
    assert.equal(conn.state().maxConcurrentStreams, 7);
    const response = await conn.request(`${origin}/hello.txt`);
    assert.equal(await response.body.text(), 'hello\n');
    assert.equal(response.connection.id, conn.id);
  }
});

test('connections outside the pool are no part of it, and each is a new one', async (t) => {
  const origin = await originFor(t);
  const transport = transportFor(t);
  const [one, other] = await Promise.all([transport.connect(origin.origin), transport.connect(origin.origin)]);
  assert.notEqual(one.id, other.id);
  assert.equal(transport.stats().connections, 0);
  await (await transport.request(`${origin.origin}/hello.txt`)).body.dump();
  assert.equal(origin.sessionCount, 3);
});

test('connect rejects where there is no server, no HTTP/2, or no answer', async (t) => {
  const silent = createTcpServer((socket) => void socket.on('error', () => undefined)).listen(0, '127.0.0.1');
  await once(silent, 'listening');
  const { port } = silent.address() as AddressInfo;
  await assert.rejects(transportFor(t, { connectTimeout: 50 }).connect(`http://127.0.0.1:${port}`), {
    code: 'ERR_PASSINGLANE_CONNECT_TIMEOUT',
    name: 'TimeoutError',
    scope: 'connection',
    unprocessed: true,
  });
  silent.close();
  await assert.rejects(transportFor(t).connect(`http://127.0.0.1:${port}`), { code: 'ERR_PASSINGLANE_CONNECT_FAILED' });
  const leaver = await rawServer((connection) => connection.close());
  t.after(() => leaver.close());
  await assert.rejects(transportFor(t).connect(leaver.origin), {
    code: 'ERR_PASSINGLANE_CONNECTION_LOST',
    message: /before it sent its SETTINGS: does it speak HTTP\/2/,
  });
  const speaker = createTcpServer((socket) => void socket.end('HTTP/1.1 400 Bad Request\r\n\r\n')).listen(
    0,
    '127.0.0.1',
  );
  t.after(() => speaker.close());
  await once(speaker, 'listening');
  const { port: http1 } = speaker.address() as AddressInfo;
  await assert.rejects(transportFor(t).connect(`http://127.0.0.1:${http1}`), { code: 'ERR_PASSINGLANE_PROTOCOL' });
  await assert.rejects(transportFor(t, { cleartext: 'http/1.1' }).connect(leaver.origin), {
    code: 'ERR_PASSINGLANE_ALPN',
  });
  await assert.rejects(transportFor(t).connect('ftp://127.0.0.1'), { code: 'ERR_PASSINGLANE_UNSUPPORTED_SCHEME' });
});

test('adopt speaks HTTP/2 on a socket, connected or about to be', async (t) => {
  const { origin, port } = await originFor(t);
  for (const early of [true, false]) {
    const socket = connectTcp(port, '127.0.0.1');
    if (!early) await once(socket, 'connect');
    const conn = await transportFor(t).adopt(socket, origin);
    assert.equal(await (await conn.request(`${origin}/hello.txt`)).body.text(), 'hello\n');
    conn.close();
    await until(() => socket.destroyed);
  }
});

test('adopt speaks HTTP/2 on a TLS socket', async (t) => {
  const { origin, port, ca } = await originFor(t, { tls: true });
  const socket = connectTls({ port, host: '127.0.0.1', ca, ALPNProtocols: ['h2'] });
  const conn = await transportFor(t).adopt(socket, origin);
  assert.equal(
    await (await conn.request(`${origin}/bytes/100000`)).body.bytes().then((bytes) => bytes.length),
    100_000,
  );
});

/** One end of a stream in memory, which hands over what is written to it as it is. */
class MemoryEnd extends Duplex {
  peer: MemoryEnd = this;
  #resume: (() => void) | undefined;

  override _read(): void {
    const resume = this.#resume;
    this.#resume = undefined;
    resume?.();
  }

  override _write(chunk: Buffer, _encoding: BufferEncoding, done: () => void): void {
    if (this.peer.push(chunk)) process.nextTick(done);
    else this.peer.#resume = done;
  }

  override _final(done: () => void): void {
    this.peer.push(null);
    done();
  }
}

function duplexPair(): [Duplex, Duplex] {
  const [one, other] = [new MemoryEnd(), new MemoryEnd()];
  one.peer = other;
  other.peer = one;
  return [one, other];
}

function inMemory(t: TestContext): { readonly socket: Duplex; readonly server: Http2Server } {
  const [socket, theirs] = duplexPair();
  const server = createHttp2Server(endpoints);
  server.emit('connection', theirs);
  t.after(() => {
    socket.destroy();
    theirs.destroy();
  });
  return { socket, server };
}

test('adopt speaks HTTP/2 on any stream of bytes', async (t) => {
  const { socket } = inMemory(t);
  const conn = await transportFor(t).adopt(socket, 'http://anything.test');
  const calls = [1, 1_000, 200_000].map(async (size) => {
    const body = Buffer.alloc(size, 'x');
    const response = await conn.request('http://anything.test/echo', { method: 'POST', body });
    assert.deepEqual(Buffer.from(await response.body.bytes()), body);
    assert.deepEqual(response.connection.remoteAddress, undefined);
  });
  await Promise.all(calls);
  await conn.shutdown();
  assert.equal(conn.state().closed, true);
});

test('adopt rejects for a stream that is over, or ends before HTTP/2 is spoken on it', async (t) => {
  const [gone] = duplexPair();
  gone.destroy();
  await assert.rejects(transportFor(t).adopt(gone, 'http://anything.test'), {
    code: 'ERR_PASSINGLANE_CONNECTION_LOST',
  });
  const [ours, theirs] = duplexPair();
  theirs.end();
  theirs.resume();
  await assert.rejects(transportFor(t).adopt(ours, 'http://anything.test'), {
    code: 'ERR_PASSINGLANE_CONNECTION_LOST',
  });
  const [broken] = duplexPair();
  const adopted = transportFor(t).adopt(broken, 'http://anything.test');
  broken.destroy(new Error('unplugged'));
  await assert.rejects(adopted, (error: Error & { code: string }) => {
    assert.equal(error.code, 'ERR_PASSINGLANE_CONNECTION_LOST');
    assert.match((error.cause as Error).message, /unplugged/);
    return true;
  });
  const [mute] = duplexPair();
  await assert.rejects(transportFor(t, { connectTimeout: 30 }).adopt(mute, 'http://anything.test'), {
    code: 'ERR_PASSINGLANE_CONNECT_TIMEOUT',
  });
  assert.equal(mute.destroyed, true);
});

test('adopt refuses what is no stream, and rejects with what a stream throws', async (t) => {
  for (const value of [null, {}])
    await assert.rejects(transportFor(t).adopt(value as unknown as Duplex, 'http://anything.test'), {
      code: 'ERR_INVALID_ARG_VALUE',
      message: /^Invalid socket: /,
    });
  const thrown = new Error('not today');
  const broken = new Duplex({
    read: () => undefined,
    write() {
      throw thrown;
    },
  });
  await assert.rejects(transportFor(t).adopt(broken, 'http://anything.test'), {
    code: 'ERR_PASSINGLANE_CONNECTION_LOST',
    cause: thrown,
  });
});

test('a closed transport makes no connections, and ends those that it is making', async (t) => {
  const { origin } = await originFor(t);
  for (const end of ['close', 'destroy'] as const) {
    const transport = transportFor(t);
    const connecting = transport.connect(origin);
    const lost = assert.rejects(connecting, { code: 'ERR_PASSINGLANE_TRANSPORT_CLOSED' });
    await transport[end]();
    await lost;
    await assert.rejects(transport.connect(origin), { code: 'ERR_PASSINGLANE_TRANSPORT_CLOSED', unprocessed: true });
    const [socket] = duplexPair();
    await assert.rejects(transport.adopt(socket, origin), { code: 'ERR_PASSINGLANE_TRANSPORT_CLOSED' });
  }
});

test("a transport's close waits for the connections outside its pool, and its destroy ends them", async (t) => {
  const { origin } = await originFor(t);
  const transport = transportFor(t);
  const conn = await transport.connect(origin);
  const slow = conn.request(`${origin}/delay/50`);
  const closing = transport.close();
  await assert.rejects(conn.request(`${origin}/hello.txt`), { code: 'ERR_PASSINGLANE_CONNECTION_UNUSABLE' });
  assert.equal(await (await slow).body.text(), 'hello\n');
  await closing;
  assert.equal(conn.state().closed, true);

  const other = transportFor(t);
  const lost = (await other.connect(origin)).request(`${origin}/silent`);
  other.destroy(new Error('why'));
  await assert.rejects(lost, (error: Error & { code: string }) => {
    assert.equal(error.code, 'ERR_PASSINGLANE_TRANSPORT_CLOSED');
    assert.equal((error.cause as Error).message, 'why');
    return true;
  });
});

// --- request ---

test('a request for another origin is refused', async (t) => {
  const { conn, server } = await pair(t);
  for (const url of ['http://127.0.0.1:1/', `https://127.0.0.1:${server.port}/`, 'http://localhost/'])
    await assert.rejects(conn.request(url), { name: 'TypeError', code: 'ERR_INVALID_ARG_VALUE' });
});

test('at the limit of the peer a request waits for its turn, and can be aborted meanwhile', async (t) => {
  const { conn, peer, url } = await pair(t, { maxConcurrentStreams: 1 });
  const controllers = Array.from({ length: 6 }, () => new AbortController());
  const calls = controllers.map(({ signal }) => conn.request(url, { signal }));
  assert.deepEqual(stateOf(conn), { maxConcurrentStreams: 1, streamsActive: 1, streamsPending: 5 }, 'all count');
  for (const abort of [1, 3]) {
    controllers[abort]?.abort(new Error(`no ${abort}`));
    await assert.rejects(calls[abort] as Promise<unknown>, new RegExp(`no ${abort}`));
  }
  assert.equal(conn.state().streamsPending, 3);
  for (const [call, streamId] of [
    [0, 1],
    [2, 3],
    [4, 5],
    [5, 7],
  ] as const) {
    assert.equal((await peer.request()).streamId, streamId, 'consecutive IDs, in order');
    assert.equal(conn.state().streamsActive, 1);
    answer(peer, streamId);
    assert.equal((await (calls[call] as Promise<{ status: number }>)).status, 200);
  }
  assert.equal(conn.state().streamsActive, 0);
});

test('a time-out covers the wait for a turn', async (t) => {
  const { conn, url } = await pair(t, { maxConcurrentStreams: 0 });
  await assert.rejects(conn.request(url, { timeout: 30 }), { code: 'ERR_PASSINGLANE_TIMEOUT', unprocessed: true });
  assert.equal(conn.state().streamsPending, 0);
});

test('nothing is sent again: the error says where that would be safe', async (t) => {
  const { conn, peer, url } = await pair(t);
  const refused = conn.request(url, { idempotent: true });
  peer.rst((await peer.request()).streamId, 7);
  await assert.rejects(refused, {
    code: 'ERR_PASSINGLANE_STREAM_RESET',
    errorCode: 'REFUSED_STREAM',
    unprocessed: true,
    attempts: 1,
  });
  const failed = conn.request(url, { idempotent: true });
  peer.rst((await peer.request()).streamId, 2);
  await assert.rejects(failed, { errorCode: 'INTERNAL_ERROR', unprocessed: false, attempts: 1, initiator: 'remote' });
  assert.equal(conn.canTakeNewRequest(), true);
});

// --- slots ---

test('as many reservations are to be had as the peer allows streams', async (t) => {
  const { conn, peer, url } = await pair(t, { maxConcurrentStreams: 3 });
  assert.deepEqual(
    [1, 2, 3, 4].map(() => conn.reserveNewRequest()),
    [true, true, true, false],
  );
  assert.equal(conn.canTakeNewRequest(), false);
  conn.releaseReservation();
  assert.equal(conn.reserveNewRequest(), true);
  const call = conn.request(url);
  assert.deepEqual(stateOf(conn), { maxConcurrentStreams: 3, streamsActive: 1, streamsReserved: 2 }, 'one is used up');
  assert.equal(conn.reserveNewRequest(), false);
  answer(peer, (await peer.request()).streamId);
  await call;
  assert.equal(conn.reserveNewRequest(), true, 'the slot of the stream is free');
});

test('a request that fails before it starts gives its reservation back', async (t) => {
  const { conn, url } = await pair(t, { maxConcurrentStreams: 1 });
  const failures: Readonly<Record<string, () => Promise<unknown>>> = {
    aborted: () => conn.request(url, { signal: AbortSignal.abort(new Error('no')) }),
    invalid: () => conn.request(url, { headers: { 'not a token': 'x' } }),
    elsewhere: () => conn.request('http://127.0.0.1:1/'),
  };
  for (const [what, fail] of Object.entries(failures)) {
    assert.equal(conn.reserveNewRequest(), true, what);
    await assert.rejects(fail());
    assert.equal(conn.state().streamsReserved, 0, what);
    assert.equal(conn.canTakeNewRequest(), true, what);
  }
});

test('releasing more than was reserved changes nothing', async (t) => {
  const { conn } = await pair(t, { maxConcurrentStreams: 1 });
  conn.releaseReservation();
  assert.equal(conn.reserveNewRequest(), true);
  assert.equal(conn.reserveNewRequest(), false);
});

test('canTakeNewRequest follows the limit, and ends with a GOAWAY', async (t) => {
  const { conn, peer, url } = await pair(t, { maxConcurrentStreams: 1 });
  assert.equal(conn.canTakeNewRequest(), true);
  const call = conn.request(url);
  assert.equal(conn.canTakeNewRequest(), false);
  const { streamId } = await peer.request();
  peer.goaway(streamId);
  await until(() => conn.state().closing);
  assert.equal(conn.reserveNewRequest(), false);
  await assert.rejects(conn.request(url), {
    code: 'ERR_PASSINGLANE_CONNECTION_UNUSABLE',
    unprocessed: true,
    attempts: 0,
  });
  answer(peer, streamId);
  assert.equal((await call).status, 200, 'what the GOAWAY spares goes on');
  await until(() => conn.state().closed);
});

test('the states of a connection with a limit of 1', async (t) => {
  const { conn, peer, url } = await pair(t, { maxConcurrentStreams: 1 });
  const max = { maxConcurrentStreams: 1 };
  assert.deepEqual(stateOf(conn), max);
  conn.reserveNewRequest();
  assert.deepEqual(stateOf(conn), { ...max, streamsReserved: 1 });
  const call = conn.request(url);
  assert.deepEqual(stateOf(conn), { ...max, streamsActive: 1 });
  const before = Date.now();
  answer(peer, (await peer.request()).streamId);
  await call;
  const { lastIdle = 0, ...rest } = stateOf(conn);
  assert.deepEqual(rest, max);
  assert.ok(lastIdle >= before && lastIdle <= Date.now(), 'the wall clock at the end of the last stream');
  conn.setDoNotReuse();
  assert.deepEqual(stateOf(conn), { ...max, lastIdle, closing: true });
  conn.close();
  assert.deepEqual(stateOf(conn), { ...max, lastIdle, closing: true, closed: true });
});

// --- ping ---

test('ping resolves with its round trip, each with its own', async (t) => {
  const { conn, peer } = await pair(t);
  assert.ok((await conn.ping()) > 0);
  peer.answerPings = false;
  const order: number[] = [];
  const pings = [1, 2].map((one) => conn.ping().then(() => void order.push(one)));
  const [first, second] = [await peer.nextOf(type.ping), await peer.nextOf(type.ping)];
  assert.notDeepEqual(first.payload, second.payload);
  peer.ping(second.payload, { ack: true });
  await pings[1];
  peer.ping(Buffer.from('somebody'), { ack: true });
  peer.ping(first.payload, { ack: true });
  await pings[0];
  assert.deepEqual(order, [2, 1]);
});

test('ping ends with its time-out, its signal or its connection, whichever is first', async (t) => {
  const { conn, peer } = await pair(t);
  peer.answerPings = false;
  await assert.rejects(conn.ping({ timeout: 20 }), { code: 'ERR_PASSINGLANE_PING_TIMEOUT', name: 'TimeoutError' });
  assert.equal(conn.state().closed, false, 'the connection is none the worse for it');
  const controller = new AbortController();
  const aborted = conn.ping({ signal: controller.signal, timeout: 60_000 });
  controller.abort(new Error('enough'));
  await assert.rejects(aborted, /enough/);
  await assert.rejects(conn.ping({ signal: AbortSignal.abort(new Error('before')) }), /before/);
  const lost = assert.rejects(conn.ping(), { code: 'ERR_PASSINGLANE_CONNECTION_LOST' });
  await peer.nextOf(type.ping);
  await peer.nextOf(type.ping);
  await peer.nextOf(type.ping);
  peer.reset();
  await lost;
  await assert.rejects(conn.ping(), { code: 'ERR_PASSINGLANE_CONNECTION_UNUSABLE' });
  const wrong = { name: 'TypeError', code: 'ERR_INVALID_ARG_VALUE' };
  await assert.rejects(conn.ping({ timeout: -1 }), wrong);
  await assert.rejects(conn.ping({ signal: 5 as unknown as AbortSignal }), wrong);
});

// --- the end ---

test('shutdown says GOAWAY once, refuses what is new, and ends when the running requests have', async (t) => {
  const { conn, peer, url } = await pair(t, { maxConcurrentStreams: 2 });
  const calls = [conn.request(url), conn.request(url)];
  const waiting = conn.request(url);
  const refused = assert.rejects(waiting, { code: 'ERR_PASSINGLANE_CONNECTION_UNUSABLE', unprocessed: true });
  const ids = [(await peer.request()).streamId, (await peer.request()).streamId] as const;
  let over = 0;
  const shutdowns = [conn.shutdown(), conn.shutdown()].map((one) => one.then(() => over++));
  assert.equal(conn.state().closing, true, 'in the same step');
  assert.equal(conn.canTakeNewRequest(), false);
  await assert.rejects(conn.request(url), { code: 'ERR_PASSINGLANE_CONNECTION_UNUSABLE', unprocessed: true });
  await refused;
  const goaway = await peer.nextOf(type.goaway);
  assert.deepEqual([goaway.payload.readUInt32BE(0), goaway.payload.readUInt32BE(4)], [0, 0]);
  answer(peer, ids[0]);
  assert.equal((await calls[0])?.status, 200);
  assert.equal(over, 0);
  peer.rst(ids[1], 2);
  await assert.rejects(calls[1] as Promise<unknown>, { errorCode: 'INTERNAL_ERROR' });
  await Promise.all(shutdowns);
  assert.equal(conn.state().closed, true);
  await peer.ended;
  await assert.rejects(peer.nextOf(type.goaway), { name: 'ConnectionEnded' }, 'there was only one');
  await conn.shutdown();
});

test('a shutdown that is given up leaves requests running, and the connection closes after the last', async (t) => {
  const { conn, peer, url } = await pair(t);
  const call = conn.request(url);
  const { streamId } = await peer.request();
  const controller = new AbortController();
  const shutdown = conn.shutdown({ signal: controller.signal });
  controller.abort(new Error('no patience'));
  await assert.rejects(shutdown, /no patience/);
  assert.deepEqual(stateOf(conn).closed, undefined);
  answer(peer, streamId);
  assert.equal((await call).status, 200);
  await peer.ended;
  assert.equal(conn.state().closed, true);
});

test('a shutdown whose signal is aborted already still begins', async (t) => {
  const { conn, peer } = await pair(t);
  await assert.rejects(conn.shutdown({ signal: AbortSignal.abort(new Error('before')) }), /before/);
  await peer.nextOf(type.goaway);
  await peer.ended;
});

test('close ends everything at once, with its reason as the cause', async (t) => {
  const { conn, peer, url } = await pair(t, { maxConcurrentStreams: 2 });
  const begun = conn.request(url);
  const { streamId } = await peer.request();
  peer.headers(streamId, [[':status', '200']]);
  peer.data(streamId, 'part');
  const response = await begun;
  const reason = new Error('why');
  const isClosed = (error: Error & { code: string; initiator: string }): boolean => {
    assert.equal(error.code, 'ERR_PASSINGLANE_CONNECTION_CLOSED');
    assert.equal(error.initiator, 'user');
    assert.equal(error.cause, reason);
    return true;
  };
  const lost = [response.body.text(), response.trailers, conn.request(url), conn.ping()].map((one) =>
    assert.rejects(one, isClosed),
  );
  const waiting = assert.rejects(conn.request(url), (error: Error & { code: string }) => {
    assert.equal(error.code, 'ERR_PASSINGLANE_CONNECTION_UNUSABLE');
    return isClosed(error.cause as Error & { code: string; initiator: string });
  });
  const shutdown = conn.shutdown();
  conn.close(reason);
  assert.deepEqual([conn.state().closed, conn.state().streamsActive, conn.canTakeNewRequest()], [true, 0, false]);
  await Promise.all([...lost, waiting, shutdown]);
  await peer.ended;
  conn.close(new Error('again'));
});

test('a request made as the connection closes is refused, and gets no half of it', async (t) => {
  const { conn, peer, url } = await pair(t);
  const again = conn.request(url).catch(() => conn.request(url));
  await peer.request();
  conn.close();
  await assert.rejects(again, { code: 'ERR_PASSINGLANE_CONNECTION_UNUSABLE' });
});

test('after setDoNotReuse running requests finish, new ones are refused, and the connection closes', async (t) => {
  const { conn, peer, url } = await pair(t);
  const call = conn.request(url);
  const { streamId } = await peer.request();
  conn.setDoNotReuse();
  assert.equal(conn.canTakeNewRequest(), false);
  await assert.rejects(conn.request(url), { code: 'ERR_PASSINGLANE_CONNECTION_UNUSABLE', unprocessed: true });
  answer(peer, streamId);
  assert.equal((await call).status, 200);
  await peer.ended;
});

test('setDoNotReuse closes an idle connection at once', async (t) => {
  const { conn, peer } = await pair(t);
  conn.setDoNotReuse();
  await peer.ended;
  assert.equal(conn.state().closed, true);
});

// --- with a socket that takes no more bytes ---

test('queries answer in the same tick while a write is blocked', async (t) => {
  const { conn, url } = await blockedPair(t, { stallTimeout: 20 });
  assert.equal(conn.canTakeNewRequest(), true, 'a chunk on its way is no reason yet');
  await until(() => conn.state().stalled);
  let ticked = false;
  process.nextTick(() => (ticked = true));
  assert.equal(conn.canTakeNewRequest(), false);
  assert.equal(conn.reserveNewRequest(), false);
  const { closed, closing, streamsActive, streamsPending } = conn.state();
  assert.deepEqual(
    { closed, closing, streamsActive, streamsPending },
    { closed: false, closing: false, streamsActive: 1, streamsPending: 0 },
  );
  conn.releaseReservation();
  assert.equal(ticked, false);
  const controller = new AbortController();
  const waiting = conn.request(url, { signal: controller.signal });
  assert.equal(conn.state().streamsPending, 1, 'it waits behind the write');
  controller.abort(new Error('enough'));
  await assert.rejects(waiting, /enough/);
});

test('a request that waited behind a blocked write goes out when the write does', async (t) => {
  const { conn, url, socket } = await blockedPair(t);
  const waiting = conn.request(url);
  await new Promise(setImmediate);
  assert.equal(conn.state().streamsPending, 1);
  socket.release();
  assert.equal(await (await waiting).body.text(), 'hello\n');
});

test('neither the time-out nor the signal of a ping waits for a blocked socket', async (t) => {
  const { conn, socket } = await blockedPair(t);
  await assert.rejects(conn.ping({ timeout: 20 }), { code: 'ERR_PASSINGLANE_PING_TIMEOUT' });
  const controller = new AbortController();
  const aborted = conn.ping({ signal: controller.signal });
  controller.abort(new Error('enough'));
  await assert.rejects(aborted, /enough/);
  const answered = conn.ping();
  socket.release();
  assert.ok((await answered) > 0);
});

test('shutdown of a blocked connection refuses what is new at once, and can be given up', async (t) => {
  const { conn, url } = await blockedPair(t);
  const controller = new AbortController();
  const shutdown = conn.shutdown({ signal: controller.signal });
  await assert.rejects(conn.request(url), { code: 'ERR_PASSINGLANE_CONNECTION_UNUSABLE' });
  controller.abort(new Error('enough'));
  await assert.rejects(shutdown, /enough/);
});

test('close of a blocked connection waits for nothing', async (t) => {
  const { conn, url, socket } = await blockedPair(t);
  const waiting = assert.rejects(conn.request(url), { code: 'ERR_PASSINGLANE_CONNECTION_UNUSABLE', unprocessed: true });
  conn.close();
  assert.equal(conn.state().closed, true);
  await waiting;
  await until(() => socket.destroyed);
});

test('a response is cancelled and read while a write is blocked, without waiting for it', async (t) => {
  const { origin, port } = await originFor(t);
  const socket = blockAfter(connectTcp(port, '127.0.0.1'), 1_024);
  const conn = await transportFor(t).adopt(socket, origin);
  const large = await conn.request(`${origin}/bytes/200000`);
  const endless = await conn.request(`${origin}/endless`);
  conn.request(`${origin}/headers`, { headers: { large: 'x'.repeat(4_096) } }).catch(() => undefined);
  await socket.blocked;
  assert.equal((await large.body.bytes()).length, 200_000);
  endless.body.cancel();
  await assert.rejects(endless.trailers, { code: 'ERR_PASSINGLANE_BODY_CANCELLED' });
});

test('right after connect, and right after a request, there is room as long as the limit has some', async (t) => {
  const server = await originFor(t, { tls: true, settings: { maxConcurrentStreams: 2 } });
  const transport = transportFor(t, { tls: { ca: server.ca } });
  const conn = await transport.connect(server.origin);
  const failing = [];
  for (const room of [true, true, false]) {
    assert.equal(conn.canTakeNewRequest(), room);
    failing.push(assert.rejects(conn.request(`${server.origin}/silent`)));
  }
  conn.close();
  await Promise.all(failing);
});

test('shutdown refuses options that it has not, and then the connection goes on', async (t) => {
  const { conn } = await pair(t);
  await assert.rejects(conn.shutdown({ timeout: 5 } as object), { code: 'ERR_INVALID_ARG_VALUE' });
  assert.equal(conn.state().closing, false);
});

test('shutdown of a stalled connection on which nothing runs any more waits for nothing', async (t) => {
  const { origin } = await originFor(t);
  const socket = blockAfter(connectTcp(Number(new URL(origin).port), '127.0.0.1'), 1_024);
  const conn = await transportFor(t, { stallTimeout: 20, writeTimeout: 0 }).adopt(socket, origin);
  const controller = new AbortController();
  const large = { headers: { large: 'x'.repeat(4_096) }, signal: controller.signal };
  const failing = assert.rejects(conn.request(`${origin}/headers`, large), /enough/);
  await until(() => conn.state().stalled);
  controller.abort(new Error('enough'));
  await failing;
  await conn.shutdown();
  assert.equal(conn.state().closed, true);
});
