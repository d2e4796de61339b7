/** Bombs that come in a response, and peers that hold on to one: what is bounded by an option, and at what cost. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { brotliCompressSync, gzipSync } from 'node:zlib';
import { TransportError } from '../../dist/index.js';
import { encodeFields, type Field } from '../support/hpack.js';
import { frame, uint32 } from '../support/harness.js';
import { flag, type as frameType } from '../support/raw-server.js';
import { codeOf, costOf, flood, openScene, repeated, report, type Scene } from './flood-peer.js';

const megabyte = 1_048_576;
const ok: readonly Field[] = [[':status', '200']];

/** The headers, continued as often as they need. */
async function longHeaders(scene: Scene, streamId: number, fields: readonly Field[], end: boolean): Promise<number> {
  const block = encodeFields(fields);
  for (let at = 0; at < block.length; at += 16_384) {
    const flags = (at + 16_384 >= block.length ? flag.endHeaders : 0) | (at === 0 && end ? flag.endStream : 0);
    const type = at === 0 ? frameType.headers : frameType.continuation;
    await scene.socket.send(frame(type, flags, streamId, block.subarray(at, at + 16_384)));
  }
  return block.length;
}

function fieldsOf(bytes: number): Field[] {
  return Array.from({ length: Math.ceil(bytes / 1_040) }, (_, i): Field => [`x-${i}`, 'v'.repeat(1_000)]);
}

for (const where of ['headers', 'a 1xx response', 'trailers'] as const) {
  test(`a header list over maxHeaderListSize in ${where} fails its request alone`, async (t) => {
    const scene = await openScene({ maxHeaderListSize: 65_536 });
    try {
      const fate = scene.request();
      const status: readonly Field[] = [[':status', where === 'a 1xx response' ? '103' : '200']];
      const cost = await costOf(async () => {
        if (where === 'trailers') {
          await scene.headers(fate.streamId, ok);
          const response = await fate.response;
          const sent = await longHeaders(scene, fate.streamId, fieldsOf(80_000), true);
          fate.error = await response.body.dump().catch((error: unknown) => error);
          await assert.rejects(response.trailers);
          return [Math.ceil(sent / 16_384), sent];
        }
        const sent = await longHeaders(scene, fate.streamId, [...status, ...fieldsOf(80_000)], false);
        await fate.response.catch(() => undefined);
        return [Math.ceil(sent / 16_384), sent];
      });
      t.diagnostic(report(`header list in ${where}`, 'maxHeaderListSize (here 65,536)', cost, codeOf(fate.error)));
      assert.equal(codeOf(fate.error), 'ERR_PASSINGLANE_HEADERS_TOO_LARGE');
      assert.ok(cost.memory < 4 * megabyte, `${cost.memory} bytes`);
      const next = scene.request();
      await scene.headers(next.streamId, [[':status', '204']], true);
      assert.equal((await next.response).status, 204, 'the connection lives');
    } finally {
      scene.close();
    }
  });
}

test('1xx responses without end are cut off at maxHeaderListSize for all of them, and sooner by a listener that throws', async (t) => {
  const scene = await openScene();
  try {
    const fate = scene.request();
    const fields: readonly Field[] = [
      [':status', '103'],
      ['link', '</style.css>; rel=preload'.repeat(10)],
    ];
    const [piece, frames] = repeated(
      frame(frameType.headers, flag.endHeaders, fate.streamId, encodeFields(fields)),
      50,
    );
    const cost = await flood(scene, piece, frames, 100, () => fate.error !== undefined);
    await fate.response.catch(() => undefined);
    t.diagnostic(report('1xx without end', 'maxHeaderListSize = 262,144 in all', cost, codeOf(fate.error)));
    assert.equal(codeOf(fate.error), 'ERR_PASSINGLANE_PROTOCOL ENHANCE_YOUR_CALM');
    assert.ok(cost.frames < 2_000 && cost.memory < 4 * megabyte);

    let heard = 0;
    const listening = scene.request({
      onInformational: () => {
        if (++heard > 100) throw new Error('that will do');
      },
    });
    await flood(
      scene,
      repeated(frame(frameType.headers, flag.endHeaders, listening.streamId, encodeFields(fields)), 50)[0],
      50,
      100,
      () => listening.error !== undefined,
    );
    assert.match(String(listening.error), /that will do/);
  } finally {
    scene.close();
  }
});

