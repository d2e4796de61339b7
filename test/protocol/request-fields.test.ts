import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { TransportError, type TransportErrorCode } from '../../dist/errors.js';
import {
  buildRequestFields,
  buildTrailerFields,
  declaredLength,
  fieldListSize,
  isSensitive,
  type RequestHead,
} from '../../dist/protocol/request-fields.js';

const get: RequestHead = {
  method: 'GET',
  scheme: 'https',
  authority: 'example.com',
  path: '/a?b=c',
  protocol: undefined,
  fields: [],
  contentLength: 0,
  hasBody: false,
  trailerNames: [],
  userAgent: undefined,
  acceptEncoding: undefined,
  expectContinue: false,
  priority: undefined,
};

const build = (change: Partial<RequestHead>): string[] => buildRequestFields({ ...get, ...change });
const regular = (change: Partial<RequestHead>): string[] => build(change).slice(8);
const withFields = (...fields: string[]): string[] => regular({ fields });

/** The values of one field, in order. */
function valuesOf(fields: readonly string[], name: string): string[] {
  return fields.filter((_, i) => i % 2 === 1 && fields[i - 1] === name);
}

function refused(run: () => unknown, code: TransportErrorCode, message: RegExp): void {
  assert.throws(run, (error: unknown) => {
    assert.ok(error instanceof TransportError, String(error));
    assert.equal(error.code, code);
    assert.match(error.message, message);
    assert.deepEqual([error.scope, error.initiator, error.unprocessed], ['request', 'user', true]);
    return true;
  });
}

const badHeader = (message: RegExp, ...fields: string[]): void =>
  refused(() => build({ fields }), 'ERR_PASSINGLANE_INVALID_HEADER', message);
const badRequest = (message: RegExp, change: Partial<RequestHead>): void =>
  refused(() => build(change), 'ERR_PASSINGLANE_INVALID_REQUEST', message);

test("pseudo-fields, trailer, the caller's fields, ours, content-length, accept-encoding, user-agent", () => {
  const fields = build({
    method: 'POST',
    fields: ['X-One', '1', 'x-two', '2'],
    hasBody: true,
    contentLength: 5,
    trailerNames: ['sum'],
    userAgent: 'agent/1',
    acceptEncoding: 'gzip',
    expectContinue: true,
    priority: 'u=1',
  });
  assert.deepEqual(fields, [
    ...[':authority', 'example.com', ':method', 'POST', ':path', '/a?b=c', ':scheme', 'https'],
    ...['trailer', 'Sum', 'x-one', '1', 'x-two', '2', 'expect', '100-continue', 'priority', 'u=1'],
    ...['content-length', '5', 'accept-encoding', 'gzip', 'user-agent', 'agent/1'],
  ]);
});

test('a host field of the caller becomes the authority and is not sent as a field', () => {
  assert.deepEqual(build({ fields: ['Host', 'other.example:8443'] }), [
    ...[':authority', 'other.example:8443', ':method', 'GET', ':path', '/a?b=c', ':scheme', 'https'],
  ]);
  badHeader(/"host" is given more than once/, 'host', 'a', 'Host', 'a');
});

test('user-info is refused, in the authority and in a host field', () => {
  badRequest(/host/, { authority: 'user:secret@example.com' });
  badHeader(/"host"/, 'host', 'user@example.com');
});

test('an authority has the characters of a host and is not empty', () => {
  for (const authority of ['example.com:1', '[::1]:443', "a!$%&()*+,-.:;=['_~]Z9"]) {
    assert.equal(build({ authority })[1], authority);
  }
  for (const host of ['', 'a b', 'a/b', 'a\n', 'b\u00fccher.example', 'a#b', 'a?b', 'a\\b', 'a"b', 'a<b']) {
    badRequest(/host \(authority\)/, { authority: host });
    badHeader(/Header "host"/, 'host', host);
  }
});

