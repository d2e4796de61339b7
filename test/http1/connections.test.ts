/** HTTP/1.1 connections: how many are made, how they are kept, and what becomes of requests when they end. */
import assert from 'node:assert/strict';
import { test, type TestContext } from 'node:test';
import { createServer as createTlsServer } from 'node:tls';
import { TransportError } from '../../dist/index.js';
import { loopback } from '../support/certificates.js';
import { startOrigin } from '../support/origin.js';
import { rawServer } from '../support/raw-server.js';
import { resetSocket } from '../support/reset.js';
import { runScript } from '../transport/child.js';
import {
  delay,
  eventually,
  httpOrigin,
  httpsOrigin,
  listen,
  rawOrigin,
  transportFor,
  type RawPeer,
} from './support.js';

const ok = 'HTTP/1.1 200 OK\nContent-Length: 2\n\nok';

test('an origin that ALPN says has only HTTP/1.1 is served on the socket of that same handshake', async (t) => {
  const server = await httpsOrigin(t);
  const transport = transportFor(t);
  for (let i = 0; i < 3; i++) {
    const response = await transport.request(`${server.origin}/hello.txt`);
    assert.equal(response.httpVersion, '1.1');
    assert.equal(response.connection.reused, i > 0);
    assert.equal(await response.body.text(), 'hello\n');
  }
  assert.equal(server.connections, 1);
});

test('an origin that takes no part in ALPN is served too, and without allowHTTP1 neither is', async (t) => {
  const server = createTlsServer({ ...loopback }, (socket) => {
    socket.on('error', () => undefined).once('data', () => socket.write('HTTP/1.1 204 No Content\r\n\r\n'));
  });
  const mute = await listen(t, server, 'https');
  assert.equal((await transportFor(t).request(mute.origin)).httpVersion, '1.1');
  await assert.rejects(transportFor(t, { allowHTTP1: false }).request(mute.origin), { code: 'ERR_PASSINGLANE_ALPN' });
});

test('a cold burst waits for the first handshake and then gets a connection for each request', async (t) => {
  const server = await httpsOrigin(t);
  const transport = transportFor(t);
  const burst = async (): Promise<void> => {
    const responses = await Promise.all(
      Array.from({ length: 6 }, () => transport.request(`${server.origin}/delay/100`)),
    );
    for (const { body } of responses) assert.equal(await body.text(), 'hello\n');
  };
  await burst();
  assert.equal(server.connections, 6, 'one each: no request paid for a second handshake');
  await burst();
  assert.equal(server.connections, 6, 'those were kept');
  transport.closeIdleConnections();
  await eventually(() => server.open.size === 0);
  assert.deepEqual(transport.stats().origins, [], 'the pool is gone, the verdict is not');
  const dialling = burst();
  assert.equal(transport.stats().origins[0]?.dialling, 6, 'all at once');
  await dialling;
  assert.equal(server.connections, 12);
});

test('beyond maxConnectionsPerOrigin requests queue, can be aborted there, and go out in their order', async (t) => {
  const order: string[] = [];
  const server = await httpOrigin(t, (request, response) => {
    order.push(request.url ?? '');
    setTimeout(() => response.end(), 20);
  });
  const transport = transportFor(t, { maxConnectionsPerOrigin: 2 });
  const controller = new AbortController();
  const paths = ['/1', '/2', '/3', '/4', '/5'];
  const calls = paths.map((path) =>
    transport.request(server.origin + path, path === '/4' ? { signal: controller.signal } : {}),
  );
  await eventually(() => transport.stats().queued === 3);
  assert.equal(transport.stats().streams, 2);
  controller.abort(new Error('changed my mind'));
  await assert.rejects(calls[3] ?? Promise.resolve(), /changed my mind/);
  await Promise.all(calls.filter((_, i) => i !== 3).map(async (call) => (await call).body.dump()));
  assert.equal(server.connections, 2);
  assert.deepEqual(order.slice(2), ['/3', '/5']);
});

