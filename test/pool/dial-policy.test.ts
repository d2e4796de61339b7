/** The table of what the waiting requests of an origin cause, by what its connections say of themselves. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { HealthState } from '../../dist/protocol/index.js';
import { decideDials, type Candidate, type Decision, type Situation } from '../../dist/pool/dial-policy.js';

const now = 10_000;

function candidate(
  state: keyof typeof HealthState,
  more: Partial<Candidate['health']> = {},
  bypass = false,
): Candidate {
  const settled = {
    since: Infinity,
    delay: 0,
    slowBeneath: undefined,
    greeted: true,
    limit: 100,
    zeroFromStart: false,
  };
  return { health: { ...settled, state: HealthState[state], ...more }, bypass };
}

const bypassing = (one: Candidate): Candidate => ({ ...one, bypass: true });

const ready = candidate('Ready');
const busy = candidate('Busy');
const full = candidate('Full', { limit: 10 });
const lowered = candidate('Full', { limit: 0 });
const zero = candidate('Full', { limit: 0, zeroFromStart: true });
/** Of HTTP/1.1. */
const taken = candidate('Full', { limit: 1 });
const looking = candidate('Ready', { limit: 1 });
const stalled = candidate('Stalled', { since: now - 100 });
const unreported = candidate('Stalled');
const stalledLater = candidate('Stalled', { since: now - 50 });
const short = candidate('Starved');
const starved = candidate('Starved', { since: now - 100 });
const recovering = candidate('Recovering', { since: now - 500 });
const awaiting = candidate('AwaitingSettings', { greeted: false });
const overdue = candidate('AwaitingSettings', { greeted: false, since: now - 1_000 });
const slow = candidate('Slow', { delay: 300 });
const slower = candidate('Slow', { delay: 900 });
const beneath = { numbers: { slow: true }, health: () => slow.health, troubledSince: () => Infinity };
const through = candidate('Slow', { delay: 300, slowBeneath: beneath });
/** A dial that has not come to a connection for so long. */
const dialled: Candidate = {
  ...candidate('AwaitingSettings', { greeted: false, since: now - 1_000, limit: 0 }),
  dial: true,
};

interface Case {
  readonly connections: readonly Candidate[];
  readonly situation?: Partial<Situation>;
  readonly decision?: Partial<Decision>;
}

/** Each connection has room for so many, and nothing else counts meanwhile. */
const forAHundred: Partial<Decision> = { holdsFor: 100 };

