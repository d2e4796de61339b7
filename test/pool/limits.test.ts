import assert from 'node:assert/strict';
import { test } from 'node:test';
import { describeSettings } from '../../dist/protocol/trace.js';
import { type Answer, bodyOf, poolHarness } from '../support/pool-harness.js';
import { flag, type as frameType } from '../support/raw-server.js';

const never: Answer = () => undefined;

test('what a transport with default options lets a peer send', async () => {
  const p = poolHarness({ answer: never });
  p.get('/');
  await p.settle();
  const [settings, window] = p.peer(0).frames;
  assert.ok(settings !== undefined && window !== undefined);
  const entries = Array.from({ length: settings.payload.length / 6 }, (_, i) => {
    return [settings.payload.readUInt16BE(i * 6), settings.payload.readUInt32BE(i * 6 + 2)] as const;
  });
  assert.equal(
    describeSettings(entries),
    'ENABLE_PUSH=0, INITIAL_WINDOW_SIZE=262144, MAX_FRAME_SIZE=16384, MAX_HEADER_LIST_SIZE=262144',
  );
  assert.deepEqual([window.type, window.streamId], [frameType.windowUpdate, 0]);
  assert.equal(window.payload.readUInt32BE(0), 16_777_216 - 65_535);
  assert.equal(p.transport.stats().maxBufferedBytes, 67_108_864, 'for all connections together');
});

test("a connection counts on 100 streams before the peer's SETTINGS, and on 1000 where they name no limit", async () => {
  const p = poolHarness({ answer: never, peer: { maxConcurrentStreams: -1 } });
  p.get('/first');
  await p.settle();
  assert.equal(p.transport.stats().origins[0]?.connections[0]?.maxConcurrentStreams, 100);
  p.peer(0).greet({});
  for (let i = 0; i < 1_000; i++) p.get(`/${i}`);
  await p.settle();
  assert.equal(p.peer(0).requests.length, 1_000);
  assert.equal(p.dials, 2, 'one more request than that needs one more connection');
});

test('a limit of one stream is one stream, never two', async () => {
  const running = new Set<number>();
  let most = 0;
  const p = poolHarness({
    peer: { maxConcurrentStreams: 1 },
    strictMaxConcurrentStreams: true,
    answer: (peer, id) => {
      running.add(id);
      most = Math.max(most, running.size);
      setImmediate(() => {
        running.delete(id);
        peer.ok(id);
      });
    },
  });
  const calls = Array.from({ length: 20 }, (_, i) => p.get(`/${i}`));
  for (let i = 0; i < 10; i++) await p.settle();
  assert.ok(calls.every((call) => call.status === 200));
  assert.deepEqual([most, p.dials], [1, 1]);
});

test('an upload to a peer that takes nothing has read no more of its source than two pieces', async () => {
  let read = 0;
  async function* source(): AsyncGenerator<Uint8Array> {
    for (;;) {
      read++;
      yield await Promise.resolve(new Uint8Array(16_384));
    }
  }
  const p = poolHarness({ answer: never, peer: { initialWindowSize: 0 } });
  p.post('/up', source());
  await p.settle();
  assert.ok(read <= 2, `${read} pieces`);
});

test('a peer that takes a chunk within each writeTimeout keeps a large upload alive', async () => {
  const p = poolHarness({ answer: never, stallAfter: [1_024], writeTimeout: 5_000, readIdleTimeout: 0 });
  const up = p.post('/up', bodyOf(1 << 18)());
  await p.settle();
  for (let i = 0; i < 40; i++) {
    await p.clock.advance(4_999);
    assert.equal(up.state, 'pending', `after ${i} chunks`);
    p.peer(0).resume();
    p.peer(0).stallAfter = 0;
    await p.settle();
    for (const id of [0, 1]) p.peer(0).send(frameType.windowUpdate, 0, id, Buffer.of(0, 0, 0x40, 0));
  }
  assert.equal(p.peer(0).bodyBytes, 1 << 18);
  p.peer(0).ok(1);
  await p.settle();
  assert.equal(up.status, 200);
});

test('table and frame sizes of our choice are announced, and larger frames then come in', async () => {
  const p = poolHarness({
    answer: never,
    headerTableSize: 8_192,
    encoderTableSize: 0,
    maxFrameSize: 32_768,
    peer: { headerTableSize: 65_536 },
  });
  const calls = [p.get('/'), p.get('/')];
  await p.settle();
  const announced = p.peer(0).frames[0]?.payload.toString('hex') ?? '';
  assert.match(announced, /000500008000/);
  assert.match(announced, /000100002000/);
  assert.equal(p.peer(0).frames.filter((one) => one.fields !== undefined).length, 2, 'blocks without a table are read');
  p.peer(0).headers(1, 200);
  p.peer(0).data(1, Buffer.alloc(32_768), true);
  await p.settle();
  assert.equal((await calls[0]!.response!.body.bytes()).length, 32_768);
});

test('a chunk of a body holds on to its own bytes, and not to the whole read that it came in', async () => {
  const p = poolHarness({
    answer: (peer, id) => {
      peer.headers(id, 200);
      const padding = 250;
      const payload = Buffer.concat([Buffer.of(padding), Buffer.from('0123456789'), Buffer.alloc(padding)]);
      peer.send(frameType.data, flag.padded | flag.endStream, id, payload);
    },
  });
  const call = p.get('/');
  await p.settle();
  const chunks: Uint8Array[] = [];
  for await (const chunk of call.response!.body) chunks.push(chunk);
  assert.deepEqual(
    chunks.map((chunk) => [chunk.length, chunk.buffer.byteLength]),
    [[10, 10]],
  );
});
