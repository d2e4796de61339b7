/** Tables: which address carries a request, which one is of no use, and which are to be dialled. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { decideReach, faultOf, prefers, type Fault, type Load, type Standing } from '../../dist/pool/balance.js';

const load = (more: Partial<Load> = {}): Load => ({ inFlight: 0, latency: 10, weight: 1, ...more });

const better: readonly [title: string, one: Load, other: Load][] = [
  ['fewer in flight', load({ inFlight: 1 }), load({ inFlight: 2 })],
  ['less latency', load({ latency: 4 }), load({ latency: 10 })],
  ['the product decides', load({ inFlight: 3, latency: 5 }), load({ inFlight: 1, latency: 20 })],
  ['a difference within noise is none: fewer in flight', load({ latency: 12 }), load({ inFlight: 1 })],
  ['unknown latency counts as the other\u2019s', load({ latency: 0, inFlight: 1 }), load({ inFlight: 2, latency: 1 })],
];

for (const [title, one, other] of better)
  test(`of two addresses: ${title}`, () => {
    assert.deepEqual([prefers(one, other), prefers(other, one)], [true, false]);
  });

test('of two addresses that differ by nothing but noise, that whose turn it is', () => {
  for (const [one, other] of [
    [load({ latency: 20 }), load()],
    [load({ latency: 0.9 }), load({ latency: 0.1 })],
  ] as const)
    assert.deepEqual([prefers(one, other), prefers(other, one)], [true, true]);
});

const fared = (more: Partial<Standing> = {}): Standing => ({
  failures: 0,
  outcomes: 32,
  errors: 0,
  latency: 10,
  samples: 50,
  ...more,
});
const peers = [fared(), fared({ latency: 12 }), fared({ latency: 8 })];

const faults: readonly [
  title: string,
  one: Standing,
  peers: readonly Standing[],
  fault: Fault | undefined,
  trial?: boolean,
][] = [
  ['it is as its peers are', fared(), peers, undefined],
  ['four failures in a row', fared({ failures: 4 }), peers, undefined],
  ['five', fared({ failures: 5 }), peers, 'failures'],
  ['half of its answers are errors', fared({ errors: 16 }), peers, 'errors'],
  [
    'so are those of its peers: a bad route',
    fared({ errors: 16 }),
    peers.map((one) => ({ ...one, errors: 14 })),
    undefined,
  ],
  ['errors among few answers', fared({ outcomes: 19, errors: 19 }), peers, undefined],
  ['it has no peers', fared({ errors: 32 }), [], undefined],
  ['five times as slow, and a bit', fared({ latency: 51 }), peers, 'latency'],
  ['five times as slow, within 20 ms', fared({ latency: 9 }), peers.map((one) => ({ ...one, latency: 1 })), undefined],
  ['slow in few answers', fared({ latency: 500, samples: 9 }), peers, undefined],
  ['no peer has been measured', fared({ latency: 500 }), peers.map((one) => ({ ...one, samples: 9 })), undefined],
  ['on trial, and it fails', fared({ outcomes: 1, errors: 1, failures: 1, samples: 0 }), peers, 'failures', true],
  ['on trial, and it answers 500', fared({ outcomes: 1, errors: 1, samples: 1 }), peers, 'errors', true],
  ['on trial, and it is slow', fared({ outcomes: 1, latency: 100, samples: 1 }), peers, 'latency', true],
  ['on trial, and all is well', fared({ outcomes: 1, samples: 1 }), peers, undefined, true],
];

for (const [title, one, others, fault, trial] of faults)
  test(`what is wrong with an address: ${title}`, () => {
    assert.equal(faultOf(one, others, trial), fault);
  });

test('each address without a connection is dialled, as far as there is room, and not before its time', () => {
  const reached = { reached: true, notBefore: 0 };
  const [a, b, c] = [0, 50, 200].map((notBefore) => ({ reached: false, notBefore }));
  const all = [reached, a, b, c] as { reached: boolean; notBefore: number }[];
  assert.deepEqual(decideReach(all, 100, 9), { dials: [a, b], again: 200 });
  assert.deepEqual(decideReach(all, 100, 1), { dials: [a], again: 200 });
  assert.deepEqual(decideReach(all, 100, -1).dials, []);
  assert.deepEqual(decideReach([reached], 100, 9), { dials: [], again: Infinity });
});
