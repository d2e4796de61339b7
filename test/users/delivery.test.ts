/**
 * Single delivery: a server counts by request ID what it has acted on, and the client must not make it act twice on
 * what was not called idempotent, nor fail what it cannot have acted on.
 */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { TransportError, type RequestOptions } from '../../dist/index.js';
import { rawServer, type RawBlock, type RawConnection } from '../support/raw-server.js';
import { client, Ledger, ok, serving, until } from './support.js';

const code = { internalError: 2, refused: 7 } as const;
const requests = 60;

interface Fault {
  readonly when: string;
  /** What a third of the requests meet, the first time that they come. `act` counts it as acted on. */
  meet(connection: RawConnection, request: RawBlock, act: () => void): void;
  /** What those come to: an answer, or an error, which is true to `unprocessed`. */
  readonly comesTo: 'answered' | { readonly code: string; readonly unprocessed: boolean };
  /** How much of the response's body arrives before its error; undefined: there is no response. */
  readonly part?: string;
}

const faults: readonly Fault[] = [
  {
    when: 'it is reset before its headers',
    meet(connection, request, act) {
      act();
      connection.rst(request.streamId, code.internalError);
    },
    comesTo: { code: 'ERR_PASSINGLANE_STREAM_RESET', unprocessed: false },
  },
  {
    when: 'it is reset in mid-body',
    meet(connection, request, act) {
      act();
      connection.headers(request.streamId, [[':status', '200']]);
      connection.data(request.streamId, 'part');
      connection.rst(request.streamId, code.internalError);
    },
    comesTo: { code: 'ERR_PASSINGLANE_STREAM_RESET', unprocessed: false },
    part: 'part',
  },
  {
    when: 'it is refused',
    meet: (connection, request) => connection.rst(request.streamId, code.refused),
    comesTo: 'answered',
  },
  {
    when: 'GOAWAY leaves it out',
    meet: (connection, request) => connection.goaway(Math.max(0, request.streamId - 2)),
    comesTo: 'answered',
  },
];

for (const fault of faults) {
  test(`of ${requests} POSTs none is acted on twice when ${fault.when}`, async (t) => {
    const ledger = new Ledger();
    const met = new Set<string>();
    const server = await rawServer(async (connection) => {
      await connection.greet({ maxConcurrentStreams: 10 });
      let last = Infinity;
      for (;;) {
        const request = await connection.request();
        if (request.streamId > last) continue; // left out by GOAWAY
        const id = request.get('x-id') ?? '';
        if (Number(id) % 3 !== 0 || met.has(id)) {
          ledger.act(request);
          ok(connection, request.streamId, 'whole');
          continue;
        }
        met.add(id);
        if (fault.when.startsWith('GOAWAY')) last = request.streamId - 2;
        fault.meet(connection, request, () => {
          ledger.act(request);
        });
      }
    });
    t.after(() => server.close());
    const transport = client(t, { retry: { baseDelay: 1, maxDelay: 4 } });
    const outcomes = await Promise.all(
      Array.from({ length: requests }, async (_, id) => {
        const options: RequestOptions = { method: 'POST', body: 'x', headers: { 'x-id': String(id) } };
        const outcome = await transport
          .request(server.origin, options)
          .then(readParts)
          .catch((error: unknown) => ({ text: undefined, error }));
        return { id, ...outcome };
      }),
    );
    for (const { id, text, error } of outcomes) {
      if (id % 3 !== 0 || fault.comesTo === 'answered') {
        assert.deepEqual([text, error], ['whole', undefined], `request ${id}`);
        continue;
      }
      assert.ok(TransportError.isInstance(error), `request ${id}: ${String(error)}`);
      assert.equal(text, fault.part);
      assert.deepEqual({ code: error.code, unprocessed: error.unprocessed }, fault.comesTo);
    }
    assert.ok(met.size === requests / 3, 'each of them met it');
    assert.equal(ledger.acted.size, requests);
    assert.deepEqual(ledger.twice, []);
  });
}

