import assert from 'node:assert/strict';
import { test } from 'node:test';
import { CliError } from '../../dist/cli/exit-codes.js';
import { nextHop, type Hop } from '../../dist/cli/redirect.js';

const hop: Hop = {
  url: new URL('https://a.test/dir/page?q'),
  method: 'POST',
  headers: [
    ['Content-Type', 'text/plain'],
    ['content-length', '3'],
    ['Authorization', 'secret'],
    ['cookie', 'secret'],
    ['x-kept', 'yes'],
  ],
  withBody: true,
};

test('303 makes a GET of everything but HEAD, 301 and 302 of POST only, 307 and 308 of nothing', () => {
  const method = (status: number, from: string): string | undefined =>
    nextHop({ ...hop, method: from }, status, '/x', false)?.method;
  assert.deepEqual(
    [301, 302, 303, 307, 308].map((status) => method(status, 'POST')),
    ['GET', 'GET', 'GET', 'POST', 'POST'],
  );
  assert.deepEqual(
    [301, 302, 303, 307, 308].map((status) => method(status, 'PUT')),
    ['PUT', 'PUT', 'GET', 'PUT', 'PUT'],
  );
  assert.equal(method(303, 'HEAD'), 'HEAD');
});

test('a method that -X fixed stays, and the body goes all the same', () => {
  const next = nextHop(hop, 302, '/x', true);
  assert.equal(next?.method, 'POST');
  assert.equal(next.withBody, false);
});

test('with the body go the header fields that describe it', () => {
  const dropped = nextHop(hop, 302, '/x', false);
  assert.equal(dropped?.withBody, false);
  assert.deepEqual(
    dropped.headers.map(([name]) => name),
    ['Authorization', 'cookie', 'x-kept'],
  );
  const kept = nextHop(hop, 307, '/x', false);
  assert.equal(kept?.withBody, true);
  assert.equal(kept.headers.length, hop.headers.length);
});

test('credentials and cookies go to no other origin: host, port and scheme all count', () => {
  for (const location of ['https://b.test/', 'https://a.test:444/', 'http://a.test/', '//b.test/x']) {
    const names = nextHop(hop, 307, location, false)?.headers.map(([name]) => name);
    assert.deepEqual(names, ['Content-Type', 'content-length', 'x-kept'], location);
  }
});

test('a location may be relative', () => {
  assert.equal(nextHop(hop, 302, 'other', false)?.url.href, 'https://a.test/dir/other');
  assert.equal(nextHop(hop, 302, '?r', false)?.url.href, 'https://a.test/dir/page?r');
});

test('what is no redirect is left alone', () => {
  assert.equal(nextHop(hop, 200, '/x', false), undefined);
  assert.equal(nextHop(hop, 304, '/x', false), undefined);
  assert.equal(nextHop(hop, 302, null, false), undefined);
});

test('a redirect to what is not http or https is refused', () => {
  const exitCode = (number: number) => (error: unknown) => error instanceof CliError && error.exitCode === number;
  assert.throws(() => nextHop(hop, 302, 'file:///etc/passwd', false), exitCode(1));
  assert.throws(() => nextHop(hop, 302, 'https://[', false), exitCode(3));
});
