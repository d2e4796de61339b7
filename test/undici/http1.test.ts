/** The dispatcher under undici, and under Node's fetch, over origins of HTTP/1.1. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { Readable } from 'node:stream';
import { test, type TestContext } from 'node:test';
import { H2Dispatcher, install, uninstall } from '../../dist/undici/index.js';
import { eventually, httpOrigin, httpsOrigin } from '../http1/support.js';
import { loopback } from '../support/certificates.js';
import { endpoints, pattern } from '../support/endpoints.js';
import { versions } from './undicis.js';

/** Requests that wait for an answer which never comes. */
const silent = new Set<ServerResponse>();

function handler(request: IncomingMessage, response: ServerResponse): void {
  if (request.url === '/silent') {
    silent.add(response);
    return void response.on('close', () => silent.delete(response));
  }
  if (request.url !== '/cut') return endpoints(request, response);
  response.writeHead(200, { 'content-length': '100' });
  response.write('only this', () => response.destroy());
}

function dispatcherFor(t: TestContext): H2Dispatcher {
  const dispatcher = new H2Dispatcher({ tls: { ca: loopback.cert } });
  t.after(() => dispatcher.destroy());
  return dispatcher;
}

for (const version of versions) {
  for (const [wire, start] of [
    ['http', httpOrigin],
    ['https and ALPN', httpsOrigin],
  ] as const) {
    const title = `${version.name} over HTTP/1.1 (${wire})`;

    test(
      `${title}: request and fetch give heads and bodies, on a connection that is kept`,
      { skip: version.skip },
      async (t) => {
        const undici = await version.load();
        const server = await start(t, handler);
        const dispatcher = dispatcherFor(t);
        const at = (path: string): string => `${server.origin}${path}`;
        const hello = await undici.request(at('/hello.txt'), { dispatcher });
        assert.deepEqual([hello.statusCode, await hello.body.text()], [200, 'hello\n']);
        const bytes = pattern(2_000_000);
        for (const body of [bytes, Readable.from([bytes.subarray(0, 1_000_000), bytes.subarray(1_000_000)])]) {
          const echo = await undici.request(at('/echo'), { dispatcher, method: 'POST', body });
          assert.deepEqual(Buffer.from(await echo.body.arrayBuffer()), bytes);
        }
        const fetched = await undici.fetch(at('/echo'), { dispatcher, method: 'POST', body: 'a body' });
        assert.equal(await fetched.text(), 'a body');
        assert.equal((await undici.fetch(at('/status/404'), { dispatcher })).status, 404);
        assert.equal(server.connections, 1, 'one after the other, on a connection that is kept');
      },
    );

    test(
      `${title}: failures have undici's codes, and a cut body is never a shorter one`,
      { skip: version.skip },
      async (t) => {
        const undici = await version.load();
        const server = await start(t, handler);
        const dispatcher = dispatcherFor(t);
        const at = (path: string): string => `${server.origin}${path}`;
        const cut = await undici.request(at('/cut'), { dispatcher });
        await assert.rejects(cut.body.text(), { code: 'UND_ERR_SOCKET' });
        await assert.rejects(undici.request(at('/silent'), { dispatcher, headersTimeout: 40 }), {
          code: 'UND_ERR_HEADERS_TIMEOUT',
        });
        const endless = await undici.request(at('/endless'), { dispatcher, bodyTimeout: 40 });
        await assert.rejects(endless.body.text(), { code: 'UND_ERR_BODY_TIMEOUT' });
        await eventually(() => silent.size === 0);
        const controller = new AbortController();
        const call = undici.request(at('/silent'), { dispatcher, signal: controller.signal });
        await eventually(() => silent.size === 1);
        controller.abort(new Error('no more'));
        await assert.rejects(call, /no more/);
        await eventually(() => server.open.size === 0);
        assert.equal(await (await undici.request(at('/hello.txt'), { dispatcher })).body.text(), 'hello\n');
      },
    );
  }

  test(
    `${version.name}: a WebSocket to an origin of HTTP/1.1 that has none fails, and hangs nothing`,
    { skip: version.skip },
    async (t) => {
      const { WebSocket } = await version.load();
      const server = await httpOrigin(t);
      const socket = new WebSocket(server.origin.replace('http', 'ws'), { dispatcher: dispatcherFor(t) });
      await once(socket as unknown as EventTarget, 'error');
      assert.notEqual(socket.readyState, 1, 'open');
    },
  );
}

test('the built-in fetch reaches origins of HTTP/1.1 once installed', async (t) => {
  install({ tls: { ca: loopback.cert } });
  t.after(uninstall);
  for (const server of [await httpOrigin(t), await httpsOrigin(t)]) {
    const response = await fetch(`${server.origin}/echo`, { method: 'POST', body: 'a body' });
    assert.deepEqual([response.status, await response.text()], [200, 'a body']);
    assert.equal(await (await fetch(`${server.origin}/hello.txt`)).text(), 'hello\n');
    assert.equal(server.connections, 1);
  }
});
