import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { StringValueSchema } from '@bufbuild/protobuf/wkt';
import { Code, ConnectError, createClient, type Client, type Transport as ConnectTransport } from '@connectrpc/connect';
import {
  compressionBrotli,
  compressionGzip,
  createConnectTransport,
  createGrpcTransport,
  createGrpcWebTransport,
  type ClientTransportOptions,
} from '../../dist/connect/index.js';
import { Transport } from '../../dist/index.js';
import { startConnectServer, startGrpcServer, type NotesServer } from './servers.js';
import { Notes, type Note } from './service.js';

type Make = (options: ClientTransportOptions) => ConnectTransport;
type Input = { text?: string; number?: number };

/** Every protocol with every server that speaks it, in the clear and over TLS. */
const settings: [string, Make, (tls: boolean) => Promise<NotesServer>, boolean][] = [
  ['gRPC with grpc-js, h2c', createGrpcTransport, startGrpcServer, false],
  ['gRPC with grpc-js, TLS', createGrpcTransport, startGrpcServer, true],
  ['gRPC with connect-node, h2c', createGrpcTransport, startConnectServer, false],
  ['gRPC with connect-node, TLS', createGrpcTransport, startConnectServer, true],
  ['gRPC-web with connect-node, h2c', createGrpcWebTransport, startConnectServer, false],
  ['Connect with connect-node, h2c', createConnectTransport, startConnectServer, false],
  ['Connect with connect-node, TLS', createConnectTransport, startConnectServer, true],
];

const collect = async <T>(notes: AsyncIterable<T>): Promise<T[]> => {
  const all: T[] = [];
  for await (const one of notes) all.push(one);
  return all;
};

/** Notes that are sent when the test says so. */
function conversation(): { notes: AsyncIterable<Input>; say(text: string): void; end(): void } {
  const said: Input[] = [];
  let over = false;
  let wake = (): void => undefined;
  async function* notes(): AsyncGenerator<Input> {
    for (;;) {
      const next = said.shift();
      if (next !== undefined) yield next;
      else if (over) return;
      else await new Promise<void>((resolve) => (wake = resolve));
    }
  }
  return {
    notes: notes(),
    say(text) {
      said.push({ text, number: said.length });
      wake();
    },
    end() {
      over = true;
      wake();
    },
  };
}

async function* several(numbers: number[], last?: Input): AsyncGenerator<Input> {
  for (const number of numbers) yield await Promise.resolve({ number });
  if (last !== undefined) yield last;
}

const until = async (condition: () => boolean): Promise<void> => {
  while (!condition()) await new Promise((resolve) => setTimeout(resolve, 5));
};

const failsWith =
  (code: Code, message?: RegExp) =>
  (error: unknown): boolean => {
    assert.ok(error instanceof ConnectError, String(error));
    assert.equal(Code[error.code], Code[code], error.message);
    if (message !== undefined) assert.match(error.rawMessage, message);
    return true;
  };

