/** How long an HTTP/1.1 connection is kept, by a clock that stands still until it is moved. The server is in memory. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { Duplex } from 'node:stream';
import { test, type TestContext } from 'node:test';
import { Http1Connection } from '../../dist/http1/index.js';
import { BaseTransport } from '../../dist/transport.js';
import { resolveOptions, type TransportOptions } from '../../dist/transport-options.js';
import { VirtualClock } from '../support/virtual-clock.js';

/** One connection, as its server has it. */
class ServerSide extends Duplex {
  /** Requests that have come. */
  requests = 0;
  /** Holds answers back until `answer` is called. */
  held = false;
  /** Answers before it says that it has what was written. */
  hasty = false;
  private readonly keepAlive: string;
  private input = '';

  constructor(keepAlive: string) {
    super({ allowHalfOpen: false });
    this.keepAlive = keepAlive;
  }

  override _read(): void {
    // what comes is pushed
  }

  override _write(chunk: Buffer, _: BufferEncoding, done: () => void): void {
    this.input += chunk.toString('latin1');
    for (let at = this.input.indexOf('\r\n\r\n'); at >= 0; at = this.input.indexOf('\r\n\r\n')) {
      this.input = this.input.slice(at + 4);
      this.requests++;
      if (!this.held) this.answer();
    }
    if (this.hasty) setImmediate(() => setImmediate(done));
    else done();
  }

  answer(): void {
    this.push(`HTTP/1.1 200 OK\r\ncontent-length: 2\r\n${this.keepAlive}\r\nok`);
  }
}

class Place {
  readonly clock = new VirtualClock();
  readonly connections: ServerSide[] = [];
  /** What the name stands for; connections lead to the first. */
  addresses: readonly string[] = [];
  readonly transport: BaseTransport;

  /** @param dead so many of the first connections are gone before anybody can use them */
  constructor(t: TestContext, options: TransportOptions, keepAlive = '', dead = 0) {
    const place = { remoteAddress: undefined, remotePort: undefined, localAddress: undefined, localPort: undefined };
    const info = { ...place, alpnProtocol: '', tls: undefined };
    const inRootContext = <A extends unknown[], R>(fn: (...args: A) => R, ...args: A): R => fn(...args);
    this.transport = new BaseTransport(resolveOptions(options, 'test'), {
      clock: this.clock,
      dialler: {
        dial: async (_origin, _signal, _http1Only, route) => {
          route?.order(this.addresses);
          const socket = new ServerSide(keepAlive);
          if (this.connections.push(socket) <= dead) await once(socket.destroy(), 'close');
          return {
            protocol: 'http/1.1',
            address: this.addresses[0],
            socket,
            open: (stream, config, clock, owner) => new Http1Connection(stream, config, clock, owner, info),
          };
        },
      },
      wrap: (): never => assert.fail('nothing is adopted here'),
      random: () => 0.5,
      inRootContext,
    });
    t.after(() => {
      this.transport.destroy();
    });
  }

  /** One request, to its end. */
  async get(): Promise<void> {
    const got = this.transport.request('http://test.example/').then(({ body }) => body.text());
    await this.clock.settle();
    assert.equal(await got, 'ok');
    await this.clock.settle();
  }
}

test('the idle time does not run on while a request is under way', async (t) => {
  const place = new Place(t, { idleTimeout: 100 });
  await place.get();
  const [connection] = place.connections;
  connection!.held = true;
  const slow = place.transport.request('http://test.example/slow');
  await place.clock.advance(1_000);
  connection!.held = false;
  connection!.answer();
  await place.clock.settle();
  assert.equal(await (await slow).body.text(), 'ok');
  await place.clock.settle();
  await place.get();
  assert.deepEqual([place.connections.length, connection!.requests], [1, 3]);
});

test('the idle time is counted anew from the end of each request', async (t) => {
  const place = new Place(t, { idleTimeout: 100 });
  for (let i = 0; i < 3; i++) {
    await place.get();
    await place.clock.advance(99);
  }
  assert.deepEqual([place.connections.length, place.connections[0]!.writableEnded], [1, false]);
  await place.clock.advance(1);
  assert.equal(place.connections[0]!.writableEnded, true);
});

const never = 3_600_000;

for (const [idleTimeout, says, lasts] of [
  [90_000, '', 90_000],
  [1, '', 1],
  [0, '', never],
  [90_000, 'keep-alive: timeout=5\r\n', 4_000],
  [2_000, 'keep-alive: timeout=5\r\n', 2_000],
  [0, 'keep-alive: timeout=5, max=100\r\n', 4_000],
  [90_000, 'keep-alive: timeout=1\r\n', 0],
  [0, 'keep-alive: timeout=0\r\n', 0],
  [2_000, 'keep-alive: max=100\r\n', 2_000],
  [90_000, 'keep-alive: max=100\r\nkeep-alive: timeout=5\r\n', 4_000],
  [90_000, 'keep-alive: timeout=60\r\nkeep-alive: timeout=5\r\n', 4_000],
] as const)
  test(`with idleTimeout ${idleTimeout} and ${says === '' ? 'no word of the server' : says.trim()} a connection is kept ${
    lasts === never ? 'for ever' : `${lasts} ms`
  }`, async (t) => {
    const place = new Place(t, { idleTimeout }, says);
    await place.get();
    const [connection] = place.connections;
    if (lasts === never) assert.equal(place.clock.size, 0, 'there is no timer');
    if (lasts > 0) {
      await place.clock.advance(lasts - 1);
      assert.equal(connection!.writableEnded, false, 'it is kept');
    }
    if (lasts !== never) await place.clock.advance(1);
    assert.equal(connection!.writableEnded, lasts !== never);
  });

