import './immediate.js';
import type { LookupFunction } from 'node:net';
import type { Duplex } from 'node:stream';
import { abortable } from '../../dist/abortable.js';
import { TransportError } from '../../dist/errors.js';
import { Http1Connection } from '../../dist/http1/index.js';
import type { Dialled, DialRoute, OpenedStream, Origin, StreamDialler } from '../../dist/ports/dialler.js';
import { alpnFailed, connectFailed, isAlpnRefusal, mostTelling } from '../../dist/node/failure.js';
import { lookUp } from '../../dist/node/address.js';
import { Resolver } from '../../dist/node/resolver.js';
import { race } from '../../dist/node/race.js';
import { SocketTransport } from '../../dist/node/socket-transport.js';
import type { SimulatedClock } from './clock.js';
import { SimulatedDuplex } from './duplex.js';
import { kernel } from './kernel.js';
import type { Link } from './link.js';
import type { Buffers } from './pipe.js';
import { clientHello, serverHello } from './server-end.js';
import type { ServerProcess } from './server-process.js';
import { infoOf, SimulatedSocket } from './socket.js';
import { Tcp } from './tcp.js';

/** A machine at an address. */
export interface Host {
  readonly address: string;
  readonly link: Link;
  readonly process: ServerProcess;
  /** Whether the port is open: else connects are refused. */
  listening: boolean;
  /** What asks for a connection is dropped on the way, and nothing else is. */
  swallowing: boolean;
  /** It takes HTTP/2 by ALPN; else HTTP/1.1, and where nobody offers that it ends the handshake. */
  http2: boolean;
}

/** What a name stands for, and how the resolver behaves. */
export interface Name {
  addresses: readonly string[];
  /** In milliseconds. */
  delay: number;
  /** Until when a look-up is not answered, in the world's time. */
  hangsUntil: number;
  failing: boolean;
}

/** What the process holds of a connection. */
type OpenSocket = SimulatedSocket | SimulatedDuplex;

/** All machines, and the dialler of the process among them: the real `Names` and `race` over simulated sockets. */
export class Network implements StreamDialler {
  readonly hosts = new Map<string, Host>();
  readonly names = new Map<string, Name>();
  /** Those that a name has ever stood for. */
  readonly machines = new Map<string, readonly Host[]>();
  /** Connections that the process has not closed. */
  readonly open = new Map<OpenSocket, { readonly tcp: Tcp; readonly host: Host }>();
  /** ALPN offers HTTP/1.1 as well. */
  allowHTTP1 = false;
  /** Attempts to connect that are under way. */
  attempts = 0;
  /** Told of each connection attempt: for the story. */
  tell: (what: string) => void = () => undefined;
  /** Told which addresses of a name a dial goes to before all others. */
  onDial: (name: string, first: readonly string[]) => void = () => undefined;
  /** Told of each attempt to connect to an address. What it returns is called when that is over; `early`: given up before it had had its time. */
  onAttempt: (host: Host) => (early: boolean) => void = () => () => undefined;
  /** How the next connection's bytes are cut, in bytes a read. */
  drawMostRead: () => number = () => Infinity;
  private readonly clock: SimulatedClock;
  private readonly buffers: Buffers;
  private readonly resolver: Resolver;

  constructor(clock: SimulatedClock, buffers: Buffers) {
    this.clock = clock;
    this.buffers = buffers;
    this.resolver = new Resolver({}, clock, (name, family) => lookUp(name, this.lookup, family));
  }

  private readonly lookup: LookupFunction = (hostname, _options, callback) => {
    const name = this.names.get(hostname);
    const fail = (code: string): void => {
      this.clock.poll(() => callback(Object.assign(new Error(`getaddrinfo ${code} ${hostname}`), { code }), ''));
    };
    const ask = (attempt: number): void => {
      if (name !== undefined && name.hangsUntil > this.clock.time) {
        if (attempt < kernel.lookupAttempts) this.clock.after(kernel.lookupPatience, () => ask(attempt + 1));
        else fail('EAI_AGAIN');
        return;
      }
      if (name === undefined || name.failing) return fail('ENOTFOUND');
      const answer = name.addresses.map((address) => ({ address, family: 4 }));
      this.clock.poll(() => callback(null, answer));
    };
    this.clock.after(name?.delay ?? 0, () => ask(1));
  };

  async dial(origin: Origin, signal: AbortSignal, http1Only = false, route?: DialRoute): Promise<Dialled> {
    const attempt = this.attempt(origin, http1Only, route, signal);
    /** In the order of the pool, as src/node/dial.ts does it. */
    const connect = (hosts: readonly string[], all: readonly string[]): Promise<OpenSocket> => {
      const ordered = (route?.order(all) ?? [hosts, []]).map((group) => group.filter((host) => hosts.includes(host)));
      this.onDial(origin.hostname, ordered[0] ?? []);
      return race(ordered.flat(), attempt, this.clock, signal, ordered[0]?.length);
    };
    try {
      signal.throwIfAborted();
      const known = route?.address;
      const socket = await (known === undefined
        ? this.resolver.connect(origin.hostname, connect, signal)
        : race([known], attempt, this.clock, signal));
      if (signal.aborted) socket.destroy();
      signal.throwIfAborted();
      return { ...speaking(socket), address: socket.info.remoteAddress };
    } catch (error) {
      signal.throwIfAborted();
      if (isAlpnRefusal(mostTelling(error))) throw alpnFailed(origin.href, this.allowHTTP1, undefined, error);
      throw connectFailed(origin.href, error);
    }
  }

