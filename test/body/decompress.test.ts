import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { test } from 'node:test';
import * as zlib from 'node:zlib';
import { BodyQueue } from '../../dist/body/body-queue.js';
import { acceptEncoding, codingsOf, planDecoding } from '../../dist/body/decompress.js';
import { ResponseBody } from '../../dist/body/response-body.js';
import { ZstdFrames } from '../../dist/body/zstd-frames.js';

type Encode = (data: Uint8Array) => Uint8Array;

const zstd = (zlib as unknown as { zstdCompressSync?: Encode }).zstdCompressSync;
const withoutZstd = zstd === undefined ? 'this Node has no zstd' : false;

const encoders: Record<string, Encode> = {
  gzip: zlib.gzipSync,
  'x-gzip': zlib.gzipSync,
  deflate: zlib.deflateSync,
  br: (data) => zlib.brotliCompressSync(data, { params: { [zlib.constants.BROTLI_PARAM_QUALITY]: 4 } }),
  zstd: (data) => (zstd === undefined ? data : zstd(data)),
};

const sample = Buffer.concat([Buffer.from('the same again '.repeat(20_000)), randomBytes(100_000)]);

function receive(codings: string[], maxResponseSize = 0) {
  const seen = { consumed: 0, cancels: [] as unknown[] };
  const queue = new BodyQueue({
    consumed: (n) => (seen.consumed += n),
    cancelled: (reason) => void seen.cancels.push(reason),
  });
  return { seen, queue, body: new ResponseBody(queue, { maxResponseSize }, codings) };
}

function push(queue: BodyQueue, data: Uint8Array, size: number): void {
  for (let i = 0; i < data.byteLength; i += size) queue.push(new Uint8Array(data.subarray(i, i + size)));
}

const megabyte = 1024 * 1024;

const tick = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));
const code = (expected: string) => (error: unknown) => (error as { code?: string }).code === expected;
const badCoding = code('ERR_PASSINGLANE_CONTENT_CODING');

/** Lets zlib's threads do what they will do by themselves. */
async function settle(): Promise<void> {
  for (let i = 0; i < 50; i++) await tick();
}

