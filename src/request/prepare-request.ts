import { concealed, invalidArgument, TransportError } from '../errors.js';
import { buildRequestFields, buildTrailerFields, declaredLength, SharedBlock } from '../protocol/index.js';
import { acceptEncoding, jsonBody, toRequestBody, type RequestBody } from '../body/index.js';
import { credentialsOf } from './basic-credentials.js';
import { demandOf } from './demand.js';
import { methodOf, normalizeMethod } from './methods.js';
import type { Observer, Origin } from '../ports/index.js';
import type { PreparedRequest } from './prepared-request.js';
import { resolveHedge, type HedgeSettings } from './hedge-options.js';
import type { InformationalListener, RequestHooks } from './request-hooks.js';
import { nameRequest } from '../request-line.js';
import {
  checkRequestOptions,
  type HeadersInput,
  type RequestOptions,
  type RequestPriority,
} from './request-options.js';
import { givenRetry } from './retry-options.js';
import type { HeaderRecipe, RequestHeader, Target, Targets } from './targets.js';
import { fieldValue, hasField } from '../field-list.js';

/** What a transport adds to each of its requests. */
export interface RequestDefaults {
  readonly headersTimeout: number;
  readonly bodyTimeout: number;
  readonly decompress: boolean;
  readonly maxResponseSize: number;
  readonly maxDecompressionRatio?: number | undefined;
  readonly userAgent: string;
  readonly observer?: Observer | undefined;
  readonly hedge?: HedgeSettings | undefined;
}

/** A request whose parts a facade has checked already. */
export interface RequestParts {
  readonly origin: Origin;
  /** Path and query as they go out, unlike those of a URL, which takes out `..` and encodes. */
  readonly path: string;
  /** Names in any case and values in turn. */
  readonly fields: readonly string[];
  /** Without `headers`. */
  readonly options: RequestOptions;
  readonly hooks: RequestHooks | undefined;
  /** In place of the option: hears of status texts too. */
  readonly onInformational?: InformationalListener | undefined;
  /** Codings are undone also where `fields` asked for them, as fetch does. Default: false. */
  readonly decodeAlways?: boolean | undefined;
  /**
   * Of an extended CONNECT: HTTP/1.1's Upgrade stands in for it where the server does not offer it ('also'), or is all
   * that is wanted ('only'; not of http: origins, which are spoken to as the transport's user says). Default: neither.
   */
  readonly upgrade?: 'also' | 'only' | undefined;
  /** `headersTimeout` is the limit of each wait for a connection as well. Default: false. */
  readonly limitsWait?: boolean | undefined;
}

/** As {@link prepareRequest}, for a facade. */
export function prepareParts(parts: RequestParts, defaults: RequestDefaults, targets: Targets): PreparedRequest {
  const { options } = parts;
  let body: RequestBody | undefined;
  try {
    body = toRequestBody(options.body);
    return assemble(targets.at(parts.origin, parts.path), parts, [...parts.fields], body, defaults);
  } catch (error) {
    // A path that is none would read as part of the host.
    const url = parts.origin.href + (parts.path.startsWith('/') ? parts.path : parts.path === '*' ? '' : '/');
    nameRequest(error, { method: methodOf(options), url });
    body?.discard(error);
    throw error;
  }
}

/**
 * Checks everything that can be checked without a connection. Throws a TypeError (ERR_INVALID_ARG_VALUE,
 * ERR_INVALID_URL) or a TransportError (ERR_PASSINGLANE_INVALID_HEADER, _INVALID_REQUEST, _UNSUPPORTED_SCHEME).
 */
export function prepareRequest(
  target: string | URL,
  options: RequestOptions | undefined,
  defaults: RequestDefaults,
  targets: Targets,
): PreparedRequest {
  // Nothing in such a request is its own: one serves all of its URL (5 to 10 % of the time of small requests).
  if (options === undefined) {
    const known = targets.of(target);
    return (known.bare ??= prepareBare(known, defaults));
  }
  let body: RequestBody | undefined;
  let at: Target | undefined;
  try {
    try {
      // First of all, so that whatever else is wrong with the request, its body is closed.
      body = toRequestBody((options as RequestOptions | null)?.body);
    } finally {
      // By these what is wrong with the body is named.
      checkRequestOptions(options);
      at = targets.of(target);
    }
    if (options.json !== undefined) body = jsonBody(options.json);
    const headers = options.headers === undefined ? [] : flatten(options.headers, 'header');
    if (at.credentials !== undefined) addCredentials(headers, at.credentials);
    return assemble(at, { options, hooks: undefined }, headers, body, defaults);
  } catch (error) {
    if (at !== undefined) nameRequest(error, { method: methodOf(options), url: at.url });
    body?.discard(error);
    throw error;
  }
}

