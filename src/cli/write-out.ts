/** What `-w` can tell about a finished transfer. Times are milliseconds from its start. */
export interface TransferReport {
  readonly method: string;
  readonly urlEffective: string;
  /** 0 when no response came. */
  readonly status: number;
  /** '2.0' or '1.1'; '' when no response came. */
  readonly httpVersion: string;
  readonly contentType: string;
  readonly sizeDownload: number;
  readonly redirects: number;
  /** When the headers of the last response came; 0 when none came. */
  readonly timeStartTransfer: number;
  readonly timeTotal: number;
  readonly remoteIp: string;
  readonly exitCode: number;
  readonly errorMessage: string;
}

const variables: Readonly<Record<string, (report: TransferReport) => string | number>> = {
  content_type: (r) => r.contentType,
  errormsg: (r) => r.errorMessage,
  exitcode: (r) => r.exitCode,
  http_code: (r) => String(r.status).padStart(3, '0'),
  http_version: (r) => (r.httpVersion === '' ? '0' : r.httpVersion.replace(/\.0$/, '')),
  method: (r) => r.method,
  num_redirects: (r) => r.redirects,
  remote_ip: (r) => r.remoteIp,
  response_code: (r) => String(r.status).padStart(3, '0'),
  size_download: (r) => r.sizeDownload,
  time_starttransfer: (r) => inSeconds(r.timeStartTransfer),
  time_total: (r) => inSeconds(r.timeTotal),
  url_effective: (r) => r.urlEffective,
};

const escapes: Readonly<Record<string, string>> = { n: '\n', r: '\r', t: '\t', '\\': '\\' };

/**
 * Fills in a `-w` format: `%{name}`, `%%`, and the escapes \n, \r, \t and \\. A name that is not known is left as it
 * stands and reported in `unknown`.
 */
export function writeOut(format: string, report: TransferReport): { text: string; unknown: string[] } {
  const unknown: string[] = [];
  const text = format.replace(/%\{([^}]*)\}|%%|\\([nrt\\])/g, (match, name?: string, escape?: string) => {
    if (escape !== undefined) return escapes[escape] ?? match;
    if (name === undefined) return '%';
    if (Object.hasOwn(variables, name)) return String(variables[name]?.(report));
    unknown.push(name);
    return match;
  });
  return { text, unknown };
}

/** The names that `%{...}` knows. */
export const writeOutVariables: readonly string[] = Object.keys(variables);

function inSeconds(milliseconds: number): string {
  return (milliseconds / 1000).toFixed(6);
}
