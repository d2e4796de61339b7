/** Requests spread over the addresses of a name, on the virtual network. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { AddressEvent } from '../../dist/ports/observer.js';
import {
  bodyOf,
  poolHarness,
  type Pending,
  type Peer,
  type PoolHarness,
  type PoolHarnessOptions,
} from '../support/pool-harness.js';

const names = (count: number): string[] => Array.from({ length: count }, (_, i) => `192.0.2.${i + 1}`);

/** What a machine does with a request: how long it takes, and what it answers. */
interface Behaviour {
  readonly delay?: number;
  readonly status?: number;
  /** Never. */
  readonly frozen?: boolean;
}

interface Spread {
  readonly p: PoolHarness;
  readonly addresses: string[];
  readonly refusing: Set<string>;
  /** By address; may change. Without: 200 after 10 ms. */
  readonly machines: Map<string, Behaviour>;
  readonly events: string[];
  /** So many requests, five at a time, one each `gap` milliseconds on average; those that were not answered with 200 by 10 s after the last. */
  load(count: number, gap?: number): Promise<Pending[]>;
  /** How many requests have arrived at each address since it was last asked. */
  counts(): Record<string, number>;
  states(): string[];
}

function spread(count: number, options: PoolHarnessOptions = {}): Spread {
  const addresses = names(count);
  const refusing = new Set<string>();
  const machines = new Map<string, Behaviour>();
  const events: string[] = [];
  let seed = 7;
  let counted: Record<string, number> = {};
  const answer = (peer: Peer, id: number): void => {
    const address = peer.info.remoteAddress ?? '';
    counted[address] = (counted[address] ?? 0) + 1;
    const { delay = 10, status = 200, frozen = false } = machines.get(address) ?? {};
    if (frozen) peer.answersPings = false;
    else p.clock.setTimer(delay, () => peer.headers(id, status, { end: true }));
  };
  const p = poolHarness({
    addresses,
    refusing,
    answer,
    loadBalancing: 'least-request',
    random: () => (seed = (seed * 16_807) % 2_147_483_647) / 2_147_483_647,
    observer: {
      address: ({ type, address, reason }: AddressEvent) =>
        void events.push([type, address, ...(reason === undefined ? [] : [reason])].join(' ')),
    },
    ...options,
  });
  return {
    p,
    addresses,
    refusing,
    machines,
    events,
    load: async (requests, gap = 2) => {
      const calls: Pending[] = [];
      for (let i = 0; i < requests; i += 5) {
        for (let j = 0; j < 5; j++) calls.push(p.get('/'));
        await p.clock.advance(5 * gap);
      }
      await p.clock.advance(50);
      return calls;
    },
    counts: () => {
      const before = counted;
      counted = {};
      return before;
    },
    states: () =>
      p.transport.stats().origins[0]?.addresses?.map(({ address, state }) => `${address.slice(8)} ${state}`) ?? [],
  };
}

const failed = (calls: readonly Pending[]): number => calls.filter(({ status }) => status !== 200).length;

test('there is a connection to each address of the name, and equal machines get equal shares', async () => {
  const s = spread(4);
  await s.load(20);
  assert.deepEqual(s.p.dialled.toSorted(), s.addresses);
  s.counts();
  assert.equal(failed(await s.load(400)), 0);
  const shares = Object.values(s.counts());
  assert.ok(Math.max(...shares) <= 1.2 * Math.min(...shares), String(shares));
  assert.deepEqual(s.states(), ['1 ready', '2 ready', '3 ready', '4 ready']);
});

test('machines that are slow to be connected to at the start get their share at once', async () => {
  const s = spread(4, { dialTime: 3_000 });
  const first = s.load(5);
  await s.p.clock.advance(6_100); // a dial that looks the name up, and then those to the others
  await first;
  s.counts();
  await s.load(400);
  const shares = Object.values(s.counts());
  assert.ok(shares.length === 4 && Math.max(...shares) <= 1.2 * Math.min(...shares), String(shares));
});

test('a machine three times slower gets a smaller share, and none is left out', async () => {
  const s = spread(4);
  s.machines.set('192.0.2.1', { delay: 30 });
  await s.load(100);
  s.counts();
  await s.load(400);
  const counts = s.counts();
  const share = counts['192.0.2.1'] ?? 0;
  assert.ok(share < 40, `${share} of 400`);
  assert.ok(!s.events.some((event) => event.startsWith('ejected')));
});

