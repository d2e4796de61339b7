import type { TLSSocket } from 'node:tls';

/**
 * Appends the secrets of a TLS connection to the file that SSLKEYLOGFILE names, in NSS's format, with which Wireshark
 * can read what was recorded of it. Whoever has that file can read everything: it is for debugging only.
 */
export function logKeys(socket: TLSSocket): void {
  const file = process.env['SSLKEYLOGFILE'];
  if (file === undefined || file === '') return;
  const { appendFileSync } = process.getBuiltinModule('node:fs'); // rarely needed, and slow to import
  socket.on('keylog', (line) => appendFileSync(file, line, { mode: 0o600 }));
}
