import { connect as connectTcp, isIP, type Socket } from 'node:net';
import { connect as connectTls, type TLSSocket } from 'node:tls';
import { isAllowedForHttp2 } from '../../node/index.js';
import { found, type Finding } from './findings.js';

/** Where to connect to, and as whom. */
export interface Place {
  /** An IP address, or the path of a socket. */
  readonly address: string;
  readonly url: URL;
  readonly ca: string | undefined;
  readonly insecure: boolean;
  /** Of each step, in milliseconds. */
  readonly timeout: number;
}

export interface TlsReport {
  readonly time: number;
  readonly version: string;
  readonly cipher: string;
  readonly alpn: string | undefined;
  /** The name that the certificate is for first, and the day of its end. */
  readonly subject: string;
  readonly validTo: string;
}

/** What came of a step: `value`, or nothing more; and what was found on the way. */
export interface Step<T> {
  readonly value: T | undefined;
  readonly findings: readonly Finding[];
}

/** Connects to the address: a socket, and how long it took. */
export async function openTcp({ address, url, timeout }: Place): Promise<Step<{ socket: Socket; time: number }>> {
  const begun = performance.now();
  const secure = url.protocol === 'https:';
  const port = url.port === '' ? (secure ? 443 : 80) : Number(url.port);
  const socket =
    isIP(address) === 0 ? connectTcp({ path: address }) : connectTcp({ host: address, port, noDelay: true });
  const error = await outcome(socket, 'connect', timeout);
  if (error === undefined) return { value: { socket, time: performance.now() - begun }, findings: [] };
  socket.destroy();
  const where = isIP(address) === 0 ? address : `${address} port ${port}`;
  return { value: undefined, findings: [connectFinding(error, where, address, timeout)] };
}

function connectFinding(
  error: NodeJS.ErrnoException | 'timeout',
  where: string,
  address: string,
  timeout: number,
): Finding {
  if (error === 'timeout' || error.code === 'ETIMEDOUT')
    return found(
      'connect-timeout',
      `No answer from ${where}${error === 'timeout' ? ` within ${timeout} ms` : ''}.`,
      address,
    );
  if (error.code === 'ECONNREFUSED' || error.code === 'ENOENT')
    return found('refused', `Nobody listens at ${where} (${error.code}).`, address);
  return found('unreachable', `${where} cannot be reached (${error.code ?? error.message}).`, address);
}

/** Speaks TLS on it, without a check of the certificate on the way: that is told of instead, and all else is tried. */
export async function openTls(place: Place, tcp: Socket): Promise<Step<{ socket: TLSSocket; report: TlsReport }>> {
  const { address, url, ca, insecure, timeout } = place;
  const begun = performance.now();
  const host = url.hostname.replace(/^\[|\]$/g, '');
  const socket = connectTls({
    socket: tcp,
    host,
    ...(isIP(host) === 0 ? { servername: host } : {}),
    ca,
    ALPNProtocols: ['h2', 'http/1.1'],
    minVersion: 'TLSv1.2',
    rejectUnauthorized: false,
  });
  const error = await outcome(socket, 'secureConnect', timeout);
  if (error !== undefined) {
    socket.destroy();
    return { value: undefined, findings: [handshakeFinding(error, address, timeout)] };
  }
  const certificate = socket.getPeerCertificate();
  const cipher = socket.getCipher().name;
  const report: TlsReport = {
    time: performance.now() - begun,
    version: socket.getProtocol() ?? '',
    cipher,
    alpn: socket.alpnProtocol || undefined,
    subject: certificate.subjectaltname?.split(', ')[0]?.replace(/^[^:]*:/, '') ?? '',
    validTo: certificate.valid_to,
  };
  const findings = insecure ? [] : certificateFindings(socket, report, url.hostname, address);
  if (report.alpn === 'h2' && !isAllowedForHttp2(report.version, cipher))
    findings.push(
      found('cipher-prohibited', `The server chose the cipher suite ${cipher}, which HTTP/2 prohibits.`, address),
    );
  return { value: { socket, report }, findings };
}

function handshakeFinding(error: NodeJS.ErrnoException | 'timeout', address: string, timeout: number): Finding {
  if (error === 'timeout')
    return found(
      'tls-silent',
      `The server accepted the connection, but the TLS handshake did not end within ${timeout} ms.`,
      address,
    );
  const code = error.code ?? '';
  if (/WRONG_VERSION_NUMBER|PACKET_LENGTH_TOO_LONG/.test(code))
    return found('not-tls', 'What the server answered is not TLS.', address);
  if (/ALERT_PROTOCOL_VERSION|UNSUPPORTED_PROTOCOL/.test(code))
    return found('tls-version', 'The server supports neither TLS 1.2 nor 1.3.', address);
  if (/NO_APPLICATION_PROTOCOL/.test(code))
    return found('alpn-refused', 'Offered h2 and http/1.1 by ALPN, the server refused both.', address);
  if (code === 'ECONNRESET' || code === 'EPIPE')
    return found('tls-closed', 'The server closed the connection during the TLS handshake.', address);
  return found('tls-failed', `The TLS handshake failed (${code === '' ? error.message : code}).`, address);
}

/** Days. */
const soon = 14;

function certificateFindings(socket: TLSSocket, report: TlsReport, host: string, address: string): Finding[] {
  const refusal = socket.authorized ? undefined : codeOf(socket.authorizationError);
  const days = Math.floor((Date.parse(report.validTo) - Date.now()) / 86_400_000);
  if (refusal === undefined)
    return days < soon ? [found('certificate-ends-soon', `The certificate expires in ${days} days.`, address)] : [];
  if (refusal === 'CERT_HAS_EXPIRED')
    return [found('certificate-expired', `The certificate expired on ${report.validTo}.`, address)];
  if (refusal === 'CERT_NOT_YET_VALID')
    return [found('certificate-not-yet-valid', 'The certificate is not valid yet.', address)];
  if (/ALTNAME|HOSTNAME/.test(refusal))
    return [found('certificate-name', `The certificate is for ${report.subject}, not for ${host}.`, address)];
  return [found('certificate-untrusted', `The certificate is not trusted here (${refusal}).`, address)];
}

/** Node gives the code of an error, or the error. */
function codeOf(error: unknown): string {
  return error instanceof Error ? ((error as NodeJS.ErrnoException).code ?? error.message) : String(error);
}

/** Resolves with what went wrong before the event; undefined: nothing. */
function outcome(
  socket: Socket,
  ready: 'connect' | 'secureConnect',
  timeout: number,
): Promise<NodeJS.ErrnoException | 'timeout' | undefined> {
  return new Promise((resolve) => {
    const timer = setTimeout(() => {
      resolve('timeout');
    }, timeout);
    const end = (error?: NodeJS.ErrnoException): void => {
      clearTimeout(timer);
      resolve(error);
    };
    socket.on('error', end);
    socket.once('close', () => {
      end(Object.assign(new Error('the connection was closed'), { code: 'ECONNRESET' }));
    });
    socket.once(ready, () => {
      end();
    });
  });
}
