import type { BaseTransport } from '../../dist/transport.js';
import type { SimulatedClock } from './clock.js';
import { Code, Setting } from './frames.js';
import type { Host, Name, Network } from './network.js';
import type { FaultPlan, Plan } from './plan.js';
import type { Random } from './random.js';
import type { Behaviour } from './server-process.js';

/** What a fault can lay hands on. */
export interface FaultWorld {
  readonly clock: SimulatedClock;
  readonly network: Network;
  readonly hosts: readonly Host[];
  readonly transport: BaseTransport;
  readonly random: Random;
  /** Told which machines something was done to, or undone. */
  struck(hosts: readonly Host[]): void;
}

/** What it chose to strike. */
interface Struck extends FaultWorld {
  readonly host: Host;
  readonly name: Name;
  /** A number from 0 to 1. */
  readonly amount: number;
}

/** Does it, and returns what undoes it. */
type Fault = (struck: Struck) => (() => void) | void;

const behave =
  (what: (amount: number) => Partial<Behaviour>): Fault =>
  ({ host, amount }) =>
    host.process.override(what(amount));

const blackHole =
  (...ways: readonly ('up' | 'down')[]): Fault =>
  ({ host }) => {
    for (const way of ways) host.link[way].blackHole = true;
    return () => {
      for (const way of ways) host.link[way].blackHole = false;
    };
  };

const onConnections =
  (act: (connection: { cut(after: number, by: 'reset' | 'end'): void }, amount: number) => void): Fault =>
  ({ host, amount }) => {
    for (const connection of host.process.allConnections) act(connection, amount);
  };

const path: Record<string, Fault> = {
  'black hole': blackHole('up', 'down'),
  'black hole up': blackHole('up'),
  'black hole down': blackHole('down'),
  'slow link': ({ host, amount }) => change(host.link, 'bandwidth', 5 + amount * 500),
  'long delay': ({ host, amount }) => change(host.link, 'delay', host.link.delay + 20 + amount * 1_500),
  'packet loss': ({ host, amount }) => change(host.link, 'loss', amount * 0.4),
  'connections forgotten': ({ network }) => {
    for (const { tcp } of network.open.values()) tcp.forget();
  },
  'connects refused': ({ host }) => change(host, 'listening', false),
  'connects swallowed': ({ host }) => change(host, 'swallowing', true),
};

const names: Record<string, Fault> = {
  'look-up hangs': ({ name, clock }) => {
    name.hangsUntil = Infinity;
    return () => {
      name.hangsUntil = clock.time;
    };
  },
  'look-up fails': ({ name }) => change(name, 'failing', true),
  'addresses change': ({ name, amount }) => {
    const { addresses } = name;
    const turn = Math.floor(amount * addresses.length);
    name.addresses = [...addresses.slice(turn), ...addresses.slice(0, turn)].slice(0, amount < 0.5 ? 1 : undefined);
    return () => {
      name.addresses = addresses;
    };
  },
};

/** Something computes in the loop that answers: half a second of every two, on all connections alike. */
const loopBusy: Fault = ({ host, clock }) => {
  let over = false;
  const usual = host.process.override({});
  const block = (): void => {
    if (over) return;
    host.process.freeze();
    clock.after(500, () => host.process.thaw());
    clock.after(2_000, block);
  };
  block();
  return () => {
    over = true;
    usual();
  };
};

/** Not the process alone, whose kernel answers for it: nothing at that address says a word until it thaws. */
const machineFrozen: Fault = (struck) => {
  const { host } = struck;
  host.process.freeze();
  const thaw = [() => host.process.thaw(), change(host, 'swallowing', true), path['black hole']!(struck)];
  return () => {
    for (const undo of thaw.reverse()) if (undo !== undefined) undo();
  };
};

