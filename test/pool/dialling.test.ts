/** Which connection a request goes out on, who shares a dial, and what is told of it. */
import assert from 'node:assert/strict';
import { Duplex, Readable } from 'node:stream';
import { test } from 'node:test';
import type { ConnectionEvent, FrameEvent } from '../../dist/index.js';
import { originOf } from '../../dist/pool/index.js';
import type { Dialled } from '../../dist/ports/dialler.js';
import { BaseTransport } from '../../dist/transport.js';
import { resolveOptions } from '../../dist/transport-options.js';
import { Peer, Pending, poolHarness, type Answer } from '../support/pool-harness.js';
import { VirtualClock } from '../support/virtual-clock.js';

const never: Answer = () => undefined;

test('the key of a URL has its scheme, host in ASCII, and port, written out where it is the default', () => {
  const table: readonly (readonly [url: string, hostname: string, port: number, key: string])[] = [
    ['http://foo.com', 'foo.com', 80, 'http://foo.com'],
    ['http://foo.com:80/a', 'foo.com', 80, 'http://foo.com'],
    ['https://foo.com', 'foo.com', 443, 'https://foo.com'],
    ['https://foo.com:', 'foo.com', 443, 'https://foo.com'],
    ['https://FOO.com:443', 'foo.com', 443, 'https://foo.com'],
    ['https://foo.com:444', 'foo.com', 444, 'https://foo.com:444'],
    ['https://1.2.3.4', '1.2.3.4', 443, 'https://1.2.3.4'],
    ['https://1.2.3.4:', '1.2.3.4', 443, 'https://1.2.3.4'],
    ['https://[::1]', '::1', 443, 'https://[::1]'],
    ['https://[::1]:', '::1', 443, 'https://[::1]'],
    ['https://[::1]:8443', '::1', 8_443, 'https://[::1]:8443'],
    ['https://bücher.example', 'xn--bcher-kva.example', 443, 'https://xn--bcher-kva.example'],
    ['https://user:pass@foo.com/', 'foo.com', 443, 'https://foo.com'],
  ];
  for (const [url, hostname, port, key] of table) {
    const origin = originOf(new URL(url));
    assert.deepEqual([origin.hostname, origin.port, origin.href], [hostname, port, key], url);
  }
  assert.throws(() => originOf(new URL('ftp://foo.com')), { code: 'ERR_PASSINGLANE_UNSUPPORTED_SCHEME' });
});

test('http and https to one host and port have connections of their own', async () => {
  const p = poolHarness();
  const calls = ['http://a.example:444/', 'https://a.example:444/', 'https://A.example:444/'].map(
    (url) => new Pending(p.transport.request(url)),
  );
  await p.settle();
  assert.ok(calls.every((call) => call.status === 200));
  assert.equal(p.dials, 2);
});

test('the oldest connection that can take a request gets it', async () => {
  const p = poolHarness({ answer: never, probeAfter: 0 });
  await Promise.all([p.transport.preconnect('https://test.example', 3), p.settle()]);
  for (let i = 0; i < 5; i++) {
    p.get(`/${i}`);
    await p.settle();
  }
  assert.deepEqual(
    p.peers.map((peer) => peer.requests.length),
    [5, 0, 0],
  );
  p.peer(0).goAway(99);
  p.get('/next');
  await p.settle();
  assert.deepEqual(p.peer(1).requests, ['/next']);
});

test('a dial serves whoever waits: the first to ask times out alone, and the others get their connection', async () => {
  const p = poolHarness({ dialTime: 1_000 });
  const first = p.get('/1', { timeout: 300 });
  const second = p.get('/2');
  await p.clock.advance(300);
  assert.deepEqual([first.code, second.state], ['ERR_PASSINGLANE_TIMEOUT', 'pending']);
  await p.clock.advance(700);
  assert.equal(second.status, 200);
  assert.deepEqual([p.dials, p.abortedDials], [1, 0]);
});

test('a new connection is in the pool before anybody who waited for it hears of it', async () => {
  const p = poolHarness({ peer: { maxConcurrentStreams: 10 } });
  const counts: number[] = [];
  const ready = p.transport.preconnect('https://test.example').then(() => counts.push(p.transport.stats().connections));
  await p.settle();
  await ready;
  assert.deepEqual(counts, [1]);
});

