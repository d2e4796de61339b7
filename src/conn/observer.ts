import type { FrameRecord } from '../protocol/index.js';

/** One frame, either way. Its `fields` may hold secrets. */
export interface FrameEvent extends Omit<FrameRecord, 'sent'> {
  /** The connection's number, as in `ClientResponse.connection.id`. */
  readonly connection: number;
  readonly direction: 'sent' | 'received';
  /** Monotonic milliseconds. */
  readonly time: number;
}

/** A step in a connection's life. */
export interface ConnectionEvent {
  /** The connection's number; 0 for a dial that has not come to one. */
  readonly connection: number;
  readonly origin: string;
  readonly type: 'dialling' | 'connected' | 'stalled' | 'resumed' | 'silent' | 'draining' | 'closed' | 'dial-failed';
  readonly time: number;
  readonly error?: unknown;
  readonly remoteAddress?: string | undefined;
  readonly alpnProtocol?: string | undefined;
  readonly tls?: { readonly version: string; readonly cipher: string } | undefined;
}

/** Sees frames and events as they happen. It is called between steps of a connection; what it throws is the process's. */
export interface Observer {
  frame?(event: FrameEvent): void;
  connection?(event: ConnectionEvent): void;
}
