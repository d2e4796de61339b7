/**
 * Rules of the RFCs as transcripts: what has happened, what arrives, what we send, what the caller sees, and whether the
 * connection lives. A request is always the one on stream 1.
 */
import assert from 'node:assert/strict';
import { errorCodeName } from '../../dist/errors.js';
import { flagNames, frameTypeName } from '../../dist/wire/index.js';
import {
  frame,
  harness,
  settingsPayload,
  uint32,
  type Call,
  type Harness,
  type PeerValues,
  type Sent,
} from '../support/harness.js';
import { encodeFields, type Field } from '../support/hpack.js';
import { flag, type as frameType } from '../support/raw-server.js';

/** Where things stand when the first frame of a rule arrives. */
export const givens = {
  preface: 'our preface is out, nothing has come',
  greeted: 'SETTINGS both ways, no request',
  request: 'GET on stream 1 is out',
  head: 'HEAD on stream 1 is out',
  upload: 'POST on stream 1 is out, its body is not',
  response: 'GET on stream 1, its headers (200) have come',
  length: 'GET on stream 1, headers (200, content-length: 3) have come',
  over: 'GET on stream 1 and its whole response (200)',
  answered: 'POST on stream 1 and its whole response (200), the upload goes on',
  cancelled: 'GET on stream 1, which we have reset',
} as const;

/** One frame of the peer's, and its line in the document. */
export interface Arrival {
  readonly text: string;
  readonly bytes: Uint8Array;
}

export interface RuleBase {
  readonly rfc: 9113 | 7541 | 9110 | 8441 | 9218 | 7838 | 8336;
  readonly section: string;
  /** What the RFC asks of a client, in our words. */
  readonly must: string;
}

/** A rule on what arrives. */
export interface Transcript extends RuleBase {
  readonly given: keyof typeof givens;
  readonly arrives: readonly Arrival[];
  /** The frames that we send in answer, in order. */
  readonly sends: readonly string[];
  /** What the caller of stream 1 has seen by then; none where there is no request. */
  readonly caller?: string;
  /** `lives`: another request on it is answered. `closes`: it takes no more and is done. Else the error code of its end. */
  readonly connection: string;
}

/** A rule on what we do, or one that one transcript cannot show: held by tests of these names. */
export interface Held extends RuleBase {
  readonly test: string | readonly string[];
}

export type Rule = Transcript | Held;

export function isTranscript(rule: Rule): rule is Transcript {
  return 'arrives' in rule;
}

/** The name of a transcript's test. */
export function ruleName(rule: Transcript, number: number): string {
  return `RFC ${rule.rfc} section ${rule.section} (${number}): ${rule.must}`;
}

// --- what arrives ---

/** One frame header, e.g. `HEADERS stream=1 length=30 flags=END_STREAM|END_HEADERS`. */
function describeFrame(type: number, flags: number, streamId: number, length: number): string {
  const head = `${frameTypeName(type)} stream=${streamId} length=${length}`;
  return flags === 0 ? head : `${head} flags=${flagNames(type, flags).join('|')}`;
}

function arrival(bytes: Buffer, more = ''): Arrival {
  const [type, flags, streamId] = [bytes[3]!, bytes[4]!, bytes.readUInt32BE(5)];
  return { text: describeFrame(type, flags, streamId, bytes.readUIntBE(0, 3)) + more, bytes };
}

export function anyFrame(type: number, flags: number, streamId: number, payload: Uint8Array | number = 0): Arrival {
  return arrival(frame(type, flags, streamId, typeof payload === 'number' ? Buffer.alloc(payload) : payload));
}

/** A frame header alone, with whatever length. */
export function headerOnly(type: number, flags: number, streamId: number, length: number): Arrival {
  const bytes = frame(type, flags, streamId);
  bytes.writeUIntBE(length, 0, 3);
  return arrival(bytes);
}

export function headers(
  fields: readonly Field[],
  options: { readonly end?: boolean; readonly id?: number } = {},
): Arrival {
  const flags = flag.endHeaders | (options.end === true ? flag.endStream : 0);
  const shown = fields.map(
    ([name, value]) => `${name}: ${value.length > 40 ? '...' : JSON.stringify(value).slice(1, -1)}`,
  );
  return arrival(frame(frameType.headers, flags, options.id ?? 1, encodeFields(fields)), ` (${shown.join(', ')})`);
}

export function block(bytes: Uint8Array, options: { readonly open?: boolean; readonly id?: number } = {}): Arrival {
  const flags = options.open === true ? 0 : flag.endHeaders;
  const hex = Buffer.from(bytes.subarray(0, 12)).toString('hex');
  return arrival(frame(frameType.headers, flags, options.id ?? 1, bytes), ` (${hex})`);
}

export function data(text: string, options: { readonly end?: boolean; readonly id?: number } = {}): Arrival {
  const end = options.end === true ? flag.endStream : 0;
  return arrival(frame(frameType.data, end, options.id ?? 1, Buffer.from(text)));
}

