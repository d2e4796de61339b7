/** On real sockets, through a relay that is as narrow as a real path: bulk that fills it, and small requests beside that. */
import assert from 'node:assert/strict';
import type { Http2ServerResponse } from 'node:http2';
import { test, type TestContext } from 'node:test';
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
  /** Begins so many downloads, which go on until `finish`. */
  bulk(count: number): void;
  /** The same of uploads. */
  upload(count: number): void;
  /** What the server has of them, in bytes. */
  readonly uploaded: () => number;
  /** Lets all downloads end, and waits until they have come whole. */
  finish(): Promise<void>;
  /** Fails with what a download has failed with. */
  until(done: () => boolean): Promise<void>;
  /** What stands in the fullest queue of the path, in bytes. */
  readonly queued: () => number;
  /** What is connected carries no more than so many bytes a millisecond from now on. */
  readonly narrow: (bandwidth: number) => void;
  /** A small GET. */
  small(): Promise<void>;
}

/** Zeros, until `ended`. */
function pour(response: Http2ServerResponse, ended: () => boolean): void {
  const piece = Buffer.alloc(65_536);
  const more = (): void => {
    while (!ended()) if (!response.write(piece)) return void response.once('drain', more);
    response.end();
  };
  more();
}

async function over(t: TestContext, shape: Shape, options: TransportOptions = {}): Promise<Fixture> {
  let finished = false;
  let uploaded = 0;
  const origin = await startOrigin({
    settings: { initialWindowSize: 1 << 22 },
    handler: (request, response) => {
      request.stream.session?.setLocalWindowSize(1 << 24);
      request.on('data', (chunk: Buffer) => (uploaded += chunk.length));
      if (request.url === '/bulk') pour(response, () => finished);
      else response.end(Buffer.alloc(100));
    },
  });
  const relay = await shapedPath(origin.port, shape);
  const url = `http://127.0.0.1:${relay.port}`;
  const transport = new Transport({ cleartext: 'h2c', ...options });
  t.after(async () => {
    finished = true;
    transport.destroy();
    await relay.close();
    await origin.close();
  });
  let received = 0;
  const bodies: Promise<void>[] = [];
  let failure: Error | undefined = undefined;
  const read = async (): Promise<void> => {
    const response = await transport.request(`${url}/bulk`);
    for await (const piece of response.body) received += piece.length;
  };
  const send = async (): Promise<void> => {
    const piece = Buffer.alloc(65_536);
    const body = async function* (): AsyncGenerator<Uint8Array> {
      while (!finished) yield await Promise.resolve(piece);
    };
    await (await transport.request(`${url}/upload`, { method: 'POST', body: body() })).body.dump();
  };
  const begin = (one: Promise<void>): void => {
    one.catch((error: unknown) => (failure = error as Error)); // at the latest as the transport ends
    bodies.push(one);
  };
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
    bulk: (count) => {
      for (let i = 0; i < count; i++) begin(read());
    },
    upload: (count) => {
      for (let i = 0; i < count; i++) begin(send());
    },
    uploaded: () => uploaded,
    finish: async () => {
      finished = true;
      await Promise.all(bodies);
    },
    queued: () => relay.queued,
    narrow: relay.narrow,
    small: async () => {
      await (await transport.request(`${url}/`)).bytes();
    },
  };
}

test('small GETs beside downloads that fill the path go by one more connection, and back when it has room', async (t) => {
  const f = await over(t, path);
  await f.small();
  f.bulk(4);
  await f.until(() => f.state() === 'slow');
  const requests = (which: number): number => f.transport.stats().origins[0]?.connections[which]?.requests ?? 0;
  while (requests(1) < 10) await f.small();
  assert.equal(f.connections(), 2);
  await f.finish();
  await f.until(() => f.state() !== 'slow');
  const before = requests(0);
  await f.small();
  assert.deepEqual([requests(0), f.connections()], [before + 1, 2]);
});

test('where the queue is shared by all connections, downloads leave room in it, and go on', async (t) => {
  const f = await over(t, { ...path, shared: true });
  await f.small();
  f.bulk(4);
  await f.until(() => f.state() === 'slow');
  while (f.connections() < 2) await f.small();
  while (f.queued() > path.queue / 2) await f.small();
  const before = f.received();
  await f.until(() => f.received() > before + 1_000_000);
});

/** Four uploads, once it is known how long the path is, until they keep their connection from small requests. */
async function uploading(t: TestContext, shape: Shape): Promise<Fixture> {
  const f = await over(t, shape);
  for (let i = 0; i < 5; i++) await f.small();
  f.upload(4);
  await f.until(() => f.state() === 'slow' || f.state() === 'stalled');
  return f;
}

test('small GETs beside uploads that fill the path go by one more connection', async (t) => {
  const f = await uploading(t, path);
  const requests = (): number => f.transport.stats().origins[0]?.connections[1]?.requests ?? 0;
  while (requests() < 10) await f.small();
  const before = f.uploaded();
  await f.until(() => f.uploaded() > before + 1_000_000);
});

test('where the queue is shared by all connections, uploads leave room in it, and go on', async (t) => {
  const f = await uploading(t, { ...path, shared: true });
  await f.until(() => f.queued() > path.queue / 2);
  while (f.queued() > path.queue / 4) await f.small();
  const before = f.uploaded();
  await f.until(() => f.uploaded() > before + 1_000_000);
});

test('with bulkIsolation: false, small GETs stay behind the bulk, and nothing is measured', async (t) => {
  const f = await over(t, path, { bulkIsolation: false });
  await f.small();
  f.bulk(4);
  await f.until(() => f.received() > 2_000_000);
  await f.small();
  assert.deepEqual([f.connections(), f.transport.stats().origins[0]?.connections[0]?.requests], [1, 6]);
});

test('small GETs beside a download on a connection that has come to carry 10 KB/s are answered on another', async (t) => {
  const f = await over(t, { ...path, queue: 65_536 });
  await f.small();
  f.bulk(1);
  await f.until(() => f.received() > 100_000);
  f.narrow(10);
  await f.until(() => f.state() === 'slow');
  const before = f.received();
  for (let i = 0; i < 10; i++) await f.small();
  const [first] = f.transport.stats().origins[0]?.connections ?? [];
  assert.deepEqual([f.connections(), first?.streams], [2, 1]);
  assert.ok(f.received() - before < 1_000_000, 'the download goes on where it is');
});