test('preconnect makes connections that requests then use', async (t) => {
  const server = await httpsOrigin(t);
  const transport = transportFor(t);
  await transport.preconnect(server.origin, 2);
  await eventually(() => server.connections === 2);
  const states = transport.stats().origins[0]?.connections.map(({ state, httpVersion }) => `${httpVersion} ${state}`);
  assert.deepEqual(states, ['1.1 idle', '1.1 idle']);
  await transport.preconnect(server.origin, 2);
  assert.equal((await transport.request(`${server.origin}/hello.txt`)).status, 200);
  assert.equal(server.connections, 2);
});

test('HTTP_1_1_REQUIRED sends the request again in HTTP/1.1, and later ones go there at once', async (t) => {
  let refused = 0;
  const origin = await startOrigin({
    tls: true,
    allowHTTP1: true,
    handler: (request, response) => {
      if (request.httpVersion === '1.1') return void response.end('here you are');
      refused++;
      response.stream.close(13);
    },
  });
  t.after(() => origin.close());
  const transport = transportFor(t);
  for (let i = 0; i < 2; i++) {
    const response = await transport.request(origin.origin, { method: 'POST', body: 'x' });
    assert.equal(response.httpVersion, '1.1');
    assert.equal(response.attempts, 2 - i);
    assert.equal(await response.body.text(), 'here you are');
  }
  assert.equal(refused, 1);
});

test('what a server sends on an idle connection never passes for a response', async (t) => {
  const smuggled = 'HTTP/1.1 200 OK\nContent-Length: 5\n\nwrong';
  for (const withFirst of [true, false]) {
    const server = await rawOrigin(t, async (peer, index) => {
      await peer.request();
      if (withFirst && index === 0) return peer.write(ok + smuggled);
      peer.write(ok);
      await delay(20);
      if (index === 0) peer.write(smuggled);
    });
    const transport = transportFor(t);
    assert.equal(await (await transport.request(server.origin)).body.text(), 'ok');
    await eventually(() => server.open.size === 0);
    assert.equal(await (await transport.request(server.origin)).body.text(), 'ok');
    assert.equal(server.connections, 2);
  }
});

test('behind a 204 that announces a body, which may yet come, no request follows on its connection', async (t) => {
  for (const field of ['Content-Length: 5', 'Transfer-Encoding: chunked', 'Content-Length: 0']) {
    const server = await rawOrigin(t, async (peer) => {
      await peer.request();
      peer.write(`HTTP/1.1 204 No Content\n${field}\n\n`);
      await peer.request();
      peer.write(ok);
    });
    const transport = transportFor(t);
    const statuses: number[] = [];
    for (let i = 0; i < 2; i++) {
      const { status, body } = await transport.request(server.origin);
      await body.dump();
      statuses.push(status);
    }
    assert.deepEqual(statuses, field.endsWith(' 0') ? [204, 200] : [204, 204], field);
  }
});

test('a response that could be read in two ways, or breaks the syntax, is an error', async (t) => {
  for (const response of [
    'HTTP/1.1 200 OK\nContent-Length: 2\nTransfer-Encoding: chunked\n\n0\n\n',
    'HTTP/1.1 200 OK\nContent-Length: 2\nContent-Length: 3\n\nabc',
    'HTTP/1.1 200 OK\nContent-Length: -1\n\n',
    'HTTP/1.1 200 OK\nbad name: x\n\n',
    'HTTP/1.1 103 Early Hints\nbad name: x\n\nHTTP/1.1 200 OK\nContent-Length: 0\n\n',
    'HTTP/1.1 200 OK\nTransfer-Encoding: chunked\n\n0\nbad name: x\n\n',
    'HTTP/1.1 101 Switching Protocols\nConnection: upgrade\nUpgrade: x\n\n',
    'SSH-2.0-OpenSSH\n\n',
  ]) {
    const server = await rawOrigin(t, async (peer) => {
      await peer.request();
      peer.write(response);
    });
    const transport = transportFor(t);
    const failed = async (): Promise<string> => (await transport.request(server.origin)).body.text();
    await assert.rejects(failed, { code: 'ERR_PASSINGLANE_PROTOCOL', unprocessed: false }, response);
    await eventually(() => server.open.size === 0);
  }
});

