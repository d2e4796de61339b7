/** Problems with failures: that kill the process, never come, say nothing, or are none. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { TransportError } from '../../dist/index.js';
import { bodyOf, poolHarness, type PoolHarnessOptions } from '../support/pool-harness.js';
import type { RawConnection } from '../support/raw-server.js';
import { client, ok, serving, until } from './support.js';

const code = { noError: 0, internalError: 2, cancel: 8 } as const;

/** One response, frame by frame. */
const response: readonly ((c: RawConnection, id: number) => void)[] = [
  (c, id) => c.headers(id, [[':status', '103']]),
  (c, id) =>
    c.headers(id, [
      [':status', '200'],
      ['content-length', '8'],
    ]),
  (c, id) => c.data(id, 'half'),
  (c, id) => c.windowUpdate(id, 1_000),
  (c, id) => c.data(id, 'half'),
  (c, id) => c.headers(id, [['x-trailer', 'end']], { endStream: true }),
];

/** What happens instead of the rest of it. */
const ends: readonly { readonly name: string; readonly end: (c: RawConnection, id: number) => void }[] = [
  { name: 'RST_STREAM(INTERNAL_ERROR)', end: (c, id) => c.rst(id, code.internalError) },
  { name: 'RST_STREAM(CANCEL)', end: (c, id) => c.rst(id, code.cancel) },
  { name: 'RST_STREAM(NO_ERROR)', end: (c, id) => c.rst(id, code.noError) },
  {
    name: 'GOAWAY(INTERNAL_ERROR) and FIN',
    end(c, id) {
      c.goaway(id, code.internalError);
      c.close();
    },
  },
  {
    name: 'GOAWAY(0) and FIN',
    end(c) {
      c.goaway(0);
      c.close();
    },
  },
  { name: 'FIN', end: (c) => c.close() },
  { name: 'a TCP reset', end: (c) => c.reset() },
  { name: 'a frame of nonsense', end: (c, id) => c.send(9, 0, id, Buffer.from('what is this')) },
];

for (const { name, end } of ends) {
  test(`${name} at every frame boundary escapes nobody, and each request settles once`, async (t) => {
    // What escapes the transport fails this test by itself: the runner turns it into a failure.
    const server = await serving(t, (c, request) => {
      const frames = Number(request.get(':path')?.slice(1));
      if (frames < 0) return ok(c, request.streamId);
      for (const send of response.slice(0, frames)) send(c, request.streamId);
      end(c, request.streamId);
    });
    const transport = client(t, { retry: { maxAttempts: 1 } });
    for (let frames = 0; frames <= response.length; frames++) {
      for (const body of [undefined, 'bytes', bodyOf(100_000)]) {
        const settled = { response: 0, body: 0, trailers: 0 };
        let text: string | undefined;
        await transport
          .request(`${server.origin}/${frames}`, { method: body === undefined ? 'GET' : 'POST', body })
          .finally(() => settled.response++)
          .then(async (got) => {
            const trailers = got.trailers.finally(() => settled.trailers++);
            trailers.catch(() => undefined); // judged below, by the body
            text = await got.body.text().finally(() => settled.body++);
            assert.equal((await trailers).get('x-trailer'), 'end');
          })
          .catch((error: unknown) => {
            assert.ok(TransportError.isInstance(error), String(error));
          });
        assert.ok(settled.response === 1 && settled.body <= 1 && settled.trailers === settled.body);
        // A TCP reset may destroy what the kernel holds, so a whole response can be lost to it; a part never passes for one.
        const whole = frames === response.length;
        if (!whole || name !== 'a TCP reset') assert.equal(text, whole ? 'halfhalf' : undefined, `${frames} frames`);
        // A request that met a connection in the moment of its death would be lost with it, and rightly so.
        if (name.startsWith('RST')) await until(() => transport.stats().streams === 0);
        else await until(() => transport.stats().connections === 0);
      }
    }
    assert.equal((await transport.request(`${server.origin}/-1`)).status, 200, 'and the next request works');
    assert.equal(transport.stats().bufferedBytes, 0);
  });
}

interface Place {
  readonly at: string;
  readonly options: PoolHarnessOptions;
  /** Another request is before it. */
  readonly second?: boolean;
  /** The response has begun. */
  readonly begun?: boolean;
}

const silent = { answer: (): void => undefined };

