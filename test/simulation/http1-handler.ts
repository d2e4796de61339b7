import { passesTenth } from './application.js';
import type { Sighting } from './books.js';
import { isPiece, piece } from './frames.js';
import type { Http1ServerConnection } from './http1-server.js';
import type { RequestPlan } from './plan.js';
import { retryAfter } from './server-stream.js';

const reasons: Readonly<Record<number, string>> = { 100: 'Continue', 103: 'Early Hints', 200: 'OK' };

/** One request of HTTP/1.1 with its handler. */
export class Http1Handler {
  /** It takes the body as it comes; else nothing more is read of the connection. */
  reads = true;
  private readonly connection: Http1ServerConnection;
  private readonly request: RequestPlan;
  private readonly sighting: Sighting;
  /** It is the last of its connection. */
  private closes: boolean;
  private chunked = false;
  private ended = false;
  private answering = false;
  private silenced = false;
  private pausing = false;
  private finished = false;
  private over = false;
  private resetAt = Infinity;

  constructor(connection: Http1ServerConnection, request: RequestPlan, closes: boolean) {
    const { process, number, requests } = connection;
    const { books, clock } = process.world;
    this.connection = connection;
    this.request = request;
    this.closes = closes || requests >= process.behaviour.mostRequests;
    this.sighting = {
      address: process.address,
      connection: number,
      stream: 0,
      at: clock.time,
      verdict: 'acted',
      kept: requests > 1,
      received: 0,
      receivedWhole: false,
      status: 0,
      answered: 'nothing',
      sent: 0,
      reset: false,
    };
    books.saw(request.id, this.sighting);
    connection.tell(`acts on request ${request.id} in HTTP/1.1`);
  }

  begin(ends: boolean, expects: boolean): void {
    const { handler } = this.request;
    this.reads = ends || handler.readsAfter === 0;
    if (ends) this.onEnd(undefined);
    if (expects)
      this.later(handler.delay, () => {
        if (!this.answering) this.sendHead(100, []);
      });
    if (!this.reads && handler.readsAfter !== Infinity)
      this.later(handler.readsAfter, () => {
        this.reads = true;
        this.connection.read();
      });
    if (ends || handler.early) this.later(handler.delay, () => this.answer());
  }

  private later(delay: number, task: () => void): void {
    const { process, behaviour } = this.connection;
    process.after(delay + behaviour.lags, () => {
      if (!this.over) task();
    });
  }

  // --- the request's body ---

  onData(bytes: Uint8Array): void {
    if (!isPiece(this.request.id, this.sighting.received, bytes))
      this.connection.complain('whole bodies', `wrong bytes in the body of request ${this.request.id}`);
    this.sighting.received += bytes.length;
  }

  onEnd(trailers: ReadonlyMap<string, string> | undefined): void {
    const { upload, handler, id } = this.request;
    this.ended = true;
    this.sighting.receivedWhole = true;
    const expected = upload?.bytes ?? 0;
    if (this.sighting.received !== expected || upload?.fails === true)
      this.connection.complain(
        'whole bodies',
        `request ${id} ended with ${this.sighting.received} of ${expected} bytes as if it were whole`,
      );
    if (upload !== undefined && upload.trailers !== (trailers?.get('x-trailer') === String(id)))
      this.connection.complain('whole bodies', `wrong trailers of request ${id}`);
    if (this.finished) this.close();
    else if (upload !== undefined && !handler.early) this.later(handler.delay, () => this.answer());
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
      if (handler.bytes === 0 || random.chance(0.3)) return this.reset();
    }
    if (handler.informational) this.sendHead(103, []);
    const { readsAfter } = handler;
    if (!this.ended && readsAfter === Infinity) this.closes = true; // it does not wait for a body that it does not want
    if (behaviour.errs > 0 && random.chance(behaviour.errs)) return this.err();
    const { status, bytes, trailers } = handler;
    const length = !trailers && id % 2 === 0;
    this.chunked = !length;
    this.sighting.status = status;
    this.sighting.answered = 'headers';
    this.sendHead(status, [
      `x-id: ${id}`,
      length ? `content-length: ${bytes}` : 'transfer-encoding: chunked',
      ...(this.closes ? ['connection: close'] : []),
    ]);
    this.sendBody();
  }

  /** It asks for patience (RFC 9110 section 15.6.4). */
  private err(): void {
    const after = retryAfter(this.connection.process.world);
    this.sighting.status = 503;
    this.sighting.answered = 'whole';
    this.sendHead(503, [
      'content-length: 0',
      ...(after === undefined ? [] : [`retry-after: ${after}`]),
      ...(this.closes ? ['connection: close'] : []),
    ]);
    this.finish();
  }

  private sendHead(status: number, fields: readonly string[]): void {
    this.connection.tell(`sends ${status} for request ${this.request.id}`);
    const lines = [`HTTP/1.1 ${status} ${reasons[status] ?? 'Other'}`, ...fields, '', ''];
    this.connection.write(Buffer.from(lines.join('\r\n'), 'latin1'));
  }

  /** As much as the connection takes, or a piece at a time. */
  sendBody(): void {
    const { handler, id } = this.request;
    const { sighting, connection } = this;
    while (this.answering && !this.finished && !this.over && !this.pausing) {
      const left = handler.bytes - sighting.sent;
      if (left === 0) return this.sendEnd();
      if (connection.choked) return;
      if (sighting.sent >= this.resetAt) return this.reset();
      const bytes = piece(id + 1, sighting.sent, Math.min(left, 16_384));
      sighting.sent += bytes.length;
      if (this.chunked) connection.write(Buffer.from(`${bytes.length.toString(16)}\r\n`, 'latin1'));
      connection.write(bytes);
      if (this.chunked) connection.write(Buffer.from('\r\n', 'latin1'));
      if (!this.chunked && sighting.sent === handler.bytes) return this.sendEnd();
      if (handler.pause > 0 && passesTenth(sighting.sent - bytes.length, sighting.sent, handler.bytes)) {
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
    const trailers = this.request.handler.trailers ? `x-trailer: ${this.request.id}\r\n` : '';
    if (this.chunked) this.connection.write(Buffer.from(`0\r\n${trailers}\r\n`, 'latin1'));
    this.finish();
  }

  /** The answer is whole. A body that nobody wants ends with the connection (RFC 9112 section 9.6). */
  private finish(): void {
    this.finished = true;
    if (this.ended || this.closes) this.close();
  }

  private reset(): void {
    this.sighting.reset = true;
    this.connection.cut(0, 'reset');
  }

  /** The connection is no more. */
  gone(): void {
    this.over = true;
  }

  private close(): void {
    if (this.over) return;
    this.over = true;
    this.connection.handled(this.closes);
  }
}