/** What is to be had of a body, and how it ends, where the server sends these parts, each a read of its own. */
async function arrivals(t: TestContext, parts: readonly string[]): Promise<readonly string[]> {
  const server = await rawOrigin(t, async (peer) => {
    await peer.request();
    for (const part of parts) {
      peer.write(part);
      await delay(20);
    }
  });
  const got: string[] = [];
  try {
    const { body } = await transportFor(t).request(server.origin);
    for await (const piece of body) got.push(Buffer.from(piece).toString());
    got.push('whole');
  } catch (error) {
    assert.ok(TransportError.isInstance(error));
    got.push(error.code);
    assert.doesNotMatch(error.message, /h2c/);
  }
  await eventually(() => server.open.size === 0);
  return got;
}

test('what came of a body before it broke the syntax is delivered, in the same read as the head or not', async (t) => {
  const chunked = 'HTTP/1.1 200 OK\nTransfer-Encoding: chunked\n\n';
  for (const parts of [
    [`${chunked}5\nhello\nZZ\n`],
    [`${chunked}5\nhello\n`, 'ZZ\n'],
    [chunked, '5\nhello\nZZ\n'],
    [`${chunked}5\nhello\n0\nbad name: x\n\n`],
  ])
    assert.deepEqual(await arrivals(t, parts), ['hello', 'ERR_PASSINGLANE_PROTOCOL'], JSON.stringify(parts));
});

test('bytes behind a whole response are for nobody, in the same read or later', async (t) => {
  for (const [head, body] of [
    ['HTTP/1.1 200 OK\nContent-Length: 5\n\n', 'hello'],
    ['HTTP/1.1 200 OK\nTransfer-Encoding: chunked\n\n', '5\nhello\n0\n\n'],
    ['HTTP/1.1 204 No Content\n\n', ''],
    ['HTTP/1.1 200 OK\nContent-Length: 0\n\n', ''],
  ] as const)
    for (const parts of [[`${head + body}XX`], [head, `${body}XX`], [head + body, 'XX']])
      assert.deepEqual(await arrivals(t, parts), body === '' ? ['whole'] : ['hello', 'whole'], JSON.stringify(parts));
});

test('a server that speaks HTTP/2 alone is an error that says what to set', async (t) => {
  const server = await rawOrigin(t, async (peer) => {
    await peer.request();
    peer.write('\0\0\0\x04\0\0\0\0\0');
  });
  await assert.rejects(transportFor(t).request(server.origin), { message: /cleartext: 'h2c'/ });
});

test('one that has spoken HTTP/1.1 on the connection is not taken for it', async (t) => {
  const server = await rawOrigin(t, async (peer, index) => {
    await peer.request();
    if (index === 0) return peer.write('HTTP/1.1 103 Early Hints\n\nhello');
    peer.write(ok);
    await peer.request();
    peer.write('hello');
  });
  const transport = transportFor(t);
  const refused = { code: 'ERR_PASSINGLANE_PROTOCOL', message: /^(?!.*h2c).*Expected HTTP/ };
  await assert.rejects(transport.request(server.origin), refused);
  await (await transport.request(server.origin)).body.dump();
  await assert.rejects(transport.request(server.origin), refused);
});

test('a response cut short is an error, whatever framed it', async (t) => {
  for (const head of ['Content-Length: 10\n\nabc', 'Transfer-Encoding: chunked\n\n3\nabc\n', 'Content-Le']) {
    const server = await rawOrigin(t, async (peer) => {
      await peer.request();
      peer.write(`HTTP/1.1 200 OK\n${head}`);
      peer.socket.end();
    });
    const transport = transportFor(t);
    const whole = async (): Promise<string> => (await transport.request(server.origin)).body.text();
    await assert.rejects(whole, {
      code: 'ERR_PASSINGLANE_CONNECTION_LOST',
      scope: 'connection',
      initiator: 'remote',
      unprocessed: false,
      attempts: 1,
    });
    assert.equal(server.connections, 1, 'it may have been acted on, so it is not sent again');
  }
});

