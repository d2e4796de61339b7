/** What goes out: input, init, method, headers and body (Fetch Standard, sections 2.2.5, 5.2 and 5.4). */
import assert from 'node:assert/strict';
import { Readable } from 'node:stream';
import { describe, test } from 'node:test';
import { seen, setup } from './support.js';

/** undici's own types ask for less than the standard. */
const half = { duplex: 'half' } as const;

function streamOf(...pieces: string[]): ReadableStream<Uint8Array> {
  const encoder = new TextEncoder();
  return new ReadableStream({
    start(controller) {
      for (const piece of pieces) controller.enqueue(encoder.encode(piece));
      controller.close();
    },
  });
}

describe('the input', () => {
  test('is a string, a URL, a Request, or anything with such a string form', async (t) => {
    const { fetch, at } = await setup(t);
    const inputs = [
      `${at}/inspect`,
      new URL('/inspect', at),
      new Request(`${at}/inspect`),
      { toString: () => `${at}/inspect` },
    ];
    for (const input of inputs) assert.equal((await seen(await fetch(input as string))).path, '/inspect');
  });

  test('that is no absolute URL rejects with a TypeError, and throws nothing', async (t) => {
    const { fetch } = await setup(t);
    await assert.rejects(fetch('/relative'), TypeError);
    await assert.rejects(fetch('http://'), TypeError);
  });

  test('with credentials rejects with a TypeError that does not name them', async (t) => {
    const { fetch } = await setup(t);
    await assert.rejects(fetch('http://user:secret@127.0.0.1/'), (error: Error) => {
      assert.ok(error instanceof TypeError);
      assert.doesNotMatch(error.message, /secret/);
      return true;
    });
  });

  test('loses its fragment on the wire and in Response.url', async (t) => {
    const { fetch, at } = await setup(t);
    const response = await fetch(`${at}/inspect?q=1#part`);
    assert.equal(response.url, `${at}/inspect?q=1`);
    assert.equal((await seen(response)).path, '/inspect?q=1');
  });

  test('keeps a question mark without a query, on the wire and in Response.url', async (t) => {
    const { fetch, at } = await setup(t);
    for (const given of ['/inspect?', '/inspect?#part']) {
      const response = await fetch(at + given);
      assert.equal(response.url, `${at}/inspect?`);
      assert.equal((await seen(response)).path, '/inspect?');
    }
    assert.equal((await seen(await fetch(`${at}/redirect/302?to=/inspect%3F`))).path, '/inspect?');
  });

  test('a Request brings its method, headers and body, and its init is overridden member by member', async (t) => {
    const { fetch, at } = await setup(t);
    const make = (): Request =>
      new Request(`${at}/inspect`, { method: 'PUT', headers: { 'x-a': '1' }, body: 'from the request' });
    const plain = await seen(await fetch(make()));
    assert.deepEqual([plain.method, plain.headers['x-a'], plain.body], ['PUT', '1', 'from the request']);
    const other = await seen(await fetch(make(), { method: 'POST', body: 'from the init', headers: { 'x-b': '2' } }));
    assert.deepEqual(
      [other.method, other.headers['x-a'], other.headers['x-b'], other.body],
      ['POST', undefined, '2', 'from the init'],
    );
  });

  test('a Request is used by fetch at once, and not a second time', async (t) => {
    const { fetch, at } = await setup(t);
    const request = new Request(`${at}/inspect`, { method: 'POST', body: 'x' });
    const first = fetch(request);
    assert.equal(request.bodyUsed, true);
    await assert.rejects(fetch(request), TypeError);
    assert.equal((await seen(await first)).body, 'x');
  });

  test('a Request whose body was given as text or bytes goes out with its length', async (t) => {
    const { fetch, at } = await setup(t);
    for (const body of ['hello', new Uint8Array(100_000)]) {
      const { headers } = await seen(await fetch(new Request(`${at}/inspect`, { method: 'POST', body })));
      assert.equal(headers['content-length'], String(body.length));
    }
  });

  test('a Request with a stream is sent as it flows, in full duplex', async (t) => {
    const { fetch, at } = await setup(t);
    const pipe = new TransformStream<Uint8Array, Uint8Array>();
    const writer = pipe.writable.getWriter();
    const say = (word: string): void => void writer.write(new TextEncoder().encode(word));
    const request = new Request(`${at}/echo`, { method: 'POST', body: pipe.readable, ...half });
    const pending = fetch(request);
    say('ping');
    const reader = (await pending).body!.getReader();
    const hear = async (): Promise<string> => new TextDecoder().decode((await reader.read()).value as Uint8Array);
    assert.equal(await hear(), 'ping');
    say('pong');
    assert.equal(await hear(), 'pong');
    await writer.close();
    assert.equal((await reader.read()).done, true);
  });
});

