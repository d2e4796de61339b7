import { addressesOf, type AddressConnection, type AddressNote, type ViewAddress } from './addresses.js';

/** What the page shows, made of a trace. Times are milliseconds from its start, kept short: the page carries it all. */
export interface ViewModel {
  readonly connections: ViewConnection[];
  /** Of names that stand for several, by origin. */
  readonly addresses: ViewAddress[];
  /** The last time in the trace. */
  readonly end: number;
}

export type Span = readonly [from: number, to: number];

export interface ViewConnection {
  /** 0: what never had a connection. */
  readonly id: number;
  name: string;
  /** Phases of the dial, and settings. */
  readonly dial: ViewPhase[];
  readonly stalls: Span[];
  readonly silences: Span[];
  /** While bulk filled its path. */
  readonly slows: Span[];
  readonly notes: { readonly at: number; readonly name: string; readonly detail: string }[];
  /** Windows and bytes in flight over time, in bytes. */
  readonly counters: Record<string, [at: number, bytes: number][]>;
  readonly rows: ViewRow[];
  /** Frames of stream 0. */
  readonly frames: ViewFrame[];
}

export interface ViewPhase {
  readonly name: string;
  readonly from: number;
  readonly to: number;
}

/** One attempt of a request. */
export interface ViewRow {
  readonly stream: number;
  readonly request: number;
  readonly attempt: number;
  readonly title: string;
  readonly url: string;
  /** A status, or what went wrong. */
  readonly result: string;
  readonly from: number;
  readonly to: number;
  readonly phases: ViewPhase[];
  /** What all of the request waited for, its attempts before included; on its last attempt. */
  readonly waited: readonly (readonly [name: string, time: number])[];
  readonly frames: ViewFrame[];
}

export interface ViewFrame {
  readonly at: number;
  readonly sent: boolean;
  readonly name: string;
  readonly length: number;
  /** Flags, what the payload says, and fields. */
  readonly detail: string;
}

/** The file is no trace that this can show; the message says why. */
export class NotATrace extends Error {
  constructor(message: string) {
    super(message);
    this.name = 'NotATrace';
  }
}

const counterNames: ReadonlySet<string> = new Set(['send window', 'receive window', 'in flight']);

interface RawEvent {
  readonly ph: string;
  readonly name: string;
  readonly cat?: string;
  readonly pid: number;
  readonly tid: number;
  readonly ts: number;
  readonly dur?: number;
  readonly args?: Readonly<Record<string, unknown>>;
}

/**
 * Reads a trace in the Chrome trace-event format: the array, whole or cut short as the format allows, or the object with
 * `traceEvents`. Throws {@link NotATrace}.
 */
export function readTrace(text: string): ViewModel {
  const connections = new Map<number, ViewConnection>();
  const rows = new Map<string, ViewRow>();
  const notes: AddressNote[] = [];
  const leads: AddressConnection[] = [];
  let end = 0;
  const events = parse(text).filter(isEvent);
  // A slice of a request comes before the slices within it; frames may come before any.
  for (const event of events) {
    const connection = connectionOf(connections, event.pid);
    end = Math.max(end, milliseconds(event.ts + (event.dur ?? 0)));
    if (event.ph === 'M' && event.name === 'process_name') connection.name = textOf(event.args?.['name']);
    else if (event.ph === 'C') addCount(connection, event);
    else if (event.ph === 'X') addSlice(connection, rows, event);
    else if (event.ph === 'i' && event.cat === 'address') notes.push(addressNote(event));
    else if (event.ph === 'i' && event.cat === 'connection') {
      addNote(connection, event);
      if (event.name === 'connected') leads.push(leadOf(connection, event));
    }
  }
  const lastRows = new Map<string, ViewRow[]>();
  for (const [id, connection] of connections)
    for (const row of connection.rows) lastRows.set(`${id}/${row.stream}`, [row]);
  for (const event of events) {
    if (event.ph !== 'i' || event.cat !== 'frame') continue;
    const row = lastRows.get(`${event.pid}/${event.tid}`)?.[0];
    (row ?? connectionOf(connections, event.pid)).frames.push(frameOf(event));
  }
  const shown = [...connections.values()].filter(isShown).sort((a, b) => a.id - b.id);
  if (shown.length === 0) throw new NotATrace('it holds neither connections nor requests of passinglane');
  for (const connection of shown) connection.rows.sort((a, b) => a.from - b.from || a.stream - b.stream);
  const addresses = addressesOf(notes, leads, end);
  return { connections: shown, addresses, end: Math.max(end, 0.001) };
}

/** Of other programs' traces, and of broken ones, what cannot be shown is left out. */
function isEvent(value: unknown): value is RawEvent {
  if (typeof value !== 'object' || value === null) return false;
  const { ph, name, pid, tid, ts, dur = 0, args = {} } = value as Readonly<Record<string, unknown>>;
  const named = typeof ph === 'string' && typeof name === 'string';
  return named && [pid, tid, ts, dur].every(Number.isFinite) && typeof args === 'object' && args !== null;
}

