import {
  Code,
  encodeFields,
  Flag,
  frame,
  FrameReader,
  HpackDecoder,
  numbers,
  preface,
  Setting,
  settings,
  Type,
  typeNames,
  type Frame,
} from './frames.js';
import { type Askable, askedInAMinute, mostPings, pingGap, pingsAllowed, settingsAllowed } from './probes.js';
import { ServerEnd } from './server-end.js';
import type { Behaviour, ServerProcess } from './server-process.js';
import { ServerStream, type ServedStream } from './server-stream.js';
import type { Tcp } from './tcp.js';
import type { RequestPlan } from './plan.js';
import type { Sighting } from './books.js';

/** A frame of DATA of so many bytes belongs to an upload that is long. */
const bulkFrame = 8_000;
const late = 400;
/** Of questions, a PING and SETTINGS, that were on their way when a server called its connection broken. */
const mostAskedBefore = 2;
/** As in gRPC: so many PINGs without HEADERS or DATA of the server's in between. */
const strikes = 2;
/** What comes into force when the client acknowledges it (RFC 9113 section 6.5.3); undefined: no change. */
interface SentSettings {
  readonly limit?: number;
  readonly initialWindow?: number;
  readonly headerTableSize?: number | undefined;
}

/** One connection as a server has it: reads frames, keeps windows, and holds the client to the rules. */
export class ServerConnection extends ServerEnd {
  readonly streams = new Map<number, ServedStream>();
  /** What we may send, in bytes, and what the client may. */
  sendWindow = 65_535;
  receiveWindow = 65_535;
  /** Since when the client may send nothing more; Infinity: it may. In the world's time. */
  emptySince = Infinity;
  /** Received and not given back yet, in bytes. */
  owed = 0;
  clientInitialWindow = 65_535;
  clientMaxFrame = 16_384;
  /** What we have ever allowed in one frame, in bytes. */
  private mostFrame = 16_384;
  /** It gives no credit for the window of this one connection. */
  stingy = false;
  /** It has called the connection broken by GOAWAY, and does nothing more with it but acknowledge. */
  deserted = false;
  /** What it has acknowledged since. */
  private answersAfter = 0;
  /** When something last came that has to do with a request. */
  lastFrameAt = 0;
  private readonly reader = new FrameReader();
  private readonly decoder = new HpackDecoder();
  private greeting = true;
  private block: Buffer[] = [];
  private blockStream = 0;
  private blockEnds = false;
  private readonly sentSettings: SentSettings[] = [];
  private limit = Infinity;
  private initialWindow = 65_535;
  private greeted = false;
  /** Its first SETTINGS allowed no stream. */
  zeroFromStart = false;
  private announced: { readonly limit: number; readonly initialWindow: number } | undefined = undefined;
  private lastSeen = 0;
  private lastActed = 0;
  private lastAccepted = Infinity;
  private pings = 0;
  private settings = 0;
  private requests = 0;
  /** HEADERS and DATA that it has sent, and RST_STREAM that it has received. */
  private answers = 0;
  private resets = 0;
  private readonly madeAt: number;
  private pingsInARow = 0;
  private lastPing = -Infinity;
  /** When each of the last frames came that ask for an answer. */
  private readonly asked = { PING: [] as number[], SETTINGS: [] as number[] };

  constructor(process: ServerProcess, tcp: Tcp, secure: boolean, number: number) {
    super(process, tcp, secure, number);
    this.madeAt = process.world.clock.time;
  }

  protected override opened(): void {
    this.process.after(this.behaviour.settingsAfter, () => this.greet());
  }

  private greet(): void {
    if (this.greeted) return;
    this.greeted = true;
    this.announce();
    this.zeroFromStart = this.announced?.limit === 0;
    const more = this.behaviour.connectionWindow - 65_535;
    if (more <= 0) return;
    this.receiveWindow += more;
    this.emptySince = Infinity;
    this.send(Type.windowUpdate, 0, 0, numbers(more));
  }

