/** Problems with what messages carry: bodies, windows, trailers, 1xx and large headers. */
import assert from 'node:assert/strict';
import { Readable } from 'node:stream';
import { test } from 'node:test';
import { TransportError, type Transport } from '../../dist/index.js';
import { startOrigin } from '../support/origin.js';
import { poolHarness } from '../support/pool-harness.js';
import { flag, rawServer, type, type RawConnection } from '../support/raw-server.js';
import { client, ok, path, serving, until } from './support.js';

test('100 MB over 100 ms of round trip and 400 Mbit/s arrive at 80% of the speed of HTTP/1.1', async () => {
  const p = poolHarness({ peer: { maxConcurrentStreams: -1 }, answer: () => undefined });
  const { clock } = p;
  const halfTrip = 50;
  const step = 5; // ms
  // 400 Mbit/s, after a slow start as TCP makes one: ten segments in the first round trip, and twice as many in each.
  const perStep = (elapsed: number): number =>
    Math.min(250_000, Math.floor((14_600 * 2 ** Math.floor(elapsed / 100)) / (100 / step)));
  const total = 100_000_000;
  const call = p.get('/large');
  await clock.advance(2 * halfTrip);
  const peer = p.peer(0);
  peer.greet({});
  peer.answersPings = false; // but a round trip later
  peer.send(type.settings, flag.ack, 0);
  // The peer's books. The harness takes our frames at once, so they count half a round trip later.
  const windows = new Map([
    [0, 65_535],
    [1, 65_535],
  ]);
  let seen = 0;
  const takeFrames = (): void => {
    for (; seen < peer.frames.length; seen++) {
      const frame = peer.frames[seen];
      if (frame?.type === type.windowUpdate) {
        const { streamId, payload } = frame;
        clock.setTimer(halfTrip, () => windows.set(streamId, (windows.get(streamId) ?? 0) + payload.readUInt32BE(0)));
      } else if (frame?.type === type.ping) {
        clock.setTimer(2 * halfTrip, () => peer.send(type.ping, flag.ack, 0, frame.payload));
      } else if (frame?.type === type.settings && frame.payload.length > 0) {
        for (let at = 0; at < frame.payload.length; at += 6)
          if (frame.payload.readUInt16BE(at) === 4) windows.set(1, frame.payload.readUInt32BE(at + 2));
      }
    }
  };
  peer.headers(1, 200);
  await p.settle();
  assert.ok(call.response !== undefined);
  const dumped = call.response.body.dump();
  let sent = 0;
  const begun = clock.now();
  while (sent < total) {
    takeFrames();
    const size = Math.min(perStep(clock.now() - begun), total - sent, ...windows.values());
    for (const [id, window] of windows) windows.set(id, window - size);
    sent += size;
    const ends = sent === total;
    for (let left = size; left > 0; left -= 16_384) {
      const piece = Buffer.alloc(Math.min(16_384, left));
      clock.setTimer(halfTrip, () => peer.data(1, piece, ends && left <= 16_384));
    }
    await clock.advance(step);
    assert.ok(clock.now() - begun < 60_000, 'it goes on');
  }
  await clock.advance(halfTrip);
  await dumped;
  const took = clock.now() - begun;
  let without = 0; // what it takes where there are no windows, as over HTTP/1.1
  for (let carried = 0; carried < total; without += step) carried += perStep(without);
  const share = (without + halfTrip) / took;
  assert.ok(share >= 0.8, `${Math.round(share * 100)}% of the speed without windows: ${took} ms`);
  p.transport.destroy();
});

