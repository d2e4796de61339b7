/** Requests in HTTP/1.1: what goes on the wire, and what comes of the answers. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { gzipSync } from 'node:zlib';
import { pattern } from '../support/endpoints.js';
import { eventually, httpOrigin, httpsOrigin, rawOrigin, transportFor } from './support.js';

test('an http: URL is requested in HTTP/1.1, and the response is what it is over HTTP/2', async (t) => {
  const server = await rawOrigin(t, async (peer) => {
    const head = await peer.request();
    assert.equal(
      head.replace(/127.0.0.1:\d+/, 'HOST').replace(/passinglane\/\S+/, 'UA'),
      'GET /a?b HTTP/1.1\r\nhost: HOST\r\nconnection: keep-alive\r\nx-one: 1\r\nx-two: 2\r\nx-two: 3\r\n' +
        'user-agent: UA\r\ncookie: a=b; c=d\r\n\r\n',
    );
    peer.write('HTTP/1.1 203 Fine\nX-A: 1\nSet-Cookie: a\nset-cookie: b\nTransfer-Encoding: chunked\n\n');
    peer.write('5\nhello\n0\nX-End: yes\n\n');
  });
  const transport = transportFor(t, { decompress: false });
  const response = await transport.request(`${server.origin}/a?b#fragment`, {
    headers: [
      ['x-one', '1'],
      ['X-Two', '2'],
      ['x-two', '3'],
      ['cookie', 'a=b; c=d'],
    ],
  });
  assert.equal(response.status, 203);
  assert.equal(response.httpVersion, '1.1');
  assert.equal(response.url, `${server.origin}/a?b`);
  assert.deepEqual(response.headerPairs, [
    ['x-a', '1'],
    ['set-cookie', 'a'],
    ['set-cookie', 'b'],
    ['transfer-encoding', 'chunked'],
  ]);
  assert.deepEqual(response.headers.getSetCookie(), ['a', 'b']);
  assert.equal(await response.body.text(), 'hello');
  assert.deepEqual([...(await response.trailers)], [['x-end', 'yes']]);
  assert.equal(response.attempts, 1);
  assert.equal(response.connection.remoteAddress, '127.0.0.1');
  assert.equal(response.connection.reused, false);
});

test('a body is framed by its length or by chunks, never by both and never by neither', async (t) => {
  const server = await rawOrigin(t, async (peer) => {
    for (;;) {
      const head = await peer.request();
      const framing = head.match(/^(content-length|transfer-encoding|trailer): .*$/gim)?.join(', ') ?? 'none';
      const length = Number(/content-length: (\d+)/.exec(head)?.[1] ?? 0);
      let body = '';
      if (head.includes('chunked')) body = await peer.until('\r\n\r\n');
      else while (body.length < length) body += await peer.until(peer.received.slice(0, 1));
      const answer = `${framing} ${JSON.stringify(body)}`;
      peer.write(`HTTP/1.1 200 OK\nContent-Length: ${answer.length}\n\n${answer}`);
    }
  });
  const transport = transportFor(t);
  const send = async (options: Parameters<typeof transport.request>[1]): Promise<string> =>
    (await transport.request(server.origin, options)).body.text();
  const stream = async function* (): AsyncGenerator<string> {
    yield await Promise.resolve('abc');
    yield 'de';
  };
  assert.equal(await send({}), 'none ""');
  assert.equal(await send({ method: 'DELETE' }), 'none ""');
  assert.equal(await send({ method: 'POST' }), 'content-length: 0 ""');
  assert.equal(await send({ method: 'PROPFIND' }), 'content-length: 0 ""');
  assert.equal(await send({ method: 'POST', body: 'abc' }), 'content-length: 3 "abc"');
  assert.equal(await send({ method: 'GET', body: 'abc' }), 'content-length: 3 "abc"');
  assert.equal(
    await send({ method: 'POST', body: stream(), headers: { 'content-length': '5' } }),
    'content-length: 5 "abcde"',
  );
  const chunks = '"3\\r\\nabc\\r\\n2\\r\\nde\\r\\n0\\r\\n\\r\\n"';
  assert.equal(await send({ method: 'POST', body: stream() }), `transfer-encoding: chunked ${chunks}`);
  assert.equal(await send({ method: 'DELETE', body: stream() }), `transfer-encoding: chunked ${chunks}`);
  assert.equal(
    await send({ method: 'POST', body: 'abc', headers: { 'transfer-encoding': 'chunked' } }),
    'content-length: 3 "abc"',
    'the caller cannot ask for a second framing',
  );
  assert.equal(
    await send({ method: 'POST', body: 'abc', trailers: { 'x-end': '1' } }),
    'trailer: X-End, transfer-encoding: chunked "3\\r\\nabc\\r\\n0\\r\\nx-end: 1\\r\\n\\r\\n"',
  );
  assert.equal(server.connections, 1);
});

test('what could be read as a second request cannot be sent', async (t) => {
  const server = await httpOrigin(t);
  const transport = transportFor(t);
  for (const [options, code] of [
    [{ headers: { 'x-a': 'b\r\nx-c: d' } }, 'ERR_PASSINGLANE_INVALID_HEADER'],
    [{ headers: { 'x-a\r\nx-c': 'd' } }, 'ERR_PASSINGLANE_INVALID_HEADER'],
    [{ headers: { 'content-length': '3, 4' }, method: 'POST' }, 'ERR_PASSINGLANE_INVALID_HEADER'],
    [{ headers: { 'content-length': '9' }, method: 'POST', body: 'abc' }, 'ERR_PASSINGLANE_REQUEST_BODY_LENGTH'],
    [{ headers: { 'transfer-encoding': 'gzip' } }, 'ERR_PASSINGLANE_INVALID_HEADER'],
    [{ headers: { upgrade: 'websocket' } }, 'ERR_PASSINGLANE_INVALID_HEADER'],
    [{ method: 'GET / HTTP/1.1\r\nx: y\r\n' }, 'ERR_PASSINGLANE_INVALID_REQUEST'],
    [{ method: 'POST', body: 'a', trailers: { 'content-length': '1' } }, 'ERR_PASSINGLANE_INVALID_HEADER'],
    [{ method: 'POST', body: 'a', trailers: () => ({ 'x-a': 'b\r\n' }) }, 'ERR_PASSINGLANE_INVALID_HEADER'],
    [{ method: 'CONNECT' }, 'ERR_PASSINGLANE_INVALID_REQUEST'],
  ] as const)
    await assert.rejects(transport.request(server.origin, options), { code });
  const { body } = await transport.request(`${server.origin}/hello.txt`);
  assert.equal(await body.text(), 'hello\n');
});

test('a body that does not keep its declared length ends the request and its connection', async (t) => {
  const server = await httpOrigin(t);
  const transport = transportFor(t);
  const body = async function* (): AsyncGenerator<string> {
    yield await Promise.resolve('abc');
  };
  await assert.rejects(
    transport.request(`${server.origin}/count`, { method: 'POST', body: body(), headers: { 'content-length': '4' } }),
    { code: 'ERR_PASSINGLANE_REQUEST_BODY_LENGTH' },
  );
  await eventually(() => server.open.size === 0);
});

test('every form of body can be read, content codings are undone, and maxResponseSize holds', async (t) => {
  const server = await httpOrigin(t, (request, response) => {
    if (request.url === '/zipped') response.setHeader('content-encoding', 'gzip').end(gzipSync(pattern(100_000)));
    else response.setHeader('content-type', 'application/json').end('{"a":[1,2]}');
  });
  const transport = transportFor(t, { maxResponseSize: 200_000 });
  const get = async (path = '/') => (await transport.request(server.origin + path)).body;
  assert.deepEqual(await (await get()).json(), { a: [1, 2] });
  assert.equal((await (await get()).arrayBuffer()).byteLength, 11);
  assert.equal((await (await get()).blob()).type, 'application/json');
  assert.equal(await new Response((await get()).stream()).text(), '{"a":[1,2]}');
  let pieces = '';
  for await (const piece of await get()) {
    assert.equal(piece.constructor, Uint8Array, 'no Buffer');
    pieces += Buffer.from(piece).toString();
  }
  assert.equal(pieces, '{"a":[1,2]}');
  for await (const piece of (await get()).readable()) pieces += String(piece);
  assert.equal(pieces.length, 22);
  assert.deepEqual(Buffer.from(await (await get('/zipped')).bytes()), pattern(100_000));
  const small = transportFor(t, { maxResponseSize: 99_999 });
  const { body } = await small.request(`${server.origin}/zipped`);
  await assert.rejects(body.bytes(), { code: 'ERR_PASSINGLANE_RESPONSE_TOO_LARGE' });
  assert.equal(transport.stats().bufferedBytes, 0);
});

test('a large body arrives whole both ways, and one that nobody reads makes the server wait', async (t) => {
  let sent = 0;
  const server = await httpOrigin(t, (request, response) => {
    if (request.method === 'POST') return void request.pipe(response);
    const chunk = pattern(65_536);
    const more = (): void => {
      while (sent < 64 * 1_048_576) {
        sent += chunk.length;
        if (!response.write(chunk)) return void response.once('drain', more);
      }
      response.end();
    };
    more();
  });
  const transport = transportFor(t);
  const bytes = pattern(3_000_000);
  const echo = await transport.request(server.origin, { method: 'POST', body: bytes });
  assert.deepEqual(Buffer.from(await echo.body.bytes()), bytes);
  const slow = await transport.request(server.origin);
  let before = -1;
  while (sent !== before) {
    before = sent;
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  assert.ok(sent < 32 * 1_048_576, `${sent} bytes left the server although nobody read`);
  assert.ok(transport.stats().bufferedBytes <= 262_144, `${transport.stats().bufferedBytes} bytes are held`);
  let received = 0;
  for await (const piece of slow.body) received += piece.length;
  assert.equal(received, sent);
  assert.equal(transport.stats().bufferedBytes, 0);
});

test('1xx responses are passed on, and expectContinue holds the body back until 100', async (t) => {
  const server = await rawOrigin(t, async (peer) => {
    const head = await peer.request();
    assert.match(head, /\r\nexpect: 100-continue\r\n/);
    assert.equal(peer.received, '', 'the body waits');
    peer.write('HTTP/1.1 103 Early Hints\nLink: </a>\n\nHTTP/1.1 100 Continue\n\n');
    assert.equal(await peer.until('abc'), 'abc');
    peer.write('HTTP/1.1 200 OK\nContent-Length: 0\n\n');
  });
  const seen: [number, string | null][] = [];
  const response = await transportFor(t).request(server.origin, {
    method: 'PUT',
    body: 'abc',
    expectContinue: true,
    onInformational: (status, headers) => void seen.push([status, headers.get('link')]),
  });
  assert.equal(response.status, 200);
  assert.deepEqual(seen, [
    [103, '</a>'],
    [100, null],
  ]);
});

test('1xx responses beyond maxHeaderListSize together end a request, unless somebody listens to them', async (t) => {
  const hint = `HTTP/1.1 103 Early Hints\nLink: ${'x'.repeat(400)}\n\n`;
  const server = await rawOrigin(t, async (peer) => {
    await peer.request();
    peer.write(`${hint.repeat(3)}HTTP/1.1 200 OK\nContent-Length: 0\n\n`);
  });
  const transport = transportFor(t, { maxHeaderListSize: 1_000 });
  await assert.rejects(transport.request(server.origin), {
    code: 'ERR_PASSINGLANE_HEADERS_TOO_LARGE',
    message: /1xx.*1000 bytes.*maxHeaderListSize/,
    unprocessed: false,
  });
  let told = 0;
  const { status } = await transport.request(server.origin, { onInformational: () => (told += 1) });
  assert.deepEqual([status, told], [200, 3]);
});

test('1xx responses without fields have an end too', async (t) => {
  const server = await rawOrigin(t, async (peer) => {
    await peer.request();
    peer.write(`${'HTTP/1.1 102 Processing\n\n'.repeat(24)}HTTP/1.1 200 OK\nContent-Length: 0\n\n`);
  });
  await assert.rejects(transportFor(t, { maxHeaderListSize: 1_000 }).request(server.origin), {
    code: 'ERR_PASSINGLANE_HEADERS_TOO_LARGE',
    message: /1xx.*1000 bytes/,
  });
});

test('an early refusal stops the upload, and the connection is not used again', async (t) => {
  const server = await rawOrigin(t, async (peer) => {
    await peer.request();
    peer.write('HTTP/1.1 413 Too Large\nContent-Length: 2\n\nno');
  });
  let stopped = false;
  const body = async function* (): AsyncGenerator<Uint8Array> {
    try {
      for (;;) {
        yield pattern(10_000);
        await new Promise((resolve) => setTimeout(resolve, 5));
      }
    } finally {
      stopped = true;
    }
  };
  const transport = transportFor(t);
  const response = await transport.request(server.origin, { method: 'POST', body: body() });
  assert.equal(response.status, 413);
  assert.equal(await response.body.text(), 'no');
  await eventually(() => stopped && server.open.size === 0);
  assert.deepEqual(transport.stats().origins, []);
});

for (const [scheme, serve] of [
  ['http', httpOrigin],
  ['https', httpsOrigin],
] as const)
  test(`${scheme}: an answer that comes early, from a server that closes behind it, is read before the upload fails`, async (t) => {
    const { origin } = await serve(t, (_, response) => {
      response.writeHead(413, { connection: 'close' });
      response.end('too much');
    });
    const transport = transportFor(t, { retry: { maxAttempts: 1 } });
    for (let i = 0; i < 5; i++) {
      const response = await transport.request(`${origin}/`, { method: 'POST', body: Buffer.alloc(4 << 20) });
      assert.deepEqual([response.status, await response.text()], [413, 'too much']);
    }
  });

test('an upload that outlives its answer ends with the connection where bytes come that nobody asked for', async (t) => {
  let rest = (): void => undefined;
  const server = await rawOrigin(t, async (peer) => {
    await peer.request();
    peer.write('HTTP/1.1 200 OK\nContent-Length: 2\n\nokXX');
    rest = () => peer.write('and more');
  });
  let stopped = false;
  const body = async function* (): AsyncGenerator<Uint8Array> {
    try {
      for (;;) {
        yield pattern(1_000);
        await new Promise(setImmediate);
      }
    } finally {
      stopped = true;
    }
  };
  const response = await transportFor(t).request(server.origin, { method: 'POST', body: body() });
  assert.equal(await response.body.text(), 'ok');
  rest();
  await eventually(() => stopped && server.open.size === 0);
});

test('an answer may come while the request is still being sent', async (t) => {
  const server = await httpOrigin(t, (request, response) => {
    response.write('begun ');
    request.pipe(response);
  });
  let go = (): void => undefined;
  const gate = new Promise<void>((resolve) => (go = resolve));
  const body = async function* (): AsyncGenerator<string> {
    yield 'a';
    await gate;
    yield 'b';
  };
  const transport = transportFor(t);
  const response = await transport.request(server.origin, { method: 'POST', body: body() });
  const pieces: string[] = [];
  for await (const piece of response.body) {
    pieces.push(Buffer.from(piece).toString());
    go();
  }
  assert.equal(pieces.join(''), 'begun ab');
  const [origin] = transport.stats().origins;
  assert.equal(origin?.connections[0]?.state, 'idle', 'it can be used again');
});

test("extended CONNECT and a connection of one's own are refused with what to do instead", async (t) => {
  const server = await httpOrigin(t);
  const transport = transportFor(t);
  await assert.rejects(transport.request(server.origin, { protocol: 'websocket' }), {
    code: 'ERR_PASSINGLANE_EXTENDED_CONNECT_UNSUPPORTED',
    message: /HTTP\/1\.1, which has no extended CONNECT/,
    unprocessed: true,
  });
  await assert.rejects(transport.connect(server.origin), {
    code: 'ERR_PASSINGLANE_ALPN',
    message: /cleartext: 'h2c', or use request\(\)/,
  });
});
