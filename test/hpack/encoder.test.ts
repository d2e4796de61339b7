import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Decoder, Encoder, HpackError, type Field } from '../../dist/hpack/index.js';
import { writeInteger } from '../../dist/hpack/integer.js';
import { contents, hex } from './helpers.js';

function encoded(encoder: Encoder, ...fields: Field[]): string {
  return hex(encoder.encode(fields));
}

test('an exact match is taken from the static table, then from the dynamic one', () => {
  const encoder = new Encoder();
  assert.equal(
    encoded(encoder, [':method', 'POST'], [':status', '404'], ['accept-encoding', 'gzip, deflate']),
    '838d90',
  );
  encoder.encode([['x-a', '1']]);
  encoder.encode([['x-b', '2']]);
  assert.equal(encoded(encoder, ['x-a', '1'], ['x-b', '2']), 'bfbe');
});

test('a static entry whose value is empty is an exact match for an empty value', () => {
  assert.equal(encoded(new Encoder(), ['accept', ''], [':authority', '']), '9381');
});

test('without an exact match the name is taken from the static table first', () => {
  const encoder = new Encoder();
  encoder.encode([['accept', 'a']]);
  assert.equal(encoded(encoder, ['accept', 'b']), '530162');
});

test('a dynamic name match is the newest entry of that name', () => {
  const encoder = new Encoder();
  encoder.encode([
    ['x-n', '1'],
    ['x-n', '2'],
    ['other', '3'],
  ]);
  assert.equal(
    encoded(encoder, ['x-n', '4']),
    '7f000134',
    'index 63: other is 62, the newest x-n 63, the older one 64',
  );
});

test('a name whose newest entry was evicted is written in full again', () => {
  const encoder = new Encoder({ maxTableSize: 80 });
  encoder.encode([['x-a', '1']]);
  encoder.encode([['x-b', '1']]);
  encoder.encode([['x-c', '1']]);
  assert.deepEqual(encoder.table.entries(), [
    ['x-c', '1'],
    ['x-b', '1'],
  ]);
  assert.equal(encoded(encoder, ['x-a', '2']), '4003782d610132', 'x-a as a literal name');
});

test('a field larger than the table is sent without indexing and evicts nothing', () => {
  const encoder = new Encoder({ maxTableSize: 64 });
  encoder.encode([['x-a', '1']]);
  const block = encoded(encoder, ['x-b', 'v'.repeat(30)]);
  assert.equal(block.slice(0, 2), '00');
  assert.deepEqual(encoder.table.entries(), [['x-a', '1']]);
});

test('a field exactly as large as the table is indexed', () => {
  const encoder = new Encoder({ maxTableSize: 64 });
  encoder.encode([['x-b', 'v'.repeat(29)]]);
  assert.equal(encoder.table.size, 64);
  assert.equal(encoded(encoder, ['x-b', 'v'.repeat(29)]), 'be');
});

test('a sensitive field is never indexed, neither matches by value nor enters the table', () => {
  const encoder = new Encoder();
  assert.equal(
    encoded(encoder, [':method', 'GET', { sensitive: true }]),
    '1203474554',
    'the name may match, the value not',
  );
  encoder.encode([['x-key', 'a']]);
  assert.equal(encoded(encoder, ['x-key', 'a', { sensitive: true }]), '1f2f0161');
  assert.deepEqual(encoder.table.entries(), [['x-key', 'a']]);
  assert.equal(encoded(encoder, ['authorization', 'q', { sensitive: true }]), '1f080171');
  assert.equal(encoded(encoder, ['authorization', 'q', { sensitive: false }]), '570171');
});

test('a decoder is told that a sensitive field is never indexed', () => {
  const fields: Field[] = [
    ['cookie', 'a=b', { sensitive: true }],
    ['x', 'y'],
  ];
  assert.deepEqual(new Decoder().decode(new Encoder().encode(fields)), fields);
});

test('Huffman coding is used only where it is strictly shorter', () => {
  assert.equal(encoded(new Encoder(), ['a', 'a', { sensitive: true }]), '1001610161');
  assert.equal(encoded(new Encoder(), ['aaa', '', { sensitive: true }]), '108218c7' + '00', 'three bytes become two');
  assert.equal(encoded(new Encoder(), ['a', '', { sensitive: true }]), '10016100');
  assert.equal(
    encoded(new Encoder(), ['aa', '&&', { sensitive: true }]),
    '10026161022626',
    'two bytes either way stay literal',
  );
});

test('a size change is announced at the start of the next block, the minimum before the final size', () => {
  const encoder = new Encoder();
  encoder.setTableSize(2048);
  encoder.setTableSize(4096);
  assert.equal(encoded(encoder, [':method', 'GET']), '3fe10f3fe11f82');
  assert.equal(encoded(encoder, [':method', 'GET']), '82', 'once is enough');
});

test('a size above our cap counts as the cap', () => {
  const encoder = new Encoder();
  encoder.setTableSize(16384);
  encoder.setTableSize(2048);
  assert.equal(encoded(encoder), '3fe10f');
});

test('setting the same size still emits an update', () => {
  const encoder = new Encoder();
  encoder.setTableSize(4096);
  assert.equal(encoded(encoder), '3fe11f');
});

test('a dip evicts what did not fit, although the final size is the old one', () => {
  const encoder = new Encoder();
  encoder.encode([['x-a', '1']]);
  encoder.setTableSize(0);
  encoder.setTableSize(4096);
  assert.deepEqual(contents(encoder.table), { entries: [], size: 0 });
  assert.equal(encoded(encoder, ['x-a', '1']).slice(0, 10), '203fe11f40');
});

