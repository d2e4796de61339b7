/** A fetch is one thing under way, however many requests it takes: what a closing transport waits for. */
import assert from 'node:assert/strict';
import type { Http2ServerResponse } from 'node:http2';
import { test, type TestContext } from 'node:test';
import { TransportError } from '../../dist/index.js';
import { startOrigin } from '../support/origin.js';
import { client, origin } from './support.js';

function closed(error: unknown): true {
  assert.ok(error instanceof TypeError && TransportError.isInstance(error.cause));
  assert.equal(error.cause.code, 'ERR_PASSINGLANE_TRANSPORT_CLOSED');
  return true;
}

/** An origin that answers when the test says so: each request's response, in order. */
async function heldOrigin(t: TestContext): Promise<{ readonly at: string; next(): Promise<Http2ServerResponse> }> {
  const responses: Http2ServerResponse[] = [];
  const server = await startOrigin({ handler: (_request, response) => void responses.push(response) });
  t.after(() => server.close());
  return {
    at: server.origin,
    async next() {
      while (responses.length === 0) await new Promise(setImmediate);
      return responses.shift()!;
    },
  };
}

test('close() lets a fetch follow its redirects, to other origins too, and takes no new one', async (t) => {
  const held = await heldOrigin(t);
  const other = await origin(t);
  const transport = client(t);
  const pending = transport.fetch(held.at);
  const first = await held.next();
  const closing = transport.close();
  await assert.rejects(transport.fetch(held.at), closed);
  first.writeHead(302, { location: '/again' }).end();
  (await held.next()).writeHead(302, { location: `${other.origin}/hello.txt` }).end();
  const response = await pending;
  assert.deepEqual([response.status, await response.text()], [200, 'hello\n']);
  await closing;
  assert.equal(transport.stats().connections, 0);
});

test('close() lets the fetch of a Request with a body begin that was called before it', async (t) => {
  const { origin: at } = await origin(t);
  const transport = client(t);
  const pending = transport.fetch(new Request(`${at}/echo`, { method: 'POST', body: 'x' }));
  const closing = transport.close();
  assert.equal(await (await pending).text(), 'x');
  await closing;
});

test('close({ timeout }) ends a fetch that is following redirects, and destroy() does at once', async (t) => {
  for (const end of [
    (transport: ReturnType<typeof client>) => transport.close({ timeout: 50 }),
    (transport: ReturnType<typeof client>) => {
      const closing = transport.close();
      transport.destroy();
      return closing;
    },
  ]) {
    const held = await heldOrigin(t);
    const transport = client(t);
    const failed = assert.rejects(transport.fetch(held.at), closed);
    (await held.next()).writeHead(302, { location: '/again' }).end();
    await held.next();
    await end(transport);
    await failed;
    assert.equal(transport.stats().connections, 0);
  }
});

test('close() lets an interceptor send a fetch again that followed redirects before', async (t) => {
  const held = await heldOrigin(t);
  const transport = client(t).use(async (request, next) => {
    const first = await next(request);
    return first.status === 503 ? next(request) : first;
  });
  const pending = transport.fetch(held.at);
  (await held.next()).writeHead(302, { location: '/again' }).end();
  const redirected = await held.next();
  const closing = transport.close();
  redirected.writeHead(503).end();
  (await held.next()).writeHead(200).end('well');
  assert.equal(await (await pending).text(), 'well');
  await closing;
});

test('a transport closes after fetches that failed, as after those that did not', async (t) => {
  const transport = client(t);
  const { origin: at } = await origin(t);
  await assert.rejects(transport.fetch(`${at}/loop/21`), TypeError);
  await assert.rejects(transport.fetch(`${at}/hello.txt`, { headers: { 'x-a': 'a\0' } }), TypeError);
  await assert.rejects(transport.fetch(`${at}/silent`, { signal: AbortSignal.timeout(10) }), { name: 'TimeoutError' });
  await transport.close();
});
