/** Addresses that take turns, and what becomes of those that are passed over. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { EndpointLoad } from '../../dist/pool/endpoint-load.js';
import { Turns } from '../../dist/pool/turns.js';

/** A machine in a simulation: how its answers come, and how many requests it has had. */
class Machine {
  readonly load = new EndpointLoad();
  /** The next answer of a request that arrives now, in milliseconds. */
  readonly answersAfter: (now: number) => number;
  inFlight = 0;
  requests = 0;

  constructor(answersAfter: (now: number) => number = () => 10) {
    this.answersAfter = answersAfter;
  }
}

function seeded(): () => number {
  let seed = 7;
  return () => (seed = (seed * 16_807) % 2_147_483_647) / 2_147_483_647;
}

class Client {
  now = 0;
  readonly machines: readonly Machine[];
  private readonly turns: Turns<Machine>;
  /** What is in flight, by when its answer comes. */
  private readonly calendar = new Map<number, (() => void)[]>();

  constructor(machines: readonly Machine[], random = seeded()) {
    this.machines = machines;
    this.turns = new Turns(({ load }) => load, random);
  }

  /** To a machine that is not among `but`; its name is its place. */
  send(but = ''): string {
    const place = (one: Machine): string => String(this.machines.indexOf(one));
    const machine = this.turns.next(this.machines, (one) => {
      one.load.at(this.now, one.inFlight);
      return !but.includes(place(one));
    });
    if (machine === undefined) return '-';
    machine.requests++;
    machine.inFlight++;
    const took = Math.max(1, Math.ceil(machine.answersAfter(this.now)));
    const answer = (): void => {
      machine.inFlight--;
      machine.load.took(this.now, took);
    };
    const same = this.calendar.get(this.now + took);
    if (same === undefined) this.calendar.set(this.now + took, [answer]);
    else same.push(answer);
    return place(machine);
  }

  /** Answers what is due in the next millisecond, and tells how much that was. */
  step(): number {
    const due = this.calendar.get(++this.now) ?? [];
    this.calendar.delete(this.now);
    for (const answer of due) answer();
    return due.length;
  }

  /** So many requests, 100 of them at a time. */
  run(requests: number): void {
    let sent = 0;
    for (let free = 100; sent < requests; free = this.step()) for (let i = 0; i < free; i++, sent++) this.send();
  }

  get spread(): number {
    const counts = this.machines.map(({ requests }) => requests);
    return Math.max(...counts) / Math.min(...counts);
  }
}

const equal = (count: number): Machine[] => Array.from({ length: count }, () => new Machine());

test('equal addresses take turns, whoever is not usable is left out, and clients begin at different ones', () => {
  const four = new Client(equal(4));
  const order = Array.from({ length: 12 }, () => four.send()).join('');
  assert.match(order, /^(0123|1230|2301|3012)\1\1$/);
  assert.match(Array.from({ length: 6 }, () => new Client(equal(4)).send('02')).join(''), /^([13])\1{5}$/);
  assert.equal(four.send('0123'), '-');
  assert.equal(new Client(equal(4), () => 0.6).send(), '2');
});

test('who was passed over for what it had in flight has its turns later, and who stood in for it goes without', () => {
  const client = new Client([new Machine(() => 25), new Machine(() => 13)], () => 0);
  const after = (milliseconds: number): string => {
    for (let i = 0; i < milliseconds; i++) client.step();
    return client.send();
  };
  assert.equal(after(0) + after(0) + after(13), '011', 'the first is busy in its second turn');
  assert.equal(after(13) + after(26) + after(26) + after(26), '0010');
});

test('one that starts slowly gets its share of the turns, and every request where there is no other', () => {
  const client = new Client(equal(2));
  client.machines[0]?.load.startSlowly(0);
  client.now = 2_000;
  for (let i = 0; i < 1_000; i++) {
    client.send();
    while (client.step() === 0);
  }
  const late = client.machines[0]?.requests ?? 0;
  assert.ok(late > 150 && late < 400, `${late} of 1,000, where 500 would be its share`);
  assert.equal(client.send('1') + client.send('1'), '00');
});

test('of 100,000 requests, twenty machines whose latencies differ by noise get shares within 1.05 of each other', () => {
  const random = seeded();
  const machines = Array.from({ length: 20 }, (_, i) => {
    const slower = 1 + (0.4 * i) / 19;
    return new Machine(() => slower * 3 * (1 - Math.log(1 - random())));
  });
  const client = new Client(machines);
  client.run(100_000);
  assert.ok(client.spread <= 1.05, String(client.spread));
});

test('so do machines that stand still for a moment now and then, within 1.2', () => {
  const random = seeded();
  const exponential = (mean: number): number => -mean * Math.log(1 - random());
  const machines = Array.from({ length: 20 }, () => {
    let [from, to] = [exponential(600), 0];
    return new Machine((now) => {
      while (now > from) {
        to = from + exponential(60);
        from = to + exponential(600);
      }
      return Math.max(0, to - now) + 3 + exponential(2);
    });
  });
  const client = new Client(machines);
  client.run(100_000);
  assert.ok(client.spread <= 1.2, String(client.spread));
});

test('a machine that is ten times slower than nineteen others gets less than a hundredth of its share', () => {
  const machines = equal(20);
  machines[0] = new Machine(() => 100);
  const client = new Client(machines);
  client.run(20_000);
  assert.ok(client.machines[0]!.requests < 100, String(client.machines[0]?.requests));
});

test('a machine whose first answers were late, as those of a process that is only starting, has its share within seconds', () => {
  const machines = equal(3);
  machines[0] = new Machine((now) => (now < 100 ? 600 : 10));
  const client = new Client(machines);
  for (let i = 0; i < 8; i++) client.send('12'); // before there was a connection to the others
  const sentBy = (end: number): number[] => {
    for (let free = 8; client.now < end; free = client.step()) for (let i = 0; i < free; i++) client.send();
    return client.machines.map(({ requests }) => requests);
  };
  const before = sentBy(20_000);
  const shares = sentBy(30_000).map((requests, i) => requests - (before[i] ?? 0));
  assert.ok(Math.max(...shares) <= 1.2 * Math.min(...shares), String(shares));
});

test('a machine that stays a hundred times slower is asked again every few seconds, by one request', () => {
  const client = new Client([new Machine(() => 300), new Machine(() => 3)]);
  client.send('1');
  for (let free = 4; client.now < 60_000; free = client.step()) for (let i = 0; i < free; i++) client.send();
  const asked = client.machines[0]?.requests ?? 0;
  assert.ok(asked > 3 && asked < 20, String(asked));
});

test('an address that is ejected gets one request at a time to show that it is well, and another where that was given up', () => {
  const load = new EndpointLoad();
  load.take(0);
  load.eject('errors', 0);
  assert.deepEqual([load.open(999), load.open(1_000)], [false, true]);
  load.take(1_000);
  assert.deepEqual([load.open(1_001), load.open(1_999), load.open(2_000)], [false, false, true]);
  load.takeBack(2_000);
  load.take(2_001);
  assert.equal(load.open(2_001), true);
});

test('of equal machines each has its turn, and none is owed another for it', () => {
  const client = new Client([new Machine(), new Machine(), new Machine()], () => 0);
  for (const expected of ['0', '1', '2', '0']) {
    assert.equal(client.send(), expected);
    assert.deepEqual(
      client.machines.map(({ load }) => load.owed),
      [0, 0, 0],
    );
    while (client.machines.some(({ inFlight }) => inFlight > 0)) client.step();
  }
});
