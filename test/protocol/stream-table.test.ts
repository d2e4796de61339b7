import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { Stream, type StreamInit, type StreamSink } from '../../dist/protocol/stream.js';
import { StreamTable } from '../../dist/protocol/stream-table.js';

const sink: StreamSink = {
  onInformational() {},
  onHeaders() {},
  onData() {},
  onEnd() {},
  onSent() {},
  onDrain() {},
  onFailed() {},
};
const init: StreamInit = { urgency: 3, endStream: true, bodyless: false };

function streamOf(id: number): Stream {
  return new Stream(id, init, sink, 0, 0, 0, 0, 0);
}

test('the table holds what a Map would, whatever is added and deleted in whatever order', () => {
  const ops = fc.array(fc.tuple(fc.boolean(), fc.nat()), { maxLength: 600 });
  fc.assert(
    fc.property(ops, (steps) => {
      const table = new StreamTable();
      const model = new Map<number, Stream>();
      let nextId = 1;
      for (const [add, choice] of steps) {
        if (add || model.size === 0) {
          // As in life IDs rise, with gaps: 1, 3, 5, or further away.
          nextId += 2 * (1 + (choice % 5 === 0 ? choice % 1000 : 0));
          const stream = streamOf(nextId);
          table.add(stream);
          model.set(nextId, stream);
        } else {
          const stream = [...model.values()][choice % model.size]!;
          assert.equal(table.delete(stream), model.delete(stream.id));
          assert.equal(table.delete(stream), false, 'a second time there is nothing to delete');
        }
        assert.equal(table.size, model.size);
      }
      assert.deepEqual(table.values(), [...model.values()], 'in the order of their IDs');
      for (let id = 1; id <= nextId + 2; id += 2) assert.equal(table.get(id), model.get(id));
    }),
    { numRuns: 200 },
  );
});

test('ten thousand streams that stay do not get in the way of those that come and go', () => {
  const table = new StreamTable();
  for (let id = 1; id < 20_000; id += 2) table.add(streamOf(id));
  for (let id = 20_001; id < 60_000; id += 2) {
    const stream = streamOf(id);
    table.add(stream);
    assert.equal(table.get(id), stream);
    assert.equal(table.delete(stream), true);
    assert.equal(table.get(id), undefined);
  }
  assert.equal(table.size, 10_000);
  assert.equal(table.get(9_999)?.id, 9_999);
});

test('an emptied table can be used again', () => {
  const table = new StreamTable();
  const streams = Array.from({ length: 3_000 }, (_, i) => streamOf(2 * i + 1));
  for (const stream of streams) table.add(stream);
  for (const stream of streams) table.delete(stream);
  assert.deepEqual([table.size, table.values()], [0, []]);
  table.add(streams[7]!);
  table.clear();
  assert.deepEqual([table.size, table.get(15)], [0, undefined]);
});
