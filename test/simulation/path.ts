import { proxyDialler } from '../../dist/proxy/index.js';
import { BaseTransport, type Platform } from '../../dist/transport.js';
import { resolveOptions, type TransportOptions } from '../../dist/transport-options.js';
import type { ClientResponse, RequestOptions } from '../../dist/request/index.js';
import { Books } from './books.js';
import { SimulatedClock } from './clock.js';
import { piece } from './frames.js';
import { Link } from './link.js';
import { Network, type Host } from './network.js';
import type { RequestPlan } from './plan.js';
import { ProxyProcess } from './proxy-process.js';
import { Random } from './random.js';
import { ServerProcess } from './server-process.js';

/** A path of so many bytes a millisecond, and milliseconds each way. */
export interface PathOptions {
  readonly bandwidth: number;
  readonly delay: number;
  /** Of the queue, in bytes. */
  readonly queue: number;
  /** All connections share one queue and what passes it; else each has its own. */
  readonly shared: boolean;
  /** What a kernel takes of what is sent, in bytes. Default: 1 MB. */
  readonly send?: number;
  /** What a kernel holds of what has come, in bytes. Default: 4 MB. */
  readonly receive?: number;
  readonly options?: TransportOptions;
  /** The server is reached through a proxy, which speaks this. Default: it is not. */
  readonly proxy?: 'h2' | 'http/1.1' | undefined;
  /** Of a connection to the proxy, in bytes. Default: 16 MB. */
  readonly proxyWindow?: number;
}

/** Two names of one machine: what shares it shares no connection. */
const names = ['path.example', 'beside.example'] as const;
const proxyName = 'proxy.example';

type Name = (typeof names)[number];
const always: TransportOptions = { decompress: false, allowHTTP1: false, cleartext: 'h2c' };

const handler = {
  delay: 0,
  status: 200,
  bytes: 100,
  pause: 0,
  trailers: false,
  informational: false,
  early: false,
  readsAfter: 0,
};

/** How one small GET fared. */
interface Small {
  readonly at: number;
  took: number;
}

/** A client and a server with one path between them, on the simulated network, whose clock the test moves. */
export class PathWorld {
  readonly clock = new SimulatedClock();
  readonly books = new Books();
  readonly host: Host;
  /** That of all connections, where they share one. */
  readonly link: Link;
  readonly network: Network;
  readonly transport: BaseTransport;
  /** Where there is none, it is one that nobody asks. */
  readonly proxy: ProxyProcess;
  /** Of all downloads, in bytes. */
  received = 0;
  private over = false;
  /** Those that are not read on: what is garbage would be cancelled. */
  private readonly kept: ClientResponse[] = [];
  private readonly plans = new Map<number, RequestPlan>();

  constructor(given: PathOptions) {
    const { bandwidth, delay, queue, shared, send = 1 << 20, receive = 1 << 22, options } = given;
    const { proxy, proxyWindow = 1 << 24 } = given;
    const random = new Random(1);
    const resolved = resolveOptions(
      { ...always, ...(proxy === undefined ? {} : { proxy: `https://${proxyName}` }), ...options },
      'simulation',
    );
    const world = {
      clock: this.clock,
      books: this.books,
      random,
      options: resolved,
      requestOf: (id: number) => this.plans.get(id),
      tell: () => undefined,
    };
    const path = (): Link => {
      const link = new Link(this.clock, delay, bandwidth, () => 0.5);
      link.queue = queue;
      return link;
    };
    this.link = path();
    const { link } = this;
    const process = new ServerProcess('10.0.0.1', world, { connectionWindow: 1 << 24, initialWindow: 1 << 22 });
    this.host = {
      address: '10.0.0.1',
      process,
      listening: true,
      swallowing: false,
      http2: true,
      get link() {
        return shared ? link : path();
      },
    };
    this.network = new Network(this.clock, { send, receive });
    this.network.hosts.set(this.host.address, this.host);
    const ways = {
      hosts: this.network.hosts,
      buffers: { send, receive },
      addressOf: (name: string) => this.network.names.get(name)?.addresses[0],
    };
    const windows = { connectionWindow: proxyWindow, initialWindow: 1 << 22 };
    this.proxy = new ProxyProcess('10.0.1.1', { ...world, books: new Books() }, ways, windows);
    const at = { link: new Link(this.clock, delay, Infinity, () => 0.5), listening: true, swallowing: false };
    const { address } = this.proxy;
    this.network.hosts.set(address, { ...at, address, process: this.proxy, http2: proxy === 'h2' });
    this.network.allowHTTP1 = proxy !== undefined;
    for (const name of [...names, proxyName])
      this.network.names.set(name, {
        addresses: [name === proxyName ? address : this.host.address],
        delay: 0,
        hangsUntil: 0,
        failing: false,
      });
    const platform: Omit<Platform, 'dialler'> = {
      clock: this.clock,
      wrap: () => {
        throw new Error('nothing is adopted here');
      },
      random: random.next,
      inRootContext: (callback) => callback(),
    };
    const dialler = proxyDialler(resolved, { ...platform, dialler: () => this.network });
    this.transport = new BaseTransport(resolved, { ...platform, dialler });
  }

