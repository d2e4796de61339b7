import assert from 'node:assert/strict';
import { AsyncLocalStorage } from 'node:async_hooks';
import { once } from 'node:events';
import { connect, createServer, Socket, type OnReadOpts } from 'node:net';
import { Duplex } from 'node:stream';
import { test, type TestContext } from 'node:test';
import { ReadBuffer } from '../../dist/node/read-buffer.js';
import { SocketTransport } from '../../dist/node/socket-transport.js';
import { listen, Recorder, write } from './helpers.js';

const nextTurn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

/** A stream whose writes the test completes, or that completes them before `write` returns. */
class FakeStream extends Duplex {
  readonly written: string[] = [];
  complete: ((error?: Error | null) => void) | undefined;

  override _read(): void {
    return;
  }

  override _write(chunk: Buffer, _encoding: string, callback: (error?: Error | null) => void): void {
    this.written.push(chunk.toString());
    this.complete = callback;
  }
}

/** The two ends of a TCP connection, ours with or without a read buffer. */
async function pair(t: TestContext, withReadBuffer: boolean, allowHalfOpen = false) {
  const server = createServer({ allowHalfOpen });
  const port = await listen(server);
  const reads = withReadBuffer ? new ReadBuffer() : undefined;
  const socket = connect({ port, host: '127.0.0.1', onread: reads?.onread });
  reads?.attach(socket);
  const [[peer]] = (await Promise.all([once(server, 'connection'), once(socket, 'connect')])) as [[Socket], unknown];
  peer.on('error', () => undefined);
  t.after(() => {
    server.close();
    socket.destroy();
    peer.destroy();
  });
  return { transport: new SocketTransport(socket, reads), socket, peer };
}

for (const withReadBuffer of [true, false]) {
  const kind = withReadBuffer ? 'a socket with a read buffer' : "a socket of somebody else's";

  test(`${kind} carries bytes both ways, and tells the end from the close`, async (t) => {
    const { transport, peer } = await pair(t, withReadBuffer);
    assert.equal(transport.transientReads, withReadBuffer);
    const sink = new Recorder();
    transport.start(sink);
    await write(transport, Buffer.from('ping'));
    assert.equal(String((await once(peer, 'data'))[0]), 'ping');
    const reply = Buffer.alloc(300_000, 'pong');
    peer.end(reply);
    assert.equal(await sink.closed, undefined);
    assert.ok(sink.bytes.equals(reply));
    assert.deepEqual(sink.events, ['bytes', 'end', 'close']);
  });

  test(`${kind} keeps what arrives before start, in order and within bounds`, async (t) => {
    const { transport, socket, peer } = await pair(t, withReadBuffer);
    const greeting = Buffer.alloc(4 << 20, Buffer.from(Array.from({ length: 251 }, (_, i) => i)));
    peer.end(greeting);
    if (withReadBuffer) await once(socket, 'readable');
    for (let i = 0; i < 20; i++) await nextTurn();
    assert.ok(socket.readableLength <= 131_072, `${socket.readableLength} bytes are held`);
    const sink = new Recorder();
    transport.start(sink);
    assert.deepEqual(sink.events, [], 'nothing from within start');
    await sink.closed;
    assert.ok(sink.bytes.equals(greeting));
    assert.deepEqual(sink.events, ['bytes', 'end', 'close']);
  });

  test(`${kind} that the peer resets closes with the error, once`, async (t) => {
    const { transport, peer } = await pair(t, withReadBuffer);
    const sink = new Recorder();
    transport.start(sink);
    peer.resetAndDestroy();
    const error = (await sink.closed) as NodeJS.ErrnoException;
    assert.equal(error.code, 'ECONNRESET');
    await nextTurn();
    assert.deepEqual(sink.events, ['close']);
  });

  test(`${kind} delivers what had arrived before a write fails, and then closes with that failure`, async (t) => {
    const { transport, peer } = await pair(t, withReadBuffer);
    const sink = new Recorder();
    transport.start(sink);
    await nextTurn();
    const last = Buffer.alloc(50_000, 'last words');
    // All in one turn of the event loop, in which nothing is read.
    peer.write(last);
    peer.destroy();
    await write(transport, Buffer.from('answered with a reset'));
    transport.write(Buffer.from('fails'), () => assert.fail('done'));
    const error = (await sink.closed) as NodeJS.ErrnoException;
    assert.ok(sink.bytes.equals(last), `${sink.bytes.length} bytes`);
    assert.equal(error.code, 'EPIPE');
    assert.deepEqual(sink.events, ['bytes', 'close']);
  });

  test(`${kind} is destroyed when the peer leaves the close to wait`, async (t) => {
    const { transport, peer } = await pair(t, withReadBuffer, true);
    const sink = new Recorder();
    transport.start(sink);
    peer.resume();
    const ended = once(peer, 'end');
    await write(transport, Buffer.from('bye'));
    transport.end();
    await ended;
    assert.equal(await sink.closed, undefined, 'although the peer never closes its side');
  });

  test(`${kind} knows its addresses after it has closed`, async (t) => {
    const { transport, socket, peer } = await pair(t, withReadBuffer);
    const { remoteAddress, remotePort, localAddress, localPort } = socket;
    const sink = new Recorder();
    transport.start(sink);
    peer.destroy();
    await sink.closed;
    assert.deepEqual(transport.info, {
      remoteAddress,
      remotePort,
      localAddress,
      localPort,
      alpnProtocol: undefined,
      tls: undefined,
    });
    assert.equal(remoteAddress, '127.0.0.1');
  });
}

