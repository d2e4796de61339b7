import assert from 'node:assert/strict';
import { test } from 'node:test';
import { FrameType } from '../../dist/wire/constants.js';
import { OutputBuffer } from '../../dist/wire/output.js';
import { FrameWriter } from '../../dist/wire/writer.js';
import { hex, readAll, toHex } from './support.js';

function written(write: (writer: FrameWriter) => void): string {
  const out = new OutputBuffer();
  write(new FrameWriter(out));
  const sealed = out.length;
  const bytes = out.take(sealed);
  assert.equal(bytes.length, sealed);
  return toHex(bytes);
}

const bytes = hex('0102030405060708');
const vectors: [name: string, write: (writer: FrameWriter) => void, expected: string][] = [
  ['DATA', (w) => w.data(0x01020304, hex('414243'), 0, 3, true), '000003 00 01 01020304 414243'],
  ['a part of a DATA source', (w) => w.data(1, hex('4142434445'), 1, 3, false), '000002 00 00 00000001 4243'],
  ['empty DATA', (w) => w.data(3, hex('41'), 1, 1, true), '000000 00 01 00000003'],
  ['SETTINGS ACK', (w) => w.settingsAck(), '000000 04 01 00000000'],
  [
    'SETTINGS',
    (w) =>
      w.settings([
        [1, 2],
        [3, 4],
      ]),
    '00000c 04 00 00000000 0001 00000002 0003 00000004',
  ],
  ['SETTINGS at its bounds', (w) => w.settings([[0xffff, 0xffffffff]]), '000006 04 00 00000000 ffff ffffffff'],
  ['empty SETTINGS', (w) => w.settings([]), '000000 04 00 00000000'],
  ['RST_STREAM', (w) => w.rstStream(0x01020304, 0x07060504), '000004 03 00 01020304 07060504'],
  ['WINDOW_UPDATE', (w) => w.windowUpdate(0x01020304, 0x07060504), '000004 08 00 01020304 07060504'],
  ['PING', (w) => w.ping(bytes, false), '000008 06 00 00000000 0102030405060708'],
  ['PING ACK', (w) => w.ping(bytes, true), '000008 06 01 00000000 0102030405060708'],
  ['GOAWAY', (w) => w.goAway(0x01020304, 0x05060708, hex('666f6f')), '00000b 07 00 00000000 01020304 05060708 666f6f'],
  ['GOAWAY without debug data', (w) => w.goAway(0, 0), '000008 07 00 00000000 00000000 00000000'],
  ['HEADERS', (w) => w.headers(5, hex('8284'), true, 16_384), '000002 01 05 00000005 8284'],
  ['empty HEADERS', (w) => w.headers(5, hex(''), false, 16_384), '000000 01 04 00000005'],
  ['the preface', (w) => w.preface(), '505249202a20485454502f322e300d0a0d0a534d0d0a0d0a'],
];
for (const [name, write, expected] of vectors) {
  test(`${name} has these bytes`, () => assert.equal(written(write), expected.replaceAll(' ', '')));
}

test('a block of 40,038 bytes goes out as 16,384 + 16,384 + 7,270', () => {
  const block = Uint8Array.from({ length: 40_038 }, (_, i) => i % 251);
  const frames = readAll(hex(written((w) => w.headers(7, block, true, 16_384))));
  assert.deepEqual(
    frames.map((one) => [one.type, one.flags, one.streamId, one.length]),
    [
      [FrameType.Headers, 0x1, 7, 16_384],
      [FrameType.Continuation, 0x0, 7, 16_384],
      [FrameType.Continuation, 0x4, 7, 7_270],
    ],
  );
  assert.equal(frames.map((one) => one.payload).join(''), toHex(block));
});

test('a block that fits exactly makes no empty CONTINUATION', () => {
  const shape = (size: number): string =>
    readAll(hex(written((w) => w.headers(1, new Uint8Array(size), false, 4))))
      .map((one) => `${one.type}/${one.flags}/${one.length}`)
      .join(' ');
  assert.equal(shape(4), '1/4/4');
  assert.equal(shape(5), '1/0/4 9/4/1');
  assert.equal(shape(8), '1/0/4 9/4/4');
});

test('a length of 2^24 is refused, and one below it is not', () => {
  const source = new Uint8Array(0x1000000);
  assert.equal(written((w) => w.data(1, source, 1, source.length, false)).slice(0, 6), 'ffffff');
  refused((w) => w.data(1, source, 0, source.length, false));
  refused((w) => w.goAway(0, 0, source.subarray(8)));
});

test('a stream identifier of 0, with the top bit set, or no integer is refused', () => {
  for (const id of [0, -1, 0x80000000, 0xffffffff, 1.5, NaN, Infinity]) {
    refused((w) => w.data(id, bytes, 0, 1, false));
    refused((w) => w.headers(id, bytes, false, 16_384));
    refused((w) => w.rstStream(id, 8));
    if (id !== 0) refused((w) => w.windowUpdate(id, 1));
  }
  assert.match(
    written((w) => w.rstStream(0x7fffffff, 8)),
    /^00000403007fffffff/,
  );
});

test('a window increment outside 1 to 2^31-1 is refused, for a stream and for the connection', () => {
  for (const increment of [0, -1, 0x80000000, 0.5, NaN]) {
    refused((w) => w.windowUpdate(0, increment));
    refused((w) => w.windowUpdate(1, increment));
  }
  assert.equal(
    written((w) => w.windowUpdate(0, 0x7fffffff)),
    '0000040800000000007fffffff',
  );
});

test('GOAWAY clears the top bit of the last stream', () => {
  assert.equal(written((w) => w.goAway(0x81020304, 0)).slice(18, 26), '01020304');
});

test('values that their field cannot hold are refused', () => {
  refused((w) => w.rstStream(1, 0x100000000));
  refused((w) => w.rstStream(1, -1));
  refused((w) => w.goAway(0, -1));
  refused((w) =>
    w.settings([
      [1, 1],
      [0x10000, 0],
    ]),
  );
  refused((w) =>
    w.settings([
      [1, 1],
      [-1, 0],
    ]),
  );
  refused((w) =>
    w.settings([
      [1, 1],
      [1, 0x100000000],
    ]),
  );
  refused((w) =>
    w.settings([
      [1, 1],
      [1, NaN],
    ]),
  );
  refused((w) => w.ping(bytes.subarray(1), false));
  for (const size of [0, -1, 0x1000000, NaN]) refused((w) => w.headers(1, bytes, false, size));
});

test('a range outside its DATA source is refused', () => {
  refused((w) => w.data(1, bytes, 0, 9, false));
  refused((w) => w.data(1, bytes, 5, 4, false));
  refused((w) => w.data(1, bytes, -1, 4, false));
  refused((w) => w.data(1, bytes, 0, NaN, false));
});

test('DATA from a buffer that was transferred is refused', () => {
  const gone = new Uint8Array(8);
  structuredClone(gone.buffer, { transfer: [gone.buffer] });
  refused((w) => w.data(1, gone, 0, 0, true), TypeError);
});

/** Refused, and nothing sealed: what is thrown out leaves no trace on the wire. */
function refused(write: (writer: FrameWriter) => void, type: ErrorConstructor = RangeError): void {
  const out = new OutputBuffer();
  assert.throws(() => write(new FrameWriter(out)), type);
  assert.equal(out.length, 0);
}
