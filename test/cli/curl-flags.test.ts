/** Flags of curl's: the server sees, and the terminal shows, what it does with the curl of this machine, where there is one. */
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { startOrigin } from '../support/origin.js';
import { main, passinglane } from './command.js';

const folder = mkdtempSync(join(tmpdir(), 'passinglane-'));
const file = join(folder, 'page.html');
const text = join(folder, 'text');
writeFileSync(text, '<p>');
writeFileSync(file, '<p>');
let server: Server;
let at: string;
let failures = 0;

before(async () => {
  // Answers with what it was asked: method, path, the fields that the flags are about, and the body.
  server = createServer((request, response) => {
    const { authorization, range, 'user-agent': agent, 'content-type': type } = request.headers;
    let body = '';
    request.setEncoding('latin1').on('data', (chunk: string) => (body += chunk));
    request.on('end', () => {
      if (request.url === '/moved') return response.writeHead(302, { location: '/there', date: 'x' }).end('moved');
      if (request.url === '/busy' && failures++ < 1) return response.writeHead(503, { 'retry-after': '1' }).end('busy');
      const boundary = /boundary=(.*)/.exec(type ?? '')?.[1] ?? '-';
      const seen = [
        request.method,
        request.url,
        authorization,
        range,
        agent?.replace(/^(curl|passinglane).*/, 'default'),
      ];
      const shown = [...seen, type?.replace(boundary, 'B'), body.replaceAll(boundary, 'B')];
      response.setHeader('date', 'x');
      response.setHeader('connection', 'close');
      return response.end(JSON.stringify(shown));
    });
  });
  await once(server.listen(0, 'localhost'), 'listening');
  at = `http://localhost:${(server.address() as AddressInfo).port}`;
});

after(() => {
  server.close();
  rmSync(folder, { recursive: true });
});

/** What curl prints; undefined where there is none. */
function curl(args: readonly string[]): Promise<string | undefined> {
  return new Promise((resolve) => {
    execFile('curl', ['-s', '--noproxy', '*', ...args], { timeout: 60_000 }, (error, stdout) => {
      resolve((error as NodeJS.ErrnoException | null)?.code === 'ENOENT' ? undefined : stdout);
    });
  });
}

const cases: Readonly<Record<string, readonly [args: readonly string[], shown: RegExp]>> = {
  '-u sends Basic credentials': [['-u', 'me:p:w', '/'], /Basic bWU6cDp3/],
  '--user is the same': [['--user', 'me:', '/'], /Basic bWU6/],
  '-A names the user agent': [['-A', 'mine/1', '/'], /mine\/1/],
  '-A with nothing sends none': [['-A', '', '/'], /"\/",null,null,null/],
  '-H goes before -A': [['-A', 'mine/1', '-H', 'User-Agent: yours/2', '/'], /yours\/2/],
  '-r asks for a range': [['-r', '0-99', '/'], /bytes=0-99/],
  '-G puts the data into the query': [['-G', '-d', 'a=1', '-d', 'b=2', '/?c=3'], /"GET","\/\?c=3&a=1&b=2"/],
  '-G with -I asks by HEAD': [['-G', '-I', '-d', 'a=1', '-w', '%{method}', '/'], /HEAD$/],
  '-F sends a form': [['-F', 'a=1', '-F', `b=<${text}`, '/'], /"POST","\/".*name=\\"b\\"\\r\\n\\r\\n<p>/],
  '-F sends files with their names and types': [
    ['-F', `f=@${file}`, '-F', `g=@${file};type=text/x;filename=other`, '/'],
    /filename=\\"page.html\\"\\r\\nContent-Type: text\/html.*filename=\\"other\\"\\r\\nContent-Type: text\/x/,
  ],
  '-4 and -6 with the last one given': [['-6', '-4', '-w', '%{exitcode}', '/'], /0$/],
  '--http1.1 is spoken': [['--http1.1', '-w', '%{http_version}', '/'], /1\.1$/],
  '--http2 falls back in the clear': [['--http2', '-w', '%{http_version}', '/'], /1\.1$/],
  '-w tells of the URL and of what was sent where': [
    ['-L', '-w', '%{http_code} %{num_redirects} %{num_connects} %{scheme} %{url} %{method}', '/moved'],
    /200 1 \d HTTP http:\/\/localhost:\d+\/moved GET$/,
  ],
};

