import assert from 'node:assert/strict';
import { test } from 'node:test';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { startOrigin } from '../support/origin.js';
import { runScript } from './child.js';

const library = new URL('../../dist/index.js', import.meta.url).href;

test('an event loop blocked for 300 ms fails no deadline that data already received would have met', async () => {
  const origin = await startOrigin({
    handler: (_, response) => {
      setTimeout(() => response.end('in time'), 50);
    },
  });
  const { code, stdout, stderr } = await runScript(`
    const transport = new Transport({ cleartext: 'h2c', stallTimeout: 50, readIdleTimeout: 100, pingTimeout: 100, writeTimeout: 200 });
    await (await transport.request('${origin.origin}/warm')).body.text();
    const answer = transport.request('${origin.origin}/', { headersTimeout: 200, timeout: 250, bodyTimeout: 200 });
    setTimeout(() => {
      const end = Date.now() + 300;
      while (Date.now() < end);
    }, 20);
    console.log(await (await answer).body.text(), transport.stats().connections);
    await transport.close();
  `);
  await origin.close();
  assert.deepEqual({ code, stdout, stderr }, { code: 0, stdout: 'in time 1\n', stderr: '' });
});

test('a process stopped for longer than each time-out loses no request and closes no living connection', async () => {
  const held: (() => void)[] = [];
  const origin = await startOrigin({
    handler: (request, response) => {
      if (request.url === '/held') held.push(() => response.end('held'));
      else response.end('ok');
    },
  });
  const child = spawn(
    process.execPath,
    [
      '--input-type=module',
      '--eval',
      `import { Transport } from ${JSON.stringify(library)};
       const transport = new Transport({
         cleartext: 'h2c', stallTimeout: 50, probeAfter: 100, readIdleTimeout: 300, pingTimeout: 300, writeTimeout: 500, idleTimeout: 700,
       });
       const held = transport.request('${origin.origin}/held');
       await (await transport.request('${origin.origin}/')).body.text();
       process.stdin.once('data', async () => {
         const again = await transport.request('${origin.origin}/');
         console.log(await again.body.text(), await (await held).body.text(), again.attempts);
         await transport.close();
         process.stdin.destroy();
       });
       console.log('ready');`,
    ],
    { stdio: ['pipe', 'pipe', 'inherit'], env: { ...process.env, NODE_TEST_CONTEXT: undefined } },
  );
  let output = '';
  child.stdout.setEncoding('utf8').on('data', (text: string) => (output += text));
  while (!output.includes('ready')) await once(child.stdout, 'data');
  child.kill('SIGSTOP');
  await new Promise((resolve) => setTimeout(resolve, 1_500));
  child.stdin.write('go');
  child.kill('SIGCONT');
  await new Promise((resolve) => setTimeout(resolve, 100));
  for (const answer of held) answer();
  const [code] = (await once(child, 'close')) as [number];
  const { sessionCount } = origin;
  await origin.close();
  assert.deepEqual({ code, output, sessionCount }, { code: 0, output: 'ready\nok held 1\n', sessionCount: 1 });
});

test('an idle connection that outlived its time while the process was stopped is not used again', async () => {
  const origin = await startOrigin();
  const { code, stdout, stderr } = await runScript(
    `
    import { spawn } from 'node:child_process';
    const transport = new Transport({ cleartext: 'h2c', idleTimeout: 700 });
    const first = await transport.request('${origin.origin}/');
    await first.body.dump();
    // Something outside stops this process for longer than idleTimeout, and sets it going again.
    spawn('sh', ['-c', 'sleep 0.1; kill -STOP $0; sleep 1.2; kill -CONT $0', String(process.pid)], { stdio: 'ignore' }).on('exit', () => undefined);
    const until = Date.now() + 1_000;
    while (Date.now() < until);
    const second = await transport.request('${origin.origin}/');
    await second.body.dump();
    console.log(second.connection.reused, second.attempts);
    await transport.close();
  `,
  );
  await origin.close();
  assert.deepEqual({ code, stdout, stderr }, { code: 0, stdout: 'false 1\n', stderr: '' });
});
