/** A network and a system that fail: a clear error for each, and a transport that goes on once they are well again. */
import assert from 'node:assert/strict';
import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { connect, createServer, type AddressInfo, type LookupFunction, type Socket } from 'node:net';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { Transport, TransportError } from '../../dist/index.js';
import { startOrigin } from '../support/origin.js';

async function failureOf(request: Promise<unknown>): Promise<TransportError> {
  const error = await request.then(
    () => undefined,
    (reason: unknown) => reason,
  );
  assert.ok(TransportError.isInstance(error), String(error));
  return error;
}

/** The `code` of the system error behind it, however deep. */
function systemCode(error: unknown): string | undefined {
  for (let cause = error; cause instanceof Error; cause = cause.cause) {
    const { code } = cause as NodeJS.ErrnoException;
    if (code !== undefined && !code.startsWith('ERR_PASSINGLANE')) return code;
  }
  return undefined;
}

async function answers(transport: Transport, url: string): Promise<boolean> {
  const response = await transport.request(url);
  return (await response.body.text()) === 'hello\n';
}

test('a refused connect names the origin and is unprocessed; once somebody listens, the same transport is answered', async () => {
  const probe = createServer();
  await new Promise<void>((resolve) => probe.listen(0, '127.0.0.1', resolve));
  const { port } = probe.address() as AddressInfo;
  await new Promise((resolve) => probe.close(resolve));
  const origin = await startOrigin();
  let target = port;
  const transport = new Transport({
    cleartext: 'h2c',
    retry: { maxAttempts: 1 },
    createConnection: () => connect(target, '127.0.0.1'),
  });
  try {
    const error = await failureOf(transport.request('http://moving.test/hello.txt'));
    assert.deepEqual([systemCode(error), error.unprocessed], ['ECONNREFUSED', true]);
    assert.match(error.message, /moving\.test: connection refused/);
    target = origin.port;
    assert.ok(await answers(transport, 'http://moving.test/hello.txt'));
  } finally {
    transport.destroy();
    await origin.close();
  }
});

test('a name that does not resolve is an error with the name in it, and one that moves is followed', async () => {
  const [first, second] = await Promise.all([startOrigin(), startOrigin()]);
  let found: 'nothing' | 'address' = 'nothing';
  const lookup: LookupFunction = (hostname, _options, callback) => {
    if (found === 'address') callback(null, [{ address: '127.0.0.1', family: 4 }]);
    else callback(Object.assign(new Error(`getaddrinfo ENOTFOUND ${hostname}`), { code: 'ENOTFOUND' }), '', 4);
  };
  const transport = new Transport({ cleartext: 'h2c', lookup, retry: { maxAttempts: 1 } });
  try {
    const error = await failureOf(transport.request(`http://nowhere.test:${first.port}/hello.txt`));
    assert.deepEqual([systemCode(error), error.unprocessed], ['ENOTFOUND', true]);
    assert.match(error.message, /nowhere\.test/);
    found = 'address';
    assert.ok(await answers(transport, `http://nowhere.test:${first.port}/hello.txt`));
    assert.ok(await answers(transport, `http://nowhere.test:${second.port}/hello.txt`));
  } finally {
    transport.destroy();
    await Promise.all([first.close(), second.close()]);
  }
});

/** Listens with a backlog of 1 and accepts nobody: its event loop stands still. */
const deafListener = `const server = require('node:net').createServer();
server.listen({ port: 0, host: '127.0.0.1', backlog: 1 }, () => {
  require('node:fs').writeSync(1, server.address().port + '\\n');
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0);
});`;

async function firstLine(child: ChildProcess): Promise<string> {
  assert.ok(child.stdout !== null);
  const [chunk] = (await once(child.stdout, 'data')) as [Buffer];
  return chunk.toString().trim();
}

test('a connect that goes nowhere is over after connectTimeout, and others are not held up by it', async () => {
  const child = spawn(process.execPath, ['-e', deafListener], { stdio: ['ignore', 'pipe', 'inherit'] });
  const port = Number(await firstLine(child));
  const fillers: Socket[] = Array.from({ length: 6 }, () => connect(port, '127.0.0.1').on('error', () => undefined));
  const origin = await startOrigin();
  const transport = new Transport({ cleartext: 'h2c', connectTimeout: 300, retry: { maxAttempts: 1 } });
  try {
    const [error, other] = await Promise.all([
      failureOf(transport.request(`http://127.0.0.1:${port}/`)),
      answers(transport, `${origin.origin}/hello.txt`),
    ]);
    assert.equal(error.code, 'ERR_PASSINGLANE_CONNECT_TIMEOUT');
    assert.match(error.message, /connectTimeout/);
    assert.equal(error.unprocessed, true);
    assert.ok(other);
  } finally {
    for (const socket of fillers) socket.destroy();
    transport.destroy();
    child.kill('SIGKILL');
    await Promise.all([once(child, 'close'), origin.close()]);
  }
});

test('without file descriptors a request fails with EMFILE, and succeeds once there are some', async () => {
  const origin = await startOrigin();
  const program = fileURLToPath(new URL('descriptors.js', import.meta.url));
  const child = spawn('/bin/sh', ['-c', 'ulimit -n 250 && exec "$0" "$@"', process.execPath, program, origin.origin], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  try {
    let said = '';
    child.stdout.on('data', (chunk: Buffer) => (said += chunk.toString()));
    await once(child, 'close');
    assert.equal(said, 'EMFILE true\nhello\n');
  } finally {
    await origin.close();
  }
});
