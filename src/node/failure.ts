import { TransportError, type ErrorCodeName } from '../errors.js';

/** What a system or TLS error of a dial means, and what to do about it, by its `code`. */
const explanations: Readonly<Record<string, string | undefined>> = {
  ...Object.fromEntries(
    [
      'DEPTH_ZERO_SELF_SIGNED_CERT',
      'SELF_SIGNED_CERT_IN_CHAIN',
      'UNABLE_TO_GET_ISSUER_CERT',
      'UNABLE_TO_GET_ISSUER_CERT_LOCALLY',
      'UNABLE_TO_VERIFY_LEAF_SIGNATURE',
    ].map((code) => [code, untrusted(code)]),
  ),
  ECONNREFUSED: 'connection refused (ECONNREFUSED). Is the server running and the port right?',
  ECONNRESET: 'the peer closed the connection during the handshake (ECONNRESET). Does this port speak TLS?',
  ETIMEDOUT: 'no answer (ETIMEDOUT). Is the address right, and does a firewall let it through?',
  EHOSTUNREACH: 'no route to the host (EHOSTUNREACH). Is the address right, and the network up?',
  ENETUNREACH: 'no route to its network (ENETUNREACH). Is this machine on the network?',
  EADDRNOTAVAIL: 'an address is not available (EADDRNOTAVAIL). Does `localAddress` belong to this machine?',
  ENOTFOUND: 'the name has no address (ENOTFOUND). Is the host name right?',
  EAI_AGAIN: 'the name could not be resolved at present (EAI_AGAIN). Is the DNS server reachable?',
  ENOENT: 'there is no such socket (ENOENT). Is `socketPath` right, and the server running?',
  EACCES: 'permission denied (EACCES). May this process use the socket or port?',
  ERR_TLS_CERT_ALTNAME_INVALID:
    'its certificate is for another name (ERR_TLS_CERT_ALTNAME_INVALID). ' +
    'Use a name that it is for in the URL, or set `tls.servername` to one.',
  CERT_HAS_EXPIRED: 'its certificate has expired (CERT_HAS_EXPIRED). Renew it on the server.',
  CERT_NOT_YET_VALID: "its certificate is not valid yet (CERT_NOT_YET_VALID). Is this machine's clock right?",
  ERR_SSL_TLSV1_ALERT_PROTOCOL_VERSION: oldTls('ERR_SSL_TLSV1_ALERT_PROTOCOL_VERSION'),
  ERR_SSL_UNSUPPORTED_PROTOCOL: oldTls('ERR_SSL_UNSUPPORTED_PROTOCOL'),
  ERR_SSL_WRONG_VERSION_NUMBER: notTls('ERR_SSL_WRONG_VERSION_NUMBER'),
  ERR_SSL_PACKET_LENGTH_TOO_LONG: notTls('ERR_SSL_PACKET_LENGTH_TOO_LONG'),
};

function untrusted(code: string): string {
  return (
    `its certificate is not trusted (${code}). ` +
    'Name the authority that signed it in `tls.ca`, or in the environment variable NODE_EXTRA_CA_CERTS.'
  );
}

function notTls(code: string): string {
  return `the answer was not TLS (${code}). Does this port speak http: instead of https:?`;
}

function oldTls(code: string): string {
  return `it speaks no version of TLS that is allowed here (${code}). Enable TLS 1.3 or 1.2 on the server.`;
}

/** ERR_PASSINGLANE_CONNECT_FAILED with the system or TLS error as its cause; a TransportError stays what it is. */
export function connectFailed(origin: string, cause: unknown): TransportError {
  if (TransportError.isInstance(cause)) return cause;
  const telling = mostTelling(cause);
  const code = codeOf(telling);
  const tries = cause instanceof AggregateError ? ` (${cause.errors.length} addresses tried)` : '';
  const clear = code === 'ECONNRESET' && origin.startsWith('http:');
  const what = clear
    ? 'the connection closed before it was ready (ECONNRESET)'
    : (explanations[code] ?? textOf(telling));
  const message = `Could not connect to ${origin}${tries}: ${what}`;
  return failure('ERR_PASSINGLANE_CONNECT_FAILED', message, origin, cause);
}

