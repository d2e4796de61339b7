import { usageError } from './exit-codes.js';

/** How the text after `-d`, `--data-binary` or `--json` becomes bytes. */
export interface DataArgument {
  /** 'form': `@file` is read without its CR, LF and NUL; 'binary': as it is; 'raw': `@` means nothing. */
  readonly kind: 'form' | 'binary' | 'raw';
  readonly text: string;
}

/** `passinglane get`, parsed. Lists keep the order of the command line. */
export interface GetArguments {
  urls: string[];
  method: string | undefined;
  headers: string[];
  data: DataArgument[];
  /** Set by `--json`: its two headers, and parts joined with nothing instead of '&'. */
  json: boolean;
  /** The n-th goes with the n-th URL, as do `outputs`. */
  uploads: string[];
  outputs: string[];
  head: boolean;
  verbose: boolean;
  showSecrets: boolean;
  insecure: boolean;
  location: boolean;
  fail: boolean;
  silent: boolean;
  showError: boolean;
  writeOut: string | undefined;
  compressed: boolean;
  cacert: string | undefined;
  resolve: string[];
  unixSocket: string | undefined;
  proxy: string | undefined;
  /** Milliseconds; 0: no limit. */
  maxTime: number;
  http2PriorKnowledge: boolean;
  help: boolean;
  version: boolean;
}

interface Option {
  readonly short?: string;
  readonly long: string;
  /** The name of its value in the help text; an option without one is a switch. */
  readonly value?: string;
  readonly help: string;
  set(args: GetArguments, value: string): void;
}

/** What `passinglane get` understands: curl's letters, names and meaning. The help text is made of this list. */
export const getOptions: readonly Option[] = [
  { short: 'X', long: 'request', value: 'METHOD', help: 'use this method', set: (a, v) => void (a.method = v) },
  {
    short: 'H',
    long: 'header',
    value: 'LINE',
    help: "add 'Name: value'; 'Name:' drops a default, 'Name;' sends it empty",
    set: (a, v) => void a.headers.push(v),
  },
  {
    short: 'd',
    long: 'data',
    value: 'DATA',
    help: 'POST as a form; @FILE reads a file, @- standard input',
    set: (a, v) => void a.data.push({ kind: 'form', text: v }),
  },
  {
    long: 'data-binary',
    value: 'DATA',
    help: 'as -d, but a file keeps its line ends',
    set: (a, v) => void a.data.push({ kind: 'binary', text: v }),
  },
  {
    long: 'data-raw',
    value: 'DATA',
    help: 'as -d, but @ means nothing',
    set: (a, v) => void a.data.push({ kind: 'raw', text: v }),
  },
  {
    long: 'json',
    value: 'DATA',
    help: 'as --data-binary, with Content-Type and Accept: application/json',
    set: (a, v) => {
      a.data.push({ kind: 'binary', text: v });
      a.json = true;
    },
  },
  {
    short: 'T',
    long: 'upload-file',
    value: 'FILE',
    help: 'PUT this file; - is standard input',
    set: (a, v) => void a.uploads.push(v),
  },
  {
    short: 'o',
    long: 'output',
    value: 'FILE',
    help: 'write the body here; - is standard output',
    set: (a, v) => void a.outputs.push(v),
  },
  { short: 'I', long: 'head', help: 'send HEAD and print the response headers', set: (a) => void (a.head = true) },
  {
    short: 'L',
    long: 'location',
    help: 'follow redirects, up to 50',
    set: (a) => void (a.location = true),
  },
  {
    short: 'f',
    long: 'fail',
    help: 'fail with 22 and no body on a status of 400 or above',
    set: (a) => void (a.fail = true),
  },
  { short: 's', long: 'silent', help: 'show neither progress nor errors', set: (a) => void (a.silent = true) },
  { short: 'S', long: 'show-error', help: 'with -s: show errors', set: (a) => void (a.showError = true) },
  {
    short: 'v',
    long: 'verbose',
    help: 'show each frame both ways, with decoded fields',
    set: (a) => void (a.verbose = true),
  },
  {
    long: 'show-secrets',
    help: 'with -v: show the values of authorization and cookie fields',
    set: (a) => void (a.showSecrets = true),
  },
  {
    short: 'w',
    long: 'write-out',
    value: 'FORMAT',
    help: 'print this when done, e.g. "%{http_code}\\n"; @FILE reads it',
    set: (a, v) => void (a.writeOut = v),
  },
  {
    long: 'compressed',
    help: 'ask for a compressed response and decode it',
    set: (a) => void (a.compressed = true),
  },
  { short: 'k', long: 'insecure', help: 'do not verify the certificate', set: (a) => void (a.insecure = true) },
  {
    long: 'cacert',
    value: 'FILE',
    help: 'trust these certificates (PEM) and no others',
    set: (a, v) => void (a.cacert = v),
  },
  {
    long: 'resolve',
    value: 'HOST:PORT:ADDRESS',
    help: 'use this address for HOST:PORT; * stands for any host',
    set: (a, v) => void a.resolve.push(v),
  },
  {
    long: 'unix-socket',
    value: 'PATH',
    help: 'connect through this Unix domain socket',
    set: (a, v) => void (a.unixSocket = v),
  },
  { short: 'x', long: 'proxy', value: 'URL', help: 'go through this proxy', set: (a, v) => void (a.proxy = v) },
  {
    short: 'm',
    long: 'max-time',
    value: 'SECONDS',
    help: 'give up after so long, redirects and body included',
    set: (a, v) => void (a.maxTime = seconds(v, '--max-time')),
  },
  {
    long: 'http2-prior-knowledge',
    help: 'HTTP/2 without asking for http: URLs, and nothing else for https:',
    set: (a) => void (a.http2PriorKnowledge = true),
  },
  { short: 'h', long: 'help', help: 'print this text', set: (a) => void (a.help = true) },
  { short: 'V', long: 'version', help: 'print the version', set: (a) => void (a.version = true) },
];

