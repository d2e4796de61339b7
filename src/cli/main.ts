#!/usr/bin/env node
import { parseGetArguments } from './args.js';
import { runDemo } from './demo/demo.js';
import { CliError, ExitCode, usageError } from './exit-codes.js';
import { runGet } from './get.js';
import { commands, demoHelp, helpText } from './help.js';
import { version } from '../version.js';
import type { Io } from './session.js';

/** Runs one command line and resolves with its exit number. */
async function run(argv: readonly string[], io: Io): Promise<number> {
  const [first, ...rest] = argv;
  if (first === 'demo') return demo(rest, io);
  if (first !== undefined && first !== 'get' && looksLikeCommand(first)) throw unknownCommand(first);
  const args = parseGetArguments(first === 'get' ? rest : argv);
  if (args.help) io.stdout.write(helpText());
  else if (args.version) io.stdout.write(`passinglane ${version}\n`);
  else return runGet(args, io);
  return 0;
}

async function demo(argv: readonly string[], io: Io): Promise<number> {
  const [first] = argv;
  if (first === '--help' || first === '-h') {
    io.stdout.write(demoHelp);
    return 0;
  }
  if (first !== undefined) throw usageError(`demo takes no '${first}'`);
  return runDemo(io);
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
