import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test, type TestContext } from 'node:test';
import { promisify } from 'node:util';
import { startOrigin } from '../support/origin.js';

/** Runs a program that makes one request with a credential, in an environment; its standard error, and its folder. */
async function runClient(
  t: TestContext,
  environment: (folder: string) => Record<string, string>,
): Promise<{ stderr: string; folder: string }> {
  const origin = await startOrigin({ tls: true });
  const folder = mkdtempSync(join(tmpdir(), 'passinglane-logs-'));
  t.after(async () => {
    await origin.close();
    rmSync(folder, { recursive: true, force: true });
  });
  const ca = join(folder, 'ca.pem');
  writeFileSync(ca, origin.ca ?? '');
  const library = new URL('../../dist/index.js', import.meta.url).href;
  const script = `
    import { Transport } from ${JSON.stringify(library)};
    const transport = new Transport();
    const response = await transport.request(${JSON.stringify(origin.origin)}, {
      headers: { authorization: 'Bearer s3cret', 'x-shown': 'yes' },
    });
    await response.body.dump();
    await transport.close();
  `;
  const env = { ...process.env, NODE_EXTRA_CA_CERTS: ca, ...environment(folder) };
  const { stderr } = await promisify(execFile)(process.execPath, ['--input-type=module', '-e', script], { env });
  return { stderr, folder };
}

test('NODE_DEBUG=passinglane logs the frames of both ways, without credentials', async (t) => {
  const { stderr } = await runClient(t, () => ({ NODE_DEBUG: 'passinglane' }));
  assert.match(stderr, /^PASSINGLANE \d+: \* .*connected to https:/m);
  assert.match(stderr, /^PASSINGLANE \d+: > .*HEADERS stream=1 /m);
  assert.match(stderr, /^PASSINGLANE \d+: < .*HEADERS stream=1 /m);
  assert.match(stderr, /x-shown: yes/);
  assert.match(stderr, /authorization: \[hidden/);
  assert.doesNotMatch(stderr, /s3cret/);
});

test('without it nothing is logged', async (t) => {
  const { stderr } = await runClient(t, () => ({ NODE_DEBUG: '' }));
  assert.equal(stderr, '');
});

test("SSLKEYLOGFILE gets the secrets of each connection in NSS's key log format, for its owner's eyes only", async (t) => {
  const { folder } = await runClient(t, (of) => ({ SSLKEYLOGFILE: join(of, 'keys.log') }));
  const file = join(folder, 'keys.log');
  const lines = readFileSync(file, 'utf8').trimEnd().split('\n');
  for (const line of lines) assert.match(line, /^[A-Z][A-Z0-9_]+ [0-9a-f]{64} ([0-9a-f]{64}|[0-9a-f]{96})$/);
  const labels = lines.map((line) => line.split(' ')[0]);
  for (const label of ['CLIENT_TRAFFIC_SECRET_0', 'SERVER_TRAFFIC_SECRET_0']) assert.ok(labels.includes(label), label);
  assert.equal(new Set(lines.map((line) => line.split(' ')[1])).size, 1, 'one client random: one connection');
  if (process.platform !== 'win32') assert.equal(statSync(file).mode & 0o777, 0o600);
});
