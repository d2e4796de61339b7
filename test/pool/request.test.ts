import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { TransportError } from '../../dist/index.js';
import { type Answer, bodyOf, Pending, poolHarness } from '../support/pool-harness.js';
import { type as frameType } from '../support/raw-server.js';

const never: Answer = () => undefined;
const latin1 = (text: string): Uint8Array => Buffer.from(text, 'latin1');

async function* pieces(...texts: (string | Promise<string>)[]): AsyncGenerator<Uint8Array> {
  for (const text of texts) yield latin1(await text);
}

test('a URL gives an authority in ASCII, without user-info, and a path without fragment', async () => {
  const cases: [url: string, authority: string, path: string][] = [
    ['https://test.example', 'test.example', '/'],
    ['https://bücher.example:8443/a?b=c#d', 'xn--bcher-kva.example:8443', '/a?b=c'],
    ['https://user:secret@test.example/', 'test.example', '/'],
    ['https://test.example//double//', 'test.example', '//double//'],
    ['https://test.example?q', 'test.example', '/?q'],
    ['https:test.example/opaque', 'test.example', '/opaque'],
    ['https://[2001:db8::1]/', '[2001:db8::1]', '/'],
  ];
  for (const [url, authority, path] of cases) {
    const p = poolHarness();
    const call = new Pending(p.transport.request(url));
    await p.settle();
    assert.equal(call.status, 200, url);
    const sent = p.peer(0).blocks(1)[0];
    assert.deepEqual([sent?.[':authority'], sent?.[':path']], [authority, path], url);
  }
});

test('user-info in a URL becomes basic credentials, unless the caller has set some', async () => {
  const p = poolHarness();
  const url = 'https://user:p%40ss@test.example/';
  await p.transport.request(url);
  await p.transport.request(url, { headers: { Authorization: 'Bearer x' } });
  assert.equal(p.peer(0).blocks(1)[0]?.['authorization'], `Basic ${Buffer.from('user:p@ss').toString('base64')}`);
  assert.equal(p.peer(0).blocks(3)[0]?.['authorization'], 'Bearer x');
});

test('a URL of another scheme is refused, and no connection is made', async () => {
  const p = poolHarness();
  for (const url of ['mailto:a@b.example', 'ftp://test.example/', 'data:,x']) {
    await assert.rejects(p.transport.request(url), { code: 'ERR_PASSINGLANE_UNSUPPORTED_SCHEME' });
  }
  assert.equal(p.dials, 0);
});

test("an extended CONNECT waits for the peer's SETTINGS, abortably", async () => {
  const p = poolHarness({ peer: { maxConcurrentStreams: -1 }, answer: never });
  const controller = new AbortController();
  const one = p.get('/1', { protocol: 'websocket', signal: controller.signal });
  const gate = new Promise<string>(() => undefined);
  const two = p.request('/2', { protocol: 'websocket', body: pieces('frame', gate) });
  await p.settle();
  assert.deepEqual(p.peer(0).requests, [], 'nobody knows yet whether the peer speaks it');
  const reason = new Error('enough');
  controller.abort(reason);
  await p.settle();
  assert.equal(one.error, reason);
  p.peer(0).greet({ enableConnectProtocol: 1 });
  await p.settle();
  assert.deepEqual(p.peer(0).requests, ['/2']);
  assert.equal(p.peer(0).blocks(1)[0]?.[':protocol'], 'websocket');
  assert.deepEqual(p.peer(0).story(1), ['HEADERS', 'DATA 5'], 'and its stream stays open');
  assert.equal(two.state, 'pending');
});

test('an extended CONNECT to a peer that did not offer it at first is refused, and costs the wire nothing', async () => {
  const p = poolHarness({ answer: never });
  p.get('/warm');
  await p.settle();
  p.peer(0).greet({ enableConnectProtocol: 1 });
  await p.settle();
  const call = p.get('/ws', { protocol: 'websocket' });
  await p.settle();
  assert.equal(call.code, 'ERR_PASSINGLANE_EXTENDED_CONNECT_UNSUPPORTED', 'a later SETTINGS does not turn it on');
  assert.equal((call.error as { unprocessed?: boolean }).unprocessed, true);
  assert.deepEqual(p.peer(0).requests, ['/warm']);
});

test("a connection lost before the peer's SETTINGS is replaced once; losing that fails those who wait", async () => {
  const p = poolHarness({ peer: { maxConcurrentStreams: -1 }, answer: never });
  const connect = p.get('/ws', { protocol: 'websocket' });
  const upload = p.post('/up', pieces('x'));
  for (let i = 0; i < 2; i++) {
    await p.settle();
    assert.deepEqual([connect.state, upload.state], ['pending', 'pending']);
    p.peer(i).drop(new Error('reset'));
  }
  await p.settle();
  assert.deepEqual([connect.code, upload.code], Array(2).fill('ERR_PASSINGLANE_CONNECTION_LOST'));
  assert.match((connect.error as Error).message, /before it sent its SETTINGS/);
  assert.equal(p.dials, 2);
});

