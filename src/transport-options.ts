import type { Duplex } from 'node:stream';
import type { LookupFunction } from 'node:net';
import type { ConnectionOptions } from 'node:tls';
import { invalidArgument, nearest, unknownName } from './errors.js';
import { checkTls } from './tls-options.js';
import {
  checkHedge,
  checkTime,
  integer,
  isRecord,
  resolveHedge,
  share,
  statuses,
  type Check,
  type HedgeOptions,
  type HedgeSettings,
} from './request/index.js';
import type { CreateConnectionOptions, Observer } from './ports/index.js';
import type { Retry, RetryOptions } from './pool/index.js';

/** Options of a transport. Times are milliseconds, sizes bytes; 0 turns a time-out or limit off where that is said. */
export interface TransportOptions {
  /** node:tls options: ca, cert, key, servername, rejectUnauthorized, minVersion and so on. Default: {}. */
  readonly tls?: ConnectionOptions | undefined;
  /** Whether ALPN offers HTTP/1.1 beside HTTP/2. Default: true. */
  readonly allowHTTP1?: boolean | undefined;
  /** For http: URLs; 'h2c' is HTTP/2 with prior knowledge. Default: 'http/1.1'. */
  readonly cleartext?: 'http/1.1' | 'h2c' | undefined;
  /** From DNS to the peer's first SETTINGS; 0 is off. Default: 10,000. */
  readonly connectTimeout?: number | undefined;
  /** Default: 64. */
  readonly maxConnectionsPerOrigin?: number | undefined;
  /** True: a full connection makes requests wait; it forbids dials for the limit, not for stalls. Default: false. */
  readonly strictMaxConcurrentStreams?: boolean | undefined;
  /** A connection with bytes to write and no progress for so long is stalled. Default: 100. */
  readonly stallTimeout?: number | undefined;
  /** Open streams and silence for so long, or for 4 round trips, want one PING answered first; 0 is off. Default: 1,000. */
  readonly probeAfter?: number | undefined;
  /** With streams open and nothing received for so long: PING; 0 is off. Default: 15,000. */
  readonly readIdleTimeout?: number | undefined;
  /** No byte within this time after that PING closes the connection; 0 is off. Default: 15,000. */
  readonly pingTimeout?: number | undefined;
  /** Bytes to write and no progress for so long closes the connection; 0 is off. Default: 60,000. */
  readonly writeTimeout?: number | undefined;
  /** A connection without streams closes after this; 0 is never. Default: 90,000. */
  readonly idleTimeout?: number | undefined;
  /** After this, give or take a tenth, a connection drains; 0: no limit. Default: 0. */
  readonly maxConnectionAge?: number | undefined;
  /** After so many requests a connection drains; 0: no limit. Default: 0. */
  readonly maxRequestsPerConnection?: number | undefined;
  /** The default for requests; 0 is off. Default: 0. */
  readonly headersTimeout?: number | undefined;
  /** The default for requests; 0 is off. Default: 0. */
  readonly bodyTimeout?: number | undefined;
  readonly retry?: RetryOptions | undefined;
  /** For `idempotent` requests whose response headers are overdue; also an option of `request`. Default: none. */
  readonly hedge?: HedgeOptions | undefined;
  /**
   * While bulk on a connection makes its round trips long, other requests take another one, at most one more an origin.
   * Default: true.
   */
  readonly bulkIsolation?: boolean | undefined;
  /** Of header lists that we accept. Default: 262,144. */
  readonly maxHeaderListSize?: number | undefined;
  /** Of frames that we accept. Default: 16,384. */
  readonly maxFrameSize?: number | undefined;
  /** The HPACK table that the peer may use. Default: 4,096. */
  readonly headerTableSize?: number | undefined;
  /** The HPACK table that we use, if the peer allows as much. Default: 4,096. */
  readonly encoderTableSize?: number | undefined;
  /** Default: 262,144. */
  readonly initialStreamWindow?: number | undefined;
  /** Stream windows grow up to this while they are read faster than they fill. Default: 16,777,216. */
  readonly maxStreamWindow?: number | undefined;
  /** Default: 67,108,864. */
  readonly maxConnectionWindow?: number | undefined;
  /**
   * What unread bodies of all connections may hold in memory, and 64 KiB for each but one; and, beside them, what headers
   * and trailers may that nobody has looked at. Default: 67,108,864.
   */
  readonly maxBufferedBytes?: number | undefined;
  /** Of decoded bytes of one body; 0: no limit. Default: 0. */
  readonly maxResponseSize?: number | undefined;
  /**
   * How many bytes decoding may make of each that came, over all codings of a body, once it has made more than
   * 67,108,864; 0: no limit. Default: 500 for a body that is read whole (`text()`, `json()`, `bytes()`, `blob()`,
   * `arrayBuffer()`), no limit for one that is read in pieces.
   */
  readonly maxDecompressionRatio?: number | undefined;
  /** Ask for gzip, deflate, br, and zstd where Node has it, and undo them. Default: true. */
  readonly decompress?: boolean | undefined;
  /**
   * Requests go through tunnels (CONNECT) of this proxy: its http: or https: URL, where user and password may stand; or
   * 'env': what https_proxy, http_proxy, all_proxy and no_proxy say when the transport is made. Default: false.
   */
  readonly proxy?: string | URL | false | undefined;
  /**
   * Where an origin's name stands for several addresses: 'least-request' keeps a connection to each. They take turns, but for
   * one that another, drawn at random, is better than, by load and latency; an address that errs or lags is left out for a while.
   * 'pick-first' takes one, and another only where that is of no use. Default: 'pick-first'.
   */
  readonly loadBalancing?: 'pick-first' | 'least-request' | undefined;
  /** With 'least-request', how often the name is looked up again: what is new is dialled, what is gone drains. Default: 30,000. */
  readonly resolveInterval?: number | undefined;
  /** A Unix domain socket that stands for every host. */
  readonly socketPath?: string | undefined;
  /**
   * As in node:net. It is called for each dial, and may answer otherwise each time. Default: dns.lookup, whose answers
   * the dials of a transport share, for 10 s.
   */
  readonly lookup?: LookupFunction | undefined;
  readonly localAddress?: string | undefined;
  /** TCP keep-alive; a number is its initial delay. Default: off. */
  readonly keepAlive?: boolean | number | undefined;
  /**
   * Bring your own dialler: for https: its stream is secured already. HTTP/2 is spoken on it, but HTTP/1.1 where its
   * `alpnProtocol` is 'http/1.1', and for http: as `cleartext` says.
   */
  readonly createConnection?: ((options: CreateConnectionOptions) => Duplex | Promise<Duplex>) | undefined;
  /** Default: `passinglane/<version>`; an empty string sends none. */
  readonly userAgent?: string | undefined;
  /** Sees frames, and what becomes of connections and requests. */
  readonly observer?: Observer | undefined;
}

