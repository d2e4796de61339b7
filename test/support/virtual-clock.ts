import type { Clock, TimerHandle } from '../../dist/ports/clock.js';

interface VirtualTimer {
  readonly at: number;
  readonly order: number;
  readonly callback: () => void;
  readonly keepAlive: boolean;
}

/** A clock that stands still until a test moves it. Turns of the event loop are the real ones. */
export class VirtualClock implements Clock {
  private time = 10_000;
  private order = 0;
  private slept = 0;
  private readonly timers = new Set<VirtualTimer>();

  now(): number {
    return this.time;
  }

  wallNow(): number {
    return 1_700_000_000_000 + this.time + this.slept;
  }

  /** The machine sleeps: the wall clock goes on, and nothing else. */
  sleep(milliseconds: number): void {
    this.slept += milliseconds;
  }

  /** The event loop is blocked: time goes on, and no timer has run yet. */
  block(milliseconds: number): void {
    this.time += milliseconds;
  }

  setTimer(delay: number, callback: () => void, keepAlive = false): TimerHandle {
    const timer = { at: this.time + delay, order: this.order++, callback, keepAlive };
    this.timers.add(timer);
    return timer;
  }

  clearTimer(timer: TimerHandle): void {
    this.timers.delete(timer as VirtualTimer);
  }

  defer(callback: () => void): void {
    process.nextTick(callback);
  }

  afterPoll(callback: () => void): void {
    setImmediate(callback);
  }

  /** Timers that are set. */
  get size(): number {
    return this.timers.size;
  }

  /** Those among them that keep the process alive. */
  get holding(): number {
    return [...this.timers].filter(({ keepAlive }) => keepAlive).length;
  }

  /** Lets everything that is under way run, time standing still. */
  async settle(): Promise<void> {
    for (let i = 0; i < 16; i++) await new Promise((resolve) => setImmediate(resolve));
  }

  /** Moves time on, firing timers in order, each followed by all that it leads to. */
  async advance(milliseconds: number): Promise<void> {
    const end = this.time + milliseconds;
    await this.settle();
    for (let next = this.due(end); next !== undefined; next = this.due(end)) {
      this.fire(next);
      await this.settle();
    }
    this.time = end;
    await this.settle();
  }

  /** The event loop was blocked for so long: the timers that are due by now run before what has arrived meanwhile. */
  async wakeAfter(milliseconds: number): Promise<void> {
    this.block(milliseconds);
    for (let next = this.due(this.time); next !== undefined; next = this.due(this.time)) this.fire(next);
    await this.settle();
  }

  private fire(timer: VirtualTimer): void {
    this.timers.delete(timer);
    this.time = Math.max(this.time, timer.at);
    timer.callback();
  }

  private due(end: number): VirtualTimer | undefined {
    let next: VirtualTimer | undefined = undefined;
    for (const timer of this.timers)
      if (
        timer.at <= end &&
        (next === undefined || timer.at < next.at || (timer.at === next.at && timer.order < next.order))
      )
        next = timer;
    return next;
  }
}