test('an empty method is GET, and a method is a token whose case is kept', () => {
  assert.equal(build({ method: '' })[3], 'GET');
  assert.equal(build({ method: 'M-search' })[3], 'M-search');
  for (const method of ['GE T', 'G\n', 'G\u00c9T', 'GET:', ' ']) badRequest(/method is not a token/, { method });
});

test('a path begins with a slash, or is * with OPTIONS', () => {
  for (const path of ['/', '//double', '/a?b=c&d', '/%20', '/"<>[\\]^`{|}~', '/?'])
    assert.equal(build({ path })[5], path);
  assert.equal(build({ path: '*', method: 'OPTIONS' })[5], '*');
  badRequest(/path/, { path: '*' });
  for (const path of [
    '',
    'a',
    '?q',
    '/a b',
    '/a\tb',
    '/a\n',
    '/a\0',
    '/\u007f',
    '/\u00e9',
    '/a#b',
    '**',
    'http://h/',
  ]) {
    badRequest(/path/, { path });
  }
});

test('the scheme is https or http', () => {
  assert.equal(build({ scheme: 'http' })[7], 'http');
  badRequest(/scheme/, { scheme: 'ftp' });
});

test('a plain CONNECT has method and authority only, with the port that section 8.5 wants', () => {
  const connect = { method: 'CONNECT', path: '' };
  assert.deepEqual(build({ ...connect, authority: 'a.example:22' }), [
    ':authority',
    'a.example:22',
    ':method',
    'CONNECT',
  ]);
  assert.equal(build({ ...connect, authority: 'a.example' })[1], 'a.example:443');
  assert.equal(build({ ...connect, authority: '[::1]', scheme: 'http' })[1], '[::1]:80');
});

test('an extended CONNECT has path, scheme and protocol, all before the regular fields', () => {
  const fields = build({ method: 'CONNECT', protocol: 'websocket', fields: ['a', 'b'] });
  assert.deepEqual(fields, [
    ...[':authority', 'example.com', ':method', 'CONNECT', ':path', '/a?b=c', ':scheme', 'https'],
    ...[':protocol', 'websocket', 'a', 'b'],
  ]);
  badRequest(/CONNECT/, { protocol: 'websocket' });
  badRequest(/protocol is not a token/, { method: 'CONNECT', protocol: 'web socket' });
});

test('upgrade is dropped when empty and refused otherwise, chunked included', () => {
  assert.deepEqual(withFields('Upgrade', ''), []);
  badHeader(/"upgrade"/, 'upgrade', 'websocket');
  badHeader(/"upgrade"/, 'upgrade', 'chunked');
});

test('transfer-encoding is dropped when it is one chunked or empty, and refused otherwise', () => {
  assert.deepEqual(withFields('Transfer-Encoding', 'chunked'), []);
  assert.deepEqual(withFields('Transfer-Encoding', ''), []);
  badHeader(/"transfer-encoding"/, 'transfer-encoding', 'Chunked');
  badHeader(/"transfer-encoding"/, 'transfer-encoding', 'gzip');
  badHeader(/"transfer-encoding"/, 'transfer-encoding', 'chunked', 'Transfer-Encoding', 'chunked');
});

test('connection is dropped when it is one close or keep-alive, and refused otherwise', () => {
  for (const value of ['', 'close', 'Close', 'KEEP-ALIVE']) assert.deepEqual(withFields('Connection', value), []);
  badHeader(/"connection"/, 'connection', 'upgrade');
  badHeader(/"connection"/, 'connection', 'close, x-foo');
  badHeader(/"connection"/, 'connection', 'close', 'Connection', 'close');
});

test('proxy-connection and keep-alive are dropped whatever they say', () => {
  assert.deepEqual(withFields('Proxy-Connection', 'x', 'KEEP-ALIVE', 'timeout=5', 'a', 'b'), ['a', 'b']);
});

