import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { Decoder, Encoder, HpackError } from '../../dist/hpack/index.js';
import { encodeBlock, ReceivedBlocks, SharedBlock } from '../../dist/protocol/repeated-block.js';
import { BlockKind, ResponseFields } from '../../dist/protocol/response-fields.js';

function pairs(block: Uint8Array, decoder: Decoder): string[] {
  return decoder.decode(block).flatMap(([name, value]) => [name, value]);
}

const common = [':method', 'GET', ':path', '/a', 'user-agent', 'test'];
const other = [':method', 'GET', ':path', '/b', 'x-other', 'one that moves the indices'];

test('a shared block means the same fields each time, whatever is encoded in between', () => {
  const encoder = new Encoder();
  const decoder = new Decoder();
  const shared = new SharedBlock();
  for (let i = 0; i < 20; i++) {
    assert.deepEqual(pairs(shared.encode(encoder, common), decoder), common, `round ${i}`);
    if (i % 4 === 3)
      assert.deepEqual(pairs(encodeBlock(encoder, [...other, 'x-round', `${i}`]), decoder).slice(0, 6), other);
    if (i % 7 === 6) encoder.setTableSize(i % 2 === 0 ? 0 : 4_096);
  }
});

test('a shared block is not taken from another connection', () => {
  const shared = new SharedBlock();
  const first = new Encoder();
  for (let i = 0; i < 3; i++) shared.encode(first, common);
  const second = new Encoder();
  assert.deepEqual(pairs(shared.encode(second, common), new Decoder()), common);
});

test('a size update is announced once', () => {
  const encoder = new Encoder();
  const shared = new SharedBlock();
  shared.encode(encoder, common);
  encoder.setTableSize(0);
  const announcing = shared.encode(encoder, common).slice();
  const next = shared.encode(encoder, common);
  assert.equal(announcing[0], 0x20);
  assert.deepEqual([...next], [...announcing.subarray(1)]);
});

test('a response block that comes again is the same again, until the table has changed', () => {
  const encoder = new Encoder();
  const decoder = new Decoder();
  const blocks = new ReceivedBlocks();
  const fields = new ResponseFields(0);
  const receive = (block: Uint8Array): [number, readonly string[], number, number] => {
    blocks.decode(decoder, block, 0, block.length, fields);
    return [fields.status, fields.fields, fields.contentLength, fields.size];
  };
  const response = [':status', '200', 'content-length', '100', 'server', 'test'];
  const regular = ['content-length', '100', 'server', 'test'];
  const expected = [200, regular, 100, 42 + 49 + 42];
  receive(encodeBlock(encoder, response));
  const short = encodeBlock(encoder, response).slice();
  assert.equal(short.length, 3, 'all of it is in the tables');
  for (let i = 0; i < 3; i++) assert.deepEqual(receive(short), expected);
  // Another field moves the indices: the same bytes would now mean something else.
  receive(encodeBlock(encoder, [':status', '204', 'x-new', 'entry']));
  assert.deepEqual(receive(encodeBlock(encoder, response)), expected);
  assert.deepEqual(receive(short)[1]?.slice(2), ['x-new', 'entry'], 'so they do');
});

test('a malformed response block is malformed each time', () => {
  const decoder = new Decoder();
  const blocks = new ReceivedBlocks();
  const fields = new ResponseFields(0);
  const block = Uint8Array.of(0x88, 0x88); // :status 200 twice
  for (let i = 0; i < 3; i++) {
    blocks.decode(decoder, block, 0, block.length, fields);
    assert.equal(fields.malformed, 'more than one :status');
  }
});

/** A string literal as it is on the wire, without Huffman coding; shorter than 127. */
const literal = (text: string): number[] => [text.length, ...Buffer.from(text, 'latin1')];

/** As nginx sends it: every field a literal that is added to the table, with its name from the static table. */
const fromNginx = Uint8Array.from([
  ...[0x88, 0x76, ...literal('nginx/1.22.1')],
  ...[0x61, ...literal('Sun, 29 Nov 2026 07:41:55 GMT')],
  ...[0x5c, ...literal('621')],
]);

/** How many blocks have been decoded, and not taken from memory. */
function countDecoded(decoder: Decoder): { decoded: number } {
  const counted = { decoded: 0 };
  const decodeInto = decoder.decodeInto.bind(decoder);
  decoder.decodeInto = (...args) => {
    counted.decoded++;
    decodeInto(...args);
  };
  return counted;
}

test('a block that adds to the table each time is decoded twice, and added each time', () => {
  const decoder = new Decoder();
  const counted = countDecoded(decoder);
  const plain = new Decoder();
  const blocks = new ReceivedBlocks();
  const fields = new ResponseFields(0);
  for (let i = 0; i < 100; i++) {
    blocks.decode(decoder, fromNginx, 0, fromNginx.length, fields);
    plain.decode(fromNginx);
    assert.deepEqual([fields.status, fields.contentLength, fields.fields.length], [200, 621, 6]);
    assert.deepEqual(decoder.table.entries(), plain.table.entries(), `after ${i + 1}`);
  }
  assert.equal(counted.decoded, 2);
});

