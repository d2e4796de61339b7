import { usageError } from './exit-codes.js';
import {
  commonArguments,
  connectionOptions,
  count,
  parseOptions,
  seconds,
  type CommonArguments,
  type Option,
} from './options.js';

/** How the text after `-d`, `--data-binary` or `--json` becomes bytes. */
export interface DataArgument {
  /** 'form': `@file` is read without its CR, LF and NUL; 'binary': as it is; 'raw': `@` means nothing. */
  readonly kind: 'form' | 'binary' | 'raw';
  readonly text: string;
}

/** In the place of a file's name: the last part of the URL's path. */
export const remoteName = Symbol('remote name');

/** `passinglane get`, parsed. Lists keep the order of the command line. */
export interface GetArguments extends CommonArguments {
  urls: string[];
  method: string | undefined;
  data: DataArgument[];
  /** Set by `--json`: its two headers, and parts joined with nothing instead of '&'. */
  json: boolean;
  /** The n-th goes with the n-th URL, as do `outputs`. */
  uploads: string[];
  outputs: (string | typeof remoteName)[];
  /** The texts of -F: NAME=VALUE, NAME=@FILE, NAME=<FILE. */
  forms: string[];
  /** The data goes into the query. */
  dataInQuery: boolean;
  /** URLs are taken as they are: {} and [] make no lists. */
  globOff: boolean;
  include: boolean;
  /** NAME:PASSWORD. */
  user: string | undefined;
  /** '': none is sent. */
  userAgent: string | undefined;
  range: string | undefined;
  /** How often what may pass is tried again. */
  retry: number;
  http1: boolean;
  head: boolean;
  location: boolean;
  fail: boolean;
  writeOut: string | undefined;
  /** Milliseconds; 0: no limit. */
  maxTime: number;
  version: boolean;
}

/** What `passinglane get` understands: curl's letters, names and meaning. */
export const getOptions: readonly Option<GetArguments>[] = [
  { short: 'X', long: 'request', value: 'METHOD', set: (a, v) => void (a.method = v) },
  {
    short: 'H',
    long: 'header',
    value: 'LINE',
    set: (a, v) => void a.headers.push(v),
  },
  {
    short: 'd',
    long: 'data',
    value: 'DATA',
    set: (a, v) => void a.data.push({ kind: 'form', text: v }),
  },
  {
    long: 'data-binary',
    value: 'DATA',
    set: (a, v) => void a.data.push({ kind: 'binary', text: v }),
  },
  {
    long: 'data-raw',
    value: 'DATA',
    set: (a, v) => void a.data.push({ kind: 'raw', text: v }),
  },
  {
    long: 'json',
    value: 'DATA',
    set: (a, v) => {
      a.data.push({ kind: 'binary', text: v });
      a.json = true;
    },
  },
  {
    short: 'T',
    long: 'upload-file',
    value: 'FILE',
    set: (a, v) => void a.uploads.push(v === '.' ? '-' : v), // to curl it is standard input that may block
  },
  {
    short: 'o',
    long: 'output',
    value: 'FILE',
    set: (a, v) => void a.outputs.push(v),
  },
  { short: 'O', long: 'remote-name', set: (a) => void a.outputs.push(remoteName) },
  { short: 'F', long: 'form', value: 'NAME=CONTENT', set: (a, v) => void a.forms.push(v) },
  { short: 'G', long: 'get', set: (a) => void (a.dataInQuery = true) },
  { short: 'g', long: 'globoff', set: (a) => void (a.globOff = true) },
  { short: 'i', long: 'include', set: (a) => void (a.include = true) },
  { short: 'u', long: 'user', value: 'NAME:PASSWORD', set: (a, v) => void (a.user = credentials(v)) },
  { short: 'A', long: 'user-agent', value: 'NAME', set: setUserAgent },
  { short: 'r', long: 'range', value: 'RANGE', set: (a, v) => void (a.range = v) },
  { long: 'retry', value: 'NUMBER', set: (a, v) => void (a.retry = count(v, '--retry', 'get')) },
  { long: 'http1.1', set: (a) => void (a.http1 = true) },
  { long: 'http2', set: (a) => void (a.http1 = false) },
  { short: 'I', long: 'head', set: (a) => void (a.head = true) },
  {
    short: 'L',
    long: 'location',
    set: (a) => void (a.location = true),
  },
  {
    short: 'f',
    long: 'fail',
    set: (a) => void (a.fail = true),
  },
  { short: 's', long: 'silent', set: (a) => void (a.silent = true) },
  { short: 'S', long: 'show-error', set: (a) => void (a.showError = true) },
  {
    short: 'w',
    long: 'write-out',
    value: 'FORMAT',
    set: (a, v) => void (a.writeOut = v),
  },
  {
    long: 'compressed',
    set: (a) => void (a.compressed = true),
  },
  {
    short: 'm',
    long: 'max-time',
    value: 'SECONDS',
    set: (a, v) => void (a.maxTime = seconds(v, '--max-time', 'get')),
  },
  { short: 'V', long: 'version', set: (a) => void (a.version = true) },
  ...connectionOptions,
];

/** Parses the arguments of `passinglane get`. Throws a {@link CliError} with exit number 2. */
export function parseGetArguments(argv: readonly string[]): GetArguments {
  const args = emptyArguments();
  args.urls = parseOptions('get', getOptions, argv, args);
  if (!args.help && !args.version) check(args);
  return args;
}

function check(args: GetArguments): void {
  if (args.urls.length === 0) throw usageError('no URL given', 'get');
  const sends = args.data.length > 0 && !args.dataInQuery;
  const bodies = [args.head && '-I', sends && '-d', args.uploads.length > 0 && '-T', args.forms.length > 0 && '-F'];
  const given = bodies.filter(Boolean);
  if (given.length > 1) throw usageError(`${given.join(' and ')} ask for different requests: give one of them`);
  if (args.outputs.length > args.urls.length) throw usageError('there are more -o and -O than URLs');
  if (args.uploads.length > args.urls.length) throw usageError('there are more -T than URLs');
}

function setUserAgent(args: GetArguments, name: string): void {
  args.userAgent = name;
  args.noUserAgent = name === '';
}

/** curl asks for a password that is not given; a command that may run without a terminal does not. */
function credentials(text: string): string {
  if (!text.includes(':')) throw usageError("-u needs NAME:PASSWORD; 'NAME:' has an empty password", 'get');
  return text;
}

function emptyArguments(): GetArguments {
  return {
    ...commonArguments(),
    urls: [],
    method: undefined,
    data: [],
    json: false,
    uploads: [],
    outputs: [],
    forms: [],
    dataInQuery: false,
    globOff: false,
    include: false,
    user: undefined,
    userAgent: undefined,
    range: undefined,
    retry: 0,
    http1: false,
    head: false,
    location: false,
    fail: false,
    writeOut: undefined,
    maxTime: 0,
    version: false,
  };
}
