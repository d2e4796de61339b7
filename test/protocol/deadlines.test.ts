import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { HealthState } from '../../dist/protocol/index.js';
import { harness, type Harness } from '../support/harness.js';
import { flag, type as frameType } from '../support/raw-server.js';

/** What fires next, at once: the clock goes to the deadline, and the tick is told. */
function fire(h: Harness): number {
  h.now = h.connection.nextDeadline();
  h.connection.tick(h.now);
  return h.now;
}

test('a write that does not complete is reported once, at stallTimeout, and again only after progress', () => {
  const h = harness().greet();
  h.expect.headers(h.post('/up'));
  const started = h.now;
  h.connection.ping(h.now);
  assert.ok(h.takeAndBlock() > 0);
  h.events.length = 0;
  assert.equal(fire(h), started + 100);
  assert.deepEqual(h.events, ['stalled']);
  assert.ok(h.connection.nextDeadline() > h.now + 10_000, 'it is not reported again');
  h.connection.outputTaken(h.now);
  h.connection.ping(h.now);
  assert.ok(h.takeAndBlock() > 0);
  assert.equal(fire(h), started + 200);
  assert.deepEqual(h.events, ['stalled', 'stalled']);
});

test('writeTimeout counts from the write, not from the last progress of a connection that was idle before', () => {
  const h = harness({ config: { idleTimeout: 0 } }).greet();
  h.now += 3_600_000;
  const r = h.post('/up');
  assert.ok(h.takeAndBlock() > 0);
  const written = h.now;
  assert.equal(fire(h), written + 100, 'stallTimeout comes first');
  h.connection.tick(h.now);
  assert.equal(h.failure, undefined, 'an hour of idleness is no hour without progress');
  h.now = written + 59_999;
  h.connection.tick(h.now);
  assert.equal(h.failure, undefined);
  h.now++;
  h.connection.tick(h.now);
  h.expect.failed('ERR_PASSINGLANE_WRITE_TIMEOUT', '60 s after the write');
  assert.equal(r.error?.code, 'ERR_PASSINGLANE_WRITE_TIMEOUT');
});

test('bytes received are progress too', () => {
  const h = harness({ config: { readIdleTimeout: 0 } }).greet();
  h.post('/up');
  assert.ok(h.takeAndBlock() > 0);
  for (let i = 0; i < 10; i++) {
    h.now += 30_000;
    h.connection.tick(h.now);
    h.peer.windowUpdate(0, 1);
  }
  assert.equal(h.failure, undefined);
  h.now += 60_000;
  h.connection.tick(h.now);
  h.expect.failed('ERR_PASSINGLANE_WRITE_TIMEOUT', 'none for 60 s');
});

test('a probe that is out for stallTimeout is reported, and its answer makes the next stall one to report', () => {
  const h = harness().greet();
  const r = h.post('/up');
  h.expect.headers(r);
  h.now += 1_000;
  h.connection.probe(h.now);
  const ping = h.expect.ping('the probe');
  h.events.length = 0;
  fire(h);
  assert.deepEqual(h.events, ['stalled']);
  assert.equal(h.connection.health(h.now).state, HealthState.Stalled);
  h.peer.pong(ping);
  assert.equal(h.connection.health(h.now).state, HealthState.Ready);
  r.send('x', false);
  assert.ok(h.takeAndBlock() > 0);
  h.events.length = 0;
  const written = h.now;
  assert.equal(fire(h), written + 100);
  assert.deepEqual(h.events, ['stalled'], 'the write stalls, which is another matter');
});

test('a PING that asks whether a stall is over measures no round trip, and its answer is due at no time', () => {
  const h = harness({ config: { readIdleTimeout: 0, writeTimeout: 0, pingTimeout: 1_000 } }).greet();
  const r = h.post('/up');
  h.expect.headers(r);
  r.send(Buffer.alloc(30_000), false);
  assert.ok(h.takeAndBlock() > 0);
  h.discard();
  fire(h);
  const before = h.view.liveness.roundTrip;
  h.connection.outputTaken(h.now);
  const ping = h.expect.ping('has what the socket held been read?');
  assert.equal(h.connection.nextDeadline(), Infinity);
  h.now += 60_000;
  h.connection.tick(h.now);
  assert.equal(h.failure, undefined);
  assert.equal(h.connection.health(h.now).state, HealthState.Recovering);
  h.peer.pong(ping);
  assert.equal(h.connection.health(h.now).state, HealthState.Ready);
  assert.equal(h.view.liveness.roundTrip, before);
});