test('blocks that come once take the place of none that comes again', () => {
  const decoder = new Decoder();
  const counted = countDecoded(decoder);
  const blocks = new ReceivedBlocks();
  const fields = new ResponseFields(0);
  const once = (i: number): Uint8Array => Uint8Array.from([0x88, 0x5c, ...literal(String(i))]);
  for (let i = 0; i < 2; i++) blocks.decode(decoder, fromNginx, 0, fromNginx.length, fields);
  for (let i = 0; i < 200; i++) {
    blocks.decode(decoder, once(i), 0, once(i).length, fields);
    assert.equal(fields.contentLength, i);
  }
  assert.equal(counted.decoded, 202);
  blocks.decode(decoder, fromNginx, 0, fromNginx.length, fields);
  assert.deepEqual([fields.contentLength, counted.decoded], [621, 202]);
});

test('a block that came before is refused where a size update must begin it', () => {
  const decoder = new Decoder();
  const blocks = new ReceivedBlocks();
  const fields = new ResponseFields(0);
  for (let i = 0; i < 3; i++) blocks.decode(decoder, fromNginx, 0, fromNginx.length, fields);
  decoder.setMaxTableSize(100);
  assert.throws(() => blocks.decode(decoder, fromNginx, 0, fromNginx.length, fields), HpackError);
});

/** One instruction of a block: of every kind, and on the static table as well as on entries that may or may not be there. */
const name = fc.constantFrom('x-a', 'x-b', 'x-c', 'x-d', 'content-length', ':status', 'Bad');
const value = fc.constantFrom('', '7', '7', '200', 'a longer one, of which a few fill the table', ' blank ');
const instruction: fc.Arbitrary<number[]> = fc.oneof(
  { weight: 1, arbitrary: fc.constantFrom(0x89, 0x90, 0xb6).map((indexed) => [indexed]) },
  { weight: 2, arbitrary: fc.constantFrom(0xbe, 0xbf, 0xc0).map((indexed) => [indexed]) },
  {
    weight: 4,
    arbitrary: fc
      .tuple(fc.constantFrom(0x5c, 0x61, 0x76, 0x7e, 0x0e, 0x1e), value)
      .map(([of, v]) => [of, ...literal(v)]),
  },
  {
    weight: 2,
    arbitrary: fc
      .tuple(fc.constantFrom(0x40, 0x00, 0x10), name, value)
      .map(([as, n, v]) => [as, ...literal(n), ...literal(v)]),
  },
);
/** Most begin as a response does; some with a size update, to 0, 28, 90 or 200. */
const block = fc
  .tuple(
    fc.oneof(
      { weight: 20, arbitrary: fc.constant<number[]>([]) },
      { weight: 1, arbitrary: fc.constantFrom([0x20], [0x3c], [0x3f, 0x3b], [0x3f, 0xa9, 0x01]) },
    ),
    fc.oneof({ weight: 20, arbitrary: fc.constant([0x88]) }, { weight: 1, arbitrary: fc.constant<number[]>([]) }),
    fc.array(instruction, { maxLength: 5 }),
  )
  .map(([sizes, status, rest]) => Uint8Array.from([...sizes, ...status, ...rest.flat()]));

/** Blocks of a few kinds that come over and over, and what is said of the table's size in between. */
const story = fc.tuple(
  fc.array(block, { minLength: 1, maxLength: 5 }),
  fc.array(
    fc.oneof(
      { weight: 40, arbitrary: fc.nat({ max: 4 }).map((which) => ({ which, size: undefined })) },
      { weight: 1, arbitrary: fc.constantFrom(0, 60, 200, 4_096, 4_096, 4_096).map((size) => ({ which: 0, size })) },
    ),
    { minLength: 5, maxLength: 60 },
  ),
);

/** All that a block has led to. */
function outcome(decoder: Decoder, fields: ResponseFields, decode: () => void): unknown {
  let refused: string | undefined;
  try {
    decode();
  } catch (error) {
    assert.ok(error instanceof HpackError, String(error));
    refused = error.message;
  }
  const { table } = decoder;
  const held = { entries: table.entries(), size: table.size, added: table.added, capacity: table.capacity };
  if (refused !== undefined) return { refused, held };
  const { malformed, tooLarge, size } = fields;
  if (malformed !== undefined || tooLarge) return { malformed, tooLarge, size, held };
  return { status: fields.status, fields: [...fields.fields], length: fields.contentLength, size, held };
}

test('any story of blocks means the same fields and leaves the same table, with and without the memory of them', () => {
  let remembered = 0;
  fc.assert(
    fc.property(story, fc.constantFrom(0, 120), ([kinds, steps], maxHeaderListSize) => {
      const options = { maxTableSize: 200, maxStringLength: 40 };
      const decoder = new Decoder(options);
      const counted = countDecoded(decoder);
      const plain = new Decoder(options);
      const blocks = new ReceivedBlocks();
      const [fields, expected] = [new ResponseFields(maxHeaderListSize), new ResponseFields(maxHeaderListSize)];
      let received = 0;
      for (const { which, size } of steps) {
        if (size !== undefined) {
          for (const one of [decoder, plain]) one.setMaxTableSize(size);
          continue;
        }
        const bytes = kinds[which % kinds.length]!;
        received++;
        const got = outcome(decoder, fields, () => blocks.decode(decoder, bytes, 0, bytes.length, fields));
        const due = outcome(plain, expected, () => {
          expected.begin(BlockKind.Response);
          plain.decodeInto(bytes, 0, bytes.length, expected);
        });
        assert.deepEqual(got, due);
        if (typeof due === 'object' && due !== null && 'refused' in due) break; // the connection ends
      }
      remembered += received - counted.decoded;
    }),
    { numRuns: 1_000 },
  );
  assert.ok(remembered > 300, `only ${remembered} blocks came from memory`);
});
