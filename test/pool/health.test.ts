import assert from 'node:assert/strict';
import { test } from 'node:test';
import { frame, uint32 } from '../support/harness.js';
import { type Answer, bodyOf, Pending, poolHarness } from '../support/pool-harness.js';
import { type as frameType } from '../support/raw-server.js';

const never: Answer = () => undefined;

/** GOAWAY as gRPC servers send it to a client that pings too often; streams up to 1 may finish. */
const calm = frame(frameType.goaway, 0, 0, Buffer.concat([uint32(1, 11), Buffer.from('too_many_pings')])).subarray(9);
const minute = 60_000;

test('two PINGs into silence, then one in five minutes, on a connection whose server answers each', async () => {
  const p = poolHarness({ answer: never, idleTimeout: 0 });
  p.get('/slow');
  await p.clock.advance(5 * minute);
  assert.equal(p.peer(0).pings, 2);
  await p.clock.advance(minute);
  assert.equal(p.peer(0).pings, 3);
  p.peer(0).headers(1, 200);
  await p.clock.advance(minute);
  assert.equal(p.peer(0).pings, 5, 'a sign of life on a stream gives two more');
});

test('GOAWAY too_many_pings doubles the gap on later connections to that origin, also once it was forgotten', async () => {
  const p = poolHarness({ answer: never, idleTimeout: 0 });
  p.get('/slow');
  await p.settle();
  p.peer(0).send(frameType.goaway, 0, 0, calm);
  p.peer(0).send(frameType.goaway, 0, 0, calm);
  p.peer(0).ok(1);
  await p.settle();
  assert.equal(p.transport.stats().origins.length, 0, 'nothing is left of the origin');

  p.get('/slow');
  const other = new Pending(p.transport.request('https://other.example/slow'));
  await p.clock.advance(6 * minute);
  assert.deepEqual([p.peer(1).pings, p.peer(2).pings], [2, 3], 'only where it was asked for');
  await p.clock.advance(4 * minute);
  assert.equal(p.peer(1).pings, 2, 'two complaints on one connection are one');
  await p.clock.advance(minute);
  assert.equal(p.peer(1).pings, 3, 'after ten minutes');
  assert.equal(other.state, 'pending');

  p.peer(1).send(frameType.goaway, 0, 0, calm);
  p.peer(1).ok(1);
  p.get('/slow');
  await p.clock.advance(20 * minute);
  assert.equal(p.peer(3).pings, 2, 'each complaint doubles it');
  await p.clock.advance(minute);
  assert.equal(p.peer(3).pings, 3);
});

test('ENHANCE_YOUR_CALM for another reason, or those words with another code, leave the gap between PINGs alone', async () => {
  for (const [code, debug] of [
    [11, 'too many requests'],
    [0, 'too_many_pings'],
  ] as const) {
    const p = poolHarness({ answer: never, idleTimeout: 0 });
    p.get('/slow');
    await p.settle();
    p.peer(0).send(frameType.goaway, 0, 0, Buffer.concat([uint32(1, code), Buffer.from(debug)]));
    p.peer(0).ok(1);
    p.get('/slow');
    await p.clock.advance(6 * minute);
    assert.equal(p.peer(1).pings, 3);
  }
});

test('PROTOCOL_ERROR retires a connection: others finish on it, new requests go elsewhere, then it closes', async () => {
  const p = poolHarness({ answer: never });
  const calls = [p.get('/1'), p.get('/2')];
  await p.settle();
  p.peer(0).reset(1, 1);
  const next = p.get('/3');
  await p.settle();
  assert.equal(calls[0]!.code, 'ERR_PASSINGLANE_STREAM_RESET', 'and is not sent again');
  assert.deepEqual([p.peer(0).requests, p.peer(1).requests], [['/1', '/2'], ['/3']]);
  assert.equal(p.peer(0).ended, false);
  p.peer(0).ok(3);
  await p.settle();
  assert.deepEqual([calls[1]!.status, p.peer(0).ended, next.state], [200, true, 'pending']);
});

test('requests that are cancelled, refused or reset with other codes leave their connection in use', async () => {
  const p = poolHarness({ answer: never });
  const controller = new AbortController();
  const cancelled = p.get('/cancelled', { signal: controller.signal });
  const failed = p.get('/failed');
  await p.settle();
  controller.abort();
  p.peer(0).reset(3, 2);
  await p.settle();
  assert.deepEqual([cancelled.state, failed.state], ['failed', 'failed']);
  p.get('/next');
  await p.settle();
  assert.deepEqual([p.dials, p.peer(0).requests.at(-1), p.peer(0).ended], [1, '/next', false]);
});

