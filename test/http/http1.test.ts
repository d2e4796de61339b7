/** The real got over origins of HTTP/1.1: http: URLs, and https: ones where ALPN says so. */
import assert from 'node:assert/strict';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { Readable } from 'node:stream';
import { text } from 'node:stream/consumers';
import { pipeline } from 'node:stream/promises';
import { test, type TestContext } from 'node:test';
import type { Got, RequestError } from 'got';
import { Transport, TransportError } from '../../dist/index.js';
import { createRequest } from '../../dist/http/index.js';
import { eventually, httpOrigin, httpsOrigin, type Http1Origin } from '../http1/support.js';
import { loopback } from '../support/certificates.js';
import { endpoints, pattern } from '../support/endpoints.js';

const nodeMajor = Number(process.versions.node.split('.')[0]);

interface Version {
  readonly name: string;
  readonly load: () => Promise<{ readonly default: Got }>;
  readonly skip: string | false;
}

const versions: readonly Version[] = [
  { name: 'got', load: () => import('got'), skip: false },
  {
    name: 'got-16',
    load: () => import('got-16') as unknown as Promise<{ readonly default: Got }>,
    skip: nodeMajor >= 22 ? false : "got 16's engines ask for Node 22 or later",
  },
];

/** Requests that wait for an answer which never comes. */
const silent = new Set<ServerResponse>();

function handler(request: IncomingMessage, response: ServerResponse): void {
  switch (request.url) {
    case '/silent':
      silent.add(response);
      return void response.on('close', () => silent.delete(response));
    case '/redirect':
      return void response.writeHead(302, { location: '/hello.txt' }).end();
    case '/cut':
      response.writeHead(200, { 'content-length': '100' });
      return void response.write('only this', () => response.destroy());
    case '/echo-after': {
      // got 16 destroys a request whose response comes before its end, over node:http too.
      const chunks: Buffer[] = [];
      request.on('data', (chunk: Buffer) => chunks.push(chunk));
      request.on('end', () => response.end(Buffer.concat(chunks)));
      return;
    }
    default:
      endpoints(request, response);
  }
}

interface Place {
  readonly server: Http1Origin;
  readonly got: Got;
  at(path: string): string;
}

for (const { name, load, skip } of versions) {
  for (const [wire, start] of [
    ['http', httpOrigin],
    ['https and ALPN', httpsOrigin],
  ] as const) {
    const place = async (t: TestContext): Promise<Place> => {
      const server = await start(t, handler);
      const transport = new Transport({ tls: { ca: loopback.cert }, retry: { maxAttempts: 1 } });
      t.after(() => transport.destroy());
      const { default: original } = await load();
      const got = original.extend({ request: createRequest(transport).request, retry: { limit: 0 } });
      return { server, got, at: (path) => `${server.origin}${path}` };
    };
    const failure = (call: PromiseLike<unknown>): Promise<RequestError> =>
      Promise.resolve(call).then(
        () => assert.fail('it was answered'),
        (error: unknown) => error as RequestError,
      );

    test(`${name} over ${wire}: heads and bodies go both ways, on a connection that is kept`, { skip }, async (t) => {
      const { server, got, at } = await place(t);
      const response = await got(at('/hello.txt'));
      assert.deepEqual([response.body, response.statusCode, response.httpVersion], ['hello\n', 200, '1.1']);
      assert.equal(response.ip, '127.0.0.1');
      assert.deepEqual(await got.post(at('/echo-after'), { json: { a: [1, 'ü'] } }).json(), { a: [1, 'ü'] });
      const sent = await got.post(at('/headers'), { json: { a: 1 } }).json<Record<string, string>>();
      assert.equal(sent['content-length'], '7');
      assert.equal((await got.head(at('/bytes/1000'))).headers['content-length'], '1000');
      assert.equal((await got(at('/redirect'))).url, at('/hello.txt'));
      assert.equal(server.connections, 1);
    });

    test(`${name} over ${wire}: large bodies and streams go both ways`, { skip }, async (t) => {
      const { got, at } = await place(t);
      const bytes = pattern(2_000_000);
      assert.deepEqual(Buffer.from(await got.put(at('/echo-after'), { body: bytes }).buffer()), bytes);
      const chunks = (await got.stream(at('/bytes/500000')).toArray()) as Buffer[];
      assert.deepEqual(Buffer.concat(chunks), pattern(500_000));
      const upload = got.stream.post(at('/count'));
      const pieces = Array.from({ length: 50 }, () => Buffer.alloc(10_000));
      const [answer] = await Promise.all([text(upload), pipeline(Readable.from(pieces), upload)]);
      assert.equal(answer, '500000');
    });

    test(
      `${name} over ${wire}: failures have got's codes, and a cut body is never a shorter one`,
      { skip },
      async (t) => {
        const { server, got, at } = await place(t);
        assert.equal((await failure(got(at('/status/404')))).response?.statusCode, 404);
        const cut = await failure(got(at('/cut')));
        assert.equal(cut.code, 'ECONNRESET');
        let cause: unknown = cut;
        while (cause instanceof Error && !TransportError.isInstance(cause)) cause = cause.cause;
        assert.ok(TransportError.isInstance(cause), 'our error is among the causes');
        for (const [timeout, path] of [
          [{ request: 40 }, '/silent'],
          [{ response: 40 }, '/silent'],
          [{ read: 40 }, '/endless'],
          [{ socket: 40 }, '/silent'],
        ] as const) {
          assert.equal((await failure(got(at(path), { timeout }))).code, 'ETIMEDOUT');
        }
        const controller = new AbortController();
        await eventually(() => silent.size === 0);
        const aborted = failure(got(at('/silent'), { signal: controller.signal }));
        await eventually(() => silent.size === 1);
        controller.abort();
        assert.equal((await aborted).name, 'AbortError');
        await eventually(() => server.open.size === 0);
        assert.equal(await got(at('/hello.txt')).text(), 'hello\n', 'and the next is none the worse');
      },
    );
  }
}
