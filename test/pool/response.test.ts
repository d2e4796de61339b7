import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { gzipSync } from 'node:zlib';
import { type Answer, poolHarness } from '../support/pool-harness.js';

const never: Answer = () => undefined;

test('a listener hears each 1xx with its code and headers, and then there is no limit to them', async () => {
  const p = poolHarness({ answer: never, maxHeaderListSize: 1_000 });
  const heard: [number, string | null][] = [];
  const call = p.get('/', { onInformational: (status, headers) => heard.push([status, headers.get('link')]) });
  await p.settle();
  const link = '</style.css>; rel=preload';
  p.peer(0).headers(1, 103, { fields: [['link', link]] });
  p.peer(0).headers(1, 199);
  for (let i = 0; i < 100; i++) p.peer(0).headers(1, 102, { fields: [['x', 'y'.repeat(500)]] });
  await p.settle();
  assert.equal(call.state, 'pending', 'they are no answer');
  assert.deepEqual(heard.slice(0, 3), [
    [103, link],
    [199, null],
    [102, null],
  ]);
  assert.equal(heard.length, 102);
  p.peer(0).ok(1);
  await p.settle();
  assert.equal(call.status, 200);
});

test('without a listener all 1xx of a request together may be as large as one header list', async () => {
  const p = poolHarness({ answer: never, maxHeaderListSize: 10_000 });
  const call = p.get('/');
  await p.settle();
  const block = (): void => {
    p.peer(0).headers(1, 103, { fields: [['x', 'y'.repeat(1_000)]] });
  };
  for (let i = 0; i < 9; i++) block();
  await p.settle();
  assert.equal(call.state, 'pending');
  block();
  await p.settle();
  assert.equal(call.code, 'ERR_PASSINGLANE_PROTOCOL');
  assert.equal(p.peer(0).story(1).at(-1), 'RST_STREAM ENHANCE_YOUR_CALM');
});

test('an error of the listener is the error of the request', async () => {
  const p = poolHarness({ answer: never });
  const broken = new Error('no');
  const call = p.get('/', {
    onInformational: () => {
      throw broken;
    },
  });
  await p.settle();
  p.peer(0).headers(1, 103);
  await p.settle();
  assert.equal(call.error, broken);
  assert.equal(p.peer(0).story(1).at(-1), 'RST_STREAM CANCEL');
});

test('back-to-back requests use one connection at a limit of one stream', async () => {
  const p = poolHarness({ peer: { maxConcurrentStreams: 1 } });
  for (let i = 0; i < 5; i++) {
    const response = await p.transport.request(`https://test.example/${i}`);
    assert.deepEqual([response.connection.reused, response.httpVersion], [i > 0, '2.0']);
  }
  assert.equal(p.dials, 1);
  assert.deepEqual(p.peer(0).requests, ['/0', '/1', '/2', '/3', '/4']);
});

test('headers that came before a reset in the same read are the answer, and the body is cut', async () => {
  const p = poolHarness({
    answer: (peer, id) => {
      peer.inOneRead(() => {
        peer.headers(id, 200);
        peer.reset(id, 2);
      });
    },
  });
  const call = p.get('/');
  await p.settle();
  assert.equal(call.status, 200);
  await assert.rejects(async () => call.response?.body.text(), { code: 'ERR_PASSINGLANE_STREAM_RESET' });
});

test('a body that ended with its headers although a length was declared is cut; the response stands', async () => {
  const p = poolHarness({
    answer: (peer, id) => {
      peer.headers(id, 200, { end: true, fields: [['content-length', '5']] });
    },
  });
  const call = p.get('/');
  await p.settle();
  assert.equal(call.status, 200);
  await assert.rejects(async () => call.response?.body.text(), { code: 'ERR_PASSINGLANE_RESPONSE_LENGTH' });
});

test('DATA after the headers of a HEAD response leaves the response that was returned as it was', async () => {
  const p = poolHarness({
    answer: (peer, id) => {
      peer.headers(id, 200, { fields: [['content-length', '5']] });
    },
  });
  const call = p.request('/', { method: 'HEAD' });
  await p.settle();
  p.peer(0).data(1, 'hello', true);
  await p.settle();
  assert.deepEqual([call.status, call.response?.headers.get('content-length')], [200, '5']);
  assert.equal(p.peer(0).story(1).at(-1), 'RST_STREAM PROTOCOL_ERROR');
});

