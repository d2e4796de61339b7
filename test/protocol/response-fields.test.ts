import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { BlockKind, ResponseFields } from '../../dist/protocol/response-fields.js';

type Pair = readonly [name: string, value: string];

function read(kind: BlockKind, pairs: readonly Pair[], limit = 0): ResponseFields {
  const block = new ResponseFields(limit);
  block.begin(kind);
  for (const [name, value] of pairs) block.field(name, value, false);
  return block;
}

const response = (...pairs: Pair[]): ResponseFields => read(BlockKind.Response, [[':status', '200'], ...pairs]);
const trailers = (...pairs: Pair[]): ResponseFields => read(BlockKind.Trailers, pairs);

test('a response has its status, its fields in wire order and their size', () => {
  const block = response(['content-type', 'text/plain'], ['set-cookie', 'a=b'], ['set-cookie', 'c=d']);
  assert.equal(block.malformed, undefined);
  assert.equal(block.status, 200);
  assert.deepEqual(block.fields, ['content-type', 'text/plain', 'set-cookie', 'a=b', 'set-cookie', 'c=d']);
  assert.equal(block.size, 7 + 3 + 12 + 10 + 2 * (10 + 3) + 4 * 32);
  assert.equal(block.contentLength, -1);
});

test('a response without a status is malformed', () => {
  assert.equal(read(BlockKind.Response, []).malformed, 'no :status');
  assert.equal(read(BlockKind.Response, [['a', 'b']]).malformed, 'no :status');
});

test('a status is three digits, the first of them not 0', () => {
  for (const value of ['', '+200', '20', '-5', '99999', '099', '2e2', '200 ', ' 200', '0x1', '20O', '٢٠٠']) {
    assert.equal(read(BlockKind.Response, [[':status', value]]).malformed, ':status is not a number of three digits');
  }
  for (const value of ['100', '200', '599', '999']) {
    const block = read(BlockKind.Response, [[':status', value]]);
    assert.equal(block.malformed, undefined);
    assert.equal(block.status, Number(value));
  }
});

