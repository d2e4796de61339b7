import assert from 'node:assert/strict';
import { test } from 'node:test';
import { prepareRequest, type RequestDefaults } from '../../dist/request/prepare-request.js';
import type { RequestOptions } from '../../dist/request/request-options.js';
import { Targets } from '../../dist/request/targets.js';
import { originOf } from '../../dist/pool/origin.js';

const defaults: RequestDefaults = {
  headersTimeout: 0,
  bodyTimeout: 0,
  decompress: true,
  maxResponseSize: 0,
  userAgent: 'test',
};

function fieldsOf(targets: Targets, url: string | URL, options?: RequestOptions): readonly string[] {
  return prepareRequest(url, options, defaults, targets).fields;
}

test('requests of the same make share one header list', () => {
  const targets = new Targets(originOf);
  const first = fieldsOf(targets, 'https://a.test/x', { headers: { 'x-a': '1' } });
  assert.equal(fieldsOf(targets, 'https://a.test/x', { headers: [['x-a', '1']] }), first);
});

test('requests without options share all that was prepared, credentials included', () => {
  const targets = new Targets(originOf);
  const prepare = (url: string): ReturnType<typeof prepareRequest> => prepareRequest(url, undefined, defaults, targets);
  assert.equal(prepare('https://a.test/x'), prepare('https://a.test/x'));
  assert.ok(prepare('https://u:p@a.test/x').fields.includes('Basic dTpw'));
  assert.ok(!prepare('https://a.test/x').fields.includes('Basic dTpw'));
});

test('a path that was requested of an origin is no URL by itself, before and after', () => {
  const targets = new Targets(originOf);
  const origin = originOf(new URL('https://a.test'));
  for (const path of ['/x', '*']) {
    assert.throws(() => targets.of(path), { code: 'ERR_INVALID_URL' });
    const target = targets.at(origin, path);
    assert.throws(() => targets.of(path), { code: 'ERR_INVALID_URL' });
    assert.equal(targets.at(origin, path), target);
  }
});

test('an empty query is sent as the question mark it is', () => {
  const path = (url: string | URL): string | undefined => {
    const fields = fieldsOf(new Targets(originOf), url);
    return fields[fields.indexOf(':path') + 1];
  };
  for (const [url, sent] of [
    ['https://a.test?', '/?'],
    ['https://a.test/x?', '/x?'],
    ['https://a.test/x?#part?', '/x?'],
    ['https://a.test/x#part?', '/x'],
    ['https://a.test/x#?', '/x'],
    ['https://a.test/x??', '/x??'],
    ['https://u%3F@a.test/x', '/x'],
  ] as const) {
    assert.equal(path(url), sent);
    assert.equal(path(new URL(url)), sent);
  }
});

test('whatever else a request is made of, it gets the header list that a first request would', () => {
  const variants: (RequestOptions | undefined)[] = [
    undefined,
    { method: 'HEAD' },
    { method: 'POST' },
    { method: 'POST', body: 'abc' },
    { method: 'POST', body: 'abcd' },
    { headers: { 'x-a': '1' } },
    { headers: { 'x-a': '2' } },
    { headers: { 'X-A': '2' } },
    { headers: [['x-a', '2']] },
    { headers: { authorization: 'Bearer 1' } },
    { decompress: false },
    { headers: { range: 'bytes=0-1' } },
    { headers: { 'accept-encoding': 'gzip' } },
    { priority: { urgency: 1 } },
    { method: 'CONNECT', protocol: 'websocket' },
    { method: 'POST', body: 'abc', trailers: { 'x-t': '1' } },
    { method: 'POST', body: 'abc', expectContinue: true },
  ];
  const shared = new Targets(originOf);
  for (const before of variants)
    for (const options of variants) {
      fieldsOf(shared, 'https://a.test/x', before);
      const { fields, decompress, length } = prepareRequest('https://a.test/x', options, defaults, shared);
      const fresh = prepareRequest('https://a.test/x', options, defaults, new Targets(originOf));
      assert.deepEqual([fields, decompress, length], [fresh.fields, fresh.decompress, fresh.length]);
    }
});

test('urls that fall on the same place are told apart, as are strings and URL objects', () => {
  const targets = new Targets(originOf);
  for (let i = 0; i < 3_000; i++) {
    const url = `http://h${i % 7}.test:8080/path/${i % 1_000}?q=${i}`;
    const target = targets.of(url);
    assert.equal(target.url, url);
    assert.equal(target.origin.hostname, `h${i % 7}.test`);
    assert.equal(targets.of(new URL(url)).url, url);
    assert.equal(targets.at(target.origin, target.path).url, url);
  }
});

test('user-info goes into no cached path, and into each request as credentials', () => {
  const targets = new Targets(originOf);
  for (let i = 0; i < 2; i++) {
    const fields = fieldsOf(targets, 'https://me:secret@a.test/x#part');
    assert.equal(fields[fields.indexOf('authorization') + 1], 'Basic bWU6c2VjcmV0');
    assert.equal(fields[1], 'a.test');
    assert.equal(fieldsOf(targets, 'https://a.test/x').includes('authorization'), false);
  }
});

test('what is no URL is refused each time', () => {
  const targets = new Targets(originOf);
  for (let i = 0; i < 2; i++) {
    assert.throws(() => targets.of('nowhere'), {
      code: 'ERR_INVALID_URL',
      message: /"nowhere"\. It begins with https/,
    });
    assert.throws(
      () => targets.of('x//me:secret@h/?key=1'),
      ({ message }: Error) => !/secret|key=/.test(message),
    );
    assert.throws(() => targets.of('ftp://a.test/'), { code: 'ERR_PASSINGLANE_UNSUPPORTED_SCHEME' });
    assert.throws(() => targets.of(7 as unknown as string), { code: 'ERR_INVALID_ARG_VALUE' });
  }
});
