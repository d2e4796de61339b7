/** What https_proxy, http_proxy, all_proxy and no_proxy say, case by case. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { originOf } from '../../dist/pool/origin.js';
import { environmentRule } from '../../dist/proxy/environment.js';
import { Transport } from '../../dist/index.js';
import { startProxy } from '../support/proxies.js';
import { client, origin } from './support.js';

const proxyFor = (env: Record<string, string>, url: string): string | undefined =>
  environmentRule(env)(originOf(new URL(url)))?.origin.href;

const https = 'https://origin.test';
const http = 'http://origin.test';

const choices: [env: Record<string, string>, url: string, proxy: string | undefined][] = [
  [{}, https, undefined],
  [{ https_proxy: 'http://p:1' }, https, 'http://p:1'],
  [{ https_proxy: 'http://p:1' }, http, undefined],
  [{ http_proxy: 'http://p:1' }, http, 'http://p:1'],
  [{ http_proxy: 'http://p:1' }, https, undefined],
  [{ all_proxy: 'http://p:1' }, https, 'http://p:1'],
  [{ all_proxy: 'http://p:1' }, http, 'http://p:1'],
  [{ ALL_PROXY: 'http://p:1' }, http, 'http://p:1'],
  [{ all_proxy: 'http://p:1', https_proxy: 'http://p:2' }, https, 'http://p:2'],
  [{ HTTPS_PROXY: 'http://p:1' }, https, 'http://p:1'],
  [{ HTTPS_PROXY: 'http://p:1', https_proxy: 'http://p:2' }, https, 'http://p:2'],
  [{ HTTPS_PROXY: 'http://p:1', https_proxy: '' }, https, 'http://p:1'],
  [{ HTTP_PROXY: 'http://p:1' }, http, 'http://p:1'],
  [{ HTTP_PROXY: 'http://p:1', REQUEST_METHOD: 'GET' }, http, undefined],
  [{ HTTPS_PROXY: 'http://p:1', REQUEST_METHOD: 'GET' }, https, 'http://p:1'],
  [{ http_proxy: 'http://p:1', REQUEST_METHOD: 'GET' }, http, 'http://p:1'],
  [{ https_proxy: 'https://p:1' }, https, 'https://p:1'],
  [{ https_proxy: 'p:1' }, https, 'http://p:1'],
  [{ https_proxy: 'p' }, https, 'http://p'],
  [{ https_proxy: ' http://p:1/ ' }, https, 'http://p:1'],
  [{ https_proxy: 'http://user:password@p:1' }, https, 'http://p:1'],
];

for (const [env, url, proxy] of choices)
  test(`${JSON.stringify(env)} has ${url} go ${proxy === undefined ? 'directly' : `through ${proxy}`}`, () => {
    assert.equal(proxyFor(env, url), proxy);
  });

const exemptions: [noProxy: string, url: string, exempt: boolean][] = [
  ['*', https, true],
  ['a.test,*', https, true],
  ['origin.test', https, true],
  ['ORIGIN.test', https, true],
  ['.origin.test', https, true],
  ['*.origin.test', https, true],
  ['origin.test', 'https://sub.origin.test', true],
  ['.origin.test', 'https://sub.origin.test', true],
  ['test', 'https://sub.origin.test', true],
  ['igin.test', https, false],
  ['sub.origin.test', https, false],
  ['origin.test.', https, true],
  ['origin.test', 'https://origin.test.', true],
  ['a.test, origin.test', https, true],
  ['a.test origin.test', https, true],
  [' , ,', https, false],
  ['.', https, false],
  ['origin.test:443', https, true],
  ['origin.test:443', 'https://sub.origin.test', true],
  ['origin.test:8443', https, false],
  ['origin.test:8443', 'https://origin.test:8443', true],
  ['origin.test:80', http, true],
  ['127.0.0.1', 'https://127.0.0.1:8443', true],
  ['127.0.0.1', 'https://127.0.0.2', false],
  ['127.0.0.1', https, false],
  ['127.0.0.1/32', 'https://127.0.0.1', true],
  ['127.0.0.1/32', 'https://127.0.0.2', false],
  ['::1/128', 'https://[::1]', true],
  ['::1/129', 'https://[::1]', false],
  ['127.0.0.1:8443', 'https://127.0.0.1:8443', true],
  ['127.0.0.1:8443', 'https://127.0.0.1', false],
  ['0.0.1', 'https://127.0.0.1', false],
  ['::1', 'https://[::1]', true],
  ['[::1]', 'https://[::1]', true],
  ['[::1]:443', 'https://[::1]', true],
  ['[::1]:8443', 'https://[::1]', false],
  ['0:0:0:0:0:0:0:1', 'https://[::1]', true],
  ['127.0.0.0/8', 'https://127.1.2.3', true],
  ['127.0.0.0/8', 'https://128.1.2.3', false],
  ['127.0.0.0/8', https, false],
  ['fe80::/10', 'https://[fe80::1]', true],
  ['fe80::/10', 'https://[2001:db8::1]', false],
  ['127.0.0.0/33', 'https://127.0.0.1', false],
  ['a.test', 'https://localhost', false],
  ['a.test', 'https://127.0.0.1', false],
  ['localhost', 'https://localhost:8443', true],
  ['localhost', 'https://127.0.0.1', false],
];

for (const [list, url, exempt] of exemptions)
  test(`no_proxy="${list}" ${exempt ? 'exempts' : 'does not exempt'} ${url}`, () => {
    const proxy = exempt ? undefined : 'http://p:1';
    assert.equal(proxyFor({ all_proxy: 'http://p:1', no_proxy: list }, url), proxy);
    assert.equal(proxyFor({ all_proxy: 'http://p:1', NO_PROXY: list }, url), proxy);
  });

test('the lower case of no_proxy goes before the upper, unless it is empty', () => {
  const all = { all_proxy: 'http://p:1', NO_PROXY: 'origin.test' };
  assert.equal(proxyFor({ ...all, no_proxy: 'a.test' }, https), 'http://p:1');
  assert.equal(proxyFor({ ...all, no_proxy: '' }, https), undefined);
});

test('two variables with one URL name one proxy, whose connections are shared', () => {
  const rule = environmentRule({ http_proxy: 'http://p:1', https_proxy: 'http://p:1' });
  assert.equal(rule(originOf(new URL(http))), rule(originOf(new URL(https))));
});

test('a variable that names no proxy is refused by its name, without credentials', () => {
  for (const url of ['socks5://user:s3cret@p:1', 'http://user:s3cret@p:x', 'user:s3cret@'])
    assert.throws(
      () => environmentRule({ https_proxy: url }),
      (error: Error & { code?: string }) => {
        assert.equal(error.code, 'ERR_INVALID_ARG_VALUE');
        assert.match(error.message, /environment variable 'https_proxy'/);
        assert.doesNotMatch(error.message, /s3cret/);
        return true;
      },
    );
});

test("proxy: 'env' reads the environment when the transport is made, and only then", async (t) => {
  const proxy = await startProxy(t, 'http');
  const { origin: url } = await origin(t);
  const names = ['https_proxy', 'no_proxy', 'NO_PROXY'] as const;
  const before = names.map((name) => process.env[name]);
  t.after(() => {
    for (const [i, name] of names.entries())
      if (before[i] === undefined) Reflect.deleteProperty(process.env, name);
      else process.env[name] = before[i];
  });
  process.env['https_proxy'] = proxy.url;
  process.env['no_proxy'] = 'exempt.test';
  const asked = client(t, { proxy: 'env' });
  const unasked = client(t, {});
  Reflect.deleteProperty(process.env, 'https_proxy');
  assert.equal(await (await asked.request(`${url}/hello.txt`)).body.text(), 'hello\n');
  assert.equal(proxy.asked.length, 1);
  assert.equal(await (await unasked.request(`${url}/hello.txt`)).body.text(), 'hello\n');
  assert.equal(proxy.asked.length, 1, 'without the option nobody looks at the environment');
});

test('a proxy does not go with another way to connect', () => {
  for (const other of [{ socketPath: '/nowhere' }, { createConnection: () => process.stdin }])
    for (const proxy of ['http://user:s3cret@p:1', new URL('http://user:s3cret@p:1'), 'env'])
      assert.throws(
        () => new Transport({ ...other, proxy }),
        (error: Error & { code?: string }) => {
          assert.equal(error.code, 'ERR_INVALID_ARG_VALUE');
          assert.match(error.message, /option 'proxy'.*(socketPath|createConnection)/);
          assert.doesNotMatch(error.message, /s3cret/);
          return true;
        },
      );
  assert.doesNotThrow(() => new Transport({ socketPath: '/nowhere', proxy: false }));
});