test('a name that is upper case, empty or no token is malformed', () => {
  for (const name of ['Upper', '', 'a b', 'a:b', 'a\u007f', 'caf\u00e9', 'x(y)', 'a\n']) {
    assert.match(response([name, 'v']).malformed ?? '', /^invalid field name "/, name);
  }
});

test('a value with a control character is malformed, one with bytes from 0x80 is not', () => {
  for (const value of ['a\nb', 'a\rb', 'a\0b', '\u0001', '\u007f', 'a\n']) {
    assert.equal(response(['x', value]).malformed, 'invalid character in the value of "x"');
  }
  for (const value of ['', 'a\tb', '\u0080\u00ff', 'a b']) assert.equal(response(['x', value]).malformed, undefined);
});

test('RFC 9113 8.2.1: white space around a value is malformed', () => {
  for (const value of [' a', 'a ', '\ta', 'a\t', ' ']) {
    assert.equal(response(['x', value]).malformed, 'white space around the value of "x"');
  }
});

test('an unknown, repeated, misplaced or request pseudo-field is malformed', () => {
  assert.equal(response([':nonsense', 'v']).malformed, 'pseudo-field ":nonsense" in a response');
  assert.equal(response([':', 'v']).malformed, 'pseudo-field ":" in a response');
  for (const name of [':method', ':path', ':scheme', ':authority', ':protocol']) {
    assert.equal(response([name, 'v']).malformed, `pseudo-field "${name}" in a response`);
  }
  assert.equal(response([':status', '200']).malformed, 'more than one :status');
  const late = read(BlockKind.Response, [
    ['a', 'b'],
    [':status', '200'],
  ]);
  assert.equal(late.malformed, 'pseudo-field ":status" after a regular field');
});

test('RFC 9113 8.2.2: connection-specific fields make a response malformed', () => {
  for (const name of ['connection', 'proxy-connection', 'keep-alive', 'transfer-encoding', 'upgrade']) {
    assert.equal(response([name, 'close']).malformed, `connection-specific field "${name}"`);
    assert.equal(trailers([name, 'close']).malformed, `connection-specific field "${name}"`);
  }
  for (const value of ['gzip', 'trailers']) {
    assert.equal(response(['te', value]).malformed, 'connection-specific field "te"');
    assert.equal(trailers(['te', value]).malformed, 'connection-specific field "te"');
  }
});

test('a bad field in trailers is malformed', () => {
  assert.equal(trailers([':status', '200']).malformed, 'pseudo-field ":status" in trailers');
  assert.equal(trailers([':path', '/']).malformed, 'pseudo-field ":path" in trailers');
  assert.equal(trailers(['Upper', 'v']).malformed, 'invalid field name "Upper"');
  assert.equal(trailers(['', 'v']).malformed, 'invalid field name ""');
  assert.equal(trailers(['a', '\0']).malformed, 'invalid character in the value of "a"');
});

test('trailers need no status, and may be empty', () => {
  const block = trailers(['grpc-status', '0']);
  assert.equal(block.malformed, undefined);
  assert.equal(block.status, 0);
  assert.deepEqual(block.fields, ['grpc-status', '0']);
  assert.equal(trailers().malformed, undefined);
});

test('one content-length counts, and so do repeats of one number', () => {
  assert.equal(response(['content-length', '42']).contentLength, 42);
  assert.equal(response(['content-length', '0']).contentLength, 0);
  assert.equal(response(['content-length', '42'], ['content-length', '42']).contentLength, 42);
  assert.equal(response(['content-length', '42, 42']).contentLength, 42);
});

test('a content-length that is invalid or contradicts another makes the response malformed', () => {
  for (const value of ['', '+1', '-1', '1.5', 'x', '1, 2', '99999999999999999999']) {
    assert.equal(response(['content-length', value]).malformed, 'invalid content-length');
  }
  const differing = response(['content-length', '1'], ['content-length', '2']);
  assert.equal(differing.malformed, 'two different content-lengths');
});

test('a content-length in trailers declares nothing', () => {
  const block = trailers(['content-length', 'x']);
  assert.equal(block.malformed, undefined);
  assert.equal(block.contentLength, -1);
});

test('a header list may be as large as the limit and no larger, in trailers too', () => {
  const pairs: Pair[] = [
    ['a', '1'],
    ['b', '2'],
  ];
  for (const kind of Object.values(BlockKind)) {
    const all: Pair[] = kind === BlockKind.Response ? [[':status', '200'], ...pairs] : pairs;
    const size = all.reduce((sum, [name, value]) => sum + name.length + value.length + 32, 0);
    assert.equal(read(kind, all, size).tooLarge, false);
    const over = read(kind, all, size - 1);
    assert.equal(over.tooLarge, true);
    assert.equal(over.malformed, undefined);
    assert.deepEqual(over.fields, ['a', '1']);
    assert.equal(over.size, size);
  }
});

test('a list too large before its status is too large, not malformed', () => {
  const block = new ResponseFields(100);
  block.begin(BlockKind.Response);
  block.oversize();
  block.field(':status', '200', false);
  assert.equal(block.tooLarge, true);
  assert.equal(block.malformed, undefined);
  assert.equal(block.size, 42);
});

test('a limit of 0 or Infinity is no limit', () => {
  for (const limit of [0, Infinity]) {
    const block = read(
      BlockKind.Response,
      [
        [':status', '200'],
        ['a', 'x'.repeat(1_000_000)],
      ],
      limit,
    );
    assert.equal(block.tooLarge, false);
  }
});

test('after the first cause nothing is collected, the size counts on, and the cause stays', () => {
  const block = response(['ok', '1'], ['Bad', '2'], ['late', '3'], ['Worse', '4']);
  assert.equal(block.malformed, 'invalid field name "Bad"');
  assert.deepEqual(block.fields, ['ok', '1']);
  assert.equal(block.size, 42 + 35 + 36 + 37 + 38);
});

test('the next block starts afresh and leaves the fields of the last one alone', () => {
  const block = new ResponseFields(200);
  block.begin(BlockKind.Response);
  block.field(':status', '200', false);
  block.field('content-length', '5', false);
  const kept = block.fields;
  block.begin(BlockKind.Response);
  block.field('Bad', 'v', false);
  block.oversize();
  block.begin(BlockKind.Response);
  block.field(':status', '204', false);
  assert.equal(block.malformed, undefined);
  block.begin(BlockKind.Trailers);
  block.field('b', '2', false);
  assert.deepEqual(kept, ['content-length', '5']);
  assert.deepEqual(block.fields, ['b', '2']);
  assert.deepEqual(
    [block.status, block.contentLength, block.malformed, block.tooLarge, block.size],
    [0, -1, undefined, false, 34],
  );
});

test('a cause never holds a value, and bounds a name', () => {
  const secret = 'hunter2';
  for (const pair of [
    ['x', `${secret}\n`],
    [':status', secret],
    ['content-length', secret],
    ['te', secret],
  ] as const) {
    const block = read(BlockKind.Response, pair[0] === ':status' ? [pair] : [[':status', '200'], pair]);
    assert.ok(block.malformed !== undefined && !block.malformed.includes(secret), block.malformed);
  }
  assert.ok((response(['X'.repeat(100_000), 'v']).malformed ?? '').length < 200);
});

test('whatever is fed in, nothing is thrown, and what is accepted obeys the grammar', () => {
  const code = fc.integer({ min: 0, max: 0x120 }).map((c) => String.fromCharCode(c));
  const name = fc.oneof(
    fc.constantFrom(':status', ':path', 'te', 'content-length', 'connection', 'x-a', 'cookie'),
    fc.string({ unit: 'binary' }),
    fc.string({ unit: code, maxLength: 3 }),
  );
  const value = fc.oneof(fc.constantFrom('200', 'trailers', '5'), fc.string({ unit: code, maxLength: 4 }));
  const kind = fc.constantFrom(...Object.values(BlockKind));
  fc.assert(
    fc.property(kind, fc.array(fc.tuple(name, value)), fc.nat({ max: 300 }), (kind, pairs, limit) => {
      const block = read(kind, pairs, limit);
      assert.equal(
        block.size,
        pairs.reduce((sum, [n, v]) => sum + n.length + v.length + 32, 0),
      );
      assert.equal(block.fields.length % 2, 0);
      for (let i = 0; i < block.fields.length; i += 2) {
        assert.match(block.fields[i]!, /^[!#$%&'*+.^_`|~0-9a-z-]+$/);
        assert.match(block.fields[i + 1]!, /^(?:[!-~\x80-\xff](?:[\t -~\x80-\xff]*[!-~\x80-\xff])?)?$/);
      }
      if (block.malformed !== undefined || block.tooLarge) return;
      const regular = pairs.filter(([n]) => !n.startsWith(':'));
      assert.deepEqual(block.fields, regular.flat());
      if (kind === BlockKind.Response) assert.ok(block.status >= 100 && block.status <= 999);
    }),
    { numRuns: 2_000 },
  );
});
