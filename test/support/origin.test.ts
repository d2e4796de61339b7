import assert from 'node:assert/strict';
import { once } from 'node:events';
import { connect, constants, type ClientHttp2Session, type OutgoingHttpHeaders } from 'node:http2';
import { test } from 'node:test';
import { pattern } from './endpoints.js';
import { startOrigin } from './origin.js';

interface Answer {
  readonly headers: Record<string, string>;
  readonly body: Buffer;
  readonly trailers: Record<string, string>;
}

async function ask(
  client: ClientHttp2Session,
  path: string,
  options: { headers?: OutgoingHttpHeaders; body?: Buffer; trailers?: Record<string, string> } = {},
): Promise<Answer> {
  const method = options.body === undefined ? 'GET' : 'POST';
  const stream = client.request(
    { ':method': method, ...options.headers, ':path': path },
    { waitForTrailers: true, endStream: false },
  );
  stream.on('wantTrailers', () => stream.sendTrailers(options.trailers ?? {}));
  let trailers: Record<string, string> = {};
  stream.on('trailers', (fields: Record<string, string>) => (trailers = fields));
  stream.end(options.body);
  const [headers] = (await once(stream, 'response')) as [Record<string, string>];
  const parts: Buffer[] = [];
  for await (const part of stream) parts.push(part as Buffer);
  return { headers, body: Buffer.concat(parts), trailers };
}

for (const tls of [false, true]) {
  test(`the origin answers every endpoint, ${tls ? 'over TLS' : 'in the clear'}, and counts`, async () => {
    const origin = await startOrigin({ tls, settings: { maxConcurrentStreams: 3 } });
    const client = connect(origin.origin, origin.ca === undefined ? {} : { ca: origin.ca });
    await once(client, 'remoteSettings');
    assert.equal(client.remoteSettings.maxConcurrentStreams, 3);

    const body = pattern(100_000);
    assert.equal(String((await ask(client, '/hello.txt')).body), 'hello\n');
    assert.deepEqual((await ask(client, '/echo', { body })).body, body);
    assert.equal(String((await ask(client, '/count', { body })).body), '100000');
    assert.deepEqual((await ask(client, '/bytes/300000')).body, pattern(300_000));
    assert.match(String((await ask(client, '/headers', { headers: { 'x-a': 'b' } })).body), /"x-a":"b"/);
    assert.equal((await ask(client, '/large-headers/40')).headers['x-large-39']?.length, 1_000);
    const trailed = await ask(client, '/trailers', { body, trailers: { 'x-t': 'v' } });
    assert.deepEqual([trailed.body.length, trailed.trailers['x-t']], [100_000, 'v']);
    assert.equal(Number((await ask(client, '/status/204')).headers[':status']), 204);
    assert.equal(Number((await ask(client, '/nowhere')).headers[':status']), 404);
    assert.equal(String((await ask(client, '/delay/1')).body), 'hello\n');
    await assert.rejects(ask(client, `/reset/${constants.NGHTTP2_INTERNAL_ERROR}`), /NGHTTP2_INTERNAL_ERROR/);

    const endless = client.request({ ':path': '/endless' });
    assert.equal(String((await once(endless, 'data'))[0]), 'begin');
    const silent = client.request({ ':path': '/silent' });
    await ask(client, '/hello.txt');
    assert.equal(origin.openStreams, 2);
    assert.equal(origin.maxOpenStreams, 3);
    assert.deepEqual([origin.sessionCount, origin.streamCount, origin.sessions.size], [1, 14, 1]);
    endless.close();
    silent.close();
    client.close();
    await once(client, 'close');
    await origin.close();
  });
}
