import { usageError } from './exit-codes.js';

/** One option of a command, which writes itself into that command's arguments. */
export interface Option<A> {
  readonly short?: string;
  readonly long: string;
  /** What its value is; an option without one is a switch. */
  readonly value?: string;
  set(args: A, value: string): void;
}

/** What every command that connects understands. */
export interface CommonArguments {
  headers: string[];
  verbose: boolean;
  showSecrets: boolean;
  silent: boolean;
  showError: boolean;
  insecure: boolean;
  compressed: boolean;
  cacert: string | undefined;
  resolve: string[];
  unixSocket: string | undefined;
  proxy: string | undefined;
  http2PriorKnowledge: boolean;
  /** No user-agent is sent. */
  noUserAgent: boolean;
  /** The one kind of addresses to connect to. */
  family: 4 | 6 | undefined;
  /** Where a trace goes. */
  trace: string | undefined;
  help: boolean;
}

export function commonArguments(): CommonArguments {
  return {
    headers: [],
    verbose: false,
    showSecrets: false,
    silent: false,
    showError: false,
    insecure: false,
    compressed: false,
    cacert: undefined,
    resolve: [],
    unixSocket: undefined,
    proxy: undefined,
    http2PriorKnowledge: false,
    family: undefined,
    noUserAgent: false,
    trace: undefined,
    help: false,
  };
}

/** Options of every command that connects: how to, and what to show of it. */
export const connectionOptions: readonly Option<CommonArguments>[] = [
  {
    short: 'v',
    long: 'verbose',
    set: (a) => void (a.verbose = true),
  },
  {
    long: 'show-secrets',
    set: (a) => void (a.showSecrets = true),
  },
  { short: 'k', long: 'insecure', set: (a) => void (a.insecure = true) },
  {
    long: 'cacert',
    value: 'FILE',
    set: (a, v) => void (a.cacert = v),
  },
  {
    long: 'resolve',
    value: 'HOST:PORT:ADDRESS',
    set: (a, v) => void a.resolve.push(v),
  },
  {
    long: 'unix-socket',
    value: 'PATH',
    set: (a, v) => void (a.unixSocket = v),
  },
  { short: 'x', long: 'proxy', value: 'URL', set: (a, v) => void (a.proxy = v) },
  {
    long: 'http2-prior-knowledge',
    set: (a) => void (a.http2PriorKnowledge = true),
  },
  { short: '4', long: 'ipv4', set: (a) => void (a.family = 4) },
  { short: '6', long: 'ipv6', set: (a) => void (a.family = 6) },
  { long: 'trace', value: 'FILE', set: (a, v) => void (a.trace = v) },
  { short: 'h', long: 'help', set: (a) => void (a.help = true) },
];

/** Options of curl that are not here, and what comes nearest to them. */
const elsewhere: Readonly<Record<string, string>> = {
  parallel: 'URLs that each have their own -o FILE are requested at once',
  cookie: "write -H 'Cookie: name=value'",
  referer: "write -H 'Referer: ...'",
};

const curlLetters: Readonly<Record<string, string>> = {
  Z: 'parallel',
  b: 'cookie',
  e: 'referer',
};

/**
 * Parses the arguments of one command into `args` and returns what is no option: switches may be combined (`-sSf`), a
 * value may follow its letter at once (`-XPOST`), its name after `=` (`--data=x`), or be the next argument whatever
 * that looks like. `--` ends the options. Throws a {@link CliError} with exit number 2.
 */
export function parseOptions<A>(
  command: string,
  options: readonly Option<A>[],
  argv: readonly string[],
  args: A,
): string[] {
  const operands: string[] = [];
  const rest = argv[Symbol.iterator]();
  const next = (name: string): string => {
    const { done, value } = rest.next();
    if (done === true) throw usageError(`option ${name} needs a value`, command);
    return value;
  };
  let optionsEnded = false;
  for (const argument of rest) {
    if (optionsEnded || argument === '-' || !argument.startsWith('-')) operands.push(argument);
    else if (argument === '--') optionsEnded = true;
    else if (argument.startsWith('--')) parseLong(command, options, argument, args, next);
    else parseShort(command, options, argument, args, next);
  }
  return operands;
}

function parseLong<A>(
  command: string,
  options: readonly Option<A>[],
  argument: string,
  args: A,
  next: (name: string) => string,
): void {
  const equals = argument.indexOf('=');
  const name = equals === -1 ? argument : argument.slice(0, equals);
  const option = options.find(({ long }) => long === name.slice(2));
  if (option === undefined) throw usageError(unknown(name, name.slice(2), options), command);
  if (option.value === undefined && equals !== -1) throw usageError(`option ${name} takes no value`, command);
  if (option.value === undefined) option.set(args, '');
  else option.set(args, equals === -1 ? next(name) : argument.slice(equals + 1));
}

function parseShort<A>(
  command: string,
  options: readonly Option<A>[],
  argument: string,
  args: A,
  next: (name: string) => string,
): void {
  for (let at = 1; at < argument.length; at += 1) {
    const letter = argument.charAt(at);
    const option = options.find(({ short }) => short === letter);
    if (option === undefined) {
      const where = argument.length > 2 ? ` in ${argument}` : '';
      throw usageError(unknown(`-${letter}${where}`, curlLetters[letter] ?? '', options), command);
    }
    if (option.value !== undefined) {
      option.set(args, at + 1 < argument.length ? argument.slice(at + 1) : next(`-${letter}`));
      return;
    }
    option.set(args, '');
  }
}

/** What to say of an option that there is not: what it would be in curl, or a name that looks like it. */
function unknown(shown: string, long: string, options: readonly { readonly long: string }[]): string {
  const instead = Object.hasOwn(elsewhere, long) ? elsewhere[long] : undefined;
  if (instead !== undefined) return `option ${shown} (curl's --${long}) is not supported; ${instead}`;
  const near = options.find((option) => long.length > 2 && (option.long.startsWith(long) || isNear(option.long, long)));
  return `unknown option ${shown}${near === undefined ? '' : `; do you mean --${near.long}?`}`;
}

/** Whether the words differ by one letter that is missing, added, wrong, or swapped with the next. */
function isNear(a: string, b: string): boolean {
  let start = 0;
  while (start < a.length && a[start] === b[start]) start += 1;
  let end = 0;
  while (end < Math.min(a.length, b.length) - start && a.at(-1 - end) === b.at(-1 - end)) end += 1;
  const left = a.slice(start, a.length - end);
  const right = b.slice(start, b.length - end);
  if (Math.max(left.length, right.length) <= 1) return true;
  return left.length === 2 && right.length === 2 && left[0] === right[1] && left[1] === right[0];
}

/** A number of seconds as milliseconds. */
export function seconds(text: string, name: string, command: string): number {
  const value = Number(text);
  if (text.trim() === '' || !Number.isFinite(value) || value < 0) {
    throw usageError(`${name} needs a number of seconds, e.g. 2.5, not '${text}'`, command);
  }
  return value * 1000;
}

/** A whole number from 1. */
export function count(text: string, name: string, command: string): number {
  const value = Number(text);
  if (text.trim() === '' || !Number.isSafeInteger(value) || value < 1) {
    throw usageError(`${name} needs a whole number from 1, not '${text}'`, command);
  }
  return value;
}
