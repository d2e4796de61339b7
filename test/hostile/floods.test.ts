/**
 * Floods and bombs against one connection: where each is cut off, and what it costs until then. The limits are those of
 * src/protocol/limits.ts and the options of Transport; SECURITY.md lists them.
 */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { test } from 'node:test';
import { encodeFields } from '../support/hpack.js';
import { frame, settingsPayload, uint32 } from '../support/harness.js';
import { flag, type as frameType } from '../support/raw-server.js';
import { codeOf, flood, openScene, repeated, report, type Fate, type Scene } from './flood-peer.js';

const megabyte = 1_048_576;

interface Flood {
  readonly name: string;
  /** The limit that cuts it off. */
  readonly limit: string;
  /** The frames, as one piece, and how many; `streamId` is of a request whose body has begun. */
  readonly piece: (streamId: number) => [Buffer, number];
  /** How often the piece is sent at the most. */
  readonly most: number;
  /** How the connection ends; undefined: it does not, and `why` says what bounds the cost. */
  readonly ends: string | undefined;
  /** The peer takes nothing that we write. */
  readonly deaf?: boolean;
  /** Frames after which it is cut off at the latest. */
  readonly within?: number;
  /** Where it is the request that ends. */
  readonly request?: string;
}

const idle = 'maxIdleFrames = 20,000 in 10 s';
const provoked = 'maxOwedReplies = 1,000';
const calm = 'ERR_PASSINGLANE_PROTOCOL ENHANCE_YOUR_CALM';

/** Frames that carry nothing, 500 a piece. */
const empty: readonly (readonly [name: string, make: (streamId: number) => Buffer])[] = [
  ['PING, its answers taken', () => frame(frameType.ping, 0, 0, Buffer.alloc(8))],
  ['PING ACK that nobody asked for', () => frame(frameType.ping, flag.ack, 0, Buffer.alloc(8))],
  ['SETTINGS, its ACKs taken', () => frame(frameType.settings, 0, 0)],
  ['SETTINGS that move every window', () => frame(frameType.settings, 0, 0, settingsPayload({ initialWindowSize: 1 }))],
  ['RST_STREAM of a stream that is over', () => frame(frameType.rstStream, 0, 1, uint32(8))],
  ['WINDOW_UPDATE of 1 on the connection', () => frame(frameType.windowUpdate, 0, 0, uint32(1))],
  ['WINDOW_UPDATE of 1 on a stream', (id) => frame(frameType.windowUpdate, 0, id, uint32(1))],
  ['empty DATA', (id) => frame(frameType.data, 0, id)],
  [
    'DATA of padding alone',
    (id) => frame(frameType.data, flag.padded, id, Buffer.concat([Buffer.of(9), Buffer.alloc(9)])),
  ],
  ['PRIORITY', () => frame(frameType.priority, 0, 1, Buffer.alloc(5))],
  ['PRIORITY_UPDATE', (id) => frame(0x10, 0, 0, uint32(id))],
  ['frames of an unknown type', () => frame(0xfa, 0xff, 1, Buffer.alloc(20))],
  ['ALTSVC', () => frame(0xa, 0, 0, Buffer.alloc(20))],
  ['ORIGIN', () => frame(0xc, 0, 0, Buffer.alloc(20))],
  ['GOAWAY', () => frame(frameType.goaway, 0, 0, uint32(0x7fff_ffff, 0))],
  ['HEADERS of a stream that is over', () => frame(frameType.headers, flag.endHeaders, 1, encodeFields([['x', 'y']]))],
];

