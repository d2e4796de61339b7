import assert from 'node:assert/strict';
import { AsyncLocalStorage } from 'node:async_hooks';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { connect, createServer, Socket, type LookupFunction } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Duplex } from 'node:stream';
import { PassThrough } from 'node:stream';
import { test } from 'node:test';
import { createServer as createTlsServer } from 'node:tls';
import type { CreateConnectionOptions } from '../../dist/ports/dialler.js';
import { sentenceOf, TransportError } from '../../dist/errors.js';
import { NodeDialler } from '../../dist/node/dial.js';
import { loopback } from '../support/certificates.js';
import { closedPort } from '../support/closed-port.js';
import { h2, listen, originOf, Recorder, write } from './helpers.js';

const h2c = { allowHTTP1: true, cleartext: 'h2c' } as const;
const never = new AbortController().signal;
const windows = process.platform === 'win32';

/** Answers every lookup with these addresses. */
function answer(...addresses: string[]): LookupFunction {
  return (_hostname, _options, callback) =>
    callback(
      null,
      addresses.map((address) => ({ address, family: address.includes(':') ? 6 : 4 })),
    );
}

/** A server that greets and then echoes. */
function echoServer() {
  return createServer((socket) => {
    socket.on('error', () => undefined);
    socket.write('hello ');
    socket.pipe(socket);
  });
}

test('http: with prior knowledge gives a transport, over the addresses of the name', async (t) => {
  const server = echoServer();
  t.after(() => server.close());
  const port = await listen(server);
  const dialler = new NodeDialler({ ...h2c, lookup: answer('127.0.0.1'), keepAlive: 1_000 });
  const transport = h2(await dialler.dial(originOf('http:', 'a.test', port), never));
  assert.equal(transport.transientReads, true);
  assert.equal(transport.info.remotePort, port);
  await new Promise((resolve) => setImmediate(resolve)); // the greeting arrives before start()
  const sink = new Recorder();
  transport.start(sink);
  await write(transport, Buffer.from('world'));
  assert.equal((await sink.received(11)).toString(), 'hello world');
  transport.end();
  assert.equal(await sink.closed, undefined);
});

test('http: without prior knowledge gives a socket for HTTP/1.1', async (t) => {
  const server = echoServer();
  t.after(() => server.close());
  const dialler = new NodeDialler({ allowHTTP1: true, cleartext: 'http/1.1' });
  const dialled = await dialler.dial(originOf('http:', '127.0.0.1', await listen(server)), never);
  assert.equal(dialled.protocol, 'http/1.1');
  assert.ok(dialled.protocol === 'http/1.1' && dialled.socket instanceof Socket);
  assert.equal(String((await once(dialled.socket, 'data'))[0]), 'hello ');
  dialled.socket.destroy();
});

test('a refused connection says so, and what to look at', async () => {
  const port = closedPort;
  await assert.rejects(new NodeDialler(h2c).dial(originOf('http:', '127.0.0.1', port), never), (error) => {
    assert.ok(error instanceof TransportError);
    assert.equal(error.code, 'ERR_PASSINGLANE_CONNECT_FAILED');
    assert.equal(
      sentenceOf(error),
      `Could not connect to http://127.0.0.1:${port}: connection refused (ECONNREFUSED). ` +
        'Is the server running and the port right?',
    );
    assert.deepEqual([error.scope, error.initiator, error.unprocessed], ['connection', 'remote', true]);
    assert.equal(error.origin, `http://127.0.0.1:${port}`);
    assert.equal((error.cause as NodeJS.ErrnoException).code, 'ECONNREFUSED');
    return true;
  });
});

test('when every address fails, the error has them all and speaks of the one that got furthest', async () => {
  const port = closedPort;
  const dialler = new NodeDialler({ ...h2c, lookup: answer('127.0.0.1', '127.0.0.1') });
  await assert.rejects(dialler.dial(originOf('http:', 'a.test', port), never), (error) => {
    assert.ok(error instanceof TransportError && error.cause instanceof AggregateError);
    assert.equal(error.cause.errors.length, 2);
    assert.equal(error.cause.cause, error.cause.errors[0]);
    assert.match(error.message, /2 addresses tried\): connection refused/);
    return true;
  });
});

test('a refused address leaves it to the next', async (t) => {
  const server = echoServer();
  t.after(() => server.close());
  const port = await listen(server);
  // Nothing listens on ::1 (or there is no ::1 at all), which is a failure either way.
  const dialler = new NodeDialler({ ...h2c, lookup: answer('::1', '127.0.0.1') });
  const transport = h2(await dialler.dial(originOf('http:', 'a.test', port), never));
  assert.equal(transport.info.remoteAddress, '127.0.0.1');
  transport.destroy();
});

