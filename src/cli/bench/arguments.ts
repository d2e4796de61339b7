import type { DataArgument } from '../args.js';
import { usageError } from '../exit-codes.js';
import {
  commonArguments,
  connectionOptions,
  count,
  parseOptions,
  seconds,
  type CommonArguments,
  type Option,
} from '../options.js';

/** `passinglane bench`, parsed. Times in milliseconds. */
export interface BenchArguments extends CommonArguments {
  url: string;
  /** Undefined: as many as the duration allows. */
  requests: number | undefined;
  clients: number;
  /** Requests at once on each connection. */
  streams: number;
  duration: number | undefined;
  warmUp: number;
  method: string | undefined;
  data: DataArgument[];
  /** Print the result as JSON. */
  json: boolean;
}

const defaultDuration = 5_000;

/** h2load's letters, with curl's for the request itself. */
export const benchOptions: readonly Option<BenchArguments>[] = [
  { short: 'n', long: 'requests', value: 'NUMBER', set: (a, v) => void (a.requests = count(v, '-n', 'bench')) },
  { short: 'c', long: 'clients', value: 'NUMBER', set: (a, v) => void (a.clients = count(v, '-c', 'bench')) },
  {
    short: 'm',
    long: 'max-concurrent-streams',
    value: 'NUMBER',
    set: (a, v) => void (a.streams = count(v, '-m', 'bench')),
  },
  { short: 'D', long: 'duration', value: 'SECONDS', set: (a, v) => void (a.duration = seconds(v, '-D', 'bench')) },
  {
    long: 'warm-up-time',
    value: 'SECONDS',
    set: (a, v) => void (a.warmUp = seconds(v, '--warm-up-time', 'bench')),
  },
  { short: 'X', long: 'request', value: 'METHOD', set: (a, v) => void (a.method = v) },
  { short: 'H', long: 'header', value: 'LINE', set: (a, v) => void a.headers.push(v) },
  { short: 'd', long: 'data', value: 'DATA', set: (a, v) => void a.data.push({ kind: 'binary', text: v }) },
  { long: 'json', set: (a) => void (a.json = true) },
  ...connectionOptions,
];

/** Throws a {@link CliError} with exit number 2. */
export function parseBenchArguments(argv: readonly string[]): BenchArguments {
  const args: BenchArguments = {
    ...commonArguments(),
    url: '',
    requests: undefined,
    clients: 1,
    streams: 1,
    duration: undefined,
    warmUp: 1_000,
    method: undefined,
    data: [],
    json: false,
  };
  const [url, ...more] = parseOptions('bench', benchOptions, argv, args);
  if (args.help) return args;
  if (url === undefined) throw usageError('no URL given', 'bench');
  if (more.length > 0) throw usageError(`bench takes one URL, not '${more.join(' ')}' as well`, 'bench');
  if (args.requests !== undefined && args.duration !== undefined)
    throw usageError('-n and -D both say when to end: give one of them', 'bench');
  if (args.requests === undefined) args.duration ??= defaultDuration;
  args.url = url;
  return args;
}