test('any byte answers a probe, and those who wait for it are told', () => {
  const h = harness().greet();
  const r = h.get('/');
  h.expect.headers(r, { end: true });
  h.now += 1_000;
  h.connection.probe(h.now);
  h.expect.ping('the probe');
  h.events.length = 0;
  h.peer.headers(r, 200);
  assert.equal(h.connection.health(h.now).state, HealthState.Ready);
  assert.ok(h.events.includes('capacity'), 'whoever waits for it asks again');
});

test('a peer that is silent but answers is asked again and again, as the budget for PINGs allows', () => {
  const h = harness({ config: { readIdleTimeout: 2_000, pingTimeout: 3_000, pingGap: 10_000 } }).greet();
  const r = h.get('/');
  h.expect.headers(r, { end: true });
  const asked: number[] = [];
  const start = h.now;
  while (h.now < start + 40_000) {
    fire(h);
    if (h.pending.length === 0) continue;
    asked.push(h.now - start);
    h.peer.pong(h.expect.ping('a check'));
  }
  assert.deepEqual(asked, [2_000, 4_000, 14_000, 24_000, 34_000, 44_000]);
  assert.equal(h.failure, undefined);
});

test('a request that a broken connection neither answers nor ends, though its server answers PINGs, fails after readIdleTimeout and pingTimeout', () => {
  const h = harness({ config: { readIdleTimeout: 2_000, pingTimeout: 3_000, pingGap: 10 } }).greet();
  const [r, answered] = [h.get('/1'), h.get('/2')];
  for (const one of [r, answered]) h.expect.headers(one, { end: true });
  h.peer.goAway(3, 2, 'broken');
  h.now += 4_000;
  h.connection.tick(h.now);
  h.expect.quiet('it is to close the connection by itself');
  h.peer.headers(answered, 200, { end: true });
  const last = h.now;
  assert.equal(fire(h), last + 5_000, 'what came of another request counts');
  h.expect.failed('ERR_PASSINGLANE_GOAWAY', 'the server had its time');
  assert.deepEqual(
    [r.error?.code, r.error?.errorCode, r.error?.unprocessed, answered.error],
    ['ERR_PASSINGLANE_GOAWAY', 'INTERNAL_ERROR', false, undefined],
  );
});

test('a server that asks for calm first, and calls the connection broken then, is waited for no longer', () => {
  const h = harness({ config: { readIdleTimeout: 2_000, pingTimeout: 3_000 } }).greet();
  const r = h.get('/');
  h.expect.headers(r, { end: true });
  h.peer.goAway(1, 11, 'too_many_pings');
  h.peer.goAway(1, 1);
  const start = h.now;
  assert.equal(fire(h), start + 5_000);
  h.expect.failed('ERR_PASSINGLANE_GOAWAY', 'the server had its time');
  assert.equal(r.error?.errorCode, 'ENHANCE_YOUR_CALM', 'the first error');
});

test('what comes before the answer to a PING was sent before it, and does not give the budget back', () => {
  const h = harness().greet();
  const r = h.get('/');
  h.expect.headers(r, { end: true });
  h.peer.headers(r, 200);
  const probe = (): void => {
    h.now += 2_000;
    h.connection.probe(h.now);
  };
  for (const which of ['the first', 'the second']) {
    probe();
    const ping = h.expect.ping(which);
    h.peer.data(r, 'x'); // it was on its way
    h.peer.pong(ping);
  }
  probe();
  h.expect.frame(frameType.settings, 0, 'no third PING');
  h.peer.frame(frameType.settings, flag.ack, 0);
  h.peer.data(r, 'x');
  probe();
  h.expect.ping('both have been answered, and DATA has come since');
});

test('a server that reads a PING late counts the time to the next one from there, and so does the budget', () => {
  const h = harness({ config: { readIdleTimeout: 2_000, pingTimeout: 0, pingGap: 10_000 } }).greet();
  h.expect.headers(h.get('/'), { end: true });
  fire(h);
  h.peer.pong(h.expect.ping('the first'));
  fire(h);
  const second = h.expect.ping('the second');
  h.now += 8_000;
  h.peer.pong(second);
  const read = h.now;
  while (h.pending.length === 0) fire(h);
  h.expect.ping('the third');
  assert.equal(h.now, read + 10_000);
});

