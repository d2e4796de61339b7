import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ErrorCode, Flag, FrameType, largestMaxFrameSize } from '../../dist/wire/constants.js';
import { uint16, uint32 } from '../../dist/wire/bytes.js';
import { FrameReader } from '../../dist/wire/reader.js';
import { ProtocolViolation } from '../../dist/wire/violation.js';
import { concat, cut, frame, hex, joinPieces, readAll, readInto, toHex, violationOf } from './support.js';
import type { Seen } from './support.js';

const plain = { first: true, last: true, overhead: 0, value: 0, lastStreamId: 0 };

test('length has 24 bits, type and flags 8, the stream identifier 31 with the top bit ignored', () => {
  assert.deepEqual(readAll(hex('000003 00 01 81020304 414243')), [
    { ...plain, type: 0, flags: 1, streamId: 0x01020304, length: 3, payload: '414243' },
  ]);
  const reader = new FrameReader(largestMaxFrameSize);
  reader.push(concat(hex('010203 fe ff ffffffff'), new Uint8Array(0x010203)));
  assert.equal(reader.next(), true);
  assert.deepEqual([reader.length, reader.type, reader.flags, reader.streamId], [0x010203, 0xfe, 0xff, 0x7fffffff]);
});

test('the size limit is judged before the sequence, the sequence before the type, all before the payload', () => {
  const openBlock = frame(FrameType.Headers, 0, 1, '82');
  assert.equal(violationOf(concat(openBlock, hex('004001 06 00 00000001'))).errorCode, ErrorCode.FrameSizeError);
  assert.match(violationOf(concat(openBlock, hex('000001 06 00 00000001'))).message, /header block/);
  assert.match(violationOf(hex('000001 06 00 00000001')).message, /PING frame of 1 bytes/);
});

test('a frame larger than we advertised is a FRAME_SIZE_ERROR, whatever its type; one as large is not', () => {
  for (const type of [FrameType.Data, FrameType.Headers, FrameType.Settings, 0x99]) {
    const head = concat(hex('004001'), Uint8Array.of(type, 0), hex('00000001'));
    assert.equal(violationOf(head).errorCode, ErrorCode.FrameSizeError, `type ${type}`);
  }
  const [whole] = readAll(frame(FrameType.Headers, Flag.EndHeaders, 1, new Uint8Array(16_384)));
  assert.equal(whole?.length, 16_384);
});

test('raising maxFrameSize lets larger frames in from the next one on', () => {
  const reader = new FrameReader(16_384);
  const large = frame(FrameType.Headers, Flag.EndHeaders, 1, new Uint8Array(20_000));
  reader.maxFrameSize = 32_768;
  assert.equal(readInto(reader, cut(large, [7_000]))[0]?.payload.length, 40_000);
});

test('an answer in HTTP/1.1 is told as one', () => {
  for (const line of ['HTTP/1.1 400 Bad Request\r\n', 'HTTP/1.0 505 Version\r\n']) {
    for (const maxFrameSize of [16_384, largestMaxFrameSize]) {
      const violation = violationOf(Uint8Array.from(Buffer.from(line)), maxFrameSize);
      assert.equal(violation.errorCode, ErrorCode.ProtocolError);
      assert.match(
        violation.message,
        /answered in HTTP\/1\.1, not HTTP\/2: frame header looked like an HTTP\/1\.1 header/,
      );
    }
  }
});

test('other oversized headers that begin with the same letters are only too large', () => {
  for (const line of ['HTTP/1.1x', 'HTTP/2.0 ', 'HTTPS/1.1', 'HTTX/1.1 ']) {
    assert.equal(violationOf(Uint8Array.from(Buffer.from(line))).errorCode, ErrorCode.FrameSizeError, line);
  }
});