/** Options that are undefined where they are not given. */
type Undefaulted =
  | 'maxDecompressionRatio'
  | 'proxy'
  | 'socketPath'
  | 'lookup'
  | 'localAddress'
  | 'keepAlive'
  | 'createConnection'
  | 'observer';

/** Every option with its value. */
export type ResolvedOptions = {
  readonly [K in Exclude<keyof TransportOptions, 'retry' | 'hedge' | Undefaulted>]-?: NonNullable<TransportOptions[K]>;
} & Pick<TransportOptions, Undefaulted> & {
    readonly retry: Retry;
    readonly hedge: HedgeSettings | undefined;
    /** Its user has said what `userAgent` is. */
    readonly namesAgent: boolean;
  };

function oneOf(...values: readonly unknown[]): Check {
  return (name, value) => {
    if (!values.includes(value))
      throw invalidArgument(`option '${name}'`, value, values.map((one) => JSON.stringify(one)).join(' or '));
  };
}

/** Of this type, and neither an array nor an empty string. */
function ofType(type: 'string' | 'function' | 'object', allowed: string): Check {
  return (name, value) => {
    if (typeof value !== type || value === null || value === '' || Array.isArray(value))
      throw invalidArgument(`option '${name}'`, value, allowed);
  };
}

/** An IPv4 or IPv6 address by its shape; what comes of it the socket finds out. */
function address(name: string, value: unknown): void {
  if (typeof value !== 'string' || !/^[\d.]+$|:/.test(value))
    throw invalidArgument(`option '${name}'`, value, "an IP address, such as '192.0.2.1'");
}

