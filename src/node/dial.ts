import { connect as connectTcp, Socket, type LookupFunction, type NetConnectOpts } from 'node:net';
import type { Duplex } from 'node:stream';
import type { ConnectionOptions, TLSSocket } from 'node:tls';
import {
  originKey,
  type CreateConnectionOptions,
  type Dialled,
  type DialRoute,
  type DialTimes,
  type OpenedStream,
  type Origin,
  type StreamDialler,
} from '../ports/index.js';
import { invalidArgument } from '../errors.js';
import { Http1Connection } from '../http1/index.js';
import { readBeforeFailing } from './late-failure.js';
import { abortable } from '../abortable.js';
import { nodeClock } from './clock.js';
import { closeReason, connected, ignoreError } from './connected.js';
import { inRootContext } from './context.js';
import { alpnFailed, connectFailed, http1Refused, inadequateSecurity, isAlpnRefusal, mostTelling } from './failure.js';
import { logKeys } from './key-log.js';
import { Resolver } from './resolver.js';
import { race, type StartAttempt } from './race.js';
import { ReadBuffer } from './read-buffer.js';
import { infoOf, isDuplex, SocketTransport } from './socket-transport.js';
import {
  alpnProtocols,
  haveSameValues,
  identityCheckFor,
  isAllowedForHttp2,
  minVersionFor,
  servernameFor,
  SessionCache,
  withoutRenegotiation,
} from './tls.js';

/** The origin's own name goes before the one that is for all. */
function withServername(options: ConnectionOptions, { servername }: Origin): ConnectionOptions {
  return servername === undefined ? options : { ...options, servername };
}

export interface DiallerOptions {
  /** Options of tls.connect. `ALPNProtocols` is ignored: what to offer follows from `allowHTTP1`. */
  readonly tls?: ConnectionOptions | undefined;
  /** Whether ALPN offers HTTP/1.1 too, for a server without HTTP/2. */
  readonly allowHTTP1: boolean;
  /** What is spoken to http: origins; 'h2c' is HTTP/2 with prior knowledge (RFC 9113 section 3.3). */
  readonly cleartext: 'http/1.1' | 'h2c';
  readonly lookup?: LookupFunction | undefined;
  readonly localAddress?: string | undefined;
  /** TCP keep-alive, or how long a connection must have been idle for its first probe, in milliseconds. */
  readonly keepAlive?: boolean | number | undefined;
  /** A Unix domain socket or named pipe that stands for every host. */
  readonly socketPath?: string | undefined;
  /**
   * Makes the connections. For https: it also secures them; its word that HTTP/2 is spoken is taken, unless the
   * stream's `alpnProtocol` is 'http/1.1'. A stream that is still connecting is waited for.
   */
  readonly createConnection?: ((options: CreateConnectionOptions) => Duplex | Promise<Duplex>) | undefined;
}

/** A socket of our own, with the buffer that it reads into if it may come to carry HTTP/2. */
interface Connected {
  readonly address: string | undefined;
  readonly socket: Socket;
  readonly reads: ReadBuffer | undefined;
  readonly times: DialTimes;
}

/** An address to try, or the path of a socket. */
type Endpoint = { readonly host: string } | { readonly path: string };

/** Dials over node:net and node:tls, in no request's AsyncLocalStorage context. node:tls is loaded when first needed. */
export class NodeDialler implements StreamDialler {
  private readonly options: DiallerOptions;
  private readonly resolver: Resolver;
  private sessions = new SessionCache();
  /** The TLS options of the connections whose sessions those are. */
  private tlsOfSessions: ConnectionOptions = {};

  constructor(options: DiallerOptions, resolver = new Resolver(options)) {
    this.options = options;
    this.resolver = resolver;
  }

  async dial(origin: Origin, signal: AbortSignal, http1Only = false, route?: DialRoute): Promise<Dialled> {
    const { createConnection } = this.options;
    return inRootContext(() =>
      this.dialBy(origin, signal, http1Only, (offer) =>
        createConnection === undefined
          ? this.dialOwn(origin, signal, offer, route)
          : this.dialCustom(origin, signal, offer, createConnection),
      ),
    );
  }

