// curl's own cases over HTTP/2, put to curl and to ours beside each other, from a copy of its repository: the same bytes on
// standard output, the same requests at the server, the same exit number.
import { spawn } from 'node:child_process';
import { Buffer } from 'node:buffer';
import { join } from 'node:path';
import process from 'node:process';
import { casesOf } from './curl/cases.mjs';
import { different } from './curl/reasons.mjs';
import { startServer } from './curl/server.mjs';
import { layOut } from './copies.mjs';
import { compiled, installed, root, versionOf } from './tools.mjs';

/** So long a command may take, in milliseconds. */
const limit = 15_000;

/** So many cases at a time, each with a server of its own. */
const width = 4;

const programs = {
  curl: ['curl', '-q'],
  ours: [process.execPath, join(root, 'lib/cli/main.js')],
};

function run([program, ...first], args, input) {
  return new Promise((resolve) => {
    const child = spawn(program, [...first, ...args], { stdio: ['pipe', 'pipe', 'pipe'], timeout: limit });
    const parts = [];
    let errors = '';
    child.stdout.on('data', (part) => parts.push(part));
    child.stderr.on('data', (part) => (errors += part));
    child.stdin.on('error', () => undefined); // it does not read what it was not told to
    child.stdin.end(input);
    child.on('close', (code) => resolve({ code, output: Buffer.concat(parts).toString('latin1'), errors }));
  });
}

/** A server answers for one case at a time. */
async function put(server, one, program) {
  const asked = server.play(one);
  const args = ['-s', '-i', '-k', ...one.words(server.origin)];
  const { code, output, errors } = await run(programs[program], args, one.input);
  // A local port is another in each run.
  return {
    'exit number': code,
    output: output.replace(/^(local port == )\d+/gm, '$1N'),
    requests: asked.join('\n'),
    errors,
  };
}

function differenceOf(one, theirs, ours) {
  const what = ['exit number', 'output', 'requests'].filter((name) => theirs[name] !== ours[name]);
  if (what.length === 0) return undefined;
  const shown = `${one.number} ${one.title}: ${what.join(', ')}`;
  const detail = what.map((name) => `${name}: ${JSON.stringify(theirs[name])} ${JSON.stringify(ours[name])}`).join(' ');
  const reason = different.find(({ pattern }) => pattern.test(`${shown} ${detail} ${ours.errors}`))?.reason;
  return { what: shown, reason: reason ?? `not explained: ${detail.slice(0, 300)}` };
}

export const curl = {
  id: 'curl',
  title: "curl's own cases",
  copy: 'curl',
  about:
    'Those of tests/data that need no server but one of HTTP, no file and no flag that ours has not, and whose replies HTTP/2 can ' +
    'carry, with `-i` as curl runs them: over HTTP/2 and TLS, put to curl and to ours. The standard output, the requests that ' +
    'arrive (method, path, content-type, range, credentials, body) and the exit number are to be the same.',
  missing: () => (installed('curl') ? undefined : 'curl is not installed'),
  async run({ copy }) {
    const { all, cases } = casesOf(layOut(copy, 'curl'));
    const { loopback: certificate } = await compiled('support/certificates.js');
    const differences = new Map();
    const waiting = [...cases];
    const work = async () => {
      const server = await startServer(certificate);
      for (let one = waiting.shift(); one !== undefined; one = waiting.shift()) {
        const found = differenceOf(one, await put(server, one, 'curl'), await put(server, one, 'ours'));
        if (found !== undefined) differences.set(one, found);
      }
      await server.close();
    };
    await Promise.all(Array.from({ length: width }, work));
    const told = `commit ${copy.commit} of ${copy.date}, ${cases.length} of ${all} cases`;
    return {
      version: told,
      cases: cases.length,
      excluded: [],
      ours: cases.length - differences.size,
      peers: [{ name: `curl ${versionOf('curl')}`, passed: cases.length }],
      differences: cases.flatMap((one) => differences.get(one) ?? []),
    };
  },
};
