// Origins that are blocked in one way each: HTTP/2 over TLS behind a relay that does to its connections what a network, a
// kernel or a frozen machine does. `node isolation.mjs KEY CERT` prints the port of its control: a client connects there,
// sends `open WAY` and is told a port of its own; `fault` brings about what is wrong there, `count` tells how many
// connections there have been. An origin ends with its control connection.
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { constants, createSecureServer } from 'node:http2';
import { connect, createServer } from 'node:net';
import { createInterface } from 'node:readline';
import { performance } from 'node:perf_hooks';
import process from 'node:process';
import { shaped } from './shaped.mjs';
import { unreadServer } from './unread.mjs';

const { Buffer } = globalThis;
const [keyFile, certFile] = process.argv.slice(2);
const tls = { key: readFileSync(keyFile), cert: readFileSync(certFile) };
const wide = 2 ** 31 - 1;
const second = 1_000;

/** Each is told the origin, and gives what its relay and its server are to do. */
const ways = {
  /** Nothing is wrong. */
  none: () => ({}),
  /** An upload's connection is read no more: the socket fills up. */
  unread: (origin) => ({ onUpload: (pair) => pair.near.pause(), origin }),
  /** An upload is not read by the application: it holds the connection's window. */
  starved: () => ({ server: unreadServer(tls) }),
  'zero-limit': (origin) => ({
    fault: () => origin.sessions.forEach((session) => session.settings({ maxConcurrentStreams: 0 })),
  }),
  'black-hole': (origin) => ({ fault: () => origin.freeze() }),
  'first-swallowed': (origin) => ({ swallows: () => origin.connections === 1 }),
  'all-swallowed': (origin) => {
    let back = Infinity;
    const fault = () => {
      origin.freeze();
      back = performance.now() + 3 * second;
    };
    return { fault, swallows: () => back !== Infinity && performance.now() < back };
  },
  /** Requests that were not acted on are told so, and the port is closed for a moment. */
  'closed-port': (origin) => ({
    holds: () => origin.connections === 1,
    async fault() {
      const open = origin.closePort();
      for (const session of origin.sessions) session.goaway();
      for (const stream of origin.held) stream.close(constants.NGHTTP2_REFUSED_STREAM);
      await sleep(300);
      await open();
    },
  }),
  /** Of two addresses, the process at the first stops: its kernel still takes connections. */
  'frozen-address': (origin) => {
    let frozen = false;
    const fault = () => {
      origin.freeze();
      frozen = true;
    };
    return { addresses: ['127.0.0.1', '127.0.0.2'], fault, swallows: (address) => frozen && address === '127.0.0.1' };
  },
  /** 50 Mbit/s to the client, 10 ms each way, a queue of its own for each connection. */
  'bulk-path': () => ({ shape: { down: { delay: 10, rate: 6_250 }, up: { delay: 10, rate: 6_250 } } }),
  /** What was connected before carries 10 KB/s from now on. */
  'slow-path': (origin) => ({
    shape: { down: { delay: 0, rate: Infinity } },
    fault: () => origin.pairs.forEach((pair) => (pair.down.rate = 10)),
  }),
  /** 5 MB/s from the client, 40 ms each way, shared by all connections. */
  'upload-path': () => {
    const up = { delay: 40, rate: 5_000, free: 0 };
    return { shape: { down: { delay: 40, rate: 5_000 }, up }, shared: up };
  },
};

const sleep = (milliseconds) => new Promise((resolve) => setTimeout(resolve, milliseconds));

class Origin {
  sessions = new Set();
  pairs = new Set();
  connections = 0;
  held = [];
  #sockets = new Set();
  #doors = [];

  async start(name) {
    this.way = ways[name](this);
    this.server = this.way.server ?? this.#http2Server();
    this.server.listen(0, '127.0.0.1');
    await once(this.server, 'listening');
    this.inner = this.server.address().port;
    await this.#open(0);
    return this.port;
  }

