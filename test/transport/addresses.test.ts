/** Names with several addresses, on real sockets: 127.0.0.1, 127.0.0.2 and so on. */
import assert from 'node:assert/strict';
import { test, type TestContext } from 'node:test';
import { setTimeout as turn } from 'node:timers/promises';
import { Transport, type TransportOptions } from '../../dist/index.js';
import { startMachines, type Machines } from '../support/machines.js';

// Other systems have no more than one address on the loopback interface.
const skip = process.platform === 'linux' ? false : 'needs all of 127.0.0.0/8';

function client(t: TestContext, { lookup }: Machines, options: TransportOptions = {}): Transport {
  const transport = new Transport({ cleartext: 'h2c', lookup, ...options });
  t.after(() => {
    transport.destroy();
  });
  return transport;
}

test(
  'requests that a frozen machine has not been sent go to the other address, and so does each later dial',
  { skip },
  async (t) => {
    const m = await startMachines(t, 2);
    const [first, second] = m.machines;
    const transport = client(t, m, { stallTimeout: 100, probeAfter: 300 });
    const get = async (): Promise<string> => (await transport.request(m.origin)).body.text();
    await transport.preconnect(m.origin); // which nothing goes around, however long it takes
    assert.equal(await get(), '127.0.0.1');
    first?.freeze();
    const lost = transport.request(m.origin, { timeout: 5_000 });
    lost.catch(() => undefined);
    while (transport.stats().origins[0]?.connections[0]?.state !== 'silent') await turn(5); // probeAfter has passed
    assert.deepEqual(await Promise.all(Array.from({ length: 10 }, get)), Array(10).fill('127.0.0.2'));
    assert.deepEqual(
      transport.stats().origins[0]?.addresses?.map(({ address, state }) => [address, state]),
      [
        ['127.0.0.1', 'failed'],
        ['127.0.0.2', 'ready'],
      ],
    );
    await transport.preconnect(m.origin, 5); // the frozen one's connection counts
    assert.deepEqual([first?.connections, second?.connections], [1, 4]);
  },
);

test('an address that refuses is not tried again while the other answers', { skip }, async (t) => {
  const m = await startMachines(t, 2);
  const [first, second] = m.machines;
  first?.stop();
  const transport = client(t, m);
  assert.equal(await (await transport.request(m.origin)).body.text(), '127.0.0.2');
  await transport.preconnect(m.origin, 3);
  assert.deepEqual([first?.connections, second?.connections], [0, 3]);
});

test('least-request spreads requests over all addresses, and follows what the name stands for', { skip }, async (t) => {
  const m = await startMachines(t, 4);
  const gained = m.addresses.pop() ?? '';
  const transport = client(t, m, { loadBalancing: 'least-request', resolveInterval: 50 });
  const rounds = async (until: () => boolean): Promise<void> => {
    while (!until())
      await Promise.all(Array.from({ length: 8 }, async () => (await transport.request(m.origin)).text()));
  };
  await rounds(() => m.machines.slice(0, 3).every(({ requests }) => requests.length > 30));
  m.addresses.push(gained);
  await rounds(() => (m.machines[3]?.requests.length ?? 0) > 0);
  m.addresses.shift();
  await rounds(() => transport.stats().origins[0]?.addresses?.length === 3);
  const before = m.machines[0]?.requests.length;
  await rounds(() => m.machines.slice(1).every(({ requests }) => requests.length > 60));
  assert.equal(m.machines[0]?.requests.length, before);
  assert.equal(transport.stats().totals.failed, 0);
});

test('over HTTP/1.1 as well, requests go to all addresses', { skip }, async (t) => {
  const m = await startMachines(t, 2, { http1: true });
  const transport = client(t, m, { cleartext: 'http/1.1', loadBalancing: 'least-request' });
  const get = async (): Promise<string> => (await transport.request(m.origin)).text();
  await get();
  const answers = await Promise.all(Array.from({ length: 20 }, get));
  assert.deepEqual(new Set(answers), new Set(['127.0.0.1', '127.0.0.2']));
});
