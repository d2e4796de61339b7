/** What the tests of users' problems share: servers that do as they are told, and links that fail. */
import { connect, createServer, type AddressInfo, type Socket } from 'node:net';
import type { TestContext } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { Transport, type TransportOptions } from '../../dist/index.js';
import {
  rawServer,
  type RawBlock,
  type RawConnection,
  type RawServer,
  type RawSettings,
} from '../support/raw-server.js';

/** What a server does with one request whose header block has come. */
export type Answer = (connection: RawConnection, request: RawBlock) => void;

/** Greets each connection with `settings`, and answers each request as it comes. It ends with the test. */
export async function serving(
  t: TestContext,
  answer: Answer,
  options: { readonly settings?: RawSettings; readonly tls?: boolean } = {},
): Promise<RawServer> {
  const script = async (connection: RawConnection): Promise<void> => {
    await connection.greet({ initialWindowSize: 1 << 20, ...options.settings });
    connection.windowUpdate(0, 1 << 28);
    for (;;) answer(connection, await connection.request());
  };
  const server = await rawServer(script, { tls: options.tls === true });
  t.after(() => server.close());
  return server;
}

/** A transport that speaks HTTP/2 to http: origins too, and is destroyed with the test. */
export function client(t: TestContext, options: TransportOptions = {}): Transport {
  const transport = new Transport({ cleartext: 'h2c', ...options });
  t.after(() => {
    transport.destroy();
  });
  return transport;
}

/** 200 and a body. */
export function ok(connection: RawConnection, streamId: number, body: string | Uint8Array = ''): void {
  connection.headers(streamId, [[':status', '200']], { endStream: body.length === 0 });
  if (body.length > 0) connection.data(streamId, body, { endStream: true });
}

export const path = (request: RawBlock): string => request.get(':path') ?? '';

/** Resolves when that has come true; the limit of the test is the limit of the wait. */
export async function until(condition: () => boolean): Promise<void> {
  while (!condition()) await sleep(2);
}

/** Requests by their ID (`x-id`): how often a server has acted on each. */
export class Ledger {
  readonly acted = new Map<string, number>();

  act(request: RawBlock): void {
    const id = request.get('x-id') ?? '';
    this.acted.set(id, (this.acted.get(id) ?? 0) + 1);
  }

  /** Those that were acted on more than once. */
  get twice(): string[] {
    return [...this.acted].filter(([, times]) => times > 1).map(([id]) => id);
  }
}

export interface Link {
  readonly port: number;
  /** How many connections have come through. */
  readonly connections: number;
  /** From now on nothing passes on what is connected, in either direction, and nobody is told. */
  blackhole(): void;
  /** While it is true, new connections are accepted and lead nowhere. Default: false. */
  swallows: boolean;
}

/** A link to a port of this machine. */
export async function link(t: TestContext, port: number): Promise<Link> {
  const sockets = new Set<Socket>();
  let live: { readonly near: Socket; readonly far: Socket }[] = [];
  let connections = 0;
  const server = createServer((near) => {
    connections++;
    if (through.swallows) {
      sockets.add(near);
      near.on('error', () => undefined); // its client gives it up
      return;
    }
    const far = connect(port, '127.0.0.1');
    live.push({ near, far });
    for (const [one, other] of [
      [near, far],
      [far, near],
    ] as const) {
      sockets.add(one);
      one.on('error', () => other.destroy()); // either end may be reset: the other hears of it
      one.on('close', () => sockets.delete(one));
      one.pipe(other);
    }
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  t.after(() => {
    for (const socket of sockets) socket.destroy();
    server.close();
  });
  const through: Link = {
    port: (server.address() as AddressInfo).port,
    swallows: false,
    get connections() {
      return connections;
    },
    blackhole() {
      for (const { near, far } of live) {
        near.unpipe(far);
        far.unpipe(near);
        near.pause();
        far.pause();
      }
      live = [];
    },
  };
  return through;
}

/** Reads a piece of at most 64 KiB every 20 ms from now on. */
export function readSlowly(t: TestContext, { socket }: RawConnection): void {
  socket.on('data', () => socket.pause());
  const timer = setInterval(() => socket.resume(), 20);
  t.after(() => clearInterval(timer));
}
