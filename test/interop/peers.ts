/** HTTP/2 servers that nobody here wrote: node:http2 (nghttp2), nghttpd, nginx and Go's x/net/http2. */
import { once } from 'node:events';
import { existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { loopback } from '../support/certificates.js';
import { endpoints, pattern } from '../support/endpoints.js';
import { startOrigin } from '../support/origin.js';
import { findProgram, run, startOnFreePort, startProcess, type ServerProcess } from './child.js';

/** A running server, on a free port of the loopback interface. */
export interface Peer {
  /** `http://127.0.0.1:port`, which means prior knowledge, or https. */
  readonly origin: string;
  /** The certificate to trust; undefined in the clear. */
  readonly ca: string | undefined;
  /** Ends every connection of now gracefully: GOAWAY, and running streams finish. Later connections are served. */
  drain?(): void;
  /** Stops it and leaves no process and no file. */
  close(): Promise<void>;
}

/** Paths beyond `/hello.txt` and `/bytes/10485760`, which all have; see test/support/endpoints.ts. */
export type Ability = 'echo' | 'headers' | 'large-headers' | 'trailers' | 'response-trailer' | 'drain';

export interface PeerKind<P extends Peer = Peer> {
  readonly name: string;
  readonly abilities: readonly Ability[];
  /** Why it cannot be started here; undefined where it can. */
  missing(): string | undefined;
  start(): Promise<P>;
}

/** How long the largest body of the tests is, in bytes. */
export const tenMegabytes = 10 * 1_048_576;

const goPath = '/usr/share/gocode';
const goSource = (folder: string): string =>
  fileURLToPath(new URL(`../../test/interop/${folder}/server.go`, import.meta.url));

const all: readonly Ability[] = ['echo', 'headers', 'large-headers', 'trailers', 'drain'];

export function both<P extends Peer>(
  name: string,
  abilities: readonly Ability[],
  missing: () => string | undefined,
  start: (tls: boolean) => Promise<P>,
): PeerKind<P>[] {
  return [true, false].map((tls) => ({
    name: `${name}, ${tls ? 'TLS' : 'h2c'}`,
    abilities,
    missing,
    start: () => start(tls),
  }));
}

export const peerKinds: readonly PeerKind[] = [
  ...both('node:http2', all, () => undefined, startNode),
  ...both('nghttpd', ['echo', 'response-trailer'], () => missingProgram('nghttpd'), startNghttpd),
  ...both('nginx', ['echo', 'headers', 'large-headers'], () => missingProgram('nginx'), startNginx),
  ...both('Go x/net/http2', all, () => missingGo('golang.org/x/net/http2'), startGo),
];

/** gRPC's interop service by google.golang.org/grpc. */
export const goGrpc = {
  missing: (): string | undefined => missingGo('google.golang.org/grpc'),
  start: (tls: boolean): Promise<Peer> => startGoProgram('go-grpc', tls),
};

/** The `skip` of a test that needs the peer: false where it must run, and fail if the peer is not there. */
export function skipWithout(kind: Pick<PeerKind, 'missing'>): string | false {
  return process.env['PASSINGLANE_INTEROP_REQUIRED'] === '1' ? false : (kind.missing() ?? false);
}

export function missingProgram(name: string): string | undefined {
  return findProgram(name) === undefined ? `${name} is not installed` : undefined;
}

function missingGo(needed: string): string | undefined {
  if (!existsSync(`${goPath}/src/${needed}`)) return `${needed} is not in ${goPath}`;
  return missingProgram('go');
}

export function programPath(name: string): string {
  const path = findProgram(name);
  if (path === undefined) throw new Error(`${name} is not installed`);
  return path;
}

const folders = new Set<string>();
process.on('exit', () => {
  for (const folder of folders) rmSync(folder, { recursive: true, force: true });
});

/** A folder of its own, with the certificate and its key. */
export function makeFolder(): { readonly path: string; readonly cert: string; readonly key: string; remove(): void } {
  const path = mkdtempSync(join(tmpdir(), 'passinglane-interop-'));
  const cert = join(path, 'cert.pem');
  const key = join(path, 'key.pem');
  writeFileSync(cert, loopback.cert);
  writeFileSync(key, loopback.key);
  folders.add(path);
  const remove = (): void => {
    rmSync(path, { recursive: true });
    folders.delete(path);
  };
  return { path, cert, key, remove };
}

/** The files that servers of files serve. */
function writeDocuments(folder: string): string {
  const documents = join(folder, 'documents');
  mkdirSync(join(documents, 'bytes'), { recursive: true });
  writeFileSync(join(documents, 'hello.txt'), 'hello\n');
  writeFileSync(join(documents, 'bytes', String(tenMegabytes)), pattern(tenMegabytes));
  return documents;
}

export function peerAt(tls: boolean, port: number): Pick<Peer, 'origin' | 'ca'> {
  return { origin: `${tls ? 'https' : 'http'}://127.0.0.1:${port}`, ca: tls ? loopback.cert : undefined };
}

export async function startNode(tls: boolean): Promise<Peer> {
  const origin = await startOrigin({ tls, settings: { maxHeaderListSize: 262_144, maxConcurrentStreams: 200 } });
  return {
    origin: origin.origin,
    ca: origin.ca,
    drain() {
      for (const session of origin.sessions) session.close();
    },
    close: () => origin.close(),
  };
}

/** nghttpd sends every uploaded body back, and the trailer `x-trailer: end` after every body. */
export async function startNghttpd(tls: boolean): Promise<Peer> {
  const nghttpd = programPath('nghttpd');
  const folder = makeFolder();
  const options = [
    '-a',
    '127.0.0.1',
    '-d',
    writeDocuments(folder.path),
    '--echo-upload',
    '--trailer',
    'x-trailer: end',
  ];
  const server = await startOnFreePort((port) =>
    startProcess(nghttpd, [
      ...options,
      ...(tls ? [] : ['--no-tls']),
      String(port),
      ...(tls ? [folder.key, folder.cert] : []),
    ]),
  );
  return { ...peerAt(tls, server.port), close: () => stopAndRemove(server, folder) };
}

/**
 * nginx serves the files itself and passes the rest on to a node:http server. `keepaliveRequests` is how many
 * requests a connection carries before nginx says GOAWAY.
 */
export async function startNginx(tls: boolean, keepaliveRequests = 100_000): Promise<Peer> {
  const nginx = programPath('nginx');
  const folder = makeFolder();
  const documents = writeDocuments(folder.path);
  const backend = createServer({ maxHeaderSize: 262_144 }, answerForNginx).listen(0, '127.0.0.1');
  await once(backend, 'listening');
  const { port: backendPort } = backend.address() as AddressInfo;
  const server = await startOnFreePort((port) => {
    const config = join(folder.path, 'nginx.conf');
    writeFileSync(config, nginxConfig({ tls, port, backendPort, keepaliveRequests, documents, folder: folder.path }));
    return startProcess(nginx, ['-p', folder.path, '-c', config, '-e', join(folder.path, 'error.log')]);
  });
  return {
    ...peerAt(tls, server.port),
    async close() {
      await stopAndRemove(server, folder);
      backend.close();
      backend.closeAllConnections();
      await once(backend, 'close');
    },
  };
}

/** nginx stops passing on a request's body once the response has begun, so the echo waits for all of it. */
export function answerForNginx(request: IncomingMessage, response: ServerResponse): void {
  if (request.url !== '/echo') return endpoints(request, response);
  const parts: Buffer[] = [];
  request.on('data', (part: Buffer) => parts.push(part));
  request.on('end', () => response.end(Buffer.concat(parts)));
}

interface NginxConfig {
  readonly tls: boolean;
  readonly port: number;
  readonly backendPort: number;
  readonly keepaliveRequests: number;
  readonly documents: string;
  readonly folder: string;
}

/** Where nginx puts what it cannot keep in memory. */
export function temporaryPaths(folder: string): string {
  return ['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi']
    .map((name) => `${name}_temp_path ${folder}/${name};`)
    .join('\n  ');
}

/** For nginx 1.19.7 to 1.24: since then `large_client_header_buffers` limits HTTP/2 too, and `http2` is a flag of `listen`. */
function nginxConfig(config: NginxConfig): string {
  return `daemon off;
master_process off;
pid ${config.folder}/nginx.pid;
error_log ${config.folder}/error.log error;
events { worker_connections 1024; }
http {
  access_log off;
  ${temporaryPaths(config.folder)}
  client_max_body_size 0;
  large_client_header_buffers 16 32k;
  keepalive_requests ${config.keepaliveRequests};
  server {
    listen 127.0.0.1:${config.port} ${config.tls ? 'ssl ' : ''}http2;
    ssl_certificate ${config.folder}/cert.pem;
    ssl_certificate_key ${config.folder}/key.pem;
    root ${config.documents};
    location ~ ^/(echo|count|headers|large-headers|status|delay)(/|$) {
      proxy_pass http://127.0.0.1:${config.backendPort};
      proxy_http_version 1.1;
      proxy_buffer_size 128k;
      proxy_buffers 8 128k;
    }
  }
}
`;
}

/** What a program of the tests prints once it listens: its ports, in the clear and with TLS. */
export async function portsOf(server: ServerProcess): Promise<[clear: number, secure: number]> {
  const { stdout } = server.child;
  if (stdout === null) throw new Error('unreachable: the process was started with pipes');
  const lines = createInterface({ input: stdout });
  const line = await new Promise<string>((resolve, reject) => {
    lines.once('line', resolve);
    server.child.once('exit', () => reject(new Error(`${server.child.spawnfile} does not start: ${server.stderr()}`)));
  });
  const [clear = 0, secure = 0] = line.split(' ').map(Number);
  return [clear, secure];
}

/** Builds and starts the program in a folder, which prints the ports that it listens on: in the clear, and with TLS. */
async function startGoProgram(source: string, tls: boolean): Promise<Peer> {
  const go = programPath('go');
  const folder = makeFolder();
  const binary = join(folder.path, 'server');
  await run(go, ['build', '-o', binary, goSource(source)], { GO111MODULE: 'off', GOPATH: goPath, GOFLAGS: '' });
  const server = startProcess(binary, [folder.cert, folder.key]);
  const [clearPort, securePort] = await portsOf(server);
  return {
    ...peerAt(tls, tls ? securePort : clearPort),
    drain: () => void server.child.kill('SIGUSR1'),
    close: () => stopAndRemove(server, folder),
  };
}

export function startGo(tls: boolean): Promise<Peer> {
  return startGoProgram('go', tls);
}

export async function stopAndRemove(server: ServerProcess, folder: { remove(): void }): Promise<void> {
  await server.stop();
  folder.remove();
}