/** A time that cannot be turned off. */
function delay(name: string, value: unknown): void {
  if (value === 0) throw invalidArgument(`option '${name}'`, value, 'milliseconds from 1 to 2147483647');
  checkTime(name, value);
}

function headerValue(name: string, value: unknown): void {
  if (typeof value !== 'string' || !/^[\t\x20-\x7e\x80-\xff]*$/.test(value))
    throw invalidArgument(`option '${name}'`, value, 'a string that can be the value of a header');
}

const observed: readonly string[] = ['frame', 'connection', 'address', 'request'];

/** What else it has is its own business, unless it looks like one of these and is none. */
function observer(name: string, value: unknown): void {
  const allowed = `an object with functions ${observed.join(', ')}, or some of them`;
  ofType('object', allowed)(name, value);
  const given = value as Partial<Record<string, unknown>>;
  if (typeof given['then'] === 'function')
    throw invalidArgument(`option '${name}'`, value, `${allowed}, and no promise of one: await it`);
  for (const part of observed)
    if (given[part] !== undefined) ofType('function', 'a function')(`${name}.${part}`, given[part]);
  for (const [part, called] of Object.entries(given)) {
    if (typeof called !== 'function' || observed.includes(part)) continue;
    const meant = nearest(part.replace(/^on/, ''), observed);
    if (meant !== undefined && given[meant] === undefined)
      throw unknownName(`option '${name}.${part}'`, part.replace(/^on/, ''), called, observed);
  }
}

function proxy(name: string, value: unknown): void {
  // What is in it may be a password.
  if (value !== false && typeof value !== 'string' && !(value instanceof URL))
    throw invalidArgument(`option '${name}'`, value, "the URL of a proxy, 'env', or false");
}

function budget(name: string, value: unknown): void {
  if (typeof value !== 'number' || !(value >= 0))
    throw invalidArgument(`option '${name}'`, value, 'a number from 0; Infinity is no limit');
}

function keepAlive(name: string, value: unknown): void {
  if (typeof value !== 'boolean') checkTime(name, value);
}

const size = integer(0, Number.MAX_SAFE_INTEGER);
const window = integer(65_535, 0x7fff_ffff);
const flag = oneOf(true, false);

/** Every option with its check, and its default where it has one. */
const table: Readonly<Record<keyof TransportOptions, readonly [check: Check, fallback?: unknown]>> = {
  tls: [checkTls, {}],
  allowHTTP1: [flag, true],
  cleartext: [oneOf('http/1.1', 'h2c'), 'http/1.1'],
  connectTimeout: [checkTime, 10_000],
  maxConnectionsPerOrigin: [integer(1, 65_535), 64],
  strictMaxConcurrentStreams: [flag, false],
  stallTimeout: [delay, 100],
  probeAfter: [checkTime, 1_000],
  readIdleTimeout: [checkTime, 15_000],
  pingTimeout: [checkTime, 15_000],
  writeTimeout: [checkTime, 60_000],
  idleTimeout: [checkTime, 90_000],
  maxConnectionAge: [checkTime, 0],
  maxRequestsPerConnection: [size, 0],
  headersTimeout: [checkTime, 0],
  bodyTimeout: [checkTime, 0],
  retry: [ofType('object', 'an object with maxAttempts, baseDelay, maxDelay, jitter, budget, statuses'), {}],
  hedge: [checkHedge],
  bulkIsolation: [flag, true],
  maxHeaderListSize: [integer(1, 0xffff_ffff), 262_144],
  maxFrameSize: [integer(16_384, 16_777_215), 16_384],
  headerTableSize: [integer(0, 0xffff_ffff), 4_096],
  encoderTableSize: [integer(0, 0xffff_ffff), 4_096],
  initialStreamWindow: [integer(1, 0x7fff_ffff), 262_144],
  maxStreamWindow: [integer(1, 0x7fff_ffff), 16_777_216],
  maxConnectionWindow: [window, 67_108_864],
  maxBufferedBytes: [integer(65_535, Number.MAX_SAFE_INTEGER), 67_108_864],
  maxResponseSize: [size, 0],
  maxDecompressionRatio: [size],
  decompress: [flag, true],
  proxy: [proxy],
  loadBalancing: [oneOf('pick-first', 'least-request'), 'pick-first'],
  resolveInterval: [delay, 30_000],
  socketPath: [ofType('string', 'the path of a socket')],
  lookup: [ofType('function', 'a function as dns.lookup')],
  localAddress: [address],
  keepAlive: [keepAlive],
  createConnection: [ofType('function', 'a function that returns a Duplex')],
  userAgent: [headerValue],
  observer: [observer],
};

