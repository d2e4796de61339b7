import { TransportError } from '../errors.js';
import { fieldValue } from '../field-list.js';
import type { Exchange } from '../request/index.js';
import { backOffDelay, type Replay, type Retry } from './replay.js';

/** Those that may be sent twice to the effect of once (RFC 9110 section 9.2.2). */
const idempotentMethods: ReadonlySet<string> = new Set(['GET', 'HEAD', 'OPTIONS', 'TRACE', 'PUT', 'DELETE']);

export interface AnsweredReplay {
  readonly retry: Retry;
  /** From 0 to 1. */
  readonly chance: number;
  /** The wall clock, in milliseconds. */
  readonly wallNow: number;
  /** Takes one of the budget's, where there is one. */
  readonly takeToken: () => boolean;
}

/**
 * Whether a request that was answered with such a status is sent again in place of that (`retry.statuses`), and when: as
 * the server says, where it does (RFC 9110 section 10.2.3). Undefined: the answer is its caller's. Without a token the
 * request ends in an error.
 */
export function decideAnswerReplay(
  exchange: Exchange,
  status: number,
  fields: readonly string[],
  { retry, chance, wallNow, takeToken }: AnsweredReplay,
): Replay | TransportError | undefined {
  if (!mayFollowAnswer(exchange, status, retry)) return undefined;
  const attempts = exchange.attempts - exchange.earlier.spared;
  if (attempts >= retry.maxAttempts) return undefined;
  const asked = retryAfter(fieldValue(fields, 'retry-after'), wallNow);
  const own = attempts <= 1 ? 0 : backOffDelay(retry, attempts - 2);
  // Patience is bounded by what its caller allows, who would rather have the answer than a time-out.
  if (asked > retry.maxDelay) return undefined;
  const delay = Math.max(asked, own) * (1 + retry.jitter * chance);
  if (exchange.limits?.endsWithin(delay) === true) return undefined;
  return takeToken() ? { delay, needsToken: false } : withoutToken(exchange, status);
}

/** Whether a request may go out again after such an answer, had it been tried less often. */
export function mayFollowAnswer({ request }: Exchange, status: number, { statuses }: Retry): boolean {
  const { idempotent, method, protocol, body } = request;
  if (!statuses.includes(status) || !(idempotent || idempotentMethods.has(method))) return false;
  return protocol === undefined && body?.replayable !== false;
}

/** How long the server asks to wait, in milliseconds; 0 where it does not, or not in a way that can be read. */
function retryAfter(value: string | undefined, wallNow: number): number {
  if (value === undefined) return 0;
  if (/^\d+$/.test(value)) return Number(value) * 1_000;
  // All three formats of RFC 9110 section 5.6.7 begin with the day of the week; the oldest has no zone, and means GMT.
  if (!/^[A-Z][a-z]{2,8},? /.test(value)) return 0;
  const at = Date.parse(value.endsWith('GMT') ? value : `${value} GMT`);
  return Number.isNaN(at) ? 0 : Math.max(0, at - wallNow);
}

function withoutToken({ attempts, request }: Exchange, status: number): TransportError {
  return new TransportError(
    'ERR_PASSINGLANE_RETRY_BUDGET',
    `The server answered ${status}, and the request was not sent again, because too much is already (retry.budget)`,
    { scope: 'request', initiator: 'local', origin: request.origin.href, attempts },
  );
}
