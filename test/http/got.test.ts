// The real got over `request`, in the versions whose engines admit this Node.
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { Readable } from 'node:stream';
import { text } from 'node:stream/consumers';
import { pipeline } from 'node:stream/promises';
import { after, before, describe, test } from 'node:test';
import { gzipSync } from 'node:zlib';
import type { Http2ServerRequest, Http2ServerResponse } from 'node:http2';
import type { Got, RequestError } from 'got';
import { Transport, TransportError } from '../../dist/index.js';
import { createRequest, request as sharedRequest } from '../../dist/http/index.js';
import { closedPort } from '../support/closed-port.js';
import { endpoints, pattern } from '../support/endpoints.js';
import { startOrigin, type TestOrigin } from '../support/origin.js';

const nodeMajor = Number(process.versions.node.split('.')[0]);

interface Version {
  readonly name: string;
  readonly load: () => Promise<{ readonly default: Got }>;
  readonly skip: string | false;
}

const versions: Version[] = [
  { name: 'got', load: () => import('got'), skip: false },
  {
    name: 'got-16',
    load: () => import('got-16') as unknown as Promise<{ readonly default: Got }>,
    skip: nodeMajor >= 22 ? false : "got 16's engines ask for Node 22 or later",
  },
];

/** What the test's origin answers beside the usual endpoints; `calls` counts by path. */
function makeHandler(calls: Map<string, number>) {
  return (request: Http2ServerRequest, response: Http2ServerResponse): void => {
    const { pathname } = new URL(request.url, 'http://origin');
    const count = (calls.get(pathname) ?? 0) + 1;
    calls.set(pathname, count);
    switch (pathname) {
      case '/gzip':
        response.writeHead(200, { 'content-encoding': 'gzip' });
        response.end(gzipSync('packed'));
        return;
      case '/redirect':
        response.writeHead(302, { location: '/hello.txt' }).end();
        return;
      case '/see-other':
        response.writeHead(303, { location: '/echo-method' }).end();
        return;
      case '/echo-method':
        response.end(request.method);
        return;
      case '/busy-once':
        response.writeHead(count === 1 ? 503 : 200).end(`try ${count}`);
        return;
      case '/reset-once':
        if (count === 1) response.stream.close(2);
        else response.end(`try ${count}`);
        return;
      case '/cut':
        response.writeHead(200, { 'content-length': '100' });
        response.write('only this', () => response.stream.close(8));
        return;
      case '/echo-after': {
        // got 16 destroys a request whose response comes before its end, over node:http too.
        const chunks: Buffer[] = [];
        request.on('data', (chunk: Buffer) => chunks.push(chunk));
        request.on('end', () => response.end(Buffer.concat(chunks)));
        return;
      }
      case '/cookies':
        response.setHeader('set-cookie', ['a=1', 'b=2']);
        response.end('eaten');
        return;
      default:
        endpoints(request, response);
    }
  };
}

const settings = [
  { wire: 'h2c', tls: false },
  { wire: 'TLS', tls: true },
];

