import {
  freePings,
  maxOutstandingPings,
  pingBurst,
  pingEvery,
  pingGap,
  pingsKept,
  settingsBurst,
  settingsEvery,
  settingsKept,
} from './limits.js';
import { QuestionRate } from './question-rate.js';
import { Recovery } from './recovery.js';

/** How long the first write of a slow link may take that fills the socket's buffer, in milliseconds. */
const firstGap = 2_000;

/** Times in milliseconds; 0 turns a limit off. See TransportOptions for what each means. */
export interface LivenessLimits {
  readonly stallTimeout: number;
  readonly probeAfter: number;
  readonly readIdleTimeout: number;
  readonly pingTimeout: number;
  readonly writeTimeout: number;
  readonly idleTimeout: number;
  /** The connection takes no new request after so long; 0: no limit. Jitter is the caller's. */
  readonly maxAge: number;
  /** The least time between two PINGs of our own once the free ones are used. Default: five minutes. */
  readonly pingGap?: number | undefined;
  /**
   * How long the dial took, which is a round trip at least: with `probeAfter` it says when the peer's SETTINGS are overdue.
   * Undefined: never.
   */
  readonly dialTime?: number | undefined;
}

export interface OutstandingPing {
  readonly id: number;
  readonly sentAt: number;
}

/**
 * What a connection knows of whether its peer still reads and answers: time stamps, outstanding PINGs and the budget
 * for sending them. Others tell it what happened, and write none of its fields; `deadlines.ts` judges it.
 */
export class Liveness {
  readonly limits: LivenessLimits;
  readonly openedAt: number;
  /** When any byte last came from the peer. */
  lastReceived: number;
  /** When the peer last showed life: a byte received, or a chunk of ours taken by the socket. */
  lastProgress: number;
  /** Since when the chunk in flight is with the socket; -1: none is. */
  writingSince = -1;
  /** When the connection last went from no stream to one. */
  busySince: number;
  /** What comes until then may have been sent before the peer had read a request that was given up unanswered. */
  private owedUntil = -Infinity;
  /** When the first stream was opened since the peer owed nothing. */
  owedSince: number;
  /** When the connection last went from one stream to none. */
  idleSince: number;
  /** A smoothed round trip; 0 until the first sample. */
  roundTrip = 0;
  /** The same, but for what answers have shown since to be none of the path's. */
  private provenRoundTrip = 0;
  /** How long the last answer took at most, in milliseconds; Infinity before the first. */
  answerTook = Infinity;
  /** The shortest of all samples; 0 until the first. */
  bestRoundTrip = 0;
  /** When the SETTINGS were sealed whose ACK is owed; -1: there are none. Those after the first ask for a sign of life. */
  settingsSentAt = -1;
  /** The peer's first SETTINGS have not come in time. */
  settingsOverdue = false;
  /** Since when the peer must give a sign of life before it gets a new request; -1: it need not. */
  probeSentAt = -1;
  /** It has been asked for one before. */
  probed = false;
  /** When it was asked for that; -1: it has not been, since it has had as many questions as it may. */
  probeAskedAt = -1;
  /** A question has been sealed since. */
  private probeOnWay = false;
  /** The stall in progress has been reported. */
  stallReported = false;
  readonly recovery = new Recovery();
  readonly pings: OutstandingPing[] = [];
  private nextPingId = 1;
  private ownPings = 0;
  /** When it was sent, and then, when it was answered: the peer read it at some time between the two, and counts from there. */
  private lastOwnPing = -Infinity;
  /** The last of them, until it is answered; -1: it has been. */
  private ownPingOut = -1;
  private readonly pingRate = new QuestionRate(pingBurst, pingEvery);
  private readonly settingsRate = new QuestionRate(settingsBurst, settingsEvery);
  /** The peer has complained of too many PINGs. */
  calmed = false;
  /** The least time between two PINGs of our own once the free ones are used. */
  pingGap: number;

  constructor(limits: LivenessLimits, now: number) {
    this.limits = limits;
    this.openedAt = now;
    this.lastReceived = now;
    this.lastProgress = now;
    this.busySince = now;
    this.owedSince = now;
    this.idleSince = now;
    this.pingGap = limits.pingGap ?? pingGap;
  }

  /** A request is about to be sent; `first`: no other stream is open. */
  opening(now: number, first: boolean): void {
    if (!first) return;
    this.busySince = now;
    if (!this.owed) this.owedSince = now;
  }

  /** A request that was sent then has been given up unanswered, which is no sign of life. */
  gaveUp(sentAt: number): void {
    this.owedUntil = Math.max(this.owedUntil, sentAt + (this.bestRoundTrip || (this.limits.dialTime ?? 0)));
  }

