/** The command as it ships, run as a process of its own. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';

export const main = fileURLToPath(new URL('../../lib/cli/main.js', import.meta.url));

export interface Result {
  readonly exitCode: number | null;
  readonly stdout: Buffer;
  readonly stderr: string;
}

/**
 * Runs `passinglane` with these arguments and this standard input, both outputs being pipes. No proxy of this machine's is
 * used but one that `env` names. `onOutput` hears of the first bytes on stdout.
 */
export async function passinglane(
  args: readonly string[],
  stdin: string | Uint8Array = '',
  env: Readonly<Record<string, string>> = { no_proxy: '*' },
  onOutput?: () => void,
): Promise<Result> {
  // The time-out is a guard against a hang, never a pass mark.
  const child = spawn(process.execPath, [main, ...args], { timeout: 100_000, env: { ...process.env, ...env } });
  const stdout: Buffer[] = [];
  const stderr: Buffer[] = [];
  child.stdout.on('data', (chunk: Buffer) => stdout.push(chunk));
  if (onOutput !== undefined) child.stdout.once('data', onOutput);
  child.stderr.on('data', (chunk: Buffer) => stderr.push(chunk));
  child.stdin.on('error', () => undefined); // a command that does not read it has closed it
  child.stdin.end(stdin);
  const [exitCode] = (await once(child, 'close')) as [number | null];
  return { exitCode, stdout: Buffer.concat(stdout), stderr: Buffer.concat(stderr).toString() };
}