const noOptions: RequestOptions = {};

function prepareBare(target: Target, defaults: RequestDefaults): PreparedRequest {
  const headers: string[] = [];
  if (target.credentials !== undefined) addCredentials(headers, target.credentials);
  return assemble(target, { options: noOptions, hooks: undefined }, headers, undefined, defaults);
}

/** The caller's is told what the option says, and no more. */
function listenerOf({ onInformational }: RequestOptions): InformationalListener | undefined {
  return onInformational && ((status, headers) => onInformational(status, headers));
}

function assemble(
  target: Target,
  parts: Omit<RequestParts, 'origin' | 'path' | 'fields'>,
  headers: string[],
  body: RequestBody | undefined,
  defaults: RequestDefaults,
): PreparedRequest {
  const { options: given, hooks, decodeAlways, upgrade, limitsWait = false } = parts;
  addContentType(headers, body?.contentType);
  const method = normalizeMethod(methodOf(given));
  const decompress = given.decompress ?? defaults.decompress;
  const fixedTrailers = fixedFields(given.trailers);
  const length = body === undefined ? 0 : body.length >= 0 ? body.length : declaredLength(headers);
  const plain = fixedTrailers === undefined && isPlain(given);
  const hasBody = body !== undefined;
  const expectContinue = given.expectContinue === true && hasBody;
  const onInformational = parts.onInformational ?? listenerOf(given);
  let header = plain ? target.recall(method, headers, length, hasBody, decompress) : undefined;
  if (header === undefined) {
    const head = { method, headers, length, hasBody, decompress, trailers: fixedTrailers ?? [] };
    header = buildHeader(target, head, given, defaults);
    if (plain) target.remember({ method, given: headers, length, hasBody, decompress, header });
  }
  return {
    method,
    origin: target.origin,
    url: target.url,
    fields: header.fields,
    block: plain ? header.block : undefined,
    endStream: (!hasBody || length === 0) && !mayGoOn(given, method),
    atHand: expectContinue ? 0 : (body?.bytes?.length ?? 0),
    bodyless: method === 'HEAD',
    informationalLimit: onInformational && Infinity,
    body,
    length,
    demand: demandOf({ body, length, protocol: given.protocol, method }),
    trailers: typeof given.trailers === 'function' ? given.trailers : fixedTrailers,
    signal: given.signal,
    timeout: given.timeout ?? 0,
    headersTimeout: given.headersTimeout ?? defaults.headersTimeout,
    bodyTimeout: given.bodyTimeout ?? defaults.bodyTimeout,
    idempotent: given.idempotent === true,
    hedge: hedgeOf(given, method, body, defaults),
    expectContinue,
    onInformational,
    urgency: given.priority?.urgency ?? 3,
    protocol: given.protocol,
    upgrade,
    limitsWait,
    closes: header.asksClose,
    // A coding that the caller asked for is the caller's to undo.
    decompress: decompress && (decodeAlways === true || !header.asksCoding) && !header.asksRange,
    maxResponseSize: defaults.maxResponseSize,
    maxDecompressionRatio: defaults.maxDecompressionRatio,
    retry: given.retry && givenRetry(given.retry),
    timing: given.timing === true,
    hooks,
    observer: defaults.observer,
  };
}

function addContentType(headers: string[], type: string | undefined): void {
  if (type !== undefined && !hasField(headers, 'content-type')) headers.push('content-type', type);
}

/** Nothing but what {@link Target.recall} compares has a part in its fields. */
function isPlain({ protocol, expectContinue, priority }: RequestOptions): boolean {
  return protocol === undefined && expectContinue !== true && priority === undefined;
}

/** Also without a body there is more to send: trailers, or what a tunnel carries. */
function mayGoOn({ trailers, protocol }: RequestOptions, method: string): boolean {
  return trailers !== undefined || protocol !== undefined || method === 'CONNECT';
}

/** Those that are known beforehand. */
function fixedFields(trailers: RequestOptions['trailers']): string[] | undefined {
  if (trailers === undefined || typeof trailers === 'function') return undefined;
  return buildTrailerFields(flatten(trailers, 'trailer'));
}

