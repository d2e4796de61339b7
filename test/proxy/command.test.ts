/** The command's -x, and the environment, which it follows as curl does. */
import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { describeFailure } from '../../dist/cli/exit-codes.js';
import type { TransportOptions } from '../../dist/index.js';
import { passinglane, type Result } from '../cli/command.js';
import { closedPort } from '../support/closed-port.js';
import { loopback } from '../support/certificates.js';
import { proxyKinds, startProxy } from '../support/proxies.js';
import { client, origin, withCredentials } from './support.js';

const folder = mkdtempSync(join(tmpdir(), 'passinglane-'));
const ca = join(folder, 'ca.pem');
writeFileSync(ca, loopback.cert);
after(() => {
  rmSync(folder, { recursive: true });
});

function run(args: readonly string[], env: Readonly<Record<string, string>> = {}): Promise<Result> {
  const none = { http_proxy: '', https_proxy: '', all_proxy: '', HTTP_PROXY: '', HTTPS_PROXY: '', ALL_PROXY: '' };
  return passinglane(['--cacert', ca, ...args], '', { ...none, no_proxy: '', NO_PROXY: '', ...env });
}

for (const kind of proxyKinds)
  test(`-x goes through a proxy (${kind}), with its credentials, which -v and --trace do not show`, async (t) => {
    const proxy = await startProxy(t, kind);
    const { origin: url } = await origin(t);
    const trace = join(folder, `${kind}.json`);
    const { exitCode, stdout, stderr } = await run(
      ['-v', '--trace', trace, '-x', withCredentials(proxy.url, 'user', 's3cret'), `${url}/hello.txt`],
      {},
    );
    assert.deepEqual([exitCode, stdout.toString()], [0, 'hello\n']);
    assert.equal(proxy.asked[0]?.fields['proxy-authorization'], `Basic ${btoa('user:s3cret')}`);
    assert.doesNotMatch(stderr, /s3cret|dXNlcjpzM2NyZXQ/);
    assert.doesNotMatch(readFileSync(trace, 'latin1'), /s3cret|dXNlcjpzM2NyZXQ/);
  });

test('the environment names a proxy, -x goes before it, and an empty -x, like no_proxy, is for none', async (t) => {
  const [fromEnvironment, fromOption] = [await startProxy(t, 'http'), await startProxy(t, 'http')];
  const { origin: url } = await origin(t);
  const env = { https_proxy: fromEnvironment.url };
  const asked = (): number[] => [fromEnvironment.asked.length, fromOption.asked.length];
  assert.equal((await run([`${url}/hello.txt`], env)).exitCode, 0);
  assert.deepEqual(asked(), [1, 0]);
  assert.equal((await run(['-x', fromOption.url.replace('http://', ''), `${url}/hello.txt`], env)).exitCode, 0);
  assert.deepEqual(asked(), [1, 1]);
  assert.equal((await run(['-x', '', `${url}/hello.txt`], env)).exitCode, 0);
  assert.equal((await run([`${url}/hello.txt`], { ...env, NO_PROXY: '127.0.0.1' })).exitCode, 0);
  assert.deepEqual(asked(), [1, 1]);
});

test('what goes wrong with a proxy has the number that curl gives for it', async (t) => {
  const refusing = await startProxy(t, 'http', { answer: () => 407 });
  const refused = await run(['-x', refusing.url, 'https://origin.test/']);
  assert.equal(refused.exitCode, 56);
  assert.match(refused.stderr, /refused with status 407\. It asks for credentials/);
  const gone = `http://user:s3cret@127.0.0.1:${closedPort}`;
  const unreachable = await run(['-x', gone, 'https://origin.test/']);
  assert.equal(unreachable.exitCode, 7);
  const unusable = await run(['-x', 'socks5://user:s3cret@127.0.0.1:1080', 'https://origin.test/']);
  assert.equal(unusable.exitCode, 2);
  assert.match(unusable.stderr, /socks5:\/\/127\.0\.0\.1:1080/);
  for (const { stderr } of [unreachable, unusable]) assert.doesNotMatch(stderr, /s3cret/);
});

test('a proxy whose name has no address is told apart from an origin whose name has none', async (t) => {
  const lookup = (host: string, _options: object, callback: (error: Error, address: string) => void): void => {
    callback(Object.assign(new Error('none'), { code: 'ENOTFOUND', hostname: host }), '');
  };
  const url = new URL('https://origin.test/');
  const numberOf = async (options: TransportOptions): Promise<number> => {
    const failed: unknown = await client(t, { lookup, ...options })
      .request(url)
      .catch((error: unknown) => error);
    return describeFailure(failed, { url, responseBegun: false }).exitCode;
  };
  assert.equal(await numberOf({ proxy: 'http://proxy.test:3128' }), 5);
  assert.equal(await numberOf({}), 6);
});
