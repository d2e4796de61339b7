import { passesTenth } from './application.js';
import type { Sighting } from './books.js';
import { Code, Flag, isPiece, numbers, piece, Type } from './frames.js';
import type { RequestPlan } from './plan.js';
import type { ServerConnection } from './server-connection.js';
import type { World } from './server-process.js';

/** In any of the forms that the field has (RFC 9110 section 10.2.3), or in none of them; undefined: it is left out. */
export function retryAfter({ clock, random }: World): string | undefined {
  const date = new Date(clock.wallNow() + random.integer(0, 3_000)).toUTCString();
  return random.pick([undefined, '0', '1', '3', '1000', 'soon', date]);
}

/** One request with its handler. */
export class ServerStream {
  sendWindow: number;
  receiveWindow: number;
  /** Received of the body, and not read by the handler. */
  unread = 0;
  private readonly connection: ServerConnection;
  private readonly id: number;
  private readonly request: RequestPlan;
  private readonly sighting: Sighting;
  /** The handler reads the body as it comes. */
  private reads = false;
  private owed = 0;
  private ended = false;
  private answering = false;
  private pausing = false;
  private resetAt = Infinity;
  private finished = false;
  private over = false;

  constructor(
    connection: ServerConnection,
    id: number,
    request: RequestPlan,
    sighting: Sighting,
    sendWindow: number,
    receiveWindow: number,
  ) {
    this.connection = connection;
    this.id = id;
    this.request = request;
    this.sighting = sighting;
    this.sendWindow = sendWindow;
    this.receiveWindow = receiveWindow;
  }

  begin(ends: boolean, expects: boolean): void {
    const { handler } = this.request;
    if (ends) this.onEnd();
    if (expects) this.later(handler.delay, () => this.connection.sendFields(this.id, [[':status', '100']], false));
    if (!ends && handler.readsAfter !== Infinity) this.later(handler.readsAfter, () => this.read());
    if (ends || handler.early) this.later(handler.delay, () => this.answer());
  }

  private later(delay: number, task: () => void): void {
    const { process, behaviour } = this.connection;
    process.after(delay + behaviour.lags, () => {
      if (!this.over) task();
    });
  }

  // --- the request's body ---

  onData(bytes: Uint8Array, ends: boolean): void {
    this.receiveWindow -= bytes.length;
    if (this.receiveWindow < 0)
      this.connection.complain(
        'flow control',
        `${-this.receiveWindow} bytes more than the window of stream ${this.id}`,
      );
    if (this.ended) this.connection.complain('protocol', `DATA on stream ${this.id} after its end`);
    if (!isPiece(this.request.id, this.sighting.received, bytes))
      this.connection.complain('whole bodies', `wrong bytes in the body of request ${this.request.id}`);
    this.sighting.received += bytes.length;
    this.unread += bytes.length;
    if (this.reads || this.connection.behaviour.credit !== 'handler') this.take();
    if (ends) this.onEnd();
  }

  onTrailers(fields: ReadonlyMap<string, string>): void {
    if (this.ended) this.connection.complain('protocol', `trailers on stream ${this.id} after its end`);
    if (fields.get('x-trailer') !== String(this.request.id))
      this.connection.complain('whole bodies', `wrong trailers on stream ${this.id}`);
    this.onEnd();
  }

  private onEnd(): void {
    this.ended = true;
    this.sighting.receivedWhole = true;
    const { upload, handler, id } = this.request;
    const expected = upload?.bytes ?? 0;
    if (this.sighting.received !== expected || upload?.fails === true)
      this.connection.complain(
        'whole bodies',
        `request ${id} ended with ${this.sighting.received} of ${expected} bytes as if it were whole`,
      );
    if (upload !== undefined && !handler.early && handler.readsAfter !== Infinity)
      this.later(handler.delay, () => this.answer());
    if (this.finished) this.close();
  }

  /** The handler reads what there is, and from now on what comes. */
  private read(): void {
    this.reads = true;
    this.take();
  }

  private take(): void {
    if (this.request.handler.readsAfter === Infinity && this.connection.behaviour.credit === 'handler') return;
    const bytes = this.unread;
    this.unread = 0;
    this.owed += bytes;
    this.connection.giveBack(bytes);
    this.giveCredit();
  }

  private giveCredit(): void {
    const { behaviour } = this.connection;
    if (this.owed === 0 || behaviour.credit === 'never' || this.ended || this.over) return;
    // As servers do: half a window at a time, or what is left of it would be given back in ever smaller pieces.
    if (this.owed < behaviour.initialWindow / 2 && this.receiveWindow > 0 && behaviour.credit !== 'dribble') return;
    const { owed } = this;
    this.owed = 0;
    const grant = (bytes: number): void => {
      if (this.over || this.ended || bytes === 0) return;
      this.receiveWindow += bytes;
      this.connection.send(Type.windowUpdate, 0, this.id, numbers(bytes));
    };
    if (behaviour.credit === 'late') return this.later(300, () => grant(owed));
    if (behaviour.credit !== 'dribble') return grant(owed);
    grant(1);
    this.later(300, () => grant(owed - 1));
  }