  /** The peer is silent on another connection. Where nothing has come on this one for as long, that says the same of both. */
  silentBeside(now: number): void {
    if (now - this.lastReceived < this.probeThreshold()) return;
    this.owedSince = Math.min(this.owedSince, this.lastReceived);
    this.owedUntil = Math.max(this.owedUntil, now);
  }

  /** A request was given up, and nothing has come since that the peer can have sent after it had read that. */
  get owed(): boolean {
    return this.lastReceived <= this.owedUntil;
  }

  received(now: number): void {
    this.lastReceived = now;
    this.lastProgress = now;
    if (this.probeSentAt < 0) return;
    this.probeSentAt = this.probeAskedAt = -1;
    this.stallReported = false; // what stalls next is another stall
  }

  /** A chunk has been handed to the socket. */
  handed(now: number): void {
    this.writingSince = now;
  }

  /** The socket has taken the chunk in flight. */
  taken(now: number): void {
    if (this.stallReported && now >= this.writingSince + this.limits.stallTimeout)
      this.recovery.begin(this.writingSince, now);
    this.writingSince = -1;
    this.lastProgress = now;
    this.stallReported &&= now >= this.stalledAt(); // a probe that is out may stall it all the same
  }

  /** The stall in progress has been told of. */
  reportStall(): void {
    this.stallReported = true;
  }

  /** No stream is left, or the connection has only been made now: `idleTimeout` counts from here. */
  idle(now: number): void {
    this.idleSince = now;
  }

  /** SETTINGS are about to be sealed; none may be owed an ACK, since that does not say whose it is (RFC 9113 section 6.5.3). */
  settingsSent(now: number): void {
    this.settingsRate.asked(now);
    this.settingsSentAt = now;
  }

  /** The ACK of our SETTINGS: when those were sent; -1: there were none. */
  settingsAcked(): number {
    const sentAt = this.settingsSentAt;
    this.settingsSentAt = -1;
    return sentAt;
  }

  /** The time for the peer's first SETTINGS is over. */
  settingsMissed(): void {
    this.settingsOverdue = true;
  }

  /**
   * The peer is to give a sign of life; from here on it is that which may stall, and not the write before.
   *
   * @param asked it is asked now, or owes an answer
   * @param onWay what asks it has been sealed before
   */
  probeSent(now: number, asked: boolean, onWay: boolean): void {
    this.probeSentAt = now;
    this.probeAskedAt = asked ? now : -1;
    this.probeOnWay = onWay;
    this.probed = true;
    this.stallReported = false;
  }

  /** What asks for it has been sealed. A process that was busy in between has not kept the peer waiting. */
  probeSealed(now: number): void {
    if (!this.probeOnWay && this.probeSentAt >= 0 && !this.stallReported) this.probeSentAt = now;
    this.probeOnWay = true;
  }

  /** It is asked now. */
  probeAsked(now: number): void {
    this.probeAskedAt = now;
  }

  /**
   * A HEADERS or DATA from the peer: gRPC servers count PINGs between those. What comes before the answer to a PING was sent
   * before that was read, though it may have been on its way for seconds.
   */
  receivedStreamFrame(): void {
    if (this.ownPingOut < 0) this.ownPings = 0;
  }

  /** Whether a PING of our own accord is within the one budget for all causes. */
  mayPing(now: number): boolean {
    return now >= this.nextOwnPing();
  }

  /** Whether the budget has a PING to spare: one more is left for a silence, which nothing but a PING tells from death. */
  get pingToSpare(): boolean {
    return !this.calmed && this.ownPings + 1 < freePings;
  }

  /** When a PING may go out that does no more than measure; Infinity: not as things stand. */
  get measuringPingAt(): number {
    return this.pingToSpare ? this.pingRate.dueAt(pingsKept) : Infinity;
  }

  /** The same of SETTINGS, where none is owed an ACK. */
  get measuringSettingsAt(): number {
    return this.settingsSentAt < 0 && !this.calmed ? this.settingsRate.dueAt(settingsKept) : Infinity;
  }

  /**
   * When an empty SETTINGS may ask for a sign of life; Infinity: one is owed its ACK. Their rate bounds these only where a server
   * of this origin has had too much: no other gets a second connection for being quiet.
   */
  get probingSettingsAt(): number {
    if (this.settingsSentAt >= 0) return Infinity;
    return this.calmed || this.limits.pingGap !== undefined ? this.settingsRate.dueAt(0) : -Infinity;
  }

  /** When the budget, and the rate of all PINGs, next allow one of our own accord. */
  nextOwnPing(): number {
    return Math.max(this.budgetedPingAt, this.pingRate.dueAt(0));
  }

  /** When the budget does; -Infinity: now. */
  private get budgetedPingAt(): number {
    return this.ownPings < freePings ? -Infinity : this.lastOwnPing + this.pingGap;
  }

  /** Whether a PING is within the budget: now, or as soon as the rate of all has one. */
  hasPing(now: number): boolean {
    return now >= this.budgetedPingAt;
  }

