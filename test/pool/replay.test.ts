import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { TransportError } from '../../dist/errors.js';
import { type Answer, type Pending, type PoolHarness, poolHarness } from '../support/pool-harness.js';

const never: Answer = () => undefined;
const refused = 7;

/** Refuses the first so many requests, then answers. */
function refusing(times: number): Answer {
  let left = times;
  return (peer, id) => {
    if (left-- > 0) peer.reset(id, refused);
    else peer.ok(id);
  };
}

async function warm(p: PoolHarness): Promise<void> {
  p.get('/warm');
  await p.settle();
}

const failure = (call: Pending): TransportError => call.error as TransportError;

test('a request that no byte of was handed to a socket is sent again on another connection', async () => {
  const p = poolHarness();
  await warm(p);
  const call = p.post('/up', 'body');
  p.peer(0).drop(new Error('reset'));
  await p.settle();
  assert.equal(call.status, 200);
  assert.equal(call.response?.attempts, 2);
  assert.deepEqual([p.peer(0).requests, p.peer(1).requests], [['/warm'], ['/up']]);
});

test('its body was not touched then, so even a stream that can be read once goes out whole', async () => {
  const p = poolHarness({ answer: never });
  await warm(p);
  const log: string[] = [];
  async function* body(): AsyncGenerator<string> {
    try {
      log.push('opened');
      yield await Promise.resolve('body');
    } finally {
      log.push('ended');
    }
  }
  const call = p.post('/up', body());
  p.peer(0).drop();
  await p.settle();
  assert.equal(call.state, 'pending');
  assert.deepEqual(p.peer(1).story(1), ['HEADERS', 'DATA 4', 'DATA 0 END_STREAM']);
  assert.deepEqual(log, ['opened', 'ended']);
});

test('a reset with any other code is final, and so are a bad request and an error of its body', async () => {
  for (const code of [0, 1, 2, 3, 5, 6, 8, 9, 10, 11, 12, 13, 0x99]) {
    const p = poolHarness({
      allowHTTP1: false, // with it, HTTP_1_1_REQUIRED (13) is a matter of another protocol
      answer: (peer, id) => {
        peer.reset(id, code);
      },
    });
    const call = p.get('/');
    await p.clock.advance(5_000);
    assert.equal(call.code, 'ERR_PASSINGLANE_STREAM_RESET');
    assert.equal(p.peer(0).requests.length, 1, `code ${code}`);
    assert.equal(p.dials, 1);
  }
  const p = poolHarness({ answer: never });
  const broken = new Error('disk');
  const bodies = p.post('/', () => Promise.reject(broken), { idempotent: true });
  const headers = p.get('/', { headers: { 'bad name': '' }, idempotent: true });
  await p.clock.advance(5_000);
  assert.equal(bodies.error, broken);
  assert.equal(headers.code, 'ERR_PASSINGLANE_INVALID_HEADER');
  assert.equal(p.peer(0).requests.length, 1);
});

test('an error in GOAWAY fails the first request of a connection; later ones are sent again, whatever it says', async () => {
  for (const [code, first] of [
    [0, 'answered'],
    [1, 'failed'],
    [11, 'failed'],
  ] as const) {
    const p = poolHarness({
      answer: (peer, id) => {
        if (peer.index > 0) peer.ok(id);
      },
    });
    const calls = [p.get('/1'), p.get('/2'), p.get('/3')];
    await p.settle();
    p.peer(0).goAway(0, code);
    await p.settle();
    assert.deepEqual(
      calls.map((call) => call.state),
      [first, 'answered', 'answered'],
      `GOAWAY with ${code}`,
    );
    if (first === 'failed') assert.equal(failure(calls[0]!).unprocessed, false);
  }
});

test('a body that can be had again is sent again: bytes as they are, a function called anew', async () => {
  const p = poolHarness({ answer: never });
  let calls = 0;
  const made = p.post('/made', () => {
    calls++;
    return Promise.resolve(`body ${calls}`);
  });
  const bytes = p.post('/bytes', 'bytes', { headers: { 'x-a': '1' }, trailers: { 'x-t': '2' } });
  const blob = p.post('/blob', new Blob(['blob']));
  await p.settle();
  for (const id of [1, 3, 5]) p.peer(0).reset(id, refused);
  await p.settle();
  for (const id of [7, 9, 11]) p.peer(0).ok(id);
  await p.settle();
  assert.deepEqual([made.status, bytes.status, blob.status], [200, 200, 200]);
  assert.equal(calls, 2);
  assert.deepEqual(p.peer(0).requests.slice(3), ['/made', '/bytes', '/blob'], 'in the order of the calls');
  for (const id of [7, 9, 11]) {
    const [first, second] = [p.peer(0).blocks(id)[0], p.peer(0).blocks(id - 6)[0]];
    assert.deepEqual(first, second, 'with the very same headers');
    assert.deepEqual(p.peer(0).story(id), p.peer(0).story(id - 6), 'and the whole body');
  }
});