for (const { name, load, skip } of versions) {
  for (const { wire, tls } of settings) {
    describe(`${name} over ${wire}`, { skip }, () => {
      const calls = new Map<string, number>();
      let origin: TestOrigin;
      let transport: Transport;
      let got: Got;

      before(async () => {
        origin = await startOrigin({ tls, handler: makeHandler(calls) });
        transport = new Transport({
          cleartext: 'h2c',
          tls: origin.ca === undefined ? {} : { ca: origin.ca },
          retry: { maxAttempts: 1 },
        });
        const { default: original } = await load();
        got = original.extend({ request: createRequest(transport).request, retry: { limit: 0 } });
      });

      after(async () => {
        await transport.close({ timeout: 1_000 });
        await origin.close();
      });

      const at = (path: string): string => `${origin.origin}${path}`;
      const failure = (call: PromiseLike<unknown>): Promise<RequestError> =>
        Promise.resolve(call).then(
          () => assert.fail('it was answered'),
          (error: unknown) => error as RequestError,
        );

      test('GET gives the body, the status, the headers and where it came from', async () => {
        const response = await got(at('/hello.txt'));
        assert.equal(response.body, 'hello\n');
        assert.equal(response.statusCode, 200);
        assert.equal(response.statusMessage, 'OK');
        assert.equal(response.httpVersion, '2.0');
        assert.equal(response.ip, '127.0.0.1');
        assert.equal(response.complete, true);
        assert.equal(Buffer.from(response.rawBody).toString(), 'hello\n');
      });

      test('JSON goes out and comes in', async () => {
        const answer = await got.post(at('/echo'), { json: { a: [1, 'ü'] } }).json();
        assert.deepEqual(answer, { a: [1, 'ü'] });
        const headers = await got.post(at('/headers'), { json: { a: 1 } }).json<Record<string, string>>();
        assert.equal(headers['content-type'], 'application/json');
        assert.equal(headers['content-length'], '7');
      });

      test('a form and a body of bytes go out as they are', async () => {
        assert.equal(await got.post(at('/echo'), { form: { a: 'b c' } }).text(), 'a=b+c');
        const bytes = pattern(200_000);
        assert.deepEqual(Buffer.from(await got.put(at('/echo-after'), { body: bytes }).buffer()), bytes);
      });

      test('got decompresses', async () => {
        assert.equal(await got(at('/gzip')).text(), 'packed');
      });

      test('HEAD has headers and no body', async () => {
        const response = await got.head(at('/bytes/1000'));
        assert.equal(response.headers['content-length'], '1000');
        assert.equal(response.body, '');
      });

      test('each set-cookie is by itself', async () => {
        const response = await got(at('/cookies'));
        assert.deepEqual(response.headers['set-cookie'], ['a=1', 'b=2']);
      });

      test('many at once share the connection', async () => {
        const bodies = await Promise.all(Array.from({ length: 100 }, (_, i) => got(at(`/bytes/${i}`)).buffer()));
        bodies.forEach((body, i) => {
          assert.equal(body.length, i);
        });
        assert.equal(origin.sessionCount, 1);
      });

      test('a stream downloads', async () => {
        const chunks = (await got.stream(at('/bytes/500000')).toArray()) as Buffer[];
        assert.ok(chunks.every((chunk) => Buffer.isBuffer(chunk)));
        assert.deepEqual(Buffer.concat(chunks), pattern(500_000));
      });

      test('a stream whose cookies are stored before it is read comes to its end', async () => {
        const stored: string[] = [];
        const cookieJar = {
          getCookieString: () => Promise.resolve(''),
          setCookie: async (cookie: string) => {
            await new Promise(setImmediate);
            stored.push(cookie);
          },
        };
        assert.equal(await text(got.stream(at('/cookies'), { cookieJar })), 'eaten');
        assert.deepEqual(stored, ['a=1', 'b=2']);
      });

      test('a stream uploads, and the answer comes back through it', async () => {
        const upload = got.stream.post(at('/count'));
        const pieces = Array.from({ length: 50 }, () => Buffer.alloc(10_000));
        const [answer] = await Promise.all([text(upload), pipeline(Readable.from(pieces), upload, { end: true })]);
        assert.equal(answer, '500000');
      });

      test('an async generator uploads', async () => {
        async function* pieces(): AsyncGenerator<string> {
          for (const piece of ['one ', 'two ', 'three']) yield await Promise.resolve(piece);
        }
        assert.equal(await got.post(at('/echo'), { body: pieces() }).text(), 'one two three');
      });

      test('progress tells of upload and download', async () => {
        const up: number[] = [];
        const down: number[] = [];
        const call = got.post(at('/echo-after'), { body: pattern(300_000) });
        void call.on('uploadProgress', ({ transferred }) => up.push(transferred));
        void call.on('downloadProgress', ({ transferred }) => down.push(transferred));
        await call;
        assert.equal(up.at(-1), 300_000);
        assert.equal(down.at(-1), 300_000);
        assert.ok(down.length > 2, 'there was progress between start and end');
      });

      test('redirects are followed, a 303 with GET', async () => {
        const response = await got(at('/redirect'));
        assert.equal(response.body, 'hello\n');
        assert.equal(response.url, at('/hello.txt'));
        assert.equal(response.redirectUrls.length, 1);
        assert.equal(await got.post(at('/see-other'), { json: {} }).text(), 'GET');
      });

      test('hooks see and change requests and responses', async () => {
        const hooked = got.extend({
          hooks: {
            beforeRequest: [(options) => void (options.headers['x-hook'] = 'was here')],
            afterResponse: [
              (response) => {
                response.headers['x-after'] = 'seen';
                return response;
              },
            ],
          },
        });
        const response = await hooked(at('/headers'));
        assert.equal((JSON.parse(response.body) as Record<string, string>)['x-hook'], 'was here');
        assert.equal(response.headers['x-after'], 'seen');
      });

      test('an error status is an HTTPError with the body', async () => {
        const error = await failure(got(at('/status/404')));
        assert.equal(error.name, 'HTTPError');
        assert.equal(error.response?.statusCode, 404);
      });

      test('an error status is tried again by got', async () => {
        calls.delete('/busy-once');
        const retry = {
          limit: 2,
          calculateDelay: ({ computedValue }: { computedValue: number }) => +(computedValue > 0),
        };
        assert.equal(await got(at('/busy-once'), { retry }).text(), 'try 2');
      });

      test('a reset stream is ECONNRESET, which got tries again', async () => {
        calls.delete('/reset-once');
        const error = await failure(got(at('/reset-once')));
        assert.equal(error.code, 'ECONNRESET');
        calls.delete('/reset-once');
        const retry = {
          limit: 2,
          calculateDelay: ({ computedValue }: { computedValue: number }) => +(computedValue > 0),
        };
        assert.equal(await got(at('/reset-once'), { retry }).text(), 'try 2');
      });

      test('a body that is cut is an error, ours its cause, and never a shorter body', async () => {
        const error = await failure(got(at('/cut')));
        assert.equal(error.code, 'ECONNRESET');
        let cause: unknown = error;
        while (cause instanceof Error && !TransportError.isInstance(cause)) cause = cause.cause;
        assert.ok(TransportError.isInstance(cause), 'our error is among the causes');
      });

      test('a refused connection is ECONNREFUSED', async () => {
        const gone = `${tls ? 'https' : 'http'}://127.0.0.1:${closedPort}`;
        assert.equal((await failure(got(gone))).code, 'ECONNREFUSED');
      });

      test('time-outs of got end the request, and say which it was', async () => {
        for (const [timeout, event, path] of [
          [{ request: 40 }, 'request', '/silent'],
          [{ response: 40 }, 'response', '/silent'],
          [{ read: 40 }, 'read', '/endless'],
          [{ socket: 40 }, 'socket', '/silent'],
        ] as const) {
          const error = await failure(got(at(path), { timeout }));
          assert.equal(error.name, 'TimeoutError', `${event}: ${error.message}`);
          assert.equal((error as RequestError & { event?: string }).event, event);
          assert.equal(error.code, 'ETIMEDOUT');
        }
        while (origin.openStreams > 0) await new Promise((resolve) => setTimeout(resolve, 5));
      });

      test('an aborted signal ends the request, there too', async () => {
        const controller = new AbortController();
        const call = failure(got(at('/silent'), { signal: controller.signal }));
        while (origin.openStreams === 0) await new Promise((resolve) => setTimeout(resolve, 5));
        controller.abort();
        assert.equal((await call).name, 'AbortError');
        while (origin.openStreams > 0) await new Promise((resolve) => setTimeout(resolve, 5));
      });

      test('a destroyed stream ends the request', async () => {
        const stream = got.stream(at('/endless'));
        await once(stream, 'response');
        stream.destroy();
        await once(stream, 'close');
        while (origin.openStreams > 0) await new Promise((resolve) => setTimeout(resolve, 5));
      });

      test('timings are numbers where they were taken, and undefined where not', async () => {
        const { timings } = await got.post(at('/echo'), { body: 'timed' });
        const { wait, dns, tcp, firstByte, download, total } = timings.phases;
        for (const phase of [wait, firstByte, download, total]) assert.ok(Number.isInteger(phase), String(phase));
        assert.deepEqual([dns, tcp], [undefined, undefined]);
      });

      test('connection options of a call are refused where the transport is given', async () => {
        const error = await failure(got(at('/hello.txt'), { https: { rejectUnauthorized: false } }));
        assert.match(error.message, /rejectUnauthorized/);
      });
    });
  }

  test(`${name} brings its own TLS options to the shared request`, { skip }, async (t) => {
    const origin = await startOrigin({ tls: true });
    t.after(() => origin.close());
    const { default: got } = await load();
    const trusting = got.extend({ request: sharedRequest, retry: { limit: 0 } });
    const certificateAuthority = origin.ca ?? '';
    assert.equal(await trusting(`${origin.origin}/hello.txt`, { https: { certificateAuthority } }).text(), 'hello\n');
    await assert.rejects(trusting(`${origin.origin}/hello.txt`), { code: 'DEPTH_ZERO_SELF_SIGNED_CERT' });
    let checks = 0;
    const checkServerIdentity = (): Error => {
      checks++;
      return new Error('not the one');
    };
    const retry = { limit: 2, calculateDelay: ({ computedValue }: { computedValue: number }) => +(computedValue > 0) };
    const https = { certificateAuthority, checkServerIdentity };
    await assert.rejects(trusting(`${origin.origin}/hello.txt`, { https, retry }), /not the one/);
    assert.equal(checks, 1, 'got does not try again what will fail again');
  });
}