test('a dead connection takes up no more cancelled requests than its limit, then a new one is dialled', async () => {
  for (const strict of [false, true]) {
    const p = poolHarness({ answer: never, peer: { maxConcurrentStreams: 3 }, strictMaxConcurrentStreams: strict });
    await p.transport.preconnect('https://test.example');
    p.peer(0).answersPings = false;
    for (let i = 0; i < 3; i++) {
      const controller = new AbortController();
      p.get(`/${i}`, { signal: controller.signal });
      await p.settle();
      controller.abort();
      await p.settle();
    }
    assert.deepEqual([p.peer(0).requests.length, p.peer(0).resets.length, p.peer(0).pings], [3, 3, 1]);
    assert.equal(p.dials, 1, 'so far its limit was enough');
    p.get('/next');
    await p.settle();
    assert.equal(p.dials, strict ? 1 : 2, `strict: ${strict}`);
    assert.equal(p.peer(0).requests.length, 3, 'it goes nowhere near the dead one');
  }
});

test('what comes beside the first SETTINGS answers no request sent before them: that given up, the next asks for a sign of life', async () => {
  const p = poolHarness({ answer: never, dialTime: 50, peer: { maxConcurrentStreams: -1 } });
  const controller = new AbortController();
  p.get('/lost', { signal: controller.signal });
  await p.clock.advance(50);
  p.peer(0).greet({});
  p.peer(0).answersPings = false;
  await p.settle();
  p.peer(0).send(frameType.windowUpdate, 0, 0, uint32(1_000_000));
  await p.settle();
  controller.abort();
  await p.clock.advance(2_000);
  p.get('/next');
  await p.settle();
  assert.deepEqual([p.peer(0).requests, p.peer(0).pings], [['/lost'], 1]);
});

test('nor does what another request is answered in less than a round trip, before the first is given up or after', async () => {
  for (const order of ['before', 'after']) {
    const p = poolHarness({ answer: never, dialTime: 50 });
    p.get('/other');
    await p.clock.advance(500);
    p.peer(0).answersPings = false;
    const controller = new AbortController();
    p.get('/lost', { signal: controller.signal });
    await p.clock.advance(10);
    if (order === 'before') p.peer(0).ok(1);
    await p.settle();
    controller.abort();
    await p.settle();
    if (order === 'after') p.peer(0).ok(1);
    await p.clock.advance(2_000);
    p.get('/next');
    await p.settle();
    assert.deepEqual([p.peer(0).requests, p.peer(0).pings], [['/other', '/lost'], 1], order);
  }
});

test('resets that the peer has not confirmed count as active streams in the state', async () => {
  const p = poolHarness({ answer: never });
  const conn = await p.transport.connect('https://test.example');
  p.peer(0).answersPings = false;
  const controller = new AbortController();
  const call = new Pending(conn.request('https://test.example/', { signal: controller.signal }));
  await p.settle();
  assert.equal(conn.state().streamsActive, 1);
  controller.abort();
  await p.settle();
  assert.equal(call.state, 'failed');
  assert.equal(conn.state().streamsActive, 1);
  p.peer(0).send(frameType.ping, 1, 0, p.peer(0).frames.findLast((one) => one.type === frameType.ping)?.payload);
  assert.equal(conn.state().streamsActive, 0);
});

test('a connection that was told to go away says so at once', async () => {
  const p = poolHarness({ answer: never });
  const conn = await p.transport.connect('https://test.example');
  const running = new Pending(conn.request('https://test.example/'));
  await p.settle();
  p.peer(0).goAway(1);
  assert.deepEqual([conn.state().closing, conn.state().closed, conn.canTakeNewRequest()], [true, false, false]);
  assert.equal(running.state, 'pending', 'what it may still answer goes on');
  const late = new Pending(conn.request('https://test.example/late'));
  await p.settle();
  assert.equal(late.code, 'ERR_PASSINGLANE_CONNECTION_UNUSABLE');
});

test('after GOAWAY we close the connection, whether or not the server does', async () => {
  const p = poolHarness({ answer: never });
  const idle = await p.transport.connect('https://test.example');
  const busy = await p.transport.connect('https://test.example');
  const call = new Pending(busy.request('https://test.example/'));
  await p.settle();
  for (const peer of p.peers) peer.goAway(0x7fff_ffff);
  await p.settle();
  assert.deepEqual([idle.state().closed, p.peer(0).ended], [true, true]);
  assert.deepEqual([busy.state().closed, p.peer(1).ended], [false, false]);
  p.peer(1).ok(1);
  await p.settle();
  assert.deepEqual([busy.state().closed, p.peer(1).ended, call.status], [true, true, 200]);
});

