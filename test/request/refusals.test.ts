/** What a wait is given, and what goes through interceptors, where little of it is said. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { intercept, type InterceptedRequest } from '../../dist/request/interceptors.js';
import { checkWait } from '../../dist/request/request-options.js';

test('options of a wait that are no object are refused, null among them', () => {
  for (const options of [null, 5, 'timeout'])
    assert.throws(() => checkWait(options as never, 'timeout'), {
      code: 'ERR_INVALID_ARG_VALUE',
      message: /an object with timeout/,
    });
});

test('a request without a signal goes through its interceptors, the first of them outermost', async () => {
  const seen: string[] = [];
  const failure = new Error('nothing is sent here');
  const through = ['one', 'two'].map((name) => (request: InterceptedRequest, next: (one: typeof request) => never) => {
    seen.push(name);
    return next(request);
  });
  const request = { url: 'https://a.test/', method: 'GET', headers: new Headers(), body: undefined, signal: undefined };
  await assert.rejects(
    intercept(through as never, request, () => Promise.reject(failure)),
    failure,
  );
  assert.deepEqual(seen, ['one', 'two']);
});
