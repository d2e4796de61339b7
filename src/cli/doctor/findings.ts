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
  'tls-silent': fault(ExitCode.Timeout, 'The process behind it may be frozen, or waits for another protocol.'),
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
  'not-http2': fault(ExitCode.Http2Framing, 'Something else than an HTTP/2 server answers on this port.'),
  'no-settings': fault(
    ExitCode.Timeout,
    'An HTTP/2 server begins with SETTINGS: the process behind it may be frozen, or the port be for something else.',
  ),
  'closed-at-once': fault(
    ExitCode.EmptyReply,
    "It closes before it has said anything: the server's log, or a proxy's, says why.",
  ),
  'goodbye-at-once': fault(
    ExitCode.Http2Framing,
    'It says GOAWAY to a new connection: too many of them, or it is going down.',
  ),
  'breaks-http2': fault(ExitCode.Http2Framing, 'It breaks the protocol: -v shows the frames that led to it.'),
  'breaks-http1': fault(ExitCode.UnsupportedScheme, 'What it answers is no HTTP/1.1: is the port right?'),
  'no-streams': fault(
    ExitCode.Http2Stream,
    'It allows no request on its connections (SETTINGS_MAX_CONCURRENT_STREAMS is 0).',
  ),
  'few-streams': warning('Raise its limit of streams: RFC 9113 section 6.5.2 recommends no less than 100.'),
  'small-window': warning('Raise its initial window: each upload waits for a round trip after so many bytes.'),
  'small-header-list': warning('Raise its limit of header bytes: a request with long cookies or tokens is refused.'),
  'settings-unacknowledged': warning(
    'It has to acknowledge SETTINGS (RFC 9113 section 6.5.3); strict clients close such connections.',
  ),
  'request-refused': fault(ExitCode.Http2Stream, 'It refuses requests unseen: is it overloaded, or going down?'),
  'request-reset': fault(ExitCode.Http2Stream, "It gives the request up: the server's log says why."),
  'closed-on-request': fault(
    ExitCode.EmptyReply,
    'It closes the connection on a request: it crashes, or a proxy forbids it.',
  ),
  'no-answer': fault(
    ExitCode.Timeout,
    'The server takes connections, and what answers requests does not answer: look behind it.',
  ),
  silent: fault(
    ExitCode.Timeout,
    'Neither requests nor PINGs are answered: the process is frozen, or its network is gone.',
  ),
  'body-cut': fault(ExitCode.Partial, 'The response ended before its end: what is behind the server broke off.'),
  'body-stops': fault(ExitCode.Timeout, 'The response began and did not go on: what makes it is stuck.'),
  'server-error': warning('The server answers, with an error of its own; its log says why.'),
  misdirected: warning('It does not serve this name on this connection (421): check its virtual hosts.'),
  'slow-answer': warning('The network is much faster than the answer: the time is spent in the server.'),
  'ping-unanswered': fault(
    ExitCode.Timeout,
    'Clients take a connection for dead whose PINGs are not answered (RFC 9113 section 6.7).',
  ),
  'pings-forbidden': warning('It says goodbye to who sends a PING: keepalive closes connections to it.'),
  'goodbye-drops': warning('Told GOAWAY, it drops what still runs: requests fail where clients close in good order.'),
  'address-down': warning(
    'Some addresses work and this one does not: clients that take the first one fail now and then.',
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
