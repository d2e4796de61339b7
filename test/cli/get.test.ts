import assert from 'node:assert/strict';
import { execFileSync, spawn } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, existsSync, symlinkSync, writeFileSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import type { AddressInfo } from 'node:net';
import { once } from 'node:events';
import * as nodeModule from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { gzipSync } from 'node:zlib';
import { endpoints, pattern } from '../support/endpoints.js';
import { startOrigin, type TestOrigin } from '../support/origin.js';
import { main, passinglane, type Result } from './command.js';

const folder = mkdtempSync(join(tmpdir(), 'passinglane-'));
const ca = join(folder, 'ca.pem');
let origin: TestOrigin;

before(async () => {
  origin = await startOrigin({
    tls: true,
    handler(request, response) {
      const { url } = request;
      if (url === '/redirect') response.writeHead(302, { location: '/headers' }).end('moved');
      else if (url === '/again') response.writeHead(307, { location: '/echo' }).end();
      else if (url === '/hang') return;
      else if (url === '/circle') response.writeHead(301, { location: '/circle' }).end();
      else if (url === '/cookie') response.writeHead(200, { 'set-cookie': 'id=hidden-one' }).end();
      else if (url === '/method') response.end(`${request.method} ${request.headers['content-type'] ?? 'none'}`);
      else if (url === '/gzip') response.writeHead(200, { 'content-encoding': 'gzip' }).end(gzipSync('unpacked'));
      else endpoints(request, response);
    },
  });
  writeFileSync(ca, origin.ca ?? '');
});
after(async () => {
  await origin.close();
  rmSync(folder, { recursive: true });
});

/** Runs the command against the origin, which it trusts; a word that begins with '/' is a path there. */
function get(args: readonly string[], stdin?: string | Uint8Array): Promise<Result> {
  const full = args.map((arg) => (/^\/[a-z]/.test(arg) && !arg.startsWith(tmpdir()) ? origin.origin + arg : arg));
  return passinglane(['--cacert', ca, ...full], stdin);
}

function succeeded({ exitCode, stderr }: Result): void {
  assert.equal(stderr, '');
  assert.equal(exitCode, 0);
}

test('the body goes to standard output, byte for byte, and nothing else goes anywhere', async () => {
  const result = await get(['/bytes/300000']);
  succeeded(result);
  assert.deepEqual(result.stdout, pattern(300_000));
});

