import assert from 'node:assert/strict';
import { test } from 'node:test';
import { sentenceOf, TransportError } from '../../dist/errors.js';
import { bodyOf, poolHarness, type Answer } from '../support/pool-harness.js';

const never: Answer = () => undefined;

test('ten first requests share one dial', async () => {
  const p = poolHarness();
  const calls = Array.from({ length: 10 }, (_, i) => p.get(`/${i}`));
  await p.settle();
  assert.deepEqual(
    calls.map((call) => call.status),
    Array(10).fill(200),
  );
  assert.equal(p.dials, 1);
});

test("before the peer's SETTINGS one request goes out, and the rest wait for them", async () => {
  const p = poolHarness({ peer: { maxConcurrentStreams: -1 }, answer: never });
  for (let i = 0; i < 5; i++) p.get(`/${i}`);
  await p.settle();
  assert.deepEqual(p.peer(0).requests, ['/0']);
  p.peer(0).greet({});
  await p.settle();
  assert.equal(p.peer(0).requests.length, 5);
});

test("at the peer's limit as many connections open as are needed, and no more", async () => {
  const p = poolHarness({ peer: { maxConcurrentStreams: 2 }, answer: never });
  for (let i = 0; i < 20; i++) p.get(`/${i}`);
  await p.settle();
  await p.settle();
  assert.equal(p.dials, 10);
  for (const peer of p.peers) assert.equal(peer.requests.length, 2, 'the limit is never exceeded');
});

test('in strict mode requests wait at the limit, in order, and no second connection is made', async () => {
  const held: number[] = [];
  const p = poolHarness({
    peer: { maxConcurrentStreams: 1 },
    strictMaxConcurrentStreams: true,
    answer: (_, id) => held.push(id),
  });
  const controllers = Array.from({ length: 6 }, () => new AbortController());
  const calls = controllers.map((controller, i) => p.get(`/${i}`, { signal: controller.signal }));
  await p.settle();
  controllers[1]!.abort();
  controllers[3]!.abort();
  for (let i = 0; i < 4; i++) {
    p.peer(0).ok(held[i]!);
    await p.settle();
  }
  assert.deepEqual(p.peer(0).requests, ['/0', '/2', '/4', '/5'], 'the others go out in order');
  assert.deepEqual(held, [1, 3, 5, 7], 'with consecutive IDs');
  assert.equal(calls[1]!.state, 'failed');
  assert.equal(p.dials, 1);
});

test('a hundred requests of one turn ask for the time as often as one does', async (t) => {
  const p = poolHarness();
  p.get('/first');
  await p.settle();
  const { mock } = t.mock.method(p.clock, 'now');
  const timesAsked = async (requests: number): Promise<number> => {
    const before = mock.callCount();
    for (let i = 0; i < requests; i++) p.get(`/${i}`);
    const asked = mock.callCount() - before;
    await p.settle();
    return asked;
  };
  const once = await timesAsked(1);
  assert.ok(once > 0, 'each turn has its time');
  assert.equal(await timesAsked(100), once);
});

test('what is dialled is decided once for all requests of a kind that wait for one write', async (t) => {
  const p = poolHarness();
  p.get('/first');
  await p.settle();
  p.peer(0).stallNow();
  p.get('/held');
  await p.settle();
  p.get('/waiting');
  const { mock } = t.mock.method(p.clock, 'now');
  for (let i = 0; i < 10; i++) p.get(`/${i}`);
  assert.equal(mock.callCount(), 10, 'when each of them began to wait, and nothing else');
  p.peer(0).resume();
  await p.settle();
  assert.equal(p.dials, 1);
  assert.equal(p.peer(0).requests.length, 13);
});

test('a request by itself asks for the time once a step', async (t) => {
  const p = poolHarness();
  p.get('/first');
  await p.settle();
  const { mock } = t.mock.method(p.clock, 'now');
  const call = p.get('/');
  await p.settle();
  assert.equal(call.status, 200);
  // To choose the connection, for the write, when that is taken, whether there is more to write, and for the answer.
  assert.equal(mock.callCount(), 5);
});

