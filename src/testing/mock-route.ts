import { invalidArgument, errorCodeNames, unknownName } from '../errors.js';
import { forever } from '../ports/index.js';
import { isRecord } from '../request/index.js';
import type { MockCall } from './mock-call.js';

export type MockBody = string | Uint8Array | Iterable<string | Uint8Array> | AsyncIterable<string | Uint8Array>;

/** What becomes of a request. */
export interface MockReply {
  /** Default: 200. */
  readonly status?: number | undefined;
  readonly headers?: Readonly<Record<string, string | readonly string[]>> | undefined;
  readonly body?: MockBody | undefined;
  /** A body in JSON, with its content-type; instead of `body`. */
  readonly json?: unknown;
  readonly trailers?: Readonly<Record<string, string>> | undefined;
  /** Before the response, in real milliseconds, whatever fakes the test has in the place of timers. Default: 0. */
  readonly delay?: number | undefined;
  /**
   * 'stall': no answer ever comes, or, with a body, no end of it. 'reset': the stream is reset, with `errorCode`. 'goaway':
   * the connection drains and spares this request, which goes out again on another one. 'cut': the connection breaks in the
   * middle of the body, or before the answer where there is none. Default: none.
   */
  readonly fault?: 'stall' | 'reset' | 'goaway' | 'cut' | undefined;
  /** Of 'reset': a name of RFC 9113 section 7. Default: 'INTERNAL_ERROR'. */
  readonly errorCode?: (typeof errorCodeNames)[number] | undefined;
}

/** Answers by what the request is; undefined: it is not mocked, and rejects with ERR_PASSINGLANE_NOT_MOCKED. */
export type MockReplyFunction = (
  call: MockCall,
) => MockReply | Response | undefined | Promise<MockReply | Response | undefined>;

/**
 * '/path', a whole URL, or either behind a method: 'POST https://api.test/orders'. `*` stands for any text; without a `?` any
 * query will do. Or an expression that the URL is to match, or a function.
 */
export type MockMatcher = string | RegExp | ((request: { readonly method: string; readonly url: string }) => boolean);

/** A `Response` is read when it is first needed, and the same from then on. */
export type MockReplies =
  MockReply | Response | MockReplyFunction | readonly (MockReply | Response | MockReplyFunction)[];

const names = ['status', 'headers', 'body', 'json', 'trailers', 'delay', 'fault', 'errorCode'];
const faults = ['stall', 'reset', 'goaway', 'cut'];

export class MockRoute {
  readonly shown: string;
  private readonly predicate: (method: string, url: string) => boolean;
  private readonly replies: (MockReply | MockReplyFunction)[];

  constructor(matcher: MockMatcher, replies: MockReplies) {
    this.shown = typeof matcher === 'function' ? 'a function' : String(matcher);
    this.predicate = toPredicate(matcher);
    const given = Array.isArray(replies) ? (replies as readonly unknown[]) : [replies];
    if (given.length === 0) throw invalidArgument('replies', replies, 'one reply at least');
    this.replies = given.map((reply) => {
      if (typeof reply === 'function') return reply as MockReplyFunction;
      return isResponse(reply) ? repeated(reply) : checkReply(reply);
    });
  }

  matches(method: string, url: string): boolean {
    return this.predicate(method, url);
  }

  /** Each of the replies once, and the last one from then on. A text says why there is none. */
  async reply(call: MockCall): Promise<MockReply | string> {
    const next = this.replies.length > 1 ? this.replies.shift()! : this.replies[0]!;
    if (typeof next !== 'function') return next;
    const given = await next(call);
    if (given === undefined)
      return `the function of route ${this.shown} returned nothing: let it return a reply, or a Response`;
    return isResponse(given) ? fromResponse(given) : checkReply(given);
  }
}

/** Also one of another realm's class, as test environments have them. */
function isResponse(value: unknown): value is Response {
  return isRecord(value) && 'arrayBuffer' in value && 'headers' in value && 'status' in value;
}

/** Its body can be read but once. */
function repeated(response: Response): MockReplyFunction {
  let read: Promise<MockReply> | undefined;
  return () => (read ??= fromResponse(response));
}

function checkReply(given: unknown): MockReply {
  if (!isRecord(given) || 'then' in given)
    throw invalidArgument('reply', given, 'an object, a Response, a function, or an array of these');
  const reply = given as MockReply;
  for (const name of Object.keys(reply))
    if (!names.includes(name))
      throw unknownName(`reply's '${name}'`, name, Object(reply[name as keyof MockReply]), names);
  const { status = 200, headers, body, trailers, delay = 0, fault, errorCode } = reply;
  for (const [name, value] of Object.entries({ headers, trailers }))
    if (value !== undefined && (!isRecord(value) || isIterable(value)))
      throw invalidArgument(`reply's '${name}'`, Object(value), 'a record');
  if (body !== undefined && typeof body !== 'string' && !isIterable(body))
    throw invalidArgument("reply's 'body'", body, "a string, bytes, or an iterable of these; for JSON give 'json'");
  if (body !== undefined && reply.json !== undefined)
    throw invalidArgument("reply's 'json'", Object(reply.json), "undefined where 'body' is given");
  if (typeof delay !== 'number' || !(delay >= 0 && delay <= forever))
    throw invalidArgument("reply's 'delay'", delay, `milliseconds from 0 to ${forever}`);
  if (!Number.isInteger(status) || status < 200 || status > 599)
    throw invalidArgument("reply's 'status'", status, 'an integer from 200 to 599');
  if (fault !== undefined && !faults.includes(fault))
    throw invalidArgument("reply's 'fault'", fault, faults.join(', '));
  if (errorCode !== undefined && !errorCodeNames.includes(errorCode))
    throw invalidArgument("reply's 'errorCode'", errorCode, errorCodeNames.join(', '));
  return reply;
}

function isIterable(value: unknown): boolean {
  return typeof value === 'object' && value !== null && (Symbol.iterator in value || Symbol.asyncIterator in value);
}

async function fromResponse(response: Response): Promise<MockReply> {
  const headers = Object.fromEntries(
    [...response.headers].filter(([name]) => name !== 'set-cookie' && name !== 'content-length'),
  );
  const cookies = response.headers.getSetCookie();
  const body = new Uint8Array(await response.arrayBuffer());
  return {
    status: response.status,
    headers: { ...headers, ...(cookies.length > 0 && { 'set-cookie': cookies }) },
    body,
  };
}

function toPredicate(matcher: MockMatcher): (method: string, url: string) => boolean {
  if (typeof matcher === 'function') return (method, url) => matcher({ method, url });
  if (matcher instanceof RegExp) return (_, url) => url.search(matcher) >= 0;
  const [, given, pattern = ''] = /^(?:([A-Z]+) )?(\S+)$/.exec(matcher) ?? [];
  if (!/^(\/|\*|https?:\/\/)/.test(pattern))
    throw invalidArgument(
      'route',
      matcher,
      "a path or URL, or one behind a method, such as 'POST https://api.test/orders'",
    );
  const parts = pattern.split('*').map((part) => part.replaceAll(/[.+?^${}()|[\]\\]/g, String.raw`\$&`));
  const query = pattern.includes('?') ? '' : String.raw`(\?.*)?`;
  const origin = pattern.startsWith('/') ? String.raw`https?://[^/]+` : '';
  const whole = new RegExp(`^${origin}${parts.join('.*')}${query}$`, 's');
  return (method, url) => (given === undefined || given === method) && whole.test(url);
}
