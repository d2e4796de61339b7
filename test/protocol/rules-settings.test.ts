import assert from 'node:assert/strict';
import { test } from 'node:test';
import { HealthState } from '../../dist/protocol/index.js';
import { encodeFields } from '../support/hpack.js';
import {
  frame,
  harness,
  settingIds,
  uint32,
  type Call,
  type Harness,
  type HarnessOptions,
} from '../support/harness.js';
import { flag, type as frameType } from '../support/raw-server.js';

const status200 = encodeFields([[':status', '200']]);

function asked(options?: HarnessOptions): { h: Harness; r: Call } {
  const h = harness(options).greet();
  const r = h.get('/');
  h.expect.headers(r, { end: true });
  return { h, r };
}

function settingsFrame(...entries: readonly (readonly [id: number, value: number])[]): Buffer {
  const payload = Buffer.alloc(entries.length * 6);
  entries.forEach(([id, value], i) => {
    payload.writeUInt16BE(id, i * 6);
    payload.writeUInt32BE(value, i * 6 + 2);
  });
  return frame(frameType.settings, 0, 0, payload);
}

// --- H.4: PING ---

test('RFC 9113 6.7: a PING is answered with its eight bytes, in order; unknown ACKs are ignored', () => {
  const h = harness().greet();
  for (const text of ['abcdefgh', '12345678']) h.peer.frame(frameType.ping, 0, 0, Buffer.from(text));
  h.peer.pong(Buffer.alloc(8, 0xff));
  for (const text of ['abcdefgh', '12345678']) {
    const sent = h.expect.frame(frameType.ping, 0, 'an answer');
    assert.deepEqual([sent.flags, sent.payload.toString()], [flag.ack, text]);
  }
  assert.deepEqual(h.events, []);
  h.finish();
});

test('an ACK resolves its own PING once, whatever else is out', () => {
  const h = harness().greet();
  const ids = [h.connection.ping(h.now), h.connection.ping(h.now)];
  const payloads = [h.expect.ping('one'), h.expect.ping('two')];
  h.connection.forgetPing(ids[0]!);
  for (const payload of [payloads[1]!, payloads[1]!, payloads[0]!]) h.peer.pong(payload);
  assert.deepEqual(
    h.events.filter((event) => event.startsWith('pong')),
    [`pong ${ids[1]}`],
  );
});

test('PINGs that a peer never answers are remembered up to a bound', () => {
  const h = harness().greet();
  for (let i = 0; i < 3_000; i++) h.connection.ping(h.now++);
  assert.equal(h.view.liveness.pings.length, 1_000);
  h.peer.pong(h.pending.at(-1)!.payload);
  assert.ok(h.events.includes('pong 3000'), 'the newest are');
});

// --- H.5: SETTINGS ---

test('RFC 9113 3.4: the first frame is SETTINGS and no ACK', () => {
  const first: [string, Buffer][] = [
    ['an ACK', frame(frameType.settings, flag.ack, 0)],
    ['HEADERS', frame(frameType.headers, flag.endHeaders, 1, status200)],
    ['GOAWAY', frame(frameType.goaway, 0, 0, uint32(0, 0))],
    ['an unknown frame', frame(0xbe, 0, 0)],
  ];
  for (const [what, bytes] of first) {
    const h = harness();
    h.expect.frame(frameType.settings, 0, 'our SETTINGS');
    h.expect.frame(frameType.windowUpdate, 0, 'our window');
    h.peer.bytes(bytes);
    h.expect.goAway(1, what);
    h.expect.failed('ERR_PASSINGLANE_PROTOCOL', what);
  }
});

test('RFC 9113 6.5.2: a value out of range ends the connection with the code that the RFC names', () => {
  const bad: [id: number, value: number, code: number][] = [
    [settingIds.enablePush, 1, 1],
    [settingIds.enablePush, 2, 1],
    [settingIds.initialWindowSize, 0x8000_0000, 3],
    [settingIds.initialWindowSize, 0xffff_ffff, 3],
    [settingIds.maxFrameSize, 0, 1],
    [settingIds.maxFrameSize, 16_383, 1],
    [settingIds.maxFrameSize, 16_777_216, 1],
    [settingIds.enableConnectProtocol, 2, 1],
  ];
  for (const [id, value, code] of bad) {
    const { h, r } = asked();
    const before = h.view.peer.maxConcurrentStreams;
    h.peer.bytes(settingsFrame([settingIds.maxConcurrentStreams, 7], [id, value]));
    h.expect.goAway(code, `${id}=${value}, and no ACK before it`);
    assert.equal(h.view.peer.maxConcurrentStreams, before, 'nothing of the frame is applied');
    assert.equal(r.error?.code, 'ERR_PASSINGLANE_PROTOCOL');
  }
});

test('the ends of each range are accepted', () => {
  const h = harness().greet();
  for (const [id, value] of [
    [settingIds.enablePush, 0],
    [settingIds.initialWindowSize, 0],
    [settingIds.initialWindowSize, 0x7fff_ffff],
    [settingIds.maxFrameSize, 16_384],
    [settingIds.maxFrameSize, 16_777_215],
    [settingIds.enableConnectProtocol, 0],
    [settingIds.headerTableSize, 0xffff_ffff],
    [settingIds.maxConcurrentStreams, 0xffff_ffff],
  ] as const) {
    h.peer.bytes(settingsFrame([id, value]));
    h.expect.frame(frameType.settings, 0, `an ACK of ${id}=${value}`);
  }
  assert.equal(h.failure, undefined);
  h.finish();
});

