import { CreditTrip, type Trip } from './credit-trip.js';
import { creditPatience, leastHold, longFor, manyQuestions, paceSlack, paceTurn, remeasureAfter } from './limits.js';
import type { Path } from './path.js';
import type { Stream } from './stream.js';

/** One measurement of the path. */
export interface RoundTrip {
  /** From the question to its answer, or until now, in milliseconds. */
  readonly took: number;
  /** How long nothing moved in it: then it was not a queue that took so long, but somebody who slept. */
  readonly silence: number;
  /** Bulk moved meanwhile, here or on another connection to the address. */
  readonly bulk: boolean;
}

const nothing = { window: 0, took: 0 };

/** The question that an empty SETTINGS asks; PINGs have IDs from 1. */
export const bySettings = 0;

/**
 * How long the round trips of one connection are while bulk moves, from PINGs that the budget has to spare, empty SETTINGS, or
 * credit, and how much comes in one. It holds data only: `measure.ts` asks, and `health.ts` judges.
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
  /** Something has changed: the next question is due as soon as one may be asked. */
  urgent = false;
  /** Asked since bulk began to move. */
  questions = 0;
  private readonly credit = new CreditTrip();
  private question = -1;
  /** Nothing but the time that had passed was the reason for it. */
  private routine = false;
  private sending = false;
  private lookedAt = -Infinity;
  private askedAt = -Infinity;
  private movedBefore = 0;
  private silence = 0;
  private stall = Infinity;
  private aliveAt = 0;
  /** When an answer last was as short as where no queue is. */
  private shortAt = -Infinity;
  /** The last round trip, and when it was over. */
  private took = 0;
  private answeredAt = -Infinity;
  /** What the windows were when this one was asked for: none of them was larger than the share. */
  private inEffect = false;
  /** Bytes on the way in a round trip while bulk is held, and how long that took. */
  private window = Infinity;
  private before = nothing;
  /** What the windows are to be once the path's length has been looked for; 0: it is not. */
  private restored = 0;
  /** The windows grow once so much has moved. */
  private growsAt = 0;
  /** Some of the bulk is ours. */
  sends = false;
  /** Where our output stood when the question was asked, in bytes; where it stood, as far as the peer had it, then. */
  private askedBehind = 0;
  private had = 0;
  private hadAt = 0;
  /** It is held until an answer tells how fast it may be. */
  private draining = false;
  /** The bulk that was sent last, in bytes, and when its own turn had come, by the pace. */
  private lastSent = 0;
  private lastTurn = -Infinity;

  constructor(path: Path) {
    this.path = path;
  }

  get hasAsked(): boolean {
    return this.askedAt !== -Infinity;
  }

  get asking(): boolean {
    return this.question >= 0;
  }

  /** The question is about what we send. */
  get ofSending(): boolean {
    return this.sending;
  }

  /** Since the last question: bytes of bulk, and milliseconds. */
  movedSince(now: number): readonly [bytes: number, time: number] {
    return [this.moved - this.movedBefore, now - this.askedAt];
  }

  /** What somebody who asks now would wait for the answer, as far as is known. */
  delay(now: number): number {
    return this.asking ? Math.max(this.took, now - this.askedAt) : this.took;
  }

  /**
   * @param sending the question is about what we send
   * @param behind where our output stands, in bytes
   * @param stall times as long as this in which nothing moved are none of the queue's, each of them
   */
  asked(question: number, now: number, inEffect: boolean, sending: boolean, behind: number, stall: number): void {
    this.question = question;
    this.askedBehind = behind;
    this.questions++;
    this.routine = !this.urgent && this.questions > manyQuestions;
    this.urgent = false;
    this.sending = sending;
    this.stall = stall;
    this.askedAt = this.aliveAt = now;
    this.movedBefore = this.moved;
    this.silence = 0;
    this.inEffect = inEffect;
  }

  /** Whether to look for who waits, which costs more than to ask this: once in so many milliseconds. */
  looks(now: number, every: number): boolean {
    if (now < this.lookedAt + every) return false;
    this.lookedAt = now;
    return true;
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
    const moves = !here || this.moved > this.movedBefore;
    return { took: now - this.askedAt, silence: here ? this.silence : 0, bulk: bulk && moves };
  }

  /** @param sealed where our output stands, in bytes */
  answered(now: number, sealed: number): void {
    this.question = -1;
    this.took = now - this.askedAt;
    this.answeredAt = now;
    if (this.sending && this.sends) this.paceBulk(sealed, now);
    if (!this.held || this.sending) return;
    const bytes = this.moved - this.movedBefore;
    this.settle(bytes, this.inEffect, now);
    if (this.routine && this.inEffect) this.probeFloor(bytes);
  }

  private settle(bytes: number, inEffect: boolean, now: number): void {
    const { window } = this;
    if (inEffect) this.mindFloor(now);
    this.adjust(bytes, this.took);
    // What is not settled yet is asked again at once.
    this.urgent = this.isLong && (!inEffect || Math.abs(this.window - window) > window / 4);
  }

  /** A round trip that was not asked for here. */
  told(took: number, now: number): void {
    this.took = took;
    this.answeredAt = now;
  }

  /** When what was measured last is old. */
  get dueAt(): number {
    return this.answeredAt + Math.max(remeasureAfter, 2 * this.took);
  }

  /** The last bulk stream is over, and with it what it had in the queue. */
  emptied(): void {
    if (this.held) this.path.released();
    this.filled = this.held = this.urgent = this.sends = this.draining = false;
    this.share = this.window = Infinity;
    this.question = -1; // what comes from here on is none of the bulk's
    this.questions = 0;
  }

  /**
   * No other connection is faster: from here on bulk takes no more of the queue than keeps the path busy. True: it is to be found
   * out how fast what we send of it may be.
   */
  hold(now: number): boolean {
    if (this.bulkStreams === 0) return false;
    if (!this.held) {
      this.held = true;
      this.path.holders++;
      this.before = nothing;
      this.restored = 0;
      this.urgent = true;
      this.adjust(...this.movedSince(now));
    }
    return this.sends && !this.path.pace.holds && !this.asking;
  }

  // --- bulk that we send ---

  /** So many bytes of it are sealed, `behind` so many of our output. */
  sent(bytes: number, behind: number, now: number): void {
    if (!this.sends) {
      this.sends = true;
      this.had = behind - bytes;
      this.hadAt = now + this.path.floor; // at the earliest that could be known of it
    }
    this.path.sends(now);
    if (!this.path.pace.holds) return;
    this.lastTurn = Math.max(this.turnAt, now - paceSlack);
    this.lastSent = bytes;
  }

  /** It waits until the question is answered. */
  drain(): void {
    this.draining = true;
  }

  /** It is not its turn yet. */
  waitsForTurn(now: number): boolean {
    return this.draining || this.path.pace.waits(this.turnAt, now);
  }

  /** When to look whether it is, with something to send by then that is worth it. */
  get nextTurn(): number {
    return this.draining ? Infinity : Math.min(this.turnAt + paceTurn, this.path.pace.forgottenAt);
  }

  /** When it is, by the pace as it is now: what was sent at another takes no longer for that. */
  private get turnAt(): number {
    const { pace, holders } = this.path;
    return Math.max(this.lastTurn + (this.lastSent * Math.max(1, holders)) / pace.rate, pace.pausedUntil);
  }

  /** An answer has come to a question about it: what was sent before that has come through, so fast, and the rest is on its way. */
  private paceBulk(sealed: number, now: number): void {
    const { pace } = this.path;
    const rate = (this.askedBehind - this.had) / (now - this.hadAt);
    const begins = this.held && (this.draining || (!pace.holds && this.isLong));
    this.had = this.askedBehind;
    this.hadAt = now;
    this.draining = false;
    if (begins && rate > 0) pace.begin(rate, (sealed - this.askedBehind) / rate, now);
  }

  /** A response or an answer that took so long has come. */
  heard(long: boolean, took: number, now: number): void {
    if (!long) this.shortAt = now;
    else if (this.shortAt === -Infinity) this.shortAt = now - took;
  }

  /** Bulk is sent to the address, and nothing has been answered soon for a while. */
  isHeldUp(now: number): boolean {
    return this.path.isSending(now) && now >= this.shortAt + longFor;
  }

  /** Credit has been given to a stream, that had so much `left`: where its window bounds it, what comes of it is an answer. */
  credited(stream: Stream, left: number, now: number): void {
    if (!this.held || this.share === Infinity || stream.recvTarget > 1.25 * this.share) return;
    if (this.credit.goesOn(now, creditPatience + 4 * this.path.floor)) return;
    this.credit.begin(stream, left, now);
  }

  /** A frame of bulk begins, of so many bytes; the trip of the credit that let them, where those are the first. */
  came(stream: Stream, bytes: number, now: number): Trip | undefined {
    return this.credit.came(stream, bytes, now);
  }

  streamEnded(stream: Stream): void {
    this.credit.ended(stream);
  }

  /**
   * Where no queue is left the windows may grow. A trip unlike the last that was measured may have waited for the peer to have
   * something to send: only a question tells, or, where none `mayAsk`, it is taken for what it looks like.
   */
  creditAnswered({ took, bytes }: Trip, mayAsk: boolean, inEffect: boolean, now: number): void {
    if (this.restore()) return;
    const short = this.path.isShort(took);
    if (took > 1.5 * this.took + 5 || took < 0.6 * this.took - 5) this.urgent = true;
    if (!short && (!this.urgent || mayAsk || this.asking)) return;
    this.took = took;
    this.settle(bytes, inEffect, now);
  }

  private get isLong(): boolean {
    return this.path.isLong(this.took);
  }

  /** Twice what comes in a round trip as short as the path has it, shared by the streams. */
  private adjust(bytes: number, time: number): void {
    if (bytes === 0 || time <= 0) return;
    const enough = (2 * bytes * this.path.floor) / time;
    if (this.window === Infinity || this.isLong) this.window = enough;
    else if (this.path.isShort(this.took) && this.moved >= this.growsAt) {
      // With no queue the windows are what bounds the rate, so that the rate says nothing of the path.
      this.window = Math.max(enough, (this.took < 1.1 * this.path.floor + 2 ? 1.5 : 1.25) * this.window);
      this.growsAt = this.moved + this.window; // once more when that has come
    }
    this.resize(this.window);
  }

  private resize(window: number): void {
    this.window = window;
    this.share = Math.max(leastHold, window / Math.max(1, this.bulkStreams));
  }

  /**
   * As long as there is a queue no round trip is as short as the path, which may have become shorter: now and then so little is
   * on the way that one may be.
   */
  private probeFloor(bytes: number): void {
    if (this.isLong || this.path.isShort(this.took)) return;
    this.restored = this.window;
    this.resize((bytes * this.path.floor) / this.took / 2);
    this.growsAt = this.moved + this.window;
  }

  /** Where so little was on the way in the trip that is over that it was as short as they are: as before again. */
  private restore(): boolean {
    if (this.restored === 0 || this.moved < this.growsAt) return false;
    this.resize(this.restored);
    this.restored = 0;
    return true;
  }

  /** With half as much on the way, and none the shorter, the round trip is the path's own length, and no queue's. */
  private mindFloor(now: number): void {
    const { window, took, before } = this;
    const half = window * 2 <= before.window;
    const least = this.share === leastHold && before.window > 0; // there is no less
    if ((half || least) && took > 0.75 * before.took) this.path.setFloor(took, now);
    this.before = this.isLong ? { window: half ? window : Math.max(window, before.window), took } : nothing;
  }
}