  private announce(): void {
    if (this.over) return;
    const { initialWindow } = this.behaviour;
    const limit = this.refusesAll ? 0 : this.behaviour.limit;
    this.announced = { limit, initialWindow };
    this.sentSettings.push({ limit, initialWindow });
    this.send(
      Type.settings,
      0,
      0,
      settings([
        [Setting.maxConcurrentStreams, limit],
        [Setting.initialWindowSize, initialWindow],
      ]),
    );
  }

  /** Of what the client may ignore, or has to obey from its ACK on. Not before those that come first. */
  sendSettings(entries: readonly (readonly [id: number, value: number])[]): void {
    if (!this.greeted || this.over) return;
    for (const [id, value] of entries)
      if (id === Setting.maxFrameSize) this.mostFrame = Math.max(this.mostFrame, value);
    this.sentSettings.push({ headerTableSize: entries.find(([id]) => id === Setting.headerTableSize)?.[1] });
    this.send(Type.settings, 0, 0, settings(entries));
  }

  override behaviourChanged(before: Behaviour): void {
    const { initialWindow, readRate, settingsAfter } = this.behaviour;
    const limit = this.refusesAll ? 0 : this.behaviour.limit;
    if (this.greeted && (limit !== this.announced?.limit || initialWindow !== this.announced.initialWindow))
      this.announce();
    if (!this.greeted && before.settingsAfter !== settingsAfter && !this.inHello)
      this.process.after(settingsAfter, () => this.greet());
    if (before.readRate !== readRate) this.read();
    if (before.credit !== this.behaviour.credit && this.behaviour.credit !== 'never') this.giveBackAll();
    for (const stream of this.streams.values()) stream.behaviourChanged();
    if (before.muteInTls && !this.behaviour.muteInTls) this.read();
  }

  // --- reading ---

  protected override onBytes(bytes: Uint8Array): void {
    this.reader.push(bytes);
    if (this.greeting) {
      const greeting = this.reader.take(preface.length);
      if (greeting === undefined) return;
      if (!greeting.equals(preface)) this.complain('protocol', 'the preface is not what it is');
      this.greeting = false;
    }
    while (!this.over) {
      const next = this.reader.next();
      if (next === undefined) return;
      this.onFrame(next);
    }
  }

  private onFrame(f: Frame): void {
    if (f.payload.length > this.mostFrame) this.complain('protocol', `a frame of ${f.payload.length} bytes`);
    if (this.block.length > 0 && f.type !== Type.continuation)
      this.complain('protocol', 'a frame within a header block');
    if (f.type !== Type.ping && f.type !== Type.settings) this.lastFrameAt = this.process.world.clock.time;
    switch (f.type) {
      case Type.data:
        return this.onData(f);
      case Type.headers:
        this.block = [headerFragment(f)];
        this.blockStream = f.streamId;
        this.blockEnds = (f.flags & Flag.endStream) !== 0;
        return this.onFragment(f);
      case Type.continuation:
        this.block.push(f.payload);
        return this.onFragment(f);
      case Type.rstStream:
        return this.onReset_(f.streamId, f.payload.readUInt32BE(0));
      case Type.settings:
        return this.onSettings(f);
      case Type.ping:
        return this.onPing(f);
      case Type.windowUpdate:
        return this.onWindowUpdate(f.streamId, f.payload.readUInt32BE(0));
      case Type.goAway:
        return this.tell('is told GOAWAY');
      default:
        return;
    }
  }

  private onFragment(f: Frame): void {
    if ((f.flags & Flag.endHeaders) === 0) return;
    const block = Buffer.concat(this.block);
    this.block = [];
    let fields: Map<string, string>;
    try {
      fields = new Map(this.decoder.decode(block));
    } catch (error) {
      return this.complain('protocol', `a header block that cannot be decoded: ${String(error)}`);
    }
    const known = this.streams.get(this.blockStream);
    if (known !== undefined) return known.onEnd(fields);
    if (this.blockStream <= this.lastSeen) return; // trailers of one that we have reset
    this.onRequest(this.blockStream, fields, this.blockEnds);
  }