test('what arrived before a reset or a lost connection is delivered, and then the error', async () => {
  for (const cut of ['reset', 'drop'] as const) {
    const p = poolHarness({
      answer: (peer, id) => {
        peer.headers(id, 200);
        peer.data(id, 'part');
      },
    });
    const call = p.get('/');
    await p.settle();
    if (cut === 'reset') p.peer(0).reset(1, 0);
    else p.peer(0).drop();
    await p.settle();
    const reading = call.response!.body[Symbol.asyncIterator]();
    assert.equal(Buffer.from((await reading.next()).value ?? []).toString(), 'part');
    const code = cut === 'reset' ? 'ERR_PASSINGLANE_STREAM_RESET' : 'ERR_PASSINGLANE_CONNECTION_LOST';
    const expected = cut === 'reset' ? { code, streamId: 1, errorCode: 'NO_ERROR', initiator: 'remote' } : { code };
    await assert.rejects(reading.next(), expected);
    await assert.rejects(reading.next(), expected, 'every time');
    assert.deepEqual(p.peer(0).story(1), ['HEADERS END_STREAM'], 'nothing is sent in reply');
  }
});

test('cancelling returns at once, while the socket takes nothing', async () => {
  const p = poolHarness({
    answer: (peer, id) => {
      peer.headers(id, 200);
    },
  });
  const call = p.get('/');
  await p.settle();
  p.peer(0).stallAfter = 0;
  assert.equal(call.response?.body.cancel(), undefined);
  assert.equal(p.transport.stats().connections, 1);
  await assert.rejects(async () => call.response?.body.text(), { code: 'ERR_PASSINGLANE_BODY_CANCELLED' });
  p.peer(0).resume();
  await p.settle();
  assert.equal(p.peer(0).story(1).at(-1), 'RST_STREAM CANCEL');
});

test("an abort after the headers resets the stream, and the body and the trailers fail with the signal's reason", async () => {
  const p = poolHarness({
    answer: (peer, id) => {
      peer.headers(id, 200);
      peer.data(id, 'part');
    },
  });
  const controller = new AbortController();
  const call = p.get('/', { signal: controller.signal });
  await p.settle();
  const reason = new Error('enough');
  controller.abort(reason);
  const is = (error: unknown): boolean => error === reason;
  await assert.rejects(async () => call.response?.body.text(), is);
  await assert.rejects(async () => call.response?.trailers, is);
  await p.settle();
  assert.equal(p.peer(0).story(1).at(-1), 'RST_STREAM CANCEL');
});

test('a trailer field stays among the headers; trailers come with the end, announced or not', async () => {
  const p = poolHarness({
    answer: (peer, id) => {
      peer.headers(id, 200, { fields: [['trailer', 'x-sum, x-none']] });
      peer.data(id, 'body');
    },
  });
  const call = p.get('/');
  await p.settle();
  let settled = false;
  const trailers = call.response!.trailers.finally(() => {
    settled = true;
  });
  await p.settle();
  assert.equal(settled, false);
  p.peer(0).trailers(1, [
    ['x-sum', '1'],
    ['x-other', '2'],
  ]);
  assert.deepEqual(
    [...(await trailers)],
    [
      ['x-other', '2'],
      ['x-sum', '1'],
    ],
  );
  assert.equal(call.response?.headers.get('trailer'), 'x-sum, x-none');
  assert.equal(await call.response?.body.text(), 'body');
});

test('a coding is undone where we asked for it, and left alone where the caller did, or asked for a range', async () => {
  const coded = gzipSync('hello');
  const p = poolHarness({
    decompress: true,
    answer: (peer, id) => {
      peer.headers(id, 200, {
        fields: [
          ['content-encoding', 'GZip'],
          ['content-length', String(coded.length)],
        ],
      });
      peer.data(id, coded, true);
    },
  });
  const url = 'https://test.example/';
  const ours = await p.transport.request(url);
  assert.equal(await ours.body.text(), 'hello');
  assert.deepEqual(ours.headerPairs, [], 'what described the coded bytes is gone');
  assert.match(p.peer(0).blocks(1)[0]?.['accept-encoding'] ?? '', /gzip/);
  for (const options of [
    { headers: { 'Accept-Encoding': 'gzip' } },
    { headers: { Range: 'bytes=0-99' } },
    { decompress: false },
  ]) {
    const theirs = await p.transport.request(url, options);
    assert.deepEqual(Buffer.from(await theirs.body.bytes()), coded);
    assert.equal(theirs.headers.get('content-encoding'), 'GZip');
  }
});

test('a declared length is held against the coded bytes', async () => {
  const coded = gzipSync('hello');
  const p = poolHarness({
    decompress: true,
    answer: (peer, id) => {
      peer.headers(id, 200, {
        fields: [
          ['content-encoding', 'gzip'],
          ['content-length', String(coded.length + 1)],
        ],
      });
      peer.data(id, coded, true);
    },
  });
  const response = await p.transport.request('https://test.example/');
  await assert.rejects(response.body.text(), { code: 'ERR_PASSINGLANE_RESPONSE_LENGTH' });
});

