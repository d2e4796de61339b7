import { concealed, invalidArgument, unknownName } from '../errors.js';
import type { RequestBodyInit } from '../body/index.js';
import { checkTime, isRecord } from './checks.js';
import { checkHedge, type HedgeOptions } from './hedge-options.js';
import { checkRetry, type RequestRetry } from './retry-options.js';

/** Header or trailer fields: a record (several values as an array), pairs, or a Headers. */
export type HeadersInput =
  | Readonly<Record<string, string | number | readonly string[] | undefined>>
  | Iterable<readonly [string, string]>
  | Headers;

/** RFC 9218: sent as the `priority` field, and orders our own uploads. */
export interface RequestPriority {
  /** 0 (most urgent) to 7. Default: 3. */
  readonly urgency?: number | undefined;
  /** Whether the response is of use in parts. Default: false. */
  readonly incremental?: boolean | undefined;
}

/** Options of one request. Times are milliseconds; 0 turns a time-out off. */
export interface RequestOptions {
  /**
   * Default: GET, or POST where `json` is given, or CONNECT where `protocol` is. As in fetch, delete, get, head, options, post and put go out in
   * upper case; in others the case matters (RFC 9110 section 9.1), so that it is PATCH.
   */
  readonly method?: string | undefined;
  readonly headers?: HeadersInput | undefined;
  /**
   * Bytes are borrowed until the request settles. A stream can be sent again only if it came from a function. One that is
   * given up (the request failed, was aborted, or was answered early) is destroyed; but what a server has received
   * (IncomingMessage, Http2ServerRequest, ServerHttp2Stream) is left alive, so that its owner can still answer.
   */
  readonly body?: RequestBodyInit | undefined;
  /**
   * A value that goes out as the body, as JSON.stringify writes it when the request is made; with a content-type of
   * application/json, unless `headers` has one. Not beside `body`. Default: undefined, which is none; null is a value.
   */
  readonly json?: unknown;
  /** Sent after the body; a function is called when the body has ended. */
  readonly trailers?: HeadersInput | (() => HeadersInput | Promise<HeadersInput>) | undefined;
  readonly signal?: AbortSignal | undefined;
  /** Covers queueing, dialling, headers and body. Default: 0. */
  readonly timeout?: number | undefined;
  /** From the request written to the response's headers. Default: the transport's. */
  readonly headersTimeout?: number | undefined;
  /** Between two pieces of the body. Default: the transport's. */
  readonly bodyTimeout?: number | undefined;
  /**
   * True: may be sent again after a failure that leaves its fate unknown. Default: false, but a GET, HEAD or OPTIONS without
   * a body that met a kept HTTP/1.1 connection closed goes out again, once.
   */
  readonly idempotent?: boolean | undefined;
  /**
   * Without response headers by then it goes out once more, on another connection; the first answer counts. Only where it is
   * `idempotent` and its body can be had again. False: not at all. Default: the transport's.
   */
  readonly hedge?: HedgeOptions | false | undefined;
  /** How it is sent again where it may be. What is not given here is the transport's. Default: the transport's. */
  readonly retry?: RequestRetry | undefined;
  /** Sends `expect: 100-continue` and holds the body back until 100 or a second has passed. Default: false. */
  readonly expectContinue?: boolean | undefined;
  /** Called for each 1xx response, in the caller's async context. */
  readonly onInformational?: ((status: number, headers: Headers) => void) | undefined;
  readonly priority?: RequestPriority | undefined;
  /** The `:protocol` of extended CONNECT (RFC 8441). */
  readonly protocol?: string | undefined;
  /** Asks for and undoes content codings. Default: the transport's. */
  readonly decompress?: boolean | undefined;
  /** Whether `response.timing`, and `timing` of a TransportError, tell what the request waited for. Default: false. */
  readonly timing?: boolean | undefined;
}

const known = new Set<string>([
  'method',
  'headers',
  'body',
  'json',
  'trailers',
  'signal',
  'timeout',
  'headersTimeout',
  'bodyTimeout',
  'idempotent',
  'hedge',
  'retry',
  'expectContinue',
  'onInformational',
  'priority',
  'protocol',
  'decompress',
  'timing',
]);

