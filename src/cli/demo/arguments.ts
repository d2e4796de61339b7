import { usageError } from '../exit-codes.js';
import { parseOptions, type Option } from '../options.js';

/** `passinglane demo`, parsed. */
export interface DemoArguments {
  /** Where a trace of the run goes. */
  trace: string | undefined;
  /** The one that is played; undefined: all of them. */
  scene: SceneName | undefined;
  help: boolean;
}

export const sceneNames = ['stall', 'window', 'address', 'bulk'] as const;
export type SceneName = (typeof sceneNames)[number];

function parseScene(value: string): SceneName {
  const found = sceneNames.find((name) => name === value);
  if (found === undefined) throw usageError(`--scene is one of ${sceneNames.join(', ')}, not '${value}'`, 'demo');
  return found;
}

export const demoOptions: readonly Option<DemoArguments>[] = [
  { long: 'trace', value: 'FILE', set: (a, v) => void (a.trace = v) },
  { long: 'scene', value: 'NAME', set: (a, v) => void (a.scene = parseScene(v)) },
  { short: 'h', long: 'help', set: (a) => void (a.help = true) },
];

/** Throws a {@link CliError} with exit number 2. */
export function parseDemoArguments(argv: readonly string[]): DemoArguments {
  const args: DemoArguments = { trace: undefined, scene: undefined, help: false };
  const [operand] = parseOptions('demo', demoOptions, argv, args);
  if (operand !== undefined) throw usageError(`demo takes no '${operand}'`, 'demo');
  return args;
}
