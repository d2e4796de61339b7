import assert from 'node:assert/strict';
import { test } from 'node:test';
import { uint32 } from '../support/harness.js';
import { type Answer, Pending, poolHarness } from '../support/pool-harness.js';
import { type as frameType } from '../support/raw-server.js';

const never: Answer = () => undefined;

/** A body that gives what it is told to, and says what became of it. */
class Source {
  readonly log: string[] = [];
  private readonly queue: (Uint8Array | Error | undefined)[] = [];
  private wake: (() => void) | undefined = undefined;

  give(piece: string | Error | undefined): void {
    this.queue.push(typeof piece === 'string' ? Buffer.from(piece) : piece);
    this.wake?.();
  }

  [Symbol.asyncIterator](): AsyncIterator<Uint8Array> {
    this.log.push('opened');
    return {
      next: async () => {
        if (this.queue.length === 0) await new Promise<void>((resolve) => (this.wake = resolve));
        const piece = this.queue.shift();
        if (piece instanceof Error) throw piece;
        return piece === undefined ? { done: true, value: undefined } : { done: false, value: piece };
      },
      return: () => {
        this.log.push('closed');
        return new Promise(() => undefined); // nobody may wait for this
      },
    };
  }

  /** For a body that is given up before it was opened. */
  return(): Promise<IteratorResult<Uint8Array>> {
    this.log.push('closed unopened');
    return Promise.resolve({ done: true, value: undefined });
  }
}

test('only expectContinue holds a body back; HEADERS go out at once, without END_STREAM', async () => {
  const p = poolHarness({ answer: never });
  p.post('/held', 'body', { expectContinue: true });
  p.post('/own', 'body', { headers: { expect: '100-continue' } });
  p.post('/empty', '', { expectContinue: true });
  await p.settle();
  assert.deepEqual(p.peer(0).story(1), ['HEADERS']);
  assert.equal(p.peer(0).blocks(1)[0]?.['expect'], '100-continue');
  assert.deepEqual(p.peer(0).story(3), ['HEADERS', 'DATA 4 END_STREAM']);
  assert.equal(p.peer(0).blocks(3)[0]?.['expect'], '100-continue');
  assert.deepEqual(p.peer(0).story(5), ['HEADERS END_STREAM'], 'there is nothing to wait for');
  assert.equal(p.peer(0).blocks(5)[0]?.['expect'], undefined);
});

test('an abort ends the wait for 100, and the body is closed unopened', async () => {
  const p = poolHarness({ answer: never });
  const source = new Source();
  const controller = new AbortController();
  const call = p.post('/', source, { expectContinue: true, signal: controller.signal });
  await p.settle();
  const reason = new Error('enough');
  controller.abort(reason);
  await p.clock.advance(2_000);
  assert.equal(call.error, reason);
  assert.deepEqual(p.peer(0).story(1), ['HEADERS', 'RST_STREAM CANCEL']);
  assert.deepEqual(source.log, ['closed unopened']);
  assert.equal(p.clock.size, 1, 'only the idle connection has a timer');
});

test('a final status above 299 instead of 100 answers at once, and the body is closed unopened', async () => {
  const p = poolHarness({ answer: never });
  const source = new Source();
  const call = p.post('/', source, { expectContinue: true });
  await p.settle();
  p.peer(0).headers(1, 401);
  await p.settle();
  assert.equal(call.status, 401);
  assert.deepEqual(source.log, ['closed unopened']);
  p.peer(0).data(1, 'denied', true);
  await p.clock.advance(2_000);
  assert.equal(await call.response?.body.text(), 'denied');
  assert.deepEqual(p.peer(0).story(1), ['HEADERS', 'RST_STREAM NO_ERROR'], 'without waiting for the time-out');
});

test('where the server also resets the stream, the body is closed and nothing more is sent', async () => {
  const p = poolHarness({ answer: never });
  const source = new Source();
  const call = p.post('/', source, { expectContinue: true });
  await p.settle();
  p.peer(0).headers(1, 403, { end: true });
  p.peer(0).reset(1, 0);
  await p.clock.advance(2_000);
  assert.equal(call.status, 403);
  assert.equal(await call.response?.body.text(), '');
  assert.deepEqual(p.peer(0).story(1), ['HEADERS']);
  assert.deepEqual(source.log, ['closed unopened']);
});

test('a final status up to 299 instead of 100 lets the body go out', async () => {
  const p = poolHarness({ answer: never });
  const call = p.post('/', 'body', { expectContinue: true });
  await p.settle();
  p.peer(0).headers(1, 200);
  await p.settle();
  assert.equal(call.status, 200);
  assert.deepEqual(p.peer(0).story(1), ['HEADERS', 'DATA 4 END_STREAM'], 'and at once: the server wants it');
});

