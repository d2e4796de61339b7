import { TransportError } from '../../dist/errors.js';
import { Aborted, textOf, type Call } from './application.js';
import type { Books, Sighting } from './books.js';
import { SourceFailed } from './sources.js';

/** A promise that was broken: which, and how. */
export interface Violation {
  readonly oracle: string;
  readonly what: string;
}

type Report = (oracle: string, what: string) => void;

/** What a call is judged by. */
export interface Judgement {
  readonly books: Books;
  /** `retry.statuses`. */
  readonly statuses: readonly number[];
  /** Nothing gets lost on its way in this run. */
  readonly lossless: boolean;
  /** Whether a request went out twice at once. */
  readonly hedged: (id: number) => boolean;
}

/** What the servers' books say of one request, against what its caller was told. */
export function judge(call: Call, { books, statuses, lossless, hedged }: Judgement, report: Report): void {
  const sightings = books.of(call.plan.id);
  const acted = sightings.filter(({ verdict }) => verdict === 'acted');
  const { id, idempotent, upload } = call.plan;
  // One that asks and changes nothing may follow an answer that its caller has listed (RFC 9110 section 9.2.2).
  const again = upload === undefined ? acted.filter(({ status }) => statuses.includes(status)).length : 0;
  // And once where a connection of HTTP/1.1 that was kept from a request before was met closed (RFC 9112 section 9.3.1).
  const met = upload === undefined && acted.slice(0, -1).some(({ kept }) => kept === true) ? 1 : 0;
  if (acted.length - Math.min(again + met, acted.length - 1) > 1 && !idempotent)
    report('delivered once', `request ${id} was acted on ${acted.length} times: ${acted.map(place).join('; ')}`);
  judgeAttempts(call, sightings.length, lossless && !hedged(id), report);
  judgeUnprocessed(call, acted, report);
  judgeError(call, report);
  if (call.state === 'answered') judgeBody(call, acted, report);
}

/** `attempts` is how often servers have seen it, and more where an attempt was lost or taken back; `known`: none can have been. */
function judgeAttempts(call: Call, seen: number, known: boolean, report: Report): void {
  const { error, response } = call;
  const { id } = call.plan;
  const told = response?.attempts ?? (TransportError.isInstance(error) ? error.attempts : undefined);
  if (told === undefined || call.abortedAt < Infinity) return;
  const same = known && response !== undefined;
  if (seen > told || (same && seen < told))
    report('attempts', `request ${id} is said to have been sent ${told} times, and servers have seen it ${seen} times`);
}

function place({ address, connection, stream, at }: Sighting): string {
  return `${address}, connection ${connection}, stream ${stream}, at ${at}`;
}

function judgeUnprocessed({ plan, error }: Call, acted: readonly Sighting[], report: Report): void {
  if (!TransportError.isInstance(error) || !error.unprocessed || acted.length === 0) return;
  report('unprocessed', `request ${plan.id} was called that, and was acted on: ${textOf(error)}`);
}

/** An error is one of ours, or what the application itself brought. */
function judgeError(call: Call, report: Report): void {
  for (const error of [call.error, call.bodyError]) {
    if (error === undefined || TransportError.isInstance(error)) continue;
    if (error instanceof Aborted && call.abortedAt < Infinity) continue;
    if (error instanceof SourceFailed && call.plan.upload?.fails === true) continue;
    if (call.plan.facade === 'undici' && String((error as { code?: unknown }).code).startsWith('UND_ERR_')) continue;
    report('typed errors', `request ${call.plan.id} failed with ${textOf(error)}`);
  }
}

/** All of what a server called whole, or an error. */
function judgeBody(call: Call, acted: readonly Sighting[], report: Report): void {
  const { plan, response } = call;
  const { id, handler } = plan;
  if (acted.every(({ answered }) => answered === 'nothing'))
    report('whole bodies', `request ${id} has an answer that no server gave`);
  const status = response?.status ?? 0;
  const erred = status !== handler.status;
  if (!acted.some((one) => one.status === status)) report('whole bodies', `request ${id} got ${status}`);
  if (call.gotWrong) report('whole bodies', `the body of response ${id} has wrong bytes`);
  if (call.body !== 'whole') return;
  if (!acted.some(({ answered }) => answered === 'whole'))
    report('whole bodies', `the body of response ${id} was called whole, and no server ended it`);
  const bytes = erred ? 0 : handler.bytes;
  if (call.got >= 0 && call.got !== bytes)
    report('whole bodies', `the body of response ${id} was called whole with ${call.got} of ${bytes} bytes`);
}

/** Each promise settles, and within its time-out; `late`: how long the process heard of nothing. */
export function judgeTimes(call: Call, late: number, report: Report): void {
  const { id, timeout, reader } = call.plan;
  const allowed = late + 100;
  if (call.state === 'pending') report('settled', `request ${id} is still pending at the end`);
  if (call.body === 'reading') report('settled', `the body of response ${id} is still being read at the end`);
  if (timeout > 0 && call.settledAt > call.startedAt + timeout + allowed)
    report(
      'settled',
      `request ${id} settled ${call.settledAt - call.startedAt} ms after its start, not within ${timeout}`,
    );
  const readsOn = reader !== 'slow' && reader !== 'unread' && reader !== 'half';
  if (timeout > 0 && readsOn && call.state === 'answered' && call.bodyAt > call.startedAt + timeout + allowed)
    report(
      'settled',
      `the body of response ${id} settled ${call.bodyAt - call.startedAt} ms after its start, not ${timeout}`,
    );
  if (call.abortedAt < Infinity && call.settledAt !== Infinity && call.settledAt > call.abortedAt + allowed)
    report('settled', `request ${id} settled ${call.settledAt - call.abortedAt} ms after it was aborted`);
}
