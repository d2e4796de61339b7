import assert from 'node:assert/strict';
import { AsyncLocalStorage } from 'node:async_hooks';
import { channel, subscribe, unsubscribe } from 'node:diagnostics_channel';
import { test, type TestContext } from 'node:test';
import type { ConnectionEvent, RequestEvent } from '../../dist/index.js';
import { TransportError } from '../../dist/errors.js';
import { httpOrigin, transportFor } from '../http1/support.js';
import { begins, download, sends } from '../support/downloads.js';
import { startOrigin } from '../support/origin.js';
import { type Answer, poolHarness } from '../support/pool-harness.js';

const requestTypes = [
  'start',
  'queued',
  'bound',
  'hedge',
  'sent',
  'informational',
  'headers',
  'window-wait',
  'window-open',
  'retry',
  'end',
  'error',
] as const;
const connectionTypes = [
  'dialling',
  'connected',
  'stalled',
  'resumed',
  'silent',
  'slow',
  'eased',
  'draining',
  'closed',
  'dial-failed',
] as const;

const refusedStream = 7;
const internalError = 2;

const never: Answer = () => undefined;

/** Everything that is published while the test runs, each message from the channel of its own type. */
function listen(t: TestContext): {
  requests: RequestEvent[];
  connections: ConnectionEvent[];
  of(path: string): string[];
} {
  const requests: RequestEvent[] = [];
  const connections: ConnectionEvent[] = [];
  const hear = (name: string, type: string, add: (message: never) => void): void => {
    const listener = (message: unknown): void => {
      assert.equal((message as { type: string }).type, type, `what is published on ${name}`);
      add(message as never);
    };
    subscribe(name, listener);
    t.after(() => unsubscribe(name, listener));
  };
  for (const type of requestTypes)
    hear(`passinglane:request:${type}`, type, (one: RequestEvent) => void requests.push(one));
  for (const type of connectionTypes)
    hear(`passinglane:connection:${type}`, type, (one: ConnectionEvent) => void connections.push(one));
  const of = (path: string): string[] =>
    requests.filter((one) => new URL(one.request.url).pathname === path).map((one) => one.type);
  return { requests, connections, of };
}

function only<T extends { readonly type: string }>(events: readonly T[], type: T['type']): T {
  const found = events.filter((one) => one.type === type);
  assert.equal(found.length, 1, `one ${type}`);
  return found[0]!;
}

test('a request is told from its start to its end, with the connection it went out on', async (t) => {
  const heard = listen(t);
  const p = poolHarness();
  const call = p.get('/a?b');
  await p.settle();
  assert.deepEqual(heard.of('/a'), ['start', 'queued', 'bound', 'sent', 'headers', 'end']);
  const bound = only(heard.requests, 'bound');
  assert.equal(bound.connection, call.response?.connection.id);
  assert.equal(bound.streamId, 1);
  assert.equal(bound.reused, false);
  assert.equal(bound.remoteAddress, '192.0.2.1');
  assert.equal(bound.attempt, 1);
  assert.equal(only(heard.requests, 'start').attempt, 0);
  assert.equal(only(heard.requests, 'headers').status, 200);
  const { request } = bound;
  assert.deepEqual(
    [request.method, request.origin, request.url],
    ['GET', 'https://test.example', 'https://test.example/a?b'],
  );
  assert.equal(new Set(heard.requests.map((one) => one.request)).size, 1, 'the same object each time');
  const times = heard.requests.map((one) => one.time);
  assert.deepEqual(
    times.toSorted((a, b) => a - b),
    times,
  );
});

test('a wait in the queue lasts from queued to bound', async (t) => {
  const heard = listen(t);
  const p = poolHarness({ peer: { maxConcurrentStreams: 1 }, strictMaxConcurrentStreams: true, answer: never });
  p.get('/first');
  await p.settle();
  p.get('/second');
  await p.clock.advance(70);
  assert.deepEqual(heard.of('/second'), ['start', 'queued']);
  p.peer(0).answerAll();
  await p.settle();
  const second = heard.requests.filter((one) => one.request.url.endsWith('/second'));
  const bound = only(second, 'bound');
  assert.equal(bound.time - only(second, 'queued').time, 70);
  assert.equal(bound.reused, true);
});

test('a dial is told as it begins, and as it comes to a connection or fails', async (t) => {
  const heard = listen(t);
  const failure = new TransportError('ERR_PASSINGLANE_CONNECT_FAILED', 'refused', {
    scope: 'connection',
    initiator: 'remote',
  });
  const p = poolHarness({ dialErrors: [failure], retry: { maxAttempts: 1 } });
  const failed = p.get('/1');
  await p.settle();
  assert.equal(failed.state, 'failed');
  assert.deepEqual(
    heard.connections.map(({ type, connection }) => [type, connection]),
    [
      ['dialling', 0],
      ['dial-failed', 0],
    ],
  );
  assert.ok(only(heard.connections, 'dial-failed').error instanceof Error);
  p.get('/2');
  await p.clock.advance(5_000);
  const connected = only(heard.connections, 'connected');
  assert.deepEqual([connected.origin, connected.alpnProtocol], ['https://test.example', 'h2']);
  p.transport.destroy();
  assert.equal(only(heard.connections, 'closed').connection, connected.connection);
});