const headersOpen = frame(FrameType.Headers, 0, 1, '82');
const promiseOpen = frame(FrameType.PushPromise, 0, 1, '00000002 82');
const sequences: [name: string, bytes: Uint8Array, legal: boolean][] = [
  ['DATA inside a header block', concat(headersOpen, frame(FrameType.Data, 0, 1, '41')), false],
  ['HEADERS inside a header block', concat(headersOpen, frame(FrameType.Headers, Flag.EndHeaders, 1, '82')), false],
  ['SETTINGS inside a header block', concat(headersOpen, frame(FrameType.Settings, 0, 0)), false],
  ['an unknown type inside a header block', concat(headersOpen, frame(0x99, 0, 1)), false],
  ['CONTINUATION for another stream', concat(headersOpen, frame(FrameType.Continuation, 4, 3, '84')), false],
  ['CONTINUATION on stream 0', concat(headersOpen, frame(FrameType.Continuation, 4, 0, '84')), false],
  ['CONTINUATION out of nowhere', frame(FrameType.Continuation, 4, 1, '84'), false],
  ['CONTINUATION on stream 0 out of nowhere', frame(FrameType.Continuation, 4, 0, '84'), false],
  [
    'CONTINUATION after a finished block',
    concat(frame(FrameType.Headers, 4, 1, '82'), frame(FrameType.Continuation, 4, 1, '84')),
    false,
  ],
  ['DATA after an unfinished PUSH_PROMISE', concat(promiseOpen, frame(FrameType.Data, 0, 1, '41')), false],
  [
    'a third frame after a CONTINUATION that did not end the block',
    concat(headersOpen, frame(FrameType.Continuation, 0, 1, '84'), frame(FrameType.Ping, 0, 0, '0000000000000000')),
    false,
  ],
  ['CONTINUATION of the promised stream', concat(promiseOpen, frame(FrameType.Continuation, 4, 2, '84')), false],
  ['CONTINUATION of a PUSH_PROMISE', concat(promiseOpen, frame(FrameType.Continuation, 4, 1, '84')), true],
  [
    'several CONTINUATIONs, one of them empty, and then anything',
    concat(
      headersOpen,
      frame(FrameType.Continuation, 0, 1, '84'),
      frame(FrameType.Continuation, 0, 1),
      frame(FrameType.Continuation, 4, 1, '86'),
      frame(FrameType.Data, 0, 1, '41'),
    ),
    true,
  ],
];
for (const [name, bytes, legal] of sequences) {
  test(`${name} is ${legal ? 'legal' : 'a PROTOCOL_ERROR'}`, () => {
    if (legal) assert.ok(joinPieces(readAll(bytes)).length >= 2);
    else assert.equal(violationOf(bytes).errorCode, ErrorCode.ProtocolError);
  });
}

