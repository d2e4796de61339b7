// No client at all: the bytes of a download read from a socket and counted, the bytes of an upload written from one
// buffer with all its frame headers made beforehand. What any client in JavaScript pays for the socket alone.
import { once } from 'node:events';
import { connect as connectTcp } from 'node:net';
import { connect as connectTls } from 'node:tls';

const Type = { data: 0, headers: 1, settings: 4, windowUpdate: 8 };
const ack = 1;
const endStream = 1;
const endHeaders = 4;
const maxData = 16_384;
const framesAWrite = 7; // 112 KiB, about what our own writes are
const greatest = 2 ** 31 - 1;
const initialWindowSize = 4;

function frame(type, flags, streamId, payload) {
  const bytes = globalThis.Buffer.alloc(9 + payload.length);
  bytes.writeUIntBE(payload.length, 0, 3);
  bytes.set([type, flags], 3);
  bytes.writeUInt32BE(streamId, 5);
  bytes.set(payload, 9);
  return bytes;
}

const uint32 = (...values) => {
  const bytes = globalThis.Buffer.alloc(4 * values.length);
  values.forEach((value, i) => bytes.writeUInt32BE(value, 4 * i));
  return bytes;
};
const preface = globalThis.Buffer.concat([
  globalThis.Buffer.from('PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n'),
  frame(
    Type.settings,
    0,
    0,
    globalThis.Buffer.concat([globalThis.Buffer.from([0, initialWindowSize]), uint32(greatest)]),
  ),
  frame(Type.windowUpdate, 0, 0, uint32(greatest - 65_535)),
]);

/** The fields of a request, none of them compressed but by the static table. */
function fields(origin, method, path) {
  const { host, protocol } = new URL(origin);
  const literal = (index, text) => globalThis.Buffer.from([index, text.length, ...globalThis.Buffer.from(text)]);
  const indexed = [method === 'GET' ? 0x82 : 0x83, protocol === 'https:' ? 0x87 : 0x86];
  return globalThis.Buffer.concat([globalThis.Buffer.from(indexed), literal(1, host), literal(4, path)]);
}

/** Reads frames only so far as to find where each ends; those of a few bytes are given whole. */
class Frames {
  #frame = globalThis.Buffer.alloc(9 + 64);
  #have = 0;
  #want = 9;
  #skip = 0;
  #onFrame;

  constructor(onFrame) {
    this.#onFrame = onFrame;
  }

  take(bytes, length) {
    let at = 0;
    while (at < length) {
      if (this.#skip > 0) {
        const some = Math.min(this.#skip, length - at);
        this.#skip -= some;
        at += some;
      } else {
        this.#frame[this.#have++] = bytes[at++];
        if (this.#have === 9) this.#begin(this.#frame.readUIntBE(0, 3));
      }
      if (this.#have === this.#want && this.#skip === 0) this.#end();
    }
  }

  #begin(length) {
    if (length <= 64 && this.#frame[3] !== Type.data) this.#want = 9 + length;
    else this.#skip = length;
  }

  #end() {
    const payload = this.#frame.subarray(9, this.#want);
    this.#have = 0;
    this.#want = 9;
    this.#onFrame(this.#frame, payload);
  }
}

export async function open(job) {
  const { hostname, port, protocol } = new URL(job.origin);
  const buffer = globalThis.Buffer.alloc(65_536);
  let received = 0;
  let initial = 65_535;
  let connectionWindow = 65_535;
  let streamWindow = 0;
  let wake = () => undefined;
  let ended = () => undefined;
  let settled;
  const settings = new Promise((resolve) => (settled = resolve));
  const woken = () => new Promise((resolve) => (wake = resolve));

  const frames = new Frames((header, payload) => {
    const [type, flags] = header.subarray(3);
    if (type === Type.data) received += header.readUIntBE(0, 3);
    if (type === Type.windowUpdate) {
      if (header.readUInt32BE(5) === 0) connectionWindow += payload.readUInt32BE();
      else streamWindow += payload.readUInt32BE();
      wake();
    }
    if (type === Type.settings && (flags & ack) === 0) {
      for (let i = 0; i < payload.length; i += 6)
        if (payload.readUInt16BE(i) === initialWindowSize) initial = payload.readUInt32BE(i + 2);
      socket.write(frame(Type.settings, ack, 0, []));
      settled();
    }
    if ((type === Type.data || type === Type.headers) && (flags & endStream) !== 0) ended();
  });
  const callback = (length) => {
    frames.take(buffer, length);
    return true;
  };
  const options = { host: hostname, port: Number(port), onread: { buffer, callback } };
  const tls = { ca: job.ca, ALPNProtocols: ['h2'] };
  const socket = protocol === 'https:' ? connectTls({ ...options, ...tls }) : connectTcp(options);
  await once(socket, protocol === 'https:' ? 'secureConnect' : 'connect');
  socket.setNoDelay(true);
  socket.on('drain', () => wake());
  socket.write(preface);
  await settings;
  let streamId = -1;

  const start = (method, path) => {
    streamId += 2;
    streamWindow = initial;
    const flags = endHeaders | (method === 'GET' ? endStream : 0);
    socket.write(frame(Type.headers, flags, streamId, fields(job.origin, method, path)));
    return new Promise((resolve) => (ended = resolve));
  };

  return {
    async download(size) {
      received = 0;
      await start('GET', `/bytes-${size}`);
      socket.write(frame(Type.windowUpdate, 0, 0, uint32(size)));
      return received;
    },
    async upload(size) {
      const answered = start('POST', '/sink');
      const one = frame(Type.data, 0, streamId, globalThis.Buffer.alloc(maxData));
      const many = globalThis.Buffer.concat(Array.from({ length: framesAWrite }, () => one));
      for (let left = size; left > 0;) {
        const count = Math.min(framesAWrite, left / maxData);
        while (Math.min(connectionWindow, streamWindow) < count * maxData) await woken();
        connectionWindow -= count * maxData;
        streamWindow -= count * maxData;
        left -= count * maxData;
        const bytes = many.subarray(0, count * one.length);
        if (!socket.write(bytes)) await woken();
      }
      socket.write(frame(Type.data, endStream, streamId, []));
      await answered;
      return size;
    },
    close: async () => void socket.destroy(),
  };
}
