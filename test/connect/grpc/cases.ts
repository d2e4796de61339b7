/**
 * The client cases of gRPC's interop tests (github.com/grpc/grpc, doc/interop-test-descriptions.md) that need no cloud:
 * each calls and asserts as its description says, and rejects where an assertion fails.
 */
import assert from 'node:assert/strict';
import { Code, ConnectError, createClient, type Client, type Transport } from '@connectrpc/connect';
import { compressionGzip } from '../../../dist/connect/index.js';
import { TestService, UnimplementedService, type OutputRequest } from './proto.js';

/** A client library under test: it makes Connect-ES transports for gRPC. */
export interface Library {
  readonly name: string;
  /** A transport over connections of its own. */
  connect(server: { readonly origin: string; readonly ca: string | undefined }, options?: ChannelOptions): Channel;
}

export interface ChannelOptions {
  readonly sendCompression?: typeof compressionGzip;
  readonly acceptCompression?: (typeof compressionGzip)[];
  readonly compressMinBytes?: number;
}

export interface Channel {
  readonly transport: Transport;
  close(): Promise<void> | void;
}

/** What a case runs with. */
export interface Setting {
  readonly client: Client<typeof TestService>;
  readonly transport: Transport;
  /** A channel of its own, which the case closes. */
  open(options?: ChannelOptions): Channel;
}

export interface InteropCase {
  readonly name: string;
  /** What the server must be able to do beside TestService. */
  readonly needs?: 'compression';
  run(setting: Setting): Promise<void>;
}

const zeros = (length: number): { body: Uint8Array } => ({ body: new Uint8Array(length) });
const large = { responseSize: 314_159, payload: zeros(271_828) };
const special = '\t\ntest with whitespace\r\nand Unicode BMP \u263A and non-BMP \u{1F608}\t\n';
const pairs: readonly (readonly [asked: number, sent: number])[] = [
  [31_415, 27_182],
  [9, 8],
  [2_653, 1_828],
  [58_979, 45_904],
];

type Ask = Partial<Omit<OutputRequest, '$typeName' | '$unknown'>>;

async function* each<T>(...items: T[]): AsyncGenerator<T> {
  for (const item of items) yield await Promise.resolve(item);
}

const sizes = async (replies: AsyncIterable<{ payload?: { body: Uint8Array } }>): Promise<number[]> => {
  const all: number[] = [];
  for await (const { payload } of replies) all.push(payload?.body.length ?? 0);
  return all;
};

function failsWith(code: Code, message?: string) {
  return (error: unknown): boolean => {
    assert.ok(error instanceof ConnectError, String(error));
    assert.equal(Code[error.code], Code[code], error.message);
    if (message !== undefined) assert.equal(error.rawMessage, message);
    return true;
  };
}

async function largeUnary(client: Setting['client']): Promise<void> {
  const { payload } = await client.unaryCall(large);
  assert.equal(payload?.body.length, 314_159);
  assert.ok(payload.body.every((byte) => byte === 0));
}

/** Requests each of which follows the reply to the one before. */
async function pingPong(client: Setting['client']): Promise<void> {
  const received: number[] = [];
  let wake = (): void => undefined;
  async function* asks(): AsyncGenerator<Ask> {
    for (const [index, [asked, sent]] of pairs.entries()) {
      yield { responseParameters: [{ size: asked }], payload: zeros(sent) };
      while (received.length <= index) await new Promise<void>((resolve) => (wake = resolve));
    }
  }
  for await (const { payload } of client.fullDuplexCall(asks())) {
    received.push(payload?.body.length ?? 0);
    wake();
  }
  assert.deepEqual(
    received,
    pairs.map(([asked]) => asked),
  );
}

/** A request's messages that never end, nor begin after the first. */
async function* open(first?: Ask): AsyncGenerator<Ask, void> {
  if (first !== undefined) yield first;
  await new Promise<never>(() => undefined);
}

