/** Legal traffic at random, against a peer that keeps its own books. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { HealthState, StreamState } from '../../dist/protocol/index.js';
import { encodeFields } from '../support/hpack.js';
import {
  frame,
  harness,
  settingsPayload,
  uint32,
  type Harness,
  type HarnessOptions,
  type PeerValues,
} from '../support/harness.js';
import { PeerModel, type ModelStream } from '../support/peer-model.js';
import { flag, type as frameType } from '../support/raw-server.js';
import { open, type Recorder } from '../support/recorder.js';

/** What may come next, the frequent ones repeated. */
const steps = [
  ...([
    'get',
    'get',
    'get',
    'get',
    'post',
    'post',
    'post',
    'post',
    'post',
    'send',
    'send',
    'send',
    'send',
    'finish',
    'finish',
    'trailers',
  ] as const),
  ...(['read', 'read', 'read', 'write', 'write', 'block', 'block', 'unblock', 'wait', 'reset'] as const),
  ...(['answer', 'answer', 'answer', 'data', 'data', 'data', 'data', 'data', 'data', 'end', 'end', 'cancel'] as const),
  ...(['update', 'update', 'update', 'settings', 'shrink', 'pong', 'ping'] as const),
] as const;

type Step = readonly [what: (typeof steps)[number], pick: number, size: number];

function oneOf<T>(list: readonly T[], pick: number): T | undefined {
  return list[pick % Math.max(1, list.length)];
}

/** One connection and its peer, both under way; each step is something that one of them may do. */
class Traffic {
  readonly h: Harness;
  readonly model = new PeerModel();
  readonly calls: Recorder[] = [];
  private readonly log: string[] = [];
  private writing = false;

  constructor(options: HarnessOptions, first: PeerValues) {
    this.h = harness(options);
    this.write();
    this.settings(first);
    this.h.peer.frame(frameType.settings, flag.ack, 0);
  }

  step([what, pick, size]: Step): void {
    const { h, model } = this;
    const call = oneOf(this.calls, pick);
    const unsent = oneOf(
      this.calls.filter(
        ({ sent, error, resetByUs, stream }) =>
          !sent && error === undefined && !resetByUs && stream.outgoing?.ends === false,
      ),
      pick,
    );
    switch (what) {
      case 'get':
      case 'post':
        if (h.connection.health(h.now).state === HealthState.Ready)
          this.calls.push(open(h, this.log, what === 'get' ? 'GET' : 'POST', what === 'post'));
        return;
      case 'send':
      case 'finish':
        if (unsent !== undefined && unsent.stream.outgoing?.chunk === undefined)
          h.connection.send(unsent.stream, Buffer.alloc(what === 'send' ? 1 + 3 * size : size % 3), what === 'finish');
        return;
      case 'trailers':
        if (unsent !== undefined) h.connection.sendTrailers(unsent.stream, ['x-sum', String(size)]);
        return;
      case 'reset':
        if (call !== undefined) this.reset(call);
        return;
      case 'read':
        if (call !== undefined) call.read(h, size);
        return;
      case 'write':
        return this.write();
      case 'block':
        if (!this.writing) this.writing = this.take(Math.max(1, size)) > 0;
        return;
      case 'unblock':
        return this.taken();
      case 'wait':
        h.now += size / 100;
        h.connection.tick(h.now);
        assert.ok(h.connection.nextDeadline() > h.now);
        return;
      case 'update':
        return this.update(pick, size);
      case 'settings':
        return this.settings({
          initialWindowSize: size * 3,
          maxFrameSize: 16_384 + size,
          headerTableSize: size % 5_000,
        });
      case 'shrink':
        return this.settings({ initialWindowSize: size % 100, maxConcurrentStreams: 1 + (size % 20) });
      case 'ping':
        return h.peer.frame(frameType.ping, 0, 0, Buffer.from('pingpong'));
      case 'pong': {
        const payload = model.pongsOwed.shift();
        if (payload !== undefined) h.peer.pong(payload);
        return;
      }
      default: {
        const owed = [...model.streams.values()].filter(
          ({ resetByThem, responseEnded }) => !resetByThem && !responseEnded,
        );
        const stream = oneOf(owed, pick);
        if (stream !== undefined) this.respond(what, stream, size);
      }
    }
  }

  /** The peer may go on with a stream that we have reset: it has not seen that yet. */
  private respond(what: Step[0], stream: ModelStream, size: number): void {
    const { h } = this;
    const answer = (end: boolean): void => {
      h.peer.block(
        stream.id,
        [
          [':status', '200'],
          ['x', 'y'],
        ],
        end,
      );
      stream.answered = true;
      stream.responseEnded = end;
    };
    if (what === 'cancel') {
      h.peer.frame(frameType.rstStream, 0, stream.id, uint32(size % 14));
      stream.resetByThem = true;
    } else if (!stream.answered) answer(what === 'end');
    else if (what === 'data') this.data(stream, size, false);
    else if (what === 'end' && size % 3 === 0) {
      h.peer.block(stream.id, [['x-sum', '1']], true);
      stream.responseEnded = true;
    } else if (what === 'end') this.data(stream, size % 3 === 1 ? 0 : size, true);
  }