test('a body that nobody reads holds no more than its window, and one sent byte by byte not many times that', async (t) => {
  for (const size of [16_384, 100, 1]) {
    const scene = await openScene();
    try {
      const fate = scene.request();
      await scene.headers(fate.streamId, ok);
      const response = await fate.response;
      const window = 262_144;
      const [piece, frames] = repeated(
        frame(frameType.data, 0, fate.streamId, Buffer.alloc(size)),
        Math.max(1, Math.floor(4_096 / size)),
      );
      const cost = await flood(scene, piece, frames, Math.floor(window / (frames * size)));
      t.diagnostic(
        report(`unread body in DATA of ${size}`, 'initialStreamWindow = 262,144', cost, 'the peer has no window left'),
      );
      assert.ok(cost.memory < 2 * megabyte, `${cost.memory} bytes for ${window} of body`);
      assert.equal(codeOf(fate.error), 'no error');
      response.body.cancel();
    } finally {
      scene.close();
    }
  }
});

test('a content-coding bomb is stopped by maxResponseSize, long before it is made', async (t) => {
  const bomb = gzipSync(Buffer.alloc(200 * megabyte), { level: 9 });
  const scene = await openScene({ maxResponseSize: 5 * megabyte });
  try {
    const fate = scene.request();
    await scene.headers(fate.streamId, [...ok, ['content-encoding', 'gzip']]);
    const response = await fate.response;
    const before = process.memoryUsage();
    const start = process.cpuUsage();
    const read = response.body.bytes().catch((error: unknown) => error);
    for (let at = 0; at < bomb.length; at += 16_384)
      await scene.socket.send(frame(frameType.data, 0, fate.streamId, bomb.subarray(at, at + 16_384)));
    const error = await read;
    const cpu = process.cpuUsage(start);
    const after = process.memoryUsage();
    const memory = after.heapUsed + after.arrayBuffers - before.heapUsed - before.arrayBuffers;
    const cost = {
      frames: Math.ceil(bomb.length / 16_384),
      bytes: bomb.length,
      cpu: (cpu.user + cpu.system) / 1_000,
      memory,
    };
    t.diagnostic(report('gzip bomb of 200 MiB', 'maxResponseSize (here 5 MiB)', cost, codeOf(error)));
    assert.equal(codeOf(error), 'ERR_PASSINGLANE_RESPONSE_TOO_LARGE');
    assert.ok(memory < 32 * megabyte, `${memory} bytes`);
  } finally {
    scene.close();
  }
});

test('at most five codings are undone, and a coded body that is cut is an error', async () => {
  const scene = await openScene();
  try {
    const chain = scene.request();
    await scene.headers(chain.streamId, [...ok, ['content-encoding', Array(6).fill('gzip').join(', ')]]);
    const chained = await chain.response;
    await scene.socket.send(frame(frameType.data, flag.endStream, chain.streamId, Buffer.alloc(10)));
    const refused = await chained.body.text().catch((error: unknown) => error);
    assert.ok(TransportError.isInstance(refused), String(refused));

    for (const [coding, whole] of [
      ['gzip', gzipSync('a text that is long enough to be cut somewhere')],
      ['br', brotliCompressSync('a text that is long enough to be cut somewhere')],
    ] as const) {
      for (let length = 1; length < whole.length; length++) {
        const cut = scene.request();
        await scene.headers(cut.streamId, [...ok, ['content-encoding', coding]]);
        const response = await cut.response;
        await scene.socket.send(frame(frameType.data, flag.endStream, cut.streamId, whole.subarray(0, length)));
        const result = await response.body.text().catch((error: unknown) => error);
        assert.ok(TransportError.isInstance(result), `${coding} cut at ${length} gave ${String(result)}`);
      }
    }
  } finally {
    scene.close();
  }
});

