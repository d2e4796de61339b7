import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { readdirSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';

const folder = join(dirname(dirname(dirname(fileURLToPath(import.meta.url)))), 'examples');

/** What each example prints, from the first line to the last. */
const expected: Record<string, RegExp> = {
  'event-stream.mjs': /^"Water", and 2 models meanwhile\n" is", [^]*\nWater is wet\.\n$/,
  'fetch.mjs': /^Ada has id 1\n(Ada has id [234]\n){3}all over 1 connection\n$/,
  'gateway.mjs': /^200 water 42, by way of 1\.1 gateway\n502\n$/,
  'grpc.mjs': /^hello Ada\ng-R-P-C\n$/,
  'in-process.mjs': /^the order was placed, and no port was opened\n$/,
  'mock-agent.mjs': /^tea costs 3, says the mock\n$/,
  'mutual-tls.mjs':
    /^hello client\.test\nwithout the CA: refused, ERR_PASSINGLANE_\w+\nwithout a certificate: refused, ERR_PASSINGLANE_\w+\n$/,
  'node26-fetch.mjs': new RegExp(
    "^Node's fetch:\\n(  .+\\n){3}with passinglane:\\n" +
      '  a request beside a blocked upload: answered\n' +
      '  a request after the connection went silent: answered\n' +
      '  a body that the server gave up: an error\na download over 50 ms takes (less|more) time with passinglane\n$',
  ),
  'proxy.mjs':
    /^one, and no proxy header: true\ntwo, and no proxy header: true\n2 tunnels on 1 connection\nGET https:\/\/host:port\/: No tunnel to https:\/\/host:port: the proxy https:\/\/host:port refused with status 407\. .+\n$/,
  'opentelemetry.mjs': new RegExp(
    '^GET / 200 HTTP/2 { child: true }\nGET /nowhere 404 HTTP/2 { child: true }\n' +
      'GET /slow ERR_PASSINGLANE_HEADERS_TIMEOUT HTTP/2 { child: true }\nthe server was told the trace: true\n$',
  ),
  // Strict: a TYPE line before each metric's samples, and nothing else.
  'prometheus.mjs':
    /^(?=[^]*\npassinglane_requests_completed_total\{origin="http:\/\/origin"\} 3\n)(# TYPE (passinglane_\w+) (gauge|counter)\n(\2(\{\w+="[^"\n\\]*"(,\w+="[^"\n\\]*")*\})? \d+(\.\d+)?\n)+)+$/,
  'push.mjs': /^device 7: Unregistered\n500 notifications sent, 500 received\n$/,
  'socks.mjs': /^hello from behind the proxy\nthe proxy made 1 tunnel to 127\.0\.0\.1\n$/,
  'upload.mjs': /^25% sent\n50% sent\n75% sent\n100% sent\n201 stored 33554432 bytes\n$/,
  'websocket.mjs': /^status 200\nhello -> HELLO\ngoodbye -> GOODBYE\nclosed: true\n$/,
};

const nodeMajor = Number(process.versions.node.split('.')[0]);
const skips: Record<string, string | false> = {
  'node26-fetch.mjs': nodeMajor >= 26 ? false : 'the fetch of earlier Nodes speaks HTTP/1.1',
  'mock-agent.mjs': nodeMajor >= 22 ? false : "undici 8's engines ask for Node 22.19 or later",
};

test('every example is tested', () => {
  const found = readdirSync(folder).filter((name) => name.endsWith('.mjs'));
  assert.deepEqual(found.sort(), Object.keys(expected).sort());
});

for (const [name, output] of Object.entries(expected)) {
  test(`examples/${name} does what it says, and ends`, { skip: skips[name] ?? false }, async () => {
    const { stdout, stderr } = await promisify(execFile)(process.execPath, [join(folder, name)], { timeout: 60_000 });
    assert.match(stdout, output);
    assert.equal(stderr, '');
  });
}
