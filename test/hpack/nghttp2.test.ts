import assert from 'node:assert/strict';
import { EventEmitter, once } from 'node:events';
import * as http2 from 'node:http2';
import * as net from 'node:net';
import { test } from 'node:test';
import { Decoder, Encoder, type Field } from '../../dist/hpack/index.js';
import { join } from './helpers.js';

// The other end in these tests is nghttp2, as node:http2 has it: an implementation that nobody here wrote.

const type = { headers: 1, settings: 4, continuation: 9 };
const flag = { ack: 1, endStream: 1, endHeaders: 4 };
const headerTableSize = 1;

function frame(kind: number, flags: number, stream: number, payload: Uint8Array = new Uint8Array(0)): Uint8Array {
  const head = Buffer.alloc(9);
  head.writeUIntBE(payload.length, 0, 3);
  head[3] = kind;
  head[4] = flags;
  head.writeUInt32BE(stream, 5);
  return join(head, payload);
}

function settings(tableSize?: number): Uint8Array {
  if (tableSize === undefined) return frame(type.settings, 0, 0);
  const entry = Buffer.alloc(6);
  entry.writeUInt16BE(headerTableSize, 0);
  entry.writeUInt32BE(tableSize, 2);
  return frame(type.settings, 0, 0, entry);
}

/**
 * One end of a connection with just enough HTTP/2 to carry header blocks: emits 'block' with the fields of each,
 * acknowledges SETTINGS, and keeps the tables to what both sides have announced.
 */
class Peer extends EventEmitter {
  readonly encoder = new Encoder({ maxTableSize: 8192 });
  readonly decoder = new Decoder();
  /** Header table sizes that we sent and the other end has not acknowledged. */
  private readonly announced: (number | undefined)[] = [];
  private readonly socket: net.Socket;
  private pending = Buffer.alloc(0);
  private skip: number;
  private block: Uint8Array = new Uint8Array(0);
  private nextStream = 1;

  constructor(socket: net.Socket, role: 'client' | 'server') {
    super();
    this.socket = socket;
    this.skip = role === 'server' ? 24 : 0;
    if (role === 'client') socket.write('PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n');
    this.announce();
    socket.on('data', (chunk) => {
      this.pending = Buffer.concat([this.pending, chunk]);
      this.read();
    });
  }

  announce(tableSize?: number): void {
    this.announced.push(tableSize);
    this.socket.write(settings(tableSize));
  }

  /** Sends a request and resolves with the fields of its response. */
  async request(fields: readonly Field[]): Promise<Field[]> {
    const response = once(this, 'block');
    this.send(this.nextStream, this.encoder.encode(fields));
    this.nextStream += 2;
    return ((await response) as [Field[]])[0];
  }

  send(stream: number, block: Uint8Array): void {
    const first = block.subarray(0, 16384);
    const whole = first.length === block.length;
    this.socket.write(frame(type.headers, flag.endStream | (whole ? flag.endHeaders : 0), stream, first));
    for (let at = 16384; at < block.length; at += 16384) {
      const last = at + 16384 >= block.length;
      this.socket.write(frame(type.continuation, last ? flag.endHeaders : 0, stream, block.subarray(at, at + 16384)));
    }
  }

  private read(): void {
    if (this.pending.length < this.skip) return;
    this.pending = this.pending.subarray(this.skip);
    this.skip = 0;
    while (this.pending.length >= 9) {
      const end = 9 + this.pending.readUIntBE(0, 3);
      if (this.pending.length < end) return;
      const head = this.pending;
      this.pending = head.subarray(end);
      this.onFrame(head[3]!, head[4]!, head.readUInt32BE(5), head.subarray(9, end));
    }
  }

  private onFrame(kind: number, flags: number, stream: number, payload: Buffer): void {
    if (kind === type.settings && (flags & flag.ack) !== 0) {
      const size = this.announced.shift();
      if (size !== undefined) this.decoder.setMaxTableSize(size);
    } else if (kind === type.settings) {
      for (let at = 0; at < payload.length; at += 6) {
        if (payload.readUInt16BE(at) === headerTableSize) this.encoder.setTableSize(payload.readUInt32BE(at + 2));
      }
      this.socket.write(frame(type.settings, flag.ack, 0));
      this.emit('settings');
    } else if (kind === type.headers || kind === type.continuation) {
      // Flags 8 and 0x20, padding and priority, precede the block.
      const padding = kind === type.headers && (flags & 8) !== 0 ? payload[0]! : 0;
      const before = kind === type.headers ? ((flags & 8) !== 0 ? 1 : 0) + ((flags & 0x20) !== 0 ? 5 : 0) : 0;
      this.block = join(this.block, payload.subarray(before, payload.length - padding));
      if ((flags & flag.endHeaders) === 0) return;
      const block = this.block;
      this.block = new Uint8Array(0);
      this.emit('block', this.decoder.decode(block), stream);
    }
  }
}

function get(...fields: Field[]): Field[] {
  return [[':method', 'GET'], [':scheme', 'http'], [':authority', 'localhost'], [':path', '/'], ...fields];
}

