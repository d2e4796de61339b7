/** What a connection says first, what it assumes of its peer until that has spoken, and the tables it compresses with. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { harness, uint32, type HarnessOptions } from '../support/harness.js';
import { flag, type as frameType } from '../support/raw-server.js';

const names = ['', 'HEADER_TABLE_SIZE', 'ENABLE_PUSH', 'MAX_CONCURRENT_STREAMS', 'INITIAL_WINDOW_SIZE'];
names.push('MAX_FRAME_SIZE', 'MAX_HEADER_LIST_SIZE');

/** The settings in our first frame, in their order. */
function said(options: HarnessOptions): string[] {
  const h = harness(options);
  const { payload } = h.expect.frame(frameType.settings, 0, 'our SETTINGS');
  const entries = [];
  for (let at = 0; at < payload.length; at += 6)
    entries.push(`${names[payload.readUInt16BE(at)]}=${payload.readUInt32BE(at + 2)}`);
  return entries;
}

test('preface, SETTINGS and the connection window go out in one write, before the peer has said anything', () => {
  const h = harness();
  const bytes = Buffer.from(h.connection.takeOutput(65_536, h.now));
  assert.equal(bytes.toString('latin1', 0, 24), 'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n');
  const settings = 9 + bytes.readUIntBE(24, 3);
  assert.equal(bytes[27], frameType.settings);
  const update = bytes.subarray(24 + settings);
  assert.deepEqual([update[3], update.length], [frameType.windowUpdate, 13]);
  assert.equal(update.readUInt32BE(9) + 65_535, 16_777_216, 'a window of 16 MiB');
  assert.equal(h.connection.takeOutput(65_536, h.now).length, 0);
});

test('a request may follow the preface without waiting for SETTINGS', () => {
  const h = harness();
  const call = h.get('/');
  h.expect.frame(frameType.settings, 0, 'our SETTINGS');
  h.expect.frame(frameType.windowUpdate, 0, 'our window');
  h.expect.headers(call, { end: true });
});

test('the first SETTINGS have their order, and HEADER_TABLE_SIZE only where it is not 4096', () => {
  assert.deepEqual(said({}), [
    'ENABLE_PUSH=0',
    'INITIAL_WINDOW_SIZE=262144',
    'MAX_FRAME_SIZE=16384',
    'MAX_HEADER_LIST_SIZE=65536',
  ]);
  const config = { headerTableSize: 0, maxFrameSize: 20_000, maxHeaderListSize: 1 };
  assert.deepEqual(said({ window: 100, config }), [
    'ENABLE_PUSH=0',
    'INITIAL_WINDOW_SIZE=100',
    'MAX_FRAME_SIZE=20000',
    'MAX_HEADER_LIST_SIZE=1',
    'HEADER_TABLE_SIZE=0',
  ]);
});

test('a connection window of the protocol’s own size needs no WINDOW_UPDATE', () => {
  const h = harness({ connectionWindow: 65_535 });
  h.expect.frame(frameType.settings, 0, 'our SETTINGS');
  h.expect.quiet('nothing to raise');
});

test('until its SETTINGS the peer has the values of the protocol, and is taken to allow 100 streams', () => {
  const h = harness();
  const { peer, sendWindow } = h.view;
  const assumed = [peer.maxFrameSize, peer.initialWindow, peer.headerTableSize, peer.maxHeaderListSize, sendWindow];
  assert.deepEqual(assumed, [16_384, 65_535, 4_096, Infinity, 65_535]);
  assert.equal(peer.maxConcurrentStreams, 100);
  const call = h.post('/');
  call.send(Buffer.alloc(100_000), true);
  const data = h.pending.filter(({ type }) => type === frameType.data).map(({ payload }) => payload.length);
  assert.deepEqual(data, [16_384, 16_384, 16_384, 16_383]);
});

test('the table that we compress with is no larger than encoderTableSize, whatever the peer allows', () => {
  const sizes = (encoderTableSize: number): [first: number, again: number] => {
    const h = harness({ config: { encoderTableSize } }).greet({ headerTableSize: 65_536 });
    const block = (): number => {
      const length = h.expect.headers(h.get('/', ['x-long', 'abc'.repeat(100)]), { end: true }).payload.length;
      assert.ok(h.view.encoder.table.size <= encoderTableSize);
      return length;
    };
    return [block(), block()];
  };
  const [first, again] = sizes(4_096);
  assert.ok(again < 20 && again < first, `with room for it the second block is short: ${again} bytes`);
  const [without, still] = sizes(100);
  assert.ok(still > 150 && without > 150, 'a field that does not fit is sent whole each time');
});

test('a frame larger than maxFrameSize ends the connection, one as large does not', () => {
  const h = harness({ config: { maxFrameSize: 20_000 } }).greet();
  h.peer.frame(0xee, 0, 0, Buffer.alloc(20_000));
  assert.equal(h.failure, undefined);
  h.peer.frame(0xee, 0, 0, Buffer.alloc(20_001));
  h.expect.goAway(6, 'FRAME_SIZE_ERROR');
});

test('what the peer says in RST_STREAM and GOAWAY is in the error by its name, unknown codes as a number', () => {
  for (const [code, name] of [
    [2, 'INTERNAL_ERROR'],
    [0x99, '0x99'],
  ] as const) {
    const h = harness().greet();
    const [one, two] = [h.get('/1'), h.get('/2')];
    h.pump();
    h.peer.reset(one, code);
    h.peer.frame(frameType.goaway, 0, 0, uint32(1, code));
    assert.deepEqual([one.error?.errorCode, two.error?.errorCode], [name, name]);
    assert.ok(one.error?.message.includes(name) && two.error?.message.includes(name));
  }
});

test('each way in which reading ends has an error of its own', () => {
  const ways: readonly (readonly [(h: ReturnType<typeof harness>) => void, code: string, says: RegExp])[] = [
    [(h) => h.peer.frame(frameType.ping, 0, 0, Buffer.alloc(7)), 'ERR_PASSINGLANE_PROTOCOL', /PING/],
    [(h) => h.connection.lost(undefined, h.now), 'ERR_PASSINGLANE_CONNECTION_LOST', /closed the connection/],
    [(h) => h.connection.lost(new Error('ECONNRESET'), h.now), 'ERR_PASSINGLANE_CONNECTION_LOST', /ECONNRESET/],
    [(h) => h.peer.frame(0xee, 0, 0, Buffer.alloc(16_385)), 'ERR_PASSINGLANE_PROTOCOL', /16384|16385/],
    [(h) => h.peer.frame(frameType.headers, flag.endHeaders, 1, Buffer.of(0x80)), 'ERR_PASSINGLANE_PROTOCOL', /./],
  ];
  for (const [end, code, says] of ways) {
    const h = harness().greet();
    const call = h.get('/');
    h.pump();
    end(h);
    assert.equal(call.error?.code, code);
    assert.match(call.error.message, says);
  }
});
