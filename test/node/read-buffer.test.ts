import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ReadBuffer } from '../../dist/node/read-buffer.js';

/** As node:net reads: asks for the buffer, fills it, calls back. */
function reader(reads: ReadBuffer, received: (bytes: Uint8Array) => void): (text: string) => Uint8Array {
  const { buffer, callback } = reads.onread as { buffer: () => Uint8Array; callback: (length: number) => boolean };
  reads.deliverTo(received);
  return (text) => {
    const target = buffer();
    callback(Buffer.from(target.buffer).write(text, 'latin1'));
    return target;
  };
}

test('one buffer is read into again and again while nothing is held', () => {
  const read = reader(new ReadBuffer(), () => undefined);
  assert.equal(read('a'), read('b'));
});

test('what is held outlives the next read, and its buffer is then used again', () => {
  const reads = new ReadBuffer();
  let before: Uint8Array | undefined;
  const seen: string[] = [];
  const read = reader(reads, (bytes) => {
    if (before !== undefined) seen.push(Buffer.from(before).toString('latin1'));
    before = bytes;
    reads.retain();
  });
  const buffers = new Set(['one', 'two', 'three', 'four'].map(read));
  assert.deepEqual(seen, ['one', 'two', 'three']);
  assert.equal(buffers.size, 2);
});

test('what is given away is never read into again', () => {
  const reads = new ReadBuffer();
  let round = 0;
  const read = reader(reads, () => {
    reads.retain();
    if (++round === 2) reads.detach();
  });
  const first = read('the borrower has this');
  for (let i = 0; i < 5; i++) assert.notEqual(read('overwritten'), first);
  assert.equal(Buffer.from(first.subarray(0, 21)).toString('latin1'), 'the borrower has this');
});