test('after a GOAWAY without an error a silent server is asked as ever, and its answer is enough', () => {
  const h = harness({ config: { readIdleTimeout: 2_000, pingTimeout: 3_000 } }).greet();
  h.expect.headers(h.get('/'), { end: true });
  h.peer.goAway(1, 0);
  const start = h.now;
  assert.equal(fire(h), start + 2_000);
  h.peer.pong(h.expect.ping('a check'));
  assert.equal(fire(h), start + 4_000);
  h.expect.ping('and another');
  assert.equal(h.failure, undefined);
});

test('without streams nothing is owed, so silence asks nothing, and idleTimeout retires the connection', () => {
  const h = harness().greet();
  const r = h.get('/');
  h.expect.headers(r, { end: true });
  h.now += 5_000;
  h.peer.headers(r, 204, { end: true });
  const ended = h.now;
  assert.equal(fire(h), ended + 90_000);
  assert.equal(h.drained, true);
  h.expect.quiet('no PING');
  assert.equal(h.connection.health(h.now).state, HealthState.Closing);
});

test('a connection whose cancelled requests are unconfirmed ends when the PING that would confirm them is lost', () => {
  const h = harness({ config: { idleTimeout: 0 } }).greet({ maxConcurrentStreams: 1 });
  const r = h.get('/');
  h.expect.headers(r, { end: true });
  r.reset();
  h.expect.reset(r, 8, 'CANCEL');
  h.expect.ping('is anybody there?');
  const asked = h.now;
  assert.equal(h.connection.health(h.now).state, HealthState.Full);
  assert.equal(fire(h), asked + 15_000, 'it must not stay full for ever');
  h.expect.failed('ERR_PASSINGLANE_PING_TIMEOUT', 'nothing came');
});

test('a probe that counts on a PING of a caller goes on when that caller gives up', () => {
  const h = harness({ config: { pingTimeout: 3_000, readIdleTimeout: 2_000 } }).greet();
  h.expect.headers(h.get('/'), { end: true });
  h.now += 1_000;
  const id = h.connection.ping(h.now);
  h.expect.ping("the caller's");
  h.connection.probe(h.now);
  const probed = h.now;
  h.expect.quiet('one PING is enough to ask with');
  h.connection.forgetPing(id);
  fire(h);
  assert.ok(h.connection.nextDeadline() > h.now, 'the tick leaves nothing due');
  assert.equal(fire(h), probed + 3_000);
  h.expect.failed('ERR_PASSINGLANE_PING_TIMEOUT', 'it was out, and nothing came');
});

test('a PING left unanswered by an earlier request does not end a new one before its time', () => {
  const h = harness({ config: { pingTimeout: 3_000, readIdleTimeout: 2_000, idleTimeout: 0 } }).greet();
  const r = h.get('/');
  h.expect.headers(r, { end: true });
  h.peer.headers(r, 200);
  fire(h);
  h.expect.ping('silence');
  r.reset();
  h.expect.reset(r, 8, 'CANCEL; its slot is free, since the peer had answered');
  h.now += 60_000;
  const next = h.get('/next');
  const opened = h.now;
  h.connection.tick(h.now);
  assert.equal(h.failure, undefined);
  h.expect.headers(next, { end: true });
  assert.equal(fire(h), opened + 3_000);
  h.expect.failed('ERR_PASSINGLANE_PING_TIMEOUT', 'the PING is still out, and nothing came');
});

test('maxAge retires a connection under load, which then finishes what it has', () => {
  const h = harness({ config: { maxAge: 10_000, readIdleTimeout: 0 } }).greet();
  const r = h.get('/');
  h.expect.headers(r, { end: true });
  const opened = h.view.liveness.openedAt;
  assert.equal(h.connection.nextDeadline(), opened + 10_000);
  h.now = opened + 10_000;
  assert.equal(h.connection.health(h.now).state, HealthState.Closing, 'also before the tick');
  h.connection.tick(h.now);
  assert.deepEqual([h.drained, h.connection.nextDeadline()], [false, Infinity]);
  h.peer.headers(r, 204, { end: true });
  assert.equal(h.drained, true);
});

test('limits of 0 are off: nothing is ever due', () => {
  const off = { readIdleTimeout: 0, pingTimeout: 0, writeTimeout: 0, idleTimeout: 0, maxAge: 0, probeAfter: 0 };
  const h = harness({ config: off }).greet();
  assert.equal(h.connection.nextDeadline(), Infinity, 'idle');
  h.expect.headers(h.get('/'), { end: true });
  assert.equal(h.connection.nextDeadline(), Infinity, 'busy');
  h.connection.ping(h.now);
  assert.ok(h.takeAndBlock() > 0);
  fire(h);
  assert.equal(h.connection.nextDeadline(), Infinity, 'writing, and reported');
});

