import assert from 'node:assert/strict';
import { constants } from 'node:buffer';
import { test } from 'node:test';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { type BodyOwner, BodyQueue } from '../../dist/body/body-queue.js';
import type { ResponseBodyOptions } from '../../dist/body/reading.js';
import { ResponseBody } from '../../dist/body/response-body.js';

class Owner implements BodyOwner {
  readonly consumptions: number[] = [];
  readonly cancels: unknown[] = [];

  get total(): number {
    return this.consumptions.reduce((a, b) => a + b, 0);
  }

  consumed(bytes: number): void {
    this.consumptions.push(bytes);
  }

  cancelled(reason: unknown): void {
    this.cancels.push(reason);
  }
}

function receive(options?: ResponseBodyOptions, codings?: readonly string[], contentType?: string) {
  const owner = new Owner();
  const queue = new BodyQueue(owner);
  return {
    owner,
    queue,
    body: new ResponseBody(queue, options, codings, contentType === undefined ? [] : ['content-type', contentType]),
  };
}

const bytes = (text: string): Uint8Array => new Uint8Array(Buffer.from(text));
const text = (chunks: Uint8Array[]): string => Buffer.concat(chunks).toString();
const tick = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));
const code = (expected: string) => (error: unknown) => (error as { code?: string }).code === expected;
const locked = code('ERR_PASSINGLANE_BODY_LOCKED');
const cancelled = code('ERR_PASSINGLANE_BODY_CANCELLED');
const tooLarge = code('ERR_PASSINGLANE_RESPONSE_TOO_LARGE');

/** Every way of reading; each hands its chunks to `seen` as they come and returns all as text. */
type Way = (body: ResponseBody, seen: Uint8Array[]) => Promise<string>;

async function loop(from: AsyncIterable<Uint8Array>, seen: Uint8Array[]): Promise<string> {
  for await (const chunk of from) seen.push(chunk);
  return text(seen);
}

const streaming: Record<string, Way> = {
  loop: (body, seen) => loop(body, seen),
  borrow: (body, seen) => loop(body.borrow(), seen),
  stream: async (body, seen) => loop(body.stream() as AsyncIterable<Uint8Array>, seen),
  'stream reader': async (body, seen) => {
    const reader = body.stream().getReader();
    for (;;) {
      const { done, value } = await reader.read();
      if (done) return text(seen);
      seen.push(value);
    }
  },
  'readable loop': async (body, seen) => loop(body.readable(), seen),
  'readable data events': (body, seen) =>
    new Promise((resolve, reject) => {
      const readable = body.readable();
      readable.on('data', (chunk: Uint8Array) => seen.push(chunk));
      readable.on('end', () => resolve(text(seen)));
      readable.on('error', reject);
    }),
  'readable read()': (body, seen) =>
    new Promise((resolve, reject) => {
      const readable = body.readable();
      readable.on('readable', () => {
        const take = (): Uint8Array | null => readable.read() as Uint8Array | null;
        for (let chunk = take(); chunk !== null; chunk = take()) seen.push(chunk);
      });
      readable.on('end', () => resolve(text(seen)));
      readable.on('error', reject);
    }),
};

const whole: Record<string, Way> = {
  bytes: async (body) => text([await body.bytes()]),
  text: (body) => body.text(),
  json: async (body) => JSON.stringify(await body.json()),
  arrayBuffer: async (body) => text([new Uint8Array(await body.arrayBuffer())]),
  blob: async (body) => (await body.blob()).text(),
};

const dump: Way = async (body) => {
  await body.dump();
  return '{"a":[1,2]}';
};

const ways: [string, Way][] = Object.entries({ ...streaming, ...whole, dump });
const parts = ['{"a"', ':[1,', '2]}'];

