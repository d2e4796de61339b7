import type { RequestTiming } from '../index.js';
import type { HeaderPair } from './redirect.js';

/** What `-w` can tell about a finished transfer. Times are milliseconds from its start. */
export interface TransferReport {
  readonly method: string;
  /** As given. */
  readonly url: string;
  readonly scheme: string;
  readonly urlEffective: string;
  /** 0 when no response came. */
  readonly status: number;
  /** '2.0' or '1.1'; '' when no response came. */
  readonly httpVersion: string;
  readonly contentType: string;
  readonly sizeDownload: number;
  /** Bytes of the last request's body that were sent. */
  readonly sizeUpload: number;
  /** Bytes of the headers of all responses, redirects and 1xx included, as lines of text. */
  readonly sizeHeader: number;
  /** Bytes of the heads of all requests, redirects included, as lines of text. */
  readonly sizeRequest: number;
  readonly redirects: number;
  /** How long the redirects took, until the last request began; 0 without any. */
  readonly timeRedirect: number;
  /** When the last request had a connection to go out on; 0 when none had. */
  readonly timePretransfer: number;
  /** When the headers of the last response came; 0 when none came. */
  readonly timeStartTransfer: number;
  readonly timeTotal: number;
  /** What the last request waited for; undefined when no response came. */
  readonly timing: RequestTiming | undefined;
  readonly remoteIp: string;
  readonly remotePort: number | undefined;
  readonly localIp: string | undefined;
  readonly localPort: number | undefined;
  /** Connections made for it. */
  readonly connects: number;
  /** Which of the command line's URLs it is, from 0. */
  readonly urlNumber: number;
  /** Where the last response leads, as far as that is a URL; '' where it leads nowhere, or was followed. */
  readonly redirectUrl: string;
  /** The fields of the last response. */
  readonly headers: readonly HeaderPair[];
  /** When each phase of making the last of them was over; 0 where it was made before, or has no such phase. */
  readonly timeNameLookup: number;
  readonly timeConnect: number;
  readonly timeAppConnect: number;
  /** Bytes a second. */
  readonly speedDownload: number;
  readonly speedUpload: number;
  readonly exitCode: number;
  readonly errorMessage: string;
}

/** The parts of the last request's time, which curl does not know. */
const parts = ['queue', 'lookup', 'connect', 'tls', 'upload', 'stall', 'window', 'peer', 'reader'] as const;

type Variable = (report: TransferReport) => string | number;

const variables: Readonly<Record<string, Variable>> = {
  ...Object.fromEntries(
    parts.map((part) => [`time_in_${part}`, (r: TransferReport) => inSeconds(r.timing?.[part] ?? 0)]),
  ),
  content_type: (r) => r.contentType,
  errormsg: (r) => r.errorMessage,
  exitcode: (r) => r.exitCode,
  http_code: (r) => String(r.status).padStart(3, '0'),
  http_version: (r) => (r.httpVersion === '' ? '0' : r.httpVersion.replace(/\.0$/, '')),
  local_ip: (r) => r.localIp ?? '',
  local_port: (r) => r.localPort ?? 0,
  method: (r) => r.method,
  num_connects: (r) => r.connects,
  num_headers: (r) => r.headers.length,
  num_redirects: (r) => r.redirects,
  redirect_url: (r) => r.redirectUrl,
  remote_ip: (r) => r.remoteIp,
  remote_port: (r) => r.remotePort ?? 0,
  response_code: (r) => String(r.status).padStart(3, '0'),
  scheme: (r) => r.scheme.toUpperCase(),
  size_download: (r) => r.sizeDownload,
  size_header: (r) => r.sizeHeader,
  size_request: (r) => r.sizeRequest,
  size_upload: (r) => r.sizeUpload,
  speed_download: (r) => r.speedDownload,
  speed_upload: (r) => r.speedUpload,
  time_appconnect: (r) => inSeconds(r.timeAppConnect),
  time_connect: (r) => inSeconds(r.timeConnect),
  time_namelookup: (r) => inSeconds(r.timeNameLookup),
  time_pretransfer: (r) => inSeconds(r.timePretransfer),
  time_redirect: (r) => inSeconds(r.timeRedirect),
  time_starttransfer: (r) => inSeconds(r.timeStartTransfer),
  time_total: (r) => inSeconds(r.timeTotal),
  url: (r) => r.url,
  url_effective: (r) => r.urlEffective,
  urlnum: (r) => r.urlNumber,
};

const escapes: Readonly<Record<string, string>> = { n: '\n', r: '\r', t: '\t', '\\': '\\' };

/** What a format comes to: for standard output, and behind `%{stderr}` for standard error. */
export interface WrittenOut {
  readonly stdout: string;
  readonly stderr: string;
  /** Names that are not known, which stand as they are. */
  readonly unknown: readonly string[];
}

/** Fills in a `-w` format: `%{name}`, `%%`, and the escapes \n, \r, \t and \\. */
export function writeOut(format: string, report: TransferReport): WrittenOut {
  const unknown: string[] = [];
  const text = { stdout: '', stderr: '' };
  let to: keyof typeof text = 'stdout';
  for (const [piece, name, escape] of format.matchAll(/%\{([^}]*)\}|%%|\\([nrt\\])|[^%\\]+|[%\\]/g)) {
    if (name === 'stdout' || name === 'stderr') to = name;
    else if (name === 'onerror' && report.exitCode === 0) break;
    else if (name !== undefined) text[to] += valueOf(name, report) ?? (unknown.push(name), piece);
    else text[to] += escapes[escape ?? ''] ?? (piece === '%%' ? '%' : piece);
  }
  return { ...text, unknown };
}

function valueOf(name: string, report: TransferReport): string | undefined {
  if (name === 'onerror') return '';
  if (name === 'json') return asJson(report);
  if (name === 'header_json') return headersAsJson(report.headers);
  return Object.hasOwn(variables, name) ? String(variables[name]?.(report)) : undefined;
}

/** The names of values that `%{...}` knows. */
export const writeOutVariables: readonly string[] = [...Object.keys(variables), 'header_json', 'json'].toSorted();

function inSeconds(milliseconds: number): string {
  return (milliseconds / 1000).toFixed(6);
}

/** All of them: what is a number in curl's JSON is one here. */
function asJson(report: TransferReport): string {
  const entries = Object.entries(variables).map(([name, of]) => {
    const value = of(report);
    return [name, /^time_|_code$/.test(name) ? Number(value) : value];
  });
  return JSON.stringify(Object.fromEntries(entries));
}

/** Each name with its values, a line each, as curl has it. */
function headersAsJson(headers: readonly HeaderPair[]): string {
  const values = new Map<string, string[]>();
  for (const [name, value] of headers) values.set(name, [...(values.get(name) ?? []), value]);
  return `{${[...values].map(([name, all]) => `${JSON.stringify(name)}:${JSON.stringify(all)}`).join(',\n')}\n}`;
}