async function customMetadata(client: Setting['client']): Promise<void> {
  const headers = {
    'x-grpc-test-echo-initial': 'test_initial_metadata_value',
    'x-grpc-test-echo-trailing-bin': 'q6ur',
  };
  let seen: Record<string, string | null> = {};
  const options = {
    headers,
    onHeader: (header: Headers) => void (seen['x-grpc-test-echo-initial'] = header.get('x-grpc-test-echo-initial')),
    onTrailer: (trailer: Headers) =>
      void (seen['x-grpc-test-echo-trailing-bin'] =
        trailer.get('x-grpc-test-echo-trailing-bin')?.replace(/=+$/, '') ?? null),
  };
  await client.unaryCall(large, options);
  assert.deepEqual(seen, headers);
  seen = {};
  const ask: Ask = { responseParameters: [{ size: large.responseSize }], payload: large.payload };
  assert.deepEqual(await sizes(client.fullDuplexCall(each(ask), options)), [large.responseSize]);
  assert.deepEqual(seen, headers);
}

/** Iterates until its end or failure; each message is handed on. */
async function consume(replies: AsyncIterable<unknown>, onReply?: () => void): Promise<void> {
  for await (const reply of replies) if (reply !== undefined) onReply?.();
}

/** Whether messages came compressed, as the compression's own decoder was asked. */
function counting(): { coding: typeof compressionGzip; times(): number } {
  let times = 0;
  const coding: typeof compressionGzip = {
    ...compressionGzip,
    decompress: (bytes, max) => {
      times++;
      return compressionGzip.decompress(bytes, max);
    },
  };
  return { coding, times: () => times };
}

const on = { value: true };
const off = { value: false };

async function clientCompressed(
  setting: Setting,
  call: (client: Setting['client'], expect: typeof on) => Promise<void>,
) {
  const channel = setting.open({ sendCompression: compressionGzip, compressMinBytes: 0 });
  try {
    await assert.rejects(call(setting.client, on), failsWith(Code.InvalidArgument), 'the probe is not compressed');
    await call(createClient(TestService, channel.transport), on);
    await call(setting.client, off);
  } finally {
    await channel.close();
  }
}

async function serverCompressed(setting: Setting, call: (client: Setting['client']) => Promise<void>): Promise<void> {
  const { coding, times } = counting();
  const channel = setting.open({ acceptCompression: [coding] });
  try {
    await call(createClient(TestService, channel.transport));
    assert.equal(times(), 1, 'one of two messages is compressed');
  } finally {
    await channel.close();
  }
}

/** How many calls a soak makes. The runner of gRPC has 10 too, unless told otherwise. */
const soakIterations = 10;

const unary: readonly InteropCase[] = [
  {
    name: 'empty_unary',
    run: async ({ client }) => assert.equal((await client.emptyCall({})).$typeName, 'grpc.testing.Empty'),
  },
  { name: 'large_unary', run: ({ client }) => largeUnary(client) },
  { name: 'custom_metadata', run: ({ client }) => customMetadata(client) },
  {
    name: 'status_code_and_message',
    async run({ client }) {
      const responseStatus = { code: 2, message: 'test status message' };
      const fails = failsWith(Code.Unknown, responseStatus.message);
      await assert.rejects(client.unaryCall({ responseStatus }), fails);
      await assert.rejects(sizes(client.fullDuplexCall(each({ responseStatus }))), fails);
    },
  },
  {
    name: 'special_status_message',
    run: ({ client }) =>
      assert.rejects(
        client.unaryCall({ responseStatus: { code: 2, message: special } }),
        failsWith(Code.Unknown, special),
      ),
  },
  {
    name: 'unimplemented_method',
    run: ({ client }) => assert.rejects(client.unimplementedCall({}), failsWith(Code.Unimplemented)),
  },
  {
    name: 'unimplemented_service',
    run: ({ transport }) =>
      assert.rejects(
        createClient(UnimplementedService, transport).unimplementedCall({}),
        failsWith(Code.Unimplemented),
      ),
  },
  {
    name: 'rpc_soak',
    async run({ client }) {
      for (let count = 0; count < soakIterations; count++) await largeUnary(client);
    },
  },
  {
    name: 'channel_soak',
    async run({ open: openChannel }) {
      for (let count = 0; count < soakIterations; count++) {
        const channel = openChannel();
        await largeUnary(createClient(TestService, channel.transport));
        await channel.close();
      }
    },
  },
];