test('a machine that answers 500 at once is ejected, for twice as long each time, and gets one request to show', async () => {
  const s = spread(4);
  await s.load(20);
  s.machines.set('192.0.2.2', { delay: 0, status: 500 });
  s.counts();
  await s.load(200);
  assert.deepEqual(s.states()[1], '2 ejected');
  s.counts();
  await s.load(600, 5);
  assert.equal(s.counts()['192.0.2.2'], 2, 'after one second, and after two more');
  s.machines.delete('192.0.2.2');
  await s.load(900, 5);
  assert.deepEqual(s.states()[1], '2 ready');
  assert.deepEqual(s.events.slice(4), [
    'ejected 192.0.2.2 errors',
    'ejected 192.0.2.2 errors',
    'ejected 192.0.2.2 errors',
    'returned 192.0.2.2',
    'slow-start 192.0.2.2',
  ]);
});

test('a machine that is ten times slower than its peers gets next to nothing', async () => {
  const s = spread(4);
  s.machines.set('192.0.2.3', { delay: 100 });
  await s.load(100);
  s.counts();
  await s.load(500);
  const { '192.0.2.3': share = 0 } = s.counts();
  assert.ok(share <= 10, `${share} of 500`);
});

test('where every machine errs, as on a bad route, none is ejected', async () => {
  const s = spread(4);
  await s.load(20);
  for (const address of s.addresses) s.machines.set(address, { status: 503 });
  await s.load(200);
  assert.deepEqual(s.states(), ['1 ready', '2 ready', '3 ready', '4 ready']);
});

test('no more than half of the addresses are ejected at a time', async () => {
  const s = spread(4);
  await s.load(400);
  // One after the other, so that each is held against peers that are well.
  for (const address of s.addresses.slice(0, 3)) {
    s.machines.set(address, { delay: 0, status: 500 });
    await s.load(100);
  }
  assert.equal(s.states().filter((state) => state.endsWith('ejected')).length, 2);
});

test('a machine that freezes gets no request that began later than probeAfter, and the others all', async () => {
  const s = spread(4);
  await s.load(40);
  s.machines.set('192.0.2.4', { frozen: true });
  await s.load(500); // one second
  s.counts();
  assert.equal(failed(await s.load(500)), 0);
  assert.equal(s.counts()['192.0.2.4'], undefined);
  assert.deepEqual(s.states(), ['1 ready', '2 ready', '3 ready', '4 failed']);
});

/**
 * Two connections to each of two machines, and then one to the second that owes an answer for longer than `probeAfter`: `freezes`,
 * or is just slow. It has no room for more, so that its state does not say that it is silent.
 */
async function owesOnOne(freezes: boolean, drains: boolean): Promise<Spread> {
  const s = spread(2, { peer: { maxConcurrentStreams: 1 } });
  const calls = [1, 2, 3, 4].map(() => s.p.get('/'));
  await s.p.clock.advance(1_000);
  assert.equal(failed(calls), 0);
  const second = s.p.peers.filter(({ info }) => info.remoteAddress === '192.0.2.2');
  assert.equal(second.length, 2);
  if (freezes) for (const peer of second) peer.answersPings = false;
  s.counts();
  s.machines.set('192.0.2.2', { delay: freezes ? Infinity : 10_000 });
  while (s.counts()['192.0.2.2'] === undefined) {
    s.p.get('/');
    await s.p.clock.advance(50);
  }
  if (drains) for (const peer of second) if (peer.open.size > 0) peer.goAway(2 ** 31 - 1);
  await s.p.clock.advance(2_000);
  for (let i = 0; i < 20; i++) {
    s.p.get('/');
    await s.p.clock.advance(50);
  }
  return s;
}

for (const [what, drains] of [
  ['full', false],
  ['draining', true],
] as const) {
  test(`a machine that is silent on a ${what} connection gets no request on another one either`, async () => {
    const s = await owesOnOne(true, drains);
    assert.deepEqual(s.counts(), { '192.0.2.1': 20 });
    s.p.transport.destroy();
  });
}

test('a machine that is slow on a full connection, and answers a PING on another, gets requests there', async () => {
  const s = await owesOnOne(false, false);
  const { '192.0.2.2': share = 0 } = s.counts();
  assert.ok(share > 0);
  s.p.transport.destroy();
});