test('a body that ends with its connection is whole where nothing announced its length', async (t) => {
  const server = await rawOrigin(t, async (peer) => {
    await peer.request();
    peer.write('HTTP/1.1 200 OK\n\n');
    await delay(10);
    peer.write('x'.repeat(200_000));
    peer.socket.end();
  });
  const response = await transportFor(t).request(server.origin);
  await delay(50);
  assert.equal((await response.body.text()).length, 200_000);
});

test('a kept connection that ends under a request: only an idempotent one goes out again', async (t) => {
  const server = await rawOrigin(t, async (peer, index) => {
    await peer.request();
    peer.write(ok);
    await peer.request();
    if (index < 2) peer.socket.destroy();
    else peer.write(ok);
  });
  for (const idempotent of [false, true]) {
    const transport = transportFor(t);
    const send = async (): Promise<number> => {
      const { body, attempts } = await transport.request(server.origin, { method: 'POST', body: 'x', idempotent });
      await body.dump();
      return attempts;
    };
    await send();
    if (idempotent) assert.equal(await send(), 2);
    else await assert.rejects(send, { code: 'ERR_PASSINGLANE_CONNECTION_LOST', unprocessed: false, attempts: 1 });
  }
});

test('a request that was never written to a dead connection goes out on another, whatever it is', async (t) => {
  const server = await rawOrigin(t, async (peer) => {
    for (;;) {
      await peer.request();
      peer.write(ok);
    }
  });
  const transport = transportFor(t);
  await (await transport.request(server.origin)).body.dump();
  for (const socket of server.open) resetSocket(socket);
  await eventually(() => transport.stats().connections === 0);
  const { attempts, connection, body } = await transport.request(server.origin, { method: 'POST', body: () => 'x' });
  await body.dump();
  assert.deepEqual([attempts, connection.reused], [1, false]);
});

test('every time-out holds, with the same codes, and an abort is its reason', async (t) => {
  const server = await httpOrigin(t);
  const transport = transportFor(t);
  const silent = `${server.origin}/silent`;
  await assert.rejects(transport.request(silent, { timeout: 30 }), {
    code: 'ERR_PASSINGLANE_TIMEOUT',
    streamId: undefined,
  });
  await assert.rejects(transport.request(silent, { headersTimeout: 30 }), { code: 'ERR_PASSINGLANE_HEADERS_TIMEOUT' });
  await assert.rejects(transport.request(silent, { headersTimeout: 30, method: 'POST', body: 'x' }), {
    code: 'ERR_PASSINGLANE_HEADERS_TIMEOUT',
  });
  const endless = await transport.request(`${server.origin}/endless`, { bodyTimeout: 30 });
  await assert.rejects(endless.body.text(), { code: 'ERR_PASSINGLANE_BODY_TIMEOUT' });
  const reason = new Error('enough');
  await assert.rejects(transport.request(silent, { signal: AbortSignal.abort(reason) }), reason);
  const controller = new AbortController();
  const cut = await transport.request(`${server.origin}/endless`, { signal: controller.signal });
  controller.abort(reason);
  await assert.rejects(cut.body.text(), reason);
  await eventually(() => server.open.size === 0);
  assert.deepEqual(transport.stats().origins, [], 'each took its connection along');
});

test('a server that takes no bytes for writeTimeout loses its connection', async (t) => {
  const server = await rawOrigin(t, (peer) => void peer.socket.pause());
  const transport = transportFor(t, { writeTimeout: 100 });
  await assert.rejects(transport.request(server.origin, { method: 'POST', body: new Uint8Array(32_000_000) }), {
    code: 'ERR_PASSINGLANE_WRITE_TIMEOUT',
    unprocessed: false,
  });
});

