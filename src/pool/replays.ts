import { TransportError } from '../errors.js';
import type { Clock, TimerHandle } from '../ports/index.js';
import type { Exchange } from '../request/index.js';
import { decideAnswerReplay } from './answer-replay.js';
import { decideReplay, delayAfterDial, retryOf, type Retry } from './replay.js';
import type { RetryBudget } from './retry-budget.js';
import type { ReplayCauses, Totals } from './totals.js';

/** How often those who wait for a token look for one, in milliseconds. */
const tokenPause = 100;

/** Those who are called back from their back-off go within so long, and no faster than one each `fastest` milliseconds. */
const hurryTime = 1_000;
const fastest = 50;

/** One that waits out a delay. */
interface Delayed {
  timer: TimerHandle;
  due: number;
  readonly go: () => void;
  /** The delay is ours, not what the server asked for. */
  readonly backOff: boolean;
}

/** What their transport gives them. */
export interface ReplaySettings {
  readonly clock: Clock;
  readonly retry: Retry;
  readonly random: () => number;
  readonly totals: Totals;
}

/** Between two attempts: requests that wait out a delay, and then for a token of the budget where they need one. */
export class Replays {
  private readonly clock: Clock;
  private readonly settings: ReplaySettings;
  private readonly budget: RetryBudget;
  private readonly release: (exchange: Exchange, soon: boolean) => void;
  private readonly delayed = new Map<Exchange, Delayed>();
  /** In the order of their coming. */
  private readonly tokenless = new Set<Exchange>();
  private pause: TimerHandle | undefined = undefined;

  /** @param release takes those whose wait is over; `soon`: after the step of a connection that is under way */
  constructor(settings: ReplaySettings, budget: RetryBudget, release: (exchange: Exchange, soon: boolean) => void) {
    this.clock = settings.clock;
    this.settings = settings;
    this.budget = budget;
    this.release = release;
  }

  get size(): number {
    return this.delayed.size + this.tokenless.size;
  }

  get all(): Exchange[] {
    return [...this.delayed.keys(), ...this.tokenless];
  }

  /** An attempt ended before its response headers. False: the request has failed. `backOff`: what its origin adds. */
  failed(exchange: Exchange, error: TransportError, http1: boolean, backOff: () => number): boolean {
    const { random, totals } = this.settings;
    const retry = retryOf(exchange, this.settings.retry);
    const replay = decideReplay(exchange, error, retry, random(), http1, () => this.takeNow());
    if (TransportError.isInstance(replay)) {
      exchange.settleFailed(replay);
      return false;
    }
    totals.replayed(causeOf(error));
    const delay = Math.max(replay.delay, backOff());
    exchange.tracer?.retry({ error }, delay);
    if (delay > 0) this.delay(exchange, delay, replay.needsToken, true);
    else if (!replay.needsToken || this.takeToken(exchange)) this.release(exchange, true);
    return true;
  }

  /** The dial failed that one waited for which was sent before. True: it waits for the next; it takes no token for that. */
  dialFailed(exchange: Exchange, error: unknown): boolean {
    const delay = delayAfterDial(exchange, this.settings.retry, this.settings.random());
    if (delay === undefined) return false;
    exchange.tracer?.retry({ error }, delay);
    this.delay(exchange, delay, false, true);
    return true;
  }

  /** The server has answered with an error. Undefined: it is the caller's, or the request has failed. */
  answered(exchange: Exchange, status: number, fields: readonly string[]): (() => void) | undefined {
    const { random, totals } = this.settings;
    const retry = retryOf(exchange, this.settings.retry);
    if (!retry.statuses.includes(status)) return undefined;
    const replay = decideAnswerReplay(exchange, status, fields, {
      retry,
      chance: random(),
      wallNow: this.clock.wallNow(),
      takeToken: () => this.takeNow(),
    });
    if (TransportError.isInstance(replay)) exchange.giveUp(replay);
    if (replay === undefined || TransportError.isInstance(replay)) return undefined;
    return () => {
      totals.replayed('status');
      exchange.tracer?.retry({ status }, replay.delay);
      if (replay.delay > 0) this.delay(exchange, replay.delay, false, false);
      else this.release(exchange, true);
    };
  }

  /** For what does not wait for one. */
  private takeNow(): boolean {
    const taken = this.budget.take(this.clock.now());
    if (!taken) this.settings.totals.replaysDenied++;
    return taken;
  }

  /** True where it has a token now; it will be released with one otherwise. */
  private takeToken(exchange: Exchange): boolean {
    if (this.tokenless.size === 0 && this.budget.take(this.clock.now())) return true;
    this.tokenless.add(exchange);
    this.startPause();
    return false;
  }

  /** `needsToken`: it waits for one once the delay is over. `backOff`: the delay is ours, not what the server asked for. */
  private delay(exchange: Exchange, delay: number, needsToken: boolean, backOff: boolean): void {
    const go = (): void => {
      this.delayed.delete(exchange);
      if (!needsToken || this.takeToken(exchange)) this.release(exchange, false);
    };
    const due = this.clock.now() + delay;
    this.delayed.set(exchange, { timer: this.clock.setTimer(delay, go, true), due, go, backOff });
  }

  /** False where it was not here. */
  drop(exchange: Exchange): boolean {
    const delayed = this.delayed.get(exchange);
    if (delayed === undefined) return this.tokenless.delete(exchange);
    this.clock.clearTimer(delayed.timer);
    return this.delayed.delete(exchange);
  }

  /** The origin is there again: who waits out a back-off need not, but they go one after the other. */
  hurry(): void {
    const waiting = [...this.delayed.values()].filter(({ backOff }) => backOff);
    const now = this.clock.now();
    const step = Math.min(fastest, hurryTime / waiting.length);
    waiting.forEach((one, i) => {
      if (one.due <= now + i * step) return;
      this.clock.clearTimer(one.timer);
      one.due = now + i * step;
      one.timer = this.clock.setTimer(i * step, one.go, true);
    });
  }

  private startPause(): void {
    this.pause ??= this.clock.setTimer(
      tokenPause,
      () => {
        this.pause = undefined;
        for (const exchange of this.tokenless) {
          if (!this.budget.take(this.clock.now())) break;
          this.tokenless.delete(exchange);
          this.release(exchange, false);
        }
        if (this.tokenless.size > 0) this.startPause();
      },
      true,
    );
  }
}

function causeOf({ code, errorCode }: TransportError): keyof ReplayCauses {
  if (errorCode === 'REFUSED_STREAM' || errorCode === 'HTTP_1_1_REQUIRED') return 'refused';
  return code === 'ERR_PASSINGLANE_GOAWAY' ? 'goAway' : 'lost';
}
