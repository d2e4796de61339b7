import assert from 'node:assert/strict';
import { Readable } from 'node:stream';
import { test } from 'node:test';
import { isOneShot, type RequestBody, toRequestBody } from '../../dist/body/request-body.js';
import type { BodyReader } from '../../dist/body/source-reader.js';

function body(value: unknown): RequestBody {
  const made = toRequestBody(value);
  assert.ok(made !== undefined);
  return made;
}

async function drain(reader: BodyReader): Promise<Buffer> {
  const pieces: Uint8Array[] = [];
  for (;;) {
    const piece = await reader.next();
    if (piece === undefined) return Buffer.concat(pieces);
    assert.ok(piece.byteLength > 0, 'no piece is empty');
    pieces.push(piece);
  }
}

const sent = async (made: RequestBody): Promise<string> => (await drain(made.open())).toString('utf8');

async function* pieces(...all: (string | Uint8Array)[]): AsyncGenerator<string | Uint8Array> {
  yield* all;
}

function webStream(...all: unknown[]): ReadableStream {
  return new ReadableStream({
    start(controller) {
      for (const piece of all) controller.enqueue(piece);
      controller.close();
    },
  });
}

/** A source whose calls are counted and which answers as told. */
function iterable(next: () => Promise<IteratorResult<unknown>>, onReturn: () => unknown) {
  const seen = { opened: 0, next: 0, returned: 0 };
  const value = {
    [Symbol.asyncIterator]() {
      seen.opened++;
      return {
        next() {
          seen.next++;
          return next();
        },
        return() {
          seen.returned++;
          return onReturn();
        },
      };
    },
  };
  return { value, seen };
}

const never = (): Promise<never> => new Promise(() => {});
const tick = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));
const code = (expected: string) => (error: unknown) => (error as { code?: string }).code === expected;
const unusable = code('ERR_PASSINGLANE_REQUEST_BODY');
const invalid = code('ERR_INVALID_ARG_VALUE');

test('a stream of either kind and what is iterated as one can be read once only, and nothing else', () => {
  for (const once of [Readable.from(['a']), webStream('a'), pieces('a')]) assert.equal(isOneShot(once), true);
  for (const other of ['text', null, undefined, 7, {}, new Uint8Array(1), () => 'a'])
    assert.equal(isOneShot(other), false);
});

test('null and undefined are no body', () => {
  assert.equal(toRequestBody(null), undefined);
  assert.equal(toRequestBody(undefined), undefined);
});

test('what is at hand is known in bytes, with the media type that fetch gives', async () => {
  const cases: [unknown, Uint8Array, string | undefined][] = [
    ['héllo \u{1f600}', Buffer.from('héllo \u{1f600}'), 'text/plain;charset=UTF-8'],
    ['', new Uint8Array(0), 'text/plain;charset=UTF-8'],
    [new Uint8Array([1, 2, 3]), Buffer.from([1, 2, 3]), undefined],
    [new Uint8Array(0), new Uint8Array(0), undefined],
    [Buffer.from('abcdef').subarray(2, 4), Buffer.from('cd'), undefined],
    [new Uint16Array([1, 2, 3]).subarray(1), Buffer.from(new Uint16Array([2, 3]).buffer), undefined],
    [new DataView(new Uint8Array([1, 2, 3, 4]).buffer, 1, 2), Buffer.from([2, 3]), undefined],
    [new Uint8Array([9, 8]).buffer, Buffer.from([9, 8]), undefined],
    [
      new URLSearchParams([
        ['a b', 'c&d'],
        ['é', ''],
      ]),
      Buffer.from('a+b=c%26d&%C3%A9='),
      'application/x-www-form-urlencoded;charset=UTF-8',
    ],
  ];
  for (const [value, expected, contentType] of cases) {
    const made = body(value);
    assert.ok(made.bytes !== undefined);
    assert.deepEqual(Buffer.from(made.bytes), Buffer.from(expected));
    assert.equal(made.length, expected.byteLength);
    assert.equal(made.contentType, contentType);
    assert.deepEqual(await drain(made.open()), Buffer.from(expected));
    made.discard(new Error('failed'));
    assert.equal(made.replayable, true);
    assert.deepEqual(await drain(made.open()), Buffer.from(expected), 'opened again');
  }
});

test('bytes are borrowed, not copied', () => {
  const bytes = new Uint8Array([1, 2, 3]);
  assert.equal(body(bytes).bytes, bytes);
  assert.equal(body(bytes.buffer).bytes?.buffer, bytes.buffer);
});

