import type { GetArguments } from './args.js';
import { CliError, describeFailure, ExitCode, type Failure } from './exit-codes.js';
import { readInput } from './request-body.js';
import { Session, type Io } from './session.js';
import { printable } from './terminal.js';
import { Transfer, type Job } from './transfer.js';
import { writeOut } from './write-out.js';

/**
 * Requests the URLs in turn over shared connections and resolves with the exit number: 0, or that of the first
 * transfer that failed (curl gives the last one's, under which a failure in the middle would be lost). Throws a
 * {@link CliError} for what is wrong before anything is sent.
 */
export async function runGet(args: GetArguments, io: Io): Promise<number> {
  // A reader that has gone away shows as a failed write, with its callback; the event says the same again.
  io.stdout.on('error', () => undefined);
  const session = new Session(args, io);
  const format = await writeOutFormat(args, io);
  let exitCode: number = ExitCode.Ok;
  for (const [i, url] of args.urls.entries()) {
    const failure = await runJob(session, { url, output: args.outputs[i], upload: args.uploads[i] }, format);
    if (exitCode === ExitCode.Ok && failure !== undefined) exitCode = failure.exitCode;
  }
  await session.close(exitCode !== ExitCode.Ok && exitCode !== ExitCode.HttpError);
  return exitCode;
}

async function runJob(session: Session, job: Job, format: string | undefined): Promise<Failure | undefined> {
  let transfer: Transfer;
  try {
    transfer = new Transfer(session, job);
  } catch (error) {
    if (!(error instanceof CliError)) throw error;
    complain(session, error);
    return describeFailure(error, { url: new URL('about:blank'), responseBegun: false });
  }
  const { report, failure } = await transfer.run();
  if (failure !== undefined) complain(session, failure);
  if (format !== undefined) {
    const { text, unknown } = writeOut(format, report);
    for (const name of unknown) session.warn(`-w does not know %{${name}}; see passinglane --help`);
    session.io.stdout.write(text);
  }
  return failure;
}

function complain(session: Session, failure: Failure): void {
  session.warn(`${session.palette.red(`(${failure.exitCode})`)} ${printable(failure.message)}`);
  if (failure.hint !== undefined) session.warn(failure.hint);
}

/** The text given to -w, or read from the file that it names after '@'. */
async function writeOutFormat(args: GetArguments, io: Io): Promise<string | undefined> {
  if (args.writeOut?.startsWith('@') !== true) return args.writeOut;
  return Buffer.from(await readInput(args.writeOut.slice(1), io.stdin)).toString();
}