  private plan(bytes: number, upload: number): number {
    const id = this.plans.size + 1;
    const sends =
      upload === 0
        ? undefined
        : ({ kind: 'made', bytes: upload, pause: 0, fails: false, trailers: false } as RequestPlan['upload']);
    const of = { id, upload: sends, handler: { ...handler, bytes } };
    this.plans.set(id, of as RequestPlan);
    return id;
  }

  private ask(
    name: Name,
    id: number,
    options: RequestOptions,
    read: (response: ClientResponse) => Promise<unknown>,
  ): void {
    const sent = this.transport.request(`http://${name}/${id}`, { ...options, headers: { 'x-id': String(id) } });
    sent.then(read).catch((error: unknown) => {
      if (!this.over) throw error;
    });
  }

  /** A response of so many bytes, read as it comes; `upTo`: until so many are read, and then no more. */
  download(bytes: number, name: Name = names[0], upTo = Infinity): void {
    const id = this.plan(bytes, 0);
    this.clock.poll(() => {
      this.ask(name, id, {}, async (response) => {
        let read = 0;
        for await (const piece of response.body) {
          this.received += piece.length;
          read += piece.length;
          if (read < upTo) continue;
          this.kept.push(response);
          await new Promise(() => undefined);
        }
      });
    });
  }

  /** A body of so many bytes, that is there as fast as it goes. */
  upload(bytes: number, name: Name = names[0]): void {
    const id = this.plan(100, bytes);
    const body = async function* (): AsyncGenerator<Uint8Array> {
      for (let at = 0; at < bytes; at += 65_536) {
        const bytesOf = piece(id, at, Math.min(65_536, bytes - at));
        yield await Promise.resolve(bytesOf);
      }
    };
    this.clock.poll(() => {
      this.ask(name, id, { method: 'POST', body: body() }, (response) => response.bytes());
    });
  }

  /** How many bytes of uploads the server has. */
  get uploaded(): number {
    let bytes = 0;
    for (const sightings of this.books.sightings.values()) for (const { received } of sightings) bytes += received;
    return bytes;
  }

  /** A small GET every so often, for so long; their round trips come in as time goes on. */
  smallGets(every: number, duration: number, name: Name = names[0]): Small[] {
    const all: Small[] = [];
    for (let at = 0; at < duration; at += every)
      this.clock.after(at, () => {
        this.clock.poll(() => {
          const id = this.plan(100, 0);
          const one: Small = { at: this.clock.time, took: Infinity };
          all.push(one);
          this.ask(name, id, {}, async (response) => {
            await response.bytes();
            one.took = this.clock.time - one.at;
          });
        });
      });
    return all;
  }

  pass(milliseconds: number): Promise<void> {
    return this.clock.runUntil(this.clock.time + milliseconds);
  }

  get states(): string[] {
    return this.transport.stats().origins.flatMap(({ connections }) => connections.map(({ state }) => state));
  }

  end(): Promise<void> {
    this.over = true;
    this.transport.destroy();
    return this.pass(20_000);
  }
}

export function median(of: readonly Small[]): number {
  return of.map(({ took }) => took).sort((a, b) => a - b)[Math.floor(of.length / 2)] ?? NaN;
}