  /** The peer had too many PINGs: twice the gap from now on, here and on the origin's next connections. */
  calm(): void {
    if (this.calmed) return;
    this.calmed = true;
    this.pingGap *= 2;
  }

  /** Registers a PING about to be sealed, and returns its ID, which its payload carries. */
  pingSent(now: number, own: boolean): number {
    this.pingRate.asked(now);
    const id = own ? this.ownPing(now) : this.nextPingId++;
    this.pings.push({ id, sentAt: now });
    if (this.pings.length > maxOutstandingPings) this.pings.shift();
    return id;
  }

  /**
   * Registers a PING that asks whether a stall is over, which may stand behind megabytes: it neither measures the round
   * trip nor counts towards `pingTimeout`.
   */
  recoveryPingSent(now: number): number {
    this.pingRate.asked(now);
    const id = this.ownPing(now);
    this.recovery.asked(id);
    return id;
  }

  private ownPing(now: number): number {
    this.ownPings++;
    this.lastOwnPing = now;
    this.ownPingOut = this.nextPingId++;
    return this.ownPingOut;
  }

  /** The ACK of a PING: when that was sent; Infinity: it measures nothing; -1: it was none of ours. */
  pong(id: number, now: number): number {
    if (id === this.ownPingOut) {
      this.ownPingOut = -1;
      this.lastOwnPing = now;
    }
    if (id === this.recovery.ping) {
      this.recovery.end();
      return Infinity;
    }
    const at = this.pings.findIndex((ping) => ping.id === id);
    const ping = this.pings[at];
    if (ping === undefined) return -1;
    this.pings.splice(at, 1);
    return ping.sentAt;
  }

  forgetPing(id: number): void {
    const at = this.pings.findIndex((ping) => ping.id === id);
    if (at >= 0) this.pings.splice(at, 1);
  }

  /**
   * How long an answer took. A clock that stood still in between, since the machine slept, has measured nothing: what was known
   * before stays, and the dial took a round trip at least.
   */
  tookAtLeast(measured: number): number {
    return measured > 0 ? measured : this.roundTrip || (this.limits.dialTime ?? 0);
  }

  sample(roundTrip: number): void {
    this.bestRoundTrip = this.bestRoundTrip === 0 ? roundTrip : Math.min(this.bestRoundTrip, roundTrip);
    this.roundTrip = smoothed(this.roundTrip, roundTrip);
    this.provenRoundTrip = smoothed(this.provenRoundTrip, roundTrip);
  }

  /** A request is being answered, which was sent since `busySince`. */
  answered(now: number): void {
    this.answerTook = now - this.busySince;
    this.provenRoundTrip = Math.min(this.provenRoundTrip, this.tookAtLeast(this.answerTook));
  }

  /** What a peer may be waited for: one that took long for a sample, busy as it was, has proved since that its path does not. */
  private get longestRoundTrip(): number {
    return Math.min(this.provenRoundTrip, this.answerTook);
  }

  /** Since when the peer has been silent although it owed us something. */
  silentSince(): number {
    return Math.max(this.lastReceived, this.owedSince);
  }

  probeThreshold(): number {
    return Math.max(this.limits.probeAfter, 4 * this.longestRoundTrip);
  }

  /**
   * Until when a write that stalls may be on a slow link, whose writes end after a while: the next gap is much like the last.
   * Infinity: one has just ended so.
   */
  slowUntil(now: number): number {
    if (now < this.recovery.until && this.writingSince < 0) return Infinity;
    return this.writingSince < 0 ? -Infinity : this.writingSince + Math.max(firstGap, this.recovery.calm);
  }

  /** For how long a peer that gives no credit for the connection may just be slow to. */
  creditPatience(): number {
    return Math.max(this.limits.stallTimeout, 3 * this.longestRoundTrip);
  }

  /**
   * When the peer's first SETTINGS are overdue: as late as every connection counts as silent. How long a round trip is,
   * nothing but the dial has told yet.
   */
  settingsDueAt(): number {
    const { probeAfter, dialTime } = this.limits;
    if (probeAfter === 0 || dialTime === undefined) return Infinity;
    return this.openedAt + Math.max(probeAfter, 4 * dialTime);
  }

  /** When the chunk in flight, or the probe that is out, makes the connection a stalled one; Infinity: nothing will. */
  stalledAt(): number {
    const { stallTimeout } = this.limits;
    const write = this.writingSince >= 0 ? this.writingSince + stallTimeout : Infinity;
    if (this.probeSentAt < 0) return write;
    return Math.min(write, this.probeSentAt + Math.max(stallTimeout, 2 * this.longestRoundTrip));
  }
}

function smoothed(average: number, sample: number): number {
  return average === 0 ? sample : average * 0.875 + sample * 0.125;
}