  resolve(origin: Origin): Promise<readonly string[]> | undefined {
    const { createConnection, socketPath } = this.options;
    if (createConnection !== undefined || socketPath !== undefined) return undefined;
    return inRootContext(() => this.resolver.anew(origin.hostname));
  }

  async dialOver(opened: OpenedStream, origin: Origin, signal: AbortSignal, http1Only = false): Promise<Dialled> {
    try {
      return await inRootContext(() =>
        this.dialBy(origin, signal, http1Only, (offer) => this.dialOpened(opened, origin, signal, offer)),
      );
    } catch (error) {
      opened.stream.destroy();
      throw error;
    }
  }

  private async dialBy(
    origin: Origin,
    signal: AbortSignal,
    http1Only: boolean,
    connect: (offer: readonly string[]) => Promise<Dialled>,
  ): Promise<Dialled> {
    try {
      signal.throwIfAborted();
      const dialled = await connect(http1Only ? ['http/1.1'] : alpnProtocols(this.options.allowHTTP1));
      if (signal.aborted) (dialled.protocol === 'h2' ? dialled.transport : dialled.socket).destroy();
      signal.throwIfAborted(); // it may have been while the last promise settled
      return dialled;
    } catch (error) {
      signal.throwIfAborted();
      if (isAlpnRefusal(mostTelling(error)) && http1Only) throw http1Refused(origin.href, error);
      if (isAlpnRefusal(mostTelling(error))) throw alpnFailed(origin.href, this.options.allowHTTP1, undefined, error);
      throw connectFailed(origin.href, error);
    }
  }

  private async dialOwn(
    origin: Origin,
    signal: AbortSignal,
    offer: readonly string[],
    route: DialRoute | undefined,
  ): Promise<Dialled> {
    const { socketPath, keepAlive } = this.options;
    const begun = nodeClock.now();
    const secure = origin.scheme === 'https:';
    const connect = (endpoints: readonly Endpoint[], late?: number): Promise<Connected> => {
      const lookup = socketPath === undefined ? nodeClock.now() : undefined;
      const tls = secure ? nodeTls() : undefined;
      return race(endpoints, this.attempts(origin, offer, tls, { begun, lookup }, route), nodeClock, signal, late);
    };
    const connectTo = (hosts: readonly string[], all: readonly string[]): Promise<Connected> => {
      const groups = (route?.order(all) ?? [hosts, []]).map((group) => group.filter((host) => hosts.includes(host)));
      const ordered = groups.some((group) => group.length > 0) ? groups : [hosts];
      return connect(
        ordered.flat().map((host) => ({ host })),
        ordered[0]?.length,
      );
    };
    const known = socketPath === undefined ? route?.address : undefined;
    const connecting =
      known !== undefined
        ? connect([{ host: known }])
        : socketPath === undefined
          ? this.resolver.connect(origin.hostname, connectTo, signal)
          : connect([{ path: socketPath }]);
    // To load it takes a new process up to 15 ms, while the name is looked up on a thread.
    const loading = secure ? loadTls() : undefined;
    const [{ socket, reads, times, address }] = await Promise.all([connecting, loading]);
    socket.ref();
    socket.setNoDelay(true);
    if (keepAlive !== undefined && keepAlive !== false) socket.setKeepAlive(true, keepAlive === true ? 0 : keepAlive);
    return { ...this.negotiated(origin, socket, reads, times), address };
  }

  /** What starts an attempt to connect to an endpoint of the origin. */
  private attempts(
    origin: Origin,
    offer: readonly string[],
    secure: typeof import('node:tls') | undefined,
    times: Pick<DialTimes, 'begun' | 'lookup'>,
    route: DialRoute | undefined,
  ): StartAttempt<Endpoint, Connected> {
    return (endpoint, succeeded, failed) => {
      const address = 'host' in endpoint ? endpoint.host : undefined;
      if (address !== undefined) route?.trying(address);
      const reads = secure !== undefined || this.options.cleartext === 'h2c' ? new ReadBuffer() : undefined;
      const place = this.placeOf(origin, endpoint, reads);
      const options = secure === undefined ? {} : this.tlsOptions(origin, secure, offer);
      const socket = secure === undefined ? connectTcp(place) : secure.connect({ ...options, ...place });
      reads?.attach(socket);
      socket.unref(); // whoever waits for it keeps the process alive; if nobody does any more, neither does it
      if (secure !== undefined) this.followSession(socket as TLSSocket, origin, options.session);
      if (secure !== undefined) logKeys(socket as TLSSocket);
      let connect: number | undefined = undefined;
      socket.once('connect', () => {
        connect = nodeClock.now();
      });
      const ready = (): void => {
        const done = secure === undefined ? undefined : nodeClock.now();
        succeeded({ socket, reads, address, times: { ...times, connect, secure: done } });
      };
      return follow(socket, secure === undefined ? 'connect' : 'secureConnect', ready, (error) => {
        if (address !== undefined) route?.failed(address);
        failed(error);
      });
    };
  }

