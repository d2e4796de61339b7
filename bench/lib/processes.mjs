// Starting, pinning, measuring and ending the processes that a benchmark is made of.
import { execFileSync, spawn } from 'node:child_process';
import { accessSync, constants } from 'node:fs';
import { availableParallelism } from 'node:os';
import { delimiter, join } from 'node:path';

const running = new Set();
process.on('exit', () => {
  for (const child of running) child.kill('SIGKILL');
});

/** The path of a program on PATH or where distributions keep servers; undefined where there is none. */
export function findProgram(name) {
  const folders = [...(process.env.PATH ?? '').split(delimiter), '/usr/local/sbin', '/usr/sbin'];
  return folders.map((folder) => join(folder, name)).find(isExecutable);
}

function isExecutable(path) {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    return false; // not there, or not for us: the next folder may have it
  }
}

const taskset = availableParallelism() > 1 ? findProgram('taskset') : undefined;

/** How processes are placed, for the head of the report. */
export const placement =
  taskset === undefined ? 'not pinned' : 'client pinned to core 0, server (and proxy) to core 1, with taskset';

/** The command that runs a program on the core of that role. */
function pinned(role, command) {
  return taskset === undefined ? command : [taskset, '-c', role === 'client' ? '0' : '1', ...command];
}

/** Starts a server program, ended with this process at the latest. */
export function startServer(command) {
  const [program, ...args] = pinned('server', command);
  const child = spawn(program, args, { stdio: ['ignore', 'pipe', 'pipe'] });
  running.add(child);
  let errors = '';
  child.stderr.setEncoding('utf8').on('data', (text) => (errors = (errors + text).slice(-4_000)));
  child.on('exit', () => running.delete(child));
  return { child, errors: () => errors };
}

/** Runs a client program to its end and gives what it printed. `seconds` is a guard against a hang. */
export async function runClient(command, { seconds = 120, env = {} } = {}) {
  const [program, ...args] = pinned('client', command);
  const child = spawn(program, args, { stdio: ['ignore', 'pipe', 'pipe'], env: { ...process.env, ...env } });
  running.add(child);
  let output = '';
  let errors = '';
  child.stdout.setEncoding('utf8').on('data', (text) => (output += text));
  child.stderr.setEncoding('utf8').on('data', (text) => (errors = (errors + text).slice(-2_000)));
  const guard = setTimeout(() => child.kill('SIGKILL'), seconds * 1_000);
  const [code, signal] = await new Promise((resolve, reject) => {
    child.on('error', reject);
    child.on('close', (...how) => resolve(how));
  });
  guard.close();
  running.delete(child);
  if (signal === 'SIGKILL') throw new Error(`did not end within ${seconds} s`);
  if (code !== 0) throw new Error(`ended with ${code ?? signal}: ${gist(errors) ?? gist(output) ?? 'it said nothing'}`);
  return output;
}

/** The line that says what went wrong, or the last one. */
function gist(text) {
  const lines = text.trim().split('\n');
  return (lines.find((line) => /^\w*Error\b/.test(line)) ?? lines.at(-1))?.slice(0, 200) || undefined;
}

/** As `runClient`, for a program that does not measure itself: its output, and its CPU time in microseconds. */
export async function runTimed(command, options) {
  const script = '"$@" || exit; echo; times';
  const output = await runClient(['bash', '-c', script, 'bash', ...command], options);
  const last = output.trim().split('\n').at(-1);
  const times = [...last.matchAll(/(\d+)m([\d.]+)s/g)].map(([, minutes, rest]) => Number(minutes) * 60 + Number(rest));
  return { output, cpu: times.reduce((sum, time) => sum + time, 0) * 1e6 };
}

/** What a program prints, in one line; undefined when it cannot be run. */
export function firstLine(program, ...args) {
  try {
    return execFileSync(program, args, { encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] })
      .trim()
      .split('\n')[0];
  } catch {
    return undefined; // what cannot say its version is named without one
  }
}
