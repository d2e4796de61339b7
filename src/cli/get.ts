import { remoteName, type GetArguments } from './args.js';
import { CliError, describeFailure, ExitCode, type Failure } from './exit-codes.js';
import { expandUrl, fillName } from './glob.js';
import { ProgressView } from './progress.js';
import { readInput } from './data.js';
import { Session, type Io } from './session.js';
import { printable } from './terminal.js';
import { Transfer, type Job } from './transfer.js';
import { writeOut } from './write-out.js';

/** So many transfers at once at most. */
const maxAtOnce = 50;

/**
 * Requests the URLs over shared connections, at once where each has a file of its own to go to and else in turn, and
 * resolves with the exit number: 0, or that of the first
 * transfer that failed (curl gives the last one's, under which a failure in the middle would be lost). Throws a
 * {@link CliError} for what is wrong before anything is sent.
 */
export async function runGet(args: GetArguments, io: Io): Promise<number> {
  // A reader that has gone away shows as a failed write, with its callback; the event says the same again.
  io.stdout.on('error', () => undefined);
  const session = new Session(args, io);
  const format = await writeOutFormat(args, io);
  const jobs = args.urls.flatMap((argument, number) => {
    const name = args.outputs[number];
    return (args.globOff ? [{ url: argument, chosen: [] }] : expandUrl(argument)).map(({ url, chosen }) => {
      const output = name === remoteName ? remoteFile(url) : name && fillName(name, chosen);
      return { url, number, output, upload: args.uploads[number] };
    });
  });
  const files = jobs.map(({ output }) => output).filter((output) => output !== undefined && output !== '-');
  const together = jobs.length > 1 && !args.head && new Set(files).size === jobs.length && !args.uploads.includes('-');
  if (together && io.stderr.isTTY === true)
    session.view = new ProgressView(io.stderr, jobs.length, () => performance.now());
  const failures = await runJobs(jobs, together ? maxAtOnce : 1, (job) => runJob(session, job, format));
  session.view?.end();
  const exitCode = failures.find((failure) => failure !== undefined)?.exitCode ?? ExitCode.Ok;
  await session.close(exitCode !== ExitCode.Ok && exitCode !== ExitCode.HttpError);
  return exitCode;
}

/** The last part of the path: never one that leads out of this folder. Throws a {@link CliError} with 23. */
export function remoteFile(url: string): string {
  const path = url.replace(/[?#].*$/s, '').replace(/^[a-z][a-z0-9+.-]*:\/\//i, '');
  const name = path.includes('/') ? path.replace(/^.*[/\\]/s, '') : '';
  if (name === '' || name === '.' || name === '..')
    throw new CliError(ExitCode.Write, `'${url}' has no file name for -O`, 'Name the file with -o FILE.');
  return name;
}

/** Runs the jobs, in their order and so many at once, and resolves with what became of each. */
async function runJobs(
  jobs: readonly Job[],
  atOnce: number,
  run: (job: Job) => Promise<Failure | undefined>,
): Promise<(Failure | undefined)[]> {
  const failures: (Failure | undefined)[] = [];
  const entries = jobs.entries();
  const worker = async (): Promise<void> => {
    for (const [i, job] of entries) failures[i] = await run(job);
  };
  await Promise.all(Array.from({ length: atOnce }, worker));
  return failures;
}

async function runJob(
  session: Session<GetArguments>,
  job: Job,
  format: string | undefined,
): Promise<Failure | undefined> {
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
    const { stdout, stderr, unknown } = writeOut(format, report);
    for (const name of unknown) session.warn(`-w does not know %{${name}}; see 'passinglane get --help'`);
    session.io.stdout.write(stdout);
    session.io.stderr.write(stderr);
  }
  return failure;
}

function complain(session: Session<GetArguments>, failure: Failure): void {
  session.warn(`${session.palette.red(`(${failure.exitCode})`)} ${printable(failure.message)}`);
  if (failure.hint !== undefined) session.warn(failure.hint);
}

/** The text given to -w, or read from the file that it names after '@'. */
async function writeOutFormat(args: GetArguments, io: Io): Promise<string | undefined> {
  if (args.writeOut?.startsWith('@') !== true) return args.writeOut;
  return Buffer.from(await readInput(args.writeOut.slice(1), io.stdin)).toString();
}