test('a response settles with its headers, and both bodies go on side by side', async () => {
  const p = poolHarness({ answer: never });
  const source = new Source();
  const call = p.post('/', source);
  await p.settle();
  p.peer(0).headers(1, 200);
  await p.settle();
  assert.equal(call.status, 200);
  const reading = call.response!.body[Symbol.asyncIterator]();
  for (const text of ['one', 'two!', 'three']) {
    source.give(text);
    await p.settle();
    assert.equal(p.peer(0).story(1).at(-1), `DATA ${text.length}`);
    p.peer(0).data(1, text.toUpperCase());
    const step: IteratorResult<Uint8Array, undefined> = await reading.next();
    assert.equal(Buffer.from(step.value ?? []).toString(), text.toUpperCase());
  }
  source.give(undefined);
  p.peer(0).data(1, '', true);
  assert.equal((await reading.next()).done, true);
  await p.settle();
  assert.equal(p.peer(0).story(1).at(-1), 'DATA 0 END_STREAM');
  assert.deepEqual(source.log, ['opened'], 'it has ended by itself, so nobody closes it');
});

test('a request that fails rejects at once; its source is closed once, and nobody waits for that', async () => {
  const p = poolHarness({ answer: never });
  const [aborted, reset] = [new Source(), new Source()];
  const controller = new AbortController();
  const calls = [p.post('/1', aborted, { signal: controller.signal }), p.post('/2', reset)];
  await p.settle();
  const reason = new Error('enough');
  controller.abort(reason);
  p.peer(0).reset(3, 2);
  await p.settle();
  assert.equal(calls[0]?.error, reason);
  assert.equal(calls[1]?.code, 'ERR_PASSINGLANE_STREAM_RESET');
  assert.deepEqual(
    [aborted.log, reset.log],
    [
      ['opened', 'closed'],
      ['opened', 'closed'],
    ],
  );
});

test('what a request was made of is read at the call, and its bytes no more once it is given up', async () => {
  const p = poolHarness({ answer: never, peer: { initialWindowSize: 4 } });
  p.get('/warm');
  await p.settle();
  const headers: Record<string, string> = { 'x-a': '1' };
  const options = { method: 'POST', headers, body: Buffer.from('aaaabbbb') };
  const call = new Pending(p.transport.request('https://test.example/up', options));
  headers['x-a'] = '2';
  options.method = 'PUT';
  await p.settle();
  p.peer(0).headers(3, 200);
  await p.settle();
  assert.deepEqual([p.peer(0).blocks(3)[0]?.['x-a'], p.peer(0).blocks(3)[0]?.[':method']], ['1', 'POST']);
  call.response?.body.cancel();
  options.body.fill('!');
  p.peer(0).greet({ initialWindowSize: 1_000 });
  await p.settle();
  assert.deepEqual(p.peer(0).story(3), ['HEADERS', 'DATA 4', 'RST_STREAM CANCEL']);
});

test('a status above 299 stops the upload; the response comes whole, and NO_ERROR ends the stream', async () => {
  const p = poolHarness({ answer: never });
  const source = new Source();
  const call = p.post('/', source);
  source.give('part');
  await p.settle();
  p.peer(0).headers(1, 413);
  await p.settle();
  assert.deepEqual(source.log, ['opened', 'closed']);
  source.give('more');
  p.peer(0).data(1, 'too ');
  await p.settle();
  assert.deepEqual(p.peer(0).story(1), ['HEADERS', 'DATA 4'], 'the stream is left open for the response');
  p.peer(0).data(1, 'large', true);
  await p.settle();
  assert.equal(await call.response?.body.text(), 'too large');
  assert.deepEqual(p.peer(0).story(1), ['HEADERS', 'DATA 4', 'RST_STREAM NO_ERROR']);
});

test('bytes that wait for a window when such a status comes are not sent any more', async () => {
  const p = poolHarness({ answer: never, peer: { initialWindowSize: 4 } });
  p.get('/warm');
  await p.settle();
  const call = p.post('/', 'aaaabbbb');
  await p.settle();
  p.peer(0).headers(3, 500);
  p.peer(0).greet({ initialWindowSize: 1_000 });
  await p.settle();
  assert.equal(call.status, 500);
  assert.deepEqual(p.peer(0).story(3), ['HEADERS', 'DATA 4'], 'although there is room for them now');
  p.peer(0).data(3, '', true);
  await p.settle();
  assert.deepEqual(p.peer(0).story(3), ['HEADERS', 'DATA 4', 'RST_STREAM NO_ERROR']);
});