  private onRequest(streamId: number, fields: ReadonlyMap<string, string>, ends: boolean): void {
    const { random } = this.process.world;
    if (streamId % 2 === 0) this.complain('protocol', `stream ${streamId} is not the client's`);
    this.lastSeen = streamId;
    const id = Number(fields.get('x-id'));
    const sighting = this.saw(id, streamId);
    const request = this.process.world.requestOf(id);
    if (request === undefined)
      return this.complain('protocol', `a request that nobody made: ${String(fields.get('x-id'))}`);
    if (streamId > this.lastAccepted) {
      sighting.verdict = 'ignored';
      return this.tell(`ignores request ${id} on stream ${streamId}, after GOAWAY`);
    }
    if (this.streams.size >= this.limit) this.complain('limits', `stream ${streamId} is one more than ${this.limit}`);
    const { behaviour } = this;
    const refused = this.refusesAll || this.streams.size >= behaviour.limit || random.chance(behaviour.refuses);
    if (refused || behaviour.wantsHttp1) {
      sighting.verdict = 'refused';
      this.tell(`refuses request ${id} on stream ${streamId}`);
      return this.send(Type.rstStream, 0, streamId, numbers(refused ? Code.refusedStream : Code.http11Required));
    }
    this.lastActed = streamId;
    this.requests++;
    this.tell(`acts on request ${id} on stream ${streamId}`);
    const windows = [this.clientInitialWindow, this.initialWindow] as const;
    const stream = this.serve(streamId, request, sighting, windows, fields);
    this.streams.set(streamId, stream);
    stream.begin(ends, fields.get('expect') === '100-continue');
    if (this.greeted && this.requests >= behaviour.mostRequests) this.goAway('latest', Code.noError);
  }

  /** What becomes of a request that it acts on. `windows`: what may be sent on its stream, and what the client may send. */
  protected serve(
    streamId: number,
    request: RequestPlan,
    sighting: Sighting,
    windows: readonly [send: number, receive: number],
    _fields: ReadonlyMap<string, string>,
  ): ServedStream {
    return new ServerStream(this, streamId, request, sighting, ...windows);
  }

  private onData(f: Frame): void {
    const size = f.payload.length;
    this.receiveWindow -= size;
    if (this.receiveWindow === 0 && size > 0) this.emptySince = this.process.world.clock.time;
    if (this.receiveWindow < 0)
      this.complain('flow control', `${-this.receiveWindow} bytes more than the connection's window`);
    this.owed += size;
    const stream = this.streams.get(f.streamId);
    if (stream === undefined) {
      if (f.streamId > this.lastSeen) this.complain('protocol', `DATA on stream ${f.streamId}, which is idle`);
      return this.giveBack(size); // of a stream that we have ended
    }
    stream.onData(f.payload, (f.flags & Flag.endStream) !== 0);
    if (this.process.bulkUnread && size >= bulkFrame) this.paused = true;
  }

  private onReset_(streamId: number, code: number): void {
    if (streamId > this.lastSeen) this.complain('protocol', `RST_STREAM on stream ${streamId}, which is idle`);
    this.resets++;
    this.tell(`is told RST_STREAM ${code} on stream ${streamId}`);
    this.streams.get(streamId)?.gone();
  }

  private onSettings(f: Frame): void {
    if ((f.flags & Flag.ack) !== 0) {
      const acknowledged = this.sentSettings.shift();
      if (acknowledged === undefined) return this.complain('protocol', 'an ACK of no SETTINGS');
      const { limit = this.limit, initialWindow = this.initialWindow, headerTableSize } = acknowledged;
      if (headerTableSize !== undefined) this.decoder.setLimit(headerTableSize);
      this.limit = limit;
      const change = initialWindow - this.initialWindow;
      this.initialWindow = initialWindow;
      for (const stream of this.streams.values()) stream.onWindowChange(change);
      return;
    }
    this.settings++;
    const most = settingsAllowed(this.process.world.options, this.askable);
    if (this.settings > most) this.complain('pings in total', `${this.settings} SETTINGS, where ${most} may be`);
    this.countAsked('SETTINGS');
    for (let at = 0; at + 6 <= f.payload.length; at += 6) {
      const value = f.payload.readUInt32BE(at + 2);
      const id = f.payload.readUInt16BE(at);
      if (id === Setting.maxFrameSize) this.clientMaxFrame = value;
      if (id !== Setting.initialWindowSize) continue;
      const change = value - this.clientInitialWindow;
      this.clientInitialWindow = value;
      for (const stream of this.streams.values()) stream.sendWindow += change;
    }
    this.send(Type.settings, Flag.ack, 0);
    this.pump();
  }