const P = ErrorCode.ProtocolError;
const S = ErrorCode.FrameSizeError;
const violations: [name: string, frame: Uint8Array, errorCode: number][] = [
  ['DATA on stream 0', frame(FrameType.Data, 0, 0, '41'), P],
  ['DATA with one byte of padding too many', frame(FrameType.Data, 8, 1, '03 41 00'), P],
  ['DATA with padding and nothing it could fill', frame(FrameType.Data, 8, 1, '01'), P],
  ['DATA too short for its pad length', frame(FrameType.Data, 8, 1), S],
  ['HEADERS on stream 0', frame(FrameType.Headers, 4, 0, '82'), P],
  ['HEADERS with padding longer than the payload', frame(FrameType.Headers, 0x0c, 1, '03 82 00'), P],
  ['HEADERS with padding that eats into the priority', frame(FrameType.Headers, 0x2c, 1, '01 0000000000'), P],
  ['HEADERS too short for its pad length', frame(FrameType.Headers, 0x0c, 1), S],
  ['HEADERS too short for its priority', frame(FrameType.Headers, 0x24, 1, '00000000'), S],
  ['HEADERS too short for both', frame(FrameType.Headers, 0x2c, 1, '0000000000'), S],
  ['PUSH_PROMISE too short for its stream', frame(FrameType.PushPromise, 4, 1, '000000'), S],
  ['PUSH_PROMISE too short for pad length and stream', frame(FrameType.PushPromise, 0x0c, 1, '00000000'), S],
  ['PRIORITY on stream 0', frame(FrameType.Priority, 0, 0, '0000000000'), P],
  ['PRIORITY of 4 bytes', frame(FrameType.Priority, 0, 1, '00000000'), S],
  ['PRIORITY of 6 bytes', frame(FrameType.Priority, 0, 1, '000000000000'), S],
  ['RST_STREAM of 3 bytes', frame(FrameType.RstStream, 0, 1, '000000'), S],
  ['RST_STREAM of 5 bytes', frame(FrameType.RstStream, 0, 1, '0000000000'), S],
  ['RST_STREAM on stream 0', frame(FrameType.RstStream, 0, 0, '00000008'), P],
  ['SETTINGS ACK with a payload', frame(FrameType.Settings, 1, 0, '000100001000'), S],
  ['SETTINGS on a stream', frame(FrameType.Settings, 0, 1), P],
  ['SETTINGS ACK on a stream', frame(FrameType.Settings, 1, 1), P],
  ['SETTINGS of 7 bytes', frame(FrameType.Settings, 0, 0, '00010000100000'), S],
  ['SETTINGS of 9 bytes', frame(FrameType.Settings, 0, 0, '000100001000000200'), S],
  ['PING of 7 bytes', frame(FrameType.Ping, 0, 0, '01020304050607'), S],
  ['PING of 9 bytes', frame(FrameType.Ping, 0, 0, '010203040506070809'), S],
  ['PING on a stream', frame(FrameType.Ping, 0, 1, '0102030405060708'), P],
  ['GOAWAY on a stream', frame(FrameType.GoAway, 0, 1, '0000000000000000'), P],
  ['GOAWAY of 7 bytes', frame(FrameType.GoAway, 0, 0, '00000000000000'), S],
  ['WINDOW_UPDATE of 3 bytes', frame(FrameType.WindowUpdate, 0, 0, '000001'), S],
  ['WINDOW_UPDATE of 5 bytes', frame(FrameType.WindowUpdate, 0, 0, '0000000001'), S],
  ['PUSH_PROMISE on stream 0', frame(FrameType.PushPromise, 4, 0, '00000002'), P],
  ['PUSH_PROMISE with too much padding', frame(FrameType.PushPromise, 0x0c, 1, '01 00000002'), P],
  ['PRIORITY_UPDATE on a stream', frame(FrameType.PriorityUpdate, 0, 1, '00000001'), P],
  ['PRIORITY_UPDATE for stream 0', frame(FrameType.PriorityUpdate, 0, 0, '80000000 753d31'), P],
  ['PRIORITY_UPDATE of 3 bytes', frame(FrameType.PriorityUpdate, 0, 0, '000000'), S],
];
for (const [name, bytes, errorCode] of violations) {
  test(`${name} is a ${errorCode === P ? 'PROTOCOL_ERROR' : 'FRAME_SIZE_ERROR'} of the connection`, () => {
    assert.equal(violationOf(bytes).errorCode, errorCode);
  });
}

