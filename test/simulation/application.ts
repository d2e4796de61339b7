import type { ClientResponse } from '../../dist/request/client-response.js';
import type { RequestOptions } from '../../dist/request/request-options.js';
import type { BaseTransport } from '../../dist/transport.js';
import type { SimulatedClock } from './clock.js';
import { isPiece } from './frames.js';
import type { OriginPlan, RequestPlan } from './plan.js';
import { sourceOf } from './sources.js';

/** What becomes of a body. 'left': nobody reads it. */
export type BodyState = 'none' | 'reading' | 'whole' | 'failed' | 'dropped' | 'left';

/** One request of the application's, and all that it was told. It holds its response, so that chance has no garbage collector. */
export class Call {
  readonly plan: RequestPlan;
  readonly startedAt: number;
  state: 'pending' | 'answered' | 'failed' = 'pending';
  settledAt = Infinity;
  error: unknown = undefined;
  response: ClientResponse | undefined = undefined;
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
  private readonly transport: BaseTransport;
  private readonly origins: readonly OriginPlan[];
  private readonly tell: (what: string) => void;

  constructor(
    clock: SimulatedClock,
    transport: BaseTransport,
    origins: readonly OriginPlan[],
    tell: (what: string) => void,
  ) {
    this.clock = clock;
    this.transport = transport;
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
    this.transport.request(`${urlOf(origin)}/${plan.id}`, this.optionsOf(plan, call)).then(
      (response) => {
        call.state = 'answered';
        call.settledAt = this.clock.time;
        call.response = response;
        this.tell(`gets ${response.status} for request ${plan.id}, attempt ${response.attempts}`);
        void this.read(call, response);
      },
      (error: unknown) => {
        call.state = 'failed';
        call.settledAt = this.clock.time;
        call.error = error;
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
        ...(upload !== undefined && id % 3 === 0 ? { 'content-length': upload.bytes } : {}),
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

  private async read(call: Call, response: ClientResponse): Promise<void> {
    call.body = call.plan.reader === 'unread' ? 'left' : 'reading';
    try {
      const whole = await this.readAs(call, response);
      call.body = whole ? 'whole' : call.plan.reader === 'unread' ? 'left' : 'dropped';
    } catch (error) {
      call.body = 'failed';
      call.bodyError = error;
      this.tell(`is told that the body of response ${call.plan.id} failed: ${textOf(error)}`);
    }
    call.bodyAt = this.clock.time;
  }

  /** True: it was read to its end. */
  private async readAs(call: Call, { body }: ClientResponse): Promise<boolean> {
    const { plan } = call;
    const take = (bytes: Uint8Array): void => {
      if (!isPiece(plan.id + 1, call.got, bytes)) call.gotWrong = true;
      call.got += bytes.length;
    };
    switch (plan.reader) {
      case 'bytes':
        take(await body.bytes());
        return true;
      case 'pieces':
        for await (const bytes of body) take(bytes);
        return true;
      case 'borrow':
        for await (const bytes of body.borrow()) take(bytes);
        return true;
      case 'stream':
        for await (const bytes of body.stream()) take(bytes);
        return true;
      case 'dump':
        await body.dump();
        call.got = -1;
        return true;
      case 'slow':
        for await (const bytes of body) {
          const before = call.got;
          take(bytes);
          if (passesTenth(before, call.got, plan.handler.bytes)) await this.clock.sleepFor(200);
        }
        return true;
      case 'half':
        for await (const bytes of body) {
          take(bytes);
          if (call.got >= plan.handler.bytes / 2) return false;
        }
        return true;
      case 'unread':
        return false;
    }
  }

  get over(): boolean {
    return this.calls.every((call) => call.over);
  }

  /** What nobody reads is dropped in the end. */
  dropUnread(): void {
    for (const call of this.calls) {
      if (call.body !== 'left') continue;
      call.body = 'dropped';
      call.response?.body.cancel();
    }
  }
}

/** Whoever works in small steps rests after each tenth of the whole, however small its steps are made. */
export function passesTenth(before: number, after: number, whole: number): boolean {
  return Math.floor((before * 10) / whole) < Math.floor((after * 10) / whole);
}

export function urlOf({ name, secure }: OriginPlan): string {
  return `${secure ? 'https' : 'http'}://${name}`;
}

export function textOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  const { code } = error as { code?: unknown };
  return typeof code === 'string' ? `${code}: ${error.message}` : `${error.name}: ${error.message}`;
}

function describe({ id, upload, idempotent, handler, reader }: RequestPlan): string {
  const sends = upload === undefined ? '' : `, which sends ${upload.bytes} bytes (${upload.kind})`;
  return `request ${id}${sends}${idempotent ? ', idempotent' : ''}; ${handler.bytes} bytes come back, read as '${reader}'`;
}
