import { ExitCode } from './exit-codes.js';
import { writeOutVariables } from './write-out.js';

/** The commands that there are, with a line on each. */
export const commands: Readonly<Record<string, string>> = {
  get: 'request URLs; the word may be left out',
  ping: 'measure round trips with HTTP/2 PINGs',
  bench: 'load a URL in a closed loop and report throughput and latencies',
  doctor: 'examine an origin and say in words what is wrong with it',
  view: 'make a page of a trace, to look at in a browser',
  'register-url': 'print what NODE_OPTIONS takes to put HTTP/2 under fetch',
  demo: 'show what a blocked connection does to others; needs no network',
};

/** In words, for the list; each number of `ExitCode` has one. */
const meanings: Readonly<Record<keyof typeof ExitCode, string>> = {
  Ok: 'done',
  UnsupportedScheme: 'scheme',
  Usage: 'usage',
  BadUrl: 'not a URL',
  NotBuiltIn: 'not built in',
  ResolveProxy: 'no proxy address',
  Resolve: 'no address',
  Connect: 'no connection',
  WeirdReply: 'warnings',
  Http2Framing: 'HTTP/2 error',
  Partial: 'part of a body',
  HttpError: 'status 400 up with -f',
  Write: 'cannot write',
  Read: 'cannot read',
  Timeout: 'time-out',
  TlsHandshake: 'TLS handshake',
  TooManyRedirects: 'redirects',
  EmptyReply: 'no answer',
  Send: 'cannot send',
  Receive: 'cannot receive',
  Certificate: 'certificate',
  ContentCoding: 'content coding',
  ResponseTooLarge: 'body too large',
  Rewind: 'body read already',
  CaFile: '--cacert file',
  Http2Stream: 'stream reset',
  FieldTooLarge: 'fields too large',
};

/** `passinglane --help`. */
export function helpText(): string {
  const names = Object.entries(commands).map(([name, text]) => `  ${name.padEnd(12)} ${text}`);
  const numbers = Object.entries(ExitCode).map(
    ([name, number]) => `${number} ${meanings[name as keyof typeof ExitCode]}`,
  );
  return `Usage: passinglane [get] [options] URL...
       passinglane COMMAND --help

HTTP/2 from the command line, with curl's letters, meaning and exit numbers.

${names.join('\n')}

Exit numbers:
${wrap(numbers, 78)
  .map((line) => `  ${line}`)
  .join('\n')}

NO_COLOR turns colour off. A body goes to standard output, everything else to
standard error; progress shows on terminals only.
`;
}

/** `passinglane get --help`. */
export function getHelp(): string {
  return `Usage: passinglane [get] [options] URL...    NAME is https://, NAME:PORT http://
  -X, --request METHOD  -H, --header 'NAME: VALUE'  -I, --head: print its fields
  -d, --data DATA           POST a form; @FILE reads a file, @- standard input
      --data-binary, --data-raw DATA     keeps line ends; @ means nothing
      --json DATA           as --data-binary, with the types of JSON
  -G, --get                 the data goes into the URL, and the method is GET
  -F, --form NAME=CONTENT   multipart; @FILE is a file, <FILE is its text
  -T, --upload-file FILE    PUT it; - is standard input
  -o, --output FILE         write the body here; URLs with one each go at once
  -O, --remote-name         write it to the file that the URL's path ends in
  -i, --include: print the fields too  -g, --globoff: {a,b} [1-9] are no lists
  -u, --user NAME:PASSWORD  -A, --user-agent NAME  -r, --range RANGE
  -L, --location            follow up to 50 redirects
      --retry NUMBER        again after a time-out, 408, 429, 500, 502 to 504
      --http1.1, --http2    no HTTP/2; HTTP/2 where there is TLS (default)
  -f, --fail                no body, and 22, for a status of 400 and up
  -m, --max-time SECONDS    give up after so long, redirects and body included
      --compressed          ask for a compressed response and decode it
  -k, --insecure            do not verify the certificate
      --cacert FILE         trust these certificates (PEM) and no others
      --resolve HOST:PORT:ADDRESS        use this address; * is any host
      --unix-socket PATH    -x, --proxy URL    -4, --ipv4    -6, --ipv6
      --http2-prior-knowledge            HTTP/2 for http:, only that for https:
  -s, --silent  -S, --show-error  -h, --help  -V, --version
  -v, --verbose: show frames  --trace FILE: for 'view'  --show-secrets: in both
  -w, --write-out FORMAT    print when done; @FILE reads it. %{...} knows:
${wrap(writeOutVariables, 76)
  .map((line) => `    ${line}`)
  .join('\n')}
`;
}

const connecting = `  -H, --header 'NAME: VALUE'    -X, --request METHOD    -d, --data DATA|@FILE
`;

