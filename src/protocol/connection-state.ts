import { errorCodeName, TransportError, type ErrorInitiator, type TransportErrorCode } from '../errors.js';
import { Decoder, Encoder } from '../hpack/index.js';
import { FrameReader, FrameWriter, OutputBuffer } from '../wire/index.js';
import { ClosedStreams } from './closed-streams.js';
import { ConnectionCredit, type BufferBudget } from './credit.js';
import { FloodGuard } from './flood-guard.js';
import { GoAway } from './goaway.js';
import { HeaderAssembly } from './header-assembly.js';
import { quickHighWaterMark, highWaterMark } from './limits.js';
import { Liveness, type LivenessLimits } from './liveness.js';
import { Opening } from './opening.js';
import { OwedReplies } from './owed-replies.js';
import { ReceivedBlocks } from './repeated-block.js';
import type { Path } from './path.js';
import { PathMeter } from './path-meter.js';
import { ResetConfirm } from './reset-confirm.js';
import { ResponseFields } from './response-fields.js';
import { SendScheduler } from './send-scheduler.js';
import { SendWindow } from './send-window.js';
import { defaultHeaderTableSize, PeerSettings, type LocalSettings } from './settings.js';
import { SmallData } from './small-data.js';
import { StreamTable } from './stream-table.js';
import type { Outgoing, Stream } from './stream.js';
import type { FrameTrace } from './trace.js';

export interface ConnectionConfig extends LocalSettings, LivenessLimits {
  /** The largest HPACK table that we keep for encoding, in bytes. */
  readonly encoderTableSize: number;
  readonly maxStreamWindow: number;
  readonly maxConnectionWindow: number;
  readonly budget: BufferBudget;
  /** Requests until the connection takes no more; 0: no limit. */
  readonly maxRequests: number;
  /** Stands in errors. */
  readonly origin: string;
  /** 32 bits that make our PING payloads ours. */
  readonly pingSeed: number;
  /** What is known of the way to the peer; undefined: whether bulk fills it is nobody's concern. */
  readonly path?: Path | undefined;
  /** The connection that it leads through, as one in a tunnel does. */
  readonly beneath?: ConnectionBeneath | undefined;
  readonly trace?: FrameTrace | undefined;
}

/** A connection that others lead through: where it is blocked, or bulk fills its path, whoever speaks through those waits as well. */
export interface ConnectionBeneath {
  readonly numbers: { readonly slow: boolean };
  health(lastResort: boolean): { readonly delay: number };
  /** Since when requests that need so much of its window have had reason to go around it; Infinity: they have none. */
  troubledSince(needs: number): number;
}

/** What happens to the connection as a whole. The same rule as for StreamSink: store and schedule, run no user code. */
export interface ConnectionEvents {
  /** There is something for `takeOutput`, or may be: wake whoever writes. */
  onOutput(): void;
  /** The connection may be able to take a request that it could not take before, or need one less. */
  onCapacity(): void;
  /** The peer's SETTINGS have been applied. */
  onSettings(first: boolean): void;
  onGoAway(lastStreamId: number, errorCode: number): void;
  /** The peer has complained of our PINGs, or, as it may be, of other questions: at least so many milliseconds between two. */
  onTooManyPings(pingGap: number): void;
  onPong(id: number): void;
  /** The chunk in flight, or a probe, has been without progress for `stallTimeout`. */
  onStalled(): void;
  /** The chunk in flight of a reported stall has been taken. */
  onResumed(): void;
  /** No stream is left on a connection that takes no more: it can be closed once its output is written. */
  onDrained(): void;
  /** The connection is over; its streams have been told. What `takeOutput` still holds (GOAWAY) may be written. */
  onFailed(error: TransportError): void;
}

/**
 * All that a connection is made of. What one concern keeps is an object of its own, which others call; of the fields that
 * are left it is said beside them who writes them. No method here decides anything.
 */
export class ConnectionState {
  /** The time that the current step was given; set on entry by connection.ts. */
  now: number;
  readonly config: ConnectionConfig;
  readonly events: ConnectionEvents;
  readonly reader: FrameReader;
  readonly decoder: Decoder;
  readonly encoder: Encoder;
  readonly fields: ResponseFields;
  readonly assembly: HeaderAssembly;
  readonly receivedBlocks = new ReceivedBlocks();
  readonly out = new OutputBuffer();
  readonly writer = new FrameWriter(this.out);
  readonly peer = new PeerSettings();
  readonly credit: ConnectionCredit;
  readonly liveness: Liveness;
  readonly scheduler = new SendScheduler();
  readonly streams = new StreamTable();
  readonly goAway = new GoAway();
  readonly floods = new FloodGuard();
  readonly replies = new OwedReplies();
  readonly resets = new ResetConfirm();
  readonly closedStreams = new ClosedStreams();
  readonly window: SendWindow;
  readonly smallData = new SmallData();
  /** How full the path is; undefined: nobody asks. */
  readonly meter: PathMeter | undefined;

