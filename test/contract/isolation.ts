/** What blocks a connection, and holds up no request that it need not. */
import assert from 'node:assert/strict';
import { createServer, type Http2Server } from 'node:http2';
import { connect, type AddressInfo, type LookupFunction } from 'node:net';
import type { TestContext } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import type { ConnectionEvent, Observer, TransportOptions } from '../../dist/index.js';
import { blockAfter, type BlockingDuplex } from '../support/blocking-duplex.js';
import { startMachines } from '../support/machines.js';
import { type as frameType, type RawConnection } from '../support/raw-server.js';
import { link } from '../users/support.js';
import { behaviour, until, type Chapter, type Place } from './behaviours.js';
import { textOf, type Send } from './driver.js';

const short = { stallTimeout: 100, probeAfter: 300 } as const;

const ok = (connection: RawConnection, streamId: number): void =>
  connection.headers(streamId, [[':status', '200']], { endStream: true });

/** Ten at once: their statuses. */
async function ten(send: Send, url: string, method = 'GET'): Promise<Set<number>> {
  const call = method === 'GET' ? undefined : { method, body: 'x'.repeat(1_024) };
  const one = async (): Promise<number> => {
    const answer = await send(url, call);
    await textOf(answer);
    return answer.status;
  };
  return new Set(await Promise.all(Array.from({ length: 10 }, one)));
}

/** A busy machine may take its own pauses for a stall; how many there are then, is held on virtual time. */
function isAround(connections: number | undefined): void {
  assert.ok(connections !== undefined && connections >= 2 && connections <= 4, `${connections} connections`);
}

/**
 * What sends for a client with one connection, and only one: on a busy machine a dial may take so long that another goes around it, and
 * that would be dead later without having been asked for anything.
 */
async function onOneConnection(
  { client }: Place,
  options: TransportOptions,
  urls: string | readonly string[],
  connections: () => number,
): Promise<Send> {
  const each = typeof urls === 'string' ? [urls] : urls;
  for (;;) {
    const { send } = await client({ ...short, ...options });
    const before = connections();
    for (const url of each) assert.deepEqual(await ten(send, url), new Set([200]));
    if (connections() === before + each.length) return send;
  }
}

/** Asks each again and again, each time for an answer that does not come, until the connection to each counts as silent. */
async function untilSilent(send: Send, urls: readonly string[], silent: ReadonlySet<string>): Promise<void> {
  for (;;) {
    const unheard = urls.filter((url) => !silent.has(new URL(url).origin));
    if (unheard.length === 0) return;
    for (const url of unheard) beside(send(url));
    await sleep(short.probeAfter / 4);
  }
}

/** Notes the origins whose connections count as silent. */
function silences(): { readonly silent: Set<string>; readonly observer: Observer } {
  const silent = new Set<string>();
  const connection = ({ type, origin }: ConnectionEvent): void => {
    if (type === 'silent') silent.add(origin);
  };
  return { silent, observer: { connection } };
}

/** Ends with the test, by an error. */
function beside(call: Promise<unknown>): void {
  call.catch((error: unknown) => assert.ok(error));
}