const legal: [name: string, frame: Uint8Array, expected: Partial<Seen>][] = [
  ['DATA padding may fill the whole payload', frame(0, 8, 1, '03 000000'), { payload: '', overhead: 4 }],
  [
    'DATA padding is stripped and told as overhead',
    frame(0, 9, 1, '02 414243 0000'),
    { payload: '414243', overhead: 3 },
  ],
  ['DATA padding of zero length is one byte of overhead', frame(0, 8, 1, '00 41'), { payload: '41', overhead: 1 }],
  ['a DATA frame of length 0 comes once', frame(0, 1, 1), { payload: '', overhead: 0 }],
  ['HEADERS may carry an empty fragment', frame(1, 4, 1), { payload: '' }],
  ['HEADERS loses its priority fields', frame(1, 0x24, 1, '80000003 10 8284'), { payload: '8284', value: 0 }],
  ['HEADERS loses padding and priority', frame(1, 0x2c, 1, '02 80000003 10 8284 0000'), { payload: '8284' }],
  ['HEADERS padding may leave nothing for the block', frame(1, 0x2c, 1, '02 0000000000 0000'), { payload: '' }],
  ['PRIORITY comes with its five bytes', frame(2, 0, 1, '80000003 ff'), { payload: '80000003ff' }],
  ['RST_STREAM tells its code, 32 bits unsigned', frame(3, 0, 1, 'ffffffff'), { value: 0xffffffff }],
  [
    'SETTINGS comes whole and unjudged',
    frame(4, 0, 0, '0004ffffffff 000200000007'),
    { payload: '0004ffffffff000200000007' },
  ],
  ['SETTINGS may be empty', frame(4, 0, 0), { payload: '' }],
  ['SETTINGS ACK', frame(4, 1, 0), { flags: 1, payload: '' }],
  ['PING comes with its eight bytes', frame(6, 1, 0, '0102030405060708'), { payload: '0102030405060708' }],
  [
    'GOAWAY tells last stream, code and debug data',
    frame(7, 0, 0, '81020304 fffffffe 666f6f'),
    { lastStreamId: 0x01020304, value: 0xfffffffe, payload: '666f6f' },
  ],
  ['GOAWAY may come without debug data', frame(7, 0, 0, '00000000 00000000'), { payload: '' }],
  ['WINDOW_UPDATE masks the top bit', frame(8, 0, 5, 'ffffffff'), { value: 0x7fffffff }],
  ['WINDOW_UPDATE of zero is left to the core', frame(8, 0, 0, '80000000'), { value: 0 }],
  ['PUSH_PROMISE masks the promised stream', frame(5, 4, 1, '80000002 82'), { value: 2, payload: '82' }],
  ['PUSH_PROMISE loses its padding', frame(5, 0x0c, 1, '01 00000002 82 00'), { value: 2, payload: '82' }],
  ['PRIORITY_UPDATE tells stream and value', frame(0x10, 0, 0, '80000005 753d31'), { value: 5, payload: '753d31' }],
  ['an unknown type comes once, its payload skipped', frame(0x99, 0xff, 7, '010203'), { type: 0x99, payload: '' }],
  ['an unknown type may be empty', frame(0x99, 0, 0), { type: 0x99, length: 0, payload: '' }],
  ['ALTSVC is skipped as an unknown type is', frame(0xa, 0, 0, '0000 616263'), { type: 0xa, payload: '' }],
  ['ORIGIN is skipped as an unknown type is', frame(0xc, 0, 0, '0001 61'), { type: 0xc, payload: '' }],
];
for (const [name, bytes, expected] of legal) {
  test(`${name}: legal as it is, and byte by byte the same`, () => {
    const whole = readAll(bytes);
    assert.equal(whole.length, 1, 'one frame, one piece');
    assert.deepEqual({ ...whole[0], ...expected }, whole[0]);
    assert.equal(whole[0]?.length, bytes.length - 9);
    assert.deepEqual(joinPieces(readAll(...cut(bytes, [1]))), whole);
  });
}

test('a PADDED bit on a type that defines none is ignored', () => {
  const [settings, ping] = readAll(frame(4, 8, 0, '000100001000'), frame(6, 0xfe, 0, '0102030405060708'));
  assert.equal(settings?.payload, '000100001000');
  assert.equal(ping?.payload, '0102030405060708');
});

test('DATA comes in pieces as they arrive, and an empty last one when only padding was missing', () => {
  const bytes = frame(FrameType.Data, Flag.Padded | Flag.EndStream, 1, '02 4142434445 0000');
  const pieces = readAll(bytes.subarray(0, 10), bytes.subarray(10, 12), bytes.subarray(12, 16), bytes.subarray(16));
  const common = { type: 0, flags: 9, streamId: 1, length: 8, value: 0, lastStreamId: 0 };
  assert.deepEqual(pieces, [
    { ...common, payload: '4142', first: true, last: false, overhead: 3 },
    { ...common, payload: '434445', first: false, last: false, overhead: 0 },
    { ...common, payload: '', first: false, last: true, overhead: 0 },
  ]);
});

test('DATA is never copied: its pieces are views of the chunks they came in', () => {
  const bytes = frame(FrameType.Data, 0, 1, '41424344');
  const reader = new FrameReader(16_384);
  const chunks = [bytes.slice(0, 11), bytes.slice(11)];
  for (const chunk of chunks) {
    reader.push(chunk);
    assert.equal(reader.next(), true);
    assert.equal(reader.bytes, chunk);
    assert.equal(reader.next(), false);
  }
});

test('any other payload inside one chunk is a view of it, even when its header came in another', () => {
  const bytes = frame(FrameType.Headers, Flag.EndHeaders, 1, '828486');
  for (const at of [0, 5, 9]) {
    const reader = new FrameReader(16_384);
    const tail = bytes.slice(at);
    readInto(reader, [bytes.subarray(0, at)]);
    reader.push(tail);
    assert.equal(reader.next(), true);
    assert.equal(reader.bytes, tail, `cut at ${at}`);
    assert.equal(toHex(reader.bytes.subarray(reader.start, reader.end)), '828486');
  }
});

