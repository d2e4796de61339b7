/**
 * The client cases of gRPC's http2_test (github.com/grpc/grpc, doc/negative-http2-interop-test-descriptions.md): the server
 * writes frames by hand. Each asserts as its description says, of the client and of the server.
 */
import assert from 'node:assert/strict';
import { create, toBinary } from '@bufbuild/protobuf';
import { createClient, type Client } from '@connectrpc/connect';
import { flag, rawServer, type as frameType, type RawConnection } from '../../support/raw-server.js';
import type { Library } from './cases.js';
import { SimpleResponseSchema, TestService } from './proto.js';

const responseSize = 1_024;
const request = { responseSize: 314_159, payload: { body: new Uint8Array(271_828) } };
const message = toBinary(
  SimpleResponseSchema,
  create(SimpleResponseSchema, { payload: { body: new Uint8Array(responseSize) } }),
);
const framed = Buffer.concat([Buffer.of(0, 0, 0, message.length >> 8, message.length & 0xff), message]);

const headers: [string, string][] = [
  [':status', '200'],
  ['content-type', 'application/grpc+proto'],
];
const trailers: [string, string][] = [['grpc-status', '0']];

/** The next call's stream, with its body read. */
async function nextCall(connection: RawConnection): Promise<number> {
  const { streamId } = await connection.request();
  await connection.body(streamId);
  return streamId;
}

function respond(connection: RawConnection, streamId: number): void {
  connection.headers(streamId, headers);
  connection.data(streamId, framed);
  connection.headers(streamId, trailers, { endStream: true });
}

export interface Http2Case {
  readonly name: string;
  serve(connection: RawConnection, books: Books): Promise<void>;
  call(client: Client<typeof TestService>, books: Books): Promise<void>;
}

/** What the server has seen. */
interface Books {
  readonly streams: string[];
  pings: number;
  mostAtOnce: number;
}

async function succeeds(client: Client<typeof TestService>): Promise<void> {
  assert.equal((await client.unaryCall(request)).payload?.body.length, responseSize);
}

const fails = (client: Client<typeof TestService>): Promise<void> =>
  assert.rejects(client.unaryCall(request), { name: 'ConnectError' });

async function pingAcknowledged(connection: RawConnection, books: Books): Promise<void> {
  books.pings++;
  connection.ping(Buffer.from('outstand'));
  await connection.next(({ type, flags }) => type === frameType.ping && (flags & flag.ack) !== 0);
  books.pings--;
}

/** Both sides' opening; gives the window of the client's streams (RFC 9113 section 6.5.2). */
async function greetWithWindow(connection: RawConnection): Promise<number> {
  connection.settings({});
  await connection.expectPreface();
  const { payload } = await connection.nextOf(frameType.settings);
  connection.settingsAck();
  for (let at = 0; at < payload.length; at += 6) {
    if (payload.readUInt16BE(at) === 4) return payload.readUInt32BE(at + 2);
  }
  return 65_535;
}

/** Takes bytes of both windows, and waits for credit where they are short of it. Padding counts (section 6.9.1). */
async function pay(
  connection: RawConnection,
  credit: { connection: number; stream: number },
  streamId: number,
  bytes: number,
): Promise<void> {
  while (Math.min(credit.connection, credit.stream) < bytes) {
    const update = await connection.nextOf(frameType.windowUpdate);
    const increment = update.payload.readUInt32BE(0);
    if (update.streamId === 0) credit.connection += increment;
    else if (update.streamId === streamId) credit.stream += increment;
  }
  credit.connection -= bytes;
  credit.stream -= bytes;
}

/** A call whose stream is reset, without an error code, once its headers and what `more` sends have gone out. */
function reset(name: string, more: (connection: RawConnection, streamId: number) => void): Http2Case {
  return {
    name,
    async serve(connection) {
      await connection.greet();
      const streamId = await nextCall(connection);
      connection.headers(streamId, headers);
      more(connection, streamId);
      connection.rst(streamId, 0);
      await connection.ended;
    },
    call: fails,
  };
}

export const http2Cases: readonly Http2Case[] = [
  {
    name: 'goaway',
    async serve(connection, books) {
      await connection.greet();
      for (;;) {
        const streamId = await nextCall(connection);
        books.streams.push(`${connection.index}:${streamId}`);
        if (books.streams.length === 1) connection.goaway(streamId);
        respond(connection, streamId);
      }
    },
    async call(client, books) {
      await succeeds(client);
      await succeeds(client);
      assert.equal(new Set(books.streams).size, 2, 'the second call has a stream of its own');
    },
  },
  reset('rst_after_header', () => undefined),
  reset('rst_during_data', (connection, streamId) => connection.data(streamId, framed.subarray(0, framed.length / 2))),
  reset('rst_after_data', (connection, streamId) => connection.data(streamId, framed)),
  {
    name: 'ping',
    async serve(connection, books) {
      await connection.greet();
      const streamId = await nextCall(connection);
      await pingAcknowledged(connection, books);
      connection.headers(streamId, headers);
      await pingAcknowledged(connection, books);
      connection.data(streamId, framed);
      await pingAcknowledged(connection, books);
      connection.headers(streamId, trailers, { endStream: true });
      await connection.ended;
    },
    async call(client, books) {
      await succeeds(client);
      assert.equal(books.pings, 0, 'every PING is acknowledged');
    },
  },
  {
    name: 'max_streams',
    async serve(connection, books) {
      await connection.greet({ maxConcurrentStreams: 1 });
      let open = 0;
      for (;;) {
        const { streamId } = await connection.request();
        books.streams.push(`${connection.index}:${streamId}`);
        books.mostAtOnce = Math.max(books.mostAtOnce, ++open);
        void connection.body(streamId).then(() => {
          open--;
          respond(connection, streamId);
        });
      }
    },
    async call(client, books) {
      await succeeds(client);
      await Promise.all(Array.from({ length: 10 }, () => succeeds(client)));
      assert.equal(books.streams.length, 11);
      assert.equal(books.mostAtOnce, 1, 'a connection carries one call at a time');
    },
  },
  {
    name: 'data_frame_padding',
    async serve(connection) {
      const window = await greetWithWindow(connection);
      const streamId = await nextCall(connection);
      connection.headers(streamId, headers);
      const credit = { connection: 65_535, stream: window };
      for (const byte of framed) {
        await pay(connection, credit, streamId, 257);
        connection.data(streamId, Buffer.of(byte), { padding: 255 });
      }
      connection.headers(streamId, trailers, { endStream: true });
      await connection.ended;
    },
    call: succeeds,
  },
];

/** Runs one case over a library; rejects where the client or the server has seen something else than it asserts. */
export async function runHttp2Case(one: Http2Case, library: Library): Promise<void> {
  const books: Books = { streams: [], pings: 0, mostAtOnce: 0 };
  const server = await rawServer((connection) => one.serve(connection, books));
  const channel = library.connect({ origin: server.origin, ca: undefined });
  try {
    await one.call(createClient(TestService, channel.transport), books);
  } finally {
    await channel.close();
    await server.close();
  }
}