test(
  'an address that accepts and stays silent does not hold up the next, and is given up',
  { skip: process.platform !== 'linux' && 'only Linux has 127.0.0.2 without being told' },
  async (t) => {
    const good = createTlsServer({ ...loopback, ALPNProtocols: ['h2'] }, (socket) =>
      socket.on('error', () => undefined),
    ); // the client leaves without a goodbye
    const silent = createServer();
    t.after(() => [good.close(), silent.close()]);
    const port = await listen(good);
    const silenced = once(silent, 'connection') as Promise<[Socket]>;
    await once(silent.listen(port, '127.0.0.2'), 'listening');
    const options = { ...h2c, tls: { ca: loopback.cert }, lookup: answer('127.0.0.2', '127.0.0.1') };
    const transport = h2(await new NodeDialler(options).dial(originOf('https:', 'localhost', port), never));
    assert.equal(transport.info.remoteAddress, '127.0.0.1');
    const [socket] = await silenced;
    socket.on('error', () => undefined).resume();
    if (!socket.closed) await once(socket, 'close');
    transport.destroy();
  },
);

test('an abort ends a handshake with a silent server, and closes its connection', async (t) => {
  const server = createServer();
  t.after(() => server.close());
  const port = await listen(server);
  const controller = new AbortController();
  const dialling = new NodeDialler(h2c).dial(originOf('https:', '127.0.0.1', port), controller.signal);
  const [peer] = (await once(server, 'connection')) as [Socket];
  peer.on('error', () => undefined).resume();
  const reason = new Error('nobody waits');
  controller.abort(reason);
  await assert.rejects(dialling, (error) => error === reason);
  if (!peer.closed) await once(peer, 'close');
});

test('an abort before the dial, or during the lookup, connects nowhere', async () => {
  const controller = new AbortController();
  const dialler = new NodeDialler({ ...h2c, lookup: () => undefined });
  const dialling = dialler.dial(originOf('http:', 'a.test', 1), controller.signal);
  controller.abort();
  const aborted = { name: 'AbortError' };
  await assert.rejects(dialling, aborted);
  await assert.rejects(dialler.dial(originOf('http:', 'a.test', 1), controller.signal), aborted);
});

test('a socket path stands for every host', { skip: windows && 'pipes are named differently' }, async (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'passinglane-'));
  const socketPath = join(folder, 'server.sock');
  const server = echoServer();
  t.after(() => [server.close(), rmSync(folder, { recursive: true })]);
  await once(server.listen(socketPath), 'listening');
  const lookup: LookupFunction = () => assert.fail('looked up');
  const transport = h2(
    await new NodeDialler({ ...h2c, socketPath, lookup }).dial(originOf('http:', 'a.test', 80), never),
  );
  const sink = new Recorder();
  transport.start(sink);
  assert.equal((await sink.received(6)).toString(), 'hello ');
  transport.destroy();
  const missing = new NodeDialler({ ...h2c, socketPath: `${socketPath}.not` });
  await assert.rejects(missing.dial(originOf('http:', 'a.test', 80), never), /no such socket \(ENOENT\)/);
});

test('what a socket delivers sees no AsyncLocalStorage store of the request that dialled', async (t) => {
  const storage = new AsyncLocalStorage<string>();
  const server = echoServer();
  const secure = createTlsServer({ ...loopback, ALPNProtocols: ['h2'] }, (socket) => socket.end('hello '));
  t.after(() => [server.close(), secure.close()]);
  const dialler = new NodeDialler({ ...h2c, tls: { ca: loopback.cert } });
  for (const origin of [
    originOf('http:', 'localhost', await listen(server)),
    originOf('https:', 'localhost', await listen(secure)),
  ]) {
    const transport = h2(await storage.run('request', () => dialler.dial(origin, never)));
    const sink = new Recorder();
    const seen: (string | undefined)[] = [];
    sink.onNext = () => seen.push(storage.getStore());
    transport.start(sink);
    while (seen.length === 0) await new Promise((resolve) => setImmediate(resolve));
    storage.run('request', () => transport.destroy());
    assert.equal(seen[0], undefined, origin.href);
  }
});

test('createConnection is told where to go, and its stream is used as it is', async () => {
  const asked: CreateConnectionOptions[] = [];
  const stream = new PassThrough();
  for (const createConnection of [
    (options: CreateConnectionOptions) => (asked.push(options), stream),
    async (options: CreateConnectionOptions) => (asked.push(options), stream),
  ]) {
    const dialler = new NodeDialler({ allowHTTP1: false, cleartext: 'http/1.1', createConnection });
    const transport = h2(await dialler.dial(originOf('https:', 'a.test', 444), never));
    assert.equal(transport.transientReads, false);
  }
  assert.deepEqual(asked[0], {
    origin: 'https://a.test:444',
    protocol: 'https:',
    hostname: 'a.test',
    port: 444,
    servername: 'a.test',
    alpnProtocols: ['h2'],
    signal: never,
  });
  assert.equal(asked.length, 2);
});

