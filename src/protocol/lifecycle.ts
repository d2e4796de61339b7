import { errorCodeName, TransportError, type ErrorInitiator, type TransportErrorCode } from '../errors.js';
import { ErrorCode, FrameType } from '../wire/index.js';
import type { ConnectionState } from './connection-state.js';
import { isStalled } from './health.js';
import { bulkEnded } from './measure.js';
import type { Outgoing, Stream } from './stream.js';

/** Takes a stream out of the table: its slot is free, and its unsealed output is dropped. */
export function forget(c: ConnectionState, stream: Stream): void {
  if (!c.streams.delete(stream)) return;
  if (stream.outgoing !== undefined) forgetOutgoing(c, stream.outgoing);
  if (stream.bulk) bulkEnded(c, stream);
  if (c.streams.size === 0) c.liveness.idle(c.now);
  c.events.onCapacity();
  checkDrained(c);
}

function forgetOutgoing(c: ConnectionState, outgoing: Outgoing): void {
  outgoing.drop();
  c.blocked.delete(outgoing);
  c.paced.delete(outgoing);
  if (outgoing.windowWait) c.smallData.delete(outgoing);
  if (outgoing.promised > 0) release(c, outgoing);
}

/** What was kept of the connection's window for a body is for others. */
export function release(c: ConnectionState, outgoing: Outgoing): void {
  c.window.promise(-outgoing.promised, c.now);
  outgoing.promised = 0;
  if (c.blocked.size === 0) return;
  unblock(c);
  c.events.onOutput();
}

/** Puts what waits for the connection's window back in line. */
export function unblock(c: ConnectionState): void {
  for (const outgoing of c.blocked) c.scheduler.add(outgoing);
  c.blocked.clear();
}

/** Puts a stream on the list of those with a RST_STREAM or WINDOW_UPDATE to seal. */
export function list(c: ConnectionState, stream: Stream): void {
  if (!stream.listed) {
    stream.listed = true;
    c.listed.push(stream);
  }
  c.events.onOutput();
}

/** A connection that takes no more requests is done when its last stream and reservation are gone. */
export function checkDrained(c: ConnectionState): void {
  if (c.drained || !c.closing || c.failure !== undefined) return;
  if (c.reserved > 0 || (c.streams.size > 0 && !onlyResetsAreStuck(c))) return;
  c.drained = true;
  c.credit.close();
  c.events.onDrained();
}

/** Nothing runs, and the resets that are left stand behind a stalled write: nobody is helped by waiting for it. */
function onlyResetsAreStuck(c: ConnectionState): boolean {
  return isStalled(c, c.now) && c.streams.values().every((stream) => stream.resetCode >= 0);
}

export function stopReuse(c: ConnectionState): void {
  if (c.doNotReuse) return;
  c.doNotReuse = true;
  c.events.onCapacity();
  checkDrained(c);
}

export interface Failure {
  readonly code: TransportErrorCode;
  readonly message: string;
  readonly initiator: ErrorInitiator;
  /** An RFC 9113 section 7 code, where there is one. */
  readonly errorCode?: number | undefined;
  readonly cause?: unknown;
  /** Nothing more goes to the socket, so what it was not handed, the peer cannot have seen. */
  readonly silent: boolean;
}

/**
 * Ends the connection: first it is marked and its streams detached, then each stream is told, then the connection's
 * owner. A graceful close under way becomes this failure.
 */
export function failConnection(c: ConnectionState, failure: Failure): void {
  if (c.failure !== undefined) return;
  const streams = c.streams.values();
  const describe = (stream: Stream | undefined): TransportError =>
    new TransportError(failure.code, failure.message, {
      scope: 'connection',
      initiator: failure.initiator,
      errorCode: failure.errorCode === undefined ? undefined : errorCodeName(failure.errorCode),
      origin: c.config.origin,
      streamId: stream?.id,
      unprocessed: stream === undefined ? false : failure.silent && stream.sealedAt > c.handed,
      cause: failure.cause,
    });
  c.failure = describe(undefined);
  c.streams.clear();
  c.blocked.clear();
  c.paced.clear();
  c.smallData.take();
  c.credit.close();
  c.meter?.emptied();
  for (const stream of streams) {
    stream.outgoing?.drop();
    if (stream.resetCode < 0) stream.sink.onFailed(describe(stream));
  }
  c.events.onFailed(c.failure);
  c.events.onCapacity();
}

