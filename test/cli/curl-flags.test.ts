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
      if (request.url === '/blank') return response.writeHead(302, { location: '', date: 'x' }).end('[stays]');
      if (request.url === '/hints') response.writeEarlyHints({ link: '</a>; rel=preload' });
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
  '-F puts its boundary behind a content-type of -H': [
    ['-F', 'a=1', '-H', 'Content-Type: multipart/form-data', '/'],
    /"multipart\/form-data; boundary=B","--B\\r/,
  ],
  '-F takes a type for a text too, and what comes before it without spaces': [
    ['-F', 'a= <b>;type=text/html;charset=u', '-F', `b=<${text};type=text/y`, '/'],
    /name=\\"a\\"\\r\\nContent-Type: text\/html;charset=u\\r\\n\\r\\n<b>.*name=\\"b\\"\\r\\nContent-Type: text\/y/,
  ],
  '-F makes a file of a text that has a file name': [
    ['-F', 'a=x;filename=f;type=text/y', '/'],
    /name=\\"a\\"; filename=\\"f\\"\\r\\nContent-Type: text\/y\\r\\n\\r\\nx/,
  ],
  '-F has attachments where -H gives another type': [
    ['-F', 'a=1', '-H', 'Content-Type: multipart/mixed', '/'],
    /"multipart\/mixed; boundary=B","--B\\r\\nContent-Disposition: attachment; name=\\"a\\"/,
  ],
  'braces and brackets in a URL make a list of URLs': [
    ['-w', '%{urlnum}\\n', '/{a,b}/0[8-9]/[01-03:2]'],
    /^(.*"\/a\/08\/01".*\n.*"\/a\/08\/03"[^]*"\/b\/09\/03".*\]0)\n$/,
  ],
  '-g takes a URL as it is': [['-g', '/[1-2]'], /^\["GET","\/\[1-2\]"[^\n]*\]$/],
  '-w tells where the connection begins': [['-w', ' %{local_ip} %{remote_ip}', '/'], /\] (\S+) \1$/],
  '-4 and -6 with the last one given': [['-6', '-4', '-w', '%{exitcode}', '/'], /0$/],
  '--http1.1 is spoken': [['--http1.1', '-w', '%{http_version}', '/'], /1\.1$/],
  '--http2 falls back in the clear': [['--http2', '-w', '%{http_version}', '/'], /1\.1$/],
  '-w tells of the URL and of what was sent where': [
    ['-L', '-w', '%{http_code} %{num_redirects} %{num_connects} %{scheme} %{url} %{method}', '/moved'],
    /200 1 \d HTTP http:\/\/localhost:\d+\/moved GET$/,
  ],
  'a redirect to nowhere is an answer': [['-L', '-w', '%{num_redirects}', '/blank'], /\]0$/],
  '-w tells where a redirect leads that is not followed': [
    ['-w', ' %{redirect_url} %{urlnum} %{num_headers}', '/moved'],
    /^moved http:\/\/localhost:\d+\/there 0 \d$/,
  ],
  '-w tells nothing of a redirect that was followed': [['-L', '-w', '<%{redirect_url}>', '/moved'], /\]<>$/],
  '-w has text for standard error, and for failures': [['-w', 'a%{stderr}b%{stdout}c%{onerror}d', '/'], /\]ac$/],
  '-r with a number alone asks for all from there': [['-r', '4', '/'], /bytes=4-"/],
  '-w tells how much went up': [['-d', 'a=1', '-d', 'b=2', '-w', '%{size_upload}', '/'], /\]7$/],
  '-w tells how much of a file went up': [['-T', file, '-w', '%{size_upload}', '/'], /\]3$/],
  '-w tells nothing went up after a redirect to GET': [
    ['-L', '-d', 'a=1', '-w', '%{size_upload} %{speed_upload}', '/moved'],
    /\]0 0$/,
  ],
  '-w counts the header': [['-w', '%{size_header}', '/'], /\]\d\d+$/],
  '-w counts the headers of redirects': [['-L', '-w', '%{size_header}', '/moved'], /\]\d{3}$/],
  '-w counts the headers of 1xx': [['-w', '%{size_header}', '/hints'], /\]\d{3}$/],
  '-w counts the header of the last try': [['--retry', '1', '-w', '%{size_header}', '/busy'], /\]\d\d+$/],
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

test('-i and -I print the status line and the fields as curl prints them, with -f too', async (t) => {
  const server = await startOrigin({
    tls: true,
    handler: (request, response) => {
      response.sendDate = false;
      response.writeHead(request.url === '/none' ? 404 : 200, { 'x-mine': 'a' }).end('x');
    },
  });
  t.after(() => server.close());
  for (const args of [
    ['-i', '/'],
    ['-I', '/'],
    ['-i', '-f', '/none'],
    ['-I', '-f', '/none'],
    ['-i', '/none'],
  ]) {
    const all = ['-k', ...args.slice(0, -1), server.origin + (args.at(-1) ?? '')];
    const ours = (await passinglane(['-s', ...all])).stdout.toString();
    assert.match(
      ours,
      args.at(-1) === '/' ? /^HTTP\/2 200 \r\nx-mine: a\r\n\r\n/ : /^HTTP\/2 404 \r\nx-mine: a\r\n\r\n/,
    );
    const theirs = await curl(all);
    if (theirs === undefined) t.diagnostic('there is no curl to compare with');
    else assert.equal(ours, theirs);
  }
});

