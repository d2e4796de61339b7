/**
 * The tests that this project grew from: those of the change to Go's HTTP/2 client that let a request pass a blocked
 * one, then what Go does not do: pass it where the stream limit leaves room on the blocked connection.
 */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import type { Http2ServerRequest, Http2ServerResponse } from 'node:http2';
import { test, type TestContext } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { connect } from 'node:tls';
import { Transport, TransportError, type CreateConnectionOptions, type RequestOptions } from '../../dist/index.js';
import { blockAfter, type BlockingDuplex } from '../support/blocking-duplex.js';
import { startOrigin, type TestOrigin } from '../support/origin.js';
import { rawServer } from '../support/raw-server.js';

/** 4,096 characters that Huffman coding and repetition cannot make small: 2,048 pseudo-random bytes in hex. */
const filler = ((): string => {
  const bytes = Buffer.alloc(2_048);
  let state = 1;
  for (let index = 0; index < bytes.length; index++) {
    state = (Math.imul(state, 1_103_515_245) + 12_345) >>> 0;
    bytes.writeUInt8((state >>> 16) & 0xff, index);
  }
  return bytes.toString('hex');
})();

interface Expected {
  readonly big: string | undefined;
  readonly body: string;
  readonly trailer: string | undefined;
}

/** Answers 200, or 500 and the reason where the request is not what its `x-expect` says. */
function checker(expected: ReadonlyMap<string, Expected>) {
  return (request: Http2ServerRequest, response: Http2ServerResponse): void => {
    let body = '';
    request.setEncoding('utf8').on('data', (text: string) => (body += text));
    request.on('end', () => {
      try {
        const got: Expected = { big: one(request.headers['big']), body, trailer: one(request.trailers['big']) };
        assert.deepEqual(got, expected.get(request.url));
      } catch (error) {
        response.statusCode = 500;
        response.write(String(error));
      }
      response.end();
    });
  };
}

function one(value: string | string[] | undefined): string | undefined {
  return Array.isArray(value) ? value.join() : value;
}

async function expectOk(transport: Transport, url: string, options: RequestOptions): Promise<void> {
  const response = await transport.request(url, { method: 'POST', ...options });
  const text = await response.body.text();
  assert.equal(response.status, 200, text);
}

test('a request on a closed connection is refused as unusable, and nothing of its body is read', async (t) => {
  const origin = await startOrigin();
  const transport = new Transport({ cleartext: 'h2c' });
  t.after(() => {
    transport.destroy();
    return origin.close();
  });
  const connection = await transport.connect(origin.origin);
  connection.close();
  let read = 0;
  const body = {
    [Symbol.asyncIterator]: () => ({
      next: () => {
        read++;
        return Promise.resolve({ done: false as const, value: Buffer.from('foo') });
      },
    }),
  };
  await assert.rejects(connection.request(origin.origin, { method: 'POST', body }), (error) => {
    assert.ok(TransportError.isInstance(error));
    assert.equal(error.code, 'ERR_PASSINGLANE_CONNECTION_UNUSABLE');
    assert.equal(error.unprocessed, true);
    return true;
  });
  assert.equal(read, 0);
});

test('concurrent requests whose headers, bodies and trailers exceed a frame buffer do not mix', async (t) => {
  const all = { big: filler, body: filler, trailer: filler };
  const origin = await startOrigin({ tls: true, handler: checker(new Map([['/', all]])) });
  t.after(() => origin.close());
  for (let round = 0; round < 30; round++) {
    const transport = new Transport({ tls: { ca: origin.ca } });
    const options = { headers: { big: filler }, body: filler, trailers: { big: filler } };
    await Promise.all(Array.from({ length: 10 }, () => expectOk(transport, `${origin.origin}/`, options)));
    await transport.close();
  }
  assert.equal(origin.sessionCount, 30, 'ten at once need one connection');
});

