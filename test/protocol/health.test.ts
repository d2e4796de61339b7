/** The table of what a connection says of itself: how it got there, and what a new request would meet. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { HealthState } from '../../dist/protocol/index.js';
import { harness, type Harness, type HarnessOptions } from '../support/harness.js';
import { flag, type as frameType } from '../support/raw-server.js';

interface Case {
  readonly name: string;
  readonly config?: HarnessOptions['config'];
  /** Leaves the connection as the name says, at a time of its own. */
  readonly setUp: (h: Harness) => void;
  readonly state: keyof typeof HealthState;
  /** How many bytes of a body must fit the connection's window; default: none. */
  readonly needs?: number;
  /** With no other way to go; default: the same. */
  readonly lastResort?: keyof typeof HealthState;
  /** Milliseconds that it has been in trouble for; default: it is not. */
  readonly troubledFor?: number;
}

/** Our preface is with the peer, and nothing has come back. */
const prefaceSent = (h: Harness): void => {
  h.pump();
  h.discard();
};

/** A write that the socket takes none of, for so long. */
const blockFor = (h: Harness, milliseconds: number): void => {
  h.connection.ping(h.now);
  assert.ok(h.takeAndBlock() > 0);
  h.advance(milliseconds);
};

/** The peer has answered as many PINGs of our own accord as it may have to. */
const spendPings = (h: Harness): void => {
  h.get('/slow');
  h.pump();
  h.discard();
  for (let i = 0; i < 2; i++) {
    h.now += 1_000;
    h.connection.probe(h.now);
    h.peer.pong(h.expect.ping('are you there?'));
  }
};

const asked = (h: Harness): void => {
  h.greet();
  spendPings(h);
  h.advance(1_000);
  h.connection.probe(h.now);
  assert.equal(h.expect.frame(frameType.settings, 0, 'are you there?').payload.length, 0);
};

const silentFor = (h: Harness, milliseconds: number): void => {
  h.greet();
  h.get('/slow');
  h.pump();
  h.advance(milliseconds);
};

/** Sends a body that leaves so much of the connection's window. */
const fill = (h: Harness, left: number): void => {
  const r = h.post('/up');
  h.pump();
  r.send('x'.repeat(65_535 - left));
  h.pump();
  h.discard();
};

const shutFor = (h: Harness, milliseconds: number): void => {
  h.greet({ initialWindowSize: 1 << 20 });
  fill(h, 0);
  h.advance(milliseconds);
};

/** The window has been shut for as long as the peer is given, and it gives so many bytes then. */
const shutAndGiven = (h: Harness, bytes: number): void => {
  shutFor(h, 99);
  h.now += 1;
  h.peer.windowUpdate(0, bytes);
};