test('RFC 9113 8.2.2: te may only be trailers', () => {
  assert.deepEqual(withFields('TE', 'Trailers'), ['te', 'trailers']);
  for (const value of ['gzip', 'trailers, deflate', '']) badHeader(/"te"/, 'te', value);
});

test('a name is a token and a value has no control character; the value never shows', () => {
  for (const name of ['', 'a b', 'a:', 'caf\u00e9', 'a\n', 'a(b)'])
    badHeader(/^Header ".*" has a name that is not a token/, name, 'v');
  for (const value of ['hunter2\n', 'hunter2\0', 'a\rhunter2', '\u007fhunter2', 'hunter2\u0100', 'hunter2\u20ac']) {
    badHeader(/^(?!.*hunter2)Header "x-key" has a value with a control character/, 'X-Key', value);
  }
  assert.deepEqual(withFields('x', 'a\tb', 'y', '\u0080\u00ff'), ['x', 'a\tb', 'y', '\u0080\u00ff']);
});

test("a pseudo-field among the caller's fields is refused", () => {
  for (const name of [':path', ':Method', ':protocol', ':status', ':']) badHeader(/is a pseudo-field/, name, '/');
});

test('RFC 9113 8.2.1: blanks around a value are taken off', () => {
  assert.deepEqual(withFields('x', ' \ta b\t '), ['x', 'a b']);
});

test('a look-alike letter is refused, not mapped to ASCII', () => {
  badHeader(/not a token/, 'proxy-connection\u212A', 'v');
  badHeader(/not a token/, '\u212Aeep-alive', 'v');
  badHeader(/"transfer-encoding"/, 'transfer-encoding', 'chun\u212Aed');
});

test('several values are several fields, in order', () => {
  assert.deepEqual(withFields('Accept', 'a', 'x', '1', 'accept', 'b'), ['accept', 'a', 'x', '1', 'accept', 'b']);
});

test('the size of a list counts names, values and 32 each', () => {
  assert.equal(fieldListSize([]), 0);
  assert.equal(fieldListSize([':method', 'GET', 'a', '']), 7 + 3 + 32 + 1 + 32);
});

test('cookies are sent in pieces', () => {
  const sent = withFields('Cookie', 'a=b;c=d;  e=f;', 'cookie', 'e=f;g=h; ', 'COOKIE', 'i=j');
  assert.deepEqual(valuesOf(sent, 'cookie'), ['a=b', 'c=d', 'e=f', 'e=f', 'g=h', 'i=j']);
  assert.deepEqual(withFields('cookie', 'a=b;;c=d'), ['cookie', 'a=b', 'cookie', '', 'cookie', 'c=d']);
  assert.deepEqual(withFields('cookie', ''), []);
  assert.deepEqual(withFields('cookie', 'a=b ;c=d'), ['cookie', 'a=b', 'cookie', 'c=d']);
});

test('the first user-agent counts, an empty one sends none, absence the default', () => {
  const userAgent = 'default/1';
  assert.deepEqual(regular({ userAgent }), ['user-agent', userAgent]);
  assert.deepEqual(regular({ userAgent, fields: ['User-Agent', 'mine', 'user-agent', 'other'] }), [
    'user-agent',
    'mine',
  ]);
  assert.deepEqual(regular({ userAgent, fields: ['User-Agent', '', 'user-agent', 'other'] }), []);
  assert.deepEqual(regular({ userAgent: '' }), []);
});

test('a length above zero is sent, an unknown one is not, zero only with POST, PUT and PATCH', () => {
  const lengths = (change: Partial<RequestHead>): string[] => valuesOf(build(change), 'content-length');
  assert.deepEqual(lengths({ method: 'GET', hasBody: true, contentLength: 7 }), ['7']);
  assert.deepEqual(lengths({ method: 'POST', hasBody: true, contentLength: -1 }), []);
  for (const method of ['POST', 'PUT', 'PATCH']) assert.deepEqual(lengths({ method }), ['0']);
  for (const method of ['GET', 'HEAD', 'DELETE', 'OPTIONS', 'post']) assert.deepEqual(lengths({ method }), []);
});

