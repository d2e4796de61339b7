import type { Duplex, Readable, Writable } from 'node:stream';
import type { BodyReadable } from './body-readable.js';
import type { DispatchHeaders, DispatchOptions, IncomingHeaders } from './contract.js';

/** The options and results of a dispatcher's `request`, `stream`, `pipeline`, `connect` and `upgrade`, as undici has them. */

export interface CallOptions<TOpaque = null> {
  /** Handed through to the result. */
  opaque?: TOpaque;
  /** An AbortSignal, or an EventEmitter that emits 'abort': it ends the call. Undici's types have it unknown, too. */
  signal?: unknown;
  /** 'raw': `headers` are a list of names and values in turn. */
  responseHeaders?: 'raw' | null;
}

export interface RequestOptions<TOpaque = null> extends DispatchOptions, CallOptions<TOpaque> {
  /** Called for each 1xx response. */
  onInfo?: ((info: { statusCode: number; headers: Record<string, string | string[]> }) => void) | null;
  /** Of the response's body. Default: 65,536 bytes. */
  highWaterMark?: number;
}

export interface PipelineOptions<TOpaque = null> extends RequestOptions<TOpaque> {
  objectMode?: boolean;
}

export interface ConnectOptions<TOpaque = null> extends CallOptions<TOpaque> {
  origin: string | URL;
  path: string;
  headers?: DispatchHeaders | null;
}

export interface UpgradeOptions extends CallOptions {
  origin?: string | URL;
  path: string;
  method?: string;
  headers?: DispatchHeaders | null;
  /** Default: 'Websocket', the only one there is. */
  protocol?: string;
}

export interface ResponseHead<TOpaque> {
  statusCode: number;
  headers: IncomingHeaders;
  opaque: TOpaque;
  /** What interceptors tell of the request: redirect, as `history`, the URLs it went through. */
  context: object;
}

export interface ResponseData<TOpaque = null> extends ResponseHead<TOpaque> {
  /** Always empty in HTTP/2. */
  statusText: string;
  body: BodyReadable;
  /** Filled when the body has ended. */
  trailers: Record<string, string>;
}

export interface PipelineHandlerData<TOpaque = null> extends ResponseHead<TOpaque> {
  body: BodyReadable;
}

export interface StreamData<TOpaque = null> {
  opaque: TOpaque;
  trailers: Record<string, string>;
}

export interface ConnectData<TOpaque = null> {
  statusCode: number;
  headers: IncomingHeaders;
  socket: Duplex;
  opaque: TOpaque;
  context: object;
}

export interface UpgradeData<TOpaque = null> {
  headers: IncomingHeaders;
  socket: Duplex;
  opaque: TOpaque;
  context: object;
}

export type StreamFactory<TOpaque = null> = (head: ResponseHead<TOpaque>) => Writable;
export type PipelineHandler<TOpaque = null> = (data: PipelineHandlerData<TOpaque>) => Readable;
export type Callback<T> = (error: Error | null, data: T) => void;
