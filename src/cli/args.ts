import { usageError } from './exit-codes.js';
import {
  commonArguments,
  connectionOptions,
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

/** `passinglane get`, parsed. Lists keep the order of the command line. */
export interface GetArguments extends CommonArguments {
  urls: string[];
  method: string | undefined;
  data: DataArgument[];
  /** Set by `--json`: its two headers, and parts joined with nothing instead of '&'. */
  json: boolean;
  /** The n-th goes with the n-th URL, as do `outputs`. */
  uploads: string[];
  outputs: string[];
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
    set: (a, v) => void a.uploads.push(v),
  },
  {
    short: 'o',
    long: 'output',
    value: 'FILE',
    set: (a, v) => void a.outputs.push(v),
  },
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
  const bodies = [args.head && '-I', args.data.length > 0 && '-d', args.uploads.length > 0 && '-T'].filter(Boolean);
  if (bodies.length > 1) throw usageError(`${bodies.join(' and ')} ask for different requests: give one of them`);
  if (args.outputs.length > args.urls.length) throw usageError('there are more -o than URLs');
  if (args.uploads.length > args.urls.length) throw usageError('there are more -T than URLs');
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
    head: false,
    location: false,
    fail: false,
    writeOut: undefined,
    maxTime: 0,
    version: false,
  };
}