/** What came of a body, and the error that it ended with. */
async function readParts(response: {
  readonly body: AsyncIterable<Uint8Array>;
}): Promise<{ text: string; error: unknown }> {
  let text = '';
  try {
    for await (const chunk of response.body) text += Buffer.from(chunk).toString();
    return { text, error: undefined };
  } catch (error) {
    return { text, error };
  }
}

test('when the connection drops, what was sent fails and is not sent again, and what waited is sent', async (t) => {
  const ledger = new Ledger();
  const server = await rawServer(async (connection) => {
    await connection.greet({ maxConcurrentStreams: 10 });
    for (let count = 1; ; count++) {
      const request = await connection.request();
      ledger.act(request);
      if (connection.index > 0) ok(connection, request.streamId);
      else if (count === 10) connection.reset();
    }
  });
  t.after(() => server.close());
  const transport = client(t, { maxConnectionsPerOrigin: 1 });
  const results = await Promise.allSettled(
    Array.from({ length: 40 }, (_, id) =>
      transport.request(server.origin, { method: 'POST', body: 'x', headers: { 'x-id': String(id) } }),
    ),
  );
  for (const [id, result] of results.entries()) {
    if (result.status === 'fulfilled') {
      assert.equal(result.value.status, 200);
      continue;
    }
    const error: unknown = result.reason;
    assert.ok(TransportError.isInstance(error));
    assert.equal(error.code, 'ERR_PASSINGLANE_CONNECTION_LOST');
    assert.equal(error.unprocessed, false, `request ${id} may have been acted on`);
  }
  assert.equal(results.filter(({ status }) => status === 'rejected').length, 10);
  assert.equal(ledger.acted.size, 40);
  assert.deepEqual(ledger.twice, []);
});

test('when the connection drops, what is idempotent is sent again and answered', async (t) => {
  const ledger = new Ledger();
  const server = await rawServer(async (connection) => {
    await connection.greet({ maxConcurrentStreams: 10 });
    for (let count = 1; ; count++) {
      const request = await connection.request();
      ledger.act(request);
      if (connection.index > 0) ok(connection, request.streamId);
      else if (count === 10) connection.reset();
    }
  });
  t.after(() => server.close());
  const transport = client(t, { maxConnectionsPerOrigin: 1 });
  const responses = await Promise.all(
    Array.from({ length: 40 }, (_, id) =>
      transport.request(server.origin, { method: 'PUT', body: 'x', idempotent: true, headers: { 'x-id': String(id) } }),
    ),
  );
  assert.ok(responses.every(({ status }) => status === 200));
  assert.equal(ledger.acted.size, 40);
  assert.equal(ledger.twice.length, 10);
});

test('when a server stops reading and goes on later, what it was sent is acted on once, and what went around it too', async (t) => {
  const ledger = new Ledger();
  const answer = (connection: RawConnection, request: RawBlock): void => {
    ledger.act(request);
    if (connection.index === 0 && request.get('x-id') === 'stuck') connection.stopReading();
    else ok(connection, request.streamId);
    if (request.get('x-id') === 'stuck') {
      void connection.body(request.streamId).then(() => {
        ok(connection, request.streamId);
      });
    }
  };
  // The kernel takes megabytes before a stall shows, so the window must let those go.
  const server = await serving(t, answer, { settings: { initialWindowSize: 0x7fff_ffff } });
  const transport = client(t);
  const body = async function* (): AsyncGenerator<Uint8Array> {
    for (let i = 0; i < 32; i++) yield await Promise.resolve(Buffer.alloc(1 << 20));
  };
  const send = (id: string, options: RequestOptions): Promise<{ status: number; attempts: number }> =>
    transport.request(server.origin, { method: 'POST', headers: { 'x-id': id }, ...options });
  const stuck = send('stuck', { body });
  await until(() => transport.stats().origins[0]?.connections[0]?.state === 'stalled');
  const beside = Array.from({ length: 50 }, (_, i) => send(String(i), { body: 'x' }));
  for (const { status, attempts } of await Promise.all(beside)) assert.deepEqual([status, attempts], [200, 1]);
  server.connections[0]?.resumeReading();
  const { status, attempts } = await stuck;
  assert.deepEqual([status, attempts], [200, 1]);
  assert.equal(ledger.acted.size, 51);
  assert.deepEqual(ledger.twice, []);
});