for (const [name, encode] of Object.entries(encoders)) {
  const skip = name === 'zstd' && withoutZstd;

  test(`${name}: a body is decoded, however it is cut into chunks`, { skip }, async () => {
    const coded = encode(sample);
    for (const size of [coded.byteLength, 16_384, 997]) {
      const { seen, queue, body } = receive([name]);
      push(queue, coded, size);
      queue.end();
      assert.deepEqual(Buffer.from(await body.bytes()), sample);
      assert.equal(seen.consumed, coded.byteLength);
      assert.deepEqual(seen.cancels, []);
    }
    const small = receive([name]);
    push(small.queue, encode(Buffer.from('{"a":1}')), 1);
    small.queue.end();
    assert.deepEqual(await small.body.json(), { a: 1 });
  });

  test(`${name}: a body that arrives while it is read is decoded`, { skip }, async () => {
    const coded = encode(sample);
    const { queue, body } = receive([name]);
    const reading = body.bytes();
    for (let i = 0; i < coded.byteLength; i += 50_000) {
      queue.push(new Uint8Array(coded.subarray(i, i + 50_000)));
      await settle();
    }
    queue.end();
    assert.deepEqual(Buffer.from(await reading), sample);
  });

  test(`${name}: an empty coded text is decoded, and so is a body of no bytes at all`, { skip }, async () => {
    const coded = receive([name]);
    push(coded.queue, encode(new Uint8Array(0)), 100);
    coded.queue.end();
    assert.equal(await coded.body.text(), '');
    const none = receive([name]);
    none.queue.end();
    assert.equal(await none.body.text(), '');
  });

  test(`${name}: a body that ends before its coding does is an error with zlib's as its cause`, { skip }, async () => {
    const coded = encode(sample);
    for (const length of [1, 9, 1000, coded.byteLength - 1]) {
      const { seen, queue, body } = receive([name]);
      push(queue, coded.subarray(0, length), 16_384);
      queue.end();
      await assert.rejects(body.bytes(), (e) => badCoding(e) && (e as Error).cause instanceof Error, `${length} bytes`);
      assert.deepEqual(seen.cancels, [], 'the peer had sent all that it wanted');
    }
  });

  test(`${name}: a corrupt body is an error, and the rest is cancelled`, { skip }, async () => {
    const { seen, queue, body } = receive([name]);
    const coded = new Uint8Array(encode(sample));
    coded.fill(0xff, 20, 300);
    const reading = assert.rejects(body.bytes(), (e) => badCoding(e) && (e as Error).cause instanceof Error);
    push(queue, coded, 16_384);
    await reading;
    assert.equal(seen.cancels.length, 1);
    assert.ok(badCoding(seen.cancels[0]));
    assert.equal(seen.consumed, coded.byteLength);
  });

  test(`${name}: a cut body gives all that can be decoded, then the error that cut it`, { skip }, async () => {
    const noise = randomBytes(200_000);
    const coded = encode(noise);
    const error = new Error('reset');
    const { queue, body } = receive([name]);
    push(queue, coded.subarray(0, 190_000), 10_000);
    queue.fail(error);
    const chunks: Uint8Array[] = [];
    await assert.rejects(
      async () => {
        for await (const chunk of body) chunks.push(chunk);
      },
      (e) => e === error,
    );
    const decoded = Buffer.concat(chunks);
    assert.ok(decoded.byteLength > 0);
    assert.deepEqual(decoded, noise.subarray(0, decoded.byteLength));
  });

  test(`${name}: a bomb is stopped by maxResponseSize, long before its output is made`, { skip }, async () => {
    const bomb = encode(Buffer.alloc(64 * 1024 * 1024));
    const { seen, queue, body } = receive([name], 100_000);
    let made = 0;
    const before = process.memoryUsage().arrayBuffers;
    push(queue, bomb, 16_384);
    const error = await (async () => {
      for await (const chunk of body) made += chunk.byteLength;
      return undefined;
    })().catch((e: unknown) => e);
    assert.ok(code('ERR_PASSINGLANE_RESPONSE_TOO_LARGE')(error));
    assert.ok(made <= 100_000);
    assert.ok(process.memoryUsage().arrayBuffers - before < 16 * 1024 * 1024);
    assert.equal(seen.cancels.length, 1);
    assert.equal(seen.consumed, bomb.byteLength);
  });

  test(`${name}: nothing is decoded far ahead of the reader`, { skip }, async () => {
    const noise = randomBytes(1_000_000);
    const { seen, queue, body } = receive([name]);
    push(queue, encode(noise), 16_384);
    const iterator = body[Symbol.asyncIterator]();
    await settle();
    assert.equal(seen.consumed, 0, 'nobody has read yet');
    await iterator.next();
    const first = seen.consumed;
    await settle();
    assert.equal(seen.consumed, first);
    assert.ok(seen.consumed < 300_000, `${seen.consumed} taken for one chunk`);
    await iterator.return?.();
  });
}

test('deflate without the zlib wrapper is decoded too', async () => {
  for (const level of [0, 1, 9]) {
    const { queue, body } = receive(['deflate']);
    push(queue, zlib.deflateRawSync(sample, { level }), 1000);
    queue.end();
    assert.deepEqual(Buffer.from(await body.bytes()), sample);
  }
});

test('gzip members one after the other are one body', async () => {
  const coded = Buffer.concat([zlib.gzipSync('one '), zlib.gzipSync('two')]);
  for (let size = 1; size <= coded.byteLength; size++) {
    const { queue, body } = receive(['gzip']);
    push(queue, coded, size);
    queue.end();
    assert.equal(await body.text(), 'one two', `in chunks of ${size}`);
  }
});

test('what follows the end of a coding is read and dropped, and a cut there is still a cut', async () => {
  for (const name of ['deflate', 'br'] as const) {
    const coded = Buffer.concat([
      encoders[name]?.(Buffer.from('all of it')) ?? new Uint8Array(0),
      Buffer.from('garbage'),
    ]);
    for (const size of [1, 5, 100]) {
      const ended = receive([name]);
      push(ended.queue, coded, size);
      push(ended.queue, Buffer.alloc(50_000), 5_000);
      ended.queue.end();
      assert.equal(await ended.body.text(), 'all of it');
      assert.equal(ended.seen.consumed, coded.byteLength + 50_000);

      const cut = receive([name]);
      push(cut.queue, coded, size);
      const error = new Error('reset');
      cut.queue.fail(error);
      await assert.rejects(cut.body.text(), (e) => e === error);
    }
  }
});

test('codings are undone in the reverse of the order in which they were applied', async () => {
  const names = ['gzip', 'br', 'deflate', 'x-gzip', 'br'];
  for (let n = 2; n <= 5; n++) {
    const codings = names.slice(0, n);
    let coded: Uint8Array = sample;
    for (const name of codings) coded = encoders[name]?.(coded) ?? coded;
    const { queue, body } = receive(codings);
    push(queue, coded, 10_000);
    queue.end();
    assert.deepEqual(Buffer.from(await body.bytes()), sample);
  }
});

