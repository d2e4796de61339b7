/** Servers of HTTP/1.1 that a test writes byte by byte, and one that serves the endpoints of all test origins. */
import { once } from 'node:events';
import { createServer as createHttpServer, type RequestListener } from 'node:http';
import { createServer as createHttpsServer } from 'node:https';
import { createServer as createTcpServer, type AddressInfo, type Server, type Socket } from 'node:net';
import type { TestContext } from 'node:test';
import { Transport, type TransportOptions } from '../../dist/index.js';
import { loopback } from '../support/certificates.js';
import { endpoints } from '../support/endpoints.js';

/** A transport that ends with the test. */
export function transportFor(t: TestContext, options?: TransportOptions): Transport {
  const transport = new Transport({ tls: { ca: loopback.cert }, ...options });
  t.after(() => transport.destroy());
  return transport;
}

export interface Http1Origin {
  readonly origin: string;
  /** Connections that there have been, those whose TLS handshake was completed where there is TLS. */
  readonly connections: number;
  /** Those that are open. */
  readonly open: ReadonlySet<Socket>;
}

/** Listens on a free port of the loopback interface until the test ends. */
export async function listen(t: TestContext, server: Server, scheme: 'http' | 'https'): Promise<Http1Origin> {
  const open = new Set<Socket>();
  let connections = 0;
  server.on(scheme === 'https' ? 'secureConnection' : 'connection', (socket: Socket) => {
    connections++;
    open.add(socket);
    socket.on('error', () => undefined);
    socket.on('close', () => open.delete(socket));
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  t.after(() => {
    server.close();
    for (const socket of open) socket.destroy();
  });
  const { port } = server.address() as AddressInfo;
  return {
    origin: `${scheme}://127.0.0.1:${port}`,
    open,
    get connections() {
      return connections;
    },
  };
}

/** A server of node:http. */
export function httpOrigin(t: TestContext, handler: RequestListener = endpoints): Promise<Http1Origin> {
  return listen(t, createHttpServer(handler), 'http');
}

/** A server of node:https, which takes part in ALPN and has only http/1.1 to choose. */
export function httpsOrigin(t: TestContext, handler: RequestListener = endpoints): Promise<Http1Origin> {
  return listen(t, createHttpsServer({ ...loopback }, handler), 'https');
}

/** One connection at a server that knows nothing of HTTP. */
export class RawPeer {
  readonly socket: Socket;
  /** All that has come, as latin1. */
  received = '';

  constructor(socket: Socket) {
    this.socket = socket;
    socket.on('data', (bytes: Buffer) => (this.received += bytes.toString('latin1')));
  }

  /** Waits for text, from where the last wait ended; gives what came up to its end. */
  async until(text: string): Promise<string> {
    for (;;) {
      const at = this.received.indexOf(text);
      if (at >= 0) {
        const taken = this.received.slice(0, at + text.length);
        this.received = this.received.slice(at + text.length);
        return taken;
      }
      await once(this.socket, 'data');
    }
  }

  /** Waits for the head of a request. */
  request(): Promise<string> {
    return this.until('\r\n\r\n');
  }

  /** Lines end in CRLF on the wire. */
  write(text: string): void {
    this.socket.write(text.replaceAll('\n', '\r\n'), 'latin1');
  }
}

/** A server that runs a script on each connection. */
export function rawOrigin(
  t: TestContext,
  script: (peer: RawPeer, index: number) => Promise<void> | void,
): Promise<Http1Origin> {
  let index = 0;
  const server = createTcpServer((socket) => {
    const run = async (): Promise<void> => script(new RawPeer(socket), index++);
    run().catch(() => socket.destroy()); // the test that needed more of this connection fails by itself
  });
  return listen(t, server, 'http');
}

/** Lets so much time pass. */
export function delay(milliseconds: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, milliseconds));
}

/** Waits until something is so; a test that waits for ever fails by its time limit. */
export async function eventually(condition: () => boolean): Promise<void> {
  while (!condition()) await delay(5);
}