for (const [name, way] of ways) {
  test(`${name}: a body that has arrived is read, and all its credit returns`, async () => {
    const { owner, queue, body } = receive();
    for (const part of parts) queue.push(bytes(part));
    queue.end();
    assert.equal(body.used, false);
    assert.deepEqual(owner.consumptions, [], 'nobody has read yet');
    assert.equal(await way(body, []), '{"a":[1,2]}');
    assert.equal(body.used, true);
    assert.equal(owner.total, 11);
    body.cancel();
    assert.deepEqual(owner.cancels, []);
  });

  test(`${name}: a body that arrives while it is read is complete`, async () => {
    const { owner, queue, body } = receive();
    const reading = way(body, []);
    for (const part of parts) {
      await tick();
      queue.push(bytes(part));
      queue.push(new Uint8Array(0));
    }
    await tick();
    queue.end();
    assert.equal(await reading, '{"a":[1,2]}');
    assert.equal(owner.total, 11);
    assert.deepEqual(owner.cancels, []);
  });

  test(`${name}: a body that was cut before it is read rejects`, async () => {
    const { queue, body } = receive();
    const error = new Error('reset');
    queue.push(bytes('{"a":[1,2]}'));
    queue.fail(error);
    const seen: Uint8Array[] = [];
    await assert.rejects(way(body, seen), (e) => e === error);
    if (name in streaming) assert.equal(text(seen), '{"a":[1,2]}', 'what had arrived comes first');
  });

  test(`${name}: a body that came in views is read`, async () => {
    const { owner, queue, body } = receive();
    const read = bytes('..{"a":[1,2]}..');
    const reading = way(body, []);
    await tick();
    for (const [from, to] of [
      [2, 6],
      [6, 13],
    ] as const) {
      queue.pushView(read, from, to);
      await tick();
    }
    queue.detach();
    queue.end();
    assert.equal(await reading, '{"a":[1,2]}');
    assert.equal(owner.total, 11);
  });

  test(`${name}: a body that is cut while it is read rejects`, async () => {
    const { queue, body } = receive();
    const error = new Error('reset');
    const seen: Uint8Array[] = [];
    const reading = way(body, seen);
    const rejected = assert.rejects(reading, (e) => e === error);
    await tick();
    queue.push(bytes('{"a":'));
    queue.push(bytes('[1,2]}'));
    queue.fail(error);
    await rejected;
    if (name in streaming) assert.equal(text(seen), '{"a":[1,2]}');
  });

  test(`${name}: a body that fails before its first byte rejects`, async () => {
    const { queue, body } = receive();
    const error = new Error('reset');
    queue.fail(error);
    await assert.rejects(way(body, []), (e) => e === error);
  });

  test(`${name}: after a cancel there is nothing to read, and the peer is told once`, async () => {
    const { owner, queue, body } = receive();
    queue.push(bytes('{"a":'));
    body.cancel('enough');
    body.cancel('again');
    assert.deepEqual(owner.cancels, ['enough']);
    assert.equal(owner.total, 5);
    queue.push(bytes('[1,2]}'));
    assert.equal(owner.total, 11, 'late bytes return their credit');
    queue.end();
    await assert.rejects(
      async () => way(body, []),
      (e) => cancelled(e) && (e as Error).cause === 'enough',
    );
  });

  test(`${name}: a cancel ends a read that is waiting`, async () => {
    const { owner, body } = receive();
    const reading = assert.rejects(way(body, []), cancelled);
    await tick();
    body.cancel();
    await reading;
    assert.equal(owner.cancels.length, 1);
  });

  test(`${name}: refuses a body that was read in another way, and leaves that reading alone`, async () => {
    for (const [, other] of ways) {
      const { owner, queue, body } = receive();
      queue.push(bytes('{"a":[1,2]}'));
      const first = other(body, []);
      await assert.rejects(async () => way(body, []), locked);
      queue.end();
      assert.equal(await first, '{"a":[1,2]}');
      await assert.rejects(async () => way(body, []), locked);
      assert.deepEqual(owner.cancels, []);
    }
  });

  test(`${name}: a body over maxResponseSize rejects and is cancelled; one of just that size is read`, async () => {
    const over = receive({ maxResponseSize: 10 });
    const reading = assert.rejects(way(over.body, []), tooLarge);
    over.queue.push(bytes('{"a":'));
    await tick();
    over.queue.push(bytes('[1,2]}'));
    await reading;
    assert.ok(over.owner.cancels.length === 1 && tooLarge(over.owner.cancels[0]));
    assert.equal(over.owner.total, 11);

    const just = receive({ maxResponseSize: 11 });
    just.queue.push(bytes('{"a":[1,2]}'));
    just.queue.end();
    assert.equal(await way(just.body, []), '{"a":[1,2]}');
  });

  test(`${name}: a request aborted from outside rejects at once, with what is buffered dropped`, async () => {
    const { owner, queue, body } = receive();
    queue.push(bytes('{"a":[1,2]}'));
    queue.end();
    const reason = new Error('aborted');
    queue.abort(reason);
    assert.equal(owner.total, 11);
    await assert.rejects(way(body, []), (e) => e === reason);
    assert.deepEqual(owner.cancels, []);
  });
}