test('a bomb within a bomb is stopped as well', async () => {
  const inner = zlib.gzipSync(Buffer.alloc(64 * megabyte));
  const { queue, body } = receive(['gzip', 'gzip'], 1_000_000);
  push(queue, zlib.gzipSync(inner), 16_384);
  await assert.rejects(body.bytes(), code('ERR_PASSINGLANE_RESPONSE_TOO_LARGE'));
});

test('six codings are refused when the body is read, and five are not', async () => {
  const { seen, queue, body } = receive(Array<string>(6).fill('gzip'));
  queue.push(new Uint8Array([1]));
  await assert.rejects(body.bytes(), badCoding);
  assert.equal(seen.cancels.length, 1);
});

test('a cancel ends decoding, also while zlib is at work', async () => {
  const coded = zlib.gzipSync(sample);
  const { seen, queue, body } = receive(['gzip', 'gzip']);
  push(queue, zlib.gzipSync(coded), 1000);
  const reading = assert.rejects(body.bytes(), code('ERR_PASSINGLANE_BODY_CANCELLED'));
  await Promise.resolve();
  body.cancel();
  await reading;
  assert.equal(seen.cancels.length, 1);

  const waiting = receive(['br']);
  waiting.queue.push(new Uint8Array(zlib.brotliCompressSync('x'.repeat(100)).subarray(0, 5)));
  const late = assert.rejects(waiting.body.text(), code('ERR_PASSINGLANE_BODY_CANCELLED'));
  await settle();
  waiting.body.cancel();
  await late;
});

test('codings are listed in the order of the fields, in lower case, without identity', () => {
  assert.deepEqual(codingsOf([]), []);
  assert.deepEqual(codingsOf(['content-encoding', 'GZip']), ['gzip']);
  assert.deepEqual(
    codingsOf([
      'content-encoding',
      'deflate , ,br',
      'x',
      'gzip',
      'content-encoding',
      'identity',
      'content-encoding',
      'gzip',
    ]),
    ['deflate', 'br', 'gzip'],
  );
});

test('a response that is decoded shows neither content-encoding nor content-length', () => {
  const fields = ['a', '1', 'content-encoding', 'gzip', 'content-length', '10', 'b', '2'];
  assert.deepEqual(planDecoding('GET', 200, false, fields), { codings: ['gzip'], fields: ['a', '1', 'b', '2'] });
});

test('a response stays as it is where there is nothing to decode, or nothing that could be', () => {
  const gzip = ['content-encoding', 'gzip'];
  assert.equal(planDecoding('HEAD', 200, false, gzip), undefined);
  assert.equal(planDecoding('GET', 204, false, gzip), undefined);
  assert.equal(planDecoding('GET', 304, false, gzip), undefined);
  assert.equal(planDecoding('GET', 200, true, gzip), undefined);
  assert.equal(planDecoding('GET', 200, false, ['a', '1']), undefined);
  assert.equal(planDecoding('GET', 200, false, ['content-encoding', 'identity']), undefined);
  assert.equal(planDecoding('GET', 200, false, ['content-encoding', 'gzip, rot13']), undefined);
  assert.equal(planDecoding('GET', 200, false, ['content-encoding', 'gzip,'.repeat(6)])?.codings.length, 6);
});

test('what we say we accept is what this Node can undo', () => {
  assert.equal(acceptEncoding(), zstd === undefined ? 'gzip, deflate, br' : 'gzip, deflate, br, zstd');
});

test('zstd frames are followed to their ends, wherever the chunks are cut', () => {
  const frames = [
    '28b52ffd200529000068656c6c6f', // 'hello', raw, of one segment
    '28b52ffd240529000068656c6c6fa36d9f88', // the same with a checksum
    '28b52ffda0e09304005400001000000100fbff39c00202001000039f0400', // 300,000 zeros: several blocks, one repeated
    '28b52ffd2000010000', // empty
    '502a4d1803000000ffffff', // skippable (RFC 8878 section 3.1.2)
  ].map((hex) => Buffer.from(hex, 'hex'));
  const all = Buffer.concat(frames);
  const ends = new Set<number>();
  let end = 0;
  for (const frame of frames) ends.add((end += frame.byteLength));
  for (let size = 1; size <= all.byteLength; size++) {
    const follower = new ZstdFrames();
    assert.equal(follower.complete, true);
    for (let at = 0; at < all.byteLength;) {
      const chunk = all.subarray(at, at + size);
      const followed = follower.advance(chunk);
      at += followed;
      assert.equal(follower.complete, ends.has(at), `at ${at} in chunks of ${size}`);
      if (followed < chunk.byteLength) assert.ok(follower.complete, 'it stops only where a frame ends');
    }
  }
});