export function settings(values: PeerValues): Arrival {
  const shown = Object.entries(values).map(([name, value]) => `${name}=${value}`);
  return arrival(frame(frameType.settings, 0, 0, settingsPayload(values)), ` (${shown.join(', ')})`);
}

export function windowUpdate(streamId: number, increment: number): Arrival {
  return arrival(frame(frameType.windowUpdate, 0, streamId, uint32(increment)), ` (${increment})`);
}

export function reset(code: number, id = 1): Arrival {
  return arrival(frame(frameType.rstStream, 0, id, uint32(code)), ` (${errorCodeName(code)})`);
}

export function goAway(lastStreamId: number, code: number): Arrival {
  return arrival(
    frame(frameType.goaway, 0, 0, uint32(lastStreamId, code)),
    ` (last ${lastStreamId}, ${errorCodeName(code)})`,
  );
}

export const ok: readonly Field[] = [[':status', '200']];

// --- playing one ---

interface Scene {
  readonly h: Harness;
  readonly call: Call | undefined;
}

function setScene(given: keyof typeof givens): Scene {
  const h = harness();
  if (given === 'preface') {
    h.pump();
    h.discard();
    return { h, call: undefined };
  }
  h.greet();
  if (given === 'greeted') return { h, call: undefined };
  const method = given === 'head' ? 'HEAD' : given === 'upload' || given === 'answered' ? 'POST' : 'GET';
  const call = h.open(method, '/', [], method === 'POST');
  h.expect.headers(call, { end: method !== 'POST' });
  if (given === 'response') h.peer.headers(call, 200);
  if (given === 'length') h.peer.headers(call, 200, { fields: [['content-length', '3']] });
  if (given === 'over' || given === 'answered') h.peer.headers(call, 200, { end: true });
  if (given === 'cancelled') {
    call.reset();
    h.expect.reset(call, 8, 'CANCEL');
    h.peer.pong(h.expect.ping('with the reset'));
  }
  return { h, call };
}

/** A frame that we sent, as the rules write it. */
export function describeSent({ type, flags, streamId, payload }: Omit<Sent, 'fields'>): string {
  switch (type) {
    case frameType.rstStream:
      return `RST_STREAM ${streamId} ${errorCodeName(payload.readUInt32BE(0))}`;
    case frameType.goaway:
      return `GOAWAY ${errorCodeName(payload.readUInt32BE(4))}`;
    case frameType.settings:
      return (flags & flag.ack) !== 0 ? 'SETTINGS ACK' : 'SETTINGS';
    case frameType.ping:
      return `${(flags & flag.ack) !== 0 ? 'PING ACK' : 'PING'} ${payload.toString('latin1')}`;
    case frameType.windowUpdate:
      return `WINDOW_UPDATE ${streamId} ${payload.readUInt32BE(0)}`;
    default:
      return describeFrame(type, flags, streamId, payload.length);
  }
}

/** What the caller has seen, in one line. */
export function describeCall(call: Call): string {
  const parts: string[] = [];
  if (call.informational.length > 0) parts.push(`1xx: ${call.informational.join(' ')}`);
  if (call.status !== undefined) parts.push(String(call.status));
  if (call.body !== '') parts.push(`body "${call.body}"`);
  if (call.trailers !== undefined) parts.push(`trailers ${call.trailers.join(': ')}`);
  if (call.ended) parts.push('whole');
  if (call.error !== undefined) parts.push(`${call.error.code} ${call.error.errorCode ?? ''}`.trimEnd());
  if (!call.ended && call.error === undefined) parts.push('waits');
  return parts.join(', ');
}

/** Plays a transcript and holds everything it says against what happens. */
export function play(rule: Transcript): void {
  const call = playFrames(rule);
  if (call !== undefined && rule.given !== 'cancelled')
    assert.equal(describeCall(call), rule.caller, 'what the caller sees');
}

/** Plays what is on the wire alone: what arrives, what we send, and what becomes of the connection. */
export function playFrames(rule: Pick<Transcript, 'given' | 'arrives' | 'sends' | 'connection'>): Call | undefined {
  const { h, call } = setScene(rule.given);
  for (const { bytes } of rule.arrives) h.peer.bytes(bytes);
  assert.deepEqual(h.pending.map(describeSent), rule.sends, 'what we send');
  h.discard();
  if (rule.connection === 'lives') assertLives(h);
  else if (rule.connection === 'closes') {
    assert.deepEqual([h.failure, h.drained], [undefined, true], 'the connection is done with its last stream');
  } else {
    assert.equal(h.failure?.errorCode, rule.connection, 'the connection ends');
    assert.equal(rule.sends.at(-1), `GOAWAY ${rule.connection}`, 'it says why, and that is the last it says');
  }
  return call;
}

/** Another request on the same connection is answered. */
function assertLives(h: Harness): void {
  assert.equal(h.failure, undefined, 'the connection lives');
  const next = h.get('/next');
  h.expect.headers(next, { end: true });
  h.peer.headers(next, 200, { end: true });
  assert.equal(next.ended, true, 'and serves the next request');
  h.expect.quiet('nothing else is said');
}
