import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { Decoder, Encoder, HpackError, type Field } from '../../dist/hpack/index.js';
import { huffmanDecode, huffmanDecodedLength, huffmanEncode } from '../../dist/hpack/huffman.js';
import { Collector, contents } from './helpers.js';

const byteString = (maxLength: number) =>
  fc
    .array(fc.integer({ min: 0, max: 255 }), { maxLength })
    .map((codes) => codes.map((code) => String.fromCharCode(code)).join(''));

const name = fc.oneof(
  fc.constantFrom(':method', ':path', ':status', 'accept', 'accept-encoding', 'cookie', 'x-a', 'x-b', ''),
  byteString(20),
);
const value = fc.oneof(
  fc.constantFrom('', 'GET', '/', '200', 'gzip, deflate', '1', '2', 'a rather longer value that fills small tables'),
  byteString(60),
);
const field: fc.Arbitrary<Field> = fc.oneof(
  { weight: 4, arbitrary: fc.tuple(name, value) },
  { weight: 1, arbitrary: fc.tuple(name, value, fc.constant({ sensitive: true })) },
);
const size = fc.oneof(fc.constantFrom(0, 32, 33, 64, 100, 4096, 8192), fc.integer({ min: 0, max: 10_000 }));
const step = fc.record({ sizes: fc.array(size, { maxLength: 3 }), fields: fc.array(field, { maxLength: 12 }) });

test('any sequence of blocks and table sizes comes back as it was, with equal tables', () => {
  fc.assert(
    fc.property(size, fc.array(step, { maxLength: 12 }), (maxTableSize, steps) => {
      const encoder = new Encoder({ maxTableSize });
      const decoder = new Decoder();
      for (const { sizes, fields } of steps) {
        for (const n of sizes) {
          encoder.setTableSize(n);
          decoder.setMaxTableSize(n);
        }
        assert.deepEqual(decoder.decode(encoder.encode(fields)), fields);
        assert.deepEqual(contents(decoder.table), contents(encoder.table));
        assert.equal(decoder.table.capacity, encoder.table.capacity);
        assert.ok(encoder.table.size <= encoder.table.capacity);
      }
    }),
    { numRuns: 500 },
  );
});

test('a block that throws half-way never sets the tables apart', () => {
  fc.assert(
    fc.property(fc.array(fc.tuple(step, fc.boolean()), { maxLength: 10 }), (steps) => {
      const encoder = new Encoder();
      const decoder = new Decoder();
      for (const [{ fields }, spoil] of steps) {
        if (spoil) assert.throws(() => encoder.encode([...fields, ['x', '\u0100']]), HpackError);
        else assert.deepEqual(decoder.decode(encoder.encode(fields)), fields);
      }
      assert.deepEqual(decoder.decode(encoder.encode([['last', '1']])), [['last', '1']]);
      assert.deepEqual(contents(decoder.table), contents(encoder.table));
    }),
  );
});

test('a string limit only replaces fields by oversize, as long as no oversize field fits into the table', () => {
  fc.assert(
    fc.property(fc.array(fc.array(field, { maxLength: 8 }), { maxLength: 8 }), (blocks) => {
      const limit = 30;
      const encoder = new Encoder({ maxTableSize: limit + 32 });
      const decoder = new Decoder({ maxStringLength: limit });
      for (const fields of blocks) {
        const block = encoder.encode(fields);
        const sink = new Collector();
        decoder.decodeInto(block, 0, block.length, sink);
        assert.equal(sink.fields.length + sink.oversized, fields.length);
        // A string can also be too long before decoding: a code takes up to 30 bits. Our encoder never sends such.
        const kept = fields.filter(([n, v]) => n.length <= limit && v.length <= limit);
        assert.deepEqual(sink.fields, kept);
        assert.deepEqual(contents(decoder.table), contents(encoder.table));
      }
    }),
  );
});

test('random bytes decode or throw HpackError, and stay within the table', () => {
  const instruction = fc.oneof(
    fc.constantFrom(0x82, 0xbe, 0xbf, 0xc0, 0x40, 0x41, 0x7e, 0x00, 0x0f, 0x10, 0x20, 0x3f, 0x81, 0x82, 0x03, 0xff),
    fc.integer({ min: 0, max: 255 }),
  );
  fc.assert(
    fc.property(
      fc.array(fc.array(instruction, { maxLength: 200 }), { maxLength: 6 }),
      fc.integer({ min: 0, max: 200 }),
      (blocks, maxStringLength) => {
        const decoder = new Decoder({ maxTableSize: 200, maxStringLength });
        for (const block of blocks) {
          const sink = new Collector();
          try {
            decoder.decodeInto(Uint8Array.from(block), 0, block.length, sink);
          } catch (error) {
            assert.ok(error instanceof HpackError, String(error));
          }
          assert.ok(sink.fields.length + sink.oversized <= block.length);
          assert.ok(decoder.table.size <= decoder.table.capacity);
          for (const [, v] of sink.fields) assert.ok(v.length <= Math.max(maxStringLength, 'gzip, deflate'.length));
        }
      },
    ),
    { numRuns: 2000 },
  );
});

test('random bytes are a Huffman string exactly when coding them again gives the same bytes', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 40 }), (coded) => {
      const again = new Uint8Array(400);
      let text: string | undefined;
      try {
        text = huffmanDecode(coded, 0, coded.length, 1000)!;
      } catch (error) {
        assert.ok(error instanceof HpackError);
        assert.throws(() => huffmanDecodedLength(coded, 0, coded.length), HpackError);
        return;
      }
      assert.equal(huffmanDecodedLength(coded, 0, coded.length), text.length);
      assert.deepEqual(again.slice(0, huffmanEncode(text, again, 0)), coded);
    }),
    { numRuns: 5000 },
  );
});

test('any byte string survives Huffman coding', () => {
  fc.assert(
    fc.property(byteString(300), (text) => {
      const out = new Uint8Array(4 * text.length + 4);
      assert.equal(huffmanDecode(out, 0, huffmanEncode(text, out, 0), 300), text);
    }),
    { numRuns: 1000 },
  );
});
