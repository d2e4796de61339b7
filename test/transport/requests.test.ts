/** What a request can be asked to do, against node:http2. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer, type IncomingHttpHeaders, type Http2Server, type ServerHttp2Stream } from 'node:http2';
import type { AddressInfo } from 'node:net';
import { Readable } from 'node:stream';
import { test, type TestContext } from 'node:test';
import { brotliCompressSync, deflateSync, gzipSync } from 'node:zlib';
import { Transport, type BodyValue, type RequestOptions, type TransportOptions } from '../../dist/index.js';
import { endpoints } from '../support/endpoints.js';
import { startOrigin, type OriginOptions, type TestOrigin } from '../support/origin.js';
import { rawServer, type } from '../support/raw-server.js';

function transportFor(t: TestContext, options?: TransportOptions): Transport {
  const transport = new Transport({ cleartext: 'h2c', ...options });
  t.after(() => transport.destroy());
  return transport;
}

async function originFor(t: TestContext, options?: OriginOptions): Promise<TestOrigin> {
  const origin = await startOrigin(options);
  t.after(() => origin.close());
  return origin;
}

/** A server whose streams the test answers itself, as the compatible API of node:http2 cannot. */
async function streamServer(
  t: TestContext,
  onStream: (stream: ServerHttp2Stream, headers: IncomingHttpHeaders) => void,
  server: Http2Server = createServer(),
): Promise<string> {
  const sessions = new Set<{ destroy(): void }>();
  server.on('session', (session) => void sessions.add(session));
  server.on('stream', (stream, headers) => {
    stream.on('error', () => undefined);
    onStream(stream, headers);
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  t.after(() => {
    server.close();
    for (const session of sessions) session.destroy();
  });
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

async function seenHeaders(
  transport: Transport,
  url: string,
  options?: RequestOptions,
): Promise<Record<string, string>> {
  return (await (await transport.request(url, options)).body.json()) as Record<string, string>;
}

// --- bodies ---

const words = 'Grüße, 世界';
const bytes = new TextEncoder().encode(words);

async function* pieces(): AsyncGenerator<string> {
  for (const word of words.split(/(?<= )/)) {
    await new Promise(setImmediate);
    yield word;
  }
}

const bodies: Readonly<Record<string, () => BodyValue>> = {
  'a string': () => words,
  'a Uint8Array': () => bytes,
  'a Buffer': () => Buffer.from(words),
  'an ArrayBuffer': () => bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.byteLength),
  'a DataView': () => new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength),
  'a Blob': () => new Blob([words.slice(0, 3), words.slice(3)]),
  'a ReadableStream': () => ReadableStream.from(pieces()),
  'an async generator': () => pieces(),
  'a Readable': () => Readable.from(pieces()),
};

for (const [kind, make] of Object.entries(bodies)) {
  test(`${kind} is sent as it is, given as it is or by a function`, async (t) => {
    const { origin } = await originFor(t);
    const transport = transportFor(t);
    for (const body of [make(), make, async () => Promise.resolve(make())]) {
      const response = await transport.request(`${origin}/echo`, { method: 'POST', body });
      assert.equal(await response.body.text(), words);
    }
  });
}

test('URLSearchParams and FormData are sent as forms, with the type that says so', async (t) => {
  const { origin } = await originFor(t, {
    handler: (request, response) => {
      response.setHeader('content-type', request.headers['content-type'] ?? '');
      request.pipe(response as never);
    },
  });
  const transport = transportFor(t);
  const query = new URLSearchParams({ a: '1 2', b: 'ü' });
  const urlencoded = await transport.request(origin, { method: 'POST', body: query });
  assert.equal(urlencoded.headers.get('content-type'), 'application/x-www-form-urlencoded;charset=UTF-8');
  assert.equal(await urlencoded.body.text(), 'a=1+2&b=%C3%BC');
  const form = new FormData();
  form.append('name', 'value');
  form.append('file', new Blob(['content'], { type: 'text/plain' }), 'file.txt');
  const multipart = await transport.request(origin, { method: 'POST', body: form });
  const parsed = await new Response(await multipart.body.bytes(), {
    headers: { 'content-type': multipart.headers.get('content-type') ?? '' },
  }).formData();
  assert.equal(parsed.get('name'), 'value');
  assert.equal(await (parsed.get('file') as File).text(), 'content');
});

test('a body of many frames arrives whole and in order, whatever gives it', async (t) => {
  const { origin } = await originFor(t);
  const transport = transportFor(t);
  const large = Buffer.from(Array.from({ length: 1 << 20 }, (_, i) => (i * 7) % 253));
  const cut = async function* (): AsyncGenerator<Uint8Array> {
    for (let at = 0; at < large.length; at += 40_007) yield large.subarray(at, at + 40_007);
  };
  for (const body of [large, new Blob([large]), cut(), Readable.from(cut()), ReadableStream.from(cut())]) {
    const response = await transport.request(`${origin}/echo`, { method: 'POST', body });
    assert.deepEqual(Buffer.from(await response.body.bytes()), large);
  }
});

test('bodies of no bytes and no body at all end at once', async (t) => {
  const { origin } = await originFor(t);
  const transport = transportFor(t);
  for (const body of [undefined, null, '', new Uint8Array(), () => null, () => '']) {
    const response = await transport.request(`${origin}/count`, { method: 'POST', body });
    assert.equal(await response.body.text(), '0');
  }
});

test('request and response go both ways at once', async (t) => {
  const { origin } = await originFor(t);
  const incoming = new Readable({ read: () => undefined });
  incoming.push('first');
  const response = await transportFor(t).request(`${origin}/echo`, { method: 'POST', body: incoming });
  const chunks = response.body[Symbol.asyncIterator]();
  for (const [expected, next] of [
    ['first', 'second'],
    ['second', 'third'],
    ['third', null],
  ] as const) {
    assert.equal(Buffer.from((await chunks.next()).value ?? []).toString(), expected);
    incoming.push(next);
  }
  assert.equal((await chunks.next()).done, true);
});

test('trailers go both ways', async (t) => {
  const { origin } = await originFor(t);
  const transport = transportFor(t);
  for (const trailers of [
    { 'x-sum': '42' },
    () => ({ 'x-sum': '42' }),
    async () => Promise.resolve(new Headers({ 'x-sum': '42' })),
  ]) {
    const response = await transport.request(`${origin}/trailers`, { method: 'POST', body: 'content', trailers });
    assert.equal(await response.body.text(), 'content');
    assert.equal((await response.trailers).get('x-sum'), '42');
  }
});

// --- the head ---

test('user-info in a URL becomes Basic credentials, and never part of the authority', async (t) => {
  const { origin } = await originFor(t);
  const transport = transportFor(t);
  const withUser = (user: string): string => `${origin.replace('//', `//${user}@`)}/headers`;
  for (const [user, credentials] of [
    ['user:pass', 'user:pass'],
    ['user', 'user:'],
    ['us%C3%A9r:p%40ss%3A', 'usér:p@ss:'],
    ['100%:%zz', '100%:%zz'],
  ] as const) {
    const headers = await seenHeaders(transport, withUser(user));
    assert.equal(Buffer.from(headers['authorization']?.replace(/^Basic /, '') ?? '', 'base64').toString(), credentials);
    assert.equal(headers[':authority'], new URL(origin).host);
  }
  const own = await seenHeaders(transport, withUser('user:pass'), { headers: { Authorization: 'Bearer x' } });
  assert.equal(own['authorization'], 'Bearer x');
  assert.equal((await transport.request(withUser('user:pass'))).url, `${origin}/headers`);
  assert.equal(transport.stats().connections, 1);
});

test('headers are taken as a record, as pairs and as Headers', async (t) => {
  const { origin } = await originFor(t);
  const transport = transportFor(t);
  for (const headers of [
    { 'X-One': '1', 'x-many': ['2', '3'], 'x-none': undefined, 'x-number': 4 },
    [
      ['X-One', '1'],
      ['x-many', '2'],
      ['x-many', '3'],
      ['x-number', '4'],
    ] as const,
    new Headers([
      ['X-One', '1'],
      ['x-many', '2'],
      ['x-many', '3'],
      ['x-number', '4'],
    ]),
  ]) {
    const seen = await seenHeaders(transport, `${origin}/headers`, { headers });
    assert.deepEqual([seen['x-one'], seen['x-many'], seen['x-number']], ['1', '2, 3', '4']);
    assert.equal('x-none' in seen, false);
  }
});

test('priority is sent as a field, unless it is the default or the caller has sent one', async (t) => {
  const { origin } = await originFor(t);
  const transport = transportFor(t);
  const priorityOf = async (options: RequestOptions): Promise<string | undefined> =>
    (await seenHeaders(transport, `${origin}/headers`, options))['priority'];
  assert.equal(await priorityOf({ priority: { urgency: 1, incremental: true } }), 'u=1, i');
  assert.equal(await priorityOf({ priority: { urgency: 0 } }), 'u=0');
  assert.equal(await priorityOf({ priority: { incremental: true } }), 'i');
  assert.equal(await priorityOf({ priority: { urgency: 3, incremental: false } }), undefined);
  assert.equal(await priorityOf({}), undefined);
  assert.equal(await priorityOf({ priority: { urgency: 1 }, headers: { priority: 'u=5' } }), 'u=5');
});

test('userAgent is sent, unless the request has its own or the transport none', async (t) => {
  const { origin } = await originFor(t);
  const agentOf = async (
    options: TransportOptions,
    headers: Record<string, string> = {},
  ): Promise<string | undefined> =>
    (await seenHeaders(transportFor(t, options), `${origin}/headers`, { headers }))['user-agent'];
  assert.match((await agentOf({})) ?? '', /^passinglane\/\d+\.\d+\.\d+/);
  assert.equal(await agentOf({ userAgent: 'mine/1' }), 'mine/1');
  assert.equal(await agentOf({ userAgent: '' }), undefined);
  assert.equal(await agentOf({}, { 'User-Agent': 'yours/2' }), 'yours/2');
});

// --- CONNECT ---

test('extended CONNECT carries bytes both ways to a server that offers it (RFC 8441)', async (t) => {
  const seen: IncomingHttpHeaders[] = [];
  const server = createServer({ settings: { enableConnectProtocol: true } });
  const origin = await streamServer(
    t,
    (stream, headers) => {
      seen.push(headers);
      stream.respond({ ':status': 200 });
      stream.pipe(stream);
    },
    server,
  );
  const body = new Readable({ read: () => undefined });
  const response = await transportFor(t).request(`${origin}/chat?room=1`, { protocol: 'websocket', body });
  assert.equal(response.status, 200);
  const [{ ':method': method, ':protocol': protocol, ':path': path, ':scheme': scheme } = {}] = seen;
  assert.deepEqual([method, protocol, path, scheme], ['CONNECT', 'websocket', '/chat?room=1', 'http']);
  const chunks = response.body[Symbol.asyncIterator]();
  for (const message of ['one', 'two', 'three']) {
    body.push(message);
    assert.equal(Buffer.from((await chunks.next()).value ?? []).toString(), message);
  }
  body.push(null);
  assert.equal((await chunks.next()).done, true);
});

test('extended CONNECT is refused where the server does not offer it, and its body is left alone', async (t) => {
  const origin = await originFor(t);
  const transport = transportFor(t);
  let read = false;
  const body = new Readable({
    read() {
      read = true;
      this.push(null);
    },
  });
  await assert.rejects(transport.request(`${origin.origin}/`, { protocol: 'websocket', body }), {
    code: 'ERR_PASSINGLANE_EXTENDED_CONNECT_UNSUPPORTED',
    unprocessed: true,
  });
  assert.equal(read, false);
  assert.equal(
    (await transport.request(`${origin.origin}/hello.txt`)).status,
    200,
    'the connection is as good as ever',
  );
  assert.equal(origin.streamCount, 1);
});

test('CONNECT makes a tunnel: its authority has a port, and there is no path', async (t) => {
  const seen: IncomingHttpHeaders[] = [];
  const origin = await streamServer(t, (stream, headers) => {
    seen.push(headers);
    stream.respond({ ':status': 200 });
    stream.write('hello ');
    stream.pipe(stream);
  });
  const body = new Readable({ read: () => undefined });
  const headers = { host: 'behind.test' };
  const response = await transportFor(t).request(origin, { method: 'CONNECT', headers, body });
  const [{ ':authority': authority, ':path': path, ':scheme': scheme } = {}] = seen;
  assert.deepEqual([authority, path, scheme], ['behind.test:80', undefined, undefined]);
  body.push('there');
  body.push(null);
  assert.equal(await response.body.text(), 'hello there');
});

// --- responses ---

test('HEAD, 204, 205 and 304 have no body, whatever their content-length says', async (t) => {
  const { origin } = await originFor(t, {
    handler: (request, response) => {
      if (request.method === 'HEAD') response.setHeader('content-length', '1000');
      response.statusCode = Number(request.url.slice(1));
      response.end();
    },
  });
  const transport = transportFor(t);
  const head = await transport.request(`${origin}/200`, { method: 'HEAD' });
  assert.equal(head.headers.get('content-length'), '1000');
  assert.equal(await head.body.text(), '');
  assert.deepEqual([...(await head.trailers)], []);
  for (const status of [204, 205, 304]) {
    const response = await transport.request(`${origin}/${status}`);
    assert.equal(response.status, status);
    assert.equal((await response.body.bytes()).length, 0);
  }
});

test('a redirect is returned, not followed', async (t) => {
  const { origin } = await originFor(t, {
    handler: (_, response) => {
      response.writeHead(302, { location: '/elsewhere' });
      response.end();
    },
  });
  const response = await transportFor(t).request(origin);
  assert.deepEqual([response.status, response.headers.get('location')], [302, '/elsewhere']);
});

test('1xx responses are told to onInformational, each with its headers', async (t) => {
  const { origin } = await originFor(t, {
    handler: (_, response) => {
      response.writeEarlyHints({ link: '</a.css>; rel=preload' });
      response.writeEarlyHints({ link: '</b.css>; rel=preload' });
      response.end();
    },
  });
  const told: string[] = [];
  const onInformational = (status: number, headers: Headers): void =>
    void told.push(`${status} ${headers.get('link')}`);
  assert.equal((await transportFor(t).request(origin, { onInformational })).status, 200);
  assert.deepEqual(told, ['103 </a.css>; rel=preload', '103 </b.css>; rel=preload']);
});

test('a body that waits for 100 is sent when it comes, and never where the answer is final', async (t) => {
  const server = createServer(endpoints);
  server.on('checkContinue', (request, response) => {
    if (request.url === '/no') {
      response.statusCode = 417;
      response.end();
      return;
    }
    response.writeContinue();
    endpoints(request, response);
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  t.after(() => server.close());
  const origin = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const transport = transportFor(t);
  const post = (path: string, body: BodyValue): ReturnType<Transport['request']> =>
    transport.request(origin + path, { method: 'POST', body, expectContinue: true });
  assert.equal(await (await post('/echo', 'content')).body.text(), 'content');
  let read = false;
  const unread = (async function* () {
    read = true;
    yield 'content';
  })();
  assert.equal((await post('/no', unread)).status, 417);
  assert.equal(read, false);
  transport.destroy();
});

test('maxResponseSize ends a body that is larger, and what makes it larger is decoding too', async (t) => {
  const zeros = gzipSync(Buffer.alloc(200_000));
  const { origin } = await originFor(t, {
    handler: (request, response) => {
      if (request.url !== '/gzip') return endpoints(request, response);
      response.setHeader('content-encoding', 'gzip');
      response.end(zeros);
    },
  });
  const transport = transportFor(t, { maxResponseSize: 100_000 });
  assert.equal((await (await transport.request(`${origin}/bytes/100000`)).body.bytes()).length, 100_000);
  for (const path of ['/bytes/100001', '/bytes/5000000', '/gzip'])
    await assert.rejects((await transport.request(origin + path)).body.bytes(), {
      code: 'ERR_PASSINGLANE_RESPONSE_TOO_LARGE',
      message: /100000 bytes.*maxResponseSize/,
      initiator: 'local',
    });
  assert.deepEqual([transport.stats().streams, transport.stats().bufferedBytes], [0, 0]);
});

test('content codings are asked for and undone, unless the caller does that', async (t) => {
  const content = 'the same again and again, '.repeat(1_000);
  const encoded: Readonly<Record<string, Buffer>> = {
    gzip: gzipSync(content),
    deflate: deflateSync(content),
    br: brotliCompressSync(content),
    'gzip, br': brotliCompressSync(gzipSync(content)),
  };
  const asked: (string | undefined)[] = [];
  const { origin } = await originFor(t, {
    handler: (request, response) => {
      const coding = decodeURIComponent(request.url.slice(1));
      asked.push(request.headers['accept-encoding']);
      response.setHeader('content-encoding', coding);
      response.end(encoded[coding] ?? '');
    },
  });
  const transport = transportFor(t);
  for (const coding of Object.keys(encoded)) {
    const response = await transport.request(`${origin}/${encodeURIComponent(coding)}`);
    assert.equal(await response.body.text(), content, coding);
    assert.equal(response.headers.has('content-encoding'), false);
  }
  assert.match(asked[0] ?? '', /gzip.*deflate.*br/);
  for (const options of [{ decompress: false }, { headers: { 'accept-encoding': 'gzip' } }]) {
    const response = await transport.request(`${origin}/gzip`, options);
    assert.deepEqual(Buffer.from(await response.body.bytes()), encoded['gzip']);
    assert.equal(response.headers.get('content-encoding'), 'gzip');
  }
  assert.deepEqual(asked.slice(-2), [undefined, 'gzip']);
  const never = transportFor(t, { decompress: false });
  assert.equal((await never.request(`${origin}/gzip`)).headers.get('content-encoding'), 'gzip');
});

test('every way to read a body gives all of it', async (t) => {
  const { origin } = await originFor(t, { handler: (_, response) => void response.end('{"a":1}') });
  const transport = transportFor(t);
  const body = async () => (await transport.request(origin)).body;
  assert.equal(await (await body()).text(), '{"a":1}');
  assert.deepEqual(await (await body()).json(), { a: 1 });
  assert.equal((await (await body()).bytes()).length, 7);
  assert.equal((await (await body()).arrayBuffer()).byteLength, 7);
  assert.equal((await (await body()).blob()).size, 7);
  assert.equal(await new Response((await body()).stream() as never).text(), '{"a":1}');
  assert.equal(Buffer.concat(await (await body()).readable().toArray()).toString(), '{"a":1}');
  await (await body()).dump();
  const twice = await body();
  await twice.text();
  await assert.rejects(twice.text(), { code: 'ERR_PASSINGLANE_BODY_LOCKED' });
});

test('a response tells its connection, and how often the request was sent', async (t) => {
  const { origin } = await originFor(t);
  const transport = transportFor(t);
  const [first, second] = [
    await transport.request(`${origin}/hello.txt`),
    await transport.request(`${origin}/hello.txt#x`),
  ];
  assert.deepEqual([first.connection.reused, second.connection.reused], [false, true]);
  assert.equal(first.connection.id, second.connection.id);
  assert.deepEqual([second.httpVersion, second.attempts, second.url], ['2.0', 1, `${origin}/hello.txt`]);
  assert.equal(second.connection.remoteAddress, '127.0.0.1');
  assert.equal(second.connection.remotePort, Number(new URL(origin).port));
});

// --- giving up ---

interface Stage {
  /** Begins a request that gets no further than this. */
  begin(t: TestContext, options: RequestOptions): Promise<{ call: Promise<unknown>; reached: Promise<unknown> }>;
}

async function silentServer(t: TestContext, maxConcurrentStreams?: number) {
  const requested: Promise<number>[] = [];
  const resets: Promise<number>[] = [];
  const server = await rawServer(async (connection) => {
    await connection.greet(maxConcurrentStreams === undefined ? {} : { maxConcurrentStreams });
    requested.push(connection.request().then(({ streamId }) => streamId));
    resets.push(
      requested[0]!.then(() => connection.nextOf(type.rstStream)).then(({ payload }) => payload.readUInt32BE()),
    );
    for (const promise of [...requested, ...resets]) promise.catch(() => undefined);
    await connection.ended;
  });
  t.after(() => server.close());
  return { server, requested, resets };
}

const now = Promise.resolve();

const stages: Readonly<Record<string, Stage>> = {
  'while it is dialled': {
    async begin(t, options) {
      let dialling: () => void = () => undefined;
      const reached = new Promise<void>((resolve) => (dialling = resolve));
      const lookup = (): void => dialling();
      return { call: transportFor(t, { lookup }).request('http://nowhere.test/', options), reached };
    },
  },
  'before the SETTINGS of the peer': {
    async begin(t, options) {
      const server = await rawServer((connection) => connection.ended);
      t.after(() => server.close());
      const transport = transportFor(t);
      transport.request(server.origin).catch(() => undefined);
      return { call: transport.request(server.origin, options), reached: now };
    },
  },
  'while it waits for its turn': {
    async begin(t, options) {
      const { origin } = await originFor(t, { settings: { maxConcurrentStreams: 1 } });
      const transport = transportFor(t, { strictMaxConcurrentStreams: true });
      await transport.preconnect(origin);
      transport.request(`${origin}/silent`).catch(() => undefined);
      const call = transport.request(`${origin}/hello.txt`, options);
      assert.equal(transport.stats().queued, 1);
      return { call, reached: now };
    },
  },
  'while it waits to be sent again': {
    async begin(t, options) {
      let refusals = 0;
      let refused: () => void = () => undefined;
      const reached = new Promise<void>((resolve) => (refused = resolve));
      const origin = await streamServer(t, (stream) => {
        stream.close(7);
        if (++refusals === 2) stream.on('close', refused);
      });
      return { call: transportFor(t, { retry: { baseDelay: 60_000 } }).request(origin, options), reached };
    },
  },
  'while its body is sent': {
    async begin(t, options) {
      const { origin } = await originFor(t);
      let reading: () => void = () => undefined;
      const reached = new Promise<void>((resolve) => (reading = resolve));
      const body = (async function* () {
        yield 'piece';
        reading();
        await new Promise(() => undefined);
      })();
      return { call: transportFor(t).request(`${origin}/silent`, { method: 'POST', body, ...options }), reached };
    },
  },
  'while it waits for headers': {
    async begin(t, options) {
      const { server, requested } = await silentServer(t);
      const transport = transportFor(t);
      await transport.preconnect(server.origin);
      const call = transport.request(server.origin, options);
      return { call, reached: Promise.resolve(requested[0]) };
    },
  },
  'while its response is read': {
    async begin(t, options) {
      const { origin } = await originFor(t);
      let responded: () => void = () => undefined;
      const reached = new Promise<void>((resolve) => (responded = resolve));
      const call = transportFor(t)
        .request(`${origin}/endless`, options)
        .then(({ body }) => {
          responded();
          return body.text();
        });
      return { call, reached };
    },
  },
};

for (const [when, stage] of Object.entries(stages)) {
  test(`an aborted request rejects with the reason of its signal, ${when}`, async (t) => {
    for (const reason of [new Error('enough'), 'a string', undefined]) {
      const controller = new AbortController();
      const { call, reached } = await stage.begin(t, { signal: controller.signal });
      await Promise.race([reached, call]);
      controller.abort(reason);
      await assert.rejects(call, (error) => {
        assert.equal(error, controller.signal.reason);
        return true;
      });
    }
  });

  test(`a time-out covers the time ${when}`, async (t) => {
    const { call } = await stage.begin(t, { timeout: 60 });
    await assert.rejects(call, {
      code: 'ERR_PASSINGLANE_TIMEOUT',
      name: 'TimeoutError',
      message: /60 ms \(timeout\), while/,
    });
  });
}

test('a request whose signal is aborted already is not begun', async (t) => {
  const transport = transportFor(t);
  const reason = new Error('before');
  let asked = false;
  const body = (): string => {
    asked = true;
    return 'x';
  };
  const call = transport.request('http://127.0.0.1:1/', { signal: AbortSignal.abort(reason), method: 'POST', body });
  await assert.rejects(call, (error) => error === reason);
  assert.equal(asked, false);
  assert.deepEqual(transport.stats().origins, []);
});

test('an abort tells the server, once the request is on its way', async (t) => {
  const { server, requested, resets } = await silentServer(t);
  const transport = transportFor(t);
  await transport.preconnect(server.origin);
  const controller = new AbortController();
  const call = transport.request(server.origin, { signal: controller.signal });
  while (requested.length === 0) await new Promise(setImmediate);
  await requested[0];
  controller.abort();
  await assert.rejects(call, { name: 'AbortError' });
  assert.equal(await resets[0], 8, 'CANCEL');
});

test('an abort after the body has been read changes nothing', async (t) => {
  const { origin } = await originFor(t);
  const controller = new AbortController();
  const response = await transportFor(t).request(`${origin}/hello.txt`, { signal: controller.signal });
  assert.equal(await response.body.text(), 'hello\n');
  controller.abort();
  assert.deepEqual([...(await response.trailers)], []);
});

test('headersTimeout and bodyTimeout are defaults of the transport, which a request may change or turn off', async (t) => {
  const { origin } = await originFor(t);
  const transport = transportFor(t, { headersTimeout: 40, bodyTimeout: 40 });
  await assert.rejects(transport.request(`${origin}/silent`), {
    code: 'ERR_PASSINGLANE_HEADERS_TIMEOUT',
    name: 'TimeoutError',
    message: /40 ms \(headersTimeout\)/,
  });
  const stuck = await transport.request(`${origin}/endless`, { headersTimeout: 0 });
  const chunks = stuck.body[Symbol.asyncIterator]();
  assert.equal(Buffer.from((await chunks.next()).value ?? []).toString(), 'begin', 'what has come is delivered');
  await assert.rejects(chunks.next(), { code: 'ERR_PASSINGLANE_BODY_TIMEOUT', name: 'TimeoutError' });
  await assert.rejects(stuck.trailers, { code: 'ERR_PASSINGLANE_BODY_TIMEOUT' });
  await assert.rejects(transport.request(`${origin}/silent`, { headersTimeout: 20 }), /20 ms \(headersTimeout\)/);
  const patient = await transport.request(`${origin}/delay/120`, { headersTimeout: 0, bodyTimeout: 0 });
  assert.equal(await patient.body.text(), 'hello\n');
  assert.equal(transport.stats().streams, 0);
});

test('headersTimeout does not count while the body is being sent', async (t) => {
  const { origin } = await originFor(t);
  const slow = async function* (): AsyncGenerator<string> {
    for (let piece = 0; piece < 4; piece++) {
      await new Promise((resolve) => setTimeout(resolve, 300));
      yield 'x';
    }
  };
  const response = await transportFor(t).request(`${origin}/count`, {
    method: 'POST',
    body: slow(),
    headersTimeout: 1_000,
  });
  assert.equal(await response.body.text(), '4');
});
