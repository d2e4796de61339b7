import { leastHold, manyQuestions, rareGap, remeasureAfter } from './limits.js';
import type { Path } from './path.js';

/** One measurement of the path. */
export interface RoundTrip {
  /** From the question to its answer, or until now, in milliseconds. */
  readonly took: number;
  /** How long nothing moved in it: then it was not a queue that took so long, but somebody who slept. */
  readonly silence: number;
  /** Bulk moved meanwhile, here or on another connection to the address. */
  readonly bulk: boolean;
}

/** The question that an empty SETTINGS asks; PINGs have IDs from 1. */
export const bySettings = 0;

/**
 * How long the round trips of one connection are while bulk moves, from PINGs that the budget has to spare or empty SETTINGS,
 * and how much comes in one. It holds data only: `measure.ts` asks, and `health.ts` judges.
 */
export class PathMeter {
  readonly path: Path;
  /** Bytes that long bodies have moved so far, either way. */
  moved = 0;
  /** Streams open that have moved more than a short body. */
  bulkStreams = 0;
  /** Bulk fills the path, by the last round trip or by one that goes on. */
  filled = false;
  /** What each bulk stream may have on the way to us, in bytes; Infinity: as much as its window. */
  share = Infinity;
  private held = false;
  private question = -1;
  private questions = 0;
  private askedAt = -Infinity;
  private movedBefore = 0;
  private silence = 0;
  private stall = Infinity;
  private aliveAt = 0;
  /** The last round trip, and when it was over. */
  private took = 0;
  private answeredAt = -Infinity;
  /** What the windows were when this one was asked for: none of them was larger than the share. */
  private inEffect = false;
  /** Bytes on the way in a round trip while bulk is held, and how long that took. */
  private window = Infinity;
  private before = { window: 0, took: 0 };

  constructor(path: Path) {
    this.path = path;
  }

  get asking(): boolean {
    return this.question >= 0;
  }

  /** The question is about what we send. */
  get ofSending(): boolean {
    return this.question === bySettings;
  }

  /** Since the last question: bytes of bulk, and milliseconds. */
  movedSince(now: number): readonly [bytes: number, time: number] {
    return [this.moved - this.movedBefore, now - this.askedAt];
  }

  /** What somebody who asks now would wait for the answer, as far as is known. */
  delay(now: number): number {
    return this.asking ? Math.max(this.took, now - this.askedAt) : this.took;
  }

  /** `stall`: times as long as this in which nothing moved are none of the queue's, each of them. */
  asked(question: number, now: number, inEffect: boolean, stall: number): void {
    this.question = question;
    this.questions++;
    this.stall = stall;
    this.askedAt = this.aliveAt = now;
    this.movedBefore = this.moved;
    this.silence = 0;
    this.inEffect = inEffect;
  }

  /** How long a question waits for the last one: on a path that has shown no queue in `manyQuestions` of them, for longer. */
  gapFor(least: number): number {
    return this.filled || this.held || this.questions < manyQuestions ? least : rareGap;
  }

  /** Bytes have come, or gone. */
  alive(now: number): void {
    const gap = now - this.aliveAt;
    this.silence = gap >= this.stall ? this.silence + gap : Math.max(this.silence, gap);
    this.aliveAt = now;
  }

  isAnswer(question: number): boolean {
    return this.question === question && this.asking;
  }

  /** The round trip as it is now. `bulk`: there is some that may fill the path, here or on another connection. */
  trip(now: number, bulk: boolean): RoundTrip {
    const here = this.bulkStreams > 0;
    const moves = here ? this.moved > this.movedBefore : this.path.isFilled(now);
    return { took: now - this.askedAt, silence: here ? this.silence : 0, bulk: bulk && moves };
  }

  answered(now: number): void {
    this.question = -1;
    this.took = now - this.askedAt;
    this.answeredAt = now;
    if (this.held) this.adjust(now);
  }

  /** A round trip that was not asked for here. */
  told(took: number, now: number): void {
    this.took = took;
    this.answeredAt = now;
  }

  /** When to ask again although no more bulk has moved; Infinity: there is nothing to find out. */
  get remeasureAt(): number {
    return this.filled && !this.asking ? this.dueAt : Infinity;
  }

  /** When what was measured last is old. */
  get dueAt(): number {
    return this.answeredAt + Math.max(remeasureAfter, 2 * this.took);
  }

  /** The last bulk stream is over, and with it what it had in the queue. */
  emptied(): void {
    if (this.held) this.path.holders--;
    this.filled = this.held = false;
    this.share = this.window = Infinity;
  }

  /** No other connection is faster: from here on bulk takes no more of the queue than keeps the path busy. */
  hold(now: number): void {
    if (this.held || this.bulkStreams === 0) return;
    this.held = true;
    this.path.holders++;
    this.before = { window: 0, took: 0 };
    this.adjust(now);
  }

  /** Twice what comes in a round trip as short as the path has it, shared by the streams. */
  private adjust(now: number): void {
    if (this.inEffect && !this.asking) this.mindFloor(now);
    const [bytes, time] = this.movedSince(now);
    if (bytes === 0 || time <= 0) return;
    const enough = (2 * bytes * this.path.floor) / time;
    // With no queue the windows are what bounds the rate, so that the rate says nothing of the path.
    const queued = this.took > 1.5 * this.path.floor + 5;
    this.window = queued ? enough : Math.max(enough, 1.5 * this.window);
    this.share = Math.max(leastHold, this.window / Math.max(1, this.bulkStreams));
  }

  /** With half as much on the way, and none the shorter, the round trip is the path's own length, and no queue's. */
  private mindFloor(now: number): void {
    const { window, took, before } = this;
    if (window * 2 <= before.window && took > 0.75 * before.took) this.path.setFloor(took, now);
    const same = window * 2 > before.window;
    this.before = { window: same ? Math.max(window, before.window) : window, took };
  }
}