test('createConnection for http: follows `cleartext`', async () => {
  const createConnection = ({ alpnProtocols, servername }: CreateConnectionOptions): Duplex => {
    assert.deepEqual([alpnProtocols, servername], [[], undefined]);
    return new PassThrough();
  };
  const origin = originOf('http:', 'a.test', 80);
  const plain = new NodeDialler({ allowHTTP1: true, cleartext: 'http/1.1', createConnection });
  assert.equal((await plain.dial(origin, never)).protocol, 'http/1.1');
  assert.equal((await new NodeDialler({ ...h2c, createConnection }).dial(origin, never)).protocol, 'h2');
});

test("a custom stream's word that it speaks HTTP/1.1 is taken", async () => {
  const stream = (): Duplex => Object.assign(new PassThrough(), { alpnProtocol: 'http/1.1' });
  const origin = originOf('https:', 'a.test', 443);
  const dialler = new NodeDialler({ ...h2c, createConnection: stream });
  assert.equal((await dialler.dial(origin, never)).protocol, 'http/1.1');
  const refused = stream();
  const strict = new NodeDialler({ ...h2c, allowHTTP1: false, createConnection: () => refused });
  await assert.rejects(strict.dial(origin, never), { code: 'ERR_PASSINGLANE_ALPN', message: /it chose http\/1\.1/ });
  assert.equal(refused.destroyed, true);
});

test('a custom socket that is still connecting is waited for, and its failure is ours', async (t) => {
  const server = echoServer();
  t.after(() => server.close());
  const port = await listen(server);
  const dialTo = (to: number): NodeDialler =>
    new NodeDialler({ ...h2c, createConnection: () => connect({ port: to, host: '127.0.0.1' }) });
  const transport = h2(await dialTo(port).dial(originOf('http:', 'a.test', 80), never));
  assert.equal(transport.info.remotePort, port, 'known only once connected');
  transport.destroy();
  const closed = closedPort;
  await assert.rejects(dialTo(closed).dial(originOf('http:', 'a.test', 80), never), /connection refused/);
});

test('a custom dialler that throws, rejects or gives a dead stream fails the dial with its error', async () => {
  const broken = new Error('no way there');
  const dead = new PassThrough();
  dead.on('error', () => undefined).destroy(broken);
  for (const createConnection of [
    () => {
      throw broken;
    },
    () => Promise.reject(broken),
    () => dead,
  ]) {
    await assert.rejects(new NodeDialler({ ...h2c, createConnection }).dial(originOf('https:', 'a.test', 443), never), {
      code: 'ERR_PASSINGLANE_CONNECT_FAILED',
      message: /^Could not connect to https:\/\/a\.test:443: no way there \(/,
      cause: broken,
    });
  }
});

test('a custom dialler that gives no stream fails the dial, and the message says so', async () => {
  for (const value of [null, undefined, {}])
    await assert.rejects(
      new NodeDialler({ ...h2c, createConnection: () => value as Duplex }).dial(
        originOf('https:', 'a.test', 443),
        never,
      ),
      { code: 'ERR_PASSINGLANE_CONNECT_FAILED', message: /Invalid stream from createConnection: / },
    );
});

test('an abort does not wait for a custom dialler, whose late stream is destroyed', async () => {
  const controller = new AbortController();
  let comeLate: (stream: Duplex) => void = () => undefined;
  const late = new Promise<Duplex>((resolve) => (comeLate = resolve));
  const dialler = new NodeDialler({ ...h2c, createConnection: () => late });
  const dialling = dialler.dial(originOf('http:', 'a.test', 80), controller.signal);
  controller.abort();
  await assert.rejects(dialling, { name: 'AbortError' });
  const stream = new PassThrough();
  comeLate(stream);
  await new Promise((resolve) => setImmediate(resolve));
  assert.equal(stream.destroyed, true);
  stream.emit('error', new Error('late')); // throws when nobody listens
});

test('an abort at the last moment destroys what has just been connected', async () => {
  for (const alpnProtocol of ['h2', 'http/1.1']) {
    const controller = new AbortController();
    const stream = new PassThrough();
    Object.defineProperty(stream, 'alpnProtocol', {
      get: () => {
        controller.abort();
        return alpnProtocol;
      },
    });
    const dialler = new NodeDialler({ ...h2c, createConnection: () => stream });
    await assert.rejects(dialler.dial(originOf('https:', 'a.test', 443), controller.signal), { name: 'AbortError' });
    assert.equal(stream.destroyed, true);
  }
});