for (const [name, way] of Object.entries(streaming)) {
  test(`${name}: credit returns chunk by chunk, as it is read`, async () => {
    const { owner, queue, body } = receive();
    let release: () => void = () => {};
    const seen: Uint8Array[] = [];
    let count = 0;
    const push = seen.push.bind(seen);
    seen.push = (...chunks) => {
      count += chunks.length;
      release();
      return push(...chunks);
    };
    const reading = way(body, seen);
    for (let i = 1; i <= 5; i++) {
      const arrived = new Promise<void>((resolve) => (release = resolve));
      queue.push(bytes('x'.repeat(i)));
      await arrived;
      assert.equal(count, i);
      assert.deepEqual(owner.consumptions, [1, 2, 3, 4, 5].slice(0, i));
    }
    queue.end();
    await reading;
  });
}

test('nothing is read ahead of who reads chunk by chunk', async () => {
  const five = () => {
    const made = receive();
    for (let i = 0; i < 5; i++) made.queue.push(bytes('abc'));
    return made;
  };
  const a = five();
  await a.body[Symbol.asyncIterator]().next();
  const b = five();
  await b.body.stream().getReader().read();
  const c = five();
  const readable = c.body.readable();
  await new Promise<void>((resolve) => readable.once('readable', resolve));
  assert.deepEqual(c.owner.consumptions, [3]);
  assert.equal(text([readable.read() as Uint8Array]), 'abc');
  const d = five();
  d.body.stream();
  d.body.cancel();
  await tick();
  for (const { owner } of [a, b]) assert.deepEqual(owner.consumptions, [3]);
  assert.deepEqual(c.owner.consumptions, [3], 'the stream holds nothing ready');
  assert.deepEqual(d.owner.consumptions, [15], 'dropped at once');
});

test('leaving the loop early cancels', async () => {
  const { owner, queue, body } = receive();
  queue.push(bytes('abc'));
  queue.push(bytes('def'));
  for await (const chunk of body) {
    assert.equal(text([chunk]), 'abc');
    break;
  }
  assert.equal(owner.cancels.length, 1);
  assert.equal(owner.total, 6);
});

test('return() before the first step cancels, and ends the iteration', async () => {
  const { owner, body } = receive();
  const iterator = body[Symbol.asyncIterator]();
  await iterator.return?.();
  assert.equal(owner.cancels.length, 1);
  assert.deepEqual(await iterator.next(), { done: true, value: undefined });
});

test('steps asked for at once settle in order', async () => {
  const { queue, body } = receive();
  const iterator = body[Symbol.asyncIterator]();
  const steps = [iterator.next(), iterator.next(), iterator.next(), iterator.next()];
  queue.push(bytes('a'));
  await tick();
  queue.push(bytes('b'));
  queue.push(bytes('c'));
  queue.end();
  const got = await Promise.all(steps);
  assert.deepEqual(
    got.map((step) => (step.done === true ? 'end' : text([step.value]))),
    ['a', 'b', 'c', 'end'],
  );
});

