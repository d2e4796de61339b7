/** Run by network.test.ts under a low limit of file descriptors: what a request says without any, and after that. */
import { closeSync, openSync } from 'node:fs';
import { Transport, TransportError } from '../../dist/index.js';

const origin = process.argv[2] ?? '';
const transport = new Transport({ cleartext: 'h2c', retry: { maxAttempts: 1 } });
// What is loaded when it is first needed is loaded now, while there are files to be had.
await transport.request('http://127.0.0.1:1/').catch(() => undefined);

const taken: number[] = [];
try {
  for (;;) taken.push(openSync('/dev/null', 'r'));
} catch (error) {
  if ((error as NodeJS.ErrnoException).code !== 'EMFILE') throw error;
}
const failure = await transport.request(`${origin}/hello.txt`).catch((error: unknown) => error);
for (const descriptor of taken) closeSync(descriptor);
const isOurs = TransportError.isInstance(failure);
const text = isOurs ? `${failure.message} ${String((failure.cause as Error | undefined)?.message)}` : String(failure);
process.stdout.write(`${/EMFILE/.exec(text)?.[0] ?? text} ${isOurs && failure.unprocessed}\n`);
const response = await transport.request(`${origin}/hello.txt`);
process.stdout.write(await response.body.text());
transport.destroy();