test('a buffer that was transferred before is refused as a body and as a piece, an empty one is not', async () => {
  const lent = [new Uint8Array(8), new DataView(new ArrayBuffer(8)), new ArrayBuffer(8)];
  for (const one of lent) {
    const buffer = ArrayBuffer.isView(one) ? one.buffer : one;
    structuredClone(buffer, { transfer: [buffer] });
    assert.throws(() => body(one), /detached/);
    for (const made of [body(() => one), body(pieces('whole', one as Uint8Array))])
      await assert.rejects(sent(made), { code: 'ERR_PASSINGLANE_REQUEST_BODY', message: /detached/ });
  }
  assert.equal(await sent(body(new ArrayBuffer(0))), '');
  assert.equal(await sent(body(pieces('whole', new Uint8Array(0)))), 'whole');
});

test('a Blob knows its length and type, and is read anew each time it is opened', async () => {
  const blob = new Blob(['abc', 'x'.repeat(200_000)], { type: 'text/csv' });
  const made = body(blob);
  assert.equal(made.length, 200_003);
  assert.equal(made.contentType, 'text/csv');
  assert.equal(made.bytes, undefined);
  for (let i = 0; i < 2; i++) {
    assert.equal(made.replayable, true);
    assert.equal(await sent(made), `abc${'x'.repeat(200_000)}`);
  }
  assert.equal(body(new Blob(['x'])).contentType, undefined);
  assert.equal(await sent(body(new Blob([]))), '');
});

test('a stream of each kind arrives as it was given, its empty pieces left out', async () => {
  const all = ['one ', new Uint8Array(0), '', Buffer.from('two '), 'drei é'];
  for (const made of [
    body(pieces(...all)),
    body(webStream(...all)),
    body(
      webStream(
        new TextEncoder().encode('one two ').buffer,
        new DataView(Buffer.from('drei é').buffer.slice(0, 0)),
        'drei é',
      ),
    ),
    body(Readable.from(all)),
    body(Readable.from(['one two ', 'drei é'], { objectMode: false })),
  ]) {
    assert.equal(made.length, -1);
    assert.equal(made.contentType, undefined);
    assert.equal(made.bytes, undefined);
    assert.equal(await sent(made), 'one two drei é');
  }
});

test('an empty stream is an empty body', async () => {
  assert.equal(await sent(body(pieces())), '');
  assert.equal(await sent(body(webStream())), '');
  assert.equal(await sent(body(Readable.from([]))), '');
});

test('a stream can be sent again until it was opened, and says so', async () => {
  for (const value of [pieces('a'), webStream('a'), Readable.from(['a'])]) {
    const made = body(value);
    assert.equal(made.replayable, true);
    const reader = made.open();
    assert.equal(made.replayable, false);
    assert.equal((await drain(reader)).toString(), 'a');
    await assert.rejects(made.open().next(), unusable);
  }
});

test('a function is called for each opening, so its body can always be sent again', async () => {
  let calls = 0;
  const made = body(() => pieces(`call ${++calls}`));
  assert.equal(made.length, -1);
  assert.equal(made.contentType, undefined);
  assert.equal(calls, 0);
  assert.equal(await sent(made), 'call 1');
  assert.equal(made.replayable, true);
  assert.equal(await sent(made), 'call 2');
});

test('a function may give any kind of body, also in a promise, and also none', async () => {
  assert.equal(await sent(body(() => 'text')), 'text');
  assert.equal(await sent(body(async () => new Blob(['blob']))), 'blob');
  assert.equal(await sent(body(() => webStream('web'))), 'web');
  assert.equal(await sent(body(() => Readable.from(['node']))), 'node');
  assert.equal(await sent(body(() => new URLSearchParams('a=b'))), 'a=b');
  assert.equal(await sent(body(() => null)), '');
});

test('a function that gives nothing at all, its return forgotten, is a mistake and no empty upload', async () => {
  await assert.rejects(sent(body(async () => undefined)), { name: 'TypeError', code: 'ERR_INVALID_ARG_VALUE' });
});

test('what a function throws, or gives that is no body, rejects the first piece', async () => {
  const error = new Error('no file');
  const thrower = body(() => {
    throw error;
  });
  await assert.rejects(thrower.open().next(), (e) => e === error);
  await assert.rejects(
    body(() => Promise.reject(error))
      .open()
      .next(),
    (e) => e === error,
  );
  await assert.rejects(
    body(() => 5)
      .open()
      .next(),
    invalid,
  );
  await assert.rejects(
    body(() => () => 'x')
      .open()
      .next(),
    invalid,
  );
});

test('what cannot be a body is refused by name', () => {
  for (const value of [5, true, {}, { a: 1 }, ['a'], new Map(), new Date(), Symbol('x'), 5n]) {
    assert.throws(() => toRequestBody(value), invalid);
  }
  assert.throws(() => toRequestBody({}), /Invalid body: an object \(Object\)/);
  const generator = (function* () {})();
  assert.throws(() => toRequestBody(generator), /Invalid body: an object \(Generator\)/);
});

