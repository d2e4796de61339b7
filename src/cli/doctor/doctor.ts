import { frameLog } from '../../diagnostics/index.js';
import { usageError } from '../exit-codes.js';
import {
  commonArguments,
  connectionOptions,
  parseOptions,
  seconds,
  type CommonArguments,
  type Option,
} from '../options.js';
import { parseResolution, readCertificates, type Io } from '../session.js';
import { palette, wantsColour } from '../terminal.js';
import { parseUrl, withoutCredentials } from '../url.js';
import { diagnose } from './diagnose.js';
import { asJson, inWords } from './report.js';

/** `passinglane doctor`, parsed. */
export interface DoctorArguments extends CommonArguments {
  origin: string;
  json: boolean;
  /** Of each step, in milliseconds. */
  timeout: number;
}

/** It looks at the server's own addresses, so there is no proxy; and it sends one GET, without fields of its own. */
const shared: readonly string[] = [
  'verbose',
  'show-secrets',
  'insecure',
  'cacert',
  'resolve',
  'unix-socket',
  'http2-prior-knowledge',
  'ipv4',
  'ipv6',
  'help',
];

export const doctorOptions: readonly Option<DoctorArguments>[] = [
  { long: 'json', set: (a) => void (a.json = true) },
  { short: 'W', long: 'timeout', value: 'SECONDS', set: (a, v) => void (a.timeout = seconds(v, '-W', 'doctor')) },
  ...connectionOptions.filter(({ long }) => shared.includes(long)),
];

/** Throws a {@link CliError} with exit number 2. */
export function parseDoctorArguments(argv: readonly string[]): DoctorArguments {
  const args = { ...commonArguments(), origin: '', json: false, timeout: 5_000 };
  const [origin, ...more] = parseOptions<DoctorArguments>('doctor', doctorOptions, argv, args);
  if (args.help) return args;
  if (origin === undefined) throw usageError('no origin given', 'doctor');
  if (more.length > 0) throw usageError(`doctor takes one origin, not '${more.join(' ')}' as well`, 'doctor');
  if (args.timeout === 0) throw usageError('-W needs more than 0 seconds', 'doctor');
  args.origin = origin;
  return args;
}

/** Examines an origin and says what is wrong with it. Resolves with the exit number. */
export async function runDoctor(args: DoctorArguments, io: Io): Promise<number> {
  const url = withoutCredentials(parseUrl(args.origin, args.http2PriorKnowledge));
  const diagnosis = await diagnose({
    url,
    ca: args.cacert === undefined ? undefined : readCertificates(args.cacert),
    insecure: args.insecure,
    family: args.family,
    addresses: addressesFor(args, url),
    timeout: args.timeout,
    log: args.verbose
      ? frameLog({
          write: (text) => io.stderr.write(text),
          palette: palette(wantsColour(io.stderr, io.env)),
          showSecrets: args.showSecrets,
        })
      : undefined,
  });
  io.stdout.write(args.json ? asJson(diagnosis) : inWords(diagnosis, palette(wantsColour(io.stdout, io.env))));
  return diagnosis.exitCode;
}

function addressesFor({ unixSocket, resolve }: DoctorArguments, url: URL): readonly string[] | undefined {
  if (unixSocket !== undefined) return [unixSocket];
  const port = Number(url.port === '' ? (url.protocol === 'http:' ? 80 : 443) : url.port);
  const given = resolve.map(parseResolution).filter((one) => one.port === port);
  const exact = given.findLast(({ host }) => host === url.hostname) ?? given.findLast(({ host }) => host === '*');
  return exact?.addresses;
}
