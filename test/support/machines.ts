/** One name with several addresses of the loopback network, a machine at each, all on one port. */
import { once } from 'node:events';
import { createServer as createHttp1Server } from 'node:http';
import { createServer } from 'node:http2';
import { connect, createServer as createTcpServer, type AddressInfo, type LookupFunction, type Socket } from 'node:net';
import type { TestContext } from 'node:test';

export interface Machine {
  readonly address: string;
  /** Paths of the requests that have arrived. */
  readonly requests: string[];
  /** Connections so far. */
  connections: number;
  /** From now on nothing is read or said; connections are still taken, as a kernel does for a stopped process. */
  freeze(): void;
  /** Ends its connections and takes no more. */
  stop(): void;
  /** Answers instead of 200 with its address as the body. */
  status: number;
}

export interface Machines {
  readonly origin: string;
  readonly machines: readonly Machine[];
  /** Answers with what stands in `addresses` at the time. */
  readonly lookup: LookupFunction;
  readonly addresses: string[];
}

/** Machines at 127.0.0.1, 127.0.0.2 and so on. They speak HTTP/2 in the clear, or HTTP/1.1, and end with the test. */
export async function startMachines(t: TestContext, count: number, { http1 = false } = {}): Promise<Machines> {
  const machines: Machine[] = [];
  let port = 0;
  for (let i = 1; i <= count; i++) {
    const [machine, at] = await startMachine(t, `127.0.0.${i}`, port, http1);
    machines.push(machine);
    port = at;
  }
  const addresses = machines.map(({ address }) => address);
  const lookup: LookupFunction = (_name, _options, callback) => {
    callback(
      null,
      addresses.map((address) => ({ address, family: 4 })),
    );
  };
  return { origin: `http://machines.test:${port}`, machines, lookup, addresses };
}

async function startMachine(t: TestContext, address: string, port: number, http1: boolean): Promise<[Machine, number]> {
  const sockets = new Set<Socket>();
  const keep = (socket: Socket): void => {
    sockets.add(socket);
    socket.on('error', () => socket.destroy());
    socket.on('close', () => sockets.delete(socket));
  };
  const served = (url: string | undefined): void => void machine.requests.push(url ?? '');
  const server = http1
    ? createHttp1Server((request, response) => {
        served(request.url);
        response.writeHead(machine.status).end(address);
      })
    : createServer((request, response) => {
        served(request.url);
        response.writeHead(machine.status).end(address);
      }).on('session', (session) => session.on('error', () => undefined));
  server.on('connection', keep);
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const behind = (server.address() as AddressInfo).port;
  let frozen = false;
  const door = createTcpServer((socket) => {
    machine.connections++;
    keep(socket);
    if (frozen) return;
    const inner = connect(behind, '127.0.0.1');
    keep(inner);
    socket.pipe(inner).pipe(socket);
    socket.on('close', () => inner.destroy());
    inner.on('close', () => socket.destroy());
  });
  const end = (): void => {
    door.close();
    server.close();
    for (const socket of sockets) socket.destroy();
  };
  const machine: Machine = {
    address,
    requests: [],
    connections: 0,
    status: 200,
    freeze: () => {
      frozen = true;
      for (const socket of sockets) {
        socket.unpipe();
        socket.pause();
      }
    },
    stop: end,
  };
  t.after(end);
  door.listen(port, address);
  await once(door, 'listening');
  return [machine, (door.address() as AddressInfo).port];
}
