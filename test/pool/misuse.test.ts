import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { RequestOptions } from '../../dist/index.js';
import { bodyOf, poolHarness, type Answer } from '../support/pool-harness.js';

const never: Answer = () => undefined;

test('a server that ends every connection before it can carry anything is dialled with back-off, and in the end given up', async () => {
  const p = poolHarness({ peer: { maxConcurrentStreams: 0 }, retry: { maxAttempts: 5 } });
  const call = p.post('/', bodyOf(10)());
  for (let i = 0; i < 20 && call.state === 'pending'; i++) {
    await p.settle();
    const last = p.peers.at(-1);
    if (last !== undefined && !last.destroyed && !last.ended) last.goAway(0);
    await p.clock.advance(1_000);
  }
  assert.equal(call.code, 'ERR_PASSINGLANE_GOAWAY');
  assert.equal(p.dials, 5, 'as often as a request is tried');
});

test('trailers that can be read once, or change meanwhile, are sent as they were given', async () => {
  const p = poolHarness();
  const trailers: Record<string, string> = { 'x-t': '1' };
  await p.transport.request('https://test.example/a', {
    method: 'POST',
    body: 'abc',
    trailers: new Map([['x-t', '1']]).entries(),
  });
  const body = (async function* () {
    yield await Promise.resolve('x');
    delete trailers['x-t'];
  })();
  await p.transport.request('https://test.example/b', { method: 'POST', body, trailers });
  await p.settle();
  for (const id of [1, 3]) assert.equal(p.peer(0).blocks(id)[1]?.['x-t'], '1');
});

test('a body that is transferred while it is being sent fails its own request, and nothing else', async () => {
  const p = poolHarness({
    answer: (peer, id, fields) => {
      if (fields.get(':path') === '/other') peer.ok(id);
    },
  });
  const buffer = new ArrayBuffer(200_000);
  const call = p.post('/up', new Uint8Array(buffer));
  await p.settle();
  structuredClone(buffer, { transfer: [buffer] });
  p.peer(0).send(8, 0, 0, Buffer.from([0, 1, 0, 0]));
  p.peer(0).send(8, 0, 1, Buffer.from([0, 1, 0, 0]));
  await p.settle();
  assert.equal(call.code, 'ERR_PASSINGLANE_REQUEST_BODY');
  const other = p.get('/other');
  await p.settle();
  assert.equal(other.status, 200);
  assert.equal(p.dials, 1);
});

/** Fails its request with the code of a body that cannot be sent, and nothing of `lent` passes for a whole body. */
async function failsAlone(lent: (bytes: Uint8Array) => NonNullable<RequestOptions['body']>): Promise<void> {
  const p = poolHarness({
    answer: (peer, id, fields) => {
      if (fields.get(':path') === '/other') peer.ok(id);
    },
  });
  const bytes = new Uint8Array(1_000);
  const call = p.post('/up', lent(bytes));
  const other = p.get('/other');
  await p.settle();
  assert.equal(call.code, 'ERR_PASSINGLANE_REQUEST_BODY');
  assert.match((call.error as Error).message, /detached/);
  assert.deepEqual(p.peer(0).story(1), ['HEADERS', 'RST_STREAM CANCEL']);
  assert.equal(other.status, 200);
  assert.equal(p.dials, 1);
}

function transfer({ buffer }: Uint8Array): void {
  structuredClone(buffer, { transfer: [buffer as ArrayBuffer] });
}

test('a body that is transferred right after the call goes out as no shorter one, and fails its own request', async () => {
  await failsAlone((bytes) => {
    queueMicrotask(() => transfer(bytes));
    return bytes;
  });
});

test('so does the body that a function has made', async () => {
  await failsAlone((bytes) => () => {
    queueMicrotask(() => transfer(bytes));
    return bytes;
  });
});

test('so does a piece of a stream that is transferred while it is on its way', async () => {
  await failsAlone((bytes) => ({
    [Symbol.asyncIterator]: () => ({
      next() {
        queueMicrotask(() => queueMicrotask(() => transfer(bytes)));
        return Promise.resolve({ done: false, value: bytes });
      },
    }),
  }));
});

test('a source with a declared length may wait for the response before it ends, and may reuse its buffer', async () => {
  const p = poolHarness({ answer: never });
  let answered: () => void = () => undefined;
  const gate = new Promise<void>((resolve) => (answered = resolve));
  const waiting = (async function* () {
    yield 'abc';
    await gate;
  })();
  const call = p.post('/', waiting, { headers: { 'content-length': '3' } });
  await p.settle();
  assert.equal(p.peer(0).bodyBytes, 3, 'all of it is there before the source has ended');
  p.peer(0).ok(1);
  await p.settle();
  assert.equal(call.status, 200);
  answered();
  await p.settle();
  assert.equal(p.transport.stats().streams, 0);
});

test('a transport destroyed while a dial completes leaves no connection behind', async () => {
  for (let depth = 0; depth < 20; depth++) {
    const p = poolHarness();
    const call = p.get('/');
    await new Promise((resolve) => setImmediate(resolve));
    let left = depth;
    const step = (): void => {
      if (left-- > 0) queueMicrotask(step);
      else p.transport.destroy();
    };
    step();
    await p.settle();
    assert.ok(call.state !== 'pending');
    assert.ok(
      p.peers.every((peer) => peer.destroyed),
      `depth ${depth}`,
    );
  }
});

test('onInformational is not called once the request is over, and an async one that rejects fails the request', async () => {
  const three: Answer = (peer, id) => {
    for (let i = 0; i < 3; i++) peer.headers(id, 103);
  };
  const controller = new AbortController();
  let calls = 0;
  const p = poolHarness({ answer: three });
  p.get('/', {
    signal: controller.signal,
    onInformational: () => {
      calls++;
      controller.abort();
    },
  });
  await p.settle();
  assert.equal(calls, 1);
  const failing = poolHarness({ answer: three });
  const rejecting = (): unknown => Promise.reject(new Error('mine'));
  const call = failing.get('/', { onInformational: rejecting });
  await failing.settle();
  assert.equal((call.error as Error).message, 'mine');
});