const byShort = new Map(getOptions.flatMap((option) => (option.short === undefined ? [] : [[option.short, option]])));
const byLong = new Map(getOptions.map((option) => [option.long, option]));

/**
 * Parses the arguments of `passinglane get`: switches may be combined (`-sSf`), a value may follow its letter at
 * once (`-XPOST`), its name after `=` (`--data=x`), or be the next argument whatever that looks like. `--` ends
 * the options. Throws a {@link CliError} with exit number 2.
 */
export function parseGetArguments(argv: readonly string[]): GetArguments {
  const args = emptyArguments();
  const rest = argv[Symbol.iterator]();
  const next = (name: string): string => {
    const { done, value } = rest.next();
    if (done === true) throw usageError(`option ${name} needs a value`);
    return value;
  };
  let optionsEnded = false;
  for (const argument of rest) {
    if (optionsEnded || argument === '-' || !argument.startsWith('-')) args.urls.push(argument);
    else if (argument === '--') optionsEnded = true;
    else if (argument.startsWith('--')) parseLong(args, argument, next);
    else parseShort(args, argument, next);
  }
  if (!args.help && !args.version) check(args);
  return args;
}

function parseLong(args: GetArguments, argument: string, next: (name: string) => string): void {
  const equals = argument.indexOf('=');
  const name = equals === -1 ? argument : argument.slice(0, equals);
  const option = byLong.get(name.slice(2));
  if (option === undefined) throw usageError(`unknown option ${name}`);
  if (option.value === undefined && equals !== -1) throw usageError(`option ${name} takes no value`);
  if (option.value === undefined) option.set(args, '');
  else option.set(args, equals === -1 ? next(name) : argument.slice(equals + 1));
}

function parseShort(args: GetArguments, argument: string, next: (name: string) => string): void {
  for (let at = 1; at < argument.length; at += 1) {
    const letter = argument.charAt(at);
    const option = byShort.get(letter);
    if (option === undefined)
      throw usageError(`unknown option -${letter}${argument.length > 2 ? ` in ${argument}` : ''}`);
    if (option.value !== undefined) {
      option.set(args, at + 1 < argument.length ? argument.slice(at + 1) : next(`-${letter}`));
      return;
    }
    option.set(args, '');
  }
}

function check(args: GetArguments): void {
  if (args.urls.length === 0) throw usageError('no URL given');
  const bodies = [args.head && '-I', args.data.length > 0 && '-d', args.uploads.length > 0 && '-T'].filter(Boolean);
  if (bodies.length > 1) throw usageError(`${bodies.join(' and ')} ask for different requests: give one of them`);
  if (args.outputs.length > args.urls.length) throw usageError('there are more -o than URLs');
  if (args.uploads.length > args.urls.length) throw usageError('there are more -T than URLs');
}

function seconds(text: string, name: string): number {
  const value = Number(text);
  if (text.trim() === '' || !Number.isFinite(value) || value < 0) {
    throw usageError(`${name} needs a number of seconds, e.g. 2.5, not '${text}'`);
  }
  return value * 1000;
}

function emptyArguments(): GetArguments {
  return {
    urls: [],
    method: undefined,
    headers: [],
    data: [],
    json: false,
    uploads: [],
    outputs: [],
    head: false,
    verbose: false,
    showSecrets: false,
    insecure: false,
    location: false,
    fail: false,
    silent: false,
    showError: false,
    writeOut: undefined,
    compressed: false,
    cacert: undefined,
    resolve: [],
    unixSocket: undefined,
    proxy: undefined,
    maxTime: 0,
    http2PriorKnowledge: false,
    help: false,
    version: false,
  };
}