for (const answersPings of [true, false]) {
  const what = answersPings ? 'goes out there once that answers a PING' : 'does not go out there';
  test(`a second attempt whose only way is another connection to a machine that is silent ${what}`, async () => {
    const s = spread(2, { peer: { maxConcurrentStreams: 1 }, hedge: { after: 1_500 } });
    s.refusing.add('192.0.2.2');
    s.machines.set('192.0.2.1', { delay: 500 });
    const calls = [s.p.get('/'), s.p.get('/')];
    await s.p.clock.advance(1_000);
    assert.equal(failed(calls), 0);
    assert.equal(s.p.peers.length, 2);
    s.machines.set('192.0.2.1', { delay: Infinity });
    for (const peer of s.p.peers) peer.answersPings = answersPings;
    s.p.get('/', { idempotent: true });
    await s.p.clock.advance(1_600);
    const [first, second] = s.p.peers;
    assert.deepEqual([first!.open.size, second!.open.size, second!.pings], [1, answersPings ? 1 : 0, 1]);
    s.p.transport.destroy();
  });
}

test('where one address is silent to a dial, and the other allows no stream, waits between dials grow', async () => {
  const s = spread(2, { dialTimes: [0, Infinity], peer: { maxConcurrentStreams: 0 } });
  const call = s.p.post('/', bodyOf(10)());
  await s.p.clock.advance(3_000);
  assert.ok(s.p.dials <= 5, `${s.p.dials} dials`);
  assert.equal(call.state, 'pending');
  s.p.transport.destroy();
});

test('an address that failed gets no request before its SETTINGS, also while all others are full', async () => {
  const s = spread(2, { mute: new Set(['192.0.2.2']), peer: { maxConcurrentStreams: 1 }, maxConnectionAge: 1_000 });
  s.machines.set('192.0.2.1', { delay: 100_000 });
  const long = [s.p.get('/')];
  await s.p.clock.advance(1_200); // longer than probeAfter, and the connections are too old
  long.push(s.p.get('/'));
  await s.p.clock.advance(900);
  s.machines.delete('192.0.2.1');
  assert.equal(s.p.dialled.filter((one) => one === '192.0.2.2').length, 2, 'it has another chance');
  const call = s.p.get('/');
  await s.p.clock.advance(2_000);
  assert.deepEqual([call.status, s.counts()], [200, { '192.0.2.1': 3 }]);
  s.p.transport.destroy();
  await Promise.all(long.map(({ settled }) => settled));
});

test('an address that the name gains is dialled within resolveInterval, and starts slowly', async () => {
  const s = spread(3, { resolveInterval: 2_000 });
  await s.load(20);
  s.addresses.push('192.0.2.9');
  await s.load(410, 5);
  assert.ok(s.p.dialled.includes('192.0.2.9'));
  s.counts();
  await s.load(300);
  const { '192.0.2.9': share = 0, ...others } = s.counts();
  assert.ok(share < Math.min(...Object.values(others)) / 2, `${share}, others ${JSON.stringify(others)}`);
});

test('an address that the name loses finishes what it carries, and closes without an error', async () => {
  const s = spread(3, { resolveInterval: 1_000 });
  await s.load(20);
  s.machines.set('192.0.2.1', { delay: 3_000 });
  const calls = s.load(600);
  s.addresses.shift();
  await s.p.clock.advance(1_100);
  assert.ok(s.states().includes('1 draining'), String(s.states()));
  const made = await calls;
  await s.p.clock.advance(4_000);
  assert.equal(failed(made), 0);
  assert.deepEqual(s.states(), ['2 ready', '3 ready']);
  assert.ok(s.events.includes('removed 192.0.2.1'));
});

test('a connection that is made to an address after the name has lost it serves those who waited, and closes', async () => {
  const s = spread(2, { resolveInterval: 1_000, dialTimes: [10, 1_500, 1_000] });
  await s.load(40, 20);
  assert.deepEqual(s.states(), ['1 ready', '2 connecting']);
  s.addresses.pop();
  await s.load(40, 10);
  assert.ok(s.events.includes('removed 192.0.2.2'));
  s.p.peer(0).drop();
  s.counts();
  const calls = await s.load(30, 10);
  assert.ok((s.counts()['192.0.2.2'] ?? 0) > 0, 'those who waited have an answer while the other is dialled');
  assert.ok(s.p.peer(1).ended, 'nobody after them, though the next look-up is yet to come');
  calls.push(...(await s.load(120, 10)));
  assert.equal(failed(calls), 0);
  s.counts();
  assert.equal(failed(await s.load(100)), 0);
  assert.deepEqual(s.counts(), { '192.0.2.1': 100 });
});

