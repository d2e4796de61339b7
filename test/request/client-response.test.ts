import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { test } from 'node:test';
import { BodyQueue } from '../../dist/body/body-queue.js';
import { ClientResponse } from '../../dist/request/client-response.js';
import { TrailersHolder } from '../../dist/request/trailers-holder.js';
import { ResponseBody } from '../../dist/body/response-body.js';

function respond(fields: string[] = [], status = 200) {
  const cancels: unknown[] = [];
  const queue = new BodyQueue({ consumed() {}, cancelled: (reason) => cancels.push(reason) });
  const trailers = new TrailersHolder();
  const response = new ClientResponse({
    status,
    fields,
    url: 'https://example.com/a',
    httpVersion: '2.0',
    body: new ResponseBody(queue),
    trailers,
    attempts: 2,
    connection: { id: 7, remoteAddress: '127.0.0.1', remotePort: 443, reused: true },
  });
  return { response, queue, trailers, cancels };
}

const tick = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

test('a response shows what it was made of', () => {
  const { response } = respond();
  assert.equal(response.status, 200);
  assert.equal(response.url, 'https://example.com/a');
  assert.equal(response.httpVersion, '2.0');
  assert.equal(response.attempts, 2);
  assert.deepEqual(response.connection, { id: 7, remoteAddress: '127.0.0.1', remotePort: 443, reused: true });
});

test('a response is ok with a status from 200 to 299', () => {
  for (const [status, ok] of [
    [199, false],
    [200, true],
    [204, true],
    [299, true],
    [300, false],
    [404, false],
  ] as const)
    assert.equal(respond([], status).response.ok, ok, String(status));
});

test('a response reads its body as the body itself does, and once', async () => {
  const filled = (): ClientResponse => {
    const { response, queue } = respond();
    const bytes = Buffer.from('{"a":1}');
    queue.pushPiece(bytes, 0, bytes.length, false);
    queue.end();
    return response;
  };
  assert.equal(await filled().text(), '{"a":1}');
  assert.deepEqual(await filled().json(), { a: 1 });
  assert.deepEqual(Buffer.from(await filled().bytes()).toString(), '{"a":1}');
  assert.equal((await filled().arrayBuffer()).byteLength, 7);
  assert.equal((await filled().blob()).size, 7);
  const response = filled();
  await response.text();
  await assert.rejects(response.body.text(), { code: 'ERR_PASSINGLANE_BODY_LOCKED' });
});

test('headers combine what repeats and keep each set-cookie; pairs keep the wire order', () => {
  const fields = ['set-cookie', 'a=1, b', 'x', '1', 'set-cookie', 'c=2', 'x', '2'];
  const { response } = respond(fields);
  assert.ok(response.headers instanceof Headers);
  assert.equal(response.headers.get('X'), '1, 2');
  assert.deepEqual(response.headers.getSetCookie(), ['a=1, b', 'c=2']);
  assert.deepEqual(response.headerPairs, [
    ['set-cookie', 'a=1, b'],
    ['x', '1'],
    ['set-cookie', 'c=2'],
    ['x', '2'],
  ]);
  assert.equal(response.headers, response.headers, 'made once');
  assert.equal(response.headerPairs, response.headerPairs, 'made once');
});

test('trailers resolve when they arrive, whether asked for before or after', async () => {
  const { response, trailers } = respond();
  const before = response.trailers;
  assert.equal(before, response.trailers);
  trailers.arrived(['grpc-status', '0']);
  trailers.failed(new Error('too late'));
  assert.equal((await before).get('grpc-status'), '0');

  const second = respond();
  second.trailers.arrived(['a', '1', 'a', '2']);
  assert.equal((await second.response.trailers).get('a'), '1, 2');
});

test('a body without trailers has empty ones', async () => {
  const { response, trailers } = respond();
  trailers.arrived([]);
  assert.deepEqual([...(await response.trailers)], []);
});

test('trailers reject with what cut the body, and nobody has to listen', async () => {
  const rejections: unknown[] = [];
  const listener = (error: unknown): void => void rejections.push(error);
  process.on('unhandledRejection', listener);
  const error = new Error('reset');
  const early = respond();
  void early.response.trailers;
  early.trailers.failed(error);
  early.trailers.arrived(['a', '1']);
  const late = respond();
  late.trailers.failed(error);
  void late.response.trailers;
  respond().trailers.failed(error);
  await tick();
  await tick();
  process.off('unhandledRejection', listener);
  assert.deepEqual(rejections, []);
  await assert.rejects(early.response.trailers, (e) => e === error);
  await assert.rejects(late.response.trailers, (e) => e === error);
});

test('disposing of a response cancels what is unread, and nothing else', async () => {
  const unread = respond();
  await unread.response[Symbol.asyncDispose]();
  assert.equal(unread.cancels.length, 1);

  const read = respond();
  read.queue.push(new Uint8Array(Buffer.from('abc')));
  read.queue.end();
  assert.equal(await read.response.body.text(), 'abc');
  await read.response[Symbol.asyncDispose]();
  assert.deepEqual(read.cancels, []);
});

test('a request and its response in text or bytes load neither undici, web streams nor zlib', () => {
  const script = `
    const before = new Set(process.moduleLoadList);
    const { toRequestBody } = await import('${new URL('../../dist/body/request-body.js', import.meta.url).href}');
    const { BodyQueue } = await import('${new URL('../../dist/body/body-queue.js', import.meta.url).href}');
    const { ResponseBody } = await import('${new URL('../../dist/body/response-body.js', import.meta.url).href}');
    const { ClientResponse } = await import('${new URL('../../dist/request/client-response.js', import.meta.url).href}');
    const { TrailersHolder } = await import('${new URL('../../dist/request/trailers-holder.js', import.meta.url).href}');
    for (const value of ['a', new Uint8Array(1), new ArrayBuffer(1), new URLSearchParams('a=b'), (async function* () {})()]) {
      toRequestBody(value);
    }
    await toRequestBody(() => 'a').open().next();
    const queue = new BodyQueue({ consumed() {}, cancelled() {} });
    const body = new ResponseBody(queue, { maxResponseSize: 10 });
    const response = new ClientResponse({ status: 200, fields: ['a', 'b'], body, trailers: new TrailersHolder() });
    queue.push(new Uint8Array([49]));
    queue.end();
    const read = response.headerPairs.join() + ' ' + (await response.body.json());
    const loaded = process.moduleLoadList.filter((name) => !before.has(name));
    const heavy = loaded.filter((name) => /undici|webstreams|blob|formdata|zlib|crypto|NativeModule (node:)?stream$/.test(name));
    process.stdout.write(JSON.stringify({ read, heavy }));
  `;
  const out = execFileSync(process.execPath, ['--input-type=module', '-e', script], { encoding: 'utf8' });
  assert.deepEqual(JSON.parse(out), { read: 'a,b 1', heavy: [] });
});
