import { connect, createServer, type AddressInfo, type Server, type Socket } from 'node:net';
import { listening } from './origin.js';

/** A TCP proxy that passes bytes on both ways, and can stop reading what one client sends, or do nothing at all. */
export class StallingProxy {
  private readonly server: Server;
  private readonly target: number;
  private readonly clients: Socket[] = [];
  private readonly upstreams: Socket[] = [];
  private frozen = false;

  private constructor(target: number) {
    this.target = target;
    this.server = createServer((client) => this.accept(client));
  }

  /** Starts one in front of the port `target` of 127.0.0.1, on a free port there where it is not told another. */
  static async start(target: number, address = '127.0.0.1', port = 0): Promise<StallingProxy> {
    const proxy = new StallingProxy(target);
    await listening(proxy.server, address, port);
    return proxy;
  }

  get port(): number {
    return (this.server.address() as AddressInfo).port;
  }

  /** How many connections were accepted so far. */
  get accepted(): number {
    return this.clients.length;
  }

  /** Stops reading what the client of the n-th connection (from 0) sends; the other direction goes on. */
  stall(n: number): void {
    const [client, upstream] = this.pair(n);
    client.unpipe(upstream);
    client.pause();
  }

  resume(n: number): void {
    const [client, upstream] = this.pair(n);
    client.pipe(upstream);
  }

  /** Passes nothing on from now on; connections are taken still, as a kernel does for a process that stands still. */
  freeze(): void {
    this.frozen = true;
    for (const socket of [...this.clients, ...this.upstreams]) socket.unpipe().pause();
  }

  thaw(): void {
    this.frozen = false;
    for (const [i, client] of this.clients.entries()) this.join(client, this.upstreams[i]);
  }

  close(): Promise<void> {
    return new Promise((resolve, reject) => {
      this.server.close((error) => (error === undefined ? resolve() : reject(error)));
      for (const socket of [...this.clients, ...this.upstreams]) socket.destroy();
    });
  }

  private accept(client: Socket): void {
    const upstream = connect(this.target, '127.0.0.1');
    client.setNoDelay(true);
    upstream.setNoDelay(true);
    this.clients.push(client);
    this.upstreams.push(upstream);
    if (!this.frozen) this.join(client, upstream);
    // One side's end, for whatever reason, is passed on to the other: nothing else is a proxy's business.
    client.on('error', () => upstream.destroy());
    upstream.on('error', () => client.destroy());
    client.on('close', () => upstream.destroy());
    upstream.on('close', () => client.destroy());
  }

  private join(client: Socket, upstream: Socket | undefined): void {
    if (upstream !== undefined) client.pipe(upstream).pipe(client);
  }

  private pair(n: number): [Socket, Socket] {
    const [client, upstream] = [this.clients[n], this.upstreams[n]];
    if (client === undefined || upstream === undefined) throw new RangeError(`the proxy has no connection ${n}`);
    return [client, upstream];
  }
}
