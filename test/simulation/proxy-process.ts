import { Code, Flag, numbers, Type } from './frames.js';
import { Onward, type TunnelSide, type Ways } from './onward.js';
import type { RequestPlan } from './plan.js';
import { ServerConnection } from './server-connection.js';
import { ServerEnd } from './server-end.js';
import { ServerProcess, type Behaviour, type World } from './server-process.js';
import type { ServedStream } from './server-stream.js';
import type { Tcp } from './tcp.js';

/** At most so many bytes go on at once. */
const mostAtOnce = 16_384;

/** A proxy that opens tunnels, asked by CONNECT over HTTP/2 or HTTP/1.1. */
export class ProxyProcess extends ServerProcess {
  /** Those that are open, in the order in which they were asked for. */
  readonly tunnels: Onward[] = [];
  readonly ways: Ways;

  constructor(address: string, world: Omit<World, 'requestOf'>, ways: Ways, usual: Partial<Behaviour> = {}) {
    super(address, { ...world, requestOf: () => ({}) as RequestPlan }, usual);
    this.ways = ways;
  }

  open(authority: string, side: TunnelSide): Onward {
    const onward = new Onward(this, this.ways, authority, side);
    this.tunnels.push(onward);
    return onward;
  }

  protected override connectionOver(tcp: Tcp, secure: boolean, http2: boolean): ServerEnd {
    const { connections } = this.world.books;
    if (http2) return new ProxyConnection(this, tcp, secure, connections);
    return new Http1ProxyConnection(this, tcp, secure, connections);
  }
}

/** A connection to a proxy that speaks HTTP/2. */
class ProxyConnection extends ServerConnection {
  protected override serve(...[id, , , windows, fields]: Parameters<ServerConnection['serve']>): ServedStream {
    return new TunnelStream(this, id, windows, fields.get(':authority') ?? '');
  }
}

/** A tunnel in a stream of HTTP/2 (RFC 9113 section 8.5). */
class TunnelStream implements ServedStream, TunnelSide {
  sendWindow: number;
  receiveWindow: number;
  unread = 0;
  private readonly connection: ServerConnection;
  private readonly id: number;
  private readonly authority: string;
  private onward!: Onward;
  private answered = false;
  private owed = 0;
  private ended = false;
  private over = false;

  constructor(
    connection: ServerConnection,
    id: number,
    [send, receive]: readonly [send: number, receive: number],
    authority: string,
  ) {
    this.connection = connection;
    this.id = id;
    this.authority = authority;
    this.sendWindow = send;
    this.receiveWindow = receive;
  }

  begin(): void {
    this.onward = (this.connection.process as ProxyProcess).open(this.authority, this);
  }

  connected(): void {
    if (this.over) return;
    this.answered = true;
    this.connection.sendFields(this.id, [[':status', '200']], false);
    this.sendBody();
  }

  refused(): void {
    if (this.over) return;
    this.connection.sendFields(this.id, [[':status', '502']], true);
    this.gone();
  }

  onData(bytes: Uint8Array, ends: boolean): void {
    this.receiveWindow -= bytes.length;
    if (this.receiveWindow < 0) this.connection.complain('flow control', `too much on stream ${this.id}`);
    this.unread += bytes.length;
    this.onward.write(bytes);
    if (ends) this.onEnd();
  }

  onEnd(): void {
    this.ended = true;
    this.onward.finish();
  }

  taken(bytes: number): void {
    this.unread -= bytes;
    this.owed += bytes;
    this.connection.giveBack(bytes);
    if (this.over || this.ended || this.owed < this.connection.behaviour.initialWindow / 2) return;
    this.receiveWindow += this.owed;
    this.connection.send(Type.windowUpdate, 0, this.id, numbers(this.owed));
    this.owed = 0;
  }

  readable(): void {
    this.sendBody();
  }

  sendBody(): void {
    const { connection, onward } = this;
    while (this.answered && !this.over && !connection.choked) {
      const room = Math.min(this.sendWindow, connection.sendWindow, connection.clientMaxFrame, mostAtOnce);
      const bytes = room > 0 ? onward.read(room) : undefined;
      if (bytes === undefined) break;
      this.sendWindow -= bytes.length;
      connection.sendWindow -= bytes.length;
      connection.send(Type.data, 0, this.id, bytes);
    }
    if (!this.answered || this.over || !onward.ended) return;
    connection.send(Type.data, Flag.endStream, this.id);
    this.gone();
  }

  reset(): void {
    if (this.over) return;
    this.connection.send(Type.rstStream, 0, this.id, numbers(Code.connectError));
    this.gone();
  }

  onWindowChange(by: number): void {
    this.receiveWindow += by;
  }

  behaviourChanged(): void {
    // how it passes bytes on depends on nothing
  }

  gone(): void {
    if (this.over) return;
    this.over = true;
    this.onward.destroy();
    this.connection.giveBack(this.unread);
    this.connection.forget(this.id);
  }
}

/** A connection to a proxy that speaks HTTP/1.1: it becomes the tunnel (RFC 9110 section 9.3.6). */
class Http1ProxyConnection extends ServerEnd implements TunnelSide {
  private head = Buffer.alloc(0);
  private onward: Onward | undefined = undefined;

  protected override opened(): void {
    // the client speaks first
  }

  override behaviourChanged(before: Behaviour): void {
    if (before.readRate !== this.behaviour.readRate || before.muteInTls) this.read();
  }

  protected override get readsOn(): boolean {
    return super.readsOn && (this.onward?.waiting ?? 0) < 4;
  }

  protected override onBytes(bytes: Uint8Array): void {
    if (this.onward !== undefined) return this.onward.write(bytes);
    this.head = Buffer.concat([this.head, bytes]);
    const end = this.head.indexOf('\r\n\r\n');
    if (end < 0) return;
    const [, authority = ''] = /^CONNECT (\S+) HTTP\/1\.1\r\n/.exec(this.head.toString('latin1')) ?? [];
    this.onward = (this.process as ProxyProcess).open(authority, this);
    this.onward.write(this.head.subarray(end + 4));
  }

  private say(status: string): void {
    this.write(Buffer.from(`HTTP/1.1 ${status}\r\n\r\n`, 'latin1'));
  }

  connected(): void {
    this.say('200 Connection established');
    this.pump();
  }

  refused(): void {
    this.say('502 Bad Gateway');
    this.end();
  }

  protected override pump(): void {
    while (!this.choked) {
      const bytes = this.onward?.read(mostAtOnce);
      if (bytes === undefined) break;
      this.write(bytes);
    }
    if (this.onward?.ended === true) this.end();
  }

  // --- the origin ---

  taken(): void {
    this.read();
  }

  readable(): void {
    this.pump();
  }

  reset(): void {
    this.crash(true);
  }

  protected override closed(): void {
    this.onward?.destroy();
    this.process.http1Connections.delete(this);
  }
}
