/** Connections that are cut, at every byte of an exchange: a right answer or a typed error, and never a wrong answer. */
import assert from 'node:assert/strict';
import { createServer, type Http2Server } from 'node:http2';
import { connect, type AddressInfo } from 'node:net';
import { Duplex } from 'node:stream';
import { test, type TestContext } from 'node:test';
import { gzipSync } from 'node:zlib';
import { Transport, TransportError } from '../../dist/index.js';
import { pattern } from '../support/endpoints.js';
import { faultProxy, type Fault } from '../support/fault-proxy.js';
import { startOrigin } from '../support/origin.js';

const text = pattern(700).toString('latin1');

/** What a server may answer: each must arrive whole or as an error. */
const answers: Readonly<Record<string, (server: Http2Server) => void>> = {
  'a body with a length': (server) =>
    void server.on('stream', (stream) => {
      stream.respond({ ':status': 200, 'content-length': 700 });
      stream.end(Buffer.from(text, 'latin1'));
    }),
  'a body without a length, in pieces, with trailers': (server) =>
    void server.on('stream', (stream) => {
      stream.respond({ ':status': 200 }, { waitForTrailers: true });
      stream.on('wantTrailers', () => stream.sendTrailers({ 'x-sum': '1' }));
      stream.write(Buffer.from(text.slice(0, 300), 'latin1'));
      setTimeout(() => stream.end(Buffer.from(text.slice(300), 'latin1')), 5);
    }),
  'a gzip body after 103': (server) =>
    void server.on('stream', (stream) => {
      stream.additionalHeaders({ ':status': 103, link: '</style.css>' });
      stream.respond({ ':status': 200, 'content-encoding': 'gzip' });
      stream.end(gzipSync(Buffer.from(text, 'latin1')));
    }),
};

/** Everything that a server sends for one request, recorded. */
async function record(answer: (server: Http2Server) => void): Promise<Buffer> {
  const server = createServer();
  answer(server);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  const parts: Buffer[] = [];
  const transport = new Transport({
    cleartext: 'h2c',
    createConnection: () => {
      const socket = connect(port, '127.0.0.1');
      socket.on('data', (chunk: Buffer) => parts.push(Buffer.from(chunk)));
      return socket;
    },
  });
  const response = await transport.request(`http://127.0.0.1:${port}/`);
  assert.equal(Buffer.from(await response.body.bytes()).toString('latin1'), text);
  transport.destroy();
  await new Promise((resolve) => server.close(resolve));
  return Buffer.concat(parts);
}

/** Says what was recorded up to some byte, in pieces, once the client has sent its request; and then meets its end. */
class Replay extends Duplex {
  private started = false;
  private readonly recording: Buffer;
  private readonly piece: number;
  private readonly end_: 'fin' | 'reset';

  constructor(recording: Buffer, piece: number, how: 'fin' | 'reset') {
    super();
    this.recording = recording;
    this.piece = piece;
    this.end_ = how;
  }

  override _write(_chunk: Buffer, _encoding: BufferEncoding, done: () => void): void {
    done();
    if (this.started) return;
    this.started = true;
    for (let at = 0; at < this.recording.length; at += this.piece)
      this.push(this.recording.subarray(at, at + this.piece));
    if (this.end_ === 'fin') this.push(null);
    else setImmediate(() => this.destroy(Object.assign(new Error('read ECONNRESET'), { code: 'ECONNRESET' })));
  }

  override _read(): void {
    return;
  }
}

interface Outcome {
  readonly whole: boolean;
}

/** One request, which has to end once: with the right answer, or with an error of ours. */
async function attempt(transport: Transport, url: string): Promise<Outcome> {
  try {
    const response = await transport.request(url);
    const body = Buffer.from(await response.body.bytes()).toString('latin1');
    assert.deepEqual([response.status, body], [200, text], 'what is presented as whole is whole');
    return { whole: true };
  } catch (error) {
    assert.ok(TransportError.isInstance(error), `an untyped end: ${String(error)}`);
    assert.notEqual(error.message, '');
    return { whole: false };
  }
}

