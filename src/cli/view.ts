import { readFileSync, writeFileSync } from 'node:fs';
import { basename } from 'node:path';
import { NotATrace, readTrace, viewPage } from '../view/index.js';
import { CliError, ExitCode, usageError } from './exit-codes.js';
import { parseOptions, type Option } from './options.js';
import { cannotRead, reasonOf } from './data.js';
import type { Io } from './session.js';

/** `passinglane view`, parsed. */
export interface ViewArguments {
  file: string;
  /** '-': standard output. */
  output: string;
  help: boolean;
}

export const viewOptions: readonly Option<ViewArguments>[] = [
  { short: 'o', long: 'output', value: 'FILE', set: (a, v) => void (a.output = v) },
  { short: 'h', long: 'help', set: (a) => void (a.help = true) },
];

/** Throws a {@link CliError} with exit number 2. */
export function parseViewArguments(argv: readonly string[]): ViewArguments {
  const args: ViewArguments = { file: '', output: '', help: false };
  const [file, ...more] = parseOptions('view', viewOptions, argv, args);
  if (args.help) return args;
  if (file === undefined) throw usageError('no trace given', 'view');
  if (more.length > 0) throw usageError(`view takes one trace, not '${more.join(' ')}' as well`, 'view');
  args.file = file;
  if (args.output === '') args.output = `${file.replace(/\.json$/i, '')}.html`;
  return args;
}

/** Writes the page and says where it is. Throws a {@link CliError} with 23 or 26. */
export function runView({ file, output }: ViewArguments, io: Io): number {
  const page = viewPage(modelOf(file), basename(file));
  if (output === '-') {
    io.stdout.write(page);
    return ExitCode.Ok;
  }
  try {
    writeFileSync(output, page);
  } catch (error) {
    throw new CliError(ExitCode.Write, `cannot write '${output}': ${reasonOf(error)}`, undefined, error);
  }
  io.stderr.write(`${output}: open it in a browser; it needs no network\n`);
  return ExitCode.Ok;
}

function modelOf(file: string): ReturnType<typeof readTrace> {
  let text: string;
  try {
    text = readFileSync(file, 'utf8');
  } catch (error) {
    throw cannotRead(file, error);
  }
  try {
    return readTrace(text);
  } catch (error) {
    if (!(error instanceof NotATrace)) throw error;
    throw new CliError(
      ExitCode.Read,
      `cannot show '${file}': ${error.message}`,
      'get, ping, bench and demo write traces with --trace FILE.',
      error,
    );
  }
}