  private data(stream: ModelStream, wanted: number, end: boolean): void {
    const { model, h } = this;
    const room = Math.min(stream.ourWindow, model.ourConnectionWindow, 16_384);
    const padded = wanted % 4 === 0 && room > 2;
    const length = Math.min(wanted, room);
    const padding = padded ? Math.min(wanted % 200, length - 1) : -1;
    let payload = Buffer.alloc(length, 0x61);
    if (padding >= 0) {
      payload = Buffer.alloc(length);
      payload[0] = padding;
    }
    stream.ourWindow -= length;
    model.ourConnectionWindow -= length;
    stream.responseEnded = end;
    const flags = (padding >= 0 ? flag.padded : 0) | (end ? flag.endStream : 0);
    const bytes = frame(frameType.data, flags, stream.id, payload);
    // In two pieces, so that data and padding may come apart.
    const at = 9 + (wanted % (length + 1));
    h.peer.bytes(bytes.subarray(0, at));
    h.peer.bytes(bytes.subarray(at));
  }

  private update(pick: number, size: number): void {
    const { model, h } = this;
    if (pick % 2 === 0) {
      if (model.theirConnectionWindow + size >= 1 << 30) return;
      model.theirConnectionWindow += Math.max(1, size);
      h.peer.windowUpdate(0, Math.max(1, size));
      return;
    }
    const stream = oneOf(
      [...model.streams.values()].filter((one) => one.open),
      pick,
    );
    if (stream === undefined || stream.theirWindow + size >= 1 << 30) return;
    stream.theirWindow += Math.max(1, size);
    h.peer.windowUpdate(stream.id, Math.max(1, size));
  }

  private settings(values: PeerValues): void {
    this.model.sentSettings(values);
    this.h.peer.frame(frameType.settings, 0, 0, settingsPayload(values));
  }

  private reset(call: Recorder): void {
    // A stream that is over cannot be reset; its owner asks all the same, and nothing may come of it.
    const over = (call.ended && call.sent) || call.error !== undefined;
    this.h.connection.reset(call.stream, 8, this.h.now);
    call.resetByUs ||= !over;
  }

  private take(limit: number): number {
    const bytes = this.h.connection.takeOutput(limit, this.h.now);
    this.model.read(bytes);
    return bytes.length;
  }

  private taken(): void {
    if (this.writing) this.h.connection.outputTaken(this.h.now);
    this.writing = false;
    for (const stream of this.h.connection.takeDrained()) stream.sink.onDrain();
  }

  write(): void {
    this.taken();
    while (this.take(65_536) > 0) this.h.connection.outputTaken(this.h.now);
    this.taken();
  }

  /** What no order of steps may break. */
  check(): void {
    const { credit, streams, blocked, listed, resets, smallData } = this.h.view;
    assert.equal(this.h.failure, undefined, 'legal traffic ends no connection');
    assert.equal(credit.available + credit.owed, credit.target, 'connection credit is conserved');
    assert.equal(
      credit.available >= this.model.ourConnectionWindow,
      true,
      'the peer knows of no credit that we do not',
    );
    assert.equal(
      this.h.budget.held,
      this.calls.reduce((sum, { unread }) => sum + unread, 0),
      'the budget holds what is unread',
    );
    for (const stream of streams.values()) {
      if (stream.resetCode >= 0) continue;
      const counted = stream.recvWindow + stream.owed + stream.unread;
      const receiving = stream.state === StreamState.Open || stream.state === StreamState.HalfClosedLocal;
      if (receiving) assert.equal(counted, stream.recvTarget, 'stream credit is conserved');
      const { outgoing } = stream;
      if (outgoing?.chunk !== undefined && !blocked.has(outgoing) && stream.sendWindow > 0) {
        const waits = outgoing.windowWait && stream.sendWindow < 1_024 && smallData.dueAt < Infinity;
        assert.ok(
          outgoing.scheduled || waits,
          'a stream that can send is in line, or waits for more credit for a while',
        );
      }
      assert.ok(stream.recvWindow >= 0 && stream.owed >= 0 && stream.unread >= 0);
    }
    assert.equal(new Set(listed).size, listed.length, 'a stream is listed once');
    assert.ok(
      [...blocked].every(({ stream }) => streams.get(stream.id) === stream),
      'only streams that live are kept',
    );
    assert.ok(resets.unconfirmed <= this.calls.length);
  }