test('a stalled socket is no candidate', async () => {
  const p = poolHarness({ stallAfter: [1_024], peer: { maxConcurrentStreams: 100 } });
  p.post('/up', bodyOf(1 << 20));
  await p.settle();
  const small = p.get('/b');
  await p.clock.advance(99);
  assert.equal(p.dials, 1, 'it may still make progress');
  await p.clock.advance(1);
  assert.equal(p.dials, 2, 'the second request found nobody who could write');
  assert.equal(small.status, 200);
  assert.deepEqual(p.peer(1).requests, ['/b']);
});

test('a slow connection costs one further connection, however many requests come', async () => {
  const p = poolHarness({ stallAfter: [1_024] });
  p.post('/up', bodyOf(1 << 20));
  await p.settle();
  const calls = [];
  for (let i = 0; i < 50; i++) {
    calls.push(p.get(`/${i}`));
    await p.clock.advance(20);
  }
  await p.settle();
  assert.equal(p.dials, 2);
  assert.ok(calls.every((call) => call.status === 200));
});

test('a stalled connection finishes its own requests when the peer resumes', async () => {
  const p = poolHarness({
    stallAfter: [40_000],
    answer: (peer, id, fields) => {
      if (fields.get(':path') === '/b') peer.ok(id);
    },
  });
  const up = p.post('/up', bodyOf(65_000));
  await p.settle();
  p.get('/b');
  await p.clock.advance(200);
  assert.equal(p.dials, 2);
  p.peer(0).resume();
  await p.settle();
  assert.equal(p.peer(0).bodyBytes, 65_000);
  p.peer(0).ok(1);
  await p.settle();
  assert.equal(up.status, 200);
});

test('a connection that takes nothing for writeTimeout is closed with an error that says so', async () => {
  const p = poolHarness({ stallAfter: [1_024], writeTimeout: 5_000, answer: never });
  const up = p.post('/up', bodyOf(1 << 20)());
  await p.clock.advance(5_000);
  assert.equal(up.code, 'ERR_PASSINGLANE_WRITE_TIMEOUT');
  assert.match((up.error as Error).message, /body is a stream that has been read|writeTimeout/);
});

test('a silent connection answers a PING first, and meanwhile the request goes elsewhere when it does not', async () => {
  const p = poolHarness({
    answer: (peer, id, fields) => {
      if (fields.get(':path') !== '/slow') peer.ok(id);
    },
  });
  p.get('/slow');
  await p.settle();
  p.peer(0).answersPings = false;
  await p.clock.advance(1_000);
  const call = p.get('/b');
  await p.settle();
  assert.equal(p.peer(0).pings, 1);
  assert.equal(call.state, 'pending');
  await p.clock.advance(100);
  assert.equal(call.status, 200);
  assert.equal(p.dials, 2);
  assert.deepEqual(p.peer(0).requests, ['/slow']);
});

test('a slow but living server gets no second connection and at most two PINGs', async () => {
  const p = poolHarness({ answer: never });
  const calls = Array.from({ length: 50 }, (_, i) => p.get(`/${i}`));
  await p.clock.advance(10_000);
  for (let i = 50; i < 60; i++) {
    calls.push(p.get(`/${i}`));
    await p.clock.advance(1_500);
  }
  assert.equal(p.dials, 1);
  assert.ok(p.peer(0).pings <= 2, `${p.peer(0).pings} PINGs`);
  assert.equal(p.peer(0).requests.length, 60);
});

test('a refused request is sent again at once, then after 1, 2, 4 s and so on, eight times in all', async () => {
  const times: number[] = [];
  const p = poolHarness({
    answer: (peer, id) => {
      times.push(p.clock.now());
      peer.reset(id, 7);
    },
  });
  p.get('/warm');
  await p.clock.advance(200_000);
  const seconds = times.map((time) => Math.round((time - times[0]!) / 1_000));
  assert.equal(times.length, 8);
  assert.deepEqual(seconds.slice(0, 4), [0, 0, 1, 3]);
});

test('a refused request without a replayable body fails with an error that says why', async () => {
  const p = poolHarness({
    answer: (peer, id) => {
      setImmediate(() => {
        setImmediate(() => {
          peer.reset(id, 7);
        });
      });
    },
  });
  const call = p.post('/up', bodyOf(100)());
  await p.settle();
  await p.settle();
  assert.equal(call.code, 'ERR_PASSINGLANE_STREAM_RESET');
  const error = call.error as TransportError;
  assert.match(error.message, /body is a stream that has been read/);
  assert.equal(error.unprocessed, true);
  assert.equal(error.attempts, 1);
});

