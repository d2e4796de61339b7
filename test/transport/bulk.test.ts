/** On real sockets, through a relay that is as narrow as a real path: bulk that fills it, and small requests beside that. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { Transport, type TransportOptions } from '../../dist/index.js';
import { startOrigin } from '../support/origin.js';
import { shapedPath, type Shape } from '../support/shaped-path.js';

/** 50 Mbit/s and 20 ms, with 1 MB of queue. */
const path: Shape = { bandwidth: 6_250, delay: 10, queue: 1 << 20, shared: false };

interface Fixture {
  readonly transport: Transport;
  readonly connections: () => number;
  /** The state of the oldest connection. */
  readonly state: () => string | undefined;
  /** Of all downloads, in bytes. */
  readonly received: () => number;
  download(bytes: number): void;
  /** Fails with what a download has failed with. */
  until(done: () => boolean): Promise<void>;
  /** What stands in the fullest queue of the path, in bytes. */
  readonly queued: () => number;
  /** What is connected carries no more than so many bytes a millisecond from now on. */
  readonly narrow: (bandwidth: number) => void;
  /** How long a small GET takes, in milliseconds. */
  small(): Promise<number>;
  end(): Promise<void>;
}

async function over(shape: Shape, options: TransportOptions = {}): Promise<Fixture> {
  const origin = await startOrigin({
    handler: (request, response) => {
      response.end(Buffer.alloc(Number(request.url.slice(1))));
    },
  });
  const relay = await shapedPath(origin.port, shape);
  const url = `http://127.0.0.1:${relay.port}`;
  const transport = new Transport({ cleartext: 'h2c', ...options });
  let received = 0;
  let failure: Error | undefined = undefined;
  return {
    transport,
    connections: () => relay.connections,
    state: () => transport.stats().origins[0]?.connections[0]?.state,
    received: () => received,
    until: async (done) => {
      while (!done()) {
        if (failure !== undefined) throw failure;
        await sleep(5);
      }
    },
    download: (bytes) => {
      const read = async (): Promise<void> => {
        const response = await transport.request(`${url}/${bytes}`);
        for await (const piece of response.body) received += piece.length;
      };
      read().catch((error: unknown) => (failure = error as Error)); // at the latest as the transport ends
    },
    queued: () => relay.queued,
    narrow: relay.narrow,
    small: async () => {
      const begun = performance.now();
      await (await transport.request(`${url}/100`)).bytes();
      return performance.now() - begun;
    },
    end: async () => {
      transport.destroy();
      await relay.close();
      await origin.close();
    },
  };
}

test('small GETs beside downloads that fill the path go by one more connection, and back when it has room', async () => {
  const f = await over(path);
  await f.small();
  const total = 12_000_000;
  for (let i = 0; i < 4; i++) f.download(total / 4);
  await f.until(() => f.state() === 'slow' || f.received() === total);
  const requests = (which: number): number => f.transport.stats().origins[0]?.connections[which]?.requests ?? 0;
  while (requests(1) < 10 && f.received() < total) await f.small();
  assert.equal(f.connections(), 2);
  assert.ok(f.received() < total, 'the bulk goes on beside them');
  await f.until(() => f.received() === total && f.state() !== 'slow');
  const before = requests(0);
  await f.small();
  assert.deepEqual([requests(0), f.connections()], [before + 1, 2]);
  await f.end();
});

test('where the queue is shared by all connections, downloads leave room in it', async () => {
  const f = await over({ ...path, shared: true });
  await f.small();
  const total = 80_000_000;
  for (let i = 0; i < 4; i++) f.download(total / 4);
  await f.until(() => f.state() === 'slow' || f.received() === total);
  while (f.connections() < 2 && f.received() < total) await f.small();
  while (f.queued() > path.queue / 2 && f.received() < total) await f.small();
  assert.ok(f.received() < total - 2 * path.queue, 'the bulk goes on');
  await f.end();
});

test('with bulkIsolation: false, small GETs stay behind the bulk, and nothing is measured', async () => {
  const f = await over(path, { bulkIsolation: false });
  await f.small();
  for (let i = 0; i < 4; i++) f.download(1_000_000);
  await f.until(() => f.received() > 2_000_000);
  await f.small();
  assert.deepEqual([f.connections(), f.transport.stats().origins[0]?.connections[0]?.requests], [1, 6]);
  await f.end();
});

test('small GETs beside a download on a connection that has come to carry 10 KB/s are answered on another', async () => {
  const f = await over({ ...path, queue: 65_536 });
  await f.small();
  f.download(20_000_000);
  await f.until(() => f.received() > 100_000);
  f.narrow(10);
  await f.until(() => f.state() === 'slow' || f.received() === 20_000_000);
  const before = f.received();
  for (let i = 0; i < 10; i++) await f.small();
  const [first] = f.transport.stats().origins[0]?.connections ?? [];
  assert.deepEqual([f.connections(), first?.streams], [2, 1]);
  assert.ok(f.received() - before < 1_000_000, 'the download goes on where it is');
  await f.end();
});