test('the table starts at 4096 octets whatever the cap, and grows to the cap when the peer allows', () => {
  const encoder = new Encoder({ maxTableSize: 65536 });
  assert.equal(encoder.table.capacity, 4096);
  assert.equal(encoded(encoder), '', 'nothing to announce');
  encoder.setTableSize(1_000_000);
  assert.equal(encoder.table.capacity, 65536);
  assert.equal(encoded(encoder), '3fe1ff03');
});

test('a cap below the default shrinks the table at once and is announced', () => {
  const encoder = new Encoder({ maxTableSize: 100 });
  assert.equal(encoder.table.capacity, 100);
  assert.equal(encoded(encoder), '3f45');
});

test('table size 0 empties the table and disables indexing', () => {
  const encoder = new Encoder();
  encoder.encode([['x-a', '1']]);
  encoder.setTableSize(0);
  assert.equal(encoder.table.length, 0);
  assert.equal(encoded(encoder, ['accept', 'a']), '200f040161');
  assert.equal(encoded(encoder, ['accept', 'a']), '0f040161');
});

test('integers are written as in the vectors', () => {
  const written = (pattern: number, prefix: number, value: number) => {
    const out = new Uint8Array(8);
    return hex(out.subarray(0, writeInteger(out, 0, pattern, prefix, value)));
  };
  assert.equal(written(0, 0x1f, 1337), '1f9a0a');
  assert.deepEqual(
    [126, 127, 128].map((index) => written(0x80, 0x7f, index)),
    ['fe', 'ff00', 'ff01'],
  );
  assert.deepEqual(
    [30, 31].map((size) => written(0x20, 0x1f, size)),
    ['3e', '3f00'],
  );
  assert.equal(written(0, 0x7f, 0xffffffff), '7f80ffffff0f');
});

test('a literal takes the name index when there is one', () => {
  assert.equal(encoded(new Encoder(), [':authority', 'q']), '410171');
});

test('a char code above 255 is refused with the name of the field and without its value', () => {
  for (const field of [
    ['x-name', 'secret\u0100'],
    ['x-name', '\u{1f600}secret', { sensitive: true }],
  ] satisfies Field[]) {
    assert.throws(
      () => new Encoder().encode([field]),
      (error) => error instanceof HpackError && error.message.includes('"x-name"') && !error.message.includes('secret'),
    );
  }
  assert.throws(() => new Encoder().encode([['x-\u0100', '']]), HpackError);
});

test('a field that is refused costs the table, and the next block says so', () => {
  const encoder = new Encoder();
  const decoder = new Decoder();
  decoder.decode(encoder.encode([['x-a', '1']]));
  assert.throws(() =>
    encoder.encode([
      ['x-b', '2'],
      ['x-c', '\u0100'],
    ]),
  );
  const block = encoder.encode([
    ['x-b', '2'],
    ['x-a', '1'],
  ]);
  assert.equal(hex(block).slice(0, 8), '203fe11f');
  assert.deepEqual(decoder.decode(block), [
    ['x-b', '2'],
    ['x-a', '1'],
  ]);
  assert.deepEqual(contents(decoder.table), contents(encoder.table));
});

test('a block given up between begin and end is forgotten on both sides', () => {
  const encoder = new Encoder();
  encoder.begin();
  encoder.field('x-a', '1', false);
  encoder.setTableSize(100);
  assert.throws(() => encoder.field('x-b', '1', false), /outside a block/);
  assert.throws(() => encoder.end(), /outside a block/);
  assert.equal(encoded(encoder, ['x-a', '1']).slice(0, 6), '203f45');
});

test('begin, field and end make the same block as encode', () => {
  const fields: Field[] = [
    [':method', 'GET'],
    ['x-a', '1'],
    ['x-b', '2', { sensitive: true }],
    ['x-a', '1'],
  ];
  const encoder = new Encoder();
  encoder.begin();
  for (const [name, value, options] of fields) encoder.field(name, value, options?.sensitive === true);
  assert.equal(hex(encoder.end()), encoded(new Encoder(), ...fields));
});

test('the bytes of encode are the caller’s to keep', () => {
  const encoder = new Encoder();
  const first = encoder.encode([['x-a', '1']]);
  const copy = hex(first);
  encoder.encode([['y', 'z'.repeat(5000)]]);
  assert.equal(hex(first), copy);
  assert.equal(first.byteOffset, 0);
  assert.equal(first.buffer.byteLength, first.length);
});

test('a block far larger than the scratch comes out whole', () => {
  const fields: Field[] = [
    ['x-big', 'ab\u0000'.repeat(100_000)],
    ['x-c', '\u00ff'.repeat(300_000)],
  ];
  assert.deepEqual(new Decoder().decode(new Encoder().encode(fields)), fields);
});

test('nonsense sizes throw RangeError', () => {
  for (const n of [-1, 1.5, NaN, Infinity, 2 ** 32]) {
    assert.throws(() => new Encoder().setTableSize(n), RangeError);
    assert.throws(() => new Encoder({ maxTableSize: n }), RangeError);
    assert.throws(() => new Decoder().setMaxTableSize(n), RangeError);
    assert.throws(() => new Decoder({ maxStringLength: n }), RangeError);
  }
});

test('a field that is no string throws TypeError', () => {
  assert.throws(() => new Encoder().encode([['content-length', 5 as unknown as string]]), TypeError);
});

test('a field that is no array, and a block that is no Uint8Array, throw TypeError', () => {
  assert.throws(() => new Encoder().encode([5 as unknown as Field]), {
    name: 'TypeError',
    message: /array of a name and a value/,
  });
  assert.throws(() => new Decoder().decode('x' as unknown as Uint8Array), { name: 'TypeError', message: /Uint8Array/ });
});
