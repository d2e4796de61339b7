import assert from 'node:assert/strict';
import { test } from 'node:test';
import { forwardableHeaders } from '../../dist/index.js';

test('what is for the next hop alone is left out, what is for the server stays as it came', () => {
  const raw = [
    ...['Host', 'shop.test', 'Connection', 'keep-alive, X-Trace', 'X-Trace', '1', 'Keep-Alive', 'timeout=5'],
    ...['Proxy-Connection', 'keep-alive', 'Proxy-Authorization', 'Basic a', 'Proxy-Authenticate', 'Basic'],
    ...['Proxy-Authentication-Info', 'a', 'Proxy-Status', 'edge; error=x', 'Transfer-Encoding', 'chunked'],
    ...['Upgrade', 'h2c', 'Trailer', 'Grpc-Status', 'Set-Cookie', 'a=1', 'Set-Cookie', 'b=2', 'Expect', '100-continue'],
  ];
  assert.deepEqual(forwardableHeaders(raw), [
    ['host', 'shop.test'],
    ['proxy-status', 'edge; error=x'], // end to end (RFC 9209)
    ['trailer', 'Grpc-Status'],
    ['set-cookie', 'a=1'],
    ['set-cookie', 'b=2'],
    ['expect', '100-continue'],
  ]);
});

test('connection names fields in any case, in several fields, and behind empty places; what it names need not be there', () => {
  const headers = { 'x-one': '1', Connection: ['close, ,X-ONE', 'x-two,absent'], 'X-Two': '2', 'x-three': '3' };
  assert.deepEqual(forwardableHeaders(headers), [['x-three', '3']]);
});

test('connection also takes away what is named behind the field itself, and what may not be named', () => {
  assert.deepEqual(
    forwardableHeaders([
      ['connection', 'authorization'],
      ['authorization', 'a'],
    ]),
    [],
  );
});

test('of te only trailers remains, also where connection names it as HTTP/1.1 asks', () => {
  const remains = (te: string | string[], connection = 'te'): unknown => forwardableHeaders({ te, connection });
  assert.deepEqual(remains('trailers'), [['te', 'trailers']]);
  assert.deepEqual(remains(['gzip;q=0.5', 'Trailers;q=1']), [['te', 'trailers']]);
  assert.deepEqual(remains('deflate, gzip'), []);
  assert.deepEqual(remains('x-trailers'), []);
});

test('headers of every shape are taken', () => {
  const expected = [
    ['a', '1'],
    ['b', '2'],
  ];
  assert.deepEqual(forwardableHeaders(['A', '1', 'upgrade', 'x', 'B', '2']), expected);
  assert.deepEqual(
    forwardableHeaders([
      ['A', '1'],
      ['upgrade', 'x'],
      ['B', '2'],
    ]),
    expected,
  );
  assert.deepEqual(forwardableHeaders(new Headers({ A: '1', upgrade: 'x', B: '2' })), expected);
  assert.deepEqual(
    forwardableHeaders(
      new Map([
        ['A', '1'],
        ['B', '2'],
      ]),
    ),
    expected,
  );
  assert.deepEqual(forwardableHeaders({ A: '1', upgrade: 'x', B: 2, c: undefined }), expected);
  assert.deepEqual(forwardableHeaders([]), []);
  assert.deepEqual(forwardableHeaders({}), []);
});

test("http2's pseudo-fields are left out", () => {
  assert.deepEqual(forwardableHeaders({ ':status': 200, ':authority': 'a', a: '1' }), [['a', '1']]);
  assert.deepEqual(forwardableHeaders([':path', '/', 'a', '1']), [['a', '1']]);
});

test('further names are left out in any case', () => {
  assert.deepEqual(forwardableHeaders({ Host: 'a', 'x-forwarded-for': 'b', c: '1' }, ['host', 'X-Forwarded-For']), [
    ['c', '1'],
  ]);
});

test('what is no list of fields is refused by name, and no value is shown', () => {
  const invalid = { name: 'TypeError', code: 'ERR_INVALID_ARG_VALUE', message: /^Invalid headers: (?!.*secret)/ };
  for (const given of [null, undefined, 'a: secret', 7, ['a', 'secret', 'b'], ['a', 1]])
    assert.throws(() => forwardableHeaders(given as never), invalid);
  const pair = { code: 'ERR_INVALID_ARG_VALUE', message: /^(?!.*secret)/ };
  assert.throws(() => forwardableHeaders([['a', 'secret', 'b']] as never), pair);
  assert.throws(() => forwardableHeaders({ a: { secret: 1 } } as never), { code: 'ERR_PASSINGLANE_INVALID_HEADER' });
});
