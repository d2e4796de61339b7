/** An HTTP/2 origin over node:http2, in this process, that counts what it sees. */
import {
  createSecureServer,
  createServer,
  type Http2ServerRequest,
  type Http2ServerResponse,
  type ServerHttp2Session,
  type ServerOptions,
  type Settings,
} from 'node:http2';
import type { AddressInfo, Socket } from 'node:net';
import type { TlsOptions } from 'node:tls';
import { loopback } from './certificates.js';
import { endpoints } from './endpoints.js';

export interface OriginOptions {
  /** Default: false, which is HTTP/2 in the clear with prior knowledge. */
  readonly tls?: boolean;
  /** Default: a free one. */
  readonly port?: number;
  readonly settings?: Settings;
  /** Answers instead of the {@link endpoints}, which it may call for what it leaves. */
  readonly handler?: (request: Http2ServerRequest, response: Http2ServerResponse) => void;
  /** Whether HTTP/1.1 is served too, on the same port; needs `tls`. Default: false. */
  readonly allowHTTP1?: boolean;
  /** Further options of node:http2's server. */
  readonly server?: ServerOptions & TlsOptions;
}

export interface TestOrigin {
  /** `http://127.0.0.1:port`, or https. */
  readonly origin: string;
  readonly port: number;
  /** The certificate to trust; undefined in the clear. */
  readonly ca: string | undefined;
  /** The sessions that are open now. */
  readonly sessions: ReadonlySet<ServerHttp2Session>;
  /** How many connections there have been in all. */
  readonly sessionCount: number;
  /** How many streams there have been in all. */
  readonly streamCount: number;
  /** How many streams are open now, and the most that were open at one time. */
  readonly openStreams: number;
  readonly maxOpenStreams: number;
  /** Ends everything at once and stops listening. */
  close(): Promise<void>;
}

/** Starts an origin on a free loopback port. */
export async function startOrigin(options: OriginOptions = {}): Promise<TestOrigin> {
  const handler = options.handler ?? endpoints;
  const serverOptions: ServerOptions = {
    maxSessionMemory: 1_000, // in MB; with Node's default, 10, one large body has all further streams refused
    ...options.server,
    settings: { ...options.settings },
  };
  const server =
    options.tls === true
      ? createSecureServer({ ...loopback, ...serverOptions, allowHTTP1: options.allowHTTP1 === true }, handler)
      : createServer(serverOptions, handler);
  const sessions = new Set<ServerHttp2Session>();
  const sockets = new Set<Socket>();
  server.on('connection', (socket: Socket) => {
    sockets.add(socket);
    socket.on('close', () => sockets.delete(socket));
  });
  const count = { sessions: 0, streams: 0, open: 0, maxOpen: 0 };
  server.on('session', (session) => {
    count.sessions++;
    sessions.add(session);
    session.on('close', () => sessions.delete(session));
    session.on('error', () => undefined); // 'close' follows; what went wrong is for the client's side to assert
  });
  server.on('stream', (stream) => {
    count.streams++;
    count.maxOpen = Math.max(count.maxOpen, ++count.open);
    stream.on('close', () => count.open--);
    stream.on('error', () => undefined); // a client that resets or leaves is no failure of the origin
  });
  await new Promise<void>((resolve) => server.listen(options.port ?? 0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  return {
    origin: `${options.tls === true ? 'https' : 'http'}://127.0.0.1:${port}`,
    port,
    ca: options.tls === true ? loopback.cert : undefined,
    sessions,
    get sessionCount() {
      return count.sessions;
    },
    get streamCount() {
      return count.streams;
    },
    get openStreams() {
      return count.open;
    },
    get maxOpenStreams() {
      return count.maxOpen;
    },
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        for (const session of sessions) session.destroy();
        for (const socket of sockets) socket.destroy(); // later Nodes wait for the peer's end of each, which may be dead
      }),
  };
}