test('zstd frames one after the other are one body', { skip: withoutZstd }, async () => {
  const frame = (text: string): Uint8Array => encoders['zstd']?.(Buffer.from(text)) ?? new Uint8Array(0);
  const skippable = Buffer.from('502a4d1803000000ffffff', 'hex');
  const coded = Buffer.concat([
    skippable,
    frame('one '),
    skippable,
    frame('two '),
    frame(''),
    frame('three'),
    skippable,
  ]);
  for (let size = 1; size <= coded.byteLength; size++) {
    const { queue, body } = receive(['zstd']);
    push(queue, coded, size);
    queue.end();
    assert.equal(await body.text(), 'one two three', `in chunks of ${size}`);
  }
});

const tooLarge = code('ERR_PASSINGLANE_RESPONSE_TOO_LARGE');

/** A body that has come whole. */
function received(coded: Uint8Array, codings: string[], maxDecompressionRatio?: number): ResponseBody {
  const queue = new BodyQueue({ consumed() {}, cancelled() {} });
  push(queue, coded, 16_384);
  queue.end();
  return new ResponseBody(queue, { maxDecompressionRatio }, codings);
}

/** A little more than what is decoded however little it is made of. */
const bombSize = 66 * megabyte;

/** Codings of a bomb, as they were applied. */
const bombs = [['gzip'], ['deflate'], ['br'], ['zstd'], ['gzip', 'br'], ['deflate', 'gzip', 'gzip']];

for (const codings of bombs) {
  const skip = codings.includes('zstd') && withoutZstd;
  let made: Uint8Array | undefined; // once for both
  const bomb = (): Uint8Array =>
    (made ??= codings.reduce<Uint8Array>((data, name) => encoders[name]?.(data) ?? data, Buffer.alloc(bombSize)));

  test(`a bomb of ${codings.join(', ')} is not read whole`, { skip }, async () => {
    const coded = bomb();
    // The ways to read know nothing of codings: it is enough to try all of them on one.
    const ways = ['bytes', 'text', 'json', 'arrayBuffer', 'blob'] as const;
    for (const read of codings[0] === 'gzip' && codings.length === 1 ? ways : ways.slice(0, 1)) {
      const reading = received(coded, codings)[read]();
      await assert.rejects(reading, { code: 'ERR_PASSINGLANE_RESPONSE_TOO_LARGE', message: /maxDecompressionRatio/ });
    }
  });

  test(`a bomb of ${codings.join(', ')} is read in pieces, unless the option says otherwise`, { skip }, async () => {
    const coded = bomb();
    let length = 0;
    for await (const chunk of received(coded, codings)) length += chunk.byteLength;
    assert.equal(length, bombSize);
    await assert.rejects(received(coded, codings, 500).dump(), tooLarge);
    assert.equal((await received(coded, codings, 0).bytes()).byteLength, bombSize);
  });
}

test('honest JSON of 300 to 1 is read whole', async () => {
  const row = `{"name":${JSON.stringify('a value that comes again '.repeat(40))},"missing":null,"number":`;
  let text = '[0';
  for (let i = 0; text.length < 66 * megabyte; i++) text += `,${row}${i}}`;
  text += ']';
  const coded = zlib.gzipSync(text);
  const ratio = text.length / coded.byteLength;
  assert.ok(ratio > 150 && ratio < 500, `${ratio} to 1`);
  assert.equal((await received(coded, ['gzip']).bytes()).byteLength, text.length);
});

test('a coding that makes much of little counts, though the next makes nothing of it', async () => {
  const empty = zlib.gzipSync('');
  const members = Buffer.alloc(Math.ceil((66 * megabyte) / empty.byteLength) * empty.byteLength, empty);
  await assert.rejects(received(encoders['br']!(members), ['gzip', 'br']).text(), tooLarge);
});

for (const name of ['deflate', 'br'])
  test(`${name}: what comes behind the end of the coding is dropped, also what comes later`, async () => {
    const { queue, seen, body } = receive([name]);
    const coded = Buffer.concat([encoders[name]!(Buffer.from('all')), Buffer.from('behind it')]);
    queue.push(new Uint8Array(coded));
    const reading = body.text();
    await settle();
    for (let i = 0; i < 3; i++) {
      queue.push(new Uint8Array(coded));
      await settle();
    }
    queue.end();
    assert.equal(await reading, 'all');
    assert.equal(seen.consumed, 4 * coded.byteLength);
  });