test('what was idle for too long while the process was frozen carries nothing more', async (t) => {
  const place = new Place(t, { idleTimeout: 90_000 });
  await place.get();
  place.clock.sleep(90_001);
  await place.get();
  assert.deepEqual([place.connections.length, place.connections[0]!.requests], [2, 1]);
  assert.equal(place.connections[0]!.writableEnded, true);
  await place.get();
  assert.deepEqual([place.connections.length, place.connections[1]!.requests], [2, 2], 'the other is kept');
  assert.equal(place.transport.stats().connections, 1);
  place.transport.destroy();
  assert.equal(place.connections[1]!.destroyed, true, 'and ends with its transport');
});

test('with maxRequestsPerConnection 1 each request has a connection of its own, which closes behind it', async (t) => {
  const place = new Place(t, { maxRequestsPerConnection: 1 });
  for (let i = 1; i <= 3; i++) {
    await place.get();
    assert.equal(place.connections.length, i);
    assert.equal(place.connections[i - 1]!.writableEnded, true);
  }
});

test('a connection older than maxConnectionAge carries nothing more, whether a request or idle time made it so', async (t) => {
  const place = new Place(t, { maxConnectionAge: 1_000 });
  await place.get();
  await place.clock.advance(1_000);
  await place.get();
  assert.deepEqual([place.connections.length, place.connections[0]!.requests], [2, 1], 'it aged while it was idle');
  const [, connection] = place.connections;
  connection!.held = true;
  const slow = place.transport.request('http://test.example/slow');
  await place.clock.advance(1_000);
  connection!.answer();
  await place.clock.settle();
  assert.equal(await (await slow).body.text(), 'ok');
  await place.clock.settle();
  assert.equal(connection!.writableEnded, true, 'it aged under a request, which was not cut');
});

test('a connection that is gone before it can be used is none, and the request goes out on the next', async (t) => {
  const place = new Place(t, { retry: { baseDelay: 100 } }, '', 1);
  const got = place.transport.request('http://test.example/').then(({ body }) => body.text());
  await place.clock.advance(1_000);
  assert.equal(await got, 'ok');
  assert.deepEqual(
    place.connections.map(({ requests }) => requests),
    [0, 1],
  );
});

test('a connection that its server closes while it is idle leaves no timer behind', async (t) => {
  const place = new Place(t, { idleTimeout: 90_000 });
  await place.get();
  assert.deepEqual([place.clock.size, place.clock.holding], [1, 0], 'its idle time, which keeps no process alive');
  place.connections[0]!.push(null);
  await place.clock.settle();
  assert.deepEqual([place.transport.stats().connections, place.clock.size], [0, 0]);
});

test('a server that closes each connection while it is idle is dialled again at once, and its address is none the worse', async (t) => {
  const told: string[] = [];
  const place = new Place(t, { observer: { address: ({ type, address }) => void told.push(`${type} ${address}`) } });
  place.addresses = ['192.0.2.1', '192.0.2.2'];
  for (let i = 1; i <= 4; i++) {
    await place.get(); // the clock stands still
    assert.equal(place.connections.length, i);
    place.connections[i - 1]!.push(null);
    await place.clock.settle();
  }
  assert.deepEqual(told, ['added 192.0.2.1', 'added 192.0.2.2']);
});

test('an idle connection that is closed leaves no timer but that which ends it where its server does not', async (t) => {
  const place = new Place(t, { idleTimeout: 90_000 });
  await place.get();
  place.transport.closeIdleConnections();
  await place.clock.settle();
  assert.deepEqual([place.clock.size, place.clock.holding], [1, 0]);
  await place.clock.advance(250);
  assert.deepEqual([place.connections[0]!.destroyed, place.clock.size], [true, 0]);
});

test('an answer that is there before the word that its request went out ends as others do', async (t) => {
  const place = new Place(t, {});
  await place.get();
  place.connections[0]!.hasty = true;
  await place.get();
  await place.get();
  assert.deepEqual([place.connections.length, place.connections[0]!.requests], [1, 3]);
});

test("an answer that comes before its request has gone out is nobody's: the request goes out elsewhere", async (t) => {
  const place = new Place(t, {});
  await place.get();
  const got = place.transport.request('http://test.example/', { method: 'POST' }).then(({ body }) => body.text());
  place.connections[0]!.push('HTTP/1.1 200 OK\r\ncontent-length: 4\r\n\r\nevil');
  await place.clock.settle();
  assert.equal(await got, 'ok');
  assert.deepEqual(
    place.connections.map(({ requests }) => requests),
    [1, 1],
  );
});

test('the end of a connection is told once, whoever ends it', async (t) => {
  for (const end of ['the server', 'we'] as const) {
    const told: string[] = [];
    const place = new Place(t, { observer: { connection: ({ type }) => void told.push(type) } });
    await place.get();
    if (end === 'we') place.transport.closeIdleConnections();
    else place.connections[0]!.push(null);
    await place.clock.advance(1_000);
    assert.equal(place.connections[0]!.destroyed, true);
    assert.deepEqual(told, ['dialling', 'connected', 'closed'], end);
  }
});