const floods: readonly Flood[] = [
  ...empty.map(([name, make]): Flood => ({
    name,
    limit: idle,
    piece: (id) => repeated(make(id), 500),
    most: 200,
    ends: calm,
    within: 21_000,
  })),
  {
    name: 'PING, its answers never taken (CVE-2019-9512)',
    limit: provoked,
    piece: () => repeated(frame(frameType.ping, 0, 0, Buffer.alloc(8)), 100),
    most: 200,
    ends: calm,
    deaf: true,
    within: 1_200,
  },
  {
    name: 'SETTINGS, its ACKs never taken (CVE-2019-9515)',
    limit: provoked,
    piece: () => repeated(frame(frameType.settings, 0, 0), 100),
    most: 200,
    ends: calm,
    deaf: true,
    within: 1_200,
  },
  {
    name: 'CONTINUATION without end (CVE-2024-27316)',
    limit: 'maxContinuations = 256',
    piece: (id) => {
      const parts = [frame(frameType.headers, 0, id, Buffer.of(0x88))];
      for (let i = 0; i < 300; i++) parts.push(frame(frameType.continuation, 0, id, Buffer.of(0x88)));
      return [Buffer.concat(parts), parts.length];
    },
    most: 1,
    ends: calm,
  },
  {
    name: 'empty CONTINUATION (CVE-2019-9518)',
    limit: 'maxEmptyContinuations = 4',
    piece: (id) => {
      const parts = [frame(frameType.headers, 0, id, Buffer.of(0x88))];
      for (let i = 0; i < 10; i++) parts.push(frame(frameType.continuation, 0, id));
      return [Buffer.concat(parts), parts.length];
    },
    most: 1,
    ends: calm,
  },
  {
    name: 'a header block of 16 KiB CONTINUATIONs without end',
    limit: '2 x maxHeaderListSize (262,144)',
    piece: (id) => {
      const parts = [frame(frameType.headers, 0, id, Buffer.of(0x88))];
      for (let i = 0; i < 60; i++) parts.push(frame(frameType.continuation, 0, id, Buffer.alloc(16_384, 0x88)));
      return [Buffer.concat(parts), parts.length];
    },
    most: 1,
    ends: calm,
  },
  {
    name: 'PUSH_PROMISE',
    limit: 'push is off',
    piece: (id) => repeated(frame(frameType.pushPromise, flag.endHeaders, id, Buffer.of(0, 0, 0, 2, 0x88)), 100),
    most: 10,
    ends: 'ERR_PASSINGLANE_PROTOCOL PROTOCOL_ERROR',
  },
  {
    name: 'HPACK bomb: a 4 KB value, referred to 250,000 times (CVE-2016-6581)',
    limit: 'maxHeaderListSize = 262,144',
    piece: (id) => [bomb(id), 17],
    most: 8,
    ends: undefined,
    request: 'ERR_PASSINGLANE_HEADERS_TOO_LARGE',
  },
  {
    name: 'HPACK table thrash: blocks that fill and empty the table',
    limit: `${idle}, for streams that are over`,
    piece: () => repeated(thrash(1), 20),
    most: 1_200,
    ends: calm,
    within: 21_000,
  },
  {
    name: 'padding: one byte of body in 256 of DATA',
    limit: 'the windows: padding is paid for by the peer',
    piece: (id) =>
      repeated(frame(frameType.data, flag.padded, id, Buffer.concat([Buffer.of(254), Buffer.alloc(255)])), 200),
    most: 20,
    ends: undefined,
  },
];

/** A block of one byte a field, each 4 KB long, in HEADERS and CONTINUATIONs. */
function bomb(id: number): Buffer {
  const value = Buffer.alloc(4_000, 0x61);
  const literal = Buffer.concat([Buffer.of(0x40, 1, 0x78, 0x7f, 0xa1, 0x1e), value]); // x: 4,000 times a, into the table
  const rest = Buffer.alloc(250_000, 0x80 | 62);
  const parts = [frame(frameType.headers, 0, id, literal)];
  for (let at = 0; at < rest.length; at += 16_384) {
    const end = at + 16_384 >= rest.length ? flag.endHeaders : 0;
    parts.push(frame(frameType.continuation, end, id, rest.subarray(at, at + 16_384)));
  }
  return Buffer.concat(parts);
}

/** A block that puts 120 entries into the table and empties it. */
function thrash(id: number): Buffer {
  const parts = [Buffer.of(0x20, 0x3f, 0xe1, 0x1f)]; // the table's size to 0 and back to 4,096
  for (let i = 0; i < 120; i++) parts.push(Buffer.of(0x40, 1, 0x61 + (i % 26), 1, 0x61 + (i % 26)));
  return frame(frameType.headers, flag.endHeaders, id, Buffer.concat(parts));
}

/** A scene with one request that is over and one whose body has begun. */
async function underWay(): Promise<{ scene: Scene; fate: Fate }> {
  const scene = await openScene();
  const over = scene.request();
  await scene.headers(over.streamId, [[':status', '200']], true);
  await (await over.response).body.dump();
  const fate = scene.request();
  await scene.headers(fate.streamId, [[':status', '200']]);
  void (await fate.response).body.dump().catch((error: unknown) => {
    fate.error = error;
  });
  return { scene, fate };
}

for (const { name, limit, piece, most, ends, deaf, within, request } of floods) {
  test(`flood: ${name}`, async (t) => {
    const { scene, fate } = await underWay();
    try {
      if (deaf === true) scene.socket.reads = false;
      const [bytes, frames] = piece(fate.streamId);
      const closed = once(scene.socket, 'close');
      const cost = await flood(scene, bytes, frames, most, () => fate.error !== undefined && ends !== undefined);
      await new Promise((resolve) => setImmediate(resolve));
      t.diagnostic(report(name, limit, cost, codeOf(fate.error)));
      assert.ok(cost.memory < 4 * megabyte, `${cost.memory} bytes are held`);
      assert.equal(codeOf(fate.error), ends ?? request ?? 'no error');
      if (within !== undefined) assert.ok(cost.frames <= within, `${cost.frames} frames`);
      if (ends === undefined) await assertServes(scene);
      else await closed;
    } finally {
      scene.close();
    }
  });
}

/** The connection is good for another request. */
async function assertServes(scene: Scene): Promise<void> {
  const next = scene.request();
  await scene.headers(next.streamId, [[':status', '204']], true);
  assert.equal((await next.response).status, 204);
}