  /** Everything is brought to its end, and nothing is left of it. */
  finish(): void {
    const { h, model } = this;
    this.write();
    model.theirConnectionWindow += 1 << 26;
    h.peer.windowUpdate(0, 1 << 26);
    for (const stream of model.streams.values()) {
      if (!stream.open) continue;
      stream.theirWindow += 1 << 20;
      h.peer.windowUpdate(stream.id, 1 << 20);
    }
    this.write();
    for (const call of this.calls) {
      assert.equal(call.stream.outgoing?.chunk, undefined, 'with the windows open nothing is left unsent');
      if (call.stream.outgoing?.ends === true && call.error === undefined)
        assert.ok(call.sent || call.resetByUs, 'nor is an end');
      this.reset(call);
      call.read(h);
    }
    this.write();
    for (const payload of model.pongsOwed.splice(0)) h.peer.pong(payload);
    this.write();
    this.check();
    const { view } = h;
    assert.deepEqual(
      [
        view.streams.size,
        view.listed.length,
        view.blocked.size,
        view.drainedStreams.length,
        view.scheduler.size,
        view.replies.waiting,
        view.smallData.dueAt,
      ],
      [0, 0, 0, 0, 0, 0, Infinity],
      'no list holds a stream that is over',
    );
    assert.equal(view.slotsUsed, 0, 'every slot is free');
    assert.equal(h.budget.held, 0);
    assert.equal(view.credit.available, model.ourConnectionWindow, 'both sides agree on the connection window');
    assert.equal(view.sendWindow, model.theirConnectionWindow, 'in both directions');
    assert.ok(view.credit.owed * 2 < view.credit.target || h.drained, 'what is owed is not withheld');
    for (const call of this.calls) call.assertSettled();
    for (const stream of model.streams.values())
      assert.equal(stream.open, false, `stream ${stream.id} is over for the peer too`);
  }
}

const step: fc.Arbitrary<Step> = fc.tuple(
  fc.constantFrom(...steps),
  fc.nat(1_000),
  fc.oneof(fc.nat(10), fc.nat(1_000), fc.nat(40_000)),
);

const shapes = fc.constantFrom<HarnessOptions>(
  {},
  { window: 1_000, connectionWindow: 65_535 },
  { window: 100_000, connectionWindow: 65_535, maxBuffered: 65_535 },
  { window: 200_000, connectionWindow: 200_000, maxBuffered: 70_000 },
  { window: 65_535, connectionWindow: 65_535, maxBuffered: 2_000 },
  { config: { initialStreamWindow: 100, maxStreamWindow: 1 << 20 }, connectionWindow: 1 << 20 },
);

const firstSettings = fc.constantFrom<PeerValues>(
  {},
  { initialWindowSize: 0 },
  { initialWindowSize: 1 << 20 },
  { initialWindowSize: 1 << 20, maxFrameSize: 1 << 20, maxConcurrentStreams: 4 },
);

/** Neither side goes quiet for so long that a time-out ends the connection; those have tests of their own. */
const patient = { writeTimeout: 0, readIdleTimeout: 0, idleTimeout: 0, stallTimeout: 10 };

test('legal traffic in any order keeps to the windows and limits of the peer, conserves credit, and settles every stream', () => {
  fc.assert(
    fc.property(shapes, firstSettings, fc.array(step, { maxLength: 300, size: 'max' }), (shape, first, list) => {
      const traffic = new Traffic({ ...shape, config: { ...patient, ...shape.config } }, first);
      for (const one of list) {
        traffic.step(one);
        traffic.check();
      }
      traffic.finish();
    }),
    { numRuns: 400 },
  );
});

test('legal traffic that the peer, or we, end in the middle settles every stream, and frees what unread bodies held', () => {
  const endings = fc.constantFrom('lost', 'goaway', 'ours', 'breach');
  fc.assert(
    fc.property(
      shapes,
      fc.array(step, { maxLength: 60, size: 'max' }),
      endings,
      fc.nat(20),
      (shape, list, ending, last) => {
        const traffic = new Traffic({ ...shape, config: { ...patient, ...shape.config } }, {});
        for (const one of list) traffic.step(one);
        const { h, calls } = traffic;
        if (ending === 'lost') h.peer.close();
        else if (ending === 'breach') h.peer.frame(frameType.headers, flag.endHeaders, 2, encodeFields([]));
        else if (ending === 'goaway') h.peer.goAway(last, 0);
        else h.connection.goAway(h.now);
        traffic.write();
        for (const call of calls) {
          if (ending === 'goaway' && call.stream.id > last && h.failure === undefined) {
            const done = call.resetByUs || call.error !== undefined || (call.ended && call.sent);
            assert.ok(done, `stream ${call.stream.id} is above ${last}`);
          }
        }
        if (ending === 'lost' || ending === 'breach') {
          assert.ok(h.failure !== undefined && h.view.streams.size === 0);
          for (const call of calls) call.assertSettled();
        } else {
          for (const call of calls) {
            call.resetByUs ||= call.error === undefined && !(call.ended && call.sent);
            h.connection.reset(call.stream, 8, h.now);
          }
          traffic.write();
          assert.equal(h.drained, true, 'an ending connection is done with its last stream');
          for (const call of calls) call.assertSettled();
        }
        for (const call of calls) call.read(h);
        assert.equal(h.budget.held, 0);
      },
    ),
    { numRuns: 300 },
  );
});