test('a window of 0 that is held for ever holds one request: its body is not read ahead, and its time-out ends it', async (t) => {
  const scene = await openScene({}, { initialWindowSize: 0 });
  let pulled = 0;
  async function* source(): AsyncGenerator<Uint8Array> {
    for (; pulled < 1_000; pulled++) yield await Promise.resolve(new Uint8Array(65_536));
  }
  try {
    const held = scene.request({ method: 'POST', body: source(), timeout: 150 });
    const other = scene.request();
    await scene.headers(other.streamId, [[':status', '204']], true);
    assert.equal((await other.response).status, 204, 'others go on');
    const cost = await costOf(async () => {
      await held.response.catch(() => undefined);
      return [1, 0];
    });
    t.diagnostic(report('window of 0, held', 'timeout (here 150 ms)', cost, codeOf(held.error)));
    assert.equal(codeOf(held.error), 'ERR_PASSINGLANE_TIMEOUT');
    assert.ok(cost.memory < 4 * megabyte, `${cost.memory} bytes`);
    assert.ok(pulled < 4, `${pulled} pieces were read of a body that could not be sent`);
  } finally {
    scene.close();
  }
});

test('a peer that sends a byte now and then is ended by the time-out of the request, not kept alive by its bytes', async (t) => {
  const scene = await openScene();
  try {
    const fate = scene.request({ timeout: 200, bodyTimeout: 5_000 });
    await scene.headers(fate.streamId, ok);
    const response = await fate.response;
    const read = response.body.text().catch((error: unknown) => error);
    let over = false;
    void read.then(() => (over = true));
    const cost = await costOf(async () => {
      let sent = 0;
      for (; !over; sent++) {
        await scene.socket.send(frame(frameType.data, 0, fate.streamId, Buffer.of(0x61)));
        await sleep(10);
      }
      return [sent, 10 * sent];
    });
    t.diagnostic(report('a byte now and then', 'timeout (here 200 ms)', cost, codeOf(await read)));
    assert.equal(codeOf(await read), 'ERR_PASSINGLANE_TIMEOUT');
    assert.ok(cost.memory < 4 * megabyte, `${cost.memory} bytes`);
  } finally {
    scene.close();
  }
});

test('a peer that provokes resets and takes nothing makes us keep one mark a stream, until writeTimeout ends it', async (t) => {
  const scene = await openScene({ writeTimeout: 300 }, { maxConcurrentStreams: 500 });
  try {
    const fates = Array.from({ length: 500 }, () => scene.request());
    await sleep(10);
    scene.socket.reads = false;
    const cost = await costOf(async () => {
      for (const { streamId } of fates) await scene.socket.send(frame(frameType.windowUpdate, 0, streamId, uint32(0)));
      await Promise.all(fates.map((fate) => fate.response.catch(() => undefined)));
      return [fates.length, 13 * fates.length];
    });
    t.diagnostic(report('provoked resets, never taken', 'writeTimeout (here 300 ms)', cost, codeOf(fates[0]?.error)));
    assert.ok(cost.memory < 8 * megabyte, `${cost.memory} bytes`);
    assert.ok(fates.every(({ error }) => codeOf(error) === 'ERR_PASSINGLANE_PROTOCOL PROTOCOL_ERROR'));
    if (!scene.socket.destroyed) await new Promise((resolve) => scene.socket.once('close', resolve));
    assert.equal(scene.conn.canTakeNewRequest(), false);
  } finally {
    scene.close();
  }
});

test('CVE-2023-44487 the other way round: a server that refuses every stream is asked a bounded number of times', async () => {
  const scene = await openScene();
  try {
    const fate = scene.request();
    await sleep(5);
    await scene.socket.send(frame(frameType.rstStream, 0, fate.streamId, uint32(7)));
    await fate.response.catch(() => undefined);
    assert.equal(codeOf(fate.error), 'ERR_PASSINGLANE_STREAM_RESET REFUSED_STREAM');
    assert.equal(
      TransportError.isInstance(fate.error) && fate.error.unprocessed,
      true,
      'one connection does not retry; the pool does, with retry.maxAttempts',
    );
  } finally {
    scene.close();
  }
});
