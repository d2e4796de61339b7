import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Decoder, Encoder, HpackError, type Field } from '../../dist/hpack/index.js';
import { huffmanDecode, huffmanDecodedLength, huffmanEncode } from '../../dist/hpack/huffman.js';
import { bytes, Collector, contents, hex, join, raw } from './helpers.js';

function refused(block: string, reason: RegExp, decoder = new Decoder()): void {
  assert.throws(
    () => decoder.decode(bytes(block)),
    (error) => error instanceof HpackError && reason.test(error.message),
    block,
  );
}

test('a block that ends inside a field is refused, wherever it ends', () => {
  const whole = '400a637573746f6d2d6b65790d637573746f6d2d686561646572';
  for (let digits = 2; digits < whole.length; digits += 2) refused(whole.slice(0, digits), /ends inside a field/);
  const coded = hex(new Encoder().encode([['custom-key', 'custom-value']]));
  for (let digits = 2; digits < coded.length; digits += 2) refused(coded.slice(0, digits), /ends inside a field/);
  refused('ff', /ends inside a field/);
  refused('3fe1', /ends inside a field/);
});

test('a block decodes from the middle of a larger buffer, and reads nothing around it', () => {
  const block = new Encoder().encode([['custom-key', 'custom-value']]);
  const sink = new Collector();
  new Decoder().decodeInto(join(bytes('ffff'), block, bytes('82')), 2, 2 + block.length, sink);
  assert.deepEqual(sink.fields, [['custom-key', 'custom-value']]);
});

test('an empty block has no fields and changes nothing', () => {
  const decoder = new Decoder();
  assert.deepEqual(decoder.decode(new Uint8Array(0)), []);
  assert.deepEqual(contents(decoder.table), { entries: [], size: 0 });
});

test('a value beyond the limit is reported as oversize and not built, before and after Huffman decoding', () => {
  const decoder = new Decoder({ maxStringLength: 10 });
  const sink = new Collector();
  // '0' takes 5 bits: 11 of them are 7 bytes coded, 11 decoded.
  const coded = new Uint8Array(7);
  huffmanEncode('0'.repeat(11), coded, 0);
  for (const block of [
    join(bytes('00'), raw('n'), raw('12345678901'), bytes('82')),
    join(bytes('00'), raw('n'), bytes('87'), coded, bytes('82')),
    join(bytes('00'), raw('12345678901'), raw('v'), bytes('82')),
    join(bytes('00'), raw('n'), bytes('8b ffffffffffffffffffffff'), bytes('82')),
  ]) {
    decoder.decodeInto(block, 0, block.length, sink);
  }
  assert.equal(sink.oversized, 4);
  assert.deepEqual(sink.fields, Array(4).fill([':method', 'GET']), 'what follows is decoded');
});

test('a value exactly at the limit is a field', () => {
  const fields: Field[] = [
    ['n', '0000000000'],
    ['&&&&&&&&&&', 'v'],
  ];
  assert.deepEqual(new Decoder({ maxStringLength: 10 }).decode(new Encoder().encode(fields)), fields);
});

test('an oversize field for the table empties it if it is larger than the table', () => {
  for (const filler of ['v', '0']) {
    const encoder = new Encoder({ maxTableSize: 4096 });
    const decoder = new Decoder({ maxTableSize: 64, maxStringLength: 40 });
    decoder.decode(encoder.encode([]));
    decoder.decode(join(bytes('40'), raw('x-a'), raw('1')));
    assert.equal(decoder.table.length, 1);
    const sink = new Collector();
    // Our encoder's table is larger than the decoder's, so it indexes the long value.
    const block = encoder.encode([['n', filler.repeat(41)]]);
    assert.equal(block[0], 0x40);
    decoder.decodeInto(block, 0, block.length, sink);
    assert.equal(sink.oversized, 1);
    assert.deepEqual(contents(decoder.table), { entries: [], size: 0 });
    assert.deepEqual(decoder.decode(join(bytes('40'), raw('x-b'), raw('2'), bytes('be'))), [
      ['x-b', '2'],
      ['x-b', '2'],
    ]);
  }
});

