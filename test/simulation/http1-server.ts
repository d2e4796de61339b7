import { Http1Handler } from './http1-handler.js';
import { clientHello, serverHello } from './server-connection.js';
import type { Behaviour, ServerProcess } from './server-process.js';
import type { End, Tcp } from './tcp.js';

/** What comes next. */
type Stage = 'hello' | 'head' | 'body' | 'chunk' | 'chunk end' | 'chunk size' | 'trailers' | 'over';

const lineEnd = '\r\n';

/**
 * One connection of HTTP/1.1 (RFC 9112) as a server has it: one request after the other. Written for the simulator, without
 * node:http, so that what that makes of a request is held against other eyes.
 */
export class Http1ServerConnection implements End {
  readonly number: number;
  readonly process: ServerProcess;
  /** It reads nothing of this one connection. */
  paused = false;
  /** Requests that it has had. */
  requests = 0;
  private readonly tcp: Tcp;
  private stage: Stage;
  private unread = Buffer.alloc(0);
  /** Of the body, or of a chunk of it, in bytes. */
  private left = 0;
  private handler: Http1Handler | undefined = undefined;
  private reading = false;
  private out: Uint8Array[] = [];
  private ending = false;
  private cutAfter = Infinity;
  private cutBy: 'reset' | 'end' = 'reset';

  constructor(process: ServerProcess, tcp: Tcp, secure: boolean, number: number) {
    this.process = process;
    this.tcp = tcp;
    this.number = number;
    this.stage = secure ? 'hello' : 'head';
    tcp.server = this;
    tcp.down.onWritable = () =>
      process.run(() => {
        this.flush();
        this.handler?.sendBody();
      });
    tcp.up.onReadable = () => process.run(() => this.read());
  }

  get behaviour(): Behaviour {
    return this.process.behaviour;
  }

  tell(what: string): void {
    this.process.world.tell(`${this.process.address} (connection ${this.number})`, what);
  }

  complain(oracle: string, what: string): void {
    this.process.world.books.complain(oracle, `${this.process.address} (connection ${this.number}): ${what}`);
  }

  behaviourChanged(before: Behaviour): void {
    this.handler?.behaviourChanged();
    if (before.readRate !== this.behaviour.readRate || before.muteInTls) this.read();
  }

  // --- reading ---

  read(): void {
    const { readRate, muteInTls } = this.behaviour;
    if (this.reading || readRate === 0 || (this.stage === 'hello' && muteInTls)) return;
    while (!this.over && !this.paused && this.handler?.reads !== false) {
      const bytes = this.tcp.up.read(readRate === Infinity ? 65_536 : Math.max(1, Math.round(readRate * 20)));
      if (bytes.length === 0) break;
      this.unread = Buffer.concat([this.unread, bytes]);
      while (this.parse());
      if (readRate === Infinity) continue;
      this.reading = true;
      return this.process.after(bytes.length / readRate, () => {
        this.reading = false;
        this.read();
      });
    }
    if (!this.over && this.tcp.up.ended) this.clientEnded();
  }

  private get over(): boolean {
    return this.stage === 'over';
  }

  /** True: there may be more to make of what has come. */
  private parse(): boolean {
    switch (this.stage) {
      case 'hello':
        if (this.unread.length < clientHello) return false;
        this.take(clientHello);
        this.write(new Uint8Array(serverHello));
        this.stage = 'head';
        return true;
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
      case 'over':
        return false;
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
    this.handler = new Http1Handler(this, request, closes);
    this.handler.begin(this.stage === 'head', fields.get('expect') === '100-continue');
    return true;
  }

  private parseBody(): boolean {
    if (this.unread.length === 0) return false;
    const bytes = this.take(Math.min(this.left, this.unread.length));
    this.left -= bytes.length;
    const whole = this.left === 0 && this.stage === 'body';
    if (this.left === 0) this.stage = whole ? 'head' : 'chunk end';
    this.handler?.onData(bytes);
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

  // --- writing ---

  write(bytes: Uint8Array): void {
    if (this.over || this.ending) return;
    this.out.push(bytes);
    this.flush();
  }

  private flush(): void {
    while (this.out.length > 0) {
      const first = this.out[0]!;
      const part = first.length > this.cutAfter ? first.subarray(0, this.cutAfter) : first;
      const taken = this.tcp.down.write(part, true);
      this.cutAfter -= taken;
      if (this.cutAfter <= 0) return this.cut(0, this.cutBy);
      if (taken < first.length) {
        this.out[0] = first.subarray(taken);
        return;
      }
      this.out.shift();
    }
    if (this.ending) this.tcp.down.finish();
  }

  /** Bytes that wait in the server's own memory: beyond this handlers wait. */
  get choked(): boolean {
    return this.out.length > 4;
  }

  /** Bytes a millisecond that come through, either way; Infinity: as many as the link carries. */
  slowTo(rate: number): void {
    this.tcp.up.rate = this.tcp.down.rate = rate;
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

  /** The answer is all that is to come. */
  private end(): void {
    if (this.ending || this.over) return;
    this.ending = true;
    if (this.out.length === 0) this.tcp.down.finish();
    this.process.after(5_000, () => {
      if (!this.over) this.cut(0, 'reset');
    });
  }

  /** The connection ends after so many bytes more that it sends. */
  cut(after: number, by: 'reset' | 'end'): void {
    this.cutAfter = after;
    this.cutBy = by;
    if (after > 0 || this.over) return;
    this.tell(by === 'reset' ? 'resets the connection' : 'ends the connection');
    this.crash(by === 'reset');
  }

  private clientEnded(): void {
    this.tell('has been closed by the client');
    this.crash(false);
  }

  onReset(): void {
    this.process.run(() => {
      this.tell('has been reset');
      this.close();
    });
  }

  /** Its process has died. */
  crash(byReset: boolean): void {
    if (byReset) this.tcp.resetFrom('server');
    else this.tcp.down.finish();
    this.close();
  }

  private close(): void {
    if (this.over) return;
    this.stage = 'over';
    this.out = [];
    this.tcp.up.stopReading();
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
