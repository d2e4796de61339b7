/** The errors that undici's users get: of the same classes as undici's own for the same failure. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import type { Socket } from 'node:net';
import { test } from 'node:test';
import { H2Dispatcher } from '../../dist/undici/index.js';
import { rawOrigin } from '../http1/support.js';
import { startOrigin } from '../support/origin.js';
import { testEach, versions, type Undici } from './undicis.js';

const classes = [
  'UndiciError',
  'SocketError',
  'HTTPParserError',
  'HeadersOverflowError',
  'InformationalError',
  'InvalidArgumentError',
  'RequestContentLengthMismatchError',
  'ResponseContentLengthMismatchError',
] as const;

interface Shown {
  readonly name: string;
  readonly code: string | undefined;
  readonly classes: readonly string[];
  readonly cause: unknown;
}

function show({ errors }: Undici, error: NodeJS.ErrnoException): Shown {
  const { name, code, cause } = error;
  return { name, code, cause, classes: classes.filter((one) => error instanceof errors[one]) };
}

/** What a server of HTTP/1.1 does once it has been asked. */
const failures: Record<string, (socket: Socket) => void> = {
  'closed before an answer': (socket) => socket.end(),
  'closed amid an answer': (socket) => socket.end('HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\nonly'),
  'reset before an answer': (socket) => socket.resetAndDestroy(),
  'no HTTP': (socket) => socket.end('BANANA\r\n\r\n'),
  'a header that is none': (socket) => socket.end('HTTP/1.1 200 OK\r\nb@d name: x\r\n\r\n'),
  'a content-length that is none': (socket) => socket.end('HTTP/1.1 200 OK\r\ncontent-length: abc\r\n\r\n'),
  'a chunk size that is none': (socket) => socket.end('HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\nzz\r\n'),
  'headers without end': (socket) => socket.end(`HTTP/1.1 200 OK\r\nx: ${'y'.repeat(600_000)}\r\n\r\n`),
};

for (const version of versions) {
  for (const [what, fail] of Object.entries(failures)) {
    const title = `${version.name} over HTTP/1.1: ${what} is an error of the class that undici itself gives`;
    test(title, { skip: version.skip }, async (t) => {
      const undici = await version.load();
      const server = await rawOrigin(t, async (peer) => {
        await peer.request();
        fail(peer.socket);
      });
      const theirs = new undici.Agent();
      const ours = new H2Dispatcher();
      t.after(() => Promise.all([theirs.destroy(), ours.destroy()]));
      const failure = async (dispatcher: typeof theirs | H2Dispatcher): Promise<Shown> => {
        try {
          const { body } = await undici.request(server.origin, { dispatcher: dispatcher as never });
          await body.text();
        } catch (error) {
          return show(undici, error as NodeJS.ErrnoException);
        }
        return assert.fail('it was answered');
      };
      const expected = await failure(theirs);
      const { cause, ...error } = await failure(ours);
      assert.deepEqual([error.name, error.classes], [expected.name, expected.classes]);
      // Undici 7 and 8 have forgotten the code of the parser.
      if (expected.code !== undefined) assert.equal(error.code, expected.code);
      else assert.match(error.code ?? '', /^HPE_/);
      assert.match((cause as { code: string }).code, /^ERR_PASSINGLANE_/);
    });
  }
}

testEach(
  'a body of another length than its content-length is a RequestContentLengthMismatchError, whatever it is made of',
  async ({ undici, url, dispatcher, origin }) => {
    const bodies = ['abc', Buffer.from('abc'), new Blob(['abc']), [Buffer.from('abc')]];
    for (const length of ['2', '10']) {
      for (const body of bodies) {
        const options = { dispatcher, method: 'POST' as const, headers: { 'content-length': length } };
        await assert.rejects(undici.request(`${url}/echo`, { ...options, body: body as never }), (error: Error) => {
          assert.ok(error instanceof undici.errors.RequestContentLengthMismatchError);
          return true;
        });
      }
    }
    assert.ok(origin.streamCount <= 2, 'what is known to be wrong was not sent');
  },
);

testEach('a system error has its fields, and is of none of undici\u2019s classes', async ({ undici, dispatcher }) => {
  await assert.rejects(undici.request('http://127.0.0.1:1/', { dispatcher }), (error: NodeJS.ErrnoException) => {
    const { name, code, classes: of } = show(undici, error);
    assert.deepEqual([name, code, of], ['Error', 'ECONNREFUSED', []]);
    const { syscall, address, port } = error as NodeJS.ErrnoException & { address: string; port: number };
    assert.deepEqual([syscall, address, port], ['connect', '127.0.0.1', 1]);
    return true;
  });
});

test('a connection that ends in order ends with an Error too, as undici\u2019s do', async (t) => {
  const origin = await startOrigin();
  t.after(() => origin.close());
  const cleartext = 'h2c';
  const idle = new H2Dispatcher({ cleartext, idleTimeout: 20 });
  const drained = new H2Dispatcher({ cleartext });
  const closed = new H2Dispatcher({ cleartext });
  const ends: [H2Dispatcher, string, RegExp, () => void][] = [
    [idle, 'UND_ERR_INFO', /no request used it/, () => undefined],
    [drained, 'UND_ERR_INFO', /GOAWAY/, () => [...origin.sessions].at(-1)?.goaway()],
    [closed, 'UND_ERR_DESTROYED', /destroyed/, () => void closed.close()],
  ];
  for (const [dispatcher, code, message, end] of ends) {
    t.after(() => dispatcher.destroy());
    const disconnected = once(dispatcher, 'disconnect');
    const { body } = await dispatcher.request({ origin: origin.origin, path: '/hello.txt', method: 'GET' });
    await body.dump();
    end();
    const [at, targets, error] = (await disconnected) as [URL, unknown[], NodeJS.ErrnoException];
    assert.deepEqual([at.origin, targets], [origin.origin, [dispatcher]]);
    assert.ok(error instanceof Error);
    assert.deepEqual([error.code, message.test(error.message)], [code, true], error.message);
  }
});

test('a connection that is lost is told of by the error that its request has', async (t) => {
  const server = await rawOrigin(t, async (peer) => {
    await peer.request();
    peer.socket.end();
  });
  const dispatcher = new H2Dispatcher();
  t.after(() => dispatcher.destroy());
  const disconnected = once(dispatcher, 'disconnect');
  await assert.rejects(dispatcher.request({ origin: server.origin, path: '/', method: 'POST' }), {
    name: 'SocketError',
    code: 'UND_ERR_SOCKET',
  });
  const [, , error] = (await disconnected) as [URL, unknown[], NodeJS.ErrnoException];
  assert.deepEqual([error.name, error.code], ['SocketError', 'UND_ERR_SOCKET']);
});

test('connectionError tells of a failed dial in undici\u2019s words', async (t) => {
  const dispatcher = new H2Dispatcher();
  t.after(() => dispatcher.destroy());
  const told = once(dispatcher, 'connectionError');
  const origin = 'http://127.0.0.1:1';
  await assert.rejects(dispatcher.request({ origin, path: '/', method: 'GET' }), { code: 'ECONNREFUSED' });
  const [, , error] = (await told) as [URL, unknown[], NodeJS.ErrnoException];
  assert.equal(error.code, 'ECONNREFUSED');
});

test('a dispatcher that is given a misspelt option names all that it knows, its own among them', () => {
  assert.throws(() => new H2Dispatcher({ htttp1: undefined } as object), {
    code: 'ERR_INVALID_ARG_VALUE',
    message: /^Invalid option 'htttp1': undefined\. Allowed: http1, tls, /,
  });
});
