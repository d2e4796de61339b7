import type { Duplex } from 'node:stream';

/**
 * Undici's contract between a dispatcher and those who call it, as undici 6, 7 and 8 have it between them. Stated here,
 * so that neither these types nor the code need undici to be installed.
 */

/** Header fields as undici shows them: several fields of one name as an array. */
export type IncomingHeaders = Record<string, string | string[] | undefined>;

/** Request header fields: a record, names and values in turn, or pairs. */
export type DispatchHeaders =
  | Readonly<Record<string, string | number | readonly string[] | null | undefined>>
  | readonly string[]
  | Iterable<readonly [string, string | readonly string[] | undefined]>;

/** Options of one request. Times are milliseconds. */
export interface DispatchOptions {
  origin?: string | URL;
  /** Goes out as it is. In a CONNECT: the host and port to connect to. */
  path: string;
  method: string;
  /** What the transport takes, and iterables. */
  body?: unknown;
  headers?: DispatchHeaders | null;
  /** For SNI and the check of the certificate; a connection carries requests of one name. Default: the origin's host. */
  servername?: string | null;
  /** Appended to the path. */
  query?: Record<string, unknown>;
  /** True: may be sent again after a failure that leaves its fate unknown. Default: false, GET or not. */
  idempotent?: boolean;
  /** Of no use to HTTP/2. */
  blocking?: boolean;
  /**
   * 'websocket' makes an extended CONNECT (RFC 8441), or HTTP/1.1's handshake where the server does not offer that;
   * nothing else can be upgraded to.
   */
  upgrade?: boolean | string | null;
  /** False: an upgrade goes out in HTTP/1.1. Of no use to other requests. */
  allowH2?: boolean;
  /**
   * From the request sent to the response's headers, and of the wait for a connection before; 0: no limit. Default: the
   * transport's.
   */
  headersTimeout?: number | null;
  /** Between two pieces of the body; 0: no limit. Default: the transport's. */
  bodyTimeout?: number | null;
  /** True: the connection carries no other request after this one, in HTTP/1.1; of no use to HTTP/2. */
  reset?: boolean;
  /** Sends `expect: 100-continue` and holds the body back until 100 or a second has passed. */
  expectContinue?: boolean;
}

/** What a handler of the current kind steers its request by. */
export interface DispatchController {
  readonly aborted: boolean;
  readonly paused: boolean;
  readonly reason: Error | null;
  /** Names and values in turn, as they came. */
  rawHeaders?: Buffer[] | string[] | null;
  rawTrailers?: Buffer[] | string[] | null;
  abort(reason?: Error): void;
  /** No data from here on, and no more credit to the server than its window has left. */
  pause(): void;
  resume(): void;
}

/** Both kinds: one with `onRequestStart` is of the current kind (undici 7 and 8), any other of the legacy one (6 and 7). */
export interface DispatchHandler {
  onRequestStart?(controller: DispatchController, context: unknown): void;
  onRequestUpgrade?(
    controller: DispatchController,
    statusCode: number,
    headers: IncomingHeaders,
    socket: Duplex,
  ): unknown;
  onResponseStart?(
    controller: DispatchController,
    statusCode: number,
    headers: IncomingHeaders,
    statusMessage?: string,
  ): void;
  onResponseData?(controller: DispatchController, chunk: Buffer): void;
  onResponseEnd?(controller: DispatchController, trailers: IncomingHeaders): void;
  onResponseError?(controller: DispatchController, error: Error): void;

  onConnect?(abort: (reason?: Error) => void, context?: unknown): void;
  onUpgrade?(statusCode: number, headers: Buffer[] | string[] | null, socket: Duplex): unknown;
  onHeaders?(statusCode: number, headers: Buffer[], resume: () => void, statusText: string): boolean | undefined;
  onData?(chunk: Buffer): boolean | undefined;
  onComplete?(trailers: (Buffer | string)[] | null): void;
  onError?(error: Error): void;

  /** A piece of the request's body was handed to the connection. */
  onBodySent?(chunk: Uint8Array | number, total?: number): void;
  /** All of the request was handed to the connection. */
  onRequestSent?(): void;
  onResponseStarted?(): void;
}

/** As of a method, so that it compares to undici's. */
export type Dispatch = { dispatch(options: DispatchOptions, handler: DispatchHandler): boolean }['dispatch'];

/** What `compose` takes. */
export type Interceptor = (dispatch: Dispatch) => Dispatch;
