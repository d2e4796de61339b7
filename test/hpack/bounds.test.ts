import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Decoder, Encoder, type FieldSink } from '../../dist/hpack/index.js';
import { bytes, join } from './helpers.js';

/** A block whose bytes count how often they are read. */
function counted(block: Uint8Array): { readonly block: Uint8Array; reads(): number } {
  let reads = 0;
  const proxy = new Proxy(block, {
    get(target, key) {
      if (typeof key === 'string' && /^\d+$/.test(key)) reads++;
      return Reflect.get(target, key) as unknown;
    },
  });
  return { block: proxy, reads: () => reads };
}

class Counter implements FieldSink {
  count = 0;
  readonly values = new Set<string>();

  field(_name: string, value: string): void {
    this.count++;
    this.values.add(value);
  }

  oversize(): void {
    assert.fail('nothing here is oversize');
  }
}

test('the work on a block is linear in its bytes', () => {
  const literal = new Encoder().encode([['custom-key', 'custom-value', { sensitive: true }]]);
  for (const unit of [bytes('82'), bytes('3e'), literal]) {
    const readsFor = (times: number) => {
      const spy = counted(join(...Array<Uint8Array>(times).fill(unit)));
      const sink = new Counter();
      new Decoder().decodeInto(spy.block, 0, unit.length * times, sink);
      assert.equal(sink.count, unit[0] === 0x3e ? 0 : times);
      return spy.reads();
    };
    const few = readsFor(1000);
    assert.ok(few <= unit.length * 1000 * 4, `${few} reads of ${unit.length * 1000} bytes`);
    assert.ok(Math.abs(readsFor(10_000) - 10 * few) <= 10);
  }
});

test('a block of 1 MB of indexed fields reports each of them', () => {
  const sink = new Counter();
  const block = new Uint8Array(1 << 20).fill(0x82);
  new Decoder().decodeInto(block, 0, block.length, sink);
  assert.equal(sink.count, 1 << 20);
});

test('a 4 KB value that is referred to 100,000 times stays one string', () => {
  const decoder = new Decoder();
  decoder.decode(new Encoder().encode([['bomb', 'x'.repeat(4000)]]));
  const block = new Uint8Array(100_000).fill(0xbe);
  let previous: string | undefined;
  let count = 0;
  const before = process.memoryUsage().heapUsed;
  const kept: string[] = [];
  decoder.decodeInto(block, 0, block.length, {
    field(_name, value) {
      if (previous !== undefined) assert.ok(Object.is(previous, value));
      previous = value;
      kept.push(value);
      count++;
    },
    oversize: () => assert.fail('not oversize'),
  });
  assert.equal(count, 100_000);
  // A copy for each reference would be 400 MB.
  assert.ok(process.memoryUsage().heapUsed - before < 40 << 20);
  assert.equal(kept.length, 100_000);
});

test('the decoder’s table holds at most capacity / 32 entries', () => {
  const decoder = new Decoder();
  const block = join(...Array<Uint8Array>(5000).fill(bytes('400000')));
  decoder.decodeInto(block, 0, block.length, new Counter());
  assert.equal(decoder.table.length, 128);
  assert.equal(decoder.table.size, 4096);
});

test('an evicted entry is let go at once, not when its slot is used again', () => {
  const decoder = new Decoder();
  decoder.decode(new Encoder().encode([['n', 'x'.repeat(3000)]]));
  decoder.decode(bytes('20'));
  const slots = decoder.table as unknown as { names: string[]; values: string[] };
  assert.equal([...slots.names, ...slots.values].join(''), '');
});

test('the encoder remembers only what is in its table, however many names and values pass through', () => {
  const encoder = new Encoder();
  for (let i = 0; i < 20_000; i++) {
    encoder.encode([
      [`x-name-${i}`, 'v'],
      ['x-one-name', `value-${i}`],
      [':path', `/${i}`],
    ]);
  }
  assert.ok(encoder.table.size <= 4096);
  const known = (encoder as unknown as { known: Map<string, { values?: Map<string, number>; live: number }> }).known;
  assert.ok(known.size <= 52 + encoder.table.length, `${known.size} names for ${encoder.table.length} entries`);
  const values = [...known.values()].reduce((sum, name) => sum + (name.values?.size ?? 0), 0);
  assert.equal(values, encoder.table.length);
});