for (const [what, [args, shown]] of Object.entries(cases)) {
  test(`${what}, as with curl`, async (t) => {
    const all = [...args.slice(0, -1), at + (args.at(-1) ?? '')];
    const ours = await passinglane(['-s', ...all]);
    assert.match(ours.stdout.toString(), shown);
    const theirs = await curl(all);
    if (theirs === undefined) return t.diagnostic('there is no curl to compare with');
    // It writes its own header names, and the parts of its forms, in another case.
    const same = (text: string): string =>
      text.toLowerCase().replace(/^(keep-alive|connection|content-length).*\n/gm, '');
    return args.includes('-I') ? assert.match(theirs, shown) : assert.equal(same(ours.stdout.toString()), same(theirs));
  });
}

test('-i prints the fields before the body, of redirects too, and into the file where there is one', async () => {
  const into = join(folder, 'into');
  const printed = (await passinglane(['-s', '-i', '-L', `${at}/moved`])).stdout.toString();
  await passinglane(['-s', '-i', '-L', '-o', into, `${at}/moved`]);
  assert.match(printed, /^HTTP\/1\.1 302.*?\r\n\r\nHTTP\/1\.1 200.*?\r\n\r\n\["GET","\/there"/s);
  assert.equal(readFileSync(into, 'latin1'), printed);
});

test('-O names the file after the end of the path, and refuses a URL that has none', async () => {
  const run = await new Promise<number>((resolve) => {
    const child = execFile(process.execPath, [main, '-s', '-O', `${at}/a/name.txt?q`], { cwd: folder }, () => {
      resolve(child.exitCode ?? -1);
    });
  });
  assert.equal(run, 0);
  assert.match(readFileSync(join(folder, 'name.txt'), 'latin1'), /"\/a\/name\.txt\?q"/);
  for (const url of [`${at}/a/`, at, `${at}/..`]) assert.equal((await passinglane(['-O', url])).exitCode, 23, url);
});

test('--retry tries again after what may pass, and shows the last answer where it does not', async () => {
  failures = 0;
  const run = await passinglane(['--retry', '2', `${at}/busy`]);
  assert.match(run.stdout.toString(), /"GET","\/busy"/);
  assert.match(run.stderr, /status 503: trying again in 1 s; 2 retries left/);
  const refused = await passinglane(['--retry', '2', 'http://127.0.0.1:1/']);
  assert.equal(refused.exitCode, 7);
  assert.doesNotMatch(refused.stderr, /trying again/);
});

test('--http1.1 is spoken over TLS too, and -w tells when each phase of connecting was over', async () => {
  const origin = await startOrigin({ tls: true, allowHTTP1: true, handler: (_, response) => response.end('x') });
  const format = '\\n%{http_version} %{json}';
  for (const flag of ['--http1.1', '--http2']) {
    const { stdout, stderr } = await passinglane(['-k', flag, '-w', format, origin.origin]);
    const [, version, json = ''] = /^x\n(\S+) (.*)$/s.exec(stdout.toString()) ?? assert.fail(stderr);
    assert.equal(version, flag === '--http1.1' ? '1.1' : '2');
    const told = JSON.parse(json) as Record<string, number>;
    const phases = ['time_connect', 'time_appconnect', 'time_starttransfer', 'time_total'].map(
      (name) => told[name] ?? 0,
    );
    assert.ok((phases[0] ?? 0) > 0);
    assert.deepEqual(
      phases,
      phases.toSorted((a, b) => a - b),
    );
  }
  await origin.close();
});
