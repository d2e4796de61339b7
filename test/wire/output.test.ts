import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { OutputBuffer } from '../../dist/wire/output.js';

/** Seals `n` bytes that count on from `from`, and returns where the count stands. */
function append(out: OutputBuffer, n: number, from: number): number {
  const at = out.reserve(n);
  for (let i = 0; i < n; i++) out.bytes[at + i] = (from + i) % 251;
  return from + n;
}

test('nothing sealed gives an empty view', () => {
  const out = new OutputBuffer();
  assert.equal(out.take(100).length, 0);
  append(out, 10, 0);
  assert.equal(out.take(100).length, 10);
  assert.equal(out.take(100).length, 0);
  assert.equal(out.length, 0);
});

test('a taken view stays as it is while more is sealed than any buffer held', () => {
  const out = new OutputBuffer();
  const from = append(out, 20_000, 0);
  const view = out.take(5_000);
  const copy = view.slice();
  append(out, 500_000, from);
  assert.deepEqual(view, copy);
});

test('a huge header block leaves no huge buffer behind', () => {
  const out = new OutputBuffer();
  const huge = 8_000_000;
  append(out, huge, 0);
  while (out.length > 0) out.take(65_536);
  let largest = 0;
  for (let i = 0; i < 4; i++) {
    append(out, 100, 0);
    largest = Math.max(largest, out.bytes.buffer.byteLength);
    largest = Math.max(largest, out.take(65_536).buffer.byteLength);
  }
  assert.ok(largest <= 131_072, `kept ${largest}`);
});

test('a steady flow of small batches makes no new buffer', () => {
  const out = new OutputBuffer();
  const buffers = new Set<ArrayBufferLike>();
  for (let i = 0; i < 100; i++) {
    append(out, 10_000, i);
    buffers.add(out.bytes.buffer);
    out.take(65_536);
  }
  assert.equal(buffers.size, 2);
});

test('any interleaving of reserve and take yields one byte stream, and a taken view holds until the next take', () => {
  const size = fc.oneof(fc.nat(40), fc.nat(3_000), fc.nat(40_000), fc.nat(300_000));
  const step = fc.record({ seal: fc.boolean(), size });
  fc.assert(
    fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
      const out = new OutputBuffer();
      let sealed = 0;
      let taken = 0;
      let view: Uint8Array = new Uint8Array(0);
      let viewFrom = 0;
      const check = (): void => {
        for (let i = 0; i < view.length; i++) if (view[i] !== (viewFrom + i) % 251) assert.fail(`byte ${viewFrom + i}`);
        assert.equal(out.length, sealed - taken);
      };
      for (const { seal, size: n } of steps) {
        if (seal) sealed = append(out, n, sealed);
        else {
          const before = out.length;
          view = out.take(n);
          viewFrom = taken;
          taken += view.length;
          assert.ok(view.length <= n, 'no more than asked for');
          assert.equal(view.length > 0, n > 0 && before > 0, 'progress whenever there is something');
        }
        check();
      }
      while (out.length > 0) {
        view = out.take(7_777);
        viewFrom = taken;
        taken += view.length;
        check();
      }
      assert.equal(taken, sealed);
    }),
  );
});
