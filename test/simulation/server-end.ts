import type { Sighting } from './books.js';
import type { Behaviour, ServerProcess } from './server-process.js';
import type { End, Tcp } from './tcp.js';

/** What TLS says in either direction before there is more to say, in bytes. */
export const clientHello = 517;
export const serverHello = 1_500;

/** A connection as a server has it, whatever it speaks: how it reads and writes, and how it ends. */
export abstract class ServerEnd implements End {
  readonly number: number;
  readonly process: ServerProcess;
  /** It reads nothing of this one connection. */
  paused = false;
  protected readonly tcp: Tcp;
  /** Nothing can be sent or read any more. */
  protected over = false;
  /** Of the client's hello in TLS: so many bytes have not come. */
  private hello: number;
  private reading = false;
  private out: Uint8Array[] = [];
  private ending = false;
  private cutAfter = Infinity;
  private cutBy: 'reset' | 'end' = 'reset';

  constructor(process: ServerProcess, tcp: Tcp, secure: boolean, number: number) {
    this.process = process;
    this.tcp = tcp;
    this.number = number;
    this.hello = secure ? clientHello : 0;
    tcp.server = this;
    tcp.down.onWritable = () =>
      process.run(() => {
        this.flush();
        this.pump();
      });
    tcp.up.onReadable = () => process.run(() => this.read());
  }

  get behaviour(): Behaviour {
    return this.process.behaviour;
  }

  private get who(): string {
    return `${this.process.address} (connection ${this.number})`;
  }

  tell(what: string): void {
    this.process.world.tell(this.who, what);
  }

  complain(oracle: string, what: string): void {
    this.process.world.books.complain(oracle, `${this.who}: ${what}`);
  }

  /** Enters a request in the books; `kept`: it came in HTTP/1.1, and not as the first here. */
  saw(id: number, stream: number, kept = false): Sighting {
    const { address, world } = this.process;
    const sighting: Sighting = {
      address,
      connection: this.number,
      stream,
      at: world.clock.time,
      verdict: 'acted',
      kept,
      received: 0,
      receivedWhole: false,
      status: 0,
      answered: 'nothing',
      sent: 0,
      reset: false,
    };
    world.books.saw(id, sighting);
    return sighting;
  }

  begin(): void {
    if (!this.inHello) this.opened();
    this.read();
  }

  /** The protocol itself begins. */
  protected abstract opened(): void;

  /** Its behaviour is another from now on. */
  abstract behaviourChanged(before: Behaviour): void;

  // --- reading ---

  protected get inHello(): boolean {
    return this.hello > 0;
  }

  /** It takes what comes. */
  protected get readsOn(): boolean {
    return !this.over && !this.paused;
  }

  read(): void {
    const { readRate, muteInTls } = this.behaviour;
    if (this.reading || readRate === 0 || (this.inHello && muteInTls)) return;
    while (this.readsOn) {
      const bytes = this.tcp.up.read(readRate === Infinity ? 65_536 : Math.max(1, Math.round(readRate * 20)));
      if (bytes.length === 0) break;
      if (this.inHello) this.onHello(bytes);
      else this.onBytes(bytes);
      if (readRate === Infinity) continue;
      this.reading = true;
      return this.process.after(bytes.length / readRate, () => {
        this.reading = false;
        this.read();
      });
    }
    if (this.readsOn && this.tcp.up.ended) this.clientEnded();
  }

  /** Nothing follows it before it is answered. */
  private onHello(bytes: Uint8Array): void {
    this.hello -= bytes.length;
    if (this.inHello) return;
    this.write(new Uint8Array(serverHello));
    this.opened();
  }

  protected abstract onBytes(bytes: Uint8Array): void;

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

  /** There is room to write again. */
  protected abstract pump(): void;

  /** Bytes that wait in the server's own memory: beyond this handlers wait. */
  get choked(): boolean {
    return this.out.length > 4;
  }

  protected get written(): boolean {
    return this.out.length === 0;
  }

  /** Bytes a millisecond that come through, either way; Infinity: as many as the link carries. */
  slowTo(rate: number): void {
    this.tcp.up.rate = this.tcp.down.rate = rate;
  }

  // --- the end ---

  /** The connection ends after so many bytes more that it sends. */
  cut(after: number, by: 'reset' | 'end'): void {
    this.cutAfter = after;
    this.cutBy = by;
    if (after > 0 || this.over) return;
    this.tell(by === 'reset' ? 'resets the connection' : 'ends the connection');
    this.crash(by === 'reset');
  }

  /** What was written is all that is to come. */
  protected end(): void {
    if (this.ending || this.over) return;
    this.ending = true;
    if (this.written) this.tcp.down.finish();
    this.process.after(5_000, () => this.cut(0, 'reset'));
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
    this.over = true;
    this.out = [];
    this.tcp.up.stopReading();
    this.closed();
  }

  /** Called once, when it is over. */
  protected abstract closed(): void;
}