test('GOAWAY moves what was not processed to another connection, and lets the rest finish', async () => {
  const p = poolHarness({
    answer: (peer, id) => {
      if (peer.index > 0) peer.ok(id);
    },
  });
  const calls = Array.from({ length: 4 }, (_, i) => p.get(`/${i}`));
  await p.settle();
  p.peer(0).goAway(3);
  await p.settle();
  assert.deepEqual(
    calls.map((call) => call.state),
    ['pending', 'pending', 'answered', 'answered'],
  );
  p.peer(0).ok(1);
  p.peer(0).ok(3);
  await p.settle();
  assert.deepEqual(
    calls.map((call) => call.status),
    [200, 200, 200, 200],
  );
  assert.deepEqual(
    calls.map((call) => call.response?.attempts),
    [1, 1, 2, 2],
  );
});

test('a lost connection fails what was sent, and only an idempotent request is sent again', async () => {
  const p = poolHarness({
    answer: (peer, id) => {
      if (peer.index > 0) peer.ok(id);
    },
  });
  const plain = p.get('/plain');
  const again = p.get('/again', { idempotent: true });
  await p.settle();
  p.peer(0).drop(new Error('reset'));
  await p.settle();
  assert.equal(plain.code, 'ERR_PASSINGLANE_CONNECTION_LOST');
  assert.equal((plain.error as TransportError).unprocessed, false);
  assert.equal(again.status, 200);
  assert.deepEqual(p.peer(1).requests, ['/again']);
});

test('a dial ends when no request waits for it any more', async () => {
  const p = poolHarness({ dialTime: 1_000 });
  const one = new AbortController();
  const two = new AbortController();
  const calls = [p.get('/1', { signal: one.signal }), p.get('/2', { signal: two.signal })];
  await p.settle();
  one.abort();
  await p.settle();
  assert.deepEqual([calls[0]!.state, calls[1]!.state, p.abortedDials], ['failed', 'pending', 0]);
  two.abort();
  await p.settle();
  assert.equal(p.abortedDials, 1);
});

test('a dial that fails fails those who waited for it, and the next request dials anew', async () => {
  const refused = new TransportError('ERR_PASSINGLANE_CONNECT_FAILED', 'refused', {
    scope: 'connection',
    initiator: 'remote',
    unprocessed: true,
  });
  const p = poolHarness({ dialErrors: [refused] });
  const calls = [p.get('/1'), p.get('/2')];
  await p.settle();
  assert.deepEqual(
    calls.map(({ code, error }) => [code, sentenceOf(error)]),
    ['/1', '/2'].map((path) => [refused.code, `GET https://test.example${path}: refused`]),
  );
  const next = p.get('/3');
  await p.settle();
  assert.equal(next.status, 200);
});

test("connectTimeout covers the wait for the peer's SETTINGS", async () => {
  const p = poolHarness({ peer: { maxConcurrentStreams: -1 }, answer: never, connectTimeout: 3_000 });
  const call = p.get('/1', { timeout: 10_000 });
  await p.clock.advance(3_000);
  assert.equal(call.code, 'ERR_PASSINGLANE_CONNECT_TIMEOUT');
  assert.equal((call.error as Error).name, 'TimeoutError');
});

test('the time-out of a request covers its wait for a connection', async () => {
  const p = poolHarness({ dialTime: 60_000, connectTimeout: 0 });
  const call = p.get('/1', { timeout: 500 });
  await p.clock.advance(500);
  assert.equal(call.code, 'ERR_PASSINGLANE_TIMEOUT');
  assert.match((call.error as Error).message, /500 ms/);
});

test('a lowered, zero and raised stream limit is honoured, and waiters wake', async () => {
  const p = poolHarness({ peer: { maxConcurrentStreams: 0 } });
  const call = p.get('/1', { body: bodyOf(1)(), method: 'POST' });
  await p.clock.advance(1_000);
  assert.equal(call.state, 'pending');
  assert.equal(p.dials, 1, 'another connection would not help');
  p.peer(0).greet({ maxConcurrentStreams: 5 });
  await p.settle();
  assert.equal(call.status, 200);
});

test('idle connections close after idleTimeout, and hold no timer afterwards', async () => {
  const p = poolHarness({ idleTimeout: 1_000 });
  p.get('/1');
  await p.settle();
  assert.equal(p.peer(0).refed, false, 'idle, it does not keep the process alive');
  await p.clock.advance(1_000);
  assert.equal(p.peer(0).ended, true);
  await p.clock.advance(1_000);
  assert.equal(p.clock.size, 0);
  assert.equal(p.transport.stats().connections, 0);
});