test('an object or an array in place of a body brings up JSON.stringify, and other things do not', async () => {
  for (const value of [{ a: 1 }, ['a'], Object.create(null) as object]) {
    assert.throws(() => toRequestBody(value), /JSON\.stringify/);
    await assert.rejects(
      body(() => value as never)
        .open()
        .next(),
      /JSON\.stringify/,
    );
  }
  for (const value of [5, new Map(), new Date()])
    assert.throws(
      () => toRequestBody(value),
      (error: Error) => !error.message.includes('JSON'),
    );
});

test('a stream that was locked or read from is refused before anything is sent', async () => {
  const locked = webStream('a');
  locked.getReader();
  assert.throws(() => toRequestBody(locked), unusable);
  const touched = webStream('a', 'b');
  const reader = touched.getReader();
  await reader.read();
  reader.releaseLock();
  assert.throws(() => toRequestBody(touched), unusable);
  const consumed = Readable.from(['a']);
  for await (const _ of consumed);
  assert.throws(() => toRequestBody(consumed), {
    code: 'ERR_PASSINGLANE_REQUEST_BODY',
    message: /to its end before: give a fresh one/,
  });
});

test('a stream that somebody takes between the request and its sending fails the request', async () => {
  const web = webStream('a');
  const made = body(web);
  web.getReader();
  await assert.rejects(made.open().next(), unusable);
  const node = Readable.from(['a']);
  const second = body(node);
  for await (const _ of node);
  await assert.rejects(second.open().next(), unusable);
});

test('a source error is passed on as the same object, after what came before it', async () => {
  const error = new Error('disk');
  async function* failing(): AsyncGenerator<string> {
    yield 'before';
    throw error;
  }
  let pulls = 0;
  const web = new ReadableStream(
    {
      pull(controller) {
        if (pulls++ === 0) controller.enqueue('before');
        else controller.error(error);
      },
    },
    { highWaterMark: 0 },
  );
  for (const value of [failing(), web, Readable.from(failing()), () => failing()]) {
    const reader = body(value).open();
    assert.equal(Buffer.from((await reader.next()) ?? []).toString(), 'before');
    await assert.rejects(reader.next(), (e) => e === error);
    reader.cancel(new Error('later'));
  }
});

test('a node stream that fails before anybody reads does not end the process, and fails the reading', async () => {
  const error = new Error('early');
  const stream = new Readable({ read() {} });
  const made = body(stream);
  stream.destroy(error);
  await tick();
  await assert.rejects(made.open().next(), (e) => e === error);
});

test('a node stream that closes before its end is an error, not a shorter body', async () => {
  const stream = new Readable({ read() {} });
  stream.push('part');
  const reader = body(stream).open();
  assert.equal(Buffer.from((await reader.next()) ?? []).toString(), 'part');
  const next = reader.next();
  stream.destroy();
  await assert.rejects(next, code('ERR_STREAM_PREMATURE_CLOSE'));
});

test('a piece that is neither bytes nor text fails the request and stops the source', async () => {
  for (const piece of [5, {}, null, true]) {
    const { value, seen } = iterable(
      async () => ({ done: false, value: piece }),
      async () => {},
    );
    const reader = body(value).open();
    await assert.rejects(reader.next(), unusable);
    assert.equal(seen.returned, 1);
    reader.cancel(new Error('again'));
    assert.equal(seen.returned, 1);
  }
  const objects = Readable.from([{ a: 1 }]);
  await assert.rejects(body(objects).open().next(), unusable);
  assert.equal(objects.destroyed, true);
});

test("opening runs none of the caller's code, and nothing is read ahead", async () => {
  let n = 0;
  const { value, seen } = iterable(
    async () => ({ done: false, value: `${n++}` }),
    async () => {},
  );
  const reader = body(value).open();
  await tick();
  assert.deepEqual(seen, { opened: 0, next: 0, returned: 0 });
  await reader.next();
  await tick();
  assert.deepEqual(seen, { opened: 1, next: 1, returned: 0 });

  let pulls = 0;
  const web = new ReadableStream({ pull: (c) => c.enqueue(`${pulls++}`) }, { highWaterMark: 0 });
  const webReader = body(web).open();
  await webReader.next();
  await tick();
  assert.equal(pulls, 1);
});

