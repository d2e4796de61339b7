import type { Sighting } from './books.js';
import { Code, Flag, numbers, Type } from './frames.js';
import { Handler, type Fields } from './handler.js';
import type { RequestPlan } from './plan.js';
import type { ServerConnection } from './server-connection.js';

/** A stream as its connection has it. */
export interface ServedStream {
  sendWindow: number;
  receiveWindow: number;
  /** Received, and not read by who serves it. */
  readonly unread: number;
  begin(ends: boolean, expects: boolean): void;
  onData(bytes: Uint8Array, ends: boolean): void;
  onEnd(trailers: ReadonlyMap<string, string> | undefined): void;
  onWindowChange(by: number): void;
  behaviourChanged(): void;
  /** There is room to write again. */
  sendBody(): void;
  gone(): void;
}

/** One request of HTTP/2 with its handler. */
export class ServerStream extends Handler<ServerConnection> implements ServedStream {
  sendWindow: number;
  receiveWindow: number;
  /** Received of the body, and not read by the handler. */
  unread = 0;
  private readonly id: number;
  /** The handler reads the body as it comes. */
  private reads = false;
  private owed = 0;

  constructor(
    connection: ServerConnection,
    id: number,
    request: RequestPlan,
    sighting: Sighting,
    sendWindow: number,
    receiveWindow: number,
  ) {
    super(connection, request, sighting);
    this.id = id;
    this.sendWindow = sendWindow;
    this.receiveWindow = receiveWindow;
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
    this.received(bytes);
    this.unread += bytes.length;
    if (this.reads || this.connection.behaviour.credit !== 'handler') this.take();
    if (ends) this.onEnd(undefined);
  }

  override onEnd(trailers: ReadonlyMap<string, string> | undefined): void {
    if (this.ended) this.connection.complain('protocol', `trailers on stream ${this.id} after its end`);
    super.onEnd(trailers);
  }

  protected override read(): void {
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

  override behaviourChanged(): void {
    if (this.unread > 0 && (this.reads || this.connection.behaviour.credit !== 'handler')) this.take();
    else this.giveCredit();
    super.behaviourChanged();
  }

  // --- the answer ---

  protected override sendHead(status: number, fields: Fields, ends: boolean): void {
    this.connection.sendFields(this.id, [[':status', String(status)], ...fields], ends);
  }

  /** As much as both windows allow. */
  protected override get room(): number {
    return Math.min(this.sendWindow, this.connection.sendWindow, this.connection.clientMaxFrame);
  }

  protected override get endsWithBytes(): boolean {
    return !this.request.handler.trailers;
  }

  protected override sendBytes(bytes: Uint8Array, last: boolean): void {
    this.sendWindow -= bytes.length;
    this.connection.sendWindow -= bytes.length;
    this.connection.send(Type.data, last ? Flag.endStream : 0, this.id, bytes);
  }

  protected override sendTail(trailers: Fields): void {
    this.connection.sendFields(this.id, trailers, true);
  }

  /** A body that nobody wants is reset with NO_ERROR (RFC 9113 section 8.1). */
  protected override finishedEarly(): void {
    if (this.request.handler.readsAfter !== Infinity) return; // it reads the rest
    this.sendReset(Code.noError);
  }

  protected override reset(): void {
    this.sendReset(this.connection.behaviour.resetCode);
  }

  private sendReset(code: number): void {
    this.connection.send(Type.rstStream, 0, this.id, numbers(code));
    this.close();
  }

  override gone(): void {
    this.close();
  }

  protected override close(): void {
    if (this.over) return;
    this.over = true;
    const { unread } = this;
    this.unread = 0;
    this.connection.giveBack(unread);
    this.connection.forget(this.id);
  }
}