// A deadline in the past that a tick does not move is a timer that fires for ever.

type Act =
  | 'get'
  | 'post'
  | 'reset'
  | 'answer'
  | 'end'
  | 'pong'
  | 'take'
  | 'taken'
  | 'probe'
  | 'ping'
  | 'forget'
  | 'goaway'
  | 'update';

const acts = fc.constantFrom<Act>(
  'get',
  'post',
  'reset',
  'answer',
  'end',
  'pong',
  'take',
  'taken',
  'probe',
  'ping',
  'forget',
  'goaway',
  'update',
);

// Thirds and tenths, which binary fractions only approach, as the clock of a process has them.
const times = fc.oneof(
  fc.constantFrom(0, 0.1, 1 / 3, 50, 99.9, 100, 1_000, 15_000),
  fc.double({ min: 0, max: 40_000, noNaN: true }),
);

const timeouts = fc.record({
  stallTimeout: fc.constantFrom(0, 0.1, 100, 333.3),
  probeAfter: fc.constantFrom(0, 1_000),
  readIdleTimeout: fc.constantFrom(0, 0.7, 2_000.3, 15_000),
  pingTimeout: fc.constantFrom(0, 0.7, 3_000.1, 15_000),
  writeTimeout: fc.constantFrom(0, 60_000.6),
  idleTimeout: fc.constantFrom(0, 90_000.9),
  maxAge: fc.constantFrom(0, 0.3, 100_000.1),
  pingGap: fc.constantFrom(0.1, 300_000),
});

test('whatever happens, a tick leaves no deadline at or before its own time, and a deadline that is reached does something', () => {
  fc.assert(
    fc.property(
      timeouts,
      times,
      fc.array(fc.tuple(acts, times), { maxLength: 40, size: 'max' }),
      (config, start, steps) => {
        const h = harness({ config });
        h.greet({ maxConcurrentStreams: 1_000 });
        h.now += start;
        const calls: ReturnType<Harness['get']>[] = [];
        let writing = false;
        let lastPingId = 0;
        let lastPing: Buffer = Buffer.alloc(8);
        const act = (what: Act, pick: number): void => {
          const call = calls[Math.floor(pick) % Math.max(1, calls.length)];
          if (what === 'get' || what === 'post') calls.push(what === 'get' ? h.get('/') : h.post('/'));
          else if (what === 'probe') h.connection.probe(h.now);
          else if (what === 'ping') lastPingId = h.connection.ping(h.now);
          else if (what === 'forget') h.connection.forgetPing(lastPingId);
          else if (what === 'goaway') h.connection.goAway(h.now);
          else if (what === 'update') h.peer.windowUpdate(0, 1);
          else if (what === 'pong') h.peer.pong(lastPing);
          else if (what === 'taken' && writing) {
            h.connection.outputTaken(h.now);
            writing = false;
          } else if (what === 'take' && !writing) {
            writing = h.takeAndBlock() > 0;
            for (const { type, flags, payload } of h.pendingNow)
              if (type === frameType.ping && (flags & flag.ack) === 0) lastPing = payload;
            h.discard();
          } else if (call === undefined) return;
          else if (what === 'reset') call.reset();
          else if (what === 'answer' && call.status === undefined) h.peer.headers(call, 200);
          else if (what === 'end' && call.status !== undefined && !call.ended) h.peer.data(call, '', true);
        };
        for (const [what, wait] of steps) {
          if (h.failure !== undefined) break;
          const due = h.connection.nextDeadline();
          if (what === 'get' && wait > 100 && due < Infinity) h.now = Math.max(h.now, due);
          else h.now += wait;
          h.connection.tick(h.now);
          assert.ok(h.connection.nextDeadline() > h.now, `due at ${h.connection.nextDeadline()}, ticked at ${h.now}`);
          if (h.failure === undefined) act(what, wait);
        }
        // Whatever is left comes to an end: deadlines rise, and each reaches something.
        for (let fired = 0; h.connection.nextDeadline() < h.now + 1_000_000; fired++) {
          assert.ok(fired < 100 || config.pingGap < 1, 'deadlines do not come without end');
          if (fired > 1_000) break;
          const at = h.connection.nextDeadline();
          h.now = Math.max(h.now, at);
          h.connection.tick(h.now);
          assert.ok(h.connection.nextDeadline() > h.now, `due at ${h.connection.nextDeadline()}, ticked at ${h.now}`);
        }
      },
    ),
    { numRuns: 500 },
  );
});