describe('the method', () => {
  test('is brought to upper case where the standard does that, and left alone elsewhere', async (t) => {
    const { fetch, at } = await setup(t);
    for (const [given, sent] of [
      ['get', 'GET'],
      ['delete', 'DELETE'],
      ['post', 'POST'],
      ['put', 'PUT'],
      ['options', 'OPTIONS'],
      ['patch', 'patch'],
      ['PATCH', 'PATCH'],
      ['chicken', 'chicken'],
    ])
      assert.equal((await seen(await fetch(`${at}/inspect`, { method: given! }))).method, sent);
  });

  for (const method of ['CONNECT', 'trace', 'Track', 'no token', ''])
    test(`${JSON.stringify(method)} rejects with a TypeError`, async (t) => {
      const { fetch, at } = await setup(t);
      await assert.rejects(fetch(`${at}/inspect`, { method }), TypeError);
    });

  for (const method of ['GET', 'HEAD', 'get'])
    test(`${method} with a body rejects with a TypeError`, async (t) => {
      const { fetch, at } = await setup(t);
      await assert.rejects(fetch(`${at}/inspect`, { method, body: '' }), TypeError);
    });
});

describe('the headers', () => {
  test('are a record, pairs, or a Headers, with values of any type as their strings', async (t) => {
    const { fetch, at } = await setup(t);
    for (const headers of [
      { 'X-A': '1', 'x-b': 'two' },
      [
        ['X-A', '1'],
        ['x-b', 'two'],
      ],
      new Headers({ 'X-A': '1', 'x-b': 'two' }),
      { 'X-A': 1, 'x-b': 'two' },
    ]) {
      const { headers: sent } = await seen(
        await fetch(`${at}/inspect`, { headers: headers as Record<string, string> }),
      );
      assert.deepEqual([sent['x-a'], sent['x-b']], ['1', 'two']);
    }
  });

  test('values lose the white space and the line ends around them, however they are given', async (t) => {
    const { fetch, at } = await setup(t);
    for (const [given, sent] of [
      ['Bearer abc\n', 'Bearer abc'],
      ['\r\n \t1 2 \r\n', '1 2'],
      ['\n', ''],
      ['\u00a01', '\u00a01'],
    ] as const)
      for (const headers of [{ 'x-a': given }, [['x-a', given]], new Headers({ 'x-a': given })] as Record<
        string,
        string
      >[])
        assert.equal((await seen(await fetch(`${at}/inspect`, { headers }))).headers['x-a'], sent);
  });

  test('accept is */* and a user-agent is sent where the caller names none', async (t) => {
    const { fetch, at } = await setup(t);
    const { headers } = await seen(await fetch(`${at}/inspect`));
    assert.equal(headers['accept'], '*/*');
    assert.match(headers['user-agent'] ?? '', /^passinglane\//);
    const named = await seen(await fetch(`${at}/inspect`, { headers: { Accept: 'text/html', 'User-Agent': 'mine' } }));
    assert.deepEqual([named.headers['accept'], named.headers['user-agent']], ['text/html', 'mine']);
  });

  test('connection: keep-alive, which old clients send, does no harm', async (t) => {
    const { fetch, at } = await setup(t);
    assert.equal((await fetch(`${at}/hello.txt`, { headers: { Connection: 'keep-alive' } })).status, 200);
  });

  for (const headers of [{ 'a b': '1' }, { '': '1' }, { 'x-a': 'a\nb' }, { 'x-a': '\u20ac' }, [['x-a']], null, 5])
    test(`${JSON.stringify(headers)} rejects with a TypeError`, async (t) => {
      const { fetch, at } = await setup(t);
      await assert.rejects(fetch(`${at}/inspect`, { headers: headers as Record<string, string> }), TypeError);
    });

  test('a header that cannot be sent is not called a failed fetch, which libraries would try again', async (t) => {
    const { fetch, at } = await setup(t);
    await assert.rejects(fetch(`${at}/inspect`, { headers: { 'x-a': 'a\0' } }), (error: Error) => {
      assert.notEqual(error.message, 'fetch failed');
      assert.equal((error.cause as { code: string }).code, 'ERR_PASSINGLANE_INVALID_HEADER');
      return true;
    });
  });
});

describe('the body', () => {
  const form = new FormData();
  form.append('field', 'value');
  form.append('file', new File(['content'], 'name.txt', { type: 'text/plain' }));

  for (const [name, body, type, content] of [
    ['a string', 'text \u20ac', /^text\/plain;charset=UTF-8$/, /^text \u20ac$/],
    ['an empty string', '', /^text\/plain;charset=UTF-8$/, /^$/],
    [
      'URLSearchParams',
      new URLSearchParams({ a: '1 2' }),
      /^application\/x-www-form-urlencoded;charset=UTF-8$/,
      /^a=1\+2$/,
    ],
    ['a typed Blob', new Blob(['blob'], { type: 'image/x' }), /^image\/x$/, /^blob$/],
    ['a Blob without a type', new Blob(['blob']), undefined, /^blob$/],
    ['bytes', new TextEncoder().encode('bytes'), undefined, /^bytes$/],
    ['a view of another type', new DataView(new TextEncoder().encode('view').buffer), undefined, /^view$/],
    ['an ArrayBuffer', new TextEncoder().encode('buffer').buffer, undefined, /^buffer$/],
    [
      'FormData',
      form,
      /^multipart\/form-data; boundary=/,
      /name="field"\r\n\r\nvalue\r\n[^]*name="file"; filename="name.txt"\r\n/,
    ],
    ['a number', 12, /^text\/plain;charset=UTF-8$/, /^12$/],
    ['an object', {}, /^text\/plain;charset=UTF-8$/, /^\[object Object\]$/],
  ] as const)
    test(`${name} goes out with its type and its length`, async (t) => {
      const { fetch, at } = await setup(t);
      const sent = await seen(await fetch(`${at}/inspect`, { method: 'POST', body: body as string }));
      assert.match(sent.body, content);
      if (type === undefined) assert.equal(sent.headers['content-type'], undefined);
      else assert.match(sent.headers['content-type'] ?? '', type);
      assert.equal(sent.headers['content-length'], String(Buffer.byteLength(sent.body)));
    });

  test("the caller's content-type stands", async (t) => {
    const { fetch, at } = await setup(t);
    const init = { method: 'POST', body: '{}', headers: { 'Content-Type': 'application/json' } };
    assert.equal((await seen(await fetch(`${at}/inspect`, init))).headers['content-type'], 'application/json');
  });

  test('bytes are those of the call, whatever the caller does to them afterwards', async (t) => {
    const { fetch, at } = await setup(t);
    const bytes = new TextEncoder().encode('before');
    const pending = fetch(`${at}/inspect`, { method: 'POST', body: bytes });
    bytes.fill(0);
    assert.equal((await seen(await pending)).body, 'before');
  });

  test('a stream, an async iterable and a Readable go out piece by piece, without a length', async (t) => {
    const { fetch, at } = await setup(t);
    async function* pieces(): AsyncGenerator<Uint8Array> {
      yield new TextEncoder().encode('one');
      yield new TextEncoder().encode('two');
    }
    for (const body of [streamOf('one', 'two'), pieces(), Readable.from([Buffer.from('one'), Buffer.from('two')])]) {
      const init = { method: 'POST', body, ...half } as unknown as RequestInit;
      const sent = await seen(await fetch(`${at}/inspect`, init));
      assert.deepEqual([sent.body, sent.headers['content-length']], ['onetwo', undefined]);
    }
  });

  test("a stream needs duplex: 'half', must be unread and unlocked, and cannot go with keepalive", async (t) => {
    const { fetch, at } = await setup(t);
    const post = (body: ReadableStream, init: object = half): Promise<Response> =>
      fetch(`${at}/inspect`, { method: 'POST', body, ...init });
    await assert.rejects(post(streamOf('x'), {}), TypeError);
    await assert.rejects(post(streamOf('x'), { ...half, keepalive: true }), TypeError);
    const locked = streamOf('x');
    const reader = locked.getReader();
    await assert.rejects(post(locked), TypeError);
    await reader.read();
    reader.releaseLock();
    await assert.rejects(post(locked), TypeError);
  });

  test('an error of the stream fails the fetch with it as the cause', async (t) => {
    const { fetch, at } = await setup(t);
    const failure = new Error('the source broke');
    const body = new ReadableStream({
      pull() {
        throw failure;
      },
    });
    const init = { method: 'POST', body, ...half } as RequestInit;
    await assert.rejects(fetch(`${at}/inspect`, init), (error: Error) => {
      assert.ok(error instanceof TypeError);
      assert.equal(error.cause, failure);
      return true;
    });
  });
});
