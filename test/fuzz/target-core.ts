import assert from 'node:assert/strict';
import { TransportError } from '../../dist/errors.js';
import { HealthState, buildRequestFields } from '../../dist/protocol/index.js';
import { encodeFields, type Field } from '../support/hpack.js';
import { frame, settingsPayload, uint32 } from '../support/harness.js';
import { flag, type as frameType } from '../support/raw-server.js';
import { Exchange, World } from './core-world.js';
import { Input } from './input.js';

const headerSets: readonly (readonly Field[])[] = [
  [[':status', '200']],
  [[':status', '103']],
  [
    [':status', '100'],
    ['x', 'y'],
  ],
  [
    [':status', '200'],
    ['content-length', '5'],
  ],
  [
    [':status', '204'],
    ['content-length', '5'],
  ],
  [[':status', '304']],
  [['x-sum', '1']],
  [
    [':status', '500'],
    ['set-cookie', 'a=b'],
  ],
  [[':status', '101']],
  [
    [':status', '200'],
    ['X', 'y'],
  ],
  [
    [':status', '200'],
    ['x', 'v'.repeat(700)],
    ['y', 'v'.repeat(700)],
  ],
  [['x', 'v'.repeat(5_000)]],
  [],
];
const blocks = headerSets.map((fields) => encodeFields(fields));

const requests = ['GET', 'POST', 'HEAD', 'CONNECT'].map((method) => ({
  method,
  fields: (length: number) =>
    buildRequestFields({
      method,
      scheme: 'https',
      authority: 'fuzz.example:443',
      path: method === 'CONNECT' ? '' : '/',
      protocol: undefined,
      fields: length === 0 ? [] : ['x-long', 'v'.repeat(length)],
      contentLength: method === 'POST' ? -1 : 0,
      hasBody: method === 'POST',
      trailerNames: [],
      userAgent: undefined,
      acceptEncoding: undefined,
      expectContinue: false,
      priority: undefined,
    }),
}));

/**
 * A client and a peer that does anything, step by step: the input is a program of what either does, legal or not. What
 * must hold is asserted after each step (core-world.ts) and of every frame written (output-checker.ts).
 */
export function fuzzCore(bytes: Uint8Array): void {
  const input = new Input(bytes);
  const shape = input.byte();
  const play = new Play(new World(shape), input);
  if ((shape & 32) === 0) play.peer(Buffer.concat([frame(frameType.settings, 0, 0), frame(frameType.settings, 1, 0)]));
  for (let steps = 0; !input.ended && steps < 300; steps++) {
    play.step(input.byte());
    play.world.check();
  }
  play.world.finish();
}

class Play {
  readonly world: World;
  private readonly input: Input;
  private last: Buffer = frame(0x99, 0, 0);
  /** How the peer's bytes are cut: 0 not at all. */
  private cut = 0;

  constructor(world: World, input: Input) {
    this.world = world;
    this.input = input;
  }

  step(what: number): void {
    if ((what & 3) === 0) this.client(what >> 2);
    else this.server(what >> 2);
  }

  /** Bytes from the peer, cut as the program says. */
  peer(bytes: Buffer): void {
    this.last = bytes;
    const { world, cut } = this;
    const size = cut === 0 ? bytes.length : cut;
    for (let at = 0; at < bytes.length; at += size) world.connection.receive(bytes.subarray(at, at + size), world.now);
  }

  private client(what: number): void {
    const { world, input } = this;
    const { connection } = world;
    switch (what % 16) {
      case 0:
      case 1:
      case 2:
        return this.open();
      case 3:
      case 4: {
        const exchange = this.one();
        if (exchange === undefined || exchange.sent || exchange.stream.outgoing?.ends === true) return;
        if (exchange.stream.outgoing?.chunk === undefined)
          connection.send(exchange.stream, new Uint8Array(input.long() % 70_000), input.byte() > 128);
        return;
      }
      case 5: {
        const exchange = this.one();
        if (exchange === undefined || exchange.sent || exchange.stream.outgoing?.ends === true) return;
        return tolerate(() => connection.sendTrailers(exchange.stream, ['x-sum', String(input.byte())]));
      }
      case 6: {
        const exchange = this.one();
        if (exchange === undefined) return;
        connection.reset(exchange.stream, input.byte() % 14, world.now);
        exchange.resetByUs ||= !exchange.failed && !(exchange.ended && exchange.sent);
        return;
      }
      case 7:
      case 8: {
        const exchange = this.one();
        if (exchange === undefined) return;
        const read = Math.min(exchange.unread, input.long());
        exchange.unread -= read;
        return connection.consume(exchange.stream, read);
      }
      case 9:
        return world.take(1 + (input.long() % 65_536));
      case 10:
        world.take(65_536);
        return world.taken();
      case 11:
        return world.taken();
      case 12:
        world.now += input.long() % 100_000;
        return connection.tick(world.now);
      case 13:
        return input.byte() < 32 ? connection.goAway(world.now) : connection.probe(world.now);
      case 14:
        if (world.failure === undefined) connection.ping(world.now);
        return;
      default:
        return input.byte() < 16 ? connection.stopReuse(world.now) : connection.forgetPing(1);
    }
  }

  private open(): void {
    const { world, input } = this;
    const { connection } = world;
    if (connection.health(world.now).state !== HealthState.Ready || world.exchanges.length > 40) return;
    const exchange = new Exchange();
    const { method, fields } = requests[input.byte() % requests.length]!;
    const endStream = method === 'GET' || method === 'HEAD';
    tolerate(() => {
      exchange.stream = connection.open(
        {
          fields: fields(input.byte() > 250 ? 20_000 : 0),
          endStream,
          urgency: input.byte() % 8,
          bodyless: method === 'HEAD',
          informationalLimit: 2_000,
        },
        exchange,
        world.now,
      );
      exchange.sent = endStream;
      world.exchanges.push(exchange);
    });
  }

