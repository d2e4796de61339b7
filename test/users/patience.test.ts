/** Answers that ask for patience (`retry.statuses`), over real sockets and through every door. */
import assert from 'node:assert/strict';
import { createServer, type RequestListener } from 'node:http';
import { test, type TestContext } from 'node:test';
import { H2Dispatcher } from '../../dist/undici/index.js';
import { listen, transportFor, type Http1Origin } from '../http1/support.js';
import { startOrigin } from '../support/origin.js';
import { client, ok, path, serving, type Answer } from './support.js';

const retry = { statuses: [503], baseDelay: 1 };

/** Answers 503 the first time that each path is asked for, and then as told; keeps what it was asked for. */
function busyOnce(then: Answer): { readonly seen: string[]; readonly answer: Answer } {
  const seen: string[] = [];
  const answer: Answer = (connection, request) => {
    const again = seen.includes(path(request));
    seen.push(path(request));
    if (again) return then(connection, request);
    connection.headers(request.streamId, [
      [':status', '503'],
      ['retry-after', '0'],
    ]);
    connection.data(request.streamId, 'busy', { endStream: true });
  };
  return { seen, answer };
}

/** A server of HTTP/1.1 whose first answer is a 503 with such a body. */
async function http1Busy(t: TestContext, body: Buffer): Promise<Http1Origin & { readonly seen: string[] }> {
  const seen: string[] = [];
  const handler: RequestListener = (request, response) => {
    seen.push(request.url ?? '');
    if (seen.length === 1) response.writeHead(503, { 'retry-after': '0' }).end(body);
    else response.end('served');
  };
  return Object.assign(await listen(t, createServer(handler), 'http'), { seen });
}

test('HTTP/1.1: the answer that is dropped costs no connection', async (t) => {
  const server = await http1Busy(t, Buffer.alloc(20_000, 'b'));
  const response = await transportFor(t, { retry }).request(server.origin);
  assert.deepEqual([await response.body.text(), response.attempts, server.seen.length], ['served', 2, 2]);
  assert.equal(server.connections, 1);
});

test('HTTP/1.1: but one with a large body is not read to its end', async (t) => {
  const server = await http1Busy(t, Buffer.alloc(16_000_000, 'b'));
  const transport = transportFor(t, { retry });
  const response = await transport.request(server.origin);
  assert.deepEqual([await response.body.text(), response.attempts], ['served', 2]);
  assert.ok(transport.stats().totals.bytesReceived < 8_000_000);
  assert.equal(transport.stats().bufferedBytes, 0);
});

test('fetch: the request that a redirect led to goes out again, and the redirect is not followed twice', async (t) => {
  const served: Answer = (connection, request) => {
    if (path(request) !== '/from') return ok(connection, request.streamId, 'served');
    connection.headers(
      request.streamId,
      [
        [':status', '302'],
        ['location', '/to'],
      ],
      { endStream: true },
    );
  };
  const { seen, answer } = busyOnce(served);
  const server = await serving(t, answer);
  const response = await client(t, { retry }).fetch(`${server.origin}/from`);
  assert.equal(await response.text(), 'served');
  assert.deepEqual(seen, ['/from', '/from', '/to', '/to']);
});

test('fetch: a POST that a 303 made a GET goes out again as one, and the POST before it does not', async (t) => {
  const methods: string[] = [];
  const server = await serving(t, (connection, request) => {
    methods.push(`${request.get(':method')} ${path(request)}`);
    const { streamId } = request;
    if (path(request) === '/form') {
      connection.headers(
        streamId,
        [
          [':status', '303'],
          ['location', '/done'],
        ],
        { endStream: true },
      );
    } else if (methods.length === 2) connection.headers(streamId, [[':status', '503']], { endStream: true });
    else ok(connection, streamId, 'served');
  });
  const response = await client(t, { retry }).fetch(`${server.origin}/form`, { method: 'POST', body: 'form' });
  assert.equal(await response.text(), 'served');
  assert.deepEqual(methods, ['POST /form', 'GET /done', 'GET /done']);
});

test('undici: the dispatcher’s requests go by the option of its transport, and its handlers hear of one answer', async (t) => {
  const { seen, answer } = busyOnce((connection, request) => ok(connection, request.streamId, 'served'));
  const server = await serving(t, answer);
  const dispatcher = new H2Dispatcher({ cleartext: 'h2c', retry });
  t.after(() => dispatcher.destroy());
  const { statusCode, body } = await dispatcher.request({ origin: server.origin, path: '/u', method: 'GET' });
  assert.deepEqual([statusCode, await body.text()], [200, 'served']);
  assert.deepEqual(seen, ['/u', '/u']);
});

test('a POST is its caller’s to send again, whatever the status', async (t) => {
  let received = 0;
  const origin = await startOrigin({
    handler: (_, response) => {
      received++;
      response.writeHead(503).end();
    },
  });
  t.after(() => origin.close());
  const response = await client(t, { retry }).fetch(origin.origin, { method: 'POST', body: 'x' });
  assert.deepEqual([response.status, received], [503, 1]);
});
