import assert from 'node:assert/strict';
import { test } from 'node:test';
import { fieldListSize } from '../../dist/protocol/request-fields.js';
import { frame, harness } from '../support/harness.js';
import { flag, type as frameType } from '../support/raw-server.js';

const head = [':authority', 'test.example', ':method', 'GET', ':path', '/', ':scheme', 'https'];

test('a header list as large as the peer accepts goes out, one byte more does not, and a limit of 0 is none', () => {
  const room = 1_000 - fieldListSize([...head, 'x', '']);
  const h = harness().greet({ maxHeaderListSize: 1_000 });
  assert.throws(() => h.get('/', ['x', 'y'.repeat(room + 1)]), { code: 'ERR_PASSINGLANE_HEADERS_TOO_LARGE' });
  h.expect.headers(h.get('/', ['x', 'y'.repeat(room)]), { end: true });
  h.peer.settings({ maxHeaderListSize: 0 });
  h.expect.frame(frameType.settings, 0, 'the ACK');
  h.expect.headers(h.get('/', ['x', 'y'.repeat(100_000)]), { end: true }, 'no limit');
  h.finish();
});

test('a request that is refused leaves the compression table as it was', () => {
  const h = harness().greet({ maxHeaderListSize: 300 });
  h.expect.headers(h.get('/', ['x-a', '1']), { end: true });
  assert.throws(() => h.get('/', ['x-b', '2', 'x-c', 'y'.repeat(300)]), { code: 'ERR_PASSINGLANE_HEADERS_TOO_LARGE' });
  assert.throws(() => h.get('/', ['x-b', '2', 'x-c', '\n']), { code: 'ERR_PASSINGLANE_INVALID_HEADER' });
  const sent = h.expect.headers(h.get('/', ['x-a', '1', 'x-b', '2']), { end: true });
  assert.deepEqual(sent.fields?.slice(-2), ['x-a: 1', 'x-b: 2'], "the peer's table agrees with ours");
  h.finish();
});

test("trailers are split by the peer's frame size at the time when they go out", () => {
  const h = harness().greet({ maxFrameSize: 32_768 });
  const r = h.post('/');
  h.expect.headers(r);
  h.peer.settings({ maxFrameSize: 16_384 });
  h.expect.frame(frameType.settings, 0, 'the ACK');
  h.connection.sendTrailers(r.stream, ['x-sum', 'é'.repeat(20_000)]);
  const bytes = Buffer.from(h.connection.takeOutput(65_536, h.now));
  const first = bytes.readUIntBE(0, 3);
  assert.equal(first, 16_384);
  const rest = bytes.subarray(9 + first);
  assert.deepEqual(
    bytes.subarray(0, 9),
    frame(frameType.headers, flag.endStream, r.id, new Uint8Array(16_384)).subarray(0, 9),
  );
  assert.equal(rest[3], frameType.continuation);
  assert.equal(rest[4], flag.endHeaders);
  assert.equal(rest.readUIntBE(0, 3), rest.length - 9);
});