const cases: readonly Case[] = [
  { name: 'just made, its preface not yet with the socket', setUp: () => undefined, state: 'EarlyOnly' },
  {
    name: 'its preface with the socket',
    setUp: (h) => void h.takeAndBlock(),
    state: 'AwaitingSettings',
  },
  { name: 'its preface sent', setUp: prefaceSent, state: 'EarlyOnly' },
  {
    name: 'a request sent before the SETTINGS',
    setUp: (h) => {
      h.get('/early');
      prefaceSent(h);
    },
    state: 'AwaitingSettings',
  },
  {
    name: 'SETTINGS outstanding for almost as long as makes them overdue',
    config: { dialTime: 10 },
    setUp: (h) => {
      prefaceSent(h);
      h.advance(999);
    },
    state: 'EarlyOnly',
  },
  {
    name: 'SETTINGS overdue after probeAfter',
    config: { dialTime: 10 },
    setUp: (h) => {
      prefaceSent(h);
      h.advance(1_000);
    },
    state: 'AwaitingSettings',
    lastResort: 'EarlyOnly',
    troubledFor: 1_000,
  },
  {
    name: 'SETTINGS outstanding for less than four dial times',
    config: { dialTime: 300 },
    setUp: (h) => {
      prefaceSent(h);
      h.advance(1_199);
    },
    state: 'EarlyOnly',
  },
  {
    name: 'SETTINGS overdue after four dial times',
    config: { dialTime: 300 },
    setUp: (h) => {
      prefaceSent(h);
      h.advance(1_200);
    },
    state: 'AwaitingSettings',
    lastResort: 'EarlyOnly',
    troubledFor: 1_200,
  },
  {
    name: 'SETTINGS overdue, that have come after all',
    config: { dialTime: 10 },
    setUp: (h) => {
      prefaceSent(h);
      h.advance(1_000);
      h.peer.settings({});
      h.pump();
      h.discard();
    },
    state: 'Ready',
  },
  {
    name: 'SETTINGS outstanding for long where nobody has said how long the dial took',
    setUp: (h) => {
      prefaceSent(h);
      h.advance(60_000);
    },
    state: 'EarlyOnly',
  },
  {
    name: 'SETTINGS outstanding for long where probeAfter is off',
    config: { dialTime: 10, probeAfter: 0 },
    setUp: (h) => {
      prefaceSent(h);
      h.advance(60_000);
    },
    state: 'EarlyOnly',
  },
  { name: 'greeted', setUp: (h) => void h.greet(), state: 'Ready' },
  {
    name: 'a chunk with the socket',
    setUp: (h) => {
      h.greet();
      blockFor(h, 99);
    },
    state: 'Busy',
  },
  {
    name: 'a chunk with the socket for stallTimeout',
    setUp: (h) => {
      h.greet();
      blockFor(h, 150);
    },
    state: 'Stalled',
    troubledFor: 150,
  },
  {
    name: 'such a chunk while bytes still arrive',
    setUp: (h) => {
      h.greet();
      blockFor(h, 100);
      h.peer.windowUpdate(0, 1);
    },
    state: 'Stalled',
    troubledFor: 100,
  },
  {
    name: 'a stall that is not reported yet: what has happened meanwhile may be unheard',
    setUp: (h) => {
      h.greet();
      h.connection.ping(h.now);
      h.takeAndBlock();
      h.now += 500;
    },
    state: 'Stalled',
  },
  {
    name: 'a stall that has ended',
    setUp: (h) => {
      h.greet();
      blockFor(h, 200);
      h.connection.outputTaken(h.now);
      h.now += 50;
    },
    state: 'Recovering',
    lastResort: 'Ready',
    troubledFor: 250,
  },
  {
    name: 'a stall that has ended, the next chunk with the socket',
    setUp: (h) => {
      h.greet();
      blockFor(h, 200);
      h.connection.outputTaken(h.now);
      blockFor(h, 10);
    },
    state: 'Recovering',
    lastResort: 'Busy',
    troubledFor: 210,
  },
  {
    name: 'a stall that has ended, and the peer has answered the PING that followed it',
    setUp: (h) => {
      h.greet();
      const r = h.post('/up');
      h.expect.headers(r);
      r.send('x');
      h.takeAndBlock();
      h.discard();
      h.advance(200);
      h.connection.outputTaken(h.now);
      h.peer.pong(h.expect.ping('has it been read?'));
    },
    state: 'Ready',
  },
  { name: 'its window shut, for a request without a body', setUp: (h) => shutFor(h, 200), state: 'Ready' },
  {
    name: 'its window shut for a moment, for one with a body',
    setUp: (h) => shutFor(h, 99),
    needs: 1,
    state: 'Starved',
  },
  {
    name: 'its window shut for stallTimeout, for one with a body',
    setUp: (h) => shutFor(h, 100),
    needs: 1,
    state: 'Starved',
    troubledFor: 100,
  },
  {
    name: 'its window shut for less than three round trips',
    setUp: (h) => {
      h.greet({ initialWindowSize: 1 << 20 });
      h.connection.ping(h.now);
      const ping = h.expect.ping('asks');
      h.now += 400;
      h.peer.pong(ping);
      fill(h, 0);
      h.advance(1_199);
    },
    needs: 1,
    state: 'Starved',
  },
  {
    name: 'its window shut, and credit is overdue though it was not reported',
    setUp: (h) => {
      shutFor(h, 0);
      h.now += 500;
    },
    needs: 1,
    state: 'Starved',
  },
  {
    name: 'a window that covers a short body',
    setUp: (h) => {
      h.greet({ initialWindowSize: 1 << 20 });
      fill(h, 1_000);
      h.advance(200);
    },
    needs: 1_000,
    state: 'Ready',
  },
  {
    name: 'the same for a body that is longer',
    setUp: (h) => {
      h.greet({ initialWindowSize: 1 << 20 });
      fill(h, 1_000);
      h.advance(200);
    },
    needs: 1_001,
    state: 'Starved',
    troubledFor: 200,
  },
  {
    name: 'a window that is promised to a short body at hand',
    setUp: (h) => {
      h.greet({ initialWindowSize: 1 << 20 });
      fill(h, 1_000);
      h.open('POST', '/short', [], true, { atHand: 600 });
      h.pump();
    },
    needs: 500,
    state: 'Starved',
  },
  {
    name: 'its window shut, and credit has come after all',
    setUp: (h) => {
      shutFor(h, 200);
      h.peer.windowUpdate(0, 16_384);
      h.pump();
      h.discard();
    },
    needs: 16_384,
    state: 'Ready',
  },
  {
    name: 'credit in small steps for a while',
    setUp: (h) => shutAndGiven(h, 1_000),
    needs: 1_000,
    state: 'Ready',
  },
  {
    name: 'credit in steps too small for what the body needs',
    setUp: (h) => shutAndGiven(h, 10),
    needs: 1_000,
    state: 'Starved',
  },
  { name: 'silent for less than probeAfter', setUp: (h) => silentFor(h, 999), state: 'Ready' },
  { name: 'silent for probeAfter', setUp: (h) => silentFor(h, 1_000), state: 'Silent' },
  {
    name: 'silent where probeAfter is off',
    config: { probeAfter: 0, readIdleTimeout: 0 },
    setUp: (h) => silentFor(h, 60_000),
    state: 'Ready',
  },
  {
    name: 'silent without a stream: the peer owes nothing',
    setUp: (h) => {
      h.greet();
      h.advance(60_000);
    },
    state: 'Ready',
  },
  {
    name: 'silent for probeAfter, its PINGs spent',
    setUp: (h) => {
      h.greet();
      spendPings(h);
      h.advance(1_000);
    },
    state: 'Silent',
  },
  {
    name: 'asked with SETTINGS, its PINGs spent',
    setUp: (h) => {
      asked(h);
      h.advance(50);
    },
    state: 'Probing',
  },
  {
    name: 'the same, in vain for stallTimeout',
    setUp: (h) => {
      asked(h);
      h.advance(100);
    },
    state: 'Stalled',
    troubledFor: 100,
  },
  {
    name: 'the same, and the ACK has come',
    setUp: (h) => {
      asked(h);
      h.peer.frame(frameType.settings, flag.ack, 0);
    },
    state: 'Ready',
  },
  {
    name: 'silent, its PINGs spent, and its first SETTINGS never acknowledged',
    setUp: (h) => {
      h.peer.settings({});
      h.pump();
      h.discard();
      spendPings(h);
      h.advance(1_000);
    },
    state: 'Ready',
  },
  {
    name: 'asked for a sign of life',
    setUp: (h) => {
      silentFor(h, 1_000);
      h.connection.probe(h.now);
      h.pump();
    },
    state: 'Probing',
  },
  {
    name: 'asked in vain for stallTimeout',
    setUp: (h) => {
      silentFor(h, 1_000);
      h.connection.probe(h.now);
      h.pump();
      h.advance(130);
    },
    state: 'Stalled',
    troubledFor: 130,
  },
  {
    name: 'asked, and answered by any byte',
    setUp: (h) => {
      silentFor(h, 1_000);
      h.connection.probe(h.now);
      h.pump();
      h.peer.frame(frameType.ping, flag.ack, 0, Buffer.alloc(8));
    },
    state: 'Ready',
  },
  {
    name: 'at the stream limit',
    setUp: (h) => {
      h.greet({ maxConcurrentStreams: 1 });
      h.get('/1');
      h.pump();
    },
    state: 'Full',
  },
  {
    name: 'at the stream limit by a reservation',
    setUp: (h) => {
      h.greet({ maxConcurrentStreams: 1 });
      h.connection.reserve();
    },
    state: 'Full',
  },
  { name: 'at a limit of 0 from the start', setUp: (h) => void h.greet({ maxConcurrentStreams: 0 }), state: 'Full' },
  {
    name: 'at a limit that was lowered to 0',
    setUp: (h) => {
      h.greet();
      h.peer.settings({ maxConcurrentStreams: 0 });
      h.pump();
    },
    state: 'Full',
  },
  {
    name: 'stalled at the stream limit',
    setUp: (h) => {
      h.greet({ maxConcurrentStreams: 1 });
      h.get('/1');
      blockFor(h, 100);
    },
    state: 'Stalled',
    troubledFor: 100,
  },
  {
    name: 'recovering at the stream limit',
    setUp: (h) => {
      h.greet({ maxConcurrentStreams: 1 });
      h.get('/1');
      blockFor(h, 100);
      h.connection.outputTaken(h.now);
    },
    state: 'Full',
    troubledFor: 100,
  },
  {
    name: 'told to go away',
    setUp: (h) => {
      h.greet();
      h.get('/1');
      h.peer.goAway(1, 0);
    },
    state: 'Closing',
  },
  {
    name: 'going away by itself',
    setUp: (h) => {
      h.greet();
      h.connection.goAway(h.now);
    },
    state: 'Closing',
  },
  {
    name: 'too old',
    config: { maxAge: 5_000 },
    setUp: (h) => {
      h.greet();
      h.now += 5_000;
    },
    state: 'Closing',
  },
  {
    name: 'lost',
    setUp: (h) => {
      h.greet();
      h.peer.close();
    },
    state: 'Closing',
  },
  {
    name: 'told to go away, and stalled',
    setUp: (h) => {
      h.greet();
      h.get('/1');
      h.peer.goAway(1, 0);
      blockFor(h, 100);
    },
    state: 'Closing',
    troubledFor: 100,
  },
];

