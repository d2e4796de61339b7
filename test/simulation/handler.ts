import { passesTenth } from './application.js';
import type { Sighting } from './books.js';
import { isPiece, piece } from './frames.js';
import type { RequestPlan } from './plan.js';
import type { ServerEnd } from './server-end.js';
import type { World } from './server-process.js';

export type Fields = readonly (readonly [name: string, value: string])[];

/** At most so many bytes of a body are sent at once. */
const mostAtOnce = 16_384;

/** One request with its handler, whatever protocol it came in. */
export abstract class Handler<Connection extends ServerEnd> {
  protected readonly connection: Connection;
  protected readonly request: RequestPlan;
  protected readonly sighting: Sighting;
  /** All of the request has come. */
  protected ended = false;
  protected over = false;
  /** All of the answer has been sent. */
  private finished = false;
  private answering = false;
  private silenced = false;
  private pausing = false;
  private resetAt = Infinity;

  constructor(connection: Connection, request: RequestPlan, sighting: Sighting) {
    this.connection = connection;
    this.request = request;
    this.sighting = sighting;
  }

  begin(ends: boolean, expects: boolean): void {
    const { handler } = this.request;
    if (ends) this.onEnd(undefined);
    if (expects)
      this.later(handler.delay, () => {
        if (!this.answering) this.sendHead(100, [], false);
      });
    if (!ends && handler.readsAfter !== Infinity) this.later(handler.readsAfter, () => this.read());
    if (ends || handler.early) this.later(handler.delay, () => this.answer());
  }

  protected later(delay: number, task: () => void): void {
    const { process, behaviour } = this.connection;
    process.after(delay + behaviour.lags, () => {
      if (!this.over) task();
    });
  }

  // --- the request's body ---

  /** It reads what there is, and from now on what comes. */
  protected abstract read(): void;

  received(bytes: Uint8Array): void {
    if (!isPiece(this.request.id, this.sighting.received, bytes))
      this.connection.complain('whole bodies', `wrong bytes in the body of request ${this.request.id}`);
    this.sighting.received += bytes.length;
  }

  onEnd(trailers: ReadonlyMap<string, string> | undefined): void {
    const { upload, handler, id } = this.request;
    this.ended = true;
    this.sighting.receivedWhole = true;
    const expected = upload?.bytes ?? 0;
    if (this.sighting.received !== expected || (upload?.fails === true && !this.endsByLength))
      this.connection.complain(
        'whole bodies',
        `request ${id} ended with ${this.sighting.received} of ${expected} bytes as if it were whole`,
      );
    if (upload !== undefined && upload.trailers !== (trailers?.get('x-trailer') === String(id)))
      this.connection.complain('whole bodies', `wrong trailers of request ${id}`);
    if (this.finished) this.close();
    else if (upload !== undefined && !handler.early) this.later(handler.delay, () => this.answer());
  }

  /** As the protocol has it, the last byte that was announced ends the body, whatever becomes of its source then. */
  protected get endsByLength(): boolean {
    return false;
  }

  // --- the answer ---

  behaviourChanged(): void {
    if (this.silenced && !this.connection.behaviour.silent) this.answer();
  }

  private answer(): void {
    if (this.answering || this.over) return;
    const { behaviour, process } = this.connection;
    const { random } = process.world;
    this.silenced = behaviour.silent;
    if (behaviour.silent) return;
    this.answering = true;
    const { handler, id } = this.request;
    if (random.chance(behaviour.resets)) {
      this.resetAt = Math.floor(handler.bytes / 2);
      if (handler.bytes === 0 || random.chance(0.3)) return this.giveUp();
    }
    if (handler.informational) this.sendHead(103, [], false);
    if (behaviour.errs > 0 && random.chance(behaviour.errs)) return this.err();
    const length: Fields = id % 2 === 0 ? [['content-length', String(handler.bytes)]] : [];
    this.respond(handler.status, [['x-id', String(id)], ...length], handler.bytes === 0 && !handler.trailers);
  }

  /** It asks for patience (RFC 9110 section 15.6.4). */
  private err(): void {
    const after = retryAfter(this.connection.process.world);
    this.respond(
      503,
      [['content-length', '0'], ...(after === undefined ? [] : ([['retry-after', after]] as const))],
      true,
    );
  }

  private respond(status: number, fields: Fields, ends: boolean): void {
    this.sighting.status = status;
    this.sighting.answered = ends ? 'whole' : 'headers';
    this.sendHead(status, fields, ends);
    if (ends) this.finish();
    else this.sendBody();
  }

  protected abstract sendHead(status: number, fields: Fields, ends: boolean): void;

  /** As much as there is room for, or a piece at a time. */
  sendBody(): void {
    const { sighting } = this;
    const { handler, id } = this.request;
    while (this.answering && !this.finished && !this.over && !this.pausing) {
      const left = handler.bytes - sighting.sent;
      if (left === 0) return this.sendEnd();
      if (this.connection.choked) return;
      if (sighting.sent >= this.resetAt) return this.giveUp();
      const size = Math.min(left, mostAtOnce, this.room);
      if (size <= 0) return;
      const bytes = piece(id + 1, sighting.sent, size);
      sighting.sent += size;
      const last = size === left && this.endsWithBytes;
      if (last) sighting.answered = 'whole';
      this.sendBytes(bytes, last);
      if (last) return this.finish();
      if (handler.pause > 0 && passesTenth(sighting.sent - size, sighting.sent, handler.bytes))
        this.pauseFor(handler.pause);
    }
  }

  private pauseFor(milliseconds: number): void {
    this.pausing = true;
    this.later(milliseconds, () => {
      this.pausing = false;
      this.sendBody();
    });
  }

  /** For bytes of the body, as far as the protocol has a say in that. */
  protected abstract get room(): number;

  /** Nothing need follow the last byte. */
  protected abstract get endsWithBytes(): boolean;

  protected abstract sendBytes(bytes: Uint8Array, last: boolean): void;

  private sendEnd(): void {
    const { handler, id } = this.request;
    this.sighting.answered = 'whole';
    this.sendTail(handler.trailers ? [['x-trailer', String(id)]] : []);
    this.finish();
  }

  /** What ends a body that its bytes do not end. */
  protected abstract sendTail(trailers: Fields): void;

  private finish(): void {
    this.finished = true;
    if (this.ended) this.close();
    else this.finishedEarly();
  }

  /** The answer is whole, and the request is not. */
  protected abstract finishedEarly(): void;

  private giveUp(): void {
    this.sighting.reset = true;
    this.reset();
  }

  protected abstract reset(): void;

  /** The client has given it up, or the connection is no more. */
  abstract gone(): void;

  /** Both are whole, or what is left of them is not wanted. */
  protected abstract close(): void;
}

/** In any of the forms that the field has (RFC 9110 section 10.2.3), or in none of them; undefined: it is left out. */
function retryAfter({ clock, random }: World): string | undefined {
  const date = new Date(clock.wallNow() + random.integer(0, 3_000)).toUTCString();
  return random.pick([undefined, '0', '1', '3', '1000', 'soon', date]);
}
