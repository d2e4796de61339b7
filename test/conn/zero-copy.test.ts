import assert from 'node:assert/strict';
import { test } from 'node:test';
import { BodyQueue } from '../../dist/body/body-queue.js';
import { RetainedRead } from '../../dist/conn/retained-read.js';
import { ResponseBody } from '../../dist/body/response-body.js';

/** A connection's read buffer, as a transport with zero-copy reads treats it. */
class Reads {
  readonly retainedRead = new RetainedRead(this);
  buffers = 1;
  private current: Buffer = Buffer.alloc(64);
  private spare: Buffer | undefined;
  private retained = false;

  retain(): void {
    this.retained = true;
  }

  detach(): void {
    this.spare = undefined;
  }

  /** One read, with a piece for each queue. */
  read(...pieces: [queue: BodyQueue, text: string][]): void {
    this.current.fill('#');
    let at = 0;
    const placed = pieces.map(([queue, text]) => {
      const start = at;
      at += this.current.write(text, at, 'latin1');
      return { queue, start, end: at };
    });
    this.retainedRead.detach();
    for (const { queue, start, end } of placed)
      if (queue.pushView(this.current, start, end)) this.retainedRead.retainFor(queue);
    if (!this.retained) return;
    this.retained = false;
    const next = this.spare ?? Buffer.alloc(64);
    if (this.spare === undefined) this.buffers++;
    this.spare = this.current;
    this.current = next;
  }
}

function newQueue(consumed: number[] = []): BodyQueue {
  return new BodyQueue({ consumed: (bytes) => consumed.push(bytes), cancelled() {} });
}

const text = (bytes: Uint8Array | undefined): string | undefined =>
  bytes === undefined ? undefined : Buffer.from(bytes).toString('latin1');

test('what is read at once is a copy, of its own size, that later reads leave alone', () => {
  const reads = new Reads();
  const queue = newQueue();
  reads.read([queue, 'one'], [queue, 'two']);
  const kept = [queue.read()!, queue.read()!];
  for (let i = 0; i < 5; i++) reads.read();
  assert.deepEqual(kept.map(text), ['one', 'two']);
  assert.deepEqual(
    kept.map((chunk) => chunk.buffer.byteLength),
    [3, 3],
  );
});

test('what nobody has read by the next read is there later, in order', () => {
  const reads = new Reads();
  const consumed: number[] = [];
  const [a, b] = [newQueue(consumed), newQueue()];
  reads.read([a, 'a1 '], [b, 'b1 '], [a, 'a2 ']);
  reads.read([b, 'b2 ']);
  reads.read([a, 'a3 '], [b, 'b3 ']);
  a.end();
  reads.read();
  reads.read();
  const all = (queue: BodyQueue): string => {
    let joined = '';
    for (let chunk = queue.read(); chunk !== undefined; chunk = queue.read()) joined += text(chunk)!;
    return joined;
  };
  assert.deepEqual([all(a), all(b)], ['a1 a2 a3 ', 'b1 b2 b3 ']);
  assert.deepEqual([a.buffered, b.buffered, consumed], [0, 0, [6, 3]]);
  assert.equal(reads.buffers, 2, 'two buffers take turns');
});

test('a borrowed chunk is a view, and stays as it is until its reader asks for the next one', () => {
  const reads = new Reads();
  const [slow, other] = [newQueue(), newQueue()];
  reads.read([slow, 'held for long'], [slow, 'next']);
  const view = slow.borrow();
  assert.equal(view!.buffer.byteLength > 13, true, 'nothing was copied');
  for (let i = 0; i < 6; i++) reads.read([other, 'something else'], [slow, `later ${i}`]);
  assert.equal(text(view), 'held for long');
  assert.equal(text(slow.borrow()), 'next');
  assert.equal(text(slow.borrow()), 'later 0');
  assert.equal(reads.buffers <= 3, true, 'only the one buffer went to the reader');
});

test('chunks that were pushed and views of the read buffer come in the order in which they arrived', () => {
  const reads = new Reads();
  const queue = newQueue();
  reads.read([queue, 'a']);
  queue.push(Buffer.from('b'));
  reads.read([queue, 'c']);
  queue.push(Buffer.from('d'));
  assert.deepEqual([queue.read(), queue.borrow(), queue.read(), queue.read(), queue.read()].map(text), [
    'a',
    'b',
    'c',
    'd',
    undefined,
  ]);
});

test('what is discarded counts as read when it comes', async () => {
  const reads = new Reads();
  const consumed: number[] = [];
  const queue = newQueue(consumed);
  reads.read([queue, '12345']);
  const dumped = new ResponseBody(queue).dump();
  reads.read([queue, '123'], [queue, '1']);
  assert.deepEqual([queue.buffered, consumed], [0, [5, 3, 1]]);
  queue.end();
  await dumped;
});

test('a body that is dumped under a limit is still counted', async () => {
  const queue = newQueue();
  const dumped = new ResponseBody(queue, { maxResponseSize: 8 }).dump();
  queue.push(Buffer.alloc(5));
  queue.push(Buffer.alloc(5));
  await assert.rejects(dumped, { code: 'ERR_PASSINGLANE_RESPONSE_TOO_LARGE' });
});

test('a dumped body that is cut fails', async () => {
  const queue = newQueue();
  const dumped = new ResponseBody(queue).dump();
  queue.push(Buffer.alloc(5));
  queue.fail(new Error('cut'));
  await assert.rejects(dumped, /cut/);
});

test('text, json and bytes of a body of views hold when the buffer is used again', async () => {
  const reads = new Reads();
  const queues = [newQueue(), newQueue(), newQueue()];
  const bodies = queues.map((queue) => new ResponseBody(queue));
  reads.read([queues[0]!, '{"a":'], [queues[1]!, '{"b":2}'], [queues[2]!, '12']);
  reads.read([queues[0]!, '1}'], [queues[2]!, '345']);
  for (const queue of queues) queue.end();
  const results = [bodies[0]!.json(), bodies[1]!.text(), bodies[2]!.bytes()];
  for (let i = 0; i < 3; i++) reads.read();
  assert.deepEqual(await Promise.all(results), [{ a: 1 }, '{"b":2}', new Uint8Array(Buffer.from('12345'))]);
});

test('the pieces of a read that are left unread become one chunk of their size', () => {
  const reads = new Reads();
  const queue = newQueue();
  reads.read([queue, 'a'], [queue, 'b'], [queue, 'c']);
  reads.read();
  assert.equal(queue.buffered, 3);
  const chunk = queue.read();
  assert.equal(text(chunk), 'abc');
  assert.equal(chunk?.buffer.byteLength, 3);
  assert.equal(queue.read(), undefined);
});

test('a body that comes as views of a byte each and is never read is some chunks of 1,024 bytes, in its order', () => {
  const reads = new Reads();
  const queue = newQueue();
  const sent = Array.from({ length: 40_000 }, (_, i) => String.fromCharCode(i & 255));
  for (let i = 0; i < sent.length; i += 40)
    reads.read(...sent.slice(i, i + 40).map((byte): [BodyQueue, string] => [queue, byte]));
  let received = '';
  let chunks = 0;
  for (let chunk = queue.read(); chunk !== undefined; chunk = queue.read(), chunks++) received += text(chunk)!;
  assert.equal(received, sent.join(''));
  assert.ok(chunks < 150, `${chunks} chunks`);
});
