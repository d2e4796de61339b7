import assert from 'node:assert/strict';
import { test } from 'node:test';
import { encodeFields } from '../support/hpack.js';
import { frame, harness, uint32, type Call, type Harness } from '../support/harness.js';
import { flag, type as frameType } from '../support/raw-server.js';

type Fields = readonly (readonly [string, string])[];

/** A harness with one request out, of which nothing has come back. */
function asked(method = 'GET'): { h: Harness; r: Call } {
  const h = harness().greet();
  const r = h.open(method, '/', [], false);
  h.expect.headers(r, { end: true });
  return { h, r };
}

/** That the stream alone fails, with this code, and that the connection carries the next request. */
function failsAlone(h: Harness, r: Call, errorCode: number, code: string, why: string): void {
  h.expect.reset(r, errorCode, why);
  assert.equal(r.error?.code, code, why);
  assert.equal(r.ended, false, why);
  assert.equal(h.failure, undefined, why);
  assert.equal(h.view.streams.size, 0, why);
  const next = h.get('/next');
  h.expect.headers(next, { end: true });
  h.peer.headers(next, 204, { end: true });
  assert.equal(next.ended, true, why);
  r.read();
  h.finish();
}

// --- E.1: the header block ---

test('RFC 9113 8.3.2: a response whose :status is missing or not three digits fails its stream alone', () => {
  const blocks: Fields[] = [
    [['server', 'x']],
    ...['', 'abc', '+200', '20', '-5', '99999', '2000', '099', '000', ' 200', '2 0', '0x1'].map((status): Fields => [
      [':status', status],
    ]),
  ];
  for (const block of blocks) {
    const { h, r } = asked();
    h.peer.block(r.id, block, true);
    assert.equal(r.status, undefined);
    failsAlone(h, r, 1, 'ERR_PASSINGLANE_PROTOCOL', JSON.stringify(block));
  }
});

test('every status from 200 to 999 is a response', () => {
  const { h } = asked();
  for (const status of [200, 299, 300, 404, 599, 600, 999]) {
    const r = h.get('/');
    h.expect.headers(r, { end: true });
    h.peer.headers(r, status, { end: true });
    assert.deepEqual([r.status, r.ended], [status, true]);
  }
});

test('fields arrive in wire order, repeated ones one by one', () => {
  const { h, r } = asked();
  h.peer.headers(r, 200, {
    end: true,
    fields: [
      ['set-cookie', 'a=1'],
      ['server', 'x'],
      ['set-cookie', 'b=2'],
    ],
  });
  assert.deepEqual(r.fields, ['set-cookie', 'a=1', 'server', 'x', 'set-cookie', 'b=2']);
  h.finish();
});

test('RFC 9113 8.2, 8.3: a malformed field fails its stream alone, and the message has no value in it', () => {
  const fields: Fields = [
    ['Server', 'secret'],
    ['a b', 'secret'],
    ['', 'secret'],
    ['x', 'secret\r\ny: z'],
    ['x', 'secret\0'],
    [':unknown', 'secret'],
    [':path', '/secret'],
    [':status', '200'],
    ['connection', 'close'],
    ['transfer-encoding', 'chunked'],
    ['te', 'secret'],
  ];
  for (const [name, value] of fields) {
    const { h, r } = asked();
    h.peer.headers(r, 200, { fields: [[name, value]] });
    assert.ok(r.error !== undefined && !r.error.message.includes('secret'), r.error?.message);
    failsAlone(h, r, 1, 'ERR_PASSINGLANE_PROTOCOL', `${name}: ${value}`);
  }
});

test('RFC 9113 8.3: a pseudo-field after a regular one fails its stream', () => {
  const { h, r } = asked();
  h.peer.block(r.id, [
    ['server', 'x'],
    [':status', '200'],
  ]);
  failsAlone(h, r, 1, 'ERR_PASSINGLANE_PROTOCOL', 'misplaced');
});