test('cancel stops each kind of source once, by its own means', async () => {
  const reason = new Error('aborted');
  const { value, seen } = iterable(
    async () => ({ done: false, value: 'a' }),
    async () => {},
  );
  const iterating = body(value).open();
  await iterating.next();
  iterating.cancel(reason);
  iterating.cancel(reason);
  assert.equal(seen.returned, 1);
  await assert.rejects(iterating.next(), (e) => e === reason);
  assert.equal(seen.next, 1, 'the source is not asked again');

  const reasons: unknown[] = [];
  const web = new ReadableStream({ pull: (c) => c.enqueue('a'), cancel: (r) => void reasons.push(r) });
  const webReader = body(web).open();
  await webReader.next();
  webReader.cancel(reason);
  webReader.cancel(reason);
  assert.deepEqual(reasons, [reason]);

  const node = new Readable({ read() {} });
  node.push('a');
  const nodeReader = body(node).open();
  await nodeReader.next();
  nodeReader.cancel(reason);
  assert.equal(node.destroyed, true);
  await tick();

  const other = new Readable({ read() {} });
  body(other).open().cancel('not an Error');
  assert.equal(other.destroyed, true);
});

test('cancel while a piece is awaited makes no end of it', async () => {
  const reason = new Error('aborted');
  const web = new ReadableStream({ pull: never }, { highWaterMark: 0 });
  const node = new Readable({ read() {} });
  const generator = (async function* () {
    await tick();
    yield 'late';
  })();
  for (const value of [web, node, generator]) {
    const reader = body(value).open();
    const next = reader.next();
    await Promise.resolve();
    reader.cancel(reason);
    await assert.rejects(next, (e) => e === reason);
  }
});

test('a return() that throws, rejects, or never settles bothers nobody', async () => {
  const returns = [
    () => {
      throw new Error('sync');
    },
    () => Promise.reject(new Error('async')),
    never,
    () => ({
      get then() {
        throw new Error('getter');
      },
    }),
  ];
  for (const onReturn of returns) {
    const { value, seen } = iterable(async () => ({ done: false, value: 'a' }), onReturn);
    const reader = body(value).open();
    await reader.next();
    reader.cancel(new Error('aborted'));
    assert.equal(seen.returned, 1);
  }
  const web = new ReadableStream({ cancel: () => Promise.reject(new Error('cancel')) });
  const reader = body(web).open();
  const next = reader.next();
  await Promise.resolve();
  reader.cancel(new Error('aborted'));
  await assert.rejects(next, /aborted/);
  const discarded = new ReadableStream({ cancel: () => Promise.reject(new Error('cancel')) });
  body(discarded).discard(new Error('aborted'));
  await tick();
});

test('cancel after the end touches nothing', async () => {
  const { value, seen } = iterable(
    async () => ({ done: true, value: undefined }),
    async () => {},
  );
  const reader = body(value).open();
  assert.equal(await reader.next(), undefined);
  assert.equal(await reader.next(), undefined);
  reader.cancel(new Error('late'));
  assert.deepEqual(seen, { opened: 1, next: 1, returned: 0 });
});

test('a function that is cancelled before the first piece is not called; its stream is stopped if it comes too late', async () => {
  let calls = 0;
  const early = body(() => `${++calls}`).open();
  early.cancel(new Error('aborted'));
  await assert.rejects(early.next(), /aborted/);
  assert.equal(calls, 0);

  const { value, seen } = iterable(never, async () => {});
  let deliver: (v: unknown) => void = () => {};
  const reader = body(() => new Promise((resolve) => (deliver = resolve))).open();
  const next = reader.next();
  await tick();
  reader.cancel(new Error('aborted'));
  deliver(value);
  await assert.rejects(next, /aborted/);
  assert.equal(seen.returned, 1);
  assert.equal(seen.next, 0);
});

test('a stream that was never opened is closed once when the request has failed', async () => {
  const reason = new Error('dial failed');
  const reasons: unknown[] = [];
  const web = body(new ReadableStream({ cancel: (r) => void reasons.push(r) }));
  web.discard(reason);
  web.discard(reason);
  assert.deepEqual(reasons, [reason]);
  assert.equal(web.replayable, false);
  await assert.rejects(web.open().next(), unusable);

  const node = new Readable({ read() {} });
  body(node).discard(reason);
  assert.equal(node.destroyed, true);

  const generator = pieces('a');
  body(generator).discard(reason);
  assert.deepEqual(await generator.next(), { done: true, value: undefined });

  const { value, seen } = iterable(never, async () => {});
  body(value).discard(reason);
  assert.deepEqual(seen, { opened: 0, next: 0, returned: 0 }, 'what was not begun needs no closing');
});

test('discard leaves an open body alone', async () => {
  const made = body(pieces('a', 'b'));
  const reader = made.open();
  made.discard(new Error('too late'));
  assert.equal((await drain(reader)).toString(), 'ab');
});

test('a reader that is cancelled before its first piece closes the stream', async () => {
  const reasons: unknown[] = [];
  const reader = body(new ReadableStream({ cancel: (r) => void reasons.push(r) })).open();
  reader.cancel('enough');
  assert.deepEqual(reasons, ['enough']);
});