  private get askable(): Askable {
    const { answers, lastSeen, resets, process } = this;
    return { answers, requests: (lastSeen + 1) / 2, resets, age: process.world.clock.time - this.madeAt };
  }

  private countAsked(kind: keyof typeof this.asked): void {
    const { time } = this.process.world.clock;
    const minute = this.asked[kind].filter((at) => at > time - 60_000);
    this.asked[kind] = [...minute, time];
    const most = askedInAMinute(this.process.world.options, this.askable)[kind];
    if (minute.length >= most) this.complain('questions', `more than ${most} ${kind} frames within a minute`);
  }

  private onPing(f: Frame): void {
    if ((f.flags & Flag.ack) !== 0) return;
    this.countAsked('PING');
    const { books, clock } = this.process.world;
    books.pings++;
    this.pings++;
    const most = pingsAllowed(this.process.world.options, this.askable);
    if (this.pings > most) this.complain('pings in total', `${this.pings}, where ${most} may be`);
    this.pingsInARow++;
    if (this.pingsInARow > mostPings && clock.time - this.lastPing < pingGap)
      this.complain('pings', `${this.pingsInARow} without HEADERS or DATA in between`);
    this.lastPing = clock.time;
    if (this.behaviour.countsPings && this.pingsInARow > strikes) {
      this.tell('has had too many PINGs');
      return this.goAway('latest', Code.enhanceYourCalm, 'too_many_pings');
    }
    if (this.behaviour.answersPings) this.send(Type.ping, Flag.ack, 0, f.payload);
  }

  private onWindowUpdate(streamId: number, increment: number): void {
    if (increment === 0) this.complain('flow control', `WINDOW_UPDATE of 0 on stream ${streamId}`);
    if (streamId === 0) {
      this.sendWindow += increment;
      if (this.sendWindow > 0x7fff_ffff) this.complain('flow control', 'the connection window is too large');
    } else {
      const stream = this.streams.get(streamId);
      if (streamId > this.lastSeen) this.complain('protocol', `WINDOW_UPDATE on stream ${streamId}, which is idle`);
      if (stream === undefined) return;
      stream.sendWindow += increment;
      if (stream.sendWindow > 0x7fff_ffff)
        this.complain('flow control', `the window of stream ${streamId} is too large`);
    }
    this.pump();
  }

  // --- credit ---

  /** Bytes that the client has had of it. */
  get arrived(): number {
    return this.tcp.down.arrivedBytes;
  }

  /** What the client sends does not come to it, or goes unread. */
  get unreachable(): boolean {
    return this.tcp.up.dead || this.paused || this.over;
  }

  /** Nothing is on its way in either direction, so that both sides must have the same in their books. */
  get quiet(): boolean {
    const { tcp } = this;
    const settled = this.sentSettings.length === 0 && this.owed === 0 && this.written;
    return (
      settled &&
      !this.greeting &&
      !this.over &&
      this.streams.size === 0 &&
      tcp.up.quiet &&
      tcp.down.quiet &&
      !tcp.up.dead
    );
  }

  /** Bytes of the client's that are of no more use: what its policy makes of that. */
  giveBack(bytes: number): void {
    const { credit } = this.behaviour;
    if (bytes === 0 || credit === 'never' || this.stingy) return;
    if (credit === 'late') return this.process.after(late, () => this.grant(bytes));
    if (credit !== 'dribble' || bytes === 1) return this.grant(bytes);
    this.grant(1);
    this.process.after(late, () => this.grant(bytes - 1));
  }