test('a header list over the limit fails its stream, and what follows in the table is still read', () => {
  const h = harness({ config: { maxHeaderListSize: 8_192 } }).greet();
  const r = h.get('/');
  h.expect.headers(r, { end: true });
  const many: Fields = Array.from({ length: 10 }, (_, i) => [`x-${i}`, 'v'.repeat(1_000)]);
  h.peer.headers(r, 200, { fields: many });
  failsAlone(h, r, 1, 'ERR_PASSINGLANE_HEADERS_TOO_LARGE', 'over maxHeaderListSize');
});

test('one value over the limit is an oversized list too, not the end of the connection as in Go', () => {
  const h = harness({ config: { maxHeaderListSize: 8_192 } }).greet();
  const r = h.get('/');
  h.expect.headers(r, { end: true });
  h.peer.headers(r, 200, { fields: [['x', 'v'.repeat(9_000)]] });
  failsAlone(h, r, 1, 'ERR_PASSINGLANE_HEADERS_TOO_LARGE', 'one field over maxHeaderListSize');
});

test('RFC 9113 4.3: a block that cannot be decompressed ends the connection with COMPRESSION_ERROR', () => {
  const { h, r } = asked();
  h.peer.frame(frameType.headers, flag.endHeaders, r.id, Buffer.of(0xff, 0xff, 0xff, 0xff, 0xff, 0xff));
  h.expect.goAway(9, 'COMPRESSION_ERROR');
  assert.equal(r.error?.code, 'ERR_PASSINGLANE_PROTOCOL');
  h.expect.failed('ERR_PASSINGLANE_PROTOCOL', 'the table is lost');
});

test('RFC 9113 4.3: a block for a stream that was reset is decoded, since the next one refers to it', () => {
  const { h, r } = asked();
  r.reset();
  h.expect.reset(r, 8, 'CANCEL');
  h.peer.pong(h.expect.ping('with the reset'));
  // Literal with incremental indexing: `x-a: b` becomes entry 62.
  const indexed = Buffer.concat([Buffer.of(0x88, 0x40, 3), Buffer.from('x-a'), Buffer.of(1), Buffer.from('b')]);
  h.peer.frame(frameType.headers, flag.endHeaders, r.id, indexed);
  assert.equal(r.status, undefined, 'nobody is told');
  const next = h.get('/next');
  h.expect.headers(next, { end: true });
  h.peer.frame(frameType.headers, flag.endHeaders | flag.endStream, next.id, Buffer.of(0x88, 0x80 | 62));
  assert.deepEqual(next.fields, ['x-a', 'b']);
  h.finish();
});

test('RFC 9113 5.1: a frame for a stream that was never opened ends the connection', () => {
  const block = encodeFields([[':status', '200']]);
  const frames: [string, (id: number) => Buffer][] = [
    ['HEADERS', (id) => frame(frameType.headers, flag.endHeaders, id, block)],
    ['DATA', (id) => frame(frameType.data, 0, id, Buffer.from('x'))],
    ['RST_STREAM', (id) => frame(frameType.rstStream, 0, id, uint32(8))],
    ['WINDOW_UPDATE', (id) => frame(frameType.windowUpdate, 0, id, uint32(1))],
    ['WINDOW_UPDATE of 0', (id) => frame(frameType.windowUpdate, 0, id, uint32(0))],
  ];
  for (const [name, make] of frames) {
    for (const id of [2, 3, 4, 101]) {
      const { h, r } = asked();
      h.peer.bytes(make(id));
      h.expect.goAway(1, `${name} on stream ${id}`);
      h.expect.failed('ERR_PASSINGLANE_PROTOCOL', `${name} on stream ${id}`);
      assert.equal(r.error?.code, 'ERR_PASSINGLANE_PROTOCOL');
      assert.equal(r.error.unprocessed, false);
    }
  }
});

