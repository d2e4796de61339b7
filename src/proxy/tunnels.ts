import type { Duplex } from 'node:stream';
import type { ConnectionOptions } from 'node:tls';
import { TransportError } from '../errors.js';
import { abortable } from '../abortable.js';
import { TunnelBody, type ClientResponse } from '../request/index.js';
import type { Clock, Dialled, Dialler, Origin, StreamDialler } from '../ports/index.js';
import type { ResolvedOptions } from '../transport-options.js';
import { BaseTransport, poolOf, submit, type Platform } from '../transport.js';
import { connectOver } from './connect.js';
import { brokeOff, refused, unreachable, type Route } from './failure.js';
import type { Proxy } from './proxy.js';
import { KeepAlive, ProxyTunnel } from './proxy-tunnel.js';

/** The options of the user's that hold for TLS to a proxy too: whom to trust, and what to speak, but nothing of who we are. */
const sharedTlsOptions = ['ca', 'crl', 'minVersion', 'maxVersion', 'ciphers'] as const;

/** Failures that come of having no connection to the proxy, where it has not been asked for anything. */
const dialFailures = new Set<string>([
  'ERR_PASSINGLANE_ALPN',
  'ERR_PASSINGLANE_CONNECT_FAILED',
  'ERR_PASSINGLANE_CONNECT_TIMEOUT',
]);

/** What tunnels need of the platform: as a transport, but a dialler for each proxy, and one for what goes through them. */
export interface ProxyPlatform extends Omit<Platform, 'dialler'> {
  dialler(options: ResolvedOptions): StreamDialler;
}

/** As many as the option allows. There are no more of them than tunnels. */
const mostConnections = 65_535;

/**
 * Tunnels through one proxy. Where it speaks HTTP/2, they are streams on connections of a transport of their own, so that
 * no tunnel waits behind a stalled connection either; where it speaks HTTP/1.1, each has a connection to itself.
 */
export class Tunnels {
  private readonly proxy: Proxy;
  private readonly clock: Clock;
  private readonly dialler: Dialler;
  private readonly transport: BaseTransport;
  private readonly keepAlive: KeepAlive;
  private speaksHttp1: boolean;
  /** The sockets by which it turned out that the proxy speaks HTTP/1.1, for the first who want them. */
  private readonly spares = new Set<Duplex>();

  constructor(proxy: Proxy, options: ResolvedOptions, platform: ProxyPlatform) {
    this.proxy = proxy;
    this.clock = platform.clock;
    this.keepAlive = new KeepAlive(platform.clock);
    this.speaksHttp1 = proxy.origin.scheme === 'http:';
    const own: ResolvedOptions = {
      ...options,
      tls: proxyTls(options.tls),
      allowHTTP1: true,
      maxConnectionsPerOrigin: mostConnections, // a limit for each origin says nothing of the proxy, which leads to all
      strictMaxConcurrentStreams: false,
      cleartext: 'http/1.1',
      userAgent: '',
      headersTimeout: 0,
      bodyTimeout: 0,
      maxResponseSize: 0,
      maxRequestsPerConnection: 0,
      decompress: false,
      observer: undefined, // it would be shown the credentials
    };
    this.dialler = platform.dialler(own);
    const dialler: Dialler = { dial: (origin, signal) => this.dialHttp2(origin, signal) };
    this.transport = new BaseTransport(own, { ...platform, dialler });
  }

  /** Resolves with a stream that leads to the origin. */
  async open(origin: Origin, signal: AbortSignal): Promise<Duplex> {
    const route = { origin, proxy: this.proxy.origin };
    try {
      if (!this.speaksHttp1) {
        const tunnel = await this.openStream(route, signal);
        if (tunnel !== undefined) return tunnel;
      }
      const socket = this.takeSpare() ?? (await this.dialHttp1(signal));
      return await connectOver(socket, route, this.fields(origin), signal);
    } catch (error) {
      signal.throwIfAborted();
      if (!TransportError.isInstance(error)) throw brokeOff(route, error);
      if (error.code === 'ERR_PASSINGLANE_PROXY_REFUSED') throw error;
      throw dialFailures.has(error.code) ? unreachable(route, error) : brokeOff(route, error);
    }
  }

  /** Lets go of connections that carry no tunnel. */
  closeIdle(): void {
    this.transport.closeIdleConnections();
  }

  /** Lets go of all connections when their last tunnel has ended. */
  close(): void {
    void this.transport.close();
  }

  private fields(origin: Origin): Record<string, string> {
    const host = origin.hostname.includes(':') ? `[${origin.hostname}]` : origin.hostname;
    const { authorization } = this.proxy;
    return {
      host: `${host}:${origin.port}`,
      ...(authorization === undefined ? {} : { 'proxy-authorization': authorization }),
    };
  }

  // --- HTTP/2 ---

  /** Undefined: it turned out that the proxy speaks HTTP/1.1. */
  private async openStream(route: Route, signal: AbortSignal): Promise<ProxyTunnel | undefined> {
    // Who speaks through a tunnel is to see it where the connection to the proxy takes nothing.
    let source = new TunnelBody(1);
    const body = (): TunnelBody => (source = new TunnelBody(1));
    const parts = {
      origin: this.proxy.origin,
      path: '/',
      fields: Object.entries(this.fields(route.origin)).flat(),
      options: { method: 'CONNECT', body },
      hooks: undefined,
    };
    let request: ReturnType<typeof submit> = undefined;
    let response: ClientResponse;
    try {
      response = await abortable<ClientResponse>(signal, (resolve, reject) => {
        request = submit(this.transport, parts, resolve, reject);
        return () => {
          if (signal.aborted) request?.abort(signal.reason);
        };
      });
    } catch (error) {
      if (this.speaksHttp1 && !signal.aborted) return undefined;
      throw error;
    }
    if (response.status >= 200 && response.status < 300) {
      const beneath = poolOf(this.transport).find(this.proxy.origin, response.connection.id);
      const tunnel = new ProxyTunnel(this.keepAlive, source, beneath);
      tunnel.open(response, request);
      return tunnel;
    }
    response.body.cancel();
    throw refused(route, response.status, this.proxy.authorization !== undefined);
  }

  private async dialHttp2(origin: Origin, signal: AbortSignal): Promise<Dialled> {
    const dialled = await this.dialler.dial(origin, signal);
    if (dialled.protocol === 'h2') {
      const { transport } = dialled;
      // The tunnels say whether they keep the process alive; for the connection, each is a request that runs.
      transport.ref = (): void => undefined;
      transport.unref();
      return dialled;
    }
    this.speaksHttp1 = true;
    const { socket } = dialled;
    this.spares.add(socket);
    this.clock.afterPoll(() => {
      if (this.spares.delete(socket)) socket.destroy();
    });
    throw new Error('the proxy speaks HTTP/1.1');
  }

  // --- HTTP/1.1 ---

  private takeSpare(): Duplex | undefined {
    const [spare] = this.spares;
    if (spare !== undefined) this.spares.delete(spare);
    return spare;
  }

  private async dialHttp1(signal: AbortSignal): Promise<Duplex> {
    const dialled = await this.dialler.dial(this.proxy.origin, signal, true);
    if (dialled.protocol === 'http/1.1') return dialled.socket;
    throw new Error('a proxy that was offered HTTP/1.1 only chose HTTP/2');
  }
}

function proxyTls(tls: ConnectionOptions): ConnectionOptions {
  return Object.fromEntries(
    sharedTlsOptions.filter((name) => tls[name] !== undefined).map((name) => [name, tls[name]]),
  );
}
