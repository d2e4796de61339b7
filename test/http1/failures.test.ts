import assert from 'node:assert/strict';
import { test } from 'node:test';
import { requestFailed } from '../../dist/http1/failures.js';

const fresh = { origin: 'http://a.test', written: true, responseBegun: false, unheard: true, spoken: false };
const failure = (code: string): string => requestFailed(Object.assign(new Error(code), { code }), fresh).message;

test('a first connection that ended without a byte raises the question whether TLS was meant, a failed write does not', () => {
  assert.match(failure('ECONNRESET'), /Does this port speak TLS\?/);
  assert.doesNotMatch(failure('EPIPE'), /TLS/);
});

test('the code of a system error is named, and a number that an error has by that name is none', () => {
  assert.match(failure('EPIPE'), / ended before a response came \(EPIPE\)/);
  assert.match(requestFailed(new DOMException('stop', 'AbortError'), fresh).message, / ended before a response came\./);
});
