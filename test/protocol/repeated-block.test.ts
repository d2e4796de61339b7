import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Decoder, Encoder } from '../../dist/hpack/index.js';
import { encodeBlock, ReceivedBlocks, SharedBlock } from '../../dist/protocol/repeated-block.js';
import { ResponseFields } from '../../dist/protocol/response-fields.js';

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
