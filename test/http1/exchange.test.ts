/** One exchange of HTTP/1.1 on a stream in memory, by what its caller hears and what goes out. */
import assert from 'node:assert/strict';
import { Duplex } from 'node:stream';
import { test } from 'node:test';
import type { RequestHandle } from '../../dist/ports/index.js';
import { Http1Connection } from '../../dist/http1/index.js';
import { BufferBudget } from '../../dist/protocol/index.js';
import { VirtualClock } from '../support/virtual-clock.js';

/** The stream, as its server has it: what is pushed comes to the client. */
class Wire extends Duplex {
  written = '';
  /** By so many writes. */
  writes = 0;
  /** Comes as soon as anything is written, and before the word that it is. */
  answer: string | undefined = undefined;

  override _read(): void {
    // what comes is pushed
  }

  override _write(chunk: Buffer, _: BufferEncoding, done: () => void): void {
    this.written += chunk.toString('latin1');
    this.writes++;
    if (this.answer === undefined) return done();
    const { answer } = this;
    this.answer = undefined;
    setImmediate(done);
    process.nextTick(() => this.push(answer));
  }

  override _writev(chunks: readonly { readonly chunk: Buffer }[], done: () => void): void {
    this._write(Buffer.concat(chunks.map(({ chunk }) => chunk)), 'latin1', done);
  }
}

interface Script {
  readonly wire: Wire;
  readonly clock: VirtualClock;
  readonly request: RequestHandle;
  /** What the caller has heard. */
  readonly told: string[];
}

interface Options {
  readonly protocol?: string;
  readonly endStream?: boolean;
  readonly method?: string;
  readonly path?: string;
  /** Its head has gone out. */
  readonly settled?: boolean;
}

/** A request with these fields. */
async function exchange(
  fields: readonly string[] = [],
  { protocol, endStream = true, method = 'GET', path = '/', settled = true }: Options = {},
): Promise<Script> {
  const wire = new Wire();
  const clock = new VirtualClock();
  const told: string[] = [];
  const limits = { maxHeaderListSize: 65_536, maxRequests: 0, maxAge: 0, idleTimeout: 0, writeTimeout: 0 };
  const connection = new Http1Connection(
    wire,
    { id: 1, origin: 'http://a.test', observer: undefined, budget: new BufferBudget(1 << 20), ...limits },
    clock,
    {
      onCapacity: () => undefined,
      onDraining: () => undefined,
      onTooManyPings: () => undefined,
      onClosed: () => undefined,
    },
    {
      remoteAddress: undefined,
      remotePort: undefined,
      localAddress: undefined,
      localPort: undefined,
      alpnProtocol: '',
      tls: undefined,
    },
  );
  connection.start(() => undefined);
  const request = connection.open(
    {
      fields: [':method', method, ':scheme', 'http', ':authority', 'a.test', ':path', path, ...fields],
      method,
      protocol,
      closes: false,
      trailers: undefined,
      urgency: 3,
      bodyless: false,
      endStream,
    },
    {
      onInformational: (status) => void told.push(String(status)),
      onHeaders: (status, _, end) => void told.push(`${status}${end ? ' without a body' : ''}`),
      onData: (bytes, start, end) => void told.push(Buffer.from(bytes.subarray(start, end)).toString()),
      onEnd: () => void told.push('end'),
      onSent: () => void told.push('sent'),
      onDrain: () => void told.push('more'),
      onFailed: ({ code }) => void told.push(code),
    },
  );
  if (settled) await clock.settle();
  return { wire, clock, request, told };
}

const ok = 'HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok';

test('whoever asks for trailers by te says so in connection too, as it is for the next hop alone', async () => {
  const { wire } = await exchange(['te', 'trailers']);
  assert.match(wire.written, /\r\nconnection: keep-alive, te\r\nte: trailers\r\n/);
  const { wire: plain } = await exchange();
  assert.match(plain.written, /\r\nconnection: keep-alive\r\n/);
});