  private async dialOpened(
    { stream, begun }: OpenedStream,
    origin: Origin,
    signal: AbortSignal,
    offer: readonly string[],
  ): Promise<Dialled> {
    const times = { begun, lookup: undefined, connect: nodeClock.now(), secure: undefined };
    if (origin.scheme === 'http:') return this.negotiated(origin, stream, undefined, times);
    const tls = nodeTls();
    if (stream.destroyed) throw closeReason(stream);
    const socket = await abortable<TLSSocket>(signal, (resolve, reject) => {
      const options = this.tlsOptions(origin, tls, offer);
      const secured = tls.connect({ ...options, host: origin.hostname, socket: stream });
      this.followSession(secured, origin, options.session);
      logKeys(secured);
      const giveUp = follow(secured, 'secureConnect', () => resolve(secured), reject);
      return (resolved) => {
        if (!resolved) giveUp();
      };
    });
    passRefs(socket, stream);
    return this.negotiated(origin, socket, undefined, { ...times, secure: nodeClock.now() });
  }

  private placeOf(origin: Origin, endpoint: Endpoint, reads: ReadBuffer | undefined): NetConnectOpts {
    const { localAddress } = this.options;
    // autoSelectFamily is Node's own race, which aborts attempts that are slower than 250 ms.
    const common = { onread: reads?.onread, port: origin.port, localAddress, autoSelectFamily: false };
    // A certificate without a servername is checked against `host`, which `path` outranks as the place to connect to.
    return 'path' in endpoint ? { ...common, host: origin.hostname, path: endpoint.path } : { ...common, ...endpoint };
  }

  private tlsOptions(origin: Origin, tls: typeof import('node:tls'), offer: readonly string[]): ConnectionOptions {
    const given = { ...this.options.tls };
    if (!haveSameValues(given, this.tlsOfSessions)) {
      // Their owner has changed them. A session would be resumed as the client that we were (RFC 8446 section 2.2).
      this.sessions = new SessionCache();
      this.tlsOfSessions = given;
    }
    const options = withServername(given, origin);
    const servername = servernameFor(origin.hostname, options);
    return {
      ...options,
      ...minVersionFor(options, tls.DEFAULT_MIN_VERSION),
      ...identityCheckFor(origin.hostname, options, tls.checkServerIdentity),
      ...withoutRenegotiation(options),
      ...(servername === undefined ? {} : { servername }),
      ALPNProtocols: [...offer],
      socket: undefined,
      path: undefined,
      session: this.sessions.get(originKey(origin)),
    };
  }

  private followSession(socket: TLSSocket, origin: Origin, session: Buffer | undefined): void {
    const sessions = this.sessions;
    sessions.collectFrom(socket, originKey(origin));
    if (session === undefined) return;
    const drop = (): void => sessions.drop(originKey(origin), session);
    if (socket.connecting) socket.once('connect', () => socket.once('close', drop));
    else socket.once('close', drop);
    socket.once('secureConnect', () => socket.off('close', drop));
  }

