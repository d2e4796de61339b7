import { formatBytes, formatDuration, printable, type Palette } from '../terminal.js';
import type { AddressReport, Diagnosis } from './diagnose.js';

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
  if (findings.length > 0) lines.push('', works ? 'Requests are answered.' : 'Requests are not answered.');
  return `${lines.join('\n')}\n`;
}

function wordsOf({ address, connect, tls, http2 }: AddressReport, secure: boolean): string[] {
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
  if (http2 === undefined) return lines;
  const { settings, connectionWindow, ping, answer, finishes } = http2;
  const said = Object.entries(settings).map(([name, value]) => `${name}=${value}`);
  lines.push(`    SETTINGS: ${said.length === 0 ? 'all as RFC 9113 has them' : said.join(', ')}`);
  lines.push(
    `    windows up: ${formatBytes(settings['INITIAL_WINDOW_SIZE'] ?? 65_535)} a request, ${formatBytes(connectionWindow)} for all`,
  );
  if (answer !== undefined)
    lines.push(
      `    GET: ${answer.status} in ${formatDuration(answer.time)}, ${formatBytes(answer.bytes)} of body read`,
    );
  lines.push(`    PING: ${ping === undefined ? 'not answered' : formatDuration(ping)}`);
  if (finishes !== undefined) lines.push(`    GOAWAY: ${finishes ? 'finishes what runs' : 'drops what runs'}`);
  return lines;
}

/** What one request does to others there. */
function blocking(addresses: readonly AddressReport[]): string[] {
  const spoken = addresses.find(({ http2 }) => http2 !== undefined)?.http2;
  if (spoken === undefined) {
    const speakHttp1 = addresses.some(({ tls }) => tls !== undefined && tls.alpn !== 'h2');
    return speakHttp1
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
