import { Handler, type Fields } from './handler.js';
import type { Http1ServerConnection } from './http1-server.js';
import type { RequestPlan } from './plan.js';

const reasons: Readonly<Record<number, string>> = { 100: 'Continue', 103: 'Early Hints', 200: 'OK' };

/** One request of HTTP/1.1 with its handler. */
export class Http1Handler extends Handler<Http1ServerConnection> {
  /** It takes the body as it comes; else nothing more is read of the connection. */
  reads = false;
  /** It is the last of its connection. */
  private closes: boolean;
  private chunked = false;
  /** The request said how long its body is. */
  private readonly sized: boolean;

  constructor(connection: Http1ServerConnection, request: RequestPlan, closes: boolean, sized: boolean) {
    const { requests, behaviour } = connection;
    super(connection, request, connection.saw(request.id, 0, requests > 1));
    this.sized = sized;
    this.closes = closes || requests >= behaviour.mostRequests;
    connection.tell(`acts on request ${request.id} in HTTP/1.1`);
  }

  protected override read(): void {
    this.reads = true;
    this.connection.read();
  }

  override onEnd(trailers: ReadonlyMap<string, string> | undefined): void {
    this.reads = true;
    super.onEnd(trailers);
  }

  /** RFC 9112 section 6.3. */
  protected override get endsByLength(): boolean {
    return this.sized;
  }

  protected override sendHead(status: number, fields: Fields, ends: boolean): void {
    const { handler, id } = this.request;
    const final = status >= 200;
    // Trailers go only after chunks (RFC 9112 section 7.1.2).
    const sized = fields.some(([name]) => name === 'content-length') && (ends || !handler.trailers);
    this.chunked = final && !sized;
    if (final && !this.ended && handler.readsAfter === Infinity) this.closes = true; // it does not wait for what it does not want
    this.connection.tell(`sends ${status} for request ${id}`);
    const lines = fields.filter(([name]) => sized || name !== 'content-length').map((field) => field.join(': '));
    if (this.chunked) lines.push('transfer-encoding: chunked');
    if (final && this.closes) lines.push('connection: close');
    this.write([`HTTP/1.1 ${status} ${reasons[status] ?? 'Other'}`, ...lines, '', ''].join('\r\n'));
    if (ends && this.chunked) this.sendTail([]);
  }

  private write(text: string): void {
    this.connection.write(Buffer.from(text, 'latin1'));
  }

  protected override get room(): number {
    return Infinity;
  }

  protected override get endsWithBytes(): boolean {
    return !this.chunked;
  }

  protected override sendBytes(bytes: Uint8Array): void {
    if (this.chunked) this.write(`${bytes.length.toString(16)}\r\n`);
    this.connection.write(bytes);
    if (this.chunked) this.write('\r\n');
  }

  protected override sendTail(trailers: Fields): void {
    this.write(['0', ...trailers.map((field) => field.join(': ')), '', ''].join('\r\n'));
  }

  /** A body that nobody wants ends with the connection (RFC 9112 section 9.6). */
  protected override finishedEarly(): void {
    if (this.closes) this.close();
  }

  protected override reset(): void {
    this.connection.cut(0, 'reset');
  }

  override gone(): void {
    this.over = true;
  }

  protected override close(): void {
    if (this.over) return;
    this.over = true;
    this.connection.handled(this.closes);
  }
}