for (const { name, config, setUp, needs = 0, state, lastResort = state, troubledFor } of cases)
  test(`a connection, ${name}: ${state}${lastResort === state ? '' : `, or ${lastResort} as a last resort`}`, () => {
    const h = harness({ config: config ?? {} });
    setUp(h);
    const answer = (last: boolean): unknown => {
      const health = h.connection.health(h.now, last, needs);
      if (needs === 0) assert.equal(h.connection.troubledSince(h.now), health.since, 'the shorter question');
      return { state: health.state, troubledFor: h.now - health.since };
    };
    const expected = { state: HealthState[state], troubledFor: troubledFor ?? -Infinity };
    assert.deepEqual(answer(false), expected);
    assert.deepEqual(answer(true), { ...expected, state: HealthState[lastResort] });
    assert.deepEqual(answer(false), expected, 'asking changes nothing');
  });

test('one more request of a turn finds a connection ready where the first did, and in no other state', () => {
  for (const { name, config, setUp, needs, state } of cases) {
    // The first request of a turn has asked after silence, and one with a body always asks for everything.
    if (state === 'Silent' || needs !== undefined) continue;
    const h = harness({ config: config ?? {} });
    setUp(h);
    assert.equal(h.connection.staysReady(h.now), state === 'Ready', name);
  }
});