test('a failed body fails every further step, not only the first', async () => {
  const { queue, body } = receive();
  const error = new Error('reset');
  const iterator = body[Symbol.asyncIterator]();
  const steps = Promise.allSettled([iterator.next(), iterator.next(), iterator.next()]);
  queue.push(bytes('a'));
  queue.fail(error);
  assert.deepEqual(
    (await steps).map((step) => step.status),
    ['fulfilled', 'rejected', 'rejected'],
  );
  await assert.rejects(iterator.next(), (e) => e === error);
});

test('cancelling a stream of either kind cancels the body with its reason', async () => {
  const web = receive();
  await web.body.stream().cancel('enough');
  assert.deepEqual(web.owner.cancels, ['enough']);
  const node = receive();
  const error = new Error('enough');
  const readable = node.body.readable();
  readable.on('error', () => {});
  readable.destroy(error);
  await tick();
  assert.deepEqual(node.owner.cancels, [error]);
  const waiting = receive();
  const flowing = waiting.body.readable().resume();
  await tick();
  flowing.destroy();
  await tick();
  assert.equal(waiting.owner.cancels.length, 1);
});

test('a cancel when all has arrived tells the peer nothing, and drops it', async () => {
  const { owner, queue, body } = receive();
  queue.push(bytes('abc'));
  queue.end();
  body.cancel();
  assert.deepEqual(owner.cancels, []);
  assert.equal(owner.total, 3);
  await assert.rejects(body.text(), cancelled);
});

test('a cancel changes nothing once the body was read, or once it has failed and nothing is left', async () => {
  const read = receive();
  read.queue.end();
  read.body.cancel();
  assert.equal(await read.body.text(), '');
  const cut = receive();
  const error = new Error('reset');
  cut.queue.fail(error);
  cut.body.cancel();
  await assert.rejects(cut.body.text(), (e) => e === error);
});

test('an empty body is empty in every way but JSON', async () => {
  for (const [name, way] of ways) {
    const { queue, body } = receive();
    queue.end();
    if (name === 'json') await assert.rejects(way(body, []), SyntaxError);
    else if (name !== 'dump') assert.equal(await way(body, []), '');
  }
});

test('a body that has arrived settles without waiting a turn', async () => {
  const { queue, body } = receive();
  queue.push(bytes('abc'));
  queue.end();
  let result = '';
  void body.text().then((value) => (result = value));
  await Promise.resolve();
  assert.equal(result, 'abc');
});

test('bytes() gives a single chunk without a copy where the chunk owns its memory', async () => {
  const own = receive();
  const chunk = bytes('abc');
  assert.equal(chunk.buffer.byteLength, 3);
  own.queue.push(chunk);
  own.queue.end();
  assert.equal((await own.body.bytes()).buffer, chunk.buffer);

  const shared = receive();
  const slab = new Uint8Array(Buffer.from('abcdef'));
  shared.queue.push(slab.subarray(1, 4));
  shared.queue.end();
  const copy = await shared.body.bytes();
  assert.equal(text([copy]), 'bcd');
  assert.equal(copy.buffer.byteLength, 3);
  assert.equal(slab.byteLength, 6);

  const buffer = receive();
  buffer.queue.push(Buffer.alloc(2));
  buffer.queue.end();
  assert.equal((await buffer.body.bytes()).constructor, Uint8Array);
});

test('text is UTF-8 across chunks, without a byte order mark, with U+FFFD for what is malformed', async () => {
  const read = (...chunks: number[][]): Promise<string> => {
    const { queue, body } = receive();
    for (const chunk of chunks) queue.push(new Uint8Array(chunk));
    queue.end();
    return body.text();
  };
  assert.equal(await read([0xef, 0xbb], [0xbf, 0x41]), 'A');
  assert.equal(await read([0xc3], [0xa9]), 'é');
  assert.equal(await read([0x41, 0xff]), 'A\ufffd');
  assert.equal(await read([0x41, 0xe2, 0x82]), 'A\ufffd');
});