  /** The client has taken note of another initial window. */
  onWindowChange(by: number): void {
    this.receiveWindow += by;
    this.giveCredit();
  }

  // --- the answer ---

  behaviourChanged(): void {
    if (this.unread > 0 && (this.reads || this.connection.behaviour.credit !== 'handler')) this.take();
    else this.giveCredit();
    if (this.silenced && !this.connection.behaviour.silent) this.answer();
  }

  private silenced = false;

  private answer(): void {
    if (this.answering || this.over) return;
    const { behaviour, process } = this.connection;
    this.silenced = behaviour.silent;
    if (behaviour.silent) return;
    this.answering = true;
    const { handler } = this.request;
    if (process.world.random.chance(behaviour.resets)) {
      this.resetAt = Math.floor(handler.bytes / 2);
      if (handler.bytes === 0 || process.world.random.chance(0.3)) return this.reset(behaviour.resetCode);
    }
    if (handler.informational) this.connection.sendFields(this.id, [[':status', '103']], false);
    if (behaviour.errs > 0 && process.world.random.chance(behaviour.errs)) return this.err();
    this.sighting.status = handler.status;
    const { status, bytes, trailers } = handler;
    const ends = bytes === 0 && !trailers;
    const fields = [
      [':status', String(status)],
      ['x-id', String(this.request.id)],
    ] as [string, string][];
    if (this.request.id % 2 === 0) fields.push(['content-length', String(bytes)]);
    this.sighting.answered = ends ? 'whole' : 'headers';
    this.connection.sendFields(this.id, fields, ends);
    if (ends) this.finish();
    else this.sendBody();
  }

  /** It asks for patience (RFC 9110 section 15.6.4). */
  private err(): void {
    const after = retryAfter(this.connection.process.world);
    const fields = [[':status', '503']] as [string, string][];
    if (after !== undefined) fields.push(['retry-after', after]);
    this.sighting.status = 503;
    this.sighting.answered = 'whole';
    this.connection.sendFields(this.id, fields, true);
    this.finish();
  }

  /** As much as both windows allow, or a piece at a time. */
  sendBody(): void {
    const { handler } = this.request;
    while (this.answering && !this.finished && !this.over && !this.pausing) {
      const left = handler.bytes - this.sighting.sent;
      if (left === 0) return this.sendEnd();
      if (this.connection.choked) return;
      if (this.sighting.sent >= this.resetAt) return this.reset(this.connection.behaviour.resetCode);
      const size = Math.min(left, this.sendWindow, this.connection.sendWindow, this.connection.clientMaxFrame, 16_384);
      if (size <= 0) return;
      this.sendWindow -= size;
      this.connection.sendWindow -= size;
      const bytes = piece(this.request.id + 1, this.sighting.sent, size);
      this.sighting.sent += size;
      const last = size === left && !handler.trailers;
      if (last) this.sighting.answered = 'whole';
      this.connection.send(Type.data, last ? Flag.endStream : 0, this.id, bytes);
      if (last) return this.finish();
      if (handler.pause > 0 && passesTenth(this.sighting.sent - size, this.sighting.sent, handler.bytes)) {
        this.pausing = true;
        this.later(handler.pause, () => {
          this.pausing = false;
          this.sendBody();
        });
      }
    }
  }

  private sendEnd(): void {
    this.sighting.answered = 'whole';
    if (this.request.handler.trailers)
      this.connection.sendFields(this.id, [['x-trailer', String(this.request.id)]], true);
    else this.connection.send(Type.data, Flag.endStream, this.id);
    this.finish();
  }

  /** The answer is whole. A body that nobody wants is reset with NO_ERROR (RFC 9113 section 8.1). */
  private finish(): void {
    this.finished = true;
    if (this.ended) return this.close();
    if (this.request.handler.readsAfter !== Infinity) return; // it reads the rest
    this.connection.send(Type.rstStream, 0, this.id, numbers(Code.noError));
    this.close();
  }

  private reset(code: number): void {
    this.sighting.reset = true;
    this.connection.send(Type.rstStream, 0, this.id, numbers(code));
    this.close();
  }

  /** The client has given it up, or the connection is no more. */
  gone(): void {
    this.close();
  }

  private close(): void {
    if (this.over) return;
    this.over = true;
    const { unread } = this;
    this.unread = 0;
    this.connection.giveBack(unread);
    this.connection.forget(this.id);
  }
}
