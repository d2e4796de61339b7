import { formatBytes, formatDuration, printable, type Palette } from '../terminal.js';
import type { AddressReport, Diagnosis } from './diagnose.js';
import type { Http1Report } from './http1.js';

/** The diagnosis in words. */
export function inWords({ origin, addresses, findings, works }: Diagnosis, palette: Palette): string {
  const lines = [palette.bold(origin)];
  for (const one of addresses) lines.push(...wordsOf(one, origin.startsWith('https:')));
  lines.push('', ...blocking(addresses));
  if (findings.length === 0) lines.push('', palette.green('Nothing is wrong.'));
  for (const { severity, name, address, text, advice } of findings) {
    const mark = severity === 'fault' ? palette.red(`fault ${name}`) : palette.yellow(`warning ${name}`);
    const where = address === undefined || addresses.length < 2 ? '' : ` at ${address}`;
    lines.push('', `${mark}${where}: ${printable(text)}`, `  ${advice}`);
  }
  if (findings.length > 0) lines.push('', summary(findings, works));
  return `${lines.join('\n')}\n`;
}

function summary(findings: Diagnosis['findings'], works: boolean): string {
  if (!works) return 'Requests are not answered.';
  const errs = findings.some(({ name }) => name === 'server-error' || name === 'misdirected');
  return errs ? 'Requests are answered, with errors.' : 'Requests are answered.';
}

function wordsOf({ address, connect, tls, http2, http1 }: AddressReport, secure: boolean): string[] {
  const lines = [
    `  ${address}: ${connect === undefined ? 'no connection' : `connected in ${formatDuration(connect)}`}`,
  ];
  if (connect !== undefined && secure)
    lines.push(
      tls === undefined
        ? '    TLS: no handshake'
        : `    TLS: ${tls.version} ${tls.cipher} in ${formatDuration(tls.time)}, ALPN ${tls.alpn ?? 'none'}; ` +
            `certificate for ${printable(tls.subject)} until ${tls.validTo}`,
    );
  if (http1 !== undefined) lines.push(...answerOf(http1, 'GET over HTTP/1.1'));
  if (http2 === undefined) return lines;
  const { settings, connectionWindow, ping, finishes } = http2;
  const said = Object.entries(settings).map(([name, value]) => `${name}=${value}`);
  lines.push(`    SETTINGS: ${said.length === 0 ? 'all as in RFC 9113' : said.join(', ')}`);
  lines.push(
    `    upload windows: ${formatBytes(settings['INITIAL_WINDOW_SIZE'] ?? 65_535)} a request, ${formatBytes(connectionWindow)} for all together`,
  );
  lines.push(...answerOf(http2, 'GET'));
  lines.push(`    PING: ${ping === undefined ? 'not answered' : formatDuration(ping)}`);
  if (finishes !== undefined) lines.push(`    GOAWAY: ${finishes ? 'finishes what runs' : 'drops what runs'}`);
  return lines;
}

function answerOf({ answer }: Pick<Http1Report, 'answer'>, what: string): string[] {
  if (answer === undefined) return [];
  const { status, time, bytes } = answer;
  return [`    ${what}: ${status} in ${formatDuration(time)}, ${formatBytes(bytes)} of body read`];
}

/** What one request does to others there. */
function blocking(addresses: readonly AddressReport[]): string[] {
  const spoken = addresses.find(({ http2 }) => http2 !== undefined)?.http2;
  if (spoken === undefined) {
    return addresses.some(({ http1 }) => http1 !== undefined)
      ? ['What blocks whom: each request has a connection to itself, and waits where there is none.']
      : [];
  }
  const streams = spoken.settings['MAX_CONCURRENT_STREAMS'];
  const window = formatBytes(spoken.connectionWindow);
  return [
    'What blocks whom:',
    streams === undefined
      ? '  A connection carries as many requests as there are.'
      : `  A connection carries ${streams} requests at once. One more needs another connection: passinglane dials it, a client with one waits.`,
    `  Uploads that the server does not read stop every other upload on their connection after ${window}: passinglane takes another one, a client with one waits.`,
  ];
}

/** As data, with the names of the findings and all that was measured. */
export function asJson(diagnosis: Diagnosis): string {
  return `${JSON.stringify(diagnosis)}\n`;
}
