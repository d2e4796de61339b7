import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Transport } from '../../dist/index.js';
import { disableNetwork, enableNetwork, MockTransport } from '../../dist/testing/index.js';
import { H2Dispatcher } from '../../dist/undici/index.js';
import { startOrigin } from '../support/origin.js';

const refused = { code: 'ERR_PASSINGLANE_NOT_MOCKED' };

test('with the network disabled every Transport refuses, on connections that are open too, and a mock answers', async (t) => {
  const origin = await startOrigin();
  const transport = new Transport({ cleartext: 'h2c' });
  const url = `${origin.origin}/hello.txt`;
  t.after(async () => {
    enableNetwork();
    transport.destroy();
    await origin.close();
  });
  assert.equal(await (await transport.request(url)).body.text(), 'hello\n');
  const dialled = await transport.connect(origin.origin);
  disableNetwork();
  await assert.rejects(dialled.request(url), refused);
  await assert.rejects(transport.request(url), (error: Error & { code?: string }) => {
    assert.equal(error.code, refused.code);
    assert.match(error.message, /^GET http:\/\/127\.0\.0\.1:\d+\/hello\.txt: it is not mocked, and disableNetwork\(\)/);
    return true;
  });
  await assert.rejects(transport.fetch(url), ({ cause }) => (cause as { code?: string }).code === refused.code);
  await assert.rejects(transport.connect(origin.origin), refused);
  await assert.rejects(transport.preconnect(origin.origin), refused);
  const dispatched = new H2Dispatcher(transport).request({ origin: origin.origin, path: '/', method: 'GET' });
  await assert.rejects(dispatched, { code: 'UND_ERR_INFO' });
  assert.equal(origin.streamCount, 1, 'nothing went out');
  const mock = new MockTransport().route('*', { body: 'mocked' });
  assert.equal(await (await mock.request(url)).body.text(), 'mocked');
  await mock.preconnect(origin.origin);
  mock.destroy();
  disableNetwork({ allow: ['127.0.0.1'] });
  assert.equal(await (await transport.request(url)).body.text(), 'hello\n');
  enableNetwork();
  assert.equal(await (await transport.request(url)).body.text(), 'hello\n');
  assert.equal(await (await dialled.request(url)).body.text(), 'hello\n');
});

test('a host is allowed in whatever case it is written, and an IPv6 address with brackets or without', async (t) => {
  t.after(enableNetwork);
  const transport = new Transport();
  t.after(() => transport.destroy());
  // Nobody listens there, so what is allowed fails otherwise.
  for (const [host, url] of [
    ['LocalHost:1', 'http://localhost:1/'],
    ['[::1]', 'http://[::1]:1/'],
    ['::1', 'http://[::1]:1/'],
    ['[::1]:1', 'http://[::1]:1/'],
  ] as const) {
    disableNetwork({ allow: [host] });
    await assert.rejects(transport.request(url), { code: 'ERR_PASSINGLANE_CONNECT_FAILED' }, host);
    await assert.rejects(transport.request('http://[::2]:1/'), refused, host);
  }
});

test('a host that could never be allowed, and a misspelt option, are refused by name', (t) => {
  t.after(enableNetwork);
  const refuses = (options: unknown, message: RegExp): void => {
    assert.throws(() => disableNetwork(options as { allow: string[] }), { code: 'ERR_INVALID_ARG_VALUE', message });
  };
  refuses(null, /options: null/);
  refuses('localhost', /options: "localhost"/);
  refuses({ alow: ['localhost'] }, /option 'alow'/);
  refuses({ allow: 'localhost' }, /option 'allow': "localhost"/);
  refuses({ allow: [8080] }, /option 'allow': 8080/);
  refuses({ allow: ['http://localhost:8080'] }, /option 'allow': "http:\/\/localhost:8080"/);
  refuses({ allow: ['*.test'] }, /option 'allow'/);
  refuses({ allow: ['localhost:99999'] }, /option 'allow': "localhost:99999"/);
  refuses({ allow: ['localhost/a'] }, /option 'allow': "localhost\/a"/);
  disableNetwork({ allow: undefined });
  disableNetwork({ allow: ['[::1]:8080', 'localhost'] });
});