test('an address that refuses is dialled again after a time that doubles, while the others serve', async () => {
  const s = spread(3);
  s.refusing.add('192.0.2.2');
  assert.equal(failed(await s.load(1_000)), 0);
  assert.equal(s.p.dialled.filter((address) => address === '192.0.2.2').length, 2, 'at once, and after a second');
  assert.deepEqual(s.states(), ['1 ready', '2 failed', '3 ready']);
  s.refusing.clear();
  await s.load(1_500);
  assert.deepEqual(s.states(), ['1 ready', '2 ready', '3 ready']);
});

test('where no address is without blame, the next dial leads to one whose time to go last is over', async () => {
  const s = spread(2, { peer: { maxConcurrentStreams: 1 } });
  s.p.get('/');
  s.p.get('/');
  await s.p.clock.advance(100);
  assert.deepEqual(s.p.dialled, ['192.0.2.1', '192.0.2.2']);
  s.machines.set('192.0.2.2', { delay: 60_000 });
  for (const address of s.addresses) s.refusing.add(address);
  s.p.peer(0).drop();
  const calls = [s.p.get('/'), s.p.get('/')];
  await s.p.clock.advance(100);
  s.refusing.delete('192.0.2.2');
  await s.p.clock.advance(2_000); // both have failed; the second goes last for one second, the first for two
  assert.ok(s.p.dialled.length < 10, s.p.dialled.join());
  assert.equal(s.p.peers[2]?.info.remoteAddress, '192.0.2.2');
  await s.p.clock.advance(60_000);
  assert.equal(failed(calls), 0);
});

test('requests at the limit of every connection cause one more where there are the fewest', async () => {
  const s = spread(2, { peer: { maxConcurrentStreams: 2 } });
  await s.load(10);
  for (const address of s.addresses) s.machines.set(address, { frozen: true });
  for (let i = 0; i < 5; i++) s.p.get('/');
  await s.p.settle();
  assert.equal(s.p.dialled.length, 3);
  assert.equal(
    s.p.peers.reduce((sum, peer) => sum + peer.open.size, 0),
    5,
  );
});

test('close() dials no address again, and leaves no timer', async () => {
  const s = spread(3);
  await s.load(30);
  let closed = false;
  void s.p.transport.close().then(() => (closed = true));
  await s.p.settle();
  for (const peer of s.p.peers) peer.drop();
  await s.p.clock.advance(60_000);
  assert.deepEqual([closed, s.p.peers.length, s.p.clock.size], [true, 3, 0]);
});

test('a look-up that is under way when the transport ends leaves no timer', async () => {
  const s = spread(3, { resolveInterval: 1_000, lookupTime: 500 });
  await s.load(30);
  await s.p.clock.advance(1_200);
  s.addresses.pop();
  s.p.transport.destroy();
  await s.p.clock.advance(500);
  assert.ok(s.events.includes('removed 192.0.2.3'), 'it ended after that');
  assert.equal(s.p.clock.size, 0);
});

test('who gives up waiting ends no dial to an address that is to have a connection', async () => {
  const s = spread(2, { dialTimes: [10, 500], peer: { maxConcurrentStreams: 1 } });
  s.machines.set('192.0.2.1', { delay: 5_000 });
  const first = s.p.get('/');
  await s.p.clock.advance(100);
  const controller = new AbortController();
  const second = s.p.get('/', { signal: controller.signal });
  await s.p.settle();
  controller.abort();
  await s.p.clock.advance(500);
  assert.deepEqual([first.state, second.state], ['pending', 'failed']);
  assert.deepEqual([s.p.abortedDials, s.p.dialled], [0, s.addresses]);
  s.p.transport.destroy();
});

test('connections that were closed for want of requests are made again with the next request, and leave no timer', async () => {
  const s = spread(3, { idleTimeout: 100 });
  await s.load(30);
  await s.p.clock.advance(1_000);
  assert.deepEqual([s.p.peers.length, s.p.clock.size], [3, 0]);
  await s.load(30);
  assert.equal(s.p.peers.length, 6);
});

