#!/usr/bin/env node
import { parseGetArguments } from './args.js';
import { CliError, ExitCode } from './exit-codes.js';
import {
  benchHelp,
  commands,
  demoHelp,
  doctorHelp,
  getHelp,
  helpText,
  pingHelp,
  registerUrlHelp,
  viewHelp,
} from './help.js';
import { version } from '../version.js';
import type { Io } from './session.js';

// What V8 has compiled is kept for the next command, where Node knows how (22.1). The process is ours: no library may do that.
const { enableCompileCache } = process.getBuiltinModule('node:module') as { enableCompileCache?: () => unknown };
enableCompileCache?.();

// A command's module is loaded when it is asked for.
const runners: Readonly<Record<string, (argv: readonly string[], io: Io) => Promise<number>>> = {
  get: runGetCommand,
  async ping(argv, io) {
    const { parsePingArguments, runPing } = await import('./ping.js');
    const args = parsePingArguments(argv);
    return args.help ? print(io, pingHelp) : runPing(args, io, interrupted());
  },
  async bench(argv, io) {
    const [{ parseBenchArguments }, { runBench }] = await Promise.all([
      import('./bench/arguments.js'),
      import('./bench/bench.js'),
    ]);
    const args = parseBenchArguments(argv);
    return args.help ? print(io, benchHelp) : runBench(args, io, interrupted());
  },
  async doctor(argv, io) {
    const { parseDoctorArguments, runDoctor } = await import('./doctor/doctor.js');
    const args = parseDoctorArguments(argv);
    return args.help ? print(io, doctorHelp) : runDoctor(args, io);
  },
  async view(argv, io) {
    const { parseViewArguments, runView } = await import('./view.js');
    const args = parseViewArguments(argv);
    return args.help ? print(io, viewHelp) : runView(args, io);
  },
  async 'register-url'(argv, io) {
    if (argv.includes('--help') || argv.includes('-h')) return print(io, registerUrlHelp);
    if (argv.length > 0) throw new CliError(ExitCode.Usage, 'register-url takes no arguments');
    return print(io, `${import.meta.resolve('passinglane/register')}\n`);
  },
  async demo(argv, io) {
    const { parseDemoArguments } = await import('./demo/arguments.js');
    const args = parseDemoArguments(argv);
    if (args.help) return print(io, demoHelp);
    const { runDemo } = await import('./demo/demo.js');
    return runDemo(io, args.trace, args.scene);
  },
};

/** Runs one command line and resolves with its exit number. */
async function run(argv: readonly string[], io: Io): Promise<number> {
  const [first = '', ...rest] = argv;
  if (argv.length === 1 && (first === '--help' || first === '-h')) return print(io, helpText());
  if (first !== 'get' && Object.hasOwn(runners, first)) endWithReader();
  const runner = Object.hasOwn(runners, first) ? runners[first] : undefined;
  if (runner !== undefined) return runner(rest, io);
  if (looksLikeCommand(first)) throw unknownCommand(first);
  return runGetCommand(argv, io);
}

async function runGetCommand(argv: readonly string[], io: Io): Promise<number> {
  const args = parseGetArguments(argv);
  if (args.help) return print(io, getHelp());
  if (args.version) return print(io, `passinglane ${version}\n`);
  const { runGet } = await import('./get.js');
  return runGet(args, io);
}

/** Ends with the reader of standard output (`| head`): there is nothing left to do, and nobody to tell. */
function endWithReader(): void {
  process.stdout.on('error', (error: NodeJS.ErrnoException) => {
    if (error.code !== 'EPIPE') throw error;
    process.exit(ExitCode.Write);
  });
}

function print(io: Io, text: string): number {
  endWithReader();
  io.stdout.write(text);
  return ExitCode.Ok;
}

/** Aborted by the first ^C, so that a measurement can sum up; a second one ends the process as ever. */
function interrupted(): AbortSignal {
  const controller = new AbortController();
  process.once('SIGINT', () => controller.abort());
  return controller.signal;
}

/** A bare word is a misspelt command sooner than a host; `passinglane get word` is there for those. */
function looksLikeCommand(argument: string): boolean {
  return /^[a-z][a-z0-9-]*$/.test(argument) && argument !== 'localhost';
}

function unknownCommand(name: string): CliError {
  return new CliError(
    ExitCode.Usage,
    `unknown command '${name}'; there are: ${Object.keys(commands).join(', ')}`,
    `If '${name}' is a host, write https://${name}/. 'passinglane --help' says more.`,
  );
}

// Frames and progress that nobody reads are no reason to stop.
process.stderr.on('error', (error: NodeJS.ErrnoException) => {
  if (error.code !== 'EPIPE') throw error;
});

try {
  // Not process.exit(): what is on its way to a pipe would be lost.
  process.exitCode = await run(process.argv.slice(2), process);
} catch (error) {
  if (!(error instanceof CliError)) throw error;
  const number = error.exitCode === ExitCode.Usage ? '' : `(${error.exitCode}) `;
  process.stderr.write(`passinglane: ${number}${error.message}\n`);
  if (error.hint !== undefined) process.stderr.write(`passinglane: ${error.hint}\n`);
  process.exitCode = error.exitCode;
}
