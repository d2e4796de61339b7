import assert from 'node:assert/strict';
import { once } from 'node:events';
import { spawn } from 'node:child_process';
import { test } from 'node:test';

/** What a process does after it resets a socket, with TLS or without, while the end of that socket is under way. */
const script = (tls: boolean): string => `
  import { connect, createServer } from 'node:net';
  import * as tls from 'node:tls';
  import { loopback } from ${JSON.stringify(new URL('certificates.js', import.meta.url).href)};
  import { resetSocket } from ${JSON.stringify(new URL('reset.js', import.meta.url).href)};
  let tcp;
  const ended = (socket) => {
    socket.on('error', () => undefined);
    socket.end('x');
    resetSocket(tcp, socket);
    server.close();
  };
  const server = ${tls ? 'tls.createServer(loopback, ended)' : 'createServer(ended)'};
  server.prependListener('connection', (socket) => (tcp = socket));
  server.listen(0, '127.0.0.1', () => {
    const { port } = server.address();
    const client = ${tls ? 'tls.connect({ port, host: "127.0.0.1", ca: loopback.cert })' : 'connect(port, "127.0.0.1")'};
    client.on('error', () => undefined).resume();
  });`;

for (const tls of [false, true]) {
  test(`a process that resets a socket which is ending exits${tls ? ', also over TLS' : ''}`, async () => {
    const child = spawn(process.execPath, ['--input-type=module', '--eval', script(tls)], {
      stdio: 'inherit',
      timeout: 60_000,
      killSignal: 'SIGKILL',
      env: { ...process.env, NODE_TEST_CONTEXT: undefined },
    });
    assert.deepEqual(await once(child, 'close'), [0, null]);
  });
}