export const optionNames: readonly string[] = Object.keys(table);

const retryTable: Readonly<Record<keyof RetryOptions, readonly [check: Check, fallback: unknown]>> = {
  maxAttempts: [integer(1, 1_000), 8],
  baseDelay: [checkTime, 1_000],
  maxDelay: [checkTime, 32_000],
  jitter: [share, 0.1],
  budget: [budget, 0.2],
  statuses: [statuses, []],
};

/**
 * Fills in defaults. Throws a TypeError, ERR_INVALID_ARG_VALUE, for an option that is unknown or out of range.
 * `userAgent` is what is sent when the caller names none.
 */
export function resolveOptions(options: TransportOptions | undefined, userAgent: string): ResolvedOptions {
  if (options !== undefined && (!isRecord(options) || options instanceof URL))
    throw invalidArgument('options', options, 'an object with transport options');
  const resolved = resolve(table, options ?? {}, '');
  const another = (['createConnection', 'socketPath'] as const).find((name) => resolved[name] !== undefined);
  if (another !== undefined && resolved['proxy'] !== undefined && resolved['proxy'] !== false) {
    const given = resolved['proxy'] === 'env' ? 'env' : new URL('http://concealed');
    throw invalidArgument("option 'proxy'", given, `false where '${another}' says how to connect`);
  }
  return {
    ...resolved,
    userAgent: options?.userAgent ?? userAgent,
    namesAgent: options?.userAgent !== undefined,
    hedge: options?.hedge === undefined ? undefined : resolveHedge(options.hedge),
    retry: resolve(retryTable, resolved['retry'] as RetryOptions, 'retry.'),
  } as unknown as ResolvedOptions;
}

function resolve(
  checks: Readonly<Record<string, readonly [check: Check, fallback?: unknown]>>,
  given: object,
  prefix: string,
): Record<string, unknown> {
  const values: Record<string, unknown> = {};
  for (const [name, [, fallback]] of Object.entries(checks)) values[name] = fallback;
  for (const [name, value] of Object.entries(given)) {
    const entry = Object.hasOwn(checks, name) ? checks[name] : undefined;
    if (entry === undefined) throw unknownName(`option '${prefix}${name}'`, name, value, Object.keys(checks));
    if (value === undefined) continue;
    entry[0](prefix + name, value);
    values[name] = value;
  }
  return values;
}

/** None of these says how to connect: what else connects may do it in their place. */
export function isPlain(options: ResolvedOptions): boolean {
  const { tls, proxy, socketPath, lookup, localAddress, keepAlive, createConnection, connectTimeout } = options;
  const given = [socketPath, lookup, localAddress, keepAlive, createConnection].some((value) => value !== undefined);
  const proxied = proxy !== undefined && proxy !== false;
  return !given && !proxied && Object.keys(tls).length === 0 && connectTimeout === table.connectTimeout[1];
}