test('waiters go out the moment the stream limit is raised, with nothing else happening', async () => {
  const p = poolHarness({ answer: never, peer: { maxConcurrentStreams: 1 }, strictMaxConcurrentStreams: true });
  for (let i = 0; i < 4; i++) p.get(`/${i}`);
  await p.settle();
  assert.deepEqual(p.peer(0).requests, ['/0']);
  p.peer(0).greet({ maxConcurrentStreams: 3 });
  await p.settle();
  assert.deepEqual(p.peer(0).requests, ['/0', '/1', '/2']);
});

test('the peer is told by GOAWAY why a connection ends, before it is closed', async () => {
  const p = poolHarness({ answer: never });
  const call = p.get('/');
  await p.settle();
  p.peer(0).send(frameType.pushPromise, 4, 1, uint32(2));
  await p.settle();
  assert.deepEqual([p.peer(0).goAways, p.peer(0).ended, p.peer(0).destroyed], [[1], true, false]);
  assert.equal(call.code, 'ERR_PASSINGLANE_PROTOCOL');
});

test('a GOAWAY that the socket does not take holds the close up for 250 ms and no more', async () => {
  const p = poolHarness({ answer: never, stallAfter: [40_000] });
  const call = p.post('/up', bodyOf(1 << 20)());
  await p.settle();
  p.peer(0).send(frameType.pushPromise, 4, 1, uint32(2));
  await p.settle();
  assert.equal(call.code, 'ERR_PASSINGLANE_PROTOCOL', 'nobody else waits for it');
  assert.equal(p.transport.stats().connections, 0);
  assert.equal(p.peer(0).destroyed, false);
  await p.clock.advance(250);
  assert.equal(p.peer(0).destroyed, true);
  assert.equal(p.clock.size, 0);
});

test('last words that the socket never took are waited for no longer than the connection is there', async () => {
  const p = poolHarness({ answer: never, stallAfter: [40_000] });
  p.post('/up', bodyOf(1 << 20)());
  await p.settle();
  p.peer(0).send(frameType.pushPromise, 4, 1, uint32(2));
  await p.settle();
  assert.equal(p.clock.size, 1, 'for 250 ms at most');
  p.peer(0).drop();
  assert.equal(p.clock.size, 0);
});

test('whoever learns of a broken connection can no longer send on it', async () => {
  const p = poolHarness({ answer: (peer, id) => (peer.index > 0 ? peer.ok(id) : undefined) });
  const calls = [p.get('/1'), p.get('/2')];
  await p.settle();
  let next: Pending | undefined = undefined;
  void calls[0]!.settled.then(() => {
    next = p.get('/next');
  });
  p.peer(0).drop(new Error('write EPIPE'));
  const atOnce = p.get('/at-once');
  await p.settle();
  assert.deepEqual(
    calls.map((call) => call.code),
    ['ERR_PASSINGLANE_CONNECTION_LOST', 'ERR_PASSINGLANE_CONNECTION_LOST'],
  );
  assert.deepEqual([atOnce.status, (next as Pending | undefined)?.status], [200, 200]);
  assert.deepEqual(p.peer(0).requests, ['/1', '/2']);
});

test('a server that answers PINGs and nothing else is asked at each interval that the budget allows, and kept', async () => {
  const p = poolHarness({ answer: never, readIdleTimeout: 2_000, pingTimeout: 3_000, probeAfter: 0 });
  const call = p.get('/slow');
  await p.clock.advance(1_999);
  assert.equal(p.peer(0).pings, 0);
  await p.clock.advance(1);
  assert.equal(p.peer(0).pings, 1);
  await p.clock.advance(1_999);
  assert.equal(p.peer(0).pings, 1, 'the ACK, being a frame, restarts the wait');
  await p.clock.advance(1);
  assert.equal(p.peer(0).pings, 2);
  await p.clock.advance(10 * minute);
  assert.equal(call.state, 'pending');
});

test('each frame from the server puts the PING off', async () => {
  const p = poolHarness({
    answer: (peer, id) => {
      peer.headers(id, 200);
    },
    readIdleTimeout: 2_000,
    pingTimeout: 3_000,
    probeAfter: 0,
  });
  p.get('/events');
  await p.settle();
  for (let i = 0; i < 10; i++) {
    await p.clock.advance(1_900);
    p.peer(0).data(1, 'event');
  }
  assert.equal(p.peer(0).pings, 0);
});

test('L98: without readIdleTimeout there is no PING, however long the silence', async () => {
  const p = poolHarness({ answer: never, readIdleTimeout: 0, probeAfter: 0 });
  const call = p.get('/slow');
  await p.clock.advance(60 * minute);
  assert.deepEqual([p.peer(0).pings, call.state], [0, 'pending']);
});

