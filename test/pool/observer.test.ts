import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { ConnectionEvent, FrameEvent } from '../../dist/ports/observer.js';
import { errorCodeName, TransportError } from '../../dist/errors.js';
import { encodeFields } from '../support/hpack.js';
import { type Answer, type PoolHarnessOptions, poolHarness } from '../support/pool-harness.js';
import { flag, type as frameType } from '../support/raw-server.js';

const never: Answer = () => undefined;

/** A pool, and what its observer has been told. */
function observed(options: PoolHarnessOptions = {}): {
  p: ReturnType<typeof poolHarness>;
  events: ConnectionEvent[];
  frames: FrameEvent[];
} {
  const events: ConnectionEvent[] = [];
  const frames: FrameEvent[] = [];
  const observer = {
    connection: (event: ConnectionEvent) => void events.push(event),
    frame: (event: FrameEvent) => void frames.push(event),
  };
  return { p: poolHarness({ ...options, observer }), events, frames };
}

const story = (events: readonly ConnectionEvent[]): string[] =>
  events.map((one) => `${one.connection && 1} ${one.type}`);

test('a connection is reported once, its first request as on a new one and the others as on one in use', async () => {
  const { p, events } = observed();
  const calls = [p.get('/1'), p.get('/2'), p.get('/3')];
  await p.settle();
  calls.push(p.get('/4'));
  await p.settle();
  assert.deepEqual(story(events), ['0 dialling', '1 connected']);
  assert.deepEqual(
    calls.map((call) => call.response?.connection.reused),
    [false, true, true, true],
  );
});

test('whatever breach ends a connection, or a stream, it is told with its code', async () => {
  const breaches: [name: string, streamId: number, type: number, payload: Uint8Array, code: string][] = [
    ['a frame that does not parse', 0, frameType.ping, Buffer.alloc(7), 'FRAME_SIZE_ERROR'],
    ['a frame too large', 1, frameType.data, Buffer.alloc(16_385), 'FRAME_SIZE_ERROR'],
    ['a block that does not decode', 1, frameType.headers, Buffer.alloc(9, 0xff), 'COMPRESSION_ERROR'],
    ['more DATA than the window', 1, frameType.data, Buffer.alloc(16_384), 'FLOW_CONTROL_ERROR'],
  ];
  for (const [name, streamId, type, payload, code] of breaches) {
    const { p, events, frames } = observed({ answer: never, initialStreamWindow: 16_383 });
    const call = p.get('/');
    await p.settle();
    p.peer(0).send(type, flag.endHeaders, streamId, payload);
    await p.settle();
    const last = events.at(-1);
    assert.equal(last?.type, 'closed', name);
    assert.ok(last.error instanceof TransportError);
    assert.equal(last.error.errorCode, code, name);
    assert.equal((call.error as TransportError).errorCode, code, name);
    assert.match(frames.at(-1)?.detail ?? '', new RegExp(code), `${name}: the GOAWAY is seen too`);
  }
  for (const [name, fields] of [
    ['no status', [['x', 'y']]],
    [
      'a bad name',
      [
        [':status', '200'],
        ['X', 'y'],
      ],
    ],
    ['DATA of its own', []],
  ] as const) {
    const { p, frames } = observed({ answer: never });
    const call = p.get('/');
    await p.settle();
    if (fields.length > 0) p.peer(0).send(frameType.headers, flag.endHeaders, 1, encodeFields(fields));
    else p.peer(0).data(1, 'x');
    await p.settle();
    assert.equal((call.error as TransportError).errorCode, 'PROTOCOL_ERROR', name);
    const reset = frames.find((one) => one.type === frameType.rstStream);
    assert.deepEqual([reset?.direction, reset?.detail], ['sent', `error=${errorCodeName(1)}`], name);
  }
});

test('a connection that nobody used closes for being idle, without an error', async () => {
  const { p, events } = observed({ idleTimeout: 1_000 });
  await p.transport.preconnect('https://test.example');
  await p.clock.advance(1_000);
  assert.deepEqual(story(events), ['0 dialling', '1 connected', '1 closed']);
  assert.equal(events.at(-1)?.error, undefined);
  assert.equal(p.peer(0).ended, true);
});
