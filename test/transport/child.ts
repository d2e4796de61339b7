/** Scripts run in a process of their own: for what concerns the process as a whole. */
import { spawn } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** What ships: it is read in a third of the time that the modules in dist take. */
const library = new URL('../../lib/index.js', import.meta.url).href;

export interface ScriptOptions {
  /** Flags for node itself. */
  readonly flags?: readonly string[];
  readonly env?: Readonly<Record<string, string>>;
}

export interface ScriptResult {
  /** 0: it ended by itself. 13: it had nothing left to wait for, though it was not done. 99: it did not end. */
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

/**
 * Runs an ES module to its end. It finds `Transport`, `TransportError` and `request` in scope. One that is still alive
 * after 30 s says what keeps it, and ends with 99: an idle connection would live three times as long.
 */
export async function runScript(source: string, options: ScriptOptions = {}): Promise<ScriptResult> {
  const script = `
    import { Transport, TransportError, request } from ${JSON.stringify(library)};
    setTimeout(() => {
      console.error('still alive, because of', process.getActiveResourcesInfo());
      process.exit(99);
    }, 30_000).unref();
    ${source}`;
  const child = spawn(process.execPath, [...(options.flags ?? []), '--input-type=module', '--eval', script], {
    stdio: ['ignore', 'pipe', 'pipe'],
    env: { ...process.env, NODE_TEST_CONTEXT: undefined, NODE_OPTIONS: undefined, ...options.env },
  });
  const output = { stdout: '', stderr: '' };
  child.stdout.setEncoding('utf8').on('data', (text: string) => (output.stdout += text));
  child.stderr.setEncoding('utf8').on('data', (text: string) => (output.stderr += text));
  const code = await new Promise<number | null>((resolve, reject) => {
    child.on('error', reject);
    child.on('close', resolve);
  });
  return { code, ...output };
}

/** Calls `use` with the path of a file of that content, and removes it afterwards. */
export async function withFile<T>(content: string, use: (path: string) => Promise<T>): Promise<T> {
  const folder = mkdtempSync(join(tmpdir(), 'passinglane-'));
  try {
    const path = join(folder, 'file');
    writeFileSync(path, content);
    return await use(path);
  } finally {
    rmSync(folder, { recursive: true });
  }
}