test('an oversize field that would fit into the table is refused, since the table could not be kept right', () => {
  const encoder = new Encoder();
  for (const field of [
    ['n', '0'.repeat(100)],
    ['0'.repeat(100), 'n'],
    ['accept', '~'.repeat(100)],
  ] satisfies Field[]) {
    const decoder = new Decoder({ maxStringLength: 50 });
    refused(hex(encoder.encode([field])), /for the dynamic table is longer/, decoder);
  }
});

test('decode() throws for an oversize field, and the next block decodes', () => {
  const decoder = new Decoder({ maxStringLength: 10 });
  refused(hex(join(bytes('00'), raw('n'), raw('12345678901'))), /maxStringLength/, decoder);
  assert.deepEqual(decoder.decode(bytes('82')), [[':method', 'GET']]);
});

test('an oversize literal that is not for the table leaves it alone', () => {
  const decoder = new Decoder({ maxStringLength: 10 });
  decoder.decode(join(bytes('40'), raw('x-a'), raw('1')));
  const sink = new Collector();
  const block = join(bytes('10'), raw('n'), raw('12345678901'), bytes('be'));
  decoder.decodeInto(block, 0, block.length, sink);
  assert.equal(sink.oversized, 1);
  assert.deepEqual(sink.fields, [['x-a', '1']]);
});

test('index 0 and indexes beyond the tables are refused', () => {
  refused('80', /Index 0/);
  refused('be', /beyond the tables/);
  refused('ff80ffffff0e', /beyond the tables/);
  refused('7f00', /beyond the tables/);
  const decoder = new Decoder();
  decoder.decode(join(bytes('40'), raw('x-a'), raw('1')));
  assert.deepEqual(decoder.decode(bytes('be')), [['x-a', '1']]);
  refused('bf', /beyond the tables/, decoder);
});

test('integers beyond 2^32-1 and overlong ones are refused', () => {
  refused('ff81ffffff0f', /larger than 2\^32-1/);
  refused('ffffffffff7f', /larger than 2\^32-1/);
  refused('ff80808080808000', /five continuation bytes/);
  refused('00ff' + 'ff'.repeat(1000), /five continuation bytes/);
  refused('3fe1ffffffff', /five continuation bytes/);
  assert.deepEqual(new Decoder().decode(bytes('3fe19f8080 00 82')), [[':method', 'GET']], 'zeros may pad within five');
});

test('invalid Huffman strings are refused', () => {
  for (const string of ['ff', '1fff', '1fffff', 'ff9fffffff', 'fffffffffc', '00', '1c', 'ffffffff', 'f8ffffffff']) {
    refused(`0001 6e ${(0x80 | (string.length / 2)).toString(16)} ${string}`, /Huffman/);
    assert.throws(() => huffmanDecodedLength(bytes(string), 0, string.length / 2), HpackError, string);
  }
});

test('padding of up to 7 ones is accepted', () => {
  const decoded = (string: string) => huffmanDecode(bytes(string), 0, string.length / 2, 100);
  assert.equal(decoded(''), '');
  assert.equal(decoded('1f'), 'a', '3 bits');
  assert.equal(decoded('f8'), '&', 'none');
  assert.equal(decoded('fffd'), '{', '1 bit');
  assert.equal(decoded('0000007f'), '00000', '7 bits');
});

test('every byte value survives Huffman coding, alone and beside every other', () => {
  const out = new Uint8Array(16);
  for (let a = 0; a < 256; a++) {
    for (let b = 0; b < 256; b++) {
      const text = String.fromCharCode(a, b);
      const end = huffmanEncode(text, out, 0);
      assert.equal(huffmanDecode(out, 0, end, 2), text);
      assert.equal(huffmanDecodedLength(out, 0, end), 2);
    }
  }
});

test('a Huffman string longer than the decoder’s scratch decodes whole, up to the limit', () => {
  const text = Array.from({ length: 20_000 }, (_, i) => String.fromCharCode((i * 7919) % 256)).join('');
  const out = new Uint8Array(80_000);
  const end = huffmanEncode(text, out, 0);
  assert.equal(huffmanDecode(out, 0, end, 20_000), text);
  assert.equal(huffmanDecode(out, 0, end, 19_999), undefined);
  assert.equal(huffmanDecode(out, 0, end, 5_000), undefined);
  assert.equal(huffmanDecodedLength(out, 0, end), 20_000);
});

