/** What the transport's messages call by the names of its API, in the words of the command line. */
const words: readonly (readonly [RegExp, string])[] = [
  [
    /: leave out cleartext: 'h2c' \(or PASSINGLANE_CLEARTEXT\)/,
    ': leave out --http2-prior-knowledge (ping and bench are for HTTP/2 alone)',
  ],
  [/; with HTTP\/2, set cleartext: 'h2c' \(or PASSINGLANE_CLEARTEXT=h2c\)/, ''],
  [/: for HTTP\/2 in the clear set cleartext: 'h2c', or use request\(\)/, ''],
  [/: use request\(\), which speaks HTTP\/1\.1 too/, ''],
  [
    / is spoken to in HTTP\/1\.1, and connect\(\) is for HTTP\/2 only/,
    ' is spoken to in HTTP/1.1, and this is for HTTP/2 only',
  ],
  [/, or set `allowHTTP1: true` to use HTTP\/1\.1/, ''],
  [/ Name the authority that signed it in `tls\.ca`, or in the environment variable NODE_EXTRA_CA_CERTS\./, ''],
  [/, or set `tls\.servername` to one/, ''],
  [/;? ?if `tls\.ciphers` or `tls\.maxVersion` is set, allow them there too\.?/, ''],
  [/ Does `localAddress` belong to this machine\?/, ''],
  [/Is `socketPath` right/, 'Is the name of --unix-socket right'],
  [/: set the proxy option instead/, ': use --proxy instead'],
  [/, so the protocol option cannot be used/, ''],
  [/: pass a function that makes one/, ''],
  [/: give a fresh one, or a function that makes one/, ''],
  [/; raise maxResponseSize if that is expected/, ''],
  [
    / \((?:retry\.maxAttempts|connectTimeout|headersTimeout|bodyTimeout|timeout|writeTimeout|pingTimeout|readIdleTimeout|maxHeaderListSize|maxBufferedBytes)\)/g,
    '',
  ],
];

/** A message of the transport's for whoever has no API before them. */
export function inTerminalWords(message: string): string {
  return words.reduce((text, [api, instead]) => text.replace(api, instead), message);
}