  #http2Server() {
    const settings = { initialWindowSize: wide, maxConcurrentStreams: 100 };
    return createSecureServer({ ...tls, settings, maxSessionMemory: 1_000 })
      .on('session', (session) => this.#onSession(session))
      .on('stream', (stream, headers) => this.#onStream(stream, headers));
  }

  async #open(port) {
    for (const address of this.way.addresses ?? ['127.0.0.1']) {
      const door = createServer((near) => this.#relay(near, address));
      door.listen(port, address);
      await once(door, 'listening');
      this.#doors.push(door);
      port = this.port = door.address().port;
    }
  }

  #relay(near, address) {
    this.connections++;
    this.#keep(near);
    if (this.way.swallows?.(address)) return;
    const far = connect(this.inner, '127.0.0.1');
    this.#keep(far);
    const pair = { near, far };
    far.once('connect', () => (pair.id = far.localPort));
    const { shape, shared } = this.way;
    if (shape?.up === undefined) near.pipe(far);
    else pair.up = shaped(near, far, shape.up, shared);
    if (shape?.down === undefined) far.pipe(near);
    else pair.down = shaped(far, near, shape.down);
    this.pairs.add(pair);
    near.on('close', () => far.destroy());
    far.on('close', () => near.destroy());
  }

  #keep(socket) {
    socket.setNoDelay(true);
    this.#sockets.add(socket);
    socket.on('error', () => socket.destroy());
    socket.on('close', () => this.#sockets.delete(socket));
  }

  #onSession(session) {
    session.setLocalWindowSize(wide);
    this.sessions.add(session);
    session.on('close', () => this.sessions.delete(session));
    session.on('error', () => undefined); // a client that leaves
  }

  #onStream(stream, headers) {
    const { ':path': path, 'content-type': kind } = headers;
    const grpc = kind === 'application/grpc';
    stream.on('error', () => undefined);
    if (path === '/wait') return;
    if (path === '/up') {
      const port = stream.session.socket.remotePort;
      this.way.onUpload?.([...this.pairs].find(({ id }) => id === port));
      return stream.resume();
    }
    if (path === '/held' && this.way.holds?.()) return void this.held.push(stream);
    stream.resume();
    stream.respond({ ':status': 200, ...(grpc ? { 'content-type': kind } : {}) }, { waitForTrailers: grpc });
    if (grpc) stream.on('wantTrailers', () => stream.sendTrailers({ 'grpc-status': '0' }));
    if (path === '/down') this.#download(stream, grpc);
    else stream.end(Buffer.alloc(grpc ? 5 : 100));
  }

  /** For ever, as messages of gRPC where it is. */
  #download(stream, grpc) {
    const piece = Buffer.alloc(16_384);
    if (grpc) piece.writeUInt32BE(piece.length - 5, 1);
    const more = () => {
      while (!stream.destroyed && stream.write(piece));
    };
    stream.on('drain', more);
    more();
  }

  /** From now on nothing passes on what is connected, and nobody is told. */
  freeze() {
    for (const { near, far } of this.pairs) {
      near.unpipe();
      far.unpipe();
      near.pause();
      far.pause();
    }
    this.pairs.clear();
  }

  /** What is connected stays so. Returns what opens it again. */
  closePort() {
    for (const door of this.#doors.splice(0)) door.close();
    return () => this.#open(this.port);
  }

  stop() {
    for (const door of this.#doors) door.close();
    for (const socket of this.#sockets) socket.destroy();
    this.server.close();
  }
}

createServer((control) => {
  let origin;
  control.on('error', () => undefined); // its client has ended
  control.on('close', () => origin?.stop());
  const answer = async (line) => {
    const [word, name] = line.split(' ');
    if (word === 'open') control.write(`${await (origin = new Origin()).start(name)}\n`);
    else if (word === 'count') control.write(`${origin.connections}\n`);
    else {
      void origin.way.fault?.();
      control.write('ok\n');
    }
  };
  createInterface(control).on('line', (line) => void answer(line));
})
  .listen(0, '127.0.0.1')
  .on('listening', function () {
    console.log(this.address().port);
  });
