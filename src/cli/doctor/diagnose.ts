import { isIP, type Socket } from 'node:net';
import { lookup } from 'node:dns/promises';
import type { Observer } from '../../index.js';
import { exitCodeFor, found, type Finding } from './findings.js';
import { probeHttp1, type Http1Report } from './http1.js';
import { probeHttp2, type Http2Report } from './http2.js';
import { openTcp, openTls, type Place, type Step, type TlsReport } from './secure.js';

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
  /** Where it is spoken to in HTTP/1.1. */
  readonly http1: Http1Report | undefined;
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
  const tcp = await openTcp(place);
  const nothing = { address, connect: undefined, tls: undefined, http2: undefined, http1: undefined };
  if (tcp.value === undefined) return { report: nothing, findings: tcp.findings };
  const { socket, time: connect } = tcp.value;
  try {
    const { value, findings } = await (url.protocol === 'http:' ? inTheClear : overTls)(place, socket, log);
    return { report: { ...nothing, connect, ...value }, findings };
  } finally {
    socket.destroy();
  }
}

type Spoken = Partial<Pick<AddressReport, 'tls' | 'http2' | 'http1'>>;

async function overTls(place: Place, socket: Socket, log: Observer | undefined): Promise<Step<Spoken>> {
  const { value: secured, findings } = await openTls(place, socket);
  if (secured === undefined) return { value: undefined, findings };
  const { report: tls, socket: secure } = secured;
  if (tls.alpn === 'h2') {
    const { value: http2, findings: more } = await probeHttp2(place, secure, log);
    return { value: { tls, http2 }, findings: [...findings, ...more] };
  }
  const chosen = found(
    'no-http2',
    `Offered h2 and http/1.1 by ALPN, the server chose ${tls.alpn ?? 'neither'}.`,
    place.address,
  );
  const { value: http1, findings: more } = await probeHttp1(place, secure);
  return { value: { tls, http1 }, findings: [...findings, chosen, ...more] };
}

/** In HTTP/2 with prior knowledge; where that comes to nothing, HTTP/1.1 and TLS are tried, each on a connection of its own. */
async function inTheClear(place: Place, socket: Socket, log: Observer | undefined): Promise<Step<Spoken>> {
  const { address } = place;
  const { value: http2, findings } = await probeHttp2(place, socket, log);
  if (http2 !== undefined) return { value: { http2 }, findings };
  const [http1, tls] = await Promise.all([
    overAnother(place, (one) => probeHttp1(place, one)),
    overAnother(place, (one) => openTls(place, one)),
  ]);
  const status = http1?.value?.status;
  // A server with TLS may answer in the clear as well, to say that it has.
  if (tls?.value !== undefined && (status === undefined || status === 400))
    return {
      value: undefined,
      findings: [found('speaks-tls', 'The port speaks TLS, and the URL says http:.', address)],
    };
  const known = findings.filter(({ name }) => name === 'no-http2');
  if (http1 === undefined || (status === undefined && known.length === 0)) return { value: undefined, findings };
  if (known.length === 0) known.push(found('no-http2', 'The server speaks HTTP/1.1, but not HTTP/2.', address));
  return { value: { http1: http1.value }, findings: [...known, ...http1.findings] };
}

async function overAnother<T>(place: Place, probe: (socket: Socket) => Promise<Step<T>>): Promise<Step<T> | undefined> {
  const socket = (await openTcp(place)).value?.socket;
  if (socket === undefined) return undefined;
  try {
    return await probe(socket);
  } finally {
    socket.destroy();
  }
}

/** In milliseconds, and times the fastest address. */
const slower = { by: 50, times: 4 };

function compared(examined: readonly Examined[], works: boolean): Finding[] {
  const findings: Finding[] = [];
  const times = examined.flatMap(({ report }) => timeOf(report) ?? []);
  const best = Math.min(...times);
  for (const { report, findings: own } of examined) {
    const { address } = report;
    const time = timeOf(report);
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

/** To the headers of the answer, in milliseconds. */
function timeOf({ http2, http1 }: AddressReport): number | undefined {
  return (http2 ?? http1)?.answer?.time;
}
