import { isIP } from 'node:net';
import { lookup } from 'node:dns/promises';
import type { Observer } from '../../index.js';
import { exitCodeFor, found, type Finding } from './findings.js';
import { probeHttp2, type Http2Report } from './http2.js';
import { openTcp, openTls, type Place, type TlsReport } from './secure.js';

export interface Examination {
  readonly url: URL;
  readonly ca?: string | undefined;
  readonly insecure?: boolean | undefined;
  readonly family?: 4 | 6 | undefined;
  /** Instead of a look-up: IP addresses, or the path of a socket. */
  readonly addresses?: readonly string[] | undefined;
  /** Of each step, in milliseconds. */
  readonly timeout: number;
  readonly log?: Observer | undefined;
}

/** What was seen at one address. */
export interface AddressReport {
  readonly address: string;
  /** To connect, in milliseconds. */
  readonly connect: number | undefined;
  readonly tls: TlsReport | undefined;
  readonly http2: Http2Report | undefined;
}

export interface Diagnosis {
  readonly origin: string;
  readonly addresses: readonly AddressReport[];
  readonly findings: readonly Finding[];
  /** At one address at least requests are answered, in HTTP/2 or 1.1. */
  readonly works: boolean;
  readonly exitCode: number;
}

/** So many addresses are tried. */
const mostAddresses = 16;

/** Looks at all addresses of an origin, beside one another. */
export async function diagnose(given: Examination): Promise<Diagnosis> {
  const { url } = given;
  const origin = url.origin;
  let addresses: readonly string[];
  try {
    addresses = given.addresses ?? (await addressesOf(url, given.family));
  } catch (error) {
    const code = (error as NodeJS.ErrnoException).code ?? String(error);
    const findings = [found('name-unknown', `The name ${url.hostname} has no address (${code}).`)];
    return { origin, addresses: [], findings, works: false, exitCode: exitCodeFor(findings, false) };
  }
  const examined = await Promise.all(addresses.slice(0, mostAddresses).map((address) => examine(given, address)));
  const reports = examined.map(({ report }) => report);
  const works = examined.some(({ findings }) => !findings.some(({ severity }) => severity === 'fault'));
  const findings = examined.flatMap((one) => one.findings);
  if (reports.length > 1) findings.push(...compared(examined, works));
  return { origin, addresses: reports, findings, works, exitCode: exitCodeFor(findings, works) };
}

async function addressesOf(url: URL, family: 4 | 6 | undefined): Promise<string[]> {
  const host = url.hostname.replace(/^\[|\]$/g, '');
  if (isIP(host) !== 0) return [host];
  const all = await lookup(host, { all: true, family: family ?? 0 });
  return all.map(({ address }) => address);
}

interface Examined {
  readonly report: AddressReport;
  readonly findings: readonly Finding[];
}

async function examine(given: Examination, address: string): Promise<Examined> {
  const { url, ca, insecure = false, timeout, log } = given;
  const place: Place = { address, url, ca, insecure, timeout };
  const findings: Finding[] = [];
  const report = { address, connect: undefined, tls: undefined, http2: undefined };
  const tcp = await openTcp(place);
  findings.push(...tcp.findings);
  if (tcp.value === undefined) return { report, findings };
  const { socket, time: connect } = tcp.value;
  try {
    if (url.protocol === 'http:') {
      const { value, findings: more } = await probeHttp2(place, socket, log);
      return { report: { ...report, connect, http2: value }, findings: [...findings, ...more] };
    }
    const secured = await openTls(place, socket);
    findings.push(...secured.findings);
    if (secured.value === undefined) return { report: { ...report, connect }, findings };
    const { report: tls, socket: secure } = secured.value;
    if (tls.alpn !== 'h2') {
      findings.push(found('no-http2', `Of h2 and http/1.1 it chose ${tls.alpn ?? 'none'} by ALPN.`, address));
      return { report: { ...report, connect, tls }, findings };
    }
    const { value, findings: more } = await probeHttp2(place, secure, log);
    return { report: { ...report, connect, tls, http2: value }, findings: [...findings, ...more] };
  } finally {
    socket.destroy();
  }
}

/** In milliseconds, and times the fastest address. */
const slower = { by: 50, times: 4 };

function compared(examined: readonly Examined[], works: boolean): Finding[] {
  const findings: Finding[] = [];
  const times = examined.flatMap(({ report }) => report.http2?.answer?.time ?? []);
  const best = Math.min(...times);
  for (const { report, findings: own } of examined) {
    const { address, http2 } = report;
    const time = http2?.answer?.time;
    if (works && own.some(({ severity }) => severity === 'fault'))
      findings.push(found('address-down', `${address} does not work, while another address does.`, address));
    else if (time !== undefined && time > best * slower.times && time > best + slower.by)
      findings.push(
        found(
          'address-slow',
          `${address} answers in ${Math.round(time)} ms, the fastest in ${Math.round(best)} ms.`,
          address,
        ),
      );
  }
  return findings;
}