test('json() skips a byte order mark and rejects what is no JSON', async () => {
  const good = receive();
  good.queue.push(bytes('\ufeff[1]'));
  good.queue.end();
  assert.deepEqual(await good.body.json(), [1]);
  const bad = receive();
  bad.queue.push(bytes('{'));
  bad.queue.end();
  await assert.rejects(bad.body.json(), SyntaxError);
});

test('json() of what is none names the response, and shows nothing of its body', async () => {
  const refused = async (
    content: string,
    options: ResponseBodyOptions,
    type?: string,
    status?: number,
  ): Promise<string> => {
    const { queue } = receive();
    if (content !== '') queue.push(bytes(content));
    queue.end();
    const error = await new ResponseBody(queue, options, [], type === undefined ? [] : ['content-type', type], status)
      .json()
      .then(
        () => assert.fail('it is none'),
        (error: unknown) => error as SyntaxError & { code?: string },
      );
    assert.ok(error instanceof SyntaxError);
    assert.equal(error.code, 'ERR_INVALID_JSON');
    assert.doesNotMatch(`${error.message} ${String(error.cause)}`, /secret/);
    return error.message;
  };
  const request = { method: 'GET', url: 'https://a.test/x?token=secret' };
  assert.match(
    await refused('<p>secret</p>', request, 'text/html; charset=secret', 502),
    /^GET https:\/\/a\.test\/x: The response body \(status 502, text\/html\) is not JSON/,
  );
  assert.equal(
    await refused('', request, undefined, 200),
    'GET https://a.test/x: The response body (status 200, no content-type) is empty, and so no JSON',
  );
  assert.match(
    await refused('[1,secret]', {}, 'secret', 200),
    /^The response body \(status 200, no content-type\) is not/,
  );
});

test("a blob has the response's content-type", async () => {
  const { queue, body } = receive({}, [], 'text/csv');
  queue.end();
  assert.equal((await body.blob()).type, 'text/csv');
});

test('a stream becomes the body of a Response', async () => {
  const { queue, body } = receive();
  queue.push(bytes('{"a":1}'));
  queue.end();
  assert.deepEqual(await new Response(body.stream() as ReadableStream).json(), { a: 1 });
});

test('many small chunks are read in order, in fewer chunks where many wait', async () => {
  const { owner, queue, body } = receive();
  const iterator = body[Symbol.asyncIterator]();
  let sent = 0;
  let got = 0;
  let chunks = 0;
  while (sent < 4000) {
    for (const until = Math.min(4000, sent + 300); sent < until; sent++) queue.push(new Uint8Array([sent & 255]));
    const step = await iterator.next();
    assert.ok(step.done !== true);
    chunks++;
    for (const byte of step.value) assert.equal(byte, got++ & 255);
  }
  queue.end();
  for (let step = await iterator.next(); step.done !== true; step = await iterator.next()) {
    chunks++;
    for (const byte of step.value) assert.equal(byte, got++ & 255);
  }
  assert.equal(got, 4000);
  assert.equal(owner.total, 4000);
  assert.ok(chunks < 100, `${chunks} chunks`);
});

test('what arrives after the end, or after a failure, is dropped and returns its credit', () => {
  for (const finish of [(q: BodyQueue) => q.end(), (q: BodyQueue) => q.fail(new Error('reset'))]) {
    const { owner, queue } = receive();
    finish(queue);
    queue.push(bytes('abc'));
    assert.equal(queue.buffered, 0);
    assert.equal(owner.total, 3);
    queue.cancel('late');
    assert.deepEqual(owner.cancels, []);
  }
});

