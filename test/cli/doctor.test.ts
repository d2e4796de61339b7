/** What the doctor finds in servers with one fault each, and how the command says it. docs/doctor.md is written here. */
import assert from 'node:assert/strict';
import { readFileSync, writeFileSync } from 'node:fs';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { diagnose } from '../../dist/cli/doctor/diagnose.js';
import { kinds } from '../../dist/cli/doctor/findings.js';
import { faults, healthy } from './doctor-faults.js';
import { passinglane } from './command.js';

for (const { what, finds, exitCode, waits = 10_000, start } of faults)
  test(`the doctor finds ${finds.join(' and ')} where ${what}`, async (t) => {
    const { url, ca, addresses } = await start(t);
    const { findings, exitCode: told } = await diagnose({ url: new URL(url), ca, addresses, timeout: waits });
    assert.deepEqual(
      findings.map(({ name }) => name),
      finds,
      findings.map(({ text }) => text).join(' '),
    );
    assert.equal(told, exitCode);
  });

test('the doctor finds nothing wrong with a server that has no fault, and says what would block whom', async (t) => {
  const { url } = await healthy.start(t);
  const { exitCode, stdout, stderr } = await passinglane(['doctor', '--http2-prior-knowledge', url]);
  assert.deepEqual([exitCode, stderr], [0, '']);
  const words = stdout.toString();
  assert.match(words, /^ {2}127\.0\.0\.1: connected in [\d.]+ ms$/m);
  assert.match(words, /^ {4}SETTINGS: MAX_CONCURRENT_STREAMS=100$/m);
  assert.match(words, /^ {4}GET: 200 in [\d.]+ ms, 5 B of body read$/m);
  assert.match(words, /^ {4}PING: [\d.]+ ms$/m);
  assert.match(words, /^ {4}GOAWAY: finishes what runs$/m);
  assert.match(words, /A connection carries 100 requests at once\./);
  assert.match(words, /stop every other upload on their connection after 65\.5 kB/);
  assert.match(words, /Nothing is wrong\.$/m);
});

test('the doctor tells a fault with what to do, and --json all that was seen', async (t) => {
  const untrusted = faults.find(({ finds }) => finds[0] === 'certificate-untrusted')!;
  const { url } = await untrusted.start(t);
  const told = await passinglane(['doctor', url]);
  assert.equal(told.exitCode, 60);
  assert.match(told.stdout.toString(), /TLS: TLSv1\.3 \w+ in [\d.]+ ms, ALPN h2; certificate for localhost until /);
  assert.match(told.stdout.toString(), /^fault certificate-untrusted: .*SELF_SIGNED.*\n {2}Trust who signed it/m);
  assert.match(told.stdout.toString(), /Requests are not answered\.$/m);
  const { exitCode, stdout } = await passinglane(['doctor', '-k', '--json', url]);
  assert.equal(exitCode, 0);
  const seen = JSON.parse(stdout.toString()) as Record<string, unknown> & { addresses: Record<string, unknown>[] };
  assert.deepEqual(Object.keys(seen), ['origin', 'addresses', 'findings', 'works', 'exitCode']);
  assert.deepEqual(Object.keys(seen.addresses[0] ?? {}), ['address', 'connect', 'tls', 'http2']);
  assert.deepEqual([seen['findings'], seen['works']], [[], true]);
});

test('the doctor says of a server that answers 503 that requests are answered with errors, in HTTP/2 and HTTP/1.1', async (t) => {
  for (const finds of ['server-error', 'no-http2,server-error']) {
    const fault = faults.find((one) => one.finds.join() === finds)!;
    const { url } = await fault.start(t);
    const { stdout } = await passinglane(['doctor', '-k', url]);
    assert.match(stdout.toString(), /^ {4}GET(?: over HTTP\/1\.1)?: 503 in [\d.]+ ms/m);
    assert.match(stdout.toString(), /^Requests are answered, with errors\.$/m);
  }
});

test('what is wrong on the command line of the doctor is told by name', async () => {
  for (const [args, message] of [
    [[], /no origin/],
    [['a', 'b'], /one origin, not 'b'/],
    [['-x', 'http://proxy.test', 'a'], /unknown option -x/],
    [['-W', '0', 'a'], /-W needs more than 0/],
  ] as const) {
    const { exitCode, stderr } = await passinglane(['doctor', ...args]);
    assert.equal(exitCode, 2);
    assert.match(stderr, message);
  }
});

test('docs/doctor.md has every fault that is injected here, and every name there is', () => {
  const page = fileURLToPath(new URL('../../docs/doctor.md', import.meta.url));
  const text = readFileSync(page, 'utf8');
  const injected = new Set(faults.flatMap(({ finds }) => finds));
  const rows = faults.map(
    ({ what, finds, exitCode }) => `| ${what} | ${finds.map((name) => `\`${name}\``).join(', ')} | ${exitCode} |`,
  );
  const others = Object.entries(kinds)
    .filter(([name]) => !injected.has(name))
    .map(([name, { exitCode }]) => `| by no server of the tests | \`${name}\` | ${exitCode} |`);
  const table = ['| where | it finds | exit number |', '| --- | --- | --- |', ...rows, ...others].join('\n');
  const written = text.replace(
    /(<!-- faults: begin -->\n)[\s\S]*(<!-- faults: end -->)/,
    (_, begin: string, end: string) => `${begin}\n${table}\n\n${end}`,
  );
  if (process.env['UPDATE_DOCTOR'] === '1') writeFileSync(page, written);
  assert.equal(readFileSync(page, 'utf8'), written, 'run it once with UPDATE_DOCTOR=1');
});