test('a connection leaves the pool once, in whatever way and however often it ends', async () => {
  const p = poolHarness({ answer: never });
  const call = p.get('/1');
  await p.settle();
  p.peer(0).goAway(0, 2);
  p.peer(0).drop(new Error('ECONNRESET'));
  p.transport.closeIdleConnections();
  await p.settle();
  assert.equal(call.state, 'failed');
  assert.equal(p.transport.stats().connections, 0);
  p.get('/2');
  await p.settle();
  assert.equal(p.dials, 2);
  assert.equal(p.transport.stats().connections, 1);
});

test('closeIdleConnections closes what carries no request, and leaves the rest', async () => {
  const p = poolHarness({ answer: never, peer: { maxConcurrentStreams: 1 } });
  const calls = [p.get('/1'), p.get('/2')];
  await p.settle();
  await p.settle();
  assert.equal(p.peers.length, 2);
  p.peer(0).ok(1);
  await p.settle();
  p.transport.closeIdleConnections();
  await p.settle();
  assert.deepEqual([p.peer(0).ended, p.peer(1).ended], [true, false]);
  p.peer(1).ok(1);
  await p.settle();
  assert.deepEqual([calls[0]?.status, calls[1]?.status], [200, 200]);
});

test('after ten requests over one dial, closing idle connections closes one', async () => {
  const p = poolHarness();
  for (let i = 0; i < 10; i++) p.get(`/${i}`);
  await p.settle();
  p.transport.closeIdleConnections();
  await p.settle();
  assert.deepEqual(
    p.peers.map((peer) => peer.ended),
    [true],
  );
});

test('where the connection ends before the preface is through, connect() rejects with what ended it', async () => {
  const p = poolHarness({ stallAfter: [0] });
  const connecting = p.transport.connect('https://test.example').catch((error: unknown) => error);
  await p.settle();
  p.peer(0).drop(new Error('write EPIPE'));
  const error = (await connecting) as Error & { code: string };
  assert.equal(error.code, 'ERR_PASSINGLANE_CONNECTION_LOST');
  assert.match(error.message, /EPIPE/);
});

// --- what is told ---

function observed(): {
  observer: { frame(event: FrameEvent): void; connection(event: ConnectionEvent): void };
  story: string[];
} {
  const story: string[] = [];
  const types = ['DATA', 'HEADERS', 'PRIORITY', 'RST_STREAM', 'SETTINGS', 'PUSH_PROMISE', 'PING', 'GOAWAY'];
  return {
    story,
    observer: {
      frame: ({ direction, type, streamId }) => {
        if (streamId > 0) story.push(`${direction} ${types[type]} ${streamId}`);
      },
      connection: ({ type }) => {
        story.push(type);
      },
    },
  };
}

test('an observer hears of the dial, the connection, the frames of the request and those of its answer, in order', async () => {
  const { observer, story } = observed();
  const p = poolHarness({
    observer,
    answer: (peer, id) => {
      setImmediate(() => {
        peer.headers(id, 100);
      });
    },
  });
  const call = p.post('/', 'body', { expectContinue: true });
  await p.settle();
  p.peer(0).headers(1, 200);
  p.peer(0).data(1, 'answer', true);
  await p.settle();
  assert.equal(call.status, 200);
  assert.deepEqual(story, [
    'dialling',
    'connected',
    'sent HEADERS 1',
    'received HEADERS 1',
    'sent DATA 1',
    'received HEADERS 1',
    'received DATA 1',
  ]);
});

test('a response says whether its connection was in use before: of two racing first requests one was not', async () => {
  const p = poolHarness();
  const first = [p.get('/1'), p.get('/2')];
  await p.settle();
  const later = p.get('/3');
  await p.settle();
  assert.deepEqual(
    [...first, later].map((call) => call.response?.connection.reused),
    [false, true, true],
  );
  assert.equal(new Set([...first, later].map((call) => call.response?.connection.id)).size, 1);
});

test('a 1xx is the first that is heard of an answer', async () => {
  const heard: number[] = [];
  const { observer, story } = observed();
  const p = poolHarness({ observer, answer: never });
  const call = p.get('/', { onInformational: (status) => heard.push(status) });
  await p.settle();
  p.peer(0).headers(1, 103);
  await p.settle();
  assert.deepEqual([heard, call.state, story.at(-1)], [[103], 'pending', 'received HEADERS 1']);
});