test('a function that cannot make the body a second time fails the request with its error', async () => {
  const p = poolHarness({ answer: never });
  const broken = new Error('gone');
  let calls = 0;
  const call = p.post('/', () => {
    if (++calls > 1) throw broken;
    return 'body';
  });
  await p.settle();
  p.peer(0).reset(1, refused);
  await p.settle();
  assert.equal(calls, 2);
  assert.equal(call.error, broken);
  assert.equal(p.peer(0).story(3).at(-1), 'RST_STREAM CANCEL');
});

test('the wait has its share of chance, in milliseconds', async () => {
  const times: number[] = [];
  const p = poolHarness({
    retry: { baseDelay: 100, jitter: 0.5 },
    answer: (peer, id) => {
      times.push(p.clock.now());
      peer.reset(id, refused);
    },
  });
  await p.clock.settle();
  p.get('/');
  await p.clock.advance(1_000);
  const waits = times.slice(1).map((time, i) => time - times[i]!);
  assert.deepEqual(waits.slice(0, 4), [0, 125, 250, 500], 'half of a half more: the test’s chance is 0.5');
});

test('an abort during the wait ends it, and is the result', async () => {
  const p = poolHarness({ answer: refusing(Infinity) });
  const controller = new AbortController();
  const call = p.get('/', { signal: controller.signal });
  await p.clock.advance(2_000);
  const before = p.peer(0).requests.length;
  assert.equal(before, 3);
  const reason = new Error('enough');
  controller.abort(reason);
  await p.clock.advance(60_000);
  assert.equal(call.error, reason);
  assert.equal(p.peer(0).requests.length, before);
  p.transport.destroy();
  await p.settle();
  assert.equal(p.clock.size, 0, 'no timer of the wait is left');
});

test('the time-out of a request covers its waits', async () => {
  const p = poolHarness({ answer: refusing(Infinity) });
  const call = p.get('/', { timeout: 2_500 });
  await p.clock.advance(2_499);
  assert.equal(call.state, 'pending');
  await p.clock.advance(1);
  assert.equal(call.code, 'ERR_PASSINGLANE_TIMEOUT');
  assert.equal(failure(call).attempts, 3);
});

test('the error of the last attempt is the result, with how many there were', async () => {
  const p = poolHarness({
    retry: { maxAttempts: 3 },
    answer: (peer, id) => {
      peer.reset(id, refused);
    },
  });
  const call = p.get('/');
  await p.clock.advance(60_000);
  const error = failure(call);
  assert.deepEqual(
    [error.code, error.errorCode, error.attempts],
    ['ERR_PASSINGLANE_STREAM_RESET', 'REFUSED_STREAM', 3],
  );
  assert.equal(error.streamId, 5, 'the stream of the last one');
  assert.match(error.message, /given up after 3 attempts/);
});

test('after REFUSED_STREAM a request goes out again on its connection, with a new stream ID', async () => {
  const p = poolHarness({ answer: refusing(1) });
  const call = p.get('/');
  await p.settle();
  assert.equal(call.status, 200);
  assert.equal(p.dials, 1);
  assert.deepEqual([p.peer(0).story(1), p.peer(0).story(3)], [['HEADERS END_STREAM'], ['HEADERS END_STREAM']]);
  assert.equal(call.response?.connection.reused, true);
});

test('an upload has been stopped and its source closed before the request is sent again', async () => {
  const log: string[] = [];
  const p = poolHarness({
    answer: (_, id) => {
      log.push(`request ${id}`);
    },
  });
  let made = 0;
  const call = p.post('/', () => {
    const name = `body ${++made}`;
    log.push(`${name} opened`);
    const give = (): Promise<IteratorResult<string>> => Promise.resolve({ done: false, value: name });
    return {
      [Symbol.asyncIterator]: () => ({
        next: give,
        return: () => {
          log.push(`${name} closed`);
          return new Promise<never>(() => undefined);
        },
      }),
    };
  });
  await p.settle();
  p.peer(0).reset(1, refused);
  await p.settle();
  assert.deepEqual(log, ['body 1 opened', 'request 1', 'body 1 closed', 'body 2 opened', 'request 3']);
  const story = p.peer(0).story(1).length;
  await p.settle();
  assert.equal(p.peer(0).story(1).length, story, 'nothing more goes out on the first stream');
  p.peer(0).ok(3);
  await p.settle();
  assert.equal(call.status, 200);
});

test('once the response headers are there nothing is sent again, not even an idempotent request', async () => {
  const p = poolHarness({
    answer: (peer, id) => {
      peer.headers(id, 200);
      peer.data(id, 'part');
    },
  });
  const calls = [p.get('/1', { idempotent: true }), p.get('/2', { idempotent: true })];
  await p.settle();
  p.peer(0).reset(1, refused);
  p.peer(0).goAway(1);
  await p.clock.advance(5_000);
  assert.deepEqual(p.peer(0).requests, ['/1', '/2']);
  assert.equal(p.dials, 1);
  const [reset, gone] = calls;
  await assert.rejects(async () => reset?.response?.body.text(), {
    code: 'ERR_PASSINGLANE_STREAM_RESET',
    unprocessed: false,
  });
  await assert.rejects(async () => gone?.response?.body.text(), { code: 'ERR_PASSINGLANE_GOAWAY' });
});
