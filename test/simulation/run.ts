import './immediate.js';
import type { Observer } from '../../dist/ports/observer.js';
import { BaseTransport } from '../../dist/transport.js';
import { resolveOptions, type TransportOptions } from '../../dist/transport-options.js';
import { Addresses } from './addresses.js';
import { Application } from './application.js';
import { Books } from './books.js';
import { Budgets } from './budgets.js';
import { SimulatedClock } from './clock.js';
import { Deserted } from './deserted.js';
import { Dials } from './dials.js';
import { isLossless, schedule } from './faults.js';
import { Isolation, linesOff } from './isolation.js';
import { Link } from './link.js';
import { Network, type Host } from './network.js';
import { judge, judgeTimes, type Violation } from './oracles.js';
import { endsAt, type Plan, type RequestPlan } from './plan.js';
import { Random } from './random.js';
import { ServerProcess, type World } from './server-process.js';
import { Steps } from './steps.js';

/** What came of a run. */
export interface Outcome {
  readonly plan: Plan;
  readonly violations: readonly Violation[];
  /** What was broken too, and is switched off. */
  readonly excused: ReadonlySet<string>;
  readonly requests: number;
  readonly answered: number;
  readonly failed: number;
  readonly dials: number;
  readonly turns: number;
  /** States that were seen, and how often. */
  readonly states: ReadonlyMap<string, number>;
}

export interface RunOptions {
  /** Told what happens, line by line. */
  readonly tell?: ((time: number, who: string, what: string) => void) | undefined;
  readonly observer?: Observer | undefined;
  /** Also what is switched off. */
  readonly allLines?: boolean | undefined;
}

/** Megabytes through a window of a thousand bytes take their time; what hangs, hangs for longer. */
const slowestTakes = 10_000_000;

/** After its end, so that what is being closed can be. */
const closingTakes = 20_000;

/** A whole run on virtual time. What it does follows from the plan alone. */
export async function run(plan: Plan, { tell, observer, allLines = false }: RunOptions = {}): Promise<Outcome> {
  const clock = new SimulatedClock();
  const random = new Random(plan.seed).fork('run');
  const books = new Books();
  const violations: Violation[] = [];
  const excused = new Set<string>();
  const report = (oracle: string, what: string): void => {
    if (!allLines && linesOff[oracle] !== undefined) return void excused.add(oracle);
    if (violations.length < 50) violations.push({ oracle, what });
    say('ORACLE', `${oracle}: ${what}`);
  };
  const begun = clock.time;
  const say = (who: string, what: string): void => tell?.(clock.time - begun, who, what);
  const byId = new Map(plan.requests.map((request) => [request.id, request]));
  const steps = new Steps(clock, report, observer, say);
  const given = { allowHTTP1: false, ...defined(plan.options), ...always, observer: steps.observer };
  const options = resolveOptions(given, 'simulation');
  const requestOf = (id: number): RequestPlan | undefined => byId.get(id);
  const world: World = { clock, books, random: random.fork('servers'), options, requestOf, tell: say };
  const { network, hosts } = build(plan, world, random);
  const transport = new BaseTransport(options, {
    clock,
    dialler: network,
    wrap: () => {
      throw new Error('nothing is adopted here');
    },
    random: random.fork('transport').next,
    inRootContext: (callback) => callback(),
  });
  const now = (): number => clock.time;
  const isolation = new Isolation({
    plan,
    options,
    network,
    hosts,
    now,
    report: (line, what) => report(`isolation, ${line}`, what),
  });
  const budgets = new Budgets({ origins: plan.origins, options, books, requestOf, report });
  const addresses = new Addresses({
    origins: plan.origins,
    options,
    network,
    isolation,
    requestOf,
    stats: () => transport.stats(),
    now,
    report,
  });
  network.onDial = (name, first) => addresses.dialled(name, first);
  network.onAttempt = (host) => addresses.tried(host);
  const dials = new Dials({ origins: plan.origins, options, network, report });
  const deserted = new Deserted({ options, network, now, report });
  const struck = (those: readonly Host[]): void => {
    isolation.struck(those);
    dials.struck(those);
  };
  steps.others.push(budgets, addresses, dials);
  steps.onLook = (stats, passed) => {
    dials.look(stats, passed);
    deserted.look();
  };
  steps.onDeaf = (milliseconds) => {
    isolation.deaf(milliseconds);
    addresses.deaf(milliseconds);
    deserted.deaf();
    dials.struck(hosts);
  };
  steps.watch(transport, network, hosts, plan, isolation);
  const application = new Application(clock, transport, plan.origins, (what) => say('the application', what));
  application.schedule(plan.requests);
  const faultWorld = {
    clock,
    network,
    hosts,
    transport,
    random: random.fork('faults'),
    struck,
  };
  for (const fault of plan.faults) schedule(fault, faultWorld, (what) => say('fate', what));

  let closed = false;
  const end = (how: 'close' | 'destroy'): void => {
    say('the application', how === 'close' ? 'closes the transport' : 'destroys the transport');
    if (how === 'destroy') transport.destroy();
    void transport.close().then(() => {
      closed = true;
    });
  };
  const { ending } = plan;
  if (ending !== undefined) clock.after(ending.at, () => clock.poll(() => end(ending.how)));

  await guarded(report, async () => {
    await clock.runUntil(begun + endsAt);
    const slowest = clock.time + slowestTakes;
    do {
      clock.poll(() => application.dropUnread());
      await clock.runUntil(clock.time + 1_000);
    } while (!application.over && clock.time < slowest);
    await clock.runUntil(clock.time + 1_000);
    steps.quiet(ending === undefined);
    clock.poll(() => end('close'));
    await clock.runUntil(clock.time + closingTakes);
    for (const call of application.calls) {
      judge(
        call,
        { books, statuses: options.retry.statuses, lossless: isLossless(plan), hedged: budgets.isHedged },
        report,
      );
      judgeTimes(call, steps.deafFor, report);
    }
    steps.nothingLeft(closed);
  });
  for (const complaint of books.complaints.slice(0, 20)) {
    const colon = complaint.indexOf(': ');
    report(complaint.slice(0, colon), complaint.slice(colon + 2));
  }
  const states = application.calls.map(({ state }) => state);
  return {
    plan,
    violations,
    excused,
    requests: states.length,
    answered: states.filter((state) => state === 'answered').length,
    failed: states.filter((state) => state === 'failed').length,
    dials: steps.dials,
    turns: clock.turns,
    states: steps.states,
  };
}

