import { Http1Handler } from './http1-handler.js';
import { ServerEnd } from './server-end.js';
import type { Behaviour } from './server-process.js';

/** What comes next. */
type Stage = 'head' | 'body' | 'chunk' | 'chunk end' | 'chunk size' | 'trailers';

const lineEnd = '\r\n';

/**
 * One connection of HTTP/1.1 (RFC 9112) as a server has it: one request after the other. Written for the simulator, without
 * node:http, so that what that makes of a request is held against other eyes.
 */
export class Http1ServerConnection extends ServerEnd {
  /** Requests that it has had. */
  requests = 0;
  private stage: Stage = 'head';
  private unread = Buffer.alloc(0);
  /** Of the body, or of a chunk of it, in bytes. */
  private left = 0;
  private handler: Http1Handler | undefined = undefined;

  protected override opened(): void {
    // the client speaks first
  }

  override behaviourChanged(before: Behaviour): void {
    this.handler?.behaviourChanged();
    if (before.readRate !== this.behaviour.readRate || before.muteInTls) this.read();
  }

  // --- reading ---

  protected override get readsOn(): boolean {
    return super.readsOn && this.handler?.reads !== false;
  }

  protected override onBytes(bytes: Uint8Array): void {
    this.unread = Buffer.concat([this.unread, bytes]);
    while (this.parse());
  }

  /** True: there may be more to make of what has come. */
  private parse(): boolean {
    if (this.over) return false;
    switch (this.stage) {
      case 'head':
        return this.parseHead();
      case 'body':
      case 'chunk':
        return this.parseBody();
      case 'chunk size':
      case 'chunk end':
        return this.parseLine();
      case 'trailers':
        return this.parseTrailers();
    }
  }

  private take(bytes: number): Buffer {
    const taken = this.unread.subarray(0, bytes);
    this.unread = this.unread.subarray(bytes);
    return taken;
  }

  /** Up to these characters, without them; undefined: they have not come. */
  private takeTo(end: string): string | undefined {
    const at = this.unread.indexOf(end);
    if (at < 0) return undefined;
    const text = this.take(at).toString('latin1');
    this.take(end.length);
    return text;
  }

  private parseHead(): boolean {
    if (this.handler !== undefined) {
      if (this.unread.length > 0) this.complain('protocol', 'a request before the last one was answered');
      return false;
    }
    const head = this.takeTo(lineEnd + lineEnd);
    if (head === undefined) return false;
    const [line = '', ...rest] = head.split(lineEnd);
    const fields = fieldsOf(rest);
    if (!/^[A-Z]+ \/\d+ HTTP\/1\.1$/.test(line)) this.complain('protocol', `a request line that is none: ${line}`);
    if (!fields.has('host')) this.complain('protocol', 'a request without a host');
    const id = Number(fields.get('x-id'));
    const request = this.process.world.requestOf(id);
    if (request === undefined) {
      this.complain('protocol', `a request that nobody made: ${String(fields.get('x-id'))}`);
      return false;
    }
    const chunked = fields.get('transfer-encoding') === 'chunked';
    this.left = Number(fields.get('content-length') ?? 0);
    if (chunked && fields.has('content-length')) this.complain('protocol', 'a body that is framed twice');
    this.stage = chunked ? 'chunk size' : this.left > 0 ? 'body' : 'head';
    this.requests++;
    const closes = fields.get('connection')?.split(', ').includes('close') === true;
    this.handler = new Http1Handler(this, request, closes, !chunked);
    this.handler.begin(this.stage === 'head', fields.get('expect') === '100-continue');
    return true;
  }

  private parseBody(): boolean {
    if (this.unread.length === 0) return false;
    const bytes = this.take(Math.min(this.left, this.unread.length));
    this.left -= bytes.length;
    const whole = this.left === 0 && this.stage === 'body';
    if (this.left === 0) this.stage = whole ? 'head' : 'chunk end';
    this.handler?.received(bytes);
    if (whole) this.handler?.onEnd(undefined);
    return true;
  }

  private parseLine(): boolean {
    const line = this.takeTo(lineEnd);
    if (line === undefined) return false;
    if (this.stage === 'chunk end') {
      if (line !== '') this.complain('protocol', 'a chunk that is longer than it says');
      this.stage = 'chunk size';
      return true;
    }
    if (!/^[\da-f]+$/i.test(line)) this.complain('protocol', `a chunk of ${line} bytes`);
    this.left = parseInt(line, 16);
    this.stage = this.left === 0 ? 'trailers' : 'chunk';
    return true;
  }

  private parseTrailers(): boolean {
    const none = this.unread.toString('latin1', 0, lineEnd.length) === lineEnd;
    const text = none ? this.takeTo(lineEnd) : this.takeTo(lineEnd + lineEnd);
    if (text === undefined) return false;
    this.stage = 'head';
    this.handler?.onEnd(none ? undefined : fieldsOf(text.split(lineEnd)));
    return true;
  }

  protected override pump(): void {
    this.handler?.sendBody();
  }

  // --- the end ---

  /** Both the request and the answer are whole; `closes`: it was the last here. */
  handled(closes: boolean): void {
    this.handler = undefined;
    if (closes) return this.end();
    this.process.run(() => {
      while (this.parse());
      this.read();
    });
  }

  protected override closed(): void {
    this.handler?.gone();
    this.process.http1Connections.delete(this);
  }
}

function fieldsOf(lines: readonly string[]): Map<string, string> {
  return new Map(
    lines.map((line) => {
      const colon = line.indexOf(':');
      return [line.slice(0, colon).toLowerCase(), line.slice(colon + 1).trim()];
    }),
  );
}
