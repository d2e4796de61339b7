/** Server processes of the interop tests: found, started, and never left behind. */
import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { accessSync, constants } from 'node:fs';
import { connect, createServer, type AddressInfo } from 'node:net';
import { delimiter, join } from 'node:path';

const running = new Set<ChildProcess>();
process.on('exit', () => {
  for (const child of running) child.kill('SIGKILL');
});

/** The path of a program on PATH or where distributions keep servers; undefined where there is none. */
export function findProgram(name: string): string | undefined {
  const folders = [...(process.env['PATH'] ?? '').split(delimiter), '/usr/local/sbin', '/usr/sbin'];
  return folders.map((folder) => join(folder, name)).find(isExecutable);
}

function isExecutable(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    return false; // not there, or not for us: the next folder may have it
  }
}

export interface ServerProcess {
  readonly child: ChildProcess;
  /** What it has written to stderr so far, for messages. */
  stderr(): string;
  /** Ends it and resolves once it is gone. */
  stop(): Promise<void>;
}

/** Starts a program. Its stdin is a pipe, which closes with this process; its stdout is the caller's to read. */
export function startProcess(program: string, args: readonly string[], env: NodeJS.ProcessEnv = {}): ServerProcess {
  const child = spawn(program, args, { stdio: 'pipe', env: { ...process.env, ...env } });
  running.add(child);
  const gone = new Promise<void>((resolve) => {
    child.on('exit', () => {
      running.delete(child);
      resolve();
    });
  });
  let stderr = '';
  child.stderr.setEncoding('utf8').on('data', (text: string) => (stderr += text));
  return {
    child,
    stderr: () => stderr,
    async stop() {
      child.kill('SIGKILL');
      await gone;
    },
  };
}

/** Runs a program to its end. Rejects with what it said where that is not success. */
export async function run(program: string, args: readonly string[], env: NodeJS.ProcessEnv): Promise<void> {
  const { child, stderr } = startProcess(program, args, env);
  const [code] = (await once(child, 'close')) as [number | null];
  if (code !== 0) throw new Error(`${program} ${args.join(' ')} ended with ${String(code)}: ${stderr()}`);
}

/** Starts a server that takes its port as an argument, on a free one, and waits until it accepts connections. */
export async function startOnFreePort(
  start: (port: number) => ServerProcess,
): Promise<ServerProcess & { port: number }> {
  for (let attempt = 1; ; attempt++) {
    const port = await freePort();
    const server = start(port);
    if (await accepts(server, port)) return { ...server, port };
    // Somebody else may have taken the port since; anything worse shows again.
    if (attempt === 3) throw new Error(`${server.child.spawnfile} does not start: ${server.stderr()}`);
  }
}

async function freePort(): Promise<number> {
  const probe = createServer().listen(0, '127.0.0.1');
  await once(probe, 'listening');
  const { port } = probe.address() as AddressInfo;
  probe.close();
  await once(probe, 'close');
  return port;
}

/** True once the port accepts a connection; false when the process has ended. */
async function accepts(server: ServerProcess, port: number): Promise<boolean> {
  while (server.child.exitCode === null && server.child.signalCode === null) {
    const socket = connect(port, '127.0.0.1');
    const connected = await new Promise<boolean>((resolve) => {
      socket.on('connect', () => resolve(true));
      socket.on('error', () => resolve(false));
    });
    socket.destroy();
    if (connected) return true;
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
  return false;
}