function parse(text: string): readonly unknown[] {
  const whole = tryParse(text) ?? tryParse(`${text.trimEnd().replace(/,$/, '')}]`) ?? tryParse(withoutLastLine(text));
  const events: unknown = Array.isArray(whole) ? whole : (whole as { traceEvents?: unknown } | undefined)?.traceEvents;
  if (!Array.isArray(events)) throw new NotATrace('it is not in the Chrome trace-event format (JSON)');
  return events as unknown[];
}

function tryParse(text: string): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch (error) {
    if (error instanceof SyntaxError) return undefined;
    throw error;
  }
}

/** A process that was killed leaves half a line. */
function withoutLastLine(text: string): string {
  const last = text.lastIndexOf(',\n');
  return `${text.slice(0, Math.max(0, last))}]`;
}

function connectionOf(connections: Map<number, ViewConnection>, id: number): ViewConnection {
  let connection = connections.get(id);
  if (connection === undefined) {
    const empty = { dial: [], stalls: [], silences: [], slows: [], notes: [], counters: {}, rows: [], frames: [] };
    connection = { id, name: `connection ${id}`, ...empty };
    connections.set(id, connection);
  }
  return connection;
}

function isShown({ rows, dial, frames }: ViewConnection): boolean {
  return rows.length > 0 || dial.length > 0 || frames.length > 0;
}

function addCount(connection: ViewConnection, event: RawEvent): void {
  const bytes = event.args?.['bytes'];
  if (typeof bytes !== 'number' || !counterNames.has(event.name)) return;
  (connection.counters[event.name] ??= []).push([milliseconds(event.ts), bytes]);
}

function addSlice(connection: ViewConnection, rows: Map<string, ViewRow>, event: RawEvent): void {
  const { name, args = {} } = event;
  const from = milliseconds(event.ts);
  const to = milliseconds(event.ts + (event.dur ?? 0));
  if (event.cat === 'connection') {
    if (name === 'stalled') connection.stalls.push([from, to]);
    else if (name === 'silent') connection.silences.push([from, to]);
    else if (name === 'slow') connection.slows.push([from, to]);
    else connection.dial.push({ name, from, to });
    return;
  }
  if (event.cat !== 'request') return;
  const key = `${event.pid}/${event.tid}`;
  if (args['request'] === undefined) {
    rows.get(key)?.phases.push({ name, from, to });
    return;
  }
  const result = textOf(args['result']);
  const title = name.endsWith(` ${result}`) ? name.slice(0, -result.length - 1) : name;
  const numbers = { stream: event.tid, request: Number(args['request']), attempt: Number(args['attempt']) };
  const row: ViewRow = {
    ...numbers,
    title,
    url: textOf(args['url']),
    result,
    from,
    to,
    phases: [],
    waited: waitsOf(args['waited']),
    frames: [],
  };
  rows.set(key, row);
  connection.rows.push(row);
}

function waitsOf(value: unknown): [string, number][] {
  if (typeof value !== 'object' || value === null) return [];
  return Object.entries(value).filter((entry): entry is [string, number] => typeof entry[1] === 'number');
}

function addNote(connection: ViewConnection, event: RawEvent): void {
  const detail = textOf(event.args?.['error']);
  connection.notes.push({ at: milliseconds(event.ts), name: event.name, detail });
}

function addressNote({ ts, name, args = {} }: RawEvent): AddressNote {
  const until = Number(args['until'] ?? Infinity);
  return {
    at: milliseconds(ts),
    type: name,
    origin: textOf(args['origin']),
    address: textOf(args['address']),
    reason: textOf(args['reason']),
    until: Number.isNaN(until) ? Infinity : milliseconds(until),
  };
}

/** Where it leads, and when it was closed, which its notes tell later. */
function leadOf({ rows, notes }: ViewConnection, { args = {} }: RawEvent): AddressConnection {
  return {
    origin: textOf(args['origin']),
    address: textOf(args['remoteAddress']),
    rows,
    get closedAt() {
      return notes.find(({ name }) => name === 'closed')?.at;
    },
  };
}

function frameOf({ ts, name, args = {} }: RawEvent): ViewFrame {
  const lines = [args['flags'], args['detail']].filter((part) => typeof part === 'string');
  const fields = Object.entries((args['fields'] ?? {}) as Record<string, unknown>);
  for (const [field, value] of fields) lines.push(`${field}: ${textOf(value)}`);
  const sent = args['direction'] === 'sent';
  return { at: milliseconds(ts), sent, name, length: Number(args['length'] ?? 0), detail: lines.join('\n') };
}

function milliseconds(microseconds: number): number {
  return Math.round(microseconds) / 1000;
}

function textOf(value: unknown): string {
  if (typeof value === 'string') return value;
  return typeof value === 'number' ? String(value) : '';
}