/** ERR_PASSINGLANE_ALPN: the peer would not have HTTP/2, and HTTP/1.1 is not wanted or not offered either. */
export function alpnFailed(
  origin: string,
  allowHTTP1: boolean,
  chosen: string | undefined,
  cause?: unknown,
): TransportError {
  const offered = allowHTTP1 ? 'h2 and http/1.1' : 'h2 only';
  const answer = cause !== undefined ? 'accepts none' : chosen === undefined ? 'chose none' : `chose ${chosen}`;
  const todo = allowHTTP1
    ? 'Enable HTTP/2 or HTTP/1.1 on the server.'
    : 'Enable HTTP/2 on the server, or set `allowHTTP1: true` to use HTTP/1.1.';
  const message = `${origin} does not speak HTTP/2: of the protocols offered by ALPN (${offered}) it ${answer}. ${todo}`;
  return failure('ERR_PASSINGLANE_ALPN', message, origin, cause);
}

/** The server was offered HTTP/1.1 alone, for a request that HTTP/2 cannot carry to it. */
export function http1Refused(origin: string, cause: unknown): TransportError {
  const message =
    `${origin} does not speak HTTP/1.1, and HTTP/2 does not do for this request: enable HTTP/1.1 on the server, ` +
    'or for a WebSocket extended CONNECT (RFC 8441).';
  return failure('ERR_PASSINGLANE_ALPN', message, origin, cause);
}

/** The TLS 1.2 cipher suite that was chosen is one that HTTP/2 prohibits (RFC 9113 section 9.2.2). */
export function inadequateSecurity(origin: string, cipher: string): TransportError {
  const message =
    `Could not connect to ${origin}: the server chose the cipher suite ${cipher}, which HTTP/2 prohibits ` +
    '(RFC 9113 section 9.2.2). Enable TLS 1.3 or an ECDHE suite with GCM or ChaCha20 on the server; ' +
    'if `tls.ciphers` or `tls.maxVersion` is set, allow them there too.';
  return failure('ERR_PASSINGLANE_CONNECT_FAILED', message, origin, undefined, 'INADEQUATE_SECURITY');
}

/** True for the alert by which a server refuses every protocol that ALPN offered (RFC 7301 section 3.2). */
export function isAlpnRefusal(error: unknown): boolean {
  return codeOf(error) === 'ERR_SSL_TLSV1_ALERT_NO_APPLICATION_PROTOCOL';
}

/** Of many errors the one of the attempt that got furthest: whoever reads one line should read that one. */
export function mostTelling(error: unknown): unknown {
  if (!(error instanceof AggregateError)) return error;
  return error.errors.reduce<unknown>((best, next) => (reach(next) > reach(best) ? next : best), error.errors[0]);
}

function reach(error: unknown): number {
  const code = codeOf(error);
  if (code === 'ENETUNREACH' || code === 'EHOSTUNREACH' || code === 'EADDRNOTAVAIL' || code === 'EINVAL') return 0;
  return code === 'ETIMEDOUT' ? 1 : code === 'ECONNREFUSED' ? 2 : 3;
}

/** The error's own words; for one of OpenSSL only its reason, without the place in its source. */
function textOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  return 'reason' in error && typeof error.reason === 'string' ? `${error.reason} (${codeOf(error)})` : error.message;
}

function codeOf(error: unknown): string {
  const code = error instanceof Error && 'code' in error ? error.code : undefined;
  return typeof code === 'string' ? code : '';
}

function failure(
  code: 'ERR_PASSINGLANE_CONNECT_FAILED' | 'ERR_PASSINGLANE_ALPN',
  message: string,
  origin: string,
  cause: unknown,
  errorCode?: ErrorCodeName,
): TransportError {
  const init = { scope: 'connection', initiator: 'remote', unprocessed: true } as const;
  return new TransportError(code, message, { ...init, origin, cause, errorCode });
}