test('without a body, or with an empty one, END_STREAM is on HEADERS and there is no DATA', async () => {
  const p = poolHarness();
  for (const body of [undefined, null, '', new Uint8Array(0), new Blob([]), new URLSearchParams()])
    await p.transport.request('https://test.example/', { method: 'POST', body });
  for (let id = 1; id <= 11; id += 2) {
    assert.deepEqual(p.peer(0).story(id), ['HEADERS END_STREAM']);
    assert.equal(p.peer(0).blocks(id)[0]?.['content-length'], '0', 'with POST a length of zero is sent');
  }
});

test('the length of a stream is not known, and nothing is read to find it out', async () => {
  const p = poolHarness();
  await p.transport.request('https://test.example/', { method: 'POST', body: pieces('abc') });
  await p.settle();
  assert.equal(p.peer(0).blocks(1)[0]?.['content-length'], undefined);
  assert.deepEqual(p.peer(0).story(1), ['HEADERS', 'DATA 3', 'DATA 0 END_STREAM']);
});

test('a request that is aborted while it waits leaves no trace on the wire', async () => {
  const p = poolHarness({ peer: { maxConcurrentStreams: 1 }, strictMaxConcurrentStreams: true, answer: never });
  const controller = new AbortController();
  p.get('/running');
  const waiting = p.get('/waiting', { signal: controller.signal });
  await p.settle();
  controller.abort();
  p.peer(0).ok(1);
  const next = p.get('/next');
  await p.settle();
  assert.equal(waiting.state, 'failed');
  assert.deepEqual(p.peer(0).requests, ['/running', '/next']);
  assert.deepEqual(p.peer(0).story(3), ['HEADERS END_STREAM'], 'no stream ID was spent on it');
  assert.equal(next.state, 'pending');
});

test("DATA frames are as large as the peer's frame size allows, and no larger", async () => {
  const p = poolHarness({ peer: { maxFrameSize: 20_000, initialWindowSize: 50_000 }, answer: never });
  p.get('/warm');
  await p.settle();
  p.post('/up', new Uint8Array(60_000));
  await p.settle();
  assert.deepEqual(p.peer(0).story(3), ['HEADERS', 'DATA 20000', 'DATA 20000', 'DATA 10000']);
  p.peer(0).greet({ maxFrameSize: 16_384, initialWindowSize: 60_000 });
  await p.settle();
  assert.equal(p.peer(0).story(3).at(-1), 'DATA 10000 END_STREAM', 'once, with the last bytes');
});

test('where the body knows its length END_STREAM rides on the last DATA, else it follows the end of the source', async () => {
  const p = poolHarness();
  const sends = [
    { body: 'abcdef' },
    { body: new Blob(['abcdef']) },
    { body: pieces('abc', 'def'), headers: { 'content-length': '6' } },
  ];
  for (const options of sends) await p.transport.request('https://test.example/', { method: 'POST', ...options });
  await p.settle();
  assert.deepEqual(p.peer(0).story(1), ['HEADERS', 'DATA 6 END_STREAM']);
  assert.deepEqual(p.peer(0).story(3), ['HEADERS', 'DATA 6 END_STREAM']);
  assert.deepEqual(p.peer(0).story(5), ['HEADERS', 'DATA 3', 'DATA 3', 'DATA 0 END_STREAM']);
  for (const id of [1, 3, 5]) assert.equal(p.peer(0).blocks(id)[0]?.['content-length'], '6');
});

test('bytes beyond the declared length are not sent; the request fails and its stream is cancelled', async () => {
  for (const texts of [['abcdef'], ['abcd', 'e']]) {
    const p = poolHarness({ answer: never });
    const call = p.post('/', pieces(...texts), { headers: { 'content-length': '4' } });
    await p.settle();
    assert.equal(call.code, 'ERR_PASSINGLANE_REQUEST_BODY_LENGTH');
    assert.match((call.error as Error).message, /more bytes than the 4/);
    assert.ok(p.peer(0).bodyBytes <= 4, 'nothing beyond the length');
    assert.equal(p.peer(0).story(1).at(-1), 'RST_STREAM CANCEL');
  }
});

test('fewer bytes than declared fail the request and cancel its stream, which is never ended', async () => {
  const p = poolHarness({ answer: never });
  const call = p.post('/', pieces('ab', 'c'), { headers: { 'content-length': '4' } });
  await p.settle();
  assert.equal(call.code, 'ERR_PASSINGLANE_REQUEST_BODY_LENGTH');
  assert.match((call.error as Error).message, /only 3 bytes, not the 4/);
  assert.deepEqual(p.peer(0).story(1), ['HEADERS', 'DATA 2', 'DATA 1', 'RST_STREAM CANCEL']);
});

