import assert from 'node:assert/strict';
import { AsyncLocalStorage } from 'node:async_hooks';
import { once } from 'node:events';
import { buffer, text } from 'node:stream/consumers';
import { PassThrough, Readable, Writable } from 'node:stream';
import { askingOrigin } from '../support/continue.js';
import { pattern } from '../support/endpoints.js';
import { testEach } from './undicis.js';

testEach(
  'request over TLS gives status, headers, body and trailers',
  async ({ undici, url, dispatcher, version }) => {
    const response = await undici.request(`${url}/trailers`, { dispatcher, method: 'POST', body: 'hello' });
    assert.equal(response.statusCode, 200);
    assert.equal(await response.body.text(), 'hello');
    assert.deepEqual({ ...response.trailers }, { 'x-done': 'yes' });
    assert.deepEqual(response.headers['set-cookie'], ['a=1', 'b=2']);
    // Undici 6 decodes the bytes it is given as UTF-8, its fetch does not.
    if (version !== 'undici 6') assert.equal(response.headers['x-latin'], 'café');
    const { headers } = await undici.fetch(url, { dispatcher });
    assert.equal(headers.get('x-latin'), 'café');
  },
  {
    tls: true,
    handler(request, response) {
      response.setHeader('set-cookie', ['a=1', 'b=2']);
      response.setHeader('x-latin', 'café');
      response.addTrailers({ 'x-done': 'yes' });
      request.pipe(response);
    },
  },
);

testEach('header fields arrive from a record, a flat list, pairs, and with several values', async (place) => {
  const { undici, url, dispatcher } = place;
  const forms = [
    { 'X-One': 'a', 'x-many': ['b', 'c'], 'x-absent': undefined },
    ['X-One', 'a', 'x-many', 'b', 'x-many', 'c'],
    new Map<string, string | string[]>([
      ['X-One', 'a'],
      ['x-many', ['b', 'c']],
    ]),
  ];
  for (const headers of forms) {
    const { body } = await undici.request(`${url}/headers`, { dispatcher, headers: headers as never });
    const seen = (await body.json()) as Record<string, string>;
    assert.equal(seen['x-one'], 'a');
    assert.equal(seen['x-many'], 'b, c');
    assert.equal('x-absent' in seen, false);
  }
});

testEach(
  'the path goes out as it is given, with the query behind it',
  async ({ url, dispatcher }) => {
    // Undici's own functions bring a path into the form that URLs have.
    const query = { q: [1, 2] };
    const { body } = await dispatcher.request({ origin: url, path: '/a/../b', method: 'GET', query });
    assert.equal(await body.text(), '/a/../b?q=1&q=2');
  },
  { handler: (request, response) => void response.end(request.url) },
);

testEach(
  'bodies of every kind arrive, and a string brings no content-type',
  async ({ undici, url, dispatcher }) => {
    const bodies: [unknown, string][] = [
      ['café', 'café'],
      [Buffer.from('bytes'), 'bytes'],
      [new Uint8Array([97, 98]), 'ab'],
      [Readable.from([Buffer.from('from '), Buffer.from('a stream')]), 'from a stream'],
      [new PassThrough().end('passed'), 'passed'],
      [new Blob(['of a blob']), 'of a blob'],
      [
        (async function* () {
          yield Buffer.from('generated');
        })(),
        'generated',
      ],
      [[Buffer.from('pi'), Buffer.from('eces')], 'pieces'],
      ['', ''],
      [null, ''],
    ];
    for (const [body, expected] of bodies) {
      const response = await undici.request(`${url}/echo`, { dispatcher, method: 'POST', body: body as never });
      assert.equal(response.headers['x-type'], typeof body === 'string' ? 'undefined' : response.headers['x-type']);
      assert.equal(await response.body.text(), expected);
    }
  },
  {
    handler(request, response) {
      response.setHeader('x-type', String(request.headers['content-type']));
      request.pipe(response);
    },
  },
);

testEach('stream writes into what its factory makes', async ({ undici, url, dispatcher }) => {
  const chunks: Buffer[] = [];
  await undici.stream(
    `${url}/bytes/300000`,
    { dispatcher, method: 'GET', opaque: chunks as never },
    ({ opaque, statusCode }) => {
      assert.equal(statusCode, 200);
      return new Writable({
        highWaterMark: 1_000,
        write(chunk, _encoding, done) {
          (opaque as unknown as Buffer[]).push(chunk as Buffer);
          setImmediate(done);
        },
      });
    },
  );
  assert.deepEqual(Buffer.concat(chunks), pattern(300_000));
});

testEach('pipeline sends what is written and reads what comes back', async ({ undici, url, dispatcher }) => {
  const duplex = undici.pipeline(`${url}/echo`, { dispatcher, method: 'POST' }, ({ body }) => body);
  duplex.end('through the pipeline');
  assert.equal(await text(duplex), 'through the pipeline');
});

testEach('fetch sends and reads streams of any length', async ({ undici, url, dispatcher }) => {
  const large = pattern(2_000_000);
  const source = new ReadableStream({
    start(controller) {
      for (let at = 0; at < large.length; at += 100_000)
        controller.enqueue(new Uint8Array(large.subarray(at, at + 100_000)));
      controller.close();
    },
  });
  const response = await undici.fetch(`${url}/echo`, { dispatcher, method: 'POST', body: source, duplex: 'half' });
  assert.deepEqual(Buffer.from(await response.arrayBuffer()), large);
});