test('what was asked for by an upgrade takes the stream over, both ways, until both have ended', async () => {
  const { wire, clock, request, told } = await exchange([':protocol', 'chat'], { protocol: 'chat', endStream: false });
  assert.match(wire.written, /^GET \/ HTTP\/1\.1\r\nhost: a\.test\r\nconnection: upgrade\r\nupgrade: chat\r\n\r\n$/);
  wire.push('HTTP/1.1 101 Switching Protocols\r\nconnection: upgrade\r\nupgrade: chat\r\n\r\nearly');
  await clock.settle();
  assert.deepEqual(told.splice(0), ['101', 'early']);
  wire.written = '';
  request.send(Buffer.from('one'), false);
  await clock.settle();
  assert.deepEqual([told.splice(0), wire.written], [['more'], 'one']);
  wire.push('late');
  request.send(Buffer.from('two'), true);
  await clock.settle();
  assert.deepEqual([told.splice(0), wire.written, wire.writableEnded], [['late', 'sent'], 'onetwo', true]);
  wire.push(null);
  await clock.settle();
  assert.deepEqual(told, ['end']);
});

test('before an upgrade is granted, and where it is not, nothing of a body goes out', async () => {
  const { wire, clock, request, told } = await exchange([':protocol', 'chat'], { protocol: 'chat', endStream: false });
  wire.written = '';
  request.send(Buffer.from('one'), true);
  wire.push(ok);
  await clock.settle();
  assert.deepEqual([told, wire.written], [['sent', '200', 'ok', 'end'], '']);
});

test('a piece of a body goes out in one write, the first together with the head', async () => {
  for (const [fields, body] of [
    [['content-length', '3'], 'abc'],
    [[], '3\r\nabc\r\n0\r\n\r\n'],
  ] as const) {
    const { wire, clock, request, told } = await exchange(fields, { endStream: false, settled: false });
    request.send(Buffer.from('abc'), true);
    await clock.settle();
    assert.deepEqual(
      [told, wire.writes, wire.written.split('\r\n\r\n').slice(1).join('\r\n\r\n')],
      [['sent'], 1, body],
    );
  }
});

test('an answer that is faster than the word that its request has gone out ends behind that', async () => {
  const { wire, clock, request, told } = await exchange(['content-length', '3'], { endStream: false });
  wire.answer = ok;
  request.send(Buffer.from('abc'), true);
  await clock.settle();
  assert.deepEqual(told, ['200', 'ok', 'sent', 'end']);
});

test('no part of a head can be taken for another line of it, whoever let it come so far', async () => {
  const code = 'ERR_PASSINGLANE_INVALID_REQUEST';
  for (const options of [{ method: 'GET /' }, { method: 'GET\n' }, { path: '/ HTTP/1.1\r\nx: y' }, { path: '/a b' }])
    await assert.rejects(exchange([], options), { code, message: /request line/ });
  await assert.rejects(exchange(['x', 'a\r\nb: c']), { code, message: /field "x"/ });
  await assert.rejects(exchange(['x: a\r\nb', 'c']), { code, message: /field "/ });
});

test('a response ends in the read that brings its last byte, without another turn of the event loop', async () => {
  const { wire, told } = await exchange();
  wire.push(ok);
  await new Promise((resolve) => process.nextTick(resolve));
  assert.deepEqual(told, ['200', 'ok', 'end']);
});

test('a request that was given up hears nothing more, of its response or of the end of its connection', async () => {
  const { wire, clock, request, told } = await exchange();
  wire.push(ok.slice(0, -1));
  await clock.settle();
  assert.deepEqual(told.splice(0), ['200', 'o']);
  request.reset(8);
  await clock.settle();
  assert.deepEqual([told, wire.destroyed], [[], true]);
});

test('a server that ended its side while a request was still going out is left as soon as that is through', async () => {
  const { wire, clock, request, told } = await exchange(['content-length', '3'], { endStream: false });
  wire.push(ok);
  wire.push(null);
  await clock.settle();
  assert.deepEqual([told.splice(0), wire.writableEnded], [['200', 'ok', 'end'], false]);
  request.send(Buffer.from('abc'), true);
  await clock.settle();
  assert.deepEqual([told, wire.writableEnded], [['sent'], true]);
});