  /** Its origin takes HTTP/2. */
  async dialOver({ stream, begun }: OpenedStream, origin: Origin, signal: AbortSignal): Promise<Dialled> {
    const times = { begun, lookup: undefined, connect: this.clock.now(), secure: undefined };
    try {
      if (origin.scheme === 'https:') await secured(stream, signal);
    } catch (error) {
      stream.destroy();
      signal.throwIfAborted();
      throw connectFailed(origin.href, error);
    }
    return { protocol: 'h2', transport: new SocketTransport(stream, undefined, times) };
  }

  resolve(origin: Origin): Promise<readonly string[]> {
    return this.resolver.anew(origin.hostname);
  }

  private attempt(origin: Origin, http1Only: boolean, route: DialRoute | undefined, signal: AbortSignal) {
    const secure = origin.scheme === 'https:';
    const begun = this.clock.now();
    return (address: string, succeeded: (socket: OpenSocket) => void, failed: (error: Error) => void): (() => void) => {
      const host = this.hosts.get(address);
      if (host === undefined) throw new Error(`there is no machine at ${address}`);
      this.attempts++;
      const ended = this.onAttempt(host);
      route?.trying(address);
      let over = false;
      let tcp: Tcp | undefined = undefined;
      let unreported: OpenSocket | undefined = undefined;
      const settle = (report: () => void): void => {
        if (over) return;
        over = true;
        this.attempts--;
        ended(false);
        this.clock.poll(report);
      };
      const fail = (code: string): void => {
        settle(() => {
          route?.failed(address);
          failed(Object.assign(new Error(`connect ${code} ${address}`), { code, address }));
        });
      };
      const asked = (patience: number): void => {
        if (over) return;
        if (host.swallowing) {
          this.clock.after(patience, () => asked(2 * patience));
          return;
        }
        const http2 = !secure || (host.http2 && !http1Only);
        const offersNone = !http2 && !http1Only && !this.allowHTTP1;
        if (!host.listening || offersNone) {
          host.link.carry(
            'down',
            () => fail(host.listening ? 'ERR_SSL_TLSV1_ALERT_NO_APPLICATION_PROTOCOL' : 'ECONNREFUSED'),
            () => over,
          );
          return;
        }
        const made = new Tcp(this.clock, host.link, this.buffers);
        tcp = made;
        made.mostRead = this.drawMostRead();
        made.client = { onReset: () => fail('ECONNRESET') };
        host.process.accept(made, secure, http2);
        const ready = (): void => {
          const gone = (socket: OpenSocket): void => void this.open.delete(socket);
          const socket = http2
            ? new SimulatedSocket(this.clock, made, address, secure, gone, begun)
            : new SimulatedDuplex(this.clock, made, infoOf(begun, address, secure, 'http/1.1'), gone);
          this.open.set(socket, { tcp: made, host });
          unreported = socket;
          settle(() => {
            if (unreported === undefined) return;
            unreported = undefined;
            succeeded(socket);
          });
        };
        host.link.carry(
          'down',
          () => (secure ? this.secure(made, ready, () => fail('ECONNRESET')) : ready()),
          () => over,
          kernel.retransmitConnect,
        );
      };
      host.link.carry(
        'up',
        () => asked(kernel.retransmitConnect),
        () => over,
        kernel.retransmitConnect,
      );
      return () => {
        unreported?.destroy();
        unreported = undefined;
        if (over) return;
        over = true;
        this.attempts--;
        ended(!hadItsTime(signal));
        if (tcp === undefined) return;
        tcp.client = undefined;
        tcp.resetFrom('client');
        tcp.down.stopReading();
      };
    };
  }

  /** TLS, as far as time and bytes go: one flight each way. Node takes an end within it for a reset. */
  private secure(tcp: Tcp, ready: () => void, ended: () => void): void {
    let missing = serverHello;
    tcp.up.write(new Uint8Array(clientHello));
    tcp.down.onReadable = () => {
      while (missing > 0 && tcp.down.readable > 0) missing -= tcp.down.read(missing).length;
      if (missing === 0) ready();
      else if (tcp.down.ended) ended();
    };
  }
}

/** The dial was ended by `connectTimeout`, not because another address answered, or since nobody waited for it any more. */
function hadItsTime({ aborted, reason }: AbortSignal): boolean {
  return aborted && TransportError.isInstance(reason) && reason.code === 'ERR_PASSINGLANE_CONNECT_TIMEOUT';
}

/** TLS over a stream, as far as time and bytes go. */
function secured(stream: Duplex, signal: AbortSignal): Promise<void> {
  return abortable(signal, (resolve, reject) => {
    const read = (): void => {
      if (stream.read(serverHello) !== null) resolve();
    };
    const closed = (): void => reject(Object.assign(new Error('read ECONNRESET'), { code: 'ECONNRESET' }));
    stream
      .on('readable', read)
      .on('close', closed)
      .on('error', () => undefined);
    stream.write(Buffer.alloc(clientHello));
    return () => void stream.off('readable', read).off('close', closed);
  });
}

function speaking(socket: OpenSocket): Dialled {
  if (socket instanceof SimulatedSocket) return { protocol: 'h2', transport: socket };
  return {
    protocol: 'http/1.1',
    socket,
    open: (stream, config, clock, owner) => new Http1Connection(stream, config, clock, owner, socket.info),
  };
}