async function withServer(
  tableSize: number,
  run: (peer: Peer, session: http2.ServerHttp2Session, seen: { raw: string[]; sensitive: string[] }) => Promise<void>,
): Promise<void> {
  const server = http2.createServer({ settings: { headerTableSize: tableSize } });
  const seen = { raw: [] as string[], sensitive: [] as string[] };
  server.on('stream', (stream, headers, _flags, ...rest: unknown[]) => {
    seen.raw = rest[0] as string[];
    seen.sensitive = (headers as Record<symbol, string[]>)[http2.sensitiveHeaders] ?? [];
    const count = seen.raw.length / 2;
    stream.respond({ ':status': 200, 'x-count': String(count), 'x-same': 'again' }, { endStream: true });
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const socket = net.connect((server.address() as net.AddressInfo).port, '127.0.0.1');
  try {
    const opened = once(server, 'session') as Promise<[http2.ServerHttp2Session]>;
    const peer = new Peer(socket, 'client');
    await once(peer, 'settings');
    const [session] = await opened;
    await run(peer, session, seen);
  } finally {
    socket.destroy();
    server.close();
  }
}

async function roundTrip(peer: Peer, seen: { raw: string[] }, fields: Field[]): Promise<void> {
  const response = await peer.request(fields);
  assert.deepEqual(
    seen.raw,
    fields.flatMap(([name, value]) => [name, value]),
  );
  const plain = response.map(([name, value]) => [name, value]);
  assert.deepEqual(plain[0], [':status', '200']);
  assert.deepEqual(
    plain.filter(([name]) => name!.startsWith('x-')),
    [
      ['x-count', String(fields.length)],
      ['x-same', 'again'],
    ],
  );
}

test('nghttp2 reads what our encoder writes, through table sizes 4096, 0, 4096, 8192 and a dip', async () => {
  await withServer(4096, async (peer, session, seen) => {
    const resize = async (...sizes: number[]) => {
      for (const size of sizes) {
        const applied = once(peer, 'settings');
        await new Promise<void>((resolve) => session.settings({ headerTableSize: size }, () => resolve()));
        await applied;
      }
    };
    const blocks = async (round: string) => {
      for (let i = 0; i < 20; i++) {
        await roundTrip(
          peer,
          seen,
          get(['x-round', round], ['x-i', String(i)], ['x-pad', 'v'.repeat(i * 40)], ['accept', '']),
        );
      }
    };
    await blocks('first');
    await resize(0);
    await blocks('no table');
    assert.equal(peer.encoder.table.length, 0);
    await resize(4096);
    await blocks('again');
    await resize(8192);
    await blocks('larger');
    assert.ok(peer.encoder.table.size > 4096, 'the larger table is used');
    await resize(100, 4096);
    await blocks('dipped');
  });
});

test('nghttp2 reads every byte value that a field may hold, and large blocks', async () => {
  await withServer(4096, async (peer, _session, seen) => {
    const visible = Array.from({ length: 256 }, (_, code) => code).filter((code) => code > 32 && code !== 127);
    await roundTrip(peer, seen, get(['x-bytes', String.fromCharCode(...visible)]));
    for (const code of visible) await roundTrip(peer, seen, get(['x-byte', String.fromCharCode(code).repeat(5)]));
    await roundTrip(peer, seen, get(['x-large', 'large'.repeat(8000)], ['x-after', '1']));
  });
});

test('nghttp2 sees our sensitive fields as never-indexed', async () => {
  await withServer(4096, async (peer, _session, seen) => {
    for (let i = 0; i < 2; i++) {
      await roundTrip(peer, seen, get(['x-open', 'a'], ['x-secret', 'b', { sensitive: true }]));
      assert.deepEqual(seen.sensitive, ['x-secret']);
    }
    assert.deepEqual(
      peer.encoder.table.entries().map(([name]) => name),
      ['x-open', ':authority'],
    );
  });
});

test('our decoder reads what nghttp2 writes as a client, through table sizes 4096, 256, 0 and 8192', async () => {
  const server = net.createServer();
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const client = http2.connect(`http://127.0.0.1:${(server.address() as net.AddressInfo).port}`);
  try {
    const [socket] = (await once(server, 'connection')) as [net.Socket];
    const peer = new Peer(socket, 'server');
    await once(client, 'remoteSettings');
    const request = async (headers: http2.OutgoingHttpHeaders) => {
      const received = once(peer, 'block') as Promise<[Field[], number]>;
      const stream = client.request(headers);
      const response = once(stream, 'response');
      const [fields, id] = await received;
      peer.send(id, peer.encoder.encode([[':status', '200']]));
      assert.equal(((await response) as [http2.IncomingHttpHeaders])[0][':status'], 200);
      stream.resume();
      return fields;
    };
    for (const size of [undefined, 256, 0, 8192]) {
      if (size !== undefined) {
        const applied = once(client, 'remoteSettings');
        peer.announce(size);
        await applied;
      }
      for (let i = 0; i < 20; i++) {
        const fields = await request({
          'x-i': String(i % 7),
          'x-bytes': 'caf\u00e9 "quoted" {braces} \\ ~',
          'x-long': 'abc&*,;XZ'.repeat(i * 10),
          'x-secret': `s${i}`,
          [http2.sensitiveHeaders]: ['x-secret'],
        });
        const own = fields.filter(([name]) => name.startsWith('x-'));
        assert.deepEqual(own, [
          ['x-i', String(i % 7)],
          ['x-bytes', 'caf\u00e9 "quoted" {braces} \\ ~'],
          ['x-long', 'abc&*,;XZ'.repeat(i * 10)],
          ['x-secret', `s${i}`, { sensitive: true }],
        ]);
        assert.deepEqual(
          fields.filter(([name]) => name === ':path').map(([name, value]) => [name, value]),
          [[':path', '/']],
        );
      }
      const capacity = size ?? 4096;
      assert.ok(peer.decoder.table.size <= capacity);
      // A client that is offered more than 4096 need not take it.
      assert.equal(peer.decoder.table.capacity <= capacity, true);
    }
  } finally {
    client.destroy();
    server.close();
  }
});
