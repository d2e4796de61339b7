import type { AddressEvent, ConnectionEvent, DialTimes, FrameEvent, Observer, RequestEvent } from '../ports/index.js';
import { flagNames, frameTypeName } from '../wire/describe.js';
import { Flag, FrameType } from '../wire/index.js';
import { withoutSecret } from './secrets.js';
import { messageOf, type TraceEvent } from './trace-event.js';
import { RequestRow } from './trace-request.js';
import { fieldPairs } from '../field-list.js';

export interface TraceOptions {
  /** Takes the next piece of the file. */
  readonly write: (text: string) => void;
  /** Keep the values of fields that carry credentials. Default: false. */
  readonly showSecrets?: boolean | undefined;
  /** Frames that are kept, the first of them; what comes after is counted. Default: 200,000. */
  readonly maxFrames?: number | undefined;
}

/** Rows of a connection beside its streams, whose IDs are odd. */
const connectionRow = 0;
const silenceRow = 2;
const slowRow = 4;

const initialWindow = 65_535;
/** Counters change no oftener than this in the file, in milliseconds. */
const counterStep = 1;

interface ConnectionRow {
  readonly id: number;
  readonly connectedAt: number;
  readonly dial: DialTimes | undefined;
  /** Since when; -1: it is not. */
  stalledSince: number;
  silentSince: number;
  slowSince: number;
  settingsReceived: boolean;
  sendWindow: number;
  /** The most the send window has been: what is missing of it is in flight. */
  sendWindowMost: number;
  receiveWindow: number;
  countedAt: number;
  countDue: boolean;
}

/**
 * An observer that writes what it sees in the Chrome trace-event format, which Perfetto and chrome://tracing open: a
 * process for each connection, in it a row for each stream, with slices for queue, dial, sending, wait and body.
 */
export class TraceWriter implements Observer {
  private readonly options: TraceOptions;
  private readonly requests = new Map<number, RequestRow>();
  private readonly connections = new Map<number, ConnectionRow>();
  /** Dials that have not come to anything, by origin, the oldest first. */
  private readonly dialling = new Map<string, number[]>();
  private failures = 0;
  private framesLeft: number;
  private framesLeftOut = 0;
  private start: number | undefined = undefined;
  private last = 0;
  private first = true;

  constructor(options: TraceOptions) {
    this.options = options;
    this.framesLeft = options.maxFrames ?? 200_000;
    this.emit({ ph: 'M', name: 'process_name', pid: 0, tid: 0, ts: 0, args: { name: 'no connection' } });
  }

  /** Ends what is open and the file with it. */
  close(): void {
    for (const row of this.requests.values()) this.emitAll(row.finish(this.last, 'unfinished', this.dialOf(row)));
    for (const row of this.connections.values()) this.endConnection(row, this.last);
    const { framesLeftOut } = this;
    if (framesLeftOut > 0) this.instant(0, connectionRow, this.last, `${framesLeftOut} frames left out`, 'trace', {});
    this.options.write('\n]\n');
  }

  // --- observing ---

  request(event: RequestEvent): void {
    const time = this.at(event.time);
    if (event.type === 'start') {
      this.requests.set(event.request.id, new RequestRow(event.request, time));
      return;
    }
    const row = this.requests.get(event.request.id);
    if (row === undefined) return;
    if (event.type === 'bound' || event.type === 'hedge')
      this.name(event.connection ?? 0, event.streamId ?? 0, row.title);
    const ended = row.take(event, time, this.dialOf(row));
    this.emitAll(ended);
    if (event.type === 'end' || event.type === 'error') this.requests.delete(event.request.id);
  }

  connection(event: ConnectionEvent): void {
    const time = this.at(event.time);
    switch (event.type) {
      case 'dialling':
        this.dialling.set(event.origin, [...(this.dialling.get(event.origin) ?? []), time]);
        return;
      case 'dial-failed':
        return this.dialFailed(event, time);
      case 'connected':
        return this.connected(event);
      default: {
        const row = this.connections.get(event.connection);
        if (row !== undefined) this.change(row, event, time);
      }
    }
  }

  address({ type, origin, address, reason, until, time }: AddressEvent): void {
    const at = this.at(time);
    const more = {
      ...(reason === undefined ? {} : { reason }),
      ...(until === undefined ? {} : { until: this.until(until) }),
    };
    this.instant(0, connectionRow, at, type, 'address', { origin, address, ...more });
  }

