import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { after, test } from 'node:test';
import { parseGetArguments } from '../../dist/cli/args.js';
import { CliError } from '../../dist/cli/exit-codes.js';
import { dataBody, uploadBody, uploadUrl } from '../../dist/cli/data.js';
import { lookupFor, parseResolution } from '../../dist/cli/session.js';
import { requestHeaders } from '../../dist/cli/headers.js';
import { parseUrl } from '../../dist/cli/url.js';

const folder = mkdtempSync(join(tmpdir(), 'passinglane-'));
after(() => {
  rmSync(folder, { recursive: true });
});
const file = join(folder, 'data.txt');
writeFileSync(file, 'a\r\nb\0c\n');

const url = new URL('https://a.test/');
const stdin = (): Readable => Readable.from([Buffer.from('in\n'), Buffer.from('put')]);

async function data(...argv: string[]): Promise<string> {
  const body = await dataBody(parseGetArguments([...argv, 'u']), stdin());
  return Buffer.from(body?.content as Uint8Array).toString();
}

function exits(number: number): (error: unknown) => boolean {
  return (error) => error instanceof CliError && error.exitCode === number;
}

test('-d joins with &, and takes line ends and NUL out of files', async () => {
  assert.equal(await data('-d', 'x=1', '-d', `@${file}`, '-d', '@-'), 'x=1&abc&input');
});

test('--data-binary keeps a file as it is, --data-raw reads none, --json joins with nothing', async () => {
  assert.equal(await data('--data-binary', `@${file}`), 'a\r\nb\0c\n');
  assert.equal(await data('--data-raw', '@-'), '@-');
  assert.equal(await data('--json', '{"a":', '--json', '1}'), '{"a":1}');
});

test('a file that cannot be read is exit number 26 and named', async () => {
  await assert.rejects(data('-d', '@/nonexistent'), exits(26));
  await assert.rejects(uploadBody('/nonexistent', stdin()), (error: unknown) => {
    return exits(26)(error) && /'\/nonexistent': no such file or directory/.test((error as Error).message);
  });
  await assert.rejects(uploadBody(folder, stdin()), exits(26));
});

test('an upload knows the length of a file, and not that of standard input', async () => {
  assert.equal((await uploadBody(file, stdin())).length, 7);
  assert.equal((await uploadBody('-', stdin())).length, undefined);
});

test('an upload to a URL that ends in / gets the name of the file', () => {
  assert.equal(uploadUrl(new URL('https://a.test/dir/?q'), 'some/file 1').href, 'https://a.test/dir/file%201?q');
  assert.equal(uploadUrl(new URL('https://a.test/name'), 'file').href, 'https://a.test/name');
  assert.equal(uploadUrl(new URL('https://a.test/dir/'), '-').href, 'https://a.test/dir/');
});

test('-H replaces a default, drops it, or sends it empty', () => {
  const headers = (...argv: string[]): unknown => requestHeaders(parseGetArguments([...argv, 'u']), url, undefined);
  assert.deepEqual(headers(), [['accept', '*/*']]);
  assert.deepEqual(headers('-H', 'Accept:  text/html '), [['Accept', 'text/html']]);
  assert.deepEqual(headers('-H', 'ACCEPT:'), []);
  assert.deepEqual(headers('-H', 'accept:', '-H', 'X-Empty;'), [['X-Empty', '']]);
  assert.deepEqual(headers('-H', 'accept:', '-H', 'x: a: b', '-H', 'x: c'), [
    ['x', 'a: b'],
    ['x', 'c'],
  ]);
  assert.throws(() => headers('-H', 'nothing'), exits(2));
});

test('a body brings its type along, JSON asks for JSON, and the name in a URL becomes Basic credentials', async () => {
  const args = parseGetArguments(['--json', '{}', 'u']);
  const body = await dataBody(args, stdin());
  assert.deepEqual(requestHeaders(args, new URL('https://us%65r:p%40ss@a.test/'), body), [
    ['accept', 'application/json'],
    ['content-type', 'application/json'],
    ['authorization', `Basic ${Buffer.from('user:p@ss').toString('base64')}`],
  ]);
});

test('a % in user-info that begins no code is sent as it is', () => {
  const headers = requestHeaders(parseGetArguments(['u']), new URL('https://me:100%@a.test/'), undefined);
  assert.deepEqual(
    headers.filter(([name]) => name === 'authorization'),
    [['authorization', `Basic ${Buffer.from('me:100%').toString('base64')}`]],
  );
});

test('a URL without a scheme is https, or http with a port or prior knowledge', () => {
  assert.equal(parseUrl('localhost:8080/x?a:1', false).href, 'http://localhost:8080/x?a:1');
  assert.equal(parseUrl('[::1]:8080', false).href, 'http://[::1]:8080/');
  assert.equal(parseUrl('localhost:443', false).href, 'https://localhost/');
  assert.equal(parseUrl('name:8443@a.test', false).protocol, 'https:', 'that is a password');
  assert.equal(parseUrl('a.test/x', false).href, 'https://a.test/x');
  assert.equal(parseUrl('localhost:8080/x', true).href, 'http://localhost:8080/x');
  assert.throws(() => parseUrl('ftp://a.test/', false), exits(1));
  assert.throws(() => parseUrl('http://[bad', false), exits(3));
  assert.throws(() => parseUrl('ht!tp://x/', false), exits(3), 'no host is called that');
  for (const path of ['/etc/hosts', '//a.test/', '\\a.test'])
    assert.throws(() => parseUrl(path, false), exits(3), `${path} names no host`);
  assert.equal(parseUrl('a.test/?to=b://c', false).href, 'https://a.test/?to=b://c');
});

test('--resolve gives addresses to one host and port, the last one given first, a name before *', () => {
  const all = ['a.test:443:127.0.0.1', 'A.test:443:[::1],127.0.0.2', '*:80:127.0.0.3'].map(parseResolution);
  const ask = (port: number, host: string): unknown => {
    let answer: unknown;
    lookupFor(all, port)?.(host, { all: true }, (_, addresses) => (answer = addresses));
    return answer;
  };
  assert.deepEqual(ask(443, 'a.TEST'), [
    { address: '::1', family: 6 },
    { address: '127.0.0.2', family: 4 },
  ]);
  assert.deepEqual(ask(80, 'anything'), [{ address: '127.0.0.3', family: 4 }]);
  assert.equal(lookupFor(all, 81), undefined);
  for (const wrong of ['a.test', 'a.test:443', 'a.test:x:127.0.0.1', 'a.test:99999:127.0.0.1', 'a:1:name']) {
    assert.throws(() => parseResolution(wrong), exits(2), wrong);
  }
});
