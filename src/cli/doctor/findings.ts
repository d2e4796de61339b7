import { ExitCode } from '../exit-codes.js';

/** 'fault': requests to this address fail, or would. 'warning': they work, and something will hurt. */
export type Severity = 'fault' | 'warning';

interface Kind {
  readonly severity: Severity;
  readonly exitCode: number;
  /** What to do about it. */
  readonly advice: string;
}

const fault = (exitCode: number, advice: string): Kind => ({ severity: 'fault', exitCode, advice });
const warning = (advice: string): Kind => ({ severity: 'warning', exitCode: ExitCode.WeirdReply, advice });

/** All that the doctor can find, by name; docs/doctor.md has the table. */
export const kinds = {
  'name-unknown': fault(ExitCode.Resolve, 'Check the name; --resolve HOST:PORT:ADDRESS goes past the look-up.'),
  refused: fault(ExitCode.Connect, 'Is the server running, and is the port right?'),
  unreachable: fault(ExitCode.Connect, 'Is the address right, and does a firewall let it through?'),
  'connect-timeout': fault(ExitCode.Timeout, 'A firewall that drops what it does not let through looks like this.'),
  'not-tls': fault(ExitCode.TlsHandshake, 'Does this port speak http: instead of https:?'),
  'speaks-tls': fault(ExitCode.Http2Framing, 'Use an https: URL.'),
  'tls-version': fault(ExitCode.TlsHandshake, 'Enable TLS 1.3 or 1.2 on the server.'),
  'tls-closed': fault(ExitCode.TlsHandshake, 'Does this port speak TLS, and does the server know this name (SNI)?'),
  'tls-silent': fault(ExitCode.Timeout, 'The server may be frozen, or the port may speak another protocol.'),
  'tls-failed': fault(ExitCode.TlsHandshake, "The server's own log says more."),
  'alpn-refused': fault(ExitCode.TlsHandshake, 'Let the server offer h2, or http/1.1, by ALPN.'),
  'cipher-prohibited': fault(ExitCode.TlsHandshake, 'Enable TLS 1.3, or an ECDHE suite with GCM or ChaCha20.'),
  'certificate-untrusted': fault(
    ExitCode.Certificate,
    'Trust who signed it (--cacert, NODE_EXTRA_CA_CERTS), or send the whole chain.',
  ),
  'certificate-expired': fault(ExitCode.Certificate, 'Renew it on the server.'),
  'certificate-not-yet-valid': fault(
    ExitCode.Certificate,
    "Check the clock of this machine and the certificate's dates.",
  ),
  'certificate-name': fault(ExitCode.Certificate, 'Use a name that it is for, or get one for this name.'),
  'certificate-ends-soon': warning('Renew it; see that it is renewed by itself.'),
  'no-http2': warning(
    'Enable HTTP/2 on the server, or on the proxy before it: one request at a time goes on each connection.',
  ),
  'not-http2': fault(ExitCode.Http2Framing, 'Something other than an HTTP/2 server answers on this port.'),
  'no-settings': fault(
    ExitCode.Timeout,
    'An HTTP/2 server begins with SETTINGS: it may be frozen, or the port may speak another protocol.',
  ),
  'closed-at-once': fault(ExitCode.EmptyReply, "The server's log, or that of a proxy before it, says why."),
  'goodbye-at-once': fault(ExitCode.Http2Framing, 'There may be too many connections, or the server is shutting down.'),
  'breaks-http2': fault(ExitCode.Http2Framing, 'The server breaks the protocol: -v shows the frames that led to it.'),
  'breaks-http1': fault(ExitCode.UnsupportedScheme, 'The answer is not HTTP/1.1: is the port right?'),
  'no-streams': fault(ExitCode.Http2Stream, 'Raise SETTINGS_MAX_CONCURRENT_STREAMS, which is 0, on the server.'),
  'few-streams': warning('Raise the limit of streams on the server: RFC 9113 section 6.5.2 recommends at least 100.'),
  'small-window': warning(
    'Raise the initial window on the server: each upload waits for a round trip after so many bytes.',
  ),
  'small-header-list': warning('Raise the limit on the server: a request with long cookies or tokens is refused.'),
  'settings-unacknowledged': warning(
    'A server must acknowledge SETTINGS (RFC 9113 section 6.5.3); strict clients close such connections.',
  ),
  'request-refused': fault(ExitCode.Http2Stream, 'Is the server overloaded, or shutting down?'),
  'request-reset': fault(ExitCode.Http2Stream, "The server's log says why."),
  'closed-on-request': fault(ExitCode.EmptyReply, 'The server may crash on the request, or a proxy may forbid it.'),
  'no-answer': fault(
    ExitCode.Timeout,
    'The server accepts connections, but whatever answers its requests does not: look behind it.',
  ),
  silent: fault(ExitCode.Timeout, 'The process is frozen, or its network is gone.'),
  'body-cut': fault(ExitCode.Partial, 'Something behind the server broke off: its log says more.'),
  'body-stops': fault(ExitCode.Timeout, 'Whatever produces the response is stuck.'),
  'server-error': warning('The error is that of the server: its log says why.'),
  misdirected: warning('The server does not serve this name on this connection: check its virtual hosts.'),
  'slow-answer': warning('The network is much faster than the answer: the time is spent in the server.'),
  'ping-unanswered': fault(
    ExitCode.Timeout,
    'A server must answer PINGs (RFC 9113 section 6.7); clients take such a connection for dead.',
  ),
  'pings-forbidden': warning('Clients that keep connections alive with PINGs lose them.'),
  'goodbye-drops': warning('Requests that still run fail when a client closes its connection gracefully.'),
  'address-down': warning(
    'Clients that are given this address first fail, and others do not: mend it, or take it out of DNS.',
  ),
  'address-slow': warning('This address answers much later than the others: is that machine overloaded?'),
} as const satisfies Readonly<Record<string, Kind>>;

export type FindingName = keyof typeof kinds;

/** Something that is wrong. */
export interface Finding {
  readonly name: FindingName;
  readonly severity: Severity;
  /** Which address it was seen at; undefined: it concerns all of the origin. */
  readonly address: string | undefined;
  readonly text: string;
  readonly advice: string;
}

export function found(name: FindingName, text: string, address?: string): Finding {
  const { severity, advice } = kinds[name];
  return { name, severity, address, text, advice };
}

/** 0: nothing was found; the number of the first fault where no address works, else that of a warning. */
export function exitCodeFor(findings: readonly Finding[], works: boolean): number {
  const [first] = findings;
  if (first === undefined) return ExitCode.Ok;
  const worst = findings.find(({ severity }) => severity === 'fault');
  return worst === undefined || works ? ExitCode.WeirdReply : kinds[worst.name].exitCode;
}