test('a stall is told, and its end', async (t) => {
  const heard = listen(t);
  const p = poolHarness({ peer: { initialWindowSize: 1 << 20 }, answer: never });
  p.get('/first');
  await p.settle();
  p.peer(0).stallNow();
  p.post('/up', Buffer.alloc(200_000));
  await p.clock.advance(100);
  assert.equal(only(heard.connections, 'stalled').connection, only(heard.connections, 'connected').connection);
  p.peer(0).resume();
  await p.settle();
  only(heard.connections, 'resumed');
});

test('a probe of a silent connection is told', async (t) => {
  const heard = listen(t);
  const p = poolHarness({ answer: never });
  p.get('/first');
  await p.settle();
  p.peer(0).answersPings = false;
  await p.clock.advance(1_500);
  p.get('/second');
  await p.settle();
  const connected = heard.connections.find((one) => one.type === 'connected');
  assert.equal(only(heard.connections, 'silent').connection, connected?.connection);
});

test('that bulk fills the path is told, and that it does no more', async (t) => {
  const heard = listen(t);
  const p = poolHarness({ answer: begins, probeAfter: 0, readIdleTimeout: 0 });
  await download(p);
  p.peer(0).answersPings = false;
  await sends(p, 10, 10);
  assert.equal(only(heard.connections, 'slow').connection, only(heard.connections, 'connected').connection);
  assert.ok(!heard.connections.some(({ type }) => type === 'eased'));
  p.peer(0).data(1, '', true);
  await p.settle();
  only(heard.connections, 'eased');
  p.transport.destroy();
});

test('a replay is told with its reason and its delay, and what follows is another attempt', async (t) => {
  const heard = listen(t);
  let refusals = 0;
  const p = poolHarness({
    answer: (peer, id) => (++refusals <= 2 ? peer.reset(id, refusedStream) : peer.ok(id)),
  });
  p.get('/again');
  await p.clock.advance(5_000);
  const retries = heard.requests.filter((one) => one.type === 'retry');
  assert.deepEqual(
    retries.map(({ attempt, error }) => [attempt, (error as TransportError).errorCode]),
    [
      [1, 'REFUSED_STREAM'],
      [2, 'REFUSED_STREAM'],
    ],
  );
  assert.ok((retries[1]?.delay ?? 0) > 0);
  assert.deepEqual(
    heard.requests.filter((one) => one.type === 'bound').map((one) => one.attempt),
    [1, 2, 3],
  );
  only(heard.requests, 'end');
});

test('a wait for flow control is told, and its end', async (t) => {
  const heard = listen(t);
  const p = poolHarness({ peer: { initialWindowSize: 1_000 }, answer: never });
  p.get('/before'); // so that the window is known
  await p.settle();
  p.post('/up', Buffer.alloc(1_500));
  await p.settle();
  assert.deepEqual(heard.of('/up'), ['start', 'bound', 'window-wait']);
  p.peer(0).send(8, 0, 3, Buffer.from([0, 0, 4, 0]));
  await p.settle();
  assert.deepEqual(heard.of('/up').slice(3), ['window-open', 'sent']);
});

test('a 1xx is told with its status', async (t) => {
  const heard = listen(t);
  const p = poolHarness({
    answer: (peer, id) => {
      peer.headers(id, 103);
      peer.ok(id);
    },
  });
  p.get('/');
  await p.settle();
  assert.equal(only(heard.requests, 'informational').status, 103);
});

test('an error is told as the caller gets it, and nothing after it', async (t) => {
  const heard = listen(t);
  const p = poolHarness({ answer: (peer, id) => peer.reset(id, internalError) });
  const call = p.get('/');
  await p.settle();
  assert.equal(only(heard.requests, 'error').error, call.error);
  assert.equal(heard.of('/').at(-1), 'error');
});

test('an abort is told with its reason, whether the request waits or runs', async (t) => {
  const heard = listen(t);
  const p = poolHarness({ peer: { maxConcurrentStreams: 1 }, strictMaxConcurrentStreams: true, answer: never });
  const reason = new Error('changed my mind');
  const controllers = [new AbortController(), new AbortController()];
  const [running, waiting] = controllers.map(({ signal }, i) => p.get(`/${i}`, { signal }));
  await p.settle();
  for (const one of controllers.toReversed()) one.abort(reason);
  await p.settle();
  assert.deepEqual([running?.error, waiting?.error], [reason, reason]);
  assert.deepEqual(heard.of('/0'), ['start', 'queued', 'bound', 'sent', 'error']);
  assert.deepEqual(heard.of('/1'), ['start', 'queued', 'error']);
  assert.ok(heard.requests.filter((one) => one.type === 'error').every((one) => one.error === reason));
});