test('without a body the length is 0 whatever is declared for it', () => {
  assert.deepEqual(regular({ hasBody: false, contentLength: 9 }), []);
  assert.deepEqual(regular({ method: 'PUT', hasBody: false, contentLength: -1 }), ['content-length', '0']);
});

test('a content-length of the caller declares the length of a body that has none of its own', () => {
  const upload = { method: 'PUT', hasBody: true, contentLength: -1 };
  assert.deepEqual(regular({ ...upload, fields: ['Content-Length', ' 12 '] }), ['content-length', '12']);
  assert.deepEqual(regular({ ...upload, fields: ['content-length', '12', 'content-length', '12'] }), [
    'content-length',
    '12',
  ]);
  assert.deepEqual(regular({ ...upload, fields: ['content-length', '12, 12,12'] }), ['content-length', '12']);
  assert.equal(declaredLength(['a', '1', 'Content-Length', '12']), 12);
  assert.equal(declaredLength(['a', '1']), -1);
});

test('a content-length of the caller must be right: both numbers are named', () => {
  const wrong = (message: RegExp, change: Partial<RequestHead>): void =>
    refused(() => build(change), 'ERR_PASSINGLANE_REQUEST_BODY_LENGTH', message);
  wrong(/says 4 bytes and the body has 5/, { hasBody: true, contentLength: 5, fields: ['content-length', '4'] });
  wrong(/says 4 bytes and the body has 0/, { fields: ['content-length', '4'] });
  assert.deepEqual(regular({ hasBody: true, contentLength: 5, fields: ['content-length', '5'] }), [
    'content-length',
    '5',
  ]);
});

test('a content-length of the caller that is no number, or two that differ, is refused', () => {
  for (const value of ['', 'x', '-1', '+1', '1.5', '1,,1', '1, x', '99999999999999999']) {
    badHeader(/"content-length" is not a number of bytes/, 'content-length', value);
  }
  badHeader(/"content-length" is given more than once/, 'content-length', '1', 'Content-Length', '2');
  badHeader(/"content-length" is given more than once/, 'content-length', '1, 2');
});

test('accept-encoding is sent unless the caller set it or range, or the method is HEAD', () => {
  const acceptEncoding = 'gzip, br';
  for (const method of ['GET', 'PUT']) {
    assert.deepEqual(valuesOf(build({ method, acceptEncoding }), 'accept-encoding'), [acceptEncoding]);
  }
  assert.deepEqual(valuesOf(build({ method: 'CONNECT', acceptEncoding }), 'accept-encoding'), [acceptEncoding]);
  assert.deepEqual(regular({ method: 'HEAD', acceptEncoding }), []);
  assert.deepEqual(regular({ acceptEncoding, fields: ['Range', 'bytes=0-1'] }), ['range', 'bytes=0-1']);
  assert.deepEqual(regular({ acceptEncoding, fields: ['Accept-Encoding', 'x'] }), ['accept-encoding', 'x']);
});

test('an expect field of the caller passes, and ours is not sent twice or without content', () => {
  const upload = { method: 'PUT', hasBody: true, contentLength: -1, expectContinue: true };
  assert.deepEqual(withFields('Expect', '100-continue'), ['expect', '100-continue']);
  assert.deepEqual(valuesOf(build(upload), 'expect'), ['100-continue']);
  assert.deepEqual(valuesOf(build({ ...upload, fields: ['Expect', 'x, 100-Continue'] }), 'expect'), [
    'x, 100-Continue',
  ]);
  assert.deepEqual(valuesOf(build({ ...upload, fields: ['Expect', 'x100-continue'] }), 'expect').length, 2);
  assert.deepEqual(valuesOf(build({ ...upload, contentLength: 0 }), 'expect'), []);
  assert.deepEqual(valuesOf(build({ ...upload, hasBody: false }), 'expect'), []);
});