/** A connection error of ours or of the peer's: GOAWAY says why, then the connection ends (RFC 9113 section 5.4.1). */
export function connectionError(c: ConnectionState, errorCode: number, message: string): void {
  if (c.failure !== undefined) return;
  // A client has processed no peer-initiated stream, hence 0 (RFC 9113 section 6.8).
  c.writer.goAway(0, errorCode);
  traceGoAway(c, errorCode);
  c.goAway.markSent();
  const said = c.peer.received
    ? message
    : (c.opening.foreign(c.config.origin) ?? `The server's first bytes are no HTTP/2: ${message}`);
  failConnection(c, { code: 'ERR_PASSINGLANE_PROTOCOL', message: said, initiator: 'local', errorCode, silent: false });
}

/** The peer has said by GOAWAY that it ends the connection for an error, and has neither done so nor gone on with a stream. */
export function connectionDeserted(c: ConnectionState): void {
  const { readIdleTimeout, pingTimeout } = c.liveness.limits;
  failConnection(c, {
    code: 'ERR_PASSINGLANE_GOAWAY',
    message: `The server sent ${c.goAway.said}, and then neither answered nor closed the connection for ${readIdleTimeout + pingTimeout} ms (readIdleTimeout and pingTimeout)`,
    initiator: 'remote',
    errorCode: c.goAway.code,
    silent: true,
  });
}

/** The connection ended under us: end of stream, reset, write failure. A GOAWAY received before explains it. */
export function connectionLost(c: ConnectionState, cause: Error | undefined): void {
  if (c.goAway.received && c.goAway.code !== ErrorCode.NoError) {
    failConnection(c, {
      code: 'ERR_PASSINGLANE_GOAWAY',
      message: `The server ended the connection with ${c.goAway.said}, then closed it`,
      initiator: 'remote',
      errorCode: c.goAway.code,
      cause,
      silent: true,
    });
    return;
  }
  const how = cause === undefined ? 'The server closed the connection' : `The connection was lost: ${cause.message}`;
  const before = c.peer.received ? '' : ` before it sent its SETTINGS${doubts(c)}`;
  const code = c.goAway.received ? 'ERR_PASSINGLANE_GOAWAY' : 'ERR_PASSINGLANE_CONNECTION_LOST';
  failConnection(c, { code, message: how + before, initiator: 'remote', cause, silent: true });
}

/** What may stand between us and a server that ended the connection before HTTP/2 began. */
function doubts({ opening, config }: ConnectionState): string {
  const foreign = opening.foreign(config.origin);
  if (foreign !== undefined) return `. ${foreign}`;
  return config.origin.startsWith('http:')
    ? ': does it speak HTTP/2, and in the clear? Where the port speaks TLS, use an https: URL'
    : ': does it speak HTTP/2?';
}

/** Graceful: GOAWAY goes out once, nothing new is admitted from this step on, running streams finish. */
export function goAway(c: ConnectionState): void {
  if (c.goAway.sent || c.failure !== undefined) return;
  c.goAway.markSent();
  c.writer.goAway(0, ErrorCode.NoError);
  traceGoAway(c, ErrorCode.NoError);
  c.events.onOutput();
  c.events.onCapacity();
  checkDrained(c);
}

function traceGoAway(c: ConnectionState, errorCode: number): void {
  const detail = `error=${errorCodeName(errorCode)} last=0`;
  c.config.trace?.({ sent: true, type: FrameType.GoAway, flags: 0, streamId: 0, length: 8, detail });
}