test('after a rest longer than resolveInterval the name is looked up before any of its addresses is dialled', async () => {
  const s = spread(3, { idleTimeout: 100, resolveInterval: 1_000 });
  await s.load(30);
  await s.p.clock.advance(2_000);
  s.addresses.splice(0, 3, '192.0.2.8', '192.0.2.9');
  s.p.dialled.length = 0;
  assert.equal(failed(await s.load(30)), 0);
  assert.deepEqual(s.p.dialled.sort(), ['192.0.2.8', '192.0.2.9']);
});

test('after a rest shorter than resolveInterval the name is looked up again as if there had been none', async () => {
  const s = spread(3, { idleTimeout: 100, resolveInterval: 1_000 });
  await s.load(30);
  await s.p.clock.advance(400);
  assert.equal(s.p.transport.stats().origins.length, 0, 'no connection is left');
  s.addresses.shift();
  assert.equal(failed(await s.load(500)), 0);
  s.counts();
  await s.load(100);
  assert.deepEqual(Object.keys(s.counts()).sort(), ['192.0.2.2', '192.0.2.3']);
});

test('one address is used as by pick-first', async () => {
  const s = spread(1);
  assert.equal(failed(await s.load(50)), 0);
  assert.deepEqual([s.p.dials, s.states()], [1, []]);
});

test('an address is told of on its channel and in stats()', async () => {
  const s = spread(2);
  await s.load(50);
  assert.deepEqual(s.events, ['added 192.0.2.1', 'added 192.0.2.2']);
  const [one] = s.p.transport.stats().origins[0]?.addresses ?? [];
  assert.ok(one !== undefined && one.requests > 20 && one.latency === 10, JSON.stringify(one));
});

test('second attempts are spread as well: at another address than the first, and at none that is ejected', async () => {
  const s = spread(4, { hedge: { after: 50, budget: 1 }, retry: { budget: 0 } });
  await s.load(40);
  s.machines.set('192.0.2.1', { status: 500 });
  await s.load(60);
  assert.equal(s.states()[0], '1 ejected');
  for (const address of s.addresses) s.machines.set(address, { delay: 300 });
  s.counts();
  const before = s.p.transport.stats().totals.hedges;
  const calls: Pending[] = [];
  for (let i = 0; i < 60; i++) {
    calls.push(s.p.get(`/${i}`, { idempotent: true }));
    await s.p.clock.advance(5);
  }
  await s.p.clock.advance(400);
  assert.equal(failed(calls), 0);
  assert.equal(s.p.transport.stats().totals.hedges - before, 60);
  const { '192.0.2.1': ejected = 0, ...others } = s.counts();
  const shares = Object.values(others);
  assert.equal(ejected, 0);
  assert.ok(shares.length === 3 && Math.max(...shares) <= 1.25 * Math.min(...shares), String(shares));
  for (let i = 0; i < 60; i++) {
    const met = s.p.peers.filter(({ requests }) => requests.includes(`/${i}`));
    assert.equal(new Set(met.map(({ info }) => info.remoteAddress)).size, 2, `/${i}`);
  }
  s.p.transport.destroy();
});

test('an address whose answers are overtaken by second attempts gets few of them', async () => {
  const s = spread(3, { hedge: { after: 50, budget: 1 } });
  await s.load(60);
  s.machines.set('192.0.2.1', { delay: 10_000 });
  s.counts();
  const calls: Pending[] = [];
  for (let i = 0; i < 400; i++) {
    calls.push(s.p.get('/', { idempotent: true }));
    await s.p.clock.advance(10);
  }
  assert.equal(failed(calls.slice(0, -20)), 0);
  const share = s.counts()['192.0.2.1'] ?? 0;
  assert.ok(share < 40, `${share} of 400`);
  s.p.transport.destroy();
});

test('what a request costs does not grow with the addresses, by how often the clock is read', async () => {
  const reads: number[] = [];
  // So many that few requests share a step of a connection.
  for (const count of [5, 40]) {
    const s = spread(count);
    await s.load(100);
    let seen = 0;
    const { clock } = s.p;
    const now = clock.now.bind(clock);
    clock.now = () => (seen++, now());
    await s.load(200);
    reads.push(seen / 200);
    s.p.transport.destroy();
  }
  const [few = 0, many = 0] = reads;
  assert.ok(many < 1.5 * few, `${few} times a request with 5 addresses, ${many} with 40`);
});