/** Throws a TypeError, ERR_INVALID_ARG_VALUE, for an option that is unknown or out of range. */
export function checkRequestOptions(options: RequestOptions): void {
  if (!isRecord(options)) throw invalidArgument('options', options, 'an object with request options');
  for (const name of Object.keys(options)) {
    if (!known.has(name))
      throw unknownName(`option '${name}'`, name, (options as Record<string, unknown>)[name], [...known]);
  }
  const { method, protocol, timeout, headersTimeout, bodyTimeout } = options;
  checkType('method', method, 'string', 'a method name such as GET');
  if (method === '') throw invalidArgument("option 'method'", method, 'a method name such as GET');
  checkType('protocol', protocol, 'string', 'a protocol name such as websocket');
  if (timeout !== undefined) checkTime('timeout', timeout);
  if (headersTimeout !== undefined) checkTime('headersTimeout', headersTimeout);
  if (bodyTimeout !== undefined) checkTime('bodyTimeout', bodyTimeout);
  checkType('idempotent', options.idempotent, 'boolean', 'true or false');
  if (options.hedge !== undefined && options.hedge !== false) checkHedge('hedge', options.hedge);
  if (options.retry !== undefined) checkRetry(options.retry);
  checkType('expectContinue', options.expectContinue, 'boolean', 'true or false');
  checkType('decompress', options.decompress, 'boolean', 'true or false');
  checkType('timing', options.timing, 'boolean', 'true or false');
  checkType('onInformational', options.onInformational, 'function', 'a function (status, headers)');
  if (options.json !== undefined && options.body !== undefined && options.body !== null)
    throw invalidArgument("option 'json'", Object(options.json), "undefined where 'body' is given");
  const { signal, priority, headers, trailers } = options;
  checkSignal(signal);
  if (priority !== undefined) checkPriority(priority);
  if (headers !== undefined && (typeof headers !== 'object' || (headers as unknown) === null))
    throw invalidArgument("option 'headers'", concealed(headers), 'a record, pairs, or a Headers');
  if (
    trailers !== undefined &&
    typeof trailers !== 'function' &&
    (typeof trailers !== 'object' || (trailers as unknown) === null)
  )
    throw invalidArgument(
      "option 'trailers'",
      concealed(trailers),
      'a record, pairs, a Headers, or a function that returns one',
    );
}

function checkType(name: string, value: unknown, type: 'string' | 'boolean' | 'function', allowed: string): void {
  if (value !== undefined && typeof value !== type) throw invalidArgument(`option '${name}'`, value, allowed);
}

/** What something that is waited for takes: both are optional. */
export interface WaitOptions {
  readonly signal?: AbortSignal | undefined;
  /** In milliseconds; 0: none. */
  readonly timeout?: number | undefined;
}

/** Throws a TypeError (ERR_INVALID_ARG_VALUE) for an option that is not `known`, and for a value that cannot be. */
export function checkWait(options: WaitOptions, ...known: readonly (keyof WaitOptions)[]): void {
  if (!isRecord(options)) throw invalidArgument('options', options, `an object with ${known.join(', ')}`);
  for (const name of Object.keys(options) as (keyof WaitOptions)[])
    if (!known.includes(name)) throw unknownName(`option '${name}'`, name, options[name], known);
  checkSignal(options.signal);
  if (options.timeout !== undefined) checkTime('timeout', options.timeout);
}

function checkSignal(signal: unknown): void {
  if (signal !== undefined && !isSignal(signal)) throw invalidArgument("option 'signal'", signal, 'an AbortSignal');
}

function isSignal(value: unknown): boolean {
  return typeof value === 'object' && value !== null && 'aborted' in value && 'addEventListener' in value;
}

function checkPriority(priority: RequestPriority): void {
  if (!isRecord(priority)) throw invalidArgument("option 'priority'", priority, '{ urgency, incremental }');
  for (const [name, value] of Object.entries(priority)) {
    if (name !== 'urgency' && name !== 'incremental')
      throw unknownName(`option 'priority.${name}'`, name, value, ['urgency', 'incremental']);
  }
  const { urgency } = priority;
  if (urgency !== undefined && !(Number.isInteger(urgency) && urgency >= 0 && urgency <= 7))
    throw invalidArgument("option 'priority.urgency'", urgency, 'an integer from 0 to 7');
  checkType('priority.incremental', priority.incremental, 'boolean', 'true or false');
}
