/** Proxies on the loopback interface that take CONNECT over HTTP/1.1, in the clear and under TLS, and over HTTP/2. */
import { createServer as createHttpServer, type IncomingMessage, type Server } from 'node:http';
import { createSecureServer, type ServerHttp2Stream } from 'node:http2';
import { createServer as createHttpsServer } from 'node:https';
import { connect, type Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import type { TestContext } from 'node:test';
import { loopback } from './certificates.js';
import { listenFor } from './listen.js';

export const proxyKinds = ['http', 'https', 'h2'] as const;
export type ProxyKind = (typeof proxyKinds)[number];

/** One CONNECT as the proxy saw it. */
export interface Asked {
  readonly authority: string;
  readonly fields: Readonly<Record<string, unknown>>;
  /** The proxy has seen the end of the tunnel, or of the wish for it. */
  closed: boolean;
}

export interface ProxyOptions {
  /** The status to answer with; undefined: the tunnel is made; 0: no answer, ever. Default: undefined. */
  readonly answer?: (asked: Asked) => number | undefined;
  /** SETTINGS_MAX_CONCURRENT_STREAMS of a proxy that speaks HTTP/2. */
  readonly maxStreams?: number;
}

export interface TestProxy {
  readonly port: number;
  /** Without credentials. */
  readonly url: string;
  readonly asked: readonly Asked[];
  /** Connections that there have been, and those that are open. */
  readonly connections: number;
  readonly open: ReadonlySet<Socket>;
}

/** Starts a proxy that ends with the test. It connects every tunnel to 127.0.0.1, whatever host it is for. */
export async function startProxy(t: TestContext, kind: ProxyKind, options: ProxyOptions = {}): Promise<TestProxy> {
  const asked: Asked[] = [];
  const open = new Set<Socket>();
  let connections = 0;
  const ask = (authority: string, fields: Asked['fields'], stream: Duplex): number | undefined => {
    const one = { authority, fields, closed: false };
    asked.push(one);
    stream.on('close', () => (one.closed = true));
    stream.on('error', () => undefined);
    const status = options.answer?.(one);
    if (status !== undefined) stream.resume().on('end', () => stream.end()); // so that its end is seen, and answered
    return status;
  };
  const server = kind === 'h2' ? http2Proxy(ask, options) : http1Proxy(kind, ask);
  server.on('connection', (socket: Socket) => {
    connections++;
    socket.setNoDelay(true);
    open.add(socket);
    socket.on('close', () => open.delete(socket));
    socket.on('error', () => undefined);
  });
  const port = await listenFor(t, server, open);
  return {
    port,
    url: `${kind === 'http' ? 'http' : 'https'}://127.0.0.1:${port}`,
    asked,
    open,
    get connections() {
      return connections;
    },
  };
}

type Ask = (authority: string, fields: Asked['fields'], stream: Duplex) => number | undefined;

function http1Proxy(kind: 'http' | 'https', ask: Ask): Server {
  const server = kind === 'http' ? createHttpServer() : createHttpsServer(loopback);
  return server.on('connect', (request: IncomingMessage, socket: Duplex, head: Buffer) => {
    const status = ask(request.url ?? '', request.headers, socket);
    if (status === 0) return;
    if (status !== undefined) return void socket.end(`HTTP/1.1 ${status} No\r\ncontent-length: 3\r\n\r\nno\n`);
    if (head.length > 0) socket.unshift(head);
    join(request.url ?? '', socket, () => socket.write('HTTP/1.1 200 Connection established\r\n\r\n'));
  });
}

function http2Proxy(ask: Ask, { maxStreams }: ProxyOptions): ReturnType<typeof createSecureServer> {
  const settings = maxStreams === undefined ? {} : { maxConcurrentStreams: maxStreams };
  const server = createSecureServer({ ...loopback, settings, maxSessionMemory: 1_000 });
  server.on('session', (session) => session.on('error', () => undefined));
  return server.on('stream', (stream: ServerHttp2Stream, fields) => {
    const authority = fields[':authority'] ?? '';
    const status = ask(authority, fields, stream);
    if (status === 0) return;
    if (status !== undefined) return stream.respond({ ':status': status }, { endStream: true });
    join(authority, stream, () => stream.respond({ ':status': 200 }));
  });
}

function join(authority: string, client: Duplex, connected: () => void): void {
  const port = Number(authority.replace(/^.*:/, ''));
  const upstream = connect({ host: '127.0.0.1', port, allowHalfOpen: true, noDelay: true });
  upstream.once('connect', () => {
    connected();
    upstream.pipe(client);
    client.pipe(upstream);
  });
  upstream.on('error', () => client.destroy());
  client.on('close', () => upstream.destroy());
}
