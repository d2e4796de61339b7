import './immediate.js';
import { TransportError } from '../../dist/errors.js';
import type { RequestOptions } from '../../dist/request/request-options.js';
import type { BaseTransport } from '../../dist/transport.js';
import type { SimulatedClock } from './clock.js';
import { isPiece } from './frames.js';
import { Facades, type Answer } from './facades.js';
import type { OriginPlan, RequestPlan } from './plan.js';
import { SourceFailed, sourceOf } from './sources.js';

/** What becomes of a body. 'left': nobody reads it. */
export type BodyState = 'none' | 'reading' | 'whole' | 'failed' | 'dropped' | 'left';

/** One request of the application's, and all that it was told. It holds its response, so that chance has no garbage collector. */
export class Call {
  readonly plan: RequestPlan;
  readonly startedAt: number;
  state: 'pending' | 'answered' | 'failed' = 'pending';
  settledAt = Infinity;
  error: unknown = undefined;
  response: Answer | undefined = undefined;
  body: BodyState = 'none';
  bodyAt = Infinity;
  bodyError: unknown = undefined;
  /** Of the response's body. */
  got = 0;
  gotWrong = false;
  abortedAt = Infinity;
  readonly controller = new AbortController();

  constructor(plan: RequestPlan, startedAt: number) {
    this.plan = plan;
    this.startedAt = startedAt;
  }

  /** Nothing more is to come of it. */
  get over(): boolean {
    return this.state === 'failed' || (this.state === 'answered' && this.body !== 'reading' && this.body !== 'left');
  }
}

/** The reason of an abort of the application's. */
export class Aborted extends Error {}

/** Makes the requests of a plan at their times, and reads what comes. */
export class Application {
  readonly calls: Call[] = [];
  private readonly clock: SimulatedClock;
  private readonly facades: Facades;
  private readonly origins: readonly OriginPlan[];
  private readonly tell: (what: string) => void;

  constructor(
    clock: SimulatedClock,
    transport: BaseTransport,
    origins: readonly OriginPlan[],
    tell: (what: string) => void,
  ) {
    this.clock = clock;
    this.facades = new Facades(transport);
    this.origins = origins;
    this.tell = tell;
  }

  schedule(requests: readonly RequestPlan[]): void {
    for (const plan of requests)
      this.clock.after(plan.at, () => {
        this.clock.poll(() => this.begin(plan));
      });
  }

  private begin(plan: RequestPlan): void {
    const call = new Call(plan, this.clock.time);
    this.calls.push(call);
    const origin = this.origins[plan.origin]!;
    this.tell(`asks ${urlOf(origin)} for ${describe(plan)}`);
    const asked = { url: `${urlOf(origin)}/${plan.id}`, options: this.optionsOf(plan, call) };
    this.facades.ask(plan, asked).then(
      (response) => {
        call.state = 'answered';
        call.settledAt = this.clock.time;
        call.response = response;
        const attempt = response.attempts === undefined ? '' : `, attempt ${response.attempts}`;
        this.tell(`gets ${response.status} for request ${plan.id}${attempt}`);
        void this.read(call, response);
      },
      (error: unknown) => {
        call.state = 'failed';
        call.settledAt = this.clock.time;
        call.error = causeOf(error);
        this.tell(`is told that request ${plan.id} failed: ${textOf(error)}`);
      },
    );
    if (plan.abortAfter !== undefined)
      this.clock.after(plan.abortAfter, () => {
        this.clock.poll(() => this.abort(call));
      });
  }

  private abort(call: Call): void {
    if (call.over) return;
    call.abortedAt = this.clock.time;
    this.tell(`aborts request ${call.plan.id}`);
    call.controller.abort(new Aborted('the application has lost interest'));
  }

  private optionsOf(plan: RequestPlan, call: Call): RequestOptions {
    const { id, upload, timeout, headersTimeout, bodyTimeout, idempotent, expectContinue, urgency } = plan;
    const fromUpload: RequestOptions =
      upload === undefined
        ? {}
        : {
            method: 'POST',
            body: sourceOf(id, upload, this.clock),
            expectContinue,
            ...(upload.trailers ? { trailers: () => ({ 'x-trailer': String(id) }) } : {}),
          };
    return {
      ...fromUpload,
      headers: {
        'x-id': String(id),
        ...(upload !== undefined && id % 3 === 0 && plan.facade === 'request'
          ? { 'content-length': upload.bytes }
          : {}),
      },
      idempotent,
      timeout,
      headersTimeout,
      bodyTimeout,
      ...(urgency === undefined ? {} : { priority: { urgency } }),
      ...(plan.abortAfter === undefined ? {} : { signal: call.controller.signal }),
    };
  }

  // --- reading ---

  private async read(call: Call, response: Answer): Promise<void> {
    call.body = call.plan.reader === 'unread' ? 'left' : 'reading';
    try {
      const whole = await this.readAs(call, response);
      call.body = whole ? 'whole' : call.plan.reader === 'unread' ? 'left' : 'dropped';
    } catch (error) {
      call.body = 'failed';
      call.bodyError = causeOf(error);
      this.tell(`is told that the body of response ${call.plan.id} failed: ${textOf(error)}`);
    }
    call.bodyAt = this.clock.time;
  }

  /** True: it was read to its end. */
  private async readAs(call: Call, response: Answer): Promise<boolean> {
    const { plan } = call;
    const take = (bytes: Uint8Array): void => {
      if (!isPiece(plan.id + 1, call.got, bytes)) call.gotWrong = true;
      call.got += bytes.length;
    };
    switch (plan.reader) {
      case 'unread':
        return false;
      case 'bytes':
        take(await response.whole());
        return true;
      case 'dump':
        call.got = -1;
        return response.dump();
      default:
    }
    for await (const bytes of response.pieces(plan.reader)) {
      const before = call.got;
      take(bytes);
      if (plan.reader === 'half' && call.got >= plan.handler.bytes / 2) return false;
      if (plan.reader === 'slow' && passesTenth(before, call.got, plan.handler.bytes)) await this.clock.sleepFor(200);
    }
    return true;
  }

  get over(): boolean {
    return this.calls.every((call) => call.over);
  }

  /** What nobody reads is dropped in the end. */
  dropUnread(): void {
    for (const call of this.calls) {
      if (call.body !== 'left') continue;
      call.body = 'dropped';
      call.response?.cancel();
    }
  }
}

/** Whoever works in small steps rests after each tenth of the whole, however small its steps are made. */
export function passesTenth(before: number, after: number, whole: number): boolean {
  return Math.floor((before * 10) / whole) < Math.floor((after * 10) / whole);
}

/** What a facade has wrapped. */
function causeOf(error: unknown): unknown {
  const cause = error instanceof Error ? error.cause : undefined;
  const wrapped = TransportError.isInstance(cause) || cause instanceof SourceFailed || cause instanceof Aborted;
  return wrapped && !TransportError.isInstance(error) ? cause : error;
}

export function urlOf({ name, secure }: OriginPlan): string {
  return `${secure ? 'https' : 'http'}://${name}`;
}

export function textOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  const { code } = error as { code?: unknown };
  return typeof code === 'string' ? `${code}: ${error.message}` : `${error.name}: ${error.message}`;
}

function describe({ id, facade, upload, idempotent, handler, reader }: RequestPlan): string {
  const sends = upload === undefined ? '' : `, which sends ${upload.bytes} bytes (${upload.kind})`;
  return `request ${id}${facade === 'request' ? '' : ` by ${facade}`}${sends}${idempotent ? ', idempotent' : ''}; ${handler.bytes} bytes come back, read as '${reader}'`;
}
