/** WebSocket servers (RFC 6455) on the loopback interface: enough of one to tell whether bytes get through. */
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { createServer as createHttpServer, type IncomingMessage } from 'node:http';
import { createSecureServer } from 'node:http2';
import { createServer as createHttpsServer } from 'node:https';
import type { Server, Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import type { TestContext } from 'node:test';
import type { TLSSocket } from 'node:tls';
import { loopback } from './certificates.js';
import { listenFor } from './listen.js';

/** What a server offers: HTTP/1.1 alone, in the clear or by ALPN, or beside an HTTP/2 without extended CONNECT. */
export const wires = ['http', 'https', 'https with h2'] as const;
export type Wire = (typeof wires)[number];

export interface WebSocketOrigin {
  readonly origin: string;
  /** The same with ws: or wss:. */
  readonly url: string;
  /** Method, `upgrade` and path of the handshakes so far. */
  readonly handshakes: string[];
  /** What ALPN came to on each connection there has been; false: none. */
  readonly protocols: (string | false)[];
  /** The connections that are open. */
  readonly open: ReadonlySet<Socket>;
}

/** Text frames of these texts, as a server sends them. */
export function textFrames(...texts: readonly string[]): Buffer {
  return Buffer.concat(texts.map((text) => frame(0x81, Buffer.from(text))));
}

function frame(first: number, payload: Buffer): Buffer {
  const { length } = payload;
  const head = length < 126 ? Buffer.of(first, length) : Buffer.of(first, 126, length >> 8, length & 255);
  return Buffer.concat([head, payload]);
}

/** Echoes frames of less than 64 KiB, and the close frame, upon which it ends, as it does when the client has ended. */
export function echo(stream: Duplex): void {
  let held = Buffer.alloc(0);
  stream.on('error', () => undefined); // a client that leaves is no failure of the server's
  stream.on('end', () => stream.end());
  stream.on('data', (chunk: Buffer) => {
    held = Buffer.concat([held, chunk]);
    for (;;) {
      const long = held.length >= 2 && (held[1]! & 0x7f) === 126;
      const start = long ? 8 : 6;
      if (held.length < start) return;
      const length = long ? held.readUInt16BE(2) : held[1]! & 0x7f;
      if (held.length < start + length) return;
      const mask = held.subarray(start - 4, start);
      const payload = held.subarray(start, start + length).map((byte, i) => byte ^ mask[i % 4]!);
      stream.write(frame(held[0]!, Buffer.from(payload)));
      if ((held[0]! & 0x0f) === 8) stream.end();
      held = held.subarray(start + length);
    }
  });
}

/** The head of the answer that accepts, RFC 6455 section 4.2.2. */
export function accepting({ headers }: IncomingMessage): string {
  const key = headers['sec-websocket-key'] ?? '';
  const accept = createHash('sha1').update(`${key}258EAFA5-E914-47DA-95CA-C5AB0DC85B11`).digest('base64');
  const chosen = headers['sec-websocket-protocol'] === 'chat' ? 'Sec-WebSocket-Protocol: chat\r\n' : '';
  return `HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: ${accept}\r\n${chosen}\r\n`;
}

/** What a server does with one handshake. */
export type Answer = (request: IncomingMessage, socket: Duplex) => void;

/** Answers by the path; what is not named here is accepted and echoed. */
export const byPath: Answer = (request, socket) => {
  socket.on('error', () => undefined);
  socket.on('end', () => socket.end());
  socket.resume();
  switch (request.url) {
    case '/refuse':
      return void socket.end('HTTP/1.1 403 Forbidden\r\nConnection: close\r\nContent-Length: 7\r\n\r\nrefused');
    case '/ok':
      return void socket.end('HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 2\r\n\r\nok');
    case '/unasked':
      return void socket.write(accepting(request).replace('\r\n\r\n', '\r\nSec-WebSocket-Protocol: other\r\n\r\n'));
    case '/wrong':
      return void socket.write(accepting(request).replace(/(?<=Accept: ).*/, 'nonsense'));
    case '/close':
      return void socket.destroy();
    case '/silent':
      return;
    default:
      socket.write(accepting(request));
      echo(socket);
  }
};

/** Starts a server that ends with the test. Requests that ask for no upgrade are answered with their HTTP version. */
export async function startWebSockets(t: TestContext, wire: Wire, answer = byPath): Promise<WebSocketOrigin> {
  const handshakes: string[] = [];
  const protocols: (string | false)[] = [];
  const open = new Set<Socket>();
  const plain = (request: { httpVersion: string }, response: { end(text: string): void }): void => {
    response.end(request.httpVersion);
  };
  const server: Server =
    wire === 'http'
      ? createHttpServer(plain)
      : wire === 'https'
        ? createHttpsServer({ ...loopback }, plain)
        : createSecureServer({ ...loopback, allowHTTP1: true }, plain);
  server.on('upgrade', (request: IncomingMessage, socket: Duplex) => {
    handshakes.push(`${request.method} ${request.headers.upgrade} ${request.url}`);
    answer(request, socket);
  });
  server.on(wire === 'http' ? 'connection' : 'secureConnection', (socket: Socket) => {
    open.add(socket);
    protocols.push((socket as Partial<TLSSocket>).alpnProtocol ?? false);
    socket.on('close', () => open.delete(socket));
    socket.on('error', () => undefined);
  });
  const at = `127.0.0.1:${await listenFor(t, server, open)}`;
  const [scheme, webSocket] = wire === 'http' ? ['http', 'ws'] : ['https', 'wss'];
  return { origin: `${scheme}://${at}`, url: `${webSocket}://${at}`, handshakes, protocols, open };
}

/** Opens, has texts of three sizes echoed, and closes, under the subprotocol `chat`. */
export async function converse(socket: WebSocket): Promise<void> {
  const failed = once(socket, 'error').then(([event]) => {
    throw (event as { error?: Error }).error ?? new Error('the WebSocket failed');
  });
  failed.catch(() => undefined);
  const next = async (type: string): Promise<unknown> => {
    const [event] = (await Promise.race([once(socket, type), failed])) as unknown[];
    return event;
  };
  await next('open');
  if (socket.protocol !== 'chat') throw new Error(`the subprotocol is '${socket.protocol}'`);
  for (const text of ['hello', 'x'.repeat(40_000), 'bye']) {
    socket.send(text);
    const { data } = (await next('message')) as { data: string };
    if (data !== text) throw new Error(`'${data.slice(0, 10)}' came back for '${text.slice(0, 10)}'`);
  }
  socket.close(1000, 'done');
  const { code, reason } = (await next('close')) as { code: number; reason: string };
  if (code !== 1000 || reason !== 'done') throw new Error(`closed with ${code} '${reason}'`);
}