test('RFC 9113 5.1: RST_STREAM and WINDOW_UPDATE for streams that are over are ignored', () => {
  const { h, r } = asked();
  h.peer.headers(r, 200, { end: true });
  h.peer.reset(r, 8);
  h.peer.windowUpdate(r.id, 1);
  h.peer.windowUpdate(r.id, 0x7fff_ffff);
  h.expect.quiet('nothing is answered');
  assert.equal(h.failure, undefined);
  assert.deepEqual([r.status, r.ended, r.error], [200, true, undefined]);
  h.finish();
});

test('RFC 9113 5.1: after END_STREAM, HEADERS and DATA fail a stream that we still send on', () => {
  for (const what of ['HEADERS', 'DATA']) {
    const h = harness().greet();
    const r = h.post('/up');
    h.expect.headers(r);
    h.peer.headers(r, 200, { end: true });
    if (what === 'HEADERS') h.peer.trailers(r, [['x', 'y']]);
    else h.peer.data(r, 'late');
    h.expect.reset(r, 5, 'STREAM_CLOSED, as section 5.1 asks; Go says PROTOCOL_ERROR');
    assert.equal(r.ended, true, 'the response stands');
    assert.equal(r.error?.errorCode, 'STREAM_CLOSED', 'the upload is told');
    assert.equal(h.failure, undefined);
    h.finish();
  }
});

// --- E.2: informational responses ---

test('any number of 1xx blocks of any code come before the final one', () => {
  const { h, r } = asked();
  for (const status of [100, 102, 103, 199, 150, 103]) h.peer.headers(r, status);
  assert.equal(r.status, undefined);
  h.peer.headers(r, 200, { end: true });
  assert.deepEqual(r.informational, [100, 102, 103, 199, 150, 103]);
  assert.deepEqual([r.status, r.ended], [200, true]);
  h.finish();
});

test('RFC 9113 8.1: a 1xx block with END_STREAM fails the stream', () => {
  const { h, r } = asked();
  h.peer.headers(r, 103, { end: true });
  failsAlone(h, r, 1, 'ERR_PASSINGLANE_PROTOCOL', 'END_STREAM on 1xx');
});

test('RFC 9113 8.6: 101 does not exist in HTTP/2', () => {
  const { h, r } = asked();
  h.peer.headers(r, 101);
  assert.deepEqual(r.informational, []);
  failsAlone(h, r, 1, 'ERR_PASSINGLANE_PROTOCOL', '101');
});

test('1xx blocks without end fail the stream once all of them are over the limit', () => {
  const h = harness().greet();
  const r = h.open('GET', '/', [], false, { informationalLimit: 10_000 });
  h.expect.headers(r, { end: true });
  const size = 42 + 1 + 1_000 + 32; // :status and its value, then the field, 32 more each (RFC 9113 6.5.2)
  const fits = Math.floor(10_000 / size);
  for (let i = 0; i < fits; i++) h.peer.headers(r, 103, { fields: [['x', 'v'.repeat(1_000)]] });
  assert.deepEqual([r.informational.length, r.error], [fits, undefined]);
  h.peer.headers(r, 103, { fields: [['x', 'v'.repeat(1_000)]] });
  failsAlone(h, r, 11, 'ERR_PASSINGLANE_PROTOCOL', 'ENHANCE_YOUR_CALM');
  assert.equal(r.informational.length, fits);
});

test('where the limit is off, 1xx blocks have none', () => {
  const h = harness().greet();
  const r = h.open('GET', '/', [], false, { informationalLimit: Infinity });
  h.expect.headers(r, { end: true });
  for (let i = 0; i < 2_000; i++) h.peer.headers(r, 103, { fields: [['x', 'v'.repeat(1_000)]] });
  h.peer.headers(r, 200, { end: true });
  assert.deepEqual([r.informational.length, r.ended], [2_000, true]);
  h.finish();
});