  frame(event: FrameEvent): void {
    const time = this.at(event.time);
    const row = this.connections.get(event.connection);
    if (row !== undefined) this.follow(row, event, time);
    if (this.framesLeft === 0) {
      this.framesLeftOut += 1;
      return;
    }
    this.framesLeft -= 1;
    const { direction, length, detail } = event;
    const flags = flagNames(event.type, event.flags);
    this.instant(event.connection, event.streamId, time, frameTypeName(event.type), 'frame', {
      direction,
      length,
      ...(flags.length === 0 ? {} : { flags: flags.join('|') }),
      ...(detail === undefined ? {} : { detail }),
      ...(event.fields === undefined ? {} : { fields: this.fieldsOf(event.fields) }),
    });
  }

  // --- connections ---

  private connected(event: ConnectionEvent): void {
    const { connection, origin, remoteAddress, dial, alpnProtocol, tls } = event;
    const time = this.at(event.time);
    this.takeDial(origin);
    this.connections.set(connection, {
      id: connection,
      connectedAt: time,
      dial,
      stalledSince: -1,
      silentSince: -1,
      slowSince: -1,
      settingsReceived: false,
      sendWindow: initialWindow,
      sendWindowMost: initialWindow,
      receiveWindow: initialWindow,
      countedAt: -counterStep * 1000,
      countDue: true,
    });
    const where = remoteAddress === undefined ? '' : ` (${remoteAddress})`;
    const name = `connection ${connection} ${origin}${where}`;
    this.emit({ ph: 'M', name: 'process_name', pid: connection, tid: 0, ts: 0, args: { name } });
    this.emit({
      ph: 'M',
      name: 'process_sort_index',
      pid: connection,
      tid: 0,
      ts: 0,
      args: { sort_index: connection },
    });
    this.name(connection, connectionRow, 'connection');
    if (dial !== undefined) this.dialled(connection, time, dial);
    this.instant(connection, connectionRow, time, 'connected', 'connection', {
      origin,
      remoteAddress,
      alpnProtocol,
      tls,
    });
  }

  private dialled(connection: number, time: number, dial: DialTimes): void {
    let from = this.at(dial.begun);
    this.slice(connection, connectionRow, from, time, 'dial', 'connection');
    for (const [name, end] of [
      ['lookup', dial.lookup],
      ['tcp', dial.connect],
      ['tls', dial.secure],
    ] as const) {
      if (end === undefined) continue;
      const to = Math.min(time, this.at(end));
      this.slice(connection, connectionRow, from, to, name, 'connection');
      from = to;
    }
  }

  private dialFailed({ origin, error }: ConnectionEvent, time: number): void {
    const begun = this.takeDial(origin) ?? time;
    const row = ++this.failures * 2;
    this.name(0, row, `dials of ${origin}`);
    this.slice(0, row, begun, time, 'dial failed', 'connection', { error: messageOf(error) });
  }

  private takeDial(origin: string): number | undefined {
    const waiting = this.dialling.get(origin) ?? [];
    const begun = waiting.shift();
    if (waiting.length === 0) this.dialling.delete(origin);
    return begun;
  }

  private change(row: ConnectionRow, event: ConnectionEvent, time: number): void {
    if (event.type === 'stalled') row.stalledSince = time;
    else if (event.type === 'resumed') this.endStall(row, time);
    else if (event.type === 'silent') row.silentSince = time;
    else if (event.type === 'slow') row.slowSince = time;
    else if (event.type === 'eased') this.endSlow(row, time);
    else if (event.type === 'draining') this.instant(row.id, connectionRow, time, 'draining', 'connection', {});
    else {
      this.endConnection(row, time);
      this.connections.delete(row.id);
      const args = event.error === undefined ? {} : { error: messageOf(event.error) };
      this.instant(row.id, connectionRow, time, 'closed', 'connection', args);
    }
  }

  private endConnection(row: ConnectionRow, time: number): void {
    this.endStall(row, time);
    this.endSilence(row, time);
    this.endSlow(row, time);
    this.count(row, time, true);
  }

  private endStall(row: ConnectionRow, time: number): void {
    if (row.stalledSince >= 0) this.slice(row.id, connectionRow, row.stalledSince, time, 'stalled', 'connection');
    row.stalledSince = -1;
  }