interface Blocking {
  readonly origin: TestOrigin;
  readonly transport: Transport;
  /** Every connection dialled so far. */
  readonly dialled: readonly BlockingDuplex[];
}

const small: Expected = { big: undefined, body: '', trailer: undefined };

/** A transport whose connections each block once more than 1,024 bytes would have been written in all. */
async function blocking(t: TestContext, maxConcurrentStreams: number, blocked: Expected): Promise<Blocking> {
  const handler = checker(
    new Map([
      ['/small', small],
      ['/blocked', blocked],
    ]),
  );
  const origin = await startOrigin({ tls: true, settings: { maxConcurrentStreams }, handler });
  const dialled: BlockingDuplex[] = [];
  const createConnection = async ({ hostname, port, alpnProtocols }: CreateConnectionOptions) => {
    const socket = connect({ host: hostname, port, ca: origin.ca, ALPNProtocols: [...alpnProtocols] });
    await once(socket, 'secureConnect');
    const stream = blockAfter(socket, 1_024);
    dialled.push(stream);
    return stream;
  };
  const transport = new Transport({ createConnection });
  t.after(() => {
    transport.destroy();
    return origin.close();
  });
  return { origin, transport, dialled };
}

const cases: Readonly<Record<string, { readonly options: RequestOptions; readonly expected: Expected }>> = {
  headers: { options: { headers: { big: filler } }, expected: { ...small, big: filler } },
  body: { options: { body: filler }, expected: { ...small, body: filler } },
  trailer: {
    options: { body: 'body', trailers: { big: filler } },
    expected: { ...small, body: 'body', trailer: filler },
  },
};

for (const limit of [1, 100]) {
  for (const [part, { options, expected }] of Object.entries(cases)) {
    const name = `with a stream limit of ${limit}, a request passes one whose ${part} blocks the connection`;
    test(name, async (t) => {
      const { origin, transport, dialled } = await blocking(t, limit, expected);
      await expectOk(transport, `${origin.origin}/small`, {});

      let completed = false;
      const second = expectOk(transport, `${origin.origin}/blocked`, options).finally(() => (completed = true));
      const [first] = dialled;
      assert.ok(first !== undefined);
      await first.blocked;
      await expectOk(transport, `${origin.origin}/small`, {});
      assert.equal(completed, false, 'the blocked request is blocked still');

      first.release();
      await second;
      assert.equal(dialled.length, 2, 'one dial for the first request, one for the third');
    });
  }
}

test('a small GET passes an upload that has filled the kernel since its peer stopped reading', async (t) => {
  const megabytes = 32;
  const server = await rawServer(async (c) => {
    await c.greet({ maxConcurrentStreams: 100, initialWindowSize: 0x7fff_ffff });
    c.windowUpdate(0, 0x7fff_ffff - 65_535);
    const request = await c.request();
    if (request.get(':path') === '/upload') {
      c.stopReading();
      const { bytes } = await c.body(request.streamId, { credit: false });
      c.headers(
        request.streamId,
        [
          [':status', '200'],
          ['x-received', String(bytes.length)],
        ],
        { endStream: true },
      );
    } else {
      c.headers(request.streamId, [[':status', '204']], { endStream: true });
    }
    await c.ended;
  });
  const transport = new Transport({ cleartext: 'h2c' });
  t.after(() => {
    transport.destroy();
    return server.close();
  });

  const body = async function* (): AsyncGenerator<Uint8Array> {
    for (let index = 0; index < megabytes; index++) yield Buffer.alloc(1 << 20);
  };
  const upload = transport.request(`${server.origin}/upload`, { method: 'POST', body });
  while (transport.stats().origins[0]?.connections[0]?.state !== 'stalled') await sleep(10);
  const response = await transport.request(`${server.origin}/small`);
  assert.equal(response.status, 204);
  assert.equal(server.connections.length, 2);

  server.connections[0]?.resumeReading();
  assert.equal((await upload).headers.get('x-received'), String(megabytes << 20), 'and the upload finishes');
});