  private async dialCustom(
    origin: Origin,
    signal: AbortSignal,
    offer: readonly string[],
    createConnection: NonNullable<DiallerOptions['createConnection']>,
  ): Promise<Dialled> {
    const secure = origin.scheme === 'https:';
    const stream = await customStream(createConnection, {
      origin: origin.href,
      protocol: secure ? 'https:' : 'http:',
      hostname: origin.hostname,
      port: origin.port,
      servername: secure ? servernameFor(origin.hostname, withServername(this.options.tls ?? {}, origin)) : undefined,
      alpnProtocols: secure ? offer : [],
      signal,
    });
    await connected(stream, signal);
    const { alpnProtocol } = stream as { alpnProtocol?: string | false | null };
    if (alpnProtocol === 'http/1.1') return this.http1(origin, stream, alpnProtocol);
    if (!secure && alpnProtocol !== 'h2' && this.options.cleartext === 'http/1.1') return speakHttp1(stream);
    return { protocol: 'h2', transport: new SocketTransport(stream) };
  }

  private negotiated(origin: Origin, socket: Duplex, reads: ReadBuffer | undefined, times: DialTimes): Dialled {
    if (!isSecured(socket, origin)) {
      return this.options.cleartext === 'h2c'
        ? { protocol: 'h2', transport: new SocketTransport(socket, reads, times) }
        : speakHttp1(socket, times);
    }
    if (socket.alpnProtocol !== 'h2') return this.http1(origin, socket, socket.alpnProtocol || undefined, times);
    const cipher = socket.getCipher().name;
    if (!isAllowedForHttp2(socket.getProtocol(), cipher)) {
      socket.destroy();
      throw inadequateSecurity(origin.href, cipher);
    }
    return { protocol: 'h2', transport: new SocketTransport(socket, reads, times) };
  }

  private http1(origin: Origin, socket: Duplex, chosen: string | undefined, times?: DialTimes): Dialled {
    if (this.options.allowHTTP1) return speakHttp1(socket, times);
    socket.destroy();
    throw alpnFailed(origin.href, false, chosen);
  }
}

/** Loaded when first needed; `import()` would do more than load it. */
function nodeTls(): typeof import('node:tls') {
  return process.getBuiltinModule('node:tls');
}

async function loadTls(): Promise<void> {
  nodeTls();
}

function speakHttp1(socket: Duplex, dial?: DialTimes): Dialled {
  const info = { ...infoOf(socket), dial };
  // A server may answer an upload early, by 413 for example, and close.
  if (socket instanceof Socket) readBeforeFailing(socket);
  return {
    protocol: 'http/1.1',
    socket,
    open: (stream, config, clock, owner) => new Http1Connection(stream, config, clock, owner, info),
  };
}

/** Reports the outcome of an attempt, and returns what gives it up. */
function follow(
  socket: Socket,
  ready: 'connect' | 'secureConnect',
  succeeded: () => void,
  failed: (error: Error) => void,
): () => void {
  const onClose = (): void => failed(closeReason(socket));
  socket.on('error', ignoreError);
  socket.once('close', onClose);
  socket.once(ready, () => {
    socket.off('close', onClose);
    succeeded();
  });
  return () => {
    socket.off('close', onClose); // to be given up is no failure
    socket.destroy();
  };
}

/** The stream that the user's dialler comes up with. One that comes after the signal was aborted is destroyed. */
function customStream(
  createConnection: NonNullable<DiallerOptions['createConnection']>,
  options: CreateConnectionOptions,
): Promise<Duplex> {
  return abortable(options.signal, (resolve, reject) => {
    let wanted = true;
    const create = async (): Promise<void> => {
      const stream: unknown = await createConnection(options);
      if (!isDuplex(stream)) throw invalidArgument('stream from createConnection', stream, 'a Duplex');
      stream.on('error', ignoreError);
      if (wanted) resolve(stream);
      else stream.destroy();
    };
    create().catch(reject);
    return () => {
      wanted = false;
    };
  });
}

/** What keeps the process alive is the stream beneath; TLS passes that on by itself only where that is a socket. */
function passRefs(socket: TLSSocket, stream: Duplex & { ref?: () => unknown; unref?: () => unknown }): void {
  if (stream instanceof Socket) return;
  socket.ref = () => {
    stream.ref?.();
    return socket;
  };
  socket.unref = () => {
    stream.unref?.();
    return socket;
  };
}

/** What leads to an http: origin may be a TLSSocket too: one to a proxy. */
function isSecured(socket: Duplex, origin: Origin): socket is TLSSocket {
  return origin.scheme === 'https:' && 'encrypted' in socket;
}