  private endSlow(row: ConnectionRow, time: number): void {
    if (row.slowSince < 0) return;
    this.name(row.id, slowRow, 'bulk');
    this.slice(row.id, slowRow, row.slowSince, time, 'slow', 'connection');
    row.slowSince = -1;
  }

  private endSilence(row: ConnectionRow, time: number): void {
    if (row.silentSince < 0) return;
    this.name(row.id, silenceRow, 'silence');
    this.slice(row.id, silenceRow, row.silentSince, time, 'silent', 'connection');
    row.silentSince = -1;
    // A stall for want of an answer to the probe ends with the answer, and nobody says so.
    this.endStall(row, time);
  }

  /** What a frame says of its connection: that the peer lives, and how the windows stand. */
  private follow(
    row: ConnectionRow,
    { direction, type, flags, streamId, length, detail }: FrameEvent,
    time: number,
  ): void {
    if (direction === 'received') {
      this.endSilence(row, time);
      if (!row.settingsReceived && type === FrameType.Settings && (flags & Flag.Ack) === 0) {
        row.settingsReceived = true;
        this.slice(row.id, connectionRow, row.connectedAt, time, 'settings', 'connection');
      }
    }
    const sent = direction === 'sent';
    if (type === FrameType.Data && sent) row.sendWindow -= length;
    else if (type === FrameType.Data) row.receiveWindow -= length;
    else if (type === FrameType.WindowUpdate && streamId === 0) {
      const increment = Number(detail?.slice('increment='.length) ?? 0);
      if (sent) row.receiveWindow += increment;
      else row.sendWindow += increment;
    } else return;
    row.sendWindowMost = Math.max(row.sendWindowMost, row.sendWindow);
    row.countDue = true;
    this.count(row, time, false);
  }

  private count(row: ConnectionRow, time: number, force: boolean): void {
    if (!row.countDue || (!force && time - row.countedAt < counterStep * 1000)) return;
    row.countDue = false;
    row.countedAt = time;
    const { sendWindow, receiveWindow, sendWindowMost } = row;
    for (const [name, bytes] of [
      ['send window', sendWindow],
      ['receive window', receiveWindow],
      ['in flight', sendWindowMost - sendWindow],
    ] as const)
      this.emit({ ph: 'C', name, pid: row.id, tid: connectionRow, ts: time, args: { bytes } });
  }

  private dialOf(row: RequestRow): { readonly begun: number; readonly connected: number } | undefined {
    const connection = this.connections.get(row.connection ?? 0);
    if (connection?.dial === undefined) return undefined;
    return { begun: this.at(connection.dial.begun), connected: connection.connectedAt };
  }

  // --- writing ---

  /** Microseconds since the first event. */
  private at(time: number): number {
    this.start ??= time;
    const at = Math.max(0, Math.round((time - this.start) * 1000));
    this.last = Math.max(this.last, at);
    return at;
  }

  /** The same of a time to come, which is not part of the trace yet. */
  private until(time: number): number {
    return Math.round((time - (this.start ?? time)) * 1000);
  }

  private fieldsOf(fields: readonly string[]): Record<string, string> {
    const shown: Record<string, string> = {};
    for (const [name, given] of fieldPairs(fields)) {
      const value = this.options.showSecrets === true ? given : withoutSecret(name, given, '[hidden]');
      shown[name] = Object.hasOwn(shown, name) ? `${shown[name]}, ${value}` : value;
    }
    return shown;
  }

  private name(pid: number, tid: number, name: string): void {
    this.emit({ ph: 'M', name: 'thread_name', pid, tid, ts: 0, args: { name } });
    this.emit({ ph: 'M', name: 'thread_sort_index', pid, tid, ts: 0, args: { sort_index: tid } });
  }

  private slice(pid: number, tid: number, from: number, to: number, name: string, cat: string, args = {}): void {
    this.emit({ ph: 'X', name, cat, pid, tid, ts: from, dur: Math.max(0, to - from), args });
  }

  private instant(
    pid: number,
    tid: number,
    ts: number,
    name: string,
    cat: string,
    args: TraceEvent['args'] = {},
  ): void {
    this.emit({ ph: 'i', s: 't', name, cat, pid, tid, ts, args });
  }

  private emitAll(events: readonly TraceEvent[]): void {
    for (const event of events) this.emit(event);
  }

  private emit(event: TraceEvent): void {
    this.options.write(`${this.first ? '[' : ','}\n${JSON.stringify(event)}`);
    this.first = false;
  }
}