const connections: Record<string, Fault> = {
  'SETTINGS at odd times': ({ host, amount }) => {
    for (const connection of [...host.process.connections])
      host.process.run(() =>
        connection.sendSettings([
          [Setting.headerTableSize, amount < 0.3 ? 0 : Math.floor(amount * 8_192)],
          [Setting.maxFrameSize, 16_384 + Math.floor(amount * 100_000)],
          [Setting.maxHeaderListSize, 65_536],
          [0xfafa, 1],
        ]),
      );
  },
  'connections reset': onConnections((connection) => connection.cut(0, 'reset')),
  'connections ended': onConnections((connection) => connection.cut(0, 'end')),
  'connections cut': ({ host, amount }) => {
    const struck = host.process.allConnections;
    for (const connection of struck)
      connection.cut(1 + Math.floor(amount * amount * 40_000), amount < 0.5 ? 'reset' : 'end');
    return () => {
      for (const connection of struck) connection.cut(Infinity, 'end');
    };
  },
  'one connection not read': ({ host, amount }) => {
    const all = host.process.allConnections;
    const one = all[Math.floor(amount * all.length)];
    if (one === undefined) return;
    one.paused = true;
    return () => {
      one.paused = false;
      host.process.run(() => one.read());
    };
  },
  'one connection slow': ({ host, amount }) => {
    const all = host.process.allConnections;
    const one = all[Math.floor(amount * all.length)];
    if (one === undefined) return;
    one.slowTo(10);
    return () => one.slowTo(Infinity);
  },
  'no credit on living connections': ({ host }) => {
    const struck = [...host.process.connections];
    for (const connection of struck) connection.stingy = true;
    return () => {
      for (const connection of struck) {
        connection.stingy = false;
        host.process.run(() => connection.giveBackAll());
      }
    };
  },
  'bulk not read': ({ host }) => {
    host.process.bulkUnread = true;
    return () => {
      host.process.bulkUnread = false;
      for (const connection of [...host.process.connections]) {
        connection.paused = false;
        host.process.run(() => connection.read());
      }
    };
  },
  'limit of 0 on living connections': ({ host }) => {
    const struck = [...host.process.connections];
    for (const connection of struck) host.process.run(() => connection.allowNone(true));
    return () => {
      for (const connection of struck) host.process.run(() => connection.allowNone(false));
    };
  },
  GOAWAY: ({ host, amount }) => {
    for (const connection of [...host.process.connections])
      host.process.run(() => connection.goAway(amount < 0.5 ? 'latest' : 'more', Code.noError));
  },
  'GOAWAY in two steps': ({ host }) => {
    for (const connection of [...host.process.connections]) {
      host.process.run(() => connection.goAway('all', Code.noError));
      host.process.after(200, () => connection.goAway('latest', Code.noError));
    }
  },
  'GOAWAY with an error': ({ host, amount }) => {
    for (const connection of [...host.process.connections])
      host.process.run(() => connection.goAway('latest', amount < 0.5 ? Code.enhanceYourCalm : Code.internalError));
  },
};

connections['GOAWAY with an error and no end'] = ({ host, amount }) => {
  for (const connection of [...host.process.connections])
    host.process.run(() => connection.desert(amount < 0.5 ? Code.protocolError : Code.internalError));
};

/** All codes, and one that has no name, but for those that say that the request was not acted on. */
const codes = [0, 1, 2, 3, 4, 5, 6, 8, 9, 10, 11, 12, 0x99];