test('its numbers are those of now, without asking anew', () => {
  const h = harness().greet({ maxConcurrentStreams: 3 });
  const health = h.connection.health(h.now);
  const { sendWindow } = health;
  const r = h.post('/up');
  r.send('12345');
  h.connection.reserve();
  h.pump();
  h.discard();
  assert.deepEqual([health.streams, health.reserved, health.slots, health.limit, health.requests], [1, 1, 2, 3, 1]);
  assert.equal(health.sendWindow, sendWindow - 5);
  assert.deepEqual([health.greeted, health.answered, health.zeroFromStart], [true, false, false]);
  h.peer.headers(r, 200);
  assert.equal(health.answered, true);
  h.peer.settings({ maxConcurrentStreams: 0 });
  assert.deepEqual([health.limit, health.zeroFromStart], [0, false], 'it was lowered');
  h.pump();
});

test('a peer that was busy once, and has answered quickly since, is asked as soon as the others', () => {
  const h = harness();
  h.pump();
  h.now += 13_000;
  h.greet();
  assert.equal(h.connection.health(h.now).roundTrip, 13_000, 'by the ACK of our SETTINGS');
  h.now += 30_000;
  const r = h.get('/');
  h.pump();
  h.now += 300;
  h.peer.headers(r, 200, { end: true });
  h.get('/slow');
  h.pump();
  h.now += 1_200;
  assert.equal(h.connection.health(h.now).state, HealthState.Silent, 'after four round trips, not after 52 seconds');
  h.discard();
});

test('the same after one more answer that takes long', () => {
  const h = harness();
  h.pump();
  h.now += 13_000;
  h.greet();
  for (const took of [300, 5_000]) {
    const r = h.get('/');
    h.pump();
    h.now += took;
    h.peer.headers(r, 200, { end: true });
  }
  assert.equal(h.connection.health(h.now).roundTrip, 13_000, 'windows grow by the average');
  h.get('/slow');
  h.pump();
  h.now += 1_200;
  assert.equal(h.connection.health(h.now).state, HealthState.Silent, 'after four round trips, not after 20 seconds');
  h.discard();
});

test('the best round trip is the shortest, and the other one goes with the samples', () => {
  const h = harness().greet();
  for (const roundTrip of [40, 10, 80]) {
    h.connection.ping(h.now);
    const ping = h.expect.ping('asks');
    h.now += roundTrip;
    h.peer.pong(ping);
  }
  const { roundTrip, bestRoundTrip } = h.connection.health(h.now);
  assert.equal(bestRoundTrip, 10);
  assert.ok(roundTrip > 10 && roundTrip < 80);
});

test('a peer that is silent on another connection owes a sign of life on this one, unless it was heard here lately', () => {
  const h = harness().greet();
  const state = (): HealthState => h.connection.health(h.now).state;
  h.advance(999);
  h.connection.silentBeside(h.now);
  assert.equal(state(), HealthState.Ready, 'its SETTINGS came less than a second ago');
  h.advance(1);
  assert.equal(state(), HealthState.Ready, 'with no request out silence says nothing');
  h.connection.silentBeside(h.now);
  assert.equal(state(), HealthState.Silent);
  h.connection.probe(h.now);
  const ping = h.expect.ping('are you there?');
  h.advance(50);
  h.peer.pong(ping);
  assert.equal(state(), HealthState.Ready);
  h.advance(1_000);
  assert.equal(state(), HealthState.Ready, 'it owes no more');
});
