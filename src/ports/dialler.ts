import type { Duplex } from 'node:stream';
import type { ConnectionBeneath } from '../protocol/index.js';
import type { ByteTransport } from './byte-transport.js';
import type { OpenHttp1 } from './pooled-connection.js';

/** Where a connection goes (RFC 6454): what is dialled and what the certificate is checked against. */
export interface Origin {
  /** 'http:' or 'https:'. */
  readonly scheme: string;
  /** Without brackets where it is an IPv6 address; in ASCII (Punycode) otherwise. */
  readonly hostname: string;
  readonly port: number;
  /** `scheme//host:port` in its shortest form, as `URL.origin` gives it. */
  readonly href: string;
  /** What goes into `:authority`: the host, with the port where it is not the scheme's own. */
  readonly authority: string;
  /** For SNI and the check of the certificate, where that is not the host name. Default: undefined. */
  readonly servername?: string | undefined;
}

/** Origins of the same key may share connections, and what is known of them. */
export function originKey({ href, servername }: Origin): string {
  return servername === undefined ? href : `${href}#${servername}`;
}

/** What a dial came to: bytes to speak HTTP/2 on, or a socket whose peer chose HTTP/1.1, with what speaks that. */
export type Dialled = (
  | { readonly protocol: 'h2'; readonly transport: ByteTransport }
  | { readonly protocol: 'http/1.1'; readonly socket: Duplex; readonly open: OpenHttp1 }
) & {
  /** Which of the addresses that its {@link DialRoute} was told of it leads to; undefined where there are none. */
  readonly address?: string | undefined;
  /** The connection that it leads through, where that is one which others share. */
  readonly beneath?: ConnectionBeneath | undefined;
};

/** To which of an origin's addresses a dial goes. What has no addresses (a proxy, a socket's path) asks nothing of it. */
export interface DialRoute {
  /** Where it leads, without a look-up; undefined: wherever `order` says. */
  readonly address: string | undefined;
  /**
   * The name stands for these now. The first group of those that come back is tried, one beside the other (RFC 8305
   * section 5), and the second where that comes to nothing in time.
   */
  order(addresses: readonly string[]): readonly [first: readonly string[], then: readonly string[]];
  /** An attempt to connect to this address begins. */
  trying(address: string): void;
  /** It has failed; there may be others. */
  failed(address: string): void;
}

/** Makes connections. Implemented over node:net and node:tls in `src/node`, by harnesses in tests. */
export interface Dialler {
  /**
   * Resolves with a connected, and for https secured, transport. Rejects with a TransportError
   * (ERR_PASSINGLANE_CONNECT_FAILED with the system or TLS error as `cause`, ERR_PASSINGLANE_ALPN), or with
   * `signal.reason` once the signal is aborted; whatever was begun is then given up. What is being connected does not
   * keep the process alive: that is for those who wait for it. `http1Only`: the peer has asked for HTTP/1.1.
   */
  dial(origin: Origin, signal: AbortSignal, http1Only?: boolean, route?: DialRoute): Promise<Dialled>;
  /** What the origin's name stands for now; undefined where no name is looked up. Rejects where that fails. */
  resolve?(origin: Origin): Promise<readonly string[]> | undefined;
  /** Lets go of what it holds for dials to come, and that no connection uses. */
  closeIdle?(): void;
  /** The same once connections have stopped using it: no more dials come. */
  close?(): void;
}

/** A stream that leads to the origin already, and when its making was begun. */
export interface OpenedStream {
  readonly stream: Duplex;
  readonly begun: number;
}

/** A dialler that also goes by streams which others have opened. */
export interface StreamDialler extends Dialler {
  /** As {@link Dialler.dial}, over a stream that is open already. It is destroyed where that comes to nothing. */
  dialOver(opened: OpenedStream, origin: Origin, signal: AbortSignal, http1Only?: boolean): Promise<Dialled>;
}

/** What a dialler of the user's own, `createConnection`, is told. */
export interface CreateConnectionOptions {
  /** `scheme//host:port` in its shortest form. */
  readonly origin: string;
  readonly protocol: 'http:' | 'https:';
  /** Without brackets where it is an IPv6 address. */
  readonly hostname: string;
  readonly port: number;
  /** For SNI and for the check of the certificate; undefined for an address and in the clear. */
  readonly servername: string | undefined;
  /** What to offer by ALPN; empty in the clear. */
  readonly alpnProtocols: readonly string[];
  /** Aborted when nobody waits for the connection any more. */
  readonly signal: AbortSignal;
}
