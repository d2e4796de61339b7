import type { TransportOptions } from '../../dist/transport-options.js';
import type { FacadeKind } from './facades.js';
import type { Buffers } from './pipe.js';

export const sourceKinds = [
  'bytes',
  'text',
  'array buffer',
  'made',
  'generator',
  'refilled',
  'made generator',
  'readable',
  'web stream',
] as const;
export type SourceKind = (typeof sourceKinds)[number];

export const readerKinds = ['bytes', 'pieces', 'borrow', 'stream', 'dump', 'slow', 'half', 'unread'] as const;
export type ReaderKind = (typeof readerKinds)[number];

/** What a request sends. */
export interface UploadPlan {
  readonly kind: SourceKind;
  readonly bytes: number;
  /** Between two pieces of a source that is not at hand, in milliseconds. */
  readonly pause: number;
  /** It throws when half of it has been read. */
  readonly fails: boolean;
  readonly trailers: boolean;
}

/** What the server's handler does with a request. */
export interface HandlerPlan {
  /** Before the headers of the response, in milliseconds. */
  readonly delay: number;
  readonly status: number;
  /** Of the body. */
  readonly bytes: number;
  /** Between two pieces of it, in milliseconds. */
  readonly pause: number;
  readonly trailers: boolean;
  readonly informational: boolean;
  /** It answers without having read the request's body. */
  readonly early: boolean;
  /** Before it reads the body, in milliseconds; Infinity: it never does. */
  readonly readsAfter: number;
}

export interface RequestPlan {
  readonly id: number;
  /** In milliseconds from the beginning. */
  readonly at: number;
  /** The number of its origin. */
  readonly origin: number;
  readonly facade: FacadeKind;
  readonly idempotent: boolean;
  readonly upload: UploadPlan | undefined;
  readonly expectContinue: boolean;
  readonly urgency: number | undefined;
  readonly reader: ReaderKind;
  /** In milliseconds from its start; undefined: it is not aborted. */
  readonly abortAfter: number | undefined;
  readonly timeout: number;
  readonly headersTimeout: number;
  readonly bodyTimeout: number;
  readonly handler: HandlerPlan;
}

export interface OriginPlan {
  readonly name: string;
  readonly secure: boolean;
  /** How many machines it has. */
  readonly hosts: number;
  /** One way, in milliseconds. */
  readonly delay: number;
  /** Bytes a millisecond; 0: no bound. */
  readonly bandwidth: number;
  /** Of streams. */
  readonly limit: number;
  readonly initialWindow: number;
  /** Of a new connection, in bytes: 65,535 at least. */
  readonly connectionWindow: number;
  /** Its handlers give credit back as they read; else all is given back on receipt. */
  readonly creditByHandlers: boolean;
}

export interface FaultPlan {
  readonly kind: string;
  readonly at: number;
  readonly lasts: number;
  /** Chooses the origin or the machine; a number from 0 to 1. */
  readonly target: number;
  /** Chooses what else there is to choose; a number from 0 to 1. */
  readonly amount: number;
}

/** All that is drawn for a run before it begins; what the servers draw while it runs comes from `seed` as well. */
export interface Plan {
  readonly seed: number;
  readonly options: TransportOptions;
  readonly buffers: Buffers;
  readonly origins: readonly OriginPlan[];
  readonly requests: readonly RequestPlan[];
  readonly faults: readonly FaultPlan[];
  /** How many bytes a read gives at most; 0: all there are. */
  readonly mostRead: number;
  /** When the transport is closed or destroyed while it works; undefined: it is closed when all is over. */
  readonly ending: { readonly at: number; readonly how: 'close' | 'destroy' } | undefined;
}

/** In milliseconds from the beginning: after this nothing misbehaves any more. */
export const healedAt = 240_000;
/** By then all is over. */
export const endsAt = 600_000;
