// Runs test files of node:test, each in a process of its own with a limit of time, and says what came of each test.
import { spawn } from 'node:child_process';
import { fileURLToPath } from 'node:url';

const reporter = fileURLToPath(new URL('reporter.mjs', import.meta.url));

/** What keeps a file's tests from an end. */
const limit = 90_000;

function runFile(folder, file, args, env) {
  return new Promise((resolve) => {
    const flags = ['--expose-gc', '--test-force-exit', '--test-timeout=25000', `--test-reporter=${reporter}`];
    const child = spawn(process.execPath, [...args, ...flags, file], {
      cwd: folder,
      env: { ...process.env, NODE_OPTIONS: '', ...env },
      stdio: ['ignore', 'pipe', 'ignore'],
    });
    let output = '';
    child.stdout.on('data', (data) => (output += data));
    const timer = setTimeout(() => child.kill('SIGKILL'), limit);
    child.on('close', (code, signal) => {
      clearTimeout(timer);
      const results = output
        .split('\n')
        .filter((line) => line.startsWith('{"name":'))
        .map((line) => ({ file, ...JSON.parse(line) }));
      if (signal !== null)
        results.push({ file, name: '(the file ends)', passed: false, skipped: false, error: 'it does not' });
      else if (results.length === 0)
        results.push({
          file,
          name: '(the file has tests)',
          passed: false,
          skipped: false,
          error: `it ends with ${code}`,
        });
      resolve(results);
    });
  });
}

/** Runs the files, three at a time: they wait more than they compute. `args` go to Node. Resolves with a list of `{ file, name, passed, skipped, error }`. */
export async function runFiles(folder, files, { args = [], env = {} } = {}) {
  const all = [];
  const waiting = [...files];
  const work = async () => {
    for (let file = waiting.shift(); file !== undefined; file = waiting.shift()) {
      all.push(...(await runFile(folder, file, args, env)));
    }
  };
  await Promise.all([work(), work(), work()]);
  return all.sort((a, b) => a.file.localeCompare(b.file));
}
