import assert from 'node:assert/strict';
import type { TransportError } from '../../dist/errors.js';
import { buildRequestFields, type Stream } from '../../dist/protocol/index.js';
import type { Harness } from './harness.js';

/** Everything that a stream's owner is told, in one log with all others; body bytes in a row are one entry. */
export class Recorder {
  stream!: Stream;
  ended = false;
  sent = false;
  error: TransportError | undefined = undefined;
  resetByUs = false;
  unread = 0;
  private readonly log: string[];

  constructor(log: string[]) {
    this.log = log;
  }

  private note(what: string): void {
    assert.ok(!this.resetByUs, `${what} after our own reset`);
    assert.equal(this.error, undefined, `${what} after the end`);
    this.log.push(`${this.stream.id} ${what}`);
  }

  onInformational(status: number, fields: readonly string[]): void {
    this.note(`informational ${status} ${fields.join(' ')}`);
  }

  onHeaders(status: number, fields: string[], endStream: boolean): void {
    this.note(`headers ${status} ${fields.join(' ')} ${endStream}`);
  }

  onData(bytes: Uint8Array, start: number, end: number): void {
    assert.ok(!this.ended && !this.resetByUs && this.error === undefined && end > start);
    this.unread += end - start;
    const before = this.log.at(-1) ?? '';
    const data = Buffer.from(bytes.subarray(start, end)).toString('latin1');
    if (before.startsWith(`${this.stream.id} data `)) this.log[this.log.length - 1] = before + data;
    else this.note(`data ${data}`);
  }

  read(h: Harness, most = Infinity): void {
    const bytes = Math.min(this.unread, most);
    this.unread -= bytes;
    h.connection.consume(this.stream, bytes);
  }

  onEnd(trailers: string[] | undefined): void {
    assert.ok(!this.ended, 'the end comes once');
    this.note(`end ${trailers?.join(' ')}`);
    this.ended = true;
  }

  onSent(): void {
    assert.ok(!this.sent, 'the request is sent once');
    this.note('sent');
    this.sent = true;
  }

  onDrain(): void {
    this.log.push(`${this.stream.id} drained`);
  }

  onFailed(error: TransportError): void {
    if (this.ended) assert.ok(!this.sent, 'a stream that both sides have ended does not fail');
    this.note(`failed ${error.code} ${error.errorCode} ${error.unprocessed} ${error.message}`);
    this.error = error;
  }

  /** Of a whole response, a failure and our own reset, exactly one has come; a failed upload may follow the first. */
  assertSettled(): void {
    const ways =
      Number(this.ended) + Number(this.error !== undefined && !this.ended) + Number(this.resetByUs && !this.ended);
    assert.equal(ways, 1, `stream ${this.stream.id}: ended ${this.ended}, reset ${this.resetByUs}, ${this.error}`);
  }
}

export function open(h: Harness, log: string[], method: string, hasBody: boolean): Recorder {
  const sink = new Recorder(log);
  const fields = buildRequestFields({
    method,
    scheme: 'https',
    authority: 'test.example',
    path: `/${h.view.nextStreamId}`,
    protocol: undefined,
    fields: ['x-same', 'in every request', `x-${h.view.nextStreamId % 7}`, 'in some'],
    contentLength: hasBody ? -1 : 0,
    hasBody,
    trailerNames: [],
    userAgent: undefined,
    acceptEncoding: undefined,
    expectContinue: false,
    priority: undefined,
  });
  sink.stream = h.connection.open(
    {
      fields,
      endStream: !hasBody,
      urgency: h.view.nextStreamId % 8,
      bodyless: method === 'HEAD',
      informationalLimit: 500,
    },
    sink,
    h.now,
  );
  sink.sent = !hasBody;
  return sink;
}

/** Takes all output. */
export function drain(h: Harness): Buffer {
  const parts: Buffer[] = [];
  for (;;) {
    const bytes = h.connection.takeOutput(65_536, h.now);
    if (bytes.length === 0) return Buffer.concat(parts);
    parts.push(Buffer.from(bytes));
    h.connection.outputTaken(h.now);
  }
}