test('DATA before the final headers fails the stream, its credit comes back, and others go on', () => {
  for (const informational of [false, true]) {
    const h = harness({ connectionWindow: 65_535 }).greet();
    const r = h.get('/');
    h.expect.headers(r, { end: true });
    if (informational) h.peer.headers(r, 100);
    h.peer.data(r, 40_000);
    h.expect.reset(r, 1, 'PROTOCOL_ERROR');
    h.expect.connectionCredit(40_000, 'charged and given back, so that the peer does not lose its window');
    assert.deepEqual([r.error?.code, r.body, r.ended], ['ERR_PASSINGLANE_PROTOCOL', '', false]);
    h.finish();
  }
});

test('RFC 9113 8.1: a 1xx block after the final headers is no trailer section', () => {
  const { h, r } = asked();
  h.peer.headers(r, 200);
  h.peer.headers(r, 103);
  failsAlone(h, r, 1, 'ERR_PASSINGLANE_PROTOCOL', ':status in trailers');
});

// --- E.5: the body ---

test('END_STREAM may come on HEADERS, on DATA, on empty DATA, or on padding alone', () => {
  const endings: [string, (h: Harness, r: Call) => void][] = [
    ['HEADERS', (h, r) => h.peer.headers(r, 200, { end: true })],
    ['DATA', (h, r) => (h.peer.headers(r, 200), h.peer.data(r, 'x', true))],
    ['empty DATA', (h, r) => (h.peer.headers(r, 200), h.peer.data(r, 'x'), h.peer.data(r, '', true))],
    ['padding', (h, r) => (h.peer.headers(r, 200), h.peer.data(r, 'x'), h.peer.padded(r, '', 9, true))],
  ];
  for (const [how, end] of endings) {
    const { h, r } = asked();
    end(h, r);
    assert.deepEqual([r.ended, r.body, r.error], [true, how === 'HEADERS' ? '' : 'x', undefined], how);
    assert.equal(h.view.streams.size, 0, how);
    r.read();
    h.finish();
  }
});

test('a response to HEAD, a 204 and a 304 may declare a length, and end with empty DATA', () => {
  for (const [method, status] of [
    ['HEAD', 200],
    ['GET', 204],
    ['GET', 304],
  ] as const) {
    const { h, r } = asked(method);
    h.peer.headers(r, status, { fields: [['content-length', '42']] });
    h.peer.data(r, '', true);
    assert.deepEqual([r.ended, r.error], [true, undefined], `${method} ${status}`);
    h.finish();
  }
});

test('DATA with bytes where no body can be fails the stream, and its credit comes back', () => {
  for (const [method, status] of [
    ['HEAD', 200],
    ['GET', 204],
    ['GET', 304],
  ] as const) {
    const h = harness({ connectionWindow: 65_535 }).greet();
    const r = h.open(method, '/', [], false);
    h.expect.headers(r, { end: true });
    h.peer.headers(r, status);
    h.peer.data(r, 48_000);
    h.expect.reset(r, 1, 'PROTOCOL_ERROR');
    h.expect.connectionCredit(48_000, 'all three frames');
    assert.deepEqual([r.status, r.body, r.ended], [status, '', false], 'the headers stay valid');
    assert.equal(r.error?.code, 'ERR_PASSINGLANE_PROTOCOL');
    h.finish();
  }
});

test('END_STREAM on the headers with a length above 0 is a body cut short; with 0 or none it is whole', () => {
  for (const [length, whole] of [
    ['42', false],
    ['0', true],
  ] as const) {
    const { h, r } = asked();
    h.peer.headers(r, 200, { end: true, fields: [['content-length', length]] });
    assert.equal(r.status, 200, 'the headers are delivered');
    assert.equal(r.ended, whole);
    if (whole) h.finish();
    else failsAlone(h, r, 1, 'ERR_PASSINGLANE_RESPONSE_LENGTH', 'shorter than declared');
  }
});