/** What may go out twice may do so at once: idempotent, with a body that can be had again. */
function hedgeOf(
  given: RequestOptions,
  method: string,
  body: RequestBody | undefined,
  defaults: RequestDefaults,
): HedgeSettings | undefined {
  if (given.idempotent !== true || given.hedge === false) return undefined;
  if (given.protocol !== undefined || method === 'CONNECT' || body?.repeatable === false) return undefined;
  return given.hedge === undefined ? defaults.hedge : resolveHedge(given.hedge);
}

function buildHeader(
  target: Target,
  head: Omit<HeaderRecipe, 'given' | 'header'> & { headers: readonly string[]; trailers: readonly string[] },
  given: RequestOptions,
  defaults: RequestDefaults,
): RequestHeader {
  const { method, headers, length, hasBody, decompress, trailers } = head;
  const { origin, path } = target;
  const fields = buildRequestFields({
    method,
    scheme: origin.scheme.slice(0, -1),
    authority: origin.authority,
    path,
    protocol: given.protocol,
    fields: headers,
    contentLength: given.protocol !== undefined ? -1 : length,
    hasBody,
    trailerNames: trailers.filter((_, i) => i % 2 === 0),
    userAgent: defaults.userAgent,
    acceptEncoding: decompress ? acceptEncoding() : undefined,
    expectContinue: given.expectContinue === true && hasBody,
    priority: priorityField(given.priority),
  });
  const asksCoding = hasField(headers, 'accept-encoding');
  const asksRange = hasField(headers, 'range');
  return {
    fields,
    block: new SharedBlock(),
    asksCoding,
    asksRange,
    asksClose: fieldValue(headers, 'connection')?.trim().toLowerCase() === 'close',
  };
}

/** Throws what a request with these fields would, ERR_PASSINGLANE_INVALID_HEADER. */
export function checkFields(fields: readonly string[]): void {
  buildRequestFields({
    method: 'GET',
    scheme: 'https',
    authority: 'host.invalid',
    path: '/',
    protocol: undefined,
    fields,
    contentLength: -1,
    hasBody: true, // which may have any content-length
    trailerNames: [],
    userAgent: undefined,
    acceptEncoding: undefined,
    expectContinue: false,
    priority: undefined,
  });
}

/** User-info never reaches `:authority` (RFC 9113 section 8.3.1); it means Basic credentials, as elsewhere. */
export function addCredentials(headers: string[], url: URL): void {
  if (hasField(headers, 'authorization')) return;
  const credentials = credentialsOf(url);
  if (credentials !== undefined) headers.push('authorization', credentials);
}

function priorityField(priority: RequestPriority | undefined): string | undefined {
  if (priority === undefined) return undefined;
  const parts: string[] = [];
  if (priority.urgency !== undefined && priority.urgency !== 3) parts.push(`u=${priority.urgency}`);
  if (priority.incremental === true) parts.push('i');
  return parts.length === 0 ? undefined : parts.join(', ');
}

/**
 * Fields as a flat list, name and value by turns, in the order given. Throws for what is neither string nor number.
 * `unprocessed`: nothing of the request has been sent yet.
 */
export function flatten(input: HeadersInput, what: 'header' | 'trailer', unprocessed = true): string[] {
  const flat: string[] = [];
  if (Symbol.iterator in input) {
    for (const pair of input as Iterable<readonly [unknown, unknown]>) {
      if (!Array.isArray(pair) || pair.length !== 2)
        throw invalidArgument(`${what} entry`, concealed(pair), 'a [name, value] pair');
      push(flat, String(pair[0]), pair[1], what, unprocessed);
    }
    return flat;
  }
  for (const [name, value] of Object.entries(input)) {
    if (Array.isArray(value)) for (const one of value as readonly unknown[]) push(flat, name, one, what, unprocessed);
    else if (value !== undefined) push(flat, name, value, what, unprocessed);
  }
  return flat;
}

function push(flat: string[], name: string, value: unknown, what: 'header' | 'trailer', unprocessed: boolean): void {
  if (typeof value !== 'string' && typeof value !== 'number')
    throw new TransportError(
      'ERR_PASSINGLANE_INVALID_HEADER',
      `The value of ${what} ${JSON.stringify(name)} is neither a string nor a number`,
      {
        scope: 'request',
        initiator: 'user',
        unprocessed,
      },
    );
  flat.push(name, String(value));
}
