/** A value as a JSON body. */
import assert from 'node:assert/strict';
import { Readable } from 'node:stream';
import { test } from 'node:test';
import type { RequestOptions } from '../../dist/request/request-options.js';
import { poolHarness, type PoolHarness } from '../support/pool-harness.js';

interface Seen {
  readonly type: string | undefined;
  readonly length: string | undefined;
  readonly body: string;
}

async function send(options: RequestOptions): Promise<Seen> {
  const h = poolHarness();
  const sent = h.request('/', { method: 'POST', ...options });
  await h.settle();
  assert.equal(sent.state, 'answered');
  const data = h.peer(0).frames.filter(({ type }) => type === 0);
  const [head] = h.peer(0).blocks(1);
  return {
    type: head?.['content-type'],
    length: head?.['content-length'],
    body: Buffer.concat(data.map(({ payload }) => payload)).toString(),
  };
}

async function refusal(options: RequestOptions): Promise<{ error: Error & { code?: string }; h: PoolHarness }> {
  const h = poolHarness();
  const refused = h.request('/', { method: 'POST', ...options });
  await h.settle();
  assert.equal(h.dials, 0, 'nothing was dialled for it');
  assert.ok(refused.error instanceof TypeError);
  return { error: refused.error, h };
}

test('a value given as json goes out as JSON with its length and content-type', async () => {
  const sent = { type: 'application/json', length: '19', body: '{"name":"Grüße"}' };
  assert.deepEqual(await send({ json: { name: 'Grüße' } }), { ...sent, length: '18' });
  assert.deepEqual(await send({ json: null }), { ...sent, length: '4', body: 'null' });
  assert.deepEqual(await send({ json: false }), { ...sent, length: '5', body: 'false' });
  assert.deepEqual(await send({ json: 'text' }), { ...sent, length: '6', body: '"text"' });
});

test('json sends the content-type that the headers give', async () => {
  const { type } = await send({ json: [], headers: { 'Content-Type': 'application/problem+json' } });
  assert.equal(type, 'application/problem+json');
});

test('json that is undefined is no body', async () => {
  assert.deepEqual(await send({ json: undefined, body: 'given' }), {
    type: 'text/plain;charset=UTF-8',
    length: '5',
    body: 'given',
  });
});

test('json that cannot be written is refused, with why, and nothing of the value but its type', async () => {
  const circular: Record<string, unknown> = { secret: 'hunter2' };
  circular['self'] = circular;
  for (const [json, shown] of [
    [circular, 'an object (Object)'],
    [10n, 'a bigint'],
    [() => 1, 'a function'],
    [Symbol('hunter2'), 'a symbol'],
  ] as const) {
    const { error } = await refusal({ json });
    assert.equal(error.code, 'ERR_INVALID_ARG_VALUE');
    assert.equal(error.message, `Invalid option 'json': ${shown}. Allowed: a value that JSON.stringify can write.`);
  }
  const { error } = await refusal({ json: circular });
  assert.ok(error.cause instanceof TypeError, "JSON.stringify's own error is the cause");
});

test('json beside a body is refused, and the body is closed', async () => {
  const body = Readable.from(['a']);
  const { error } = await refusal({ json: 'hunter2', body });
  assert.equal(error.code, 'ERR_INVALID_ARG_VALUE');
  assert.equal(error.message, "Invalid option 'json': a string. Allowed: undefined where 'body' is given.");
  assert.equal(body.destroyed, true);
});

test('json without a method is a POST, and with one that method; an error names it', async () => {
  const method = async (options: RequestOptions): Promise<string | undefined> => {
    const h = poolHarness();
    h.request('/', options);
    await h.settle();
    return h.peer(0).blocks(1)[0]?.[':method'];
  };
  assert.equal(await method({ json: { name: 'tea' } }), 'POST');
  assert.equal(await method({ json: null }), 'POST');
  assert.equal(await method({ json: 1, method: 'PUT' }), 'PUT');
  assert.equal(await method({ json: 1, method: 'GET' }), 'GET');
  assert.equal(await method({ json: undefined }), 'GET');
  const h = poolHarness();
  const refused = h.request('/x', { json: 1, headers: { 'no token': '1' } });
  await h.settle();
  assert.match(String(refused.error), /POST https:\/\/[^/]+\/x: /);
});