test('a chunk is done when the layer below has taken it, and not before', async () => {
  const stream = new FakeStream();
  const transport = new SocketTransport(stream);
  transport.start(new Recorder());
  let done = 0;
  transport.write(Buffer.from('one'), () => done++);
  await nextTurn();
  assert.deepEqual([stream.written, done], [['one'], 0]);
  stream.complete?.();
  assert.equal(done, 1);
});

test('done is not called from within write, even by a stream that is done at once', async () => {
  const stream = new FakeStream();
  stream.write = (_chunk: unknown, ...rest: unknown[]) => {
    (rest.at(-1) as () => void)();
    return true;
  };
  const transport = new SocketTransport(stream);
  transport.start(new Recorder());
  let returned = false;
  await new Promise<void>((resolve) => {
    transport.write(Buffer.from('one'), () => {
      assert.equal(returned, true);
      resolve();
    });
    returned = true;
  });
});

test('bytes that a stream delivers from within write wait until it has returned, in order with the end', async () => {
  const stream = new FakeStream();
  const transport = new SocketTransport(stream);
  const sink = new Recorder();
  transport.start(sink);
  await nextTurn();
  stream.write = () => {
    stream.emit('data', Buffer.from('echo 1, '));
    stream.emit('data', Buffer.from('echo 2'));
    stream.emit('end');
    return true;
  };
  transport.write(Buffer.from('x'), () => undefined);
  assert.deepEqual(sink.events, []);
  await nextTurn();
  assert.equal(sink.bytes.toString(), 'echo 1, echo 2');
  assert.deepEqual(sink.events, ['bytes', 'end']);
});

test('bytes that have to wait are copied out of the buffer that is overwritten', async () => {
  const stream = new FakeStream();
  const reads = new ReadBuffer();
  const transport = new SocketTransport(stream, reads);
  const sink = new Recorder();
  transport.start(sink);
  await nextTurn();
  const { buffer, callback } = reads.onread as { buffer: () => Uint8Array; callback: OnReadOpts['callback'] };
  stream.write = () => {
    for (const letter of 'ab') callback(Buffer.from(letter).copy(buffer()), buffer());
    return true;
  };
  transport.write(Buffer.from('x'), () => undefined);
  await nextTurn();
  assert.equal(sink.bytes.toString(), 'ab');
});

test('a stream that was paused is read', async () => {
  const stream = new FakeStream();
  stream.pause();
  stream.push('waiting');
  const sink = new Recorder();
  new SocketTransport(stream).start(sink);
  assert.equal((await sink.received(7)).toString(), 'waiting');
});

test('destroy stops bytes, end and done, and the close follows in a tick of its own', async () => {
  const stream = new FakeStream();
  const transport = new SocketTransport(stream);
  const sink = new Recorder();
  transport.start(sink);
  await nextTurn();
  transport.write(Buffer.from('x'), () => assert.fail('done after destroy'));
  const reason = new Error('given up');
  transport.destroy(reason);
  assert.equal(stream.destroyed, true);
  assert.deepEqual(sink.events, [], 'not from within the call');
  stream.emit('data', Buffer.from('late'));
  stream.emit('end');
  stream.complete?.();
  assert.equal(await sink.closed, reason);
  transport.destroy();
  transport.end();
  await nextTurn();
  assert.deepEqual(sink.events, ['close']);
});

test('errors after the close are never uncaught', async () => {
  const stream = new FakeStream();
  const transport = new SocketTransport(stream);
  const sink = new Recorder();
  transport.start(sink);
  transport.destroy();
  await sink.closed;
  await nextTurn();
  stream.emit('error', new Error('late')); // throws when nobody listens
  assert.deepEqual(sink.events, ['close']);
});

test('a reset by the peer after destroy is never uncaught', async (t) => {
  const { transport, peer } = await pair(t, true);
  const sink = new Recorder();
  transport.start(sink);
  transport.write(Buffer.alloc(1 << 20), () => undefined);
  transport.destroy();
  peer.resetAndDestroy();
  assert.equal(await sink.closed, undefined);
  await once(peer, 'close');
  await nextTurn();
});