test('draining is told when the peer says GOAWAY', async (t) => {
  const heard = listen(t);
  const p = poolHarness({ answer: never });
  p.get('/');
  await p.settle();
  p.peer(0).goAway(1);
  await p.settle();
  only(heard.connections, 'draining');
});

test('HTTP/1.1 requests are told with their connection and without a stream', async (t) => {
  const heard = listen(t);
  const { origin } = await httpOrigin(t, (_, response) => response.end('ok'));
  const transport = transportFor(t);
  const response = await transport.request(`${origin}/h1`);
  await response.body.text();
  assert.deepEqual(heard.of('/h1'), ['start', 'queued', 'bound', 'sent', 'headers', 'end']);
  const bound = only(heard.requests, 'bound');
  assert.equal(bound.connection, response.connection.id);
  assert.equal(bound.streamId, undefined);
});

test('HTTP/1.1 connections are told from their dial to their end, to the channels and to the observer alike', async (t) => {
  const heard = listen(t);
  const observed: ConnectionEvent[] = [];
  const { origin } = await httpOrigin(t, (_, response) => response.end('ok'));
  const transport = transportFor(t, { observer: { connection: (event) => observed.push(event) } });
  const response = await transport.request(`${origin}/h1`);
  await response.body.text();
  await transport.close();
  const types = heard.connections.map(({ type }) => type);
  assert.deepEqual(types, ['dialling', 'connected', 'closed']);
  assert.deepEqual(heard.connections, observed);
  const ended = heard.connections.slice(1).map(({ connection, error }) => [connection, error]);
  assert.deepEqual(ended, [
    [response.connection.id, undefined],
    [response.connection.id, undefined],
  ]);
});

test('the phases of a dial over TLS are told, in their order', async (t) => {
  const heard = listen(t);
  const origin = await startOrigin({ tls: true });
  t.after(() => origin.close());
  const transport = transportFor(t);
  await (await transport.request(`${origin.origin}/`)).body.dump();
  const { dial, tls, alpnProtocol, time } = only(heard.connections, 'connected');
  assert.equal(alpnProtocol, 'h2');
  assert.match(tls?.version ?? '', /^TLSv1/);
  const { begun, connect, secure } = dial ?? {};
  assert.ok(begun !== undefined && connect !== undefined && secure !== undefined);
  assert.ok(begun <= connect && connect <= secure && secure <= time);
});

test('events come in the async context of the caller', async (t) => {
  const storage = new AsyncLocalStorage<string>();
  const seen: (string | undefined)[] = [];
  for (const type of ['start', 'bound', 'end']) {
    const listener = (): void => void seen.push(storage.getStore());
    subscribe(`passinglane:request:${type}`, listener);
    t.after(() => unsubscribe(`passinglane:request:${type}`, listener));
  }
  const p = poolHarness();
  storage.run('of the caller', () => p.get('/'));
  await p.settle();
  assert.deepEqual(seen, ['of the caller', 'of the caller', 'of the caller']);
});

test('a field that is added at the start is sent, and later ones are refused', async (t) => {
  let late: unknown;
  const start = (message: unknown): void => (message as RequestEvent).request.addHeader('traceparent', '00-1-2-01');
  const end = (message: unknown): void => {
    try {
      (message as RequestEvent).request.addHeader('late', '1');
    } catch (error) {
      late = error;
    }
  };
  subscribe('passinglane:request:start', start);
  subscribe('passinglane:request:end', end);
  t.after(() => {
    unsubscribe('passinglane:request:start', start);
    unsubscribe('passinglane:request:end', end);
  });
  const p = poolHarness();
  p.get('/');
  await p.settle();
  assert.equal(p.peer(0).blocks(1)[0]?.['traceparent'], '00-1-2-01');
  assert.match(String(late), /start only/);
});

test('with nobody listening nothing is published', async (t) => {
  let published = 0;
  for (const type of requestTypes) {
    const one = channel(`passinglane:request:${type}`);
    t.mock.method(one, 'publish', () => published++);
  }
  for (const type of connectionTypes)
    t.mock.method(channel(`passinglane:connection:${type}`), 'publish', () => published++);
  const p = poolHarness();
  for (let i = 0; i < 10; i++) p.get(`/${i}`);
  await p.settle();
  p.transport.destroy();
  assert.equal(p.peer(0).requests.length, 10);
  assert.equal(published, 0);
  // What counts here does count: with one listener all is published.
  const ignore = (): void => undefined;
  subscribe('passinglane:request:end', ignore);
  t.after(() => unsubscribe('passinglane:request:end', ignore));
  const q = poolHarness();
  q.get('/');
  await q.settle();
  assert.equal(published, 6);
});
