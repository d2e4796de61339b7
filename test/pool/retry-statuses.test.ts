import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { TransportError } from '../../dist/errors.js';
import type { RequestOptions } from '../../dist/request/request-options.js';
import { type Answer, poolHarness, type PoolHarness, type PoolHarnessOptions } from '../support/pool-harness.js';

type Fields = readonly (readonly [string, string])[];

/** Answers the first so many requests with 503 and a body that is never whole, and those after them with 200. */
function busy(times: number, fields: Fields = []): Answer {
  let left = times;
  return (peer, id) => {
    if (left-- <= 0) return peer.ok(id);
    peer.headers(id, 503, { fields });
    peer.data(id, 'busy');
  };
}

const harness = (options: PoolHarnessOptions): PoolHarness =>
  poolHarness({ ...options, retry: { statuses: [429, 503], jitter: 0, ...options.retry } });

/** When the requests arrived, in milliseconds from now on. */
async function arrivals(p: PoolHarness, request: RequestOptions, duration: number): Promise<number[]> {
  const times: number[] = [];
  const call = p.request('/', request);
  await p.settle();
  for (let passed = 0; passed <= duration; passed += 250) {
    while (times.length < p.peers.reduce((sum, peer) => sum + peer.requests.length, 0)) times.push(passed);
    await p.clock.advance(250);
  }
  assert.equal(call.status, 200);
  return times;
}

test('an answer of a listed status is dropped, and the request goes out again when the server says', async () => {
  const p = harness({ answer: busy(2, [['retry-after', '3']]) });
  const call = p.get('/');
  await p.settle();
  assert.deepEqual([call.state, p.peer(0).requests.length], ['pending', 1]);
  assert.equal(p.peer(0).story(1).at(-1), 'RST_STREAM CANCEL', 'what is left of its body is not wanted');
  await p.clock.advance(2_999);
  assert.equal(p.peer(0).requests.length, 1);
  await p.clock.advance(3_001);
  assert.deepEqual([call.status, call.response?.attempts], [200, 3]);
  assert.equal(p.dials, 1, 'on the same connection');
});

test('Retry-After may be a date in each of the formats of HTTP', async () => {
  for (const format of [
    (date: Date) => date.toUTCString(),
    (date: Date) => {
      const [day, time] = [
        date.toUTCString().slice(5, 16).replaceAll(' ', '-').replace('-20', '-'),
        date.toISOString(),
      ];
      return `${date.toLocaleDateString('en', { weekday: 'long', timeZone: 'UTC' })}, ${day} ${time.slice(11, 19)} GMT`;
    },
    (date: Date) => {
      const [, day, month, year] = date.toUTCString().split(' ');
      return `${date.toUTCString().slice(0, 3)} ${month} ${String(Number(day)).padStart(2)} ${date.toISOString().slice(11, 19)} ${year}`;
    },
  ]) {
    const p = harness({
      answer: (peer, id, fields) => {
        // The wall clock of the harness stands at a half of a second.
        const at = format(new Date(p.clock.wallNow() + 2_000));
        busy(p.peers[0]!.requests.length === 1 ? 1 : 0, [['retry-after', at]])(peer, id, fields);
      },
    });
    assert.deepEqual(await arrivals(p, {}, 3_000), [0, 2_000], format(new Date(0)));
  }
});

test('without a Retry-After that can be read the first retry is at once, and those after it back off', async () => {
  for (const fields of [[], [['retry-after', 'soon']], [['retry-after', '-5']], [['retry-after', '']]] as Fields[])
    assert.deepEqual(await arrivals(harness({ answer: busy(4, fields) }), {}, 8_000), [0, 0, 1_000, 3_000, 7_000]);
});