test('RFC 8441 3: ENABLE_CONNECT_PROTOCOL may not be taken back, and only the first SETTINGS can give it', () => {
  const h = harness().greet({ enableConnectProtocol: 1 });
  assert.equal(h.view.peer.connectProtocol, true);
  h.peer.settings({ enableConnectProtocol: 0 });
  h.expect.goAway(1, 'PROTOCOL_ERROR');
  const late = harness().greet();
  late.peer.settings({ enableConnectProtocol: 1 });
  late.expect.frame(frameType.settings, 0, 'its ACK');
  assert.equal(late.view.peer.connectProtocol, false);
});

test('a first SETTINGS without a stream limit raises it from 100 to 1000; later ones change nothing', () => {
  const h = harness();
  assert.equal(h.view.peer.maxConcurrentStreams, 100);
  h.greet({ initialWindowSize: 100 });
  assert.equal(h.view.peer.maxConcurrentStreams, 1_000);
  h.peer.settings({ maxConcurrentStreams: 5 });
  h.peer.settings({ initialWindowSize: 200 });
  assert.equal(h.view.peer.maxConcurrentStreams, 5);
});

test('the limit counts from 0 on, lowering it ends nothing, and raising it wakes those who wait', () => {
  const h = harness().greet({ maxConcurrentStreams: 0 });
  assert.equal(h.connection.health(h.now).state, HealthState.Full);
  h.events.length = 0;
  h.peer.settings({ maxConcurrentStreams: 2 });
  assert.ok(h.events.includes('capacity'));
  assert.equal(h.connection.health(h.now).state, HealthState.Ready);
  const calls = [h.get('/1'), h.get('/2')] as const;
  h.peer.settings({ maxConcurrentStreams: 1 });
  assert.ok(calls.every((call) => call.error === undefined));
  h.pump();
  h.peer.headers(calls[0], 200, { end: true });
  assert.equal(h.connection.health(h.now).state, HealthState.Full, 'one of one');
  h.peer.headers(calls[1], 200, { end: true });
  assert.equal(h.connection.health(h.now).state, HealthState.Ready);
});

test('RFC 7541 4.2: a table size that went down and up within one SETTINGS is announced as both', () => {
  const h = harness().greet();
  h.expect.headers(h.get('/', ['x-in-table', 'a']), { end: true });
  h.peer.bytes(settingsFrame([settingIds.headerTableSize, 0], [settingIds.headerTableSize, 4_096]));
  h.expect.frame(frameType.settings, 0, 'its ACK');
  const sent = h.expect.headers(h.get('/', ['x-in-table', 'a']), { end: true });
  assert.deepEqual([...sent.payload.subarray(0, 4)], [0x20, 0x3f, 0xe1, 0x1f], 'a size of 0, then one of 4096');
  assert.equal(sent.fields?.at(-1), 'x-in-table: a');
});

test('RFC 9113 6.5.3: entries apply in order, the last of duplicates wins, unknown ones are ignored', () => {
  const h = harness().greet();
  h.peer.bytes(
    settingsFrame(
      [0xf00d, 1],
      [settingIds.maxConcurrentStreams, 3],
      [settingIds.maxHeaderListSize, 100],
      [settingIds.maxConcurrentStreams, 4],
      [settingIds.maxHeaderListSize, 200],
    ),
  );
  h.expect.frame(frameType.settings, 0, 'one ACK');
  assert.equal(h.view.peer.maxConcurrentStreams, 4);
  assert.throws(() => h.get('/', ['x', 'v'.repeat(200)]), { code: 'ERR_PASSINGLANE_HEADERS_TOO_LARGE' });
  h.finish();
});

test('an ACK of SETTINGS that were not sent ends the connection', () => {
  const h = harness().greet();
  h.peer.frame(frameType.settings, flag.ack, 0);
  h.expect.goAway(1, 'PROTOCOL_ERROR');
});

test('a smaller header table of ours binds the peer from its ACK on, and the next block has to say so', () => {
  const status200 = 0x88;
  const intoTable = [0x40, 1, 0x61, 1, 0x62]; // a: b
  const fromTable = 0xbe;
  const emptied = 0x20;
  for (const conforms of [true, false]) {
    const h = harness({ config: { headerTableSize: 0 } });
    h.expect.frame(frameType.settings, 0, 'our SETTINGS');
    h.expect.frame(frameType.windowUpdate, 0, 'the connection window');
    h.peer.settings({});
    h.expect.frame(frameType.settings, 0, 'the ACK of its SETTINGS');
    const answer = (...block: number[]): Call => {
      const call = h.get('/');
      h.expect.headers(call, { end: true });
      h.peer.frame(frameType.headers, flag.endHeaders | flag.endStream, call.id, Buffer.from(block));
      return call;
    };
    answer(status200, ...intoTable);
    assert.deepEqual(answer(status200, fromTable).fields, ['a', 'b'], 'it has not acknowledged the new size');
    h.peer.frame(frameType.settings, flag.ack, 0);
    if (conforms) {
      assert.equal(answer(emptied, status200).status, 200);
      h.finish();
    } else {
      answer(status200);
      h.expect.goAway(9, 'COMPRESSION_ERROR (RFC 9113 section 4.3.1)');
    }
  }
});
