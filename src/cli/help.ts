import { getOptions } from './args.js';
import { writeOutVariables } from './write-out.js';

/** The commands that there are, with a line on each. */
export const commands: Readonly<Record<string, string>> = {
  get: 'request URLs; the word may be left out',
  demo: 'show what a blocked connection does to other requests; needs no network',
};

/** `passinglane --help`. */
export function helpText(): string {
  const names = Object.entries(commands).map(([name, text]) => `  ${name.padEnd(6)} ${text}`);
  return `Usage: passinglane [get] [options] URL...
       passinglane demo

HTTP/2 requests from the command line, with curl's letters, meaning and exit numbers.

Commands:
${names.join('\n')}

Options of get:
${optionLines().join('\n')}

The body goes to standard output, everything else to standard error. A URL without a
scheme is taken as https://, or as http:// with --http2-prior-knowledge. Several URLs
are requested in turn over the same connections; the exit number is that of the first
that failed. -w knows ${wrap(writeOutVariables.map((name) => `%{${name}}`)).join('\n')}.

NO_COLOR turns colour off.
`;
}

/** \`passinglane demo --help\`. */
export const demoHelp = `Usage: passinglane demo

Starts an HTTPS origin and a proxy before it in this process, sends 500 requests through
one Transport, and lets the proxy stop reading one connection for a while in the middle.
Prints a table of what became of the requests. Takes some ten seconds; exits with 0 only
if no request failed.
`;

function optionLines(): string[] {
  const names = getOptions.map(({ short, long, value }) => {
    const name = `${short === undefined ? '    ' : `-${short}, `}--${long}`;
    return value === undefined ? name : `${name} ${value}`;
  });
  const width = 27;
  return getOptions.map((option, i) => {
    const name = names[i] ?? '';
    return name.length <= width
      ? `  ${name.padEnd(width)} ${option.help}`
      : `  ${name}\n  ${' '.repeat(width)} ${option.help}`;
  });
}

function wrap(words: readonly string[]): string[] {
  const lines = [''];
  for (const word of words) {
    const last = lines.length - 1;
    const line = lines[last] ?? '';
    if (line === '') lines[last] = word;
    else if (`${line}, ${word}`.length + (last === 0 ? 9 : 0) <= 85) lines[last] = `${line}, ${word}`;
    else {
      lines[last] = `${line},`;
      lines.push(word);
    }
  }
  return lines;
}
