import assert from 'node:assert/strict';
import { once } from 'node:events';
import type { ClientRequest, IncomingMessage, RequestOptions } from 'node:http';
import { json, text } from 'node:stream/consumers';
import { after, before, describe, test } from 'node:test';
import { Transport } from '../../dist/index.js';
import { createRequest, type RequestFunction } from '../../dist/http/index.js';
import { startOrigin, type TestOrigin } from '../support/origin.js';

const credentials = 'user:secret';

describe('where a request of node:http’s shape goes', () => {
  let origin: TestOrigin;
  let elsewhere: TestOrigin;
  let transport: Transport;
  let request: RequestFunction;

  before(async () => {
    origin = await startOrigin({
      handler: ({ method, url, headers }, response) => {
        response.end(JSON.stringify({ method, url, authorization: headers.authorization ?? null }));
      },
    });
    elsewhere = await startOrigin();
    transport = new Transport({ cleartext: 'h2c', retry: { maxAttempts: 1 } });
    ({ request } = createRequest(transport));
  });

  after(async () => {
    await transport.close({ timeout: 1_000 });
    await origin.close();
    await elsewhere.close();
  });

  const to = (options: RequestOptions): ClientRequest =>
    request({ host: '127.0.0.1', port: origin.port, path: '/', ...options });
  const seen = async (options: RequestOptions): Promise<unknown> => {
    const [response] = (await once(to(options).end(), 'response')) as [IncomingMessage];
    return json(response);
  };
  const refuses = (options: RequestOptions, code: string, message: RegExp): void => {
    assert.throws(() => to({ auth: credentials, ...options }), { code, message }, JSON.stringify(options));
  };

  test('a path that does not begin with a slash is refused, and nobody is asked', () => {
    const { port } = elsewhere;
    for (const path of [`@127.0.0.1:${port}/x`, '.evil.test/x', `:${port}/x`, 'x', '?x', '\\x', `http://h:${port}/`])
      refuses({ path }, 'ERR_INVALID_ARG_VALUE', /'path'/);
    assert.equal(elsewhere.sessionCount, 0);
  });

  test('a path with blanks or control characters has the error of node:http', () => {
    for (const path of ['\t@127.0.0.1/x', '/a b', '/\n/x', '/\u4e2d'])
      refuses({ path }, 'ERR_UNESCAPED_CHARACTERS', /unescaped/);
  });

  test('a port is a number and nothing more', () => {
    for (const port of [`${origin.port}@127.0.0.1`, `${origin.port}/x`, 'x', ' ', -1, 65_536, 1.5])
      refuses({ port }, 'ERR_SOCKET_BAD_PORT', /port/);
    refuses({ port: undefined, defaultPort: '80@evil' }, 'ERR_SOCKET_BAD_PORT', /port/);
  });

  test('a host is a name or an address and nothing more', () => {
    const { port } = elsewhere;
    const hosts = [
      `a@127.0.0.1:${port}`,
      '127.0.0.1#',
      '127.0.0.1?',
      '127.0.0.1/x',
      '127.0.0.1\\x',
      `127.0.0.1:${port}`,
    ];
    for (const host of [...hosts, 'a b', '\t127.0.0.1', '%61.test', '[::1', '::1%lo', '[a]'])
      refuses({ host }, 'ERR_INVALID_ARG_VALUE', /'host'/);
    assert.equal(elsewhere.sessionCount, 0);
  });

  test('no message repeats what stands before an @ or after a question mark', () => {
    for (const options of [{ host: 'me:secret@127.0.0.1' }, { path: 'x?token=secret' }]) {
      assert.throws(
        () => to(options),
        (error: Error) => !error.message.includes('secret'),
      );
    }
  });

  test('a scheme is http: or https:', () => {
    for (const protocol of ['http', 'ftp:', `http://127.0.0.1:${elsewhere.port}/?`])
      refuses({ protocol }, 'ERR_INVALID_PROTOCOL', /not supported/);
  });

  test('what is no string is refused where a string is due', () => {
    for (const name of ['host', 'hostname', 'path', 'auth', 'port'])
      refuses({ [name]: { toString: () => '/' } }, 'ERR_INVALID_ARG_TYPE', new RegExp(name));
  });

  test('what is empty counts as not given', async () => {
    const answer = { method: 'GET', url: '/', authorization: null };
    assert.deepEqual(await seen({ path: '', auth: '', hostname: '' }), answer);
  });

  test('a path goes out as it is given, without its fragment', async () => {
    const url = async (path: string): Promise<unknown> => ((await seen({ path })) as { url: string }).url;
    assert.equal(await url('//x@y:1/a/../b?c=/d?'), '//x@y:1/a/../b?c=/d?');
    assert.equal(await url('/a?#b'), '/a?');
    assert.equal(await url('/caf\u00e9'), '/caf%C3%A9');
  });

  test('OPTIONS asks for the server as a whole', async () => {
    const expected = { method: 'OPTIONS', url: '*', authorization: null };
    assert.deepEqual(await seen({ method: 'OPTIONS', path: '*' }), expected);
    refuses({ path: '*' }, 'ERR_INVALID_ARG_VALUE', /'path'/);
  });

  test('what only has request is given a URL, and no path that is none of a URL', async () => {
    const only = createRequest({ request: transport.request });
    const url = `${origin.origin}/a`;
    const [response] = (await once(only.get(url), 'response')) as [IncomingMessage];
    assert.match(await text(response), /"url":"\/a"/);
    const whole = only.request(url, { method: 'OPTIONS', path: '*' }).end();
    const [error] = (await once(whole, 'error')) as [NodeJS.ErrnoException];
    assert.equal(error.code, 'ERR_INVALID_ARG_VALUE');
  });
});