const servers: Record<string, Fault> = {
  'process frozen': ({ host }) => {
    host.process.freeze();
    return () => host.process.thaw();
  },
  'machine frozen': machineFrozen,
  'event loop of the server blocked': loopBusy,
  'few requests a connection': behave((amount) => ({ mostRequests: 1 + Math.floor(amount * 4) })),
  'process restarts': ({ host, amount }) => {
    host.process.die(amount < 0.5);
    return change(host, 'listening', false);
  },
  'restarts without HTTP/2': ({ host, amount }) => {
    host.process.die(amount < 0.5);
    return change(host, 'http2', false);
  },
  'limit of 0': behave(() => ({ limit: 0 })),
  'low limit': behave((amount) => ({ limit: 1 + Math.floor(amount * 4) })),
  'small windows': behave((amount) => ({ initialWindow: Math.floor(amount * 2_000) })),
  'late credit': behave(() => ({ credit: 'late' })),
  'credit byte by byte': behave(() => ({ credit: 'dribble' })),
  'credit as handlers read': behave(() => ({ credit: 'handler' })),
  'no credit': behave(() => ({ credit: 'never' })),
  'late SETTINGS': behave((amount) => ({ settingsAfter: 50 + amount * 5_000 })),
  'no SETTINGS': behave(() => ({ settingsAfter: Infinity })),
  'no answer in TLS': behave(() => ({ muteInTls: true })),
  'PINGs not answered': behave(() => ({ answersPings: false })),
  'PINGs counted': behave(() => ({ countsPings: true })),
  'HTTP/1.1 required': behave(() => ({ wantsHttp1: true })),
  'streams refused': behave((amount) => ({ refuses: amount })),
  'streams reset': behave((amount) => ({
    resets: amount,
    resetCode: codes[Math.floor(amount * 1_000) % codes.length]!,
  })),
  'handlers slow': behave((amount) => ({ lags: amount * 5_000 })),
  'handlers err': behave((amount) => ({ errs: amount })),
  'handlers silent': behave(() => ({ silent: true })),
  'reads slowly': behave((amount) => ({ readRate: 1 + amount * 200 })),
  'reads nothing': behave(() => ({ readRate: 0 })),
};

const process: Record<string, Fault> = {
  'event loop blocked': ({ clock, amount }) => {
    clock.poll(() => clock.block(amount * amount * 20_000));
  },
  'machine asleep': ({ clock, amount }) => {
    clock.poll(() => clock.sleep(amount * amount * 100_000));
  },
  'idle connections closed': ({ clock, transport }) => {
    clock.poll(() => transport.closeIdleConnections());
  },
};

export const faults: Readonly<Record<string, Fault>> = { ...path, ...names, ...connections, ...servers, ...process };

/** What strikes all machines, as far as the process can tell. */
const everywhere = new Set([...Object.keys(names), ...Object.keys(process), 'connections forgotten']);

export const faultNames: readonly string[] = Object.keys(faults);

/** With these alone nothing that was sent gets lost on its way. */
const lossless = new Set([
  'SETTINGS at odd times',
  'low limit',
  'small windows',
  'late credit',
  'credit byte by byte',
  'credit as handlers read',
  'streams refused',
  'streams reset',
  'handlers slow',
  'handlers err',
]);

/** Whether each attempt that the client counts has come to a server. In HTTP/1.1 what is reset takes its connection along. */
export function isLossless({ faults: all, ending, options }: Plan): boolean {
  return ending === undefined && options.allowHTTP1 !== true && all.every(({ kind }) => lossless.has(kind));
}

/** Lets it happen at its time, and end. */
export function schedule(plan: FaultPlan, world: FaultWorld, tell: (what: string) => void): void {
  const fault = faults[plan.kind];
  if (fault === undefined) throw new Error(`there is no fault '${plan.kind}'`);
  const host = world.hosts[Math.floor(plan.target * world.hosts.length)]!;
  const all = [...world.network.names.values()];
  const name = all[Math.floor(plan.target * all.length)]!;
  world.clock.after(plan.at, () => {
    tell(`${plan.kind} (${host.address}), for ${plan.lasts} ms`);
    const hosts = everywhere.has(plan.kind) ? world.hosts : [host];
    world.struck(hosts);
    const undo = fault({ ...world, host, name, amount: plan.amount });
    if (undo === undefined) return;
    world.clock.after(plan.lasts, () => {
      tell(`${plan.kind} (${host.address}) is over`);
      undo();
      world.struck(hosts);
    });
  });
}

/** Holds a value until it is undone; where several do, what was there before the first comes back with the last. */
function change<T extends object, K extends keyof T>(of: T, key: K, value: T[K]): () => void {
  let held = holds.get(of);
  if (held === undefined) holds.set(of, (held = new Map<unknown, Held>()));
  const first: Held = held.get(key) ?? { usual: of[key], holders: 0 };
  first.holders++;
  held.set(key, first);
  of[key] = value;
  return () => {
    if (--first.holders > 0) return;
    of[key] = first.usual as T[K];
    held.delete(key);
  };
}

interface Held {
  readonly usual: unknown;
  holders: number;
}

const holds = new WeakMap<object, Map<unknown, Held>>();
