/** HTTP/1.1 over streams that the caller brings, and back-pressure over TLS. */
import assert from 'node:assert/strict';
import { createServer, type RequestListener } from 'node:http';
import { connect, Socket } from 'node:net';
import { Duplex, Readable } from 'node:stream';
import { test } from 'node:test';
import { connect as connectTls } from 'node:tls';
import { loopback } from '../support/certificates.js';
import { endpoints, pattern } from '../support/endpoints.js';
import { eventually, httpOrigin, httpsOrigin, transportFor } from './support.js';

/** One end of a pair of streams, each of which reads what the other is written. */
class End extends Duplex {
  other: End | undefined = undefined;
  private taken: (() => void) | undefined = undefined;

  override _read(): void {
    const { taken } = this;
    this.taken = undefined;
    taken?.();
  }

  override _write(chunk: Buffer, _encoding: BufferEncoding, done: () => void): void {
    const { other } = this;
    if (other === undefined || other.push(chunk)) done();
    else other.taken = done;
  }

  override _final(done: () => void): void {
    this.other?.push(null);
    done();
  }
}

function streamPair(): [End, End] {
  const pair: [End, End] = [new End(), new End()];
  pair[0].other = pair[1];
  pair[1].other = pair[0];
  return pair;
}

test('a socket of createConnection carries HTTP/1.1 for http:, and is kept', async (t) => {
  const server = await httpOrigin(t);
  const port = Number(new URL(server.origin).port);
  const asked: string[] = [];
  const transport = transportFor(t, {
    createConnection: ({ origin }) => (asked.push(origin), connect(port, '127.0.0.1')),
  });
  for (let i = 0; i < 3; i++) {
    const response = await transport.request('http://nowhere.test/echo', { method: 'POST', body: `body ${i}` });
    assert.equal(response.httpVersion, '1.1');
    assert.equal(response.connection.reused, i > 0);
    assert.equal(await response.body.text(), `body ${i}`);
  }
  assert.deepEqual(asked, ['http://nowhere.test']);
  transport.destroy();
  await eventually(() => server.open.size === 0);
});

test('a TLS socket of createConnection whose ALPN says http/1.1 carries HTTP/1.1 for https:', async (t) => {
  const server = await httpsOrigin(t);
  const port = Number(new URL(server.origin).port);
  let dials = 0;
  const transport = transportFor(t, {
    createConnection: async ({ alpnProtocols }) => {
      dials++;
      const socket = connectTls({ port, host: '127.0.0.1', ca: loopback.cert, ALPNProtocols: [...alpnProtocols] });
      await new Promise<void>((resolve, reject) => void socket.once('secureConnect', resolve).once('error', reject));
      return socket;
    },
  });
  const bytes = pattern(1_000_000);
  for (let i = 0; i < 2; i++) {
    const response = await transport.request('https://nowhere.test/echo', { method: 'POST', body: bytes });
    assert.equal(response.httpVersion, '1.1');
    assert.deepEqual(Buffer.from(await response.body.bytes()), bytes);
  }
  assert.deepEqual([dials, server.connections], [1, 1]);
});

test('a stream that is no socket carries HTTP/1.1, large bodies both ways', async (t) => {
  const server = createServer(endpoints);
  const transport = transportFor(t, {
    createConnection: () => {
      const [near, far] = streamPair();
      server.emit('connection', far);
      return near;
    },
  });
  t.after(() => server.close());
  assert.equal(await (await transport.request('http://in.process/hello.txt')).body.text(), 'hello\n');
  const bytes = pattern(1_000_000);
  const echo = await transport.request('http://in.process/echo', { method: 'POST', body: bytes });
  assert.deepEqual(Buffer.from(await echo.body.bytes()), bytes);
});

test('a stream of createConnection that ends under a response is an error', async (t) => {
  const server = await httpOrigin(t, (_request, response) => {
    response.writeHead(200, { 'content-length': '100' });
    response.write('only this', () => response.destroy());
  });
  const port = Number(new URL(server.origin).port);
  const transport = transportFor(t, { createConnection: () => connect(port, '127.0.0.1') });
  const response = await transport.request('http://nowhere.test/');
  await assert.rejects(response.body.text(), { name: 'TransportError' });
});

test('bytes on a new connection before any request fail the request at once, and say so', async (t) => {
  let dials = 0;
  const transport = transportFor(t, {
    createConnection: () => {
      dials++;
      const stream = new End();
      stream.push('HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nhi');
      return stream;
    },
  });
  for (const [method, body] of [['GET'], ['POST', 'body'], ['PUT', Readable.from(['body'])]] as const)
    await assert.rejects(transport.request('http://in.process/path', { method, body, idempotent: true }), {
      code: 'ERR_PASSINGLANE_PROTOCOL',
      message:
        /^\w+ http:\/\/in\.process\/path: http:\/\/in\.process broke the rules of HTTP\/1\.1: it sent bytes before any request/,
      unprocessed: true,
      attempts: 1,
    });
  assert.equal(dials, 3);
});

test('over TLS, a body that nobody reads makes the server wait, and so does a server that does not read', async (t) => {
  const total = 64 * 1_048_576;
  let sent = 0;
  let read: (() => void) | undefined;
  const handler: RequestListener = (request, response) => {
    if (request.method === 'POST') {
      let received = 0;
      read = (): void =>
        void request
          .on('data', (chunk: Buffer) => (received += chunk.length))
          .on('end', () => response.end(String(received)));
      return;
    }
    const chunk = pattern(65_536);
    const more = (): void => {
      while (sent < total) {
        sent += chunk.length;
        if (!response.write(chunk)) return void response.once('drain', more);
      }
      response.end();
    };
    more();
  };
  const server = await httpsOrigin(t, handler);
  const transport = transportFor(t);
  /** Waits until a count has stood still for several looks. */
  const still = async (count: () => number): Promise<number> => {
    for (let before = -1, same = 0; same < 5;) {
      await new Promise((resolve) => setTimeout(resolve, 50));
      same = count() === before ? same + 1 : 0;
      before = count();
    }
    return count();
  };

  const slow = await transport.request(server.origin);
  const held = await still(() => sent);
  assert.ok(held < total / 2, `${held} bytes left the server although nobody read`);
  assert.ok(transport.stats().bufferedBytes <= 262_144, `${transport.stats().bufferedBytes} bytes are held`);
  let received = 0;
  for await (const piece of slow.body) received += piece.length;
  assert.equal(received, total);

  let taken = 0;
  const body = function* (): Generator<Buffer> {
    for (; taken < total; taken += 65_536) yield pattern(65_536);
  };
  const answer = transport.request(server.origin, { method: 'POST', body: Readable.from(body()) });
  await eventually(() => read !== undefined);
  const pulled = await still(() => taken);
  assert.ok(pulled < total / 2, `${pulled} bytes were taken from the body although the server did not read`);
  read?.();
  assert.equal(await (await answer).body.text(), String(total));
});

test('a stream that is closed already has nobody asked about TLS where none is spoken', async (t) => {
  const createConnection = (): Socket => new Socket().destroy();
  const transport = transportFor(t, { createConnection });
  await assert.rejects(transport.request('http://a.test/'), {
    code: 'ERR_PASSINGLANE_CONNECT_FAILED',
    message: /Could not connect to http:\/\/a\.test: the connection closed before it was ready \(ECONNRESET\) \(docs/,
  });
});
