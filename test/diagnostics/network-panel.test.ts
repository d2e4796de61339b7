/** Node's flag for the Network panel of Chrome DevTools, in processes of their own. */
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { after, before, test } from 'node:test';
import { promisify } from 'node:util';
import { startOrigin, type TestOrigin } from '../support/origin.js';

const flag = '--experimental-network-inspection';
const library = new URL('../../dist/index.js', import.meta.url).href;
let origin: TestOrigin;

before(async () => {
  origin = await startOrigin({
    handler: (request, response) => {
      if (request.url === '/moved') response.writeHead(302, { location: '/page' });
      else response.writeHead(200, { 'content-type': 'text/plain; charset=utf-8' });
      response.end('hello');
    },
  });
});

after(() => origin.close());

/** What the inspector hears while a process does this. */
async function heard(args: readonly string[], work: string): Promise<Record<string, unknown>[]> {
  const app = `
    import { Session } from 'node:inspector';
    import { Transport } from ${JSON.stringify(library)};
    const session = new Session();
    session.connect();
    const events = [];
    for (const name of ['requestWillBeSent', 'responseReceived', 'loadingFinished', 'loadingFailed'])
      session.on('Network.' + name, ({ params }) => events.push({ name, ...params }));
    session.post('Network.enable');
    const url = process.env.ORIGIN;
    const transport = new Transport({ cleartext: 'h2c' });
    ${work}
    await new Promise(setImmediate);
    console.log(JSON.stringify(events));
    transport.destroy();
    session.disconnect();`;
  const options = { timeout: 60_000, env: { ...process.env, ORIGIN: origin.origin, NODE_OPTIONS: '' } };
  const { stdout } = await promisify(execFile)(process.execPath, [...args, '--input-type=module', '-e', app], options);
  return JSON.parse(stdout) as Record<string, unknown>[];
}

test('a request shows with its headers, its response, and the end of its body', async () => {
  const events = await heard(
    [flag],
    `const response = await transport.request(url + '/page?q', { method: 'POST', headers: { a: 'b' }, body: 'x' });
     await response.text();`,
  );
  const [sent, received, ended] = events;
  assert.deepEqual(
    events.map(({ name }) => name),
    ['requestWillBeSent', 'responseReceived', 'loadingFinished'],
  );
  assert.equal(new Set(events.map(({ requestId }) => requestId)).size, 1);
  const { method, url, headers } = sent?.['request'] as Record<string, unknown>;
  assert.deepEqual([method, url, headers], ['POST', `${origin.origin}/page?q`, { a: 'b' }]);
  const { status, mimeType, charset } = received?.['response'] as Record<string, unknown>;
  assert.equal(status, 200);
  // Node 20 takes these and does not pass them on.
  if (!process.version.startsWith('v20.')) assert.deepEqual([mimeType, charset], ['text/plain', 'utf-8']);
  const times = [sent, received, ended].map((event) => event?.['timestamp'] as number);
  assert.deepEqual(
    [...times].sort((a, b) => a - b),
    times,
  );
});

test('a fetch that is redirected shows as one, and a failure with what it says', async () => {
  const events = await heard(
    [flag],
    `await (await transport.fetch(url + '/moved')).text();
     await transport.fetch('http://127.0.0.1:1/').catch(() => undefined);`,
  );
  const statuses = events.filter(({ name }) => name === 'responseReceived').map((event) => event['response']);
  assert.deepEqual(
    statuses.map((response) => (response as { status: number }).status),
    [200],
  );
  const failures = events.filter(({ name }) => name === 'loadingFailed');
  assert.equal(failures.length, 1);
  assert.match(String(failures[0]?.['errorText']), /^GET http:\/\/127\.0\.0\.1:1\/: Could not connect .* right\?$/);
});

test('without the flag nothing is told', async () => {
  assert.deepEqual(await heard([], `await (await transport.request(url)).text();`), []);
});
