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

/** What the servers' books say of one request, against what its caller was told. */
export function judge(call: Call, books: Books, report: Report): void {
  const sightings = books.of(call.plan.id);
  const acted = sightings.filter(({ verdict }) => verdict === 'acted');
  const { id, idempotent } = call.plan;
  if (acted.length > 1 && !idempotent)
    report('delivered once', `request ${id} was acted on ${acted.length} times: ${acted.map(place).join('; ')}`);
  judgeUnprocessed(call, acted, report);
  judgeError(call, report);
  if (call.state === 'answered') judgeBody(call, acted, report);
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
  if (response?.status !== handler.status) report('whole bodies', `request ${id} got ${String(response?.status)}`);
  if (call.gotWrong) report('whole bodies', `the body of response ${id} has wrong bytes`);
  if (call.body !== 'whole') return;
  if (!acted.some(({ answered }) => answered === 'whole'))
    report('whole bodies', `the body of response ${id} was called whole, and no server ended it`);
  if (call.got >= 0 && call.got !== handler.bytes)
    report('whole bodies', `the body of response ${id} was called whole with ${call.got} of ${handler.bytes} bytes`);
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
