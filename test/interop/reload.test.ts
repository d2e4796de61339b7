/** Servers that read their configuration anew under load: by GOAWAY the old ones hand their clients over to the new. */
import assert from 'node:assert/strict';
import { it } from 'node:test';
import { Transport } from '../../dist/index.js';
import { expectText } from './behaviours.js';
import { reloadKinds } from './front-servers.js';
import { skipWithout } from './peers.js';

const least = 1_000;
const width = 100;
/** A server that keeps its connections through so many requests does not hand over. */
const most = 20_000;

for (const kind of reloadKinds) {
  const title = 'of 1,000 requests at 100 none comes twice and none fails, but those that it cuts itself';
  it(`${kind.name}, while it reads its configuration anew: ${title}`, { skip: skipWithout(kind) }, async (t) => {
    const peer = await kind.start();
    let drained = false;
    const transport = new Transport({
      cleartext: 'h2c',
      tls: peer.ca === undefined ? {} : { ca: peer.ca },
      observer: { connection: ({ type }) => (drained ||= type === 'draining') },
    });
    t.after(async () => {
      await transport.close();
      await peer.close();
    });
    let reload: Promise<void> | undefined;
    let sent = 0;
    const ask = async (number: number): Promise<void> => {
      const headers = { 'x-number': String(number) };
      const url = `${peer.origin}/${number % 10 === 0 ? 'echo' : 'hello.txt'}`;
      const post = { method: 'POST', body: 'hello\n', headers };
      await expectText(transport, url, 'hello\n', number % 10 === 0 ? post : { headers });
    };
    const failures: unknown[] = [];
    const worker = async (): Promise<void> => {
      while (sent < least || (!drained && sent < most)) {
        const number = sent++;
        if (number === least / 4) reload = peer.reload();
        await ask(number).catch((error: unknown) => failures.push(error));
      }
    };
    await Promise.all(Array.from({ length: width }, worker));
    await reload;
    assert.ok(drained, `${sent} requests on the connections from before`);
    const unexpected = failures.filter((error) => peer.cuts?.test(String(error)) !== true);
    assert.deepEqual(unexpected, []);
    const numbers = peer.arrived.map(Number).toSorted((a, b) => a - b);
    assert.equal(new Set(numbers).size, numbers.length, 'none came twice');
    assert.ok(numbers.length >= sent - failures.length, 'all that were answered came');
  });
}