testEach(
  'fetch undoes the content coding, once',
  async ({ undici, url, dispatcher }) => {
    const response = await undici.fetch(url, { dispatcher });
    assert.equal(await response.text(), 'zipped');
    assert.equal(response.headers.get('content-encoding'), 'gzip');
  },
  {
    handler(_request, response) {
      response.setHeader('content-encoding', 'gzip');
      void import('node:zlib').then(({ gzipSync }) => response.end(gzipSync('zipped')));
    },
  },
);

testEach('fetch rejects with the signal\u2019s reason, and the stream is cancelled', async (place) => {
  const { undici, url, dispatcher, origin } = place;
  const controller = new AbortController();
  const reason = new Error('no longer wanted');
  const response = await undici.fetch(`${url}/endless`, { dispatcher, signal: controller.signal });
  const reading = response.text();
  controller.abort(reason);
  await assert.rejects(reading, (error) => error === reason || (error as Error).name === 'AbortError');
  while (origin.openStreams > 0) await new Promise((resolve) => setImmediate(resolve));
});

testEach('request ends with UND_ERR_ABORTED when it is aborted before its response', async (place) => {
  const { undici, url, dispatcher, origin } = place;
  const controller = new AbortController();
  const pending = undici.request(`${url}/silent`, { dispatcher, signal: controller.signal });
  while (origin.openStreams === 0) await new Promise((resolve) => setImmediate(resolve));
  controller.abort();
  await assert.rejects(pending, { name: 'AbortError' });
  while (origin.openStreams > 0) await new Promise((resolve) => setImmediate(resolve));
});

testEach('a reader that pauses stops the server, and all arrives when it goes on', async (place) => {
  const { undici, url, dispatcher } = place;
  const size = 8_000_000;
  const { body } = await undici.request(`${url}/bytes/${size}`, { dispatcher });
  await once(body, 'readable');
  await new Promise((resolve) => setTimeout(resolve, 50));
  assert.ok(body.readableLength < 400_000, `${body.readableLength} bytes are held ready`);
  assert.deepEqual(await buffer(body), pattern(size));
});

testEach(
  '1xx responses reach onInfo',
  async ({ undici, url, dispatcher }) => {
    const seen: number[] = [];
    const { body } = await undici.request(url, { dispatcher, onInfo: (info) => void seen.push(info.statusCode) });
    assert.equal(await body.text(), 'done');
    assert.deepEqual(seen, [103]);
  },
  {
    handler(_request, response) {
      response.writeEarlyHints({ link: '</style.css>; rel=preload' });
      response.end('done');
    },
  },
);

testEach('expectContinue holds the body back until the server asks for it', async ({ t, undici, dispatcher }) => {
  const url = await askingOrigin(t);
  for (const [expectContinue, said] of [
    [true, 'held back: wanted'],
    [false, 'at once'],
  ] as const) {
    const response = await undici.request(url, { dispatcher, method: 'PUT', body: 'wanted', expectContinue });
    assert.equal(await response.body.text(), said);
  }
});

testEach('as the global dispatcher it serves calls that name none', async ({ t, undici, url, dispatcher, version }) => {
  const before = undici.getGlobalDispatcher();
  t.after(() => undici.setGlobalDispatcher(before));
  undici.setGlobalDispatcher(dispatcher);
  const response = await undici.fetch(`${url}/hello.txt`);
  assert.equal(await response.text(), 'hello\n');
  // Undici 7 sets it for the built-in fetch of every Node too, and undici 8 through a wrapper; 6 does not know `.2`.
  if (version === 'undici 6' && Number(process.versions.node.split('.')[0]) >= 26) return;
  const own = await fetch(`${url}/hello.txt`);
  assert.equal(await own.text(), 'hello\n');
});

testEach('callbacks run in the async context of their request', async ({ undici, url, dispatcher }) => {
  const storage = new AsyncLocalStorage<number>();
  const seen: unknown[] = [];
  const composed = dispatcher.compose((dispatch) => (options, handler) => {
    const note = <T extends (...args: never[]) => unknown>(method: T | undefined) =>
      ((...args: never[]) => {
        seen.push(storage.getStore());
        return method?.apply(handler, args);
      }) as T;
    return dispatch(options, {
      onRequestStart: note(handler.onRequestStart),
      onResponseStart: note(handler.onResponseStart),
      onResponseData: note(handler.onResponseData),
      onResponseEnd: note(handler.onResponseEnd),
      onResponseError: note(handler.onResponseError),
    });
  });
  const call = async (id: number): Promise<void> => {
    const { body } = await undici.request(`${url}/bytes/200000`, { dispatcher: composed });
    assert.equal((await body.arrayBuffer()).byteLength, 200_000);
    assert.equal(storage.getStore(), id);
    assert.ok(
      seen.every((one) => one === id),
      `${String(seen)} in ${id}`,
    );
    seen.length = 0;
  };
  for (const id of [1, 2, 3]) await storage.run(id, call, id);
});