test('an error of the source is the error of the request, after what it gave before was sent', async () => {
  const p = poolHarness({ answer: never });
  const broken = new Error('disk');
  async function* body(): AsyncGenerator<string> {
    yield 'abc';
    await Promise.resolve();
    throw broken;
  }
  const call = p.post('/', body());
  await p.settle();
  assert.equal(call.error, broken, 'the same object');
  assert.deepEqual(p.peer(0).story(1), ['HEADERS', 'DATA 3', 'RST_STREAM CANCEL']);
});

test('with trailers END_STREAM is on them; without any after all, on empty DATA', async () => {
  const p = poolHarness({ answer: never });
  p.post('/1', 'abc', { trailers: { 'X-Sum': '1' } });
  p.post('/2', 'abc', { trailers: {} });
  p.post('/3', pieces('abc'), { trailers: () => Promise.resolve({ 'X-Sum': '3' }) });
  p.post('/4', pieces('abc'), { trailers: () => ({}) });
  p.post('/5', pieces('abc'), { headers: { 'content-length': '3' }, trailers: { 'x-sum': '5' } });
  await p.settle();
  const [peer] = p.peers;
  assert.deepEqual(peer?.story(1), ['HEADERS', 'DATA 3', 'HEADERS END_STREAM']);
  assert.deepEqual(peer.blocks(1)[1], { 'x-sum': '1' });
  assert.deepEqual(peer.story(3), ['HEADERS', 'DATA 3', 'DATA 0 END_STREAM']);
  assert.deepEqual(peer.story(5), ['HEADERS', 'DATA 3', 'HEADERS END_STREAM']);
  assert.deepEqual(peer.blocks(5)[1], { 'x-sum': '3' });
  assert.deepEqual(peer.story(7), ['HEADERS', 'DATA 3', 'DATA 0 END_STREAM']);
  assert.deepEqual(peer.story(9), ['HEADERS', 'DATA 3', 'HEADERS END_STREAM']);
  assert.equal(peer.blocks(1)[0]?.['trailer'], 'X-Sum', 'names that are known are announced');
  assert.equal(peer.blocks(5)[0]?.['trailer'], undefined);
});

test('trailers are asked for when the body has ended, and not at all when the request was aborted', async () => {
  const p = poolHarness({ answer: never });
  const log: string[] = [];
  let release!: () => void;
  const gate = new Promise<void>((resolve) => {
    release = resolve;
  });
  async function* body(name: string): AsyncGenerator<string> {
    yield 'abc';
    await gate;
    log.push(`${name} ends`);
  }
  const trailers = (name: string) => () => {
    log.push(`${name} trailers`);
    return {};
  };
  const controller = new AbortController();
  p.post('/1', body('one'), { trailers: trailers('one') });
  p.post('/2', body('two'), { trailers: trailers('two'), signal: controller.signal });
  await p.settle();
  assert.deepEqual(log, []);
  controller.abort();
  release();
  await p.settle();
  assert.deepEqual(log.toSorted(), ['one ends', 'one trailers', 'two ends']);
});

test("trailers over the peer's header-list limit fail the request and cancel its stream", async () => {
  const p = poolHarness({ answer: never, peer: { maxHeaderListSize: 500 } });
  p.get('/warm');
  await p.settle();
  const call = p.post('/', 'abc', { trailers: () => ({ 'x-big': 'x'.repeat(500) }) });
  await p.settle();
  assert.equal(call.code, 'ERR_PASSINGLANE_HEADERS_TOO_LARGE');
  assert.match((call.error as Error).message, /trailers/);
  assert.equal((call.error as TransportError).unprocessed, false, 'the server has all of it but these');
  assert.deepEqual(p.peer(0).story(3), ['HEADERS', 'DATA 3', 'RST_STREAM CANCEL']);
});

test('trailers made late are checked like any, and a bad one fails the request without showing its value', async () => {
  for (const trailers of [
    { 'x-sum': 'se\ncret' },
    { 'x sum': 'secret' },
    { 'content-length': '5' },
    { ':path': 'secret' },
    { 'x-sum': {} },
  ]) {
    const p = poolHarness({ answer: never });
    const call = p.post('/', 'abc', { trailers: () => trailers as unknown as Record<string, string> });
    await p.settle();
    assert.equal(call.code, 'ERR_PASSINGLANE_INVALID_HEADER');
    assert.match((call.error as Error).message, /[Tt]railer /);
    assert.equal((call.error as TransportError).unprocessed, false);
    assert.doesNotMatch((call.error as Error).message, /se\ncret|secret/);
    assert.deepEqual(p.peer(0).story(1), ['HEADERS', 'DATA 3', 'RST_STREAM CANCEL']);
  }
});