test('trailer names are announced in canonical case, sorted, joined by commas', () => {
  assert.deepEqual(regular({ trailerNames: ['b', 'a'] }), ['trailer', 'A,B']);
  assert.deepEqual(regular({ trailerNames: ['x-checksum-SHA'] }), ['trailer', 'X-Checksum-Sha']);
});

test('framing, routing and connection fields are refused as trailers, announced or sent', () => {
  const names = ['Transfer-Encoding', 'Trailer', 'Content-Length', 'Connection', 'Upgrade', 'TE', 'Host', 'keep-alive'];
  for (const name of names) {
    for (const run of [
      (): unknown => build({ trailerNames: [name] }),
      (): unknown => buildTrailerFields([name, 'v']),
    ]) {
      refused(run, 'ERR_PASSINGLANE_INVALID_HEADER', /^Trailer "[a-z-]+" is not allowed after a body/);
    }
  }
});

test('nothing is sent that was not asked for', () => {
  assert.deepEqual(build({}), [':authority', 'example.com', ':method', 'GET', ':path', '/a?b=c', ':scheme', 'https']);
});

test('a priority of the caller stands instead of ours', () => {
  assert.deepEqual(regular({ priority: 'u=1, i' }), ['priority', 'u=1, i']);
  assert.deepEqual(regular({ priority: 'u=1', fields: ['Priority', 'u=5'] }), ['priority', 'u=5']);
});

test('a default that no field may hold is refused by name', () => {
  for (const change of [{ userAgent: 'a\n' }, { acceptEncoding: 'a\0' }, { priority: '\u0100' }]) {
    refused(() => build(change), 'ERR_PASSINGLANE_INVALID_HEADER', /^Header "(user-agent|accept-encoding|priority)"/);
  }
});

test('trailers are lower-case and validated when they are built, and the error says trailer', () => {
  assert.deepEqual(buildTrailerFields([]), []);
  assert.deepEqual(buildTrailerFields(['Grpc-Status', '0', 'x', ' v ']), ['grpc-status', '0', 'x', 'v']);
  const invalid = (message: RegExp, ...fields: string[]): void =>
    refused(() => buildTrailerFields(fields), 'ERR_PASSINGLANE_INVALID_HEADER', message);
  invalid(/^(?!.*secret)Trailer "x" has a value with a control/, 'X', 'secret\n');
  invalid(/^Trailer "a b" has a name that is not a token/, 'a b', 'v');
  invalid(/^Trailer ":status" is a pseudo-field/, ':status', '200');
});

test('RFC 7541 7.1.3: credentials and short cookies are never indexed', () => {
  for (const name of ['authorization', 'proxy-authorization', 'set-cookie'])
    assert.equal(isSensitive(name, 'x'.repeat(99)), true);
  assert.equal(isSensitive('cookie', 'x'.repeat(19)), true);
  assert.equal(isSensitive('cookie', 'x'.repeat(20)), false);
  assert.equal(isSensitive('x-cookie', 'x'), false);
});

