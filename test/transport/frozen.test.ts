import assert from 'node:assert/strict';
import { spawn, type ChildProcessByStdio } from 'node:child_process';
import { once } from 'node:events';
import type { Http2ServerResponse } from 'node:http2';
import type { Readable, Writable } from 'node:stream';
import { test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { startOrigin } from '../support/origin.js';
import { runScript } from './child.js';

const library = new URL('../../dist/index.js', import.meta.url).href;

/** Each shorter than a process is kept from running here. The parent, whose server has to answer in time, may be busy for a while. */
const limits = { stallTimeout: 500, probeAfter: 100, readIdleTimeout: 1_000, pingTimeout: 1_000, writeTimeout: 1_000 };
const longer = 1_200;

type Child = ChildProcessByStdio<Writable, Readable, null>;

function start(source: string): Child {
  const script = `
    import { readSync } from 'node:fs';
    import { Transport } from ${JSON.stringify(library)};
    const transport = new Transport({ cleartext: 'h2c', idleTimeout: 1_000, ...${JSON.stringify(limits)} });
    ${source}`;
  return spawn(process.execPath, ['--input-type=module', '--eval', script], {
    stdio: ['pipe', 'pipe', 'inherit'],
    env: { ...process.env, NODE_TEST_CONTEXT: undefined },
  });
}

/** What it has printed by then is all that it has. */
async function outputOf(child: Child): Promise<{ code: number; output: string }> {
  let output = '';
  child.stdout.setEncoding('utf8').on('data', (text: string) => (output += text));
  const [code] = (await once(child, 'close')) as [number];
  return { code, output };
}

test('an event loop blocked for longer than each deadline fails none that data already received would have met', async () => {
  let answered: () => void;
  const answer = new Promise<void>((resolve) => (answered = resolve));
  const origin = await startOrigin({ handler: (_, response) => void response.end('in time', () => answered()) });
  const child = start(`
    await transport.preconnect('${origin.origin}');
    const deadlines = { headersTimeout: 1_000, timeout: 1_000, bodyTimeout: 1_000 };
    const answer = transport.request('${origin.origin}/', deadlines);
    await new Promise(setImmediate); // the socket has it
    readSync(0, Buffer.alloc(1)); // until the parent says so
    console.log(await (await answer).body.text(), transport.stats().connections);
    await transport.close();`);
  const end = outputOf(child);
  await answer;
  await sleep(longer);
  child.stdin.end('x');
  assert.deepEqual(await end, { code: 0, output: 'in time 1\n' });
  await origin.close();
});

test('a process stopped for longer than each time-out loses no request and closes no living connection', async () => {
  const seen: string[] = [];
  const held: Http2ServerResponse[] = [];
  const origin = await startOrigin({
    handler: ({ url }, response) => {
      seen.push(url);
      if (url === '/held') return void held.push(response);
      response.end('ok');
      if (url === '/again') for (const one of held) one.end('held');
    },
  });
  const child = start(`
    await transport.preconnect('${origin.origin}');
    const held = transport.request('${origin.origin}/held');
    await (await transport.request('${origin.origin}/')).body.text();
    process.stdin.once('data', async () => {
      const again = await transport.request('${origin.origin}/again');
      console.log(await again.body.text(), await (await held).body.text(), again.attempts);
      await transport.close();
      process.stdin.destroy();
    });
    console.log('ready');`);
  const ready = once(child.stdout, 'data');
  const end = outputOf(child);
  await ready;
  child.kill('SIGSTOP');
  await sleep(longer);
  child.stdin.write('go');
  child.kill('SIGCONT');
  assert.deepEqual(await end, { code: 0, output: 'ready\nok held 1\n' });
  const { sessionCount } = origin;
  await origin.close();
  assert.deepEqual([sessionCount, seen], [1, ['/held', '/', '/again']]);
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
    let stopped = 0;
    for (let begun = Date.now(), last = begun; stopped < 1_000;) {
      const now = Date.now();
      if (now > begun + 20_000) throw new Error('nothing has stopped the process');
      stopped = now - last;
      last = now;
    }
    const second = await transport.request('${origin.origin}/');
    await second.body.dump();
    console.log(second.connection.reused, second.attempts);
    await transport.close();
  `,
  );
  await origin.close();
  assert.deepEqual({ code, stdout, stderr }, { code: 0, stdout: 'false 1\n', stderr: '' });
});