test('each URL of a list goes into the file that #1 names, and %{local_port} is that of the one connection', async () => {
  const served = new Set<number | undefined>();
  const origin = await startOrigin({
    handler: (request, response) => {
      served.add(request.socket.remotePort);
      response.end(request.url);
    },
  });
  const flags = ['--http2-prior-knowledge', '-w', '%{local_port}\\n', '-o', join(folder, 'list-#1-#2-#3')];
  const { stdout, stderr } = await passinglane([...flags, `${origin.origin}/[a-c:2]/{x,y}`]);
  await origin.close();
  for (const [letter, word] of ['ax', 'ay', 'cx', 'cy'])
    assert.equal(readFileSync(join(folder, `list-${letter}-${word}-#3`), 'latin1'), `/${letter}/${word}`, stderr);
  assert.deepEqual(new Set(stdout.toString().trim().split('\n').map(Number)), served);
});

test('-F refuses what is no media type', async () => {
  for (const form of ['a=1;type=nope', `a=@${file};type=`]) {
    const { exitCode, stderr } = await passinglane(['-F', form, `${at}/`]);
    assert.equal(exitCode, 2);
    assert.match(stderr, /-F a: '(nope)?' is no media type/);
  }
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
    const phases = ['time_connect', 'time_appconnect', 'time_pretransfer', 'time_starttransfer', 'time_total'].map(
      (name) => told[name] ?? 0,
    );
    assert.ok((phases[0] ?? 0) > 0);
    assert.equal(told['time_redirect'], 0);
    assert.deepEqual(
      phases,
      phases.toSorted((a, b) => a - b),
    );
  }
  await origin.close();
});

test('-w counts over HTTP/2 what curl counts, heads as lines of text', async (t) => {
  const origin = await startOrigin({
    handler: (request, response) => {
      if (request.url === '/moved') {
        response.writeHead(302, { location: '/hints', date: 'x' }).end();
        return;
      }
      response.writeEarlyHints({ link: '</a>; rel=preload' });
      request.resume().on('end', () => response.writeHead(200, { date: 'x', 'set-cookie': ['a=1', 'b=2'] }).end('x'));
    },
  });
  t.after(() => origin.close());
  const lines = (...fields: string[]): number => fields.join('\r\n').length + '\r\n\r\n'.length;
  const hints = lines('HTTP/2 103 ', 'link: </a>; rel=preload');
  const last = lines('HTTP/2 200 ', 'date: x', 'set-cookie: a=1', 'set-cookie: b=2');
  const moved = lines('HTTP/2 302 ', 'location: /hints', 'date: x');
  const asked = (line: string, ...fields: string[]): number =>
    lines(`${line} HTTP/2`, `host: ${new URL(origin.origin).host}`, 'user-agent: me', 'accept: */*', ...fields);
  const form = 'content-type: application/x-www-form-urlencoded';
  const counted: [args: string[], sizes: string][] = [
    [['/moved', '-L'], `x0 ${moved + hints + last} ${asked('GET /moved') + asked('GET /hints')}`],
    [['/', '-d', 'abc'], `x3 ${hints + last} ${asked('POST /', 'content-length: 3', form)}`],
    [['/', '-T', file], `x3 ${hints + last} ${asked('PUT /page.html', 'content-length: 3')}`],
  ];
  for (const [[path = '', ...flags], sizes] of counted) {
    const args = [
      '-s',
      '--http2-prior-knowledge',
      '-w',
      '%{size_upload} %{size_header} %{size_request}',
      '-A',
      'me',
      ...flags,
      origin.origin + path,
    ];
    const ours = await passinglane(args);
    assert.equal(ours.stdout.toString(), sizes, ours.stderr);
    // Some curls with prior knowledge end at the redirect, with exit number 0.
    const theirs = path === '/moved' ? sizes : await curl(args);
    if (theirs === undefined) t.diagnostic('there is no curl to compare with');
    else assert.equal(theirs, sizes);
  }
});

test('-w counts a body of unknown length as it goes up, and what redirects took', async () => {
  const upload = await passinglane(['-s', '-T', '-', '-w', '%{size_upload}', `${at}/`], 'piped in');
  assert.match(upload.stdout.toString(), /\]8$/, upload.stderr);
  const moved = await passinglane(['-s', '-L', '-w', '\\n%{json}', `${at}/moved`]);
  const [, json = ''] = moved.stdout.toString().split('\n');
  const told = JSON.parse(json) as Record<string, number>;
  const steps = ['time_redirect', 'time_pretransfer', 'time_total'].map((name) => told[name] ?? 0);
  assert.ok((steps[0] ?? 0) > 0);
  assert.deepEqual(
    steps,
    steps.toSorted((a, b) => a - b),
  );
});