  private grant(bytes: number): void {
    const given = Math.min(bytes, this.owed);
    if (given === 0 || this.over || this.stingy) return;
    this.owed -= given;
    this.emptySince = Infinity;
    this.receiveWindow += given;
    this.send(Type.windowUpdate, 0, 0, numbers(given));
  }

  /** What unread bodies hold stays with them. */
  giveBackAll(): void {
    let held = 0;
    for (const stream of this.streams.values()) held += stream.unread;
    this.grant(this.owed - held);
  }

  // --- writing ---

  send(type: number, flags: number, streamId: number, payload?: Uint8Array): void {
    const acknowledges = (type === Type.ping || type === Type.settings) && (flags & Flag.ack) !== 0;
    if (this.deserted && !acknowledges) return;
    // The client may have asked before it heard of that.
    if (this.deserted && this.answersAfter++ < mostAskedBefore) this.lastFrameAt = this.process.world.clock.time;
    if (type === Type.headers || type === Type.data) {
      this.pingsInARow = 0;
      this.answers++;
    }
    if (type !== Type.windowUpdate && type !== Type.data)
      this.tell(
        `sends ${typeNames[type] ?? type}${(flags & Flag.ack) !== 0 && (type === Type.settings || type === Type.ping) ? ' ACK' : ''}${streamId === 0 ? '' : ` on stream ${streamId}`}`,
      );
    this.write(frame(type, flags, streamId, payload));
  }

  sendFields(streamId: number, fields: readonly (readonly [string, string])[], ends: boolean): void {
    this.send(Type.headers, Flag.endHeaders | (ends ? Flag.endStream : 0), streamId, encodeFields(fields));
  }

  protected override pump(): void {
    for (const stream of [...this.streams.values()]) if (!this.choked) stream.sendBody();
  }

  // --- the end ---

  /** From now on, or no longer, this one connection allows no stream. */
  allowNone(none: boolean): void {
    this.refusesAll = none;
    if (this.greeted) this.announce();
  }

  private refusesAll = false;

  /** @param last which streams it says it may act on: all, those it has acted on, or a good deal more */
  goAway(last: 'all' | 'latest' | 'more', code: number, debug = ''): void {
    if (this.deserted) return;
    const number = last === 'all' ? 0x7fff_ffff : last === 'more' ? this.lastActed + 20 : this.lastActed;
    this.tell(`sends GOAWAY, last stream ${number}, code ${code} ${debug}`);
    this.write(frame(Type.goAway, 0, 0, Buffer.concat([numbers(number, code), Buffer.from(debug)])));
    this.lastAccepted = Math.min(this.lastAccepted, number);
    if (last !== 'all') this.endWhenIdle();
  }

  /** It should close the connection now (RFC 9113 section 5.4.1), and does not. */
  desert(code: number): void {
    if (this.deserted) return;
    this.tell('deserts the connection');
    this.lastFrameAt = this.process.world.clock.time;
    this.goAway('latest', code);
    this.endingWhenIdle = false;
    this.deserted = true;
  }

  private endingWhenIdle = false;

  private endWhenIdle(): void {
    this.endingWhenIdle = true;
    if (this.streams.size === 0) this.end();
  }

  forget(streamId: number): void {
    this.streams.delete(streamId);
    if (this.endingWhenIdle && this.streams.size === 0) this.end();
  }

  protected override closed(): void {
    for (const stream of [...this.streams.values()]) stream.gone();
    this.process.connections.delete(this);
  }
}

function headerFragment(f: Frame): Buffer {
  const padding = (f.flags & Flag.padded) !== 0 ? f.payload.readUInt8(0) : 0;
  const start = ((f.flags & Flag.padded) !== 0 ? 1 : 0) + ((f.flags & Flag.priority) !== 0 ? 5 : 0);
  return f.payload.subarray(start, f.payload.length - padding);
}
