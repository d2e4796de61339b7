/** Servers count frames that ask: Apache Traffic Server ends a connection with more than 60 PINGs or 14 SETTINGS in a minute. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { HealthState } from '../../dist/protocol/index.js';
import { harness, type Harness } from '../support/harness.js';
import { flag, type as frameType } from '../support/raw-server.js';

const minute = 60_000;

/** A server that answers each question at once, and writes down when it came. */
class Asked {
  readonly pings: number[] = [];
  readonly settings: number[] = [];
  private readonly h: Harness;

  constructor(h: Harness) {
    this.h = h;
  }

  answer(): void {
    const { h } = this;
    for (const { type, flags, payload } of [...h.pending]) {
      if ((flags & flag.ack) !== 0) continue;
      if (type === frameType.ping) {
        this.pings.push(h.now);
        h.peer.pong(payload);
      }
      if (type === frameType.settings) {
        this.settings.push(h.now);
        h.peer.frame(frameType.settings, flag.ack, 0);
      }
    }
    h.discard();
  }
}

/** The most of them within any minute. */
function mostInAMinute(times: readonly number[]): number {
  return Math.max(0, ...times.map((begin) => times.filter((at) => at >= begin && at <= begin + minute).length));
}

/** Silence after silence, each ended by an answer to the question whether the server lives. */
function askUntilSpent(h: Harness, asked: Asked): void {
  h.get('/quiet');
  for (let i = 0; i < 100; i++) {
    asked.answer();
    h.advance(h.view.liveness.probeThreshold());
    h.connection.probe(h.now);
    if (h.pending.length === 0) return;
  }
  assert.fail('it is asked without end');
}

test('a server that is quiet for minutes, and has complained, is asked whether it lives by no more than 14 SETTINGS in any', () => {
  const h = harness({ config: { probeAfter: 100, pingGap: 600_000 } });
  const asked = new Asked(h);
  asked.settings.push(h.now);
  h.greet();
  h.get('/quiet');
  for (const end = h.now + 4 * minute; h.now < end;) {
    h.advance(100);
    if (h.connection.health(h.now).state === HealthState.Silent) h.connection.probe(h.now);
    asked.answer();
  }
  assert.ok(mostInAMinute(asked.settings) <= 14, `${mostInAMinute(asked.settings)} in a minute`);
  assert.ok(asked.settings.length >= 4 * 6, 'and yet it is asked');
});

test('requests that are given up as soon as they are sent bring no more than 60 PINGs in any minute', () => {
  const h = harness().greet();
  const asked = new Asked(h);
  for (const end = h.now + 2 * minute; h.now < end;) {
    h.peer.headers(h.get('/answered'), 200, { end: true });
    h.get('/given-up').reset();
    asked.answer();
    h.advance(100);
  }
  assert.ok(mostInAMinute(asked.pings) <= 60, `${mostInAMinute(asked.pings)} in a minute`);
  assert.equal(h.connection.numbers.slots, 0, 'and no reset keeps its slot for want of one');
});

test('a silent server that has complained and has had its questions gets no new request, is stalled, and is asked as soon as there is one more', () => {
  const h = harness({ config: { pingTimeout: 500, pingGap: 600_000 } }).greet();
  const asked = new Asked(h);
  askUntilSpent(h, asked);
  assert.equal(h.connection.health(h.now, true).state, HealthState.Probing, 'also where there is no other way to go');
  h.advance(100);
  assert.equal(h.connection.health(h.now).state, HealthState.Stalled);
  assert.ok(h.events.includes('stalled'), 'so that the pool goes around it');
  assert.equal(h.connection.health(h.now).since, h.now - 100);
  const due = h.view.liveness.probingSettingsAt;
  assert.ok(due > h.now + 500);
  h.advance(due - h.now - 1);
  h.expect.quiet('nothing is to spare');
  assert.equal(h.failure, undefined, 'what has not been asked need not be answered');
  h.advance(1);
  const { flags, payload } = h.expect.frame(frameType.settings, 0, 'one more');
  assert.deepEqual([flags, payload.length], [0, 0]);
  h.advance(499);
  assert.equal(h.failure, undefined);
  h.advance(1);
  h.expect.failed('ERR_PASSINGLANE_PING_TIMEOUT', 'that is not answered within pingTimeout');
});

test('a server that has had its questions is as good as before once a byte has come', () => {
  const h = harness({ config: { pingGap: 600_000 } }).greet();
  askUntilSpent(h, new Asked(h));
  h.advance(100);
  h.peer.windowUpdate(0, 1);
  assert.equal(h.connection.health(h.now).state, HealthState.Ready);
  h.advance(900);
  h.expect.quiet('nobody asks any more');
});
