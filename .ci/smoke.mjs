// node .ci/smoke.mjs COMMAND ARGS...: starts an HTTP/2 server on Node and has another runtime run smoke-client.mjs
// against it, so that the client is all that the other runtime must carry.
import { spawn } from 'node:child_process';
import { createSecureServer } from 'node:http2';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { selfSignedCertificate } from '../dist/cli/certificate.js';

const { key, cert } = selfSignedCertificate({ names: ['localhost'], ips: ['127.0.0.1'] });
const server = createSecureServer({ key, cert });
server.on('stream', (stream, headers) => {
  stream.respond({ ':status': 200, 'x-method': headers[':method'] });
  stream.pipe(stream);
});
await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve));

const [command, ...args] = process.argv.slice(2);
const client = join(dirname(fileURLToPath(import.meta.url)), 'smoke-client.mjs');
const child = spawn(command, [...args, client, `https://127.0.0.1:${server.address().port}/`], {
  env: { ...process.env, SMOKE_CA: cert },
  stdio: 'inherit',
  timeout: 60_000,
});
child.on('error', (error) => {
  console.error(`${command} could not be started: ${error.message}`);
  process.exit(1);
});
child.on('exit', (code, signal) => {
  if (signal !== null) console.error(`${command} was ended by ${signal}: it did not finish within a minute`);
  process.exit(code ?? 1);
});