/** Codings are undone by zlib, whose threads no seed rules. */
const always: TransportOptions = { decompress: false, cleartext: 'h2c' };

function defined(options: TransportOptions): TransportOptions {
  return Object.fromEntries(Object.entries(options).filter(([, value]) => value !== undefined));
}

function build(plan: Plan, world: World, random: Random): { network: Network; hosts: Host[] } {
  const { clock } = world;
  const network = new Network(clock, plan.buffers);
  network.allowHTTP1 = plan.options.allowHTTP1 === true;
  const hosts: Host[] = [];
  plan.origins.forEach((origin, i) => {
    const addresses = Array.from({ length: origin.hosts }, (_, j) => `10.0.${i}.${j + 1}`);
    network.names.set(origin.name, { addresses, delay: origin.delay, hangsUntil: 0, failing: false });
    const machines: Host[] = [];
    network.machines.set(origin.name, machines);
    for (const address of addresses) {
      const link = new Link(clock, origin.delay, origin.bandwidth || Infinity, random.fork(address).next);
      const { limit, initialWindow, connectionWindow, creditByHandlers } = origin;
      const credit = creditByHandlers ? 'handler' : 'prompt';
      const process = new ServerProcess(address, world, { limit, initialWindow, connectionWindow, credit });
      const host: Host = { address, link, process, listening: true, swallowing: false, http2: true };
      network.hosts.set(address, host);
      machines.push(host);
      hosts.push(host);
    }
  });
  if (plan.mostRead > 0) network.drawMostRead = () => plan.mostRead;
  return { network, hosts };
}

/** What escapes as an uncaught exception or an unhandled rejection is a broken promise too. */
async function guarded(report: (oracle: string, what: string) => void, body: () => Promise<void>): Promise<void> {
  const escaped = (error: unknown): void => {
    report('nothing escapes', error instanceof Error ? (error.stack ?? error.message) : String(error));
  };
  process.on('uncaughtException', escaped);
  process.on('unhandledRejection', escaped);
  try {
    await body();
  } catch (error) {
    escaped(error);
  } finally {
    process.off('uncaughtException', escaped);
    process.off('unhandledRejection', escaped);
  }
}