test('a size update above what we advertised is refused', () => {
  refused('3fe21f', /at most 4096/);
  refused('3fe11f', /at most 100/, new Decoder({ maxTableSize: 100 }));
  const decoder = new Decoder();
  decoder.setMaxTableSize(8192);
  decoder.decode(bytes('3fe13f'));
  assert.equal(decoder.table.capacity, 8192);
});

test('a size update after a field is refused, even while the table is empty (stricter than Go)', () => {
  refused('8220', /after a field/);
  refused(hex(join(bytes('40'), raw('x-a'), raw('1'), bytes('20'))), /after a field/);
});

test('any run of size updates before the first field is accepted', () => {
  const decoder = new Decoder();
  decoder.decode(join(bytes('40'), raw('x-a'), raw('1')));
  assert.deepEqual(decoder.decode(bytes('3fe10f 3fe11f 3fe10f 3fe11f be')), [['x-a', '1']]);
  assert.equal(decoder.table.capacity, 4096);
  refused('20 3fe11f be', /beyond the tables/, decoder);
});

test('RFC 7541 4.2: once the table was lowered, the next block must start with an update to at most that', () => {
  const lowered = (...sizes: number[]) => {
    const decoder = new Decoder();
    for (const size of sizes) decoder.setMaxTableSize(size);
    return decoder;
  };
  refused('82', /must start with a dynamic table size update to at most 100/, lowered(100));
  refused('3f4682', /at most 100/, lowered(100));
  assert.equal(lowered(100).decode(bytes('3f4582')).length, 1);
  refused('3fe11f82', /at most 100/, lowered(100, 4096));
  refused('3fc90782', /at most 100/, lowered(100, 1000));
  assert.equal(lowered(100, 4096).decode(bytes('3f453fe11f82')).length, 1, 'the minimum, then the final size');
  assert.equal(lowered(8192).decode(bytes('82')).length, 1, 'raising asks for nothing');
  const decoder = lowered(100);
  assert.deepEqual(decoder.decode(new Uint8Array(0)), [], 'an empty block leaves it to the next');
  refused('82', /must start/, decoder);
  const small = new Decoder();
  small.decode(bytes('3f45'));
  small.setMaxTableSize(2000);
  assert.equal(small.decode(bytes('82')).length, 1, 'the encoder already keeps to less');
});

test('entries are evicted oldest first, and a field larger than the table empties it', () => {
  const decoder = new Decoder({ maxTableSize: 110 });
  const add = (name: string, value: string) => decoder.decode(join(bytes('40'), raw(name), raw(value)));
  add('a', '1');
  add('b', '2');
  add('c', '3');
  assert.deepEqual(contents(decoder.table), {
    entries: [
      ['c', '3'],
      ['b', '2'],
      ['a', '1'],
    ],
    size: 102,
  });
  add('d', '4');
  assert.deepEqual(contents(decoder.table), {
    entries: [
      ['d', '4'],
      ['c', '3'],
      ['b', '2'],
    ],
    size: 102,
  });
  assert.deepEqual(add('e', 'x'.repeat(78)), [['e', 'x'.repeat(78)]], 'the field itself is delivered');
  assert.deepEqual(contents(decoder.table), { entries: [], size: 0 });
});

test('a name may refer to the very entry that its field evicts (RFC 7541 4.4)', () => {
  const decoder = new Decoder({ maxTableSize: 40 });
  decoder.decode(join(bytes('40'), raw('name'), raw('1')));
  assert.deepEqual(decoder.decode(join(bytes('7e'), raw('2'))), [['name', '2']]);
  assert.deepEqual(decoder.table.entries(), [['name', '2']]);
});

test('names, order and repetition are no business of the decoder', () => {
  const fields: Field[] = [
    ['X-Upper', 'a\u0000b'],
    [':nonsense', ''],
    ['', ''],
    [':status', '200'],
    [':status', '200'],
    ['bytes', '\u0080\u00ff'],
  ];
  assert.deepEqual(new Decoder().decode(new Encoder().encode(fields)), fields);
});

test('a decoder that has failed refuses every further block', () => {
  const decoder = new Decoder();
  refused('80', /Index 0/, decoder);
  refused('82', /earlier block failed/, decoder);
});

test('no error message contains a header value', () => {
  const decoder = new Decoder({ maxStringLength: 5 });
  refused(hex(join(bytes('40'), raw('n'), raw('secret'))), /^(?!.*secret)/, decoder);
});