test('-v shows each frame both ways on standard error, with credentials hidden', async () => {
  const result = await get(['-v', '-H', 'Authorization: Bearer hidden-two', '/cookie']);
  assert.equal(result.exitCode, 0);
  assert.equal(result.stdout.length, 0);
  assert.match(result.stderr, /^\* .* connected to .*\(h2, TLSv1\.[23] /m);
  assert.match(result.stderr, /^> .* SETTINGS stream=0 .*INITIAL_WINDOW_SIZE=/m);
  assert.match(result.stderr, /^> .* HEADERS stream=1 length=\d+ END_STREAM\|END_HEADERS$/m);
  assert.match(result.stderr, /^> +:path: \/cookie$/m);
  assert.match(result.stderr, /^< +:status: 200$/m);
  assert.match(result.stderr, /^> +authorization: \[hidden/m);
  assert.match(result.stderr, /^< +set-cookie: \[hidden/m);
  assert.doesNotMatch(result.stderr, /hidden-one|hidden-two/);
  const shown = await get(['-v', '--show-secrets', '-H', 'Authorization: Bearer hidden-two', '/cookie']);
  assert.match(shown.stderr, /^> +authorization: Bearer hidden-two$/m);
});

test('-o writes the body to a file, with nothing on a terminal that is none', async () => {
  const file = join(folder, 'out');
  const result = await get(['-o', file, '/bytes/300000']);
  succeeded(result);
  assert.equal(result.stdout.length, 0);
  assert.deepEqual(readFileSync(file), pattern(300_000));
});

test(
  '-o to a named pipe gives its reader the body as it is, and to a full device ends with 23',
  { skip: process.platform === 'win32' },
  async () => {
    const pipe = join(folder, 'pipe');
    execFileSync('mkfifo', [pipe]);
    const [result, read] = await Promise.all([get(['-o', pipe, '/bytes/300000']), readFile(pipe)]);
    succeeded(result);
    assert.deepEqual(read, pattern(300_000));
    if (!existsSync('/dev/full')) return;
    const device = join(folder, 'full');
    symlinkSync('/dev/full', device);
    const full = await get(['-o', device, '/bytes/300000']);
    assert.equal(full.exitCode, 23);
    assert.match(full.stderr, /cannot write '.*full': no space left/);
  },
);

test('several URLs are requested in turn over one connection, each with its own -o', async () => {
  const [a, b] = [join(folder, 'a'), join(folder, 'b')];
  const before = origin.sessionCount;
  succeeded(await get(['-o', a, '/bytes/10', '-o', b, '/bytes/20']));
  assert.deepEqual([readFileSync(a).length, readFileSync(b).length], [10, 20]);
  assert.equal(origin.sessionCount, before + 1);
});

test('of several URLs a failure in the middle is not lost', async () => {
  const result = await get(['-f', '/hello.txt', '/status/500', '/hello.txt']);
  assert.equal(result.exitCode, 22);
  assert.equal(result.stdout.toString(), 'hello\nhello\n');
});

test('-f fails with 22 and writes no body; without it the body is shown', async () => {
  const file = join(folder, 'absent');
  const failed = await get(['-f', '-o', file, '/nothing']);
  assert.equal(failed.exitCode, 22);
  assert.match(failed.stderr, /\(22\) .* 404/);
  assert.equal(existsSync(file), false);
  const shown = await get(['/nothing']);
  succeeded(shown);
  assert.equal(shown.stdout.toString(), 'not found\n');
});

test('-s keeps quiet about a failure, and -S undoes that', async () => {
  assert.equal((await get(['-sf', '/nothing'])).stderr, '');
  assert.match((await get(['-sSf', '/nothing'])).stderr, /404/);
});

test('-I prints the response headers', async () => {
  const result = await get(['-I', '/bytes/10']);
  succeeded(result);
  assert.match(result.stdout.toString(), /^HTTP\/2 200 \r\n(.+\r\n)*content-length: 10\r\n(.+\r\n)*\r\n$/);
});

test('-d posts a form, --json posts JSON, -T puts standard input, -X has the last word', async () => {
  const answer = async (...args: string[]): Promise<string> => (await get([...args, '/method'], 'x')).stdout.toString();
  assert.equal(await answer('-d', 'a=1'), 'POST application/x-www-form-urlencoded');
  assert.equal(await answer('--json', '{}'), 'POST application/json');
  assert.equal(await answer('-T', '-'), 'PUT none');
  assert.equal(await answer('-X', 'DELETE'), 'DELETE none');
});

test('an upload arrives as it is, from a file and from standard input', async () => {
  const file = join(folder, 'upload');
  writeFileSync(file, pattern(1_000_000));
  const fromFile = await get(['-T', file, '/echo']);
  succeeded(fromFile);
  assert.deepEqual(fromFile.stdout, pattern(1_000_000));
  const fromInput = await get(['-T', '-', '/echo'], pattern(1_000_000));
  succeeded(fromInput);
  assert.deepEqual(fromInput.stdout, pattern(1_000_000));
  assert.equal((await get(['-T', '.', '/echo'], 'the other name of it')).stdout.toString(), 'the other name of it');
});

test('-L follows a redirect; without it the redirect is the answer', async () => {
  const followed = await get(['-L', '-d', 'a=1', '-w', '\\n%{num_redirects} %{http_code}', '/redirect']);
  succeeded(followed);
  const [headers = '', line] = followed.stdout.toString().split('\n');
  assert.equal((JSON.parse(headers) as Record<string, string>)[':method'], 'GET');
  assert.equal(line, '1 200');
  assert.equal((await get(['/redirect'])).stdout.toString(), 'moved');
});

test('a redirect that asks for the body again gets it from -d, and cannot from standard input', async () => {
  const repeated = await get(['-L', '-d', 'once more', '/again']);
  succeeded(repeated);
  assert.equal(repeated.stdout.toString(), 'once more');
  const lost = await get(['-L', '-T', '-', '/again'], 'x');
  assert.equal(lost.exitCode, 65);
  assert.match(lost.stderr, /cannot be read twice/);
});

test('redirects in a circle end with 47', async () => {
  const result = await get(['-L', '/circle']);
  assert.equal(result.exitCode, 47);
  assert.match(result.stderr, /50 redirects/);
  const shown = (await get(['-i', '-L', '/circle'])).stdout.toString();
  assert.equal(shown.match(/^HTTP/gm)?.length, 51, 'the fields of all that came');
});

test('--compressed unpacks what without it comes as it is', async () => {
  assert.equal((await get(['--compressed', '/gzip'])).stdout.toString(), 'unpacked');
  assert.deepEqual((await get(['/gzip'])).stdout, gzipSync('unpacked'));
});

test('--resolve dials the given address and still checks the certificate against the name', async () => {
  const { port } = origin;
  const result = await get(['--resolve', `localhost:${port}:127.0.0.1`, `https://localhost:${port}/hello.txt`]);
  succeeded(result);
  assert.equal(result.stdout.toString(), 'hello\n');
  const wrong = await get(['--resolve', `other.test:${port}:127.0.0.1`, `https://other.test:${port}/`]);
  assert.equal(wrong.exitCode, 60);
  assert.match(wrong.stderr, /other\.test/);
});

test('HTTP/2 in the clear takes --http2-prior-knowledge', async () => {
  const clear = await startOrigin();
  const result = await passinglane(['--http2-prior-knowledge', `127.0.0.1:${clear.port}/hello.txt`]);
  await clear.close();
  succeeded(result);
  assert.equal(result.stdout.toString(), 'hello\n');
});

test('a certificate that nobody vouches for ends with 60 and advice, and -k goes ahead', async () => {
  const url = `${origin.origin}/hello.txt`;
  const refused = await passinglane([url]);
  assert.equal(refused.exitCode, 60);
  assert.match(refused.stderr, /self-signed certificate/);
  assert.match(refused.stderr, /--cacert FILE.*-k/);
  assert.equal(refused.stdout.length, 0);
  succeeded(await passinglane(['-k', url]));
});

test('a port where nobody listens ends with 7, and -w still has its say', async () => {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  server.close();
  await once(server, 'close');
  const result = await passinglane(['-w', '%{http_code} %{exitcode}', `https://127.0.0.1:${port}/`]);
  assert.equal(result.exitCode, 7);
  assert.match(result.stderr, /\(7\) .*refused/);
  assert.equal(result.stdout.toString(), '000 7');
});

test('--max-time ends with 28 before the headers and within the body', async () => {
  for (const path of ['/silent', '/endless']) {
    const result = await get(['-m', '0.5', path]);
    assert.equal(result.exitCode, 28, path);
    assert.match(result.stderr, /--max-time/, path);
  }
});

test('a response cut short is a failure, whatever error code cuts it', async () => {
  for (const code of [0, 8, 2]) {
    const result = await get([`/reset/${code}`]);
    assert.equal(result.exitCode, 92, String(code));
    assert.equal(result.stdout.toString(), 'x', 'what had come is not held back');
  }
});

test('what cannot be done at all has its number: bad URL, unknown scheme, unreadable file, bad CA, usage', async () => {
  assert.equal((await passinglane(['http://[bad'])).exitCode, 3);
  assert.equal((await passinglane(['ftp://a.test/'])).exitCode, 1);
  assert.equal((await get(['-d', '@/nonexistent', '/echo'])).exitCode, 26);
  assert.equal((await get(['-o', join(folder, 'no', 'such'), '/hello.txt'])).exitCode, 23);
  assert.equal((await passinglane(['--cacert', '/nonexistent', 'a.test'])).exitCode, 77);
  assert.equal((await passinglane(['--nonsense'])).exitCode, 2);
});

test('URLs that each have a file of their own are requested at once, over one connection', async () => {
  const before = origin.sessionCount;
  const files = ['1', '2', '3'].map((name) => join(folder, `at-once-${name}`));
  const args = files.flatMap((file, i) => ['-o', file, `/bytes/${(i + 1) * 1_000}`]);
  const result = await get([...args, '-w', '%{size_download} ']);
  succeeded(result);
  assert.deepEqual(result.stdout.toString().split(' ').filter(Boolean).sort(), ['1000', '2000', '3000']);
  for (const [i, file] of files.entries()) assert.deepEqual(readFileSync(file), pattern((i + 1) * 1_000));
  assert.equal(origin.sessionCount, before + 1);
});

test('-m says how long the user allowed, not what was left of it', async () => {
  const result = await get(['-m', '2', '/hang']);
  assert.equal(result.exitCode, 28);
  assert.match(result.stderr, /longer than the 2 s of --max-time, while waiting for the response headers/);
});

test('a GET loads neither fetch nor HTTP of Node', async () => {
  const tell = 'process.on("exit",()=>process.stderr.write(process.moduleLoadList.join()))';
  const env = { no_proxy: '*', NODE_OPTIONS: `--import data:text/javascript,${encodeURIComponent(tell)}` };
  const result = await passinglane(['--cacert', ca, `${origin.origin}/hello.txt`], '', env);
  assert.equal(result.stdout.toString(), 'hello\n');
  assert.match(result.stderr, /NativeModule tls\b/);
  assert.doesNotMatch(result.stderr, /NativeModule (internal\/deps\/undici|_http_client|internal\/http2\/core)/);
});

test('the command leaves what V8 has compiled to the next one, where Node knows how, and the library does not', async () => {
  const knows = 'enableCompileCache' in nodeModule;
  for (const [args, leaves] of [
    [[main, '--version'], knows],
    [['--input-type=module', '-e', "await import('passinglane')"], false],
  ] as const) {
    const temporary = mkdtempSync(join(folder, 'tmp-'));
    const env = { ...process.env, TMPDIR: temporary, NODE_COMPILE_CACHE: undefined };
    const child = spawn(process.execPath, args, { env, stdio: 'ignore' });
    const [exitCode] = (await once(child, 'close')) as [number | null];
    assert.deepEqual([exitCode, existsSync(join(temporary, 'node-compile-cache'))], [0, leaves]);
  }
});
