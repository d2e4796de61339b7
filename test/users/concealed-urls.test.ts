import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { test } from 'node:test';
import { inspect } from 'node:util';
import { Transport } from '../../dist/index.js';
import { createRequest } from '../../dist/http/index.js';
import { H2Dispatcher } from '../../dist/undici/index.js';

const bad = 'http://admin:S3CRET@[bad/?tok=S3CRET';

/** All that a log would show of it. */
const shown = (error: unknown): string => inspect(error, { depth: 10, showHidden: true });

test('what is no URL is refused by an error that shows no secret of it, at any depth', async () => {
  await using transport = new Transport();
  const dispatcher = new H2Dispatcher();
  const calls: Record<string, () => unknown> = {
    request: () => transport.request(bad),
    fetch: () => transport.fetch(bad),
    referrer: () => transport.fetch('http://127.0.0.1:1/', { referrer: bad }),
    connect: () => transport.connect(bad),
    http: () => createRequest(transport).request(bad),
    dispatcher: () => dispatcher.request({ origin: bad, path: '/', method: 'GET' }),
  };
  for (const [name, call] of Object.entries(calls)) {
    const error = await Promise.resolve()
      .then(call)
      .then(
        () => assert.fail(`${name} took it`),
        (reason: unknown) => reason,
      );
    assert.ok(error instanceof Error, name);
    assert.doesNotMatch(shown(error), /S3CRET/, name);
  }
  await dispatcher.close();
});

test('a redirect to what is no URL shows no secret of it either', async (t) => {
  const server = createServer((_, response) => response.writeHead(302, { location: bad }).end()).listen(0, '127.0.0.1');
  t.after(() => server.close());
  await once(server, 'listening');
  await using transport = new Transport();
  const from = `http://127.0.0.1:${(server.address() as AddressInfo).port}/?tok=S3CRET`;
  const error: unknown = await transport.fetch(from).catch((reason: unknown) => reason);
  assert.ok(error instanceof TypeError);
  assert.doesNotMatch(shown(error), /S3CRET/);
});

test('a path that is none does not read as part of the host in the error that refuses it', async () => {
  const dispatcher = new H2Dispatcher();
  await assert.rejects(
    dispatcher.request({ origin: 'http://127.0.0.1:1', path: '@evil.test/x', method: 'GET' }),
    (error) => {
      assert.doesNotMatch(String(error), /127\.0\.0\.1:1@evil/);
      return true;
    },
  );
  await dispatcher.close();
});
