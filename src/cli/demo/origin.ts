import { createHash } from 'node:crypto';
import { createSecureServer, type IncomingHttpHeaders, type ServerHttp2Stream } from 'node:http2';
import type { AddressInfo, Server } from 'node:net';
import type { Certificate } from '../certificate.js';
import { contentOf, sha256 } from './content.js';

/** An HTTPS origin on a port of 127.0.0.1. */
export interface EmbeddedOrigin {
  readonly port: number;
  close(): Promise<void>;
}

/**
 * Starts an origin over node:http2 with a limit of 100 streams, and windows wide enough for an upload to fill the
 * network's buffers. It serves, with `n` of the query choosing the content:
 * - `GET /bytes/LENGTH?n=`: that many bytes;
 * - `GET /trailers/LENGTH?n=`: the same, with their number and digest in trailers;
 * - `PUT /upload`: the number and the digest of the bytes received, as JSON;
 * - `POST /echo`: the bytes received, as they come, with their number and digest in trailers.
 */
export async function startOrigin(certificate: Certificate): Promise<EmbeddedOrigin> {
  const server = createSecureServer({
    key: certificate.key,
    cert: certificate.cert,
    settings: { maxConcurrentStreams: 100, initialWindowSize: 2 ** 25 },
    // Megabytes. Beyond the default of 10 node:http2 refuses streams, and this many windows' worth may lie here.
    maxSessionMemory: 256,
  });
  const sessions = new Set<{ destroy(): void }>();
  server.on('session', (session) => {
    session.setLocalWindowSize(2 ** 26);
    sessions.add(session);
    session.on('close', () => sessions.delete(session));
    session.on('error', ignoreGoneClient);
  });
  server.on('stream', serve);
  await listening(server);
  return {
    port: (server.address() as AddressInfo).port,
    close: () =>
      new Promise((resolve, reject) => {
        server.close((error) => (error === undefined ? resolve() : reject(error)));
        for (const session of sessions) session.destroy();
      }),
  };
}

/** Resolves once the server listens, on a free port of 127.0.0.1 unless it is told otherwise; rejects when it cannot. */
export function listening(server: Server, address = '127.0.0.1', port = 0): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once('error', reject);
    server.listen(port, address, () => {
      server.off('error', reject);
      resolve();
    });
  });
}

function serve(
  stream: ServerHttp2Stream,
  headers: IncomingHttpHeaders & { ':path'?: string; ':method'?: string },
): void {
  stream.on('error', ignoreGoneClient);
  const url = new URL(headers[':path'] ?? '/', 'https://origin');
  const [, resource = '', size = ''] = url.pathname.split('/');
  const length = Number(size === '' ? Number.NaN : size);
  switch (`${headers[':method']} ${resource}`) {
    case 'GET bytes':
      return sendBytes(stream, Number(url.searchParams.get('n')), length, false);
    case 'GET trailers':
      return sendBytes(stream, Number(url.searchParams.get('n')), length, true);
    case 'PUT upload':
      return receive(stream);
    case 'POST echo':
      return echo(stream);
    default:
      stream.respond({ ':status': 404, 'content-type': 'text/plain' });
      stream.end('There is nothing here.\n');
  }
}

/** The client has cancelled or gone: it reports that itself, and the origin serves on. */
function ignoreGoneClient(): void {}

function sendBytes(stream: ServerHttp2Stream, n: number, length: number, trailers: boolean): void {
  const bytes = contentOf(n, length);
  stream.respond(
    { ':status': 200, 'content-type': 'application/octet-stream', 'content-length': length },
    { waitForTrailers: trailers },
  );
  stream.on('wantTrailers', () => stream.sendTrailers({ 'x-bytes': String(length), 'x-sha256': sha256(bytes) }));
  stream.end(bytes);
}

function receive(stream: ServerHttp2Stream): void {
  const hash = createHash('sha256');
  let bytes = 0;
  stream.on('data', (chunk: Buffer) => {
    bytes += chunk.length;
    hash.update(chunk);
  });
  stream.on('end', () => {
    if (stream.destroyed) return; // the client gave the upload up
    stream.respond({ ':status': 200, 'content-type': 'application/json' });
    stream.end(JSON.stringify({ bytes, sha256: hash.digest('hex') }));
  });
}

function echo(stream: ServerHttp2Stream): void {
  const hash = createHash('sha256');
  let bytes = 0;
  stream.respond({ ':status': 200 }, { waitForTrailers: true });
  stream.on('wantTrailers', () => stream.sendTrailers({ 'x-bytes': String(bytes), 'x-sha256': hash.digest('hex') }));
  stream.on('data', (chunk: Buffer) => {
    bytes += chunk.length;
    hash.update(chunk);
  });
  stream.pipe(stream);
}
