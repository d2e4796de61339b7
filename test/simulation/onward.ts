import { kernel } from './kernel.js';
import type { Host } from './network.js';
import type { Buffers } from './pipe.js';
import type { ServerProcess } from './server-process.js';
import { Tcp, type End } from './tcp.js';

/** The end of a tunnel at which the client is, as the proxy has it. */
export interface TunnelSide {
  /** The origin has taken the connection. */
  connected(): void;
  refused(): void;
  /** There is something to read, or the end. */
  readable(): void;
  /** So many bytes have gone on to the origin's kernel. */
  taken(bytes: number): void;
  reset(): void;
}

/** What a proxy connects by. */
export interface Ways {
  readonly hosts: ReadonlyMap<string, Host>;
  readonly buffers: Buffers;
  addressOf(hostname: string): string | undefined;
}

/** A proxy's connection to an origin, for one tunnel. */
export class Onward implements End {
  /** Undefined: it is being connected. */
  tcp: Tcp | undefined = undefined;
  private readonly process: ServerProcess;
  private readonly side: TunnelSide;
  private out: Uint8Array[] = [];
  private finishing = false;
  private over = false;

  constructor(process: ServerProcess, { hosts, buffers, addressOf }: Ways, authority: string, side: TunnelSide) {
    this.process = process;
    this.side = side;
    const { clock } = process.world;
    const [hostname = '', port] = authority.split(':');
    const host = hosts.get(addressOf(hostname) ?? '');
    if (host === undefined) {
      process.after(0, () => side.refused());
      return;
    }
    const { link } = host;
    const gone = (): boolean => this.over;
    const back = (then: () => void): void =>
      link.carry('down', () => process.run(then), gone, kernel.retransmitConnect);
    const arrive = (): void => {
      if (!host.listening) return back(() => side.refused());
      const tcp = new Tcp(clock, link, buffers);
      tcp.client = this;
      tcp.down.onReadable = () => process.run(() => side.readable());
      tcp.up.onWritable = () => process.run(() => this.flush());
      host.process.accept(tcp, port === '443');
      back(() => {
        this.tcp = tcp;
        side.connected();
        this.flush();
      });
    };
    link.carry('up', arrive, gone, kernel.retransmitConnect);
  }

  /** As much as is there, and no more than `most` bytes. */
  read(most: number): Uint8Array | undefined {
    const bytes = this.tcp?.down.read(most);
    return bytes?.length === 0 ? undefined : bytes;
  }

  get ended(): boolean {
    return this.tcp?.down.ended === true;
  }

  write(bytes: Uint8Array): void {
    if (this.over || bytes.length === 0) return;
    this.out.push(bytes);
    this.flush();
  }

  finish(): void {
    this.finishing = true;
    this.flush();
  }

  /** Of what was written, its kernel has not taken so many pieces. */
  get waiting(): number {
    return this.out.length;
  }

  private flush(): void {
    const { tcp } = this;
    while (tcp !== undefined && !this.over && this.out.length > 0) {
      const first = this.out[0]!;
      const taken = tcp.up.write(first);
      if (taken === first.length) this.out.shift();
      else this.out[0] = first.subarray(taken);
      if (taken > 0) this.side.taken(taken);
      if (taken < first.length) return;
    }
    if (this.finishing && !this.over) tcp?.up.finish();
  }

  onReset(): void {
    if (this.over) return;
    this.over = true;
    this.process.run(() => this.side.reset());
  }

  destroy(): void {
    if (this.over) return;
    this.over = true;
    this.out = [];
    this.tcp?.resetFrom('client');
    this.tcp?.down.stopReading();
  }
}
