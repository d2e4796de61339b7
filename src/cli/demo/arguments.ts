import { usageError } from '../exit-codes.js';
import { parseOptions, type Option } from '../options.js';

/** `passinglane demo`, parsed. */
export interface DemoArguments {
  /** Where a trace of the run goes. */
  trace: string | undefined;
  help: boolean;
}

export const demoOptions: readonly Option<DemoArguments>[] = [
  { long: 'trace', value: 'FILE', set: (a, v) => void (a.trace = v) },
  { short: 'h', long: 'help', set: (a) => void (a.help = true) },
];

/** Throws a {@link CliError} with exit number 2. */
export function parseDemoArguments(argv: readonly string[]): DemoArguments {
  const args: DemoArguments = { trace: undefined, help: false };
  const [operand] = parseOptions('demo', demoOptions, argv, args);
  if (operand !== undefined) throw usageError(`demo takes no '${operand}'`, 'demo');
  return args;
}
