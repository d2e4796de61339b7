import assert from 'node:assert/strict';
import { test } from 'node:test';
import { encodeFields } from '../support/hpack.js';
import { harness, type Call, type Harness } from '../support/harness.js';
import { flag, type as frameType } from '../support/raw-server.js';

/** `:status: 200`, then `x-n: v` for each letter given, every one of them a new entry of the dynamic table. */
function indexing(letters: string): Buffer {
  const fields = [...letters].map((letter) => Buffer.from([0x40, 3, 0x78, 0x2d, letter.charCodeAt(0), 1, 0x76]));
  return Buffer.concat([Buffer.of(0x88), ...fields]);
}

/** `:status: 200` and the entry that was added last but `back`. */
const indexed = (back: number): Buffer => Buffer.of(0x88, 0x80 | (62 + back));

function asked(h: Harness): Call {
  const r = h.get('/');
  h.expect.headers(r, { end: true });
  return r;
}

test('a header block is the same list wherever it is cut into HEADERS and CONTINUATIONs, pseudo-fields first', () => {
  const block = indexing('abc');
  for (let one = 0; one <= block.length; one++) {
    for (let two = one; two <= block.length; two++) {
      const h = harness().greet();
      const r = asked(h);
      h.peer.frame(frameType.headers, flag.endStream, r.id, block.subarray(0, one));
      h.peer.frame(frameType.continuation, 0, r.id, block.subarray(one, two));
      assert.equal(r.status, undefined, 'nothing is told before the block is whole');
      h.peer.frame(frameType.continuation, flag.endHeaders, r.id, block.subarray(two));
      assert.deepEqual([r.status, r.fields, r.ended], [200, ['x-a', 'v', 'x-b', 'v', 'x-c', 'v'], true]);
      h.finish();
    }
  }
});

test('a field that the end of its block cuts short is a COMPRESSION_ERROR of the connection', () => {
  const block = indexing('a');
  for (let length = 2; length < block.length; length++) {
    const h = harness().greet();
    const r = asked(h);
    h.peer.frame(frameType.headers, flag.endHeaders, r.id, block.subarray(0, length));
    h.expect.goAway(9, `after ${length} bytes`);
    assert.equal(r.error?.errorCode, 'COMPRESSION_ERROR');
  }
});

test('after a list that is too large or malformed, the next block on any stream decodes by the same table', () => {
  const spoiled: [name: string, fields: Buffer][] = [
    ['an upper-case name', Buffer.from([0x00, 1, 0x58, 1, 0x79])],
    ['a pseudo-field after a regular one', Buffer.of(0x88)],
    ['an unknown pseudo-field', encodeFields([[':x', 'y']])],
    ['a value with a line end', encodeFields([['x', 'a\nb']])],
    ['too many bytes', encodeFields(Array.from({ length: 8 }, () => ['x', 'v'.repeat(1_000)] as const))],
  ];
  for (const [name, fields] of spoiled) {
    const h = harness({ config: { maxHeaderListSize: 4_096 } }).greet();
    const [bad, good] = [asked(h), asked(h)];
    // An entry before the fault and one behind it: both are in the table, whatever becomes of the list.
    h.peer.frame(
      frameType.headers,
      flag.endHeaders,
      bad.id,
      Buffer.concat([indexing('a'), fields, indexing('b').subarray(1)]),
    );
    h.expect.reset(bad, 1, name);
    assert.deepEqual([bad.status, bad.fields], [undefined, []], `${name}: a cut list is never delivered`);
    for (const [back, field] of [
      [1, 'x-a'],
      [0, 'x-b'],
    ] as const) {
      const r = back === 1 ? good : asked(h);
      h.peer.frame(frameType.headers, flag.endHeaders | flag.endStream, r.id, indexed(back));
      assert.deepEqual([r.fields, r.ended], [[field, 'v'], true], name);
    }
    h.finish();
  }
});