test('what nobody reads stays under maxBufferedBytes, stats() says so, and reading lets it go on', async (t) => {
  const size = 400_000;
  // Written piece by piece: a response that waits for its window after end() is reset by node:http2 of Node 24.
  const origin = await startOrigin({
    handler: (request, response) => {
      request.resume(); // or node:http2 may reset the stream, with NO_ERROR, while its body is on the way
      Readable.from(pieces(size)).pipe(response);
    },
  });
  t.after(() => origin.close());
  const maxBufferedBytes = 1_000_000;
  const transport = client(t, { maxBufferedBytes });
  const responses = await Promise.all(
    Array.from({ length: 10 }, () => transport.request(`${origin.origin}/bytes/${size}`)),
  );
  await until(() => transport.stats().creditWithheld > 0);
  const { bufferedBytes, origins } = transport.stats();
  const receiveWindow = origins[0]?.connections[0]?.receiveWindow ?? Infinity;
  assert.ok(bufferedBytes > 0);
  assert.ok(bufferedBytes + receiveWindow <= maxBufferedBytes, `${bufferedBytes} held, ${receiveWindow} allowed`);
  const bodies = await Promise.all(responses.map((response) => response.body.bytes()));
  assert.ok(bodies.every((body) => body.length === size));
  assert.deepEqual([transport.stats().bufferedBytes, transport.stats().creditWithheld], [0, 0]);
});

test('several connections hold maxBufferedBytes together, and 64 KiB for each but one, and all are read', async (t) => {
  const size = 400_000;
  const origin = await startOrigin({
    settings: { maxConcurrentStreams: 2 },
    handler: (request, response) => {
      request.resume(); // or node:http2 may reset the stream, with NO_ERROR, while its body is on the way
      Readable.from(pieces(size)).pipe(response);
    },
  });
  t.after(() => origin.close());
  const maxBufferedBytes = 300_000;
  const transport = client(t, { maxBufferedBytes });
  const responses = await Promise.all(
    Array.from({ length: 16 }, () => transport.request(`${origin.origin}/bytes/${size}`)),
  );
  const { connections } = transport.stats();
  assert.ok(connections >= 8, `${connections} connections`);
  await until(() => transport.stats().creditWithheld === connections);
  const { bufferedBytes } = transport.stats();
  assert.ok(bufferedBytes <= maxBufferedBytes + (connections - 1) * 65_535, `${bufferedBytes} held`);
  const bodies = await Promise.all(responses.map((response) => response.body.bytes()));
  assert.ok(bodies.every((body) => body.length === size));
  assert.deepEqual([transport.stats().bufferedBytes, transport.stats().creditWithheld], [0, 0]);
});

function* pieces(size: number): Generator<Buffer> {
  for (let left = size; left > 0; left -= 10_000) yield Buffer.alloc(Math.min(left, 10_000));
}

/** What the server may still send on the connection, by its own books. */
class ServerWindow {
  left = 65_535;

  follow(connection: RawConnection): void {
    void (async () => {
      for (;;) {
        const { payload } = await connection.nextOf(type.windowUpdate, 0);
        this.left += payload.readUInt32BE();
      }
    })().catch(() => undefined); // the end of the connection
  }
}

test('1,000 aborts in mid-body leave the window of the connection whole', async (t) => {
  const window = new ServerWindow();
  const server = await serving(t, (connection, request) => {
    if (window.left === 65_535) window.follow(connection);
    connection.headers(request.streamId, [[':status', '200']]);
    connection.data(request.streamId, Buffer.alloc(10_000));
    connection.data(request.streamId, Buffer.alloc(4_000), { padding: 99 });
    window.left -= 14_100;
  });
  const transport = client(t);
  const receiveWindow = (): number => transport.stats().origins[0]?.connections[0]?.receiveWindow ?? 0;
  for (let round = 0; round < 50; round++) {
    await Promise.all(
      Array.from({ length: 20 }, async (_, i) => {
        const response = await transport.request(server.origin);
        if (i % 2 === 0) return response.body.cancel();
        for await (const chunk of response.body) if (chunk.length > 0) break;
      }),
    );
  }
  assert.equal(server.connections.length, 1);
  await until(() => transport.stats().streams === 0);
  server.connections[0]?.ping();
  await server.connections[0]?.nextOf(type.ping); // all that was under way has arrived
  assert.equal(transport.stats().bufferedBytes, 0);
  const initial = 16_777_216;
  // Credit is given back in lots, so some of it may be held; none of it may be lost: 14 MB went out.
  assert.ok(window.left > initial / 2, `the server may send ${window.left}`);
  assert.equal(receiveWindow(), window.left, 'and the client says the same');
});

