/** A request that a server was sent, as the body of one of ours: read, given up, and handed back to its owner. */
import assert from 'node:assert/strict';
import { Duplex, Readable } from 'node:stream';
import { test } from 'node:test';
import { IncomingSource, isGivenUp, isIncomingRequest } from '../../dist/body/incoming-request.js';

const tick = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

/** One that gives a piece of so many bytes whenever it is asked, and ends after that many. */
function incoming(size: number, count: number): Readable {
  let left = count;
  return new Readable({
    highWaterMark: size,
    read() {
      this.push(left-- > 0 ? Buffer.alloc(size, 'x') : null);
    },
  });
}

test('what has a method, a URL and raw fields is a request, unless it has a status; what can respond is one', () => {
  const parts = { method: 'PUT', url: '/', rawHeaders: [] };
  const is = (part: object): boolean => isIncomingRequest(Object.assign(new Readable(), part));
  assert.equal(is(parts), true);
  assert.equal(is({ ...parts, statusCode: null }), true);
  assert.equal(is({ ...parts, statusCode: 200 }), false);
  assert.equal(is({ ...parts, rawHeaders: undefined }), false);
  assert.equal(is({ respond: () => undefined }), true);
  assert.equal(is({}), false);
});

test('each piece comes, then the end', async () => {
  const source = new IncomingSource(incoming(100, 2));
  assert.equal(((await source.next()).value as Buffer).byteLength, 100);
  assert.equal(((await source.next()).value as Buffer).byteLength, 100);
  assert.deepEqual(await source.next(), { done: true, value: undefined });
});

test('a stream of HTTP/2 that is still to be answered ends with what it was sent', async () => {
  const stream = new Duplex({ read: () => undefined, write: () => undefined });
  const source = new IncomingSource(stream);
  stream.push('all');
  stream.push(null);
  assert.equal(String((await source.next()).value), 'all');
  assert.deepEqual(await source.next(), { done: true, value: undefined });
});

test('the error of a stream, and its close before its end, are those of the reading', async () => {
  const broken = incoming(100, 1);
  const source = new IncomingSource(broken);
  await source.next();
  broken.destroy(new Error('cut'));
  await assert.rejects(source.next(), /cut/);
  const closed = new Readable({ read: () => undefined });
  const other = new IncomingSource(closed);
  closed.destroy();
  await assert.rejects(other.next(), { code: 'ERR_STREAM_PREMATURE_CLOSE' });
});

test('of a body that is given up the owner gets the rest, whether it reads on before that or after', async () => {
  for (const before of [true, false]) {
    const stream = incoming(50_000, 6);
    const ended = new Promise((resolve) => stream.once('end', resolve));
    let rest = 0;
    stream.on('data', (piece: Buffer) => void (rest += piece.byteLength)).pause();
    const source = new IncomingSource(stream);
    await source.next();
    if (before) stream.resume();
    await tick();
    source.stop();
    assert.equal(isGivenUp(stream), true);
    await tick();
    if (!before) stream.resume();
    await ended;
    assert.ok(rest >= 100_000, `${rest} bytes were left`);
  }
});

test('an owner who drops the rest without looking gets to its end, however much comes after that', async () => {
  const stream = new Readable({ read: () => undefined });
  const source = new IncomingSource(stream);
  stream.push('begun');
  await source.next();
  source.stop();
  stream.resume();
  await tick();
  const ended = new Promise((resolve) => stream.once('end', resolve));
  for (let i = 0; i < 4; i++) {
    stream.push(Buffer.alloc(50_000));
    await tick();
  }
  stream.push(null);
  await ended;
});

test('little that is left of a body that is given up is dropped, so that the stream ends by itself', async () => {
  const stream = incoming(1_000, 6);
  const source = new IncomingSource(stream);
  await source.next();
  source.stop();
  await new Promise((resolve) => stream.once('end', resolve));
});

test('a reading that waits when the body is given up ends', async () => {
  const stream = new Readable({ read: () => undefined });
  const source = new IncomingSource(stream);
  const waiting = source.next();
  await tick();
  source.stop();
  assert.deepEqual(await waiting, { done: true, value: undefined });
  assert.equal(stream.destroyed, false, 'its owner still has to answer');
});