test('whatever the caller gives, what is accepted obeys the grammar of RFC 9113', () => {
  const anyChar = fc
    .oneof({ weight: 12, arbitrary: fc.integer({ min: 0x20, max: 0x7e }) }, fc.integer({ min: 0, max: 0x2200 }))
    .map((code) => String.fromCharCode(code));
  const text = fc.string({ unit: anyChar, maxLength: 6 });
  const tokenish = fc.string({ unit: fc.constantFrom('a', 'Z', '-', '1', ':', ' ', '\u212a', '\n'), maxLength: 4 });
  const name = fc.oneof(
    tokenish,
    text,
    fc.constantFrom(
      'Cookie',
      'Host',
      'TE',
      'Connection',
      'Upgrade',
      'Content-Length',
      'transfer-encoding',
      'user-agent',
    ),
  );
  const value = fc.oneof(text, fc.constantFrom('0', '5', 'close', 'trailers', 'chunked', 'a=b; c', 'h:1'));
  const head: fc.Arbitrary<RequestHead> = fc.record({
    method: fc.oneof(fc.constantFrom('', 'GET', 'POST', 'OPTIONS', 'CONNECT'), tokenish),
    scheme: fc.constantFrom('http', 'https', 'HTTP', ''),
    authority: fc.oneof({ weight: 4, arbitrary: fc.constant('h.example') }, text),
    path: fc.oneof(
      fc.constantFrom('/', '*'),
      text.map((rest) => `/${rest}`),
    ),
    protocol: fc.oneof({ weight: 4, arbitrary: fc.constant(undefined) }, tokenish),
    fields: fc.array(fc.tuple(name, value), { maxLength: 4 }).map((pairs) => pairs.flat()),
    contentLength: fc.constantFrom(-1, 0, 5),
    hasBody: fc.boolean(),
    trailerNames: fc.oneof({ weight: 4, arbitrary: fc.constant([]) }, fc.array(tokenish, { maxLength: 2 })),
    userAgent: fc.oneof(fc.constant(undefined), text),
    acceptEncoding: fc.constantFrom(undefined, 'gzip'),
    expectContinue: fc.boolean(),
    priority: fc.constantFrom(undefined, 'u=1'),
  });
  const grammar: Record<string, RegExp> = {
    ':authority': /^[A-Za-z0-9!$%&()*+,\-.:;=['_~\]]+$/,
    ':method': /^[!#$%&'*+.^_`|~0-9A-Za-z-]+$/,
    ':path': /^(?:\*|\/[\x21\x22\x24-\x7e]*)$/,
    ':scheme': /^https?$/,
    ':protocol': /^[!#$%&'*+.^_`|~0-9A-Za-z-]+$/,
  };
  const forbidden = /^(?:connection|proxy-connection|keep-alive|transfer-encoding|upgrade|host)$/;
  let accepted = 0;
  fc.assert(
    fc.property(head, (head) => {
      let fields: string[];
      try {
        fields = buildRequestFields(head);
      } catch (error) {
        assert.ok(error instanceof TransportError, String(error));
        assert.match(error.code, /^ERR_PASSINGLANE_(?:INVALID_HEADER|INVALID_REQUEST|REQUEST_BODY_LENGTH)$/);
        return;
      }
      accepted++;
      let regularSeen = false;
      for (let i = 0; i < fields.length; i += 2) {
        const name = fields[i]!;
        const value = fields[i + 1]!;
        if (name.startsWith(':')) {
          assert.equal(regularSeen, false, 'a pseudo-field after a regular one');
          assert.match(value, grammar[name] ?? /^(?!)/);
          continue;
        }
        regularSeen = true;
        assert.match(name, /^[!#$%&'*+.^_`|~0-9a-z-]+$/);
        assert.doesNotMatch(name, forbidden);
        assert.match(value, /^(?:[!-~\x80-\xff](?:[\t -~\x80-\xff]*[!-~\x80-\xff])?)?$/);
        if (name === 'te') assert.equal(value, 'trailers');
        if (name === 'content-length') assert.match(value, /^[0-9]+$/);
      }
      for (const single of [':authority', ':method', 'content-length', 'user-agent']) {
        assert.ok(valuesOf(fields, single).length <= 1, `${single} twice`);
      }
    }),
    { numRuns: 3_000 },
  );
  assert.ok(accepted > 100, `only ${accepted} requests were accepted, which proves little`);
});

test('CVE-2021-31525: a list of a million members costs no stack, whichever field it is in', () => {
  const list = ','.repeat(1_000_000);
  for (const name of ['connection', 'expect', 'te', 'transfer-encoding', 'cookie', 'trailer', 'content-length']) {
    try {
      build({ fields: [name, list], hasBody: true, contentLength: -1 });
    } catch (error) {
      assert.ok(error instanceof TransportError, `${name}: ${String(error)}`);
    }
  }
});