/** Refuses the first request, and takes no further connection. */
async function refusesOnce(t: TestContext): Promise<Http2Server> {
  const server = createServer();
  server.on('stream', (stream) => {
    server.close();
    stream.on('error', () => undefined); // the client gives it up
    stream.close(7); // REFUSED_STREAM
    stream.session?.close();
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  t.after(() => server.close());
  return server;
}

export const isolation: Chapter = {
  title: 'What blocks a connection',
  behaviours: [
    behaviour('where the server lowers its stream limit to 0, requests go to another connection', async (place) => {
      const { send } = await place.client(short);
      let lowered = false;
      const server = await place.raw((connection, { streamId, get }) => {
        if (get(':path') !== '/wait') return ok(connection, streamId);
        connection.settings({ maxConcurrentStreams: 0 });
        void connection.nextOf(frameType.settings).then(() => (lowered = true)); // its ACK
      });
      beside(send(`${server.origin}/wait`));
      await until(() => lowered);
      assert.deepEqual(await ten(send, server.origin), new Set([200]));
      isAround(server.connections.length);
    }),
    behaviour('an upload that nobody reads holds the window of its connection, and no other body', async (place) => {
      const { send } = await place.client(short);
      const server = await place.raw(
        (connection, { streamId, get, endStream }) => {
          if (get(':path') === '/unread') return;
          if (endStream) return ok(connection, streamId);
          void connection.body(streamId, { credit: false }).then(() => ok(connection, streamId));
        },
        { connectionWindow: 65_535 },
      );
      beside(send(`${server.origin}/unread`, { method: 'POST', body: Buffer.alloc(1 << 20) }));
      await until(() => (server.connections[0]?.bytesRead ?? 0) >= 65_535);
      assert.deepEqual(await ten(send, server.origin, 'POST'), new Set([200]));
      isAround(server.connections.length);
    }),
    behaviour('requests that find their connection dead go to another', async (place) => {
      const path = await link(place.t, (await place.origin()).port);
      const url = `http://127.0.0.1:${path.port}/hello.txt`;
      const { silent, observer } = silences();
      const send = await onOneConnection(place, { observer }, url, () => path.connections);
      const before = path.connections - 1;
      silent.clear();
      path.blackhole();
      await untilSilent(send, [url], silent);
      assert.deepEqual(await ten(send, url), new Set([200]));
      isAround(path.connections - before);
    }),
    behaviour('a first connection that is accepted and swallowed fails no request', async (place) => {
      const server = await place.origin({ tls: true });
      const { send } = await place.client({ ...short, tls: { ca: server.ca } });
      const path = await link(place.t, server.port);
      path.swallows = true;
      const calls = ten(send, `https://127.0.0.1:${path.port}/hello.txt`);
      await until(() => path.connections === 1);
      path.swallows = false;
      assert.deepEqual(await calls, new Set([200]));
    }),
    behaviour(
      'where the connections of five origins go dead at once, requests to each go to another',
      async (place) => {
        const { port } = await place.origin();
        const paths = await Promise.all(Array.from({ length: 5 }, () => link(place.t, port)));
        const urls = paths.map((path) => `http://127.0.0.1:${path.port}/hello.txt`);
        const { silent, observer } = silences();
        const connections = (): number => paths.reduce((sum, path) => sum + path.connections, 0);
        const send = await onOneConnection(place, { observer }, urls, connections);
        silent.clear();
        for (const path of paths) path.blackhole();
        await untilSilent(send, urls, silent);
        const answers = await Promise.all(urls.map((url) => ten(send, url)));
        assert.deepEqual(answers, Array(5).fill(new Set([200])));
      },
    ),
    behaviour(
      'where a connection is dead and new ones are swallowed, the path has only to come back',
      async (place) => {
        const server = await place.origin({ tls: true });
        const path = await link(place.t, server.port);
        const url = `https://127.0.0.1:${path.port}/hello.txt`;
        const { silent, observer } = silences();
        const options = { observer, tls: { ca: server.ca } };
        const send = await onOneConnection(place, options, url, () => path.connections);
        silent.clear();
        const before = path.connections;
        path.blackhole();
        path.swallows = true;
        await untilSilent(send, [url], silent);
        const calls = ten(send, url);
        await until(() => path.connections > before);
        path.swallows = false;
        assert.deepEqual(await calls, new Set([200]));
      },
    ),
    behaviour('where the machine at one of two addresses freezes, requests go to the other', async (place) => {
      if (process.platform !== 'linux') return place.t.skip('needs all of 127.0.0.0/8');
      const m = await startMachines(place.t, 2);
      const connections = (): number => m.machines.reduce((sum, machine) => sum + machine.connections, 0);
      const { silent, observer } = silences();
      const send = await onOneConnection(place, { lookup: m.lookup, observer }, m.origin, connections);
      const before = connections() - 1;
      silent.clear();
      m.machines[0]?.freeze();
      await untilSilent(send, [m.origin], silent);
      assert.deepEqual(await ten(send, m.origin), new Set([200]));
      assert.ok((m.machines[1]?.connections ?? 0) >= 1);
      isAround(connections() - before);
    }),
    behaviour('an upload on the way around another that is blocked holds up no request either', async (place) => {
      const dialled: BlockingDuplex[] = [];
      let blocked = 0;
      const { send } = await place.client({
        ...short,
        createConnection: ({ port }) => {
          const stream = blockAfter(connect(port, '127.0.0.1'), 100_000);
          void stream.blocked.then(() => blocked++);
          dialled.push(stream);
          return stream;
        },
      });
      const server = await place.raw((connection, { streamId, get }) => {
        if (get(':path') !== '/up') ok(connection, streamId);
      });
      for (const uploads of [1, 2]) {
        beside(send(`${server.origin}/up`, { method: 'POST', body: Buffer.alloc(1 << 20) }));
        await until(() => blocked === uploads);
        assert.deepEqual(await ten(send, server.origin), new Set([200]));
      }
      assert.ok(dialled.length >= 3 && dialled.length <= 5, `${dialled.length} connections`);
    }),
    behaviour(
      'a request that was refused before the port was closed for a moment is answered once it is open',
      async (place) => {
        const { send } = await place.client({ retry: { baseDelay: 40, maxAttempts: 100 } });
        const first = await refusesOnce(place.t);
        const { port } = first.address() as AddressInfo;
        const answer = send(`http://127.0.0.1:${port}/hello.txt`);
        answer.catch(() => undefined); // it is awaited below
        await until(() => !first.listening);
        await sleep(300);
        await place.origin({ port });
        assert.equal(await textOf(await answer), 'hello\n');
      },
    ),
    behaviour('look-ups that hang hold up no request to another name', async (place) => {
      const { port } = await place.origin();
      const lookup: LookupFunction = (name, _options, done) => {
        if (name === 'good.test') done(null, [{ address: '127.0.0.1', family: 4 }]);
      };
      const { send } = await place.client({ lookup });
      for (let i = 0; i < 8; i++) beside(send(`http://bad${i}.test:${port}/`));
      assert.deepEqual(await ten(send, `http://good.test:${port}/hello.txt`), new Set([200]));
    }),
    behaviour('where nothing is blocked there is one connection, and not one PING', async (place) => {
      const { send } = await place.client();
      let pings = 0;
      const met = new Set<RawConnection>();
      const server = await place.raw((connection, { streamId, endStream }) => {
        if (!met.has(connection)) {
          met.add(connection);
          connection.answerPings = false;
          void connection.nextOf(frameType.ping).then(
            () => pings++,
            () => undefined, // the connection has ended without one
          );
        }
        if (endStream) ok(connection, streamId);
        else void connection.body(streamId).then(() => ok(connection, streamId));
      });
      for (let round = 0; round < 10; round++)
        for (const method of ['GET', 'POST']) assert.deepEqual(await ten(send, server.origin, method), new Set([200]));
      assert.deepEqual([server.connections.length, pings], [1, 0]);
    }),
  ],
};
