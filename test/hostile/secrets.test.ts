/** Credentials: how they go out on the wire, and that no log, trace, page or error shows them. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { createServer, sensitiveHeaders, type IncomingHttpHeaders } from 'node:http2';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test, type TestContext } from 'node:test';
import { inspect } from 'node:util';
import { passinglane } from '../cli/command.js';
import { transportFor } from '../http1/support.js';

const secret = 's3cret-s3cret-s3cret-s3cret';
const credentials = {
  authorization: `Bearer ${secret}`,
  'proxy-authorization': secret,
  cookie: `a=${secret}; b=s3cret`,
};

/** An origin without TLS that sets a cookie, resets `/reset`, and keeps what it was sent. */
async function origin(t: TestContext): Promise<{ url: string; asked: IncomingHttpHeaders[] }> {
  const asked: IncomingHttpHeaders[] = [];
  const server = createServer();
  server.on('session', (session) => t.after(() => session.destroy()));
  server.on('stream', (stream, headers) => {
    asked.push(headers);
    stream.on('error', () => undefined);
    if (headers[':path'] === '/reset') return stream.close(2);
    stream.respond({ ':status': 200, 'set-cookie': [`id=${secret}`] });
    stream.end('ok');
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  t.after(() => server.close());
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, asked };
}

test('authorization, proxy-authorization and short cookies are never indexed, on every request', async (t) => {
  const { url, asked } = await origin(t);
  const transport = transportFor(t, { cleartext: 'h2c' });
  for (let i = 0; i < 3; i++)
    await (
      await transport.request(url, {
        headers: { authorization: secret, 'proxy-authorization': secret, cookie: 'id=s3cret', 'x-other': 'x' },
      })
    ).body.dump();
  assert.equal(asked.length, 3);
  for (const headers of asked) {
    const never = (headers as unknown as Record<symbol, string[]>)[sensitiveHeaders];
    assert.deepEqual(never?.slice().sort(), ['authorization', 'cookie', 'proxy-authorization']);
    assert.equal(headers.authorization, secret);
  }
});

test('-v, NODE_DEBUG, a trace and its page show no credential, unless --show-secrets asks', async (t) => {
  const { url } = await origin(t);
  const folder = mkdtempSync(join(tmpdir(), 'passinglane-secrets-'));
  t.after(() => rmSync(folder, { recursive: true }));
  const trace = join(folder, 'trace.json');
  const headers = Object.entries(credentials).flatMap(([name, value]) => ['-H', `${name}: ${value}`]);
  const args = ['--http2-prior-knowledge', '-v', '--trace', trace, ...headers, `${url}/`];
  const env = { no_proxy: '*', NODE_DEBUG: 'passinglane' };
  const got = await passinglane(args, '', env);
  assert.equal(got.exitCode, 0, got.stderr);
  const page = await passinglane(['view', '-o', '-', trace]);
  assert.equal(page.exitCode, 0, page.stderr);
  const written = readFileSync(trace, 'utf8');
  for (const [what, text] of Object.entries({ log: got.stderr, trace: written, page: page.stdout.toString() })) {
    assert.match(text, /set-cookie/, what);
    assert.doesNotMatch(text, /s3cret/, what);
  }
  const shown = await passinglane(['--show-secrets', ...args], '', { no_proxy: '*' });
  for (const name of [...Object.keys(credentials), 'set-cookie'])
    assert.match(shown.stderr, new RegExp(` ${name}: .*s3cret`));
});

test('the error of a request that was sent, with its causes, shows no credential', async (t) => {
  const { url } = await origin(t);
  const transport = transportFor(t, { cleartext: 'h2c' });
  const error: unknown = await transport.request(`${url}/reset`, { headers: credentials }).catch((e: unknown) => e);
  assert.ok(error instanceof Error);
  assert.doesNotMatch(inspect(error, { depth: 10, showHidden: true }), /s3cret/);
});