  private one(): Exchange | undefined {
    const { exchanges } = this.world;
    return exchanges[this.input.byte() % Math.max(1, exchanges.length)];
  }

  /** A stream of ours mostly, and now and then any. */
  private streamId(): number {
    const { input } = this;
    const choice = input.byte();
    if (choice > 240) return input.long();
    return 1 + 2 * (choice % Math.max(1, this.world.exchanges.length));
  }

  private server(what: number): void {
    const { input } = this;
    switch (what % 24) {
      case 0:
      case 1:
      case 2:
      case 3:
        return this.headers(blocks[input.byte() % blocks.length]!);
      case 4:
        return this.headers(Buffer.from(input.take(1 + (input.byte() & 63))));
      case 5:
      case 6:
      case 7:
      case 8:
        return this.data();
      case 9:
        return this.peer(frame(frameType.rstStream, 0, this.streamId(), uint32(input.byte() % 16)));
      case 10:
      case 11:
        return this.peer(
          frame(frameType.windowUpdate, 0, input.byte() < 80 ? 0 : this.streamId(), uint32(input.long())),
        );
      case 12:
        return this.settings();
      case 13:
        return this.peer(frame(frameType.settings, flag.ack, 0));
      case 14:
        return this.peer(frame(frameType.ping, input.byte() & 1, 0, uint32(7, 1 + (input.byte() % 8))));
      case 15:
        return this.peer(frame(frameType.goaway, 0, 0, uint32(input.long(), input.byte() % 16)));
      case 16:
        return this.peer(frame(input.byte(), input.byte(), this.streamId(), input.take(input.byte())));
      case 17:
        return this.peer(
          frame(frameType.continuation, input.byte() & 4, this.streamId(), input.take(input.byte() & 31)),
        );
      case 18:
        return this.peer(Buffer.from(input.take(1 + (input.byte() & 31))));
      case 19:
        return this.again();
      case 20:
        this.cut = input.byte() % 24;
        return;
      case 21:
        return this.peer(frame(frameType.priority, 0, this.streamId(), Buffer.alloc(5)));
      case 22:
        return this.peer(frame(frameType.pushPromise, input.byte(), this.streamId(), uint32(input.long())));
      default:
        this.world.connection.lost(undefined, this.world.now);
    }
  }

  /** A block in one frame or several, with or without padding, priority and END_STREAM. */
  private headers(block: Buffer): void {
    const { input } = this;
    const id = this.streamId();
    const how = input.byte();
    const end = (how & 1) !== 0 ? flag.endStream : 0;
    const pieces = (how & 2) !== 0 ? 1 + (how >> 5) : 1;
    const size = Math.max(1, Math.ceil(block.length / pieces));
    const parts: Buffer[] = [];
    for (let at = 0; at === 0 || at < block.length; at += size) {
      const last = at + size >= block.length ? flag.endHeaders : 0;
      const piece = block.subarray(at, at + size);
      if (at > 0) parts.push(frame(frameType.continuation, last, id, piece));
      else if ((how & 4) === 0) parts.push(frame(frameType.headers, last | end, id, piece));
      else {
        const padding = how >> 4;
        const padded = Buffer.concat([Buffer.of(padding), Buffer.alloc(5), piece, Buffer.alloc(padding)]);
        parts.push(frame(frameType.headers, last | end | flag.padded | flag.priority, id, padded));
      }
    }
    this.peer(Buffer.concat(parts));
  }

  private data(): void {
    const { input } = this;
    const id = this.streamId();
    const how = input.byte();
    const length = (how & 6) === 6 ? input.long() % 17_000 : input.byte() % 10;
    const padded = (how & 8) !== 0 && length > 0;
    const payload = Buffer.alloc(length);
    if (padded) payload[0] = how >> 4;
    this.peer(frame(frameType.data, ((how & 1) !== 0 ? flag.endStream : 0) | (padded ? flag.padded : 0), id, payload));
  }

  private settings(): void {
    const { input } = this;
    const value = input.long();
    const which = input.byte() % 10;
    const payload = settingsPayload({
      ...(which === 0 && { headerTableSize: value }),
      ...(which === 1 && { enablePush: value }),
      ...(which === 2 && { maxConcurrentStreams: value }),
      ...((which === 3 || which > 6) && { initialWindowSize: value }),
      ...(which === 4 && { maxFrameSize: value }),
      ...(which === 5 && { maxHeaderListSize: value }),
      ...(which === 6 && { enableConnectProtocol: value }),
    });
    this.peer(frame(frameType.settings, 0, 0, payload));
  }

  /** The last bytes once more, or very often. */
  private again(): void {
    const often = this.input.byte();
    const bytes = this.last;
    const times = bytes.length > 100 ? 1 + (often & 7) : often > 250 ? 1_200 : 1 + often;
    this.peer(Buffer.concat(Array<Buffer>(times).fill(bytes)));
    this.last = bytes;
  }
}

/** Header lists that the peer does not accept are refused with an error of ours; nothing else is. */
function tolerate(action: () => void): void {
  try {
    action();
  } catch (error) {
    assert.ok(error instanceof TransportError && error.code === 'ERR_PASSINGLANE_HEADERS_TOO_LARGE', String(error));
  }
}
