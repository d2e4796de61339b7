// Runs test files of another project, each in a process of its own with a limit of time, and says what came of each test.
import { spawn } from 'node:child_process';
import process from 'node:process';

/** What keeps a file's tests from an end. */
const limit = 90_000;

function failure(name, error) {
  return { name, passed: false, skipped: false, error };
}

function runFile(folder, file, { args, env, read }) {
  return new Promise((resolve) => {
    const child = spawn(process.execPath, [...args, file], {
      cwd: folder,
      env: { ...process.env, NODE_OPTIONS: '', ...env },
      stdio: ['ignore', 'pipe', 'ignore'],
      detached: true, // so that what it has started ends with it
    });
    let output = '';
    child.stdout.on('data', (data) => (output += data));
    const timer = setTimeout(() => process.kill(-child.pid, 'SIGKILL'), limit);
    child.on('close', (code, signal) => {
      clearTimeout(timer);
      const results = read(output);
      if (signal !== null) results.push(failure('(the file ends)', 'it does not'));
      else if (results.length === 0) results.push(failure('(the file has tests)', `it ends with ${code}`));
      resolve(results.map((result) => ({ file, ...result })));
    });
  });
}

/**
 * Runs the files, three at a time: they wait more than they compute. `args` go to Node before the file's name, `read` makes
 * a list of `{ name, passed, skipped, error }` of what is printed. Resolves with all of those, each with its `file`.
 */
export async function runFiles(folder, files, { args, env = {}, read }) {
  const all = [];
  const waiting = [...files];
  const work = async () => {
    for (let file = waiting.shift(); file !== undefined; file = waiting.shift()) {
      all.push(...(await runFile(folder, file, { args, env, read })));
    }
  };
  await Promise.all([work(), work(), work()]);
  return all.sort((a, b) => a.file.localeCompare(b.file));
}