/** Where a request may be when its time is up. */
const places: readonly Place[] = [
  {
    at: 'in the queue',
    options: { ...silent, peer: { maxConcurrentStreams: 1 }, strictMaxConcurrentStreams: true },
    second: true,
  },
  { at: 'in its dial', options: { dialTime: 60_000 } },
  { at: "before the server's SETTINGS", options: { ...silent, peer: { maxConcurrentStreams: -1 } } },
  { at: 'before the headers', options: silent },
  {
    at: 'in the back-off before another attempt',
    options: { answer: (peer, id) => peer.reset(id, 7), retry: { baseDelay: 30_000 } },
  },
  {
    at: 'in the body',
    options: {
      answer: (peer, id) => {
        peer.headers(id, 200);
        peer.data(id, 'begin');
      },
    },
    begun: true,
  },
];

for (const { at, options, second, begun } of places) {
  test(`timeout covers a request ${at}`, async () => {
    const p = poolHarness({ connectTimeout: 0, ...options });
    if (second === true) p.get('/first');
    await p.settle();
    const call = p.get('/', { timeout: 3_000 });
    let failure: unknown = undefined;
    await p.clock.advance(2_999);
    if (begun === true) call.response?.body.text().catch((error: unknown) => (failure = error));
    assert.equal(call.state, begun === true ? 'answered' : 'pending');
    await p.clock.advance(1);
    failure ??= call.error;
    assert.ok(failure instanceof TransportError);
    assert.deepEqual([failure.code, failure.name], ['ERR_PASSINGLANE_TIMEOUT', 'TimeoutError']);
    assert.equal(p.transport.stats().queued, 0);
    p.transport.destroy();
  });
}

test('a signal that is aborted settles a request wherever it is, with its reason', async () => {
  for (const { at, options, second, begun } of places) {
    const p = poolHarness({ connectTimeout: 0, ...options });
    if (second === true) p.get('/first');
    await p.settle();
    const controller = new AbortController();
    const call = p.get('/', { signal: controller.signal });
    await p.clock.advance(2_000);
    const reason = new Error('enough');
    let failure: unknown = undefined;
    if (begun === true) call.response?.body.text().catch((error: unknown) => (failure = error));
    controller.abort(reason);
    await p.settle();
    assert.equal(begun === true ? failure : call.error, reason, at);
    p.transport.destroy();
    const own = options.dialTime === undefined ? 0 : p.dials; // those of the harness
    assert.equal(p.clock.size, own, `no timer is left of a request ${at}`);
  }
});

test('RST_STREAM(NO_ERROR) after a whole response is a success, and stops the upload', async (t) => {
  const server = await serving(
    t,
    (connection, request) => {
      ok(connection, request.streamId, 'enough of that');
      connection.rst(request.streamId, code.noError);
    },
    { settings: { initialWindowSize: 65_535 } },
  );
  const transport = client(t);
  const response = await transport.request(server.origin, { method: 'POST', body: bodyOf(10_000_000) });
  assert.equal(response.status, 200);
  assert.equal(await response.body.text(), 'enough of that');
  await until(() => transport.stats().streams === 0);
});

test('an error of a stream names its code, its origin and whether the request was processed', async (t) => {
  const server = await serving(t, (connection, request) => connection.rst(request.streamId, code.internalError));
  const transport = client(t);
  await assert.rejects(transport.request(`${server.origin}/?secret=1`, { headers: { 'x-key': 'hush' } }), (error) => {
    assert.ok(TransportError.isInstance(error));
    const { code: name, errorCode, origin, streamId, unprocessed, scope, initiator, attempts, message } = error;
    assert.deepEqual(
      { name, errorCode, origin, streamId, unprocessed, scope, initiator, attempts },
      {
        name: 'ERR_PASSINGLANE_STREAM_RESET',
        errorCode: 'INTERNAL_ERROR',
        origin: server.origin,
        streamId: 1,
        unprocessed: false,
        scope: 'stream',
        initiator: 'remote',
        attempts: 1,
      },
    );
    assert.match(message, /INTERNAL_ERROR/);
    assert.doesNotMatch(message, /hush|secret/);
    return true;
  });
});

for (const reset of [code.noError, code.cancel]) {
  test(`RST_STREAM(${reset}) within a body is an error, not a shorter response`, async (t) => {
    const server = await serving(t, (connection, request) => {
      connection.headers(request.streamId, [[':status', '200']]);
      connection.data(request.streamId, 'part');
      connection.rst(request.streamId, reset);
    });
    const response = await client(t).request(server.origin);
    await assert.rejects(response.body.text(), { code: 'ERR_PASSINGLANE_STREAM_RESET' });
  });
}
