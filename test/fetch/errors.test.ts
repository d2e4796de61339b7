/** Network errors, other schemes, and integrity (Fetch Standard, sections 2.2.6, 4.3 and 4.1). */
import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { describe, test } from 'node:test';
import { TransportError } from '../../dist/index.js';
import { closedPort } from '../support/closed-port.js';
import { rawServer } from '../support/raw-server.js';
import { client, setup } from './support.js';

/** A TypeError with that message, whose cause is a TransportError with that code. */
function broken(message: string, code: string): (error: unknown) => true {
  return (error) => {
    assert.ok(error instanceof TypeError);
    assert.equal(error.message, message);
    assert.ok(TransportError.isInstance(error.cause));
    assert.equal(error.cause.code, code);
    return true;
  };
}

describe('a failure', () => {
  test('to connect is a TypeError, fetch failed, with the TransportError and the system error beneath it', async (t) => {
    const { fetch } = client(t, { retry: { maxAttempts: 1 } });
    await assert.rejects(fetch(`http://127.0.0.1:${closedPort}/`), (error: Error) => {
      broken('fetch failed', 'ERR_PASSINGLANE_CONNECT_FAILED')(error);
      assert.equal(((error.cause as Error).cause as NodeJS.ErrnoException).code, 'ECONNREFUSED');
      return true;
    });
  });

  test('of the response before its headers is a TypeError, fetch failed', async (t) => {
    const server = await rawServer(async (connection) => {
      await connection.greet();
      connection.rst((await connection.request()).streamId, 2);
    });
    t.after(() => server.close());
    await assert.rejects(client(t).fetch(server.origin), broken('fetch failed', 'ERR_PASSINGLANE_STREAM_RESET'));
  });

  test('in the midst of the body is never a shorter body, whichever way it is read', async (t) => {
    const { fetch, at } = await setup(t);
    const cut = broken('terminated', 'ERR_PASSINGLANE_STREAM_RESET');
    for (const errorCode of [0, 2, 8]) {
      const get = (): Promise<Response> => fetch(`${at}/reset/${errorCode}`);
      for (const how of ['text', 'json', 'arrayBuffer', 'blob', 'formData'] as const)
        await assert.rejects((await get())[how](), cut);
      const reader = (await get()).body!.getReader();
      await assert.rejects(async () => {
        while (!(await reader.read()).done);
      }, cut);
      await assert.rejects(Response.prototype.text.call(await get()), cut);
      await assert.rejects((await get()).clone().text(), cut);
    }
  });

  test('of a closed transport is a TypeError too', async (t) => {
    const transport = client(t);
    await transport.close();
    await assert.rejects(
      transport.fetch('http://127.0.0.1:1/'),
      broken('fetch failed', 'ERR_PASSINGLANE_TRANSPORT_CLOSED'),
    );
  });
});

describe('other schemes', () => {
  test('data: URLs are answered without a network', async (t) => {
    const { fetch } = client(t);
    const response = await fetch('data:text/plain;charset=utf-8;base64,aGVsbG8=');
    assert.deepEqual(
      [response.status, response.headers.get('content-type'), await response.text()],
      [200, 'text/plain;charset=utf-8', 'hello'],
    );
    assert.equal(await (await fetch(new URL('data:,a%20b'))).text(), 'a b');
    await assert.rejects(fetch('data:text/plain;base64,a'), TypeError);
  });

  test('blob: URLs are answered from memory', async (t) => {
    const url = URL.createObjectURL(new Blob(['hello'], { type: 'text/x' }));
    t.after(() => URL.revokeObjectURL(url));
    const response = await client(t).fetch(url);
    assert.deepEqual([response.headers.get('content-type'), await response.text()], ['text/x', 'hello']);
  });

  for (const url of ['about:blank', 'file:///etc/hosts', 'ftp://127.0.0.1/', 'javascript:1'])
    test(`${url} is a network error`, async (t) => {
      await assert.rejects(client(t).fetch(url), broken('fetch failed', 'ERR_PASSINGLANE_UNSUPPORTED_SCHEME'));
    });
});

describe('integrity', () => {
  const digest = (algorithm: string, text: string): string =>
    `${algorithm}-${createHash(algorithm).update(text).digest('base64')}`;

  test('lets a body through that has one of the digests', async (t) => {
    const { fetch, at } = await setup(t);
    for (const integrity of [
      digest('sha256', 'hello\n'),
      digest('sha512', 'hello\n'),
      `${digest('sha384', 'other')} ${digest('sha384', 'hello\n')}`,
      `${digest('sha256', 'hello\n')}?an-option`,
      `sha256- ${digest('sha256', 'hello\n')}`,
      'md5-unknown',
      'sha256x',
      '',
    ]) {
      const response = await fetch(`${at}/redirect/302?to=/hello.txt`, { integrity });
      assert.deepEqual([response.redirected, response.url], [true, `${at}/hello.txt`]);
      assert.equal(await response.text(), 'hello\n');
    }
  });

  test('rejects every body where a digest is none, for it matches nothing', async (t) => {
    const { fetch, at } = await setup(t);
    const whole = digest('sha256', 'hello\n');
    for (const integrity of [
      'sha256-###',
      'sha256-',
      'sha256',
      'sha256-?',
      'sha384-a=b',
      `${whole}==`,
      `${whole}!`,
      `${digest('sha256', 'hello\n')} sha512-###`,
    ])
      await assert.rejects(fetch(`${at}/hello.txt`, { integrity }), { name: 'TypeError', message: 'fetch failed' });
  });

  test('rejects a body that has none of those of the strongest algorithm', async (t) => {
    const { fetch, at } = await setup(t);
    for (const integrity of [digest('sha256', 'other'), `${digest('sha256', 'hello\n')} ${digest('sha512', 'other')}`])
      await assert.rejects(fetch(`${at}/hello.txt`, { integrity }), { name: 'TypeError', message: 'fetch failed' });
  });
});
