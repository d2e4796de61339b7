/** What the tests of fetch share: an origin that tells what it saw, and a transport to it. */
import type { Http2ServerRequest, Http2ServerResponse } from 'node:http2';
import type { TestContext } from 'node:test';
import { gzipSync } from 'node:zlib';
import { Transport, type TransportOptions } from '../../dist/index.js';
import { endpoints } from '../support/endpoints.js';
import { startOrigin, type TestOrigin } from '../support/origin.js';

/** What `/inspect` answers. */
export interface Seen {
  readonly method: string;
  readonly path: string;
  readonly headers: Readonly<Record<string, string | undefined>>;
  readonly body: string;
}

/**
 * - `/inspect`: the request as JSON ({@link Seen})
 * - `/redirect/STATUS?to=URL`: that status and location; without `to`, no location; `&policy=P`: that referrer-policy;
 *   `&exposed=N`: access-control-expose-headers with that name
 * - `/loop/N`: redirects to `/loop/N-1`; `/loop/0` is `/inspect`
 * - `/typed?type=T&body=B`: that body with that content-type
 * - `/gzip`: `hello\n`, gzipped
 * - `/cookies`: two set-cookie fields
 */
function answer(request: Http2ServerRequest, response: Http2ServerResponse): void {
  const url = new URL(request.url, 'http://origin');
  const query = url.searchParams;
  const [, name, argument = ''] = url.pathname.split('/');
  if (name === 'inspect' || (name === 'loop' && argument === '0')) return inspect(request, response);
  if (name === 'redirect') {
    const to = query.get('to');
    const policy = query.get('policy');
    if (policy !== null) response.setHeader('referrer-policy', policy);
    const exposed = query.get('exposed');
    if (exposed !== null) response.setHeader('access-control-expose-headers', exposed);
    response.writeHead(Number(argument), to === null ? {} : { location: to });
    response.end('elsewhere');
  } else if (name === 'loop') {
    response.writeHead(302, { location: `/loop/${Number(argument) - 1}` });
    response.end();
  } else if (name === 'typed') {
    response.writeHead(200, { 'content-type': query.get('type') ?? '' });
    response.end(query.get('body') ?? '');
  } else if (name === 'gzip') {
    const body = gzipSync('hello\n');
    response.writeHead(200, { 'content-encoding': 'gzip', 'content-length': body.byteLength });
    response.end(body);
  } else if (name === 'cookies') {
    response.writeHead(200, { 'set-cookie': ['a=1', 'b=2'], 'x-many': 'one, two' });
    response.end();
  } else endpoints(request, response);
}

function inspect(request: Http2ServerRequest, response: Http2ServerResponse): void {
  const chunks: Buffer[] = [];
  request.on('data', (chunk: Buffer) => chunks.push(chunk));
  request.on('end', () => {
    const { method, url, headers } = request;
    response.setHeader('content-type', 'application/json');
    response.end(JSON.stringify({ method, path: url, headers, body: Buffer.concat(chunks).toString() }));
  });
}

/** An origin; it ends with the test. */
export async function origin(t: TestContext): Promise<TestOrigin> {
  const started = await startOrigin({ handler: answer });
  t.after(() => started.close());
  return started;
}

/** A transport whose `http:` origins speak HTTP/2; it ends with the test. */
export function client(t: TestContext, options: TransportOptions = {}): Transport {
  const transport = new Transport({ cleartext: 'h2c', ...options });
  t.after(() => {
    transport.destroy();
  });
  return transport;
}

/** An origin, and fetch, detached from its transport as SDKs detach it. */
export async function setup(t: TestContext): Promise<{ readonly fetch: Transport['fetch']; readonly at: string }> {
  const { origin: at } = await origin(t);
  const { fetch } = client(t);
  return { fetch, at };
}

export async function seen(response: Response): Promise<Seen> {
  return (await response.json()) as Seen;
}