test('a PING that the socket does not take puts its time-out off by nothing', async () => {
  const p = poolHarness({
    answer: never,
    stallAfter: [1_024],
    readIdleTimeout: 2_000,
    pingTimeout: 3_000,
    writeTimeout: 0,
    probeAfter: 0,
  });
  const up = p.post('/up', bodyOf(1 << 20)());
  await p.clock.advance(4_999);
  assert.equal(up.state, 'pending');
  await p.clock.advance(1);
  assert.deepEqual([up.code, p.peer(0).pings], ['ERR_PASSINGLANE_PING_TIMEOUT', 0]);
  assert.equal(p.peer(0).destroyed, true);
});

test('no timer outlives its connection, however that ended', async () => {
  const endings: [string, (p: ReturnType<typeof poolHarness>) => void | Promise<void>][] = [
    ['lost', (p) => p.peer(0).drop(new Error('reset'))],
    ['GOAWAY', (p) => p.peer(0).goAway(0, 2)],
    ['violation', (p) => p.peer(0).send(frameType.data, 0, 0)],
    ['no PONG', (p) => ((p.peer(0).answersPings = false), p.clock.advance(30_000))],
    ['destroyed', (p) => p.transport.destroy()],
  ];
  for (const [how, end] of endings) {
    const observed: string[] = [];
    const p = poolHarness({
      answer: never,
      observer: { connection: (event) => void observed.push(event.type) },
    });
    const call = p.get('/', { timeout: 10 * minute });
    await p.clock.advance(500);
    await end(p);
    await p.settle();
    assert.equal(call.state, 'failed', how);
    assert.equal(p.clock.size, 0, how);
    const before = observed.length;
    await p.clock.advance(10 * minute);
    assert.equal(observed.length, before, `${how}: nothing is reported of a connection that is gone`);
    assert.equal(observed.filter((type) => type === 'closed').length, 1, how);
  }
});

test('the idle time does not run while a connection is being made, and requests wait for its SETTINGS', async () => {
  const p = poolHarness({ peer: { maxConcurrentStreams: -1 }, idleTimeout: 10 });
  const call = p.post('/', bodyOf(10)());
  const warm = p.transport.preconnect('https://test.example', 2);
  await p.clock.advance(500);
  assert.equal(call.state, 'pending');
  assert.ok(p.peers.every((peer) => !peer.ended));
  for (const peer of p.peers) peer.greet({});
  await warm;
  await p.settle();
  assert.deepEqual([call.status, p.dials], [200, 2]);
  await p.clock.advance(10);
  assert.ok(
    p.peers.every((peer) => peer.ended),
    'it runs from then on',
  );
});

test('whoever has waited for a connection finds it in the pool', async () => {
  const p = poolHarness();
  await p.transport.preconnect('https://test.example');
  p.get('/');
  await p.settle();
  assert.deepEqual([p.dials, p.peer(0).requests], [1, ['/']]);
});

test('a host field of the caller changes the authority and not the connection, which is dialled once', async () => {
  const p = poolHarness();
  for (let i = 0; i < 3; i++) {
    p.get('/', { headers: { host: `Other-${i}.example:8443` } });
    await p.settle();
  }
  assert.equal(p.dials, 1);
  assert.equal(p.peer(0).blocks(5)[0]?.[':authority'], 'Other-2.example:8443');
});

test('a request that is sent again takes its body anew, after the source of the first attempt was let go', async () => {
  const steps: string[] = [];
  const body = (): AsyncIterable<Uint8Array> => {
    const name = `source ${steps.filter((step) => step.startsWith('open')).length + 1}`;
    steps.push(`open ${name}`);
    return {
      async *[Symbol.asyncIterator]() {
        try {
          for (let i = 0; i < 4; i++) yield await Promise.resolve(Buffer.from(`${i}`));
        } finally {
          steps.push(`close ${name}`);
        }
      },
    };
  };
  const p = poolHarness({
    peer: { initialWindowSize: 2 },
    answer: (peer, id) => {
      if (id === 1) setImmediate(() => peer.reset(id, 7));
      else peer.send(frameType.windowUpdate, 0, id, uint32(100));
    },
  });
  const call = p.post('/', body);
  await p.settle();
  await p.settle();
  p.peer(0).ok(3);
  await p.settle();
  assert.deepEqual([call.status, call.response?.attempts], [200, 2]);
  assert.deepEqual(steps, ['open source 1', 'close source 1', 'open source 2', 'close source 2']);
  assert.deepEqual(p.peer(0).story(3).slice(1), ['DATA 1', 'DATA 1', 'DATA 1', 'DATA 1', 'DATA 0 END_STREAM']);
});