test('a gathered payload does not depend on the chunks it was gathered from', () => {
  const bytes = frame(FrameType.Headers, Flag.EndHeaders, 1, '82848688');
  const reader = new FrameReader(16_384);
  const lent = bytes.slice(0, 11);
  reader.push(lent);
  assert.equal(reader.next(), false);
  lent.fill(0xee); // the chunk was borrowed only until here
  reader.push(bytes.slice(11));
  assert.equal(reader.next(), true);
  assert.equal(toHex(reader.bytes.subarray(reader.start, reader.end)), '82848688');
});

test('gathered payloads of rising and falling size follow one another unharmed', () => {
  const sizes = [10, 1_024, 1_025, 30, 16_384, 40_000, 7, 2_000, 60_000, 0, 1];
  const frames = sizes.map((size, i) => frame(FrameType.Headers, Flag.EndHeaders, 1, new Uint8Array(size).fill(i + 1)));
  const seen = readInto(new FrameReader(65_536), cut(concat(...frames), [1_000, 3]));
  assert.deepEqual(
    seen.map((one) => one.payload),
    sizes.map((size, i) => `0${(i + 1).toString(16)}`.repeat(size)),
  );
});

test('a large payload is gathered in a buffer that goes with it; smaller ones share one', () => {
  const reader = new FrameReader(65_536);
  const gather = (size: number): ArrayBufferLike => {
    const bytes = frame(FrameType.Headers, Flag.EndHeaders, 1, new Uint8Array(size));
    readInto(reader, [bytes.subarray(0, 20)]);
    reader.push(bytes.subarray(20));
    assert.equal(reader.next(), true);
    const { buffer } = reader.bytes;
    assert.equal(reader.next(), false);
    return buffer;
  };
  assert.ok(gather(60_000).byteLength <= 65_536, 'bounded by maxFrameSize');
  const small = gather(16_384);
  assert.equal(small.byteLength, 16_384, 'the large buffer is gone');
  assert.equal(gather(100), small, 'no new buffer for each frame');
});

test('fields that a frame does not have are not left over from the one before', () => {
  const seen = readAll(
    concat(
      frame(FrameType.GoAway, 0, 0, '00000005 00000002 61'),
      frame(FrameType.Data, Flag.Padded, 1, '01 41 00'),
      frame(FrameType.Data, 0, 1, '42'),
      frame(FrameType.Ping, 0, 0, '0102030405060708'),
    ),
  );
  assert.deepEqual(
    seen.map((one) => [one.value, one.lastStreamId, one.overhead]),
    [
      [2, 5, 0],
      [0, 0, 2],
      [0, 0, 0],
      [0, 0, 0],
    ],
  );
});

test('a reader that has run dry holds no chunk', () => {
  const reader = new FrameReader(16_384);
  reader.push(frame(FrameType.Data, 0, 1, '41'));
  assert.equal(reader.next(), true);
  assert.equal(reader.next(), false);
  assert.equal(reader.bytes.length, 0);
});

test('a chunk pushed before the previous one is used up is a mistake of the caller and named as one', () => {
  const reader = new FrameReader(16_384);
  reader.push(frame(FrameType.Settings, 0, 0));
  assert.throws(() => reader.push(new Uint8Array(1)), /next\(\)/);
});

test('frames before a violation in the same chunk are delivered, and nothing after it ever is', () => {
  const reader = new FrameReader(16_384);
  reader.push(concat(frame(FrameType.Settings, 0, 0), frame(FrameType.Data, 0, 0), frame(FrameType.Settings, 1, 0)));
  assert.equal(reader.next(), true);
  assert.throws(() => reader.next(), ProtocolViolation);
  assert.deepEqual([reader.type, reader.streamId, reader.length], [FrameType.Data, 0, 0], 'the culprit can be logged');
  reader.push(frame(FrameType.Settings, 0, 0));
  assert.throws(() => reader.next(), /DATA frame on stream 0/);
});

test('the number readers are unsigned and big-endian', () => {
  assert.equal(uint16(hex('00fffe'), 1), 0xfffe);
  assert.equal(uint32(hex('00fffefdfc'), 1), 0xfffefdfc);
});
