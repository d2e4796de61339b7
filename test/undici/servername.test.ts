/** The dispatcher's option `servername`, which undici's dns interceptor sets: who the server has to be. */
import assert from 'node:assert/strict';
import type { TLSSocket } from 'node:tls';
import { test, type TestContext } from 'node:test';
import { H2Dispatcher, type Interceptor } from '../../dist/undici/index.js';
import { selfSignedCertificate } from '../../dist/cli/certificate.js';
import { startOrigin, type TestOrigin } from '../support/origin.js';
import { versions } from './undicis.js';

const certificate = selfSignedCertificate({ names: ['one.test', 'two.test'], ips: [] });

/** A server for the names and not for its address. Answers with the name that its client asked for, and `:authority`. */
async function namedOrigin(t: TestContext): Promise<TestOrigin> {
  const origin = await startOrigin({
    tls: true,
    server: certificate,
    handler: (request, response) => {
      response.end(`${String((request.stream.session?.socket as TLSSocket).servername)} ${request.authority}`);
    },
  });
  t.after(() => origin.close());
  return origin;
}

function dispatcherFor(t: TestContext): H2Dispatcher {
  const dispatcher = new H2Dispatcher({ tls: { ca: certificate.cert } });
  t.after(() => dispatcher.destroy());
  return dispatcher;
}

test('servername is what the certificate is checked against, and each name has connections of its own', async (t) => {
  const { origin, port, sessions } = await namedOrigin(t);
  const dispatcher = dispatcherFor(t);
  const get = async (servername?: string | null): Promise<string> => {
    const { body } = await dispatcher.request({ origin, path: '/', method: 'GET', servername } as never);
    return body.text();
  };
  await assert.rejects(get(), { code: 'ERR_TLS_CERT_ALTNAME_INVALID' });
  for (const name of ['one.test', 'two.test', 'one.test', 'two.test.'])
    assert.equal(await get(name), `${name.replace(/\.$/, '')} 127.0.0.1:${port}`);
  assert.equal(sessions.size, 2);
  await assert.rejects(get(), { code: 'ERR_TLS_CERT_ALTNAME_INVALID' }, 'an open connection of a name is no way in');
  await assert.rejects(get('three.test'), { code: 'ERR_TLS_CERT_ALTNAME_INVALID' });
  await assert.rejects(get('one.test:443'), { code: 'UND_ERR_INVALID_ARG', message: 'servername must be a host name' });
});

for (const version of versions) {
  test(`${version.name}: the dns interceptor works over TLS`, { skip: version.skip }, async (t) => {
    const undici = await version.load();
    const { port } = await namedOrigin(t);
    const { dns } = undici.interceptors as unknown as { dns(options: object): Interceptor };
    const lookup = (_origin: URL, _options: object, callback: (error: null, found: object[]) => void): void => {
      callback(null, [{ address: '127.0.0.1', family: 4, ttl: 10_000 }]);
    };
    const dispatcher = dispatcherFor(t).compose(dns({ lookup, dualStack: false }));
    for (const name of ['one.test', 'two.test']) {
      const { body } = await undici.request(`https://${name}:${port}/`, { dispatcher });
      const [sni, host] = (await body.text()).split(' ');
      assert.deepEqual([sni, host?.replace(/:\d+$/, '')], [name, name]); // undici 6 leaves the port out
    }
  });
}
