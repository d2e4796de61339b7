import type { ConnectionOptions, PeerCertificate, TLSSocket } from 'node:tls';
import { LatestMap } from '../latest-map.js';
import { familyOf } from './address.js';

/** The protocols to offer by ALPN, the preferred one first (RFC 9113 section 3.2). */
export function alpnProtocols(allowHTTP1: boolean): readonly string[] {
  return allowHTTP1 ? ['h2', 'http/1.1'] : ['h2'];
}

/**
 * The name for SNI, which the certificate is checked against as well: the user's, else the host name. undefined for
 * an address, which SNI cannot carry (RFC 6066 section 3); the certificate is checked against the address then.
 */
export function servernameFor(hostname: string, options: ConnectionOptions): string | undefined {
  if (options.servername !== undefined) return options.servername;
  return familyOf(hostname) === 0 ? hostname.replace(/\.$/, '') : undefined;
}

/**
 * TLS 1.2 at least (RFC 9113 section 9.2), unless the user says otherwise or Node's own minimum is higher.
 * `nodeMinimum` is tls.DEFAULT_MIN_VERSION.
 */
export function minVersionFor(options: ConnectionOptions, nodeMinimum: string): ConnectionOptions {
  if (options.minVersion !== undefined || options.secureProtocol !== undefined) return {};
  return nodeMinimum === 'TLSv1.3' ? {} : { minVersion: 'TLSv1.2' };
}

/**
 * RFC 9113 section 9.2.1: no renegotiation. OpenSSL's clients take part in it under TLS 1.2 unless told not to; a server
 * that asks for it then loses the connection. (Compression OpenSSL leaves out by itself.)
 */
export function withoutRenegotiation(options: ConnectionOptions): ConnectionOptions {
  // The types of Node do not know it; where the TLS library is not OpenSSL there may be none.
  const constants: Readonly<Record<string, unknown>> = process.getBuiltinModule('node:crypto').constants;
  const noRenegotiation = constants['SSL_OP_NO_RENEGOTIATION'];
  const bits = typeof noRenegotiation === 'number' ? noRenegotiation : 0;
  return { secureOptions: (options.secureOptions ?? 0) | bits };
}

/**
 * tls.checkServerIdentity of Node 22.23 takes an IPv6 address for a name, and so refuses every certificate. Where it
 * refuses one for such an address, OpenSSL is asked whether the certificate is for it.
 */
export function identityCheckFor(
  hostname: string,
  options: ConnectionOptions,
  nodeCheck: (hostname: string, certificate: PeerCertificate) => Error | undefined,
): ConnectionOptions {
  if (options.checkServerIdentity !== undefined || options.servername !== undefined || familyOf(hostname) !== 6)
    return {};
  const { X509Certificate } = process.getBuiltinModule('node:crypto');
  return {
    checkServerIdentity(_, certificate) {
      const error = nodeCheck(hostname, certificate);
      const isForIt = error !== undefined && new X509Certificate(certificate.raw).checkIP(hostname) !== undefined;
      return isForIt ? undefined : error;
    },
  };
}

/**
 * Whether HTTP/2 allows what was negotiated. Under TLS 1.2 it wants an ephemeral key exchange and an AEAD cipher
 * (RFC 9113 section 9.2.2 and appendix A); every suite of TLS 1.3 has both.
 */
export function isAllowedForHttp2(version: string | null, cipher: string): boolean {
  return version === 'TLSv1.3' || /^(ECDHE|DHE)-.*(GCM|CHACHA20|CCM)/.test(cipher);
}

/** Whether the options are the very same values. */
export function haveSameValues(some: ConnectionOptions, others: ConnectionOptions): boolean {
  const names = Object.keys(some) as (keyof ConnectionOptions)[];
  return names.length === Object.keys(others).length && names.every((name) => Object.is(some[name], others[name]));
}

/** The latest session ticket of each origin, for abbreviated handshakes (RFC 8446 section 2.2). */
export class SessionCache {
  private readonly sessions: LatestMap<Buffer>;

  constructor(capacity = 100) {
    this.sessions = new LatestMap(capacity);
  }

  get(origin: string): Buffer | undefined {
    const session = this.sessions.get(origin);
    if (session !== undefined) this.sessions.set(origin, session); // used just now
    return session;
  }

  /** Keeps what the peer of `socket` hands out, now and later. Node emits 'session' once the peer is verified. */
  collectFrom(socket: TLSSocket, origin: string): void {
    socket.on('session', (session) => this.sessions.set(origin, session));
  }

  /** Forgets a session whose handshake failed, unless there is a newer one. */
  drop(origin: string, session: Buffer): void {
    this.sessions.deleteIf(origin, session);
  }
}
