import type { AddressInfo } from 'node:net';
import { createServer, type Server, type TLSSocket } from 'node:tls';
import type { Certificate } from '../certificate.js';
import { listening } from './origin.js';

const prefaceLength = 24;
const [data, headers, settings, ping, windowUpdate] = [0, 1, 4, 6, 8];
const [ack, endStream, endHeaders] = [0x1, 0x1, 0x4];
/** A body that is no longer than this is read as it comes. */
const shortBody = 16_384;

/**
 * An HTTP/2 origin whose application does not read long bodies, until it is told to: what came of them holds the
 * connection's window (RFC 9113 section 6.9), which node:http2's server gives back whether anybody reads or not. Every request
 * that has come whole is answered with 200, whatever it says.
 */
export class UnreadOrigin {
  private readonly server: Server;
  private readonly connections = new Set<UnreadConnection>();
  /** How many there have been. */
  accepted = 0;

  private constructor(certificate: Certificate) {
    this.server = createServer({ ...certificate, ALPNProtocols: ['h2'] }, (socket) => {
      this.accepted++;
      const connection = new UnreadConnection(socket);
      this.connections.add(connection);
      socket.on('close', () => this.connections.delete(connection));
    });
  }

  static async start(certificate: Certificate): Promise<UnreadOrigin> {
    const origin = new UnreadOrigin(certificate);
    await listening(origin.server);
    return origin;
  }

  get port(): number {
    return (this.server.address() as AddressInfo).port;
  }

  /** Bytes of long bodies that lie there. */
  get unread(): number {
    let sum = 0;
    for (const connection of this.connections) sum += connection.unread;
    return sum;
  }

  /** From now on long bodies are read as well. */
  read(): void {
    for (const connection of this.connections) connection.read();
  }

  close(): void {
    this.server.close();
    for (const { socket } of this.connections) socket.destroy();
  }
}

class UnreadConnection {
  readonly socket: TLSSocket;
  unread = 0;
  private reads = false;
  private greeted = false;
  private input: Buffer = Buffer.alloc(0);
  /** How much has come of each body. */
  private readonly bodies = new Map<number, number>();

  constructor(socket: TLSSocket) {
    this.socket = socket;
    socket.on('data', (bytes: Buffer) => this.receive(bytes));
    socket.on('error', () => socket.destroy());
    const streamWindow = Buffer.from([0, 4, 0, 16, 0, 0]); // INITIAL_WINDOW_SIZE: 1 MiB, so that it holds nothing up
    this.send(settings, 0, 0, streamWindow);
  }

  read(): void {
    this.reads = true;
    this.credit(this.unread);
    this.unread = 0;
  }

  private receive(bytes: Buffer): void {
    this.input = Buffer.concat([this.input, bytes]);
    if (!this.greeted) {
      if (this.input.length < prefaceLength) return;
      this.greeted = true;
      this.input = this.input.subarray(prefaceLength);
    }
    while (this.input.length >= 9) {
      const length = this.input.readUIntBE(0, 3);
      if (this.input.length < 9 + length) return;
      const frame = this.input;
      this.input = frame.subarray(9 + length);
      this.onFrame(frame.readUInt8(3), frame.readUInt8(4), frame.readUInt32BE(5), frame.subarray(9, 9 + length));
    }
  }

  private onFrame(type: number, flags: number, stream: number, payload: Buffer): void {
    if ((type === settings || type === ping) && (flags & ack) === 0)
      this.send(type, ack, 0, type === ping ? payload : Buffer.alloc(0));
    if (type === data) this.onData(stream, payload.length);
    if ((type === data || type === headers) && (flags & endStream) !== 0) {
      this.bodies.delete(stream);
      this.send(headers, endHeaders | endStream, stream, Buffer.from([0x88])); // :status 200 of HPACK's static table
    }
  }

  private onData(stream: number, length: number): void {
    const sofar = (this.bodies.get(stream) ?? 0) + length;
    this.bodies.set(stream, sofar);
    if (this.reads || sofar <= shortBody) this.credit(length);
    else this.unread += length;
  }

  private credit(bytes: number): void {
    if (bytes === 0) return;
    const payload = Buffer.alloc(4);
    payload.writeUInt32BE(bytes);
    this.send(windowUpdate, 0, 0, payload);
  }

  private send(type: number, flags: number, stream: number, payload: Buffer): void {
    const header = Buffer.alloc(9);
    header.writeUIntBE(payload.length, 0, 3);
    header.writeUInt8(type, 3);
    header.writeUInt8(flags, 4);
    header.writeUInt32BE(stream, 5);
    this.socket.write(Buffer.concat([header, payload]));
  }
}