for (const [name, make, start, tls] of settings) {
  describe(name, () => {
    let server: NotesServer;
    let transport: Transport;
    let client: Client<typeof Notes>;
    const clientWith = (options: Partial<ClientTransportOptions>): Client<typeof Notes> =>
      createClient(Notes, make({ baseUrl: server.origin, transport, ...options }));

    before(async () => {
      server = await start(tls);
      transport = new Transport({ cleartext: 'h2c', tls: server.ca === undefined ? {} : { ca: server.ca } });
      client = clientWith({});
    });

    after(async () => {
      await transport.close({ timeout: 1_000 });
      await server.close();
    });

    test('a unary call carries headers, the message, and trailers', async () => {
      let header = new Headers();
      let trailer = new Headers();
      const answer = await client.echo(
        { text: 'hello', number: 7 },
        {
          headers: { 'x-note': 'from the client' },
          onHeader: (fields) => (header = fields),
          onTrailer: (fields) => (trailer = fields),
        },
      );
      assert.deepEqual([answer.text, answer.number], ['hello', 7]);
      assert.equal(server.seen.header, 'from the client');
      assert.equal(header.get('x-answer'), 'to 7');
      assert.equal(trailer.get('x-trailer'), 'at the end');
      const binary = trailer.get('x-bytes-bin') ?? '';
      assert.deepEqual([...Buffer.from(binary, 'base64')], [0, 255, 7]);
    });

    test('a message larger than all windows arrives both ways', async () => {
      const text = 'x'.repeat(3 << 20);
      const answer = await client.echo({ text });
      assert.equal(answer.text.length, text.length);
    });

    test('many calls at once each get their own answer', async () => {
      const answers = await Promise.all(
        Array.from({ length: 200 }, (_, number) => client.echo({ text: `note ${number}`, number })),
      );
      answers.forEach((answer, number) => {
        assert.deepEqual([answer.text, answer.number], [`note ${number}`, number]);
      });
    });

    test('a server stream gives each message, then the trailers', async () => {
      let trailer = new Headers();
      const notes = await collect(client.count({ number: 50 }, { onTrailer: (fields) => (trailer = fields) }));
      assert.deepEqual(
        notes.map((one) => one.number),
        Array.from({ length: 50 }, (_, i) => i + 1),
      );
      assert.equal(trailer.get('x-trailer'), 'at the end');
    });

    test('a server stream without messages ends', async () => {
      assert.deepEqual(await collect(client.count({ number: 0 })), []);
    });

    test('a client stream is answered once it has ended', async () => {
      assert.equal((await client.sum(several([1, 2, 3, 4]))).number, 10);
    });

    test('an answer of error ends a client stream that has more to say', async () => {
      const talk = conversation();
      const answer = client.sum(talk.notes);
      talk.say('');
      talk.say('fail');
      await assert.rejects(answer, failsWith(Code.FailedPrecondition, /refused/));
    });

    test('a conversation is interleaved', async () => {
      const talk = conversation();
      const answers = client.chat(talk.notes)[Symbol.asyncIterator]();
      for (const word of ['one', 'two', 'three']) {
        talk.say(word);
        const answer = (await answers.next()) as IteratorResult<Note, undefined>;
        assert.equal(answer.value?.text, `${word}!`, 'answered before the next was said');
      }
      talk.end();
      assert.equal((await answers.next()).done, true);
    });

    test('an error of the server has its code, message and metadata', async () => {
      const error = await client.echo({ text: 'fail' }).then(
        () => assert.fail('it was answered'),
        (reason: unknown) => reason as ConnectError,
      );
      failsWith(Code.FailedPrecondition, /^the note was refused$/)(error);
      assert.equal(error.metadata.get('x-reason'), 'it said so');
      if (start === startConnectServer)
        assert.deepEqual(
          error.findDetails(StringValueSchema).map((one) => one.value),
          ['the detail'],
        );
    });

    test('an error after some messages comes after them', async () => {
      const got: number[] = [];
      await assert.rejects(
        async () => {
          for await (const one of client.count({ number: 3, text: 'fail' })) got.push(one.number);
        },
        failsWith(Code.DataLoss, /refused/),
      );
      assert.deepEqual(got, [1, 2, 3]);
    });

    test('a deadline is told to the server, ends the call, and cancels it there', async () => {
      const { seen } = server;
      const { cancelled, hanging } = seen;
      const tried: number[] = [];
      // A busy machine may need longer than that to bring the call to its server.
      for (let timeoutMs = 60; seen.hanging === hanging; timeoutMs *= 4) {
        tried.push(timeoutMs);
        await assert.rejects(client.echo({ text: 'hang' }, { timeoutMs }), failsWith(Code.DeadlineExceeded));
      }
      const told = start === startGrpcServer ? ['known'] : tried.flatMap((ms) => [`${ms}`, `${ms}m`]);
      assert.ok(told.includes(seen.deadline ?? 'none'), `the server was told ${seen.deadline}`);
      await until(() => seen.cancelled > cancelled);
    });

    test('a cancelled unary call ends at once, and there', async () => {
      const { seen } = server;
      const { hanging, cancelled } = seen;
      const controller = new AbortController();
      const call = client.echo({ text: 'hang' }, { signal: controller.signal });
      await Promise.race([call, until(() => seen.hanging > hanging)]);
      controller.abort();
      await assert.rejects(call, failsWith(Code.Canceled));
      await until(() => seen.cancelled > cancelled);
    });

    test('a cancelled stream gives what has come, then the cancellation', async () => {
      const { seen } = server;
      const { cancelled } = seen;
      const controller = new AbortController();
      const got: number[] = [];
      await assert.rejects(async () => {
        for await (const one of client.count({ number: 2, text: 'hang' }, { signal: controller.signal })) {
          got.push(one.number);
          if (one.number === 2) await until(() => seen.hanging > 0).then(() => controller.abort());
        }
      }, failsWith(Code.Canceled));
      assert.deepEqual(got, [1, 2]);
      await until(() => seen.cancelled > cancelled);
    });

    for (const compression of [compressionGzip, compressionBrotli]) {
      test(`messages are compressed with ${compression.name} both ways`, async (t) => {
        if (start === startGrpcServer && compression === compressionBrotli) return t.skip('grpc-js has no br');
        const packed = clientWith({
          sendCompression: compression,
          acceptCompression: [compression],
          compressMinBytes: 1,
        });
        let header = new Headers();
        const text = 'again and '.repeat(1_000);
        const answer = await packed.echo({ text }, { onHeader: (fields) => (header = fields) });
        assert.equal(answer.text, text);
        if (start === startGrpcServer) return; // it hides the request's coding, and answers as it likes
        assert.equal(server.seen.encoding, compression.name);
        const coding = header.get('grpc-encoding') ?? header.get('content-encoding');
        assert.equal(coding, compression.name);
      });
    }

    test('a message over readMaxBytes is refused, and the transport still works', async () => {
      const small = clientWith({ readMaxBytes: 100 });
      await assert.rejects(small.echo({ text: 'x'.repeat(1_000) }), failsWith(Code.ResourceExhausted, /readMaxBytes/));
      assert.equal((await small.echo({ text: 'short' })).text, 'short');
    });

    test('an error that the request stream throws ends the call with it', async () => {
      async function* broken(): AsyncGenerator<Input> {
        yield await Promise.resolve({ number: 1 });
        throw new Error('the source broke');
      }
      await assert.rejects(client.sum(broken()), (error: unknown) => {
        assert.ok(error instanceof ConnectError);
        assert.match(error.message, /the source broke/);
        return true;
      });
    });
  });
}