test('RFC 9113 8.1.1: trailers end a body too, and one that is too short is not whole', () => {
  const { h, r } = asked();
  h.peer.headers(r, 200, { fields: [['content-length', '5']] });
  h.peer.data(r, 'abc');
  h.peer.trailers(r, [['x', 'y']]);
  assert.deepEqual([r.body, r.trailers], ['abc', undefined]);
  failsAlone(h, r, 1, 'ERR_PASSINGLANE_RESPONSE_LENGTH', 'shorter');
});

test('bytes beyond the declared length are never delivered, nor those of later frames', () => {
  const { h, r } = asked();
  h.peer.headers(r, 200, { fields: [['content-length', '5']] });
  h.peer.data(r, 'abcde');
  assert.equal(r.error, undefined);
  h.peer.data(r, 'f');
  h.peer.data(r, 'g', true);
  assert.equal(r.body, 'abcde');
  failsAlone(h, r, 1, 'ERR_PASSINGLANE_RESPONSE_LENGTH', 'longer');
});

test('what came before the connection ended stands, and a whole response is untouched by it', () => {
  const h = harness().greet();
  const [whole, part] = [h.get('/1'), h.get('/2')] as const;
  for (const r of [whole, part]) {
    h.expect.headers(r, { end: true });
    h.peer.headers(r, 200);
    h.peer.data(r, 'some', r === whole);
  }
  h.peer.close();
  assert.deepEqual([whole.ended, whole.error, whole.body], [true, undefined, 'some']);
  assert.deepEqual([part.ended, part.error?.code, part.body], [false, 'ERR_PASSINGLANE_CONNECTION_LOST', 'some']);
  assert.equal(part.error?.unprocessed, false);
});

test('resetting a stream that is over sends nothing', () => {
  const { h, r } = asked();
  h.peer.headers(r, 200, { end: true });
  r.reset();
  h.expect.quiet('both sides had ended');
  h.finish();
});

test('an upload goes on after the response has ended, and the stream ends with it', () => {
  const h = harness().greet();
  const r = h.post('/up');
  h.expect.headers(r);
  h.peer.headers(r, 200, { end: true });
  assert.equal(h.view.streams.size, 1);
  r.send('still', true);
  h.expect.data(r, 'still', true);
  assert.equal(h.view.streams.size, 0);
  assert.deepEqual([r.ended, r.error, r.sent], [true, undefined, true]);
  h.finish();
});

// --- E.6: trailers ---

test('trailers come with the end, in wire order, with a body and without one', () => {
  for (const body of ['', 'abc']) {
    const { h, r } = asked();
    h.peer.headers(r, 200);
    if (body !== '') h.peer.data(r, body);
    assert.equal(r.ended, false);
    h.peer.trailers(r, [
      ['grpc-status', '0'],
      ['x', 'y'],
    ]);
    assert.deepEqual([r.ended, r.body, r.trailers], [true, body, ['grpc-status', '0', 'x', 'y']]);
    r.read();
    h.finish();
  }
});

test('a bad field in trailers fails the stream, and no body byte before it is lost', () => {
  for (const [name, value] of [
    [':status', '200'],
    ['Upper', 'x'],
    ['', 'x'],
    ['x', 'a\nb'],
    ['connection', 'close'],
  ] as const) {
    const { h, r } = asked();
    h.peer.headers(r, 200);
    h.peer.data(r, 'body');
    h.peer.trailers(r, [[name, value]]);
    assert.equal(r.body, 'body');
    failsAlone(h, r, 1, 'ERR_PASSINGLANE_PROTOCOL', name);
  }
});

test('trailers over the limit fail the stream as headers do; they are never cut', () => {
  const h = harness({ config: { maxHeaderListSize: 8_192 } }).greet();
  const r = h.get('/');
  h.expect.headers(r, { end: true });
  h.peer.headers(r, 200);
  h.peer.trailers(r, [['x', 'v'.repeat(8_192)]]);
  assert.equal(r.trailers, undefined);
  failsAlone(h, r, 1, 'ERR_PASSINGLANE_HEADERS_TOO_LARGE', 'trailers over maxHeaderListSize');
});