test('more headers than maxHeaderListSize are refused, and many small ones all arrive', async (t) => {
  const server = await rawOrigin(t, async (peer) => {
    const head = await peer.request();
    const one = head.startsWith('GET /many') ? `x: y\n`.repeat(3_000) : `x: ${'y'.repeat(300_000)}\n`;
    peer.write(`HTTP/1.1 200 OK\n${one}Content-Length: 0\n\n`);
  });
  const transport = transportFor(t);
  await assert.rejects(transport.request(server.origin), { code: 'ERR_PASSINGLANE_HEADERS_TOO_LARGE' });
  const { headerPairs } = await transport.request(`${server.origin}/many`);
  assert.equal(headerPairs.length, 3_001);
});

test('a connection is retired by age in requests, by idleTimeout, and before the server says that it will close it', async (t) => {
  const peers: RawPeer[] = [];
  const server = await rawOrigin(t, async (peer) => {
    peers.push(peer);
    for (;;) {
      const head = await peer.request();
      const hint = head.startsWith('GET /brief') ? 'Keep-Alive: timeout=1\n' : '';
      peer.write(`HTTP/1.1 200 OK\n${hint}Content-Length: 2\n\nok`);
    }
  });
  const get = async (transport: ReturnType<typeof transportFor>, path = '/'): Promise<void> =>
    (await transport.request(server.origin + path)).body.dump();
  const worn = transportFor(t, { maxRequestsPerConnection: 2 });
  for (let i = 0; i < 4; i++) await get(worn);
  assert.equal(server.connections, 2);
  await eventually(() => server.open.size === 0);
  await get(transportFor(t, { idleTimeout: 30 }));
  await eventually(() => server.open.size === 0);
  const hinted = transportFor(t);
  await get(hinted, '/brief');
  await eventually(() => server.open.size === 0);
  assert.equal(server.connections, 4);
});

test('close() lets running requests finish, and destroy() ends them', async (t) => {
  const server = await httpOrigin(t);
  const polite = transportFor(t);
  const running = polite.request(`${server.origin}/delay/50`);
  await eventually(() => polite.stats().streams === 1);
  const closed = polite.close();
  assert.equal(await (await running).body.text(), 'hello\n');
  await closed;
  await assert.rejects(polite.request(server.origin), { code: 'ERR_PASSINGLANE_TRANSPORT_CLOSED' });
  const rude = transportFor(t);
  const never = rude.request(`${server.origin}/silent`);
  const half = await rude.request(`${server.origin}/endless`);
  rude.destroy();
  await assert.rejects(never, { code: 'ERR_PASSINGLANE_TRANSPORT_CLOSED' });
  await assert.rejects(half.body.text(), { code: 'ERR_PASSINGLANE_TRANSPORT_CLOSED' });
  await eventually(() => server.open.size === 0);
  assert.deepEqual(rude.stats().origins, []);
});

test('an idle connection does not keep the process alive, and node:http is never loaded', async (t) => {
  const server = await httpOrigin(t);
  const { code, stdout, stderr } = await runScript(`
    const loaded = () => process.moduleLoadList.includes('NativeModule _http_client');
    const transport = new Transport();
    console.log(loaded());
    const { body } = await transport.request('${server.origin}/hello.txt');
    console.log(loaded(), await body.text());
  `);
  assert.equal(stderr, '');
  assert.equal(stdout, 'false\nfalse hello\n\n');
  assert.equal(code, 0);
});

test('with cleartext h2c nothing of this happens: http: URLs are HTTP/2', async (t) => {
  const server = await rawServer(async (connection) => {
    await connection.greet();
    const { streamId } = await connection.request();
    connection.headers(streamId, [[':status', '204']], { endStream: true });
  });
  t.after(() => server.close());
  assert.equal((await transportFor(t, { cleartext: 'h2c' }).request(server.origin)).httpVersion, '2.0');
});