const transportHelp = `  -k, --insecure            do not verify the certificate
      --cacert FILE         trust these certificates (PEM) and no others
      --resolve HOST:PORT:ADDRESS        use this address; * is any host
      --unix-socket PATH    -x, --proxy URL    --http2-prior-knowledge
  -4, --ipv4                -6, --ipv6
  -v, --verbose             each frame; --show-secrets: with credentials
      --trace FILE          write a trace, for 'passinglane view' and Perfetto
  -h, --help
`;

/** `passinglane ping --help`. */
export const registerUrlHelp = `Usage: passinglane register-url

Prints the URL of passinglane/register. With it every Node that a command starts
has HTTP/2 under its fetch, wherever it runs:

  NODE_OPTIONS="--import=$(passinglane register-url)" npm start
`;

export const pingHelp = `Usage: passinglane ping [options] ORIGIN

Connects once and sends an HTTP/2 PING at a time: the round trip to the server's
HTTP/2 layer, TLS and proxies in between included. Ends with ^C, and sums up.

  -c, --count NUMBER        end after so many
  -i, --interval SECONDS    from one to the next (1)
  -W, --timeout SECONDS     count one as lost after so long (5)
      --json                one line of JSON at the end and nothing else
${transportHelp}
Exits with 28 if no PING was answered.
`;

/** `passinglane bench --help`. */
export const benchHelp = `Usage: passinglane bench [options] URL

A closed loop: the next request starts when one has been answered to its last
byte. One process; the report says when that process is what sets the limit.

  -c, --clients NUMBER      connections (1)
  -m, --max-concurrent-streams NUMBER    requests at once on each of them (1)
  -n, --requests NUMBER     end after so many
  -D, --duration SECONDS    end after so long (5, without -n)
      --warm-up-time SECONDS             requests before those that count (1)
      --json                the result as JSON
${connecting}${transportHelp}
http:// URLs are loaded in HTTP/2. A status of 400 and up is a failure. Exits
with 0 only if no request failed, and with 1 where each had an answer.
`;

/** `passinglane doctor --help`. */
export const doctorHelp = `Usage: passinglane doctor [options] ORIGIN

Connects once to each address of the origin, without a proxy, asks for the path
(/ if there is none) with one GET, sends PINGs and a GOAWAY, and says in words
what it saw, what is wrong, what to do, and what would block whom. A server of
HTTP/1.1 is sent a GET alone.

  -W, --timeout SECONDS     of each step (5)
      --json                the same as JSON
  -k, --insecure            do not verify the certificate
      --cacert FILE         trust these certificates (PEM) and no others
      --resolve HOST:PORT:ADDRESS[,ADDRESS]...    examine these addresses
      --unix-socket PATH    --http2-prior-knowledge
  -4, --ipv4                -6, --ipv6
  -v, --verbose             each frame; --show-secrets: with credentials
  -h, --help

Exits with 0 if nothing is wrong, with 8 if requests are answered and something
is wrong all the same, else with curl's number for the first fault.
docs/doctor.md lists the faults.
`;

/** `passinglane view --help`. */
export const viewHelp = `Usage: passinglane view [-o FILE] TRACE

Makes one HTML page of a trace that --trace wrote: each connection's requests as
a waterfall, windows and bytes in flight, stalls and silence, every frame.
The page holds everything it needs and loads nothing.

  -o, --output FILE         where to write it; - is standard output (TRACE.html)
  -h, --help

In the page: arrow keys go from request to request, + and - zoom, 0 fits,
/ filters, Escape closes the details.
`;

/** `passinglane demo --help`. */
export const demoHelp = `Usage: passinglane demo [--scene NAME] [--trace FILE]

Starts origins in this process, sends requests to them, and lets something block
them. Prints a table of what became of the requests. Takes some twenty seconds;
exits with 0 only if no request failed. The scenes:

  stall    a proxy stops reading one connection for a while; 500 requests
  window   an upload that nobody reads holds the window of its connection
  address  the machine at the first of two addresses is frozen
  bulk     downloads fill a narrow path, and small requests go beside them

      --scene NAME          only that one
      --trace FILE          write a trace, for 'passinglane view' and Perfetto
  -h, --help
`;

/** The words joined with commas, in lines of at most `width` characters. */
function wrap(words: readonly string[], width: number): string[] {
  const lines = [''];
  for (const word of words) {
    const last = lines.length - 1;
    const line = lines[last] ?? '';
    if (line === '') lines[last] = word;
    else if (`${line}, ${word}`.length < width) lines[last] = `${line}, ${word}`;
    else {
      lines[last] = `${line},`;
      lines.push(word);
    }
  }
  return lines;
}