test('a trailers function that gives no fields fails the request, and the message says what is wrong', async () => {
  for (const made of [undefined, null, 5, 'x-sum: secret']) {
    const p = poolHarness({ answer: never });
    const call = p.post('/', 'abc', { trailers: () => made as unknown as Record<string, string> });
    await p.settle();
    assert.equal((call.error as { code?: string }).code, 'ERR_INVALID_ARG_VALUE');
    assert.ok(call.error instanceof TypeError);
    assert.match(call.error.message, /^Invalid trailers \(from their function\): /);
    assert.doesNotMatch(call.error.message, /secret/);
    assert.equal(p.peer(0).story(1).at(-1), 'RST_STREAM CANCEL');
  }
});

test('trailers that are given beforehand are checked before anything is sent', async () => {
  const p = poolHarness({ answer: never });
  const call = p.post('/', 'abc', { trailers: { 'x-sum': 'se\ncret' } });
  await p.settle();
  assert.equal(call.code, 'ERR_PASSINGLANE_INVALID_HEADER');
  assert.equal((call.error as TransportError).unprocessed, true);
  assert.equal(p.dials, 0);
});

test('what a trailers function throws is the error of the request', async () => {
  const p = poolHarness({ answer: never });
  const broken = new Error('no sum');
  const call = p.post('/', 'abc', { trailers: () => Promise.reject(broken) });
  await p.settle();
  assert.equal(call.error, broken);
  assert.equal(p.peer(0).story(1).at(-1), 'RST_STREAM CANCEL');
});

test('trailers without a body are sent, and end the stream', async () => {
  const p = poolHarness({ answer: never });
  p.get('/1', { trailers: { 'x-sum': '1' } });
  p.post('/2', '', { trailers: () => ({ 'x-sum': '2' }) });
  p.get('/3', { trailers: () => ({}) });
  await p.settle();
  assert.deepEqual(p.peer(0).story(1), ['HEADERS', 'HEADERS END_STREAM']);
  assert.deepEqual(p.peer(0).story(3), ['HEADERS', 'HEADERS END_STREAM']);
  assert.deepEqual(p.peer(0).story(5), ['HEADERS', 'DATA 0 END_STREAM']);
});

test('HEADERS and each piece of a body go out as they come, and wait for nothing that follows', async () => {
  const p = poolHarness({ answer: never });
  const gates: (() => void)[] = [];
  const gate = (): Promise<void> => new Promise((resolve) => gates.push(resolve));
  async function* body(): AsyncGenerator<string> {
    await gate();
    yield 'a';
    await gate();
    yield 'bc';
    await gate();
  }
  p.post('/', body());
  await p.settle();
  assert.deepEqual(p.peer(0).story(1), ['HEADERS']);
  for (const frame of ['DATA 1', 'DATA 2', 'DATA 0 END_STREAM']) {
    gates.shift()?.();
    await p.settle();
    assert.equal(p.peer(0).story(1).at(-1), frame);
  }
});

test('an upload that waits for a window is woken by either window, and ended by an abort', async () => {
  const p = poolHarness({ answer: never, peer: { initialWindowSize: 10 } });
  p.get('/warm');
  await p.settle();
  const controller = new AbortController();
  const call = p.post('/up', bodyOf(40)(), { signal: controller.signal });
  await p.settle();
  assert.deepEqual(p.peer(0).story(3), ['HEADERS', 'DATA 10']);
  p.peer(0).send(frameType.windowUpdate, 0, 3, Buffer.of(0, 0, 0, 5));
  await p.settle();
  assert.equal(p.peer(0).story(3).at(-1), 'DATA 5', 'a WINDOW_UPDATE wakes it');
  p.peer(0).greet({ initialWindowSize: 30 });
  await p.settle();
  assert.equal(p.peer(0).story(3).at(-1), 'DATA 20', 'so does a larger initial window');
  const reason = new Error('enough');
  controller.abort(reason);
  await p.settle();
  assert.equal(call.error, reason);
  assert.equal(p.peer(0).story(3).at(-1), 'RST_STREAM CANCEL');
});

test('a connection that ends wakes an upload that waits for a window', async () => {
  const p = poolHarness({ answer: never, peer: { initialWindowSize: 10 } });
  p.get('/warm');
  await p.settle();
  let returned = false;
  async function* body(): AsyncGenerator<Uint8Array> {
    try {
      yield new Uint8Array(30);
      await Promise.resolve();
    } finally {
      returned = true;
    }
  }
  const call = p.post('/up', body());
  await p.settle();
  p.peer(0).drop();
  await p.settle();
  assert.equal(call.code, 'ERR_PASSINGLANE_CONNECTION_LOST');
  assert.ok(returned, 'and its source is closed');
});
