import { channel, type Channel } from 'node:diagnostics_channel';
import type { RequestTiming } from '../errors.js';
import type { FrameRecord } from '../protocol/index.js';

export type { RequestTiming };

/** One frame, either way. Its `fields` may hold secrets. */
export interface FrameEvent extends Omit<FrameRecord, 'sent'> {
  /** The connection's number, as in `ClientResponse.connection.id`. */
  readonly connection: number;
  readonly direction: 'sent' | 'received';
  /** Monotonic milliseconds. */
  readonly time: number;
}

/** When each phase of a dial was over, in monotonic milliseconds; undefined for a phase that there was not. */
export interface DialTimes {
  readonly begun: number;
  readonly lookup: number | undefined;
  readonly connect: number | undefined;
  readonly secure: number | undefined;
}

const connectionTypes = [
  'dialling',
  'connected',
  'stalled',
  'resumed',
  'silent',
  'slow',
  'eased',
  'draining',
  'closed',
  'dial-failed',
] as const;

/** A step in a connection's life. */
export interface ConnectionEvent {
  /** The connection's number; 0 for a dial that has not come to one. */
  readonly connection: number;
  readonly origin: string;
  readonly type: (typeof connectionTypes)[number];
  readonly time: number;
  readonly error?: unknown;
  readonly remoteAddress?: string | undefined;
  readonly alpnProtocol?: string | undefined;
  readonly tls?: { readonly version: string; readonly cipher: string } | undefined;
  /** How long it took to make the connection, where that was dialled over node:net. */
  readonly dial?: DialTimes | undefined;
}

const addressTypes = ['added', 'removed', 'failed', 'ejected', 'returned', 'slow-start'] as const;

/** What has become of one of several addresses that an origin's name stands for: docs/observability.md says what each type means. */
export interface AddressEvent {
  readonly origin: string;
  readonly address: string;
  readonly type: (typeof addressTypes)[number];
  readonly time: number;
  /** On 'ejected': it failed requests, answered many with a 5xx status, or took far longer than the others. */
  readonly reason?: 'failures' | 'errors' | 'latency' | undefined;
  /**
   * On 'failed' and 'ejected': until when, in the same milliseconds, unless it proves to be well again before. On 'slow-start':
   * when it has all of its share.
   */
  readonly until?: number | undefined;
}

const requestTypes = [
  'start',
  'queued',
  'bound',
  'hedge',
  'sent',
  'informational',
  'headers',
  'window-wait',
  'window-open',
  'retry',
  'end',
  'error',
] as const;

/** A request as its events know it: the same object in each of them, so that it can be the key of a WeakMap. */
export interface ObservedRequest {
  /** Distinct in this process, from 1. */
  readonly id: number;
  readonly method: string;
  readonly origin: string;
  /** Without user-info and fragment. */
  readonly url: string;
  /**
   * Adds a header field, such as `traceparent`, in lower case. Only during 'start'.
   * Throws ERR_PASSINGLANE_INVALID_HEADER for what cannot be one.
   */
  addHeader(name: string, value: string): void;
  /** Whether it is sent with a header field of that name, given in lower case. */
  hasHeader(name: string): boolean;
}

/** A step in a request's life: docs/observability.md says what each type means. */
export interface RequestEvent {
  readonly request: ObservedRequest;
  readonly type: (typeof requestTypes)[number];
  readonly time: number;
  /** How often it has been sent, this time included where it has been by now. */
  readonly attempt: number;
  /** The connection's number and the stream's, from 'bound' until it is sent again; on 'hedge' those of the second attempt. */
  readonly connection?: number | undefined;
  readonly streamId?: number | undefined;
  /** On 'bound' and 'hedge': the connection has carried a request before. */
  readonly reused?: boolean | undefined;
  readonly remoteAddress?: string | undefined;
  readonly remotePort?: number | undefined;
  /** On 'informational' and 'headers'; on 'retry', where an answer with this status is why it is sent again. */
  readonly status?: number | undefined;
  /** On 'error', what the caller gets; on 'retry', why it is sent again, where a failure is. */
  readonly error?: unknown;
  /** On 'retry': how long it waits first, in milliseconds. */
  readonly delay?: number | undefined;
  /** On 'end' and 'error': what it waited for until then. */
  readonly timing?: RequestTiming | undefined;
}

/**
 * Sees frames and events as they happen. Frames and the events of connections come in the middle of what they tell of:
 * what is called here looks, and neither throws nor calls back into the transport. Events of requests come after it.
 */
export interface Observer {
  frame?(event: FrameEvent): void;
  connection?(event: ConnectionEvent): void;
  address?(event: AddressEvent): void;
  request?(event: RequestEvent): void;
}

function channels<T extends string>(kind: string, types: readonly T[]): Readonly<Record<T, Channel>> {
  return Object.fromEntries(types.map((type) => [type, channel(`passinglane:${kind}:${type}`)])) as Record<T, Channel>;
}

/** For who listens to all of them. */
export const connectionChannelNames = connectionTypes.map((type) => `passinglane:connection:${type}`);
export const requestChannelNames = requestTypes.map((type) => `passinglane:request:${type}`);

const connectionChannels = channels('connection', connectionTypes);
const addressChannels = channels('address', addressTypes);
const requestChannels = channels('request', requestTypes);
const allRequestChannels = Object.values(requestChannels);

/** Whether an event of this type has anybody to be told to: else it need not be made. */
export function hearsConnection(observer: Observer | undefined, type: ConnectionEvent['type']): boolean {
  return observer?.connection !== undefined || connectionChannels[type].hasSubscribers;
}

/** Tells the observer, and those who subscribed to `passinglane:connection:TYPE`. */
export function tellConnection(observer: Observer | undefined, event: ConnectionEvent): void {
  observer?.connection?.(event);
  connectionChannels[event.type].publish(event);
}

/** Tells the observer, and those who subscribed to `passinglane:address:TYPE`. */
export function tellAddress(observer: Observer | undefined, event: AddressEvent): void {
  observer?.address?.(event);
  addressChannels[event.type].publish(event);
}

/** Whether anybody follows requests. */
export function hearsRequests(observer: Observer | undefined): boolean {
  if (observer?.request !== undefined) return true;
  for (const one of allRequestChannels) if (one.hasSubscribers) return true;
  return false;
}

/** Tells the observer, and those who subscribed to `passinglane:request:TYPE`. */
export function tellRequest(observer: Observer | undefined, event: RequestEvent): void {
  observer?.request?.(event);
  requestChannels[event.type].publish(event);
}
