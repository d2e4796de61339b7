/** A TCP proxy on the loopback interface that does to what the server sends whatever a bad network does. */
import { connect, createServer, type AddressInfo, type Socket } from 'node:net';
import { setImmediate as turn, setTimeout as sleep } from 'node:timers/promises';
import { resetSocket } from './reset.js';

export interface Fault {
  /** Bytes from the server after which it strikes; Infinity: never. */
  readonly after: number;
  /** `fin`: our side ends; `reset`: TCP reset; `stall`: nothing more ever comes; `half`: the server's end is passed on, the client may go on sending. */
  readonly how: 'fin' | 'reset' | 'stall' | 'half';
  /** The largest piece that is passed on at once, in bytes. Default: as it comes. */
  readonly piece?: number;
  /** Milliseconds between two pieces. Default: none. */
  readonly delay?: number;
}

export interface FaultProxy {
  readonly port: number;
  /** What the next connection meets. */
  fault: Fault;
  /** Bytes that the server sent on the last connection that was over. */
  readonly lastLength: number;
  close(): Promise<void>;
}

export async function faultProxy(targetPort: number): Promise<FaultProxy> {
  const sockets = new Set<Socket>();
  const state = { fault: { after: Infinity, how: 'fin' } as Fault, lastLength: 0 };
  const server = createServer({ noDelay: true, allowHalfOpen: true }, (client) => {
    const upstream = connect({ port: targetPort, host: '127.0.0.1', noDelay: true, allowHalfOpen: true });
    for (const socket of [client, upstream]) {
      sockets.add(socket);
      socket.on('close', () => sockets.delete(socket));
      socket.on('error', () => {
        client.destroy();
        upstream.destroy();
      });
    }
    client.pipe(upstream);
    void pass(upstream, client, state.fault).then((length) => {
      state.lastLength = length;
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    port: (server.address() as AddressInfo).port,
    get fault() {
      return state.fault;
    },
    set fault(fault) {
      state.fault = fault;
    },
    get lastLength() {
      return state.lastLength;
    },
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        for (const socket of sockets) socket.destroy();
      }),
  };
}

/** Passes on what the server sends until the fault strikes; resolves with how much that was. */
async function pass(upstream: Socket, client: Socket, fault: Fault): Promise<number> {
  let passed = 0;
  try {
    for await (const chunk of upstream.iterator({ destroyOnReturn: false }) as AsyncIterable<Buffer>) {
      const piece = fault.piece ?? chunk.length;
      for (let at = 0; at < chunk.length; at += piece) {
        const bytes = chunk.subarray(at, Math.min(at + piece, chunk.length));
        const left = fault.after - passed;
        client.write(left < bytes.length ? bytes.subarray(0, left) : bytes);
        passed += Math.min(bytes.length, left);
        if (passed >= fault.after) return strike(upstream, client, fault, passed);
        if (fault.delay !== undefined) await sleep(fault.delay);
        else if (fault.piece !== undefined) await turn();
      }
    }
    client.end();
  } catch {
    client.destroy(); // the server's side broke, or the client's: there is nobody to pass anything on to
  }
  return passed;
}

function strike(upstream: Socket, client: Socket, { how }: Fault, passed: number): number {
  upstream.on('data', () => undefined); // the rest of it goes nowhere
  if (how === 'reset') resetSocket(client);
  else if (how === 'fin') client.destroySoon();
  else if (how === 'half') client.end();
  return passed;
}
