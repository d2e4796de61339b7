/** Who a failure concerns: this request alone, its stream on one connection, or the whole connection. */
export type ErrorScope = 'request' | 'stream' | 'connection';

/**
 * Who ended it: the caller; this library, for a limit or time-out of ours, or since the peer broke the protocol; or the
 * peer and the way to it, which refused, reset or closed, or sent a body that is not what its headers say.
 */
export type ErrorInitiator = 'user' | 'local' | 'remote';

/** The names of RFC 9113 section 7, indexed by their number on the wire. */
export const errorCodeNames = [
  'NO_ERROR',
  'PROTOCOL_ERROR',
  'INTERNAL_ERROR',
  'FLOW_CONTROL_ERROR',
  'SETTINGS_TIMEOUT',
  'STREAM_CLOSED',
  'FRAME_SIZE_ERROR',
  'REFUSED_STREAM',
  'CANCEL',
  'COMPRESSION_ERROR',
  'CONNECT_ERROR',
  'ENHANCE_YOUR_CALM',
  'INADEQUATE_SECURITY',
  'HTTP_1_1_REQUIRED',
] as const;

/** A name of RFC 9113 section 7, or `0x..` for a number that has none. */
export type ErrorCodeName = (typeof errorCodeNames)[number] | `0x${string}`;

/** The name of an error code as received, `0x..` when it has none (RFC 9113 section 7). */
export function errorCodeName(code: number): ErrorCodeName {
  return errorCodeNames[code] ?? `0x${code.toString(16)}`;
}

/** Every `code` that a {@link TransportError} can carry; each is explained in docs/errors.md. */
export const transportErrorCodes = [
  'ERR_PASSINGLANE_ALPN',
  'ERR_PASSINGLANE_BODY_CANCELLED',
  'ERR_PASSINGLANE_BODY_LOCKED',
  'ERR_PASSINGLANE_BODY_TIMEOUT',
  'ERR_PASSINGLANE_CONNECTION_CLOSED',
  'ERR_PASSINGLANE_CONNECTION_LOST',
  'ERR_PASSINGLANE_CONNECTION_UNUSABLE',
  'ERR_PASSINGLANE_CONNECT_FAILED',
  'ERR_PASSINGLANE_CONNECT_TIMEOUT',
  'ERR_PASSINGLANE_CONTENT_CODING',
  'ERR_PASSINGLANE_EXTENDED_CONNECT_UNSUPPORTED',
  'ERR_PASSINGLANE_GOAWAY',
  'ERR_PASSINGLANE_HEADERS_TIMEOUT',
  'ERR_PASSINGLANE_HEADERS_TOO_LARGE',
  'ERR_PASSINGLANE_INVALID_HEADER',
  'ERR_PASSINGLANE_INVALID_REQUEST',
  'ERR_PASSINGLANE_NOT_MOCKED',
  'ERR_PASSINGLANE_PING_TIMEOUT',
  'ERR_PASSINGLANE_PROTOCOL',
  'ERR_PASSINGLANE_PROXY_REFUSED',
  'ERR_PASSINGLANE_REQUEST_BODY',
  'ERR_PASSINGLANE_REQUEST_BODY_LENGTH',
  'ERR_PASSINGLANE_RESPONSE_LENGTH',
  'ERR_PASSINGLANE_RESPONSE_TOO_LARGE',
  'ERR_PASSINGLANE_RETRY_BUDGET',
  'ERR_PASSINGLANE_STREAM_RESET',
  'ERR_PASSINGLANE_TIMEOUT',
  'ERR_PASSINGLANE_TRANSPORT_CLOSED',
  'ERR_PASSINGLANE_UNSUPPORTED_SCHEME',
  'ERR_PASSINGLANE_WRITE_TIMEOUT',
] as const;

export type TransportErrorCode = (typeof transportErrorCodes)[number];

/**
 * What a request waited for, in milliseconds. At each moment it is one of these, so the parts add up to `total`, which runs
 * from the call until all of the response has been read, or to now.
 */
export interface RequestTiming {
  /** For a connection: at limits, in back-off before it was sent again, for a dial that came to nothing. */
  readonly queue: number;
  /** For the connection that it went out on: its name's addresses, its socket, its TLS handshake. */
  readonly lookup: number;
  readonly connect: number;
  readonly tls: number;
  /** For its own body, or for the socket to take that. */
  readonly upload: number;
  /** For a connection whose peer had stopped reading. */
  readonly stall: number;
  /** For the peer to open the window for its body. */
  readonly window: number;
  /** For the peer: SETTINGS of a new connection, headers, the next piece of the body. */
  readonly peer: number;
  /** For its caller to read what had arrived. */
  readonly reader: number;
  readonly total: number;
}

export interface TransportErrorInit {
  readonly scope: ErrorScope;
  readonly initiator: ErrorInitiator;
  readonly errorCode?: ErrorCodeName | undefined;
  /** True when the peer cannot have acted on the request, so that sending it again is safe. Default: false. */
  readonly unprocessed?: boolean | undefined;
  readonly origin?: string | undefined;
  readonly streamId?: number | undefined;
  readonly attempts?: number | undefined;
  readonly cause?: unknown;
}

const brand = Symbol.for('passinglane.TransportError');

