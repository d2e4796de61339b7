import { immediatesGoTo, realImmediate } from './immediate.js';
import type { Clock, TimerHandle } from '../../dist/ports/clock.js';
import { Agenda, type Entry } from './agenda.js';

/** How often, in turns of the loop, time may stand still: more often is a loop that never ends. */
const mostTurnsAtOnce = 20_000;

/** In milliseconds. */
const fallingAsleep = 0.01;

/** What Node does after each callback of its own: all ticks and microtasks run. A turn of the real loop for each took as long as all else. */
const drain = (process as unknown as { readonly _tickCallback: () => void })._tickCallback;

interface Timer {
  readonly entry: Entry;
  readonly keepAlive: boolean;
}

/**
 * Virtual time, and the event loop of the process under test. The world (links, servers) goes on by itself at its exact
 * times, also while that process is blocked; what concerns the process comes in the phases of Node's loop: timers, then
 * what has arrived (poll), then what waited for that (`setImmediate`). Ticks and microtasks are the real ones, and all that one
 * callback leads to has run before the next. Where nothing is due, time jumps to what comes next.
 */
export class SimulatedClock implements Clock {
  /** In milliseconds. */
  time = 1_000;
  /** Turns of the loop so far: callbacks of the process. */
  turns = 0;
  private asleep = 0;
  private readonly world = new Agenda();
  private readonly timers = new Agenda();
  private readonly live = new Set<Timer>();
  private arrived: (() => void)[] = [];
  private checks: (() => void)[] = [];
  /** What is being heard of in the poll phase under way. */
  private polling: (() => void)[] = [];
  /** Called after each callback of the process and all that it led to. */
  afterTurn: () => void = () => undefined;

  // --- the process's clock ---

  now(): number {
    return this.time - this.asleep;
  }

  wallNow(): number {
    return 1_700_000_000_000 + this.time;
  }

  /** As in Node: whole milliseconds, one at least. */
  setTimer(delay: number, callback: () => void, keepAlive: boolean): TimerHandle {
    const timer: Timer = {
      entry: this.timers.add(this.time + Math.max(1, Math.ceil(delay)), () => {
        this.live.delete(timer);
        callback();
      }),
      keepAlive,
    };
    this.live.add(timer);
    return timer;
  }

  clearTimer(timer: TimerHandle): void {
    this.timers.cancel((timer as Timer).entry);
    this.live.delete(timer as Timer);
  }

  defer(callback: () => void): void {
    process.nextTick(callback);
  }

  afterPoll(callback: () => void): void {
    this.checks.push(callback);
  }

  /** Timers that are set, and those among them that keep the process alive. */
  get timersSet(): { readonly all: number; readonly keepingAlive: number } {
    return { all: this.live.size, keepingAlive: [...this.live].filter((timer) => timer.keepAlive).length };
  }

  /** Resolves after so many milliseconds; for what the application does. */
  sleepFor(milliseconds: number): Promise<void> {
    return new Promise((resolve) => {
      this.at(this.time + milliseconds, () => this.poll(resolve));
    });
  }

  // --- the world's ---

  /** The world does something so many milliseconds from now. */
  after(delay: number, run: () => void): Entry {
    return this.world.add(this.time + delay, run);
  }

  at(time: number, run: () => void): Entry {
    return this.world.add(Math.max(time, this.time), run);
  }

  cancel(entry: Entry): void {
    this.world.cancel(entry);
  }

  /** The process hears of something when its loop polls next. */
  poll(callback: () => void): void {
    this.arrived.push(callback);
  }

  /** As {@link poll}, in the poll phase under way, as libuv reads on from a socket that has more. In any other: the next. */
  pollOn(callback: () => void): void {
    this.polling.push(callback);
  }

  /** The process computes for so long: the world goes on, and it hears of nothing. To be called in a turn of its. */
  block(milliseconds: number): void {
    this.move(this.time + milliseconds);
  }

  /**
   * The machine sleeps: the world and the wall clock go on, and monotonic time stands still, but for the moment that it takes to
   * fall asleep. Nothing that was begun before ends at the very time when it was begun.
   */
  sleep(milliseconds: number): void {
    const still = Math.max(0, milliseconds - fallingAsleep);
    this.timers.postpone(still);
    this.asleep += still;
    this.move(this.time + milliseconds);
  }

  private move(to: number): void {
    for (let due = this.world.take(to); due !== undefined; due = this.world.take(to)) {
      this.time = Math.max(this.time, due.at);
      due.run();
    }
    this.time = to;
  }

  /** Goes on until then. All of it is one task of the real loop, in whose place it stands. */
  runUntil(end: number): Promise<void> {
    return new Promise((resolve, reject) => {
      realImmediate(() => {
        immediatesGoTo((callback) => this.afterPoll(callback));
        try {
          this.run(end);
          resolve();
        } catch (error) {
          reject(error);
        } finally {
          immediatesGoTo(undefined);
        }
      });
    });
  }

  private run(end: number): void {
    let turnsAt = this.turns;
    let stoodAt = this.time;
    for (;;) {
      if (this.time > stoodAt) {
        stoodAt = this.time;
        turnsAt = this.turns;
      }
      if (this.turns - turnsAt > mostTurnsAtOnce) throw new Error(`time stands still at ${this.time} ms`);
      for (let due = this.timers.take(this.time); due !== undefined; due = this.timers.take(this.time))
        this.turn(due.run);
      // As much as there is now: what comes of it is for the next time round.
      this.polling = this.arrived;
      this.arrived = [];
      for (let i = 0; i < this.polling.length; i++) this.turn(this.polling[i]!);
      this.polling = this.arrived;
      const { checks } = this;
      this.checks = [];
      for (const callback of checks) this.turn(callback);
      if (this.arrived.length > 0 || this.checks.length > 0) continue;
      const next = Math.min(this.world.next, this.timers.next);
      if (next > end) break;
      this.move(Math.max(this.time, next));
    }
    this.move(end);
  }

  /** One callback, and all ticks and microtasks that it led to. */
  private turn(callback: () => void): void {
    this.turns++;
    callback();
    drain();
    this.afterTurn();
  }
}