test('a write that fails ends in the close, with what broke the stream', async () => {
  const stream = new FakeStream();
  const transport = new SocketTransport(stream);
  const sink = new Recorder();
  transport.start(sink);
  transport.write(Buffer.from('x'), () => assert.fail('done'));
  const broken = new Error('EPIPE');
  stream.complete?.(broken);
  assert.equal(await sink.closed, broken);
});

test('a socket whose write fails closes with that although reading never comes to an end', async () => {
  class HalfBroken extends Socket {
    override _write(_chunk: unknown, _encoding: string, callback: (error?: Error) => void): void {
      callback(Object.assign(new Error('broken'), { code: 'EPIPE' }));
    }
  }
  const transport = new SocketTransport(new HalfBroken());
  const sink = new Recorder();
  transport.start(sink);
  transport.write(Buffer.from('x'), () => assert.fail('done'));
  const alive = setInterval(() => undefined, 1_000); // the transport's own timer keeps no process alive
  assert.equal((await sink.closed)?.message, 'broken');
  clearInterval(alive);
});

test('a stream that throws what it should emit ends the connection with that, not the process', async () => {
  const thrown = new Error('thrown');
  const fail = (): never => {
    throw thrown;
  };
  const uses: Record<string, (transport: SocketTransport) => void> = {
    _write: (transport) => transport.write(Buffer.from('x'), () => assert.fail('done')),
    write: (transport) => transport.write(Buffer.from('x'), () => assert.fail('done')),
    end: (transport) => transport.end(),
    ref: (transport) => transport.ref(),
    unref: (transport) => transport.unref(),
    destroy: (transport) => transport.destroy(),
  };
  for (const [method, use] of Object.entries(uses)) {
    const stream = Object.assign(new FakeStream(), { [method]: fail });
    const transport = new SocketTransport(stream);
    const sink = new Recorder();
    transport.start(sink);
    await nextTurn();
    use(transport);
    assert.deepEqual(sink.events, [], method);
    assert.equal(await sink.closed, thrown, method);
    transport.end();
    transport.destroy();
    await nextTurn();
    assert.deepEqual(sink.events, ['close'], method);
  }
});

test('what is no stream is refused by name', () => {
  for (const value of [null, undefined, {}, 'socket', new AbortController().signal])
    assert.throws(() => new SocketTransport(value as Duplex), {
      name: 'TypeError',
      code: 'ERR_INVALID_ARG_VALUE',
      message: /^Invalid socket: /,
    });
});

test('a stream that was destroyed before start still closes', async () => {
  for (const destroy of [
    (_transport: SocketTransport, stream: Duplex) => stream.destroy(new Error('early')),
    (transport: SocketTransport) => transport.destroy(new Error('early')),
  ]) {
    const stream = new FakeStream();
    const transport = new SocketTransport(stream);
    destroy(transport, stream);
    await nextTurn();
    const sink = new Recorder();
    transport.start(sink);
    assert.equal((await sink.closed)?.message, 'early');
    assert.deepEqual(sink.events, ['close']);
  }
  const gone = new FakeStream().destroy();
  await nextTurn();
  const sink = new Recorder();
  new SocketTransport(gone).start(sink);
  assert.equal(await sink.closed, undefined);
});

test('a stream that delivers strings is refused with a reason', async () => {
  const stream = new FakeStream();
  stream.setEncoding('utf8');
  const sink = new Recorder();
  new SocketTransport(stream).start(sink);
  stream.push('text');
  assert.match(String(await sink.closed), /must not have an encoding/);
});

test('a stream that delivers objects is refused with a reason', async () => {
  const stream = new Duplex({ readableObjectMode: true, read: () => undefined });
  const sink = new Recorder();
  new SocketTransport(stream).start(sink);
  stream.push({ text: 'x' });
  assert.match(String(await sink.closed), /must not be in object mode/);
});

test('ref and unref reach a socket, and a stream without them does not mind', () => {
  const calls: string[] = [];
  const stream = Object.assign(new FakeStream(), { ref: () => calls.push('ref'), unref: () => calls.push('unref') });
  const transport = new SocketTransport(stream);
  transport.unref();
  transport.ref();
  assert.deepEqual(calls, ['unref', 'ref']);
  const bare = new SocketTransport(new FakeStream());
  bare.unref();
  bare.ref();
});

test("what a write leads to sees no request's AsyncLocalStorage store", async (t) => {
  const storage = new AsyncLocalStorage<string>();
  const { transport, peer } = await pair(t, true);
  peer.resume();
  transport.start(new Recorder());
  await nextTurn();
  const seen = await new Promise((resolve) => {
    storage.run('request', () => transport.write(Buffer.from('x'), () => resolve(storage.getStore())));
  });
  assert.equal(seen, undefined);
});