  // Written by connection.ts.
  nextStreamId = 1;
  requests = 0;
  reserved = 0;

  // What waits to be sealed: whoever needs a frame adds to these, seal.ts takes from them.
  /** Streams with a RST_STREAM or WINDOW_UPDATE due, each once. */
  readonly listed: Stream[] = [];
  readonly pingsDue: number[] = [];
  /** An empty SETTINGS frame. */
  settingsDue = false;

  /** Streams whose chunk seal.ts has sealed and whose source may be asked for more; connection.ts takes the whole list. */
  drainedStreams: Stream[] = [];
  /** Bytes handed to the socket so far. Written by connection.ts, as is the next. */
  handed = 0;
  /** It took the last of them within a millisecond. */
  quick = false;
  /** Those with DATA that the connection's window holds up, each once: seal.ts adds and frees them, lifecycle.ts drops the dead. */
  readonly blocked = new Set<Outgoing>();
  /** Those with bulk that waits for its turn: seal.ts adds them, deadlines.ts frees them, lifecycle.ts drops the dead. */
  readonly paced = new Set<Outgoing>();

  // Written by receive.ts and receive-headers.ts.
  readonly opening = new Opening();
  ourSettingsAcked = false;
  /** A response has begun. */
  answered = false;

  // Written by lifecycle.ts.
  doNotReuse = false;
  drained = false;
  failure: TransportError | undefined = undefined;

  constructor(config: ConnectionConfig, events: ConnectionEvents, now: number) {
    this.now = now;
    this.config = config;
    this.events = events;
    this.reader = new FrameReader(config.maxFrameSize);
    // Until it has acknowledged our SETTINGS, the peer may use what it had before (RFC 9113 section 6.5.3).
    const maxTableSize = Math.max(config.headerTableSize, defaultHeaderTableSize);
    this.decoder = new Decoder({ maxTableSize, maxStringLength: config.maxHeaderListSize });
    this.encoder = new Encoder({ maxTableSize: config.encoderTableSize });
    this.assembly = new HeaderAssembly(config.maxHeaderListSize);
    this.fields = new ResponseFields(config.maxHeaderListSize);
    const limit = Math.min(config.maxConnectionWindow, config.budget.limit);
    this.credit = new ConnectionCredit(limit, config.budget, () => {
      events.onOutput();
    });
    this.liveness = new Liveness(config, now);
    this.window = new SendWindow(now);
    this.meter = config.path && new PathMeter(config.path);
  }

  /** No new stream may start: closing, closed, or told to go away. */
  get closing(): boolean {
    return this.goAway.received || this.goAway.sent || this.doNotReuse || this.failure !== undefined;
  }

  /** Slots in use: streams, reservations, and resets that the peer may not have seen. */
  get slotsUsed(): number {
    return this.streams.size + this.reserved + this.resets.unconfirmed;
  }

  /** Where our output stands: so many bytes have been sealed so far. */
  get sealed(): number {
    return this.handed + this.out.length;
  }

  get sendWindow(): number {
    return this.window.left;
  }

  /** Sealed bytes have reached the high-water mark, so nothing more is sealed until the socket has taken some. */
  get atHighWaterMark(): boolean {
    return this.out.length >= (this.quick ? quickHighWaterMark : highWaterMark);
  }

  /** Asks the peer for a sign of life by an empty SETTINGS frame; the caller knows that none is owed an ACK. */
  askBySettings(): void {
    this.liveness.settingsSent(this.now);
    this.settingsDue = true;
  }

  error(
    code: TransportErrorCode,
    message: string,
    initiator: ErrorInitiator,
    more?: { streamId?: number; errorCode?: number; unprocessed?: boolean; cause?: unknown },
  ): TransportError {
    return new TransportError(code, message, {
      scope: more?.streamId === undefined ? 'connection' : 'stream',
      initiator,
      origin: this.config.origin,
      streamId: more?.streamId,
      errorCode: more?.errorCode === undefined ? undefined : errorCodeName(more.errorCode),
      unprocessed: more?.unprocessed,
      cause: more?.cause,
    });
  }
}