for (const [name, answer] of Object.entries(answers)) {
  test(`${name}, cut at every byte, is an error until its last frame is there and right from then on`, async () => {
    const recording = await record(answer);
    let answered = 0;
    for (const [piece, how] of [
      [65_536, 'fin'],
      [65_536, 'reset'],
      [1, 'fin'],
      [97, 'reset'],
    ] as const) {
      let lastFailure = -1;
      for (let length = 0; length <= recording.length; length++) {
        const transport = new Transport({
          cleartext: 'h2c',
          retry: { maxAttempts: 1 },
          createConnection: () => new Replay(recording.subarray(0, length), piece, how),
        });
        const { whole } = await attempt(transport, 'http://replay.example/');
        transport.destroy();
        if (whole) answered++;
        else lastFailure = length;
      }
      assert.ok(how === 'reset' || lastFailure < recording.length, 'with all of it there, the answer is right');
    }
    assert.ok(answered > 0 && answered < 4 * recording.length);
  });
}

async function proxied(
  t: TestContext,
  tls: boolean,
): Promise<{ url: string; proxy: Awaited<ReturnType<typeof faultProxy>>; dial: () => Transport }> {
  const origin = await startOrigin({ tls });
  const proxy = await faultProxy(origin.port);
  t.after(() => Promise.all([proxy.close(), origin.close()]));
  const { protocol } = new URL(origin.origin);
  return {
    url: `${protocol}//127.0.0.1:${proxy.port}/bytes/5000`,
    proxy,
    dial: () =>
      new Transport({
        cleartext: 'h2c',
        retry: { maxAttempts: 1 },
        connectTimeout: 300,
        ...(origin.ca !== undefined && { tls: { ca: origin.ca } }),
      }),
  };
}

/** One request through the proxy under a fault; true: it was answered rightly. */
async function through(url: string, transport: Transport, timeout: number): Promise<boolean> {
  try {
    const response = await transport.request(url, { timeout });
    const body = Buffer.from(await response.body.bytes());
    assert.ok(body.equals(pattern(5_000)), 'what is presented as whole is whole');
    return true;
  } catch (error) {
    assert.ok(TransportError.isInstance(error), `an untyped end: ${String(error)}`);
    return false;
  } finally {
    transport.destroy();
  }
}

for (const tls of [false, true]) {
  const over = tls ? 'TLS, its records among it,' : 'TCP';
  test(`over ${over} a connection that is ended, reset or half-closed along the way gives a right answer or an error`, async (t) => {
    const { url, proxy, dial } = await proxied(t, tls);
    assert.equal(await through(url, dial(), 5_000), true);
    const step = tls ? 61 : 53;
    let failed = 0;
    for (const how of ['fin', 'reset', 'half'] as const) {
      for (let after = 1; after < 8_000; after += step * 3) {
        proxy.fault = { after, how };
        if (!(await through(url, dial(), 5_000))) failed++;
      }
    }
    assert.ok(failed > 50);
    proxy.fault = { after: Infinity, how: 'fin' };
    assert.equal(await through(url, dial(), 5_000), true, 'and recovers');
  });

  test(`over ${over} a connection that stalls along the way is ended by a time-out`, async (t) => {
    const { url, proxy, dial } = await proxied(t, tls);
    for (const after of [1, 30, 200, 2_000, 4_000]) {
      proxy.fault = { after, how: 'stall' };
      assert.equal(await through(url, dial(), 150), false);
    }
  });

  test(`over ${over} bytes that come one at a time, or late, are the same answer`, async (t) => {
    const { url, proxy } = await proxied(t, tls);
    const slow: readonly Fault[] = [
      { after: Infinity, how: 'fin', piece: 1 },
      { after: Infinity, how: 'fin', piece: 700, delay: 20 },
    ];
    for (const fault of slow) {
      proxy.fault = fault;
      const transport = new Transport({
        cleartext: 'h2c',
        connectTimeout: 60_000,
        ...(tls && { tls: { rejectUnauthorized: false } }),
      });
      assert.equal(await through(url, transport, 100_000), true);
    }
  });
}