test('a response to HEAD and one that ended with its headers keep what they say of a coding', async () => {
  const p = poolHarness({
    decompress: true,
    answer: (peer, id) => {
      peer.headers(id, 200, { end: true, fields: [['content-encoding', 'gzip']] });
    },
  });
  for (const method of ['HEAD', 'GET']) {
    const response = await p.transport.request('https://test.example/', { method });
    assert.equal(response.headers.get('content-encoding'), 'gzip');
    assert.equal(await response.body.text(), '');
  }
});

test('headersTimeout counts from the request written, and ends it with a time-out and CANCEL', async () => {
  const p = poolHarness({ answer: never, headersTimeout: 500 });
  let release!: (last: string) => void;
  const last = new Promise<string>((resolve) => {
    release = resolve;
  });
  async function* body(): AsyncGenerator<string> {
    yield 'a';
    yield await last;
  }
  const call = p.post('/', body());
  await p.clock.advance(5_000);
  assert.equal(call.state, 'pending', 'the request is not written yet');
  release('b');
  await p.clock.advance(499);
  assert.equal(call.state, 'pending');
  await p.clock.advance(1);
  assert.equal(call.code, 'ERR_PASSINGLANE_HEADERS_TIMEOUT');
  assert.equal((call.error as Error).name, 'TimeoutError');
  assert.equal(p.peer(0).story(1).at(-1), 'RST_STREAM CANCEL');
});

test('headers disarm headersTimeout, and leave no timer; a 1xx does not', async () => {
  const p = poolHarness({ answer: never, headersTimeout: 500, idleTimeout: 0, readIdleTimeout: 0, probeAfter: 0 });
  const answered = p.post('/1', 'x');
  const informed = p.post('/2', 'x');
  await p.settle();
  p.peer(0).headers(1, 200);
  p.peer(0).headers(3, 100);
  await p.clock.advance(499);
  assert.deepEqual([answered.state, informed.state], ['answered', 'pending']);
  await p.clock.advance(1);
  assert.equal(informed.code, 'ERR_PASSINGLANE_HEADERS_TIMEOUT');
  await p.clock.advance(1_000);
  assert.equal(p.clock.size, 0, 'nothing is left to fire');
  p.peer(0).data(1, 'late', true);
  assert.equal(await answered.response?.body.text(), 'late');
});

test('bodyTimeout counts between pieces, and not while the reader has something left to read', async () => {
  const p = poolHarness({
    bodyTimeout: 1_000,
    answer: (peer, id) => {
      peer.headers(id, 200);
      peer.data(id, 'a');
    },
  });
  const call = p.get('/');
  await p.clock.advance(10_000);
  const reading = call.response!.body[Symbol.asyncIterator]();
  assert.equal(Buffer.from((await reading.next()).value ?? []).toString(), 'a');
  await p.clock.advance(500);
  p.peer(0).data(1, 'b');
  assert.equal(Buffer.from((await reading.next()).value ?? []).toString(), 'b');
  const waiting = assert.rejects(reading.next(), { code: 'ERR_PASSINGLANE_BODY_TIMEOUT', name: 'TimeoutError' });
  await p.clock.advance(2_000);
  await waiting;
  assert.equal(p.peer(0).story(1).at(-1), 'RST_STREAM CANCEL');
});

test("a response that is over is garbage, also where the request's own callbacks hold it", async () => {
  setFlagsFromString('--expose-gc');
  const collect = runInNewContext('gc') as () => void;
  const p = poolHarness({ answer: never });
  const left = new Map<string, WeakRef<object>>();
  // A function of its own, so that no frame on the stack holds what it made.
  const one = async (name: string, streamId: number): Promise<void> => {
    const holder: { response?: object } = {};
    const controller = new AbortController();
    const options = {
      method: 'POST',
      body: () => (holder.response === undefined ? 'x' : 'y'),
      signal: controller.signal,
    };
    const asked = p.transport.request('http://example.test/', options);
    await p.settle();
    p.peer(0).headers(streamId, 200);
    await p.settle();
    const response = await asked;
    holder.response = response;
    p.peer(0).data(streamId, 'some');
    await p.settle();
    const reading = name === 'left, and aborted' ? undefined : response.body.text().catch(() => undefined);
    if (name === 'read') p.peer(0).data(streamId, 'the rest', true);
    else if (name === 'failed') p.peer(0).reset(streamId, 2);
    else controller.abort();
    await p.settle();
    await reading;
    left.set(name, new WeakRef(holder));
  };
  await one('read', 1);
  await one('failed', 3);
  await one('aborted', 5);
  await one('left, and aborted', 7);
  const alive = (): string[] => [...left].filter(([, ref]) => ref.deref() !== undefined).map(([name]) => name);
  for (let i = 0; i < 20 && alive().length > 0; i++) {
    await new Promise((resolve) => setImmediate(resolve));
    collect();
  }
  assert.deepEqual(alive(), []);
});
