// HTTP/2 over TLS without node:http2, which gives credit for the connection whether a body is read or not: here an upload
// to /up is not read, and holds the 65,535 bytes of the connection's window (RFC 9113 section 6.9.2).
import { createServer } from 'node:tls';
import { Decoder, Encoder } from 'passinglane/hpack';
import { ack, endHeaders, endStream, frame, type } from './frames.mjs';

const { Buffer } = globalThis;
const prefaceLength = 24;

function uint32(value) {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32BE(value);
  return bytes;
}

class Connection {
  #socket;
  #decoder = new Decoder();
  #encoder = new Encoder();
  #input = Buffer.alloc(0);
  #greeted = false;
  #block = Buffer.alloc(0);
  #ends = false;
  /** Requests whose body is coming, by stream: true where it is gRPC's. */
  #open = new Map();

  constructor(socket) {
    this.#socket = socket;
    socket.on('data', (bytes) => this.#receive(bytes));
    socket.on('error', () => socket.destroy());
    // INITIAL_WINDOW_SIZE: a stream's window is not what holds an upload up
    this.#send(type.settings, 0, 0, Buffer.concat([Buffer.from([0, 4]), uint32(2 ** 31 - 1)]));
  }

  #send(...parts) {
    this.#socket.write(frame(...parts));
  }

  #receive(bytes) {
    this.#input = Buffer.concat([this.#input, bytes]);
    if (!this.#greeted) {
      if (this.#input.length < prefaceLength) return;
      this.#greeted = true;
      this.#input = this.#input.subarray(prefaceLength);
    }
    while (this.#input.length >= 9) {
      const length = this.#input.readUIntBE(0, 3);
      if (this.#input.length < 9 + length) return;
      const [kind, flags] = this.#input.subarray(3, 5);
      const stream = this.#input.readUInt32BE(5);
      const payload = this.#input.subarray(9, 9 + length);
      this.#input = this.#input.subarray(9 + length);
      this.#onFrame(kind, flags, stream, payload);
    }
  }

  #onFrame(kind, flags, stream, payload) {
    if (kind === type.settings && (flags & ack) === 0) this.#send(type.settings, ack, 0);
    if (kind === type.ping && (flags & ack) === 0) this.#send(type.ping, ack, 0, payload);
    if (kind === type.headers || kind === type.continuation) {
      if (kind === type.headers) this.#ends = (flags & endStream) !== 0;
      const fragment = kind === type.headers && (flags & 0x20) !== 0 ? payload.subarray(5) : payload; // PRIORITY
      this.#block = kind === type.headers ? fragment : Buffer.concat([this.#block, fragment]);
      if ((flags & endHeaders) !== 0) this.#onRequest(stream);
    }
    if (kind === type.data && this.#open.has(stream)) {
      if (payload.length > 0) this.#send(type.windowUpdate, 0, 0, uint32(payload.length));
      if ((flags & endStream) !== 0) this.#answer(stream);
    }
  }

  #onRequest(stream) {
    const fields = new Map(this.#decoder.decode(this.#block));
    if (fields.get(':path') === '/up') return;
    this.#open.set(stream, fields.get('content-type') === 'application/grpc');
    if (this.#ends) this.#answer(stream);
  }

  #answer(stream) {
    const grpc = this.#open.get(stream);
    this.#open.delete(stream);
    const fields = [[':status', '200'], ...(grpc ? [['content-type', 'application/grpc']] : [])];
    this.#send(type.headers, endHeaders, stream, this.#encoder.encode(fields));
    this.#send(type.data, grpc ? 0 : endStream, stream, Buffer.alloc(grpc ? 5 : 100));
    if (grpc) this.#send(type.headers, endHeaders | endStream, stream, this.#encoder.encode([['grpc-status', '0']]));
  }
}

/** A server of such connections, which listens nowhere yet. */
export const unreadServer = (tls) =>
  createServer({ ...tls, ALPNProtocols: ['h2'] }, (socket) => void new Connection(socket));