test('a stream that nobody reads holds up no other', async (t) => {
  const origin = await startOrigin();
  t.after(() => origin.close());
  const transport = client(t);
  const unread = await Promise.all(
    Array.from({ length: 20 }, () => transport.request(`${origin.origin}/bytes/2000000`)),
  );
  for (let i = 0; i < 20; i++) {
    const body = await (await transport.request(`${origin.origin}/bytes/1000000`)).body.bytes();
    assert.equal(body.length, 1_000_000);
  }
  const { bufferedBytes, streams, connections } = transport.stats();
  assert.ok(bufferedBytes > 0, 'what they hold is shown');
  assert.deepEqual([streams, connections], [20, 1]);
  for (const response of unread) response.body.cancel();
  await until(() => transport.stats().streams === 0);
  assert.equal(transport.stats().bufferedBytes, 0);
});

test('trailers go both ways, also when both bodies run at once', async (t) => {
  const server = await rawServer(async (connection) => {
    await connection.greet();
    const { streamId } = await connection.request();
    connection.headers(streamId, [[':status', '200']]);
    for (;;) {
      const frame = await connection.next((one) => one.streamId === streamId);
      if (frame.type === type.data) connection.data(streamId, Buffer.concat([Buffer.from('echo '), frame.payload]));
      if (frame.block === undefined) continue;
      const checksum = frame.block.get('x-checksum') ?? 'none';
      const trailers = [
        ['grpc-status', '0'],
        ['x-checksum', checksum],
      ] as const;
      return connection.headers(streamId, trailers, { endStream: true });
    }
  });
  t.after(() => server.close());
  // Each piece is sent only when the one before it has come back, so neither body can wait for the other's end.
  let answered: () => void = () => undefined;
  const body = async function* (): AsyncGenerator<string> {
    for (const piece of ['one', 'two', 'three']) {
      const answer = new Promise<void>((resolve) => (answered = resolve));
      yield piece;
      await answer;
    }
  };
  let bodyEnded = false;
  const trailers = (): Record<string, string> => {
    bodyEnded = true;
    return { 'x-checksum': 'sum' };
  };
  const response = await client(t).request(server.origin, { method: 'POST', body, trailers });
  assert.equal(bodyEnded, false, 'the response has begun, and the request has not ended');
  const echoes: string[] = [];
  for await (const chunk of response.body) {
    echoes.push(Buffer.from(chunk).toString());
    answered();
  }
  assert.deepEqual(echoes, ['echo one', 'echo two', 'echo three']);
  const received = await response.trailers;
  assert.deepEqual([received.get('grpc-status'), received.get('x-checksum')], ['0', 'sum']);
});

test('each 1xx is delivered, in order, before the response', async (t) => {
  const server = await serving(t, (connection, { streamId }) => {
    connection.headers(streamId, [[':status', '102']]);
    for (const link of ['</a.css>', '</b.css>'])
      connection.headers(streamId, [
        [':status', '103'],
        ['link', link],
      ]);
    ok(connection, streamId, 'body');
  });
  const seen: (readonly [number, string | null])[] = [];
  const onInformational = (status: number, headers: Headers): void => void seen.push([status, headers.get('link')]);
  const response = await client(t).request(server.origin, { onInformational });
  assert.deepEqual(seen, [
    [102, null],
    [103, '</a.css>'],
    [103, '</b.css>'],
  ]);
  assert.equal(await response.body.text(), 'body');
});

test('1xx without end fail their stream, and only that', async (t) => {
  const filler = 'x'.repeat(10_000);
  const server = await serving(t, (connection, { streamId, ...request }) => {
    if (path(request as never) !== '/endless') return ok(connection, streamId);
    for (let i = 0; i < 100; i++)
      connection.headers(streamId, [
        [':status', '103'],
        ['x-filler', filler],
      ]);
  });
  const transport = client(t);
  await assert.rejects(transport.request(`${server.origin}/endless`), { errorCode: 'ENHANCE_YOUR_CALM' });
  const next = await transport.request(`${server.origin}/next`);
  assert.deepEqual([next.status, next.connection.reused, server.connections.length], [200, true, 1]);
});