test('an answer is its caller’s where the request may not be sent again, or not within its limits', async () => {
  const answers: [string, RequestOptions, PoolHarnessOptions, Fields?][] = [
    ['a status that is not listed', {}, { retry: { statuses: [429] } }],
    ['no status is listed', {}, { retry: { statuses: [] } }],
    ['a method that is not idempotent', { method: 'POST', body: 'x' }, {}],
    ['a body that is gone', { method: 'PUT', body: new Blob(['x']).stream() }, {}],
    ['the last attempt', {}, { retry: { maxAttempts: 1 } }],
    ['longer than maxDelay', {}, { retry: { maxDelay: 2_000 } }, [['retry-after', '3']]],
    ['longer than its time-out', { timeout: 3_000 }, {}, [['retry-after', '3']]],
  ];
  for (const [why, request, options, fields] of answers) {
    const p = harness({ ...options, answer: busy(8, fields) });
    const call = p.request('/', request);
    await p.settle();
    assert.deepEqual([call.status, call.response?.attempts, p.peer(0).requests.length], [503, 1, 1], why);
    const piece = await call.response!.body[Symbol.asyncIterator]().next();
    assert.equal(Buffer.from(piece.value as Uint8Array).toString(), 'busy', why);
  }
});

test('what is idempotent by its method or by its caller goes again, with its body whole', async () => {
  for (const [request, whole] of [
    [{ method: 'PUT', body: 'body' }, ['HEADERS', 'DATA 4 END_STREAM']],
    [{ method: 'DELETE' }, ['HEADERS END_STREAM']],
    [{ method: 'POST', body: 'body', idempotent: true }, ['HEADERS', 'DATA 4 END_STREAM']],
    [{ method: 'PUT', body: () => new Blob(['body']).stream() }, ['HEADERS', 'DATA 4', 'DATA 0 END_STREAM']],
  ] satisfies [RequestOptions, string[]][]) {
    const p = harness({ answer: busy(1) });
    const call = p.request('/', request);
    await p.clock.advance(10);
    assert.equal(call.status, 200);
    assert.deepEqual(p.peer(0).story(3), whole);
  }
});

test('the last attempt’s answer is its caller’s', async () => {
  const p = harness({ answer: busy(9), retry: { maxAttempts: 3 } });
  const call = p.get('/');
  await p.clock.advance(5_000);
  assert.deepEqual([call.status, call.response?.attempts], [503, 3]);
});

test('a body that ends with the read that brought its status needs no reset', async () => {
  const p = harness({
    answer: (peer, id) => {
      if (id > 1) return peer.ok(id);
      peer.inOneRead(() => {
        peer.headers(id, 503);
        peer.data(id, 'busy', true);
      });
    },
  });
  const call = p.get('/');
  await p.clock.advance(10);
  assert.equal(call.status, 200);
  assert.deepEqual(p.peer(0).resets, []);
  assert.equal(p.transport.stats().bufferedBytes, 0);
});

test('without a token of the budget it ends at once, in an error that says so', async () => {
  const p = harness({ answer: busy(1_000, [['retry-after', '1']]), retry: { budget: 0 } });
  const calls = Array.from({ length: 110 }, () => p.get('/'));
  await p.settle();
  const failed = calls.filter((call) => call.state === 'failed');
  assert.equal(failed.length, 10);
  const { code, message, unprocessed, attempts } = failed[0]!.error as TransportError;
  assert.deepEqual([code, unprocessed, attempts], ['ERR_PASSINGLANE_RETRY_BUDGET', false, 1]);
  assert.match(message, /^GET https:\/\/test\.example\/: The server answered 503.*retry\.budget/);
  assert.equal(p.peer(0).resets.length, 110, 'nor is the rest of its body wanted');
  p.transport.destroy();
});

test('a request that waits for the time that the server named ends with its signal', async () => {
  const p = harness({ answer: busy(1, [['retry-after', '5']]) });
  const controller = new AbortController();
  const call = p.get('/', { signal: controller.signal });
  await p.clock.advance(1_000);
  controller.abort();
  await p.clock.advance(10_000);
  assert.equal(call.error, controller.signal.reason);
  assert.equal(p.peer(0).requests.length, 1);
});

test('a dial that succeeds calls nobody back before the time that the server named', async () => {
  const p = harness({ answer: busy(1, [['retry-after', '9']]), dialErrors: [undefined, new Error('refused')] });
  const call = p.get('/');
  await p.settle();
  p.peer(0).drop();
  p.get('/unlucky');
  await p.settle();
  p.get('/lucky');
  await p.clock.advance(8_000);
  assert.equal(call.state, 'pending');
  await p.clock.advance(1_000);
  assert.equal(call.status, 200);
});