test('the queue says what it holds and whether somebody waits', async () => {
  const { queue, body } = receive();
  assert.equal(queue.waiting, false);
  queue.push(bytes('abc'));
  assert.equal(queue.buffered, 3);
  const reading = body.text();
  assert.equal(queue.buffered, 0);
  assert.equal(queue.waiting, true);
  queue.end();
  assert.equal(queue.waiting, false);
  assert.equal(queue.ended, true);
  assert.equal(await reading, 'abc');
});

test('of a stream that failed before anybody read it nothing is held', async () => {
  const { queue, body } = receive();
  queue.push(bytes('abc'));
  const stream = body.stream();
  const failure = new Error('cut');
  queue.fail(failure);
  await tick();
  await tick();
  assert.equal(queue.buffered, 0, 'an errored stream gives no bytes');
  await assert.rejects(stream.getReader().read(), failure);
});

test('a stream whose body is cut while it is read gives what had arrived, then fails without being asked', async () => {
  const { queue, body } = receive();
  const reader = body.stream().getReader();
  const failure = new Error('cut');
  let told: unknown = undefined;
  reader.closed.catch((reason: unknown) => (told = reason));
  const read = async (): Promise<string> => text([(await reader.read()).value!]);
  queue.push(bytes('one'));
  assert.equal(await read(), 'one');
  queue.push(bytes('two'));
  queue.push(bytes('three'));
  queue.fail(failure);
  await tick();
  assert.equal(told, undefined, 'there is more to read');
  assert.deepEqual([await read(), await read()], ['two', 'three']);
  await tick();
  assert.equal(told, failure);
});

test('a body that nobody can read any more is garbage, and one that somebody can read is not', async () => {
  setFlagsFromString('--expose-gc');
  const collect = runInNewContext('gc') as () => void;
  const gone = new Set<string>();
  const registry = new FinalizationRegistry<string>((name) => gone.add(name));
  const held: unknown[] = [];
  const queues: BodyQueue[] = [];
  const make = (name: string, use: (body: ResponseBody) => unknown): void => {
    const { queue, body } = receive({}, name.startsWith('decoded') ? ['gzip'] : []);
    registry.register(body, name);
    queues.push(queue);
    held.push(use(body));
  };
  // Functions of their own, so that no frame on the stack holds what they made.
  const drop = (): void => {
    make('unread', () => undefined);
    make('decoded unread', () => undefined);
    make('iterator dropped', (body) => void body[Symbol.asyncIterator]());
    make('stream dropped', (body) => void body.stream());
    make('readable dropped', (body) => void body.readable());
  };
  const keep = (): void => {
    make('iterator kept', (body) => body[Symbol.asyncIterator]());
    make('stream kept', (body) => body.stream());
    make('readable kept', (body) => body.readable());
    make('being read', (body) => void body.text());
    make('decoded being read', (body) => void body.text());
    make('being dumped', (body) => void body.dump());
  };
  drop();
  keep();
  const expected = ['decoded unread', 'iterator dropped', 'readable dropped', 'stream dropped', 'unread'];
  for (let i = 0; i < 200 && gone.size < expected.length; i++) {
    await tick();
    collect();
  }
  for (let i = 0; i < 5; i++) {
    await tick();
    collect();
  }
  assert.deepEqual([...gone].sort(), expected);
  for (const queue of queues) queue.end();
  assert.equal(held.length, 11);
});

for (const read of ['text', 'json'] as const) {
  test(`${read}: what is longer than a string can be rejects with an error of ours, and is cancelled`, async () => {
    const piece = new Uint8Array(16 * 1024 * 1024).fill(0x61);
    const { queue, owner, body } = receive();
    const whole = body[read]();
    for (let sent = 0; sent <= constants.MAX_STRING_LENGTH; sent += piece.length) {
      queue.push(piece);
      await Promise.resolve();
    }
    await assert.rejects(whole, { code: 'ERR_PASSINGLANE_RESPONSE_TOO_LARGE', message: /536870888 bytes/ });
    assert.equal(owner.cancels.length, 1);
  });
}