test('a body that waits for 100 (Continue) goes without it after a second', async () => {
  const p = poolHarness({ answer: () => undefined });
  p.post('/', 'body', { expectContinue: true });
  await p.clock.advance(999);
  assert.equal(p.peer(0).bodyBytes, 0);
  await p.clock.advance(1);
  assert.equal(p.peer(0).bodyBytes, 4);
  p.transport.destroy();
});

test('a stream of extended CONNECT carries bytes both ways at once and holds up no other', async (t) => {
  const server = await serving(
    t,
    (connection, { streamId, get }) => {
      if (get(':protocol') !== 'websocket') return ok(connection, streamId, 'other');
      connection.headers(streamId, [[':status', get(':path') === '/no' ? '403' : '200']], {
        endStream: get(':path') === '/no',
      });
      void (async () => {
        for (;;) connection.data(streamId, (await connection.nextOf(type.data, streamId)).payload);
      })().catch(() => undefined); // the end of the connection
    },
    { settings: { enableConnectProtocol: 1 } },
  );
  const transport = client(t);
  await (await transport.request(server.origin)).body.text(); // the server's SETTINGS have come
  const refused = await transport.request(`${server.origin}/no`, { protocol: 'websocket' });
  assert.equal(refused.status, 403, 'a refusal is an answer, and nothing hangs');
  let send: (text: string) => void = () => undefined;
  const body = async function* (): AsyncGenerator<string> {
    for (;;) yield await new Promise<string>((resolve) => (send = resolve));
  };
  const tunnel = await transport.request(`${server.origin}/chat`, { protocol: 'websocket', body });
  assert.equal(tunnel.status, 200);
  const frames = tunnel.body[Symbol.asyncIterator]();
  for (const text of ['one', 'two', 'three']) {
    send(text);
    assert.equal(Buffer.from((await frames.next()).value ?? []).toString(), text);
    assert.equal(await (await transport.request(server.origin)).body.text(), 'other');
  }
  await frames.return?.();
  assert.equal(server.connections.length, 1);
});

async function largeHeaders(transport: Transport, origin: string, count: number): Promise<number> {
  const response = await transport.request(`${origin}/large-headers/${count}`);
  return response.headerPairs.filter(([name]) => name.startsWith('x-large-')).length;
}

test('headers over maxHeaderListSize fail their stream alone, and compression goes on', async (t) => {
  const origin = await startOrigin({ server: { maxSendHeaderBlockLength: 1_000_000 } });
  t.after(() => origin.close());
  const transport = client(t);
  assert.equal(await largeHeaders(transport, origin.origin, 200), 200, '200 kB are within the default');
  for (let round = 0; round < 3; round++) {
    await assert.rejects(largeHeaders(transport, origin.origin, 300), (error) => {
      assert.ok(TransportError.isInstance(error));
      assert.equal(error.code, 'ERR_PASSINGLANE_HEADERS_TOO_LARGE');
      assert.match(error.message, /maxHeaderListSize/);
      return true;
    });
    // These come by the table entries that the refused block made.
    assert.equal(await largeHeaders(transport, origin.origin, 200), 200);
  }
  assert.equal(origin.sessionCount, 1);
  const wider = client(t, { maxHeaderListSize: 1_000_000 });
  assert.equal(await largeHeaders(wider, origin.origin, 300), 300, 'and the limit can be set');
});

test('one header of 200,000 bytes goes out and comes back', async (t) => {
  const large = 'v'.repeat(200_000);
  const server = await serving(t, (connection, request) => {
    connection.headers(
      request.streamId,
      [
        [':status', '200'],
        ['x-large', request.get('x-large') ?? ''],
      ],
      { endStream: true },
    );
  });
  const response = await client(t).request(server.origin, { headers: { 'x-large': large } });
  assert.equal(response.headers.get('x-large'), large);
});
