// HTTP/2 in the clear without a library: it reads frame headers and answers with bytes that were made beforehand, so that
// the server is never what bounds a measurement. One port a behaviour; prints them as one line of JSON.
import { createServer } from 'node:net';
import process from 'node:process';
import { ack, endHeaders, endStream, frame, type } from './frames.mjs';

const { Buffer } = globalThis;

/** A field as a literal without indexing (RFC 7541 section 6.2.2), all of it shorter than 127 bytes. */
const literal = (name, value) =>
  Buffer.concat([Buffer.from([0, name.length]), Buffer.from(name), Buffer.from([value.length]), Buffer.from(value)]);

const ok = Buffer.from([0x88]); // :status 200, from the static table
const body = Buffer.alloc(100, 'x');
const say = Buffer.from('a message of thirty characters');
const grpcBody = Buffer.concat([Buffer.from([0, 0, 0, 0, say.length + 2, 0x0a, say.length]), say]);

/** What answers a stream; stream IDs are written in before they are sent. */
const answers = {
  small: [frame(type.headers, endHeaders, 0, ok), frame(type.data, endStream, 0, body)],
  head: [frame(type.headers, endHeaders, 0, ok)],
  rest: [frame(type.data, endStream, 0, body)],
  grpc: [
    frame(type.headers, endHeaders, 0, Buffer.concat([ok, literal('content-type', 'application/grpc+proto')])),
    frame(type.data, 0, 0, grpcBody),
    frame(type.headers, endHeaders | endStream, 0, literal('grpc-status', '0')),
  ],
};

/** How many bytes of an answer the client's connection window pays for. */
const cost = (answer) => answer.reduce((sum, bytes) => sum + (bytes[3] === type.data ? bytes.length - 9 : 0), 0);

const preamble = Buffer.concat([
  // MAX_CONCURRENT_STREAMS and INITIAL_WINDOW_SIZE, as large as they may be
  frame(type.settings, 0, 0, Buffer.from([0, 3, 0x7f, 0xff, 0xff, 0xff, 0, 4, 0x7f, 0xff, 0xff, 0xff])),
  frame(type.windowUpdate, 0, 0, Buffer.from([0x7f, 0xff, 0, 0])),
]);

class Connection {
  constructor(socket, behaviour) {
    this.socket = socket;
    this.behaviour = behaviour;
    this.window = 65_535;
    this.waiting = [];
    this.output = [];
    this.rest = Buffer.alloc(0);
    this.greeted = false;
    socket.setNoDelay(true);
    socket.on('data', (bytes) => this.receive(bytes));
    socket.on('error', () => socket.destroy());
    socket.write(preamble);
  }

  receive(bytes) {
    let input = this.rest.length === 0 ? bytes : Buffer.concat([this.rest, bytes]);
    if (!this.greeted) {
      if (input.length < 24) return void (this.rest = input);
      this.greeted = true;
      input = input.subarray(24);
    }
    let at = 0;
    while (input.length - at >= 9) {
      const length = input.readUIntBE(at, 3);
      if (input.length - at < 9 + length) break;
      this.onFrame(input[at + 3], input[at + 4], input.readUInt32BE(at + 5), input.subarray(at + 9, at + 9 + length));
      at += 9 + length;
    }
    this.rest = Buffer.from(input.subarray(at));
    this.flush();
  }

  onFrame(kind, flags, stream, payload) {
    if (kind === type.settings && (flags & ack) === 0)
      this.output.push(frame(type.settings, ack, 0, payload.subarray(0, 0)));
    else if (kind === type.ping && (flags & ack) === 0) this.output.push(frame(type.ping, ack, 0, payload));
    else if (kind === type.windowUpdate && stream === 0) this.onCredit(payload.readUInt32BE(0));
    else if (kind === type.headers || kind === type.data) this.behaviour(this, stream, (flags & endStream) !== 0, kind);
  }

  /** Sends an answer now, or when the client's connection window allows it. */
  answer(stream, answer) {
    if (this.waiting.length > 0 || cost(answer) > this.window) {
      this.waiting.push([stream, answer]);
      return;
    }
    this.window -= cost(answer);
    for (const bytes of answer) {
      const copy = Buffer.from(bytes);
      copy.writeUInt32BE(stream, 5);
      this.output.push(copy);
    }
  }

  onCredit(credit) {
    this.window += credit;
    const { waiting } = this;
    this.waiting = [];
    for (const [stream, answer] of waiting) this.answer(stream, answer);
  }

  flush() {
    if (this.output.length === 0 || this.socket.destroyed) return;
    this.socket.write(Buffer.concat(this.output));
    this.output = [];
  }
}

/** Each is called with a HEADERS or DATA frame's stream, and whether it ended the request. */
const behaviours = {
  small(connection, stream, ended) {
    if (ended) connection.answer(stream, answers.small);
  },
  /** Response headers, and then nothing. */
  hold(connection, stream, ended) {
    if (ended) connection.answer(stream, answers.head);
  },
  /** Of eight: five at once, one with its body later, two altogether later. */
  ragged(connection, stream, ended) {
    if (!ended) return;
    const turn = (stream >> 1) % 8;
    if (turn < 5) return connection.answer(stream, answers.small);
    const later = turn === 5 ? answers.rest : answers.small;
    if (turn === 5) connection.answer(stream, answers.head);
    setTimeout(() => {
      connection.answer(stream, later);
      connection.flush();
    }, turn - 4);
  },
  grpc(connection, stream, ended) {
    if (ended) connection.answer(stream, answers.grpc);
  },
  /** Reads nothing more once a body comes. */
  stall(connection, stream, ended, kind) {
    if (kind === type.data) connection.socket.pause();
    else if (ended) connection.answer(stream, answers.small);
  },
};

const ports = {};
for (const [name, behaviour] of Object.entries(behaviours)) {
  await new Promise((resolve) => {
    const server = createServer((socket) => new Connection(socket, behaviour));
    server.listen(0, '127.0.0.1', 1_024, () => {
      ports[name] = server.address().port;
      resolve();
    });
  });
}
process.stdout.write(`${JSON.stringify(ports)}\n`);