test('a connection drains after maxRequestsPerConnection', async () => {
  const p = poolHarness({ maxRequestsPerConnection: 3 });
  for (let i = 0; i < 7; i++) {
    p.get(`/${i}`);
    await p.settle();
  }
  assert.deepEqual(
    p.peers.map((peer) => peer.requests.length),
    [3, 3, 1],
  );
  assert.equal(p.peer(0).ended, true);
});

test('a connection older than maxConnectionAge drains', async () => {
  const p = poolHarness({ maxConnectionAge: 1_000 });
  p.get('/1');
  await p.clock.advance(1_000);
  p.get('/2');
  await p.settle();
  assert.equal(p.dials, 2);
});

test('close lets running requests finish, refuses new ones, and resolves', async () => {
  const p = poolHarness({ answer: never });
  const call = p.get('/1');
  await p.settle();
  let closed = false;
  const closing = p.transport.close().then(() => {
    closed = true;
  });
  await p.settle();
  assert.deepEqual(p.peer(0).goAways, [0], 'GOAWAY with NO_ERROR');
  assert.equal(closed, false);
  const late = p.get('/2');
  await p.settle();
  assert.equal(late.code, 'ERR_PASSINGLANE_TRANSPORT_CLOSED');
  p.peer(0).ok(1);
  await closing;
  assert.equal(call.status, 200);
});

test('close({ timeout }) ends in time beside an endless stream', async () => {
  const p = poolHarness({
    answer: (peer, id) => {
      peer.headers(id, 200);
      peer.data(id, 'tick');
    },
  });
  const call = p.get('/endless');
  await p.settle();
  let closed = false;
  void p.transport.close({ timeout: 300 }).then(() => {
    closed = true;
  });
  await p.clock.advance(299);
  assert.equal(closed, false);
  await p.clock.advance(1);
  assert.equal(closed, true);
  await assert.rejects(async () => call.response?.body.text(), { code: 'ERR_PASSINGLANE_TRANSPORT_CLOSED' });
});

test('destroy fails running and waiting requests at once', async () => {
  const p = poolHarness({ peer: { maxConcurrentStreams: 1 }, strictMaxConcurrentStreams: true, answer: never });
  const calls = [p.get('/1'), p.get('/2')];
  await p.settle();
  p.transport.destroy(new Error('enough'));
  await p.settle();
  assert.deepEqual(
    calls.map((call) => call.code),
    ['ERR_PASSINGLANE_TRANSPORT_CLOSED', 'ERR_PASSINGLANE_TRANSPORT_CLOSED'],
  );
  assert.ok(p.peer(0).destroyed);
  assert.equal(p.clock.size, 0, 'no timer is left');
});

test('preconnect opens so many connections, and closeIdleConnections closes them', async () => {
  const p = poolHarness();
  await p.transport.preconnect('https://test.example', 3);
  assert.equal(p.dials, 3);
  assert.equal(p.transport.stats().connections, 3);
  p.transport.closeIdleConnections();
  await p.settle();
  assert.equal(p.transport.stats().connections, 0);
});

test('an expectContinue body waits for 100, and goes without it after a second', async () => {
  const p = poolHarness({ answer: never });
  p.post('/1', 'body', { expectContinue: true });
  await p.clock.advance(999);
  assert.equal(p.peer(0).bodyBytes, 0);
  await p.clock.advance(1);
  assert.equal(p.peer(0).bodyBytes, 4);
  p.post('/2', 'body', { expectContinue: true });
  await p.settle();
  p.peer(0).headers(3, 100);
  await p.settle();
  assert.equal(p.peer(0).bodyBytes, 8, 'at once on 100');
});

test('a refusal instead of 100 is the answer, and the body is never sent', async () => {
  const p = poolHarness({ answer: never });
  const call = p.post('/1', 'body', { expectContinue: true });
  await p.settle();
  p.peer(0).headers(1, 417, { end: true });
  await p.clock.advance(2_000);
  assert.equal(call.status, 417);
  assert.equal(p.peer(0).bodyBytes, 0);
  assert.deepEqual(p.peer(0).resets, [1], 'the stream is ended with NO_ERROR');
});
