import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

/**
 * A fault, put into a copy of what was compiled: proof that the simulator bites. It is code at the end of the module that
 * declares `of`, and wraps what stands there by its name, so that it outlives what is done within and where that stands.
 */
export interface Mutant {
  readonly name: string;
  /** A class or function of src. */
  readonly of: string;
  /** In JavaScript. `around(object, 'method', (original) => ...)` wraps a method, and throws where there is none. */
  readonly code: string;
  /** What it takes is rare: it is looked for in runs with these faults and no others. Default: runs as they are drawn. */
  readonly only?: readonly string[];
}

export const mutants: readonly Mutant[] = [
  {
    name: 'a limit lowered to 0 keeps requests waiting',
    of: 'zeroLimitDue',
    code: 'zeroLimitDue = () => Infinity;',
  },
  {
    name: 'the connection around a stalled upload is not gone around when it stalls as well',
    of: 'bypassDue',
    only: ['bulk not read'],
    code: `const original = bypassDue;
    bypassDue = (s, seen) => {
      const newest = s.connections.at(-1);
      return newest?.bypass === true && newest.health.since !== Infinity ? Infinity : original(s, seen);
    };`,
  },
  {
    name: 'where the PING budget is spent, a silent connection is not asked',
    of: 'mayAsk',
    only: ['connections forgotten', 'handlers silent'],
    code: `mayAsk = (c, now) => c.liveness.mayPing(now) || oldestPing(c) >= 0;`,
  },
  {
    name: 'dials lead to the first address, whatever became of those before',
    of: 'Endpoints',
    only: ['connects refused', 'connections reset'],
    code: `around(Endpoints.prototype, 'order', () => function () { return [this.all, []]; });`,
  },
  {
    name: 'where several origins fall silent together, each waits for another to dial',
    of: 'Pool',
    only: ['connections forgotten'],
    code: `around(Pool.prototype, 'linkNotBefore', (original) => function (asking) {
      return original.call(this, asking) === 0 ? 0 : Infinity;
    });`,
  },
  {
    name: 'requests with a body go to a connection whose window nobody opens',
    of: 'starvedAt',
    only: ['no credit on living connections'],
    code: 'starvedAt = () => Infinity;',
  },
  {
    name: 'a stalled write is never noticed',
    of: 'Liveness',
    only: ['bulk not read', 'one connection not read'],
    code: `around(Liveness.prototype, 'stalledAt', (original) => function () {
      const { writingSince } = this;
      this.writingSince = -1;
      try { return original.call(this); } finally { this.writingSince = writingSince; }
    });`,
  },
  {
    name: 'a request of unknown fate is sent again',
    of: 'decideReplay',
    code: `const original = decideReplay;
    decideReplay = (exchange, error, ...more) => {
      const verdict = original(exchange, error, ...more);
      return typeof verdict === 'number' || error.scope === 'request' || exchange.attempts > 1 ? verdict : 0;
    };`,
  },
  {
    name: 'GOAWAY fails the streams that the server goes on with',
    of: 'GoAway',
    code: `around(GoAway.prototype, 'receive', (original) => function (last, ...more) {
      original.call(this, Math.max(0, last - 2), ...more);
    });`,
  },
  {
    name: 'a body that is cut ends as if it were whole',
    of: 'BodyQueue',
    code: `around(BodyQueue.prototype, 'fail', () => function () { this.end(); });`,
  },
  {
    name: 'credit for DATA of streams that are over is lost',
    of: 'onData',
    code: `const original = onData;
    onData = (c) => {
      const { owed } = c.credit;
      original(c);
      if (c.streams.get(c.reader.streamId) === undefined && c.reader.first) c.credit.owed = owed;
    };`,
  },
  {
    name: 'a time-out outlives its request',
    of: 'TimeLimits',
    code: `around(TimeLimits.prototype, 'stop', (original) => function () {
      this.total = undefined;
      original.call(this);
    });`,
  },
  {
    name: 'an idle connection keeps the process alive',
    of: 'ConnectionUse',
    code: `around(ConnectionUse.prototype, 'has', (original) => function (streams) {
      original.call(this, Math.max(1, streams));
    });`,
  },
  {
    name: 'DATA goes out beyond the connection window',
    of: 'sealData',
    only: ['no credit', 'late credit'],
    code: `const original = sealData;
    sealData = (c, stream) => {
      const short = Math.max(0, 16_384 - c.window.left);
      c.window.left += short;
      original(c, stream);
      c.window.left -= short;
    };`,
  },
  {
    name: "the server's stream limit is not kept",
    of: 'health',
    code: `const original = health;
    health = (c, ...more) => {
      const peer = Object.create(c.peer, { maxConcurrentStreams: { value: c.peer.maxConcurrentStreams + 1 } });
      return original(Object.create(c, { peer: { value: peer } }), ...more);
    };`,
  },
  {
    name: 'PINGs are sent without a budget',
    of: 'Liveness',
    code: `around(Liveness.prototype, 'nextOwnPing', () => () => -Infinity);`,
  },
  {
    name: 'what was read is kept where the next read overwrites it',
    of: 'BodyQueue',
    code: `around(BodyQueue.prototype, 'pushView', (original) => function (...piece) {
      original.apply(this, piece);
      return false;
    });`,
  },
  {
    name: 'those who wait are not told that a dial failed',
    of: 'OriginPool',
    code: `around(OriginPool.prototype, 'failWaiting', () => function () {});`,
  },
  {
    name: 'a stream that was reset stays in the table',
    of: 'sealReset',
    code: `const original = sealReset;
    sealReset = (c, stream) => {
      original(c, stream);
      c.streams.add(stream);
    };`,
  },
  {
    name: 'an upload whose source fails ends as if it were whole',
    of: 'Upload',
    code: `around(Upload.prototype, 'fail', () => function () { this.finish(); });`,
  },
  {
    name: 'look-ups after the first are ignored',
    of: 'Endpoints',
    only: ['addresses change'],
    code: `around(Endpoints.prototype, 'update', (original) => function (addresses) {
      if (this.current.length === 0) original.call(this, addresses);
    });`,
  },
  {
    name: 'an address that failed goes first again after a while, although another answers and it has not since',
    of: 'Endpoint',
    only: ['limit of 0 on living connections', 'connections reset'],
    code: `Object.defineProperty(Endpoint.prototype, 'unproved', { get: () => false });`,
  },
  {
    name: 'silence speaks against no connection',
    of: 'isSilent',
    only: ['process frozen'],
    code: 'isSilent = () => false;',
  },
  {
    name: 'a path is measured as often as bulk moves',
    of: 'isDue',
    code: `isDue = (c, meter) => !meter.asking;
    mayPing = (c) => c.liveness.pingToSpare;`,
  },
  {
    name: 'a silent connection is asked however often it was before',
    of: 'QuestionRate',
    only: ['handlers silent'],
    code: `around(QuestionRate.prototype, 'dueAt', () => () => -Infinity);`,
  },
  {
    name: 'a connection that its server has called broken, and left, is waited on',
    of: 'deserted',
    only: ['GOAWAY with an error and no end'],
    code: 'deserted = () => Infinity;',
  },
  {
    name: 'whatever met a kept connection of HTTP/1.1 closed is sent again',
    of: 'asks',
    only: ['restarts without HTTP/2', 'connections reset'],
    code: 'asks = () => true;',
  },
];

const helper = `const around = (of, name, make) => {
  if (typeof of[name] !== 'function') throw new Error('there is no method ' + name);
  of[name] = make(of[name]);
};`;

export interface Mutated {
  readonly file: string;
  readonly original: string;
  readonly text: string;
}

/** The compiled file that the fault goes into, and what becomes of it. Throws where it is not exactly one. */
export function mutate(dist: string, { name, of, code }: Mutant): Mutated {
  const declaration = new RegExp(`^(?:export )?(?:class|function|async function) ${of}\\b`, 'm');
  const found: Mutated[] = [];
  for (const entry of readdirSync(dist, { recursive: true, encoding: 'utf8' })) {
    if (!entry.endsWith('.js')) continue;
    const original = readFileSync(join(dist, entry), 'utf8');
    if (declaration.test(original))
      found.push({ file: entry, original, text: `${original}\n{\n${helper}\n${code}\n}\n` });
  }
  const [only, ...more] = found;
  if (only === undefined || more.length > 0)
    throw new Error(`mutant '${name}': ${found.length} compiled files declare ${of}, not one: teach it the new name`);
  return only;
}