test('the end of a connection is told once, with its error', async () => {
  const ends: [code: unknown, name: string][] = [];
  const observer = {
    connection: ({ type, error }: ConnectionEvent) => {
      if (type === 'closed') ends.push([(error as { code?: unknown } | undefined)?.code, type]);
    },
  };
  const healthy = poolHarness({ observer });
  healthy.get('/');
  await healthy.settle();
  healthy.peer(0).drop();
  await healthy.settle();
  assert.deepEqual(ends.splice(0), [['ERR_PASSINGLANE_CONNECTION_LOST', 'closed']]);
  const silent = poolHarness({ observer, answer: never, readIdleTimeout: 1_000, pingTimeout: 500 });
  silent.get('/');
  await silent.settle();
  silent.peer(0).answersPings = false;
  await silent.clock.advance(1_500);
  assert.deepEqual(ends, [['ERR_PASSINGLANE_PING_TIMEOUT', 'closed']]);
});

// --- bodies of requests that come to nothing ---

test('whatever fails a request before it is sent, its body is closed, once and unread', async () => {
  const p = poolHarness({
    dialErrors: [new Error('refused'), new Error('refused')],
    peer: { maxHeaderListSize: 300 },
  });
  const closedTransport = poolHarness();
  await closedTransport.transport.close();
  const ways: Readonly<Record<string, (body: Readable) => Promise<unknown>>> = {
    'a failed dial': (body) => p.transport.request('https://test.example/', { method: 'POST', body }),
    'an unknown scheme': (body) => p.transport.request('ftp://test.example/', { method: 'POST', body }),
    'no URL at all': (body) => p.transport.request('nowhere', { method: 'POST', body }),
    'a bad header': (body) =>
      p.transport.request('https://test.example/', { method: 'POST', body, headers: { 'x-bad': 'a\nb' } }),
    'an option out of range': (body) => p.transport.request('https://test.example/', { body, timeout: -1 }),
    'a signal that is aborted': (body) =>
      p.transport.request('https://test.example/', {
        body,
        method: 'POST',
        signal: AbortSignal.abort(new Error('no')),
      }),
    'a transport that is closed': (body) =>
      closedTransport.transport.request('https://test.example/', { method: 'POST', body }),
    'headers larger than the peer takes': (body) =>
      p.transport.request('https://other.example/', { method: 'POST', body, headers: { big: 'x'.repeat(400) } }),
  };
  for (const [what, send] of Object.entries(ways)) {
    let reads = 0;
    const body = new Readable({
      read: () => {
        reads++;
      },
    });
    body.on('error', () => undefined);
    let closes = 0;
    body.on('close', () => closes++);
    const failed = assert.rejects(send(body), what);
    await p.settle();
    await p.settle();
    await failed;
    assert.deepEqual([closes, reads, body.destroyed], [1, 0, true], what);
  }
});

test('a dial that finishes after it was abandoned, or after its pool was destroyed, is ended', async () => {
  for (const protocol of ['h2', 'http/1.1'] as const)
    for (const how of ['abandoned', 'destroyed']) {
      const clock = new VirtualClock();
      let finish: ((dialled: Dialled) => void) | undefined = undefined;
      const transport = new BaseTransport(resolveOptions({}, 'test'), {
        clock,
        dialler: { dial: () => new Promise<Dialled>((resolve) => (finish = resolve)) }, // hears no abort
        wrap: (): never => assert.fail('nothing is adopted here'),
        random: () => 0.5,
        inRootContext: (callback) => callback(),
      });
      const controller = new AbortController();
      const call = new Pending(transport.request('https://test.example/', { signal: controller.signal }));
      await clock.settle();
      if (how === 'abandoned') controller.abort(new Error('no more'));
      else transport.destroy();
      await call.settled;
      const peer = new Peer(0, {}, never);
      const socket = new Duplex();
      assert.ok(finish !== undefined);
      (finish as (dialled: Dialled) => void)(
        protocol === 'h2'
          ? { protocol, transport: peer }
          : { protocol, socket, open: (): never => assert.fail('nobody waits for it') },
      );
      await clock.settle();
      assert.equal(protocol === 'h2' ? peer.destroyed : socket.destroyed, true, `${protocol}, ${how}`);
      assert.equal(transport.stats().connections, 0);
      transport.destroy();
    }
});