const streaming: readonly InteropCase[] = [
  {
    name: 'client_streaming',
    async run({ client }) {
      const { aggregatedPayloadSize } = await client.streamingInputCall(
        each(...pairs.map(([, sent]) => ({ payload: zeros(sent) }))),
      );
      assert.equal(aggregatedPayloadSize, 74_922);
    },
  },
  {
    name: 'server_streaming',
    async run({ client }) {
      const asked = pairs.map(([size]) => size);
      const ask: Ask = { responseParameters: asked.map((size) => ({ size })) };
      assert.deepEqual(await sizes(client.streamingOutputCall(ask)), asked);
    },
  },
  { name: 'ping_pong', run: ({ client }) => pingPong(client) },
  {
    name: 'empty_stream',
    run: async ({ client }) => assert.deepEqual(await sizes(client.fullDuplexCall(each())), []),
  },
  {
    name: 'cancel_after_begin',
    async run({ client }) {
      const controller = new AbortController();
      const call = client.streamingInputCall(open(), { signal: controller.signal });
      controller.abort();
      await assert.rejects(call, failsWith(Code.Canceled));
    },
  },
  {
    name: 'cancel_after_first_response',
    async run({ client }) {
      const controller = new AbortController();
      const ask: Ask = { responseParameters: [{ size: 31_415 }], payload: zeros(27_182) };
      const replies = client.fullDuplexCall(open(ask), { signal: controller.signal });
      let count = 0;
      const reading = consume(replies, () => {
        count++;
        controller.abort();
      });
      await assert.rejects(reading, failsWith(Code.Canceled));
      assert.equal(count, 1);
    },
  },
  {
    name: 'timeout_on_sleeping_server',
    run: ({ client }) =>
      assert.rejects(
        consume(client.fullDuplexCall(open({ payload: zeros(27_182) }), { timeoutMs: 1 })),
        failsWith(Code.DeadlineExceeded),
      ),
  },
];

const compressed: readonly InteropCase[] = [
  {
    name: 'client_compressed_unary',
    needs: 'compression',
    run: (setting) =>
      clientCompressed(setting, async (client, expectCompressed) => {
        const { payload } = await client.unaryCall({ ...large, expectCompressed });
        assert.equal(payload?.body.length, 314_159);
      }),
  },
  {
    // Connect-ES compresses all messages of a call or none, so each kind has a call of its own here.
    name: 'client_compressed_streaming',
    needs: 'compression',
    run: (setting) =>
      clientCompressed(setting, async (client, expectCompressed) => {
        const message = { expectCompressed, payload: zeros(27_182) };
        assert.equal((await client.streamingInputCall(each(message))).aggregatedPayloadSize, 27_182);
      }),
  },
  {
    name: 'server_compressed_unary',
    needs: 'compression',
    run: (setting) =>
      serverCompressed(setting, async (client) => {
        for (const responseCompressed of [on, off]) {
          const { payload } = await client.unaryCall({ ...large, responseCompressed });
          assert.equal(payload?.body.length, 314_159);
        }
      }),
  },
  {
    name: 'server_compressed_streaming',
    needs: 'compression',
    run: (setting) =>
      serverCompressed(setting, async (client) => {
        const ask: Ask = {
          responseParameters: [
            { size: 31_415, compressed: on },
            { size: 92_653, compressed: off },
          ],
        };
        assert.deepEqual(await sizes(client.streamingOutputCall(ask)), [31_415, 92_653]);
      }),
  },
];

export const interopCases: readonly InteropCase[] = [...unary, ...streaming, ...compressed];

/** Runs one case over a library; rejects where it fails. */
export async function runCase(
  one: InteropCase,
  library: Library,
  server: { readonly origin: string; readonly ca: string | undefined },
): Promise<void> {
  const channel = library.connect(server);
  const { transport } = channel;
  try {
    await one.run({
      client: createClient(TestService, transport),
      transport,
      open: (options) => library.connect(server, options),
    });
  } finally {
    await channel.close();
  }
}
