// Whole processes as a shell starts them, from their start to their end: our command, Node's fetch, and curl. Each trusts the
// server's certificate beside those that it trusts anyway.
import { performance } from 'node:perf_hooks';
import { fileURLToPath } from 'node:url';
import { findProgram, firstLine, runTimed } from './processes.mjs';

const ours = fileURLToPath(new URL('../../lib/cli/main.js', import.meta.url));

const script = `
  const [url, file] = process.argv.slice(1);
  fetch(url).then(async (response) => {
    if (file === undefined) return void process.stdout.write(await response.text());
    const { createWriteStream } = await import('node:fs');
    const { pipeline } = await import('node:stream/promises');
    await pipeline(response.body, createWriteStream(file));
  });
`;

/** The commands by name; a job has the `path` to get and, unless it goes to standard output, the `file` for it. */
export function commandPeers(node, files) {
  const curl = findProgram('curl');
  const measured = (command) => async (job) => {
    const url = job.origin + job.path;
    const env = { NODE_EXTRA_CA_CERTS: files.cert, NODE_NO_WARNINGS: '1' };
    const begun = performance.now();
    const { cpu } = await runTimed(command(url, job.file), { env });
    return { cpu: cpu / 1_000, time: performance.now() - begun };
  };
  const output = (file) => (file === undefined ? [] : ['-o', file]);
  return {
    'passinglane URL': {
      version: 'this checkout',
      configuration: 'the command, HTTP/2',
      run: measured((url, file) => [node.path, ours, ...output(file), url]),
    },
    'node -e fetch': {
      version: `of Node ${node.version}`,
      configuration: "Node's own fetch, HTTP/1.1",
      run: measured((url, file) => [node.path, '-e', script, url, ...(file === undefined ? [] : [file])]),
    },
    curl: {
      version: curl && firstLine(curl, '--version'),
      configuration: 'HTTP/2',
      absent: curl === undefined ? 'curl is not installed' : undefined,
      run: measured((url, file) => [curl, '-s', '--cacert', files.cert, ...output(file), url]),
    },
  };
}