/** Where a message ends in what explains its code. */
const anchor = / \(docs\/errors\.md#\w+\)$/;

/**
 * The one class of failure. `code` says what happened, `scope` what it concerns, `initiator` who ended it,
 * `unprocessed` whether the request can safely be sent again. Time-outs have `name` 'TimeoutError'. The message
 * never contains a header value, and ends in where docs/errors.md, which is part of the package, explains the code.
 * System and TLS errors are the `cause`.
 */
export class TransportError extends Error {
  readonly code: TransportErrorCode;
  readonly scope: ErrorScope;
  readonly initiator: ErrorInitiator;
  /** The RFC 9113 section 7 name, where the failure has one. */
  readonly errorCode: ErrorCodeName | undefined;
  readonly unprocessed: boolean;
  readonly origin: string | undefined;
  readonly streamId: number | undefined;
  /** How many times the request was sent; 0: never. Set by whoever gives up on it. */
  attempts: number;
  /** What the request waited for until it failed; there only where its option `timing` asked for that. */
  declare timing?: RequestTiming;

  constructor(code: TransportErrorCode, message: string, init: TransportErrorInit) {
    super(
      // What ends in another error's message has its anchor already.
      `${message.replace(anchor, '')} (docs/errors.md#${code.toLowerCase()})`,
      init.cause === undefined ? undefined : { cause: init.cause },
    );
    this.name = code.endsWith('_TIMEOUT') ? 'TimeoutError' : 'TransportError';
    this.code = code;
    this.scope = init.scope;
    this.initiator = init.initiator;
    this.errorCode = init.errorCode;
    this.unprocessed = init.unprocessed ?? false;
    this.origin = init.origin;
    this.streamId = init.streamId;
    this.attempts = init.attempts ?? 0;
  }

  /** True for a TransportError of any copy of this package, in any realm, where `instanceof` knows only its own. */
  static isInstance(value: unknown): value is TransportError {
    return typeof value === 'object' && value !== null && (value as { [brand]?: unknown })[brand] === true;
  }

  get [brand](): true {
    return true;
  }
}

/** What an error says, without where that is explained: for messages that others are made of, and for a terminal. */
export function sentenceOf(error: unknown): string {
  return (error instanceof Error ? error.message : String(error)).replace(anchor, '');
}

/** A TypeError with code ERR_INVALID_ARG_VALUE that names the argument, its value and what is allowed. */
export function invalidArgument(name: string, value: unknown, allowed: string): TypeError & { code: string } {
  const error = new TypeError(`Invalid ${name}: ${describe(value)}. Allowed: ${allowed}.`);
  return Object.assign(error, { code: 'ERR_INVALID_ARG_VALUE' });
}

/** What may be a secret: of text, boxed, a message shows that it is a string, and no more. */
export function concealed(value: unknown): unknown {
  return typeof value === 'string' ? Object(value) : value;
}

/** What other clients, and people, name that is nobody else's to read: auth, passphrase, apiKey, headers. */
const secretive = /auth|bearer|cert|cookie|credential|header|key|pass|pfx|pwd|secret|session|token|user/i;

/** The same for a name that is none of those `known`; with the one that may have been meant. `what` has the name in it. */
export function unknownName(
  what: string,
  name: string,
  value: unknown,
  known: readonly string[],
): TypeError & { code: string } {
  const shown = secretive.test(name) ? concealed(value) : value;
  return invalidArgument(what, shown, known.join(', ') + orWasIt(name, known));
}

/** What node:https and undici's `connect` take beside other options is in the option `tls` here. */
const ofTls: readonly string[] = [
  'ca',
  'cert',
  'checkServerIdentity',
  'ciphers',
  'key',
  'maxVersion',
  'minVersion',
  'passphrase',
  'pfx',
  'rejectUnauthorized',
  'servername',
];

/** The end of what is allowed: which of the names may have been meant, if any. */
export function orWasIt(name: string, known: readonly string[]): string {
  const meant = known.includes('tls') && ofTls.includes(name) ? `tls.${name}` : nearest(name, known);
  return meant === undefined ? '' : ` (did you mean '${meant}'?)`;
}

/** Of the names one that differs in no more than case or two letters. */
export function nearest(name: string, known: readonly string[]): string | undefined {
  const given = name.toLowerCase();
  let best: string | undefined = undefined;
  let least = Math.min(3, name.length / 2);
  for (const one of known) {
    const difference = editDistance(given, one.toLowerCase());
    if (difference < least) [best, least] = [one, difference];
  }
  return best;
}

/** How many letters are to be added, left out or replaced to make one of the other (Levenshtein). */
function editDistance(one: string, other: string): number {
  let row = Array.from({ length: other.length + 1 }, (_, i) => i);
  for (let i = 0; i < one.length; i++) {
    const next = [i + 1];
    for (let j = 0; j < other.length; j++) {
      const same = one[i] === other[j] ? 0 : 1;
      next.push(Math.min(row[j]! + same, row[j + 1]! + 1, next[j]! + 1));
    }
    row = next;
  }
  return row[other.length]!;
}

function describe(value: unknown): string {
  // Boxed by whoever throws, since it may be a secret.
  for (const kind of [String, Number, Boolean, BigInt, Symbol])
    if (value instanceof kind) return `a ${kind.name.toLowerCase()}`;
  if (typeof value === 'string') return JSON.stringify(value.length > 100 ? `${value.slice(0, 100)}...` : value);
  if (typeof value === 'function') return 'a function';
  if (typeof value === 'object' && value !== null)
    return Array.isArray(value) ? 'an array' : `an object (${classOf(value)})`;
  return String(value);
}

/** The name of its class; the tag of what has a class without a name, as generators have. */
function classOf(value: object): string {
  const { name } = (value.constructor ?? { name: 'no prototype' }) as { name?: unknown };
  return typeof name === 'string' && name !== '' ? name : Object.prototype.toString.call(value).slice(8, -1);
}