test('an upload goes on after a response up to 299 has ended, and the stream ends with both', async () => {
  const p = poolHarness({ answer: never, peer: { maxConcurrentStreams: 1 }, strictMaxConcurrentStreams: true });
  const source = new Source();
  const call = p.post('/', source);
  await p.settle();
  p.peer(0).headers(1, 200);
  p.peer(0).data(1, 'ok', true);
  await p.settle();
  assert.equal(await call.response?.body.text(), 'ok');
  const next = p.get('/next');
  source.give('late');
  await p.settle();
  assert.deepEqual(p.peer(0).requests, ['/'], 'the stream still holds its slot');
  source.give(undefined);
  await p.settle();
  assert.deepEqual(p.peer(0).story(1), ['HEADERS', 'DATA 4', 'DATA 0 END_STREAM']);
  assert.deepEqual(p.peer(0).requests, ['/', '/next']);
  assert.equal(next.state, 'pending');
});

test('an upload that fails after the response has ended cancels its stream, and the response stands', async () => {
  for (const fail of ['source', 'signal', 'timeout'] as const) {
    const p = poolHarness({ answer: never });
    const source = new Source();
    const controller = new AbortController();
    const call = p.post('/', source, { signal: controller.signal, timeout: 5_000 });
    await p.settle();
    p.peer(0).inOneRead(() => {
      p.peer(0).headers(1, 200);
      p.peer(0).data(1, 'ok', true);
    });
    await p.settle();
    assert.deepEqual(p.peer(0).story(1), ['HEADERS']);
    if (fail === 'source') source.give(new Error('disk'));
    else if (fail === 'signal') controller.abort();
    else await p.clock.advance(5_000);
    await p.settle();
    assert.deepEqual(p.peer(0).story(1), ['HEADERS', 'RST_STREAM CANCEL'], fail);
    assert.equal(await call.response?.body.text(), 'ok');
    if (fail !== 'source') assert.deepEqual(source.log, ['opened', 'closed']);
    assert.equal(p.peer(0).refed, false, 'nothing is left that would keep the process alive');
    assert.equal(p.clock.size, 1, 'only the idle connection has a timer');
  }
});

test('an upload that ends after the response has ended leaves no timer and no listener behind', async () => {
  const p = poolHarness({ answer: never, idleTimeout: 0, readIdleTimeout: 0, probeAfter: 0 });
  const source = new Source();
  const controller = new AbortController();
  const call = p.post('/', source, { signal: controller.signal, timeout: 60_000 });
  await p.settle();
  p.peer(0).headers(1, 200, { end: true });
  source.give(undefined);
  await p.clock.advance(1_000);
  assert.equal(p.clock.size, 0);
  controller.abort();
  assert.equal(await call.response?.body.text(), '');
  assert.deepEqual(p.peer(0).story(1), ['HEADERS', 'DATA 0 END_STREAM']);
});

test('what a source says once it was stopped goes nowhere', async () => {
  const p = poolHarness({ answer: never });
  const source = new Source();
  const call = p.post('/', source);
  await p.settle();
  p.peer(0).headers(1, 400);
  await p.settle();
  source.give(new Error('echo of the stop'));
  await p.settle();
  p.peer(0).data(1, 'bad', true);
  await p.settle();
  assert.equal(await call.response?.body.text(), 'bad');
});

test('cancelling the response body ends an upload that hangs', async () => {
  const p = poolHarness({ answer: never });
  const source = new Source();
  const call = p.post('/', source);
  await p.settle();
  p.peer(0).headers(1, 200);
  p.peer(0).data(1, 'x');
  await p.settle();
  call.response?.body.cancel();
  await p.settle();
  assert.deepEqual(source.log, ['opened', 'closed']);
  assert.deepEqual(p.peer(0).story(1), ['HEADERS', 'RST_STREAM CANCEL']);
});

test('eight bytes of credit are used after 100 ms, though nothing else happens', async () => {
  const p = poolHarness({ answer: never });
  p.post('/up', Buffer.alloc(100_000)); // in one piece: what is left of one goes at once
  await p.settle();
  await p.clock.advance(1_000);
  assert.equal(p.peer(0).bodyBytes, 65_535);
  p.peer(0).send(frameType.windowUpdate, 0, 0, uint32(1 << 20));
  p.peer(0).send(frameType.windowUpdate, 0, 1, uint32(8));
  await p.settle();
  await p.clock.advance(99);
  assert.equal(p.peer(0).bodyBytes, 65_535);
  await p.clock.advance(1);
  assert.equal(p.peer(0).story(1).at(-1), 'DATA 8');
});