const cases: Readonly<Record<string, Case>> = {
  'nobody waits': { connections: [full], situation: { waiting: 0 } },
  'only bulk waits, for the slow connections that it shares': {
    connections: [stalled],
    situation: { waiting: 0, sharedUntil: now + 700 },
    decision: { again: now + 700 },
  },
  'no connection': { connections: [], decision: { dials: 1 } },
  'no connection, and one is being dialled': { connections: [], situation: { dialling: 1 } },
  'no connection, and a dial that is silent': { connections: [dialled], decision: { dials: 1, bypass: true } },
  'the same, and another that is not': { connections: [dialled], situation: { dialling: 1 } },
  'two dials that are silent': {
    connections: [dialled, bypassing(dialled)],
    situation: { patience: 200 },
    decision: { dials: 1, bypass: true },
  },
  'dials that are silent, and nothing left of what they led around': {
    connections: [bypassing(dialled), bypassing(dialled)],
    situation: { patience: 200 },
    decision: { dials: 1, bypass: true },
  },
  'a silent dial after many that came to nothing': {
    connections: [dialled],
    situation: { patience: 60_000 },
    decision: { resort: true, again: now + 4_000 },
  },
  'a connection without SETTINGS after many dials that came to nothing': {
    connections: [dialled, { ...overdue, bypass: false }],
    situation: { patience: 60_000 },
    decision: { resort: true, again: now + 59_000 },
  },
  'no connection, and the last dial failed': {
    connections: [],
    situation: { notBefore: now + 500 },
    decision: { resort: true, again: now + 500 },
  },
  'one that is free in a moment': { connections: [full, busy], decision: forAHundred },
  'one that is ready': { connections: [stalled, ready], decision: forAHundred },
  'a stall that may be none': { connections: [unreported], decision: forAHundred },
  'one without SETTINGS yet': { connections: [awaiting] },
  'full, and 25 wait for places of 10': { connections: [full], situation: { waiting: 25 }, decision: { dials: 3 } },
  'full, and one more is coming': {
    connections: [full, awaiting],
    situation: { waiting: 25, dialling: 1 },
    decision: { dials: 1 },
  },
  'full, and room for one': {
    connections: [full],
    situation: { waiting: 25, maxConnections: 2 },
    decision: { dials: 1 },
  },
  'full, with no room': { connections: [full], situation: { maxConnections: 1 }, decision: { resort: true } },
  'full, in strict mode': { connections: [full], situation: { strict: true }, decision: { resort: true } },
  'HTTP/1.1, where the last dial came to nothing': {
    connections: [taken],
    situation: { waiting: 3, places: 1, failing: true },
    decision: { dials: 1 },
  },
  'the same with a dial under way': {
    connections: [taken],
    situation: { waiting: 3, places: 1, failing: true, dialling: 1, comingSince: now - 10 },
  },
  'HTTP/1.1, no connection': { connections: [], situation: { waiting: 3, places: 1 }, decision: { dials: 3 } },
  'HTTP/1.1, and two are being dialled': {
    connections: [],
    situation: { waiting: 3, dialling: 2, places: 1 },
    decision: { dials: 1 },
  },
  'HTTP/1.1, one carries a request, and one takes another in a moment': {
    connections: [taken, looking],
    situation: { waiting: 3, places: 1 },
    decision: { dials: 2 },
  },
  'HTTP/1.1, and enough take one in a moment': {
    connections: [taken, looking, looking],
    situation: { waiting: 2, places: 1 },
    decision: { holdsFor: 2 },
  },
  'HTTP/1.1, with no room': {
    connections: [taken, taken],
    situation: { waiting: 3, places: 1, maxConnections: 3 },
    decision: { dials: 1 },
  },
  'HTTP/1.1, where strict means nothing': {
    connections: [taken],
    situation: { places: 1, strict: true },
    decision: { dials: 1 },
  },
  'HTTP/1.1, and the last dial failed': {
    connections: [taken],
    situation: { places: 1, notBefore: now + 500 },
    decision: { resort: true, again: now + 500 },
  },
  'full, and silent ones beside it': {
    connections: [full, overdue, overdue],
    situation: { waiting: 20 },
    decision: { dials: 1 },
  },
  'full, and more silent ones beside it than those that wait need': {
    connections: [full, dialled, dialled],
    situation: { patience: 200 },
    decision: { dials: 1, bypass: true },
  },
  'the same for less than it takes': {
    connections: [full, dialled, dialled],
    situation: { patience: 4_000 },
    decision: { resort: true, again: now + 3_000 },
  },
  stalled: { connections: [stalled], decision: { dials: 1, bypass: true } },
  'stalled for less than it takes': {
    connections: [stalled],
    situation: { patience: 400 },
    decision: { resort: true, again: now + 300 },
  },
  'stalled, and gone around already': { connections: [stalled, bypassing(full)], decision: { dials: 1 } },
  'stalled, and gone around, in strict mode': {
    connections: [stalled, bypassing(full)],
    situation: { strict: true },
    decision: { resort: true },
  },
  'stalled, and the way around as well': {
    connections: [stalled, bypassing(stalled)],
    decision: { dials: 1, bypass: true },
  },
  'stalled, and the way around as well, for less than it takes': {
    connections: [stalled, bypassing(stalledLater)],
    decision: { resort: true, again: now + 50 },
  },
  'stalled, and two ways around that came to nothing': {
    connections: [stalled, bypassing(stalled), bypassing(overdue)],
    situation: { patience: 400 },
    decision: { resort: true, again: now + 300 },
  },
  'short of credit for a body, for a moment': { connections: [short], decision: forAHundred },
  'starved of credit for a body': { connections: [starved], decision: { dials: 1, bypass: true } },
  'starved, and another that is free in a moment': { connections: [starved, busy], decision: forAHundred },
  'starved, and gone around by one that is short for a moment': {
    connections: [starved, bypassing(short)],
    decision: forAHundred,
  },
  'starved, with no room': {
    connections: [starved],
    situation: { maxConnections: 1 },
    decision: { resort: true },
  },
  'stalled, as other origins are, whose dial finds out about the link': {
    connections: [stalled],
    situation: { linkNotBefore: now + 700 },
    decision: { resort: true, again: now + 700 },
  },
  'stalled, and one is coming': { connections: [stalled, awaiting] },
  recovering: { connections: [recovering], decision: { dials: 1, bypass: true } },
  'recovering, with no room': {
    connections: [recovering],
    situation: { maxConnections: 1 },
    decision: { resort: true },
  },
  'SETTINGS overdue': { connections: [overdue], decision: { dials: 1, bypass: true } },
  'lowered to 0': { connections: [lowered], situation: { waiting: 25 }, decision: { dials: 1 } },
  'lowered to 0, two of them, and one is coming': { connections: [lowered, lowered], situation: { dialling: 1 } },
  'lowered to 0, in strict mode': {
    connections: [lowered],
    situation: { strict: true },
    decision: { resort: true },
  },
  'lowered to 0, and the last that was dialled is at 0 too': {
    connections: [lowered, zero],
    situation: { zeroLimitNotBefore: now + 2_000 },
    decision: { resort: true, again: now + 2_000 },
  },
  'the same when its wait is over': { connections: [lowered, zero], decision: { dials: 1 } },
  'the same for the last time': {
    connections: [lowered, zero],
    situation: { zeroLimitsExhausted: true },
    decision: { giveUp: true },
  },
  'lowered to 0, and there is no room for another': {
    connections: [lowered],
    situation: { maxConnections: 1 },
    decision: { resort: true, retireZero: true },
  },
  'the same before its time': {
    connections: [zero],
    situation: { maxConnections: 1, zeroLimitNotBefore: now + 2_000 },
    decision: { resort: true, again: now + 2_000 },
  },
  'the same in strict mode': {
    connections: [zero],
    situation: { maxConnections: 1, strict: true },
    decision: { resort: true },
  },
  'the same without room for the last time': {
    connections: [zero],
    situation: { maxConnections: 1, zeroLimitsExhausted: true },
    decision: { giveUp: true },
  },
  'the same beside one that is full': {
    connections: [full, zero],
    situation: { zeroLimitsExhausted: true },
    decision: { resort: true },
  },
  'lowered to 0 beside one that is full': { connections: [lowered, full], decision: { dials: 1 } },
  'at 0 from the start beside one that is full': {
    connections: [full, zero],
    situation: { zeroLimitNotBefore: now + 2_000 },
    decision: { resort: true, again: now + 2_000 },
  },
  'none, where the newest allowed no stream and were closed': {
    connections: [],
    situation: { zeroLimited: true, zeroLimitNotBefore: now + 2_000 },
    decision: { again: now + 2_000 },
  },
  'the same when the wait is over': {
    connections: [],
    situation: { zeroLimited: true },
    decision: { dials: 1 },
  },
  'the same for the last time, with none left': {
    connections: [],
    situation: { zeroLimited: true, zeroLimitsExhausted: true },
    decision: { giveUp: true },
  },
  'the same for the last time in strict mode, with none left': {
    connections: [],
    situation: { zeroLimited: true, zeroLimitsExhausted: true, strict: true },
    decision: { dials: 1 },
  },
  'at 0 from the start, and what each takes is known': {
    connections: [zero],
    situation: { zeroLimited: true, zeroLimitNotBefore: now + 2_000, places: 1, waiting: 5 },
    decision: { resort: true, again: now + 2_000 },
  },
  'at 0 from the start, and a dial since then that is silent': {
    connections: [zero, dialled],
    situation: { patience: 4_000 },
    decision: { resort: true, again: now + 3_000 },
  },
  'full, where the newest allowed no stream and were closed': {
    connections: [full],
    situation: { zeroLimited: true, zeroLimitNotBefore: now + 2_000 },
    decision: { resort: true, again: now + 2_000 },
  },
  'the same without room for one more': {
    connections: [full],
    situation: { zeroLimited: true, maxConnections: 1 },
    decision: { resort: true },
  },
  'slow: one more, for what is small': { connections: [slow], decision: { dials: 1 } },
  'slow, and one that is not': { connections: [slow, ready], decision: forAHundred },
  'slow, and one that is free in a moment': { connections: [slow, busy], decision: forAHundred },
  'slow, and one more on its way, for no longer than an answer takes': {
    connections: [slow],
    situation: { dialling: 1, comingSince: now - 200 },
    decision: { again: now + 100 },
  },
  'slow, and one more on its way for longer than an answer would have taken': {
    connections: [slow],
    situation: { dialling: 1, comingSince: now - 300 },
    decision: { resort: true },
  },
  'slow, and one more that awaits SETTINGS': {
    connections: [slower, awaiting],
    situation: { comingSince: now },
    decision: { again: now + 900 },
  },
  'slow, and the one more is slow as well: they share the queue': {
    connections: [slow, slower],
    decision: { resort: true, holdBulk: true },
  },
  'slow, and no room for another': {
    connections: [slow],
    situation: { maxConnections: 1 },
    decision: { resort: true, holdBulk: true },
  },
  'slow, and the last dial failed': {
    connections: [slow],
    situation: { notBefore: now + 500 },
    decision: { resort: true, holdBulk: true, again: now + 500 },
  },
  'two that are slow, where what a connection takes is known': {
    connections: [slow, slower],
    situation: { places: 10 },
    decision: { resort: true, holdBulk: true },
  },
  'two in tunnels through one connection that is slow: another, around that': {
    connections: [through, { ...through }],
    decision: { dials: 1 },
  },
  'two in tunnels through a slow connection, and one that is slow itself': {
    connections: [through, through, slow],
    decision: { resort: true, holdBulk: true },
  },
  'the same of HTTP/1.1, which take one request each': {
    connections: [through, through],
    situation: { waiting: 5, places: 1 },
    decision: { dials: 5 },
  },
  'slow, and the one more is stalled': { connections: [slow, stalled], decision: { resort: true, holdBulk: true } },
  'stalled beside one at 0 whose wait goes on': {
    connections: [stalled, zero],
    situation: { zeroLimitNotBefore: now + 2_000 },
    decision: { dials: 1, bypass: true },
  },
  'stalled for less than it takes beside one at 0': {
    connections: [stalled, zero],
    situation: { zeroLimitNotBefore: now + 2_000, patience: 400 },
    decision: { resort: true, again: now + 300 },
  },
};

for (const [name, { connections, situation, decision }] of Object.entries(cases))
  test(`what is dialled, by the connections there are: ${name}`, () => {
    const given: Situation = {
      now,
      waiting: 1,
      sharedUntil: -Infinity,
      dialling: 0,
      comingSince: Infinity,
      connections,
      maxConnections: 64,
      places: undefined,
      strict: false,
      patience: 100,
      linkNotBefore: 0,
      notBefore: 0,
      zeroLimited: false,
      zeroLimitNotBefore: 0,
      failing: false,
      zeroLimitsExhausted: false,
      ...situation,
    };
    const nothing: Decision = {
      dials: 0,
      bypass: false,
      resort: false,
      holdBulk: false,
      retireZero: false,
      giveUp: false,
      again: Infinity,
      holdsFor: 0,
    };
    assert.deepEqual(decideDials(given), { ...nothing, ...decision });
  });
