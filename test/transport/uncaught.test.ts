/** A process that lives on after an uncaught exception goes on to read what was sent, and what it has read stays as it is. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { startOrigin } from '../support/origin.js';
import { runScript } from './child.js';

for (const tls of [false, true])
  test(`what is read ${tls ? 'over TLS' : 'in the clear'} outlives what a tick throws meanwhile`, async (t) => {
    const { origin, ca, close } = await startOrigin({
      tls,
      handler(_, response) {
        let pieces = 0;
        const timer = setInterval(() => {
          response.write(`piece ${pieces};`);
          if (++pieces < 20) return;
          clearInterval(timer);
          response.end();
        }, 5);
      },
    });
    t.after(close);
    const result = await runScript(`
      let uncaught = 0;
      process.on('uncaughtException', () => uncaught++);
      const transport = new Transport({ cleartext: 'h2c', tls: { ca: ${JSON.stringify(ca ?? '')} || undefined } });
      for (let round = 0; round < 3; round++) {
        const chunks = [];
        for await (const chunk of (await transport.request('${origin}/')).body) {
          chunks.push(chunk);
          process.nextTick(() => {
            throw new Error('a fault of the caller');
          });
        }
        console.log(Buffer.concat(chunks).toString());
      }
      console.log(uncaught > 10, transport.stats().totals.failed);
      transport.destroy();`);
    const whole = Array.from({ length: 20 }, (_, i) => `piece ${i};`).join('');
    assert.deepEqual(result, { code: 0, stdout: `${whole}\n`.repeat(3) + 'true 0\n', stderr: '' });
  });

test('however many connections there have been, one listener sees to it', async (t) => {
  const { origin, close } = await startOrigin();
  t.after(close);
  const result = await runScript(`
    for (let i = 0; i < 12; i++) {
      const transport = new Transport({ cleartext: 'h2c' });
      await (await transport.request('${origin}/')).body.dump();
      await transport.close();
    }
    console.log(process.listenerCount('uncaughtExceptionMonitor'));`);
  assert.deepEqual(result, { code: 0, stdout: '1\n', stderr: '' });
});
