import type { Demand, Observer, Origin, OutgoingRequest, RequestTiming } from '../ports/index.js';
import type { RequestBody } from '../body/index.js';
import type { HedgeSettings } from './hedge-options.js';
import type { InformationalListener, RequestHooks } from './request-hooks.js';
import type { RequestOptions } from './request-options.js';
import type { GivenRetry } from './retry-options.js';

/** A request checked and made ready, once; it can then be sent any number of times. */
export interface PreparedRequest extends OutgoingRequest {
  readonly origin: Origin;
  /** As `ClientResponse.url` shows it: without fragment and user-info. */
  readonly url: string;
  readonly body: RequestBody | undefined;
  /** The body's declared length in bytes; -1: not known. */
  readonly length: number;
  /** What it asks of the connection that it goes out on. */
  readonly demand: Demand;
  /** Flat fields, read once (the caller's object may change or be spent), or the caller's function. */
  readonly trailers: readonly string[] | Extract<RequestOptions['trailers'], () => unknown> | undefined;
  readonly signal: AbortSignal | undefined;
  readonly timeout: number;
  readonly headersTimeout: number;
  readonly bodyTimeout: number;
  readonly idempotent: boolean;
  /** When it goes out once more; undefined: it does not. */
  readonly hedge: HedgeSettings | undefined;
  readonly expectContinue: boolean;
  readonly onInformational: InformationalListener | undefined;
  readonly upgrade: 'also' | 'only' | undefined;
  readonly limitsWait: boolean;
  /** We asked for content codings ourselves, so we undo them. */
  readonly decompress: boolean;
  readonly maxResponseSize: number;
  /** Undefined: as {@link ResponseBodyOptions} has it. */
  readonly maxDecompressionRatio: number | undefined;
  /** Of how it is sent again, what is not as the transport has it. */
  readonly retry: GivenRetry | undefined;
  /** The caller wants to know what it waited for. */
  readonly timing: boolean;
  /** There where `timing` is, once the request is under way. */
  readonly readTiming?: (() => RequestTiming) | undefined;
  readonly hooks: RequestHooks | undefined;
  readonly observer: Observer | undefined;
}

/** Whether sending it calls the caller's code. Strings, bytes and the like call nobody back. */
export function needsContext(request: PreparedRequest): boolean {
  const { body } = request;
  return (
    request.onInformational !== undefined ||
    request.hooks !== undefined ||
    typeof request.trailers === 'function' ||
    (body !== undefined && body.bytes === undefined)
  );
}
